/** Laws of retention: what is over its time goes, once, and the chain stays whole. Must not know how it is removed. */
import assert from 'node:assert/strict';
import type { Row } from '../../../src/requests/many/rows.ts';
import type { Draft, Store } from '../../../src/requests/ports.ts';
import type { Retention } from '../../../src/requests/proof/keeping.ts';
import { sealAll, verifyAudit } from '../../../src/requests/proof/verifying.ts';
import type { Request } from '../../../src/requests/request.ts';
import { dump } from '../../support/dump.ts';
import { acceptOne, type Bench, call, change, claimOne, line, MINUTE, NOW } from './bench.ts';

const DAY = 24 * 3600_000;
const LATER = NOW + 100 * DAY;
const TURN = { leaseUntil: LATER + MINUTE, nextAt: LATER + DAY };
const retention = (before: number): Retention => ({
  tenantId: 'tenant-1',
  before,
  records: { capability: 'guest', standings: ['pending', 'accepted'] },
});

/** A request that ended at `at`, with an answer, a signal and two lines of the audit. */
async function ended(store: Store, at: number, more: Partial<Draft> = {}, standing = 'removed'): Promise<Request> {
  const { id } = await acceptOne(store, more);
  const { request } = await claimOne(store, at);
  assert.equal(request.id, id);
  const heard = { n: 0, call: call('find'), sentAt: at, reply: { ok: true, body: {} } } as const;
  await store.move(id, request.fence, change('waiting', { at, heard, nextAt: at }));
  await store.signal(id, [{ key: 'said', body: {} }], at);
  const again = await claimOne(store, at);
  const audit = [line(id, 'done', { at, detail: { standing } })];
  return (await store.move(id, again.request.fence, change('done', { at, standing, visible: true, audit })))!;
}

async function removeAll(store: Store, before: number): Promise<number> {
  assert.ok(await store.keeping.takeTurn('tenant-1', LATER, LATER + MINUTE));
  let chunks = 1;
  while (await store.keeping.retain(retention(before), LATER, TURN)) chunks++;
  return chunks;
}

const isWhole = async (store: Store) => {
  const verdict = await verifyAudit(store.keeping);
  assert.ok(verdict.ok, JSON.stringify(verdict));
  return verdict;
};

