/**
 * A directory that shows a new guest only after a while, and answers that come, or work that is done, after the one who
 * asked was killed: a look made too early would find nobody. For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import type { Ending } from './killEnding.ts';
import { Succession } from './killScene.ts';

/** A new process takes a second or two: what it must wait for has to take longer. */
const LAG_MS = 4_000;
const SETTLE_MS = 6_000;

/** Two invitations for each way to be cut off; all of them at once. */
const WAYS = [
  { kind: 'slow', times: 2, ms: 10_000 },
  { kind: 'hold', times: 2, ms: 10_000 },
  { kind: 'late', times: 2, ms: 1_000 },
];

export async function killBeforeALag(engine: TestEngine): Promise<ReadonlyMap<string, Ending>> {
  const succession = await Succession.found(engine, { DIRECTORY_SETTLE_MS: String(SETTLE_MS) });
  try {
    await succession.town.control('settings', { directoryDelayMs: LAG_MS });
    const count = WAYS.reduce((sum, { times }) => sum + times, 0);
    const addresses = Array.from({ length: count }, (_none, n) => `lag${n}@partner.example`);
    let last = Promise.resolve();
    for (const way of WAYS) {
      ({ met: last } = await succession.meet({ ...way, method: 'POST', path: '/invitations$' }));
    }
    for (const address of addresses) {
      succession.say({ text: `invite ${address}`, user: 'rita', conversation: 'personal:rita' });
    }
    await last;
    await succession.dead('now');
    await succession.next();
    await succession.answered();
    await succession.finished(addresses, succession.gone);
    assert.deepEqual(succession.errors, [], 'errors in the log');
    return await succession.endings(addresses);
  } finally {
    await succession.close();
  }
}
