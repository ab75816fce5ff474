/**
 * What the control API accepts, as schemas. Must not do anything.
 */
import { z } from 'zod/v4';
import { callForgeries, callsIssuers } from './callsKeys.ts';
import { forgeries } from './channelKeys.ts';
import { faultKinds, remotes } from './faults.ts';
import { gt365Shapes } from './gt365.ts';
import { behaviours } from './telephony.ts';

const place = { conversation: z.string(), user: z.string() };
const anything = z.record(z.string(), z.unknown());

/** A regular expression that compiles. */
const pattern = z.string().refine(
  (source) => {
    try {
      new RegExp(source);
      return true;
    } catch {
      return false;
    }
  },
  { message: 'not a regular expression' },
);

/** An attached file of ours, or any attachment as it is. */
const attachment = z.union([
  z.object({ name: z.string(), text: z.string() }),
  z.object({ name: z.string(), base64: z.string() }),
  anything,
]);

export const sayBody = z.object({
  ...place,
  text: z.string(),
  /** Left out: as Teams does, needed everywhere but in personal chats. */
  mention: z.boolean().optional(),
  /** Other people who are mentioned, each where `@Name` is in the text, or else at its end. */
  mentions: z.array(z.string()).default([]),
  locale: z.string().optional(),
  attachments: z.array(attachment).default([]),
  /** Root message id, to answer inside a channel thread. */
  thread: z.string().optional(),
  /** Activity id, to force a duplicate. */
  id: z.string().optional(),
  /** How many times the same activity is delivered at once. */
  copies: z.number().int().min(1).max(100).default(1),
});

export const executeBody = z.object({
  ...place,
  activityId: z.string(),
  verb: z.string(),
  data: anything.default({}),
  inputs: anything.default({}),
  actionId: z.string().optional(),
  /** `automatic`: the client asks by itself, by a card's `refresh`. */
  trigger: z.enum(['manual', 'automatic']).default('manual'),
  title: z.string().optional(),
  /** The code of a sign-in that was finished, when the bot asked for one. */
  state: z.string().optional(),
  /** A token that the bot may exchange, when it said for what. */
  authentication: z.object({ id: z.string(), connectionName: z.string(), token: z.string() }).optional(),
  locale: z.string().optional(),
  id: z.string().optional(),
  copies: z.number().int().min(1).max(100).default(1),
});

export const submitBody = z.object({
  ...place,
  activityId: z.string(),
  data: anything.default({}),
  inputs: anything.default({}),
  locale: z.string().optional(),
  id: z.string().optional(),
  copies: z.number().int().min(1).max(100).default(1),
});

/** A consent card is answered. `context` and `uploadUrl`: what a forger would send instead. */
export const consentBody = z.object({
  ...place,
  activityId: z.string(),
  accept: z.boolean(),
  context: anything.optional(),
  uploadUrl: z.string().optional(),
});

export const installBody = z.object({
  ...place,
  /** Does nothing when the bot is installed there already. */
  once: z.boolean().default(false),
  /** Throws the bot out instead. */
  remove: z.boolean().default(false),
  locale: z.string().optional(),
});

export const rawBody = z.object({
  activity: z.unknown(),
  token: z
    .union([z.enum(['good', 'none']), z.object({ header: z.string() }), z.object({ forge: z.enum(forgeries) })])
    .default('good'),
  claims: anything.optional(),
});

export const deleteMessageBody = z.object({ conversation: z.string(), activityId: z.string() });

export const faultBody = z.object({
  remote: z.enum(remotes),
  kind: z.enum(faultKinds),
  method: z.string().nullable().default(null),
  path: pattern.nullable().default(null),
  times: z.number().int().min(-1).default(1),
  status: z.number().int().min(400).max(599).optional(),
  retryAfter: z.union([z.number(), z.literal('date'), z.null()]).optional(),
  ms: z.number().int().min(0).default(3000),
  code: z.string().nullable().default(null),
  message: z.string().nullable().default(null),
  target: z.string().nullable().default(null),
  shape: z.enum(gt365Shapes).nullable().default(null),
});

export const redeemBody = z
  .object({ mailId: z.string(), address: z.string(), url: z.string() })
  .partial()
  .refine((body) => body.mailId !== undefined || body.address !== undefined || body.url !== undefined, {
    message: 'mailId, address or url is needed',
  });

