/**
 * What Partner Center says of a referral, read from its words: that one came or changed, which, and when. Pure; takes from
 * the notice an id and a time and nothing to follow: the referral itself is read from the address Usher was configured with.
 * Must not know HTTP, certificates, or what anybody makes of a notice.
 * Shapes: Partner Center docs, "partner-center-webhooks" and "referral-connectors".
 */
import { z } from 'zod/v4';

export interface ReferralNotice {
  /** `test`: somebody tries the registration; it is about no referral. */
  readonly event: 'created' | 'updated' | 'test';
  /** Null for a test alone. */
  readonly referralId: string | null;
  /** When the referral changed, epoch ms. */
  readonly changedAt: number;
}

/** What one webhook brought, under a signature that was checked. */
export interface ReferralCallback {
  /**
   * From the webhook's own address; null when it names none (or none that could be ours). The signature covers the body
   * and not the address, so whoever takes the notice sees for itself that it is about the request's referral.
   */
  readonly requestId: string | null;
  readonly notice: ReferralNotice;
}

const EVENTS: Readonly<Record<string, ReferralNotice['event']>> = {
  'referral-created': 'created',
  'referral-updated': 'updated',
  'test-created': 'test',
};

const Named = z.object({ EventName: z.string().min(1).max(200) });
const Told = z.object({ ResourceUri: z.string().max(2000), ResourceChangeUtcDate: z.string().max(50) });

/** The notice in a webhook's body. `unknown`: an event Usher does not care for. Null: it cannot be understood. */
export function readReferralNotice(json: unknown): ReferralNotice | 'unknown' | null {
  const named = Named.safeParse(json);
  if (!named.success) return null;
  const name = named.data.EventName.trim().toLowerCase();
  const event = Object.hasOwn(EVENTS, name) ? EVENTS[name] : undefined;
  if (!event) return 'unknown';
  const told = Told.safeParse(json);
  const changedAt = told.success ? timeOf(told.data.ResourceChangeUtcDate) : null;
  if (!told.success || changedAt === null) return null;
  const referralId = event === 'test' ? null : idIn(told.data.ResourceUri);
  return event !== 'test' && referralId === null ? null : { event, referralId, changedAt };
}

/** The same for two notices that say the same, so that one that comes again is one. */
export function keyOf({ event, referralId, changedAt }: ReferralNotice): string {
  return `referral ${event} ${referralId ?? ''} ${changedAt}`;
}

/** The last word of the path; whatever is before it (a host, another API) does not count. */
function idIn(uri: string): string | null {
  const last =
    uri
      .replace(/[?#].*$/s, '')

      .split('/')
      .at(-1) ?? '';
  return /^[\w-]{1,100}$/.test(last) ? last : null;
}

/** A time with or without its zone: the field's name says that it is UTC. */
function timeOf(text: string): number | null {
  const [, local, zone = 'Z'] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)?$/i.exec(text) ?? [];
  const time = local === undefined ? Number.NaN : Date.parse(`${local}${zone}`.toUpperCase());
  return Number.isNaN(time) ? null : time;
}
