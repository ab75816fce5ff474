/**
 * Changing a deal: accept, decline, won, lost, edit. Each is a capability of its own, made here of what differs: its
 * fields and the operations they become. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import type { Capability, Field, Raw, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, type Result } from '../../requests/problem.ts';
import type { Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Story } from '../../requests/story.ts';
import { looksLikeDay, readAnyDay } from '../days.ts';
import { given, readerOf } from '../reader.ts';
import { CHANGE_ANSWERS, type ChangeInput, type ChangeKind, type ChangeOutcome, stepChange } from './changeStep.ts';
import { customerOf, DASHBOARD, dayOf, openButton, stateOf, worthOf } from './deal.ts';
import { readMembers, textOf } from './members.ts';
import { isAmount, isCurrency, readMoney } from './money.ts';
import { whichOf } from './which.ts';

const WHICH: Field = { name: 'which', kind: 'text', words: 'referral.field.which', required: true, max: 200 };
/** As the deal was when whoever fills the form looked at it. */
const SEEN: Field = { name: 'seen', kind: 'hidden', words: '', max: 200 };
/** What the form was filled with, as JSON: what is left as it was is not sent. */
const WAS: Field = { name: 'was', kind: 'hidden', words: '', max: 2500 };
const VALUE: Field = {
  name: 'value',
  kind: 'text',
  words: 'referral.field.value',
  max: 60,
  phrases: ['value', 'for', 'worth'],
  accepts: (text) => /^[$€£¥₹]?\d|^[A-Za-z]{3}\s*\d/.test(text),
};
const CLOSE: Field = {
  name: 'close',
  kind: 'date',
  words: 'referral.field.close',
  max: 60,
  phrases: ['closing on', 'closed on', 'close on', 'closing', 'close', 'on'],
  accepts: looksLikeDay,
};
const REASON: Field = {
  name: 'reason',
  kind: 'lines',
  words: 'referral.field.reason',
  required: true,
  max: 500,
  phrases: ['because', 'because of', 'reason'],
};
const NOTES: Field = {
  name: 'notes',
  kind: 'lines',
  words: 'referral.field.notes',
  max: 2000,
  phrases: ['notes', 'note'],
};
const TEAM: Field = {
  name: 'team',
  kind: 'people',
  words: 'referral.field.team',
  max: 2000,
  phrases: ['team', 'add'],
  accepts: (text) => /@/.test(text),
};

const FIELDS: Readonly<Record<ChangeKind, readonly Field[]>> = {
  accept: [WHICH, SEEN],
  decline: [WHICH, REASON, SEEN],
  won: [WHICH, VALUE, CLOSE, SEEN, WAS],
  lost: [WHICH, REASON, SEEN],
  edit: [WHICH, VALUE, CLOSE, NOTES, TEAM, SEEN, WAS],
};

export const CHANGES = Object.keys(FIELDS) as readonly ChangeKind[];
export const changeName = (kind: ChangeKind): string => `referral${kind[0]?.toUpperCase()}${kind.slice(1)}`;

export function referralChange(kind: ChangeKind): Capability<ChangeInput, ChangeOutcome> {
  const name = changeName(kind);
  return {
    name,
    topic: 'deals',
    isAside: true,
    remote: 'partnerCenter',
    commands: [`referral ${kind}`, `deal ${kind}`, `${kind} referral`, `${kind} deal`],
    fields: FIELDS[kind],
    read: (raw, around) => read(kind, raw, around),
    write,
    choose: (input, field, { value }) => {
      if (field === 'id') return { ...input, id: value };
      const [, told, eTag = ''] = /^mine (\d+) (.*)$/.exec(value) ?? [];
      return told ? { ...input, seen: eTag, told: Number(told) } : { ...input, keep: 'theirs' };
    },
    subject: ({ id, which }) => id ?? which.toLowerCase(),
    answers: CHANGE_ANSWERS,
    step: stepChange,
    story,
  };
}

