/**
 * Of the requests about one subject only one is being sent at a time, and the database itself sees to it.
 * Never edited once merged.
 */
import { sql } from 'kysely';
import type { Migration } from '../engine.ts';

export const onePerSubject: Migration = {
  async up(db) {
    // Two that are being sent while the schema changes: the later one goes back and waits for its turn.
    await sql`update requests set state = 'queued', lease_until = 0 where state = 'sending' and exists (
      select 1 from requests as rival where rival.state = 'sending' and rival.id < requests.id
        and rival.tenant_id = requests.tenant_id and rival.capability = requests.capability
        and rival.subject = requests.subject)`.execute(db);
    await sql`create unique index requests_one_per_subject on requests (tenant_id, capability, subject)
      where state = 'sending'`.execute(db);
  },
};
