/**
 * What Usher keeps, asked and told by calls, so that a capability's step can keep a policy as it would call a service:
 * planned, replayed after a crash, and safe to repeat. A closed list; whoever may call it was decided before.
 * Must not know capabilities or why something is kept.
 */
import type { Call, Reply } from '../requests/capability.ts';
import { Policy } from '../requests/policy/policy.ts';
import type { Store } from '../requests/ports.ts';
import { problem } from '../requests/problem.ts';

/** Answers calls to `store`. A path that is not on the list is a bug, and thrown as one. */
export function openStoreCalls(store: Store): (call: Call) => Promise<Reply> {
  return async ({ method, path, body }) => {
    const [, what, tenantId = '', version = ''] = path.split('/').map(decodeURIComponent);
    if (method === 'GET' && what === 'policy') return policyOf(store, tenantId, Number(version));
    if (method === 'PUT' && what === 'policy') return keep(store, tenantId, Number(version), body as Kept);
    throw new Error(`the store knows no ${method} ${path}`);
  };
}

interface Kept {
  readonly policy: Policy;
  readonly by: string;
  readonly byId: string;
  readonly requestId: string;
  readonly at: number;
}

/** How many versions back can be gone to. */
const MOST_VERSIONS = 1_000;

async function policyOf(store: Store, tenantId: string, version: number): Promise<Reply> {
  const found = (await store.policies(tenantId, MOST_VERSIONS)).find((one) => one.version === version);
  if (!found) return { ok: false, problem: problem('gone', 'policy.noSuchVersion', { reason: 'noSuchVersion' }) };
  return { ok: true, body: { policy: found.policy, version } };
}

/** Keeps a policy as this version. The same told again changes nothing; another that was first is a clash. */
async function keep(
  store: Store,
  tenantId: string,
  version: number,
  { policy, by, byId, requestId, at }: Kept,
): Promise<Reply> {
  const whole = Policy.parse(policy);
  const line = { at, tenantId, requestId, who: byId, what: 'policy changed', detail: { version } };
  if (await store.keepPolicy(tenantId, version - 1, whole, by, line)) return { ok: true, body: {} };
  const [held] = (await store.policies(tenantId, MOST_VERSIONS)).filter((one) => one.version === version);
  const isSame = held?.by === by && JSON.stringify(held.policy) === JSON.stringify(whole);
  return isSame
    ? { ok: true, body: {} }
    : { ok: false, problem: problem('clash', 'policy.movedOn', { reason: 'movedOn' }) };
}
