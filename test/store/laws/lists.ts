/** Laws of lists and paces: rows kept with their request, filed once each, tried again; slots taken by one at a time. */
import assert from 'node:assert/strict';
import type { Row, RowFiling } from '../../../src/requests/many/rows.ts';
import type { Claim, Draft, Store } from '../../../src/requests/ports.ts';
import type { Bench } from './bench.ts';
import { acceptOne, change, claimOne, draft, MINUTE, NOW, PLACE } from './bench.ts';

const row = (n: number, more: Partial<Row> = {}): Row => ({
  n,
  line: n + 2,
  verdict: 'ready',
  content: { address: `p${n}@partner.example` },
  subject: `p${n}@partner.example`,
  why: null,
  ...more,
});
const rows = (count: number): Row[] => Array.from({ length: count }, (_, n) => row(n));

const list = (store: Store, count: number) =>
  acceptOne(store, { capability: 'batch', subject: 'guests.csv', rows: rows(count) });

const filing = (batchId: string, n: number, dueAt = NOW): RowFiling => ({
  n,
  dueAt,
  draft: draft({ key: `row:${batchId}:${n}`, subject: `p${n}@partner.example`, silent: true, dueAt }),
});

/** The requests of the first seven rows, each in hand, in the order of their rows. */
async function sevenFiled(store: Store, id: string): Promise<readonly Claim[]> {
  await claimOne(store);
  await store.rows.file(
    id,
    Array.from({ length: 7 }, (_, n) => filing(id, n)),
    NOW,
  );
  const claims = await store.claim(9, NOW, NOW + MINUTE);
  return claims.toSorted((a, b) => (a.request.subject < b.request.subject ? -1 : 1));
}

