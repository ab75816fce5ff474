/**
 * Removes what is over its time: requests that ended long ago with all that hangs on them, what the audit says of them,
 * and the chain's beginning as far as nothing is left to say there. One process at a time, in chunks that are counted in
 * the transaction that removes them, so that a crash neither loses nor doubles anything.
 * Must not know the policy, or which requests are records.
 */
import { sql, type Transaction } from 'kysely';
import { ERASING } from '../requests/proof/erasures.ts';
import type { Retention, Turn } from '../requests/proof/keeping.ts';
import { ENDED } from '../requests/request.ts';
import { addLines, eraseParts } from './audit.ts';
import type { Engine } from './engine.ts';
import type { Tables } from './schema.ts';

/** Per transaction; a chunk takes about 20 ms. */
const REQUESTS = 100;
const LINES = 500;

/** What hangs on a request and goes with it. */
const BELONGS = ['answers', 'signals', 'messages'] as const;

type Counts = Readonly<Partial<Record<'requests' | (typeof BELONGS)[number] | 'rows' | 'lines' | 'cut', number>>>;

const choreOf = (tenantId: string): string => `retention:${tenantId}`;

export async function tenants(engine: Engine): Promise<readonly string[]> {
  const { rows } = await sql<{ tenant_id: string }>`select distinct tenant_id from requests`.execute(engine.db);
  return rows.map((row) => row.tenant_id);
}

export function takeTurn(engine: Engine, tenantId: string, now: number, leaseUntil: number): Promise<boolean> {
  const name = choreOf(tenantId);
  return engine.write(async (trx) => {
    await trx
      .insertInto('chores')
      .values({ name })
      .onConflict((clash) => clash.column('name').doNothing())
      .execute();
    const taken = await trx
      .updateTable('chores')
      .set({ lease_until: leaseUntil })
      .where('name', '=', name)
      .where('due_at', '<=', now)
      .where('lease_until', '<=', now)
      .executeTakeFirst();
    return taken.numUpdatedRows > 0n;
  });
}

/** Removes one chunk; false: nothing is left and it is told. Whoever holds the turn calls it until then. */
export function retain(
  engine: Engine,
  retention: Retention,
  now: number,
  { leaseUntil, nextAt }: Turn,
): Promise<boolean> {
  const name = choreOf(retention.tenantId);
  return engine.write(async (trx) => {
    const chore = await trx
      .selectFrom('chores')
      .selectAll()
      .where('name', '=', name)
      .$if(engine.name === 'postgres', (query) => query.forUpdate())
      .executeTakeFirstOrThrow();
    const counts: Counts = JSON.parse(chore.counts);
    const keep = async (more: Counts, known: string | null): Promise<true> => {
      await trx
        .updateTable('chores')
        .set({ counts: JSON.stringify(plus(counts, more)), known, lease_until: leaseUntil })
        .where('name', '=', name)
        .execute();
      return true;
    };

    // Where the walk along the requests has come to; `all`: to its end.
    if (chore.known !== ALL) {
      const ids = await overdue(trx, engine, retention, chore.known ?? '');
      return keep(await remove(trx, ids, retention, now), ids.length < REQUESTS ? ALL : (ids.at(-1) ?? ALL));
    }
    const erased = await eraseLines(trx, retention, now);
    if (erased > 0) return keep({ lines: erased }, ALL);
    const cut = await cutOff(trx, engine, now);
    if (cut > 0) return keep({ cut }, ALL);

    const { tenantId, before } = retention;
    const detail = { ...counts, before: new Date(before).toISOString() };
    if (Object.values(counts).some((one) => one > 0))
      await addLines(trx, [{ at: now, tenantId, requestId: null, who: 'usher', what: 'retention', detail }]);
    await trx
      .updateTable('chores')
      .set({ counts: '{}', known: null, due_at: nextAt, lease_until: 0, done_at: now })
      .where('name', '=', name)
      .execute();
    return false;
  });
}

/** No id is `~`. */
const ALL = '~';

