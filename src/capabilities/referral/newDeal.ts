/**
 * A new deal as asked for: its fields (one list for chat, form and help), and how raw text becomes one or a list of faults,
 * each with its field. Pure; must not know HTTP or what the service answers.
 */
import type { Field, Raw, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, type Result } from '../../requests/problem.ts';
import { type Say, say } from '../../requests/say.ts';
import { looksLikeDay, readDay } from '../days.ts';
import { given, type Reader, readerOf } from '../reader.ts';
import { chosenIn, offered, type ReferralChoice, type ReferralChoices, titleOf } from './choices.ts';
import { countryCode } from './countries.ts';
import { worthOf } from './deal.ts';
import { type Member, readMembers, textOf } from './members.ts';
import { findMoney, isAmount, isCurrency, readMoney } from './money.ts';

/** Who is to see the deal (Partner Center, create-a-referral, "Deal types"). */
export const HOWS = ['private', 'partnerLed', 'coSell'] as const;
export type How = (typeof HOWS)[number];

export interface NewDeal {
  readonly name: string;
  readonly customer: {
    readonly name: string;
    readonly size?: string;
    /** Country: ISO 3166-1 alpha-2. */
    readonly address: Readonly<Record<string, string>>;
    readonly team: readonly Member[];
  };
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
  /** ISO date, no time. */
  readonly closes: string;
  readonly how: How;
  readonly notes?: string;
  readonly industries: readonly string[];
  readonly products: readonly string[];
  readonly services: readonly string[];
  readonly solutions: readonly { readonly id: string; readonly name: string }[];
  /** The partner's own solution, `SOL-…`. */
  readonly solutionId?: string;
  /** What it is called, where that was given. */
  readonly solutionName?: string;
  readonly team: readonly Member[];
  readonly reference?: string;
  readonly assistance?: string;
  readonly noteToMicrosoft?: string;
  readonly consent: { readonly share: boolean; readonly contact: boolean; readonly partners: boolean };
  /** The first half of a co-sell deal that exists already: only the second is to be made. */
  readonly half?: { readonly id: string; readonly engagementId: string };
}

const ADDRESS = ['addressLine1', 'addressLine2', 'city', 'state', 'postalCode'] as const;
const CONSENTS = ['share', 'contact', 'partners'] as const;
const CONSENT_FIELDS = { share: 'consentShare', contact: 'consentContact', partners: 'consentPartners' } as const;
const LISTS = ['industries', 'products', 'services', 'solutions'] as const;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const field = (name: string, kind: Field['kind'], more: Partial<Field> = {}): Field => ({
  name,
  kind,
  words: `referralNew.field.${name}`,
  ...more,
});

export function newDealFields(choices: ReferralChoices): readonly Field[] {
  return [
    field('customer', 'text', { required: true, max: 200 }),
    field('value', 'text', { required: true, max: 60, phrases: ['worth', 'value'] }),
    field('close', 'date', {
      required: true,
      max: 60,
      phrases: ['closing on', 'closes on', 'close on', 'closing', 'closes', 'close'],
      accepts: looksLikeDay,
    }),
    field('country', 'text', { required: true, max: 60, phrases: ['in'], accepts: isCountryAhead }),
    field('contacts', 'people', { max: 2000, phrases: ['contact', 'contacts'], accepts: (text) => /@/.test(text) }),
    field('how', 'choice', {
      required: true,
      choices: HOWS.map((how) => ({ value: how, words: `referral.how.${how}` })),
      phrases: ['as'],
      accepts: (text) => howOf(text) !== null,
    }),
    ...CONSENTS.map((name) => field(CONSENT_FIELDS[name], 'toggle')),
    field('solutionId', 'text', {
      more: true,
      max: 200,
      phrases: ['solution'],
      accepts: (text) => /^SOL-/i.test(text),
    }),
    field('assistance', 'choice', { more: true, choices: offered(choices.assistance) }),
    field('noteToMicrosoft', 'lines', { more: true, max: 1000 }),
    field('name', 'text', { more: true, max: 200, phrases: ['called', 'named'] }),
    field('notes', 'lines', { more: true, max: 2000, phrases: ['notes', 'because'] }),
    field('size', 'choice', { more: true, choices: offered(choices.sizes) }),
    ...ADDRESS.map((name) => field(name, 'text', { more: true, max: 200 })),
    ...LISTS.map((name) => field(name, 'choices', { more: true, choices: offered(choices[name]), max: 2000 })),
    field('team', 'people', { more: true, max: 2000 }),
    field('reference', 'text', { more: true, max: 100, phrases: ['reference', 'ref'] }),
    field('half', 'hidden', { words: '', max: 200 }),
  ];
}

