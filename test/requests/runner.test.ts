/** The runner over a real store, with the clock as data: what is sent, when, and how a request ends. */
import assert from 'node:assert/strict';
import { openStore } from '../../src/store/db.ts';
import { engines, type TestDatabase } from '../support/db.ts';
import { fails, invited, nobody, ok, pending, Spine } from '../support/spine.ts';

describe('the runner', () => {
  let database: TestDatabase;
  let spine: Spine;
  const names = (): string[] => spine.sent.map((call) => call.name);

  beforeEach(async () => {
    const [sqlite] = await engines();
    database = await (sqlite as NonNullable<typeof sqlite>).open();
    spine = new Spine(await openStore(database.url));
  });
  afterEach(async () => {
    await spine.store.close();
    await database.drop();
    assert.deepEqual(spine.errors, []);
  });

  it('commits a call that changes something before it leaves, and its answer with what follows', async () => {
    const { id } = await spine.invite();
    spine.answers(nobody, async () => {
      const answers = await spine.store.answers(id);
      assert.deepEqual(
        answers.map(({ call, reply }) => [call.name, reply?.ok ?? 'not heard']),
        [
          ['find', true],
          ['invite', 'not heard'],
        ],
      );
      return invited;
    });
    const request = await spine.end(id);
    assert.equal(request.state, 'waiting');
    assert.deepEqual(
      (await spine.store.auditOf(id)).map(({ what }) => what),
      ['accepted', 'allowed', 'call sent', 'call answered'],
    );
  });

  it('looks before it repeats when an answer is lost, and gives the directory time first', async () => {
    const { id } = await spine.invite();
    spine.answers(nobody, fails('down'), pending);
    await spine.runDue();
    const lostAt = spine.now;
    const request = await spine.end(id);
    assert.deepEqual(names(), ['find', 'invite', 'find']);
    assert.ok(spine.now - lostAt >= 20_000, 'the directory had 20 s');
    assert.equal(request.state, 'waiting');
  });

  it('a look-up that finds nobody lets the invitation be sent again', async () => {
    const { id } = await spine.invite();
    spine.answers(nobody, fails('down'), nobody, invited);
    assert.equal((await spine.end(id)).state, 'waiting');
    assert.deepEqual(names(), ['find', 'invite', 'find', 'invite']);
  });

  it('ends unsure when the answer stays lost, and "it arrived" ends it well', async () => {
    const { id, place, requester } = await spine.invite();
    spine.answers(nobody, fails('down'), nobody, fails('down'), nobody, fails('down'));
    assert.equal((await spine.end(id)).state, 'unsure');
    const chosen = await spine.desk.choose(id, { kind: 'arrived' }, requester, place);
    assert.ok(chosen.ok);
    const request = await spine.end(id);
    assert.deepEqual([request.state, names().length], ['waiting', 6]);
  });

  it('"send again" looks once more and then sends', async () => {
    const { id, place, requester } = await spine.invite();
    spine.answers(nobody, fails('down'), nobody, fails('down'), nobody, fails('down'));
    await spine.end(id);
    spine.answers(nobody, invited);
    assert.ok((await spine.desk.choose(id, { kind: 'again' }, requester, place)).ok);
    assert.equal((await spine.end(id)).state, 'waiting');
  });

  it('"send again" to a pending guest finds what arrived after all, and sends nothing', async () => {
    const { id, place, requester } = await spine.invite();
    spine.answers(nobody, fails('down'), nobody, fails('down'), nobody, fails('down'));
    await spine.end(id);
    spine.answers(pending);
    assert.ok((await spine.desk.choose(id, { kind: 'again' }, requester, place)).ok);
    assert.equal((await spine.end(id)).state, 'waiting');
    assert.equal(names().filter((name) => name === 'invite').length, 3);
  });

  it('a second mail whose answer is lost is never repeated by itself', async () => {
    const before = await spine.invite();
    spine.answers(pending);
    assert.equal((await spine.end(before.id)).state, 'waiting');
    const { id } = await spine.invite({ people: 'ana@partner.example' }, { capability: 'guestResend' });
    spine.answers(pending, fails('down'));
    assert.equal((await spine.end(id)).state, 'unsure');
    assert.deepEqual(names(), ['find', 'find', 'invite']);
  });

  it('a remote that asks for patience holds everybody until then, and the call is sent as it was', async () => {
    const first = await spine.invite();
    const second = await spine.invite({ people: 'bo@partner.example' });
    spine.answers(fails('busy', 40_000));
    const start = spine.now;
    const [claim] = await spine.store.claim(1, spine.now, spine.now + 60_000);
    assert.equal(claim?.request.id, first.id);
    await spine.store.closeGate('graph', start + 40_000);
    assert.equal(await spine.store.nextRequestAt(start), start + 40_000);
    assert.deepEqual(await spine.store.claim(5, start + 39_999, start + 60_000), [], `${second.id} waits as well`);
  });

  it('a remote that asks for patience proves that nothing was done: the first loss afterwards is looked into', async () => {
    const { id } = await spine.invite();
    spine.answers(...Array.from({ length: 12 }, () => fails('busy')), nobody, fails('down'), nobody, invited);
    for (let turns = 0; turns < 16; turns++) {
      await spine.runDue();
      spine.now += 120_000;
    }
    const ended = await spine.store.get(id);
    assert.deepEqual([ended?.state, ended?.standing], ['waiting', 'pending']);
  });

  it('what is sent again after nobody knew is looked for first', async () => {
    const { id } = await spine.invite();
    // The invitation is lost until nobody tries any more, and a person says to send it again.
    for (let turns = 0; turns < 12; turns++) {
      spine.answers(nobody, fails('down'));
      await spine.runDue();
      spine.now += 120_000;
    }
    const unsure = await spine.store.get(id);
    assert.equal(unsure?.state, 'unsure');
    assert.equal(unsure?.lost.at(-1)?.call.name, 'invite');
  });

  it('says on the card that it was slowed down, and goes on by itself', async () => {
    const { id } = await spine.invite();
    spine.answers(fails('busy', 40_000), nobody, invited);
    await spine.runDue();
    const waiting = await spine.store.get(id);
    assert.deepEqual(
      [waiting?.state, waiting?.note],
      ['queued', { key: 'request.note.slowed', with: { seconds: 40, since: spine.now, times: 0 } }],
    );
    assert.equal(waiting?.nextAt, spine.now + 40_000);
    assert.equal((await spine.end(id)).state, 'waiting');
  });

  it('a throttled call that changes something is not taken for one that was sent', async () => {
    const { id } = await spine.invite();
    spine.answers(nobody, fails('busy', 1000), invited);
    assert.equal((await spine.end(id)).state, 'waiting');
    assert.deepEqual(names(), ['find', 'invite', 'invite']);
  });

  it('a remote that throttles for a day ends the request with a sentence', async () => {
    const { id } = await spine.invite();
    spine.answers(...Array.from({ length: 60 }, () => fails('busy', 3600_000)));
    const request = await spine.end(id);
    assert.deepEqual([request.state, request.problem?.say.key], ['failed', 'problem.busyForLong']);
  });

  it('a look-up that never answers ends failed, and retry begins again', async () => {
    const { id, place, requester } = await spine.invite();
    spine.answers(fails('down'), fails('down'), fails('down'));
    assert.deepEqual([(await spine.end(id)).state, names().length], ['failed', 3]);
    spine.answers(nobody, invited);
    assert.ok((await spine.desk.choose(id, { kind: 'retry' }, requester, place)).ok);
    assert.equal((await spine.end(id)).state, 'waiting');
  });

  it('a bug in a step ends the request instead of repeating it for ever', async () => {
    const { id } = await spine.invite();
    spine.answers();
    const request = await spine.end(id);
    assert.deepEqual([request.state, request.problem?.kind, spine.errors.length], ['failed', 'bug', 1]);
    spine.errors.length = 0;
  });

  it('a store that fails for a moment costs the request nothing: the next claim looks and goes on', async () => {
    const { id } = await spine.invite();
    const { move } = spine.store;
    let fails = 1;
    Object.assign(spine.store, {
      move: (...args: Parameters<typeof move>) =>
        fails-- > 0 ? Promise.reject(new Error('gone away')) : move(...args),
    });
    spine.answers(nobody, nobody, invited);
    await spine.runDue();
    assert.equal((await spine.store.get(id))?.state, 'sending');
    assert.deepEqual(
      spine.errors.map((error) => (error as { event: string }).event),
      ['store.failed'],
    );
    spine.errors.length = 0;
    assert.equal((await spine.end(id)).state, 'waiting');
    assert.deepEqual(names(), ['find', 'find', 'invite']);
  });

  it('a question nobody answers is withdrawn with a sentence', async () => {
    const zenith = (n: number) => ({
      id: `z${n}`,
      displayName: 'Zenith',
      description: `no. ${n}`,
      resourceProvisioningOptions: ['Team'],
    });
    const { id } = await spine.invite({ people: 'ana@partner.example', team: 'Zenith' });
    spine.answers(nobody, ok({ value: [zenith(1), zenith(2)] }));
    await spine.runDue();
    const asked = await spine.store.get(id);
    assert.deepEqual([asked?.state, asked?.question?.options.length], ['waiting', 2]);
    await spine.runNext();
    const request = await spine.store.get(id);
    assert.deepEqual([request?.state, request?.problem?.say.key], ['cancelled', 'problem.questionExpired']);
    assert.equal(names().includes('invite'), false);
  });

  it('an answered question goes on where it stopped, with the choice', async () => {
    const zenith = (n: number) => ({
      id: `z${n}`,
      displayName: 'Zenith',
      description: `no. ${n}`,
      resourceProvisioningOptions: ['Team'],
    });
    const { id, place, requester } = await spine.invite({ people: 'ana@partner.example', team: 'Zenith' });
    spine.answers(nobody, ok({ value: [zenith(1), zenith(2)] }));
    await spine.runDue();
    assert.equal(
      (await spine.desk.choose(id, { kind: 'answer', value: 'team:evil:Boss' }, requester, place)).ok,
      false,
      'not one of the options',
    );
    spine.answers(invited, ok());
    assert.ok((await spine.desk.choose(id, { kind: 'answer', value: 'team:z2:Zenith' }, requester, place)).ok);
    assert.equal((await spine.end(id)).state, 'waiting');
    assert.equal(spine.sent.at(-1)?.path, '/teams/z2/members');
  });
});
