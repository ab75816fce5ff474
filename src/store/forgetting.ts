/**
 * Erases what is kept about a person, wherever it is: `ERASERS` is the one list of places, and whoever adds a table that
 * can hold personal data adds a line to it. Works in short transactions that may be begun again after a crash; what has
 * been learnt of the person and the counts so far are kept in `chores` until all is done.
 * Must not know who may ask for it, or what a request is about.
 */
import type { Transaction } from 'kysely';
import type { Deeds, Erased, Erasing, Kept, Ways } from '../requests/proof/keeping.ts';
import { finderOf } from '../requests/proof/person.ts';
import { turn } from '../requests/proof/verifying.ts';
import { LIVE, type Person, type Request } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import type { Engine } from './engine.ts';
import { added, ERASERS, type Eraser, NOTHING, type Wanted } from './erasers.ts';
import { decide } from './queue.ts';
import type { Tables } from './schema.ts';
import { type Learnt, learn, theirsIn } from './theirs.ts';

/** What has to be known until all is erased. */
interface Known extends Omit<Learnt, 'deeds'> {
  /** What was asked for later is no part of it, epoch ms. */
  readonly until: number;
}

/** Until somebody could be known by several addresses there was one, and nothing else said who they are. */
function readKnown(json: string): Known {
  const { traces, identity, until } = JSON.parse(json);
  const addresses: readonly string[] = traces.addresses ?? [traces.address];
  return { traces: { ...traces, addresses }, identity: identity ?? { addresses, ids: [] }, until };
}

type Counts = Erased & { readonly deeds: Deeds };

/** Until it was counted, nobody had looked who the person is. */
const readCounts = (json: string): Counts => ({
  deeds: { asked: 0, named: 0, isLookedUp: false },
  ...JSON.parse(json),
});

const choreOf = (requestId: string): string => `forget:${requestId}`;

export async function kept(
  engine: Engine,
  tenantId: string,
  address: string,
  except: string,
  ways: Ways,
): Promise<Kept> {
  const { identity, traces, deeds } = await learn(engine, tenantId, address, except, ways);
  const until = Number.MAX_SAFE_INTEGER;
  const wanted: Wanted = { tenantId, except, until, identity, finder: finderOf(traces), ways };
  let counts: Erased = NOTHING;
  for (const eraser of ERASERS) {
    for await (const found of pagesOf(engine, eraser, wanted)) counts = added(counts, found.counts);
  }
  const live = (await theirsIn(engine, wanted, LIVE)).map(({ id, capability, state }) => ({ id, capability, state }));
  return { ...counts, deeds, addresses: identity.addresses.length, live };
}

export async function erase(
  engine: Engine,
  request: Request,
  by: Person,
  now: number,
  signal: AbortSignal,
  ways: Ways,
): Promise<Erasing | null> {
  const name = choreOf(request.id);
  const before = await engine.db.selectFrom('chores').selectAll().where('name', '=', name).executeTakeFirst();
  if (before?.done_at) return { ...readCounts(before.counts), isDone: true, waitsFor: [] };
  const known = before?.known ? readKnown(before.known) : await begin(engine, name, request, now, ways);
  const { tenantId, id: except } = request;
  const { identity, traces, until } = known;
  const wanted: Wanted = { tenantId, except, until, identity, finder: finderOf(traces), ways };
  const note = JSON.stringify(say('request.erased', { name: by.name, id: request.id }));

  await stopLive(engine, wanted, by, now);
  const waitsFor: string[] = [];
  for (const eraser of ERASERS) {
    for await (const found of pagesOf(engine, eraser, wanted)) {
      if (signal.aborted) return null;
      waitsFor.push(...found.waitsFor);
      if (found.isEmpty) continue;
      const left = await engine.write(async (trx) => {
        const gone = await found.erase(trx, { note, now });
        await count(trx, engine, name, gone.erased);
        return gone.waitsFor;
      });
      waitsFor.push(...left);
    }
  }
  const counts = await engine.write((trx) => end(trx, engine, name, waitsFor.length > 0 ? null : request, now));
  if (waitsFor.length > 0) return { ...counts, isDone: false, waitsFor: [...new Set(waitsFor)] };
  await engine.scrub();
  return { ...counts, isDone: true, waitsFor: [] };
}

/** Learns what the person goes by, and keeps it: what tells it is among the first that is erased. */
async function begin(engine: Engine, name: string, request: Request, now: number, ways: Ways): Promise<Known> {
  const { address } = request.input as { readonly address: string };
  const { deeds, ...learnt } = await learn(engine, request.tenantId, address, request.id, ways);
  const known: Known = { ...learnt, until: now };
  await engine.writeOne((db) =>
    db
      .insertInto('chores')
      .values({ name, counts: JSON.stringify({ ...NOTHING, deeds }), known: JSON.stringify(known) })
      .onConflict((clash) => clash.column('name').doNothing())
      .execute(),
  );
  return known;
}

/** Requests about the person that are not over are stopped, as its requester would; one in somebody's hands is waited for. */
async function stopLive(engine: Engine, wanted: Wanted, by: Person, now: number) {
  const { tenantId, except } = wanted;
  const live = await theirsIn(engine, wanted, ['awaiting approval', 'queued', 'waiting']);
  for (const { id, version, state } of live) {
    await decide(engine, id, version, state, {
      at: now,
      state: 'cancelled',
      note: null,
      problem: null,
      question: null,
      visible: false,
      audit: [{ at: now, tenantId, requestId: id, who: by.id, what: 'cancelled', detail: { forget: except } }],
    });
  }
}

async function* pagesOf(engine: Engine, eraser: Eraser, wanted: Wanted) {
  for (let after: string | number | null = null; ; ) {
    const found = await eraser(engine, wanted, after);
    if (found === null) return;
    yield found;
    after = found.last;
    await turn();
  }
}

/** Adds to the counts, in the transaction that does what is counted. */
async function count(trx: Transaction<Tables>, engine: Engine, name: string, more: Erased): Promise<void> {
  const before = await countsOf(trx, engine, name);
  const counts: Counts = { ...added(before, more), deeds: before.deeds };
  await trx
    .updateTable('chores')
    .set({ counts: JSON.stringify(counts) })
    .where('name', '=', name)
    .execute();
}

async function countsOf(trx: Transaction<Tables>, engine: Engine, name: string): Promise<Counts> {
  const row = await trx
    .selectFrom('chores')
    .select('counts')
    .where('name', '=', name)
    .$if(engine.name === 'postgres', (query) => query.forUpdate())
    .executeTakeFirstOrThrow();
  return readCounts(row.counts);
}

/** Last of all the request that asked forgets whom it was about, and we what we had learnt. */
async function end(
  trx: Transaction<Tables>,
  engine: Engine,
  name: string,
  request: Request | null,
  now: number,
): Promise<Counts> {
  const counts = await countsOf(trx, engine, name);
  if (request === null) return counts;
  const { id } = request;
  await trx
    .updateTable('requests')
    .set({ subject: '', key: `erased:${id}`, input: '{}', question: null, note: null, lost: '[]' })
    .where('id', '=', id)
    .execute();
  await trx.updateTable('chores').set({ known: null, done_at: now }).where('name', '=', name).execute();
  return counts;
}
