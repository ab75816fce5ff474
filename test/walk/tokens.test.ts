/**
 * Who is let in: every wrong token is refused with the same words and without a trace of why; keys may change, or be out
 * of reach for a while; what was verified once is still judged each time.
 */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { networkInterfaces } from 'node:os';
import { useFakeTimers } from 'sinon';
import { startUsher } from '../../src/compose.ts';
import { readConfig } from '../../src/config/config.ts';
import { createChannelKeys, forgeries } from '../../src/sandbox/channelKeys.ts';
import {
  type Answered,
  activity,
  BOT_ID,
  type Edge,
  openEdgeHere,
  overheard,
  SERVICE_URL,
  sendRaw,
  TENANT_ID,
} from '../support/edge.ts';
import { type Listener, reply } from '../support/listener.ts';
import { skip } from '../support/skip.ts';
import { KeptLog, type Lane, openLane, sqlite } from '../support/walk.ts';

const REFUSED = { error: { code: 'Unauthorized', message: 'The request is not authenticated.' } };

describe('a token in live mode', () => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await openEdgeHere();
  });
  afterEach(() => edge.close());

  const post = (authorization?: string | string[], one = activity()): Promise<Answered> =>
    sendRaw(`${edge.url}/api/messages`, {
      body: one,
      headers: (authorization === undefined ? {} : { authorization }) as OutgoingHttpHeaders,
    });

  async function assertRefused(authorization?: string | string[], one = activity()): Promise<void> {
    let answered: Answered | undefined;
    const said = await overheard(async () => {
      answered = await post(authorization, one);
    });
    assert.equal(answered?.status, 401);
    assert.deepEqual(answered?.json, REFUSED);
    assert.equal(said, '');
    assert.deepEqual(edge.log.lines, []);
    assert.deepEqual(edge.received, []);
  }

  it('that is good lets the activity in', async () => {
    const answered = await post(`Bearer ${await edge.channel.sign()}`);
    assert.equal(answered.status, 200);
    assert.equal(edge.received.length, 1);
    assert.equal((await post(`bearer ${await edge.channel.sign()}`)).status, 200);
  });

  it('that is missing is refused, from loopback too', () => assertRefused());

  for (const kind of forgeries)
    it(`that is forged (${kind}) is refused`, async () => assertRefused(`Bearer ${await edge.channel.forge(kind)}`));

  /** Seconds of the epoch, when the test runs. */
  const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
  const claims: Record<string, Record<string, unknown> | (() => Record<string, unknown>)> = {
    'without an expiry': { exp: undefined },
    'whose expiry is text': { exp: 'tomorrow' },
    'without an audience': { aud: undefined },
    'without an issuer': { iss: undefined },
    'of Entra, for the bot’s own app': { iss: 'https://sts.windows.net/5a4db0c5-0000-4000-8000-00000000c0de/' },
    'whose serviceurl lacks the slash': { serviceurl: SERVICE_URL.slice(0, -1) },
    'whose serviceurl is a list with ours': { serviceurl: [SERVICE_URL, 'https://evil.example/'] },
    'whose serviceurl is empty': { serviceurl: '' },
    'that expired just outside the tolerance': () => ({ nbf: inSeconds(-7200), exp: inSeconds(-330) }),
    'that is valid only after the tolerance': () => ({ nbf: inSeconds(330) }),
  };
  for (const [name, some] of Object.entries(claims))
    it(`${name} is refused`, async () =>
      assertRefused(`Bearer ${await edge.channel.sign(typeof some === 'function' ? some() : some)}`));

  it('within five minutes of its times is taken, since clocks differ', async () => {
    const late = await edge.channel.sign({ nbf: inSeconds(-7200), exp: inSeconds(-200) });
    assert.equal((await post(`Bearer ${late}`)).status, 200);
    const early = await edge.channel.sign({ nbf: inSeconds(200) });
    assert.equal((await post(`Bearer ${early}`)).status, 200);
  });

  it('that is signed otherwise than agreed is refused', async () => {
    await assertRefused(`Bearer ${await edge.channel.sign({}, { alg: 'RS512' })}`);
    await assertRefused(`Bearer ${await edge.channel.sign({}, { alg: 'RS384' })}`);
    await assertRefused(`Bearer ${await edge.channel.sign({}, { kid: null })}`);
  });

  it('whose payload was exchanged is refused', async () => {
    const [header, , signature] = (await edge.channel.sign()).split('.');
    const payload = Buffer.from(JSON.stringify({ serviceurl: SERVICE_URL, exp: inSeconds(9999) })).toString(
      'base64url',
    );
    await assertRefused(`Bearer ${header}.${payload}.${signature}`);
  });

  it('for another channel than the key is endorsed for is refused', async () => {
    await assertRefused(`Bearer ${await edge.channel.sign()}`, activity({ channelId: 'webchat' }));
  });

  it('in a header of another shape is refused', async () => {
    const good = await edge.channel.sign();
    for (const header of [
      `Basic ${good}`,
      good,
      'Bearer',
      'Bearer ',
      `Bearer  ${good}`,
      'Bearer garbage',
      'Bearer a.b.c',
      'Bearer ..',
      `Bearer ${good}.${good}`,
      `Bearer ${good} ${good}`,
      `Bearer ${good}, Bearer ${good}`,
      `Bearer "${good}"`,
      `Bearer ${Buffer.from('{"alg":"RS256"').toString('base64url')}.e30.c2ln`,
      `Bearer ${Buffer.from('[]').toString('base64url')}.e30.c2ln`,
      `Bearer ${Buffer.from('{"alg":{},"kid":[]}').toString('base64url')}.e30.c2ln`,
    ])
      await assertRefused(header);
  });

  it('given twice is refused, whichever comes first', async () => {
    const good = `Bearer ${await edge.channel.sign()}`;
    await assertRefused([good, good]);
    await assertRefused([good, 'Bearer garbage']);
    await assertRefused(['Bearer garbage', good]);
  });

  it('verified for one serviceUrl is refused for another', async () => {
    const token = `Bearer ${await edge.channel.sign()}`;
    assert.equal((await post(token)).status, 200);
    edge.received.length = 0;
    await assertRefused(token, activity({ serviceUrl: 'https://smba.trafficmanager.net/amer/' }));
    await assertRefused(token, activity({ serviceUrl: 'https://smba.trafficmanager.net/emea' }));
    await assertRefused(token, activity({ channelId: 'directline' }));
    assert.equal((await post(token)).status, 200);
  });

  it('that was remembered is forgotten when it expires', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      const token = `Bearer ${await edge.channel.sign()}`;
      assert.equal((await post(token)).status, 200);
      clock.setSystemTime(Date.now() + 3600_000 + 290_000);
      assert.equal((await post(token)).status, 200);
      edge.received.length = 0;
      clock.setSystemTime(Date.now() + 11_000);
      await assertRefused(token);
    } finally {
      clock.restore();
    }
  });
});

