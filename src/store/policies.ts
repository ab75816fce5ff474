/**
 * Policies, version by version: added, never changed. Must not know what a policy says.
 */

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
