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
  /** How often it was said that somebody has not accepted, and when last. */
  readonly reminders: { readonly times: number; readonly at: number };
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** It looks as often as the directory is looked through, and more and more seldom while nobody accepts. */
const LOOK_MS = 15 * MINUTE_MS;
const LOOK_MOST_MS = 4 * 60 * MINUTE_MS;
/** What falls due at once leaves others their turn first. */
const LEAST_MS = 1_000;

/** The next step of a list of which nothing is under way. `before`: what it knew when it last looked. */
export function followUp(
  before: Pick<BatchOutcome, 'tally' | 'follow' | 'lookMs'>,
  found: BatchOutcome,
  { now, policy, requester, place }: Facts<BatchOutcome>,
): Step<BatchOutcome> {
  const { awaited = 0, silent = 0, accepted = 0 } = found.tally.followed ?? {};
  const told = (what: string) => ({
    shows: [{ place: chatWith(requester.id, place, what), audience: 'asker' as const }],
  });
  if (awaited === 0) {
    if (!before.follow) return { kind: 'done', outcome: found, standing: 'sent' };
    const outcome = { ...found, follow: before.follow };
    // An edited card is seen by nobody who does not look: that all is over is told once.
    return { kind: 'done', outcome, standing: 'sent', ...(accepted > 0 ? told(`accepted.${now}`) : {}) };
  }
  const follow = before.follow ?? { since: now, reminders: { times: 0, at: 0 } };
  const { since, reminders } = follow;
  const dueIn = (last: number): number => last + policy.remindAfterDays * DAY_MS - now;
  const lookMs = before.follow ? nextLook(before, found.tally) : LOOK_MS;
  const left = dueIn(Math.max(since, reminders.at));
  if (left > 0) return rest({ ...found, follow, lookMs }, Math.min(lookMs, left));
  // Nobody is told of them for ever: what was counted last stands.
  if (reminders.times >= policy.reminders) return { kind: 'done', outcome: { ...found, follow }, standing: 'sent' };
  const reminded = { since, reminders: { times: reminders.times + 1, at: now } };
  const step = rest({ ...found, follow: reminded, lookMs }, Math.min(lookMs, dueIn(now)));
  // Who has a card of their own, or was handed over, is told of by themselves.
  return silent > 0 ? { ...step, ...told(`reminder.${now}`) } : step;
}

const rest = (outcome: BatchOutcome, forMs: number) =>
  // What the gate heard once is asked anew should rows be sent again.
  ({ kind: 'later', waits: true, fresh: true, forMs: Math.max(forMs, LEAST_MS), outcome, standing: 'sent' }) as const;

function nextLook({ tally, lookMs }: Pick<BatchOutcome, 'tally' | 'lookMs'>, found: Tally): number {
  const isSame = JSON.stringify(tally) === JSON.stringify(found);
  return isSame ? Math.min(lookMs * 2, LOOK_MOST_MS) : LOOK_MS;
}
