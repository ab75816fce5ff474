/**
 * The store as a remote: what a capability needs of it while it may do nothing itself. A closed list of paths, like any
 * remote's; whom a call is about is read from the request it is made for, so that no call holds personal data.
 * Must not know any capability, SQL, or who may ask: that is read before a request is filed.
 */
import type { AnyCapability, Call, Reply } from '../capability.ts';
import { keepPolicy, policyOf } from '../policy/keeping.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock, Sending, Store } from '../ports.ts';
import { problem, type Result } from '../problem.ts';
import type { Request } from '../request.ts';
import type { Ways } from './keeping.ts';
import { verifyAudit } from './verifying.ts';

export interface StoreRemoteParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
  /** The policy of version 0, which is not in the store. */
  readonly seed: Policy;
  /** Entra object ids of colleagues with an address. */
  readonly findColleagues: (
    address: string,
    about: { readonly requestId: string },
  ) => Promise<Result<readonly string[]>>;
  /** Called when cards have something else to show. */
  readonly changed: () => void;
}

type Body = Readonly<Record<string, unknown>>;

/** A request that is about an address, until that is erased. */
const addressOf = ({ input }: Request): string | undefined => (input as { readonly address?: string }).address;

export function openStoreRemote(parts: StoreRemoteParts) {
  const { store, clock, capabilities, seed, changed } = parts;
  const { keeping } = store;

  /** Times of a span, epoch ms, as the query of a call holds them. */
  async function verified({ tenantId }: Request, query: URLSearchParams): Promise<Body> {
    const span = { tenantId, from: Number(query.get('from')), until: Number(query.get('until')) };
    const verdict = await verifyAudit(keeping);
    const { cut } = verdict;
    const lines = await keeping.countEntries(span);
    return verdict.ok
      ? { lines, cutAt: cut.at, links: verdict.links, erased: verdict.erased, head: verdict.head }
      : { lines, cutAt: cut.at, broken: verdict.why };
  }

  const waysOf = ({ id }: Request): Ways => ({
    async colleagues(address) {
      const found = await parts.findColleagues(address, { requestId: id });
      return found.ok ? found.value : null;
    },
    about: (request) =>
      capabilities.get(request.capability)?.about?.(request) ?? { addresses: [request.subject], ids: [] },
    goesOn: ({ capability, input, outcome }, without) =>
      capabilities.get(capability)?.without?.(input, without, outcome),
  });

  async function erased(request: Request, signal: AbortSignal): Promise<Body | null> {
    const erasing = await keeping.erase(request, request.requester, clock.now(), signal, waysOf(request));
    changed();
    if (!erasing) return null;
    const verdict = erasing.isDone ? await verifyAudit(keeping) : null;
    return { ...erasing, head: verdict?.ok ? verdict.head : null };
  }

  /** Every path there is. Null: it was ended early. */
  const paths: Readonly<
    Record<string, (request: Request, query: URLSearchParams, signal: AbortSignal) => Promise<Body | null>>
  > = {
    'GET /audit/verdict': verified,
    'GET /forgetting/kept': async (request) => {
      const address = addressOf(request);
      if (address === undefined) throw new Error('it has been erased whom this is about');
      return { ...(await keeping.kept(request.tenantId, address, request.id, waysOf(request))) };
    },
    // Nothing is done here: the request that asks this tells the guest's own in the very change that ends it.
    'POST /guests/extended': async () => ({}),
    'POST /forgetting/erased': (request, _query, signal) => erased(request, signal),
  };

  const policy = (request: Request, { method, body }: Call, version: number): Promise<Reply> =>
    method === 'PUT' ? keepPolicy(store, request, version, body) : policyOf(store, seed, request, version);

  return async (call: Call, { requestId, signal }: Sending): Promise<Reply> => {
    const { pathname, searchParams } = new URL(call.path, 'store://usher');
    const answer = paths[`${call.method} ${pathname}`];
    if (!answer && pathname !== '/policy') throw new Error(`the store has no ${call.method} ${pathname}`);
    try {
      const request = await store.get(requestId);
      // A policy that is not there, or that somebody else was first with, is an answer too.
      if (request && pathname === '/policy') return await policy(request, call, Number(searchParams.get('version')));
      const body = request && (await answer?.(request, searchParams, signal));
      if (body) return { ok: true, body };
      return { ok: false, problem: problem('down', 'problem.store', { detail: 'ended early' }) };
    } catch (cause) {
      return { ok: false, problem: problem('down', 'problem.store', { detail: String(cause) }) };
    }
  };
}
