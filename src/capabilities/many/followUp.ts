/**
 * What becomes of a list once all its invitations have gone: it rests while guests of it are awaited or have a last day,
 * looks now and then how many have accepted, brings the others to mind as often as the policy says, tells whose last day is
 * near, over or dealt with, and ends. Its guests have no messages of their own, so whoever sent the list hears of them by
 * this. Pure; must not know the store, cards or what a row means.
 */
import type { Facts, Step } from '../../requests/capability.ts';
import { type Ends, LIST_SENT, type Tally } from '../../requests/many/rows.ts';
import { chatWith } from '../../requests/request.ts';
import type { BatchOutcome } from './batch.ts';

/** How it goes on with those who were invited. Times in epoch ms. */
export interface Follow {
  /** When the last invitation had gone. */
  readonly since: number;
  /** How often it was said that somebody has not accepted, and when that fell due last, whether or not it may be said. */
  readonly reminders: { readonly times: number; readonly at: number };
  /** Lists made of those who were awaited, so that it is sent to them again: how many, and when the last. */
  readonly lists?: { readonly times: number; readonly at: number };
  /** Nobody is awaited, and that needs no more telling. */
  readonly isCome?: true;
}

/** Up to when it was told who was asked about and who was removed (epoch ms), and of how many who could not be. */
export interface ToldEnds {
  readonly askedAt: number;
  readonly removedAt: number;
  readonly stuck: number;
}

/** What the list hears when somebody wants the next list of those who are awaited. */
export const remindKey = ({ round, follow }: Pick<BatchOutcome, 'round' | 'follow'>): string =>
  `remind:${round}:${(follow?.lists?.times ?? 0) + 1}`;

type Before = Pick<BatchOutcome, 'tally' | 'follow' | 'lookMs' | 'round' | 'told'>;

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
/** How long it takes to ask about a guest, or to remove them: about Microsoft's own pace. */
const EACH_MS = 40;
const NOTHING_TOLD: ToldEnds = { askedAt: 0, removedAt: 0, stuck: 0 };

/** The next step of a list of which nothing is under way. `before`: what it knew when it last looked. */
export function followUp(
  before: Before,
  found: BatchOutcome,
  { now, policy, requester, place, signals }: Facts<BatchOutcome>,
): Step<BatchOutcome> {
  const { followed: { awaited = 0, silent = 0, accepted = 0 } = {}, ends } = found.tally;
  // Whoever never accepts is removed once, and that is told.
  const isLeaving = (ends?.open ?? 0) > 0 || (awaited > 0 && policy.purgeAfterDays !== null);
  const toldEnds = endsTold(ends, before.told);
  const isEndNews = isNews(toldEnds, before.told);
  // Nobody ever was awaited: those who were found had accepted before.
  if (awaited === 0 && !before.follow && !isLeaving && !isEndNews)
    return { kind: 'done', outcome: found, standing: LIST_SENT };
  const follow = before.follow ?? { since: now, reminders: { times: 0, at: 0 } };
  const lookMs = before.follow ? nextLook(before, found.tally) : LOOK_MS;
  const known = { ...found, lookMs };
  if (wantsList(before, found.tally, signals)) {
    const lists = { times: (follow.lists?.times ?? 0) + 1, at: now };
    // What is new of last days is told by the next step.
    const key = remindKey(before);
    return { kind: 'rows', what: 'remind', key, outcome: { ...known, follow: { ...follow, lists } } };
  }
  const wait = awaited > 0 ? awaiting(follow, silent, now, policy) : arrived(follow, before.follow ? accepted : 0);
  // An edited card is seen by nobody who does not look: what is new is told in the chat of whoever sent the list, once.
  const tells = isEndNews ? `ends.${now}` : wait.tells;
  const outcome: BatchOutcome = { ...known, follow: wait.follow, ...(toldEnds ? { told: toldEnds } : {}) };
  const told = tells ? { shows: [{ place: chatWith(requester.id, place, tells), audience: 'asker' as const }] } : {};
  if (wait.leftMs === null && !isLeaving)
    return { kind: 'done', outcome: { ...outcome, lookMs: LOOK_MS }, standing: LIST_SENT, ...told };
  return { ...rest(outcome, Math.min(lookMs, wait.leftMs ?? lookMs, endsIn(ends, now) ?? lookMs)), ...told };
}

