/**
 * Policies, version by version; what a policy said of a request; and whom a message is for. A request that waits for its
 * approval falls due when that runs out, so the queue's index holds it too. Never edited once merged.
 */
import { sql } from 'kysely';
import type { Migration } from '../engine.ts';

export const policy: Migration = {
  async up(db) {
    await sql`create table policies (
      tenant_id text not null,
      version bigint not null,
      policy text not null,
      made_by text not null,
      made_at bigint not null,
      primary key (tenant_id, version)
    )`.execute(db);
    await sql`alter table requests add column approval text`.execute(db);
    await sql`alter table requests add column is_dry bigint not null default 0`.execute(db);
    await sql`alter table messages add column audience text not null default 'asker'`.execute(db);
    await sql`drop index requests_due`.execute(db);
    await sql`create index requests_due on requests ((case state when 'sending' then lease_until else next_at end), remote)
      where state in ('queued', 'waiting', 'sending', 'awaiting approval')`.execute(db);
  },
};
