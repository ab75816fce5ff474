/**
 * The next call of a guest invitation, given the answers so far: find the person → find the team → invite → add to the
 * team → done. A pure function: replaying it over the saved answers is how a crash is survived.
 * Must not know HTTP, cards or the store. Shapes and limits: Microsoft Graph v1.0, invitation-post, user-list, group-list.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Facts, Reply, Step } from '../../requests/capability.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import type { GuestInput, TeamWish } from './input.ts';

/** How a guest stands in the directory. */
export type Standing = 'pending' | 'accepted' | 'member';

export interface GuestOutcome {
  /** What this request did: invited someone, or found them here already. */
  readonly did: 'invited' | 'found';
  readonly standing: Standing;
  /** Entra object id of the user (never the invitation's id); unknown only when a person said it arrived. */
  readonly userId?: string;
  readonly name?: string;
  readonly mailed: boolean;
  /** Since when the standing holds, ISO date-time. */
  readonly since?: string;
  readonly team?: { readonly name: string; readonly was: 'added' | 'already in' };
  /** A secret: the link that redeems the invitation. */
  readonly redeemUrl?: string;
  /** The answer was lost: the invitation was found afterwards, or a person said that it arrived. */
  readonly recovered?: 'found' | 'said';
}

/** A directory needs a while for a new guest; we wait 2, 4, 8 … 60 s between tries, about 8 minutes in all. */
const CATCH_UP_TRIES = 12;
const catchUpMs = (tries: number): number => Math.min(1000 * 2 ** tries, 60_000);

/** A look-up younger than this is not made again. */
const LOOK_AGAIN_MS = 5_000;

/** How long a directory may hide a guest who was invited by another request. */
const NOT_SHOWN_YET_MS = 5 * 60_000;

/** How long a question waits for its answer. */
const QUESTION_MS = 3 * 24 * 3600_000;

const User = z.object({
  id: z.string(),
  displayName: z.string().nullish(),
  mail: z.string().nullish(),
  userPrincipalName: z.string().nullish(),
  userType: z.string().nullish(),
  externalUserState: z.string().nullish(),
  externalUserStateChangeDateTime: z.string().nullish(),
  accountEnabled: z.boolean().nullish(),
});
type User = z.infer<typeof User>;
const Users = z.object({ value: z.array(User) });
const Groups = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      displayName: z.string(),
      description: z.string().nullish(),
      resourceProvisioningOptions: z.array(z.string()).nullish(),
    }),
  ),
});
const Invitation = z.object({
  invitedUser: z.object({ id: z.string() }),
  status: z.string().nullish(),
  inviteRedeemUrl: z.string().nullish(),
  invitedUserDisplayName: z.string().nullish(),
});

/** What is used of each answer. */
export const GUEST_ANSWERS = { find: Users, team: Groups, invite: Invitation };

/** An OData string literal, encoded for a query: quotes are doubled first (Graph docs, query-parameters). */
export function literal(text: string): string {
  return encodeURIComponent(`'${text.replaceAll("'", "''")}'`);
}

/** The next step. `graphUrl` is the base that goes into bodies which must name an object by its full address. */
export function stepGuest(
  input: GuestInput,
  answers: readonly Answer[],
  facts: Facts<GuestOutcome>,
  graphUrl: string,
): Step<GuestOutcome> {
  const heard = (name: string): Reply | undefined =>
    answers.findLast((answer) => answer.call.name === name)?.reply ?? undefined;
  const invited = heard('invite');

  const found = heard('find');
  if (!found && !invited) return call(findCall(input));
  if (found && !found.ok) return fail(found.problem);
  const seen = found ? pick((found.body as z.infer<typeof Users>).value, input.address) : undefined;
  const user = seen ?? (found ? justInvited(facts) : undefined);
  if (user?.accountEnabled === false) return fail(problem('refused', 'guest.blocked'));

  const team = teamOf(input, heard('team'));
  if ('step' in team) return team.step;

  const arrived = seen !== undefined && facts.lost.some((lost) => lost.call.name === 'invite');
  const invite = user === undefined || (input.again === true && standingOf(user) === 'pending');
  if (invite && !invited) return call(inviteCall(input, facts));
  if (invited && !invited.ok) return fail(inviteProblem(invited.problem));

  const outcome = outcomeOf(input, user, invited, arrived);
  if (!team.wish) return { kind: 'done', outcome, standing: outcome.standing };
  if (outcome.userId === undefined && isToBeSought(answers, facts)) return call(findCall(input));
  if (outcome.userId === undefined) return fail(problem('unsure', 'guest.team.unknownUser'), outcome);
  return join(input, team.wish, outcome, answers, facts, graphUrl);
}

