/**
 * The audit of some days for an admin: how much there is, whether its chain is whole, and a file of it. No I/O; must not
 * know Teams, SQL or card templates. The file itself is `requests/proof/auditFile.ts`'s.
 */
import { z } from 'zod/v4';
import type { Answer, Capability, Facts, Field, Raw, Step, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, type Result } from '../../requests/problem.ts';
import { type AuditInput, spanOf } from '../../requests/proof/auditFile.ts';
import type { Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Story } from '../../requests/story.ts';
import { type AdminSettings, adminsOnly } from '../admins.ts';
import { beginningOf, looksLikeDay, readDay, readPastDay } from '../days.ts';
import { given, readerOf } from '../reader.ts';

export interface AuditOutcome {
  readonly lines: number;
  /** When the beginning was removed, epoch ms; null: never. */
  readonly cutAt: number | null;
  readonly chain:
    | { readonly links: number; readonly erased: number; readonly head: { readonly n: number; readonly hash: string } }
    /** The first place that is not as it was written. */
    | { readonly broken: Say };
}

const Told = z.object({ key: z.string(), with: z.record(z.string(), z.union([z.string(), z.number()])).optional() });
const Head = z.object({ n: z.number(), hash: z.string() });
const Verdict = z.union([
  z.object({ lines: z.number(), cutAt: z.number().nullable(), broken: Told }),
  z.object({ lines: z.number(), cutAt: z.number().nullable(), links: z.number(), erased: z.number(), head: Head }),
]);

const FIELDS: readonly Field[] = [
  {
    name: 'from',
    kind: 'date',
    words: 'audit.field.from',
    required: true,
    max: 60,
    phrases: ['from', 'since'],
    accepts: looksLikeDay,
  },
  {
    name: 'to',
    kind: 'date',
    words: 'audit.field.to',
    max: 60,
    phrases: ['to', 'until', 'till'],
    accepts: looksLikeDay,
  },
];

export function audit(settings: AdminSettings): Capability<AuditInput, AuditOutcome> {
  return {
    name: 'audit',
    topic: 'rules',
    isAside: true,
    looks: true,
    remote: 'store',
    commands: ['audit'],
    fields: FIELDS,
    denies: adminsOnly(settings),
    read,
    write: ({ from, to }) => given({ from, to }) as Raw,
    choose: (input) => input,
    subject: ({ from, to }) => (to === undefined ? from : `${from} ${to}`),
    answers: { verify: Verdict },
    step,
    story,
  };
}

function read(raw: Raw, around: Surroundings): Result<readonly AuditInput[], readonly Problem[]> {
  const { faults, fault, text } = readerOf(raw, FIELDS);
  const day = (name: string): string | undefined => {
    const typed = text(name);
    if (typed === undefined) return undefined;
    const read = readPastDay(typed, around);
    if (read === null) fault(name, say('audit.unreadable', { text: typed.slice(0, 60) }));
    return read ?? undefined;
  };
  const from = day('from');
  const past = day('to');
  // “From 1 October to 31 December” is said in November, too.
  const next = past === undefined ? undefined : readDay(text('to') ?? '', around);
  const to = past !== undefined && from !== undefined && past < from && next && 'day' in next ? next.day : past;
  if (text('from') === undefined) fault('from', 'audit.field.from.missing');
  if (from === undefined) return bad(faults);
  const fromMs = beginningOf(from, around);
  if (fromMs > around.now) fault('from', 'audit.future');
  if (to !== undefined && to < from) fault('to', 'audit.backwards');
  if (faults.length > 0) return bad(faults);
  return good([{ from, fromMs, ...(to === undefined ? {} : { to, untilMs: beginningOf(to, around, 1) }) }]);
}

function step(input: AuditInput, answers: readonly Answer[], facts: Facts<AuditOutcome>): Step<AuditOutcome> {
  const verified = answers.findLast(({ call }) => call.name === 'verify')?.reply;
  if (!verified) {
    const { from, until } = spanOf({ tenantId: '', createdAt: facts.createdAt, input });
    return {
      kind: 'call',
      call: {
        name: 'verify',
        to: 'store',
        method: 'GET',
        path: `/audit/verdict?from=${from}&until=${until}`,
        repeat: 'safe',
      },
    };
  }
  if (!verified.ok) return { kind: 'fail', problem: verified.problem, fresh: true };
  const { lines, cutAt, ...chain } = Verdict.parse(verified.body);
  return {
    kind: 'done',
    standing: 'broken' in chain ? 'broken' : 'whole',
    outcome: { lines, cutAt, chain: chain as AuditOutcome['chain'] },
  };
}

type Told = ReturnType<Capability<AuditInput, AuditOutcome>['story']>;

function story({ input, outcome }: Request<AuditInput, AuditOutcome>): Told {
  const from = say('date', { date: input.from });
  const title = input.to
    ? say('audit.title.span', { from, to: say('date', { date: input.to }) })
    : say('audit.title.since', { from });
  if (!outcome) return { title, rows: [] };
  const { lines, chain, cutAt } = outcome;
  const rows: Story['rows'][number][] = [{ label: say('audit.row.lines'), text: String(lines) }];
  if ('head' in chain) {
    rows.push({ label: say('audit.row.links'), text: String(chain.links) });
    if (chain.erased > 0) rows.push({ label: say('audit.row.erased'), text: String(chain.erased) });
  }
  if (cutAt !== null) rows.push({ label: say('audit.row.cut'), text: say('date', { date: isoDay(cutAt) }) });
  if ('head' in chain) rows.push({ label: say('audit.row.head'), text: `${chain.head.n} ${chain.head.hash}` });
  return {
    title,
    rows,
    ending: {
      sentence: 'broken' in chain ? say('audit.broken', { why: chain.broken }) : say('audit.whole', { count: lines }),
      tone: 'broken' in chain ? 'attention' : 'good',
      buttons: lines > 0 ? [{ title: say('audit.button.file'), verb: 'request.file' }] : [],
    },
  };
}

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
