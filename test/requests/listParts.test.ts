/**
 * A list that falls into one per rule of approval, on a real store: nobody is lost or twice in it, whatever it is made of,
 * and bringing it again makes nothing new.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BatchInput } from '../../src/requests/many/fileList.ts';
import { openStore } from '../../src/store/db.ts';
import { engines, type TestDatabase } from '../support/db.ts';
import { CHAT, RITA, Spine } from '../support/spine.ts';

const ref = (n: number, name: string) => ({ id: `a0000000-0000-4000-8000-00000000000${n}`, name });
const POLICY = {
  blockedDomains: ['blocked.example'],
  approvals: [
    { name: 'Partners', domains: ['partner.example'], approvers: [ref(2, 'Axel')] },
    { name: 'Rivals', domains: ['rival.example'], approvers: [ref(3, 'Ada')] },
  ],
};
const RULE_OF: Readonly<Record<string, string | null>> = {
  'partner.example': 'Partners',
  'rival.example': 'Rivals',
  'other.example': null,
};

for (const engine of await engines()) {
  describe(`a list per rule of approval on ${engine.name}`, function () {
    this.timeout(60_000);
    let database: TestDatabase;
    let spine: Spine;
    let lists = 0;

    before(async () => {
      database = await engine.open();
      spine = new Spine(await openStore(database.url), {}, POLICY);
    });
    after(async () => {
      await spine.store.close();
      await database.drop();
    });

    const brings = async (addresses: readonly string[], key: string) => {
      const rows = addresses.map((people, n) => ({ line: n + 1, raw: { people } }));
      const wish = { capability: 'guest', raw: {}, who: RITA, where: CHAT, key, activityId: null };
      const filed = await spine.desk.submitList({ ...wish, name: 'guests.csv', rows, unused: [] });
      assert.ok(filed.ok);
      return filed.value;
    };
    const inputOf = (one: { readonly input: unknown }) => one.input as BatchInput;

    it('holds everybody once, with those of one rule together, and what is not sent in the first', async () => {
      const domain = fc.constantFrom('partner.example', 'rival.example', 'other.example', 'blocked.example');
      await fc.assert(
        fc.asyncProperty(fc.array(domain, { minLength: 1, maxLength: 30 }), async (domains) => {
          lists += 1;
          const all = domains.map((one, n) => `g${n}@l${lists}.${one}`);
          const { requests } = await brings(all, `list:${lists}`);
          const ruled = domains.flatMap((one) => (one === 'blocked.example' ? [] : [RULE_OF[one]]));
          assert.equal(requests.length, Math.max(1, new Set(ruled).size));
          const seen: string[] = [];
          for (const [at, request] of requests.entries()) {
            const { counts, part } = inputOf(request);
            assert.equal(part?.of ?? 1, requests.length);
            const rows = (await spine.store.rows.page(request.id, -1, 100)).map(({ row }) => row);
            const ready = rows.filter(({ verdict }) => verdict === 'ready');
            assert.equal(ready.length, counts.ready);
            assert.deepEqual(
              rows.map(({ n }) => n),
              rows.map((_, n) => n),
            );
            if (at > 0) assert.equal(ready.length, rows.length, 'what is not sent stands in the first');
            const rules = new Set(ready.map(({ subject }) => RULE_OF[subject?.replace(/^.*@l\d+\./, '') ?? '']));
            assert.ok(rules.size <= 1);
            if (part) assert.equal(part.rule?.with?.['rule'] ?? null, [...rules][0]);
            seen.push(...rows.map(({ subject, content }) => subject ?? JSON.stringify(content)));
          }
          assert.deepEqual(seen.toSorted(), all.toSorted());
        }),
        { numRuns: 25 },
      );
    });

    it('is made once, however often it is brought', async () => {
      const all = ['a@x.partner.example', 'b@x.rival.example', 'c@x.other.example', 'd@x.rival.example'];
      const first = await brings(all, 'again');
      const others = await Promise.all(Array.from({ length: 5 }, () => brings(all, 'again')));
      assert.deepEqual([first.isNew, first.isSame, first.requests.length], [true, true, 3]);
      for (const { isNew, isSame, requests } of others) {
        assert.deepEqual([isNew, isSame], [false, true]);
        assert.deepEqual(
          requests.map(({ id }) => id),
          first.requests.map(({ id }) => id),
        );
      }
      assert.deepEqual(
        first.requests.map((one) => inputOf(one).counts.ready),
        [1, 2, 1],
      );
    });
  });
}
