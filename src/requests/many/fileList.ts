/**
 * A list becomes one request: every row is read as a single wish would be, judged by the policy, and kept. Nothing is sent
 * by this. Must not know how the list was brought (text, form, file) or how it is carried out.
 */
import { digest } from '../approval.ts';
import type { AnyCapability, Raw, Surroundings } from '../capability.ts';
import type { DeskParts, Wish } from '../desk.ts';
import { newId } from '../ids.ts';
import { type Asker, type Case, judge, type Verdict as Ruled, type TeamRef } from '../policy/judge.ts';
import type { PolicyInForce } from '../policy/policy.ts';
import type { Store } from '../ports.ts';
import { bad, good, type Problem, problem, type Result } from '../problem.ts';
import type { Request } from '../request.ts';
import { type Say, say } from '../say.ts';
import { askerWhoMay } from './fileRows.ts';
import { FEW, MOST_ROWS, type RawRow, type Row, VERDICTS, type Verdict } from './rows.ts';

/** The capability whose requests are lists. */
export const BATCH = 'batch';

/** What a list is, without its rows: they are kept beside it. */
export interface BatchInput {
  /** The capability its rows are requests of. */
  readonly of: string;
  /** The file's name; null: it was pasted. */
  readonly name: string | null;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** The first rows that are not sent, and why. */
  readonly left: readonly {
    readonly line: number;
    readonly text: string;
    readonly verdict: Verdict;
    readonly say: Say;
  }[];
  /** Headings that nobody knows. */
  readonly unused: readonly string[];
  /** SHA-256 of all that would be sent, in order: whoever approves the list approves just this. */
  readonly digest: string;
  /** The row by which the policy judges the list: the first that needs somebody's approval, else the first of all. */
  readonly asked: Case | null;
}

/** A wish whose text is a list; what holds for all its rows is in `raw`. */
export interface ListWish extends Wish {
  /** The file's name; null: it was pasted. */
  readonly name: string | null;
  readonly rows: readonly RawRow[];
  readonly unused: readonly string[];
}

type Parts = Pick<DeskParts, 'store' | 'clock' | 'policyNow' | 'messageLeaseEnd'>;

/** What the rows are judged by. What only the directory could tell of whoever asks is for the gate, before anything is sent. */
interface Ruling {
  readonly inForce: PolicyInForce;
  readonly asker: Asker;
  readonly now: number;
}

/** As of a wish for one. */
interface ListFiled {
  readonly requests: readonly Request[];
  readonly isNew: boolean;
  readonly isSame: boolean;
}

/** Rows read in one go; after that others have a turn (a row takes about 0.1 ms, one with a date in words 1). */
const IN_ONE_GO = 50;
/** Most teams of one list that are looked up to learn whether somebody owns one. */
const MOST_TEAMS = 20;
/** Rows that are not sent and have a place on the card. */
const SHOWN = FEW;

export async function fileList(
  wish: ListWish,
  of: AnyCapability,
  { store, clock, policyNow, messageLeaseEnd }: Parts,
): Promise<Result<ListFiled, readonly Problem[]>> {
  if (wish.rows.length > MOST_ROWS) return bad([problem('input', say('many.file.tooLong', { most: MOST_ROWS }))]);
  const { who, where } = wish;
  const now = clock.now();
  const inForce = await policyNow(where.tenantId);
  const { policy, version: policyVersion } = inForce;
  const read = await readRows(wish, of, { requester: who, place: where, policy, policyVersion, now });
  const asker = { id: who.id, groups: null, ownsTeam: null };
  const ruling: Ruling = { inForce, asker, now };
  const rows = await settled(wish, of, read, ruling, store);
  const ready = rows.filter(({ verdict }) => verdict === 'ready');
  // Not one row makes sense: what is wrong with the first is wrong with the list.
  if (rows.every(({ verdict }) => verdict === 'unreadable')) return bad(read[0]?.problems ?? []);
  const known = askerWhoMay(inForce, asker);
  const cases = ready.flatMap(({ n, content }) => {
    const one = of.judged?.(content as never, []);
    return one ? [{ n, one, rule: approvalRule(judge(inForce, one, known, now)) }] : [];
  });
  const first = cases.find(({ rule }) => rule !== null) ?? cases[0];
  const strictest = first?.one;
  const apart = new Set(cases.flatMap(({ n, rule }) => (rule !== null && rule !== first?.rule ? [n] : [])));
  const teams = teamsOf(cases.map(({ one }) => one));
  const some = teams.length > 0 ? { teams: teams.slice(0, MOST_TEAMS) } : {};
  const asked = strictest ? { ...strictest, ...some, count: ready.length } : null;
  const verdict = asked && judge(inForce, asked, asker, now);
  if (verdict?.kind === 'unknown' && verdict.needs === 'owner' && teams.length > MOST_TEAMS)
    return bad([problem('input', say('many.tooManyTeams', { most: MOST_TEAMS }), { field: 'team' })]);
  if (verdict?.kind === 'refused') return bad([verdict.problem]);
  const input: BatchInput = {
    of: of.name,
    name: wish.name,
    counts: countsOf(rows),
    left: leftOf(rows),
    unused: wish.unused.slice(0, 20).map((heading) => heading.slice(0, 60)),
    digest: digest(ready.map(({ content }) => content)),
    asked,
  };
  const [accepted] = await store.accept(
    [
      {
        id: newId(),
        key: `${wish.key}:list`,
        capability: BATCH,
        subject: nameOf(input),
        requester: wish.who,
        place: wish.where,
        input,
        activityId: wish.activityId,
        rows: lastly(rows, apart),
      },
    ],
    now,
    // A message that is on screen already is updated by the teller; a new one is posted by who asked us, at once.
    wish.activityId === null ? messageLeaseEnd() : 0,
  );
  if (!accepted) throw new Error('a draft was not answered');
  const { request, isNew } = accepted;
  return good({ requests: [request], isNew, isSame: (request.input as BatchInput).digest === input.digest });
}

