/**
 * The stay of a guest as facts: what is heard of it from outside, and what falls due next by the policy. Pure; must not know
 * calls, cards or the store.
 */
import type { Facts, Signal } from '../../requests/capability.ts';
import { hourOf } from '../days.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome, Removal, Stay } from './outcome.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

/** Somebody who has not accepted is looked at so often, whatever else is heard: no card waits for ever. */
const LOOK_MS = 30 * DAY_MS;
/** The hour at which a sponsor is asked something, in their own time zone. */
const MORNING = 8;
/** Once the last day is over the sponsor is asked again after this, then after twice, four times as long … */
const ASK_AGAIN_MS = 7 * DAY_MS;

/**
 * What a guest's request may hear: from the sweep, and from what people ask for afterwards. The key is the word, so that the
 * latest of a kind counts; each body tells one time from the next.
 */
export type Heard =
  | { readonly key: 'accepted'; readonly body: { readonly since: string | null } }
  | { readonly key: 'mailed'; readonly body: { readonly id: string } }
  | { readonly key: 'reset'; readonly body: { readonly id: string; readonly address: string } }
  | { readonly key: 'extended'; readonly body: { readonly id: string; readonly until: string } }
  | {
      readonly key: 'handed over';
      readonly body: { readonly id: string; readonly sponsor: { readonly id: string; readonly name: string } };
    }
  | {
      readonly key: 'removed';
      readonly body: { readonly id: string; readonly by: { readonly id: string; readonly name: string } };
    };

/** What will be done next about a guest, and when (epoch ms). */
export interface Due {
  readonly what: 'look' | 'remind' | 'purge' | 'ask' | 'end';
  readonly at: number;
}

/** Somebody whose stay has begun. */
export type Known = GuestOutcome & { readonly stay: Stay };

/** The stay as it begins: somebody was invited, or found here. */
export function begun(outcome: GuestOutcome, { until }: GuestInput, now: number): Known {
  const stay: Stay = {
    since: now,
    mailedAt: outcome.mailed ? now : null,
    ...(outcome.standing === 'accepted' ? { acceptedAt: now, isInTeam: null } : {}),
    ...(until ? { until } : {}),
    reminders: { times: 0, at: 0 },
    lookedAt: now,
  };
  return { ...outcome, stay };
}

/** The stay with all that was heard put in, oldest first. Hearing the same again changes nothing. */
export function heardOf(known: Known, signals: readonly Signal[]): Known {
  return signals.reduce((so, { key, body, at }) => hear(so, { key, body } as Heard, at), known);
}

function hear(known: Known, { key, body }: Heard, at: number): Known {
  const { stay } = known;
  const now = (changed: Partial<Stay>): Known => ({ ...known, stay: { ...stay, ...changed } });
  // Nothing that is said of somebody brings them back.
  if (stay.removed) return known;
  switch (key) {
    case 'accepted':
      // What was accepted before a reset has to be accepted anew, however late that is heard of.
      return Math.min(at, body.since ? Date.parse(body.since) : at) < (stay.resetAt ?? 0)
        ? known
        : accepted(known, at, body.since);
    case 'mailed':
      return now({ mailedAt: Math.max(stay.mailedAt ?? 0, at) });
    case 'reset': {
      if (stay.resetAt === at) return known;
      const { acceptedAt: _before, ...rest } = stay;
      const { since: _then, redeemUrl: _dead, ...others } = known;
      return { ...others, standing: 'pending', stay: { ...rest, resetAt: at, mailedAt: at, address: body.address } };
    }
    case 'extended':
      return now({ until: body.until, extendedAt: at });
    case 'handed over':
      return now({ sponsor: body.sponsor });
    case 'removed':
      return gone(known, at, 'asked', body.by);
  }
}

/** They have accepted; `since` as the directory says it. */
export function accepted(known: Known, at: number, since: string | null): Known {
  if (known.standing === 'accepted') return known;
  const { redeemUrl: _used, ...rest } = known;
  return {
    ...rest,
    standing: 'accepted',
    ...(since ? { since } : {}),
    stay: { ...known.stay, acceptedAt: at },
  };
}

export function gone(known: Known, at: number, why: Removal['why'], by?: Removal['by']): Known {
  const { redeemUrl: _dead, ...rest } = known;
  const { trouble: _over, ...stay } = known.stay;
  return { ...rest, standing: 'removed', stay: { ...stay, removed: { at, why, ...(by ? { by } : {}) } } };
}

/** What falls due next, whether its time has come or not. Null: nothing ever will. */
export function dueOf(known: Known, facts: Pick<Facts, 'policy' | 'requester'>): Due | null {
  const { stay, standing, did } = known;
  const { policy } = facts;
  const dues: Due[] = [];
  // Only whom this request brought in is removed by itself: who was here before is somebody else's guest as well.
  const isOurs = did === 'invited' && known.userId !== undefined;
  if (standing === 'pending') {
    const invitedAt = stay.resetAt ?? stay.since;
    if (policy.purgeAfterDays !== null && isOurs)
      dues.push({ what: 'purge', at: invitedAt + policy.purgeAfterDays * DAY_MS });
    const lastMove = Math.max(invitedAt, stay.mailedAt ?? 0, stay.reminders.at);
    if (stay.reminders.times < policy.reminders)
      dues.push({ what: 'remind', at: lastMove + policy.remindAfterDays * DAY_MS });
    dues.push({ what: 'look', at: stay.lookedAt + LOOK_MS });
  }
  if (stay.until !== undefined) {
    const isOver = hourOf(stay.until, 0, facts.requester, 1);
    const ask = askAt({ ...stay, until: stay.until }, isOver, facts);
    const ends = policy.removeAtEnd && isOurs;
    if (ends) dues.push({ what: 'end', at: isOver });
    if (!ends || ask < isOver) dues.push({ what: 'ask', at: ask });
  }
  return dues.reduce<Due | null>((first, one) => (first === null || one.at < first.at ? one : first), null);
}

/** When the sponsor is asked (again) about the last day: before it, right after it, and ever more seldom. */
function askAt(
  { until, since, extendedAt = 0, asked }: Stay & { readonly until: string },
  isOver: number,
  { policy, requester }: Pick<Facts, 'policy' | 'requester'>,
): number {
  const times = asked?.about === until ? asked.times : 0;
  const [morningAfter, lastMorning] = [isOver + MORNING * HOUR_MS, hourOf(until, MORNING, requester)];
  if (times > 1) return (asked?.at ?? 0) + ASK_AGAIN_MS * 2 ** Math.min(times - 2, 6);
  if (times === 1) return Math.max(morningAfter, asked?.at ?? 0);
  // Whoever just said how long is not asked about it on the same day, unless that is the last.
  const said = Math.max(since, extendedAt);
  const warned = hourOf(until, MORNING, requester, -policy.warnBeforeEndDays);
  return Math.max(Math.min(Math.max(warned, said + DAY_MS), lastMorning), Math.min(said + HOUR_MS, isOver));
}
