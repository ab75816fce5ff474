/**
 * The Partner Center client and the token service's client against real local servers: in whose name a call goes out, how
 * often, with which headers, and what comes back of it; a person's token never leaves over plain http outside the sandbox.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { openPartnerCenter, type SendPartner } from '../../src/remotes/partnerCenter.ts';
import { openUserTokens, type UserTokens } from '../../src/remotes/userTokens.ts';
import type { Call, Reply } from '../../src/requests/capability.ts';
import { type Listener, listenHere, reply } from '../support/listener.ts';

const USER = '29:1-rita/+=';
const clock = { now: () => Date.now() };
const call = (method: Call['method'] = 'GET', more: Partial<Call> = {}): Call => ({
  name: 'test',
  to: 'partnerCenter',
  method,
  path: '/engagements/referrals?$orderby=updatedDateTime%20desc',
  repeat: 'never',
  ...more,
});
const meaning = (answer: Reply): string =>
  answer.ok ? 'ok' : [answer.problem.kind, answer.problem.reason].filter(Boolean).join(' ');

describe('the Partner Center client', () => {
  let there: Listener;
  let service: Listener;
  let send: SendPartner;
  /** The token the service holds for the person; null: none. */
  let held: string | null;

  const tokensAt = (url: string, timeoutMs = 5_000): UserTokens =>
    openUserTokens({ url, connection: 'PartnerCenter', botId: '28:b', timeoutMs, tokens: null });
  const partnerAt = (url: string, { isSandbox = true, timeoutMs = 5_000 } = {}): SendPartner =>
    openPartnerCenter({ url, isSandbox, timeoutMs }, tokensAt(service.url), clock);
  const ask = (one: Call = call(), by: SendPartner = send, signal = new AbortController().signal): Promise<Reply> =>
    by(one, { requestId: '7k3q9xwa', place: { serviceUrl: 'https://smba.example', userId: USER }, signal });
  const about = (heard: { readonly url: string }): URLSearchParams => new URL(`http://x${heard.url}`).searchParams;

  beforeEach(async () => {
    there = await listenHere();
    service = await listenHere();
    held = 'a-persons-token';
    service.answer = (heard, response) => {
      if (heard.method === 'DELETE') return reply(response, 200, {});
      if (held === null) return reply(response, 404, { error: { code: 'NotFound' } });
      reply(response, 200, { connectionName: 'PartnerCenter', token: held });
    };
    send = partnerAt(`${there.url}/v1.0/`);
  });
  afterEach(() => Promise.all([there.close(), service.close()]));

  it('calls in the name of whoever asked, with an id of its own each time', async () => {
    for (let n = 0; n < 3; n++) assert.equal(meaning(await ask()), 'ok');
    assert.equal(there.heard.length, 3);
    for (const { headers, method, url, body } of there.heard) {
      assert.equal(`${method} ${url}`, 'GET /v1.0/engagements/referrals?$orderby=updatedDateTime%20desc');
      assert.equal(headers.authorization, 'Bearer a-persons-token');
      assert.equal(headers.accept, 'application/json');
      assert.equal(headers['content-type'], undefined);
      assert.equal(headers['if-match'], undefined);
      assert.match(String(headers['client-request-id']), /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.equal(body, '');
    }
    assert.equal(new Set(there.heard.map(({ headers }) => headers['client-request-id'])).size, 3);
    const [asked] = service.heard;
    assert.deepEqual(asked && Object.fromEntries(about(asked)), {
      userId: USER,
      connectionName: 'PartnerCenter',
      channelId: 'msteams',
    });
  });

  it('sends a body and an eTag as they are, quotes included', async () => {
    const ifMatch = '"00006d10-0000-0000-0000-5c70aa630000"';
    const body = [{ op: 'replace', path: '/details/notes', value: 'Zwei Städte „heute“' }];
    there.answer = (_heard, response) => reply(response, 204);
    assert.equal(meaning(await ask(call('PATCH', { body, ifMatch }))), 'ok');
    const [heard] = there.heard;
    assert.equal(heard?.headers['if-match'], ifMatch);
    assert.equal(heard?.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(heard?.body ?? ''), body);
  });

  it('asks for a sign-in when nobody has signed in, and sends nothing', async () => {
    held = null;
    assert.equal(meaning(await ask(call('POST', { body: {} }))), 'denied signIn');
    assert.equal(there.heard.length, 0);
  });

  it('asks again when the token does not do, and lets go of it first', async () => {
    const refusals: readonly ((response: ServerResponse) => void)[] = [
      (response) => reply(response, 401, { error: { code: 'unAuthorized', message: 'x' } }),
      (response) => reply(response, 401, '<html></html>'),
      (response) =>
        reply(response, 403, '', { 'www-authenticate': 'Bearer error="insufficient_claims", claims="e30="' }),
    ];
    for (const refuse of refusals) {
      service.heard.length = 0;
      there.heard.length = 0;
      there.answer = (_heard, response) => refuse(response);
      assert.equal(meaning(await ask(call('POST', { body: {} }))), 'denied signInAgain');
      assert.equal(there.heard.length, 1);
      assert.deepEqual(
        service.heard.map(({ method, url }) => `${method} ${url.split('?')[0]}`),
        ['GET /api/usertoken/GetToken', 'GET /api/usertoken/GetToken', 'DELETE /api/usertoken/SignOut'],
      );
      assert.equal(service.heard[2] && about(service.heard[2]).get('userId'), USER);
    }
  });

  it('leaves alone whoever has signed in anew while the old token was being refused', async () => {
    let asked = 0;
    service.answer = (_heard, response) => {
      asked += 1;
      reply(response, 200, { token: `token-${asked}` });
    };
    there.answer = (_heard, response) => reply(response, 401, { error: { code: 'unAuthorized', message: 'x' } });
    assert.equal(meaning(await ask()), 'denied signInAgain');
    assert.deepEqual(
      service.heard.map(({ method }) => method),
      ['GET', 'GET'],
    );
  });

  it('a role that is missing is no reason to sign in', async () => {
    there.answer = (_heard, response) => reply(response, 403, { error: { code: 'accessDenied', message: 'x' } });
    assert.equal(meaning(await ask()), 'denied role');
    assert.equal(service.heard.length, 1);
  });

  const troubles: readonly (readonly [string, (response: ServerResponse) => void, string])[] = [
    ['500', (response) => reply(response, 500, '<html></html>'), 'down'],
    ['503', (response) => reply(response, 503, {}, { 'retry-after': '0' }), 'down'],
    ['429', (response) => reply(response, 429, {}, { 'retry-after': '0' }), 'busy'],
    ['a reset', (response) => response.destroy(), 'down'],
    ['a redirect', (response) => reply(response, 307, '', { location: '/elsewhere' }), 'down'],
    ['a redirect that says something', (response) => reply(response, 302, {}, { location: '/elsewhere' }), 'down'],
    [
      'an answer cut short',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"id":', () => response.destroy());
      },
      'down',
    ],
  ];
  for (const method of ['GET', 'POST', 'PATCH', 'DELETE'] as const)
    it(`sends a ${method} once, whatever is answered`, async () => {
      for (const [name, answer, kind] of troubles) {
        there.heard.length = 0;
        there.answer = (_heard, response) => answer(response);
        assert.equal(meaning(await ask(call(method, method === 'POST' ? { body: {} } : {}))), kind, name);
        assert.equal(there.heard.length, 1, `${name}: sent ${there.heard.length} times`);
      }
    });

  it('ends a call that is not answered in time', async () => {
    there.answer = () => {};
    const answer = await ask(call(), partnerAt(there.url, { timeoutMs: 100 }));
    assert.match((!answer.ok && answer.problem.detail) || '', /TimeoutError/);
  });

  it('ends a call whose answer trickles in without end', async () => {
    there.answer = (_heard, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(drip));
    };
    assert.equal(meaning(await ask(call(), partnerAt(there.url, { timeoutMs: 200 }))), 'down');
  });

  it('sends nothing once the bot has stopped, and leaves nothing at the signal of one that goes on', async () => {
    assert.equal(meaning(await ask(call(), send, AbortSignal.abort())), 'down');
    assert.equal(there.heard.length, 0);
    const { signal } = new AbortController();
    for (let n = 0; n < 10; n++) await ask(call(), send, signal);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('hands on what is wrong with the token service, and sends nothing', async () => {
    for (const [status, kind] of [
      [429, 'busy'],
      [500, 'down'],
      [401, 'denied'],
    ] as const) {
      service.answer = (_heard, response) => reply(response, status, '<html></html>');
      assert.equal(meaning(await ask()), kind);
    }
    assert.equal(there.heard.length, 0);
  });

  it('no token goes out over plain http outside the sandbox, or from the sandbox to anywhere but this machine', async () => {
    const refused: readonly [string, boolean][] = [
      [there.url, false],
      ['http://127.0.0.1.evil.example/v1.0', true],
      ['http://localhost.evil.example/v1.0', true],
      ['http://partner.example/v1.0', true],
    ];
    for (const [url, isSandbox] of refused)
      await assert.rejects(ask(call(), partnerAt(url, { isSandbox })), /https only/, url);
    assert.equal(there.heard.length, 0);
    assert.equal(service.heard.length, 0);
  });
});

