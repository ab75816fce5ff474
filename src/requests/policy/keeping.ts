/**
 * Policies as calls to the store: one is read by its version, and kept as the version after the one it was made from. Who
 * keeps it, and for which tenant, is read from the request. Must not know capabilities or SQL.
 */
import type { Reply } from '../capability.ts';
import type { Store } from '../ports.ts';
import { problem } from '../problem.ts';
import type { Request } from '../request.ts';
import { Policy } from './policy.ts';

/** How many versions back can be gone to. */
const MOST_VERSIONS = 1_000;

/** The policy of a version; `seed` is that of version 0, which was never kept. */
export async function policyOf(store: Store, seed: Policy, { tenantId }: Request, version: number): Promise<Reply> {
  if (version === 0) return { ok: true, body: { policy: seed } };
  const found = (await store.policies(tenantId, MOST_VERSIONS)).find((one) => one.version === version);
  if (!found) return { ok: false, problem: problem('gone', 'policy.noSuchVersion') };
  return { ok: true, body: { policy: found.policy } };
}

/** Keeps a policy as this version. The same told again changes nothing; another that was first is a clash. */
export async function keepPolicy(store: Store, request: Request, version: number, policy: unknown): Promise<Reply> {
  const { id: requestId, tenantId, requester, createdAt: at } = request;
  const whole = Policy.parse(policy);
  const line = { at, tenantId, requestId, who: requester.id, what: 'policy changed', detail: { version } };
  if (await store.keepPolicy(tenantId, version - 1, whole, requester.name, line)) return { ok: true, body: {} };
  const held = (await store.policies(tenantId, MOST_VERSIONS)).find((one) => one.version === version);
  const isSame = held?.since === at && JSON.stringify(held.policy) === JSON.stringify(whole);
  return isSame ? { ok: true, body: {} } : { ok: false, problem: problem('clash', 'policy.movedOn') };
}
