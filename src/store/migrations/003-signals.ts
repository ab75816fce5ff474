/**
 * What is heard from outside about a request (callbacks, presses) is kept with it, and counted, so that nobody rests
 * who has not heard it all. Never edited once merged.
 */
import { sql } from 'kysely';
import type { EngineName, Migration } from '../engine.ts';

export const signals = (engine: EngineName): Migration => ({
  async up(db) {
    await sql`alter table requests add column signals bigint not null default 0`.execute(db);
    await sql`create table signals (
      request_id text not null references requests (id),
      key text not null,
      body text not null,
      at bigint not null,
      primary key (request_id, key)
    ) ${sql.raw(engine === 'sqlite' ? 'without rowid' : '')}`.execute(db);
  },
});