/** The rule by which somebody is to approve, or null. */
const approvalRule = (verdict: Ruled): string | null =>
  verdict.kind === 'needs approval' ? digest(verdict.rule) : null;

/** The teams that rows are to join, each once. */
function teamsOf(cases: readonly Case[]): readonly TeamRef[] {
  const teams = cases.flatMap(({ team }) => team ?? []);
  return [...new Map(teams.map((team) => [team.id ?? team.name.toLowerCase(), team])).values()];
}

/** Rows that another rule is about than the list come last: nobody waits behind what somebody else is to approve. */
const lastly = (rows: readonly Row[], apart: ReadonlySet<number>): readonly Row[] =>
  rows.toSorted((a, b) => Number(apart.has(a.n)) - Number(apart.has(b.n))).map((row, n) => ({ ...row, n }));

/** What a list goes by. */
export const nameOf = ({ name, counts }: Pick<BatchInput, 'name' | 'counts'>): string =>
  name ?? String(VERDICTS.reduce((sum, verdict) => sum + counts[verdict], 0));

interface ReadRow {
  readonly line: number;
  readonly raw: Raw;
  readonly input: unknown;
  readonly problems: readonly Problem[];
}

/** One entry per person: a line that names two is two rows. */
async function readRows({ rows }: ListWish, of: AnyCapability, around: Surroundings): Promise<readonly ReadRow[]> {
  const read: ReadRow[] = [];
  for (const [n, { line, raw }] of rows.entries()) {
    if (n % IN_ONE_GO === IN_ONE_GO - 1) await new Promise((resolve) => setImmediate(resolve));
    const inputs = of.read(raw, around);
    if (inputs.ok) for (const input of inputs.value) read.push({ line, raw, input, problems: [] });
    else read.push({ line, raw, input: null, problems: inputs.problem });
  }
  return read;
}

/** The verdict of each row. */
async function settled(
  { where }: ListWish,
  of: AnyCapability,
  read: readonly ReadRow[],
  { inForce, asker, now }: Ruling,
  store: Store,
): Promise<readonly Row[]> {
  const subjectOf = ({ input }: ReadRow): string | null => (input === null ? null : of.subject(input as never));
  const subjects = [...new Set(read.flatMap((row) => subjectOf(row) ?? []))];
  const standings = await store.rows.standings(where.tenantId, of.name, subjects);
  const firstLine = new Map<string, number>();
  return read.map((row, n): Row => {
    const { line, raw, input, problems } = row;
    const subject = subjectOf(row);
    const left = (verdict: Verdict, why: Say | null): Row => ({ n, line, verdict, content: raw, subject, why });
    if (subject === null) return left('unreadable', problems[0]?.say ?? null);
    const before = firstLine.get(subject);
    if (before !== undefined) return left('duplicate', say('many.row.duplicate', { line: before }));
    firstLine.set(subject, line);
    const asked = of.judged?.(input as never, []);
    const verdict = asked && judge(inForce, asked, asker, now);
    if (verdict?.kind === 'refused') return left('blocked', verdict.problem.say);
    const standing = standings.get(subject);
    const known = standing === undefined ? null : (of.list?.known(input as never, standing) ?? null);
    if (known) return left('known', known);
    return { n, line, verdict: 'ready', content: input, subject, why: null };
  });
}

function countsOf(rows: readonly Row[]): BatchInput['counts'] {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of rows) counts[verdict] += 1;
  return counts;
}

/** The first rows that are not sent, those that somebody can mend before the others. */
function leftOf(rows: readonly Row[]): BatchInput['left'] {
  const order: readonly Verdict[] = ['unreadable', 'blocked', 'duplicate', 'known'];
  return order
    .flatMap((verdict) => rows.filter((row) => row.verdict === verdict).slice(0, SHOWN))
    .slice(0, SHOWN)
    .map(({ line, verdict, subject, content, why }) => ({
      line,
      verdict,
      text: (subject ?? Object.values(content as Raw)[0] ?? '').slice(0, 120),
      say: why ?? say('many.row.unreadable'),
    }));
}
