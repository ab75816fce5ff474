/**
 * What the control API accepts about Partner Center and sign-ins, as schemas. Must not do anything.
 */
import { z } from 'zod/v4';
import { referralForgeries } from './certificates.ts';
import { webhookEvents } from './partnerEnums.ts';
import { referralRoles } from './partnerWorld.ts';

export const incomingBody = z.object({
  customer: z.string().min(1),
  name: z.string().optional(),
  country: z.string().length(2).optional(),
  value: z.number().min(0).optional(),
  currency: z.string().length(3).optional(),
  notes: z.string().optional(),
  closesInDays: z.number().optional(),
  /** Organization that sends it; Microsoft unless another is named. */
  from: z.string().default('msft'),
  fromName: z.string().optional(),
  /** When the answer is due, in ms from now. */
  expiresInMs: z.number().optional(),
});

export const otherHandBody = z.object({
  id: z.string(),
  /** What somebody else does at the portal; `change` lays operations over the referral. */
  action: z.enum(['accept', 'decline', 'win', 'lose', 'expire', 'change']),
  /** With `change`: a JSON Patch; left out, the value grows by a tenth. */
  operations: z.array(z.unknown()).optional(),
});

export const rolesBody = z.object({ user: z.string(), roles: z.array(z.enum(referralRoles)) });

export const signInBody = z
  .object({
    /** From the link; or the user, whose newest open sign-in is meant. */
    ticket: z.string().optional(),
    user: z.string().optional(),
    accept: z.boolean().default(true),
    mfa: z.boolean().default(true),
  })
  .refine((body) => body.ticket !== undefined || body.user !== undefined, { message: 'ticket or user is needed' });

export const accessBody = z.object({
  user: z.string(),
  /**
   * `expire` ends the token; `revoke` takes the consent back and the token with it; `refuse` lets the token service hand
   * out a token that Partner Center takes no more; `challenge` demands a new sign-in with a second factor; `signIn` is a
   * sign-in without the page, `signOut` the opposite.
   */
  action: z.enum(['expire', 'revoke', 'refuse', 'challenge', 'signIn', 'signOut']),
  /** With `challenge`: with which status it comes. */
  status: z.union([z.literal(401), z.literal(403)]).default(401),
  /** With `signIn`: the connection, and whether a second factor was used. */
  connectionName: z.string().default('PartnerCenter'),
  mfa: z.boolean().default(true),
});

export const exchangeableBody = z.object({ user: z.string(), uri: z.string().default('') });

export const eventBody = z.object({
  /** Name and referral of an event, or the whole body as text. */
  event: z.enum(webhookEvents).default('referral-updated'),
  id: z.string().optional(),
  body: z.string().optional(),
  /** The registered address, unless another is named. */
  to: z.url().optional(),
  /** Numbers of recorded events, sent again in this order. */
  replay: z.array(z.number().int()).optional(),
  forge: z.enum(referralForgeries).optional(),
  /** How often each is sent, all at once. */
  copies: z.number().int().min(1).max(100).default(1),
});
