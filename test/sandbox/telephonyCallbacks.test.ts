import assert from 'node:assert/strict';
import { decodeProtectedHeader } from 'jose';
import { callForgeries } from '../../src/sandbox/callsKeys.ts';
import { call, type Loose } from './fakeBot.ts';
import { Line } from './line.ts';

describe('the callbacks of the sandbox', () => {
  let line: Line;
  before(async () => {
    line = await Line.open();
  });
  beforeEach(() => line.reset());
  after(() => line.close());

  const recorded = async (): Promise<Loose[]> => (await line.control('telephony')).callbacks;

  describe('keys', () => {
    it('are others than the channel has, and verify what is signed', async () => {
      const channel = (await call(`${line.sandbox.url}/login/v1/keys`)).body.keys;
      const calls = (await call(`${line.sandbox.url}/login/calls/v1/keys`)).body.keys;
      assert.equal(calls.length, 1);
      assert.equal('d' in calls[0], false);
      assert.notEqual(calls[0].n, channel[0].n);
      await line.verify(await line.sandbox.signCall());
      await line.verify(await line.sandbox.signCall({ iss: 'https://graph.microsoft.com' }));
      await assert.rejects(line.verify(await line.sandbox.sign({ tid: line.sandbox.tenantId })));
    });

    for (const kind of callForgeries) {
      it(`do not verify the forgery ${kind}`, async () => {
        await assert.rejects(line.verify(await line.sandbox.forgeCall(kind)));
      });
    }

    it('sign a good-looking token of the channel with the key of the channel', async () => {
      const token = await line.sandbox.forgeCall('channelKey');
      assert.equal(decodeProtectedHeader(token).kid, line.sandbox.publicJwk.kid);
    });

    it('sign under the other documented issuer when told to', async () => {
      await line.control('settings', { callsIssuer: 'https://graph.microsoft.com' });
      await line.join();
      const { iss } = await line.verify(line.heard()[0]?.token ?? '');
      assert.equal(iss, 'https://graph.microsoft.com');
    });
  });

  describe('that the bot does not take', () => {
    it('are tried again when it is unwell, and not when it refuses', async () => {
      let times = 0;
      line.onCallback = (body) => {
        if (body.value[0].resourceData.state !== 'establishing') return 202;
        times += 1;
        return times < 3 ? 503 : 202;
      };
      await line.join();
      await line.until('"state":"establishing"');
      const first = (await recorded())[0];
      assert.deepEqual(
        first.tries.map((one: Loose) => one.status),
        [503, 503, 202],
      );
      line.onCallback = () => 401;
      await line.control('telephony', { action: 'leave', person: 'rita' });
      await line.control(`wait?callbacks=${encodeURIComponent('^sent 401')}`);
      assert.equal((await recorded()).at(-1).tries.length, 1);
    });

    it('are tried again while nobody listens, a few times', async () => {
      const id = await line.join();
      await line.until('/participants"');
      await line.control('settings', { callbackTries: 2 });
      await line.control('callback', { call: id });
      const nobody = line.joinBody({ callbackUri: 'http://127.0.0.1:1/api/calls' });
      await line.graph('', 'POST', nobody);
      await line.control(`wait?callbacks=${encodeURIComponent('^sent 0 .*establishing')}`);
      const lost = (await recorded()).find((one) => one.to.includes(':1/'));
      assert.ok(lost.tries[0].error);
    });

    it('are not sent at all when switched off', async () => {
      await line.control('settings', { callbacksOff: true });
      await line.graph('', 'POST', line.joinBody());
      await line.control(`wait?telephony=${encodeURIComponent('"established"')}`);
      assert.equal(line.heard().length, 0);
      assert.equal((await recorded())[0].state, 'off');
    });
  });

  it('can be held back and let out in reversed order', async () => {
    const id = await line.join();
    await line.until('/participants"');
    const before = line.said().length;
    await line.control('hold-callbacks', { on: true });
    await line.invite(id, ['Axel']);
    await line.control(`wait?callbacks=${encodeURIComponent('^held .*"changeType":"updated".*Axel')}`);
    assert.equal(line.said().length, before);
    const released = await line.control('hold-callbacks', { on: false, reversed: true });
    assert.deepEqual(released.statuses, [202, 202]);
    const kinds = line
      .said()
      .slice(before)
      .map((one) => one.changeType);
    assert.deepEqual(kinds, ['updated', 'deleted']);
  });

  it('can be replayed, copied, and sent with any token and body', async () => {
    const id = await line.join();
    await line.until('/participants"');
    const [first, second] = await recorded();
    const before = line.heard().length;
    const replayed = await line.control('callback', { replay: [first.n, second.n], order: 'reversed', copies: 3 });
    assert.deepEqual(replayed.statuses, [202, 202, 202, 202, 202, 202]);
    const again = line.heard().slice(before);
    assert.deepEqual(again[0]?.body, second.body);
    assert.deepEqual(again.at(-1)?.body, first.body);
    assert.equal(again[0]?.url, '/api/calls?request=r-1');

    await line.control('callback', { call: id, token: 'none' });
    assert.equal(line.heard().at(-1)?.token, '');
    await line.control('callback', { call: id, token: { header: 'Basic abc' } });
    assert.equal(line.heard().at(-1)?.token, 'Basic abc');
    await line.control('callback', { call: id, token: { forge: 'noTid' } });
    await assert.rejects(line.verify(line.heard().at(-1)?.token ?? ''));
    await line.control('callback', { to: `${line.listener.url}/elsewhere`, body: { old: 'format' }, claims: { x: 1 } });
    const last = line.heard().at(-1);
    assert.deepEqual(last?.body, { old: 'format' });
    assert.equal(last?.url, '/elsewhere');
    assert.equal((await line.verify(last?.token ?? ''))['x'], 1);
    const refused = await call(`${line.sandbox.url}/control/callback`, 'POST', { replay: 999 });
    assert.equal(refused.status, 404);
    const outside = await line.control('callback', { to: 'http://bot.example/api/calls' });
    assert.deepEqual(outside.statuses, [0]);
  });
});
