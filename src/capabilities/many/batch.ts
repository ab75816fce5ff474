/**
 * A list of many at once: what is to be sent is shown first, nothing leaves before Send, and one card counts along until
 * all rows have ended. Its rows are requests of another capability (`requests/many` files them). No I/O; must not know what
 * a row means.
 */
import type { Capability, Step } from '../../requests/capability.ts';
import type { BatchInput } from '../../requests/many/fileList.ts';
import type { Tally } from '../../requests/many/rows.ts';
import { bad, good, problem, TOO_LATE } from '../../requests/problem.ts';
import type { Person, Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import { type Follow, followUp, remindKey, type ToldEnds, wantsList } from './followUp.ts';
import { storyOfBatch } from './story.ts';

export interface BatchOutcome {
  readonly tally: Tally;
  /** How often all that failed was tried once more. */
  readonly round: number;
  readonly isStopped: boolean;
  /** What was done with the rows since it last looked: it is not done over and over when nothing came of it. */
  readonly did?: 'file' | 'withdraw';
  /** How long it looks away; longer while nothing happens. */
  readonly lookMs: number;
  /** All invitations have gone, and guests were awaited. Absent while rows are sent again. */
  readonly follow?: Follow;
  /** What was told of last days; it stays told while rows are sent again. */
  readonly told?: ToldEnds;
}

/** How long a list waits for Send: what it says of guests and policy would no longer be true after that. */
const KEPT_MS = 24 * 3600_000;
/** How soon somebody looks what has become of the rows: about as often as their card may be edited. */
const LOOK_MS = 1_000;
/** The last rows are under way: whoever waits for the end is told at once. */
const LAST_LOOK_MS = 400;
const LOOK_MOST_MS = 15_000;

const SEND = 'send';
const STOP = 'stop';
const again = (round: number): string => `again:${round}`;

export const batch: Capability<BatchInput, BatchOutcome> = {
  name: 'batch',
  topic: 'guests',
  // A list is made by whatever its rows are: `invite` with more than a few people, or a file.
  commands: [],
  fields: [],
  read: () => bad([problem('bug', 'problem.bug')]),
  write: () => ({}),
  choose: (input) => input,
  subject: ({ name, digest }) => name ?? digest,
  answers: {},
  hasRows: true,
  // The whole list is judged as one, by its first row, and approved as one.
  judged: ({ asked, counts }) => asked ?? { what: 'invite', address: '', count: counts.ready },
  plan: ({ digest, counts }) => [
    {
      name: 'rows',
      to: 'graph',
      method: 'POST',
      path: '/invitations',
      body: { rows: digest, count: counts.ready },
      repeat: 'never',
    },
  ],
  // While rows are sent, what was approved stays as it was shown; that is over soon. Nobody was shown what was not sent yet.
  without: (input, without, outcome) => (outcome === null || outcome.follow ? inputWithout(input, without) : undefined),
  step(input, _answers, facts): Step<BatchOutcome> {
    const { rows, signals, soFar, now, createdAt } = facts;
    const tally = rows ?? NOTHING;
    const has = (key: string): boolean => signals.some((one) => one.key === key);
    if (!has(SEND)) {
      const left = createdAt + KEPT_MS - now;
      const tooLate = input.isAgain ? 'batch.again.expired' : 'batch.expired';
      if (left <= 0) return { kind: 'fail', problem: problem('gone', tooLate, { reason: TOO_LATE }) };
      return { kind: 'later', forMs: left, waits: true };
    }
    const isStopped = has(STOP);
    const before = soFar ?? { tally, round: 0, isStopped, lookMs: LOOK_MS };
    const { did, follow, ...rest } = before;
    const outcome: BatchOutcome = { ...rest, tally, isStopped, lookMs: lookMs(before, tally) };
    // Whoever pressed both gets both: once rows are sent again, nobody is awaited by this list for a while.
    const isNext = !wantsList(before, tally, signals);
    if (has(again(before.round + 1)) && !isStopped && isNext)
      return { kind: 'rows', what: 'again', outcome: { ...outcome, round: before.round + 1 } };
    const { waits = 0, filed = 0 } = tally.stages;
    // What is new is told once it rests; kept before that, it would be news to nobody.
    const unseen: BatchOutcome = { ...rest, isStopped, ...(follow ? { follow } : {}) };
    const { held = 0 } = tally;
    if (isStopped && held > 0 && did !== 'withdraw')
      return { kind: 'rows', what: 'withdraw', outcome: { ...unseen, did: 'withdraw' } };
    const isLeft = waits > 0 && !isStopped;
    // A good part of what may be under way has ended: the next rows are filed in one go.
    if (isLeft && filed - held <= FILED_AT && did !== 'file')
      return { kind: 'rows', what: 'file', outcome: { ...unseen, did: 'file' } };
    if (isLeft || filed > 0) return { kind: 'later', forMs: outcome.lookMs, waits: true, outcome, standing: 'sending' };
    return followUp(before, outcome, facts);
  },
  acts: {
    send: {
      denies,
      read: ({ input }) =>
        (input as BatchInput).counts.ready > 0
          ? good([{ key: SEND, body: {} }])
          : bad(problem('input', 'batch.previewNothing')),
    },
    stop: {
      denies,
      // All has gone: an old card has the button still.
      read: ({ outcome }) =>
        (outcome as BatchOutcome | null)?.follow
          ? bad(problem('clash', 'problem.movedOn'))
          : good([{ key: STOP, body: {} }]),
    },
    remind: {
      denies,
      // A card is good for one list: whoever presses twice sees the second time that it is made.
      read: ({ outcome }, { list }) => {
        const known = outcome as BatchOutcome | null;
        // Nobody makes a second list of the same people beside one that waits for Send.
        const isAwaited = known?.follow && !known.tally.offered && (known.tally.followed?.awaited ?? 0) > 0;
        return isAwaited && list === remindKey(known)
          ? good([{ key: list, body: {} }])
          : bad(problem('clash', 'problem.movedOn'));
      },
    },
    retry: {
      denies,
      read: ({ outcome }) => {
        const { round = 0, isStopped = false } = (outcome as BatchOutcome | null) ?? {};
        return isStopped ? bad(problem('clash', 'batch.retryStopped')) : good([{ key: again(round + 1), body: {} }]);
      },
    },
  },
  story: storyOfBatch,
};

/** No more than this are under way: the next are filed, about what one second sends (`UNDER_WAY` in requests/many/fileRows.ts). */
const FILED_AT = 60;
const NOTHING: Tally = { stages: {}, trouble: [] };

/** While nothing happens it looks less and less often. */
function lookMs(before: BatchOutcome, tally: Tally): number {
  const isSame = JSON.stringify(before.tally) === JSON.stringify(tally);
  if (isSame) return Math.min(before.lookMs * 2, LOOK_MOST_MS);
  return tally.stages.waits ? LOOK_MS : LAST_LOOK_MS;
}

/** A list without a person it mentions: those who were not sent, and by whom the whole is judged. */
function inputWithout(input: BatchInput, without: (text: string) => string): BatchInput {
  const { name, left, unused, asked } = input;
  const isAsked = asked !== null && without(asked.address) !== asked.address;
  return {
    ...input,
    name: name === null ? null : without(name),
    left: left.map((one) => ({ ...one, text: without(one.text), say: sayWithout(one.say, without) })),
    unused: unused.map(without),
    // Of an address the rules look at the domain, which is nobody's.
    asked: isAsked ? { ...asked, address: asked.address.slice(asked.address.lastIndexOf('@')) } : asked,
  };
}

function sayWithout({ key, with: values }: Say, without: (text: string) => string): Say {
  if (!values) return say(key);
  const pairs = Object.entries(values).map(([name, value]): [string, string | number | Say] => {
    if (typeof value === 'number') return [name, value];
    return [name, typeof value === 'string' ? without(value) : sayWithout(value, without)];
  });
  return say(key, Object.fromEntries(pairs));
}

function denies(who: Person, { requester }: Request) {
  return who.id === requester.id ? null : problem('denied', say('problem.notYours', { name: requester.name }));
}
