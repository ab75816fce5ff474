/**
 * Removing guests a few at a time, on a real store with a clock that is data: what one person removes alone within a day is
 * counted together, whatever becomes of the process, and two removals at once do not both slip through.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { removedLately } from '../../src/capabilities/guest/removedLately.ts';
import { askingOf } from '../../src/requests/approvals.ts';
import type { Call, Reply } from '../../src/requests/capability.ts';
import type { Person, Request } from '../../src/requests/request.ts';
import { openStore } from '../../src/store/db.ts';
import { engines, type TestDatabase } from '../support/db.ts';
import { CHAT, fails, ok, Spine } from '../support/spine.ts';

const person = (n: number, name: string): Person => ({
  id: `a0000000-0000-4000-8000-00000000000${n}`,
  name,
  locale: 'en',
});
/** An admin, who may remove every guest. */
const RITA = person(1, 'Rita');
const AXEL = person(2, 'Axel');
const POLICY = { removeAlone: 5, approvals: [{ name: 'Every guest', approvers: [{ id: AXEL.id, name: AXEL.name }] }] };
const HOUR_MS = 3600_000;

const guests = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `g${from + n}@partner.example`);

/** A directory in which every guest is there. */
function directory(call: Call): Reply {
  const address = /mail eq '([^']+)'/.exec(decodeURIComponent(call.path))?.[1];
  if (call.name !== 'find') return ok({ value: [] });
  return ok({ value: [{ id: `id-${address}`, displayName: address, mail: address, userType: 'Guest' }] });
}

for (const engine of await engines()) {
  describe(`removing few at a time on ${engine.name}`, function () {
    this.timeout(60_000);
    let database: TestDatabase;
    let spine: Spine;
    let answer: (call: Call) => Reply;

    beforeEach(async () => {
      database = await engine.open();
      spine = new Spine(await openStore(database.url), {}, POLICY);
      answer = directory;
      script();
    });
    afterEach(async () => {
      await spine.store.close();
      await database.drop();
      assert.deepEqual(spine.errors, []);
    });

    const script = () => spine.answers(...Array.from({ length: 400 }, () => (call: Call) => answer(call)));
    const removals = () => spine.sent.filter(({ method }) => method === 'DELETE').length;
    /** Asked for, up to the question. */
    const asks = async (addresses: readonly string[], who = RITA, isDry = false): Promise<Request> => {
      const request = await spine.invite(
        { people: addresses.join('\n') },
        { capability: 'guestRemove', who, ...(isDry ? { isDry } : {}) },
      );
      return spine.end(request.id);
    };
    const confirms = async ({ id }: Request, value: 'remove' | 'keep' = 'remove', who = RITA) =>
      assert.ok((await spine.desk.choose(id, { kind: 'answer', value }, who, CHAT)).ok);
    const removes = async (addresses: readonly string[]): Promise<Request> => {
      const request = await asks(addresses);
      await confirms(request);
      return spine.end(request.id);
    };
    const approves = async (request: Request) => {
      const { asked } = request.approval ?? {};
      assert.ok(asked);
      assert.ok((await spine.approvals.rule(request.id, { kind: 'approve' }, askingOf(asked), AXEL, CHAT.tenantId)).ok);
      return spine.end(request.id);
    };

    it('five and five again need a second person, and it is said why', async () => {
      assert.equal((await removes(guests(0, 5))).state, 'done');
      const more = await removes(guests(5, 5));
      assert.deepEqual([more.state, more.approval?.rule.key], ['awaiting approval', 'policy.rule.removeLately']);
      assert.equal(removals(), 5);
      assert.equal((await approves(more)).state, 'done');
      assert.equal(removals(), 10);
      // What a second person approved was not removed alone.
      spine.now += 24 * HOUR_MS;
      assert.equal((await removes(guests(10, 5))).state, 'done');
    });

    it('one more a while later does as well, and none a day later', async () => {
      await removes(guests(0, 3));
      spine.now += 12 * HOUR_MS;
      assert.equal((await removes(guests(3, 2))).state, 'done');
      assert.equal((await removes(guests(5, 1))).state, 'awaiting approval');
      spine.now += 12 * HOUR_MS;
      assert.equal((await removes(guests(6, 3))).state, 'done', 'the first three are a day ago');
    });

    it('what somebody else removed does not count', async () => {
      const { id } = await removes(guests(0, 5));
      await database.run(`update requests set requester_id = 'somebody' where id = '${id}'`);
      assert.equal((await removes(guests(5, 5))).state, 'done');
    });

    it('what was kept, cancelled, refused or did not work does not count', async () => {
      const kept = await asks(guests(0, 5));
      await confirms(kept, 'keep');
      await spine.end(kept.id);
      const cancelled = await asks(guests(5, 5));
      assert.ok((await spine.desk.choose(cancelled.id, { kind: 'cancel' }, RITA, CHAT)).ok);
      const many = await removes(guests(10, 6));
      const { asked } = many.approval ?? {};
      assert.ok(asked);
      const refusal = { kind: 'refuse', words: 'no' } as const;
      assert.ok((await spine.approvals.rule(many.id, refusal, askingOf(asked), AXEL, CHAT.tenantId)).ok);
      answer = (call) => (call.method === 'DELETE' ? fails('denied') : directory(call));
      assert.equal((await removes(guests(20, 5))).state, 'failed');
      answer = directory;
      const before = removals();
      assert.equal((await removes(guests(30, 5))).state, 'done');
      assert.equal(removals() - before, 5);
    });

    it('what was removed of some counts, though others could not be', async () => {
      let tries = 0;
      answer = (call) => (call.method === 'DELETE' && tries++ === 0 ? fails('denied') : directory(call));
      assert.equal((await removes(guests(0, 4))).state, 'failed');
      assert.equal((await removes(guests(4, 2))).state, 'done');
      assert.equal((await removes(guests(6, 1))).state, 'awaiting approval');
    });

    it('what was removed before a request failed on the way counts', async () => {
      let removed = 0;
      answer = (call) => {
        if (call.method !== 'DELETE') return directory(call);
        if (removed === 2) return fails('down');
        removed += 1;
        return directory(call);
      };
      const failed = await removes(guests(0, 5));
      assert.deepEqual([failed.state, failed.problem?.kind, removed], ['failed', 'down', 2]);
      answer = directory;
      script();
      assert.equal((await removes(guests(5, 4))).state, 'awaiting approval');
      assert.equal((await removes(guests(9, 3))).state, 'done');
    });

    it('two at once do not both slip through', async () => {
      const [one, two] = [await asks(guests(0, 5)), await asks(guests(5, 5))];
      await Promise.all([confirms(one), confirms(two)]);
      await spine.runDue();
      const states = [(await spine.end(one.id)).state, (await spine.end(two.id)).state];
      assert.ok(states.includes('awaiting approval'), states.join());
      assert.ok(removals() <= 5);
    });

    it('whoever has begun is not held up by what is confirmed later', async () => {
      const [one, two] = [await asks(guests(0, 5)), await asks(guests(5, 5))];
      await confirms(one);
      let isConfirmed = false;
      const late = async (call: Call): Promise<Reply> => {
        if (call.method === 'DELETE' && !isConfirmed) {
          isConfirmed = true;
          await confirms(two);
        }
        return directory(call);
      };
      spine.answers(...Array.from({ length: 50 }, () => late));
      assert.equal((await spine.end(one.id)).state, 'done');
      assert.equal((await spine.end(two.id)).state, 'awaiting approval');
      assert.equal(removals(), 5);
    });

    it('a look beforehand says so too', async () => {
      assert.equal((await asks(guests(0, 5), RITA, true)).approval?.verdict, 'allowed');
      await removes(guests(0, 5));
      const looked = await asks(guests(5, 1), RITA, true);
      assert.deepEqual(
        [looked.state, looked.approval?.verdict, looked.approval?.rule.key],
        ['done', 'needs approval', 'policy.rule.removeLately'],
      );
      assert.equal(removals(), 5);
    });
  });
}

