/**
 * What every law of the store starts from: an empty database, a store on it, and things to put in. Times are plain
 * numbers from `NOW` on: the store is told the time.
 * Must not know any law.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Call } from '../../../src/requests/capability.ts';
import type { AuditLine, Change, Claim, Draft, Store } from '../../../src/requests/ports.ts';
import type { Ways } from '../../../src/requests/proof/keeping.ts';
import type { Place, Request } from '../../../src/requests/request.ts';
import { openStore } from '../../../src/store/db.ts';
import type { TestDatabase, TestEngine } from '../../support/db.ts';
import { skip } from '../../support/skip.ts';

export const NOW = 1_800_000_000_000;
export const MINUTE = 60_000;

export const PLACE: Place = {
  kind: 'personal',
  conversationId: 'a:conversation',
  serviceUrl: 'https://teams.example/',
  tenantId: 'tenant-1',
  botId: '28:bot',
  userId: '29:ana',
};

export interface Bench {
  readonly engine: TestEngine['name'];
  readonly database: TestDatabase;
  readonly store: Store;
  /** Another store on the same database, as another process would have it. */
  another(): Promise<Store>;
}

/** Lays an empty bench before each law of the surrounding `describe`, and clears it away. */
export function freshBench(engine: TestEngine): () => Bench {
  let bench: Bench;
  let opened: Store[] = [];
  before(function () {
    if (engine.absent) skip(this, engine.absent);
  });
  beforeEach(async () => {
    const database = await engine.open();
    const another = async () => {
      const store = await openStore(database.url);
      opened.push(store);
      return store;
    };
    bench = { engine: engine.name, database, store: await another(), another };
  });
  afterEach(async () => {
    await Promise.all(opened.map((store) => store.close()));
    opened = [];
    await bench.database.drop();
  });
  return () => bench;
}

export function draft(more: Partial<Draft> = {}): Draft {
  const id = more.id ?? randomBytes(6).toString('hex');
  return {
    id,
    key: `chat:a:${id}:0`,
    capability: 'guest',
    subject: `${id}@partner.example`,
    requester: { id: 'user-1', name: 'Ümit Ößler', locale: 'de-DE' },
    place: PLACE,
    input: { address: 'ana@partner.example' },
    activityId: null,
    ...more,
  };
}

export function drafts(count: number, more: Partial<Draft> = {}): Draft[] {
  return Array.from({ length: count }, () => draft(more));
}

export async function acceptOne(store: Store, more: Partial<Draft> = {}): Promise<Request> {
  const [accepted] = await store.accept([draft(more)], NOW, NOW + MINUTE);
  return accepted!.request;
}

/** Claims the only due request. */
export async function claimOne(store: Store, now = NOW): Promise<Claim> {
  const [claim] = await store.claim(1, now, now + MINUTE);
  if (!claim) throw new Error('nothing was due');
  return claim;
}

/** A request that has been accepted and claimed. */
export async function inHand(store: Store, more: Partial<Draft> = {}): Promise<Request> {
  await acceptOne(store, more);
  return (await claimOne(store)).request;
}

export function change(state: Change['state'], more: Partial<Change> = {}): Change {
  return { at: NOW, state, visible: false, audit: [], ...more };
}

export function line(requestId: string | null, what: string, more: Partial<AuditLine> = {}): AuditLine {
  return { at: NOW, tenantId: PLACE.tenantId, requestId, who: 'usher', what, ...more };
}

/** What neither capabilities nor the directory say of requests and people. */
export const WAYS: Ways = {
  colleagues: async () => [],
  about: ({ subject }) => ({ addresses: [subject], ids: [] }),
  goesOn: () => undefined,
};

export function call(name: string, more: Partial<Call> = {}): Call {
  return { name, to: 'graph', method: 'POST', path: `/${name}`, repeat: 'restart', ...more };
}

/** A request that has done its calls and ended, with what was heard of it. */
export async function ended(
  store: Store,
  more: Partial<Draft>,
  {
    outcome = null as unknown,
    calls = [] as (readonly [Call, Record<string, unknown>])[],
    standing = 'pending',
    at = NOW,
    asked = NOW,
  } = {},
): Promise<Request> {
  const [accepted] = await store.accept([draft(more)], asked, asked + MINUTE);
  const { id } = accepted!.request;
  const { request } = await claimOne(store, asked);
  assert.equal(request.id, id);
  for (const [n, [one, body]] of calls.entries()) {
    const heard = { n, call: one, sentAt: at, reply: { ok: true, body } } as const;
    await store.move(id, request.fence, change('sending', { heard, leaseUntil: NOW + MINUTE }));
  }
  const moved = await store.move(
    id,
    request.fence,
    change('done', { at, outcome, standing, visible: true, audit: [line(id, 'done', { at, detail: { standing } })] }),
  );
  return moved!;
}
