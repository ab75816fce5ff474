/**
 * Kill -9 at every step of an invitation: before a call leaves, while it is held open with its work undone or done, and
 * right after its answer; then at random moments, with a directory that lags, and with a second process at work. And the
 * gentle way: SIGTERM. Whatever was accepted comes to its end, told on its card, and nobody is invited twice.
 * The processes are started and killed beside the tests, one succession per engine; each test looks at one result.
 * KILL_RUNS and KILL_SEED change the number of random runs and what they are drawn from.
 */
import assert from 'node:assert/strict';
import { engines, type TestEngine } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import { killAfterAForm, killASecondMail } from './killButtons.ts';
import { CASES, type Case, cutEveryCall } from './killCalls.ts';
import { assertOnce, type Ending, isInvitation } from './killEnding.ts';
import { killBeforeALag } from './killLag.ts';
import { randomRuns } from './killRandom.ts';
import { HELD, type Held, type Stop, stopWhileHeld, tryAgainBesideAHeldCall } from './killStop.ts';
import { beside, quietly } from './killTurns.ts';
import { oneOfTwoIsKilled, oneSleepsThroughItsLease, theAcceptorIsBusy } from './killTwo.ts';

const all = await engines();
const here = all.filter(({ absent }) => absent === null);
const postgres = here.filter(({ name }) => name === 'PostgreSQL');

const RUNS = Number(process.env['KILL_RUNS'] ?? 100);
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);

const calls = beside(here, async (engine) => cutEveryCall(engine));
const random = beside(here, (engine) => randomRuns(engine, Math.ceil(RUNS / here.length), SEED));
const lagging = beside(here, killBeforeALag);
const form = beside(here, killAfterAForm);
const secondMail = beside(here, killASecondMail);
const killed = beside(here, oneOfTwoIsKilled);
const asleep = beside(here, oneSleepsThroughItsLease);
const busy = beside(postgres, theAcceptorIsBusy);

for (const engine of all) {
  describe(`kill -9 at every call of an invitation, on ${engine.name}`, function () {
    this.timeout(180_000);
    before(function () {
      if (engine.absent) skip(this, engine.absent);
      // These wait for leases and directories most of their time.
      for (const begin of [calls, killed, lagging, asleep]) begin(engine);
    });

    for (const one of CASES) {
      it(`${one.call.name} may be cut off ${one.moment.name}`, async () => {
        const ending = await (await calls(engine)).get(one);
        assert.ok(ending);
        check(one, ending);
      });
    }
  });
}

