/**
 * The Graph client against a real local server: every call goes out once, whatever is answered; what is asked arrives as
 * it was meant; no token ever leaves over plain http.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openGraph, type Send } from '../../src/remotes/graph.ts';
import type { Call, Reply } from '../../src/requests/capability.ts';
import { type Listener, listenHere, reply } from '../support/listener.ts';

/** What is answered, and the kind of problem it is. */
type Trouble = readonly [string, (response: ServerResponse) => void, string];

const clock = { now: () => Date.now() };
const call = (method: Call['method'], path = '/invitations', body?: unknown): Call => ({
  name: 'test',
  to: 'graph',
  method,
  path,
  repeat: 'never',
  ...(body === undefined ? {} : { body }),
});

describe('the Graph client', () => {
  let there: Listener;
  let tokensAsked: string[];
  let send: Send;

  beforeEach(async () => {
    there = await listenHere();
    tokensAsked = [];
    send = graphAt(`${there.url}/graph/v1.0`);
  });
  afterEach(() => there.close());

  const graphAt = (url: string, timeoutMs = 5_000): Send =>
    openGraph(
      {
        url,
        timeoutMs,
        tokens: async (scope) => {
          tokensAsked.push(scope);
          return 'a-token';
        },
      },
      clock,
    ).send;
  const ask = (one: Call, by: Send = send, signal = new AbortController().signal): Promise<Reply> =>
    by(one, { requestId: '7k3q9xwa', signal });
  const kindOf = (answer: Reply): string => (answer.ok ? 'ok' : answer.problem.kind);

  const troubles: readonly Trouble[] = [
    ...[408, 500, 502, 503, 504].map(
      (status): Trouble => [`${status}`, (response) => reply(response, status, '<html></html>'), 'down'],
    ),
    ['503 with Retry-After', (response) => reply(response, 503, '{}', { 'retry-after': '0' }), 'down'],
    ['429', (response) => reply(response, 429, '{}'), 'busy'],
    ['429 with Retry-After', (response) => reply(response, 429, '{}', { 'retry-after': '0' }), 'busy'],
    ['a reset', (response) => response.destroy(), 'down'],
    ['a redirect', (response) => reply(response, 307, '', { location: '/graph/v1.0/elsewhere' }), 'down'],
    ['a redirect that keeps no method', (response) => reply(response, 302, '', { location: '/elsewhere' }), 'down'],
    [
      'an answer cut short',
      (response) => {
        response.writeHead(201, { 'content-length': '100' });
        response.write('{"invited', () => response.destroy());
      },
      'down',
    ],
  ];
  for (const method of ['POST', 'GET', 'PATCH', 'DELETE'] as const) {
    it(`sends a ${method} once, whatever is answered`, async () => {
      for (const [name, answer, kind] of troubles) {
        there.heard.length = 0;
        there.answer = (_heard, response) => answer(response);
        const body = method === 'GET' || method === 'DELETE' ? undefined : { a: 1 };
        assert.equal(kindOf(await ask(call(method, '/invitations', body))), kind, name);
        assert.equal(there.heard.length, 1, `${name}: sent ${there.heard.length} times`);
      }
    });
  }

  it('gives the time that an answer names', async () => {
    there.answer = (_heard, response) => reply(response, 429, '{}', { 'retry-after': '40' });
    const answer = await ask(call('GET', '/users'));
    assert.equal(!answer.ok && answer.problem.retryAfterMs, 40_000);
  });

  it('ends a call that is not answered in time', async () => {
    there.answer = () => {};
    assert.equal(kindOf(await ask(call('POST', '/invitations', {}), graphAt(`${there.url}/v1.0`, 100))), 'down');
    assert.equal(there.heard.length, 1);
  });

  it('ends a call that is not answered in time, however often the garbage is collected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const collecting = setInterval(collect, 10);
    there.answer = () => {};
    try {
      const answer = await ask(call('POST', '/invitations', {}), graphAt(`${there.url}/v1.0`, 300));
      assert.match((!answer.ok && answer.problem.detail) || '', /TimeoutError/);
    } finally {
      clearInterval(collecting);
    }
  });

  it('leaves nothing behind at the signal of a bot that goes on', async () => {
    const { signal } = new AbortController();
    for (let n = 0; n < 20; n++) await ask(call('GET', '/users'), send, signal);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('sends nothing once the bot has stopped', async () => {
    assert.equal(kindOf(await ask(call('POST', '/invitations', {}), send, AbortSignal.abort())), 'down');
    assert.equal(there.heard.length, 0);
  });

  it('ends a call whose body does not come in time', async () => {
    there.answer = (_heard, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"value":');
    };
    assert.equal(kindOf(await ask(call('GET', '/users'), graphAt(`${there.url}/v1.0`, 100))), 'down');
  });

  it('ends a call when the bot stops', async () => {
    const stop = new AbortController();
    there.answer = () => stop.abort();
    assert.equal(kindOf(await ask(call('POST', '/invitations', {}), send, stop.signal)), 'down');
  });

  it('says in one line for the log why there was no answer', async () => {
    const { url } = there;
    await there.close();
    const answer = await ask(call('GET', '/users'), graphAt(`${url}/v1.0`));
    assert.match((!answer.ok && answer.problem.detail) || '', /ECONNREFUSED/);
    there = await listenHere();
  });

  it('sends what was meant: method, path, body, the id of the request', async () => {
    there.answer = (_heard, response) => reply(response, 201, { id: '1' });
    const body = { invitedUserEmailAddress: 'ana@partner.example', note: 'ü “quoted” 日本' };
    assert.deepEqual(await ask(call('POST', '/invitations', body)), { ok: true, body: { id: '1' } });
    const [heard] = there.heard;
    assert.equal(heard?.url, '/graph/v1.0/invitations');
    assert.deepEqual(JSON.parse(heard?.body ?? ''), body);
    assert.match(heard?.headers['content-type'] ?? '', /^application\/json/);
    assert.equal(heard?.headers['client-request-id'], '7k3q9xwa');
  });

  for (const text of [
    "o'brien@x.example",
    'R&D #1 100% + 50',
    'a/b?c=d;e',
    'Café 日本 🚀',
    "'' or 1 eq 1 or ''",
    '%27',
  ]) {
    it(`carries ${text} in a filter as it is`, async () => {
      const literal = `'${text.replaceAll("'", "''")}'`;
      const path = `/groups?$filter=startswith(displayName,${encodeURIComponent(literal)})&$select=id,displayName&$top=20`;
      await ask(call('GET', path));
      const { searchParams, pathname } = new URL(there.heard[0]?.url ?? '', 'http://x');
      assert.equal(pathname, '/graph/v1.0/groups');
      assert.equal(searchParams.get('$filter'), `startswith(displayName,${literal})`);
      assert.equal(searchParams.get('$top'), '20');
    });
  }

  for (const [path, expected] of [
    ['/v1.0', '/v1.0/users'],
    ['/v1.0/', '/v1.0/users'],
    ['/beta', '/beta/users'],
    ['/a/b/v1.0', '/a/b/v1.0/users'],
    ['', '/v1.0/users'],
    ['/', '/v1.0/users'],
  ] as const) {
    it(`takes a base address that ends in ${JSON.stringify(path)}`, async () => {
      await ask(call('GET', '/users'), graphAt(`${there.url}${path}`));
      assert.equal(there.heard[0]?.url, expected);
    });
  }

  it('sends no token over plain http, and does not even ask for one', async () => {
    await ask(call('POST', '/invitations', {}));
    assert.equal(there.heard[0]?.headers.authorization, undefined);
    assert.deepEqual(tokensAsked, []);
  });
});
