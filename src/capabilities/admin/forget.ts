/**
 * Forgetting a person: counts what is kept about an address, asks, erases it, and shows a receipt that no longer says whom
 * it was about. No I/O; must not know Teams, SQL or card templates. Whose data a call is about is read from the request
 * itself (`requests/proof/storeRemote.ts`), so that no call holds it.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Capability, Facts, Field, Raw, Step } from '../../requests/capability.ts';
import { bad, good, type Problem, type Result } from '../../requests/problem.ts';
import type { Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Story } from '../../requests/story.ts';
import { type AdminSettings, adminsOnly } from '../admins.ts';
import { faultOfAddress, readPeople } from '../guest/people.ts';
import { readerOf } from '../reader.ts';

export interface ForgetInput {
  /** In lower case; absent once it is erased. */
  readonly address?: string;
  readonly isConfirmed?: true;
}

const Counts = z.object({
  requests: z.number(),
  mentions: z.number(),
  rows: z.number(),
  answers: z.number(),
  signals: z.number(),
  lines: z.number(),
});
/** What they did themselves, which is proof and stays. */
const Deeds = z
  .object({ asked: z.number(), named: z.number(), isLookedUp: z.boolean() })
  .default({ asked: 0, named: 0, isLookedUp: false });
const Kept = Counts.extend({
  deeds: Deeds,
  addresses: z.number().default(1),
  live: z.array(z.object({ id: z.string(), capability: z.string() })),
});
const Erased = Counts.extend({
  deeds: Deeds,
  isDone: z.boolean(),
  waitsFor: z.array(z.string()),
  head: z.object({ n: z.number(), hash: z.string() }).nullable(),
});

export type ForgetOutcome = z.infer<typeof Counts> & {
  readonly did: 'erasing' | 'erased';
  /** Epoch ms. */
  readonly at: number;
  readonly head: { readonly n: number; readonly hash: string } | null;
  /** Absent in what was told before anybody counted it. */
  readonly deeds?: z.infer<typeof Deeds>;
  /** How long that is kept after a request has ended, days; null: nobody has said. */
  readonly days?: number | null;
};

const FIELDS: readonly Field[] = [
  { name: 'address', kind: 'email', words: 'forget.field.address', required: true, max: 320 },
];

/** How long the question stands. */
const QUESTION_MS = 24 * 3600_000;
/** A request in somebody's hands is let go of within seconds; what lives on, like a call, may last. */
const AGAIN_MS = 10_000;
const MOST_NAMED = 5;

export function forget(settings: AdminSettings): Capability<ForgetInput, ForgetOutcome> {
  return {
    name: 'forget',
    topic: 'rules',
    isAside: true,
    remote: 'store',
    commands: ['forget'],
    fields: FIELDS,
    denies: adminsOnly(settings),
    read,
    write: ({ address }): Raw => (address === undefined ? {} : { address }),
    choose: (input, _field, { value }) => (value === 'erase' ? { ...input, isConfirmed: true } : input),
    subject: ({ address }) => address ?? '',
    answers: { count: Kept, erase: Erased },
    step,
    story,
  };
}

function read(raw: Raw): Result<readonly ForgetInput[], readonly Problem[]> {
  const { faults, fault, text } = readerOf(raw, FIELDS);
  const { people, unreadable } = readPeople(text('address') ?? '');
  const [one, ...others] = people;
  if (!one || others.length > 0 || unreadable.length > 0) fault('address', 'forget.field.address.missing');
  const wrong = one && faultOfAddress(one.address);
  if (wrong) fault('address', wrong);
  return faults.length > 0 || !one ? bad(faults) : good([{ address: one.address.toLowerCase() }]);
}

const COUNT: Call = { name: 'count', to: 'store', method: 'GET', path: '/forgetting/kept', repeat: 'safe' };
/** Begun again it goes on where it stopped. */
const ERASE: Call = { name: 'erase', to: 'store', method: 'POST', path: '/forgetting/erased', repeat: 'restart' };