describe('the keys of the channel', () => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await openEdgeHere();
  });
  afterEach(() => edge.close());

  const post = async (token: string): Promise<Answered> =>
    sendRaw(`${edge.url}/api/messages`, { body: activity(), headers: { authorization: `Bearer ${token}` } });

  it('are read once for many tokens', async () => {
    for (let n = 0; n < 5; n++) assert.equal((await post(await edge.channel.sign({ jti: String(n) }))).status, 200);
    assert.deepEqual(
      edge.login.listener.heard.map((heard) => heard.url),
      ['/metadata', '/keys'],
    );
  });

  it('may change: a new key is known without a restart, an old one no more', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      const old = edge.channel;
      assert.equal((await post(await old.sign())).status, 200);
      const fresh = await createChannelKeys(BOT_ID, () => SERVICE_URL);
      edge.login.keys = fresh.jwks().keys;
      clock.setSystemTime(Date.now() + 31_000);
      assert.equal((await post(await fresh.sign())).status, 200);
      assert.equal((await post(await old.sign({ jti: 'another' }))).status, 401);
    } finally {
      clock.restore();
    }
  });

  it('are not read again and again for keys that nobody knows', async () => {
    await post(await edge.channel.sign());
    for (let n = 0; n < 20; n++) assert.equal((await post(await edge.channel.forge('unknownKid'))).status, 401);
    assert.equal(edge.login.listener.heard.filter((heard) => heard.url === '/keys').length, 1);
  });

  const broken: Record<string, Listener['answer']> = {
    'answers 500': (_heard, response) => reply(response, 500, {}),
    'answers 404': (_heard, response) => reply(response, 404, {}),
    'answers a page': (_heard, response) => reply(response, 200, '<html></html>'),
    'answers something else': (_heard, response) => reply(response, 200, { hello: 'world' }),
    'answers a list': (_heard, response) => reply(response, 200, '[]'),
    'answers nothing': (_heard, response) => reply(response, 200, ''),
    'hangs up': (_heard, response) => response.destroy(),
    'is silent': () => {},
  };
  for (const at of ['metadata', 'keys'] as const) {
    for (const [name, answer] of Object.entries(broken)) {
      it(`are out of reach while the address of the ${at} ${name}: nobody is refused for it, and it passes`, async () => {
        edge.login.trouble = { at, answer };
        const token = await edge.channel.sign();
        let answered: Answered | undefined;
        const said = await overheard(async () => {
          answered = await post(token);
        });
        assert.equal(answered?.status, 503);
        assert.equal(answered?.json.error.code, 'KeysUnavailable');
        assert.equal(said, '');
        assert.deepEqual(edge.received, []);
        edge.login.trouble = null;
        assert.equal((await post(token)).status, 200);
      });
    }
  }

  it('are out of reach when the metadata names none', async () => {
    for (const jwks_uri of [undefined, null, 7, 'nonsense', '']) {
      edge.login.trouble = { at: 'metadata', answer: (_heard, response) => reply(response, 200, { jwks_uri }) };
      assert.equal((await post(await edge.channel.sign())).status, 503);
    }
    edge.login.trouble = null;
    assert.equal((await post(await edge.channel.sign())).status, 200);
  });

  it('need not be in reach for a token that was verified before', async () => {
    const token = await edge.channel.sign();
    assert.equal((await post(token)).status, 200);
    edge.login.trouble = { at: 'keys', answer: (_heard, response) => reply(response, 500, {}) };
    assert.equal((await post(token)).status, 200);
  });

  it('say nothing of a token that is none: that is refused, not put off', async () => {
    edge.login.trouble = { at: 'keys', answer: (_heard, response) => reply(response, 500, {}) };
    const answered = await sendRaw(`${edge.url}/api/messages`, {
      body: activity(),
      headers: { authorization: 'Basic dXNlcg==' },
    });
    assert.equal(answered.status, 401);
  });
});

