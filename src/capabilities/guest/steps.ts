/** The steps that are made of one thing, for all of a guest's steps. */
import type { Call, Step } from '../../requests/capability.ts';
import type { Problem } from '../../requests/problem.ts';
import type { GuestOutcome } from './outcome.ts';

export const call = (one: Call): Step<GuestOutcome> => ({ kind: 'call', call: one });

/** A failure; `achieved` is what holds in spite of it. */
export const fail = (why: Problem, achieved?: GuestOutcome): Extract<Step<GuestOutcome>, { kind: 'fail' }> =>
  achieved === undefined
    ? { kind: 'fail', problem: why }
    : { kind: 'fail', problem: why, outcome: achieved, standing: achieved.standing };
