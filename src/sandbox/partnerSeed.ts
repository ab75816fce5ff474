/**
 * Partner Center on the first morning: who has which role, and the deals that are there. Ids are the same every time; days
 * count from the morning itself. Must not know anything that happens later.
 */
import { invitationMs, makeReferral } from './partnerReferrals.ts';
import { longTime, microsoft, type PartnerWorld, type Referral } from './partnerWorld.ts';

const dayMs = 24 * 60 * 60_000;
const referralId = (n: number) => `5a4db0c5-0000-4000-8000-0000000060${String(n).padStart(2, '0')}`;
const engagementId = (n: number) => `5a4db0c5-0000-4000-8000-0000000070${String(n).padStart(2, '0')}`;

/** The organization of Contoso in Partner Center. */
export const partnerOrganization = { id: '5a4db0c5-0000-4000-8000-000000005001', name: 'Contoso', mpnId: '5125001' };

/** What a deal is about, as far as somebody cares. */
export interface Deal {
  customer: string;
  country?: string | undefined;
  name?: string | undefined;
  value?: number | undefined;
  currency?: string | undefined;
  closesInDays?: number | undefined;
  notes?: string | undefined;
}

/** The properties that say what a deal is about. */
export function dealProperties(deal: Deal): Record<string, unknown> & { name: string } {
  const { customer, country = 'US', value = 50_000, currency = 'USD', closesInDays = 60 } = deal;
  const host = `${customer.toLowerCase().replace(/[^a-z0-9]/g, '')}.example`;
  return {
    name: deal.name ?? `${customer} deal`,
    customerProfile: {
      name: customer,
      address: {
        addressLine1: '1 Main Street',
        addressLine2: '',
        city: 'Springfield',
        state: '',
        postalCode: '10001',
        country,
      },
      size: '251to1000employees',
      team: [
        {
          contactPreference: { locale: 'en-us', disableNotifications: false },
          firstName: 'Sue',
          lastName: 'Smith',
          phoneNumber: '5550100',
          email: `sue.smith@${host}`,
        },
      ],
      ids: [],
    },
    consent: {
      consentToToShareInfoWithOthers: true,
      consentToContact: true,
      consentToShareReferralWithMicrosoftSellers: true,
    },
    details: {
      notes: deal.notes ?? '',
      dealValue: value,
      currency,
      closingDateTime: new Date(Date.now() + closesInDays * dayMs).toISOString().replace(/T.*/, 'T00:00:00Z'),
      requirements: {
        industries: [{ id: 'Manufacturing' }],
        products: [{ id: 'Azure' }],
        services: [{ id: 'DeploymentOrMigration' }],
        solutions: [{ id: 'CloudMigration', name: 'Cloud Migration', type: 'Category' }],
      },
    },
    team: [],
    target: [],
  };
}

/** A referral that comes in from another organization and waits for an answer. */
export function incomingReferral(deal: Deal, from: { id: string; name: string }, expiresInMs = invitationMs): Referral {
  return makeReferral({
    ...dealProperties(deal),
    organizationId: partnerOrganization.id,
    organizationName: partnerOrganization.name,
    type: from.id === microsoft.id ? 'Independent' : 'Shared',
    direction: 'Incoming',
    status: 'New',
    substatus: 'Received',
    expirationDateTime: longTime(Date.now() + expiresInMs),
    inviteContext: {
      notes: 'Please support this customer.',
      assistanceRequestCode: 'GeneralOrOther',
      invitedBy: { organizationId: from.id, organizationName: from.name },
    },
  });
}

/** A fresh Partner Center. `userId` gives the object ids of the seeded users. */
export function seedPartner(userId: (n: number) => string): PartnerWorld {
  const now = Date.now();
  const own = (n: number, deal: Deal, more: Partial<Referral>): Referral => {
    const { organizationId, organizationName } = {
      organizationId: partnerOrganization.id,
      organizationName: partnerOrganization.name,
    };
    const at = longTime(now - (20 - n) * dayMs);
    return makeReferral({
      ...dealProperties(deal),
      id: referralId(n),
      engagementId: engagementId(n),
      organizationId,
      organizationName,
      type: 'Independent',
      direction: 'Outgoing',
      createdDateTime: at,
      updatedDateTime: at,
      acceptedDateTime: more.status === 'New' || more.status === undefined ? null : at,
      ...more,
    });
  };
  const active = { status: 'Active', substatus: 'Accepted' };
  const tailspin: Deal = { customer: 'Tailspin Toys', country: 'GB', value: 80_000, currency: 'GBP', closesInDays: 4 };
  const woodgrove: Deal = {
    customer: 'Woodgrove Bank',
    value: 120_000,
    closesInDays: 90,
    notes: 'They want to move their branch systems.',
  };
  const lead = incomingReferral(woodgrove, microsoft, 3 * dayMs);
  return {
    organization: partnerOrganization,
    roles: {
      [userId(1)]: ['Referrals Admin'],
      [userId(2)]: ['Referrals Admin'],
      [userId(12)]: ['Referrals User'],
    },
    referrals: [
      { ...lead, id: referralId(1), engagementId: engagementId(1) },
      own(2, tailspin, { ...active, type: 'Shared' }),
      own(3, tailspin, {
        ...active,
        type: 'Shared',
        engagementId: engagementId(2),
        organizationId: microsoft.id,
        organizationName: microsoft.name,
        target: [{ type: 'BusinessProfileLocation', id: microsoft.id }],
      }),
      own(
        4,
        { customer: 'Adventure Works', country: 'PT', value: 30_000, currency: 'EUR', closesInDays: -10 },
        { status: 'Closed', substatus: 'Won', closedDateTime: longTime(now - 10 * dayMs) },
      ),
      own(5, { customer: 'Litware Inc', value: 45_000 }, {}),
      own(6, { customer: 'Litware Insurance', country: 'DE', value: 60_000, currency: 'EUR' }, active),
    ],
    registration: null,
    events: [],
    holding: false,
  };
}
