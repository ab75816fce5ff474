/**
 * Erases what is kept about a person, wherever it is: `ERASERS` is the one list of places, and whoever adds a table that
 * can hold personal data adds a line to it. Works in short transactions that may be begun again after a crash; what has
 * been learnt of the person and the counts so far are kept in `chores` until all is done.
 * Must not know who may ask for it, or what a request is about.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Erased, Erasing, GoesOn, Kept } from '../requests/proof/keeping.ts';
import { finderOf, type Traces, tracesIn } from '../requests/proof/person.ts';
import { turn } from '../requests/proof/verifying.ts';
import { LIVE, type Person, type Request, type RequestState } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import type { Engine } from './engine.ts';
import { added, ERASERS, type Eraser, NOTHING, type Wanted } from './erasers.ts';
import { decide } from './queue.ts';
import type { Tables } from './schema.ts';

/** What has to be known until all is erased. */
interface Known {
  readonly traces: Traces;
  /** What was asked for later is no part of it, epoch ms. */
  readonly until: number;
}

const choreOf = (requestId: string): string => `forget:${requestId}`;

export async function kept(engine: Engine, tenantId: string, address: string, except: string): Promise<Kept> {
  const traces = await learn(engine.db, tenantId, address, except);
  const wanted: Wanted = {
    tenantId,
    except,
    until: Number.MAX_SAFE_INTEGER,
    traces,
    finder: finderOf(traces),
    goesOn: () => undefined,
  };
  let counts: Erased = NOTHING;
  for (const eraser of ERASERS) {
    for await (const found of pagesOf(engine, eraser, wanted)) counts = added(counts, found.counts);
  }
  const live = await engine.db
    .selectFrom('requests')
    .select(['id', 'capability', 'state'])
    .where('tenant_id', '=', tenantId)
    .where('subject', '=', address)
    .where('state', 'in', LIVE)
    .where('id', '<>', except)
    .orderBy('created_at')
    .execute();
  return { ...counts, live: live.map((one) => ({ ...one, state: one.state as RequestState })) };
}

export async function erase(
  engine: Engine,
  request: Request,
  by: Person,
  now: number,
  signal: AbortSignal,
  goesOn: GoesOn = () => undefined,
): Promise<Erasing | null> {
  const name = choreOf(request.id);
  const before = await engine.db.selectFrom('chores').selectAll().where('name', '=', name).executeTakeFirst();
  if (before?.done_at) return { ...JSON.parse(before.counts), isDone: true, waitsFor: [] };
  const known: Known = before?.known ? JSON.parse(before.known) : await begin(engine, name, request, now);
  const { traces, until } = known;
  const { tenantId, id: except } = request;
  const wanted: Wanted = { tenantId, except, until, traces, finder: finderOf(traces), goesOn };
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
  if (waitsFor.length > 0) return { ...counts, isDone: false, waitsFor };
  await engine.scrub();
  return { ...counts, isDone: true, waitsFor: [] };
}

/** Learns what the person goes by, and keeps it: what tells it is among the first that is erased. */
async function begin(engine: Engine, name: string, request: Request, now: number): Promise<Known> {
  const { address } = request.input as { readonly address: string };
  const known: Known = { traces: await learn(engine.db, request.tenantId, address, request.id), until: now };
  await engine.writeOne((db) =>
    db
      .insertInto('chores')
      .values({ name, counts: JSON.stringify(NOTHING), known: JSON.stringify(known) })
      .onConflict((clash) => clash.column('name').doNothing())
      .execute(),
  );
  return known;
}

async function learn(db: Kysely<Tables>, tenantId: string, address: string, except: string): Promise<Traces> {
  const rows = await db
    .selectFrom('requests')
    .select(['id', 'input', 'outcome'])
    .where('tenant_id', '=', tenantId)
    .where('subject', '=', address)
    .where('id', '<>', except)
    .execute();
  const values: unknown[] = rows.flatMap(({ input, outcome }) => [JSON.parse(input), JSON.parse(outcome ?? 'null')]);
  for (let from = 0; from < rows.length; from += 500) {
    const ids = rows.slice(from, from + 500).map(({ id }) => id);
    const answers = await db.selectFrom('answers').select('reply').where('request_id', 'in', ids).execute();
    for (const { reply } of answers) {
      const body = reply === null ? undefined : JSON.parse(reply).body;
      // What was found under a name is not theirs: only what names the address, or the invitation's own answer.
      if (body)
        values.push({ body, ...(body.invitedUser ? { invitedUserDisplayName: body.invitedUserDisplayName } : {}) });
    }
  }
  return tracesIn(address, values);
}

/** Requests about the person that are not over are stopped, as its requester would; one in somebody's hands is waited for. */
async function stopLive(engine: Engine, { tenantId, traces, except, until }: Wanted, by: Person, now: number) {
  const live = await engine.db
    .selectFrom('requests')
    .select(['id', 'version', 'state'])
    .where('tenant_id', '=', tenantId)
    .where('subject', '=', traces.address)
    .where('state', 'in', ['awaiting approval', 'queued', 'waiting'])
    .where('id', '<>', except)
    .where('created_at', '<=', until)
    .execute();
  for (const { id, version, state } of live) {
    await decide(engine, id, version, state as RequestState, {
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
  const counts = added(await countsOf(trx, engine, name), more);
  await trx
    .updateTable('chores')
    .set({ counts: JSON.stringify(counts) })
    .where('name', '=', name)
    .execute();
}

async function countsOf(trx: Transaction<Tables>, engine: Engine, name: string): Promise<Erased> {
  const row = await trx
    .selectFrom('chores')
    .select('counts')
    .where('name', '=', name)
    .$if(engine.name === 'postgres', (query) => query.forUpdate())
    .executeTakeFirstOrThrow();
  return JSON.parse(row.counts);
}

/** Last of all the request that asked forgets whom it was about, and we what we had learnt. */
async function end(
  trx: Transaction<Tables>,
  engine: Engine,
  name: string,
  request: Request | null,
  now: number,
): Promise<Erased> {
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