export function listLaws(bench: () => Bench): void {
  it('keeps the rows of a list with its request, in one commit, once', async () => {
    const { store } = bench();
    const wish = draft({
      capability: 'batch',
      rows: [...rows(2_500), row(2_500, { verdict: 'duplicate', why: { key: 'k' } })],
    });
    const [first] = await store.accept([wish], NOW, 0);
    const [second] = await store.accept([{ ...wish, id: 'another' }], NOW, 0);
    assert.equal(first?.isNew, true);
    assert.equal(second?.request.id, first?.request.id);
    assert.deepEqual(await store.rows.stages(wish.id), { waits: 2_500, kept: 1 });
    assert.deepEqual(await store.rows.stages('another'), {});
    const [page] = await store.rows.page(wish.id, 2_499, 10);
    assert.deepEqual(page?.row, {
      ...row(2_500),
      verdict: 'duplicate',
      why: { key: 'k' },
      stage: 'kept',
      requestId: null,
    });
  });

  it('files the rows that wait, in order, each under its own key', async () => {
    const { store } = bench();
    const { id } = await list(store, 5);
    const waiting = await store.rows.waiting(id, 3);
    assert.deepEqual(
      waiting.map(({ n }) => n),
      [0, 1, 2],
    );
    await store.rows.file(
      id,
      [0, 1, 2].map((n) => filing(id, n, NOW + n * MINUTE)),
      NOW,
    );
    assert.deepEqual(await store.rows.stages(id), { waits: 2, filed: 3 });
    assert.deepEqual(
      (await store.rows.waiting(id, 9)).map(({ n }) => n),
      [3, 4],
    );
    // Whoever died in between and files them again files nothing.
    await store.rows.file(
      id,
      [0, 1, 2].map((n) => filing(id, n)),
      NOW,
    );
    const requests = await store.list({ tenantId: PLACE.tenantId, capability: 'guest', limit: 9 });
    assert.equal(requests.length, 3);
    const page = await store.rows.page(id, -1, 9);
    assert.deepEqual(
      page.map(({ request }) => request?.nextAt ?? null),
      [NOW, NOW + MINUTE, NOW + 2 * MINUTE, null, null],
    );
  });

  it('a row falls due when its turn comes, and not before', async () => {
    const { store } = bench();
    const { id } = await list(store, 2);
    await claimOne(store);
    await store.rows.file(id, [filing(id, 0, NOW + 10), filing(id, 1, NOW + 20)], NOW);
    assert.deepEqual(await store.claim(9, NOW + 9, NOW + MINUTE), []);
    assert.equal((await store.claim(9, NOW + 10, NOW + MINUTE)).length, 1);
    // Whoever asks for one guest meanwhile goes before the next row.
    await store.accept([draft({ subject: 'now@partner.example' })], NOW + 11, 0);
    const [next] = await store.claim(1, NOW + 30, NOW + MINUTE);
    assert.equal(next?.request.subject, 'now@partner.example');
  });

  it('shows which rows rest, and takes up again only what failed', async () => {
    const { store } = bench();
    const { id } = await list(store, 3);
    await claimOne(store);
    await store.rows.file(
      id,
      [0, 1, 2].map((n) => filing(id, n)),
      NOW,
    );
    const claims = await store.claim(9, NOW, NOW + MINUTE);
    const [failed, done, under] = [...claims].sort((a, b) => (a.request.subject < b.request.subject ? -1 : 1));
    const why = { kind: 'refused', say: { key: 'problem.refused' } } as const;
    await store.move(failed!.request.id, failed!.request.fence, change('failed', { problem: why, visible: true }));
    await store.move(done!.request.id, done!.request.fence, change('done', { standing: 'pending' }));
    const resting = await store.rows.resting(id, 9);
    assert.deepEqual(
      resting.map(({ n, request }) => [n, request.state]),
      [
        [0, 'failed'],
        [1, 'done'],
      ],
    );
    await store.rows.stage(id, [0], 'failed');
    await store.rows.stage(id, [1], 'sent');
    assert.deepEqual(await store.rows.stages(id), { failed: 1, sent: 1, filed: 1 });
    assert.deepEqual(
      (await store.rows.trouble(id, 9)).map(({ line }) => line),
      [2],
    );

    await store.rows.restage(id, 'failed', 'waits');
    await store.rows.file(id, [filing(id, 0, NOW + MINUTE)], NOW);
    const again = await store.get(failed!.request.id);
    assert.deepEqual([again?.state, again?.problem, again?.nextAt], ['queued', null, NOW + MINUTE]);
    assert.equal((await store.auditOf(failed!.request.id)).filter(({ what }) => what === 'retried').length, 1);
    // One that has gone on by itself is left alone.
    await store.rows.file(id, [filing(id, 1), filing(id, 2)], NOW);
    assert.equal((await store.get(done!.request.id))?.state, 'done');
    assert.equal((await store.get(under!.request.id))?.state, 'sending');
  });

  it('tells who waits for somebody from who has ended and from who is on their way', async () => {
    const { store } = bench();
    const { id } = await list(store, 4);
    await claimOne(store);
    await store.rows.file(
      id,
      [0, 1, 2, 3].map((n) => filing(id, n)),
      NOW,
    );
    const claims = [...(await store.claim(9, NOW, NOW + MINUTE))];
    const [asked, asks, lives] = claims.sort((a, b) => (a.request.subject < b.request.subject ? -1 : 1));
    const question = { field: 'team', say: { key: 'guest.askTeam' }, options: [], until: NOW + MINUTE };
    const later = { nextAt: NOW + MINUTE };
    await store.move(asked!.request.id, asked!.request.fence, change('awaiting approval', later));
    await store.move(asks!.request.id, asks!.request.fence, change('waiting', { ...later, question }));
    await store.move(lives!.request.id, lives!.request.fence, change('waiting', { ...later, outcome: {} }));
    assert.deepEqual(await store.rows.held(id), { inAll: 2, toApprove: 1 });
    const ns = (found: readonly { readonly n: number }[]) => found.map(({ n }) => n);
    assert.deepEqual(ns(await store.rows.heldAfter(id, -1, 9)), [0, 1]);
    assert.deepEqual(ns(await store.rows.heldAfter(id, -1, 1)), [0]);
    assert.deepEqual(ns(await store.rows.heldAfter(id, 0, 9)), [1]);
    assert.deepEqual(ns(await store.rows.resting(id, 9)), [2]);
  });

  it('counts who has come, who is awaited, and of these who has a card of their own', async () => {
    const { store } = bench();
    const { id } = await list(store, 8);
    const follows = { awaited: 'pending', accepted: 'accepted', by: 'guestResend' };
    assert.deepEqual(await store.rows.followed(id, follows), { accepted: 0, awaited: 0, silent: 0, gone: 0 });
    const claims = await sevenFiled(store, id);
    const rest = { nextAt: NOW + MINUTE, outcome: {} };
    const ends = [
      change('waiting', { ...rest, standing: 'pending' }),
      change('waiting', { ...rest, standing: 'pending' }),
      change('done', { standing: 'accepted' }),
      change('waiting', { ...rest, standing: 'accepted' }),
      change('done', { standing: 'removed' }),
      // Nobody is waited for any more: what is over is over.
      change('done', { standing: 'pending' }),
      change('waiting', { ...rest, standing: 'pending' }),
    ];
    for (const [n, { request }] of claims.entries()) await store.move(request.id, request.fence, ends[n]!);
    await store.rows.stage(id, [0, 2, 4, 5], 'sent');
    await store.rows.stage(id, [1, 3], 'found');
    // The last is filed, and not counted before its row has ended.
    assert.deepEqual(await store.rows.followed(id, follows), { accepted: 2, awaited: 2, silent: 2, gone: 2 });
    assert.deepEqual(await store.rows.followed('another', follows), { accepted: 0, awaited: 0, silent: 0, gone: 0 });

    const awaited = async (after: number, limit: number) =>
      (await store.rows.awaited(id, follows, after, limit)).map(({ n, line, subject }) => [n, line, subject]);
    const [first, second] = [0, 1].map((n) => [n, n + 2, `p${n}@partner.example`]);
    assert.deepEqual(await awaited(-1, 9), [first, second]);
    assert.deepEqual(await awaited(-1, 1), [first]);
    assert.deepEqual(await awaited(0, 9), [second]);

    await store.followAt(claims[1]!.request.id, PLACE, 'shown', 1);
    // A card for those who are to approve it tells nobody else of it.
    await store.followAt(claims[0]!.request.id, PLACE, 'asks', 1, 'approvers');
    assert.deepEqual(await store.rows.followed(id, follows), { accepted: 2, awaited: 2, silent: 1, gone: 2 });
    await store.rows.stage(id, [6], 'sent');
    // Also while somebody has it in hand.
    await store.claim(9, NOW + MINUTE, NOW + 2 * MINUTE);
    assert.deepEqual(await store.rows.followed(id, follows), { accepted: 2, awaited: 3, silent: 2, gone: 2 });
  });

  it('reads, page by page, those of whom only the list tells and whose outcome holds a word', async () => {
    const { store } = bench();
    const { id } = await list(store, 7);
    const claims = await sevenFiled(store, id);
    const rest = { nextAt: NOW + MINUTE, standing: 'accepted' };
    const until = { stay: { until: '2027-03-01' } };
    const ends = [
      change('waiting', { ...rest, outcome: until }),
      change('waiting', { ...rest, outcome: { stay: { since: 1 } } }),
      change('done', { standing: 'removed', outcome: until }),
      change('waiting', { ...rest, outcome: { stay: { trouble: { key: 'k' } } } }),
      change('waiting', { ...rest, outcome: until }),
      // Its row has not ended.
      change('waiting', { ...rest, outcome: until }),
      // Nothing came of it.
      change('waiting', { ...rest, outcome: null }),
    ];
    for (const [n, { request }] of claims.entries()) await store.move(request.id, request.fence, ends[n]!);
    await store.rows.stage(id, [0, 1, 2, 3, 6], 'sent');
    await store.rows.stage(id, [4], 'found');
    const silent = async (after: number, limit: number, words = ['"until"', '"trouble"']) =>
      (await store.rows.silent(id, words, after, limit)).map(({ n, line, request }) => [n, line, request.subject]);
    const told = (n: number) => [n, n + 2, `p${n}@partner.example`];
    assert.deepEqual(await silent(-1, 9), [0, 2, 3, 4].map(told));
    assert.deepEqual(await silent(-1, 9, ['"trouble"']), [told(3)]);
    assert.deepEqual(await silent(-1, 2), [0, 2].map(told));
    assert.deepEqual(await silent(2, 2), [3, 4].map(told));
    assert.deepEqual(await store.rows.silent('another', ['"until"'], -1, 9), []);

    await store.followAt(claims[0]!.request.id, PLACE, 'shown', 1);
    await store.followAt(claims[4]!.request.id, PLACE, 'asks', 1, 'approvers');
    assert.deepEqual(await silent(-1, 9), [2, 3, 4].map(told), 'whoever has a card of their own is told by it');
    const [first] = await store.rows.silent(id, ['"until"'], -1, 9);
    assert.deepEqual([first?.request.state, first?.request.outcome], ['done', until]);
  });

  it('finds the rows that somebody has seen to since they did not work', async () => {
    const { store } = bench();
    const { id } = await list(store, 4);
    await claimOne(store);
    await store.rows.file(
      id,
      [0, 1, 2, 3].map((n) => filing(id, n)),
      NOW,
    );
    const claims = [...(await store.claim(9, NOW, NOW + MINUTE))].sort((a, b) =>
      a.request.subject < b.request.subject ? -1 : 1,
    );
    const question = { field: 'team', say: { key: 'guest.askTeam' }, options: [], until: NOW + MINUTE };
    const why = { kind: 'refused', say: { key: 'problem.refused' } } as const;
    const ends = [
      change('failed', { problem: why }),
      change('waiting', { nextAt: NOW + MINUTE, outcome: {}, standing: 'pending' }),
      change('waiting', { nextAt: NOW + MINUTE, question }),
      change('done', { outcome: {}, standing: 'accepted' }),
    ];
    for (const [n, { request }] of claims.entries()) await store.move(request.id, request.fence, ends[n]!);
    await store.rows.stage(id, [0, 1, 2], 'failed');
    await store.rows.stage(id, [3], 'unsure');
    const ns = async (limit: number) => (await store.rows.movedOn(id, limit)).map(({ n }) => n);
    assert.deepEqual(await ns(9), [1, 3]);
    assert.deepEqual(await ns(1), [1]);
    await store.rows.stage(id, [1, 3], 'sent');
    assert.deepEqual(await ns(9), []);
  });

  it('knows how people stand by the newest request about them', async () => {
    const { store } = bench();
    for (const standing of ['pending', 'accepted']) {
      await acceptOne(store, { subject: 'ana@partner.example' });
      const { request } = await claimOne(store);
      await store.move(request.id, request.fence, change('done', { standing }));
    }
    const found = await store.rows.standings(PLACE.tenantId, 'guest', ['ana@partner.example', 'bo@partner.example']);
    assert.deepEqual([...found], [['ana@partner.example', 'accepted']]);
    assert.equal((await store.rows.standings('tenant-2', 'guest', ['ana@partner.example'])).size, 0);
  });

  it('tells all that some capabilities were asked about some subjects, whatever became of it', async () => {
    const { store } = bench();
    const asked = async (capability: string, subject: string, more: Partial<Draft> = {}) =>
      (await acceptOne(store, { capability, subject, ...more })).id;
    const ana = 'ana@partner.example';
    const wanted = [await asked('guest', ana), await asked('guestResend', ana), await asked('guest', 'bo@x.example')];
    await asked('guestRemove', ana);
    await asked('guest', 'cy@x.example');
    await asked('guest', ana, { isDry: true });
    const about = async (tenantId: string, capabilities: readonly string[], subjects: readonly string[]) =>
      (await store.rows.about(tenantId, capabilities, subjects)).map(({ id }) => id).sort();
    const both = ['guest', 'guestResend'];
    assert.deepEqual(await about(PLACE.tenantId, both, [ana, 'bo@x.example', 'nobody@x.example']), wanted.sort());
    assert.deepEqual(await about('tenant-2', both, [ana]), []);
    assert.deepEqual(await about(PLACE.tenantId, both, []), []);
  });
}