describe('what somebody removed lately', () => {
  const NOW = Date.parse('2026-11-20T09:00:00Z');
  const removal = (more: Partial<Request>): Request =>
    ({ capability: 'guestRemove', state: 'done', updatedAt: NOW, approval: null, erasedAt: null, ...more }) as Request;

  it('is never less for one more removal, nor with time running backwards', () => {
    const one = fc.record({ count: fc.nat(20), ago: fc.nat(48 * HOUR_MS) });
    const requestOf = ({ count, ago }: { count: number; ago: number }) =>
      removal({ updatedAt: NOW - ago, outcome: { removed: guests(0, count) } });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 30 }), one, fc.nat(HOUR_MS), (before, more, back) => {
        const beside = before.map(requestOf);
        const lately = removedLately([], { beside, now: NOW });
        assert.ok(removedLately([], { beside: [...beside, requestOf(more)], now: NOW }) >= lately);
        assert.ok(removedLately([], { beside, now: NOW - back }) >= lately);
        const within = before.filter(({ ago }) => ago < 24 * HOUR_MS).reduce((sum, { count }) => sum + count, 0);
        assert.equal(lately, within);
      }),
    );
  });

  it('is more than anybody may when there is more than is looked at, or nothing is left to read', () => {
    const kept = Array.from({ length: 200 }, () => removal({ outcome: { removed: [] } }));
    assert.ok(removedLately([], { beside: kept, now: NOW }) > 10_000);
    const erased = removal({ erasedAt: NOW, outcome: null, input: {} });
    assert.ok(removedLately([], { beside: [erased], now: NOW }) > 5);
  });
});