describe('the token service', () => {
  let there: Listener;
  let tokens: UserTokens;
  const open = (more: Partial<Parameters<typeof openUserTokens>[0]> = {}): UserTokens =>
    openUserTokens({
      url: `${there.url}/`,
      connection: 'PartnerCenter',
      botId: '28:b',
      timeoutMs: 5_000,
      tokens: null,
      ...more,
    });

  beforeEach(async () => {
    there = await listenHere();
    tokens = open();
  });
  afterEach(() => there.close());

  /** What asking gave: a token, `none`, or a kind of problem. */
  const shown = (asked: Awaited<ReturnType<UserTokens['get']>>): string =>
    asked === 'none' ? 'none' : 'token' in asked ? asked.token : asked.problem.kind;
  const answers: readonly [string, (response: ServerResponse) => void, string][] = [
    ['a token', (response) => reply(response, 200, { token: 't' }), 't'],
    ['an empty token', (response) => reply(response, 200, { token: '' }), 'none'],
    ['no token', (response) => reply(response, 200, {}), 'none'],
    ['a page', (response) => reply(response, 200, '<html></html>'), 'none'],
    ['null', (response) => reply(response, 200, 'null'), 'none'],
    ['400', (response) => reply(response, 400, { error: { code: 'BadArgument' } }), 'none'],
    ['404', (response) => reply(response, 404, {}), 'none'],
    ['412', (response) => reply(response, 412, { error: { code: 'PreconditionFailed' } }), 'none'],
    ['401', (response) => reply(response, 401, ''), 'denied'],
    ['403', (response) => reply(response, 403, ''), 'denied'],
    ['429', (response) => reply(response, 429, ''), 'busy'],
    ['500', (response) => reply(response, 500, ''), 'down'],
    ['503', (response) => reply(response, 503, ''), 'down'],
    ['a redirect', (response) => reply(response, 302, '', { location: '/elsewhere' }), 'denied'],
    ['a reset', (response) => response.destroy(), 'down'],
  ];
  for (const [name, answer, meant] of answers)
    it(`that answers with ${name} gives ${meant}, asked or in exchange`, async () => {
      there.answer = (_heard, response) => answer(response);
      assert.equal(shown(await tokens.get('29:r')), meant);
      assert.equal(shown(await tokens.exchange('29:r', 'silent')), meant);
      assert.equal(there.heard.length, 2);
    });

  it('is given the code somebody brings from their browser', async () => {
    there.answer = (_heard, response) => reply(response, 200, { token: 't' });
    await tokens.get('29:r', '123 456&x');
    const [heard] = there.heard;
    assert.equal(new URL(`http://x${heard?.url}`).searchParams.get('code'), '123 456&x');
  });

  it('is given the silent token in the body, not in the address', async () => {
    there.answer = (_heard, response) => reply(response, 200, { token: 't' });
    await tokens.exchange('29:r', 'silent-token');
    const [heard] = there.heard;
    assert.equal(heard?.method, 'POST');
    assert.deepEqual(JSON.parse(heard?.body ?? ''), { token: 'silent-token' });
    assert.ok(!heard?.url.includes('silent'));
  });

  it('names the time it asks for', async () => {
    there.answer = (_heard, response) => reply(response, 429, '', { 'retry-after': '40' });
    const asked = await tokens.get('29:r');
    assert.equal(asked !== 'none' && 'problem' in asked && asked.problem.retryAfterMs, 40_000);
  });

  it('says where to sign in', async () => {
    const tokenExchangeResource = { id: 'x', uri: 'api://x' };
    there.answer = (_heard, response) =>
      reply(response, 200, { signInLink: 'https://token.example/signin?x', tokenExchangeResource });
    const conversation = { user: { id: '29:r' } };
    assert.deepEqual(await tokens.resource(conversation), {
      connectionName: 'PartnerCenter',
      signInLink: 'https://token.example/signin?x',
      tokenExchangeResource,
    });
    const state = new URL(`http://x${there.heard[0]?.url}`).searchParams.get('state') ?? '';
    assert.deepEqual(JSON.parse(Buffer.from(state, 'base64').toString('utf8')), {
      ConnectionName: 'PartnerCenter',
      Conversation: conversation,
      MsAppId: '28:b',
    });
  });

  it('that gives no place to sign in is the admin’s to mend', async () => {
    for (const [status, kind] of [
      [200, 'denied'],
      [404, 'denied'],
      [500, 'down'],
    ] as const) {
      there.answer = (_heard, response) => reply(response, status, {});
      const asked = await tokens.resource({});
      assert.equal('problem' in asked && asked.problem.kind, kind);
    }
  });

  it('that holds nothing any more has forgotten it', async () => {
    for (const [status, kind] of [
      [200, undefined],
      [204, undefined],
      [404, undefined],
      [401, 'denied'],
      [503, 'down'],
    ] as const) {
      there.answer = (_heard, response) => reply(response, status, status === 204 ? undefined : {});
      assert.equal((await tokens.signOut('29:r'))?.kind, kind);
    }
  });

  it('that is silent is not waited for for ever', async () => {
    there.answer = () => {};
    assert.equal(shown(await open({ timeoutMs: 100 }).get('29:r')), 'down');
  });

  it('is not asked without a connection', async () => {
    const off = open({ connection: null });
    assert.equal(shown(await off.get('29:r')), 'refused');
    assert.equal(shown(await off.exchange('29:r', 't')), 'refused');
    assert.ok('problem' in (await off.resource({})));
    assert.equal((await off.signOut('29:r'))?.kind, 'refused');
    assert.equal(there.heard.length, 0);
  });

  it('is not sent the bot’s own token over plain http, nor is one asked for', async () => {
    let asked = 0;
    const open_ = open({
      tokens: async () => {
        asked++;
        return 'bot-token';
      },
    });
    await open_.get('29:r');
    assert.equal(asked, 0);
    assert.equal(there.heard[0]?.headers.authorization, undefined);
  });

  it('that cannot be called for want of a token of the bot says so', async () => {
    const refused = open({
      url: 'https://127.0.0.1:1',
      tokens: async () => {
        throw new Error('invalid_client AADSTS7000215: secret');
      },
    });
    assert.equal(shown(await refused.get('29:r')), 'denied');
  });
});
