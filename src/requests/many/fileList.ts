/**
 * A list becomes one request, or one per rule of approval: every row is read as a single wish would be, judged by the policy, and kept. Nothing is sent
 * by this. Must not know how the list was brought (text, form, file) or how it is carried out.
 */
import { digest } from '../approval.ts';
import type { AnyCapability, Field, Raw, Surroundings } from '../capability.ts';
import type { DeskParts, Wish } from '../desk.ts';
import { newId } from '../ids.ts';
import { type Asker, type Case, judge, type TeamRef } from '../policy/judge.ts';
import type { PolicyInForce } from '../policy/policy.ts';
import type { Store } from '../ports.ts';
import { bad, good, type Problem, problem, type Result } from '../problem.ts';
import type { Request } from '../request.ts';
import { type Say, say } from '../say.ts';
import { FEW, MOST_ROWS, type RawRow, type Row, VERDICTS, type Verdict } from './rows.ts';

/** The capability whose requests are lists. */
export const BATCH = 'batch';

/** What a list is, without its rows: they are kept beside it. */
export interface BatchInput {
  /** The capability its rows are requests of. */
  readonly of: string;
  /** The file's name; null: it was pasted. */
  readonly name: string | null;
  /** It was sent to them before, and they are awaited; `name` is that of the list they were in. */
  readonly isAgain?: true;
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
  /** The row by which the policy judges the list: the first. The same rule of approval is about all of them. */
  readonly asked: Case | null;
  /** Of what was given as one list this is one of several: each goes to other people to approve. */
  readonly part?: { readonly n: number; readonly of: number; readonly rule: Say | null };
}

/** A wish whose text is a list; what holds for all its rows is in `raw`. */
export interface ListWish extends Wish {
  /** The file's name; null: it was pasted. */
  readonly name: string | null;
  readonly rows: readonly RawRow[];
  readonly unused: readonly string[];
  /** They were sent for before, and are awaited. */
  readonly isAgain?: true;
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
/** Subjects whose requests are held in memory in one go. */
const CONSIDERED = 500;
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
  const around: Surroundings = { requester: who, place: where, policy, policyVersion, now };
  const read = await readRows(wish, of, around);
  const asker = { id: who.id, groups: null, ownsTeam: null };
  const ruling: Ruling = { inForce, asker, now };
  const rows = await settled(of, read, ruling, around, store);
  const ready = rows.filter(({ verdict }) => verdict === 'ready');
  // Not one row makes sense: what is wrong with the first is wrong with the list.
  if (rows.every(({ verdict }) => verdict === 'unreadable')) return bad(read[0]?.problems ?? []);
  const parts = partsOf(rows, of, { ...ruling, asker: askerWhoMay(inForce, asker) });
  const inputs: BatchInput[] = [];
  for (const [n, part] of parts.entries()) {
    const cases = part.ready.flatMap(({ content }) => of.judged?.(content as never, []) ?? []);
    const teams = teamsOf(cases);
    const [first] = cases;
    const some = teams.length > 0 ? { teams: teams.slice(0, MOST_TEAMS) } : {};
    // The limit of a list is not escaped by its falling apart.
    const asked = first ? { ...first, ...some, count: ready.length } : null;
    const verdict = asked && judge(inForce, asked, asker, now);
    if (verdict?.kind === 'refused') return bad([verdict.problem]);
    if (verdict?.kind === 'unknown' && verdict.needs === 'owner' && teams.length > MOST_TEAMS)
      return bad([problem('input', say('many.tooManyTeams', { most: MOST_TEAMS }), { field: 'team' })]);
    inputs.push({
      of: of.name,
      name: wish.name,
      ...(wish.isAgain ? { isAgain: true as const } : {}),
      counts: countsOf(part.rows),
      left: leftOf(part.rows, of.fields),
      unused: n > 0 ? [] : wish.unused.slice(0, 20).map((heading) => heading.slice(0, 60)),
      digest: digest(part.ready.map(({ content }) => content)),
      asked,
      ...(parts.length > 1 ? { part: { n: n + 1, of: parts.length, rule: part.rule } } : {}),
    });
  }
  const isAlone = inputs.length === 1;
  const accepted = await store.accept(
    inputs.map((input, n) => ({
      id: newId(),
      key: n === 0 ? `${wish.key}:list` : `${wish.key}:list:${n}`,
      capability: BATCH,
      subject: nameOf(input),
      requester: wish.who,
      place: wish.where,
      input,
      activityId: isAlone ? wish.activityId : null,
      rows: (parts[n]?.rows ?? []).map((row, at) => ({ ...row, n: at })),
    })),
    now,
    // A message that is on screen already is updated by the teller; a new one is posted by who asked us, at once.
    wish.activityId === null ? messageLeaseEnd() : 0,
  );
  const isSame = accepted.every(({ request }, n) => (request.input as BatchInput).digest === inputs[n]?.digest);
  return good({ requests: accepted.map(({ request }) => request), isNew: accepted.some((one) => one.isNew), isSame });
}

