/**
 * A deal's card: the same for everybody who looks, alive for as long as the deal is open. It learns of changes from whoever
 * makes them here and from Partner Center's webhooks, and says in time when an answer is due. No I/O; must not know Teams,
 * HTTP, SQL or card templates.
 */
import type { Answer, Capability, Facts, Field, Filing, Raw, Step } from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import type { Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Button } from '../../requests/story.ts';
import { readerOf } from '../reader.ts';
import { readCall } from './calls.ts';
import { changeName } from './change.ts';
import type { ChangeKind } from './changeStep.ts';
import {
  customerOf,
  DASHBOARD,
  Deal,
  dayOf,
  dealIn,
  isIncoming,
  isOpen,
  later,
  mayMove,
  rowsOf,
  stateOf,
  worthOf,
} from './deal.ts';
import { meantBy, WHICH_ANSWERS, type Which, whichOf } from './which.ts';

export interface OpenInput extends Which {
  /** What was known of it when its card was asked for. */
  readonly deal?: Deal;
  /** Partner Center told of it; nobody asked. */
  readonly isNews?: true;
  /** It is shown anew because its end is near. */
  readonly remind?: 'soon' | 'last';
}

export interface OpenOutcome {
  readonly deal: Deal;
  /** Who changed it last from here, and how. */
  readonly by?: { readonly name: string; readonly did: ChangeKind };
}

const FIELDS: readonly Field[] = [
  { name: 'which', kind: 'text', words: 'referral.field.which', required: true, max: 200 },
];

const DAY_MS = 24 * 3600_000;
/** How long a card follows a deal nobody touches; after that it is asked for again. */
const FOLLOW_MS = 60 * DAY_MS;
/** When a card is shown anew: so long before the deal expires. */
const REMIND_MS = { soon: 3 * DAY_MS, last: DAY_MS } as const;

const ANSWERS = { ...WHICH_ANSWERS, read: Deal };

export const referral: Capability<OpenInput, OpenOutcome> = {
  name: 'referral',
  topic: 'deals',
  looks: true,
  remote: 'partnerCenter',
  commands: ['referral', 'deal', 'show referral', 'show deal'],
  fields: FIELDS,
  read,
  write: ({ which, id }) => ({ which: id ?? which }),
  choose: (input, _field, { value }) => ({ ...input, id: value }),
  subject: ({ id, which }) => id ?? which.toLowerCase(),
  answers: ANSWERS,
  step,
  story,
};

function read(raw: Raw): Result<readonly OpenInput[], readonly Problem[]> {
  const { text, faults } = readerOf(raw, FIELDS);
  const typed = text('which');
  if (!typed) return bad([problem('input', 'referral.field.which.missing', { field: 'which' })]);
  return faults.length > 0 ? bad(faults) : good([whichOf(typed)]);
}

function step(input: OpenInput, answers: readonly Answer[], facts: Facts<OpenOutcome>): Step<OpenOutcome> {
  const known = knownOf(input, answers, facts);
  if (known === null) {
    const meant = meantBy(input, answers);
    if ('call' in meant) return { kind: 'call', call: meant.call };
    if ('question' in meant) return { kind: 'ask', question: meant.question, forMs: 3 * DAY_MS };
    if ('problem' in meant) return { kind: 'fail', problem: meant.problem, fresh: true };
    const reply = answers.findLast(({ call }) => call.name === 'read')?.reply;
    if (reply?.ok === false) return { kind: 'fail', problem: reply.problem, fresh: true };
    return { kind: 'call', call: readCall(meant.id) };
  }
  return follow(input, known, facts);
}

/** What is known of the deal: of all that was read and told the latest. */
function knownOf(
  input: OpenInput,
  answers: readonly Answer[],
  { soFar, signals }: Facts<OpenOutcome>,
): OpenOutcome | null {
  const reads = answers.flatMap(({ call, reply }) => (call.name === 'read' && reply?.ok ? [dealIn(reply.body)] : []));
  const told = (name: string) => signals.find(({ key }) => key === name)?.body as OpenOutcome | undefined;
  const here = told('changedHere');
  const [first, ...others] = [soFar?.deal, input.deal, ...reads, here?.deal, told('changed')?.deal].filter(
    (one) => one !== undefined,
  );
  if (!first) return null;
  const deal = others.reduce(later, first);
  // Of a change made elsewhere since, nobody here is the author.
  const by = [here, soFar].find((one) => one?.by && one.deal.updatedDateTime === deal.updatedDateTime)?.by;
  return { deal, ...(by ? { by } : {}) };
}

/** Rests until something is told of it, until its end is near, or until nobody has cared for long. */
function follow(input: OpenInput, known: OpenOutcome, { now, createdAt, signals }: Facts): Step<OpenOutcome> {
  const { deal } = known;
  const about = { outcome: known, standing: deal.status, subject: deal.id };
  const touchedAt = Math.max(createdAt, ...signals.map(({ at }) => at));
  if (!isOpen(deal) || now >= touchedAt + FOLLOW_MS) return { kind: 'done', ...about };
  const next = nextReminder(input, deal, createdAt);
  const isDue = next !== null && next.at <= now && Date.parse(deal.expirationDateTime ?? '') > now;
  const until = next && !isDue && next.at > now ? Math.min(touchedAt + FOLLOW_MS, next.at) : touchedAt + FOLLOW_MS;
  return {
    kind: 'later',
    waits: true,
    fresh: true,
    forMs: Math.max(until - now, 1_000),
    ...about,
    ...(isDue ? { files: reminder(deal, next.how) } : {}),
  };
}

