/**
 * What the control API accepts, as schemas. Must not do anything.
 */
import { z } from 'zod/v4';
import { forgeries } from './channelKeys.ts';
import { faultKinds } from './faults.ts';

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
  title: z.string().optional(),
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
  remote: z.enum(['graph', 'connector']),
  kind: z.enum(faultKinds),
  method: z.string().nullable().default(null),
  path: pattern.nullable().default(null),
  times: z.number().int().min(-1).default(1),
  status: z.number().int().min(400).max(599).optional(),
  retryAfter: z.union([z.number(), z.literal('date'), z.null()]).optional(),
  ms: z.number().int().min(0).default(3000),
  code: z.string().nullable().default(null),
  message: z.string().nullable().default(null),
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
    teamMemberTwice: z.union([z.literal(201), z.literal(409)]),
    botUrl: z.string().nullable(),
  })
  .partial()
  .strict();

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
    remote: z.enum(['graph', 'connector']),
    mails: pattern,
    count: z.coerce.number().int().min(1),
    timeoutMs: z.coerce.number().int().min(0).max(120_000),
  })
  .partial();
