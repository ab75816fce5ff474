/**
 * What a list's card tells: what would be sent, how far it has come, who has come of those who were sent for, and what can
 * be done about it. Pure; must not know languages, card templates or what a row means.
 */
import type { Button, Capability, Story } from '../requests/capability.ts';
import type { BatchInput } from '../requests/many/fileList.ts';
import type { Stages, Tally } from '../requests/many/rows.ts';
import type { Request } from '../requests/request.ts';
import { type Say, say } from '../requests/say.ts';
import type { BatchOutcome } from './batch.ts';

type BatchStory = ReturnType<Capability<BatchInput, BatchOutcome>['story']>;

const button = (verb: string, title: Say, style?: Button['style']): Button => ({
  title,
  verb,
  ...(style ? { style } : {}),
});
const asFile: Button = button('request.file', say('batch.button.file'));

export function storyOfBatch(request: Request<BatchInput, BatchOutcome>): BatchStory {
  const { input, outcome } = request;
  const title =
    input.name === null
      ? say('batch.title.pasted', { count: all(input) })
      : say('batch.title.file', { name: input.name });
  if (!outcome) return { title, rows: previewRows(input), live: preview(input) };
  const { tally, follow } = outcome;
  const { stages, held = 0 } = tally;
  const items = itemsOf(outcome.tally);
  const told: NonNullable<BatchStory['ending']> = {
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
