/** Laws of signals: what is heard from outside is kept once, in order, and nobody rests who has not heard it. */
import assert from 'node:assert/strict';
import type { Request } from '../../../src/requests/request.ts';
import type { Bench } from './bench.ts';
import { acceptOne, change, claimOne, inHand, MINUTE, NOW, PLACE } from './bench.ts';

const LATER = NOW + MINUTE;
const said = (key: string, body: Record<string, unknown> = {}) => ({ key, body });

export function signalLaws(bench: () => Bench): void {
  it('what is heard is kept with its request in order, and the same again is nothing new', async () => {
    const { store } = bench();
    const { id } = await acceptOne(store);
    assert.equal(await store.signal(id, [said('b', { n: 1 })], NOW), true);
    assert.equal(await store.signal(id, [said('a'), said('b', { n: 1 })], NOW + 1), true);
    for (let n = 0; n < 10; n++) assert.equal(await store.signal(id, [said('b', { n: 1 })], NOW + 2), false);
    const { signals, request } = await claimOne(store);
    assert.deepEqual(signals, [
      { key: 'b', body: { n: 1 }, at: NOW },
      { key: 'a', body: {}, at: NOW + 1 },
    ]);
    assert.equal(request.signals, 2);
  });

  it('the same key with another word takes its place', async () => {
    const { store } = bench();
    const { id } = await acceptOne(store);
    await store.signal(id, [said('roster', { digest: 'x' })], NOW);
    assert.equal(await store.signal(id, [said('roster', { digest: 'y' })], NOW + 5), true);
    assert.deepEqual((await claimOne(store)).signals, [{ key: 'roster', body: { digest: 'y' }, at: NOW + 5 }]);
  });

  it('a request that rests goes on at once, of whatever process it is', async () => {
    const { store } = bench();
    const other = await bench().another();
    for (const state of ['queued', 'waiting'] as const) {
      const { id, fence } = await inHand(store);
      await store.move(id, fence, change(state, { nextAt: LATER }));
      await other.signal(id, [said('x')], NOW + 1);
      const claim = await claimOne(store, NOW + 1);
      assert.equal(claim.request.id, id);
      await store.move(id, claim.request.fence, change('done'));
    }
  });

  it('one that is heard of while it is being sent does not rest before it has heard', async () => {
    const { store } = bench();
    const { id, fence, signals } = await inHand(store);
    await store.signal(id, [said('x')], NOW + 1);
    await store.move(id, fence, change('waiting', { nextAt: LATER, signals, at: NOW + 2 }));
    const again = await claimOne(store, NOW + 2);
    assert.deepEqual(
      again.signals.map(({ key }) => key),
      ['x'],
    );
    await store.move(id, again.request.fence, change('waiting', { nextAt: LATER, signals: again.request.signals }));
    assert.deepEqual(await store.claim(9, LATER - 1, LATER), []);
  });

  it('one that is heard of while it ends goes on instead', async () => {
    const { store } = bench();
    const { id, fence, signals } = await inHand(store);
    await store.signal(id, [said('ring')], NOW + 1);
    const ended = change('done', { nextAt: NOW + 2, signals, at: NOW + 2 });
    assert.equal((await store.move(id, fence, ended))?.state, 'queued');
    const again = await claimOne(store, NOW + 2);
    assert.equal(again.request.id, id);
    const last = { ...ended, signals: again.request.signals };
    assert.equal((await store.move(id, again.request.fence, last))?.state, 'done');
  });

  it('nothing is kept of a request that is not there, and one that has ended stays ended', async () => {
    const { store } = bench();
    assert.equal(await store.signal('nobody', [said('x')], NOW), false);
    const { id, fence } = await inHand(store);
    assert.equal(await store.signal(id, [], NOW), false);
    await store.move(id, fence, change('done'));
    assert.equal(await store.signal(id, [said('x')], NOW), true);
    assert.equal((await store.get(id))!.state, 'done');
    assert.deepEqual(await store.claim(9, LATER, LATER), []);
  });

  it('a change wakes the requests it names, also those that are about to rest, and no others', async () => {
    const { store } = bench();
    const subject = 'chat';
    const rests = await inHand(store, { subject, capability: 'callInvite' });
    await store.move(rests.id, rests.fence, change('waiting', { nextAt: LATER }));
    const stranger = await inHand(store, {
      subject,
      capability: 'callInvite',
      place: { ...PLACE, tenantId: 'tenant-2' },
    });
    await store.move(stranger.id, stranger.fence, change('waiting', { nextAt: LATER }));
    const works = await inHand(store, { subject, capability: 'callStart' });
    const keeper = await inHand(store, { subject, capability: 'callJoin' });
    const wakes = ['callInvite', 'callStart'].map((capability) => ({ capability, subject }));
    await store.move(keeper.id, keeper.fence, change('waiting', { nextAt: LATER, wakes }));
    await store.move(works.id, works.fence, change('waiting', { nextAt: LATER, signals: works.signals }));
    const woken = await store.claim(9, NOW, LATER);
    assert.deepEqual(woken.map(({ request }) => request.id).sort(), [rests.id, works.id].sort());
  });

  it('a change that wakes a request may say why: it is heard once, and whoever works just then hears it before it rests', async () => {
    const { store } = bench();
    const subject = 'chat';
    const rests = await inHand(store, { subject, capability: 'callJoin' });
    await store.move(rests.id, rests.fence, change('waiting', { nextAt: LATER }));
    const ring = await inHand(store, { subject, capability: 'callInvite' });
    const gone = (n: number) => [{ capability: 'callJoin', subject, says: said('look:gone', { n }) }];
    await store.move(ring.id, ring.fence, change('sending', { wakes: gone(1), leaseUntil: LATER }));
    const first = await claimOne(store);
    assert.equal(first.request.id, rests.id);
    assert.deepEqual(first.signals, [{ key: 'look:gone', body: { n: 1 }, at: NOW }]);
    await store.move(ring.id, ring.fence, change('sending', { wakes: gone(2), leaseUntil: LATER, at: NOW + 1 }));
    const { fence, signals } = first.request;
    await store.move(rests.id, fence, change('waiting', { nextAt: LATER, signals, at: NOW + 2 }));
    const again = await claimOne(store, NOW + 2);
    assert.deepEqual(again.signals, [{ key: 'look:gone', body: { n: 2 }, at: NOW + 1 }]);
  });

  it('nothing is said to who has ended, nor by who no longer owns the request', async () => {
    const { store } = bench();
    const subject = 'chat';
    const ended = await inHand(store, { subject, capability: 'callJoin' });
    await store.move(ended.id, ended.fence, change('done'));
    const ring = await inHand(store, { subject, capability: 'callInvite' });
    const wakes = [{ capability: 'callJoin', subject, says: said('look:gone') }];
    await store.move(ring.id, ring.fence, change('sending', { wakes, leaseUntil: LATER }));
    assert.equal((await store.get(ended.id))!.signals, 0);
    const lives = await inHand(store, { subject, capability: 'callJoin' });
    assert.equal(await store.move(ring.id, ring.fence - 1, change('done', { wakes })), null);
    assert.equal((await store.get(lives.id))!.signals, 0);
  });

  it('a change does not wake the request it changes', async () => {
    const { store } = bench();
    const subject = 'chat';
    const ring = await inHand(store, { subject, capability: 'callInvite' });
    const wakes = [{ capability: 'callInvite', subject, says: said('look') }];
    await store.move(ring.id, ring.fence, change('waiting', { wakes, nextAt: LATER, signals: ring.signals }));
    assert.deepEqual(await store.claim(9, LATER - 1, LATER), []);
    assert.equal((await claimOne(store, LATER)).request.signals, 0);
  });

  it('two that wake each other at the same moment do not wait for each other for ever', async () => {
    const { store } = bench();
    const other = await bench().another();
    const subject = 'chat';
    const ring = await inHand(store, { subject, capability: 'callInvite' });
    const keeper = await inHand(store, { subject, capability: 'callJoin' });
    const step = (by: Request, capability: string, n: number) => {
      const wakes = [{ capability, subject, says: said('look', { n }) }];
      return (by === ring ? store : other).move(by.id, by.fence, change('sending', { wakes, leaseUntil: LATER }));
    };
    for (let n = 0; n < 20; n++) {
      const moved = await Promise.all([step(ring, 'callJoin', n), step(keeper, 'callInvite', n)]);
      assert.ok(moved.every((one) => one !== null));
    }
    assert.equal((await store.get(ring.id))!.signals, 20);
    assert.equal((await store.get(keeper.id))!.signals, 20);
  });

  it('of two who speak at the same moment both are heard', async () => {
    const stores = [bench().store, await bench().another()];
    const { id, fence, signals } = await inHand(stores[0]!);
    await Promise.all([
      ...Array.from({ length: 20 }, (_, n) => stores[n % 2]!.signal(id, [said(`s${n}`)], NOW)),
      stores[0]!.move(id, fence, change('waiting', { nextAt: LATER, signals })),
    ]);
    const claim = await claimOne(stores[1]!, NOW);
    assert.equal(claim.signals.length, 20);
  });
}
