/**
 * The life of Usher's own call, one step at a time: find the meeting → join → wait until it is established → stay
 * (keep alive, read the roster, do what people press) → over. A pure function of what was answered and heard; what has
 * been learnt is kept in the outcome, so that a call of hours leaves no trail of answers.
 * Must not know HTTP, cards or the store.
 */
import { z } from 'zod/v4';
import { type CallResult, type RosterEntry, readRoster } from '../../requests/callNotices.ts';
import type { Answer, Call, Facts, Reply, Step } from '../../requests/capability.ts';
import { problem } from '../../requests/problem.ts';
import { ENDED, type Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import { actCall, joinCall, keepCall, leaveCall, lookCall, rosterCall } from './joinCalls.ts';
import { type Meeting, meetingOf } from './meeting.ts';
import { whyEnded, whyRefused } from './results.ts';

export interface JoinInput {
  /** The conversation the call belongs to. */
  readonly chat: string;
  /** Named by whoever asked; else Teams is asked which meeting the chat belongs to. */
  readonly meeting?: Meeting;
  /** Teams' own id of the meeting whose chat it is. */
  readonly meetingId?: string;
  /** A new group call instead of a meeting: these people are rung at once (five at most). */
  readonly group?: {
    readonly title: string;
    readonly targets: readonly { readonly id: string; readonly name: string }[];
  };
}

/** What Usher knows of its call. Times in epoch ms. */
export interface CallState {
  readonly phase: 'joining' | 'in' | 'over';
  readonly callId?: string;
  readonly title?: string;
  readonly joinUrl?: string;
  /** How often Graph was asked to let Usher in, and when last. */
  readonly joins: number;
  readonly askedAt: number;
  readonly since?: number;
  /** Who is in, without Usher itself. */
  readonly roster: readonly RosterEntry[];
  readonly rosterAt: number;
  readonly keptAt: number;
  /** Signals that were acted on, by key, with the time they were heard. */
  readonly acted: Readonly<Record<string, number>>;
  /** What came of the last thing somebody asked for. */
  readonly said?: Say;
  /** Why it is over, and what the calling service said of its end: of a call between two, how its ring went. */
  readonly over?: Say;
  readonly result?: CallResult;
}

export interface CallSettings {
  /** Address under which Microsoft reaches us, without a slash at its end; null: calls cannot be used. */
  readonly publicUrl: () => string | null;
  readonly botId: string;
}

/** The capabilities that ring people into the call. */
export const RINGERS = ['callInvite', 'callStart'] as const;

/** Graph ends a call that is silent for 45 minutes, and wants no sign more often than every 15 (call-keepAlive). */
const KEEP_MS = 20 * 60_000;
/** A sign of life that was refused is given again after this; there are 25 minutes left for it. */
const KEEP_AGAIN_MS = 60_000;
/** How long Graph may take to let Usher in; a lobby needs a person. */
const JOIN_MS = 60_000;
/** How long a callback is waited for before Graph is asked: how the call stands, or for the call once more. */
const UNHEARD_MS = 15_000;
/** Joining rings nobody, so it is asked for again when nothing at all was heard. */
const MOST_JOINS = 3;

export const JOIN_ANSWERS = {
  meeting: z.object({
    details: z.object({ joinUrl: z.string().nullish(), title: z.string().nullish(), type: z.string().nullish() }),
  }),
  join: z.object({ id: z.string() }),
  look: z.object({ state: z.string() }),
  roster: z.object({ value: z.array(z.unknown()) }),
};

export function stepJoin(
  input: JoinInput,
  answers: readonly Answer[],
  facts: Facts<CallState>,
  settings: CallSettings,
): Step<CallState> {
  const state = fold(input, facts.soFar, answers, facts);
  if (state === null) return enter(input, answers, facts, settings);
  if (state.phase === 'joining') return wait(input, state, answers, facts, settings);
  if (state.phase === 'in') return stay(input, state, answers, facts);
  return over(input, state);
}

/** Not asked for yet: is somebody else at it, which meeting is it, and then the door. */
function enter(
  input: JoinInput,
  answers: readonly Answer[],
  facts: Facts<CallState>,
  settings: CallSettings,
): Step<CallState> {
  const other = facts.beside.find((one) => !ENDED.has(one.state) && goesFirst(one, facts));
  if (other) return over(input, { ...NOTHING, phase: 'over', over: say('call.over.alreadyHere') });
  const url = settings.publicUrl();
  if (url === null) return fail(problem('refused', 'call.noPublicUrl'), input);
  const asked = heard(answers, 'meeting');
  if (!input.meeting && !input.group && !asked) {
    if (!input.meetingId) return fail(problem('input', 'call.noMeeting'), input);
    const meeting = encodeURIComponent(input.meetingId);
    return call({ name: 'meeting', to: 'teams', method: 'GET', path: `v1/meetings/${meeting}`, repeat: 'safe' });
  }
  if (asked && !asked.ok) return fail(problem('denied', 'call.meetingUnknown'), input);
  const { joinUrl, title } = detailsOf(asked);
  const meeting = input.meeting ?? (joinUrl ? meetingOf(joinUrl) : null);
  if (!meeting && !input.group) return fail(problem('refused', 'call.noJoinUrl'), input);
  const joined = heard(answers, 'join');
  if (!joined) return call(joinCall(input, meeting, facts, url, settings.botId));
  const last = answers.findLast((answer) => answer.call.name === 'join');
  const begun: CallState = {
    ...NOTHING,
    phase: 'joining',
    joins: 1,
    askedAt: last?.sentAt ?? facts.now,
    ...(title ? { title } : {}),
    ...(joinUrl ? { joinUrl } : {}),
  };
  if (!joined.ok && joined.problem.kind !== 'unsure') return fail(whyRefused(joined.problem), input);
  const known = joined.ok ? { ...begun, callId: (joined.body as { id: string }).id } : begun;
  // Whoever goes on after a process that died may have heard of the call already.
  const state = fold(input, known, answers, facts) ?? known;
  if (state.phase === 'in') return stay(input, state, answers, facts);
  return state.phase === 'over' ? over(input, state) : rest(input, state, facts, UNHEARD_MS);
}

/** Asked for: established, refused, or nothing heard for too long. */
function wait(
  input: JoinInput,
  state: CallState,
  answers: readonly Answer[],
  facts: Facts<CallState>,
  settings: CallSettings,
): Step<CallState> {
  const { callId, askedAt, joins } = state;
  if (callId === undefined) {
    const left = askedAt + UNHEARD_MS - facts.now;
    if (left > 0) return rest(input, state, facts, left);
    const url = settings.publicUrl();
    if (input.group || joins >= MOST_JOINS || url === null)
      return fail(problem('unsure', input.group ? 'call.startUnsure' : 'call.joinUnsure'), input);
    // Forgets that it asked: joining once more rings nobody.
    const meeting = input.meeting ?? (state.joinUrl ? meetingOf(state.joinUrl) : null);
    const joined = heard(answers, 'join');
    if (!joined) return call(joinCall(input, meeting, facts, url, settings.botId));
    const again = { ...state, joins: joins + 1, askedAt: answers.at(-1)?.sentAt ?? facts.now };
    if (joined.ok) return rest(input, { ...again, callId: (joined.body as { id: string }).id }, facts, UNHEARD_MS);
    return joined.problem.kind === 'unsure'
      ? rest(input, again, facts, UNHEARD_MS)
      : fail(whyRefused(joined.problem), input);
  }
  // The callback may have come while nobody listened.
  const looked = heard(answers, 'look');
  const lookIn = looked ? UNHEARD_MS : askedAt + UNHEARD_MS - facts.now;
  if (lookIn <= 0) return call(lookCall(callId));
  const left = askedAt + JOIN_MS - facts.now;
  if (left > 0) return rest(input, state, facts, Math.min(left, lookIn));
  const gone = heard(answers, 'leave');
  if (!gone && looked?.ok) return call(leaveCall(callId));
  return fail(problem('refused', 'call.notLetIn'), input);
}

/** In: first what people asked for, then what has changed, then a sign of life. */
function stay(
  input: JoinInput,
  state: CallState,
  answers: readonly Answer[],
  facts: Facts<CallState>,
): Step<CallState> {
  const { callId = '' } = state;
  const stray = facts.signals.find(
    ({ key, body }) => key.startsWith('established:') && body['callId'] !== callId && !(key in state.acted),
  );
  // A second call that came about when an answer was lost: nobody needs two Ushers.
  if (stray) return call({ ...leaveCall(String(stray.body['callId'])), name: `act ${stray.key}` });
  const act = facts.signals.find(({ key, at }) => isAct(key) && (state.acted[key] ?? -1) < at);
  if (act) return call({ ...actCall(callId, act.key, act.body), name: `act ${act.key}` });
  const hint = facts.signals.findLast(({ key, at }) => HINTS.test(key) && (state.acted[key] ?? -1) < at);
  if ((state.rosterAt === 0 || hint) && !heard(answers, 'roster')) return call(rosterCall(callId));
  const left = state.keptAt + KEEP_MS - facts.now;
  if (left > 0) return rest(input, state, facts, left);
  return heard(answers, 'keep') ? rest(input, state, facts, KEEP_AGAIN_MS) : call(keepCall(callId));
}

/** What the answers since the last rest, and what was heard, make of what was known. */
function fold(
  { group }: JoinInput,
  soFar: CallState | null,
  answers: readonly Answer[],
  facts: Facts<CallState>,
): CallState | null {
  let state = soFar;
  if (state === null) return null;
  const established = facts.signals.find(
    ({ key, body }) =>
      key.startsWith('established:') && (state?.callId === undefined || body['callId'] === state.callId),
  );
  if (state.phase === 'joining' && established)
    state = {
      ...state,
      phase: 'in',
      callId: String(established.body['callId']),
      since: established.at,
      keptAt: established.at,
      acted: { ...state.acted, [established.key]: established.at },
    };
  for (const {
    call: { name },
    reply,
    sentAt,
  } of answers) {
    if (reply === null || name === 'join' || name === 'meeting') continue;
    if (!reply.ok && reply.problem.kind === 'gone' && !name.startsWith('act '))
      return { ...state, phase: 'over', over: say('call.over.gone') };
    if (name === 'look' && reply.ok && /^established$/i.test((reply.body as { state: string }).state))
      state = { ...state, phase: 'in', since: sentAt, keptAt: sentAt };
    if (name === 'keep' && reply.ok) state = { ...state, keptAt: sentAt };
    if (name === 'roster' && reply.ok) state = withRoster(state, reply.body['value'], sentAt, facts);
    if (name.startsWith('act ')) state = withAct(state, name.slice(4), reply, facts);
  }
  const ended = facts.signals.find(({ key }) => key === `terminated:${state?.callId}`);
  if (ended && state.phase !== 'over') {
    const result = ended.body['result'] as CallResult | undefined;
    const over = whyEnded(result, state.phase === 'in' ? 'in' : group ? 'starting' : 'joining');
    state = { ...state, phase: 'over', over, ...(result ? { result: reduced(result) } : {}) };
  }
  return state;
}

const reduced = ({ code, subcode, message }: CallResult): CallResult => ({
  code,
  subcode,
  ...(message === undefined ? {} : { message: message.slice(0, 300) }),
});

function withRoster(state: CallState, value: unknown, at: number, facts: Facts): CallState {
  const hints = facts.signals.filter(({ key, at: when }) => HINTS.test(key) && when <= at);
  return {
    ...state,
    roster: readRoster(value).filter((one) => one.kind !== 'application'),
    rosterAt: at,
    acted: { ...state.acted, ...Object.fromEntries(hints.map((hint) => [hint.key, hint.at])) },
  };
}

function withAct(state: CallState, key: string, reply: Reply, facts: Facts): CallState {
  const heardAt = facts.signals.find((one) => one.key === key)?.at ?? facts.now;
  const next = { ...state, acted: { ...state.acted, [key]: heardAt } };
  const [act = ''] = key.split(':');
  const name = String(facts.signals.find((one) => one.key === key)?.body['name'] ?? '');
  if (act === 'leave' && (reply.ok || reply.problem.kind === 'gone'))
    return { ...next, phase: 'over', over: say('call.over.left') };
  if (act === 'leave') return { ...next, said: say('call.said.leave.failed') };
  if (act !== 'remove' && act !== 'mute') return next;
  if (reply.ok) return { ...next, said: say(`call.said.${act}`, { name }), rosterAt: 0 };
  const kind = reply.problem.kind === 'gone' ? 'gone' : reply.problem.kind === 'denied' ? 'denied' : 'failed';
  return { ...next, said: say(`call.said.${act}.${kind}`, { name }) };
}

/** Signals that say that somebody came, went or asks to look. */
const HINTS = /^(?:roster|look)(?::|$)/;
const isAct = (key: string): boolean => /^(?:leave|remove|mute):/.test(key);

/** Of two that were asked for at once the one that has begun goes on, else the older one. */
function goesFirst(other: Request, { requestId }: Facts): boolean {
  return other.outcome !== null || other.id < requestId;
}

const NOTHING: Omit<CallState, 'phase'> = { joins: 0, askedAt: 0, roster: [], rosterAt: 0, keptAt: 0, acted: {} };

function detailsOf(asked: Reply | undefined): { joinUrl?: string; title?: string } {
  if (!asked?.ok) return {};
  const { details } = asked.body as z.infer<typeof JOIN_ANSWERS.meeting>;
  return {
    ...(details.joinUrl ? { joinUrl: details.joinUrl } : {}),
    ...(details.title ? { title: details.title } : {}),
  };
}

const heard = (answers: readonly Answer[], name: string): Reply | undefined =>
  answers.findLast((answer) => answer.call.name === name)?.reply ?? undefined;

const call = (one: Call): Step<CallState> => ({ kind: 'call', call: one });

/** Rings in this chat wait for what happens to the call. */
const wakes = ({ chat }: JoinInput) => ({
  wakes: RINGERS.map((capability) => ({ capability, subject: chat })),
});

const rest = (input: JoinInput, state: CallState, facts: Facts<CallState>, forMs: number): Step<CallState> => ({
  kind: 'later',
  forMs,
  waits: true,
  fresh: true,
  outcome: state,
  standing: state.phase,
  ...(JSON.stringify(state) === JSON.stringify(facts.soFar) ? {} : wakes(input)),
});

const over = (input: JoinInput, state: CallState): Step<CallState> => ({
  kind: 'done',
  outcome: { ...state, roster: [] },
  standing: 'over',
  ...wakes(input),
});

const fail = (why: ReturnType<typeof problem>, input: JoinInput): Step<CallState> => ({
  kind: 'fail',
  problem: why,
  outcome: null,
  fresh: true,
  standing: 'over',
  ...wakes(input),
});