export function paceLaws(bench: () => Bench): void {
  it('a line that nobody used is free at once; then slots come one after the other', async () => {
    const { store } = bench();
    assert.equal(await store.takeSlots('a', 1, NOW, 33_784), NOW * 1000);
    assert.equal(await store.takeSlots('a', 1, NOW, 33_784), NOW * 1000 + 33_784);
    assert.equal(await store.takeSlots('a', 3, NOW, 33_784), NOW * 1000 + 2 * 33_784);
    assert.equal(await store.takeSlots('a', 1, NOW, 33_784), NOW * 1000 + 5 * 33_784);
    assert.equal(await store.takeSlots('b', 1, NOW, 33_784), NOW * 1000, 'another line');
  });

  it('what was not used is not made up for', async () => {
    const { store } = bench();
    await store.takeSlots('a', 2, NOW, 1_000);
    assert.equal(await store.takeSlots('a', 1, NOW + MINUTE, 1_000), (NOW + MINUTE) * 1000);
    assert.equal(await store.takeSlots('a', 1, NOW + MINUTE, 1_000), (NOW + MINUTE) * 1000 + 1_000);
  });

  it('two processes never get the same slot', async () => {
    const { store, another } = bench();
    const other = await another();
    const taken = await Promise.all(
      Array.from({ length: 60 }, (_, n) => (n % 2 ? store : other).takeSlots('a', 1, NOW, 1_000)),
    );
    assert.deepEqual(
      taken.sort((a, b) => a - b),
      Array.from({ length: 60 }, (_, n) => NOW * 1000 + n * 1_000),
    );
  });
}
