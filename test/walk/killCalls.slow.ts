/**
 * Kill -9 at every step of getting into a call and of ringing people into it: nobody is rung twice for one click, one call
 * is held in the end, and the card that was there before tells what became of each person.
 * The processes are started and killed beside the tests, a few successions per engine; each test looks at one result.
 *
 * `npm run kill`: five minutes of starting and killing processes, and on a machine that is busy with other things some
 * of them are late; so it is not one of `npm test` until it waits for less.
 */
import assert from 'node:assert/strict';
import { engines, type TestEngine } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import { CALL_CASES, cutEveryCallOfACall } from './killCallCases.ts';
import { oneOfTwoDiesMidRing, type TwoEnding } from './killCallTwo.ts';

const all = await engines();
const here = all.filter(({ absent }) => absent === null);
const postgres = here.find(({ name }) => name === 'PostgreSQL');
const WAYS = ['held', 'resting'] as const;

/** Begun with the first test, all at once: they wait most of their time. */
let begun: ReadonlyMap<TestEngine, ReturnType<typeof cutEveryCallOfACall>> | undefined;
let pairs: ReadonlyMap<string, Promise<TwoEnding>> | undefined;

function begin(): void {
  begun ??= new Map(here.map((engine) => [engine, cutEveryCallOfACall(engine)]));
  pairs ??= new Map(postgres ? WAYS.map((how) => [how, quietly(oneOfTwoDiesMidRing(postgres, how))]) : []);
}

/** A promise whose failure is told by the test that awaits it. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

for (const engine of all) {
  describe(`kill -9 in the life of a call, on ${engine.name}`, function () {
    this.timeout(600_000);
    before(function () {
      if (engine.absent) skip(this, engine.absent);
      begin();
    });

    for (const one of CALL_CASES) {
      it(`${one.name} is taken up by the next`, async () => {
        const ending = await begun?.get(engine)?.get(one);
        assert.ok(ending, 'it was not begun');
        const { rung, told, requests, held, calls, isLate } = ending;
        assert.deepEqual(rung, one.ends.rung);
        assert.equal(held, 1, 'calls that are held');
        // One that was asked for twice because nobody lived for long was hung up again: only one is held.
        assert.ok(calls === one.ends.calls || (isLate && calls === one.ends.calls + 1), `${calls} calls came about`);
        assert.equal(told.length, 1, `not one card but: ${told.join(' | ')}`);
        assert.match(told[0] ?? '', one.ends.told);
        // The call goes on, and as long as it does so do its rings; each was asked for once.
        const of = (kind: string) => requests.filter(({ capability }) => capability === kind).map(({ state }) => state);
        assert.deepEqual(of('callInvite'), one.ends.invites);
        assert.deepEqual(of('callJoin'), ['alive']);
      });
    }
  });
}

describe('one of two processes that dies while people ring, on PostgreSQL', function () {
  this.timeout(600_000);
  before(function () {
    const [, absent] = all.map((engine) => engine.absent);
    if (absent) skip(this, absent);
    begin();
  });

  for (const how of WAYS) {
    it(`leaves a ring that is ${how} to the other, and nobody is rung twice`, async () => {
      const ending = await pairs?.get(how);
      assert.ok(ending, 'it was not begun');
      const { told, rung, calls, states } = ending;
      assert.deepEqual(rung, { '0': ['Cleo Costa', 'Dan Dale'] });
      assert.equal(calls, 1);
      assert.deepEqual(states, ['waiting']);
      assert.equal(told.length, 1);
      assert.match(told[0] ?? '', /Cleo Costa\nIn the call\nDan Dale\nDeclined/);
    });
  }
});
