/** Laws of forgetting: what was about a person is gone from everywhere, and nothing else is. Must not know how it is done. */
import assert from 'node:assert/strict';
import type { Row } from '../../../src/requests/many/rows.ts';
import type { Store } from '../../../src/requests/ports.ts';
import { verifyAudit } from '../../../src/requests/proof/verifying.ts';
import type { Person, Request } from '../../../src/requests/request.ts';
import { say } from '../../../src/requests/say.ts';
import { dump, files } from '../../support/dump.ts';
import { acceptOne, type Bench, call, change, claimOne, ended, line, MINUTE, NOW, WAYS } from './bench.ts';

const ANA = 'ana.silva@partner.example';
const ANA_ID = 'aaaa0000-1111-4222-8333-444455556666';
const NAME = 'Ana Sílva-Quint';
const ADMIN: Person = { id: 'user-9', name: 'Adam Admin', locale: 'en' };
/** Whatever would tell of her. */
const TRACES = [ANA, encodeURIComponent(ANA), 'ana.silva_partner', ANA_ID, NAME, 'Sílva', 'dearest', 'so secret'];
const never = new AbortController().signal;

const found = (text: string): readonly string[] =>
  TRACES.filter((one) => text.toLowerCase().includes(one.toLowerCase()));

const find = call('find', { method: 'GET', path: `/users?$filter=${encodeURIComponent(`mail eq '${ANA}'`)}` });
const user = {
  id: ANA_ID,
  displayName: NAME,
  mail: ANA.toUpperCase(),
  userPrincipalName: 'ana.silva_partner.example#EXT#@t.x',
};

/** What is kept about her, and beside it what only looks like it. */
async function fill(store: Store) {
  const hers = [];
  for (const n of [1, 2]) {
    hers.push(
      await ended(
        store,
        {
          subject: ANA,
          key: `press:a:x:1:u:guest ${ANA}:${n}`,
          input: { address: ANA, message: 'my dearest', reason: 'so secret' },
        },
        {
          outcome: { userId: ANA_ID, name: NAME, team: { name: 'Apollo' } },
          calls: [
            [find, { value: [user] }],
            [call('invite', { body: { invitedUserEmailAddress: ANA } }), { invitedUser: { id: ANA_ID } }],
          ],
        },
      ),
    );
  }
  await store.signal(hers[0]!.id, [{ key: `said:${ANA}`, body: { text: `${NAME} said so` } }], NOW);
  // Rings of hers, in which she goes by her object id and her name; and an invitation she was in copy of.
  const ring = await ended(
    store,
    {
      capability: 'callInvite',
      subject: 'meeting',
      input: {
        people: [
          { id: ANA_ID.toUpperCase(), name: NAME },
          { id: 'b', name: 'Bo' },
        ],
      },
    },
    { calls: [[call('ring', { path: `/calls/${ANA_ID}` }), { name: NAME }]], outcome: { [ANA_ID]: 'in' } },
  );
  const copied = await ended(store, {
    subject: 'bo@partner.example',
    input: { address: 'bo@partner.example', cc: ANA },
  });
  await store.audit([line(null, 'told', { detail: { whom: ANA } }), line(null, 'other', { detail: { whom: 'bo' } })]);
  // Whose address only contains hers, or is contained in it, and a namesake.
  const others = [];
  for (const address of [`di${ANA}`, `${ANA}.org`, 'ana@partner.example', 'silva@partner.example'])
    others.push(
      await ended(store, { subject: address, input: { address, displayName: `Namesake of ${address.length}` } }),
    );
  const row = (n: number, subject: string | null, content: unknown, why: string | null = null): Row => ({
    n,
    line: n + 2,
    verdict: subject === null ? 'unreadable' : 'ready',
    subject,
    content,
    why: why === null ? null : say('k', { text: why }),
  });
  const list = await ended(store, {
    capability: 'batch',
    subject: 'list.csv',
    input: { name: 'list.csv' },
    rows: [
      row(0, ANA, { address: ANA, displayName: NAME, message: 'my dearest', sendMail: true }),
      row(1, 'bo@partner.example', { address: 'bo@partner.example', cc: ANA }),
      row(2, null, { people: `${NAME} <${ANA}> so secret` }, ANA),
      row(3, `di${ANA}`, { address: `di${ANA}` }),
    ],
  });
  const asks = await acceptOne(store, {
    capability: 'forget',
    subject: ANA,
    input: { address: ANA, isConfirmed: true },
    requester: ADMIN,
  });
  return { hers, ring, copied, others, list, asks };
}

