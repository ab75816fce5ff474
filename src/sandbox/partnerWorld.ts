/**
 * What Partner Center remembers: the partner's organization, who has which role, the referrals, the webhook and what was
 * posted to it. Data and look-ups; it must not know HTTP, or who may do what.
 */
import type { Delivery } from './courier.ts';

/** Roles of Partner Center that may use referrals (Partner Center docs, referrals: App+User). */
export const referralRoles = ['Referrals Admin', 'Referrals User'] as const;
/** Name of such a role. */
export type ReferralRole = (typeof referralRoles)[number];

/** Microsoft as an organization in engagements. */
export const microsoft = { id: 'msft', name: 'Microsoft' } as const;

/** A referral with the property names of the service; what a caller sent beyond these is kept as it is. */
export interface Referral {
  id: string;
  engagementId: string;
  organizationId: string;
  organizationName: string;
  eTag: string;
  createdDateTime: string;
  updatedDateTime: string;
  expirationDateTime: string | null;
  acceptedDateTime: string | null;
  closedDateTime: string | null;
  status: string;
  substatus: string;
  statusReason: string | null;
  type: string;
  direction: 'Incoming' | 'Outgoing';
  name: string | null;
  [property: string]: unknown;
}

/** Where events are posted; one for the whole partner. */
export interface Registration {
  subscriberId: string;
  webhookUrl: string;
  webhookEvents: string[];
  /** Whether the signature goes into `x-ms-signature` instead of `Authorization`. */
  signatureInOwnHeader: boolean;
}

/** One event and what became of it. */
export interface WebhookRecord {
  /** Counts from 1; `replay` of the control API goes by it. */
  n: number;
  at: string;
  to: string;
  /** The bytes that are signed and sent. */
  body: string;
  /** Id of the referral; null for a trial. Events of one referral are posted one after another. */
  referral: string | null;
  correlationId: string | null;
  state: 'waiting' | 'held' | 'off' | 'sent';
  /** What was answered last; 0 when nobody did, null before the first try. */
  status: number | null;
  tries: { at: string; status: number; error: Delivery['error']; ms: number }[];
}

/** How Partner Center behaves; see `POST /control/settings`. */
export interface PartnerSettings {
  /** Referrals on one page of a list. Documented: 100. */
  referralPageSize: number;
  /** Where a next link points: to the documented but useless address, or to a host that must never get a token. */
  nextLink: 'documented' | 'foreign';
  /** How often an event is tried, the first time included. Documented: 10. */
  webhookTries: number;
  /** Pause before the second try, in ms; each further one is twice as long. */
  webhookPauseMs: number;
  /** Sends no events at all. */
  webhooksOff: boolean;
}

/** The settings of the first morning. */
export const partnerDefaults: PartnerSettings = {
  referralPageSize: 100,
  nextLink: 'documented',
  webhookTries: 4,
  webhookPauseMs: 100,
  webhooksOff: false,
};

/** The memory of Partner Center in one sandbox. */
export interface PartnerWorld {
  organization: { id: string; name: string; mpnId: string };
  /** Roles by the object id of the user. */
  roles: Record<string, ReferralRole[]>;
  referrals: Referral[];
  registration: Registration | null;
  events: WebhookRecord[];
  /** Whether events are held back instead of posted. */
  holding: boolean;
}

let last = { ms: 0, tick: 0 };
/** Now, with seven digits behind the second as the service writes it, and never the same twice in a process. */
export function partnerTime(): string {
  const ms = Math.max(Date.now(), last.ms);
  last = { ms, tick: ms === last.ms ? last.tick + 1 : 0 };
  return longTime(ms, last.tick);
}

/** A moment with seven digits behind the second. */
export function longTime(ms: number, tick = 0): string {
  return `${new Date(ms).toISOString().slice(0, -1)}${String(tick).padStart(4, '0')}Z`;
}

let lastTag = Date.now();
/** A new eTag; its quotes are part of it. */
export function newETag(): string {
  lastTag += 1;
  return `"00006d10-0000-0000-0000-${lastTag.toString(16).padStart(12, '0')}"`;
}

/** A referral by its id. */
export function findReferral(partner: PartnerWorld, id: string): Referral | undefined {
  return partner.referrals.find((one) => one.id.toLowerCase() === id.toLowerCase());
}
