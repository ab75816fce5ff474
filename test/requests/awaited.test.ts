/** Whoever waits for a request is woken by what happens here, looks now and then for what happens elsewhere, and never for ever. */
import assert from 'node:assert/strict';
import { useFakeTimers } from 'sinon';
import { Awaited } from '../../src/requests/awaited.ts';
import type { Request } from '../../src/requests/request.ts';

const ended = ({ state }: Request): boolean => state === 'done';

describe('waiting for a request', () => {
  let state: Request['state'];
  let looks: number;
  let awaited: Awaited;
  beforeEach(() => {
    state = 'queued';
    looks = 0;
    awaited = new Awaited({
      get: async (id) => {
        looks++;
        return id === 'none' ? null : ({ id, state } as Request);
      },
    });
  });

  it('is over at once when it is there already, or when there is no such request', async () => {
    state = 'done';
    assert.equal((await awaited.until('a', ended, 60_000))?.state, 'done');
    assert.equal(await awaited.until('none', ended, 60_000), null);
    assert.equal(looks, 2);
  });

  it('is over as soon as it is told of the change, however many wait, and others sleep on', async () => {
    const waits = Promise.all(Array.from({ length: 50 }, () => awaited.until('a', ended, 60_000)));
    const other = new AbortController();
    const sleeps = awaited.until('b', ended, 60_000, other.signal);
    await new Promise(setImmediate);
    const before = looks;
    awaited.changed({ id: 'x' });
    await new Promise(setImmediate);
    assert.equal(looks, before);
    state = 'done';
    awaited.changed({ id: 'a' });
    assert.deepEqual([...new Set((await waits).map((one) => one?.state))], ['done']);
    assert.equal(looks, before + 50);
    other.abort();
    await sleeps;
  });

  it('misses no change that falls between the look and the sleep', async () => {
    const racing = new Awaited({
      get: async (id) => {
        const seen = { id, state } as Request;
        // The change comes after this look was made, and before it is answered.
        if (state === 'queued') {
          state = 'done';
          racing.changed({ id });
        }
        return seen;
      },
    });
    const clock = useFakeTimers({ toFake: ['setTimeout'] });
    try {
      assert.equal((await racing.until('a', ended, 60_000))?.state, 'done');
    } finally {
      clock.restore();
    }
  });

  it('looks every two seconds for what other processes do, and ends when its time is up', async () => {
    const clock = useFakeTimers({ now: 0, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    try {
      const waits = awaited.until('a', ended, 5_000);
      await clock.tickAsync(4_999);
      assert.equal(looks, 3);
      await clock.tickAsync(1);
      assert.equal((await waits)?.state, 'queued');
      assert.equal(looks, 4);
    } finally {
      clock.restore();
    }
  });

  it('ends when whoever waits hangs up, and for all when Usher stops', async () => {
    const gone = new AbortController();
    const one = awaited.until('a', ended, 60_000, gone.signal);
    const another = awaited.until('a', ended, 60_000);
    await new Promise(setImmediate);
    gone.abort();
    assert.equal((await one)?.state, 'queued');
    awaited.stop();
    assert.equal((await another)?.state, 'queued');
    assert.equal((await awaited.until('a', ended, 60_000))?.state, 'queued');
  });

  it('hands on what the store says', async () => {
    const broken = new Awaited({ get: () => Promise.reject(new Error('no store')) });
    await assert.rejects(() => broken.until('a', ended, 1000), /no store/);
  });
});
