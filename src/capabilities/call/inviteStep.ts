/**
 * Ringing people into the call, one step at a time: who is meant → is Usher in the call → ring those who can be rung, five
 * at a time → what became of each. A pure function; who is in comes from the call's own request, what became of a ring
 * from what was heard and, when nothing was, from the roster.
 * Must not know HTTP, cards or the store. Shapes and limits: Microsoft Graph v1.0, participant-invite.
 */
import { z } from 'zod/v4';
import { type CallResult, type RosterEntry, readRoster } from '../../requests/callNotices.ts';
import type { Answer, Call, Facts, Step } from '../../requests/capability.ts';
import { problem } from '../../requests/problem.ts';
import { ENDED, type Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import { FIND_ANSWERS, type Found, findCall, foundOf, isUnsettled } from './find.ts';
import type { CallState, JoinInput } from './joinStep.ts';
import type { Wanted } from './people.ts';
import { ringEnd, whyRefused } from './results.ts';

export interface InviteInput {
  readonly chat: string;
  readonly people: readonly Wanted[];
  /** How Usher gets into the call when it is not there yet. */
  readonly join: JoinInput;
}

/** How it stands with one person. The first three go on by themselves. */
export type Stage =
  | 'toRing'
  | 'ringing'
  | 'in'
  | 'lobby'
  | 'left'
  | 'declined'
  | 'noAnswer'
  | 'failed'
  | 'stopped'
  | 'pending'
  | 'stranger'
  | 'nobody'
  | 'blocked'
  | 'noPhones';

export interface Fate {
  readonly key: string;
  readonly name: string;
  readonly at: Stage;
  readonly why?: Say;
  /** Entra object id, or a phone number in E.164; absent while not known. */
  readonly id?: string;
  /** The address to invite as a guest. */
  readonly address?: string;
  /** How often they were rung by this request. */
  readonly rounds: number;
  /** They were refused together with others, so the next ring is theirs alone. */
  readonly alone?: true;
  /** When they were last seen in the call, epoch ms. */
  readonly seenAt?: number;
  /** Another request rings them already: this one follows it. */
  readonly by?: string;
}

export interface InviteOutcome {
  readonly people: readonly Fate[];
  readonly isInCall: boolean;
  readonly joinUrl?: string;
  readonly showLink?: true;
  /** The request that is to bring Usher into the call. */
  readonly waitsFor?: string;
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
  ring: z.object({ id: z.string().nullish(), status: z.string().nullish() }),
  roster: z.object({ value: z.array(z.unknown()) }),
};

/** Stages from which somebody may be rung (again). */
export const MISSING: ReadonlySet<Stage> = new Set(['declined', 'noAnswer', 'failed', 'left', 'stopped']);

export function stepInvite(
  input: InviteInput,
  answers: readonly Answer[],
  facts: Facts<InviteOutcome>,
  settings: InviteSettings,
): Step<InviteOutcome> {
  const found = input.people.map((wanted) => foundOf(wanted, answers, settings.applicationInstanceId !== null));
  const unsettled = input.people.find((wanted, n) => isUnsettled(found[n]) && wanted);
  const open = unsettled && foundOf(unsettled, answers, true);
  if (unsettled && open?.is === 'unasked') return { kind: 'call', call: findCall(unsettled, input.chat) };
  if (open?.is === 'several')
    return {
      kind: 'ask',
      question: { say: open.ask, field: unsettled?.key ?? '', options: open.options },
      forMs: 3 * 24 * 3600_000,
    };
  if (open?.is === 'unreadable') return { kind: 'fail', problem: open.problem };

  const keeper = keeperOf(facts.beside);
  const room = roomOf(keeper, answers);
  const people = input.people.map((wanted, n) => fateOf(wanted, found[n]!, answers, facts, settings, room));
  const outcome: InviteOutcome = {
    people,
    isInCall: room.callId !== null,
    ...(room.joinUrl ? { joinUrl: room.joinUrl } : {}),
    ...(facts.signals.some(({ key }) => key === 'link') ? { showLink: true } : {}),
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
    if (keeper && facts.soFar?.waitsFor === keeper.id)
      return { kind: 'fail', problem: keeper.problem ?? problem('gone', 'call.over.gone'), outcome };
    return {
      kind: 'file',
      filing: {
        capability: 'callJoin',
        subject: input.chat,
        input: input.join,
        key: `join:${input.chat}:${keeper?.id ?? ''}`,
      },
    };
  }
  if (toRing.length > 0 && room.callId !== null)
    return { kind: 'call', call: ringCall(room.callId, together(toRing), answers, facts) };

  const ringing = people.filter(({ at }) => at === 'ringing');
  if (ringing.length === 0)
    return { kind: 'done', outcome, standing: people.some(({ at }) => MISSING.has(at)) ? 'missing' : 'in' };
  const lastRing = Math.max(...answers.filter(({ call }) => call.name === 'ring').map(({ sentAt }) => sentAt), 0);
  const endsAt = lastRing + settings.ringMs;
  if (room.callId === null) return rest(Math.max(endsAt - facts.now, 1_000));
  const lookAt = Math.min(Math.max(lastRing, room.lookedAt) + LOOK_MS, Math.max(endsAt, room.lookedAt + 1));
  if (facts.now >= lookAt) return { kind: 'call', call: rosterCall(room.callId) };
  return rest(lookAt - facts.now);
}

/** Whom the next ring goes to: five at most, and one whom Graph refused together with others alone. */
function together(toRing: readonly Fate[]): readonly Fate[] {
  const others = toRing.filter(({ alone }) => !alone);
  return others.length > 0 ? others.slice(0, MOST_AT_ONCE) : toRing.slice(0, 1);
}

/** The call of this chat, as far as is known: who is in it comes from whichever look is the latest. */
interface Room {
  readonly callId: string | null;
  readonly isComing: boolean;
  readonly roster: readonly RosterEntry[];
  readonly rosterAt: number;
  /** When the roster was last asked for by this request, answered or not. */
  readonly lookedAt: number;
  readonly joinUrl?: string;
}

/** The request that holds the call: the one that lives, else the newest. */
function keeperOf(beside: readonly Request[]): Request | undefined {
  const keepers = beside.filter(({ capability }) => capability === 'callJoin');
  return keepers.find((one) => !ENDED.has(one.state)) ?? keepers[0];
}

function roomOf(keeper: Request | undefined, answers: readonly Answer[]): Room {
  const state = keeper?.outcome as CallState | null | undefined;
  const isLive = keeper !== undefined && !ENDED.has(keeper.state);
  const joinUrl = state?.joinUrl ? { joinUrl: state.joinUrl } : {};
  if (!isLive || state?.phase !== 'in' || state.callId === undefined)
    return { callId: null, isComing: isLive, roster: [], rosterAt: 0, lookedAt: 0, ...joinUrl };
  const own = answers.findLast(({ call }) => call.name === 'roster');
  const isNewer = own?.reply?.ok === true && own.sentAt > state.rosterAt;
  return {
    callId: state.callId,
    isComing: true,
    roster: isNewer && own.reply?.ok ? readRoster(own.reply.body['value']) : state.roster,
    rosterAt: isNewer ? own.sentAt : state.rosterAt,
    lookedAt: own?.sentAt ?? 0,
    ...joinUrl,
  };
}

/** How it stands with one person, from all that was answered and heard about them. */
function fateOf(
  wanted: Wanted,
  found: Found,
  answers: readonly Answer[],
  facts: Facts<InviteOutcome>,
  settings: InviteSettings,
  room: Room,
): Fate {
  const { key } = wanted;
  const base = { key, name: 'name' in found ? found.name : wanted.name, rounds: 0 };
  if (found.is !== 'person' && found.is !== 'phone')
    return { ...base, at: found.is as Stage, ...(wanted.as === 'address' ? { address: wanted.address } : {}) };
  const { id } = found;
  const before = facts.soFar?.people.find((one) => one.key === key);
  const rings = answers.filter(({ call }) => call.name === 'ring' && rungIn(call).includes(id));
  const rounds = rings.length;
  const person = { ...base, id, rounds };
  const wantsAgain = facts.signals.some((one) => one.key === `ring:${key}:${rounds + 1}`);
  const onRoster = room.roster.find((one) => one.id === id);
  if (onRoster) return { ...person, at: onRoster.isInLobby ? 'lobby' : 'in', seenAt: room.rosterAt };
  if (before?.seenAt !== undefined && !wantsAgain)
    return { ...person, seenAt: before.seenAt, at: room.rosterAt > before.seenAt ? 'left' : before.at };

  const wantedAt = facts.signals.find((one) => one.key === `ring:${key}:${rounds + 1}`)?.at ?? 0;
  const stopped = facts.signals.some((one) => one.key.startsWith('stop:') && one.at >= wantedAt);
  const last = rings.at(-1);
  if (!last) {
    const other = facts.beside.find(
      ({ id: other, state, capability, outcome }) =>
        capability === 'callInvite' &&
        (before?.by ? other === before.by : !ENDED.has(state)) &&
        (outcome as InviteOutcome | null)?.people.some(
          (one) => one.id === id && one.rounds > 0 && (before?.by || one.at === 'ringing'),
        ),
    );
    const theirs = (other?.outcome as InviteOutcome | null)?.people.find((one) => one.id === id);
    if (other && theirs && !wantsAgain)
      return { ...person, at: theirs.at, by: other.id, ...(theirs.why ? { why: theirs.why } : {}) };
    return { ...person, at: stopped ? 'stopped' : 'toRing' };
  }
  if (last.reply?.ok === false && last.reply.problem.kind === 'refused' && rungIn(last.call).length > 1)
    return { ...person, at: stopped ? 'stopped' : 'toRing', alone: true };
  const ended = endOf(last, id, facts, settings, room);
  if (ended === null) return { ...person, at: 'ringing' };
  if (wantsAgain && ended.at !== 'in') return { ...person, at: stopped ? 'stopped' : 'toRing' };
  return { ...person, ...ended };
}

/** What became of the latest ring of somebody who is not on the roster; null: still ringing. */
function endOf(
  { reply, call, sentAt }: Answer,
  id: string,
  facts: Facts,
  { ringMs }: InviteSettings,
  room: Room,
): { readonly at: Stage; readonly why?: Say } | null {
  if (reply && !reply.ok && reply.problem.kind !== 'unsure')
    return { at: 'failed', why: whyRefused(reply.problem).say };
  const context = contextOf(call);
  const said = facts.signals.filter(
    ({ key, body }) =>
      key.startsWith(`end:${context}:`) && (body['people'] as string[]).some((one) => one === id || one === '*'),
  );
  // Of two words about one ring the one that names the person counts.
  const last = said.find(({ body }) => (body['people'] as string[]).includes(id)) ?? said[0];
  if (last)
    return last.body['status'] === 'completed'
      ? { at: 'in' }
      : ringEnd((last.body['result'] as CallResult) ?? { code: 500, subcode: 0 });
  const endsAt = sentAt + ringMs;
  // At the end the roster is asked once more: somebody may have answered without our hearing of it.
  if (facts.now < endsAt || (room.callId !== null && Math.max(room.lookedAt, room.rosterAt) < endsAt)) return null;
  return reply?.ok === false ? { at: 'noAnswer', why: say('call.why.unsure') } : { at: 'noAnswer' };
}

interface RingBody {
  readonly participants: readonly { readonly identity: Readonly<Record<string, { readonly id: string } | string>> }[];
  readonly clientContext: string;
}

/** The ids a ring went to. */
function rungIn({ body }: Call): readonly string[] {
  return (body as RingBody).participants.flatMap(({ identity }) =>
    Object.values(identity).flatMap((one) => (typeof one === 'string' ? [] : [one.id])),
  );
}

const contextOf = ({ body }: Call): string => (body as RingBody).clientContext;

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