function isCountryAhead(text: string): boolean {
  const words = text.split(/\s+/, 3);
  return [1, 2, 3].some(
    (n) =>
      countryCode(
        words
          .slice(0, n)
          .join(' ')
          .replace(/[,.;]$/, ''),
      ) !== null,
  );
}

export function howOf(typed: string): How | null {
  const text = typed
    .trim()
    .toLowerCase()
    .replace(/[^a-z]/g, '');
  if (/^private/.test(text)) return 'private';
  if (/^partnerled/.test(text)) return 'partnerLed';
  return /^(?:cosell|cosale)/.test(text) ? 'coSell' : null;
}

/** "Contoso 50k USD" is a customer and a value; a day in words is a day. */
export function arrangeNewDeal(raw: Raw, around: Surroundings): Raw {
  const { customer = '' } = raw;
  const money = raw['value'] === undefined ? findMoney(customer) : null;
  const name = money ? `${customer.slice(0, money.start)} ${customer.slice(money.end)}` : customer;
  const close = raw['close'] === undefined ? null : readDay(raw['close'], around);
  const how = raw['how'] === undefined ? null : howOf(raw['how']);
  const tidy = name.replace(/\s+/g, ' ').replace(/^[\s,;]+|[\s,;]+$/g, '');
  return {
    ...raw,
    ...(tidy === '' ? {} : { customer: tidy.replace(/^["“”„]+|["“”]+$/g, '') }),
    ...(money ? { value: worthOf(money.amount, money.currency) } : {}),
    ...(close && 'day' in close ? { close: close.day } : {}),
    ...(how ? { how } : {}),
  };
}

/** Raw text to a deal, or every fault with its field. */
export function readNewDeal(
  raw: Raw,
  around: Surroundings,
  choices: ReferralChoices,
): Result<readonly NewDeal[], readonly Problem[]> {
  const fields = newDealFields(choices);
  const reader = readerOf(raw, fields);
  const { text, fault, isTicked, faults } = reader;
  // Every field is read before anything is judged, so that none is cut short in silence.
  for (const { name, required } of fields)
    if (!text(name) && required) fault(name, `referralNew.field.${name}.missing`);
  const customer = text('customer') ?? '';
  const money = readValue(reader);
  const closes = readClose(reader, around);
  const country = readCountry(reader);
  const how = HOWS.find((one) => one === text('how')) ?? howOf(text('how') ?? '');
  if (text('how') && !how) fault('how', 'referralNew.field.how.missing');
  const contacts = people(reader, 'contacts', country);
  const team = people(reader, 'team', country);
  const [, solution, solutionName] = /^(SOL-[A-Z0-9-]{3,40})(?:\s+(.+))?$/i.exec(text('solutionId') ?? '') ?? [];
  const solutionId = solution?.toUpperCase();
  if (text('solutionId') && !solutionId) fault('solutionId', 'referral.solutionId.shape');
  if (how === 'coSell' && !text('solutionId')) fault('solutionId', 'referral.solutionId.needed');
  if (how && how !== 'private') {
    if (contacts.length === 0 && !text('contacts')) fault('contacts', 'referral.contacts.needed');
    if (!isTicked('consentShare')) fault('consentShare', 'referral.consent.needed');
  }
  const lists = Object.fromEntries(LISTS.map((name) => [name, several(reader, name, choices[name])])) as Record<
    (typeof LISTS)[number],
    readonly ReferralChoice[]
  >;
  const size = one(reader, 'size', choices.sizes);
  const assistance = one(reader, 'assistance', choices.assistance);
  const half = halfOf(text('half'));
  if (half && how && how !== 'coSell') fault('how', 'referral.half.coSell');
  if (faults.length > 0 || !money || !closes || !country || !how) return bad(faults);
  const ids = (name: (typeof LISTS)[number]) => lists[name].map(({ id }) => id);
  return good([
    {
      name: text('name') ?? customer,
      customer: {
        name: customer,
        ...given({ size: size?.id }),
        address: { ...given(Object.fromEntries(ADDRESS.map((part) => [part, text(part)]))), country } as Record<
          string,
          string
        >,
        team: contacts,
      },
      ...money,
      closes,
      how,
      industries: ids('industries'),
      products: ids('products'),
      services: ids('services'),
      solutions: lists.solutions.map((solution) => ({ id: solution.id, name: titleOf(solution) })),
      team,
      consent: {
        share: isTicked('consentShare'),
        contact: isTicked('consentContact'),
        partners: isTicked('consentPartners'),
      },
      ...given({
        notes: text('notes'),
        solutionId,
        solutionName,
        reference: text('reference'),
        assistance: assistance?.id,
        noteToMicrosoft: text('noteToMicrosoft'),
        half,
      }),
    },
  ]);
}

