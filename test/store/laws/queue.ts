/** Laws of the queue: leases, fences, gates, answers, choices. Must not know which engine runs them. */
import assert from 'node:assert/strict';
import type { Reply } from '../../../src/requests/capability.ts';
import type { Change, Store } from '../../../src/requests/ports.ts';
import { problem } from '../../../src/requests/problem.ts';
import { MOVES, REQUEST_STATES } from '../../../src/requests/request.ts';
import { say } from '../../../src/requests/say.ts';
import type { Bench } from './bench.ts';
import { acceptOne, call, change, claimOne, draft, drafts, inHand, line, MINUTE, NOW, PLACE } from './bench.ts';

const LATER = NOW + MINUTE;
const good: Reply = { ok: true, body: { id: 'x' } };
const bad: Reply = { ok: false, problem: problem('clash', 'problem.x') };

function heard(n: number, reply: Reply): NonNullable<Change['heard']> {
  return { n, call: call(`call ${n}`), sentAt: NOW, reply };
}

async function numbers(store: Store, id: string): Promise<number[]> {
  return (await store.answers(id)).map((answer) => answer.n);
}

export function queueLaws(bench: () => Bench): void {
  it('a claim makes a request sending with the next fence, and no visible change', async () => {
    const { store } = bench();
    const accepted = await acceptOne(store);
    const [claim, ...others] = await store.claim(5, NOW + 1, LATER);
    assert.deepEqual(others, []);
    assert.deepEqual(claim, {
      request: { ...accepted, state: 'sending', fence: 1, updatedAt: NOW + 1 },
      answers: [],
      earlier: null,
      signals: [],
    });
    assert.deepEqual(await store.claim(5, NOW + 2, LATER), []);
  });

  it('among many racing workers each request goes to one', async () => {
    const stores = await Promise.all([bench().store, bench().another(), bench().another(), bench().another()]);
    await stores[0]!.accept(drafts(200), NOW, NOW);
    const taken: string[] = [];
    const work = async (store: Store) => {
      for (;;) {
        const claims = await store.claim(7, NOW, LATER);
        if (claims.length === 0) return;
        assert.ok(claims.length <= 7);
        taken.push(...claims.map((claim) => claim.request.id));
      }
    };
    // A worker that finds the rest locked by others goes home: whoever holds them has them.
    await Promise.all([...stores, ...stores].map(work));
    assert.equal(taken.length, 200);
    assert.equal(new Set(taken).size, 200);
  });

  it('the one that fell due first is claimed first, and none before its time', async () => {
    const { store } = bench();
    const ids: string[] = [];
    for (const due of [NOW + 30, NOW + 10, NOW + 20]) {
      const [accepted] = await store.accept([draft()], due, due);
      ids.push(accepted!.request.id);
    }
    assert.equal(await store.nextRequestAt(NOW), NOW + 10);
    assert.deepEqual(await store.claim(9, NOW + 9, LATER), []);
    const claimed = [...(await store.claim(1, NOW + 40, LATER)), ...(await store.claim(2, NOW + 40, LATER))];
    assert.deepEqual(
      claimed.map((claim) => claim.request.id),
      [ids[1], ids[2], ids[0]],
    );
  });

  it('of the requests about one subject one is being sent at a time, and whoever fell due first goes first', async () => {
    const { store } = bench();
    const subject = 'ana@partner.example';
    const [first, second, third] = [
      await acceptOne(store, { id: 'b', subject }),
      await acceptOne(store, { id: 'c', subject }),
      await acceptOne(store, { id: 'a', subject, place: { ...PLACE, tenantId: 'tenant-2' } }),
    ];
    const other = await acceptOne(store, { id: 'd', subject, capability: 'call' });
    const ids = async (at: number) => (await store.claim(9, at, LATER)).map(({ request }) => request.id).sort();
    assert.deepEqual(await ids(NOW), [first!.id, third!.id, other.id].sort());
    assert.deepEqual(await ids(NOW + 1), []);
    assert.equal(await store.nextRequestAt(NOW + 1), LATER, 'nothing to look for until a lease runs out');
    await store.move(first!.id, 1, change('queued', { nextAt: NOW + 5_000 }));
    assert.deepEqual(await ids(NOW + 1), [second!.id], 'one that waits for its time holds nobody back');
    assert.deepEqual(await ids(NOW + 5_000), []);
    await store.move(second!.id, 1, change('done'));
    assert.deepEqual(await ids(NOW + 5_000), [first!.id]);
  });

  it('one that waits to see whether its lost call arrived holds back the others about its subject', async () => {
    const { store } = bench();
    const subject = 'ana@partner.example';
    const { id, fence } = await inHand(store, { id: 'z', subject });
    await acceptOne(store, { id: 'a', subject });
    const lost = [{ call: call('invite'), at: NOW }];
    await store.move(id, fence, change('queued', { lost, nextAt: NOW + 5_000 }));
    assert.deepEqual(await store.claim(9, NOW + 4_999, LATER), []);
    assert.equal(await store.nextRequestAt(NOW), NOW + 5_000);
    const { request } = await claimOne(store, NOW + 5_000);
    assert.equal(request.id, id);
    await store.move(id, request.fence, change('done'));
    assert.equal((await claimOne(store, NOW + 5_000)).request.id, 'a');
  });

  it('one whose worker died is taken up before the others about its subject', async () => {
    const { store } = bench();
    const subject = 'ana@partner.example';
    const { id } = await inHand(store, { id: 'z', subject });
    await acceptOne(store, { id: 'a', subject });
    const again = await store.claim(9, LATER, LATER + MINUTE);
    assert.deepEqual(
      again.map(({ request }) => request.id),
      [id],
    );
  });

  it('among many racing workers nobody is sent with another of the same subject', async () => {
    const stores = await Promise.all([bench().store, bench().another(), bench().another(), bench().another()]);
    for (let n = 0; n < 60; n++) await acceptOne(stores[n % 4]!, { subject: `${n % 5}@partner.example` });
    const sending = new Set<string>();
    let done = 0;
    const work = async (store: Store) => {
      while (done < 60) {
        const claims = await store.claim(3, NOW + 1, LATER);
        for (const { request } of claims) {
          assert.ok(!sending.has(request.subject), `${request.subject} twice at once`);
          sending.add(request.subject);
        }
        for (const { request } of claims) {
          sending.delete(request.subject);
          await store.move(request.id, request.fence, change('done'));
          done++;
        }
      }
    };
    await Promise.all([...stores, ...stores].map(work));
    assert.equal(done, 60);
  });

  it('a claim knows how the latest other request about its subject left it', async () => {
    const { store } = bench();
    const subject = 'ana@partner.example';
    for (const [n, outcome] of [{ userId: 'u1' }, null, { userId: 'u2' }].entries()) {
      const { id, fence } = await inHand(store, { subject });
      await store.move(id, fence, change(outcome ? 'done' : 'cancelled', { outcome, at: NOW + n }));
      await database(id, n);
    }
    await inHand(store, { subject: 'bo@partner.example' });
    await acceptOne(store, { subject });
    assert.deepEqual((await claimOne(store)).earlier, { outcome: { userId: 'u2' }, at: NOW + 2 });
    await acceptOne(store, { subject: 'cy@partner.example' });
    assert.equal((await claimOne(store)).earlier, null);

    /** Accepted one after the other, not in the same millisecond. */
    async function database(id: string, n: number): Promise<void> {
      await bench().database.run(`update requests set created_at = ${NOW + n} where id = '${id}'`);
    }
  });

  it('leases in hand are extended together, but not those of others', async () => {
    const { store } = bench();
    const [mine, lost] = [await inHand(store), await inHand(store)];
    const ended = await inHand(store);
    await store.move(ended.id, ended.fence, change('done'));
    await store.hold([mine, { ...lost, fence: 0 }, ended], LATER + 9 * MINUTE);
    await store.hold([], LATER);
    const due = await store.claim(9, LATER, LATER + MINUTE);
    assert.deepEqual(
      due.map(({ request }) => request.id),
      [lost.id],
    );
    assert.equal((await store.get(ended.id))!.state, 'done');
  });

  it('a request told to wait is claimed again at its time and not before', async () => {
    const { store } = bench();
    for (const state of ['queued', 'waiting'] as const) {
      const { id, fence } = await inHand(store);
      await store.move(id, fence, change(state, { nextAt: NOW + 5_000 }));
      assert.equal(await store.nextRequestAt(NOW), NOW + 5_000);
      assert.deepEqual(await store.claim(9, NOW + 4_999, LATER), []);
      const { request } = await claimOne(store, NOW + 5_000);
      assert.equal(request.id, id);
      await store.move(id, request.fence, change('done'));
    }
    assert.equal(await store.nextRequestAt(NOW), null);
  });

  it('looks again soon when a hundred that are due first are held, since others may come after them', async () => {
    const { store } = bench();
    const { request } = await acceptOne(store, { subject: 'ana@x.example' }).then(() => claimOne(store));
    const held = Array.from({ length: 100 }, () => draft({ subject: 'ana@x.example' }));
    await store.accept([...held, draft({ subject: 'bo@x.example', dueAt: NOW + 500 })], NOW, 0);
    assert.equal(await store.nextRequestAt(NOW), NOW + 1_000);
    await store.move(request.id, request.fence, change('done'));
    assert.equal(await store.nextRequestAt(NOW), NOW);
  });

  it('a lease that ran out is claimed again with a higher fence, and the old holder can write nothing', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    assert.equal(await store.nextRequestAt(NOW), NOW + MINUTE);
    assert.deepEqual(await store.claim(1, NOW + MINUTE - 1, LATER), []);
    const second = await claimOne(store, NOW + MINUTE);
    assert.equal(second.request.fence, fence + 1);

    const before = [await store.get(id), await store.answers(id), await store.auditOf(id)];
    const late = change('done', {
      heard: heard(0, good),
      sends: { n: 1, call: call('late'), sentAt: NOW },
      outcome: { late: true },
      visible: true,
      audit: [line(id, 'late')],
    });
    assert.equal(await store.move(id, fence, late), null);
    assert.deepEqual([await store.get(id), await store.answers(id), await store.auditOf(id)], before);
    assert.equal((await store.move(id, second.request.fence, change('done')))?.state, 'done');
    assert.equal(await store.move(id, second.request.fence, change('done')), null, 'it is no longer sending');
  });

  it('a lease is extended by a move that stays sending, and let go of by one that names none', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.move(id, fence, change('sending', { leaseUntil: NOW + 2 * MINUTE }));
    assert.deepEqual(await store.claim(1, NOW + MINUTE, LATER), []);
    assert.equal(await store.nextRequestAt(NOW), NOW + 2 * MINUTE);
    await store.move(id, fence, change('queued', { nextAt: NOW }));
    assert.equal((await claimOne(store)).request.fence, fence + 1);
  });

  it('a move writes everything it names, and leaves the rest as it was', async () => {
    const { store } = bench();
    const { id, fence, ...before } = await inHand(store);
    const whole = {
      lost: [{ call: call('invite'), at: NOW }],
      nextAt: NOW + 7,
      attempts: 3,
      note: say('note', { count: 2, inner: say('deep') }),
      outcome: { url: 'https://x.example/?a=b' },
      standing: 'pending',
      problem: problem('busy', 'problem.busy', { retryAfterMs: 5 }),
      question: { say: say('which'), field: 'team', options: [{ title: 'Apollo', value: '1' }] },
      input: { address: 'new@partner.example' },
    };
    const moved = await store.move(id, fence, change('waiting', { ...whole, visible: true, audit: [line(id, 'x')] }));
    assert.deepEqual(moved, { ...before, id, fence, ...whole, state: 'waiting', version: 2 });
    assert.deepEqual(await store.get(id), moved);
    assert.deepEqual((await store.auditOf(id)).at(-1), line(id, 'x'));

    const again = (await claimOne(store, NOW + 7)).request;
    const cleared = { note: null, problem: null, question: null, standing: null, outcome: null };
    const last = await store.move(id, again.fence, change('failed', { at: LATER, ...cleared, audit: [line(id, 'y')] }));
    assert.deepEqual(last, { ...moved, ...cleared, state: 'failed', fence: again.fence, updatedAt: LATER });
  });

  it('only legal moves are written; another is a bug and throws', async () => {
    const { store } = bench();
    const { id, version, fence } = await inHand(store);
    for (const state of REQUEST_STATES) {
      if (!MOVES.sending.includes(state)) await assert.rejects(store.move(id, fence, change(state)), /cannot go/);
      if (!MOVES.done.includes(state)) await assert.rejects(store.decide(id, version, 'done', change(state)));
    }
    await assert.rejects(store.decide(id, version, 'queued', change('sending')), /by a claim/);
    assert.equal((await store.get(id))!.state, 'sending');
  });

  it('answers survive in the order of their calls, with what was marked and what was heard', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    const hold = { leaseUntil: NOW + MINUTE };
    const [first, second] = [call('find'), call('invite', { body: { ä: 1 } })];
    await store.move(id, fence, change('sending', { ...hold, sends: { n: 0, call: first, sentAt: NOW } }));
    assert.deepEqual(await store.answers(id), [{ n: 0, call: first, sentAt: NOW, reply: null, heardAt: null }]);
    await store.move(
      id,
      fence,
      change('sending', {
        ...hold,
        heard: { n: 0, call: first, sentAt: NOW, reply: good },
        sends: { n: 1, call: second, sentAt: NOW + 2 },
        at: NOW + 1,
      }),
    );
    for (let n = 11; n > 1; n--) await store.move(id, fence, change('sending', { ...hold, heard: heard(n, bad) }));
    const answers = await store.answers(id);
    assert.deepEqual(
      answers.map((answer) => answer.n),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    assert.deepEqual(answers[0], { n: 0, call: first, sentAt: NOW, reply: good, heardAt: NOW + 1 });
    assert.deepEqual(answers[1], { n: 1, call: second, sentAt: NOW + 2, reply: null, heardAt: null });
    assert.deepEqual((await store.claim(1, NOW + MINUTE, LATER))[0]!.answers, answers);
  });

  it('answers are forgotten all, unheard or failed, after what was heard and before what is sent', async () => {
    const { store } = bench();
    for (const [forget, left] of [
      ['unheard', [0, 1, 3]],
      ['failed', [0, 2, 3]],
      ['all', [3]],
    ] as const) {
      const { id, fence } = await inHand(store);
      const hold = { leaseUntil: NOW + MINUTE };
      await store.move(id, fence, change('sending', { ...hold, heard: heard(0, good) }));
      await store.move(id, fence, change('sending', { ...hold, sends: { n: 1, call: call('b'), sentAt: NOW } }));
      await store.move(id, fence, change('sending', { ...hold, sends: { n: 2, call: call('c'), sentAt: NOW } }));
      const sends = { n: 3, call: call('d'), sentAt: NOW };
      await store.move(id, fence, change('done', { heard: heard(1, bad), forget, sends }));
      assert.deepEqual(await numbers(store, id), [...left], forget);
    }
  });

  it('a call marked again is as if it had not been heard of', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.move(id, fence, change('sending', { leaseUntil: LATER, heard: heard(0, bad) }));
    await store.move(id, fence, change('done', { sends: { n: 0, call: call('again'), sentAt: NOW + 9 } }));
    assert.deepEqual(await store.answers(id), [
      { n: 0, call: call('again'), sentAt: NOW + 9, reply: null, heardAt: null },
    ]);
  });

  it('a closed gate holds back every claim of every process until it opens, and is never shortened', async () => {
    const { store } = bench();
    const other = await bench().another();
    await acceptOne(store);
    const opens = NOW + 10 * MINUTE;
    await store.closeGate('graph', NOW + MINUTE);
    await other.closeGate('graph', opens);
    await store.closeGate('graph', NOW + 2 * MINUTE);
    for (const one of [store, other]) {
      assert.equal(await one.gateOpensAt('graph'), opens);
      assert.equal(await one.gateOpensAt('elsewhere'), 0);
      assert.deepEqual(await one.claim(1, opens - 1, opens), []);
      assert.equal(await one.nextRequestAt(NOW), opens);
    }
    assert.equal(await store.nextRequestAt(opens), opens, 'the gate is open: the request is due');
    assert.equal((await acceptOne(store, { id: 'late0000', key: 'late' })).nextAt, opens, 'a newcomer waits as well');
    assert.equal((await other.claim(9, opens, opens + 1)).length, 2);
  });

  it('a gate holds back only the requests of its remote, also those whose lease ran out', async () => {
    const { store, database } = bench();
    const held = await inHand(store);
    const free = await acceptOne(store);
    await database.run(`update requests set remote = 'elsewhere' where id = '${free.id}'`);
    await store.closeGate('graph', NOW + 9 * MINUTE);
    assert.equal(await store.nextRequestAt(NOW), NOW);
    const claims = await store.claim(9, NOW + 2 * MINUTE, NOW + 20 * MINUTE);
    assert.deepEqual(
      claims.map((claim) => claim.request.id),
      [free.id],
    );
    assert.equal(await store.nextRequestAt(NOW + 2 * MINUTE), NOW + 9 * MINUTE);
    assert.equal((await claimOne(store, NOW + 9 * MINUTE)).request.id, held.id);
  });

  it('nothing is due when everything has ended', async () => {
    const { store } = bench();
    assert.equal(await store.nextRequestAt(NOW), null);
    const { id, fence } = await inHand(store);
    await store.move(id, fence, change('unsure'));
    assert.equal(await store.nextRequestAt(NOW), null);
    await store.closeGate('graph', LATER);
    assert.equal(await store.nextRequestAt(NOW), null);
    assert.deepEqual(await store.claim(9, NOW + 99 * MINUTE, LATER), []);
  });

  it("a person's choice loses to a concurrent change, and writes nothing then", async () => {
    const { store } = bench();
    const { id, version } = await acceptOne(store);
    const cancel = change('cancelled', { visible: true, audit: [line(id, 'cancelled')] });
    const claim = await claimOne(store);
    assert.equal(await store.decide(id, version, 'queued', cancel), null);
    await store.move(id, claim.request.fence, change('queued', { visible: true }));
    assert.equal(await store.decide(id, version, 'queued', cancel), null);
    assert.equal((await store.auditOf(id)).length, 1);
    const decided = await store.decide(id, version + 1, 'queued', cancel);
    assert.deepEqual([decided?.state, decided?.version], ['cancelled', version + 2]);
  });

  it('of many racing choices about one request one wins', async () => {
    const stores = [bench().store, await bench().another()];
    const { id, fence } = await inHand(stores[0]!);
    const failed = (await stores[0]!.move(id, fence, change('failed', { visible: true })))!;
    const racing = Array.from({ length: 20 }, (_, n) =>
      stores[n % 2]!.decide(
        id,
        failed.version,
        'failed',
        change('queued', { visible: true, audit: [line(id, 'again')] }),
      ),
    );
    assert.equal((await Promise.all(racing)).filter((one) => one !== null).length, 1);
    assert.equal((await stores[0]!.auditOf(id)).filter((one) => one.what === 'again').length, 1);
  });

  it('a choice may save a reply, and the request is then due', async () => {
    const { store } = bench();
    const { id, fence } = await inHand(store);
    await store.move(
      id,
      fence,
      change('sending', { leaseUntil: LATER, sends: { n: 0, call: call('a'), sentAt: NOW } }),
    );
    const unsure = (await store.move(id, fence, change('unsure')))!;
    const assumed: Reply = { ok: true, body: {}, assumed: true };
    const said = { heard: { n: 0, call: call('a'), sentAt: NOW, reply: assumed }, nextAt: NOW, visible: true };
    assert.equal((await store.decide(id, unsure.version, 'unsure', change('queued', said)))?.state, 'queued');
    assert.deepEqual((await claimOne(store)).answers[0]!.reply, assumed);
  });
}
