/**
 * The moments in the life of an HTTP call at which a process is killed, and how it comes to die at one of them. For the
 * kill tests only; must not know any call.
 */
import type { Order, Succession } from './killScene.ts';

/** `worked`: what was asked for is done although nobody heard of it. */
interface AnyMoment {
  readonly name: string;
  readonly worked: boolean;
}
/** The process kills itself. */
export interface ExactMoment extends AnyMoment {
  readonly at: Order['at'];
}
/** The call stays for as long as nobody is killed, so that several can be cut off by one kill. */
export interface HeldMoment extends AnyMoment {
  readonly fault: 'hold' | 'slow' | 'late';
  readonly ms?: number;
}
export type Moment = ExactMoment | HeldMoment;

export const MOMENTS: readonly Moment[] = [
  { name: 'before it leaves', at: 'create', worked: false },
  { name: 'while it is held and nothing is done', fault: 'hold', worked: false },
  { name: 'while it is held and all is done', fault: 'slow', worked: true },
  { name: 'right after its answer', at: 'trailers', worked: true },
];

/** A call, among those that are made from now on. */
export interface Target {
  readonly remote: 'graph' | 'connector' | 'partner' | 'tokens';
  readonly method: string;
  readonly path: string;
  /** How many such calls there are until it is meant, itself included; 1 when left out. */
  readonly nth?: number;
}

/** Far longer than it takes to kill. */
const HELD_MS = 10_000;

/** Brings about a call that is held from then on. */
export async function hold(
  succession: Succession,
  { nth = 1, ...call }: Target,
  { fault, ms = HELD_MS }: HeldMoment,
  wish: () => unknown,
): Promise<void> {
  // Those before it are let through, by a fault that does next to nothing.
  if (nth > 1) await succession.town.fault({ ...call, kind: 'slow', ms: 0, times: nth - 1 });
  const { met } = await succession.meet({ ...call, kind: fault, ms });
  wish();
  await met;
}

/** Brings about a call, at this moment of which the process dies. */
export async function dieAt(
  succession: Succession,
  target: Target,
  moment: Moment,
  wish: () => unknown,
): Promise<void> {
  if ('fault' in moment) {
    await hold(succession, target, moment, wish);
    return succession.dead('now');
  }
  const { remote, method, path, nth = 1 } = target;
  succession.order({ at: moment.at, call: new RegExp(`^${method} /${remote}/.*${path}`), nth });
  wish();
  return succession.dead('by order');
}