describe('a bot in live mode', () => {
  it('lets nobody in without a token, from loopback neither', async () => {
    const database = await (await sqlite()).open();
    const read = readConfig({
      MODE: 'live',
      HOST: '127.0.0.1',
      PORT: '0',
      BOT_ID,
      BOT_TENANT_ID: TENANT_ID,
      BOT_PASSWORD: 'hunter2',
      DATABASE_URL: database.url,
    });
    assert.ok('config' in read);
    const log = new KeptLog();
    const usher = await startUsher(read.config, log);
    try {
      const url = `http://127.0.0.1:${usher.port}`;
      for (const headers of [{}, { authorization: 'Basic dXNlcg==' }, { authorization: '' }]) {
        const answered = await sendRaw(`${url}/api/messages`, { body: activity(), headers });
        assert.equal(answered.status, 401);
        assert.deepEqual(answered.json, REFUSED);
        assert.match(String(answered.headers['strict-transport-security']), /max-age/);
      }
      assert.equal((await sendRaw(`${url}/readyz`, { method: 'GET' })).status, 200);
      assert.deepEqual(log.lines, []);
    } finally {
      await usher.stop();
      await database.drop();
    }
  });
});

describe('a token in sandbox mode', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane(await sqlite());
  });
  after(() => lane.close());

  const raw = (token: unknown) =>
    lane.town.control<{ status: number; body: unknown }>('raw', { activity: hello(), token });
  let n = 0;
  const hello = () =>
    activity({
      id: `raw-${++n}`,
      serviceUrl: lane.town.sandbox.serviceUrl,
      from: { id: lane.town.sandbox.world.people[0]?.teamsId, aadObjectId: lane.town.sandbox.world.people[0]?.userId },
      conversation: { id: lane.town.sandbox.world.conversations[0]?.id, conversationType: 'personal' },
    });

  it('may be missing on loopback, since there is no Teams to sign it', async () => {
    assert.equal((await raw('none')).status, 200);
    assert.equal((await lane.town.cards()).length, 1);
  });

  it('that is good is taken', async () => assert.equal((await raw('good')).status, 200));

  for (const kind of forgeries) {
    it(`that is there and forged (${kind}) is refused all the same`, async () => {
      const answered = await raw({ forge: kind });
      assert.equal(answered.status, 401);
      assert.deepEqual(answered.body, REFUSED);
    });
  }

  it('that is missing is refused when it comes from another machine', async function () {
    const elsewhere = Object.values(networkInterfaces())
      .flat()
      .find((one) => one && !one.internal && one.family === 'IPv4')?.address;
    if (!elsewhere) skip(this, 'this machine has no address but loopback');
    const edge = await openEdgeHere({ mode: 'sandbox' }, {}, '0.0.0.0');
    try {
      const body = activity({ serviceUrl: 'http://127.0.0.1:1/connector/' });
      const far = await sendRaw(`http://${elsewhere}:${edge.port}/api/messages`, { body });
      assert.equal(far.status, 401);
      assert.deepEqual(edge.received, []);
      assert.equal((await sendRaw(`${edge.url}/api/messages`, { body })).status, 200);
    } finally {
      await edge.close();
    }
  });
});
