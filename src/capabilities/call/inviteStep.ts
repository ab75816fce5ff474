/**
 * Ringing people into the call, one step at a time: who is meant → is Usher in the call → ring those who can be rung, five
 * at a time → what became of each. A pure function; who is in comes from the call's own request, what became of a ring
 * from what was heard and, when nothing was, from the roster.
 * Must not know HTTP, cards or the store. Shapes and limits: Microsoft Graph v1.0, participant-invite.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Facts, Step } from '../../requests/capability.ts';
import { problem } from '../../requests/problem.ts';
import {
  type Fate,
  fatesOf,
  type InviteOutcome,
  keeperOf,
  MISSING,
  Operation,
  ROSTER_LAG_MS,
  roomOf,
} from './fates.ts';
import { FIND_ANSWERS, foundOf, isUnsettled, repliesByPath } from './find.ts';
import type { CallState, JoinInput } from './joinStep.ts';
import type { Wanted } from './people.ts';

export interface InviteInput {
  readonly chat: string;
  readonly people: readonly Wanted[];
  /** How Usher gets into the call when it is not there yet; null: there is none to get into. */
  readonly join: JoinInput | null;
  /** The title of a new call that is started with these people. */
  readonly start?: string;
}

export interface InviteSettings {
  /** How long somebody may ring, in ms. */
  readonly ringMs: number;
  /** The resource account with a phone number; without it no phone can be rung. */
  readonly applicationInstanceId: string | null;
}

/** Most people in one request to Graph (participant-invite). */
const MOST_AT_ONCE = 5;
/** A ring of which nothing was heard for this long is looked for on the roster. */
const LOOK_MS = 10_000;
/** How long a request waits for the call it asked for. */
const CALL_MS = 5 * 60_000;

export const INVITE_ANSWERS = {
  ...FIND_ANSWERS,
  ring: Operation,
  roster: z.object({ value: z.array(z.unknown()) }),
};

export function stepInvite(
  input: InviteInput,
  answers: readonly Answer[],
  facts: Facts<InviteOutcome>,
  settings: InviteSettings,
): Step<InviteOutcome> {
  const said = repliesByPath(answers);
  const found = input.people.map((wanted) => foundOf(wanted, said, settings.applicationInstanceId !== null));
  const open = found.find(isUnsettled);
  if (open?.is === 'unasked') return { kind: 'call', call: open.call };
  if (open?.is === 'several')
    return {
      kind: 'ask',
      question: {
        say: open.ask,
        field: input.people[found.indexOf(open)]?.key ?? '',
        options: open.options,
        search: 'people',
      },
      forMs: 3 * 24 * 3600_000,
    };
  if (open?.is === 'unreadable') return { kind: 'fail', problem: open.problem };

  const keeper = keeperOf(facts.beside);
  const room = roomOf(keeper, answers, input.start !== undefined && facts.soFar?.waitsFor === keeper?.id);
  const people = fatesOf(input.people, found, answers, facts, settings.ringMs, room);
  const stop = facts.signals.find(({ key }) => key === 'stop');
  const outcome: InviteOutcome = {
    people,
    isInCall: room.callId !== null,
    ...(room.joinUrl ? { joinUrl: room.joinUrl } : {}),
    ...(facts.signals.some(({ key }) => key === 'link') ? { showLink: true } : {}),
    ...(facts.soFar?.waitsFor ? { waitsFor: facts.soFar.waitsFor } : {}),
    ...(stop ? { stoppedAt: stop.at } : {}),
  };
  const rest = (forMs: number, soFar = outcome): Step<InviteOutcome> => ({
    kind: 'later',
    forMs,
    waits: true,
    outcome: soFar,
  });

  const toRing = people.filter(({ at }) => at === 'toRing');
  if (toRing.length > 0 && room.callId === null) {
    if (room.isComing && keeper) return rest(CALL_MS, { ...outcome, waitsFor: keeper.id });
    // The call that was waited for did not come about; whoever tries again asks for another.
    if (keeper && facts.soFar?.waitsFor === keeper.id && (keeper.outcome as CallState | null)?.since === undefined)
      return { kind: 'fail', problem: keeper.problem ?? problem('gone', 'call.over.gone'), outcome: notRung(outcome) };
    const join = input.start === undefined ? input.join : startOf(input.chat, input.start, toRing);
    if (join === null)
      return {
        kind: 'fail',
        problem: problem('input', input.start === undefined ? 'call.notAMeeting' : 'call.startWithPeople', {
          field: 'people',
        }),
        outcome: notRung(outcome),
      };
    return {
      kind: 'file',
      filing: {
        capability: 'callJoin',
        subject: input.chat,
        input: join,
        key: `join:${input.chat}:${keeper?.id ?? ''}`,
      },
    };
  }
  if (toRing.length > 0 && room.callId !== null)
    return { kind: 'call', call: ringCall(room.callId, together(toRing), answers, facts), outcome };

  const ringing = people.filter(({ at }) => at === 'ringing');
  const answered = people.filter(({ at }) => at === 'answered');
  if (ringing.length === 0 && answered.length === 0)
    return { kind: 'done', outcome, standing: people.some(({ at }) => MISSING.has(at)) ? 'missing' : 'in' };
  const lastRing = Math.max(
    room.started?.at ?? 0,
    ...answers.filter(({ call }) => call.name === 'ring').map(({ sentAt }) => sentAt),
    0,
  );
  const endsAt = lastRing + settings.ringMs;
  if (room.callId === null) return rest(Math.max(endsAt - facts.now, 1_000));
  // Somebody said to have answered is looked for at once, and again until they must be there.
  if (answered.length > 0) {
    const again = Math.max(room.lookedAt, room.rosterAt) + ROSTER_LAG_MS / 2;
    return facts.now >= again ? { kind: 'call', call: rosterCall(room.callId) } : rest(again - facts.now);
  }
  const lookAt = Math.min(Math.max(lastRing, room.lookedAt) + LOOK_MS, Math.max(endsAt, room.lookedAt + 1));
  if (facts.now >= lookAt) return { kind: 'call', call: rosterCall(room.callId) };
  return rest(lookAt - facts.now);
}

