/**
 * The places where something about a person may be kept, and how each is found and erased, a page at a time.
 * Must not know in which order, how often or why (`forgetting.ts` does).
 */
import { sql, type Transaction } from 'kysely';
import type { Stage } from '../requests/many/rows.ts';
import { ERASING } from '../requests/proof/erasures.ts';
import type { Erased, Ways } from '../requests/proof/keeping.ts';
import { emptied, type Finder, type Identity, isAbout } from '../requests/proof/person.ts';
import { ENDED, type RequestState } from '../requests/request.ts';
import { eraseParts } from './audit.ts';
import type { Engine } from './engine.ts';
import { hideUnposted, wantVersion } from './messages.ts';
import { toRequest } from './rows.ts';
import type { AnswerRow, BatchRow, RequestRow, SignalRow, Tables } from './schema.ts';

/** Who is to be forgotten, and where. */
export interface Wanted {
  readonly tenantId: string;
  /** The request that asks: it is erased last. */
  readonly except: string;
  /** Only what was asked for up to this moment, epoch ms. */
  readonly until: number;
  readonly identity: Identity;
  readonly finder: Finder;
  readonly ways: Ways;
}

/** One page of a place. */
export interface Found {
  /** Where the next page begins. */
  readonly last: string | number;
  readonly counts: Erased;
  readonly isEmpty: boolean;
  /** Requests that are not over: they are erased when they are. */
  readonly waitsFor: readonly string[];
  /** Erases what was found, if it is still so. */
  erase(trx: Transaction<Tables>, how: { readonly note: string; readonly now: number }): Promise<Gone>;
}

/** What was erased of a page. `waitsFor`: requests that somebody took in hand since it was looked at. */
interface Gone {
  readonly erased: Erased;
  readonly waitsFor: readonly string[];
}

/** Looks at the page after `after` (null: the first); null: there is none. */
export type Eraser = (engine: Engine, wanted: Wanted, after: string | number | null) => Promise<Found | null>;

export const NOTHING: Erased = { requests: 0, mentions: 0, rows: 0, answers: 0, signals: 0, lines: 0 };

const OVER = [...ENDED];
/** Nobody has it in hand, and nobody was shown what is to be approved. */
const RESTS: readonly RequestState[] = ['queued', 'waiting'];
/** Requests per page. Erasing a page of them takes about 20 ms. */
const REQUESTS = 100;
const LINES = 500;
/** Stages from which a row of a list may be sent (again). */
const SENDABLE: readonly Stage[] = ['waits', 'filed', 'failed'];

/** The columns that hold JSON, but for who asked: that is proof of who did what. */
export const JSON_COLUMNS = ['place', 'input', 'lost', 'note', 'outcome', 'problem', 'question', 'approval'] as const;

/** A request with all that hangs on it. */
interface Whole {
  readonly row: RequestRow;
  readonly answers: readonly AnswerRow[];
  readonly signals: readonly SignalRow[];
}

