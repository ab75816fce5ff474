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

export interface BatchOutcome {
  readonly tally: Tally;
  /** How often all that failed was tried once more. */
  readonly round: number;
  readonly isStopped: boolean;
  /** What was done with the rows since it last looked: it is not done over and over when nothing came of it. */
  readonly did?: 'file' | 'withdraw';
  /** How long it looks away; longer while nothing happens. */
  readonly lookMs: number;
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
  step(_input, _answers, { rows, signals, soFar, now, createdAt }): Step<BatchOutcome> {
    const tally = rows ?? NOTHING;
    const has = (key: string): boolean => signals.some((one) => one.key === key);
    if (!has(SEND)) {
      const left = createdAt + KEPT_MS - now;
      if (left <= 0) return { kind: 'fail', problem: problem('gone', 'batch.expired', { reason: TOO_LATE }) };
      return { kind: 'later', forMs: left, waits: true };
    }
    const isStopped = has(STOP);
    const before = soFar ?? { tally, round: 0, isStopped, lookMs: LOOK_MS };
    const { did, ...rest } = before;
    const outcome: BatchOutcome = { ...rest, tally, isStopped, lookMs: lookMs(before, tally) };
    if (has(again(before.round + 1)) && !isStopped)
      return { kind: 'rows', what: 'again', outcome: { ...outcome, round: before.round + 1 } };
    const { waits = 0, filed = 0 } = tally.stages;
    // What is new is told once it rests; kept before that, it would be news to nobody.
    const unseen: BatchOutcome = { ...rest, isStopped };
    const { held = 0 } = tally;
    if (isStopped && held > 0 && did !== 'withdraw')
      return { kind: 'rows', what: 'withdraw', outcome: { ...unseen, did: 'withdraw' } };
    const isLeft = waits > 0 && !isStopped;
    // Half of what may be under way has ended: the next rows are filed in one go.
    if (isLeft && filed - held <= FILED_AT && did !== 'file')
      return { kind: 'rows', what: 'file', outcome: { ...unseen, did: 'file' } };
    if (isLeft || filed > 0) return { kind: 'later', forMs: outcome.lookMs, waits: true, outcome, standing: 'sending' };
    return { kind: 'done', outcome, standing: 'sent' };
  },
  acts: {
    send: {
      denies,
      read: ({ input }) =>
        (input as BatchInput).counts.ready > 0
          ? good([{ key: SEND, body: {} }])
          : bad(problem('input', 'batch.previewNothing')),
    },
    stop: { denies, read: () => good([{ key: STOP, body: {} }]) },
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
  if (!outcome) return { title, rows: [...partRows(input), ...previewRows(input)], live: preview(input) };
  const { stages, held = 0 } = outcome.tally;
  const items = itemsOf(outcome.tally);
  const sending = say('batch.sending', {
    done: ended(stages),
    count: ended(stages) + (stages.filed ?? 0) + (stages.waits ?? 0),
  });
  return {
    title,
    rows: [...partRows(input), ...countRows(stages, held)],
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
    ending: {
      sentence: outcome.isStopped
        ? say('two', { first: say('batch.stopped'), second: sentence(stages) })
        : sentence(stages),
      tone: stages.failed || stages.refused || stages.unsure ? 'warning' : 'good',
      items,
      buttons: [
        // A list that was stopped sends nothing more.
        ...(stages.failed && !outcome.isStopped
          ? [button('batch.retry', say('batch.button.retry', { count: stages.failed }), 'positive')]
          : []),
        asFile,
      ],
    },
  };
}

const all = ({ counts }: BatchInput): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

const ended = ({ sent = 0, found = 0, failed = 0, refused = 0, unsure = 0, stopped = 0 }: Stages): number =>
  sent + found + failed + refused + unsure + stopped;

function preview({ counts, unused, part }: BatchInput) {
  const { ready } = counts;
  const can = ready > 0 ? say('batch.preview', { count: ready }) : say('batch.previewNothing');
  const first = part ? say('two', { first: can, second: say('batch.part', { part: part.n, parts: part.of }) }) : can;
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

/** Which of several lists it is goes by who is to approve it. */
const partRows = ({ part }: BatchInput): Story['rows'] =>
  part ? [{ label: say('batch.row.approval'), text: part.rule ?? say('batch.row.free') }] : [];

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

function countRows(stages: Stages, held: number): Story['rows'] {
  const counts = { ...stages, held, filed: (stages.filed ?? 0) - held };
  const kinds = [
    ['sent', say('batch.row.sent')],
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

/** "31 invitations sent. 2 were guests already. 3 did not work." */
function sentence(stages: Stages): Say {
  const parts = [
    ...(stages.sent ? [say('batch.ended.sent', { count: stages.sent })] : []),
    ...(stages.found ? [say('batch.ended.found', { count: stages.found })] : []),
    ...(stages.failed ? [say('batch.ended.failed', { count: stages.failed })] : []),
    ...(stages.refused ? [say('batch.ended.refused', { count: stages.refused })] : []),
    ...(stages.unsure ? [say('batch.ended.unsure', { count: stages.unsure })] : []),
    ...(stages.stopped ? [say('batch.ended.stopped', { count: stages.stopped })] : []),
    ...(stages.waits ? [say('batch.ended.unsent', { count: stages.waits })] : []),
  ];
  const [first = say('batch.ended.nothing'), ...others] = parts;
  return others.reduce((so, next) => say('two', { first: so, second: next }), first);
}

const itemsOf = ({ trouble }: Tally): NonNullable<Story['items']> =>
  trouble.map(({ line, subject, id, say: why }) => ({
    title: subject,
    state: say('batch.row.line', { line }),
    sub: why,
    command: `request ${id}`,
  }));
