/**
 * The stand-in for Partner Center: the routes of co-sell referrals and of the webhook (Partner Center docs, referrals and
 * webhooks). Must not know faults, chat or the control API.
 */
import { type Answer, asObject, type Exchange, type Handler, routes } from './exchange.ts';
import { FilterFault } from './filter.ts';
import { admit, permit, unnamed } from './partnerAccess.ts';
import { invalidRequest, notFound, partnerError, partnerHeaders, referralAnswer, shown } from './partnerAnswer.ts';
import { compileOrder, compileReferralFilter, compileSelect } from './partnerFilter.ts';
import { createReferral, patchReferral, type Refusal, readPatch, replaceReferral } from './partnerReferrals.ts';
import { findReferral, type Referral } from './partnerWorld.ts';
import type { Room } from './room.ts';
import { registrationRoutes } from './webhookRoutes.ts';
import { tellChange } from './webhooks.ts';

const nextAddress = {
  documented: 'http://api.partner.microsoft.com/v1.0/referrals',
  foreign: 'https://partner-api.attacker.example/v1.0/engagements/referrals',
} as const;

function refusal(exchange: Exchange, why: Refusal): Answer {
  if (why.kind === 'invalid') return invalidRequest(exchange, why.fault);
  if (why.kind === 'noEngagement') return notFound(exchange, `Engagement '${why.engagementId}'`);
  return partnerError(exchange, 409, 'invalidRequest', 'The resource already exists.', {
    target: 'engagementId',
    code: 'referralAlreadyExists',
    message: `Organization '${why.organizationId}' already has a referral in this engagement.`,
  });
}

/** What a page of a list is of; it goes into the skip token as it is. */
interface Listing {
  filter: string | null;
  orderby: string | null;
  select: string | null;
  skip: number;
}

function readListing(query: URLSearchParams): Listing | undefined {
  const token = query.get('$skiptoken');
  if (token === null) {
    return { filter: query.get('$filter'), orderby: query.get('$orderby'), select: query.get('$select'), skip: 0 };
  }
  try {
    const read = JSON.parse(Buffer.from(token, 'base64').toString('utf8')) as Listing;
    return Number.isInteger(read.skip) ? read : undefined;
  } catch {
    return undefined;
  }
}

function list(room: Room, exchange: Exchange): Answer {
  const { partner, settings } = room.world;
  const invalid = (target: string, message: string) =>
    invalidRequest(exchange, { target, code: 'invalidQueryOption', message });
  const listing = readListing(exchange.query);
  if (!listing) return invalid('$skiptoken', 'is not a token of this service');
  let found: Referral[];
  let pick = (row: Record<string, unknown>) => row;
  try {
    const filter = listing.filter === null ? null : compileReferralFilter(listing.filter);
    // Other organizations' referrals are seen through their engagement only.
    const isWide = filter?.asks.includes('engagementId') ?? false;
    found = partner.referrals.filter(
      (one) => (isWide || one.organizationId === partner.organization.id) && (filter?.fits(one) ?? true),
    );
    if (listing.orderby !== null) found.sort(compileOrder(listing.orderby));
    if (listing.select !== null) pick = compileSelect(listing.select);
  } catch (error) {
    if (!(error instanceof FilterFault)) throw error;
    return invalid('$filter', error.message);
  }
  const end = listing.skip + settings.referralPageSize;
  const value = found.slice(listing.skip, end).map((one) => pick(shown(one, true)));
  const body: Record<string, unknown> = {
    '@odata.context': 'http://api.partner.microsoft.com/v1.0/$metadata#Referrals',
    '@odata.count': value.length,
    value,
  };
  if (end < found.length) {
    const token = Buffer.from(JSON.stringify({ ...listing, skip: end })).toString('base64');
    body['@odata.nextLink'] = `${nextAddress[settings.nextLink]}?$skiptoken=${encodeURIComponent(token)}`;
  }
  return { status: 200, headers: partnerHeaders(exchange), body };
}

