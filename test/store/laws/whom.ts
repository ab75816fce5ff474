/**
 * Laws of whom forgetting is about: a guest under whatever address, nobody else, and of a colleague not what they did.
 * Must not know how it is done.
 */
import assert from 'node:assert/strict';
import { capabilities } from '../../../src/capabilities/index.ts';
import type { Row } from '../../../src/requests/many/rows.ts';
import type { Store } from '../../../src/requests/ports.ts';
import type { Ways } from '../../../src/requests/proof/keeping.ts';
import { verifyAudit } from '../../../src/requests/proof/verifying.ts';
import type { Person, Request } from '../../../src/requests/request.ts';
import { dump } from '../../support/dump.ts';
import { SETTINGS } from '../../support/settings.ts';
import { acceptOne, type Bench, call, change, claimOne, ended, line, MINUTE, NOW, WAYS } from './bench.ts';

const ANA_ID = 'aaaa0000-1111-4222-8333-444455556666';
const BO_ID = 'bbbb0000-1111-4222-8333-444455556666';
const DORAS = 'dora@contoso.example';
const DORA: Person = { id: 'dddd0000-1111-4222-8333-444455556666', name: 'Dora Doer', locale: 'en' };
const ADMIN: Person = { id: 'user-9', name: 'Adam Admin', locale: 'en' };
const never = new AbortController().signal;

/** A guest who was reset twice and whose stay goes on, with all that hangs on it: her requests, the live one first. */
async function resetTwice(store: Store): Promise<readonly Request[]> {
  const [old, mid, late] = ['ana@old.example', 'ana@mid.example', 'ana@new.example'] as const;
  const live = await acceptOne(store, {
    subject: old,
    input: { address: old, cc: 'cara@x.example', sponsor: 'user-1' },
  });
  const stay = {
    since: NOW,
    mailedAt: NOW,
    resetAt: NOW + 2,
    address: late,
    reminders: { times: 0, at: 0 },
    lookedAt: 0,
  };
  const outcome = { did: 'invited', standing: 'pending', mailed: true, userId: ANA_ID, name: 'Ana Quint', stay };
  const { request } = await claimOne(store);
  await store.move(live.id, request.fence, change('waiting', { outcome, subject: late, nextAt: NOW + 99 * MINUTE }));
  const account = { userId: ANA_ID, name: 'Ana Quint' };
  const reset = (address: string, to: string, mailedAt: number) =>
    ended(
      store,
      { capability: 'guestReset', subject: address, input: { address, to } },
      { outcome: { ...account, mailedAt }, standing: 'reset' },
    );
  const longer = await ended(store, { capability: 'guestExtend', subject: mid, input: { address: mid } });
  const again = await ended(
    store,
    { capability: 'guestResend', subject: old, input: { address: old } },
    { outcome: { userId: ANA_ID, mailedAt: NOW } },
  );
  const resets = [await reset(old, mid, NOW + 1), await reset(mid, late, NOW + 2)];
  const row = (n: number, subject: string): Row => ({
    n,
    line: n,
    verdict: 'ready',
    subject,
    content: { address: subject },
    why: null,
  });
  await ended(store, {
    capability: 'batch',
    subject: 'l.csv',
    input: {},
    rows: [row(1, late), row(2, mid), row(3, 'cara@x.example')],
  });
  return [(await store.get(live.id))!, longer, again, ...resets];
}