function readValue({ text, fault }: Reader): { amount: number; currency: string } | null {
  const typed = text('value');
  if (!typed) return null;
  const money = readMoney(typed);
  if (!money || !isAmount(money.amount)) fault('value', say('referral.value.unreadable', { text: typed }));
  else if (money.currency === null || !isCurrency(money.currency)) fault('value', 'referral.value.currency');
  else return { amount: money.amount, currency: money.currency };
  return null;
}

function readClose({ text, fault }: Reader, around: Surroundings): string | null {
  const typed = text('close');
  if (!typed) return null;
  const read = readDay(typed, around);
  if ('day' in read) return read.day;
  fault('close', read.wrong === 'past' ? 'referral.close.past' : say('referral.close.unreadable', { text: typed }));
  return null;
}

function readCountry({ text, fault }: Reader): string | null {
  const typed = text('country');
  if (!typed) return null;
  const code = countryCode(typed);
  if (!code) fault('country', say('referral.country.unknown', { text: typed }));
  return code;
}

function people({ text, fault }: Reader, name: 'contacts' | 'team', country: string | null): readonly Member[] {
  const { members, faults } = readMembers(text(name) ?? '', country);
  for (const one of faults.slice(0, 3)) fault(name, one);
  return members;
}

function one({ text, fault }: Reader, name: string, among: readonly ReferralChoice[]): ReferralChoice | undefined {
  const typed = text(name);
  if (!typed) return undefined;
  const chosen = chosenIn(among, typed);
  if (!chosen) fault(name, say('referral.choice.unknown', { text: typed.slice(0, 60) }));
  return chosen ?? undefined;
}

function several({ text, fault }: Reader, name: string, among: readonly ReferralChoice[]): readonly ReferralChoice[] {
  const chosen: ReferralChoice[] = [];
  for (const piece of (text(name) ?? '').split(',').map((each) => each.trim())) {
    if (piece === '') continue;
    const found = chosenIn(among, piece);
    if (!found) fault(name, say('referral.choice.unknown', { text: piece.slice(0, 60) }));
    else if (!chosen.includes(found)) chosen.push(found);
  }
  return chosen;
}

/** `<referral id> <engagement id>`, as a form takes it along. */
function halfOf(text: string | undefined): NewDeal['half'] {
  const [id = '', engagementId = ''] = text?.split(' ') ?? [];
  return UUID.test(id) && UUID.test(engagementId) ? { id, engagementId } : undefined;
}

/** A deal back to raw text, to fill the form again; `half`: what of it is there already. */
export function writeNewDeal(deal: NewDeal, half: NewDeal['half'] | undefined = deal.half): Raw {
  const { customer, consent } = deal;
  const ids = (list: readonly string[]): string | undefined =>
    list.length > 0 ? list.map((id) => id.replaceAll(',', '')).join(',') : undefined;
  return given({
    ...customer.address,
    customer: customer.name,
    value: `${deal.amount} ${deal.currency}`,
    close: deal.closes,
    contacts: customer.team.map(textOf).join('\n') || undefined,
    how: deal.how,
    ...Object.fromEntries(CONSENTS.map((name) => [CONSENT_FIELDS[name], String(consent[name])])),
    name: deal.name === customer.name ? undefined : deal.name,
    size: customer.size,
    notes: deal.notes,
    industries: ids(deal.industries),
    products: ids(deal.products),
    services: ids(deal.services),
    solutions: ids(deal.solutions.map(({ id }) => id)),
    solutionId: [deal.solutionId, deal.solutionName].filter(Boolean).join(' ') || undefined,
    team: deal.team.map(textOf).join('\n') || undefined,
    reference: deal.reference,
    assistance: deal.assistance,
    noteToMicrosoft: deal.noteToMicrosoft,
    half: half ? `${half.id} ${half.engagementId}` : undefined,
  }) as Raw;
}

/** What would be sent, in sentences. */
export function previewOf({ customer, amount, currency, closes, how, half }: NewDeal): readonly Say[] {
  return [
    say(half ? 'referral.preview.half' : 'referral.preview', {
      customer: customer.name,
      value: worthOf(amount, currency),
      date: closes,
    }),
    say(`referral.sees.${how}`),
  ];
}
