/**
 * Ringing people into the call, one step at a time: who is meant → is Usher in the call → ring those who can be rung, five
 * at a time → what became of each → how it stands with them for as long as the call is held. A pure function; who is in
 * comes from the call's own request, what became of a ring from what was heard and, when nothing was, from the roster.
 * Must not know HTTP, cards or the store. Shapes and limits: Microsoft Graph v1.0, participant-invite.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Facts, Step, Wake } from '../../requests/capability.ts';
import { problem } from '../../requests/problem.ts';
import { ENDED, type Question, type Request } from '../../requests/request.ts';
import { type Fate, fatesOf, type InviteOutcome, Operation, ROSTER_LAG_MS } from './fates.ts';
import { FIND_ANSWERS, type Found, foundOf, repliesByPath } from './find.ts';
import { type JoinInput, RINGERS } from './joinStep.ts';
import type { Wanted } from './people.ts';
import { keeperOf, keepersOf, type Room, roomOf } from './room.ts';

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
/** How long nobody is rung in a call that Graph does not know, unless it was seen since. */
const DOUBT_MS = 20_000;
/** While a call is held nothing happens by itself: who is in is told by the call's own request. This is for its death. */
const HELD_MS = 60 * 60_000;
/** How long a person is waited for who was asked whom they mean. */
const ANSWER_MS = 3 * 24 * 3600_000;

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
  const askedAgainAt = Math.max(0, ...facts.signals.filter(({ key }) => key.startsWith('ring:')).map(({ at }) => at));
  const said = repliesByPath(answers, askedAgainAt);
  const found = input.people.map((wanted) => foundOf(wanted, said, settings.applicationInstanceId !== null));
  const open = found.find(({ is }) => is === 'unasked');
  if (open?.is === 'unasked') return { kind: 'call', call: open.call };

  const keeper = keeperOf(keepersOf(facts.beside), facts.soFar);
  const room = roomOf(keeper, answers, facts, input.start !== undefined);
  const people = fatesOf(input.people, found, answers, facts, settings.ringMs, room);
  const question = questionOf(input, found, people);
  const isAnybody = people.some(({ id }) => id !== undefined);
  const unread = found.find((one) => one.is === 'unreadable');
  if (unread?.is === 'unreadable' && !isAnybody && !question) return { kind: 'fail', problem: unread.problem };
  // Nobody but who is asked about: there is nothing to tell yet.
  if (question && !isAnybody) return { kind: 'ask', question, forMs: ANSWER_MS };

  const outcome = outcomeOf(people, room, keeper, facts);
  const ringing = people.filter(({ at }) => at === 'ringing');
  const answered = people.filter(({ at }) => at === 'answered');
  const isBusy = ringing.length > 0 || answered.length > 0;
  const isAll = people.every(({ at }) => at === 'in');
  const standing = isBusy ? 'ringing' : room.ended ? 'over' : isAll ? 'in' : 'missing';
  /** Waits for what is heard, and for the answer to what was asked; `forMs` at the longest. */
  const rest = (forMs: number, soFar = outcome, says: readonly Wake[] = []): Step<InviteOutcome> => {
    const wakes = [...followersOf(soFar, input, facts), ...says];
    const held = { outcome: soFar, standing, ...(wakes.length > 0 ? { wakes } : {}) };
    return question
      ? { kind: 'ask', question, forMs: ANSWER_MS, againMs: forMs, ...held }
      : { kind: 'later', forMs, waits: true, ...held };
  };

  const toRing = people.filter(({ at }) => at === 'toRing');
  if (toRing.length > 0 && room.callId === null) return callFirst(input, toRing, outcome, keeper, room, facts, rest);
  if (room.callId === null && isBusy) return rest(Math.max(ringEndsAt(answers, room, settings) - facts.now, 1_000));
  if (room.callId === null || !isAnybody) {
    if (room.isLive && isAnybody) return rest(HELD_MS);
    if (question) return rest(ANSWER_MS);
    const wakes = followersOf(outcome, input, facts);
    return { kind: 'done', outcome, standing, ...(wakes.length > 0 ? { wakes } : {}) };
  }

  // Graph knows no such call: the call's own request is to look at once, and until it has nobody else is rung.
  const goneAt = Math.max(...answers.filter(isGone).map(({ sentAt }) => sentAt), 0);
  const isDoubtful = goneAt > room.rosterAt && facts.now < goneAt + DOUBT_MS;
  if (isDoubtful)
    return rest(goneAt + DOUBT_MS - facts.now, outcome, [
      { capability: 'callJoin', subject: input.chat, says: { key: 'look:gone', body: { at: goneAt } } },
    ]);
  if (toRing.length > 0)
    return { kind: 'call', call: ringCall(room.callId, together(toRing), answers, facts), outcome };
  // Somebody said to have answered is looked for at once, and again until they must be there.
  if (answered.length > 0) {
    const again = Math.max(room.lookedAt, room.rosterAt) + ROSTER_LAG_MS / 2;
    return facts.now >= again ? { kind: 'call', call: rosterCall(room.callId) } : rest(again - facts.now);
  }
  if (ringing.length === 0) return rest(HELD_MS);
  // Whom another request rings, that one looks for.
  if (ringing.every(({ by }) => by !== undefined)) return rest(LOOK_MS);
  const endsAt = ringEndsAt(answers, room, settings);
  const lookAt = Math.min(
    Math.max(endsAt - settings.ringMs, room.lookedAt) + LOOK_MS,
    Math.max(endsAt, room.lookedAt + 1),
  );
  return facts.now >= lookAt ? { kind: 'call', call: rosterCall(room.callId) } : rest(lookAt - facts.now);
}

