/**
 * How it stands with each person who is to be in the call: found, rung, in, declined, gone. A pure function of what was
 * answered and heard, each thing looked up once: five hundred people are told of within milliseconds.
 * Must not know what is done next.
 */
import { z } from 'zod/v4';
import type { CallResult } from '../../requests/callNotices.ts';
import type { Answer, Call, Facts, Reply, Signal } from '../../requests/capability.ts';
import { ENDED, type Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Found } from './find.ts';
import { RINGERS } from './joinStep.ts';
import type { Wanted } from './people.ts';
import { ringEnd, whyNotRung } from './results.ts';
import type { Room } from './room.ts';

/** How it stands with one person. The first three go on by themselves; `wasIn` and `waited` are of a call that is over. */
export type Stage =
  | 'toRing'
  | 'ringing'
  | 'answered'
  | 'in'
  | 'lobby'
  | 'left'
  | 'wasIn'
  | 'waited'
  | 'declined'
  | 'noAnswer'
  | 'failed'
  | 'stopped'
  | 'notRung'
  /** Their name fits several people: asked about, or never answered. */
  | 'several'
  | 'unchosen'
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
  /** How often they were rung by this request, and when last (or looked for in vain), epoch ms. */
  readonly rounds: number;
  readonly rungAt: number;
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
  /** The request that is to bring Usher into the call, and the one in whose call people were last rung or seen. */
  readonly waitsFor?: string;
  readonly within?: string;
  /** Since when that call is over, epoch ms. */
  readonly overAt?: number;
  /** When somebody last said to stop, epoch ms. */
  readonly stoppedAt?: number;
}

/** Stages from which somebody may be rung (again). */
export const MISSING: ReadonlySet<Stage> = new Set([
  'declined',
  'noAnswer',
  'failed',
  'left',
  'waited',
  'stopped',
  'notRung',
  'unchosen',
]);

/** How long somebody who answered may be missing on the roster. */
export const ROSTER_LAG_MS = 3_000;

/** What was answered and heard, by what it is looked up by. */
interface Heard {
  /** The rings that went to somebody, oldest first. */
  readonly rings: ReadonlyMap<string, readonly Answer[]>;
  /** How a ring ended, by its context and whom it names (`*`: everybody it went to). */
  readonly ends: ReadonlyMap<string, Omit<Signal, 'key'>>;
  readonly signals: ReadonlyMap<string, Signal>;
  readonly before: ReadonlyMap<string, Fate>;
  /** When somebody last said to stop, epoch ms. */
  readonly stoppedAt: number;
}

function hear(answers: readonly Answer[], { signals, soFar }: Facts<InviteOutcome>): Heard {
  const rings = new Map<string, Answer[]>();
  for (const answer of answers) {
    if (answer.call.name !== 'ring') continue;
    for (const id of rungIn(answer.call)) rings.set(id, [...(rings.get(id) ?? []), answer]);
  }
  const ends = new Map<string, Omit<Signal, 'key'>>();
  let stoppedAt = -1;
  for (const { key, body, at } of signals) {
    if (key === 'stop') stoppedAt = Math.max(stoppedAt, at);
    const [, context] = /^end:([^:]+):/.exec(key) ?? [];
    if (context) for (const id of body['people'] as readonly string[]) ends.set(`${context}:${id}`, { body, at });
  }
  return {
    rings,
    ends,
    stoppedAt,
    signals: new Map(signals.map((one) => [one.key, one])),
    before: new Map((soFar?.people ?? []).map((one) => [one.key, one])),
  };
}

/** How it stands with everybody. */
export function fatesOf(
  people: readonly Wanted[],
  found: readonly Found[],
  answers: readonly Answer[],
  facts: Facts<InviteOutcome>,
  ringMs: number,
  room: Room,
): readonly Fate[] {
  const heard = hear(answers, facts);
  const fates = people.map((wanted, n) => fateOf(wanted, found[n]!, heard, facts, ringMs, room));
  // Named twice in different ways: one person, told of once and rung once.
  const first = new Map(fates.map(({ id, key }) => [id ?? key, key] as const).reverse());
  return fates.filter(({ id, key }) => first.get(id ?? key) === key);
}

