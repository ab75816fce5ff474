/**
 * Kill -9 at every step of getting into a call and of ringing people into it: nobody is rung twice for one click, one call
 * is held in the end, and the card that was there before tells what became of each person.
 * The processes are started and killed beside the tests, a few successions per engine; each test looks at one result.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import { CALL_CASES, cutEveryCallOfACall } from './killCallCases.ts';
import { oneOfTwoDiesMidRing, type TwoEnding } from './killCallTwo.ts';

const all = await engines();
const begun = new Map<string, ReturnType<typeof cutEveryCallOfACall>>();

for (const engine of all) {
  describe(`kill -9 in the life of a call, on ${engine.name}`, function () {
    this.timeout(240_000);
    before(function () {
      if (engine.absent) skip(this, engine.absent);
      for (const one of all) if (!one.absent && !begun.has(one.name)) begun.set(one.name, cutEveryCallOfACall(one));
    });

    for (const one of CALL_CASES) {
      it(`${one.name} is taken up by the next`, async () => {
        const ending = await begun.get(engine.name)?.get(one);
        assert.ok(ending);
        const { rung, told, requests, held, calls } = ending;
        assert.deepEqual(rung, one.ends.rung);
        assert.equal(held, 1, 'calls that are held');
        assert.equal(calls, one.ends.calls);
        assert.equal(told.length, 1, `not one card but: ${told.join(' | ')}`);
        assert.match(told[0] ?? '', one.ends.told);
        // The call goes on; what was asked for is at its end, once.
        const of = (kind: string) => requests.filter(({ capability }) => capability === kind).map(({ state }) => state);
        assert.deepEqual(of('callInvite'), one.ends.invites);
        assert.match(of('callJoin').join(), /^(?:waiting|queued|sending)$/);
      });
    }
  });
}

describe('one of two processes that dies while people ring, on PostgreSQL', function () {
  this.timeout(120_000);
  for (const how of ['held', 'resting'] as const) {
    it(`leaves a ring that is ${how} to the other, and nobody is rung twice`, async function () {
      const postgres = all.find(({ name }) => name === 'PostgreSQL');
      if (!postgres || postgres.absent) skip(this, postgres?.absent ?? 'no PostgreSQL');
      const { told, rung, calls, states }: TwoEnding = await oneOfTwoDiesMidRing(postgres, how);
      assert.deepEqual(rung, { '0': ['Cleo Costa', 'Dan Dale'] });
      assert.equal(calls, 1);
      assert.deepEqual(states, ['done']);
      assert.equal(told.length, 1);
      assert.match(told[0] ?? '', /Cleo Costa\nIn the call\nDan Dale\nDeclined/);
    });
  }
});
