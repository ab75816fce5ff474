/**
 * What went wrong, as a value: its kind (whose move is next), a sentence for the person, and what is needed to go on.
 * Service messages, ids and stacks never enter `say`; `detail` is for the log and is never shown.
 * This file must not know status codes (remotes/answer.ts does) or cards.
 */
import { type Say, say } from './say.ts';

/** Kinds of problem, chosen by whose move is next (one row each in {@link PROBLEM_KINDS}). */
export type ProblemKind = 'input' | 'denied' | 'gone' | 'clash' | 'refused' | 'busy' | 'down' | 'unsure' | 'bug';

export interface Problem {
  readonly kind: ProblemKind;
  /** The sentence for the person. */
  readonly say: Say;
  /** The field of the form the fault belongs to. */
  readonly field?: string;
  /** For the log only: never shown, never audited. */
  readonly detail?: string;
  /** How long the remote asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** What the remote said, reduced to a stable word a capability can decide on, e.g. `alreadyMember`. */
  readonly reason?: string;
  /** Where in what was sent the fault lies, as the remote names it, e.g. `details.dealValue`. Never shown. */
  readonly at?: string;
  /** Until when somebody is waited for to mend it, epoch ms. */
  readonly until?: number;
}

/**
 * The reasons of whatever needs a person to sign in first; the request rests until that person has. `signInAgain`: what
 * they have does not do, so it may not be renewed in silence.
 */
export const SIGN_IN = 'signIn';
export const SIGN_IN_AGAIN = 'signInAgain';

/** The reason of a request in whose place another was sent. */
export const REPLACED = 'replaced';

/** The reason of a request that came too late: trying it again can only fail again. */
export const TOO_LATE = 'tooLate';

export const isSignIn = (why: Problem | null | undefined): boolean =>
  why?.reason === SIGN_IN || why?.reason === SIGN_IN_AGAIN;

interface KindRow {
  /** Whose move is next. */
  readonly move: 'asker' | 'admin' | 'usher' | 'nobody';
  /** May the very same call be sent again without looking first? */
  readonly repeat: 'yes' | 'look first' | 'no';
  readonly tone: 'attention' | 'warning' | 'neutral';
  /** HTTP status when the problem answers an HTTP request of ours. */
  readonly status: number;
}

/** One row per kind: a new kind cannot be forgotten anywhere, the compiler asks for it here. */
export const PROBLEM_KINDS: Readonly<Record<ProblemKind, KindRow>> = {
  input: { move: 'asker', repeat: 'no', tone: 'attention', status: 400 },
  denied: { move: 'admin', repeat: 'no', tone: 'attention', status: 403 },
  gone: { move: 'asker', repeat: 'no', tone: 'warning', status: 404 },
  clash: { move: 'asker', repeat: 'look first', tone: 'warning', status: 409 },
  refused: { move: 'admin', repeat: 'no', tone: 'attention', status: 422 },
  busy: { move: 'usher', repeat: 'yes', tone: 'neutral', status: 429 },
  down: { move: 'usher', repeat: 'look first', tone: 'warning', status: 503 },
  unsure: { move: 'asker', repeat: 'no', tone: 'warning', status: 504 },
  bug: { move: 'nobody', repeat: 'no', tone: 'attention', status: 500 },
};

/** Makes a {@link Problem}; `say` may be given as a catalogue key. */
export function problem(kind: ProblemKind, sentence: Say | string, more: Omit<Problem, 'kind' | 'say'> = {}): Problem {
  return { kind, say: typeof sentence === 'string' ? say(sentence) : sentence, ...more };
}

/** A value or the problem that stands in its place: expected errors are never thrown. */
export type Result<T, P = Problem> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: P };

export const good = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });
export const bad = <P>(fault: P): { ok: false; problem: P } => ({ ok: false, problem: fault });