/** The first of those whose name fits several people, as a question. */
function questionOf(input: InviteInput, found: readonly Found[], people: readonly Fate[]): Question | null {
  const asked = new Set(people.filter(({ at }) => at === 'several').map(({ key }) => key));
  const n = input.people.findIndex(({ key }) => asked.has(key));
  const one = found[n];
  if (one?.is !== 'several') return null;
  return { say: one.ask, field: input.people[n]?.key ?? '', options: one.options, search: 'people' };
}

function outcomeOf(
  people: readonly Fate[],
  room: Room,
  keeper: Request | undefined,
  { signals, soFar }: Facts<InviteOutcome>,
): InviteOutcome {
  const stop = signals.find(({ key }) => key === 'stop');
  const within = room.callId === null ? soFar?.within : keeper?.id;
  return {
    people,
    isInCall: room.callId !== null,
    ...(room.joinUrl ? { joinUrl: room.joinUrl } : {}),
    ...(signals.some(({ key }) => key === 'link') ? { showLink: true } : {}),
    ...(soFar?.waitsFor ? { waitsFor: soFar.waitsFor } : {}),
    ...(within ? { within } : {}),
    ...(room.ended?.cameAbout ? { overAt: room.ended.at } : {}),
    ...(stop ? { stoppedAt: stop.at } : {}),
  };
}

/** Somebody is to be rung and Usher is in no call: it is waited for, asked for, or cannot be had. */
function callFirst(
  input: InviteInput,
  toRing: readonly Fate[],
  outcome: InviteOutcome,
  keeper: Request | undefined,
  room: Room,
  { signals, soFar, beside }: Facts<InviteOutcome>,
  rest: (forMs: number, soFar: InviteOutcome) => Step<InviteOutcome>,
): Step<InviteOutcome> {
  if (room.isLive && keeper) return rest(CALL_MS, { ...outcome, waitsFor: keeper.id });
  // The call that was waited for did not come about; whoever asks again since then asks for another.
  const isAgain = signals.some(({ key, at }) => key.startsWith('ring:') && at > (room.ended?.at ?? 0));
  if (keeper && soFar?.waitsFor === keeper.id && room.ended?.cameAbout === false && !isAgain)
    return { kind: 'fail', problem: keeper.problem ?? problem('gone', 'call.over.gone'), outcome: notRung(outcome) };
  const join = input.start === undefined ? input.join : startOf(input.chat, input.start, toRing);
  if (join === null) {
    const why = input.start === undefined ? 'call.notAMeeting' : 'call.startWithPeople';
    return { kind: 'fail', problem: problem('input', why, { field: 'people' }), outcome: notRung(outcome) };
  }
  // Whoever asks after the same one asks for the same call.
  const key = `join:${input.chat}:${keepersOf(beside)[0]?.id ?? ''}`;
  return { kind: 'file', filing: { capability: 'callJoin', subject: input.chat, input: join, key } };
}

/** When the latest ring is over at the latest. */
function ringEndsAt(answers: readonly Answer[], room: Room, { ringMs }: InviteSettings): number {
  const rings = answers.filter(({ call }) => call.name === 'ring').map(({ sentAt }) => sentAt);
  return Math.max(room.started?.at ?? 0, ...rings, 0) + ringMs;
}

/** Requests that follow a ring of this one are told when something has become of it. */
function followersOf(outcome: InviteOutcome, { chat }: InviteInput, facts: Facts<InviteOutcome>): readonly Wake[] {
  const follows = (one: Request): boolean =>
    !ENDED.has(one.state) &&
    ((one.outcome as InviteOutcome | null)?.people?.some(({ by }) => by === facts.requestId) ?? false);
  if (!facts.beside.some(follows) || JSON.stringify(outcome) === JSON.stringify(facts.soFar)) return [];
  return RINGERS.map((capability) => ({ capability, subject: chat }));
}

const isGone = ({ call, reply }: Answer): boolean =>
  (call.name === 'ring' || call.name === 'roster') && reply?.ok === false && reply.problem.kind === 'gone';

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