/**
 * Whoever asks, as if the directory had said that they may: whether that is so is for the gate, here it is only asked which
 * rule of approval there is.
 */
export function askerWhoMay({ policy }: PolicyInForce, asker: Pick<Asker, 'id'>): Asker {
  return { ...asker, groups: new Set(policy.askers.groups.map(({ id }) => id)), ownsTeam: true };
}

/** Rows that the same people are to approve, or nobody is. */
interface Part {
  /** The rule that asks for an approval, in words; null: none does. */
  readonly rule: Say | null;
  readonly rows: readonly Row[];
  readonly ready: readonly Row[];
}

/**
 * The list, or one per rule of approval: whoever approves is asked once about all that is theirs, and no row waits for what
 * somebody else is to approve. What is not sent stands in the first.
 */
function partsOf(rows: readonly Row[], of: AnyCapability, { inForce, asker, now }: Ruling): readonly Part[] {
  const byRule = new Map<string, { readonly rule: Say | null; readonly ready: Row[] }>();
  for (const row of rows) {
    if (row.verdict !== 'ready') continue;
    const asked = of.judged?.(row.content as never, []);
    const verdict = asked && judge(inForce, asked, asker, now);
    const rule = verdict?.kind === 'needs approval' ? verdict.rule : null;
    const key = rule ? digest(rule) : '';
    const part = byRule.get(key) ?? { rule, ready: [] };
    part.ready.push(row);
    byRule.set(key, part);
  }
  const [first = { rule: null, ready: [] }, ...others] = byRule.values();
  const apart = new Set(others.flatMap(({ ready }) => ready));
  return [
    { ...first, rows: rows.filter((row) => !apart.has(row)) },
    ...others.map((one) => ({ ...one, rows: one.ready })),
  ];
}

/** The teams that rows are to join, each once. */
function teamsOf(cases: readonly Case[]): readonly TeamRef[] {
  const teams = cases.flatMap(({ team }) => team ?? []);
  return [...new Map(teams.map((team) => [team.id ?? team.name.toLowerCase(), team])).values()];
}

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
  of: AnyCapability,
  read: readonly ReadRow[],
  { inForce, asker, now }: Ruling,
  around: Surroundings,
  store: Store,
): Promise<readonly Row[]> {
  const subjectOf = ({ input }: ReadRow): string | null => (input === null ? null : of.subject(input as never));
  const inputs = new Map(read.map((row) => [subjectOf(row), row.input]));
  inputs.delete(null);
  const subjects = [...inputs.keys()].flatMap((subject) => subject ?? []);
  const standings = await store.rows.standings(around.place.tenantId, of.name, subjects);
  const spared = await sparedOf(of, subjects, inputs, around, store);
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
    const stood = standing === undefined ? null : (of.list?.known(input as never, standing) ?? null);
    const known = stood ?? spared.get(subject);
    if (known) return left('known', known);
    return { n, line, verdict: 'ready', content: input, subject, why: null };
  });
}

/** Which subjects are not worth a row now, by what else was asked for about them, and why. */
async function sparedOf(
  { list }: AnyCapability,
  subjects: readonly string[],
  inputs: ReadonlyMap<string | null, unknown>,
  around: Surroundings,
  store: Store,
): Promise<ReadonlyMap<string, Say>> {
  const spared = new Map<string, Say>();
  if (!list?.considers) return spared;
  const { capabilities, why } = list.considers;
  for (let from = 0; from < subjects.length; from += CONSIDERED) {
    const some = subjects.slice(from, from + CONSIDERED);
    const about = new Map<string, Request[]>(some.map((subject) => [subject, []]));
    for (const one of await store.rows.about(around.place.tenantId, capabilities, some))
      about.get(one.subject)?.push(one);
    for (const subject of some) {
      const reason = why(inputs.get(subject) as never, about.get(subject) ?? [], around);
      if (reason) spared.set(subject, reason);
    }
  }
  return spared;
}

function countsOf(rows: readonly Row[]): BatchInput['counts'] {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of rows) counts[verdict] += 1;
  return counts;
}

/** The first rows that are not sent, those that somebody can mend before the others; each by the first thing it says. */
function leftOf(rows: readonly Row[], fields: readonly Field[]): BatchInput['left'] {
  const saidBy = (raw: Raw): string => fields.map(({ name }) => raw[name]).find(Boolean) ?? '';
  const order: readonly Verdict[] = ['unreadable', 'blocked', 'duplicate', 'known'];
  return order
    .flatMap((verdict) => rows.filter((row) => row.verdict === verdict).slice(0, SHOWN))
    .slice(0, SHOWN)
    .map(({ line, verdict, subject, content, why }) => ({
      line,
      verdict,
      text: (subject ?? saidBy(content as Raw)).slice(0, 120),
      say: why ?? say('many.row.unreadable'),
    }));
}
