/**
 * How fast calls of one kind may leave, all processes together: each takes the next slot of a line kept in the store. Who
 * takes a slot a little ahead waits in hand; who takes a later one rests until then and owns it meanwhile, so that nobody
 * who waits holds up others. Must not know what the calls do.
 */
import type { Call } from './capability.ts';
import type { Clock } from './ports.ts';
import { say } from './say.ts';
import type { Undated, Work } from './work.ts';

/** What Microsoft allows of each kind, per tenant and for all apps together (Graph docs, throttling-limits). */
export const PACES = {
  /** 150 requests on /invitations in 5 s. */
  invitations: { limit: 150, windowMs: 5_000 },
} as const;
export type PaceName = keyof typeof PACES;

/** The part of the quota that is used: two slots of each window are left for clocks and networks that are not even. */
const USED = 148 / 150;
/** Who waits for at most this long waits in hand; resting and being claimed again takes two commits. */
const IN_HAND_MS = 100;
/** A slot that has been over for longer is lost: two calls in one slot's time would be a burst. */
const LATE_MS = 40;
/** Who waits for longer than this is told so. */
const TOLD_MS = 3_000;

/** Between two slots, in microseconds, rounded up. */
export const everyUs = (name: PaceName): number =>
  Math.ceil((PACES[name].windowMs * 1000) / (PACES[name].limit * USED));

export interface PaceStore {
  /**
   * Takes the next `count` slots of a line, one after the other; answers when the first of them is, in epoch microseconds.
   * One statement, shared by all processes. A line that nobody used is free at once; what was not used is not made up for.
   */
  takeSlots(line: string, count: number, now: number, everyUs: number): Promise<number>;
}

const PACED = 'request.note.paced';

/** The slot this request owns already, epoch ms. */
function slotOf({ request: { note } }: Work): number | null {
  const slot = note?.key === PACED ? note.with?.['slot'] : undefined;
  return typeof slot === 'number' ? slot : null;
}

/** When a call may leave: now (having waited in hand), or later: then the request rests as said. */
export async function takeTurn(
  work: Work,
  call: Call,
  store: PaceStore,
  clock: Clock,
): Promise<{ readonly now: true } | { readonly rests: Undated }> {
  if (!call.pace) return { now: true };
  const owned = slotOf(work);
  const isOwned = owned !== null && clock.now() <= owned + LATE_MS;
  const slot = isOwned ? owned : (await store.takeSlots(call.pace, 1, clock.now(), everyUs(call.pace))) / 1000;
  const wait = slot - clock.now();
  if (wait > IN_HAND_MS)
    return {
      rests: {
        state: 'queued',
        nextAt: slot,
        note: say(PACED, { slot, seconds: Math.ceil(wait / 1000) }),
        visible: wait > TOLD_MS,
        audit: [],
      },
    };
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  return { now: true };
}