function read(kind: ChangeKind, raw: Raw, around: Surroundings): Result<readonly ChangeInput[], readonly Problem[]> {
  const fields = FIELDS[kind];
  const { text, fault, faults } = readerOf(raw, fields);
  // Every field is read before anything is judged, so that none is cut short in silence.
  for (const { name, words, required } of fields) if (!text(name) && required) fault(name, `${words}.missing`);
  const was = wasOf(raw['was']);
  const changed = (field: Field): string | undefined => {
    const typed = fields.includes(field) ? text(field.name) : undefined;
    return typed === was[field.name] ? undefined : typed;
  };
  const typedValue = changed(VALUE);
  const money = typedValue ? readMoney(typedValue) : null;
  if (typedValue && (!money || !isAmount(money.amount)))
    fault('value', say('referral.value.unreadable', { text: typedValue }));
  if (money?.currency && !isCurrency(money.currency)) fault('value', 'referral.value.currency');
  const typedClose = changed(CLOSE);
  // A deal may have been closed on a day that is over.
  const close = typedClose ? (readAnyDay(typedClose, around, kind === 'won') ?? undefined) : undefined;
  if (typedClose && !close) fault('close', say('referral.close.unreadable', { text: typedClose }));
  const team = readMembers(changed(TEAM) ?? '', null);
  for (const one of team.faults.slice(0, 3)) fault('team', one);
  const sets = given({
    amount: money?.amount,
    currency: money?.currency ?? undefined,
    close,
    notes: changed(NOTES),
    reason: changed(REASON),
    team: team.members.length > 0 ? team.members : undefined,
  });
  if (kind === 'edit' && Object.keys(sets).length === 0 && faults.length === 0) fault('value', 'referral.edit.nothing');
  if (faults.length > 0) return bad(faults);
  return good([{ ...whichOf(text('which') ?? ''), kind, sets, ...given({ seen: text('seen') }) }]);
}

function wasOf(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const was: unknown = JSON.parse(text ?? '{}');
    return typeof was === 'object' && was !== null ? (was as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function write({ which, id, sets, seen }: ChangeInput): Raw {
  const { amount, currency, close, notes, reason, team } = sets;
  return given({
    which: id ?? which,
    value: amount === undefined ? undefined : `${amount} ${currency ?? ''}`.trim(),
    close,
    notes,
    reason,
    team: team?.map(textOf).join('\n'),
    seen,
  }) as Raw;
}

/** What is to become of the deal, in rows. */
function rowsOfSets({ amount, currency, close, notes, reason, team }: ChangeInput['sets']): Story['rows'][number][] {
  const rows: { label: Say; text: string | Say }[] = [];
  if (amount !== undefined) rows.push({ label: say('referral.row.value'), text: worthOf(amount, currency) });
  if (close) rows.push({ label: say('referral.row.closes'), text: say('date', { date: close }) });
  if (notes) rows.push({ label: say('referral.row.notes'), text: notes });
  if (reason) rows.push({ label: say('referral.row.reason'), text: reason });
  if (team) rows.push({ label: say('referral.row.team'), text: team.map(textOf).join(', ') });
  return rows;
}

function sentenceOf({ kept, isUnread }: ChangeOutcome, kind: ChangeKind): string {
  if (kept === 'theirs') return 'referral.keptTheirs';
  return isUnread ? 'referral.doneUnread' : `referral.change.${kind}.done`;
}

function story({
  input,
  outcome,
  version,
}: Request<ChangeInput, ChangeOutcome>): ReturnType<Capability<ChangeInput, ChangeOutcome>['story']> {
  const { kind, sets, which } = input;
  const deal = outcome?.deal;
  const customer = deal ? customerOf(deal) : which;
  // An id says nothing to a person.
  const title =
    !deal && whichOf(which).id
      ? say(`${changeName(kind)}.form.title`)
      : say(`referral.change.${kind}.title`, { customer });
  const rows = rowsOfSets(sets);
  if (!deal) return { title, rows };
  rows.push({ label: say('referral.row.id'), text: deal.id });
  return {
    title,
    rows,
    page: DASHBOARD,
    ending: {
      state: stateOf(deal),
      sentence: say(sentenceOf(outcome, kind), {
        customer,
        value: worthOf(deal.details?.dealValue, deal.details?.currency) || '–',
        date: dayOf(deal.details?.closingDateTime) ?? '–',
      }),
      tone: outcome.kept === 'theirs' ? 'neutral' : 'good',
      buttons: [openButton(deal.id, version)],
    },
  };
}
