/**
 * The rows of lists: kept with their batch, filed as requests bit by bit, counted by stage. Must not know what a row says
 * or what its stages mean.
 */
import { sql, type Transaction } from 'kysely';
import type { Followed, Follows, KeptRow, RowFiling, RowStore, Stage, Stages } from '../requests/many/rows.ts';
import type { Draft } from '../requests/ports.ts';
import { LIVE, type Request } from '../requests/request.ts';
import { addLines } from './audit.ts';
import type { Engine } from './engine.ts';
import { wantVersion } from './messages.ts';
import { unindexed } from './planner.ts';
import { acceptIn } from './requests.ts';
import { json, toRequest } from './rows.ts';
import type { BatchRow, RequestRow, Tables } from './schema.ts';

/** A request that waits for somebody: to be approved, or for an answer or a sign-in. */
const HELD = sql`(requests.state = 'awaiting approval'
  or (requests.state = 'waiting' and (requests.question is not null or requests.problem is not null)))`;

/** Nobody has a card of it who would be told by it. */
const IS_SILENT = sql`not exists (
  select 1 from messages where messages.request_id = requests.id and messages.audience = 'asker')`;

/** Rows per statement: eight values each, and an engine takes at most 32,766 (SQLite) or 65,535 (PostgreSQL). */
const AT_ONCE = 1_000;

/** The rows of new batches, in the transaction that accepts them. */
export async function addRows(trx: Transaction<Tables>, drafts: readonly Draft[]): Promise<void> {
  for (const { id, rows = [] } of drafts) {
    for (let from = 0; from < rows.length; from += AT_ONCE) {
      const values = rows.slice(from, from + AT_ONCE).map(({ n, line, verdict, subject, content, why }) => ({
        batch_id: id,
        n,
        line,
        verdict,
        stage: verdict === 'ready' ? 'waits' : 'kept',
        subject,
        content: JSON.stringify(content),
        why: json(why),
      }));
      await trx.insertInto('rows').values(values).execute();
    }
  }
}

function toRow(row: BatchRow): KeptRow {
  return {
    n: row.n,
    line: row.line,
    verdict: row.verdict as KeptRow['verdict'],
    stage: row.stage as Stage,
    subject: row.subject,
    content: JSON.parse(row.content),
    why: row.why === null ? null : JSON.parse(row.why),
    requestId: row.request_id,
  };
}

