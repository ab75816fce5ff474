/**
 * Brings a database to the present schema, whoever else is doing the same at this moment: one transaction that takes the
 * lock, looks what is missing, and makes it. Must not know what the migrations do.
 *
 * Not Kysely's Migrator: on SQLite it locks nothing, and on PostgreSQL it first reads the catalogue of the whole
 * database, which fails while somebody drops a table anywhere in it (seen) and takes 200 ms.
 */
import { type Kysely, sql } from 'kysely';
import type { Engine } from './engine.ts';
import { migrations } from './migrations/index.ts';
import type { Tables } from './schema.ts';

/** Any number nobody else uses: processes that migrate wait for each other at it. */
const LOCK = 7_304_911_662;

export async function migrate(engine: Engine): Promise<void> {
  // A starting process usually finds everything done.
  if ((await missing(engine)).length === 0) return;
  await engine.write(async (trx) => {
    // On SQLite a transaction that writes is alone anyway.
    if (engine.name === 'postgres') await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(trx);
    await sql`create table if not exists usher_migration (name text not null primary key, done_at bigint not null)`.execute(
      trx,
    );
    const all = migrations(engine.name);
    for (const name of await missingIn(trx, Object.keys(all))) {
      await all[name]!.up(trx);
      await trx.insertInto('usher_migration').values({ name, done_at: Date.now() }).execute();
    }
  });
}

/** Names of our migrations that the database has not had. Those of a newer Usher do no harm. */
export async function missing(engine: Engine): Promise<readonly string[]> {
  const all = Object.keys(migrations(engine.name));
  try {
    return await missingIn(engine.db, all);
  } catch (cause) {
    if (isNoSuchTable(cause)) return all;
    throw cause;
  }
}

async function missingIn(db: Kysely<Tables>, all: readonly string[]): Promise<readonly string[]> {
  const done = await db.selectFrom('usher_migration').select('name').execute();
  return all.filter((name) => !done.some((row) => row.name === name));
}

function isNoSuchTable(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  return ('code' in cause && cause.code === '42P01') || cause.message.includes('no such table');
}
