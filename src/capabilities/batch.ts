/**
 * A list of many at once: what is to be sent is shown first, nothing leaves before Send, and one card counts along until
 * all rows have ended. Its rows are requests of another capability (`requests/many` files them). No I/O; must not know what
 * a row means.
 */
import type { Button, Capability, Step, Story } from '../requests/capability.ts';
import type { BatchInput } from '../requests/many/fileList.ts';
import type { Stages, Tally } from '../requests/many/rows.ts';
import { bad, good, problem, TOO_LATE } from '../requests/problem.ts';
import type { Person, Request } from '../requests/request.ts';
import { type Say, say } from '../requests/say.ts';
import { type Follow, followUp } from './batchFollowUp.ts';

export interface BatchOutcome {
  readonly tally: Tally;
  /** How often all that failed was tried once more. */
  readonly round: number;
  readonly isStopped: boolean;
  /** What was done with the rows since it last looked: it is not done over and over when nothing came of it. */
  readonly did?: 'file' | 'withdraw';
  /** How long it looks away; longer while nothing happens. */
  readonly lookMs: number;
  /** All invitations have gone, and guests were awaited. Gone while rows are sent again. */
  readonly follow?: Follow;
}

/** How long a list waits for Send: what it says of guests and policy would no longer be true after that. */
const KEPT_MS = 24 * 3600_000;
/** How soon somebody looks what has become of the rows: about as often as their card may be edited. */
const LOOK_MS = 1_000;
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
  // The whole list is judged as one, by the row that is judged most strictly, and approved as one.
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
  // While rows are sent, what was approved stays as it was shown; that is over soon.
  without: (input, without, outcome) => (outcome?.follow ? inputWithout(input, without) : undefined),
  step(_input, _answers, facts): Step<BatchOutcome> {
    const { rows, signals, soFar, now, createdAt } = facts;
    const tally = rows ?? NOTHING;
    const has = (key: string): boolean => signals.some((one) => one.key === key);
    if (!has(SEND)) {
      const left = createdAt + KEPT_MS - now;
      if (left <= 0) return { kind: 'fail', problem: problem('gone', 'batch.expired', { reason: TOO_LATE }) };
      return { kind: 'later', forMs: left, waits: true };
    }
    const isStopped = has(STOP);
    const before = soFar ?? { tally, round: 0, isStopped, lookMs: LOOK_MS };
    const { did, follow, ...rest } = before;
    const outcome: BatchOutcome = { ...rest, tally, isStopped, lookMs: lookMs(before, tally) };
    if (has(again(before.round + 1)) && !isStopped)
      return { kind: 'rows', what: 'again', outcome: { ...outcome, round: before.round + 1 } };
    const { waits = 0, filed = 0 } = tally.stages;
    // What is new is told once it rests; kept before that, it would be news to nobody.
    const unseen: BatchOutcome = { ...rest, isStopped, ...(follow ? { follow } : {}) };
    const { held = 0 } = tally;
    if (isStopped && held > 0 && did !== 'withdraw')
      return { kind: 'rows', what: 'withdraw', outcome: { ...unseen, did: 'withdraw' } };
    const isLeft = waits > 0 && !isStopped;
    // Half of what may be under way has ended: the next rows are filed in one go.
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

/** Fewer than this are under way: the next are filed (`UNDER_WAY` in requests/many/fileRows.ts is twice that). */
const FILED_AT = 30;
const NOTHING: Tally = { stages: {}, trouble: [] };

/** While nothing happens it looks less and less often. */
function lookMs(before: BatchOutcome, tally: Tally): number {
  const isSame = JSON.stringify(before.tally) === JSON.stringify(tally);
  return isSame ? Math.min(before.lookMs * 2, LOOK_MOST_MS) : LOOK_MS;
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

const button = (verb: string, title: Say, style?: Button['style']): Button => ({
  title,
  verb,
  ...(style ? { style } : {}),
});
const asFile: Button = button('request.file', say('batch.button.file'));

function storyOfBatch(request: Request<BatchInput, BatchOutcome>): ReturnType<typeof batch.story> {
  const { input, outcome } = request;
  const title =
    input.name === null
      ? say('batch.title.pasted', { count: all(input) })
      : say('batch.title.file', { name: input.name });
  if (!outcome) return { title, rows: previewRows(input), live: preview(input) };
  const { tally, follow } = outcome;
  const { stages, held = 0 } = tally;
  const items = itemsOf(outcome.tally);
  const told: NonNullable<ReturnType<typeof batch.story>['ending']> = {
    sentence: sentence(outcome, input, true),
    tone: stages.failed || stages.refused || stages.unsure || isReminded(outcome) ? 'warning' : 'good',
    items,
    buttons: [
      // A list that was stopped sends nothing more.
      ...(stages.failed && !outcome.isStopped
        ? [button('batch.retry', say('batch.button.retry', { count: stages.failed }), 'positive')]
        : []),
      asFile,
    ],
  };
  const rows = countRows(outcome);
  if (follow) {
    const live = { ...told, state: say('batch.state.sent'), sentence: sentence(outcome, input, false) };
    return { title, rows, live, ending: told };
  }
  const sending = say('batch.sending', {
    done: ended(stages),
    count: ended(stages) + (stages.filed ?? 0) + (stages.waits ?? 0),
  });
  return {
    title,
    rows,
    live: {
      state: say('batch.state.sending'),
      sentence: outcome.isStopped
        ? say('batch.stopping', { count: stages.filed ?? 0 })
        : held > 0
          ? say('two', { first: sending, second: say('batch.held', { count: held }) })
          : sending,
      tone: 'neutral',
      items,
      buttons: outcome.isStopped ? [asFile] : [button('batch.stop', say('batch.button.stop'), 'destructive'), asFile],
    },
    ending: told,
  };
}

const all = ({ counts }: BatchInput): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

const ended = ({ sent = 0, found = 0, failed = 0, refused = 0, unsure = 0, stopped = 0 }: Stages): number =>
  sent + found + failed + refused + unsure + stopped;

function preview({ counts, unused }: BatchInput) {
  const { ready } = counts;
  const first = ready > 0 ? say('batch.preview', { count: ready }) : say('batch.previewNothing');
  const sentenceOf =
    unused.length > 0 ? say('two', { first, second: say('batch.unused', { headings: unused.join(', ') }) }) : first;
  const send = button('batch.send', say('batch.button.send', { count: ready }), 'positive');
  return {
    state: say('batch.state.preview'),
    sentence: sentenceOf,
    tone: ready > 0 ? ('neutral' as const) : ('warning' as const),
    buttons: [...(ready > 0 ? [send] : []), button('request.cancel', say('form.cancel')), asFile],
  };
}

/** How many of each kind, and the first that are not sent, each with its line. */
function previewRows({ counts, left }: BatchInput): Story['rows'] {
  const kinds = [
    ['ready', say('batch.row.ready')],
    ['known', say('batch.row.known')],
    ['blocked', say('batch.row.blocked')],
    ['unreadable', say('batch.row.unreadable')],
    ['duplicate', say('batch.row.duplicate')],
  ] as const;
  return [
    ...kinds.flatMap(([kind, label]) => (counts[kind] > 0 ? [{ label, text: String(counts[kind]) }] : [])),
    ...left.map(({ line, text, say: why }) => ({
      label: say('batch.row.line', { line }),
      text: say('batch.row.left', { text, why }),
    })),
  ];
}

function countRows({ tally: { stages, held = 0, followed }, follow }: BatchOutcome): Story['rows'] {
  const { accepted = 0, gone = 0 } = (follow && followed) ?? {};
  const counts = { ...stages, held, filed: (stages.filed ?? 0) - held, accepted, gone };
  const kinds = [
    ['sent', say('batch.row.sent')],
    ['accepted', say('batch.row.accepted')],
    ['gone', say('batch.row.gone')],
    ['found', say('batch.row.found')],
    ['failed', say('batch.row.failed')],
    ['refused', say('batch.row.refused')],
    ['unsure', say('batch.row.unsure')],
    ['stopped', say('batch.row.stopped')],
    ['held', say('batch.row.held')],
    ['filed', say('batch.row.filed')],
    ['waits', say('batch.row.waits')],
  ] as const;
  return kinds.flatMap(([kind, label]) => (counts[kind] ? [{ label, text: String(counts[kind]) }] : []));
}

/** Somebody was brought to mind and is awaited still. */
const isReminded = ({ tally, follow }: BatchOutcome): boolean =>
  (follow?.reminders.times ?? 0) > 0 && (tally.followed?.awaited ?? 0) > 0;

/** How many of those who were invited have not accepted, as what a reminder says first. */
function reminder(awaited: number, { sent = 0, found = 0 }: Stages, { name }: BatchInput): Say {
  const counts = { count: awaited, all: sent + found };
  return name === null ? say('batch.reminder.pasted', counts) : say('batch.reminder.file', { ...counts, name });
}

/** "31 guests are invited. 2 were guests already. 12 have accepted. 21 have not accepted yet. 3 did not work." */
function sentence(outcome: BatchOutcome, input: BatchInput, isOver: boolean): Say {
  const { tally, follow, isStopped } = outcome;
  const { stages, followed } = tally;
  const { accepted = 0, awaited = 0 } = (follow && followed) ?? {};
  const isReminder = !isOver && isReminded(outcome);
  const parts = [
    ...(isReminder ? [reminder(awaited, stages, input)] : []),
    ...(stages.sent && !isReminder ? [say('batch.ended.sent', { count: stages.sent })] : []),
    ...(stages.found && !isReminder ? [say('batch.ended.found', { count: stages.found })] : []),
    ...(accepted ? [say('batch.accepted', { count: accepted })] : []),
    ...(awaited && !isReminder ? [say(isOver ? 'batch.left' : 'batch.awaited', { count: awaited })] : []),
    ...(stages.failed ? [say('batch.ended.failed', { count: stages.failed })] : []),
    ...(stages.refused ? [say('batch.ended.refused', { count: stages.refused })] : []),
    ...(stages.unsure ? [say('batch.ended.unsure', { count: stages.unsure })] : []),
    ...(stages.stopped ? [say('batch.ended.stopped', { count: stages.stopped })] : []),
    ...(stages.waits ? [say('batch.ended.unsent', { count: stages.waits })] : []),
  ];
  const said = parts.length > 0 ? parts : [say('batch.ended.nothing')];
  const all = isStopped ? [say('batch.stopped'), ...said] : said;
  return all.reduce((first, second) => say('two', { first, second }));
}

const itemsOf = ({ trouble }: Tally): NonNullable<Story['items']> =>
  trouble.map(({ line, subject, id, say: why }) => ({
    title: subject,
    state: say('batch.row.line', { line }),
    sub: why,
    command: `request ${id}`,
  }));