/** Requests, their answers and their signals. */
const requests: Eraser = async (engine, wanted, after) => {
  const { tenantId, except, until } = wanted;
  const rows = await engine.db
    .selectFrom('requests')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '>', String(after ?? ''))
    .orderBy('id')
    .limit(REQUESTS)
    .execute();
  const last = rows.at(-1);
  if (!last) return null;
  const looked = rows.filter((row) => row.id !== except && row.erased_at === null && row.created_at <= until);
  const all = await wholes(engine.db, looked);
  const theirs = all.filter(({ row }) => isTheirs(row, wanted));
  const mentions = all.filter((one) => !isTheirs(one.row, wanted) && isMentioned(one, wanted));
  const isOver = ({ row }: Whole) => ENDED.has(row.state as RequestState);
  const mayGo = (one: Whole) => isOver(one) || inputWithout(one.row, wanted) !== undefined;
  const lines = await linesOf(
    engine.db,
    theirs.map(({ row }) => row.id),
  );
  const touched = (pick: 'answers' | 'signals'): number =>
    sum(theirs.map((one) => one[pick].length)) +
    sum(mentions.map((one) => one[pick].filter((each) => wanted.finder.isIn(textOf(each))).length));
  return {
    last: last.id,
    counts: {
      requests: theirs.length,
      mentions: mentions.length,
      rows: 0,
      answers: touched('answers'),
      signals: touched('signals'),
      lines,
    },
    isEmpty: !theirs.some(isOver) && !mentions.some(mayGo),
    waitsFor: [...theirs.filter((one) => !isOver(one)), ...mentions.filter((one) => !mayGo(one))].map(
      ({ row }) => row.id,
    ),
    async erase(trx, how) {
      const ids = theirs.filter(isOver).map(({ row }) => row.id);
      let erased = await eraseWhole(trx, ids, wanted, how);
      const waitsFor: string[] = [];
      for (const { row } of mentions.filter(mayGo)) {
        const now = await thatMayGo(trx, engine, [row.id], wanted);
        if (now.length === 0) waitsFor.push(row.id);
        for (const one of await wholes(trx, now)) erased = added(erased, await eraseMention(trx, one, wanted));
      }
      return { erased, waitsFor };
    },
  };
};

/** Lines of the audit that speak of the person, whatever request they belong to. Who did it stays. */
const lines: Eraser = async (engine, { tenantId, except, finder }, after) => {
  const rows = await engine.db
    .selectFrom('audit')
    .select(['seq', 'tenant_id', 'detail'])
    .where('seq', '>', Number(after ?? 0))
    .orderBy('seq')
    .limit(LINES)
    .execute();
  const last = rows.at(-1);
  if (!last) return null;
  const told = rows.filter((row) => row.tenant_id === tenantId && finder.isIn(row.detail)).map(({ seq }) => seq);
  return {
    last: last.seq,
    counts: { ...NOTHING, lines: told.length },
    isEmpty: told.length === 0,
    waitsFor: [],
    async erase(trx, { now }) {
      const detail = sql<boolean>`seq in (${sql.join(told)})`;
      const count = await eraseParts(trx, { detail }, { at: now, tenantId, requestId: except });
      return { erased: { ...NOTHING, lines: count }, waitsFor: [] };
    },
  };
};

/**
 * Rows of lists: of one about the person nothing stays but that there was one; of another the mention goes. A list that only
 * waits for its guests goes on without them.
 */
const rows: Eraser = async (engine, wanted, after) => {
  const { tenantId, identity, finder } = wanted;
  const [batch, n] = typeof after === 'string' ? after.split(' ') : ['', '-1'];
  const { rows: page } = await sql<BatchRow & { tenant_id: string }>`
    select rows.*, requests.tenant_id
    from rows join requests on requests.id = rows.batch_id
    where (rows.batch_id, rows.n) > (${batch}, cast(${Number(n)} as bigint))
    order by rows.batch_id, rows.n limit ${LINES}`.execute(engine.db);
  const last = page.at(-1);
  if (!last) return null;
  const found = page.filter(
    (row) => row.tenant_id === tenantId && [row.subject, row.content, row.why].some((text) => finder.isIn(text)),
  );
  const lists = [...new Set(found.map((row) => row.batch_id))];
  const may = new Set((await thatMayGo(engine.db, engine, lists, wanted)).map(({ id }) => id));
  return {
    last: `${last.batch_id} ${last.n}`,
    counts: { ...NOTHING, rows: found.length },
    isEmpty: may.size === 0,
    waitsFor: lists.filter((id) => !may.has(id)),
    async erase(trx) {
      // Held, so that nobody sends a row meanwhile that they have read before.
      const now = new Set((await thatMayGo(trx, engine, [...may], wanted)).map(({ id }) => id));
      const over = found.filter((row) => now.has(row.batch_id));
      for (const { batch_id, n, subject, content, why } of over) {
        const isTheirs = subject === null || identity.addresses.includes(subject.toLowerCase());
        await trx
          .updateTable('rows')
          .set({
            // Nothing is left that could be sent; what was sent stays counted.
            ...(isTheirs
              ? { stage: sql<string>`case when stage in (${sql.join(SENDABLE)}) then 'erased' else stage end` }
              : {}),
            subject: subject === null ? null : isTheirs ? '' : finder.without(subject),
            content: isTheirs ? emptied(content) : finder.jsonWithout(content),
            why: why === null ? null : finder.jsonWithout(why),
          })
          .where('batch_id', '=', batch_id)
          .where('n', '=', n)
          .execute();
      }
      return { erased: { ...NOTHING, rows: over.length }, waitsFor: [...may].filter((id) => !now.has(id)) };
    },
  };
};

