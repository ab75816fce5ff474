/**
 * Puts together what the store offers to prove and to forget. Must not know SQL.
 */
import type { Keeping } from '../requests/proof/keeping.ts';
import { countEntries, entries } from './audit.ts';
import { chain, links, Sealer, unsealed } from './chain.ts';
import type { Engine } from './engine.ts';
import { erase, kept } from './forgetting.ts';
import { retain, takeTurn, tenants } from './retention.ts';

export function openKeeping(engine: Engine): Keeping {
  const sealer = new Sealer(engine);
  return {
    seal: (limit, all = false) => sealer.seal(limit, all),
    chain: () => chain(engine),
    links: (after, limit) => links(engine, after, limit),
    unsealed: (after, limit) => unsealed(engine, after, limit),
    entries: (span, after, limit) => entries(engine, span, after, limit),
    countEntries: (span) => countEntries(engine, span),
    kept: (tenantId, address, except, ways) => kept(engine, tenantId, address, except, ways),
    erase: (request, by, now, signal, ways) => erase(engine, request, by, now, signal, ways),
    tenants: () => tenants(engine),
    takeTurn: (tenantId, now, leaseUntil) => takeTurn(engine, tenantId, now, leaseUntil),
    retain: (retention, now, turn) => retain(engine, retention, now, turn),
  };
}