function fateOf(
  wanted: Wanted,
  found: Found,
  heard: Heard,
  facts: Facts<InviteOutcome>,
  ringMs: number,
  room: Room,
): Fate {
  const { key } = wanted;
  const before = heard.before.get(key);
  const endedAt = room.ended?.at ?? 0;
  /** They were asked for again since this: whoever was rung since has been rung again. */
  const askedAfter = (at: number): number | undefined => {
    const asked = heard.signals.get(`ring:${key}`)?.at ?? -1;
    return asked > Math.max(at, endedAt) ? asked : undefined;
  };
  const base = { key, name: found.is === 'unasked' ? wanted.name : found.name, rounds: 0, rungAt: 0 };
  if (found.is === 'unreadable') return { ...base, at: 'failed', why: found.problem.say, rungAt: found.at };
  if (found.is === 'several')
    return { ...base, at: room.ended && askedAfter(0) === undefined ? 'unchosen' : 'several' };
  if (found.is !== 'person' && found.is !== 'phone')
    return { ...base, at: found.is as Stage, ...(wanted.as === 'address' ? { address: wanted.address } : {}) };
  const { id } = found;
  const rings = heard.rings.get(id) ?? [];
  const isTarget = room.started?.ids.includes(id) === true;
  // A start before this one, and rings whose answers were forgotten, are known from then.
  const wasRung = before !== undefined && before.rounds > 0;
  const last = rings.at(-1);
  const person = {
    ...base,
    id,
    rounds: Math.max(rings.length + (isTarget ? 1 : 0), wasRung ? before.rounds : 0),
    rungAt: Math.max(last?.sentAt ?? 0, isTarget ? (room.started?.at ?? 0) : 0, wasRung ? before.rungAt : 0),
  };
  const again = askedAfter(person.rungAt);
  const onRoster = room.roster.get(id);
  const seenAt = before?.seenAt !== undefined && before.seenAt >= person.rungAt ? before.seenAt : undefined;
  if (onRoster) return { ...person, at: onRoster.isInLobby ? 'lobby' : 'in', seenAt: seenAt ?? room.rosterAt };
  const toRing: Stage = heard.stoppedAt >= (again ?? 0) ? 'stopped' : 'toRing';
  const settled = (): Omit<Fate, keyof typeof base> => {
    // Seen before the latest ring says nothing of that ring; seen since, it is answered.
    if (before && seenAt !== undefined) return { seenAt, at: room.rosterAt > seenAt ? 'left' : before.at };
    if (last) {
      if (last.reply?.ok === false && last.reply.problem.kind === 'refused' && rungIn(last.call).length > 1)
        return { at: toRing, alone: true };
      return endOf(last, id, heard, facts, ringMs, room) ?? { at: 'ringing' };
    }
    if (room.started && isTarget) return startEnd(room.started, facts, ringMs, room);
    if (wasRung || before?.why?.key === 'call.why.over') return settledBefore(before);
    return otherRing(id, before, facts.beside) ?? { at: toRing };
  };
  const fate: Fate = { ...person, ...settled() };
  // Whoever still rings is not rung over it.
  if (again !== undefined && fate.at !== 'ringing' && fate.at !== 'answered') return { ...person, at: toRing };
  return room.callId === null ? withoutCall(fate, room) : fate;
}

/** How it stood with somebody of whom nothing new is known; who rang then rings no more. */
function settledBefore(fate: Fate): Pick<Fate, 'at' | 'why'> {
  return fate.at === 'ringing' || fate.at === 'answered' ? { at: 'noAnswer' } : settledAs(fate);
}

/** Nobody is in, or rings, where there is no call; and whose call is over is not rung any more unless asked for again. */
function withoutCall(fate: Fate, { ended }: Room): Fate {
  const { why: _, alone: __, ...plain } = fate;
  const because = { why: say('call.why.over') };
  switch (fate.at) {
    case 'in':
    case 'answered':
      return { ...plain, at: 'wasIn' };
    case 'lobby':
      return { ...plain, at: 'waited' };
    case 'ringing':
      return ended ? { ...plain, at: 'noAnswer', ...because } : fate;
    case 'toRing':
      return ended?.cameAbout ? { ...plain, at: 'notRung', ...because } : fate;
    case 'failed':
      // Graph knew no such call, and now it is known why.
      return ended && fate.why?.key === 'call.refused.gone' ? { ...plain, at: 'notRung', ...because } : fate;
    default:
      return fate;
  }
}

/** What became of somebody whom the start of the call rang, and who was never seen in it. */
function startEnd(
  { at }: NonNullable<Room['started']>,
  facts: Facts,
  ringMs: number,
  room: Room,
): Pick<Fate, 'at' | 'why'> {
  const { ended } = room;
  // A call between two ends with what became of its ring.
  if (ended?.result && ended.result.code >= 400) return ringEnd(ended.result);
  if (ended?.cameAbout && room.started?.ids.length === 1) return { at: 'wasIn' };
  return { at: at + ringMs > lastSeen(room, facts) ? 'ringing' : 'noAnswer' };
}

