/** What Usher does by itself: seals the audit, and removes what a tenant's policy does not want kept; a chore that fails is tried again. */
import assert from 'node:assert/strict';
import { OPEN_POLICY } from '../../src/requests/policy/policy.ts';
import { openRules } from '../../src/requests/policy/rules.ts';
import type { Log, Store } from '../../src/requests/ports.ts';
import { retaining, sealing, Upkeep } from '../../src/requests/upkeep.ts';
import { acceptOne, change, claimOne, freshBench, line, NOW, PLACE } from '../store/laws/bench.ts';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';

const DAY = 24 * 3600_000;
const RECORDS = { capability: 'guest', standings: ['pending', 'accepted'] };
const never = new AbortController().signal;

async function endedAt(store: Store, at: number, tenantId: string): Promise<string> {
  const { id } = await acceptOne(store, { place: { ...PLACE, tenantId } });
  const { request } = await claimOne(store, at);
  await store.move(id, request.fence, change('done', { at, standing: 'removed' }));
  return id;
}

for (const engine of await engines()) {
  describe(`upkeep, on ${engine.name}`, () => {
    before(function () {
      if (engine.absent) skip(this, engine.absent);
    });
    const bench = freshBench(engine);

    it('keeps requests for as long as the policy of their tenant says, and for ever where it says nothing', async () => {
      const { store } = bench();
      const now = NOW + 40 * DAY;
      const keep = (tenantId: string, retentionDays: number | null) =>
        store.keepPolicy(
          tenantId,
          0,
          { ...OPEN_POLICY, retentionDays },
          'u',
          line(null, 'policy', { at: now, tenantId }),
        );
      await keep('short', 30);
      await keep('long', 60);
      await keep('never', null);
      const ids: string[] = [];
      for (const tenant of ['short', 'long', 'never']) ids.push(await endedAt(store, NOW, tenant));
      const young = await endedAt(store, NOW + 11 * DAY, 'short');
      const chore = retaining({ store, policyNow: openRules(store), clock: { now: () => now }, records: RECORDS });
      await chore.run(never);
      const left = async () =>
        (await Promise.all([...ids, young].map((id) => store.get(id)))).map((one) => one !== null);
      assert.deepEqual(await left(), [false, true, true, true]);
      // The next time is a day later.
      await endedAt(store, NOW, 'short').then((id) => ids.push(id));
      await chore.run(never);
      assert.deepEqual(await left(), [false, true, true, true, true]);
    });

    it('seals what is written while it runs, and stops when it is told', async () => {
      const { store } = bench();
      const errors: string[] = [];
      const log: Log = { info() {}, warn() {}, error: (event) => errors.push(event) };
      let runs = 0;
      let tell = () => {};
      const failing = {
        name: 'failing',
        everyMs: 1,
        run: () => {
          if (++runs === 2) tell();
          return Promise.reject(new Error('no'));
        },
      };
      const twice = new Promise<void>((resolve) => {
        tell = resolve;
      });
      const upkeep = new Upkeep([sealing(store, 1), failing], log);
      upkeep.start();
      await store.audit(Array.from({ length: 450 }, (_, n) => line(null, `n${n}`)));
      while ((await store.keeping.chain()).head.n < 450) await new Promise((resolve) => setImmediate(resolve));
      await twice;
      await upkeep.stop();
      assert.ok(errors.length >= 1 && errors.every((one) => one === 'chore.failed'));
      const after = runs;
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(runs, after);
    });
  });
}