function check({ call, moment }: Case, ending: Ending): void {
  assertOnce(ending, ['Apollo']);
  const isIt = call.name === 'the invitation';
  // A call that is slow is not in the list before it is let go.
  const seen = ending.calls.filter(isInvitation).length;
  assert.equal(seen, isIt && 'fault' in moment ? (moment.worked ? 0 : 2) : 1);
  if (call.name === 'the post of the receipt') {
    // A post that was answered to nobody leaves its card behind: the channel offers no way to find it again. The work
    // goes on beside it, and the kill may find that anywhere.
    assert.equal(ending.orphans.length, moment.worked ? 1 : 0);
    return;
  }
  const lost = isIt && moment.worked;
  assert.match(ending.cards[0] ?? '', lost ? /Microsoft's answer got lost on the way/ : /The mail is on its way/);
  const sent = ['call sent', 'call answered'];
  const around = isIt ? ['call sent', 'call lost', ...(moment.worked ? [] : sent)] : sent;
  assert.deepEqual(ending.audit, ['accepted', 'allowed', ...around]);
}

describe('kill -9 at random moments', function () {
  // About five seconds a run, the lease of whoever was killed; much longer where the machine is shared.
  this.timeout(1_500_000);
  for (const engine of all) {
    it(`loses nothing and invites nobody twice on ${engine.name}`, async function () {
      if (engine.absent) skip(this, engine.absent);
      const { failures, ...counts } = await random(engine);
      console.log(`    ${engine.name}, KILL_SEED=${SEED}: ${JSON.stringify(counts)}`);
      assert.deepEqual(failures, [], `with KILL_SEED=${SEED}`);
    });
  }
});

for (const engine of all) {
  describe(`what a killed process leaves behind, on ${engine.name}`, function () {
    this.timeout(180_000);
    before(function () {
      if (engine.absent) skip(this, engine.absent);
    });

    it('a directory that lags is given its time before a look is believed', async () => {
      const endings = [...(await lagging(engine)).values()];
      for (const ending of endings) assertOnce(ending, []);
      const lost = endings.filter(({ audit }) => audit.includes('call lost'));
      const again = endings.filter(({ audit }) => audit.includes('call answered'));
      assert.deepEqual([lost.length, again.length], [6, 2]);
    });

    it('a form that is sent again after a kill is the same request, told on the message it was in', async () => {
      const ending = await form(engine);
      assertOnce(ending, ['Apollo']);
      assert.ok(ending.isOnTheForm);
    });

    it('a second mail whose answer is lost is not sent by itself again, and its card asks', async () => {
      const { states, mails, cards } = await secondMail(engine);
      assert.deepEqual(states.toSorted(), ['unsure', 'waiting']);
      assert.equal(mails, 1);
      assert.match(cards.at(-1) ?? '', /^Unsure: /);
    });

    it('forty invitations are each sent once when one of two processes is killed midway', async () => {
      const { endings, facts } = await killed(engine);
      assert.equal(endings.size, 40);
      for (const ending of endings.values()) assertOnce(ending, ['Apollo']);
      assert.ok(facts['taken'], 'nothing was taken over from the dead');
    });

    it('a process that sleeps through its lease finds that another has finished, and keeps quiet', async () => {
      const { endings } = await asleep(engine);
      for (const ending of endings.values()) {
        assertOnce(ending, ['Apollo']);
        assert.deepEqual(ending.audit, ['accepted', 'allowed', 'call sent', 'call lost']);
        assert.equal(ending.calls.filter(({ path }) => /\/teams\//.test(path)).length, 1);
      }
    });

    if (engine.name === 'PostgreSQL') {
      it('what a busy process accepts is carried out by an idle one at once', async () => {
        const { endings, facts } = await busy(engine);
        for (const ending of endings.values()) assertOnce(ending, ['Borealis']);
        // Looking round every 15 s would have found one of the five in this time, at the most.
        assert.ok((facts['ms'] ?? Number.NaN) < 15_000, `it took ${facts['ms']} ms`);
      });
    }
  });
}

describe('a call that is held', function () {
  this.timeout(60_000);
  for (const engine of all) {
    it(`keeps no other request waiting for its next try, on ${engine.name}`, async function () {
      if (engine.absent) skip(this, engine.absent);
      const { endings, facts } = await tryAgainBesideAHeldCall(engine);
      for (const ending of endings.values()) assertOnce(ending, ['Apollo']);
      // Looking round would have found it after 15 s.
      assert.ok((facts['ms'] ?? Number.NaN) < 10_000, `it took ${facts['ms']} ms`);
    });
  }
});

describe('a process that is asked to stop', function () {
  this.timeout(180_000);
  const heldOn = (engine: TestEngine): readonly Held[] =>
    (Object.keys(HELD) as Held[]).filter((held) => engine.name === 'SQLite' || /^an invitation/.test(held));
  const stops = beside(here, async (engine) => {
    // Three at a time: each waits most of its time.
    const lanes: Promise<unknown>[] = [];
    const runs = heldOn(engine).map((held, i): [Held, Promise<Stop>] => {
      const run = (lanes[i % 3] ?? Promise.resolve()).then(() => stopWhileHeld(engine, held));
      lanes[i % 3] = run.catch(() => {});
      return [held, quietly(run)];
    });
    return new Map(runs);
  });

  for (const engine of all) {
    for (const held of heldOn(engine)) {
      it(`while ${held} is held leaves nothing to wait for, on ${engine.name}`, async function () {
        if (engine.absent) skip(this, engine.absent);
        const stop = await (await stops(engine)).get(held);
        assert.ok(stop);
        assert.equal(stop.exitCode, 0);
        assert.ok(stop.stoppedInMs < 10_000, `it took ${stop.stoppedInMs} ms to stop`);
        for (const { state, lease, messageLease } of stop.left) {
          assert.notEqual(state, 'sending');
          assert.deepEqual([lease, messageLease], [0, 0], 'leases');
        }
        // Less than any lease.
        assert.ok(stop.finishedInMs < 25_000, `it took ${stop.finishedInMs} ms to finish`);
        assertOnce(stop.ending, ['Apollo']);
        assert.deepEqual(stop.ending.orphans, []);
      });
    }
  }
});
