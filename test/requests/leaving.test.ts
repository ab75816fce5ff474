/** How the last days of a list's guests are counted: what is news, what is still under way, and who is named. */
import assert from 'node:assert/strict';
import { GUEST_LIST } from '../../src/capabilities/guest/list.ts';
import type { GuestOutcome, Stay } from '../../src/capabilities/guest/outcome.ts';
import { leaving } from '../../src/requests/many/leaving.ts';
import type { Leaves, RowStore } from '../../src/requests/many/rows.ts';
import type { Request, RequestState } from '../../src/requests/request.ts';

const NOW = Date.parse('2027-02-22T08:00:00Z');
const HOUR = 3600_000;
const DAY = '2027-03-01';

describe('the last days of a list', () => {
  const { leaves } = GUEST_LIST;
  assert.ok(leaves);

  const guest = (n: number, stay: Partial<Stay>, state: RequestState = 'waiting', nextAt = NOW + HOUR) => {
    const known: GuestOutcome = {
      did: 'invited',
      standing: stay.removed ? 'removed' : 'accepted',
      mailed: true,
      stay: { since: 1, mailedAt: 1, reminders: { times: 0, at: 0 }, lookedAt: 1, ...stay },
    };
    const request: Partial<Request> = { id: `r${n}`, subject: `p${n}@partner.example`, state, nextAt, outcome: known };
    return { n, line: n + 2, request: request as Request };
  };
  const count = (guests: readonly ReturnType<typeof guest>[]) => {
    const rows: Pick<RowStore, 'silent'> = {
      silent: async (_id, _words, after, limit) => guests.filter(({ n }) => n > after).slice(0, limit),
    };
    return leaving(rows, 'b', leaves as Leaves<unknown>, NOW, 2);
  };
  const asked = (times: number, at = NOW - HOUR, about = DAY) => ({ until: DAY, asked: { about, times, at } });

  it('tells who is asked about before their day from those whose day is over, and names them', async () => {
    const found = await count([
      guest(0, asked(1)),
      guest(1, { ...asked(1), until: '2027-02-27', asked: { about: '2027-02-27', times: 1, at: NOW - 2 * HOUR } }),
      guest(2, asked(2)),
      // They were given another day since; nobody has asked about that yet.
      guest(3, asked(1, NOW - HOUR, '2027-02-25'), 'waiting', NOW + 2 * HOUR),
      guest(4, { until: DAY }),
    ]);
    assert.deepEqual(found?.ends, {
      open: 5,
      busy: 0,
      nextAt: NOW + HOUR,
      near: { count: 2, first: '2027-02-27', days: 2 },
      over: { count: 1, first: DAY, days: 1 },
      asked: ['p0@partner.example', 'p1@partner.example', 'p2@partner.example'],
      askedAt: NOW - HOUR,
      removed: 0,
      purged: 0,
      removedAt: 0,
      stuck: 0,
    });
  });

  it('leaves to the next look what happens during this one', async () => {
    const found = await count([
      guest(0, asked(1, NOW + 1)),
      guest(1, { until: DAY }, 'sending', NOW),
      guest(2, { until: DAY, removed: { at: NOW + 1, why: 'ended' } }, 'done'),
      guest(3, { until: DAY, removed: { at: NOW - 5, why: 'never accepted' } }, 'done'),
    ]);
    assert.ok(found);
    const { open, busy, askedAt, removed, purged, removedAt } = found.ends;
    assert.deepEqual([open, busy, askedAt, removed, purged, removedAt], [2, 1, 0, 1, 1, NOW - 5]);
  });

  it('names the first who cannot be removed or are not followed any more, and nobody who is gone otherwise', async () => {
    const trouble = { key: 'guest.stay.notRemoved' };
    const found = await count([
      guest(0, { ...asked(1), trouble }),
      guest(1, { until: DAY }, 'failed'),
      guest(2, { trouble }),
      guest(3, { until: DAY, removed: { at: NOW - 5, why: 'asked' } }, 'done'),
    ]);
    assert.deepEqual(
      found?.stuck.map(({ n }) => n),
      [0, 1],
    );
    assert.deepEqual([found.ends.stuck, found.ends.open, found.ends.near, found.ends.removed], [3, 1, undefined, 0]);
  });

  it('says nothing where nobody has a last day, and names nobody when they are too many for a form', async () => {
    assert.equal(await count([guest(0, {})]), null);
    const many = Array.from({ length: 1_021 }, (_, n) => guest(n, asked(1)));
    const found = await count(many);
    assert.deepEqual([found?.ends.near?.count, found?.ends.asked], [1_021, undefined]);
    assert.equal((await count(many.slice(0, 20)))?.ends.asked?.length, 20);
  });
});
