/**
 * What a referral may look like when it comes in: required properties, types, exact words (Partner Center docs,
 * referral-resources; create-a-referral). Pure; it must not know which referral it is, or who sent it.
 */
import { z } from 'zod/v4';
import { asObject } from './exchange.ts';
import type { Fault } from './partnerAnswer.ts';
import * as words from './partnerEnums.ts';

const text = z.string().nullish();
const truth = z.boolean().nullish();
const word = (values: readonly [string, ...string[]]) => z.enum(values).nullish();
const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/, 'is not a date and time')
  .refine((value) => !Number.isNaN(Date.parse(value)), 'is not a date and time');

const member = z.looseObject({
  firstName: text,
  lastName: text,
  phoneNumber: text,
  email: z
    .string()
    .regex(/^[^@\s]+@[^@\s]+$/, 'is not an e-mail address')
    .nullish(),
  title: text,
  contactPreference: z.looseObject({ locale: text, disableNotifications: truth }).nullish(),
});
const team = z.array(member).nullish();
const named = (values: readonly [string, ...string[]]) => z.array(z.looseObject({ id: z.enum(values) })).nullish();

const solution = z
  .looseObject({
    id: z.string().min(1),
    name: text,
    type: word(words.solutionTypes),
    publisherName: text,
    solutionType: text,
    price: z.number().nullish(),
    quantity: z.number().nullish(),
    currency: text,
  })
  .refine(({ id, type }) => type !== 'Category' || (words.categorySolutions as readonly string[]).includes(id), {
    path: ['id'],
    message: 'is not a solution of type Category',
  });

const address = z.looseObject({
  addressLine1: text,
  addressLine2: text,
  city: text,
  state: text,
  postalCode: text,
  region: text,
  country: z.string().regex(/^[A-Z]{2}$/, 'is not a country code of two letters'),
});

const body = z.looseObject({
  name: text,
  externalReferenceId: text,
  mpnId: text,
  campaignId: text,
  referralProgram: text,
  statusReason: text,
  engagementId: z
    .string()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'is not a GUID')
    .nullish(),
  organizationId: text,
  organizationName: text,
  type: z.enum(words.types),
  status: word(words.statuses),
  substatus: word(words.substatuses),
  qualification: word(words.qualifications),
  salesStage: word(words.salesStages),
  customerProfile: z.looseObject({
    name: z.string().trim().min(1, 'is empty'),
    size: word(words.customerSizes),
    address,
    team,
    ids: z.array(z.looseObject({ profileType: word(words.profileTypes), id: text })).nullish(),
  }),
  consent: z.looseObject({
    consentToToShareInfoWithOthers: truth,
    consentToContact: truth,
    consentToMicrosoftToContactSpecificPartners: truth,
    consentToShareReferralWithMicrosoftSellers: truth,
  }),
  details: z.looseObject({
    notes: text,
    dealValue: z.number().min(0, 'is below 0').nullish(),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'is not a currency code of three letters')
      .nullish(),
    closingDateTime: moment.nullish(),
    customerAction: text,
    requirements: z
      .looseObject({
        industries: named(words.industries),
        products: named(words.products),
        services: named(words.services),
        solutions: z.array(solution).nullish(),
        additionalRequirements: z.looseObject({}).nullish(),
      })
      .nullish(),
  }),
  team,
  target: z.array(z.looseObject({ type: z.enum(words.targetTypes), id: z.string().min(1) })).nullish(),
  inviteContext: z
    .looseObject({
      notes: text,
      assistanceRequestCode: word(words.assistanceCodes),
      invitedMpnId: text,
      invitedBy: z.looseObject({ organizationId: text, organizationName: text }).nullish(),
    })
    .nullish(),
});

/** A body that fits. */
export type ReferralBody = z.infer<typeof body>;

const knownNames = [
  ...['name', 'externalReferenceId', 'mpnId', 'campaignId', 'referralProgram', 'statusReason', 'engagementId', 'type'],
  ...['organizationId', 'organizationName', 'status', 'substatus', 'qualification', 'salesStage', 'customerProfile'],
  ...['size', 'address', 'team', 'ids', 'profileType', 'id', 'consent', 'details', 'notes', 'dealValue', 'currency'],
  ...['addressLine1', 'addressLine2', 'city', 'state', 'postalCode', 'region', 'country', 'firstName', 'lastName'],
  ...['phoneNumber', 'email', 'title', 'contactPreference', 'locale', 'disableNotifications', 'closingDateTime'],
  ...['consentToToShareInfoWithOthers', 'consentToContact', 'consentToMicrosoftToContactSpecificPartners'],
  ...['consentToShareReferralWithMicrosoftSellers', 'customerAction', 'requirements', 'industries', 'products'],
  ...['services', 'solutions', 'additionalRequirements', 'price', 'quantity', 'publisherName', 'solutionType'],
  ...['target', 'inviteContext', 'assistanceRequestCode', 'invitedMpnId', 'invitedBy', 'links', 'iot', 'attributes'],
];
const byFolded = new Map(knownNames.map((name) => [name.toLowerCase(), name]));

/** Gives every known name its own spelling: the documented samples mix `ConsentToContact` and `consentToContact`. */
export function respelled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(respelled);
  const object = asObject(value);
  if (!object) return value;
  return Object.fromEntries(
    Object.entries(object).map(([name, inner]) => [byFolded.get(name.toLowerCase()) ?? name, respelled(inner)]),
  );
}

const pathOf = (path: readonly PropertyKey[]) =>
  path.reduce<string>(
    (whole, part) =>
      typeof part === 'number' ? `${whole}[${part}]` : whole === '' ? String(part) : `${whole}.${String(part)}`,
    '',
  );

/** Reads a body, or names its first fault. */
export function readBody(given: unknown): { body: ReferralBody } | { fault: Fault } {
  const read = body.safeParse(respelled(given));
  if (read.success) return { body: read.data };
  const [issue] = read.error.issues;
  if (!issue) throw new Error('a refusal without a reason');
  const target = pathOf(issue.path) || 'referral';
  let found: unknown = respelled(given);
  for (const part of issue.path) found = (found as Record<PropertyKey, unknown> | undefined | null)?.[part];
  const missing = found === undefined || found === null;
  if (missing) return { fault: { target, code: 'requiredPropertyMissing', message: 'is required' } };
  if (issue.code === 'invalid_value') {
    return {
      fault: { target, code: 'invalidEnumValue', message: `'${String(found)}' is not one of the values allowed` },
    };
  }
  if (issue.code === 'invalid_type') {
    return { fault: { target, code: 'invalidPropertyType', message: `is not of type ${issue.expected}` } };
  }
  return { fault: { target, code: 'invalidPropertyValue', message: issue.message } };
}
