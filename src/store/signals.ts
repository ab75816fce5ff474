/**
 * What was heard from outside about a request: kept once per key, and a reason for the request to go on at once.
 * Must not know what a signal means.
 */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Signal } from '../requests/capability.ts';
import type { Engine } from './engine.ts';
import type { Tables } from './schema.ts';

export function signal(
  engine: Engine,
  id: string,
  signals: readonly Omit<Signal, 'at'>[],
  now: number,
): Promise<boolean> {
  if (signals.length === 0) return Promise.resolve(false);
  return engine.write(async (trx) => {
    // The request first: its row is the lock at which whoever moves it on and whoever speaks to it wait for each other.
    const locked = await trx
      .updateTable('requests')
      .set((row) => ({ signals: sql<number>`${row.ref('signals')}` }))
      .where('id', '=', id)
      .executeTakeFirst();
    if (locked.numUpdatedRows === 0n) return false;
    if (!(await keep(trx, [id], signals, now))) return false;
    await trx
      .updateTable('requests')
      .set({
        signals: sql<number>`signals + 1`,
        next_at: sql<number>`case when state in ('queued', 'waiting') and next_at > ${now} then ${now} else next_at end`,
      })
      .where('id', '=', id)
      .returning('id')
      .$if(engine.tellQueued !== null, (query) => query.returning(engine.tellQueued!.as('told')))
      .execute();
    return true;
  });
}

/** Writes signals down with each of these requests, whose rows the caller holds. False: nothing of it is new. */
export async function keep(
  trx: Transaction<Tables>,
  ids: readonly string[],
  signals: readonly Omit<Signal, 'at'>[],
  now: number,
): Promise<boolean> {
  if (ids.length === 0) return false;
  const values = ids.flatMap((id) =>
    signals.map(({ key, body }) => sql`(${id}, ${key}, ${JSON.stringify(body)}, cast(${now} as bigint))`),
  );
  const { rows } = await sql<{ key: string }>`
    insert into signals (request_id, key, body, at) values ${sql.join(values)}
    on conflict (request_id, key) do update set body = excluded.body, at = excluded.at
      where signals.body <> excluded.body
    returning key`.execute(trx);
  return rows.length > 0;
}

/** The signals of some requests, each in the order in which they were heard. */
export async function signalsOf(
  db: Kysely<Tables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Signal[]>> {
  const found = new Map<string, Signal[]>();
  if (ids.length === 0) return found;
  const rows = await db
    .selectFrom('signals')
    .selectAll()
    .where('request_id', 'in', ids)
    .orderBy('at')
    .orderBy('key')
    .execute();
  for (const { request_id, key, body, at } of rows) {
    const list = found.get(request_id) ?? [];
    list.push({ key, body: JSON.parse(body), at });
    found.set(request_id, list);
  }
  return found;
}
