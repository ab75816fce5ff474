/**
 * Bringing somebody in: find the person → find the team → invite → add to the team. A pure function of the answers so far:
 * replaying it over the saved answers is how a crash is survived. Must not know HTTP, cards, the store or what comes after.
 */
import type { z } from 'zod/v4';
import type { Answer, Facts, Reply, Step } from '../../requests/capability.ts';
import { problem } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { findCall, pick, type User, type Users } from './calls.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome, Standing } from './outcome.ts';
import type { GuestProvider } from './provider.ts';
import { call, fail } from './steps.ts';
import { CATCH_UP_TRIES, catchUpMs, join, teamOf } from './team.ts';

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
  provider: GuestProvider,
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
  if (user === undefined && !invited) {
    const first = provider.lookUp(facts, heard);
    if (first && 'problem' in first) return fail(first.problem);
    return call(first?.call ?? provider.inviteCall(input, facts, heard));
  }
  // Whoever tries again looks first: the guest may have come in meanwhile.
  if (invited && !invited.ok) return { ...fail(provider.inviteProblem(invited.problem)), fresh: true };

  const outcome = outcomeOf(input, user, invited, arrived, provider);
  if (outcome.userId === undefined && invited?.ok && !invited.assumed) return seek(input, answers, facts, outcome);
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

/**
 * Who invited did not say which account it became, so the guest is looked for until the directory shows them. One who
 * never shows up is told of: an invitation that was confirmed and left no guest has been reported (Graph PowerShell #3399).
 */
function seek(
  input: GuestInput,
  answers: readonly Answer[],
  { now }: Pick<Facts, 'now'>,
  outcome: GuestOutcome,
): Step<GuestOutcome> {
  const at = answers.findLastIndex((answer) => answer.call.name === 'invite');
  const looks = answers.slice(at + 1).filter((answer) => answer.call.name === 'find');
  const last = looks.at(-1);
  const look: Step<GuestOutcome> = { kind: 'call', call: findCall(input.address), outcome };
  if (!last) return look;
  const isLate = looks.length >= CATCH_UP_TRIES;
  const againAt = last.sentAt + (isLate ? LOOK_AGAIN_MS : catchUpMs(looks.length));
  if (now >= againAt) return look;
  if (isLate) return fail(problem('down', 'guest.gt365.notSeen'), outcome);
  const note = say('guest.note.notSeenYet');
  return { kind: 'later', forMs: againAt - now, note, outcome, standing: outcome.standing };
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
  provider: GuestProvider,
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
    const told = provider.readInvitation(invited.body);
    const name = told.name ?? input.displayName;
    const userId = told.userId ?? user?.id;
    // Who was to send a mail and says that none went out had invited them before (another Usher).
    const wasHere = input.sendMail && told.mailed === false;
    return {
      did: wasHere ? 'found' : 'invited',
      // A brand-new invitation is pending whatever `status` says: the docs' own sample answers "Completed".
      standing: wasHere && user ? standingOf(user) : 'pending',
      ...(userId ? { userId } : {}),
      mailed: told.mailed ?? input.sendMail,
      ...(name ? { name } : {}),
      ...(told.redeemUrl ? { redeemUrl: told.redeemUrl } : {}),
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
