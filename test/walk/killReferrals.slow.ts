/**
 * Kill -9 at every step of a deal: while it is made together with Microsoft, accepted, changed, watched for and told of; and
 * at random moments. In the end there is one referral for each side in one engagement, and one card that tells of it.
 * The processes are started and killed beside the tests, two successions per engine; each test looks at one result.
 * KILL_RUNS and KILL_SEED change the number of random runs and what they are drawn from.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import { CHANGED, TOLD, WATCHED } from './killDealChanges.ts';
import { randomDeals } from './killDealRandom.ts';
import { playRounds, roundsOf } from './killDealRounds.ts';
import { FINISHED, LATE, MATRIX, UPDATES } from './killDeals.ts';
import { beside } from './killTurns.ts';

const all = await engines();
const here = all.filter(({ absent }) => absent === null);

const RUNS = Number(process.env['KILL_RUNS'] ?? 40);
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);

const CASES = [...MATRIX, ...UPDATES, ...FINISHED, LATE, ...CHANGED, ...WATCHED, ...TOLD];
/**
 * Whoever watches hears of every change, so that no change is in a round with a watch; there is one watch at a time; and
 * what the connector does at an exact moment comes last.
 */
const ROUNDS = [
  ...roundsOf(WATCHED.length, [...WATCHED, ...FINISHED, ...MATRIX]),
  ...roundsOf(2, CHANGED),
  ...roundsOf(2, UPDATES),
  ...roundsOf(2, TOLD),
  [LATE],
];

const rounds = beside(here, async (engine) => playRounds(engine, ROUNDS));
const random = beside(here, (engine) => randomDeals(engine, Math.ceil(RUNS / here.length), SEED));

for (const engine of all) {
  describe(`kill -9 in the life of a deal, on ${engine.name}`, function () {
    this.timeout(300_000);
    before(function () {
      if (engine.absent) skip(this, engine.absent);
      for (const begin of [rounds, random]) begin(engine);
    });

    for (const one of CASES) {
      it(one.moment ? `${one.name} may be cut off` : `${one.name} can be made after it`, async () => {
        const run = (await rounds(engine)).get(one);
        assert.ok(run, 'it was not begun');
        await run;
      });
    }
  });
}

describe('kill -9 at random moments of co-sell deals', function () {
  this.timeout(300_000);
  for (const engine of all) {
    it(`loses nothing and makes nothing twice on ${engine.name}`, async function () {
      if (engine.absent) skip(this, engine.absent);
      const { failures, ...counts } = await random(engine);
      console.log(`    ${engine.name}, KILL_SEED=${SEED}: ${JSON.stringify(counts)}`);
      assert.deepEqual(failures, [], `with KILL_SEED=${SEED}`);
    });
  }
});
