/** Laws of the ledger: accepted once and whole, found again, kept as written. Must not know which engine runs them. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Bench } from './bench.ts';
import { acceptOne, change, draft, drafts, inHand, line, MINUTE, NOW, PLACE } from './bench.ts';

export function requestLaws(bench: () => Bench): void {
  it('a request begins queued, due at once, at version 1, with a line in the audit', async () => {
    const { store } = bench();
    const wanted = draft({ input: { a: [1, null, 'ü'] } });
    const [accepted] = await store.accept([wanted], NOW, NOW + MINUTE);
    assert.deepEqual(accepted, {
      isNew: true,
      request: {
        id: wanted.id,
        key: wanted.key,
        capability: 'guest',
        subject: wanted.subject,
        standing: null,
        tenantId: PLACE.tenantId,
        requester: wanted.requester,
        place: PLACE,
        input: { a: [1, null, 'ü'] },
        state: 'queued',
        version: 1,
        fence: 0,
        nextAt: NOW,
        attempts: 0,
        lost: [],
        signals: 0,
        note: null,
        outcome: null,
        problem: null,
        question: null,
        approval: null,
        isDry: false,
        erasedAt: null,
        createdAt: NOW,
        updatedAt: NOW,
      },
    });
    assert.deepEqual(await store.get(wanted.id), accepted!.request);
    assert.deepEqual(await store.auditOf(wanted.id), [
      line(wanted.id, 'accepted', { who: 'user-1', detail: { capability: 'guest' } }),
    ]);
  });

  it('who else stands behind a request has a line with its acceptance, once', async () => {
    const { store } = bench();
    const wanted = draft({ behind: { who: 'app:a-1', what: 'asked by an app' } });
    for (const again of [wanted, { ...wanted, id: 'another' }]) await store.accept([again], NOW, NOW);
    assert.deepEqual(await store.auditOf(wanted.id), [
      line(wanted.id, 'accepted', { who: 'user-1', detail: { capability: 'guest' } }),
      line(wanted.id, 'asked by an app', { who: 'app:a-1' }),
    ]);
    assert.deepEqual(await store.auditOf('another'), []);
  });

  it('of 50 racing accepts of one key exactly one is new, and all are told the same request', async () => {
    const stores = [bench().store, await bench().another(), await bench().another()];
    const racing = Array.from({ length: 50 }, (_, n) =>
      stores[n % 3]!.accept([draft({ key: 'chat:a:same:0' })], NOW, NOW + MINUTE),
    );
    const accepted = (await Promise.all(racing)).flat();
    const winner = accepted.filter((one) => one.isNew);
    assert.equal(winner.length, 1);
    for (const one of accepted) assert.equal(one.request.id, winner[0]!.request.id);
    assert.equal((await stores[0]!.auditOf(winner[0]!.request.id)).length, 1);
    assert.equal((await stores[0]!.claimMessages(99, NOW + MINUTE, NOW + 2 * MINUTE)).length, 1);
  });

  it('racing accepts of the same many keys, in different orders, neither clash nor block each other', async () => {
    const stores = [bench().store, await bench().another()];
    const keys = Array.from({ length: 400 }, (_, n) => `form:a:${n}`);
    const racing = Array.from({ length: 10 }, (_, n) => {
      const order = n % 2 ? keys : keys.toReversed();
      return stores[n % 2]!.accept(
        order.map((key) => draft({ key })),
        NOW,
        NOW,
      );
    });
    const accepted = (await Promise.all(racing)).flat();
    assert.equal(accepted.filter((one) => one.isNew).length, 400);
    assert.equal(new Set(accepted.map((one) => one.request.id)).size, 400);
  });

  it('an accept is all or nothing, and the accepts beside it are not touched', async () => {
    const { store } = bench();
    const taken = await acceptOne(store);
    const innocent = drafts(3);
    // Far apart: the clash comes in a later statement than what must not stay.
    const clashing = [draft({ id: 'never-written' }), ...drafts(600), draft({ id: taken.id, key: 'another key' })];
    const [first, refused, last] = await Promise.allSettled([
      store.accept([innocent[0]!], NOW, NOW),
      store.accept(clashing, NOW, NOW),
      store.accept(innocent.slice(1), NOW, NOW),
    ]);
    assert.deepEqual([first!.status, refused!.status, last!.status], ['fulfilled', 'rejected', 'fulfilled']);
    assert.equal(await store.get('never-written'), null);
    assert.deepEqual(await store.auditOf('never-written'), []);
    for (const one of innocent) assert.ok(await store.get(one.id));
  });

  it('a draft given twice in one accept is new once', async () => {
    const { store } = bench();
    const wanted = draft();
    const accepted = await store.accept([wanted, { ...wanted }, draft({ key: wanted.key })], NOW, NOW);
    assert.deepEqual(
      accepted.map((one) => [one.isNew, one.request.id]),
      [
        [true, wanted.id],
        [false, wanted.id],
        [false, wanted.id],
      ],
    );
  });

  it('thousands of drafts are accepted at once, and answered in their order', async () => {
    const { store } = bench();
    const many = drafts(1_700);
    const accepted = await store.accept(many, NOW, NOW);
    assert.deepEqual(
      accepted.map((one) => one.request.id),
      many.map((one) => one.id),
    );
    assert.ok(accepted.every((one) => one.isNew));
  });

  it('lists only what every filter allows, newest first', async () => {
    const { store } = bench();
    const at = async (now: number, more: Parameters<typeof draft>[0]) => {
      const [accepted] = await store.accept([draft(more)], now, now);
      return accepted!.request.id;
    };
    const subject = `o'neil"x@partner.example`;
    const ana = await at(NOW, {});
    const bob = await at(NOW + 1, { requester: { id: 'user-2', name: 'Bob', locale: 'en' }, subject });
    const phone = await at(NOW + 2, { capability: 'call' });
    await at(NOW + 3, { place: { ...PLACE, tenantId: 'tenant-2' } });
    const { request } = (await store.claim(1, NOW, NOW + MINUTE))[0]!;
    await store.move(request.id, request.fence, change('done', { standing: 'pending' }));

    const ids = async (filter: object) =>
      (await store.list({ tenantId: 'tenant-1', limit: 10, ...filter })).map((one) => one.id);
    assert.deepEqual(await ids({}), [phone, bob, ana]);
    assert.deepEqual(await ids({ limit: 2 }), [phone, bob]);
    assert.deepEqual(await ids({ limit: 0 }), []);
    assert.deepEqual(await ids({ capability: 'guest' }), [bob, ana]);
    assert.deepEqual(await ids({ requesterId: 'user-2' }), [bob]);
    assert.deepEqual(await ids({ subject }), [bob]);
    assert.deepEqual(await ids({ standing: 'pending' }), [ana]);
    assert.deepEqual(await ids({ states: ['queued', 'done'], capability: 'guest' }), [bob, ana]);
    assert.deepEqual(await ids({ states: [] }), []);
    assert.deepEqual(await ids({ tenantId: 'nobody' }), []);
  });

  it('requests filed together are listed in the order of their keys, counted and not spelled', async () => {
    const { store } = bench();
    const batch = Array.from({ length: 12 }, (_, n) => draft({ key: `chat:a:batch:${n}` }));
    await store.accept(batch, NOW, NOW);
    const listed = await store.list({ tenantId: PLACE.tenantId, limit: 20 });
    assert.deepEqual(
      listed.map((one) => one.id),
      batch.map((one) => one.id),
    );
  });

  it('the end of a subject is taken letter by letter, wildcards and quotes too', async () => {
    const { store } = bench();
    const letters = fc.array(fc.constantFrom('a', 'A', 'é', '%', '_', '\\', "'", '"', '@', '.'), { maxLength: 4 });
    const word = letters.map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 8 }),
        word,
        fc.uuid(),
        async (subjects, end, tenant) => {
          const place = { ...PLACE, tenantId: tenant };
          await store.accept(
            subjects.map((subject) => draft({ subject, place })),
            NOW,
            NOW,
          );
          const listed = await store.list({ tenantId: tenant, subjectEnd: end, limit: 99 });
          assert.deepEqual(
            listed.map((one) => one.subject).sort(),
            subjects.filter((subject) => subject.endsWith(end)).sort(),
          );
        },
      ),
      { numRuns: 40, examples: [[['x\\%y', 'x\\zy', 'x\\'], '\\%y', '00000000-0000-4000-8000-000000000000']] },
    );
  });

  it('keeps every character of an input; of plain text it drops only what databases cannot hold', async () => {
    const { store } = bench();
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    const texts = fc.record({ word: text, name: text, value: fc.jsonValue() });
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 1, maxLength: 20 }), async (all) => {
        const wanted = all.map(({ word, name, value }) =>
          draft({ subject: word, input: { word, value }, requester: { id: 'u', name, locale: 'en' } }),
        );
        const accepted = await store.accept(wanted, NOW, NOW);
        for (const [n, { word, name, value }] of all.entries()) {
          const read = await store.get(wanted[n]!.id);
          assert.deepEqual(read, accepted[n]!.request);
          assert.equal(read!.subject, word.replaceAll('\0', ''));
          assert.equal(read!.requester.name, name);
          assert.deepEqual(read!.input, JSON.parse(JSON.stringify({ word, value })));
        }
      }),
      { numRuns: 15 },
    );
  });

  it('a key with U+0000 in it is the same key when it comes again', async () => {
    const { store } = bench();
    const first = await store.accept([draft({ key: 'chat:\0:1' })], NOW, NOW);
    const again = await store.accept([draft({ key: 'chat:\0:1' })], NOW, NOW);
    assert.deepEqual([first[0]!.isNew, again[0]!.isNew], [true, false]);
    assert.equal(again[0]!.request.id, first[0]!.request.id);
    assert.equal(await store.get('\0'), null);
  });

  it('half of a surrogate pair becomes the replacement character', async () => {
    const { store } = bench();
    const { id } = await acceptOne(store, { subject: 'x\ud800y' });
    assert.equal((await store.get(id))!.subject, 'x\ufffdy');
  });

  it('the audit of a request is read in the order in which it was written, with its details', async () => {
    const { store } = bench();
    const { id } = await acceptOne(store);
    const detail = { count: 2, word: 'ü', none: null };
    await store.audit([
      line(id, 'one', { at: NOW + 2, detail }),
      line(id, 'two', { at: NOW + 1 }),
      line(null, 'other'),
    ]);
    const lines = await store.auditOf(id);
    assert.deepEqual(lines.slice(1), [line(id, 'one', { at: NOW + 2, detail }), line(id, 'two', { at: NOW + 1 })]);
  });

  it('no line of the audit can be changed or removed, not even with raw SQL', async () => {
    const { store, database, engine } = bench();
    const { id } = await acceptOne(store);
    const attempts = ["update audit set who = 'somebody'", 'delete from audit'];
    if (engine === 'SQLite') {
      attempts.push("insert or replace into audit (seq, at, tenant_id, who, what) values (1, 1, 't', 'w', 'x')");
    } else {
      attempts.push('truncate audit');
    }
    for (const attempt of attempts) await assert.rejects(database.run(attempt), /append-only/, attempt);
    assert.equal((await store.auditOf(id)).length, 1);
  });

  it('a fraction of a millisecond is rounded up, and what is no number is refused', async () => {
    const { store } = bench();
    const request = await inHand(store);
    const moved = await store.move(request.id, request.fence, change('queued', { nextAt: NOW + 0.2 }));
    assert.equal(moved!.nextAt, NOW + 1);
    await assert.rejects(store.closeGate('graph', Number.NaN));
    await assert.rejects(store.closeGate('graph', Number.POSITIVE_INFINITY));
  });
}