/** Requests that ended before the moment, but for records of how their subject stands. */
async function overdue(
  trx: Transaction<Tables>,
  engine: Engine,
  { tenantId, before, records }: Retention,
  after: string,
): Promise<readonly string[]> {
  const isRecord = sql<boolean>`requests.capability = ${records.capability}
    and requests.standing in (${sql.join(records.standings)})
    and not exists (select 1 from requests as later
      where later.tenant_id = requests.tenant_id and later.capability = requests.capability
        and later.subject = requests.subject and later.id <> requests.id and later.standing is not null
        and (later.created_at > requests.created_at
          or (later.created_at = requests.created_at and later.id > requests.id)))`;
  const rows = await trx
    .selectFrom('requests')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('id', '>', after)
    .where('state', 'in', [...ENDED])
    .where('updated_at', '<', before)
    .where(sql<boolean>`not (requests.standing is not null and ${isRecord})`)
    .orderBy('id')
    .limit(REQUESTS)
    .$if(engine.name === 'postgres', (query) => query.forUpdate())
    .execute();
  return rows.map(({ id }) => id);
}

async function remove(
  trx: Transaction<Tables>,
  ids: readonly string[],
  { tenantId }: Retention,
  now: number,
): Promise<Counts> {
  if (ids.length === 0) return {};
  const theirs = sql<boolean>`request_id in (${sql.join(ids)})`;
  const lines = await eraseParts(trx, { who: theirs, detail: theirs }, { at: now, tenantId, requestId: null });
  const gone: Record<string, number> = {};
  for (const table of BELONGS) {
    const { numDeletedRows } = await trx.deleteFrom(table).where('request_id', 'in', ids).executeTakeFirst();
    gone[table] = Number(numDeletedRows);
  }
  const listed = await trx.deleteFrom('rows').where('batch_id', 'in', ids).executeTakeFirst();
  gone['rows'] = Number(listed.numDeletedRows);
  await trx
    .deleteFrom('chores')
    .where(
      'name',
      'in',
      ids.map((id) => `forget:${id}`),
    )
    .execute();
  const { numDeletedRows } = await trx.deleteFrom('requests').where('id', 'in', ids).executeTakeFirst();
  return { requests: Number(numDeletedRows), ...gone, lines };
}

/** What the audit says besides requests is erased when it is as old. */
async function eraseLines(trx: Transaction<Tables>, { tenantId, before }: Retention, now: number): Promise<number> {
  const rows = await trx
    .selectFrom('audit')
    .select('seq')
    .where('request_id', 'is', null)
    .where('tenant_id', '=', tenantId)
    .where('at', '<', before)
    .where(sql<boolean>`(who_salt is not null or detail_salt is not null)`)
    .where('what', '<>', ERASING)
    .orderBy('seq')
    .limit(LINES)
    .execute();
  if (rows.length === 0) return 0;
  const old = sql<boolean>`seq in (${sql.join(rows.map(({ seq }) => seq))})`;
  return eraseParts(trx, { who: old, detail: old }, { at: now, tenantId, requestId: null });
}

/**
 * Cuts the chain's beginning off, as far as every line there says nothing any more and its request is gone. A line that
 * tells of erasing goes with those before it, which are what it is about. The newest link always stays: the next one is
 * made from it.
 */
async function cutOff(trx: Transaction<Tables>, engine: Engine, now: number): Promise<number> {
  const cut = await trx
    .selectFrom('audit_cut')
    .selectAll()
    // Nobody seals meanwhile.
    .$if(engine.name === 'postgres', (query) => query.forUpdate())
    .executeTakeFirstOrThrow();
  const { rows } = await sql<{ n: number; seq: number; hash: string; is_over: number }>`
    select link.n, link.seq, link.hash,
      case when audit.what is not null
        and (audit.what = ${ERASING} or (audit.who_salt is null and audit.detail_salt is null))
        and (audit.request_id is null or not exists (select 1 from requests where requests.id = audit.request_id))
        then 1 else 0 end as is_over
    from audit_chain as link left join audit on audit.seq = link.seq
    where link.n > ${cut.n} and link.n < (select max(n) from audit_chain)
    order by link.n limit ${LINES}`.execute(trx);
  const stays = rows.findIndex(({ is_over }) => is_over !== 1);
  const over = stays < 0 ? rows : rows.slice(0, stays);
  const last = over.at(-1);
  if (!last) return 0;
  await trx
    .updateTable('audit_cut')
    .set({ n: last.n, seq: last.seq, hash: last.hash, at: now })
    .where('name', '=', 'cut')
    .execute();
  const seqs = over.map(({ seq }) => seq);
  await trx.deleteFrom('audit').where('seq', 'in', seqs).execute();
  await trx.deleteFrom('audit_chain').where('n', '<=', last.n).execute();
  return over.length;
}

function plus(a: Counts, b: Counts): Counts {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}
