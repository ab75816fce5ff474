/**
 * Sends the calling service's notifications to the bot over HTTP, signed; tries again when the bot is away; keeps what was
 * sent. Callbacks of one call leave in order, those that are tried again later. How the real service retries is not
 * documented. Must not know what a notification says.
 */
import { type Delivery, postJson } from './courier.ts';
import type { Room } from './room.ts';
import type { GraphCall } from './telephony.ts';

/** One callback and what became of it. */
export interface CallbackRecord {
  /** Counts from 1; `replay` of the control API goes by it. */
  n: number;
  at: string;
  /** Id of the call; null for one sent by hand without a call. */
  call: string | null;
  to: string;
  body: unknown;
  /** `held` waits for its release, `off` is never sent. */
  state: 'waiting' | 'held' | 'off' | 'sent';
  /** What the bot answered last; 0 when it did not, null before the first try. */
  status: number | null;
  tries: { at: string; status: number; error: string | null; ms: number }[];
}

const keptCallbacks = 3000;
const limitMs = 5000;
const chains = new WeakMap<Room, Map<string, Promise<void>>>();

/** One line per callback, which is what `/control/wait?callbacks=` looks at: `sent 202 {body}`. */
export function callbackLine(record: CallbackRecord): string {
  return `${record.state} ${record.status ?? '-'} ${JSON.stringify(record.body)}`;
}

/** Posts one body to the bot once. `authorization` undefined signs as the calling service does. */
export async function postCallback(
  room: Room,
  to: string,
  body: unknown,
  authorization?: string | null,
): Promise<Delivery> {
  const header = authorization === undefined ? `Bearer ${await room.callsKeys.sign()}` : authorization;
  return postJson(to, body, { limitMs, authorization: header, userAgent: 'Microsoft-Skype/3.0,(Calling/1.0)' });
}

/** Writes down a callback before it goes. */
export function recordCallback(
  room: Room,
  given: { call: string | null; to: string; body: unknown; state: CallbackRecord['state'] },
): CallbackRecord {
  const { callbacks } = room.telephony;
  const at = new Date().toISOString();
  const record: CallbackRecord = { n: (callbacks.at(-1)?.n ?? 0) + 1, at, ...given, status: null, tries: [] };
  callbacks.push(record);
  if (callbacks.length > keptCallbacks) callbacks.shift();
  return record;
}

/** Notes how a try went. */
export function noteTry(room: Room, record: CallbackRecord, delivery: Delivery): void {
  const { status, error, ms } = delivery;
  record.status = status;
  record.state = 'sent';
  record.tries.push({ at: new Date().toISOString(), status, error, ms });
  room.happenings.tell('callback', record);
}

/**
 * Tells the bot something about its call: now, later or never, as the settings and the hold say. Resolves after the first
 * try, or at once when there is none.
 */
export async function tell(room: Room, call: GraphCall, body: unknown): Promise<void> {
  const { telephony } = room;
  const state = room.world.settings.callbacksOff ? 'off' : telephony.holding ? 'held' : 'waiting';
  const record = recordCallback(room, { call: call.id, to: call.callbackUri, body, state });
  if (state === 'waiting') await queue(room, record);
  else room.happenings.tell('callback', record);
}

/** Lets out what was held back, one after another; gives the records with what the bot answered. */
export async function release(room: Room, reversed: boolean): Promise<CallbackRecord[]> {
  room.telephony.holding = false;
  const held = room.telephony.callbacks.filter((record) => record.state === 'held');
  if (reversed) held.reverse();
  for (const record of held) record.state = 'waiting';
  const { era } = room.telephony;
  for (const record of held) if (era === room.telephony.era) await attempt(room, record);
  return held;
}

/** First tries of one call go one after another. */
function queue(room: Room, record: CallbackRecord): Promise<void> {
  const waiting = chains.get(room) ?? new Map<string, Promise<void>>();
  chains.set(room, waiting);
  const key = record.call ?? '';
  const { era } = room.telephony;
  const next = (waiting.get(key) ?? Promise.resolve()).then(async () => {
    if (era === room.telephony.era) await attempt(room, record);
    if (waiting.get(key) === next) waiting.delete(key);
  });
  waiting.set(key, next);
  return next;
}

/** Tries once, and again after a growing pause when the bot was away or unwell. A refusal (4xx) is final. */
async function attempt(room: Room, record: CallbackRecord): Promise<void> {
  const { telephony } = room;
  const { era } = telephony;
  const delivery = await postCallback(room, record.to, record.body);
  if (era !== telephony.era) return;
  noteTry(room, record, delivery);
  const { callbackTries, callbackPauseMs } = room.world.settings;
  const again = delivery.status === 0 || delivery.status >= 500;
  if (!again || record.tries.length >= callbackTries) return;
  telephony.after(callbackPauseMs * 3 ** (record.tries.length - 1), () => void attempt(room, record));
}