export const settingsBody = z
  .object({
    directoryDelayMs: z.number().min(0),
    allowInvitesFrom: z.enum(['everyone', 'adminsGuestInvitersAndAllMembers', 'adminsAndGuestInviters', 'none']),
    consent: z.boolean(),
    latencyMs: z.number().min(0),
    invitationQuota: z.boolean(),
    teamMemberTwice: z.union([z.literal(201), z.literal(409)]),
    deltaPageSize: z.number().int().min(1),
    deltaLifetimeMs: z.number().min(0),
    callsConsent: z.union([z.boolean(), z.literal('joinOnly')]),
    mayRemoveParticipants: z.boolean(),
    phoneReady: z.boolean(),
    meetingConsent: z.boolean(),
    meetingHasJoinUrl: z.boolean(),
    ringMs: z.number().min(0),
    ringTimeoutMs: z.number().min(0),
    joinMs: z.number().min(0),
    rosterDelayMs: z.number().min(0),
    keepAliveLimitMs: z.number().min(0),
    callbacksOff: z.boolean(),
    callbackTries: z.number().int().min(1).max(10),
    callbackPauseMs: z.number().min(0),
    callsIssuer: z.enum(callsIssuers),
    referralPageSize: z.number().int().min(1),
    nextLink: z.enum(['documented', 'foreign']),
    webhookTries: z.number().int().min(1).max(10),
    webhookPauseMs: z.number().min(0),
    webhooksOff: z.boolean(),
    tokenLifetimeMs: z.number().min(0),
    sso: z.boolean(),
    botUrl: z.string().nullable(),
  })
  .partial()
  .strict();

export const personBody = z
  .object({
    /** Key, object id or address; a phone number works as well. */
    person: z.string().optional(),
    phone: z.string().optional(),
    behaviour: z.enum(behaviours).optional(),
    /** Null goes by the setting. */
    ringMs: z.number().min(0).nullable().optional(),
  })
  .refine((body) => (body.person === undefined) !== (body.phone === undefined), {
    message: 'person or phone is needed',
  });

export const telephonyBody = z.object({
  action: z.enum(['join', 'leave', 'answer', 'decline', 'speak', 'mute', 'unmute', 'terminate', 'end']),
  /** Id of a call of the bot; where it is left out, the only one that runs, or the meeting. */
  call: z.string().optional(),
  /** Key of the meeting's chat. */
  meeting: z.string().optional(),
  person: z.string().optional(),
  /** With `join`: waits in the lobby. */
  lobby: z.boolean().default(false),
  /** With `terminate`: why the service ended the call. */
  code: z.number().int().default(200),
  subcode: z.number().int().default(5001),
  message: z.string().default('The conversation has ended.'),
});

export const callbackBody = z.object({
  /** Id of a call: its address is used, and without a body its roster is sent. */
  call: z.string().optional(),
  /** Another address. */
  to: z.url().optional(),
  body: z.unknown().optional(),
  /** Numbers of recorded callbacks, sent again in this order. */
  replay: z.union([z.number().int(), z.array(z.number().int())]).optional(),
  order: z.enum(['given', 'reversed']).default('given'),
  token: z
    .union([z.enum(['good', 'none']), z.object({ header: z.string() }), z.object({ forge: z.enum(callForgeries) })])
    .default('good'),
  /** Laid over the claims of a good token. */
  claims: anything.optional(),
  /** How often each is sent, all at once. */
  copies: z.number().int().min(1).max(100).default(1),
});

export const holdBody = z.object({
  on: z.boolean(),
  /** With `on: false`: the last one first. */
  reversed: z.boolean().default(false),
});

const named = z.looseObject({ id: z.string().optional(), displayName: z.string() });
export const worldBody = z.object({
  /** Directory users; `userType: 'Guest'` (or an externalUserState) makes a guest. */
  users: z.array(named).default([]),
  /** Groups; `team: true` makes a team. */
  groups: z.array(named).default([]),
});

export const waitQuery = z
  .object({
    conversation: z.string(),
    matches: pattern,
    calls: pattern,
    remote: z.enum(remotes),
    mails: pattern,
    /** Over lines like `sent 202 {body}`, one per callback. */
    callbacks: pattern,
    /** The same, one per event of Partner Center. */
    webhooks: pattern,
    /** Over the JSON of each call of `GET /control/telephony`. */
    telephony: pattern,
    count: z.coerce.number().int().min(1),
    timeoutMs: z.coerce.number().int().min(0).max(120_000),
  })
  .partial();
