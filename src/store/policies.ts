/**
 * Policies, version by version: added, never changed; and what those who approve want to know of guests so far. Must not
 * know what a policy says.
 */
import { domainToUnicode } from 'node:url';
import { sql } from 'kysely';

import type { Policy, PolicyInForce } from '../requests/policy/policy.ts';
import type { AuditLine } from '../requests/ports.ts';
import { addLines } from './audit.ts';
import type { Engine } from './engine.ts';

export async function policies(engine: Engine, tenantId: string, limit: number): Promise<readonly PolicyInForce[]> {
  const rows = await engine.db
    .selectFrom('policies')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ policy, version, made_at, made_by }) => ({
    policy: JSON.parse(policy),
    version,
    since: made_at,
    by: made_by,
  }));
}

export async function policy(engine: Engine, tenantId: string): Promise<PolicyInForce | null> {
  return (await policies(engine, tenantId, 1))[0] ?? null;
}

/** The next version, if nobody else made it first. */
export function keepPolicy(
  engine: Engine,
  tenantId: string,
  follows: number,
  kept: Policy,
  by: string,
  line: AuditLine,
): Promise<boolean> {
  return engine.write(async (trx) => {
    const added = await trx
      .insertInto('policies')
      .values({
        tenant_id: tenantId,
        version: follows + 1,
        policy: JSON.stringify(kept),
        made_by: by,
        made_at: line.at,
      })
      .onConflict((clash) => clash.columns(['tenant_id', 'version']).doNothing())
      .executeTakeFirst();
    if (!added.numInsertedOrUpdatedRows) return false;
    await addLines(trx, [line]);
    return true;
  });
}

/** Counted in the requests themselves, by the end of their subject. */
export async function guestsFrom(engine: Engine, tenantId: string, domain: string) {
  // People may have typed an international name as it is written, or as machines have it.
  const like = (one: string): string => `%@${one.replaceAll(/[\\%_]/g, '\\$&')}`;
  const { rows } = await sql<{ known: number; accepted: number; refused_at: number | null }>`
    select count(distinct case when standing is not null then subject end) as known,
      count(distinct case when standing = 'accepted' then subject end) as accepted,
      max(case when state = 'declined' and approval like '%"kind":"refused"%' then updated_at end) as refused_at
    from requests
    where tenant_id = ${tenantId} and capability = 'guest' and is_dry = 0
      and (subject like ${like(domain)} escape '\\' or subject like ${like(domainToUnicode(domain))} escape '\\')`.execute(
    engine.db,
  );
  const { known = 0, accepted = 0, refused_at = null } = rows[0] ?? {};
  return { known: Number(known), accepted: Number(accepted), refusedAt: refused_at };
}
