/** The pace: a call waits for its slot in hand or at rest, owns the slot it rests for, and loses one it is late for. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Call } from '../../src/requests/capability.ts';
import { everyUs, PACES, takeTurn } from '../../src/requests/pace.ts';
import type { Request } from '../../src/requests/request.ts';
import type { Say } from '../../src/requests/say.ts';
import type { Work } from '../../src/requests/work.ts';

const CALL: Call = {
  name: 'invite',
  to: 'graph',
  method: 'POST',
  path: '/invitations',
  repeat: 'restart',
  pace: 'invitations',
};
const workOf = (note: Say | null): Work => ({ request: { note } as Request, answers: [], earlier: null, signals: [] });
const NOW = 1_000_000;

/** A store whose next slots are these, epoch ms; counts how many were taken. */
function line(...slots: number[]) {
  const taken: number[] = [];
  return {
    taken,
    takeSlots: async () => {
      const slot = slots.shift() ?? Number.NaN;
      taken.push(slot);
      return slot * 1000;
    },
  };
}

describe('the pace of invitations', () => {
  it('uses a little less than the quota', () => {
    const { limit, windowMs } = PACES.invitations;
    const perWindow = (windowMs * 1000) / everyUs('invitations');
    assert.ok(perWindow < limit && perWindow > limit * 0.98, `${perWindow} in ${windowMs} ms`);
  });

  it('lets a call without a pace go', async () => {
    const { pace: _pace, ...call } = CALL;
    assert.deepEqual(await takeTurn(workOf(null), call, line(), { now: () => NOW }), { now: true });
  });

  it('lets whoever comes to a free line go at once, and waits in hand for a slot that is near', async () => {
    const began = performance.now();
    assert.deepEqual(await takeTurn(workOf(null), CALL, line(NOW), { now: () => NOW }), { now: true });
    assert.deepEqual(await takeTurn(workOf(null), CALL, line(NOW + 60), { now: () => NOW }), { now: true });
    assert.ok(performance.now() - began >= 55);
  });

  it('rests until a slot that is far, owns it then, and takes no other', async () => {
    const far = line(NOW + 5_000);
    const first = await takeTurn(workOf(null), CALL, far, { now: () => NOW });
    assert.ok('rests' in first);
    assert.equal(first.rests.state, 'queued');
    assert.equal(first.rests.nextAt, NOW + 5_000);
    assert.equal(first.rests.visible, true, 'whoever waits for long is told');
    const again = line();
    const note = first.rests.note ?? null;
    assert.deepEqual(await takeTurn(workOf(note), CALL, again, { now: () => NOW + 5_010 }), { now: true });
    assert.deepEqual(again.taken, []);
  });

  it('takes another slot when its own is over: two in one slot’s time would be a burst', async () => {
    const note = { key: 'request.note.paced', with: { slot: NOW, seconds: 1 } };
    const next = line(NOW + 500);
    assert.deepEqual(await takeTurn(workOf(note), CALL, next, { now: () => NOW + 500 }), { now: true });
    assert.deepEqual(next.taken, [NOW + 500]);
  });

  it('never lets more go in any window than the quota has, however late each is within its slot', () => {
    const every = everyUs('invitations') / 1000;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 400, maxLength: 400 }), (late) => {
        const sent = late.map((ms, n) => n * every + ms).sort((a, b) => a - b);
        for (const [n, at] of sent.entries()) {
          const inWindow = sent.slice(n).filter((other) => other < at + PACES.invitations.windowMs).length;
          assert.ok(inWindow <= PACES.invitations.limit, `${inWindow} from ${at} on`);
        }
      }),
      { numRuns: 30 },
    );
  });
});