export function rowStore(engine: Engine): RowStore {
  return {
    stages: (batchId) => stages(engine, batchId),
    async waiting(batchId, limit) {
      const rows = await engine.db
        .selectFrom('rows')
        .selectAll()
        .where('batch_id', '=', batchId)
        .where('stage', '=', 'waits')
        .orderBy('n')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
    file: (batchId, filings, now) => file(engine, batchId, filings, now),
    async held(batchId) {
      const { rows } = await sql<{ in_all: number; to_approve: number }>`
        select count(*) as in_all, count(case when requests.state = 'awaiting approval' then 1 end) as to_approve
        from rows join requests on requests.id = rows.request_id
        where rows.batch_id = ${batchId} and rows.stage = 'filed' and ${HELD}`.execute(engine.db);
      return { inAll: Number(rows[0]?.in_all ?? 0), toApprove: Number(rows[0]?.to_approve ?? 0) };
    },
    async heldAfter(batchId, after, limit) {
      const { rows } = await sql<RequestRow & { n: number }>`
        select rows.n, requests.* from rows join requests on requests.id = rows.request_id
        where rows.batch_id = ${batchId} and rows.stage = 'filed' and rows.n > ${after} and ${HELD}
        order by rows.n limit ${limit}`.execute(engine.db);
      return rows.map((row) => ({ n: row.n, request: toRequest(row) }));
    },
    async resting(batchId, limit) {
      const { rows } = await sql<RequestRow & { n: number }>`
        select rows.n, requests.* from rows join requests on requests.id = rows.request_id
        where rows.batch_id = ${batchId} and rows.stage = 'filed' and requests.state not in ('queued', 'sending')
          and not ${HELD}
        order by rows.n limit ${limit}`.execute(engine.db);
      return rows.map((row) => ({ n: row.n, request: toRequest(row) }));
    },
    async movedOn(batchId, limit) {
      const { rows } = await sql<RequestRow & { n: number }>`
        select rows.n, requests.* from rows join requests on requests.id = rows.request_id
        where rows.batch_id = ${batchId} and rows.stage in ('failed', 'unsure')
          and requests.state in ('done', 'waiting') and not ${HELD}
        order by rows.n limit ${limit}`.execute(engine.db);
      return rows.map((row) => ({ n: row.n, request: toRequest(row) }));
    },
    followed: (batchId, follows) => followed(engine, batchId, follows),
    async awaited(batchId, follows, after, limit) {
      const { rows } = await sql<{ n: number; line: number; subject: string }>`
        select rows.n, rows.line, requests.subject from rows join requests on requests.id = rows.request_id
        where rows.batch_id = ${batchId} and rows.stage in ('sent', 'found') and rows.n > ${after}
          and ${awaitedBy(follows)}
        order by rows.n limit ${limit}`.execute(engine.db);
      return rows;
    },
    async silent(batchId, words, after, limit) {
      // Of 10,000 with a last day, all pages in 0.1 s on SQLite and 0.5 on PostgreSQL; without, a tenth of that.
      // Their outcomes are text: what would be a path into them for each engine is a word for both.
      const holds = words.map((word) => sql`requests.outcome like ${`%${word}%`}`);
      const { rows } = await sql<RequestRow & { n: number; line: number }>`
        select rows.n, rows.line, requests.* from rows join requests on requests.id = rows.request_id
        where rows.batch_id = ${batchId} and rows.stage in ('sent', 'found', 'here') and rows.n > ${after}
          and (${sql.join(holds, sql` or `)}) and ${IS_SILENT}
        order by rows.n limit ${limit}`.execute(engine.db);
      return rows.map((row) => ({ n: row.n, line: row.line, request: toRequest(row) }));
    },
    async stage(batchId, ns, stage) {
      if (ns.length === 0) return;
      await engine.writeOne((db) =>
        db.updateTable('rows').set({ stage }).where('batch_id', '=', batchId).where('n', 'in', ns).execute(),
      );
    },
    async restage(batchId, from, to) {
      await engine.writeOne((db) =>
        db.updateTable('rows').set({ stage: to }).where('batch_id', '=', batchId).where('stage', '=', from).execute(),
      );
    },
    async trouble(batchId, limit) {
      const { rows } = await sql<RequestRow & { line: number }>`
        select rows.line, requests.* from rows join requests on requests.id = rows.request_id
        where rows.batch_id = ${batchId} and rows.stage in ('failed', 'refused', 'unsure', 'filed')
          and requests.state in ('failed', 'declined', 'unsure', 'waiting', 'awaiting approval')
        order by rows.n limit ${limit}`.execute(engine.db);
      return rows.map((row) => ({ line: row.line, request: toRequest(row) }));
    },
    page: (batchId, after, limit) => page(engine, batchId, after, limit),
    standings: (tenantId, capability, subjects) => standings(engine, tenantId, capability, subjects),
    async about(tenantId, capabilities, subjects) {
      if (capabilities.length === 0 || subjects.length === 0) return [];
      const rows = await engine.db
        .selectFrom('requests')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('subject', 'in', subjects)
        .where(unindexed('capability'), 'in', capabilities)
        .where('is_dry', '=', 0)
        .execute();
      return rows.map(toRequest);
    },
  };
}

async function stages(engine: Engine, batchId: string): Promise<Stages> {
  const { rows } = await sql<{ stage: Stage; count: number }>`
    select stage, count(*) as count from rows where batch_id = ${batchId} group by stage`.execute(engine.db);
  return Object.fromEntries(rows.map(({ stage, count }) => [stage, Number(count)]));
}

const awaitedBy = ({ awaited }: Follows) =>
  sql`requests.standing = ${awaited} and requests.state in (${sql.join(LIVE)})`;

/** 14 ms of 10,000 rows on SQLite, 40 to 90 on PostgreSQL; a list looks every 15 minutes at most. */
async function followed(engine: Engine, batchId: string, follows: Follows): Promise<Followed> {
  const { accepted } = follows;
  const isAwaited = awaitedBy(follows);
  const hasCome = sql`requests.standing = ${accepted}`;
  const { rows } = await sql<Followed>`
    select count(case when ${hasCome} then 1 end) as accepted,
      count(case when ${isAwaited} then 1 end) as awaited,
      count(case when ${isAwaited} and ${IS_SILENT} then 1 end) as silent,
      count(case when rows.stage = 'sent' and not (${isAwaited}) and not (${hasCome}) then 1 end) as gone
    from rows join requests on requests.id = rows.request_id
    where rows.batch_id = ${batchId} and rows.stage in ('sent', 'found') and requests.standing is not null`.execute(
    engine.db,
  );
  const [counts] = rows;
  return {
    accepted: Number(counts?.accepted ?? 0),
    awaited: Number(counts?.awaited ?? 0),
    silent: Number(counts?.silent ?? 0),
    gone: Number(counts?.gone ?? 0),
  };
}

/** Requests that are new are accepted; those that failed before are taken up again. One transaction, however many. */
function file(engine: Engine, batchId: string, filings: readonly RowFiling[], now: number): Promise<void> {
  if (filings.length === 0) return Promise.resolve();
  return engine.write(async (trx) => {
    const accepted = await acceptIn(
      engine,
      trx,
      filings.map(({ draft }) => draft),
      now,
    );
    const again: { id: string; dueAt: number }[] = [];
    const filed = accepted.map(({ request, isNew }, at) => {
      const { n, dueAt } = filings[at]!;
      if (!isNew) again.push({ id: request.id, dueAt });
      return sql`(cast(${n} as bigint), ${request.id})`;
    });
    await sql`with filed (n, id) as (values ${sql.join(filed)})
      update rows set stage = 'filed', request_id = filed.id from filed
      where rows.batch_id = ${batchId} and rows.n = filed.n`.execute(trx);
    await takeUp(trx, again, now);
  });
}

/** As somebody does who presses Try again on each: what failed is forgotten, what is known stays. */
async function takeUp(
  trx: Transaction<Tables>,
  again: readonly { readonly id: string; readonly dueAt: number }[],
  now: number,
): Promise<void> {
  if (again.length === 0) return;
  const due = sql.join(again.map(({ id, dueAt }) => sql`(${id}, cast(${dueAt} as bigint))`));
  const { rows } = await sql<
    Pick<RequestRow, 'id' | 'version' | 'tenant_id' | 'requester_id'>
  >`with again (failed_id, due_at) as (values ${due})
    update requests set state = 'queued', next_at = again.due_at, attempts = 0, note = null, problem = null,
      version = version + 1, updated_at = ${now}, lease_until = 0
    from again where id = failed_id and state = 'failed' and erased_at is null
    returning id, version, tenant_id, requester_id`.execute(trx);
  if (rows.length === 0) return;
  const ids = rows.map(({ id }) => id);
  await trx.deleteFrom('answers').where('request_id', 'in', ids).where('ok', '=', 0).execute();
  for (const { id, version } of rows) await wantVersion(trx, id, version);
  await addLines(
    trx,
    rows.map(({ id, tenant_id, requester_id }) => ({
      at: now,
      tenantId: tenant_id,
      requestId: id,
      who: requester_id,
      what: 'retried',
    })),
  );
}

async function page(
  engine: Engine,
  batchId: string,
  after: number,
  limit: number,
): Promise<readonly { readonly row: KeptRow; readonly request: Request | null }[]> {
  const rows = await engine.db
    .selectFrom('rows')
    .selectAll()
    .where('batch_id', '=', batchId)
    .where('n', '>', after)
    .orderBy('n')
    .limit(limit)
    .execute();
  const ids = rows.flatMap(({ request_id }) => (request_id === null ? [] : [request_id]));
  const found =
    ids.length === 0 ? [] : await engine.db.selectFrom('requests').selectAll().where('id', 'in', ids).execute();
  const requests = new Map(found.map((one) => [one.id, toRequest(one)]));
  return rows.map((row) => ({ row: toRow(row), request: requests.get(row.request_id ?? '') ?? null }));
}

async function standings(
  engine: Engine,
  tenantId: string,
  capability: string,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let from = 0; from < subjects.length; from += AT_ONCE) {
    const rows = await engine.db
      .selectFrom('requests')
      .select(['subject', 'standing'])
      .where('tenant_id', '=', tenantId)
      .where('capability', '=', capability)
      .where('subject', 'in', subjects.slice(from, from + AT_ONCE))
      .where('standing', 'is not', null)
      .orderBy('created_at')
      .execute();
    // The newest comes last.
    for (const { subject, standing } of rows) if (standing !== null) found.set(subject, standing);
  }
  return found;
}
