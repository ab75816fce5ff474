/**
 * Each fault at each call of a co-sell deal and of a change: the request ends as done, with one referral per side, and nobody
 * reads anything of the inside. Runs in several towns at once, since most of the time is spent waiting.
 */
import assert from 'node:assert/strict';
import { engines, type TestEngine } from '../support/db.ts';
import { type DealLane, openDeals } from '../support/deals.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, textOf } from '../support/walk.ts';

const read = (message: Message): string => textOf(cardOf(message));
const ENDED = /^(?:Done|Not done|Unsure|Cancelled|New · Pending|Active · Accepted)$/m;
const MADE = /The deal is in Partner Center/;

interface Trouble {
  readonly name: string;
  readonly fault: Readonly<Record<string, unknown>>;
}

const TROUBLES: readonly Trouble[] = [
  { name: '429 with seconds', fault: { kind: 'throttle', retryAfter: 1 } },
  { name: '429 without a time', fault: { kind: 'throttle', retryAfter: null } },
  { name: '500', fault: { kind: 'status', status: 500 } },
  { name: '503 with seconds', fault: { kind: 'status', status: 503, retryAfter: 1 } },
  { name: '504', fault: { kind: 'status', status: 504 } },
  { name: 'a page in place of an answer', fault: { kind: 'html' } },
  { name: 'a page with 404', fault: { kind: 'html', status: 404 } },
  { name: 'a page with 403', fault: { kind: 'html', status: 403 } },
  { name: 'a reset before the work', fault: { kind: 'dropBefore' } },
  { name: 'a reset after the work', fault: { kind: 'dropAfter' } },
  { name: 'no answer in time', fault: { kind: 'slow', ms: 2500 } },
  { name: 'work that dies with its caller', fault: { kind: 'hold', ms: 2500 } },
  { name: 'an answer cut short', fault: { kind: 'truncated' } },
  { name: 'an answer with a wrong body', fault: { kind: 'wrongBody' } },
  { name: 'an answer that is no text', fault: { kind: 'garbage' } },
];

interface Target {
  readonly call: string;
  /** Calls let through before the fault, of the same method. */
  readonly after: number;
  readonly fault: { readonly method: string; readonly path: string };
}

const TARGETS: readonly Target[] = [
  { call: 'making our half', after: 0, fault: { method: 'POST', path: '/referrals$' } },
  { call: 'making Microsoft’s half', after: 1, fault: { method: 'POST', path: '/referrals$' } },
  { call: 'reading it back', after: 0, fault: { method: 'GET', path: '/referrals/' } },
  { call: 'changing it', after: 0, fault: { method: 'PATCH', path: '/referrals/' } },
];

/** Towns at work at once; each has a gate of its own. */
const LANES = 8;

interface Case {
  readonly target: Target;
  readonly trouble: Trouble;
  readonly customer: string;
}

interface Ended {
  readonly deals: DealLane;
  readonly message: Message;
}

/** One case from the first command to the end. */
async function walk(deals: DealLane, { target, trouble, customer }: Case): Promise<Ended> {
  const { town } = deals;
  const arm = async (): Promise<void> => {
    // A call that is let through has a fault of its own that does nothing.
    for (let n = 0; n < target.after; n++)
      await town.fault({ ...target.fault, remote: 'partner', kind: 'slow', ms: 0 });
    await town.fault({ ...target.fault, ...trouble.fault, remote: 'partner' });
  };
  if (target.fault.method !== 'PATCH') {
    await arm();
    const card = await deals.share(customer);
    return { deals, message: await deals.shows(card, ENDED) };
  }
  await town.control('referral', { customer });
  await arm();
  const card = await deals.say(`referral accept ${customer}`);
  return { deals, message: await deals.shows(card, ENDED) };
}

async function check({ target, customer }: Case, { deals, message }: Ended): Promise<void> {
  const made = await deals.dealsWith(customer);
  const text = read(message);
  assertForPeople(
    message,
    made.map(({ id }) => id),
  );
  if (target.fault.method === 'PATCH') {
    assert.match(text, new RegExp(`The deal with ${customer} is accepted\\.`));
    assert.equal(made.length, 1);
    assert.equal(made[0]?.substatus, 'Accepted');
    return;
  }
  assert.match(text, MADE, text);
  assert.deepEqual(
    made.map(({ organizationId }) => organizationId).sort(),
    ['5a4db0c5-0000-4000-8000-000000005001', 'msft'],
    'one referral per side',
  );
}

function suite(engine: TestEngine, what: string, troubles: readonly Trouble[], settleMs = '50'): void {
  describe(`${what}, on ${engine.name}`, function () {
    this.timeout(60_000);
    const cases = troubles.flatMap((trouble, t) =>
      TARGETS.map((target, n): Case => ({ target, trouble, customer: `Adatum ${'ABCDEFGHIJKLMNOPQ'[t]}${n} Ltd` })),
    );
    const runs = new Map<Case, Promise<Ended>>();
    let lanes: readonly DealLane[] = [];

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lanes = await Promise.all(
        Array.from({ length: Math.min(LANES, cases.length) }, () =>
          openDeals(engine, { DIRECTORY_SETTLE_MS: settleMs }),
        ),
      );
      for (const lane of lanes) await lane.access('rita', 'signIn');
      const waiting = [...cases];
      const settle = new Map<Case, { resolve: (ended: Ended) => void; reject: (cause: unknown) => void }>();
      for (const one of cases) {
        const run = new Promise<Ended>((resolve, reject) => settle.set(one, { resolve, reject }));
        // A failed run is told by its own test.
        run.catch(() => {});
        runs.set(one, run);
      }
      const work = async (lane: DealLane): Promise<void> => {
        for (let one = waiting.shift(); one; one = waiting.shift())
          await walk(lane, one).then(settle.get(one)?.resolve, settle.get(one)?.reject);
      };
      for (const lane of lanes) void work(lane);
    });
    after(async () => {
      await Promise.allSettled(runs.values());
      await Promise.all(lanes.map((lane) => lane.close()));
    });

    for (const one of cases) {
      it(`${one.trouble.name} while ${one.target.call} is survived`, async () => {
        const ended = await runs.get(one);
        assert.ok(ended);
        await check(one, ended);
      });
    }

    it('leaves nothing of the inside in any log or audit line', async () => {
      await Promise.allSettled(runs.values());
      for (const { lane } of lanes) {
        await assertNothingLeaked(lane);
        assert.deepEqual(
          lane.log.lines.filter((line) => /bug/.test(line)),
          [],
        );
      }
    });
  });
}

const [onFile, onServer] = await engines();
const ONCE = 'a fault of Partner Center that happens once';
/** Done half a second after nobody waits for it any more: a look-up finds it if it is given the time. */
const LATE: Trouble = { name: 'work that is done late', fault: { kind: 'late', ms: 2000 } };
if (onFile) suite(onFile, ONCE, TROUBLES);
if (onFile) suite(onFile, 'an answer that nobody waited for', [LATE], '3000');
if (onServer)
  suite(
    onServer,
    ONCE,
    TROUBLES.filter(({ fault }) => fault['kind'] === 'dropAfter' || fault['retryAfter'] === 1),
  );
