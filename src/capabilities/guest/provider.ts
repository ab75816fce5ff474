/**
 * Who sends a guest's invitation: Microsoft Graph, or Governance Toolkit 365 in front of it. Each says which call
 * invites, what is read from its answer, what its refusals mean, and what of a wish it cannot do. Pure.
 * Must not know the other steps of an invitation, HTTP or cards.
 * Sources: Microsoft Graph v1.0, invitation-post; Governance Toolkit 365, API-invite-guest (2024-07).
 */
import { z } from 'zod/v4';
import type { Call, Facts, Raw, Reply, Shape } from '../../requests/capability.ts';
import { fieldOf } from '../../requests/fields.ts';
import { bad, type Problem, problem, type Result } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { given } from '../reader.ts';
import { GUEST_FIELDS, type GuestInput, MORE_MAX } from './input.ts';

export const GUEST_PROVIDERS = ['graph', 'gt365'] as const;
export type ProviderName = (typeof GUEST_PROVIDERS)[number];

/** The latest reply to a call of this name, if any. */
export type Heard = (name: string) => Reply | undefined;

/** What an invitation's answer told. */
export interface Invited {
  /** Entra object id of the guest; GT365 does not tell it, so the guest is looked up afterwards. */
  readonly userId?: string;
  readonly name?: string;
  /** A secret. */
  readonly redeemUrl?: string;
  /** Whether a mail went out, where that is told. */
  readonly mailed?: boolean;
}

export interface GuestProvider {
  /** What is used of the answers to the calls it makes. */
  readonly answers: Readonly<Record<string, Shape>>;
  /** What has to be looked up before it can invite, or why that cannot be known; null: nothing (more). */
  lookUp(facts: Pick<Facts, 'requester'>, heard: Heard): { readonly call: Call } | { readonly problem: Problem } | null;
  /** It can be found again in the directory, so a lost answer is looked for. */
  inviteCall(input: GuestInput, facts: Pick<Facts, 'requester' | 'requestId'>, heard: Heard): Call;
  /** `body` has the shape of its `invite` answer. */
  readInvitation(body: Readonly<Record<string, unknown>>): Invited;
  /** A refusal in words of this capability; the rest keep their own sentence. */
  inviteProblem(why: Problem): Problem;
  /** What was asked for and cannot be done this way, each with its field. */
  faults(raw: Raw): readonly Problem[];
}

const Invitation = z.object({
  invitedUser: z.object({ id: z.string() }),
  status: z.string().nullish(),
  inviteRedeemUrl: z.string().nullish(),
  invitedUserDisplayName: z.string().nullish(),
});
const Gt365Invitation = z.object({
  /** Of the invitation in GT365, not of the user. */
  id: z.string(),
  status: z.string().nullish(),
  inviteRedeemUrl: z.string().nullish(),
  sendInvitationMessage: z.boolean().nullish(),
});
const Requester = z.object({ mail: z.string().nullish(), userPrincipalName: z.string().nullish() });

/** What was read, with what cannot be done this way as further faults. */
export function readFor<T>(
  provider: GuestProvider,
  raw: Raw,
  read: Result<T, readonly Problem[]>,
): Result<T, readonly Problem[]> {
  const faults = provider.faults(raw);
  return faults.length === 0 ? read : bad([...(read.ok ? [] : read.problem), ...faults]);
}

const REFUSALS: Readonly<Record<string, string>> = {
  invitesForbidden: 'guest.refused.invitesForbidden',
  consentMissing: 'guest.refused.consentMissing',
  domainBlocked: 'guest.refused.domainBlocked',
  crossTenantBlocked: 'guest.refused.crossTenant',
  verifiedDomain: 'guest.refused.verifiedDomain',
  alreadyExists: 'guest.refused.alreadyExists',
  accountBlocked: 'guest.blocked',
  noTarget: 'guest.refused.noTarget',
};

const worded = (why: Problem, sentences: Readonly<Record<string, string>>): Problem => {
  const key = why.reason ? sentences[why.reason] : undefined;
  return key ? { ...why, say: say(key) } : why;
};

