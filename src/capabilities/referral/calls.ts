/**
 * The HTTP calls about referrals, as data. Must not know when they are made.
 * Shapes: Partner Center referrals (get, get a list, create, patch), partner-rest; webhooks: rest/api/partner-center/webhook.
 */
import type { Answer, Call, Reply } from '../../requests/capability.ts';
import type { Page } from './deal.ts';

const REFERRALS = '/engagements/referrals';
const one = (id: string): string => `${REFERRALS}/${encodeURIComponent(id)}`;

/** A literal of OData: quotes are doubled. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const readCall = (id: string, name = 'read'): Call => ({
  name,
  to: 'partnerCenter',
  method: 'GET',
  path: one(id),
  repeat: 'safe',
});

export interface ListQuery {
  readonly filter?: string;
  readonly orderBy?: string;
}

/** A page of a list; `skipToken` is all that is taken from where the service says the next page is. */
export function listCall(name: string, { filter, orderBy }: ListQuery, skipToken?: string): Call {
  const query = new URLSearchParams({
    ...(filter ? { $filter: filter } : {}),
    ...(orderBy ? { $orderby: orderBy } : {}),
    ...(skipToken ? { $skiptoken: skipToken } : {}),
  });
  // The service wants %20, not +.
  const text = query.toString().replaceAll('+', '%20');
  return {
    name,
    to: 'partnerCenter',
    method: 'GET',
    path: `${REFERRALS}${text ? `?${text}` : ''}`,
    repeat: 'safe',
  };
}

export const ofEngagement = (engagementId: string): ListQuery => ({
  filter: `engagementId eq ${quoted(engagementId)}`,
});

/**
 * The token of the next page. The documented link is http, names another path and may name another host: a token must
 * never go there, so nothing else of it is used.
 */
export function skipTokenOf(nextLink: string | null | undefined): string | undefined {
  if (!nextLink || !URL.canParse(nextLink, 'https://api.partner.microsoft.com')) return undefined;
  const { searchParams } = new URL(nextLink, 'https://api.partner.microsoft.com');
  for (const [name, value] of searchParams) if (name.toLowerCase() === '$skiptoken' && value !== '') return value;
  return undefined;
}

/** Most pages read of one list: a hundred deals each. */
const MOST_PAGES = 10;

/**
 * What a list said, page by page: the call that is still to be made, or all of it, or why not. `isEnough`: nothing on later
 * pages is wanted any more.
 */
export function pagesOf(
  name: string,
  query: ListQuery,
  answers: readonly Answer[],
  isEnough: (page: Page) => boolean = () => false,
): { readonly call: Call } | { readonly deals: Page['value']; readonly isAll: boolean } | { readonly reply: Reply } {
  const said = answers.filter(({ call }) => call.name === name);
  const deals: Page['value'] = [];
  const seen = new Set<string>();
  let next: string | undefined;
  for (const { reply } of said) {
    if (!reply?.ok) return { reply: reply ?? { ok: true, body: {} } };
    const page = reply.body as Page;
    deals.push(...page.value);
    next = isEnough(page) ? undefined : skipTokenOf(page['@odata.nextLink']);
    // A service that goes round in circles is not followed.
    if (next !== undefined && seen.has(next)) next = undefined;
    if (next !== undefined) seen.add(next);
  }
  if (said.length === 0) return { call: listCall(name, query) };
  if (next !== undefined && said.length < MOST_PAGES) return { call: listCall(name, query, next) };
  return { deals, isAll: next === undefined };
}

/** A POST is found again by looking: `restart` begins with the look-up. */
export const createCall = (name: string, body: unknown): Call => ({
  name,
  to: 'partnerCenter',
  method: 'POST',
  path: REFERRALS,
  body,
  repeat: 'restart',
});

/** One operation of JSON Patch (RFC 6902), of which the service knows two. */
export interface Operation {
  readonly op: 'replace' | 'add';
  readonly path: string;
  readonly value: unknown;
}

/** Its lost answer is looked for by reading the deal. */
export function patchCall(id: string, operations: readonly Operation[], eTag: string | null | undefined): Call {
  return {
    name: 'patch',
    to: 'partnerCenter',
    method: 'PATCH',
    path: one(id),
    body: operations,
    ...(eTag ? { ifMatch: eTag } : {}),
    repeat: 'restart',
  };
}
