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

export const heldFirst = (moments: readonly Moment[]): readonly Moment[] => [
  ...moments.filter((moment) => 'fault' in moment),
  ...moments.filter((moment) => 'at' in moment),
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

/** Whether others may be cut off by the same kill: the call can be kept at its moment. */
export const isKept = ({ remote }: Target, moment: Moment): boolean => 'fault' in moment || remote !== 'connector';

/** Brings about a call that stays at this moment from then on. */
export async function keepAt(
  succession: Succession,
  target: Target,
  moment: Moment,
  wish: () => unknown,
): Promise<void> {
  if ('at' in moment) return succession.stay(orderFor(target, moment), wish);
  const { nth = 1, ...call } = target;
  // Those before it are let through, by a fault that does next to nothing.
  if (nth > 1) await succession.town.fault({ ...call, kind: 'slow', ms: 0, times: nth - 1 });
  const { met } = await succession.meet({ ...call, kind: moment.fault, ms: moment.ms ?? HELD_MS });
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
    await keepAt(succession, target, moment, wish);
    return succession.dead('now');
  }
  succession.order(orderFor(target, moment));
  wish();
  return succession.dead('by order');
}

const orderFor = ({ remote, method, path, nth = 1 }: Target, { at }: ExactMoment): Order => ({
  at,
  call: new RegExp(`^${method} /${remote}/.*${path}`),
  nth,
});
