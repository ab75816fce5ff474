/**
 * Bringing somebody in: find the person → find the team → invite → add to the team. A pure function of the answers so far:
 * replaying it over the saved answers is how a crash is survived. Must not know HTTP, cards, the store or what comes after.
 */
import type { z } from 'zod/v4';
import type { Answer, Facts, Reply, Step } from '../../requests/capability.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { findCall, type Invitation, inviteCall, pick, type User, type Users } from './calls.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome, Standing } from './outcome.ts';
import { call, fail } from './steps.ts';
import { CATCH_UP_TRIES, join, teamOf } from './team.ts';

/** A look-up younger than this is not made again. */
const LOOK_AGAIN_MS = 5_000;

/** How long a directory may hide a guest who was invited by another request. */
const NOT_SHOWN_YET_MS = 5 * 60_000;

/** The next step. `graphUrl` is the base that goes into bodies which must name an object by its full address. */
export function bringIn(
  input: GuestInput,
  answers: readonly Answer[],
  facts: Facts<GuestOutcome>,
  graphUrl: string,
): Step<GuestOutcome> {
  const heard = (name: string): Reply | undefined =>
    answers.findLast((answer) => answer.call.name === name)?.reply ?? undefined;
  const invited = heard('invite');

  const found = heard('find');
  if (!found && !invited) return call(findCall(input.address));
  if (found && !found.ok) return fail(found.problem);
  const seen = found ? pick((found.body as z.infer<typeof Users>).value, input.address) : undefined;
  const user = seen ?? (found ? justInvited(facts) : undefined);
  if (user?.accountEnabled === false) return fail(problem('refused', 'guest.blocked'));

  const team = teamOf(input, heard('team'));
  if ('step' in team) return team.step;

  const arrived = seen !== undefined && facts.lost.some((lost) => lost.call.name === 'invite');
  if (user === undefined && !invited) return call(inviteCall(input, facts));
  if (invited && !invited.ok) return fail(inviteProblem(invited.problem));

  const outcome = outcomeOf(input, user, invited, arrived);
  if (!team.wish) return { kind: 'done', outcome, standing: outcome.standing };
  if (outcome.userId === undefined && isToBeSought(answers, facts)) return call(findCall(input.address));
  if (outcome.userId === undefined) return fail(problem('unsure', 'guest.team.unknownUser'), outcome);
  return join(team.wish, outcome, answers, facts, graphUrl);
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
export function inviteProblem(why: Problem): Problem {
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
