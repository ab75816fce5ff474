/**
 * The call of a chat as a ring sees it: who holds it, who is in it, and whether the one that people were rung into is over.
 * Pure: read off the call's own request and this one's looks at the roster. Must not know what becomes of anybody.
 */
import { type CallResult, type RosterEntry, readRoster } from '../../requests/callNotices.ts';
import type { Answer, Facts } from '../../requests/capability.ts';
import { ENDED, type Request } from '../../requests/request.ts';
import type { InviteOutcome } from './fates.ts';
import type { CallState, JoinInput } from './joinStep.ts';

/** The call of this chat, as far as is known: who is in it comes from whichever look is the latest. */
export interface Room {
  /** Null: Usher is in no call. */
  readonly callId: string | null;
  /** Whether there is a call, or one on its way. */
  readonly isLive: boolean;
  /** Since when the call that this request rang in, or waited for, is no more; and whether it ever came about. */
  readonly ended: { readonly at: number; readonly cameAbout: boolean; readonly result?: CallResult } | null;
  /** Who is in, by id. */
  readonly roster: ReadonlyMap<string, RosterEntry>;
  readonly rosterAt: number;
  /** When the roster was last asked for by this request, answered or not. */
  readonly lookedAt: number;
  readonly joinUrl?: string;
  /** Whom Graph rang itself when this request started the call, and when. */
  readonly started: { readonly ids: readonly string[]; readonly at: number } | null;
}

/** Requests to hold the call, the newest first; one that only finds another at it ends at once. */
export const keepersOf = (beside: readonly Request[]): readonly Request[] =>
  beside.filter(({ capability }) => capability === 'callJoin');

/** The request that holds the call: the one that lives and came furthest, else the one whose call was rung in. */
export function keeperOf(keepers: readonly Request[], soFar: InviteOutcome | null): Request | undefined {
  const live = keepers.filter(({ state }) => !ENDED.has(state));
  const isIn = ({ outcome }: Request): boolean => (outcome as CallState | null)?.phase === 'in';
  return (
    live.find(isIn) ??
    live.find(({ outcome }) => outcome !== null) ??
    live.at(-1) ??
    keepers.find(({ id }) => id === soFar?.waitsFor || id === soFar?.within) ??
    keepers[0]
  );
}

export function roomOf(
  keeper: Request | undefined,
  answers: readonly Answer[],
  { soFar, now }: Pick<Facts<InviteOutcome>, 'soFar' | 'now'>,
  isStart: boolean,
): Room {
  const state = keeper?.outcome as CallState | null | undefined;
  const isLive = keeper !== undefined && !ENDED.has(keeper.state);
  const joinUrl = state?.joinUrl ? { joinUrl: state.joinUrl } : {};
  const isAwaited = keeper !== undefined && soFar?.waitsFor === keeper.id;
  const targets = isStart && isAwaited ? (keeper.input as JoinInput | undefined)?.group?.targets : undefined;
  const started = targets && state ? { ids: targets.map(({ id }) => id), at: state.askedAt } : null;
  const isOurs = isAwaited || (keeper !== undefined && soFar?.within === keeper.id);
  const result = state?.result ? { result: state.result } : {};
  const ended = isLive
    ? null
    : isOurs
      ? { at: keeper.updatedAt, cameAbout: state?.since !== undefined, ...result }
      : // Others were asked to join since, and it is not shown any more.
        soFar?.within !== undefined
        ? { at: soFar.overAt ?? now, cameAbout: true }
        : null;
  if (!isLive || state?.phase !== 'in' || state.callId === undefined)
    return { callId: null, isLive, ended, roster: new Map(), rosterAt: 0, lookedAt: 0, started, ...joinUrl };
  const own = answers.findLast(({ call }) => call.name === 'roster');
  const isNewer = own?.reply?.ok === true && own.sentAt > state.rosterAt;
  const roster = isNewer && own.reply?.ok ? readRoster(own.reply.body['value']) : state.roster;
  return {
    callId: state.callId,
    isLive,
    ended,
    roster: new Map(roster.map((one) => [one.id, one])),
    rosterAt: isNewer ? own.sentAt : state.rosterAt,
    lookedAt: own?.sentAt ?? 0,
    started,
    ...joinUrl,
  };
}