/** Whom another request invited a moment ago: the directory may not show them yet. */
function justInvited({ earlier, now }: Facts<GuestOutcome>): User | undefined {
  if (!earlier?.outcome.userId || earlier.at + NOT_SHOWN_YET_MS < now) return undefined;
  const { userId, name, standing } = earlier.outcome;
  if (standing !== 'pending') return undefined;
  return {
    id: userId,
    displayName: name,
    userType: 'Guest',
    externalUserState: 'PendingAcceptance',
    externalUserStateChangeDateTime: new Date(earlier.at).toISOString(),
  };
}

/**
 * Somebody said that the invitation arrived, so the guest who is to join a team must be there by now: they are looked for
 * once more, and again whenever somebody asks to try again.
 */
function isToBeSought(answers: readonly Answer[], facts: Facts): boolean {
  const last = answers.at(-1);
  if (last?.call.name !== 'find') return true;
  const looks = answers.filter((answer) => answer.call.name === 'find').length;
  return looks < CATCH_UP_TRIES && last.sentAt + LOOK_AGAIN_MS <= facts.now;
}

/** Joining comes last: what is said of it also says whether an invitation was sent before. */
const JOIN_WORDS = {
  unreached: { invited: 'guest.team.unreached', found: 'guest.team.unreachedFound' },
  refused: { invited: 'guest.team.refused', found: 'guest.team.refusedFound' },
  notCaughtUp: { invited: 'guest.team.notCaughtUp', found: 'guest.team.notCaughtUpFound' },
  catchingUp: { invited: 'guest.note.catchingUp', found: 'guest.note.catchingUpFound' },
} as const;

function join(
  input: GuestInput,
  wish: ResolvedTeam,
  outcome: GuestOutcome,
  answers: readonly Answer[],
  facts: Facts,
  graphUrl: string,
): Step<GuestOutcome> {
  const tries = answers.filter((answer) => answer.call.name === 'join');
  const last = tries.at(-1);
  const done = (was: 'added' | 'already in'): Step<GuestOutcome> => ({
    kind: 'done',
    outcome: { ...outcome, team: { name: wish.name, was } },
    standing: outcome.standing,
  });
  if (!last?.reply) return call(joinCall(wish, outcome.userId ?? '', graphUrl));
  if (last.reply.ok) return done('added');
  const why = last.reply.problem;
  if (why.reason === 'alreadyMember' || why.reason === 'conflict') {
    // Somebody invited for the first time can only be in through a call of ours whose answer was lost.
    return done(outcome.did === 'invited' && !input.again ? 'added' : 'already in');
  }
  const fitting = (words: (typeof JOIN_WORDS)[keyof typeof JOIN_WORDS]) => say(words[outcome.did], { team: wish.name });
  if (why.kind === 'down') return fail(problem('down', fitting(JOIN_WORDS.unreached)), outcome);
  if (why.kind !== 'gone') return fail({ ...problem(why.kind, fitting(JOIN_WORDS.refused)), field: 'team' }, outcome);
  if (tries.length >= CATCH_UP_TRIES) return fail(problem('down', fitting(JOIN_WORDS.notCaughtUp)), outcome);
  const againAt = last.sentAt + catchUpMs(tries.length);
  if (facts.now < againAt) {
    const note = fitting(JOIN_WORDS.catchingUp);
    return { kind: 'later', forMs: againAt - facts.now, note, outcome, standing: outcome.standing };
  }
  return call(joinCall(wish, outcome.userId ?? '', graphUrl));
}

