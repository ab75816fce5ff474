/**
 * The stand-in for Governance Toolkit 365: `POST /api/InviteGuest`, with the token of the customer's own app, in whose
 * name it then invites through Graph. What it answers is what its page documents: 201 with its own id and no id of the
 * user, 400 for what is missing or wrong, 500 for everything else, in any of three shapes (GT365, API-invite-guest).
 * Must not know chat, or how Graph invites.
 */
import { randomUUID } from 'node:crypto';
import { type Answer, asObject, type Exchange, type Handler, routes } from './exchange.ts';
import { graphError } from './graphAnswer.ts';
import { invitationRoutes } from './invitations.ts';
import type { Room } from './room.ts';

/** The shapes in which it tells what is wrong. */
export const gt365Shapes = ['message', 'graph', 'text'] as const;
/** Name of such a shape. */
export type Gt365Shape = (typeof gt365Shapes)[number];

/** Where a guest lands when nobody says otherwise. */
const defaultRedirectUrl = 'https://invitations.microsoft.com';
const mostMore = 4000;

/** An error in one of its shapes. */
export function gt365Error(
  exchange: Exchange,
  status: number,
  code: string,
  message: string,
  shape: Gt365Shape = 'message',
): Answer {
  if (shape === 'graph') return graphError(exchange, status, code, message);
  if (shape === 'text') return { status, body: message, headers: { 'content-type': 'text/plain; charset=utf-8' } };
  return { status, body: { message } };
}

/** What is wrong with a body, or undefined. */
function faultOf(body: Record<string, unknown> | undefined): string | undefined {
  if (!body) return 'The request body is missing or is not valid JSON.';
  const address = body['invitedUserEmailAddress'];
  if (typeof address !== 'string' || address.trim() === '') return 'The property invitedUserEmailAddress is missing.';
  const flag = body['sendInvitationMessage'];
  if (flag !== undefined && typeof flag !== 'boolean') return 'The property sendInvitationMessage must be a boolean.';
  const { more } = body;
  if (more === undefined || more === null) return undefined;
  const pairs = asObject(more);
  if (!pairs || Object.values(pairs).some((one) => typeof one === 'object' && one !== null))
    return 'The property more must hold key/value pairs.';
  if (JSON.stringify(more).length > mostMore) return `The property more exceeds ${mostMore} characters.`;
  return undefined;
}

/** Answers GT365 calls; paths start with `/api`. */
export function createGt365(room: Room): (exchange: Exchange) => Answer | Promise<Answer> {
  const invite = invitationRoutes(room)['POST /v1.0/invitations'] as Handler;

  async function inviteGuest(exchange: Exchange): Promise<Answer> {
    const [, token = ''] = /^Bearer +(\S+)$/i.exec(exchange.headers.authorization ?? '') ?? [];
    const app = room.entra.believe(token);
    // It hands the token on, so that a bad one comes back as Graph's error.
    if (!app)
      return graphError(
        exchange,
        500,
        'InvalidAuthenticationToken',
        'Access token validation failure. Invalid audience.',
      );
    if (!app.roles.includes('User.Invite.All'))
      return graphError(
        exchange,
        500,
        'Authorization_RequestDenied',
        'Insufficient privileges to complete the operation.',
      );
    const body = exchange.bodyIsJson ? asObject(exchange.body) : undefined;
    const fault = faultOf(body);
    if (fault) return gt365Error(exchange, 400, 'BadRequest', fault);
    const wanted = {
      invitedUserDisplayName: body?.['invitedUserDisplayName'],
      invitedUserEmailAddress: body?.['invitedUserEmailAddress'],
      inviteRedirectUrl: body?.['inviteRedirectUrl'] ?? defaultRedirectUrl,
      sendInvitationMessage: body?.['sendInvitationMessage'] ?? false,
    };
    const answered = await invite({ ...exchange, body: wanted }, {});
    // Whatever Graph says, it is passed on as it is, under the one status there is for it.
    if (answered.status !== 201) return { ...answered, status: 500 };
    const made = asObject(answered.body) ?? {};
    return {
      status: 201,
      body: {
        id: randomUUID(),
        invitedUserEmailAddress: made['invitedUserEmailAddress'],
        inviteRedeemUrl: made['inviteRedeemUrl'],
        status: made['status'],
        sendInvitationMessage: wanted.sendInvitationMessage,
      },
    };
  }

  const route = routes({ 'POST /api/InviteGuest': inviteGuest });
  return (exchange) => route(exchange) ?? { status: 404, body: '', headers: { 'content-type': 'text/plain' } };
}