export function whomLaws(bench: () => Bench): void {
  for (const [by, asked] of [
    ['the first of', 'ana@old.example'],
    ['one in the midst of', 'ana@mid.example'],
    ['the last of', 'ana@new.example'],
  ] as const)
    it(`a guest with several addresses is forgotten by ${by} them, and nobody they had to do with`, async () => {
      const { store, database } = bench();
      const all = capabilities(SETTINGS);
      const ways: Ways = {
        ...WAYS,
        about: (one) => all.get(one.capability)?.about?.(one) ?? WAYS.about(one),
        goesOn: ({ capability, input, outcome }, without) => all.get(capability)?.without?.(input, without, outcome),
      };
      const theirs = await resetTwice(store);
      const bo = await ended(
        store,
        { subject: 'bo@x.example', input: { address: 'bo@x.example', cc: 'ana@mid.example', sponsor: 'user-1' } },
        { outcome: { userId: BO_ID, name: 'Bo' } },
      );
      const taken = { address: 'bo@x.example', to: 'ana@new.example' };
      const failed = await ended(store, { capability: 'guestReset', subject: taken.address, input: taken });
      const asks = await acceptOne(store, { capability: 'forget', subject: asked, input: { address: asked } });
      const { live, addresses } = await store.keeping.kept('tenant-1', asked, asks.id, ways);
      assert.deepEqual([addresses, live.map(({ id }) => id)], [3, [theirs[0]!.id]]);
      const erased = (await store.keeping.erase(asks, ADMIN, NOW, never, ways))!;
      assert.deepEqual([erased.isDone, erased.requests, erased.mentions, erased.rows], [true, theirs.length, 2, 2]);
      const left = await dump(database);
      for (const trace of ['ana@', 'ana%40', ANA_ID, 'Ana Quint'])
        assert.deepEqual(
          left.filter((row) => row.includes(trace)),
          [],
        );
      const now = await Promise.all([bo, failed].map(async ({ id }) => (await store.get(id))!));
      assert.deepEqual(
        now.map(({ subject, input, erasedAt }) => [subject, input, erasedAt]),
        [
          ['bo@x.example', { address: 'bo@x.example', cc: '(erased)', sponsor: 'user-1' }, null],
          ['bo@x.example', { address: 'bo@x.example', to: '(erased)' }, null],
        ],
      );
      assert.equal((await verifyAudit(store.keeping)).ok, true);
    });

  it('an address that somebody else was given since leads to them, and not to whoever left it', async () => {
    const { store, database } = bench();
    const all = capabilities(SETTINGS);
    const ways: Ways = { ...WAYS, about: (one) => all.get(one.capability)?.about?.(one) ?? WAYS.about(one) };
    const hers = await resetTwice(store);
    const his = await ended(
      store,
      { subject: 'ana@old.example', input: { address: 'ana@old.example' } },
      { outcome: { userId: BO_ID, name: 'Anatol' }, asked: NOW + MINUTE },
    );
    const asks = await acceptOne(store, {
      capability: 'forget',
      subject: 'ana@new.example',
      input: { address: 'ana@new.example' },
    });
    const kept = await store.keeping.kept('tenant-1', 'ana@new.example', asks.id, ways);
    assert.deepEqual([kept.addresses, kept.requests], [2, hers.length]);
    await store.keeping.erase(asks, ADMIN, NOW + 2 * MINUTE, never, ways);
    assert.deepEqual(await store.get(his.id), his);
    assert.deepEqual(
      (await dump(database)).filter((row) => /ana@new|ana@mid|Ana Quint/.test(row)),
      [],
    );
  });

  /** What a colleague did, and what others did with her. */
  async function deeds(store: Store): Promise<readonly Request[]> {
    const hers = [];
    for (const subject of ['b1@x.example', 'b2@x.example'])
      hers.push(await ended(store, { subject, requester: DORA, input: { address: subject, cc: DORAS } }));
    const answersFor = { userId: BO_ID, stay: { sponsor: { id: DORA.id, name: DORA.name } } };
    const guest = { subject: 'bo@x.example', input: { address: 'bo@x.example', cc: DORAS } };
    const others = [
      await ended(store, guest, { outcome: answersFor }),
      await ended(store, {
        capability: 'callInvite',
        subject: 'm',
        input: { people: [{ id: DORA.id, name: DORA.name }] },
      }),
    ];
    await store.audit([line(others[0]!.id, 'approved', { who: DORA.id, detail: { rule: 'r' } })]);
    return [...hers, ...others];
  }
  const STAYS = ['requester', 'outcome', 'subject', 'erasedAt'] as const;
  const whatStays = (request: Request | null) => STAYS.map((name) => request?.[name]);

  it('what a colleague did stays as proof of who did what, and it is told how much that is', async () => {
    const { store, database } = bench();
    const all = await deeds(store);
    const asks = await acceptOne(store, { capability: 'forget', subject: DORAS, input: { address: DORAS } });
    const ways = { ...WAYS, colleagues: async (address: string) => (address === DORAS ? [DORA.id.toUpperCase()] : []) };
    const { live, addresses, ...kept } = await store.keeping.kept('tenant-1', DORAS, asks.id, ways);
    assert.deepEqual([kept.requests, kept.mentions, kept.deeds], [0, 3, { asked: 2, named: 2, isLookedUp: true }]);
    const erased = (await store.keeping.erase(asks, ADMIN, NOW, never, ways))!;
    assert.deepEqual(erased, { ...kept, isDone: true, waitsFor: [] });
    for (const one of all) assert.deepEqual(whatStays(await store.get(one.id)), whatStays(one));
    assert.deepEqual((await store.get(all[3]!.id))!.input, all[3]!.input);
    const rows = await dump(database);
    assert.equal(rows.filter((row) => row.startsWith('audit ') && row.includes(DORA.id)).length, 3);
    assert.deepEqual(
      rows.filter((row) => row.includes(DORAS)),
      [],
    );
    assert.deepEqual(await store.keeping.erase((await store.get(asks.id))!, ADMIN, NOW, never, ways), erased);
  });

  it('also where the directory cannot be asked, and her account is known from what was asked about her', async () => {
    const { store, database } = bench();
    const all = await deeds(store);
    await ended(
      store,
      { subject: DORAS, input: { address: DORAS } },
      {
        outcome: { userId: DORA.id, name: DORA.name, did: 'found' },
        calls: [[call('find', { method: 'GET' }), { value: [{ id: DORA.id, mail: DORAS }] }]],
      },
    );
    const asks = await acceptOne(store, { capability: 'forget', subject: DORAS, input: { address: DORAS } });
    const ways = { ...WAYS, colleagues: async () => null };
    const erased = (await store.keeping.erase(asks, ADMIN, NOW, never, ways))!;
    assert.deepEqual(
      [erased.requests, erased.mentions, erased.deeds],
      [1, 3, { asked: 2, named: 2, isLookedUp: false }],
    );
    for (const one of all) assert.deepEqual(whatStays(await store.get(one.id)), whatStays(one));
    const lines = (await dump(database)).filter((row) => row.startsWith('audit ') && row.includes(DORA.id));
    assert.equal(lines.length, 3);
  });
}