function findCall(input: GuestInput): Call {
  const address = literal(input.address);
  const filter = `mail%20eq%20${address}%20or%20otherMails/any(m:m%20eq%20${address})%20or%20userPrincipalName%20eq%20${address}`;
  const select =
    'id,displayName,mail,userPrincipalName,userType,externalUserState,externalUserStateChangeDateTime,accountEnabled';
  return {
    name: 'find',
    to: 'graph',
    method: 'GET',
    path: `/users?$filter=${filter}&$select=${select}&$top=10`,
    repeat: 'safe',
  };
}

export function inviteCall(input: GuestInput, facts: Pick<Facts, 'requester'>): Call {
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
    // A first invitation can be found again in the directory; a second mail to a pending guest leaves no trace there.
    repeat: input.again ? 'never' : 'restart',
  };
}

/** Adding somebody twice changes nothing, so a lost answer may simply be asked for again. */
export function joinCall(team: ResolvedTeam, userId: string, graphUrl: string): Call {
  const id = encodeURIComponent(team.id);
  const user = encodeURIComponent(userId);
  return team.isTeam
    ? {
        name: 'join',
        to: 'graph',
        method: 'POST',
        path: `/teams/${id}/members`,
        body: {
          '@odata.type': '#microsoft.graph.aadUserConversationMember',
          roles: [],
          'user@odata.bind': `${graphUrl}/users('${user}')`,
        },
        repeat: 'safe',
      }
    : {
        name: 'join',
        to: 'graph',
        method: 'POST',
        path: `/groups/${id}/members/$ref`,
        body: { '@odata.id': `${graphUrl}/directoryObjects/${user}` },
        repeat: 'safe',
      };
}

export type ResolvedTeam = Required<TeamWish>;

/** The team, once it is known which. */
export function teamFound(input: GuestInput, answers: readonly Answer[]): ResolvedTeam | undefined {
  const reply = answers.findLast((answer) => answer.call.name === 'team')?.reply ?? undefined;
  const team = teamOf(input, reply);
  return 'wish' in team ? team.wish : undefined;
}

/** The team asked for, or the step that finds out which it is. */
function teamOf(
  input: GuestInput,
  found: Reply | undefined,
): { readonly wish?: ResolvedTeam } | { readonly step: Step<GuestOutcome> } {
  const { team } = input;
  if (!team) return {};
  if (team.id !== undefined && team.isTeam !== undefined)
    return { wish: { name: team.name, id: team.id, isTeam: team.isTeam } };
  if (!found) {
    const path = `/groups?$filter=startswith(displayName,${literal(team.name)})&$select=id,displayName,description,resourceProvisioningOptions&$top=20`;
    return { step: call({ name: 'team', to: 'graph', method: 'GET', path, repeat: 'safe' }) };
  }
  if (!found.ok) return { step: fail(found.problem) };
  const groups = (found.body as z.infer<typeof Groups>).value.map((group) => ({
    name: group.displayName,
    id: group.id,
    isTeam: group.resourceProvisioningOptions?.includes('Team') ?? false,
    about: group.description ?? '',
  }));
  const same = groups.filter((group) => group.name.toLowerCase() === team.name.toLowerCase());
  const candidates = same.length > 0 ? same : groups;
  const [only, ...others] = candidates;
  if (!only) return { step: fail(problem('input', say('guest.team.none', { team: team.name }), { field: 'team' })) };
  if (same.length === 1) return { wish: { name: only.name, id: only.id, isTeam: only.isTeam } };
  const options = [only, ...others].map((group) => ({
    title:
      group.about === ''
        ? `${group.name} (${group.isTeam ? 'team' : 'group'} ${group.id.slice(0, 8)})`
        : `${group.name}: ${group.about}`,
    value: `${group.isTeam ? 'team' : 'group'}:${group.id}:${group.name}`,
  }));
  const sentence =
    same.length > 0
      ? say('guest.team.several', { team: team.name, count: same.length })
      : say('guest.team.didYouMean', { team: team.name });
  return { step: { kind: 'ask', question: { say: sentence, field: 'team', options }, forMs: QUESTION_MS } };
}