/** The card is shown anew, below: an edit of the old one would be seen by nobody. */
const reminder = (deal: Deal, how: 'soon' | 'last'): Filing => ({
  capability: 'referral',
  subject: deal.id,
  input: { which: deal.id, id: deal.id, deal, isNews: true, remind: how } satisfies OpenInput,
  key: `remind:${deal.id}:${deal.expirationDateTime}:${how}`,
  shown: true,
});

/** Only what came in and waits for an answer is reminded of. */
function nextReminder(
  input: OpenInput,
  deal: Deal,
  createdAt: number,
): { readonly how: 'soon' | 'last'; readonly at: number } | null {
  const expires = Date.parse(deal.expirationDateTime ?? '');
  if (!input.isNews || !isIncoming(deal) || !mayMove(deal, 'accept') || Number.isNaN(expires)) return null;
  if (input.remind === 'last') return null;
  const left = input.remind === 'soon' ? (['last'] as const) : (['soon', 'last'] as const);
  // A card that was shown after its time needs no reminder of it.
  const how = left.find((one) => expires - REMIND_MS[one] > createdAt);
  return how ? { how, at: expires - REMIND_MS[how] } : null;
}

function sentenceOf({ deal, by }: OpenOutcome, input: OpenInput): Say {
  const customer = customerOf(deal);
  if (by) return say(`referral.by.${by.did}`, { name: by.name, customer });
  const expires = dayOf(deal.expirationDateTime);
  if (mayMove(deal, 'accept') && isIncoming(deal)) {
    if (!expires) return say('referral.waits');
    return say(input.remind ? 'referral.waits.reminder' : 'referral.waits.until', { date: expires });
  }
  const worth = worthOf(deal.details?.dealValue, deal.details?.currency);
  if (isOpen(deal)) return worth ? say('referral.isOpen.worth', { worth }) : say('referral.isOpen');
  return say('referral.isClosed');
}

function story({
  input,
  outcome,
  version,
}: Request<OpenInput, OpenOutcome>): ReturnType<Capability<OpenInput, OpenOutcome>['story']> {
  // Of what came in all is known before anybody has looked.
  const known = outcome ?? (input.deal && { deal: input.deal });
  // An id says nothing to a person.
  const title =
    !known && whichOf(input.which).id
      ? say('referral.form.title')
      : say(input.isNews ? 'referral.title.news' : 'referral.title', {
          customer: known ? customerOf(known.deal) : input.which,
        });
  if (!known) return { title, rows: [] };
  const { deal } = known;
  const isUrgent = input.remind !== undefined && mayMove(deal, 'accept');
  const told = {
    state: stateOf(deal),
    sentence: sentenceOf(known, input),
    tone: isUrgent ? 'warning' : /^(?:won|accepted)$/i.test(deal.substatus ?? '') ? 'good' : 'neutral',
    buttons: buttonsOf(deal, version),
  } as const;
  return { title, rows: rowsOf(deal), page: DASHBOARD, live: told, ending: told };
}

/** Only the moves the service allows now. */
export function buttonsOf(deal: Deal, version: number): readonly Button[] {
  const form = (kind: ChangeKind, more: Readonly<Record<string, string>> = {}): Button => ({
    title: say(`referral.button.${kind}`),
    verb: 'form.open',
    data: { capability: changeName(kind), which: deal.id, ...(deal.eTag ? { seen: deal.eTag } : {}), ...more },
  });
  const typed = (button: string, text: string, style?: Button['style']): Button => ({
    title: say(`referral.button.${button}`),
    verb: 'command.run',
    data: { text, drawn: String(version) },
    ...(style ? { style } : {}),
  });
  const { details } = deal;
  const values: Record<string, string> = {
    ...(details?.dealValue ? { value: worthOf(details.dealValue, details.currency) } : {}),
    ...(dayOf(details?.closingDateTime) ? { close: dayOf(details?.closingDateTime) ?? '' } : {}),
  };
  // Long notes would not fit the card: what is not shown stays as it is.
  const notes = details?.notes && details.notes.length <= 500 ? { notes: details.notes } : {};
  if (!isOpen(deal)) return [];
  if (mayMove(deal, 'accept'))
    return isIncoming(deal)
      ? [typed('accept', `referral accept ${deal.id}`, 'positive'), form('decline')]
      : [typed('activate', `referral accept ${deal.id}`), form('edit', { ...values, was: JSON.stringify(values) })];
  return [
    form('won', { ...values, was: JSON.stringify(values) }),
    form('lost'),
    form('edit', { ...values, ...notes, was: JSON.stringify({ ...values, ...notes }) }),
    {
      title: say('referral.button.invite'),
      verb: 'form.open',
      data: { capability: 'referralInvite', which: deal.id },
    },
  ];
}