export function forgettingLaws(bench: () => Bench): void {
  it('what is counted is what is erased, and no table and no file holds a trace of it', async function () {
    this.timeout(20_000);
    const { store, database, engine } = bench();
    const { hers, ring, copied, others, list, asks } = await fill(store);
    assert.ok((await dump(database)).some((row) => found(row).length > 0));
    const { live, addresses, ...kept } = await store.keeping.kept('tenant-1', ANA, asks.id, WAYS);
    assert.deepEqual([live, addresses], [[], 1]);
    assert.deepEqual(kept, {
      ...{ requests: 2, mentions: 2, rows: 3, answers: 5, signals: 1, lines: 5 },
      deeds: { asked: 0, named: 0, isLookedUp: true },
    });
    const erased = await store.keeping.erase(asks, ADMIN, NOW, never, WAYS);
    assert.deepEqual(erased, { ...kept, isDone: true, waitsFor: [] });

    const left = (await dump(database)).filter(
      (row) => found(row.replaceAll(`di${ANA}`, '').replaceAll(`${ANA}.org`, '')).length > 0,
    );
    assert.deepEqual(left, []);
    // A page of the file may hold neighbours of hers.
    if (engine === 'SQLite')
      assert.deepEqual(
        found(
          Buffer.from(files(database), 'latin1')
            .toString('utf8')
            .replaceAll(`di${ANA}`, '')
            .replaceAll(`${ANA}.org`, ''),
        ),
        [],
      );
    for (const { id } of hers) {
      const now = (await store.get(id))!;
      assert.deepEqual(
        [now.state, now.subject, now.standing, now.input, now.outcome, now.erasedAt, now.requester.id],
        ['done', '', null, {}, null, NOW, 'user-1'],
      );
      assert.deepEqual(now.note, { key: 'request.erased', with: { name: 'Adam Admin', id: asks.id } });
      assert.equal(now.createdAt, NOW);
      assert.deepEqual(await store.answers(id), []);
      assert.deepEqual(
        (await store.auditOf(id)).map(({ who, what, detail }) => [who, what, detail]),
        [
          ['user-1', 'accepted', undefined],
          ['usher', 'done', undefined],
        ],
        'that something happened, when, and by whom asked',
      );
    }
    const rung = (await store.get(ring.id))!.input as { people: unknown };
    assert.deepEqual(rung.people, [
      { id: '(erased)', name: '(erased)' },
      { id: 'b', name: 'Bo' },
    ]);
    assert.deepEqual((await store.get(copied.id))!.input, { address: 'bo@partner.example', cc: '(erased)' });
    const page = await store.rows.page(list.id, -1, 9);
    assert.deepEqual(
      page.map(({ row }) => [row.subject, row.content, row.why?.with?.['text']]),
      [
        ['', { address: '', displayName: '', message: '', sendMail: true }, undefined],
        ['bo@partner.example', { address: 'bo@partner.example', cc: '(erased)' }, undefined],
        [null, { people: '' }, '(erased)'],
        [`di${ANA}`, { address: `di${ANA}` }, undefined],
      ],
    );
    for (const other of others) assert.deepEqual(await store.get(other.id), other);
    const verdict = await verifyAudit(store.keeping);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.equal(verdict.erased, 5);
  });

  it('every message of what was erased is to be edited, and nothing is posted that was not', async () => {
    const { store } = bench();
    const third = await ended(store, { subject: ANA, input: { address: ANA } });
    const { hers, copied, asks } = await fill(store);
    await store.messageShown(hers[0]!.id, 'a:conversation', 'posted', 2);
    await store.messageFailed(third.id, 'a:conversation', NOW + MINUTE);
    await store.keeping.erase(asks, ADMIN, NOW, never, WAYS);
    const due = await store.claimMessages(99, NOW + 2 * MINUTE, NOW + 3 * MINUTE);
    const shown = due.filter(({ request }) => request.erasedAt !== null);
    // The second is leased by whoever is posting it.
    const where = shown.map(({ request, message }) => [request.id, message.activityId]);
    assert.deepEqual(
      new Map(where as [string, string | null][]),
      new Map([
        [hers[0]!.id, 'posted'],
        [hers[1]!.id, null],
      ]),
    );
    assert.ok(due.some(({ request }) => request.id === copied.id));
  });

  it('asked for again it does nothing more, and tells the same', async () => {
    const { store } = bench();
    const { asks } = await fill(store);
    const first = await store.keeping.erase(asks, ADMIN, NOW, never, WAYS);
    const other = await bench().another();
    const late = (await other.get(asks.id))!;
    assert.deepEqual([late.input, late.subject], [{}, '']);
    assert.deepEqual(await other.keeping.erase(late, ADMIN, NOW + 1, never, WAYS), first);
    await acceptOne(store, { subject: ANA, input: { address: ANA } });
    assert.deepEqual(
      await other.keeping.erase(late, ADMIN, NOW + 1, never, WAYS),
      first,
      'what comes later is another matter',
    );
  });

  it('begun by an Usher that knew people by one address, it goes on with what that had learnt', async () => {
    const { store, database } = bench();
    const { asks } = await fill(store);
    const known = { traces: { address: ANA, ids: [ANA_ID], names: [NAME] }, until: NOW };
    const counts = { requests: 7, mentions: 0, rows: 0, answers: 0, signals: 0, lines: 0 };
    await database.run(
      `insert into chores (name, counts, known) values ('forget:${asks.id}', '${JSON.stringify(counts)}', '${JSON.stringify(known)}')`,
    );
    const erased = (await store.keeping.erase(asks, ADMIN, NOW, never, WAYS))!;
    assert.deepEqual([erased.isDone, erased.requests, erased.mentions], [true, 9, 2]);
    assert.deepEqual(
      (await dump(database)).filter(
        (row) => found(row.replaceAll(`di${ANA}`, '').replaceAll(`${ANA}.org`, '')).length > 0,
      ),
      [],
    );
  });

  it('ended in the middle and taken up by another process, it finishes with the counts of the whole', async function () {
    this.timeout(60_000);
    const { store, database } = bench();
    const many = Array.from({ length: 250 }, (_, n) => n);
    for (const n of many)
      await ended(store, { subject: ANA, input: { address: ANA, displayName: NAME } }, { at: NOW + n });
    await ended(store, { subject: 'x', input: { note: `${NAME} <${ANA}>` } });
    const asks = await acceptOne(store, {
      capability: 'forget',
      subject: ANA,
      input: { address: ANA },
      requester: ADMIN,
    });
    const { live, addresses: _one, ...kept } = await store.keeping.kept('tenant-1', ANA, asks.id, WAYS);
    assert.deepEqual([live.length, kept.requests, kept.mentions], [0, 250, 1]);
    let stops = 0;
    for (let n = 1; ; n++) {
      // Ends at the n-th look at the signal.
      let looks = 0;
      const signal = Object.defineProperty(new EventTarget(), 'aborted', { get: () => ++looks > n }) as AbortSignal;
      const worker = n % 2 ? store : await bench().another();
      const erasing = await worker.keeping.erase((await store.get(asks.id))!, ADMIN, NOW, signal, WAYS);
      if (erasing === null) {
        stops++;
        assert.ok((await verifyAudit(worker.keeping)).ok, 'whatever is gone by now is told of');
        continue;
      }
      assert.deepEqual(erasing, { ...kept, isDone: true, waitsFor: [] });
      break;
    }
    assert.ok(stops >= 3, `it was ended ${stops} times`);
    const left = (await dump(database)).filter((row) => found(row).length > 0);
    assert.deepEqual(left, []);
  });

  it('what is live is stopped; what somebody has in hand, or only mentions the person, is waited for', async () => {
    const { store, database } = bench();
    const waiting = await acceptOne(store, { subject: ANA, input: { address: ANA } });
    const { request: inHand } = await claimOne(store);
    assert.equal(inHand.id, waiting.id);
    const queued = await acceptOne(store, { subject: ANA, input: { address: ANA } });
    const call = await acceptOne(store, { capability: 'callInvite', subject: 'm', input: { people: [ANA] } });
    const asks = await acceptOne(store, {
      capability: 'forget',
      subject: ANA,
      input: { address: ANA },
      requester: ADMIN,
    });
    const kept = await store.keeping.kept('tenant-1', ANA, asks.id, WAYS);
    assert.deepEqual(kept.live.map(({ id }) => id).sort(), [waiting.id, queued.id].sort());
    const first = (await store.keeping.erase(asks, ADMIN, NOW, never, WAYS))!;
    assert.deepEqual([first.isDone, [...first.waitsFor].sort()], [false, [waiting.id, call.id].sort()]);
    const stopped = (await store.get(queued.id))!;
    assert.deepEqual([stopped.state, stopped.erasedAt], ['cancelled', NOW]);
    assert.equal((await store.auditOf(queued.id)).at(-1)!.who, ADMIN.id);
    assert.equal((await store.get(asks.id))!.subject, ANA, 'it is known until all is done');

    await store.move(inHand.id, inHand.fence, change('waiting', { nextAt: NOW + MINUTE }));
    await store.decide(call.id, 1, 'queued', change('cancelled'));
    const last = await store.keeping.erase(asks, ADMIN, NOW, never, WAYS);
    assert.deepEqual([last!.isDone, last!.requests, last!.mentions], [true, 2, 1]);
    assert.deepEqual(
      (await dump(database)).filter((row) => found(row).length > 0),
      [],
    );
  });

  it('what mentions the person and rests goes on without them, if it can say how', async () => {
    const { store, database } = bench();
    const copied = await acceptOne(store, { subject: 'bo@x.example', input: { address: 'bo@x.example', cc: ANA } });
    const ring = await acceptOne(store, { capability: 'callInvite', subject: 'm', input: { people: [ANA] } });
    const asks = await acceptOne(store, {
      capability: 'forget',
      subject: ANA,
      input: { address: ANA },
      requester: ADMIN,
    });
    const goesOn = (request: Request) => (request.capability === 'guest' ? { address: request.subject } : undefined);
    const erase = () => store.keeping.erase(asks, ADMIN, NOW, never, { ...WAYS, goesOn });
    assert.deepEqual([(await erase())!.waitsFor, (await erase())!.mentions], [[ring.id], 1]);
    const now = (await store.get(copied.id))!;
    assert.deepEqual([now.state, now.input, now.version], ['queued', { address: 'bo@x.example' }, 2]);
    await store.decide(ring.id, 1, 'queued', change('cancelled'));
    assert.equal((await erase())!.isDone, true);
    assert.deepEqual(
      (await dump(database)).filter((row) => found(row).length > 0),
      [],
    );
  });

  it('a list that only waits for its guests forgets a row at once; one that is sent is waited for', async () => {
    const { store, database } = bench();
    const row = (address: string, n: number): Row => ({
      n,
      line: n + 1,
      verdict: 'ready',
      subject: address,
      content: { address },
      why: null,
    });
    const list = await acceptOne(store, {
      capability: 'batch',
      subject: 'list.csv',
      input: { name: 'list.csv', asked: ANA },
      rows: ['bo@x.example', ANA, 'cy@x.example'].map(row),
    });
    const asks = await acceptOne(store, {
      capability: 'forget',
      subject: ANA,
      input: { address: ANA },
      requester: ADMIN,
    });
    const { request: inHand } = await claimOne(store);
    assert.equal(inHand.id, list.id);
    await store.rows.stage(list.id, [0, 1], 'sent');
    await store.rows.stage(list.id, [2], 'failed');
    const goesOn = ({ capability, outcome }: Request, without: (text: string) => string) =>
      capability === 'batch' && outcome !== null ? { name: 'list.csv', asked: without(ANA) } : undefined;
    const erase = () => store.keeping.erase(asks, ADMIN, NOW, never, { ...WAYS, goesOn });
    const waits = async () => [...new Set((await erase())!.waitsFor)];
    assert.deepEqual(await waits(), [list.id], 'somebody has it in hand');
    await store.move(list.id, inHand.fence, change('waiting', { nextAt: NOW + MINUTE }));
    assert.deepEqual(await waits(), [list.id], 'it cannot say how it would go on');
    assert.deepEqual((await store.rows.page(list.id, 0, 1))[0]?.row.content, { address: ANA });
    const { request: again } = (await store.claim(9, NOW + MINUTE, NOW + 2 * MINUTE)).find(
      ({ request }) => request.id === list.id,
    )!;
    await store.move(list.id, again.fence, change('waiting', { nextAt: NOW + MINUTE, outcome: { follow: 1 } }));
    const last = (await erase())!;
    assert.deepEqual([last.isDone, last.rows, last.mentions], [true, 1, 1]);
    const now = (await store.get(list.id))!;
    assert.deepEqual([now.state, now.input], ['waiting', { name: 'list.csv', asked: '(erased)' }]);
    assert.deepEqual(await store.rows.stages(list.id), { sent: 2, failed: 1 }, 'who was sent for stays counted');
    assert.deepEqual(
      (await dump(database)).filter((one) => found(one).length > 0),
      [],
    );
  });

  it('forgetting somebody of whom nothing is kept leaves no trace of the question', async () => {
    const { store, database } = bench();
    const asks = await acceptOne(store, {
      capability: 'forget',
      subject: ANA,
      input: { address: ANA },
      requester: ADMIN,
    });
    const erased = await store.keeping.erase(asks, ADMIN, NOW, never, WAYS);
    assert.deepEqual(erased, {
      requests: 0,
      mentions: 0,
      rows: 0,
      answers: 0,
      signals: 0,
      lines: 0,
      deeds: { asked: 0, named: 0, isLookedUp: true },
      isDone: true,
      waitsFor: [],
    });
    assert.deepEqual(
      (await dump(database)).filter((row) => found(row).length > 0),
      [],
    );
  });

  it('ten thousand requests are erased in pages, and whoever asks for something meanwhile waits for no more than two', async function () {
    this.timeout(180_000);
    const { store, database, engine } = bench();
    const one = await acceptOne(store, { subject: ANA, input: { address: ANA, displayName: NAME } });
    await store.move(one.id, (await claimOne(store)).request.fence, change('done', { standing: 'pending' }));
    // As a batch left them, past the store, which would take a minute.
    const series =
      engine === 'SQLite'
        ? 'with recursive series(n) as (select 1 union all select n + 1 from series where n < 9999)'
        : 'with series(n) as (select generate_series(1, 9999))';
    const columns =
      'capability, tenant_id, requester_id, requester, place, input, state, next_at, created_at, updated_at, standing';
    await database.run(
      `insert into requests (id, key, subject, ${columns})
        ${series} select 'x' || n, 'k' || n, case when n % 10 = 0 then 'other' || n else subject end, ${columns.replace(
          'input',
          `case when n % 10 = 0 then '{}' else input end`,
        )}
        from series, requests where requests.id = '${one.id}'`,
    );
    const asks = await acceptOne(store, {
      capability: 'forget',
      subject: ANA,
      input: { address: ANA },
      requester: ADMIN,
    });
    // At each look at the signal a page is about to be erased. Somebody asks for something then, unless they wait still.
    let pages = 0;
    const waited: number[] = [];
    const asked: Promise<void>[] = [];
    const ask = async () => {
      const at = pages;
      await acceptOne(store);
      waited.push(pages - at);
    };
    const signal = Object.defineProperty(new EventTarget(), 'aborted', {
      get() {
        pages++;
        if (pages <= 90 && waited.length === asked.length) asked.push(ask());
        return false;
      },
    }) as AbortSignal;
    const erased = await store.keeping.erase(asks, ADMIN, NOW, signal, WAYS);
    await Promise.all(asked);
    assert.deepEqual([erased!.isDone, erased!.requests], [true, 9_001]);
    assert.ok(asked.length >= 30, `${asked.length} were accepted meanwhile`);
    // A page is a hundred statements and more, an accept five: whoever waits for longer waits for a lock.
    const longest = Math.max(...waited);
    assert.ok(longest <= 2, `an accept waited for ${longest} pages`);
    assert.deepEqual(
      (await dump(database)).filter((row) => found(row).length > 0),
      [],
    );
  });
}
