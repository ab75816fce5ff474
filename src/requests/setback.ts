/**
 * What becomes of a request whose call was not answered as hoped: slowed down, not signed in, or not heard of. The one
 * place where it is decided whether a call may be made again. Pure; must not know the store, the remotes or any capability.
 */
import { pauseMs } from './backoff.ts';
import type { Call, Reply } from './capability.ts';
import { isSignIn, type Problem, problem } from './problem.ts';
import { say } from './say.ts';
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
  if (now - request.createdAt > patience.giveUpMs) return { fails: problem('busy', 'problem.busyForLong') };
  const wait = why.retryAfterMs ?? pauseMs(request.attempts, patience);
  const tries = Math.min(request.attempts + 1, patience.maxAttempts - 1);
  return {
    gateUntil: now + wait,
    rests: {
      state: 'queued',
      forget: 'unheard',
      nextAt: now + wait,
      // Only our own guesses grow; a wait the remote named is taken as told.
      attempts: why.retryAfterMs === undefined ? tries : request.attempts,
      note: say('request.note.slowed', { seconds: Math.ceil(wait / 1000) }),
      visible: true,
      audit: [line(request, 'slowed down', { waitMs: wait })],
    },
  };
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