function outdated(exchange: Exchange, referral: Referral): Answer | undefined {
  const match = exchange.headers['if-match'];
  if (match === undefined || match === '*' || match === referral.eTag) return undefined;
  return partnerError(
    exchange,
    412,
    'preconditionFailed',
    'The eTag does not match the current state of the resource.',
    {
      target: 'eTag',
      code: 'eTagMismatch',
      message: 'The referral was changed meanwhile.',
    },
  );
}

function referralRoutes(room: Room): Record<string, Handler> {
  const { world } = room;

  /** Checks what a change needs; gives the referral or the refusal. */
  function own(exchange: Exchange, id: string | undefined): { referral: Referral } | { refused: Answer } {
    const referral = findReferral(world.partner, id ?? '');
    if (!referral) return { refused: notFound(exchange, `Referral '${id}'`) };
    if (referral.organizationId === world.partner.organization.id) {
      const refused = outdated(exchange, referral);
      return refused ? { refused } : { referral };
    }
    const refused = partnerError(
      exchange,
      403,
      'accessDenied',
      'The caller does not have permission to perform the action.',
      {
        code: 'forbidden',
        message: 'The referral belongs to another organization.',
      },
    );
    return { refused };
  }

  return {
    'GET /v1.0/engagements/referrals': (exchange) => list(room, exchange),
    'POST /v1.0/engagements/referrals': (exchange) => {
      const made = createReferral(world.partner, exchange.body);
      if ('refused' in made) return refusal(exchange, made.refused);
      room.happenings.tell('partner', { referral: made.referral.id });
      return referralAnswer(exchange, made.referral);
    },
    'GET /v1.0/engagements/referrals/:id': (exchange, { id }) => {
      const referral = findReferral(world.partner, id ?? '');
      return referral ? referralAnswer(exchange, referral) : notFound(exchange, `Referral '${id}'`);
    },
    'PATCH /v1.0/engagements/referrals/:id': (exchange, { id }) => {
      const found = own(exchange, id);
      if ('refused' in found) return found.refused;
      const { referral } = found;
      const operations = readPatch(exchange.body);
      if (!Array.isArray(operations)) return refusal(exchange, operations);
      const why = patchReferral(referral, operations);
      if (why) return refusal(exchange, why);
      tellChange(room, 'referral-updated', referral);
      const wanted = /\breturn=representation\b/.test(String(exchange.headers['prefer'] ?? ''));
      if (wanted) return referralAnswer(exchange, referral);
      return { status: 204, headers: { ...partnerHeaders(exchange), etag: referral.eTag } };
    },
    'PUT /v1.0/engagements/referrals/:id': (exchange, { id }) => {
      if (exchange.headers['if-match'] === undefined) {
        return invalidRequest(exchange, {
          target: 'If-Match',
          code: 'requiredHeaderMissing',
          message: 'is required',
        });
      }
      const found = own(exchange, id);
      if ('refused' in found) return found.refused;
      const { referral } = found;
      const why = replaceReferral(referral, asObject(exchange.body) ?? {});
      if (why) return refusal(exchange, why);
      tellChange(room, 'referral-updated', referral);
      return referralAnswer(exchange, referral);
    },
  };
}

/** Answers calls of Partner Center; paths start with `/v1.0` for referrals and with `/webhooks` for the webhook. */
export function createPartner(room: Room): (exchange: Exchange) => Answer | Promise<Answer> {
  const referrals = routes(referralRoutes(room));
  const registration = routes(registrationRoutes(room));
  return (exchange) => {
    const who = admit(room, exchange);
    if ('status' in who) return who;
    const refused = permit(room, exchange, who.userId);
    if (exchange.segments[0] === 'v1.0') {
      const wrong = unnamed(exchange) ?? refused;
      if (wrong) return wrong;
    } else if (refused) return refused;
    if (!exchange.bodyIsJson) {
      return invalidRequest(exchange, { target: 'referral', code: 'invalidJson', message: 'the body is not JSON' });
    }
    const answer = exchange.segments[0] === 'v1.0' ? referrals(exchange) : registration(exchange);
    return answer ?? notFound(exchange, `Route '${exchange.method} ${exchange.path}'`);
  };
}
