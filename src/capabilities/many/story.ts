/**
 * What a list's card tells: what would be sent, how far it has come, who has come of those who were sent for, and what can
 * be done about it. Pure; must not know languages, card templates or what a row means.
 */
import type { Capability } from '../../requests/capability.ts';
import type { BatchInput } from '../../requests/many/fileList.ts';
import type { AskedDays, Ends, Stages, Tally } from '../../requests/many/rows.ts';
import type { Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Button, Story } from '../../requests/story.ts';
import type { BatchOutcome } from './batch.ts';
import { remindKey } from './followUp.ts';

type BatchStory = ReturnType<Capability<BatchInput, BatchOutcome>['story']>;

const button = (verb: string, title: Say, style?: Button['style']): Button => ({
  title,
  verb,
  ...(style ? { style } : {}),
});
/** Takes along which list it asks for, so that two presses on one card ask for one. */
const remindButton = (outcome: BatchOutcome): Button => ({
  ...button('batch.remind', say('batch.button.remind', { count: awaitedOf(outcome) })),
  data: { list: remindKey(outcome) },
});
/** Opens the form that a guest's own card opens, for all whom it is about. */
function keepButtons(asked: readonly string[]): readonly Button[] {
  const people = asked.join(', ');
  if (people === '' || people.length > MOST_DATA) return [];
  return [{ ...button('form.open', say('guest.button.keep')), data: { capability: 'guestExtend', people } }];
}
/** Characters that a button can take along. */
const MOST_DATA = 2_000;
const asFile: Button = button('request.file', say('batch.button.file'));

