/**
 * Where in the form lies what Partner Center points at in what was sent. Pure.
 */
import type { Problem } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';

/** The end of a JSON path, in lower case, without indexes → the field of the form. */
const FIELDS: readonly (readonly [RegExp, string])[] = [
  [/customerprofile\.(?:name)$/, 'customer'],
  [/customerprofile\.size$/, 'size'],
  [/address\.country$/, 'country'],
  [/address\.(addressline1|addressline2|city|state|postalcode)$/, ''],
  [/customerprofile\.team/, 'contacts'],
  [/^team/, 'team'],
  [/dealvalue$/, 'value'],
  [/currency$/, 'value'],
  [/closingdatetime$/, 'close'],
  [/details\.notes$/, 'notes'],
  [/industries/, 'industries'],
  [/products/, 'products'],
  [/services/, 'services'],
  [/solutions/, 'solutions'],
  [/^target/, 'solutionId'],
  [/externalreferenceid$/, 'reference'],
  [/assistancerequestcode$/, 'assistance'],
  [/invitecontext\.notes$/, 'noteToMicrosoft'],
  [/consenttotoshareinfowithothers$/, 'consentShare'],
  [/consenttocontact$/, 'consentContact'],
  [/consenttomicrosofttocontactspecificpartners$/, 'consentPartners'],
  [/consenttosharereferralwithmicrosoftsellers$/, 'how'],
  [/^type$/, 'how'],
  [/^name$/, 'name'],
  [/statusreason$/, 'reason'],
];

const PARTS: Readonly<Record<string, string>> = {
  addressline1: 'addressLine1',
  addressline2: 'addressLine2',
  city: 'city',
  state: 'state',
  postalcode: 'postalCode',
};

/** The field that `details.dealValue` or `/details/dealValue` is filled from, or null. */
export function fieldAt(at: string | undefined): string | null {
  if (!at) return null;
  const path = at
    .toLowerCase()
    .replace(/^[$/.]+/, '')
    .replaceAll('/', '.')
    .replace(/\[\d+\]|\.\d+(?=\.|$)|\.-(?=\.|$)/g, '')
    .replace(/^referral\./, '');
  for (const [match, field] of FIELDS) {
    const found = match.exec(path);
    if (found) return field || (PARTS[found[1] ?? ''] ?? null);
  }
  return null;
}

/** A refusal that names a place in what was sent is the form's to show, where `field` says which; others stay as they are. */
export function inForm(why: Problem, field: string | null = fieldAt(why.at)): Problem {
  if (why.kind !== 'refused' || !field) return why;
  return { ...why, kind: 'input', say: say('referral.refused.field'), field };
}
