/** Laws of the messages that show requests. Must not know which engine runs them. */
import assert from 'node:assert/strict';
import type { Store } from '../../../src/requests/ports.ts';
import { chatWith } from '../../../src/requests/request.ts';
import type { Bench } from './bench.ts';
import { acceptOne, change, claimOne, drafts, inHand, MINUTE, NOW, PLACE } from './bench.ts';

const LATER = NOW + MINUTE;
const WHERE = PLACE.conversationId;

/** Claims messages after the lease of whoever accepted them. */
const claimLater = (store: Store, now = LATER) => store.claimMessages(9, now, now + MINUTE);

export function messageLaws(bench: () => Bench): void {
  it('a request that is silent has no message until somebody shows it', async () => {
    const { store } = bench();
    const request = await acceptOne(store, { silent: true });
    assert.deepEqual(await store.claimMessages(9, NOW + MINUTE, NOW + 2 * MINUTE), []);
    assert.equal(await store.nextMessageAt(NOW), null);
    assert.equal(await store.followAt(request.id, PLACE, 'shown-1', 0), null);
    const [found] = await store.claimMessages(9, NOW + MINUTE, NOW + 2 * MINUTE);
    assert.equal(found?.message.activityId, 'shown-1');
  });

  it('what is silent is told to nobody who asked for it, but to whoever is answerable instead', async () => {
    const { store } = bench();
    const { id, fence, requester } = await inHand(store, { silent: true });
    const asker = { place: chatWith(requester.id, PLACE, 'a'), audience: 'asker' } as const;
    const sponsor = { place: chatWith('user-2', PLACE, 'b'), audience: 'asker' } as const;
    const told = async () => (await claimLater(store)).map(({ message }) => message.place.conversationId);
    const rest = { nextAt: NOW, visible: true };
    await store.move(id, fence, change('waiting', { ...rest, shows: [asker] }));
    assert.deepEqual(await told(), []);
    const { request } = await claimOne(store);
    await store.move(id, request.fence, change('waiting', { ...rest, shows: [sponsor] }));
    assert.deepEqual(await told(), ['person:user-2#b']);
    assert.deepEqual(await told(), []);
  });

  it('what must be told always is told of what is silent, but not by a row whose list tells of it', async () => {
    const { store } = bench();
    const list = await inHand(store, { capability: 'batch', subject: 'guests.csv' });
    const told = async () =>
      (await claimLater(store)).flatMap(({ message: { place } }) =>
        place.conversationId.startsWith('person:') ? [place.conversationId] : [],
      );
    const tell = async (id: string, what: string): Promise<void> => {
      const { request } = await claimOne(store);
      assert.equal(request.id, id);
      const place = chatWith(request.requester.id, PLACE, what);
      const shows = [{ place, audience: 'asker', always: true }] as const;
      await store.move(id, request.fence, change('waiting', { nextAt: LATER * 2, visible: true, shows }));
    };
    const row = async (n: number, key: string): Promise<string> =>
      (await acceptOne(store, { key, subject: `p${n}@partner.example`, silent: true })).id;
    const chat = `person:${list.requester.id}`;
    await tell(await row(0, 'extend:r1'), 'alone');
    assert.deepEqual(await told(), [`${chat}#alone`]);
    await tell(await row(1, `row:${list.id}:0`), 'sending');
    assert.deepEqual(await told(), [`${chat}#sending`], 'the list tells of nobody before all have gone');
    await store.move(list.id, list.fence, change('waiting', { standing: 'sent', nextAt: NOW + 1 }));
    await tell(await row(2, `row:${list.id}:1`), 'sent');
    assert.deepEqual(await told(), [], 'the list tells of it');
    const [again] = await store.claim(9, NOW + 1, LATER);
    assert.equal(again?.request.id, list.id);
    await store.move(list.id, again.request.fence, change('done', { standing: 'sent' }));
    await tell(await row(3, `row:${list.id}:2`), 'over');
    assert.deepEqual(await told(), [`${chat}#over`], 'nobody else tells of it');
  });

  it('a message that was edited is left alone until its time, and then shows the last truth', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.messageShown(id, PLACE.conversationId, 'a-1', 1, NOW + 2_000);
    await store.move(id, fence, change('done', { visible: true }));
    assert.equal(await store.nextMessageAt(NOW), NOW + 2_000);
    assert.deepEqual(await store.claimMessages(9, NOW + 1_999, NOW + MINUTE), []);
    const [found] = await store.claimMessages(9, NOW + 2_000, NOW + MINUTE);
    assert.equal(found?.request.state, 'done');
  });

  it('a new request has a message, which is left to whoever accepted it until their lease ends', async () => {
    const { store } = bench();
    const request = await acceptOne(store);
    assert.equal(await store.nextMessageAt(NOW), LATER);
    assert.deepEqual(await store.claimMessages(9, LATER - 1, LATER), []);
    assert.deepEqual(await claimLater(store), [
      {
        message: {
          requestId: request.id,
          place: PLACE,
          audience: 'asker',
          activityId: null,
          shownVersion: 0,
          tries: 1,
        },
        request,
      },
    ]);
    assert.deepEqual(await claimLater(store), [], 'it is leased now');
    assert.equal(await store.nextMessageAt(NOW), LATER + MINUTE);
  });

  it('a form already on screen is known by its activity, and is behind until it shows the request', async () => {
    const { store } = bench();
    const { id } = await acceptOne(store, { activityId: 'form-1' });
    const [found] = await claimLater(store);
    assert.deepEqual([found!.message.activityId, found!.message.shownVersion], ['form-1', 0]);
    assert.equal(await store.messageShown(id, WHERE, 'form-1', 1), false);
    assert.deepEqual(await claimLater(store, NOW + 9 * MINUTE), []);
    assert.equal(await store.nextMessageAt(NOW), null);
  });

  it('among many racing tellers each message goes to one', async () => {
    const stores = await Promise.all([bench().store, bench().another(), bench().another()]);
    await stores[0]!.accept(drafts(120), NOW, NOW);
    const taken: string[] = [];
    const work = async (store: Store) => {
      for (;;) {
        const found = await store.claimMessages(5, NOW, LATER);
        if (found.length === 0) return;
        taken.push(...found.map(({ message }) => message.requestId));
      }
    };
    await Promise.all([...stores, ...stores].map(work));
    assert.equal(taken.length, 120);
    assert.equal(new Set(taken).size, 120);
  });

  it('a shown message is due again after a visible change, and only after a visible one', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    assert.equal(await store.messageShown(id, WHERE, 'm1', 1), false);
    await store.move(id, fence, change('sending', { leaseUntil: LATER, attempts: 1 }));
    assert.equal(await store.nextMessageAt(NOW), null);
    await store.move(id, fence, change('done', { visible: true }));
    const [found] = await store.claimMessages(9, NOW, LATER);
    assert.deepEqual(found!.message, {
      requestId: id,
      place: PLACE,
      audience: 'asker',
      activityId: 'm1',
      shownVersion: 1,
      tries: 1,
    });
    assert.equal(found!.request.state, 'done');
  });

  it('a request that moved on while its message was being shown is due at once', async () => {
    const { store } = bench();
    const { id, version } = await acceptOne(store);
    const { request } = await claimOne(store);
    await store.move(id, request.fence, change('done', { visible: true }));
    assert.equal(await store.messageShown(id, WHERE, 'm1', version), true);
    const [found] = await store.claimMessages(9, NOW, LATER);
    assert.deepEqual([found!.message.activityId, found!.request.version], ['m1', version + 1]);
    assert.equal(await store.messageShown(id, WHERE, 'm1', version + 1), false);
  });

  it('a report that comes late does not take a newer one back', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.move(id, fence, change('done', { visible: true }));
    await store.messageShown(id, WHERE, 'm1', 2);
    await store.messageShown(id, WHERE, 'm1', 1);
    assert.equal(await store.nextMessageAt(NOW), null);
  });

  it('a message that could not be shown is tried again at its time, and its tries are counted', async () => {
    const { store } = bench();
    const { id } = await acceptOne(store);
    await claimLater(store);
    await store.messageFailed(id, WHERE, NOW + 5 * MINUTE);
    assert.equal(await store.nextMessageAt(NOW), NOW + 5 * MINUTE);
    assert.deepEqual(await claimLater(store, NOW + 5 * MINUTE - 1), []);
    const [found] = await claimLater(store, NOW + 5 * MINUTE);
    assert.equal(found!.message.tries, 2);
    await store.messageShown(id, WHERE, 'm1', 1);
    const { request } = await claimOne(store);
    await store.move(id, request.fence, change('done', { visible: true }));
    assert.equal((await store.claimMessages(9, NOW, LATER))[0]!.message.tries, 1, 'shown: counted anew');
  });

  it('a message given up is never claimed again, whatever its request does', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.messageFailed(id, WHERE, null);
    await store.move(id, fence, change('done', { visible: true }));
    assert.equal(await store.nextMessageAt(NOW), null);
    assert.deepEqual(await claimLater(store, NOW + 99 * MINUTE), []);
  });

  it('a teller that died leaves its message to others when its lease ends', async () => {
    const { store } = bench();
    await acceptOne(store);
    await claimLater(store);
    const again = await claimLater(await bench().another(), LATER + MINUTE);
    assert.deepEqual(
      again.map(({ message }) => message.tries),
      [2],
    );
  });

  it('a report about no known message is let pass', async () => {
    const { store } = bench();
    assert.equal(await store.messageShown('nobody', WHERE, 'm1', 1), false);
    await store.messageFailed('nobody', WHERE, null);
  });

  it('a message shown further down takes over, and the one before is named', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.messageShown(id, WHERE, 'm1', 1);
    assert.equal(await store.followAt(id, PLACE, 'm2', 1), 'm1');
    assert.deepEqual(await claimLater(store), [], 'it shows the newest version already');
    await store.move(id, fence, change('done', { visible: true }));
    const [found, ...others] = await claimLater(store);
    assert.equal(found!.message.activityId, 'm2');
    assert.deepEqual(others, []);
  });

  it('a message in another conversation is kept up to date as well', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.messageShown(id, WHERE, 'm1', 1);
    assert.equal(await store.followAt(id, { ...PLACE, conversationId: 'elsewhere' }, 'm2', 1), null);
    await store.move(id, fence, change('done', { visible: true }));
    assert.deepEqual((await claimLater(store)).map(({ message }) => message.activityId).sort(), ['m1', 'm2']);
  });

  it('a message that was put up with an older version is behind at once', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.messageShown(id, WHERE, 'm1', 1);
    await store.move(id, fence, change('done', { visible: true }));
    await store.followAt(id, PLACE, 'm2', 1);
    assert.equal((await claimLater(store))[0]!.message.activityId, 'm2');
  });

  const elsewhere = (conversationId: string) => ({ ...PLACE, kind: 'personal' as const, conversationId });

  it('a request is shown elsewhere too, from a moment on, to those whom it is for, once per place', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    const shows = [
      { place: elsewhere('person:axel'), audience: 'approvers' as const },
      { place: elsewhere('person:axel'), audience: 'approvers' as const },
      { place: elsewhere('person:ada'), audience: 'approvers' as const, at: LATER + MINUTE },
    ];
    await store.move(id, fence, change('awaiting approval', { visible: true, shows, nextAt: LATER + 9 * MINUTE }));
    const whom = (found: Awaited<ReturnType<typeof claimLater>>) =>
      found.map(({ message }) => [message.place.conversationId, message.audience]).sort();
    assert.deepEqual(
      whom(await claimLater(store)),
      [
        [WHERE, 'asker'],
        ['person:axel', 'approvers'],
      ].sort(),
    );
    assert.ok(whom(await claimLater(store, LATER + MINUTE)).some(([where]) => where === 'person:ada'));
  });

  it('what was not posted yet is not posted any more once it is not wanted; what was, is kept up to date', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    const shows = ['person:axel', 'person:ada'].map((where, n) => ({
      place: elsewhere(where),
      audience: 'approvers' as const,
      at: n === 0 ? 0 : LATER + 5 * MINUTE,
    }));
    const asked = await store.move(
      id,
      fence,
      change('awaiting approval', { visible: true, shows, nextAt: LATER + 9 * MINUTE }),
    );
    await claimLater(store);
    await store.messageShown(id, 'person:axel', 'm9', asked!.version);
    await store.decide(
      id,
      asked!.version,
      'awaiting approval',
      change('declined', { visible: true, hides: 'approvers' }),
    );
    const left = await claimLater(store, LATER + 9 * MINUTE);
    assert.deepEqual(
      left.map(({ message }) => message.place.conversationId).filter((where) => where.startsWith('person:')),
      ['person:axel'],
    );
  });

  it('a request without a card of its own is shown elsewhere to those who approve, and not to whoever asked', async () => {
    const { store } = bench();
    await acceptOne(store, { silent: true });
    const { request } = await claimOne(store);
    const shows = [
      { place: elsewhere(`person:${request.requester.id}`), audience: 'asker' as const },
      { place: elsewhere('person:axel'), audience: 'approvers' as const },
    ];
    await store.move(request.id, request.fence, change('awaiting approval', { visible: true, shows, nextAt: LATER }));
    assert.deepEqual(
      (await claimLater(store)).map(({ message }) => message.place.conversationId),
      ['person:axel'],
    );
  });
}