/** Every place, in the order in which they are erased. A new table that may speak of people gets its line here. */
export const ERASERS: readonly Eraser[] = [requests, rows, lines];

/** Whether a request is about the person. */
export function isTheirs(row: RequestRow, { identity, ways }: Pick<Wanted, 'identity' | 'ways'>): boolean {
  // Of most requests this says that they are not, without reading their JSON.
  return speaksOf(row, identity) && isAbout(ways.about(toRequest(row)), identity);
}

/** Whether what says whom a request is about has any of it. */
export function speaksOf({ subject, input, outcome }: RequestRow, { addresses, ids }: Identity): boolean {
  const text = `${subject}\n${input}\n${outcome ?? ''}`.toLowerCase();
  return [...addresses, ...ids].some((one) => text.includes(one));
}

/** Of these requests, those of which something may be erased now; inside of a transaction nobody else gets at them. */
async function thatMayGo(
  db: Engine['db'] | Transaction<Tables>,
  engine: Engine,
  ids: readonly string[],
  wanted: Wanted,
): Promise<readonly RequestRow[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('requests')
    .selectAll()
    .where('id', 'in', ids)
    .where('state', 'in', [...OVER, ...RESTS])
    .$if(engine.name === 'postgres' && db.isTransaction, (query) => query.forUpdate())
    .execute();
  return rows.filter((row) => ENDED.has(row.state as RequestState) || inputWithout(row, wanted) !== undefined);
}

/** The input of a live request that goes on without the person; undefined: it has to end first. */
const inputWithout = (row: RequestRow, { ways, finder }: Wanted): unknown =>
  RESTS.includes(row.state as RequestState) ? ways.goesOn(toRequest(row), finder.without) : undefined;

function isMentioned({ row, answers, signals }: Whole, { finder }: Wanted): boolean {
  return (
    [row.key, row.subject, ...JSON_COLUMNS.map((name) => row[name])].some((text) => finder.isIn(text)) ||
    [...answers, ...signals].some((one) => finder.isIn(textOf(one)))
  );
}

/** All that an answer or a signal says, as text to look through. */
const textOf = (one: AnswerRow | SignalRow): string =>
  'call' in one ? JSON.stringify([one.call, one.reply]) : JSON.stringify([one.key, one.body]);

async function wholes(db: Engine['db'], rows: readonly RequestRow[]): Promise<readonly Whole[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const answers = await db.selectFrom('answers').selectAll().where('request_id', 'in', ids).execute();
  const signals = await db.selectFrom('signals').selectAll().where('request_id', 'in', ids).execute();
  return rows.map((row) => ({
    row,
    answers: answers.filter(({ request_id }) => request_id === row.id),
    signals: signals.filter(({ request_id }) => request_id === row.id),
  }));
}