export function retentionLaws(bench: () => Bench): void {
  it('what ended before the moment goes with all that hangs on it, and one line tells of it', async () => {
    const { store, database } = bench();
    const row: Row = { n: 0, line: 2, verdict: 'ready', subject: 'x', content: {}, why: null };
    const old = [await ended(store, NOW), await ended(store, NOW + 1, { capability: 'batch', rows: [row] })];
    const young = await ended(store, NOW + 50 * DAY);
    await sealAll(store.keeping);
    await removeAll(store, NOW + 10 * DAY);
    for (const { id } of old) assert.equal(await store.get(id), null);
    assert.deepEqual(await store.get(young.id), young);
    assert.equal((await store.answers(young.id)).length, 1);
    const left = await dump(database);
    for (const { id } of old)
      assert.deepEqual(
        left.filter((row) => row.includes(id)),
        [],
      );
    const told = left.filter((row) => row.startsWith('audit ') && row.includes('retention'));
    assert.equal(told.length, 1);
    const { who, detail } = JSON.parse(told[0]!.slice('audit '.length));
    assert.equal(who, 'usher');
    assert.deepEqual(JSON.parse(detail), {
      requests: 2,
      answers: 2,
      signals: 2,
      messages: 2,
      rows: 1,
      lines: 4,
      cut: 4,
      before: new Date(NOW + 10 * DAY).toISOString(),
    });
    const verdict = await isWhole(store);
    // Two of the young one, one that tells of erasing, and one of it all.
    assert.deepEqual([verdict.cut.n, verdict.cut.at, verdict.links], [4, LATER, 4]);
  });

  it('the chain is cut only as far as all before is over; behind that payloads go and lines stay', async () => {
    const { store } = bench();
    const first = await ended(store, NOW);
    const live = await acceptOne(store, { subject: 'b@x.example' });
    await claimOne(store, NOW);
    const late = await ended(store, NOW + 1);
    await sealAll(store.keeping);
    const { head } = await store.keeping.chain();
    await removeAll(store, NOW + DAY);
    assert.deepEqual(await store.auditOf(first.id), []);
    assert.equal((await store.auditOf(live.id)).length, 1);
    assert.deepEqual(
      (await store.auditOf(late.id)).map(({ who, what, detail }) => [who, what, detail]),
      [
        ['', 'accepted', undefined],
        ['', 'done', undefined],
      ],
    );
    const verdict = await isWhole(store);
    assert.deepEqual([verdict.cut.n, verdict.erased], [2, 2]);
    assert.equal((await store.keeping.links(head.n - 1, 1))[0]!.hash, head.hash, 'what was noted down still holds');
  });

  it('what tells of erasing stays as long as a line it tells of, and goes with the last', async () => {
    const { store } = bench();
    const live = await acceptOne(store, { subject: 'b@x.example' });
    await claimOne(store, NOW);
    await ended(store, NOW + 1);
    await removeAll(store, NOW + DAY);
    const whats = async () => (await store.keeping.links(0, 99)).map((one) => one.line?.what);
    await isWhole(store);
    assert.deepEqual(await whats(), ['accepted', 'accepted', 'done', 'erased', 'retention']);
    const again = async (at: number) => {
      assert.ok(await store.keeping.takeTurn('tenant-1', at, at + MINUTE));
      // What tells of this is as old as the day on which it is told.
      while (await store.keeping.retain(retention(at), at, { leaseUntil: at + MINUTE, nextAt: at + DAY }));
      await isWhole(store);
    };
    await again(LATER + DAY);
    assert.deepEqual(await whats(), ['accepted', 'accepted', 'done', 'erased', 'retention', 'erased', 'retention']);
    const { fence } = (await store.get(live.id))!;
    await store.move(live.id, fence, change('done', { at: NOW + 2 }));
    await again(LATER + 2 * DAY);
    await again(LATER + 3 * DAY);
    // Of the day before: the retention line itself, what told of erasing it, and that of this day.
    assert.deepEqual((await whats()).slice(0, 1), ['retention']);
  });

  it('what has not ended stays, and the newest record of a guest who is here or may come', async () => {
    const { store } = bench();
    const subject = 'ana@partner.example';
    const before = await ended(store, NOW, { subject }, 'pending');
    const record = await ended(store, NOW + 1, { subject }, 'accepted');
    const gone = await ended(store, NOW + 2, { subject: 'bo@partner.example' }, 'removed');
    const call = await ended(store, NOW + 3, { capability: 'callInvite', subject: 'm' }, 'accepted');
    const live = await acceptOne(store, { subject: 'c@x.example' });
    // By the time the record was written another was not newer: the older one of the two goes.
    await removeAll(store, NOW + 50 * DAY);
    assert.deepEqual(
      await Promise.all([before, record, gone, call, live].map(async ({ id }) => (await store.get(id)) !== null)),
      [await isNewest(store, before.id, subject), await isNewest(store, record.id, subject), false, false, true],
    );
    assert.equal((await store.list({ tenantId: 'tenant-1', subject, limit: 9 })).length, 1);
  });

  it('lines that belong to no request go when they are as old; the newest line of all stays', async () => {
    const { store } = bench();
    await store.audit([line(null, 'old', { at: NOW, who: 'u', detail: { x: 1 } }), line(null, 'older', { at: NOW })]);
    await store.audit([line(null, 'young', { at: NOW + 50 * DAY }), line(null, 'theirs', { at: NOW, tenantId: 't2' })]);
    await sealAll(store.keeping);
    await removeAll(store, NOW + DAY);
    const verdict = await isWhole(store);
    assert.deepEqual([verdict.cut.n, verdict.links], [2, 4]);
    const whats = (await store.keeping.links(0, 9)).map((one) => one.line?.what);
    assert.deepEqual(whats, ['young', 'theirs', 'erased', 'retention']);
    await store.keeping.takeTurn('tenant-1', LATER + DAY, LATER + 2 * DAY);
    const all = retention(LATER + 2 * DAY);
    while (await store.keeping.retain(all, LATER + DAY, TURN));
    assert.ok((await isWhole(store)).links >= 1);
  });

  it('nothing to remove is not told', async () => {
    const { store, database } = bench();
    await ended(store, NOW + 50 * DAY);
    await removeAll(store, NOW);
    assert.deepEqual(
      (await dump(database)).filter((row) => row.includes('"retention"')),
      [],
    );
  });

  it('one process at a time has the turn, another takes it up when that died, and the next is due a day later', async () => {
    const { store } = bench();
    const other = await bench().another();
    const takes = await Promise.all(
      [store, other, store, other].map((one) => one.keeping.takeTurn('tenant-1', LATER, LATER + MINUTE)),
    );
    assert.equal(takes.filter(Boolean).length, 1);
    assert.equal(await other.keeping.takeTurn('tenant-1', LATER + MINUTE - 1, LATER + 2 * MINUTE), false);
    assert.equal(await other.keeping.takeTurn('tenant-1', LATER + MINUTE, LATER + 2 * MINUTE), true);
    while (await other.keeping.retain(retention(NOW), LATER, TURN));
    assert.equal(await store.keeping.takeTurn('tenant-1', LATER + DAY - 1, LATER + DAY), false);
    assert.equal(await store.keeping.takeTurn('tenant-1', LATER + DAY, LATER + DAY + MINUTE), true);
  });

  it('ended after any chunk and taken up by another, each is removed and counted once', async function () {
    this.timeout(60_000);
    const { store, database, engine } = bench();
    const one = await ended(store, NOW);
    const series =
      engine === 'SQLite'
        ? 'with recursive series(n) as (select 1 union all select n + 1 from series where n < 349)'
        : 'with series(n) as (select generate_series(1, 349))';
    const columns =
      'capability, tenant_id, requester_id, requester, place, input, state, next_at, created_at, updated_at';
    await database.run(
      `insert into requests (id, key, subject, ${columns})
        ${series} select 'x' || n, 'k' || n, 's' || n, ${columns} from series, requests where requests.id = '${one.id}'`,
    );
    await store.audit(Array.from({ length: 1_100 }, (_, n) => line(`x${(n % 349) + 1}`, 'did', { at: NOW + n })));
    await sealAll(store.keeping);
    let chunks = 0;
    for (let isMore = true; isMore; chunks++) {
      const worker = await bench().another();
      assert.ok(
        await worker.keeping.takeTurn('tenant-1', LATER + chunks * 2 * MINUTE, LATER + (chunks * 2 + 1) * MINUTE),
      );
      const at = LATER + chunks * 2 * MINUTE;
      isMore = await worker.keeping.retain(retention(NOW + DAY), at, { leaseUntil: at + MINUTE, nextAt: at + DAY });
    }
    assert.ok(chunks > 5, `${chunks} chunks`);
    const told = (await dump(database)).filter((row) => row.startsWith('audit ') && row.includes('"retention"'));
    const { requests, lines, cut } = JSON.parse(JSON.parse(told[0]!.slice('audit '.length)).detail);
    assert.deepEqual([told.length, requests, lines, cut], [1, 350, 1_102, 1_101]);
    assert.deepEqual(await store.list({ tenantId: 'tenant-1', limit: 9 }), []);
    await isWhole(store);
  });
}

async function isNewest(store: Store, id: string, subject: string): Promise<boolean> {
  return (await store.list({ tenantId: 'tenant-1', subject, limit: 1 }))[0]?.id === id;
}
