/**
 * Events of Partner Center to the registered address: signed, one after another for each referral, tried again when they
 * were not taken, held back or sent out of order when a test asks (Partner Center docs, webhooks and webhook-events). Must
 * not know routes.
 */
import { randomUUID } from 'node:crypto';
import { type Delivery, postJson } from './courier.ts';
import { partnerTime, type Referral, type WebhookRecord } from './partnerWorld.ts';
import type { Room } from './room.ts';

/** The events that may be registered for. */
export type WebhookEvent = 'referral-created' | 'referral-updated' | 'test-created';

const limitMs = 10_000;
const keptEvents = 1000;
/** The address an event names is of another host than the API (Partner Center docs, webhook-events). */
const resourceRoot = 'https://api.partnercenter.microsoft.com';
const chains = new WeakMap<Room, Map<string, Promise<void>>>();

/** One line per event, which is what `/control/wait?webhooks=` looks at: `sent 202 {body}`. */
export function webhookLine(record: WebhookRecord): string {
  return `${record.state} ${record.status ?? '-'} ${record.body}`;
}

/** The body of an event as it goes over the wire. */
export function eventBody(name: WebhookEvent, id: string): string {
  const isTest = name === 'test-created';
  const path = isTest ? `webhooks/v1/registration/validationEvents/${id}` : `engagements/v1/referrals/${id}`;
  return JSON.stringify({
    EventName: name,
    ResourceUri: `${resourceRoot}/${path}`,
    ResourceName: isTest ? 'test' : 'referral',
    AuditUri: null,
    ResourceChangeUtcDate: partnerTime().replace('Z', '+00:00'),
  });
}

/** Posts bytes to the bot once, with these headers. */
export function postEvent(to: string, body: string, headers: Record<string, string>): Promise<Delivery> {
  return postJson(to, body, { limitMs, authorization: null, userAgent: 'PartnerCenter-Webhooks/1.0', headers });
}

/** Writes down an event before it goes. */
export function recordEvent(
  room: Room,
  given: Pick<WebhookRecord, 'to' | 'body' | 'referral' | 'correlationId' | 'state'>,
): WebhookRecord {
  const { events } = room.world.partner;
  const at = new Date().toISOString();
  const record: WebhookRecord = { n: (events.at(-1)?.n ?? 0) + 1, at, ...given, status: null, tries: [] };
  events.push(record);
  if (events.length > keptEvents) events.shift();
  room.happenings.tell('webhook', record);
  return record;
}

/** Notes how a try went. */
export function noteEventTry(room: Room, record: WebhookRecord, delivery: Delivery): void {
  const { status, error, ms } = delivery;
  record.status = status;
  record.state = 'sent';
  record.tries.push({ at: new Date().toISOString(), status, error, ms });
  room.happenings.tell('webhook', record);
}

/** Tells the page and, where it is registered for, the bot that a referral came or changed. */
export function tellChange(room: Room, name: WebhookEvent, referral: Referral): void {
  room.happenings.tell('partner', { referral: referral.id });
  send(room, name, referral.id, { referral: referral.id, correlationId: null });
}

/** Sends a trial event; its correlation id, or undefined when nobody registered for trials. */
export function sendTrial(room: Room): string | undefined {
  const correlationId = randomUUID();
  return send(room, 'test-created', correlationId, { referral: null, correlationId }) ? correlationId : undefined;
}

function send(
  room: Room,
  name: WebhookEvent,
  id: string,
  about: Pick<WebhookRecord, 'referral' | 'correlationId'>,
): boolean {
  const { registration, holding } = room.world.partner;
  if (!registration?.webhookEvents.includes(name)) return false;
  const state = room.world.settings.webhooksOff ? 'off' : holding ? 'held' : 'waiting';
  const record = recordEvent(room, { to: registration.webhookUrl, body: eventBody(name, id), ...about, state });
  if (state === 'waiting') queue(room, record);
  return true;
}

/** Lets out what was held back, one after another; gives the records with what the bot answered. */
export async function releaseEvents(room: Room, reversed: boolean): Promise<WebhookRecord[]> {
  const { partner } = room.world;
  partner.holding = false;
  const held = partner.events.filter((record) => record.state === 'held');
  if (reversed) held.reverse();
  for (const record of held) record.state = 'waiting';
  const { era } = room.telephony;
  for (const record of held) if (era === room.telephony.era) await deliverEvent(room, record, era);
  return held;
}

/** Events of one referral go one after another, each with all its tries. */
function queue(room: Room, record: WebhookRecord): void {
  const waiting = chains.get(room) ?? new Map<string, Promise<void>>();
  chains.set(room, waiting);
  const { era } = room.telephony;
  // What waits from before a reset waits for ever.
  const key = `${era} ${record.referral ?? ''}`;
  const next = (waiting.get(key) ?? Promise.resolve()).then(async () => {
    await deliverEvent(room, record, era);
    if (waiting.get(key) === next) waiting.delete(key);
  });
  waiting.set(key, next);
}

/** Tries until it is taken or the tries are used up; signs anew each time, as the address may have changed its mind. */
async function deliverEvent(room: Room, record: WebhookRecord, era: number): Promise<void> {
  for (let pauseMs = room.world.settings.webhookPauseMs; ; pauseMs *= 2) {
    if (era !== room.telephony.era) return;
    const ownHeader = room.world.partner.registration?.signatureInOwnHeader ?? false;
    const headers = await room.certificates.sign(record.body, { ownHeader });
    const delivery = await postEvent(record.to, record.body, headers);
    if (era !== room.telephony.era) return;
    noteEventTry(room, record, delivery);
    const isTaken = delivery.status >= 200 && delivery.status < 300;
    if (isTaken || record.tries.length >= room.world.settings.webhookTries) return;
    await new Promise<void>((resolve) => {
      room.telephony.after(pauseMs, resolve);
    });
  }
}