async function linesOf(db: Engine['db'], ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const { count } = await db
    .selectFrom('audit')
    .select(sql<number>`count(*)`.as('count'))
    .where('request_id', 'in', ids)
    .where('detail_salt', 'is not', null)
    .where('what', '<>', ERASING)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Requests about the person: that there was one, when, and who asked is all that stays. */
async function eraseWhole(
  trx: Transaction<Tables>,
  wantedIds: readonly string[],
  { tenantId, except }: Wanted,
  { note, now }: { readonly note: string; readonly now: number },
): Promise<Erased> {
  if (wantedIds.length === 0) return NOTHING;
  const rows = await trx
    .updateTable('requests')
    .set({
      subject: '',
      standing: null,
      input: '{}',
      lost: '[]',
      note,
      outcome: null,
      problem: null,
      question: null,
      approval: null,
      erased_at: now,
      version: sql<number>`version + 1`,
      // A button's key may say what was pressed.
      key: sql<string>`'erased:' || id`,
    })
    .where('id', 'in', wantedIds)
    .where('state', 'in', OVER)
    .where('erased_at', 'is', null)
    .returning(['id', 'version'])
    .execute();
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return NOTHING;
  const answers = await trx.deleteFrom('answers').where('request_id', 'in', ids).executeTakeFirst();
  const signals = await trx.deleteFrom('signals').where('request_id', 'in', ids).executeTakeFirst();
  const detail = sql<boolean>`request_id in (${sql.join(ids)})`;
  const told = await eraseParts(trx, { detail }, { at: now, tenantId, requestId: except });
  await hideUnposted(trx, ids, now);
  for (const { id, version } of rows) await wantVersion(trx, id, version);
  return {
    requests: ids.length,
    mentions: 0,
    rows: 0,
    answers: Number(answers.numDeletedRows),
    signals: Number(signals.numDeletedRows),
    lines: told,
  };
}

/** A request about something else: what it says of the person is taken out, the rest stays. */
async function eraseMention(
  trx: Transaction<Tables>,
  { row, answers, signals }: Whole,
  wanted: Wanted,
): Promise<Erased> {
  const { finder } = wanted;
  if (!isMentioned({ row, answers, signals }, wanted)) return NOTHING;
  const isLive = !ENDED.has(row.state as RequestState);
  const input = isLive ? inputWithout(row, wanted) : undefined;
  if (isLive && input === undefined) return NOTHING;
  const clean = Object.fromEntries(
    JSON_COLUMNS.flatMap((name) => {
      const text = row[name];
      return text === null ? [] : [[name, finder.jsonWithout(text)]];
    }),
  );
  const version = row.version + 1;
  await trx
    .updateTable('requests')
    .set({
      ...clean,
      ...(input === undefined ? {} : { input: finder.jsonWithout(JSON.stringify(input)) }),
      subject: finder.without(row.subject),
      version,
      ...(finder.isIn(row.key) ? { key: `erased:${row.id}` } : {}),
    })
    .where('id', '=', row.id)
    .execute();
  const said = answers.filter((one) => finder.isIn(textOf(one)));
  for (const { request_id, n, call, reply } of said) {
    await trx
      .updateTable('answers')
      .set({ call: finder.jsonWithout(call), reply: reply === null ? null : finder.jsonWithout(reply) })
      .where('request_id', '=', request_id)
      .where('n', '=', n)
      .execute();
  }
  const heard = signals.filter((one) => finder.isIn(textOf(one)));
  for (const { request_id, key, body } of heard) {
    await trx
      .updateTable('signals')
      .set({ key: finder.without(key), body: finder.jsonWithout(body) })
      .where('request_id', '=', request_id)
      .where('key', '=', key)
      .execute();
  }
  await wantVersion(trx, row.id, version);
  return { ...NOTHING, mentions: 1, answers: said.length, signals: heard.length };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

export function added(a: Erased, b: Erased): Erased {
  return {
    requests: a.requests + b.requests,
    mentions: a.mentions + b.mentions,
    rows: a.rows + b.rows,
    answers: a.answers + b.answers,
    signals: a.signals + b.signals,
    lines: a.lines + b.lines,
  };
}
