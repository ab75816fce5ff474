/**
 * A referral as Usher knows it: what is kept of what Partner Center tells, which moves it allows, and how it is told.
 * Pure; must not know HTTP or what is done next. Shapes: Partner Center referrals, "referral resources"; which status may
 * follow which: the same, "ReferralStatus" and "ReferralSubstatus".
 */
import { z } from 'zod/v4';
import { type Say, say } from '../../requests/say.ts';
import type { Button, Story } from '../../requests/story.ts';

const text = z.string().nullish().catch(null);
const Member = z.looseObject({ firstName: text, lastName: text, email: text, phoneNumber: text });

/** What is used of a referral. The service sends much more, and null for most of it. */
export const Deal = z.object({
  id: z.string().min(1).max(200),
  engagementId: text,
  eTag: text,
  name: text,
  status: z.string(),
  substatus: text,
  statusReason: text,
  type: text,
  qualification: text,
  direction: text,
  organizationId: text,
  organizationName: text,
  externalReferenceId: text,
  createdDateTime: text,
  updatedDateTime: text,
  expirationDateTime: text,
  customerProfile: z
    .object({ name: text, address: z.object({ country: text }).nullish().catch(null), team: z.array(Member).catch([]) })
    .nullish()
    .catch(null),
  details: z
    .object({
      notes: text,
      dealValue: z.coerce.number().nullish().catch(null),
      currency: text,
      closingDateTime: text,
    })
    .nullish()
    .catch(null),
  consent: z
    .object({ consentToToShareInfoWithOthers: z.boolean().nullish().catch(null) })
    .nullish()
    .catch(null),
  inviteContext: z
    .object({
      notes: text,
      invitedBy: z.object({ organizationId: text, organizationName: text }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
  target: z
    .array(z.object({ type: text, id: text }))
    .nullish()
    .catch(null),
  team: z.array(Member).nullish().catch(null),
});
export type Deal = z.infer<typeof Deal>;

const Person = z.object({
  contactPreference: z.looseObject({}).nullish(),
  ...Object.fromEntries(['firstName', 'lastName', 'email', 'phoneNumber', 'title'].map((name) => [name, text])),
});
const yes = z.boolean().nullish().catch(null);
const street = ['addressLine1', 'addressLine2', 'city', 'state', 'postalCode', 'country', 'region'];

/** All of a deal that another referral of its engagement repeats. */
export const WholeDeal = Deal.extend({
  customerProfile: z
    .object({
      name: text,
      size: text,
      address: z.object(Object.fromEntries(street.map((part) => [part, text]))).nullish(),
      team: z.array(Person).nullish(),
    })
    .nullish(),
  consent: z
    .object({
      consentToToShareInfoWithOthers: yes,
      consentToContact: yes,
      consentToMicrosoftToContactSpecificPartners: yes,
      consentToShareReferralWithMicrosoftSellers: yes,
    })
    .nullish(),
  details: z
    .object({
      notes: text,
      dealValue: z.coerce.number().nullish().catch(null),
      currency: text,
      closingDateTime: text,
      requirements: z.looseObject({}).nullish(),
    })
    .nullish(),
  team: z.array(Person).nullish(),
});
export type WholeDeal = z.infer<typeof WholeDeal>;

/** A body that was read by the shape above when it was answered: the one place where its type is taken up again. */
export const dealIn = (body: Readonly<Record<string, unknown>>): Deal => body as unknown as Deal;

/** One page of a list; the address of the next one is only read, never followed. */
export const Page = z.object({ value: z.array(Deal), '@odata.nextLink': text });
export type Page = z.infer<typeof Page>;

/** The ways a referral can be changed from here. */
export type Move = 'accept' | 'decline' | 'won' | 'lost';

interface MoveRow {
  readonly status: string;
  readonly substatus: string;
  readonly from: readonly string[];
}

/** Status and substatus go together: one without the other is refused. */
export const MOVES: Readonly<Record<Move, MoveRow>> = {
  accept: { status: 'Active', substatus: 'Accepted', from: ['New'] },
  decline: { status: 'Closed', substatus: 'Declined', from: ['New'] },
  won: { status: 'Closed', substatus: 'Won', from: ['Active'] },
  lost: { status: 'Closed', substatus: 'Lost', from: ['Active'] },
};

const alike = (a: string | null | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

export const isOpen = (deal: Deal): boolean => !alike(deal.status, 'Closed');
export const isIncoming = (deal: Deal): boolean => alike(deal.direction, 'Incoming');

export function mayMove(deal: Deal, move: Move): boolean {
  return MOVES[move].from.some((status) => alike(deal.status, status));
}

export function hasMoved(deal: Deal, move: Move): boolean {
  return alike(deal.status, MOVES[move].status) && alike(deal.substatus, MOVES[move].substatus);
}

/** "New · Pending", in the service's own words: they are what Partner Center itself shows. */
export const stateOf = ({ status, substatus }: Deal): Say =>
  substatus && substatus !== 'None' ? say('referral.state', { status, substatus }) : say('plain', { text: status });

export const customerOf = (deal: Deal): string => deal.customerProfile?.name || deal.name || deal.id;

/** "50,000 USD", or nothing. */
export function worthOf(value: number | null | undefined, currency: string | null | undefined): string {
  if (value === null || value === undefined) return '';
  const amount = new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(value);
  return currency ? `${amount} ${currency}` : amount;
}

/** The day of a date of the service (`2027-03-31T00:00:00Z`), which means no time of day. */
export const dayOf = (dateTime: string | null | undefined): string | null =>
  dateTime && /^\d{4}-\d{2}-\d{2}/.test(dateTime) ? dateTime.slice(0, 10) : null;

/** The facts of a deal, as its cards show them. */
export function rowsOf(deal: Deal): Story['rows'] {
  const { details, inviteContext, organizationName, externalReferenceId, expirationDateTime } = deal;
  const rows: Story['rows'][number][] = [{ label: say('referral.row.customer'), text: customerOf(deal) }];
  const value = worthOf(details?.dealValue, details?.currency);
  if (deal.name && deal.name !== customerOf(deal)) rows.push({ label: say('referral.row.name'), text: deal.name });
  if (value) rows.push({ label: say('referral.row.value'), text: value });
  const closes = dayOf(details?.closingDateTime);
  if (closes) rows.push({ label: say('referral.row.closes'), text: say('date', { date: closes }) });
  const expires = dayOf(expirationDateTime);
  if (expires && /^new$/i.test(deal.status))
    rows.push({ label: say('referral.row.expires'), text: say('date', { date: expires }) });
  const from = inviteContext?.invitedBy?.organizationName ?? (isIncoming(deal) ? organizationName : null);
  if (from) rows.push({ label: say('referral.row.from'), text: from });
  if (details?.notes) rows.push({ label: say('referral.row.notes'), text: details.notes });
  if (deal.statusReason) rows.push({ label: say('referral.row.reason'), text: deal.statusReason });
  if (externalReferenceId && !externalReferenceId.startsWith(OWN_REFERENCE))
    rows.push({ label: say('referral.row.reference'), text: externalReferenceId });
  rows.push({ label: say('referral.row.id'), text: deal.id });
  return rows;
}

/** Marks the reference Usher gives a deal when nobody gave it one, so that a lost answer can be looked up. */
export const OWN_REFERENCE = 'usher:';

/**
 * Where people look at their deals. Microsoft documents no address of a single one.
 */
export const DASHBOARD = { title: say('referral.page'), url: 'https://partner.microsoft.com/dashboard' };

/** Of two tellings of one deal the later one. */
export function later(a: Deal, b: Deal): Deal {
  const at = ({ updatedDateTime }: Deal): number => Date.parse(updatedDateTime ?? '') || 0;
  return at(b) >= at(a) ? b : a;
}

/** The button that opens a deal's own card below. */
export const openButton = (id: string, version: number): Button => ({
  title: say('referral.button.open'),
  verb: 'command.run',
  data: { text: `referral ${id}`, drawn: String(version) },
});
