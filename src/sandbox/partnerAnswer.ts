/**
 * The outer shape of Partner Center's answers: the error envelope with its nested inner errors, the headers, the links.
 * Must not know any route.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Exchange } from './exchange.ts';
import type { Referral } from './partnerWorld.ts';

/** What is wrong with one property; `target` is its path, for example `customerProfile.address.country`. */
export interface Fault {
  target: string;
  /** The service's innermost code. */
  code: string;
  message: string;
}

/** The misspelling is the service's own (Partner Center docs, create-a-referral). */
const linkRoot = 'https://api.partner.microsoft.com/v1.0/engagments/referrals';

/** Headers every answer has (Partner Center docs, headers). */
export function partnerHeaders(exchange: Exchange): Record<string, string> {
  const clientId = exchange.headers['client-request-id'];
  return {
    'request-id': randomUUID(),
    timestamp: new Date().toISOString(),
    ...(typeof clientId === 'string' ? { 'client-request-id': clientId } : {}),
  };
}

/** An error in the service's envelope; messages are in English only and not meant for people. */
export function partnerError(
  exchange: Exchange,
  status: number,
  code: string,
  message: string,
  inner: { target?: string; code: string; message: string } = { code, message },
  headers: Record<string, string> = {},
): Answer {
  const { target = 'referral', ...innerError } = inner;
  return {
    status,
    headers: { ...partnerHeaders(exchange), ...headers },
    body: { error: { code, message, target, innerError } },
  };
}

/** The 400 for a body that does not fit; the first fault is named, and what the property is inside it. */
export function invalidRequest(exchange: Exchange, fault: Fault): Answer {
  const { target, code, message } = fault;
  const innerError = { code: 'validationError', message: `${target}: ${message}`, innerError: { code, message } };
  return {
    status: 400,
    headers: partnerHeaders(exchange),
    body: { error: { code: 'invalidRequest', message: 'The request is malformed or incorrect.', target, innerError } },
  };
}

/** The 404 for a referral or an engagement. */
export function notFound(exchange: Exchange, what: string): Answer {
  return partnerError(exchange, 404, 'itemNotFound', 'The resource does not exist.', {
    code: 'resourceNotFound',
    message: `${what} was not found.`,
  });
}

/** A referral as a caller sees it: with links, and in a list without its eTag. */
export function shown(referral: Referral, inList = false): Record<string, unknown> {
  const { eTag, ...rest } = referral;
  const { id, engagementId } = referral;
  return {
    ...(inList ? rest : { ...rest, eTag }),
    links: {
      relatedReferrals: { uri: `${linkRoot}?$filter=engagementId eq '${engagementId}'`, method: 'GET' },
      self: { uri: `${linkRoot}/${id}`, method: 'GET' },
    },
  };
}

/** One referral with its eTag, which is in the body and in the header alike. */
export function referralAnswer(exchange: Exchange, referral: Referral): Answer {
  return {
    status: 200,
    headers: { ...partnerHeaders(exchange), etag: referral.eTag },
    body: shown(referral),
  };
}
