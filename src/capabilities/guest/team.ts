/**
 * The team or group a guest is to join: which one is meant, and how joining goes. Pure; must not know how guests are
 * invited or what comes after. Sources: Microsoft Graph v1.0, group-list, team-post-members, group-post-members.
 */
import type { z } from 'zod/v4';
import type { Answer, Facts, Reply, Step } from '../../requests/capability.ts';
import { problem } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { type Groups, joinCall, type ResolvedTeam, teamCall } from './calls.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome } from './outcome.ts';
import { call, fail } from './steps.ts';

/** A directory needs a while for a new guest; we wait 2, 4, 8 … 60 s between tries, about 8 minutes in all. */
export const CATCH_UP_TRIES = 12;
export const catchUpMs = (tries: number): number => Math.min(1000 * 2 ** tries, 60_000);

/** How long a question waits for its answer. */
const QUESTION_MS = 3 * 24 * 3600_000;

/** The team, once it is known which. */
export function teamFound(input: GuestInput, answers: readonly Answer[]): ResolvedTeam | undefined {
  const reply = answers.findLast((answer) => answer.call.name === 'team')?.reply ?? undefined;
  const team = teamOf(input, reply);
  return 'wish' in team ? team.wish : undefined;
}

/** The team asked for, or the step that finds out which it is. */
export function teamOf(
  input: GuestInput,
  found: Reply | undefined,
): { readonly wish?: ResolvedTeam } | { readonly step: Step<GuestOutcome> } {
  const { team } = input;
  if (!team) return {};
  if (team.id !== undefined && team.isTeam !== undefined)
    return { wish: { name: team.name, id: team.id, isTeam: team.isTeam } };
  if (!found) {
    return { step: call(teamCall(team.name)) };
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

/** Joining comes last: what is said of it also says whether an invitation was sent before. */
const JOIN_WORDS = {
  unreached: { invited: 'guest.team.unreached', found: 'guest.team.unreachedFound' },
  refused: { invited: 'guest.team.refused', found: 'guest.team.refusedFound' },
  notCaughtUp: { invited: 'guest.team.notCaughtUp', found: 'guest.team.notCaughtUpFound' },
  catchingUp: { invited: 'guest.note.catchingUp', found: 'guest.note.catchingUpFound' },
} as const;

/** Joins, or says how joining went: the outcome with the team in it. */
export function join(
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
    return done(outcome.did === 'invited' ? 'added' : 'already in');
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