/**
 * The fate of somebody whom another request rings: the one that was followed before, else one that rings now. One that was
 * followed and is not shown any more leaves things as they were, or they would be rung twice.
 */
function otherRing(
  id: string,
  before: Fate | undefined,
  beside: readonly Request[],
): Pick<Fate, 'at' | 'by' | 'why'> | undefined {
  const by = before?.by;
  for (const { id: other, state, capability, outcome } of beside) {
    if (!RINGERS.includes(capability as (typeof RINGERS)[number])) continue;
    const isOver = ENDED.has(state);
    if (by === undefined ? isOver : other !== by) continue;
    const theirs = (outcome as InviteOutcome | null)?.people.find((one) => one.id === id && one.rounds > 0);
    if (!theirs || (by === undefined && theirs.at !== 'ringing')) continue;
    if (isOver) return { ...settledBefore(theirs), by: other };
    // About to be rung again by them is not to be rung by us.
    return { ...(theirs.at === 'toRing' ? { at: 'ringing' } : settledAs(theirs)), by: other };
  }
  return before && by !== undefined ? { ...settledBefore(before), by } : undefined;
}

const settledAs = ({ at, why }: Fate): Pick<Fate, 'at' | 'why'> => ({ at, ...(why ? { why } : {}) });

/** What became of the latest ring of somebody who is not on the roster; null: still ringing. */
function endOf(
  { reply, call, sentAt }: Answer,
  id: string,
  heard: Heard,
  facts: Facts,
  ringMs: number,
  room: Room,
): { readonly at: Stage; readonly why?: Say } | null {
  if (reply && !reply.ok && reply.problem.kind !== 'unsure') return { at: 'failed', why: whyNotRung(reply.problem) };
  const { clientContext } = call.body as RingBody;
  // Of two words about one ring the one that names the person counts.
  // Nothing follows an answer that says already how it ended (commsOperation).
  const said =
    heard.ends.get(`${clientContext}:${id}`) ?? heard.ends.get(`${clientContext}:*`) ?? endedAtOnce(reply, sentAt);
  // One word may speak of several: the roster has the last one.
  if (said?.body['status'] === 'completed')
    return lastSeen(room, facts) < said.at + ROSTER_LAG_MS
      ? { at: 'answered' }
      : { at: room.callId ? 'left' : 'wasIn' };
  if (said) return ringEnd((said.body['result'] as CallResult | undefined) ?? { code: 500, subcode: 0 });
  // At the end the roster is asked once more: somebody may have answered without our hearing of it.
  if (lastSeen(room, facts) < sentAt + ringMs) return null;
  return reply?.ok === false ? { at: 'noAnswer', why: say('call.why.unsure') } : { at: 'noAnswer' };
}

/** An operation that was over when Graph answered, as a callback would have told it. */
function endedAtOnce(reply: Reply | null, at: number): Omit<Signal, 'key'> | undefined {
  if (!reply?.ok) return undefined;
  const { status, resultInfo } = reply.body as z.infer<typeof Operation>;
  const ended = status?.toLowerCase();
  if (ended !== 'completed' && ended !== 'failed') return undefined;
  return { body: { status: ended, ...(resultInfo ? { result: resultInfo } : {}) }, at };
}

/** Until when it is known who is in: the latest look; without a call nobody comes in any more. */
function lastSeen(room: Room, { now }: Facts): number {
  return room.callId === null ? now : Math.min(now, Math.max(room.lookedAt, room.rosterAt));
}

/** What is used of the answer to a ring. Codes come as numbers and as text. */
export const Operation = z.object({
  status: z.string().nullish(),
  resultInfo: z
    .object({
      code: z.coerce.number(),
      subcode: z.coerce.number().catch(0),
      message: z.string().optional().catch(undefined),
    })
    .nullish()
    .catch(null),
});

/** The part of a ring's body that its fates go by. */
export interface RingBody {
  readonly participants: readonly { readonly identity: Readonly<Record<string, { readonly id: string } | string>> }[];
  readonly clientContext: string;
}

/** The ids a ring went to. */
function rungIn({ body }: Call): readonly string[] {
  return (body as RingBody).participants.flatMap(({ identity }) =>
    Object.values(identity).flatMap((one) => (typeof one === 'string' ? [] : [one.id])),
  );
}
