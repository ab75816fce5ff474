/**
 * Everything the stand-in for Microsoft remembers: the directory, the teams, the conversations, the mail that went out,
 * and the switches a test may turn. Pure data and look-ups; it must not know HTTP, the bot, or how anything is drawn.
 */
import { createHash } from 'node:crypto';
import type { CallSettings } from './callSettings.ts';
import type { Meeting } from './meetings.ts';
import type { PartnerSettings, PartnerWorld } from './partnerWorld.ts';
import type { TokenSettings, TokenWorld } from './userTokens.ts';

/** A user object of the tenant's directory, with the Graph property names (Graph docs, resources/user). */
export interface DirectoryUser {
  id: string;
  displayName: string;
  givenName: string | null;
  surname: string | null;
  mail: string | null;
  otherMails: string[];
  proxyAddresses: string[];
  userPrincipalName: string;
  userType: 'Member' | 'Guest';
  accountEnabled: boolean;
  externalUserState: 'PendingAcceptance' | 'Accepted' | null;
  externalUserStateChangeDateTime: string | null;
  createdDateTime: string;
  creationType: 'Invitation' | null;
  jobTitle: string | null;
  preferredLanguage: string | null;
  /** Object ids of the people answerable for a guest. */
  sponsors: string[];
  /** Epoch ms at which an invitation made this user; the directory delay counts from here. Null when seeded. */
  invitedAt: number | null;
}

/** A group; a team is a group whose provisioning options name it one (Graph docs, teams-list-all-teams). */
export interface Group {
  id: string;
  displayName: string;
  description: string | null;
  mail: string | null;
  mailEnabled: boolean;
  mailNickname: string;
  securityEnabled: boolean;
  groupTypes: string[];
  visibility: string | null;
  resourceProvisioningOptions: string[];
  createdDateTime: string;
  members: string[];
  owners: string[];
}

/** Somebody who can type in the chat. `key` is the short name the control API uses. */
export interface Person {
  key: string;
  name: string;
  mail: string;
  /** The `29:` id Teams gives a person towards one bot. */
  teamsId: string;
  userId: string;
  tenantId: string;
  guest: boolean;
}

/** One message and all it has ever said. */
export interface Message {
  activityId: string;
  conversation: string;
  /** Root message id in a channel, else null. */
  thread: string | null;
  /** `bot` or the key of a person. */
  from: string;
  name: string;
  text: string;
  attachments: unknown[];
  summary: string | null;
  value: unknown;
  replyToId: string | null;
  at: string;
  editedAt: string | null;
  edits: number;
  deleted: boolean;
  /** Every version with the first one first; the last one is what is shown. */
  versions: { at: string; text: string; attachments: unknown[]; summary: string | null }[];
  /** Cards that one person sees instead, because an action of theirs was answered with a card. */
  views: Record<string, unknown>;
}

/** A place to talk: one to one, group chat, channel or meeting chat. */
export interface Conversation {
  id: string;
  /** Short name for the control API: `personal:rita`, `group`, `general`, `meeting`. */
  key: string;
  type: 'personal' | 'groupChat' | 'channel';
  name: string;
  members: string[];
  team: { id: string; name: string; aadGroupId: string } | null;
  meetingId: string | null;
  /** `never`: the bot was not installed yet; `removed`: it was thrown out and may not write. */
  bot: 'never' | 'installed' | 'removed';
}

/** An invitation mail that would have gone out. */
export interface Mail {
  id: string;
  to: string;
  cc: string[];
  subject: string;
  body: string;
  language: string;
  redeemUrl: string;
  userId: string;
  invitationId: string;
  at: string;
  acceptedAt: string | null;
}

/** An invitation that was created, sent by mail or not. */
export interface Invitation {
  id: string;
  userId: string;
  address: string;
  redeemUrl: string;
  at: string;
}

/** Switches of the tenant; see `POST /control/settings`. */
export interface Settings extends CallSettings, PartnerSettings, TokenSettings {
  /** How long a just invited user stays invisible to the directory, in ms. */
  directoryDelayMs: number;
  /** Entra's authorizationPolicy.allowInvitesFrom; `none` refuses every invitation. */
  allowInvitesFrom: string;
  /** Whether the app has consent to invite. */
  consent: boolean;
  /** Added to every answer of a remote, in ms. */
  latencyMs: number;
  /** Whether more than 150 requests on /invitations in 5 s are refused (Graph docs, throttling-limits). */
  invitationQuota: boolean;
  /** Answer to adding a team member a second time; which one Graph gives is not documented. */
  teamMemberTwice: 201 | 409;
  /** Most changes of users on one page. */
  deltaPageSize: number;
  /** How long a token of such a list is good for, in ms; Graph's for directory objects seven days. */
  deltaLifetimeMs: number;
}