/** What is to be told of those who are awaited or have come, and when something falls due; null: nothing will. */
interface Wait {
  readonly follow: Follow;
  readonly tells: string | null;
  readonly leftMs: number | null;
}

function awaiting(
  { isCome: _not, ...follow }: Follow,
  silent: number,
  now: number,
  { remindAfterDays, reminders: most }: Facts['policy'],
): Wait {
  const dueIn = (last: number): number => last + remindAfterDays * DAY_MS - now;
  const { since, reminders, lists } = follow;
  const leftMs = dueIn(Math.max(since, reminders.at, lists?.at ?? 0));
  if (leftMs > 0) return { follow, tells: null, leftMs };
  // Nobody is told of them for ever, and whoever accepts after that is counted all the same.
  if (reminders.times >= most) {
    const at = reminders.at === 0 ? now : reminders.at;
    return { follow: { ...follow, reminders: { ...reminders, at } }, tells: null, leftMs: LOOK_MOST_MS };
  }
  return {
    follow: { ...follow, reminders: { times: reminders.times + 1, at: now } },
    // Who has a card of their own, or was handed over, is told of by themselves.
    tells: silent > 0 ? `reminder.${now}` : null,
    leftMs: dueIn(now),
  };
}

/** That all is over is told once. */
function arrived(follow: Follow, accepted: number): Wait {
  const isNew = !follow.isCome && accepted > 0;
  return { follow: { ...follow, isCome: true }, tells: isNew ? `accepted.${follow.since}` : null, leftMs: null };
}

/** What is told of last days by now. While requests are under way it stays as it was: one message tells of them all. */
function endsTold(ends: Ends | undefined, before: ToldEnds | undefined): ToldEnds | undefined {
  if (!ends || ends.busy > 0) return before;
  const { askedAt = 0, removedAt = 0 } = before ?? {};
  return {
    askedAt: Math.max(askedAt, ends.askedAt),
    removedAt: Math.max(removedAt, ends.removedAt),
    // Whoever could be removed after all may be followed by another who cannot.
    stuck: ends.stuck,
  };
}

const isNews = (told: ToldEnds | undefined, { askedAt, removedAt, stuck } = NOTHING_TOLD): boolean =>
  told !== undefined && (told.askedAt > askedAt || told.removedAt > removedAt || told.stuck > stuck);

/** The guests' own requests fall due first, and then it looks what came of that. */
function endsIn(ends: Ends | undefined, now: number): number | null {
  if (!ends || ends.nextAt === null) return null;
  return Math.max(ends.nextAt - now, 0) + turnMs(ends);
}

/** How long a list gives its guests' requests, so that it neither looks at each of them nor keeps anybody waiting. */
const turnMs = ({ open }: Ends): number => Math.min(LEAST_MS + open * EACH_MS, MINUTE_MS);

const rest = (outcome: BatchOutcome, forMs: number) =>
  // What the gate heard once is asked anew should rows be sent again.
  ({
    kind: 'later',
    waits: true,
    fresh: true,
    forMs: Math.max(forMs, LEAST_MS),
    outcome,
    standing: LIST_SENT,
  }) as const;

function nextLook({ tally, lookMs }: Pick<BatchOutcome, 'tally' | 'lookMs'>, found: Tally): number {
  // Its card offers the next list as soon as this one is sent, cancelled or over.
  const isSame = !found.offered && JSON.stringify(tally) === JSON.stringify(found);
  const { ends } = found;
  // Some are under way, and are through soon, unless the directory is away.
  if (ends && ends.busy > 0) return isSame ? Math.min(lookMs * 2, MINUTE_MS) : turnMs(ends);
  return isSame ? Math.min(lookMs * 2, LOOK_MOST_MS) : LOOK_MS;
}