/** What the outcome is when nobody could be rung: who tries again asks for another call. */
function notRung({ waitsFor: _, ...outcome }: InviteOutcome): InviteOutcome {
  return { ...outcome, people: outcome.people.map((one) => (one.at === 'toRing' ? { ...one, at: 'notRung' } : one)) };
}

/** A new call with the first five of them, whom Graph rings itself; a phone cannot be among those. */
function startOf(chat: string, title: string, toRing: readonly Fate[]): JoinInput | null {
  const targets = toRing
    .filter(({ id }) => id !== undefined && !id.startsWith('+'))
    .slice(0, MOST_AT_ONCE)
    .map(({ id = '', name }) => ({ id, name }));
  return targets.length === 0 ? null : { chat, group: { title, targets } };
}

/** Whom the next ring goes to: five at most, and one whom Graph refused together with others alone. */
function together(toRing: readonly Fate[]): readonly Fate[] {
  const others = toRing.filter(({ alone }) => !alone);
  return others.length > 0 ? others.slice(0, MOST_AT_ONCE) : toRing.slice(0, 1);
}

function ringCall(callId: string, people: readonly Fate[], answers: readonly Answer[], facts: Facts): Call {
  const n = answers.filter(({ call }) => call.name === 'ring').length;
  return {
    name: 'ring',
    to: 'graph',
    method: 'POST',
    path: `/communications/calls/${encodeURIComponent(callId)}/participants/invite`,
    body: {
      participants: people.map(({ id = '', name }) => ({
        '@odata.type': '#microsoft.graph.invitationParticipantInfo',
        identity: {
          '@odata.type': '#microsoft.graph.identitySet',
          [id.startsWith('+') ? 'phone' : 'user']: {
            '@odata.type': '#microsoft.graph.identity',
            id,
            ...(id.startsWith('+') ? {} : { displayName: name }),
          },
        },
      })),
      // What is heard of it later is known by this, and by nothing else (the operation's id may be null).
      clientContext: `${facts.requestId}.${n}`,
    },
    // A ring cannot be taken back, and whether it rang is not told: what is heard, or the roster, will say.
    repeat: 'tell',
  };
}

const rosterCall = (callId: string): Call => ({
  name: 'roster',
  to: 'graph',
  method: 'GET',
  path: `/communications/calls/${encodeURIComponent(callId)}/participants`,
  repeat: 'safe',
});
