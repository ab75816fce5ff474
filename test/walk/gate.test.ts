/**
 * One request that Microsoft asks to be patient holds back every other one, of every process: until the time has come
 * nothing at all is sent to it. Judged by when calls came in at the stand-in, never by how long anything took.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import { type Bot, type SeenCall, startBot } from '../support/usher.ts';
import { type Lane, openLane } from '../support/walk.ts';

for (const engine of await engines()) {
  describe(`the gate, on ${engine.name}`, function () {
    this.timeout(30_000);
    let lane: Lane;
    let other: Bot | undefined;

    beforeEach(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine);
    });
    afterEach(async () => {
      await other?.stop();
      other = undefined;
      await lane?.close();
    });

    const inOrder = async (): Promise<SeenCall[]> =>
      [...(await lane.town.calls())].sort((a, b) => a.at.localeCompare(b.at));
    const armed = async (): Promise<number> => (await lane.town.control<{ faults: unknown[] }>('faults')).faults.length;

    /** Nothing came in between the answer that closed the gate and the moment it named. */
    async function assertClosed(closedMs: number): Promise<void> {
      const calls = await inOrder();
      const closing = calls.findIndex((call) => call.status === 429 || call.status === 503);
      assert.ok(closing >= 0);
      const at = Date.parse(calls[closing]?.at ?? '');
      const early = calls.slice(closing + 1).filter((call) => Date.parse(call.at) < at + closedMs);
      assert.deepEqual(
        early.map((call) => `${call.method} ${call.path} ${Date.parse(call.at) - at} ms after the gate was closed`),
        [],
      );
    }

    async function closeIt(fault: Record<string, unknown>): Promise<void> {
      await lane.town.fault({ path: '/users$', ...fault });
      await lane.town.say('invite ana@partner.example');
      await lane.shows('ana@partner.example', /Microsoft (?:asked me to slow down|cannot be reached)/);
    }

    for (const fault of [
      { kind: 'throttle', retryAfter: 1 },
      { kind: 'status', status: 503, retryAfter: 1 },
    ]) {
      it(`a ${fault.status ?? 429} that names a time holds back what is asked for meanwhile`, async () => {
        await closeIt(fault);
        await lane.town.say('invite bo@partner.example to team Apollo');
        await lane.town.say('invite cy@partner.example, di@partner.example');
        for (const name of ['ana', 'bo', 'cy', 'di']) await lane.shows(`${name}@partner.example`, /is invited\./);
        await assertClosed(1000);
        assert.equal(lane.town.sandbox.world.mails.length, 4);
      });
    }

    it('a request that is being carried out stops before its next call', async () => {
      await lane.town.fault({ kind: 'slow', ms: 600, path: '/users$' });
      await lane.town.say('invite bo@partner.example');
      while ((await armed()) > 0);
      await closeIt({ kind: 'throttle', retryAfter: 1 });
      for (const name of ['ana', 'bo']) await lane.shows(`${name}@partner.example`, /is invited\./);
      await assertClosed(1000);
      assert.equal(lane.town.sandbox.world.mails.length, 2);
    });

    it('the other process waits as well', async () => {
      await closeIt({ kind: 'throttle', retryAfter: 1 });
      other = await startBot(lane.town, lane.database.url);
      await lane.town.say('invite bo@partner.example');
      for (const name of ['ana', 'bo']) await lane.shows(`${name}@partner.example`, /is invited\./);
      await assertClosed(1000);
      assert.equal(lane.town.sandbox.world.mails.length, 2);
    });
  });
}
