/**
 * Requests as a ledger: accepted once per key, read one by one and in lists.
 * Must not know how they are carried out (`queue.ts`) or shown (`messages.ts`).
 */
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Answer, Earlier } from '../requests/capability.ts';
import type { Accepted, AuditLine, Draft, RequestFilter } from '../requests/ports.ts';
import type { Request } from '../requests/request.ts';
import { addLines } from './audit.ts';
import { addRows } from './batchRows.ts';
import { type Engine, storable } from './engine.ts';
import { addMessages } from './messages.ts';
import { unindexed } from './planner.ts';
import { fromDraft, toAnswer, toRequest } from './rows.ts';
import type { RequestRow, Tables } from './schema.ts';

/** Drafts per statement: twelve values each, and an engine takes at most 32,766 (SQLite) or 65,535 (PostgreSQL). */
const ROWS = 500;

/**
 * Accepts drafts in one transaction of three inserts. Measured on SQLite: p50 0.4 ms alone, over half of it the fsync;
 * with 16 callers at once 0.17 ms each, because they share commits (`Writers` in sqlite.ts), and 0.5 if they did not.
 */
export function accept(
  engine: Engine,
  drafts: readonly Draft[],
  now: number,
  messageLeaseUntil: number,
): Promise<readonly Accepted[]> {
  if (drafts.length === 0) return Promise.resolve([]);
  return engine.write((trx) => acceptIn(engine, trx, drafts, now, messageLeaseUntil));
}

/** The same, in somebody's transaction. */
export async function acceptIn(
  engine: Engine,
  trx: Transaction<Tables>,
  drafts: readonly Draft[],
  now: number,
  messageLeaseUntil = 0,
): Promise<readonly Accepted[]> {
  const accepted: Accepted[] = [];
  for (let from = 0; from < drafts.length; from += ROWS) {
    accepted.push(...(await acceptSome(engine, trx, drafts.slice(from, from + ROWS), now, messageLeaseUntil)));
  }
  return accepted;
}

async function acceptSome(
  engine: Engine,
  trx: Transaction<Tables>,
  drafts: readonly Draft[],
  now: number,
  messageLeaseUntil: number,
): Promise<Accepted[]> {
  const { tellQueued } = engine;
  // In the order of their keys: two processes accepting the same ones cannot wait for each other in a ring.
  const sorted = drafts.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const rows = await trx
    .insertInto('requests')
    .values(
      sorted.map((draft) => ({
        ...fromDraft(draft, now),
        remote: draft.remote ?? 'graph',
        next_at: whenOpen(draft.dueAt ?? now, draft.remote ?? 'graph'),
      })),
    )
    .onConflict((clash) => clash.column('key').doNothing())
    .returningAll()
    .$if(tellQueued !== null, (query) => query.returning(tellQueued!.as('told')))
    .execute();

  const byKey = new Map<unknown, RequestRow>(rows.map((row) => [row.key, row]));
  const fresh = new Map<string, Draft>();
  for (const draft of drafts) {
    if (byKey.get(storable(draft.key))?.id === draft.id && !fresh.has(draft.id)) fresh.set(draft.id, draft);
  }
  if (fresh.size > 0) {
    await addLines(
      trx,
      [...fresh.values()].flatMap((draft) => acceptedLines(draft, now)),
    );
    await addMessages(
      trx,
      [...fresh.values()].filter((draft) => !draft.silent),
      messageLeaseUntil,
    );
    await addRows(trx, [...fresh.values()]);
  }
  for (const row of await held(trx, drafts, byKey)) byKey.set(row.key, row);

  return drafts.map((draft) => {
    const isNew = fresh.get(draft.id) === draft;
    return { request: toRequest(byKey.get(storable(draft.key))!), isNew };
  });
}

/** `now`, or when the gate of a new request's remote opens: what is held back need not be looked at until then. */
function whenOpen(now: number, remote: string): RawBuilder<number> {
  return sql<number>`(select case when max(until) > ${now} then max(until) else ${now} end from gates where remote = ${remote})`;
}

/** The requests that already hold the keys which gave no new row. */
async function held(
  trx: Transaction<Tables>,
  drafts: readonly Draft[],
  byKey: ReadonlyMap<unknown, RequestRow>,
): Promise<readonly RequestRow[]> {
  const keys = drafts.map((draft) => draft.key).filter((key) => !byKey.has(storable(key)));
  return keys.length === 0 ? [] : trx.selectFrom('requests').selectAll().where('key', 'in', keys).execute();
}

function acceptedLines({ id, place, requester, capability, behind }: Draft, now: number): readonly AuditLine[] {
  const common = { at: now, tenantId: place.tenantId, requestId: id };
  const accepted: AuditLine = { ...common, who: requester.id, what: 'accepted', detail: { capability } };
  return behind ? [accepted, { ...common, ...behind }] : [accepted];
}

export async function get(engine: Engine, id: string): Promise<Request | null> {
  const row = await engine.db.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? toRequest(row) : null;
}

/** The answers of some requests, each in the order of its calls. */
export async function answersOf(
  db: Kysely<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Answer[]>> {
  const found = new Map<string, Answer[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return found;
  const rows = await db.selectFrom('answers').selectAll().where('request_id', 'in', ids).orderBy('n').execute();
  for (const row of rows) found.get(row.request_id)?.push(toAnswer(row));
  return found;
}

/** For each of some requests: how the latest other one about the same subject left it, if any came that far. */
export async function earlierOf(db: Kysely<Tables>, ids: readonly string[]): Promise<ReadonlyMap<string, Earlier>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; outcome: string; at: number }>`
    select requests.id, earlier.outcome, earlier.updated_at as at
    from requests join requests as earlier on earlier.id = (
      select id from requests as other
      where other.tenant_id = requests.tenant_id and other.subject = requests.subject
        and ${unindexed('other.capability')} = requests.capability and other.id <> requests.id and other.outcome is not null and other.is_dry = 0
      order by other.created_at desc limit 1
    )
    where requests.id in (${sql.join(ids)})`.execute(db);
  return new Map(rows.map(({ id, outcome, at }) => [id, { outcome: JSON.parse(outcome), at }]));
}

export async function list(engine: Engine, filter: RequestFilter): Promise<readonly Request[]> {
  const { tenantId, capability, requesterId, subject, subjectEnd, standing, states, limit } = filter;
  if (limit <= 0 || states?.length === 0) return [];
  // What only looked is shown where it was asked, and is no part of any list.
  let query = engine.db.selectFrom('requests').selectAll().where('tenant_id', '=', tenantId).where('is_dry', '=', 0);
  if (capability !== undefined)
    query = query.where(subject === undefined ? 'capability' : unindexed('capability'), '=', capability);
  if (requesterId !== undefined) query = query.where('requester_id', '=', requesterId);
  if (subject !== undefined) query = query.where('subject', '=', subject);
  if (subjectEnd !== undefined)
    query = query.where(sql<boolean>`subject like ${`%${literal(subjectEnd)}`} escape '\\'`);
  if (standing !== undefined) query = query.where('standing', '=', standing);
  if (states !== undefined) query = query.where('state', 'in', states);
  if (filter.outsideLists) query = query.where('key', 'not like', 'row:%');
  // Requests of one batch were born together: they keep the order in which they were written (`…:2` before `…:10`).
  const rows = await query
    .orderBy('created_at', 'desc')
    .orderBy(sql`length(key)`)
    .orderBy('key')
    .limit(limit)
    .execute();
  return rows.map(toRequest);
}

/** Text that LIKE takes letter by letter. */
function literal(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&');
}
