/**
 * What becomes of a list once all its invitations have gone: it rests while guests of it are awaited, looks now and then how
 * many have accepted, brings the others to mind as often as the policy says, and ends. Its guests have no messages of
 * their own, so whoever sent the list hears of them by this. Pure; must not know the store, cards or what a row means.
 */
import type { Facts, Step } from '../requests/capability.ts';
import type { Tally } from '../requests/many/rows.ts';
import { chatWith } from '../requests/request.ts';
import type { BatchOutcome } from './batch.ts';

/** How it goes on with those who were invited. Times in epoch ms. */
export interface Follow {
  /** When the last invitation had gone. */
  readonly since: number;
  /** How often it was said that somebody has not accepted, and when that fell due last, whether or not it may be said. */
  readonly reminders: { readonly times: number; readonly at: number };
  /** Lists made of those who were awaited, so that it is sent to them again: how many, and when the last. */
  readonly lists?: { readonly times: number; readonly at: number };
}

/** What the list hears when somebody wants the next list of those who are awaited. */
export const remindKey = ({ round, follow }: Pick<BatchOutcome, 'round' | 'follow'>): string =>
  `remind:${round}:${(follow?.lists?.times ?? 0) + 1}`;

type Before = Pick<BatchOutcome, 'tally' | 'follow' | 'lookMs' | 'round'>;

/** Somebody asked for a list of those who are awaited, and there are any. */
export const wantsList = (before: Before, { followed }: Tally, signals: Facts<BatchOutcome>['signals']): boolean =>
  before.follow !== undefined && (followed?.awaited ?? 0) > 0 && signals.some(({ key }) => key === remindKey(before));

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** It looks as often as the directory is looked through, and more and more seldom while nobody accepts. */
const LOOK_MS = 15 * MINUTE_MS;
const LOOK_MOST_MS = 4 * 60 * MINUTE_MS;
/** What falls due at once leaves others their turn first. */
const LEAST_MS = 1_000;

/** The next step of a list of which nothing is under way. `before`: what it knew when it last looked. */
export function followUp(
  before: Before,
  found: BatchOutcome,
  { now, policy, requester, place, signals }: Facts<BatchOutcome>,
): Step<BatchOutcome> {
  const { awaited = 0, silent = 0, accepted = 0 } = found.tally.followed ?? {};
  // Nobody ever was: those who were found had accepted before.
  if (awaited === 0 && !before.follow) return { kind: 'done', outcome: found, standing: 'sent' };
  const told = (what: string) => ({
    shows: [{ place: chatWith(requester.id, place, what), audience: 'asker' as const }],
  });
  const lookMs = before.follow ? nextLook(before, found.tally) : LOOK_MS;
  const follow = before.follow ?? { since: now, reminders: { times: 0, at: 0 } };
  const known: BatchOutcome = { ...found, follow, lookMs };
  const over = { kind: 'done', outcome: { ...known, lookMs: LOOK_MS }, standing: 'sent' } as const;
  // An edited card is seen by nobody who does not look: that all is over is told once.
  if (awaited === 0) return accepted > 0 ? { ...over, ...told(`accepted.${follow.since}`) } : over;
  if (wantsList(before, found.tally, signals)) {
    const lists = { times: (follow.lists?.times ?? 0) + 1, at: now };
    return {
      kind: 'rows',
      what: 'remind',
      key: remindKey(before),
      outcome: { ...known, follow: { ...follow, lists } },
    };
  }
  const dueIn = (last: number): number => last + policy.remindAfterDays * DAY_MS - now;
  const { since, reminders, lists } = follow;
  const left = dueIn(Math.max(since, reminders.at, lists?.at ?? 0));
  if (left > 0) return rest(known, Math.min(lookMs, left));
  // Nobody is told of them for ever, and whoever accepts after that is counted all the same.
  if (reminders.times >= policy.reminders) {
    const at = reminders.at === 0 ? now : reminders.at;
    return rest({ ...known, follow: { ...follow, reminders: { ...reminders, at } } }, lookMs);
  }
  const reminded: Follow = { ...follow, reminders: { times: reminders.times + 1, at: now } };
  const step = rest({ ...known, follow: reminded }, Math.min(lookMs, dueIn(now)));
  // Who has a card of their own, or was handed over, is told of by themselves.
  return silent > 0 ? { ...step, ...told(`reminder.${now}`) } : step;
}

const rest = (outcome: BatchOutcome, forMs: number) =>
  // What the gate heard once is asked anew should rows be sent again.
  ({ kind: 'later', waits: true, fresh: true, forMs: Math.max(forMs, LEAST_MS), outcome, standing: 'sent' }) as const;

function nextLook({ tally, lookMs }: Pick<BatchOutcome, 'tally' | 'lookMs'>, found: Tally): number {
  // Its card offers the next list as soon as this one is sent, cancelled or over.
  const isSame = !found.offered && JSON.stringify(tally) === JSON.stringify(found);
  return isSame ? Math.min(lookMs * 2, LOOK_MOST_MS) : LOOK_MS;
}