/** The whole memory of one sandbox. */
export interface World {
  tenantId: string;
  tenantName: string;
  verifiedDomains: string[];
  settings: Settings;
  users: DirectoryUser[];
  groups: Group[];
  people: Person[];
  conversations: Conversation[];
  meetings: Meeting[];
  messages: Message[];
  invitations: Invitation[];
  /** When requests on /invitations were taken, epoch ms, oldest first; only those of the last 5 s. */
  invitationsTaken: number[];
  mails: Mail[];
  files: { id: string; name: string; content: Buffer }[];
  partner: PartnerWorld;
  tokens: TokenWorld;
}

/** The stable `29:` id of a person, derived from the object id so that it survives a restart. */
export function teamsIdOf(userId: string): string {
  return `29:1${createHash('sha256').update(userId).digest('base64url')}`;
}

/** All addresses a user answers to, in lower case and without `smtp:`. */
export function addressesOf(user: DirectoryUser): string[] {
  const proxies = user.proxyAddresses.map((address) => address.replace(/^smtp:/i, ''));
  return [user.mail, user.userPrincipalName, ...user.otherMails, ...proxies]
    .filter((address): address is string => typeof address === 'string')
    .map((address) => address.toLowerCase());
}

/** The directory user that owns an address, whether the directory delay has passed or not. */
export function userByAddress(world: World, address: string): DirectoryUser | undefined {
  const wanted = address.toLowerCase();
  return world.users.find((user) => addressesOf(user).includes(wanted));
}

/** Whether directory reads see this user yet (`Directory_ObjectNotFound` right after a 201, reported on Graph). */
export function isVisible(world: World, user: DirectoryUser): boolean {
  return user.invitedAt === null || Date.now() >= user.invitedAt + world.settings.directoryDelayMs;
}

/** A user by object id or principal name, as directory reads see it. */
export function visibleUser(world: World, idOrName: string): DirectoryUser | undefined {
  const wanted = idOrName.toLowerCase();
  return world.users.find(
    (user) =>
      (user.id.toLowerCase() === wanted || user.userPrincipalName.toLowerCase() === wanted) && isVisible(world, user),
  );
}

/** A person by key, object id, `29:` id, address, or a member's name before the `@`. A directory user who never typed becomes a person here. */
export function findPerson(world: World, ref: string): Person | undefined {
  const wanted = ref.toLowerCase();
  const known = world.people.find(
    (person) =>
      person.key === wanted ||
      person.userId === wanted ||
      person.teamsId === ref ||
      person.mail.toLowerCase() === wanted,
  );
  if (known) return known;
  const user =
    world.users.find((one) => one.id === wanted || teamsIdOf(one.id) === ref || addressesOf(one).includes(wanted)) ??
    world.users.find((one) => one.userType === 'Member' && one.mail?.split('@')[0] === wanted);
  if (!user) return undefined;
  const mail = user.mail ?? user.userPrincipalName;
  const base = mail.split('@')[0] ?? user.id;
  const person: Person = {
    key: world.people.some((other) => other.key === base) ? user.id : base,
    name: user.displayName,
    mail,
    teamsId: teamsIdOf(user.id),
    userId: user.id,
    tenantId: world.tenantId,
    guest: user.userType === 'Guest',
  };
  world.people.push(person);
  return person;
}

/** Splits `19:…@thread.tacv2;messageid=17…` into the conversation and the thread. */
export function splitConversationId(id: string): { root: string; thread: string | null } {
  const [root = id, thread] = id.split(';messageid=');
  return { root, thread: thread ?? null };
}

/** The one to one conversation of a person, made when it is first needed. */
export function personalConversation(world: World, person: Person): Conversation {
  const key = `personal:${person.key}`;
  const known = world.conversations.find((conversation) => conversation.key === key);
  if (known) return known;
  const made: Conversation = {
    id: `a:1${createHash('sha256').update(`chat ${person.userId}`).digest('base64url')}`,
    key,
    type: 'personal',
    name: person.name,
    members: [person.key],
    team: null,
    meetingId: null,
    bot: 'never',
  };
  world.conversations.push(made);
  return made;
}

/** A conversation by id (with or without the thread) or by key; plain `personal` means the person's own. */
export function findConversation(world: World, ref: string, person?: Person): Conversation | undefined {
  if (ref === 'personal' && person) return personalConversation(world, person);
  const { root } = splitConversationId(ref);
  const known = world.conversations.find((conversation) => conversation.id === root || conversation.key === root);
  if (known || !ref.startsWith('personal:')) return known;
  const owner = findPerson(world, ref.slice('personal:'.length));
  return owner && personalConversation(world, owner);
}

let lastActivityId = 0;
/** A new activity id as Teams makes them: the epoch in ms as text, never the same twice in a process. */
export function newActivityId(): string {
  lastActivityId = Math.max(Date.now(), lastActivityId + 1);
  return String(lastActivityId);
}
