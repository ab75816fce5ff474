import assert from 'node:assert/strict';
import { connectionName, Deals } from './deals.ts';
import { call, type FakeBot, startFakeBot } from './fakeBot.ts';

describe('the sandbox as the token service', () => {
  let deals: Deals;
  before(async () => {
    deals = await Deals.open();
  });
  beforeEach(() => deals.sandbox.reset());
  after(() => deals.close());

  const has = async (user: string) => (await deals.tokens('GetToken', user)).status === 200;
  const mayRead = async (token: string) => (await deals.referrals(token)).status;

  describe('a sign-in', () => {
    it('begins with a link to a page and something to exchange', async () => {
      const { status, body } = await deals.signInResource('rita');
      assert.equal(status, 200);
      assert.match(body.signInLink, new RegExp(`^${deals.sandbox.url}/sign-in\\?ticket=`));
      assert.deepEqual(Object.keys(body.tokenExchangeResource), ['id', 'uri', 'providerId']);
      const page = await fetch(body.signInLink);
      assert.equal(page.status, 200);
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    });

    it('reads the state as every SDK writes it, and refuses what is none or is of another bot', async () => {
      const ask = (state: unknown) => {
        const text = typeof state === 'string' ? state : Buffer.from(JSON.stringify(state)).toString('base64');
        return call(`${deals.sandbox.url}/tokens/api/botsignin/GetSignInResource?state=${encodeURIComponent(text)}`);
      };
      const conversation = { user: { id: deals.teamsId('rita') } };
      assert.equal((await ask({ connectionName, conversation, msAppId: deals.sandbox.botId })).status, 200);
      assert.equal((await ask({ connectionName, conversation, msAppId: 'another' })).status, 403);
      assert.equal((await ask({ connectionName, conversation: { user: { id: '29:nobody' } } })).status, 400);
      assert.equal((await ask({ conversation })).status, 400);
      assert.equal((await ask('no state')).status, 400);
    });

    it('gives its token for the code, once, to that user and connection only', async () => {
      assert.equal(await has('rita'), false);
      const code = await deals.code('rita');
      assert.match(code, /^\d{6}$/);
      assert.equal(await has('rita'), false);
      assert.equal((await deals.tokens('GetToken', 'axel', { code })).status, 404);
      assert.equal((await deals.tokens('GetToken', 'rita', { code, connectionName: 'Other' })).status, 404);
      assert.equal((await deals.tokens('GetToken', 'rita', { code: 'wrong' })).status, 404);
      const got = await deals.tokens('GetToken', 'rita', { code });
      assert.equal(got.status, 200);
      assert.deepEqual(Object.keys(got.body), ['channelId', 'connectionName', 'token', 'expiration']);
      assert.equal((await deals.tokens('GetToken', 'rita', { code })).status, 404);
      assert.equal((await deals.tokens('GetToken', 'rita')).body.token, got.body.token);
      assert.equal(await has('axel'), false);
    });

    it('gives nothing when the user refuses, and is over afterwards', async () => {
      assert.equal((await deals.signInResource('rita')).status, 200);
      assert.deepEqual(await deals.control('sign-in', { user: 'rita', accept: false }), {
        state: 'refused',
        code: null,
      });
      await assert.rejects(deals.control('sign-in', { user: 'rita' }), /no such sign-in/);
    });

    it('without a second factor does not open Partner Center', async () => {
      const token = await deals.signIn('rita', { mfa: false });
      const refused = await deals.referrals(token);
      assert.equal(refused.status, 401);
      assert.match(refused.headers.get('www-authenticate') ?? '', /insufficient_claims/);
      assert.equal(await mayRead(await deals.signIn('rita')), 200);
    });

    it('needs to know whom and through what', async () => {
      const ask = (query: string) => call(`${deals.sandbox.url}/tokens/api/usertoken/GetToken?${query}`);
      assert.equal((await ask('connectionName=x')).body.error.code, 'BadArgument');
      assert.equal((await ask('userId=29:x')).status, 400);
      assert.equal((await ask('userId=29:x&connectionName=x')).status, 404);
    });
  });

  describe('a token', () => {
    it('ends after its lifetime, or when it is made to', async () => {
      await deals.control('settings', { tokenLifetimeMs: 0 });
      const short = await deals.signIn('rita');
      assert.equal(await has('rita'), false);
      assert.equal(await mayRead(short), 401);
      await deals.control('settings', { tokenLifetimeMs: 60_000 });
      const token = await deals.signIn('rita');
      assert.equal(await mayRead(token), 200);
      await deals.control('access', { user: 'rita', action: 'expire' });
      assert.equal(await has('rita'), false);
      assert.equal(await mayRead(token), 401);
    });

    it('is forgotten when the user signs out', async () => {
      const token = await deals.signIn('rita');
      const status = async () => (await deals.tokens('GetTokenStatus', 'rita')).body;
      assert.equal((await status())[0].hasToken, true);
      assert.equal((await deals.tokens('SignOut', 'rita', {}, 'DELETE')).status, 200);
      assert.equal((await status())[0].hasToken, false);
      assert.equal(await has('rita'), false);
      assert.equal(await mayRead(token), 401);
    });

    it('may be handed out still when Partner Center takes it no more', async () => {
      const token = await deals.signIn('rita');
      await deals.control('access', { user: 'rita', action: 'refuse' });
      assert.equal((await deals.tokens('GetToken', 'rita')).body.token, token);
      assert.equal(await mayRead(token), 401);
    });

    for (const status of [401, 403]) {
      it(`meets a claims challenge with ${status} until the user has signed in anew`, async () => {
        const token = await deals.signIn('rita');
        await deals.control('access', { user: 'rita', action: 'challenge', status });
        const refused = await deals.referrals(token);
        assert.equal(refused.status, status);
        const header = refused.headers.get('www-authenticate') ?? '';
        assert.match(header, /^Bearer .*error="insufficient_claims", claims="[\w+/=]+"$/);
        const [, claims = ''] = /claims="([^"]+)"/.exec(header) ?? [];
        assert.ok(JSON.parse(Buffer.from(claims, 'base64').toString()).access_token);
        assert.equal((await deals.tokens('GetToken', 'rita')).body.token, token);
        await deals.tokens('SignOut', 'rita', {}, 'DELETE');
        assert.equal(await mayRead(await deals.signIn('rita')), 200);
      });
    }

    it('is never in the list of calls', async () => {
      const token = await deals.signIn('rita');
      await deals.referrals(token);
      assert.doesNotMatch(JSON.stringify((await deals.control('calls')).calls), new RegExp(token));
    });
  });

  describe('an exchange', () => {
    const exchange = (user: string, body: unknown) => deals.tokens('exchange', user, {}, 'POST', body);

    it('gives a token to whoever consented before, without a page', async () => {
      await deals.control('settings', { sso: true });
      await assert.rejects(deals.control('exchangeable-token', { user: 'rita' }), /did not consent/);
      await deals.signIn('rita');
      await deals.tokens('SignOut', 'rita', {}, 'DELETE');
      const { token } = await deals.control('exchangeable-token', { user: 'rita' });
      const got = await exchange('rita', { token });
      assert.equal(got.status, 200);
      assert.equal(got.body.connectionName, connectionName);
      assert.equal(await mayRead(got.body.token), 200);
    });

    it('refuses a token that is not the user’s, a user who took consent back, and nothing', async () => {
      await deals.control('settings', { sso: true });
      const before = await deals.signIn('rita');
      const { token } = await deals.control('exchangeable-token', { user: 'rita' });
      assert.equal((await exchange('axel', { token })).status, 400);
      assert.equal((await exchange('rita', { token: 'made up' })).body.error.code, 'InvalidExchangeToken');
      assert.equal((await exchange('rita', {})).status, 400);
      await deals.control('access', { user: 'rita', action: 'revoke' });
      assert.equal((await exchange('rita', { token })).status, 412);
      assert.equal(await has('rita'), false);
      assert.equal(await mayRead(before), 401);
    });

    it('does not satisfy a claims challenge', async () => {
      await deals.control('settings', { sso: true });
      await deals.signIn('rita');
      await deals.control('access', { user: 'rita', action: 'challenge' });
      const { token } = await deals.control('exchangeable-token', { user: 'rita' });
      assert.equal(await mayRead((await exchange('rita', { token })).body.token), 401);
    });
  });

  describe('a pressed button', () => {
    let bot: FakeBot;
    before(async () => {
      bot = await startFakeBot();
    });
    after(() => bot.close());

    it('says that the bot asks for a sign-in, and comes again with the code or with a token', async () => {
      deals.sandbox.botUrl = bot.url;
      const login = { text: 'Please sign in', connectionName, buttons: [] };
      const type = 'application/vnd.microsoft.activity.loginRequest';
      bot.onActivity = () => ({ status: 200, body: { statusCode: 401, type, value: login } });
      const pressed = { conversation: 'personal:rita', user: 'rita', activityId: '1', verb: 'deal', data: { a: 1 } };
      const first = await deals.control('execute', pressed);
      assert.deepEqual([first.shown, first.body.value], ['signIn', login]);
      const authentication = { id: 'x', connectionName, token: 'y' };
      await deals.control('execute', { ...pressed, state: '123456' });
      await deals.control('execute', { ...pressed, authentication });
      const [plain, code, silent] = bot.received.map(({ activity }) => activity.value);
      assert.deepEqual(code, { ...plain, state: '123456' });
      assert.deepEqual(silent, { ...plain, authentication });
    });
  });

  it('fails as it is told to', async () => {
    await deals.control('faults', { remote: 'tokens', kind: 'status', status: 503, path: '/GetToken$' });
    const failed = await deals.tokens('GetToken', 'rita');
    assert.equal(failed.status, 503);
    assert.equal(failed.body.error.code, 'ServiceUnavailable');
    assert.equal((await deals.tokens('GetToken', 'rita')).status, 404);
    assert.deepEqual((await deals.control('state')).counts.calls.tokens, 2);
  });
});