/** The input with the chosen team put in (`team:<id>:<name>`). */
export function chooseTeam(input: GuestInput, value: string): GuestInput {
  const [kind, id = '', ...name] = value.split(':');
  return { ...input, team: { name: name.join(':'), id, isTeam: kind === 'team' } };
}

/** Among several accounts with the address, the one whose own mail it is; else the first. */
function pick(users: readonly User[], address: string): User | undefined {
  const same = (text: string | null | undefined): boolean => text?.toLowerCase() === address.toLowerCase();
  return users.find((user) => same(user.mail)) ?? users.find((user) => same(user.userPrincipalName)) ?? users[0];
}

function standingOf(user: User): Standing {
  if (user.userType === 'Guest' || user.externalUserState)
    return user.externalUserState === 'PendingAcceptance' ? 'pending' : 'accepted';
  return 'member';
}

function outcomeOf(
  input: GuestInput,
  user: User | undefined,
  invited: Reply | undefined,
  arrived: boolean,
): GuestOutcome {
  if (invited?.ok && invited.assumed)
    return {
      did: 'invited',
      standing: 'pending',
      mailed: input.sendMail,
      recovered: 'said',
      ...(user ? { userId: user.id } : {}),
    };
  if (invited?.ok) {
    const answer = invited.body as z.infer<typeof Invitation>;
    const name = answer.invitedUserDisplayName ?? input.displayName;
    return {
      did: 'invited',
      // A brand-new invitation is pending whatever `status` says: the docs' own sample answers "Completed".
      standing: 'pending',
      userId: answer.invitedUser.id,
      mailed: input.sendMail,
      ...(name ? { name } : {}),
      ...(answer.inviteRedeemUrl ? { redeemUrl: answer.inviteRedeemUrl } : {}),
    };
  }
  if (!user) throw new Error('neither found nor invited');
  return {
    did: arrived ? 'invited' : 'found',
    standing: standingOf(user),
    userId: user.id,
    mailed: arrived && input.sendMail,
    ...(user.displayName ? { name: user.displayName } : {}),
    ...(user.externalUserStateChangeDateTime ? { since: user.externalUserStateChangeDateTime } : {}),
    ...(arrived ? { recovered: 'found' as const } : {}),
  };
}

/** Graph's refusals of an invitation, in words of this capability; the rest keep their own sentence. */
function inviteProblem(why: Problem): Problem {
  const sentences: Readonly<Record<string, string>> = {
    invitesForbidden: 'guest.refused.invitesForbidden',
    consentMissing: 'guest.refused.consentMissing',
    domainBlocked: 'guest.refused.domainBlocked',
    crossTenantBlocked: 'guest.refused.crossTenant',
    verifiedDomain: 'guest.refused.verifiedDomain',
    alreadyExists: 'guest.refused.alreadyExists',
    accountBlocked: 'guest.blocked',
    noTarget: 'guest.refused.noTarget',
  };
  const key = why.reason ? sentences[why.reason] : undefined;
  return key ? { ...why, say: say(key) } : why;
}

const call = (one: Call): Step<GuestOutcome> => ({ kind: 'call', call: one });

/** A failure; `achieved` is what holds in spite of it. */
const fail = (why: Problem, achieved?: GuestOutcome): Step<GuestOutcome> =>
  achieved === undefined
    ? { kind: 'fail', problem: why }
    : { kind: 'fail', problem: why, outcome: achieved, standing: achieved.standing };