const graph: GuestProvider = {
  answers: { invite: Invitation },
  lookUp: () => null,

  inviteCall(input, facts) {
    const { message, language, cc } = input;
    const body = {
      invitedUserEmailAddress: input.address,
      inviteRedirectUrl: input.redirectUrl,
      ...(input.displayName ? { invitedUserDisplayName: input.displayName } : {}),
      invitedUserType: input.userType,
      sendInvitationMessage: input.sendMail,
      ...(message || language || cc
        ? {
            invitedUserMessageInfo: {
              ...(message ? { customizedMessageBody: message } : {}),
              // Graph ignores the language when a custom body is given (invitedUserMessageInfo).
              ...(language ? { messageLanguage: language } : {}),
              ...(cc ? { ccRecipients: [{ emailAddress: { address: cc } }] } : {}),
            },
          }
        : {}),
      invitedUserSponsors: [{ '@odata.type': '#microsoft.graph.user', id: input.sponsor || facts.requester.id }],
    };
    return {
      name: 'invite',
      to: 'graph',
      method: 'POST',
      path: '/invitations',
      body,
      pace: 'invitations',
      repeat: 'restart',
    };
  },

  readInvitation(body) {
    const { invitedUser, inviteRedeemUrl, invitedUserDisplayName } = Invitation.parse(body);
    return {
      userId: invitedUser.id,
      ...(invitedUserDisplayName ? { name: invitedUserDisplayName } : {}),
      ...(inviteRedeemUrl ? { redeemUrl: inviteRedeemUrl } : {}),
    };
  },

  inviteProblem: (why) => worded(why, REFUSALS),
  faults: () => [],
};

/** What a refusal of GT365 itself means; a refusal of Graph that it passes on keeps its own words. */
const GT365_REFUSALS: Readonly<Record<string, string>> = {
  ...REFUSALS,
  credentials: 'guest.gt365.credentials',
  forbidden: 'guest.gt365.forbidden',
  rejected: 'guest.gt365.rejected',
  notThere: 'guest.gt365.notThere',
  notYet: 'guest.gt365.notYet',
};

/** Fields that Graph takes and InviteGuest has no place for. */
const NOT_IN_GT365 = {
  message: 'guest.gt365.message',
  language: 'guest.gt365.language',
  cc: 'guest.gt365.cc',
} as const;

const gt365: GuestProvider = {
  answers: { invite: Gt365Invitation, requester: Requester },

  /** It wants whoever asks by address, and only the id is known from Teams. */
  lookUp({ requester }, heard) {
    const asked = heard('requester');
    // Somebody of another tenant has no address here; then nobody is named rather than somebody else.
    if (asked) return asked.ok || asked.problem.kind === 'gone' ? null : { problem: asked.problem };
    const path = `/users/${encodeURIComponent(requester.id)}?$select=mail,userPrincipalName`;
    return { call: { name: 'requester', to: 'graph', method: 'GET', path, repeat: 'safe' } };
  },

  inviteCall(input, facts, heard) {
    const asked = heard('requester');
    const { mail, userPrincipalName } = asked?.ok ? Requester.parse(asked.body) : {};
    const requestedBy = mail || userPrincipalName;
    const body = {
      ...(input.displayName ? { invitedUserDisplayName: input.displayName } : {}),
      invitedUserEmailAddress: input.address,
      inviteRedirectUrl: input.redirectUrl,
      sendInvitationMessage: input.sendMail,
      ...(requestedBy ? { requestedBy } : {}),
      more: moreOf(input, facts.requestId, requestedBy ?? undefined),
    };
    return {
      name: 'invite',
      to: 'gt365',
      method: 'POST',
      path: '/api/InviteGuest',
      body,
      pace: 'invitations',
      repeat: 'restart',
    };
  },

  readInvitation(body) {
    const { inviteRedeemUrl, sendInvitationMessage: mailed } = Gt365Invitation.parse(body);
    return {
      ...(inviteRedeemUrl ? { redeemUrl: inviteRedeemUrl } : {}),
      ...(typeof mailed === 'boolean' ? { mailed } : {}),
    };
  },

  inviteProblem(why) {
    const field = why.at === undefined ? undefined : fieldOf(why.at, GUEST_FIELDS)?.name;
    return { ...worded(why, GT365_REFUSALS), ...(field ? { field } : {}) };
  },

  faults(raw) {
    const asked = (name: string): boolean => (raw[name] ?? '').trim() !== '';
    const faults = Object.entries(NOT_IN_GT365)
      .filter(([name]) => asked(name))
      .map(([field, sentence]) => problem('input', sentence, { field }));
    return raw['userType']?.trim() === 'Member'
      ? [...faults, problem('input', 'guest.gt365.userType', { field: 'userType' })]
      : faults;
  },
};

/** What a person typed comes first; of the rest, whatever still fits and nobody typed under the same name. */
function moreOf(input: GuestInput, requestId: string, sponsor: string | undefined): Record<string, string> {
  const more: Record<string, string> = { ...input.more };
  const typed = new Set(Object.keys(more).map((key) => key.toLowerCase()));
  const { reason, team, until } = input;
  for (const [key, value] of Object.entries(given({ requestId, sponsor, reason, team: team?.name, until }))) {
    if (typed.has(key.toLowerCase()) || value === undefined) continue;
    if (JSON.stringify({ ...more, [key]: value }).length <= MORE_MAX) more[key] = value;
  }
  return more;
}

export const PROVIDERS: Readonly<Record<ProviderName, GuestProvider>> = { graph, gt365 };
