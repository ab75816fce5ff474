/**
 * What is sent to make a referral, and to invite somebody into an engagement, key by key. Pure.
 * Source: Partner Center referrals, create-a-referral and referral-resources. The doubled "To" of
 * `consentToToShareInfoWithOthers` is the service's; values are booleans and numbers, never text.
 */
import type { Deal, WholeDeal } from './deal.ts';
import { OWN_REFERENCE } from './deal.ts';
import type { Member } from './members.ts';
import type { NewDeal } from './newDeal.ts';

/** Microsoft, as an organization of Partner Center. */
export const MICROSOFT = { id: 'msft', name: 'Microsoft' };

const CONTACT_PREFERENCE = { locale: 'en-us', disableNotifications: false };
const memberBody = (member: Member) => ({ contactPreference: CONTACT_PREFERENCE, ...member });

/** What a deal is known by when its answer is lost: the customer's own reference, else ours. */
export const referenceOf = ({ reference }: NewDeal, requestId: string): string =>
  reference ?? `${OWN_REFERENCE}${requestId}`;

/** The referral of the partner itself. */
export function ownBody(deal: NewDeal, requestId: string): Record<string, unknown> {
  const { how, customer, consent } = deal;
  const isShared = how === 'coSell';
  return {
    name: deal.name,
    externalReferenceId: referenceOf(deal, requestId),
    ...(isShared ? { status: 'New', substatus: 'Pending' } : {}),
    qualification: 'SalesQualified',
    type: isShared ? 'Shared' : 'Independent',
    target: isShared && deal.solutionId ? [{ type: 'SolutionProfile', id: deal.solutionId }] : [],
    customerProfile: {
      name: customer.name,
      ...(customer.size ? { size: customer.size } : {}),
      address: customer.address,
      team: customer.team.map(memberBody),
    },
    consent: {
      consentToToShareInfoWithOthers: consent.share,
      consentToContact: consent.contact,
      consentToMicrosoftToContactSpecificPartners: consent.partners,
      consentToShareReferralWithMicrosoftSellers: how !== 'private',
    },
    details: {
      ...(deal.notes ? { notes: deal.notes } : {}),
      dealValue: deal.amount,
      currency: deal.currency,
      closingDateTime: `${deal.closes}T00:00:00Z`,
      requirements: {
        industries: deal.industries.map((id) => ({ id })),
        products: deal.products.map((id) => ({ id })),
        services: deal.services.map((id) => ({ id })),
        solutions: [
          ...deal.solutions.map(({ id, name }) => ({ id, name, type: 'Category' })),
          ...(deal.solutionId
            ? [{ id: deal.solutionId, name: deal.solutionName ?? deal.solutionId, type: 'Name' }]
            : []),
        ],
      },
    },
    team: deal.team.map(memberBody),
  };
}

/** Somebody who is to join an engagement. */
export interface Invitee {
  readonly organizationId: string;
  readonly organizationName?: string;
}

export interface InviteContext {
  readonly notes?: string;
  readonly assistanceRequestCode?: string;
}

/**
 * The referral of whoever is invited: what the first one says, in the same engagement, for them. `namesOrganization`: the
 * reference does not say whether the invited organization is named beside the target; an older draft did.
 */
export function invitedBody(
  like: Record<string, unknown>,
  engagementId: string,
  invitee: Invitee,
  { notes, assistanceRequestCode }: InviteContext,
  by: string | null,
  namesOrganization: boolean,
): Record<string, unknown> {
  const { organizationId, organizationName } = invitee;
  return {
    ...like,
    type: 'Shared',
    status: 'New',
    substatus: 'Pending',
    engagementId,
    ...(namesOrganization ? { organizationId, ...(organizationName ? { organizationName } : {}) } : {}),
    target: [{ type: 'BusinessProfileLocation', id: organizationId }],
    inviteContext: {
      ...(notes ? { notes } : {}),
      ...(assistanceRequestCode ? { assistanceRequestCode } : {}),
      ...(by ? { invitedBy: { organizationId: by } } : {}),
    },
  };
}

/** What an existing deal says, as the body of another referral of its engagement, for that organization. */
export function likeDeal(deal: WholeDeal, { organizationId }: Invitee): Record<string, unknown> {
  const { name, customerProfile, consent, details, team, qualification } = deal;
  const forMicrosoft = organizationId === MICROSOFT.id ? { consentToShareReferralWithMicrosoftSellers: true } : {};
  return withoutNulls({
    name: name ?? customerProfile?.name ?? deal.id,
    qualification: qualification ?? 'SalesQualified',
    customerProfile: customerProfile ?? {},
    consent: { ...consent, ...forMicrosoft },
    details: details ?? {},
    team: team ?? undefined,
  }) as Record<string, unknown>;
}

/** The service sends null for what it does not know, and need not take it. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(known.map(([key, one]) => [key, withoutNulls(one)]));
}

/** Whether this referral of an engagement is the one for that organization. */
export function isFor({ organizationId: theirs, target }: Deal, { organizationId }: Invitee): boolean {
  const wanted = organizationId.toLowerCase();
  return theirs?.toLowerCase() === wanted || (target ?? []).some(({ id }) => id?.toLowerCase() === wanted);
}
