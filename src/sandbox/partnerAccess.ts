/**
 * Whom Partner Center lets in: a user's access token with a second factor, and the right role (Partner Center docs,
 * referral-api-authentication; App+User only). Must not know any route.
 */
import type { Answer, Exchange } from './exchange.ts';
import { partnerError } from './partnerAnswer.ts';
import { referralRoles } from './partnerWorld.ts';
import type { Room } from './room.ts';
import { accessOf, believe } from './userTokens.ts';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const authorize = 'https://login.microsoftonline.com/common/oauth2/authorize';
/** What Entra wants to see before it gives the next token: a sign-in with a second factor. */
const claims = Buffer.from(JSON.stringify({ access_token: { amr: { essential: true, values: ['mfa'] } } })).toString(
  'base64',
);

/** The user behind a call, or the refusal. */
export function admit(room: Room, exchange: Exchange): { userId: string } | Answer {
  const [, text] = /^Bearer +(\S+)$/i.exec(exchange.headers.authorization ?? '') ?? [];
  const message = 'Caller is not authorized to access the resource.';
  const bearer = `Bearer realm="", authorization_uri="${authorize}"`;
  // The service spells its codes in more than one way (Partner Center docs, error-codes).
  const refuse = (code: string, inner: string, more = '', status: 401 | 403 = 401) =>
    partnerError(
      exchange,
      status,
      code,
      message,
      { code: inner, message: 'Unauthorized referral access' },
      {
        'www-authenticate': `${bearer}${more}`,
      },
    );
  if (text === undefined) return refuse('unauthenticated', 'tokenMissing');
  const token = believe(room.world.tokens, text);
  if (token === 'unknown') return refuse('unAuthorized', 'invalidToken', ', error="invalid_token"');
  if (token === 'expired') return refuse('Unauthenticated', 'tokenExpired', ', error="invalid_token"');
  if ('challenged' in token) {
    const { challengeStatus } = accessOf(room.world.tokens, token.challenged);
    return refuse(
      'unauthenticated',
      'insufficientClaims',
      `, error="insufficient_claims", claims="${claims}"`,
      challengeStatus,
    );
  }
  return { userId: token.userId };
}

/** Whether a user has a role that may see and change referrals; else the refusal. */
export function permit(room: Room, exchange: Exchange, userId: string): Answer | undefined {
  const roles = room.world.partner.roles[userId] ?? [];
  if (roles.some((role) => referralRoles.includes(role))) return undefined;
  return partnerError(exchange, 403, 'accessDenied', 'The caller does not have permission to perform the action.', {
    code: 'forbidden',
    message: `The caller needs one of the roles ${referralRoles.join(', ')}.`,
  });
}

/** The refusal of a call that cannot be followed up: each names itself by a new GUID (Partner Center docs, headers). */
export function unnamed(exchange: Exchange): Answer | undefined {
  const name = exchange.headers['client-request-id'];
  if (typeof name === 'string' && guid.test(name)) return undefined;
  return partnerError(exchange, 400, 'invalidRequest', 'The request is malformed or incorrect.', {
    target: 'client-request-id',
    code: 'requiredHeaderMissing',
    message: 'The header client-request-id must be a GUID.',
  });
}
