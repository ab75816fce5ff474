/**
 * What becomes of a request whose call was not answered as hoped: slowed down, not signed in, or not heard of. The one
 * place where it is decided whether a call may be made again. Pure; must not know the store, the remotes or any capability.
 */
import { pauseMs } from './backoff.ts';
import type { Call, Reply } from './capability.ts';
import { isSignIn, type Problem, problem } from './problem.ts';
import type { Request } from './request.ts';
import { type Say, say } from './say.ts';
import type { Line, Undated, Work } from './work.ts';

/** Times in milliseconds. */
export interface Patience {
  /** First and longest pause between tries of a step whose remote is down. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** Tries in a row before the request ends as failed or unsure. */
  readonly maxAttempts: number;
  /** How long a throttled request waits in all before it ends as failed. */
  readonly giveUpMs: number;
  /** How long a lost call is given to show up in the directory before the look-up believes what it sees. */
  readonly settleMs: number;
}

/*
 * What is remembered of a call, and by what:
 * - `answers`: each call that was marked as sent, with its reply once there is one; forgotten when a step begins anew.
 * - `lost`: calls that were sent and of which nothing was heard; never forgotten, so that whoever goes on looks first.
 * - `attempts`: losses in a row; a remote that asks for patience proves that nothing was done, and counts for nothing.
 * - the note `slowed`: since when a remote has been asking for patience.
 */

/** What to do: rest (and let everybody wait at the remote's gate), end, or hand the capability a reply. */
export type Setback =
  | { readonly rests: Undated; readonly gateUntil?: number }
  | { readonly fails: Problem; readonly achieved?: Partial<Undated> }
  | { readonly unsure: true }
  | { readonly reply: Reply };

/** How long somebody is waited for to sign in. */
const SIGN_IN_MS = 14 * 24 * 3600_000;

/** A call, when it was sent, and why it was not answered as hoped. */
export interface Unanswered {
  readonly call: Call;
  /** Epoch ms. */
  readonly sentAt: number;
  readonly why: Problem;
}

/** Whether such an answer says nothing that the capability could go by. */
export const isSetback = (why: Problem): boolean => why.kind === 'busy' || why.kind === 'down' || isSignIn(why);

export function setbackOf(work: Work, unanswered: Unanswered, now: number, patience: Patience, line: Line): Setback {
  const { why } = unanswered;
  if (isSignIn(why)) return signedOut(work, why, now, line);
  return why.kind === 'busy' ? slowed(work, why, now, patience, line) : lost(work, unanswered, now, patience, line);
}

/** The remote asked for patience: everybody waits at its gate. A call answered so was certainly not carried out. */
function slowed({ request }: Work, why: Problem, now: number, patience: Patience, line: Line): Setback {
  const before = slowedBefore(request);
  const since = before?.since ?? now;
  if (now - since > patience.giveUpMs) return { fails: problem('busy', 'problem.busyForLong') };
  const times = before?.times ?? 0;
  const wait = why.retryAfterMs ?? pauseMs(times, patience);
  return {
    gateUntil: now + wait,
    rests: {
      state: 'queued',
      forget: 'unheard',
      nextAt: now + wait,
      note: slowedNote(wait, since, why.retryAfterMs === undefined ? times + 1 : times),
      visible: true,
      audit: [line(request, 'slowed down', { waitMs: wait })],
    },
  };
}

/** Since when it is slowed down without having gone on, and how often nobody said for how long: kept with the note. */
function slowedBefore({ note }: Request): { readonly since: number; readonly times: number } | null {
  const { since, times = 0 } = note?.key === SLOWED ? (note.with ?? {}) : {};
  return typeof since === 'number' && typeof times === 'number' ? { since, times } : null;
}

const SLOWED = 'request.note.slowed';
const slowedNote = (waitMs: number, since: number, times: number): Say =>
  say(SLOWED, { seconds: Math.ceil(waitMs / 1000), since, times });

/** Waits at a gate that is closed already, before the call. */
export function heldBy({ request }: Work, opensAt: number, now: number): Undated {
  const { since, times } = slowedBefore(request) ?? { since: now, times: 0 };
  return { state: 'queued', nextAt: opensAt, note: slowedNote(opensAt - now, since, times), visible: true, audit: [] };
}

/** Only whoever asked can go on, by signing in. Nothing was sent, or what was sent was not let in. */
function signedOut({ request }: Work, why: Problem, now: number, line: Line): Setback {
  const waits = isSignIn(request.problem) ? request.problem : null;
  const until = waits?.until ?? now + SIGN_IN_MS;
  if (until <= now) return { fails: problem('denied', 'problem.signInExpired'), achieved: { forget: 'unheard' } };
  return {
    rests: {
      state: 'waiting',
      forget: 'unheard',
      nextAt: until,
      signals: request.signals,
      problem: { ...why, until },
      note: null,
      visible: waits?.say.key !== why.say.key,
      audit: waits ? [] : [line(request, 'waits for sign-in')],
    },
  };
}

/** No answer, or one that says nothing about what was done: what may happen now is the call's `repeat`. */
function lost(
  { request, answers }: Work,
  { call, sentAt, why }: Unanswered,
  now: number,
  patience: Patience,
  line: Line,
): Setback {
  const attempts = request.attempts + 1;
  if (call.repeat === 'never') return { unsure: true };
  if (call.repeat === 'tell') return { reply: { ok: false, problem: { ...why, kind: 'unsure' } } };
  if (attempts >= patience.maxAttempts) {
    // A lost call that no look-up has spoken about since may have arrived.
    const looked = answers.some((answer) => answer.reply?.ok);
    if (call.repeat === 'restart' || (request.lost.length > 0 && !looked)) return { unsure: true };
    // What that means for the request (is the guest invited already?) the capability knows.
    return { reply: { ok: false, problem: why } };
  }
  const pause = why.retryAfterMs ?? pauseMs(request.attempts, patience);
  // A 503 that names a time speaks for the whole remote.
  const gate = why.retryAfterMs === undefined ? {} : { gateUntil: now + pause };
  if (call.repeat === 'safe') {
    const note = say('request.note.retrying');
    const visible = request.note?.key !== note.key;
    return { ...gate, rests: { state: 'queued', attempts, nextAt: now + pause, note, visible, audit: [] } };
  }
  return {
    ...gate,
    rests: {
      state: 'queued',
      forget: 'all',
      lost: [...request.lost, { call, at: sentAt }],
      attempts,
      nextAt: Math.max(sentAt + patience.settleMs, now + pause),
      note: say('request.note.looking'),
      visible: true,
      audit: [line(request, 'call lost', { call: call.name })],
    },
  };
}
