/**
 * The part of OData that the list of referrals understands: `$filter` with comparisons and `and`, `$orderby`, `$select`
 * (Partner Center docs, get-a-list-of-referrals). Must not know the store of referrals.
 */
import { asObject } from './exchange.ts';
import { FilterFault, tokens } from './filter.ts';

type Row = Readonly<Record<string, unknown>>;

const filterable = [
  ...['engagementId', 'status', 'substatus', 'qualification', 'direction', 'updatedDateTime', 'createdDateTime'],
  'customerProfile/address/country',
];
const sortable = ['createdDateTime', 'updatedDateTime'];

/** A moment with all its digits, so that the texts compare as the moments do; other texts stay as they are. */
function comparable(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = String(value);
  const [, seconds, digits = ''] =
    /^(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?)(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  if (seconds === undefined || Number.isNaN(Date.parse(text))) return text;
  return `${new Date(Date.parse(text)).toISOString().slice(0, 19)}.${digits.padEnd(7, '0').slice(0, 7)}`;
}

const comparisons: Record<string, (a: string | null, b: string | null) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a !== null && b !== null && a > b,
  ge: (a, b) => a !== null && b !== null && a >= b,
  lt: (a, b) => a !== null && b !== null && a < b,
  le: (a, b) => a !== null && b !== null && a <= b,
};

const read = (row: Row, path: string) => path.split('/').reduce<unknown>((value, name) => asObject(value)?.[name], row);

/** Compiles a decoded filter; `asks` are the properties it looks at. */
export function compileReferralFilter(source: string): { fits: (row: Row) => boolean; asks: string[] } {
  const list = tokens(source);
  const invalid = (what: string) => new FilterFault('BadRequest', `Invalid filter clause: ${what} in '${source}'.`);
  const asks: string[] = [];
  const tests: ((row: Row) => boolean)[] = [];
  let at = 0;
  const next = (kind: 'word' | 'any') => {
    const token = list[at];
    at += 1;
    if (!token || token.kind === 'mark' || (kind === 'word' && token.kind !== 'word')) throw invalid('syntax error');
    return token;
  };
  do {
    let name = next('word').value;
    while (list[at]?.value === '/' && list[at]?.kind === 'mark') {
      at += 1;
      name += `/${next('word').value}`;
    }
    const property = filterable.find((one) => one.toLowerCase() === name.toLowerCase());
    if (!property) throw invalid(`property '${name}' cannot be filtered`);
    const operator = next('word').value.toLowerCase();
    const compare = comparisons[operator];
    if (!compare) throw invalid(`operator '${operator}' is not supported`);
    const literal = next('any');
    const isMoment = property.endsWith('DateTime');
    if (literal.kind === 'word' && literal.value !== 'null' && !isMoment) throw invalid('a text needs quotes');
    const wanted = literal.kind === 'word' && literal.value === 'null' ? null : comparable(literal.value);
    if (isMoment && (wanted === null || Number.isNaN(Date.parse(wanted))))
      throw invalid(`'${literal.value}' is no moment`);
    asks.push(property);
    tests.push((row) => compare(comparable(read(row, property)), wanted));
    if (at >= list.length) break;
    if (next('word').value.toLowerCase() !== 'and') throw invalid('only and joins clauses');
  } while (at <= list.length);
  return { fits: (row) => tests.every((test) => test(row)), asks };
}

/** Compiles `createdDateTime desc`. */
export function compileOrder(source: string): (a: Row, b: Row) => number {
  const [name = '', direction = 'asc', ...more] = source.trim().split(/\s+/);
  const property = sortable.find((one) => one.toLowerCase() === name.toLowerCase());
  if (!property || !['asc', 'desc'].includes(direction.toLowerCase()) || more.length > 0) {
    throw new FilterFault('BadRequest', `Sorting by '${source}' is not supported.`);
  }
  const sign = direction.toLowerCase() === 'desc' ? -1 : 1;
  return (a, b) => sign * String(comparable(a[property])).localeCompare(String(comparable(b[property])));
}

/** The selected properties of a referral; those it does not have are left out. */
export function compileSelect(source: string): (row: Row) => Record<string, unknown> {
  const names = source.split(',').map((one) => one.trim().toLowerCase());
  return (row) => Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name.toLowerCase())));
}
