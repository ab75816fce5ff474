/**
 * What happens once somebody is invited or has come in: waits for them to accept, brings them to mind, tells their sponsor,
 * asks about their last day, removes whom the policy says. The request costs nothing while it waits; it goes on when it
 * hears something or when something falls due. A pure function; must not know HTTP, cards or the store.
 */
import type { z } from 'zod/v4';
import type { Answer, Facts, Reply, Step } from '../../requests/capability.ts';
import { chatWith } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import { groupsCall, type Look, lookCall, pick, removeCall } from './calls.ts';
import type { GuestInput } from './input.ts';
import { addressOf, type GuestOutcome } from './outcome.ts';
import { accepted, type Due, dueOf, gone, heardOf, type Known } from './stay.ts';
import { call } from './steps.ts';
import { sweepFor } from './sweep.ts';

/** What could not be done or seen is tried again after this. */
const AGAIN_MS = 3600_000;
const REMOVE_AGAIN_MS = 24 * 3600_000;
/** Something falls due at once: others that are due have their turn first. */
const LEAST_MS = 1_000;

/** The occasion for which the sponsor gets a message of its own; `always`: they are to do something, or somebody is gone. */
type Tells = { readonly tells?: string; readonly always?: true };

/** The next step of a stay, from what is known of it, the answers of this round, and what was heard. */
export function followUp(
  input: GuestInput,
  before: Known,
  answers: readonly Answer[],
  facts: Facts<GuestOutcome>,
): Step<GuestOutcome> {
  const heard = (name: string): Reply | undefined =>
    answers.findLast((answer) => answer.call.name === name)?.reply ?? undefined;
  const look = heard('look');
  const known = seen(heardOf(before, facts.signals), look, input, facts.now);
  const { stay } = known;
  const { by } = stay.removed ?? {};
  if (known.standing === 'removed')
    return over(known, facts, by && by.id === sponsorOf(known, facts) ? {} : { tells: 'removed' });

  const hasAccepted = known.standing === 'accepted' && before.standing === 'pending';
  if (hasAccepted) {
    const groups = heard('groups');
    const isToBeAsked = stay.isInTeam === undefined && !input.team && known.userId !== undefined;
    if (isToBeAsked && !groups) return call(groupsCall(known.userId ?? ''));
    const isInTeam = groups?.ok ? (groups.body['value'] as readonly unknown[]).length > 0 : null;
    return goOn({ ...known, stay: { isInTeam, ...stay } }, facts, { tells: `accepted ${stay.resetAt ?? 0}` });
  }
  // Whoever is answerable from now on sees whom for.
  if (stay.sponsor?.id !== before.stay.sponsor?.id) return goOn(known, facts, { tells: 'sponsor' });

  const due = dueOf(known, facts);
  if (!due || due.at > facts.now) return goOn(known, facts);
  // Before anything is said or done they are looked at: what was true when it was planned may be over.
  if (!look) return call(lookCall(known.userId, addressOf(input.address, known)));
  if (!look.ok && look.problem.kind !== 'gone') return rest(known, facts, AGAIN_MS);
  return doDue(due, known, facts, heard('remove'));
}

/** What the directory said of them just now. */
function seen(known: Known, look: Reply | undefined, { address }: GuestInput, now: number): Known {
  if (!look) return known;
  if (!look.ok) return look.problem.kind === 'gone' ? gone(known, now, 'elsewhere') : known;
  const { value, ...one } = look.body as z.infer<typeof Look>;
  const user = value ? pick(value, addressOf(address, known)) : one;
  // Somebody said that the invitation arrived; the directory has had its time by now.
  if (!user?.id) return gone(known, now, 'elsewhere');
  const looked = { ...known, userId: user.id, stay: { ...known.stay, lookedAt: now } };
  if (user.externalUserState === 'PendingAcceptance') return looked;
  return accepted(looked, now, user.externalUserStateChangeDateTime ?? null);
}

/** What fell due is done: the sponsor hears of it, or the guest is removed. */
function doDue(
  { what }: Due,
  known: Known,
  facts: Facts<GuestOutcome>,
  removal: Reply | undefined,
): Step<GuestOutcome> {
  const { stay } = known;
  const { now } = facts;
  switch (what) {
    case 'look':
      return goOn(known, facts);
    case 'remind': {
      const reminders = { times: stay.reminders.times + 1, at: now };
      return goOn({ ...known, stay: { ...stay, reminders } }, facts, { tells: `reminder ${now}` });
    }
    case 'ask': {
      const about = stay.until ?? '';
      const asked = { about, times: (stay.asked?.about === about ? stay.asked.times : 0) + 1, at: now };
      return goOn({ ...known, stay: { ...stay, asked } }, facts, { tells: `end ${now}`, always: true });
    }
    case 'purge':
    case 'end': {
      if (!removal) return call(removeCall(known.userId ?? ''));
      if (removal.ok || removal.problem.kind === 'gone')
        return over(gone(known, now, what === 'end' ? 'ended' : 'never accepted'), facts, {
          tells: 'removed',
          always: true,
        });
      const trouble = say('guest.stay.notRemoved', { why: removal.problem.say });
      return rest(
        { ...known, stay: { ...stay, trouble } },
        facts,
        REMOVE_AGAIN_MS,
        stay.trouble ? {} : { tells: `trouble ${now}`, always: true },
      );
    }
  }
}

/** Waits for what comes next; over, when nothing will. */
function goOn(known: Known, facts: Facts<GuestOutcome>, tells: Tells = {}): Step<GuestOutcome> {
  const due = dueOf(known, facts);
  return due ? rest(known, facts, due.at - facts.now, tells) : over(known, facts, tells);
}

const rest = (known: Known, facts: Facts<GuestOutcome>, forMs: number, tells: Tells = {}): Step<GuestOutcome> => ({
  kind: 'later',
  waits: true,
  fresh: true,
  forMs: Math.max(forMs, LEAST_MS),
  ...(known.standing === 'pending' ? { files: sweepFor(facts.place.tenantId, facts.now) } : {}),
  ...said(known, facts, tells),
});

const over = (known: Known, facts: Facts<GuestOutcome>, tells: Tells): Step<GuestOutcome> => ({
  kind: 'done',
  ...said(known, facts, tells),
});

function said(known: Known, facts: Facts<GuestOutcome>, { tells, always }: Tells) {
  const { address } = known.stay;
  return {
    outcome: known,
    standing: known.standing,
    ...(address ? { subject: address.toLowerCase() } : {}),
    ...(tells
      ? {
          shows: [
            {
              place: chatWith(sponsorOf(known, facts), facts.place, tells.replaceAll(' ', '.')),
              audience: 'asker' as const,
              ...(always ? { always } : {}),
            },
          ],
        }
      : {}),
  };
}

const sponsorOf = ({ stay }: Known, { requester }: Facts<GuestOutcome>): string => stay.sponsor?.id ?? requester.id;
