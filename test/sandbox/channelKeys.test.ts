import assert from 'node:assert/strict';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { type Forgery, forgeries } from '../../src/sandbox/channelKeys.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { call, type FakeBot, startFakeBot } from './fakeBot.ts';

describe('the login keys of the sandbox', () => {
  let sandbox: Sandbox;
  let bot: FakeBot;
  before(async () => {
    bot = await startFakeBot();
    sandbox = await startSandbox({ port: 0, botUrl: bot.url });
  });
  after(async () => {
    await sandbox.close();
    await bot.close();
  });

  const metadata = () => call(`${sandbox.url}/login/v1/.well-known/openidconfiguration`);

  /** Checks a token the way a careful bot does. */
  async function verify(token: string): Promise<void> {
    const { body } = await metadata();
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(body.jwks_uri)), {
      issuer: body.issuer,
      audience: sandbox.botId,
      algorithms: ['RS256'],
    });
    assert.equal(payload['serviceurl'], sandbox.serviceUrl);
  }

  it('publish one RSA key that is endorsed for Teams', async () => {
    const { body } = await metadata();
    assert.equal(body.issuer, 'https://api.botframework.com');
    const keys = (await call(body.jwks_uri)).body.keys;
    assert.equal(keys.length, 1);
    assert.equal(keys[0].kty, 'RSA');
    assert.deepEqual(keys[0].endorsements, ['msteams']);
    assert.equal('d' in keys[0], false);
    assert.equal(keys[0].n, sandbox.publicJwk.n);
  });

  it('verify the token that an activity carries', async () => {
    await call(`${sandbox.url}/control/say`, 'POST', { conversation: 'group', user: 'rita', text: 'help' });
    const [scheme, token = ''] = (bot.received.at(-1)?.authorization ?? '').split(' ');
    assert.equal(scheme, 'Bearer');
    await verify(token);
  });

  for (const kind of forgeries) {
    it(`do not verify the forgery ${kind}`, async () => {
      await assert.rejects(verify(await sandbox.forge(kind)));
    });
  }

  it('are named rightly in forgeries whose fault is elsewhere', async () => {
    const known: Forgery[] = ['otherKey', 'algNone', 'hs256PublicKey', 'expired'];
    for (const kind of known) {
      assert.equal(decodeProtectedHeader(await sandbox.forge(kind)).kid, sandbox.publicJwk.kid, kind);
    }
  });

  it('sign any claims that a test wants', async () => {
    await assert.rejects(verify(await sandbox.sign({ aud: 'somebody-else' })), /aud/);
    await verify(await sandbox.sign({ tid: 'extra' }));
  });

  it('are not used when the sandbox is told not to sign, and any header can be sent', async () => {
    const send = (token: unknown) =>
      call(`${sandbox.url}/control/raw`, 'POST', { activity: { type: 'message', text: 'raw' }, token });
    await send('none');
    assert.equal(bot.received.at(-1)?.authorization, undefined);
    await send({ header: 'Basic abc' });
    assert.equal(bot.received.at(-1)?.authorization, 'Basic abc');
    await send({ forge: 'expired' });
    assert.match(bot.received.at(-1)?.authorization ?? '', /^Bearer ey/);
    assert.equal((await send('good')).body.status, 200);
  });
});
