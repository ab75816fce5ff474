/**
 * The rows of lists, and the lines in which paced calls take their slots. Never edited once merged.
 */
import { sql } from 'kysely';
import type { EngineName, Migration } from '../engine.ts';

export const batches = (engine: EngineName): Migration => ({
  async up(db) {
    const withoutRowid = sql.raw(engine === 'sqlite' ? 'without rowid' : '');
    await sql`create table rows (
      batch_id text not null references requests (id),
      n bigint not null,
      line bigint not null,
      verdict text not null,
      stage text not null,
      subject text,
      content text not null,
      why text,
      request_id text,
      primary key (batch_id, n)
    ) ${withoutRowid}`.execute(db);
    // Counting and finding the next ones never reads what the rows say.
    await sql`create index rows_by_stage on rows (batch_id, stage, n)`.execute(db);
    await sql`create table paces (line text not null primary key, free_at_us bigint not null)`.execute(db);
  },
});