export function storyOfBatch(request: Request<BatchInput, BatchOutcome>): BatchStory {
  const { input, outcome } = request;
  const title = titleOf(input);
  if (!outcome) return { title, rows: [...partRows(input), ...previewRows(input)], live: preview(input) };
  const { tally, follow } = outcome;
  const { stages, held = 0 } = tally;
  const items = itemsOf(outcome.tally);
  const told: NonNullable<BatchStory['ending']> = {
    sentence: sentence(outcome, request),
    tone:
      stages.failed ||
      stages.refused ||
      stages.unsure ||
      isReminded(outcome) ||
      isAsked(tally.ends) ||
      tally.ends?.stuck
        ? 'warning'
        : 'good',
    items,
    buttons: [
      // A list that was stopped sends nothing more.
      ...(stages.failed && !outcome.isStopped
        ? [button('batch.retry', say('batch.button.retry', { count: stages.failed }), 'positive')]
        : []),
      ...(isReminded(outcome) && !tally.offered ? [remindButton(outcome)] : []),
      ...keepButtons(tally.ends?.asked ?? []),
      asFile,
    ],
  };
  const rows = [...partRows(input), ...countRows(outcome, input)];
  if (follow) {
    return { title, rows, live: { ...told, state: say('batch.state.sent') }, ending: told };
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

function titleOf({ name, counts, isAgain }: BatchInput): Say {
  const count = all({ counts });
  if (isAgain)
    return name === null ? say('batch.again.title.pasted', { count }) : say('batch.again.title.file', { name });
  return name === null ? say('batch.title.pasted', { count }) : say('batch.title.file', { name });
}

const all = ({ counts }: Pick<BatchInput, 'counts'>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

const ended = ({ sent = 0, found = 0, here = 0, failed = 0, refused = 0, unsure = 0, stopped = 0 }: Stages): number =>
  sent + found + here + failed + refused + unsure + stopped;

function preview({ counts, unused, isAgain, part }: BatchInput) {
  const { ready } = counts;
  const could = say(isAgain ? 'batch.again.preview' : 'batch.preview', { count: ready });
  const can = ready > 0 ? could : say(isAgain ? 'batch.again.previewNothing' : 'batch.previewNothing');
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
function previewRows({ counts, left, isAgain }: BatchInput): Story['rows'] {
  const kinds = [
    ['ready', say('batch.row.ready')],
    ['known', say(isAgain ? 'batch.again.row.known' : 'batch.row.known')],
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

function countRows({ tally: { stages, held = 0, followed } }: BatchOutcome, { isAgain }: BatchInput): Story['rows'] {
  const { accepted = 0, gone = 0 } = followed ?? {};
  const counts = { ...stages, held, filed: (stages.filed ?? 0) - held, accepted, gone };
  const kinds = [
    ['sent', say(isAgain ? 'batch.again.row.sent' : 'batch.row.sent')],
    ['accepted', say('batch.row.accepted')],
    ['gone', say('batch.row.gone')],
    ['found', say('batch.row.found')],
    ['here', say('batch.row.here')],
    ['failed', say('batch.row.failed')],
    ['refused', say(isAgain ? 'batch.again.row.refused' : 'batch.row.refused')],
    ['unsure', say('batch.row.unsure')],
    ['stopped', say('batch.row.stopped')],
    ['held', say('batch.row.held')],
    ['filed', say('batch.row.filed')],
    ['waits', say('batch.row.waits')],
  ] as const;
  return kinds.flatMap(([kind, label]) => (counts[kind] ? [{ label, text: String(counts[kind]) }] : []));
}

/** Somebody is awaited for so long that a reminder fell due, also where the policy sends none. */
const isReminded = (outcome: BatchOutcome): boolean =>
  (outcome.follow?.reminders.at ?? 0) > 0 && awaitedOf(outcome) > 0;

const awaitedOf = ({ tally }: BatchOutcome): number => tally.followed?.awaited ?? 0;

/**
 * What may be done about those who are awaited, or was done since the last reminder: in the past, since nobody says at once
 * what became of that list. Whole groups read it.
 */
function moveOf({ follow }: BatchOutcome, name: string): Say {
  const { at = 0 } = follow?.lists ?? {};
  if (at <= (follow?.reminders.at ?? 0)) return say('batch.reminder.move');
  return say('batch.reminder.listed', { name, at });
}

/** How many of those who were invited have not accepted, as what a reminder says first. */
function reminder(awaited: number, { sent = 0, found = 0 }: Stages, { name }: BatchInput): Say {
  const all = sent + found;
  // The word for some of them is the plural of all.
  const what = awaited >= all ? 'none' : 'some';
  const counts = { count: awaited, all };
  return name === null
    ? say(`batch.reminder.${what}.pasted`, counts)
    : say(`batch.reminder.${what}.file`, { ...counts, name });
}

/** Whose last day is near or over, who could not be removed, and who was: what somebody should do something about first. */
function endsOf({ near, over, stuck = 0, removed = 0, purged = 0 }: Partial<Ends>, input: BatchInput): readonly Say[] {
  return [
    ...(near ? [daysSay('near', near, input)] : []),
    ...(over ? [daysSay('over', over, input)] : []),
    ...(near || over ? [say('batch.ends.move')] : []),
    ...(stuck ? [say('batch.ends.stuck', { count: stuck })] : []),
    ...(removed ? [say('batch.ends.removed', { count: removed })] : []),
    ...(purged ? [say('batch.ends.purged', { count: purged })] : []),
  ];
}

function daysSay(which: 'near' | 'over', { count, first, days }: AskedDays, { name }: BatchInput): Say {
  const key = `batch.ends.${which}.${days > 1 ? 'days' : 'day'}`;
  const told = { count, date: first };
  return name === null ? say(`${key}.pasted`, told) : say(`${key}.file`, { ...told, name });
}

/** Whoever sent the list is to say whether some of them stay. */
const isAsked = (ends: Ends | undefined): boolean => ends?.near !== undefined || ends?.over !== undefined;

/** "31 guests are invited. 2 were here already. 12 have accepted. 21 have not accepted yet. 3 did not work." */
function sentence(outcome: BatchOutcome, { input, requester }: Pick<Request<BatchInput>, 'input' | 'requester'>): Say {
  const { tally, follow, isStopped } = outcome;
  const { stages, followed } = tally;
  const { accepted = 0, awaited = 0 } = followed ?? {};
  const isReminder = isReminded(outcome);
  const parts = [
    ...endsOf((follow && tally.ends) ?? {}, input),
    ...(isReminder ? [reminder(awaited, stages, input)] : []),
    ...(isReminder ? [moveOf(outcome, requester.name)] : []),
    ...(stages.sent && !isReminder
      ? [say(input.isAgain ? 'batch.again.ended.sent' : 'batch.ended.sent', { count: stages.sent })]
      : []),
    ...(stages.found && !isReminder ? [say('batch.ended.found', { count: stages.found })] : []),
    ...(stages.here && !isReminder ? [say('batch.ended.here', { count: stages.here })] : []),
    ...(accepted ? [say('batch.accepted', { count: accepted })] : []),
    ...(awaited && !isReminder ? [say('batch.awaited', { count: awaited })] : []),
    ...(stages.failed ? [say('batch.ended.failed', { count: stages.failed })] : []),
    ...(stages.refused
      ? [say(input.isAgain ? 'batch.again.ended.refused' : 'batch.ended.refused', { count: stages.refused })]
      : []),
    ...(stages.unsure ? [say('batch.ended.unsure', { count: stages.unsure })] : []),
    ...(stages.stopped ? [say('batch.ended.stopped', { count: stages.stopped })] : []),
    ...(stages.waits ? [say('batch.ended.unsent', { count: stages.waits })] : []),
  ];
  const said = parts.length > 0 ? parts : [say('batch.ended.nothing')];
  // Where all had gone before Stop took hold it has stopped nothing, and a reminder is about those who were sent for.
  const isHalf = (stages.waits ?? 0) + (stages.stopped ?? 0) + (stages.failed ?? 0) > 0;
  const all = isStopped && isHalf && !isReminder ? [say('batch.stopped'), ...said] : said;
  return all.reduce((first, second) => say('two', { first, second }));
}

const itemsOf = ({ trouble }: Tally): NonNullable<Story['items']> =>
  trouble.map(({ line, subject, id, say: why }) => ({
    title: subject,
    state: say('batch.row.line', { line }),
    sub: why,
    command: `request ${id}`,
  }));