function step(input: ForgetInput, answers: readonly Answer[], facts: Facts<ForgetOutcome>): Step<ForgetOutcome> {
  const reply = (name: string) => answers.findLast(({ call }) => call.name === name)?.reply;
  const { now } = facts;
  const days = facts.policy.retentionDays;
  // Whose address is gone already is confirmed.
  if (input.address !== undefined && !input.isConfirmed) {
    const counted = reply('count');
    if (!counted) return { kind: 'call', call: COUNT };
    if (!counted.ok) return { kind: 'fail', problem: counted.problem, fresh: true };
    const kept = Kept.parse(counted.body);
    // Nothing but this request itself, which then has nothing to ask.
    if (kept.requests + kept.mentions + kept.rows + kept.lines > 0)
      return {
        kind: 'ask',
        question: {
          say: asks(kept, days),
          field: 'confirm',
          options: [{ title: say('forget.erase'), value: 'erase' }],
        },
        forMs: QUESTION_MS,
      };
  }
  const erased = reply('erase');
  if (!erased) return { kind: 'call', call: ERASE };
  if (!erased.ok) return { kind: 'fail', problem: erased.problem, fresh: true };
  const { isDone, waitsFor, head, ...counts } = Erased.parse(erased.body);
  if (isDone) return { kind: 'done', outcome: { ...counts, did: 'erased', at: now, head, days }, standing: 'erased' };
  return {
    kind: 'later',
    waits: true,
    fresh: true,
    forMs: AGAIN_MS,
    note: say('forget.waits', { count: waitsFor.length, ids: waitsFor.slice(0, MOST_NAMED).join(', ') }),
    outcome: { ...counts, did: 'erasing', at: now, head, days },
  };
}

/** What is erased, in exact numbers, of whom, what is stopped first, and what stays. */
function asks({ live, addresses, deeds, ...counts }: z.infer<typeof Kept>, days: number | null): Say {
  const parts = addresses > 1 ? [say('forget.addresses', { count: addresses })] : [];
  parts.push(say('forget.ask', counts));
  const ids = live.slice(0, MOST_NAMED).map(({ id }) => id);
  if (live.length > 0) parts.push(say('forget.stops', { count: live.length, ids: ids.join(', ') }));
  return joined([...parts, ...proof(deeds, days)]);
}

const joined = (parts: readonly Say[]): Say => parts.reduce((first, second) => say('two', { first, second }));

/** What they did themselves stays: how much, until when, and whose move it is; or that nobody knows. */
function proof(deeds: z.infer<typeof Deeds>, days: number | null): readonly Say[] {
  const { asked, named, isLookedUp } = deeds;
  const until = days === null ? say('forget.proof.ever') : say('forget.proof.days', { count: days });
  return [
    ...(asked + named > 0 ? [say('forget.proof', { asked, named }), until] : []),
    ...(isLookedUp ? [] : [say('forget.proof.unknown')]),
  ];
}

/** What came of it: nothing that stays is passed over. */
function ending({ deeds, days = null, ...counts }: ForgetOutcome): Say {
  const isSomething = counts.requests + counts.mentions + counts.rows + counts.lines > 0;
  const stays = deeds ? proof(deeds, days) : [];
  if (isSomething) return joined([say(stays.length > 0 ? 'forget.done.but' : 'forget.done'), ...stays]);
  const isProof = deeds !== undefined && deeds.asked + deeds.named > 0;
  return joined([say(isProof ? 'forget.nothing.but' : 'forget.nothing'), ...stays]);
}

type Told = ReturnType<Capability<ForgetInput, ForgetOutcome>['story']>;

function story({ id, input, outcome, note, question, requester }: Request<ForgetInput, ForgetOutcome>): Told {
  const rows: Story['rows'][number][] = [];
  if (input.address !== undefined) rows.push({ label: say('forget.row.address'), text: input.address });
  const title = say(outcome?.did === 'erased' ? 'forget.title.done' : 'forget.title');
  if (!outcome)
    return question
      ? { title, rows: [...rows, { label: say('forget.row.stays'), text: say('forget.guest') }] }
      : { title, rows };
  const live: NonNullable<Told['live']> = {
    sentence: note ?? say('forget.erasing'),
    tone: 'neutral',
    buttons: [],
  };
  if (outcome.did === 'erasing') return { title, rows, live };
  const { requests, mentions, rows: listed, answers, signals, lines, at, head } = outcome;
  const many = (label: string, count: number): Story['rows'][number] => ({ label: say(label), text: String(count) });
  return {
    title,
    rows: [
      { label: say('forget.row.receipt'), text: id },
      { label: say('forget.row.at'), text: new Date(at).toISOString() },
      { label: say('forget.row.by'), text: requester.name },
      many('forget.row.requests', requests),
      many('forget.row.mentions', mentions),
      many('forget.row.rows', listed),
      many('forget.row.answers', answers + signals),
      many('forget.row.lines', lines),
      ...(head ? [{ label: say('forget.row.head'), text: `${head.n} ${head.hash}` }] : []),
      { label: say('forget.row.stays'), text: say('forget.stays') },
    ],
    ending: {
      sentence: ending(outcome),
      tone: 'good',
      buttons: [],
    },
  };
}
