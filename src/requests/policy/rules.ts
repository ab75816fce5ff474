/**
 * The policy in force, tenant by tenant: the one kept in the store, or the one Usher was started with.
 * Must not know what a policy says or who may change it.
 */
import type { Store } from '../ports.ts';
import { OPEN_POLICY, Policy, type PolicyInForce } from './policy.ts';

/** Reads the policy that holds now. */
export type PolicyNow = (tenantId: string) => Promise<PolicyInForce>;

export function openRules(store: Pick<Store, 'policy'>, seed: Policy = OPEN_POLICY): PolicyNow {
  const atFirst: PolicyInForce = { policy: seed, version: 0, since: 0, by: null };
  // Asked before each step of each request, so each version is read into its shape once.
  const read = new Map<string, PolicyInForce>();
  return async (tenantId) => {
    const kept = await store.policy(tenantId);
    if (!kept) return atFirst;
    const before = read.get(tenantId);
    if (before?.version === kept.version) return before;
    // One that an older Usher wrote gets what has been added since.
    const inForce = { ...kept, policy: Policy.parse(kept.policy) };
    read.set(tenantId, inForce);
    return inForce;
  };
}
