/**
 * The connector client against a real local server: an activity is posted once, whatever is answered, and each answer
 * becomes the problem that tells the teller whether to try again, to post anew, or to give up.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type Connector, openConnector } from '../../src/remotes/connector.ts';
import { type Listener, listenHere, reply } from '../support/listener.ts';

describe('the connector client', () => {
  let there: Listener;
  let connector: Connector;
  let tokensAsked = 0;

  beforeEach(async () => {
    there = await listenHere();
    connector = openConnector({
      timeoutMs: 300,
      tokens: async () => {
        tokensAsked++;
        return 'a-token';
      },
    });
  });
  afterEach(async () => {
    await there.close();
    await connector.close();
  });

  const post = (path = 'v3/conversations/a/activities') =>
    connector.send('POST', `${there.url}/`, path, { type: 'message', text: 'é' });

  it('posts and gives what was answered', async () => {
    there.answer = (_heard, response) => reply(response, 201, { id: '17' });
    assert.deepEqual(await post(), { ok: true, body: { id: '17' } });
    const [heard] = there.heard;
    assert.equal(heard?.url, '/v3/conversations/a/activities');
    assert.deepEqual(JSON.parse(heard?.body ?? ''), { type: 'message', text: 'é' });
    assert.match(heard?.headers['content-type'] ?? '', /^application\/json; ?charset=utf-8$/);
  });

  it('takes a serviceUrl with or without its slash, and with a path', async () => {
    for (const base of [there.url, `${there.url}/`, `${there.url}/emea/`, `${there.url}/emea`])
      await connector.send('GET', base, 'v3/x');
    assert.deepEqual(
      there.heard.map((heard) => heard.url),
      ['/v3/x', '/v3/x', '/emea/v3/x', '/emea/v3/x'],
    );
  });

  for (const body of ['', 'text', '[1]', '"x"', 'null', '{"id":'])
    it(`is not put out by a good answer that reads ${JSON.stringify(body)}`, async () => {
      there.answer = (_heard, response) => reply(response, 200, body);
      assert.equal((await post()).ok, true);
    });

  const troubles: readonly [string, (response: ServerResponse) => void, string][] = [
    ['429', (response) => reply(response, 429, {}), 'busy'],
    ['500', (response) => reply(response, 500, {}), 'down'],
    ['502', (response) => reply(response, 502, '<html>'), 'down'],
    ['503', (response) => reply(response, 503, {}), 'down'],
    ['504', (response) => reply(response, 504, {}), 'down'],
    ['401', (response) => reply(response, 401, {}), 'down'],
    ['408', (response) => reply(response, 408, {}), 'down'],
    ['400', (response) => reply(response, 400, {}), 'gone'],
    ['403', (response) => reply(response, 403, { error: { code: 'BotNotInConversationRoster' } }), 'gone'],
    ['404', (response) => reply(response, 404, {}), 'gone'],
    ['412', (response) => reply(response, 412, {}), 'gone'],
    ['413', (response) => reply(response, 413, {}), 'bug'],
    ['a reset', (response) => response.destroy(), 'down'],
    ['silence', () => {}, 'down'],
    [
      'an answer cut short',
      (response) => {
        response.writeHead(201, { 'content-length': '100' });
        response.write('{"id', () => response.destroy());
      },
      'down',
    ],
    ['a redirect', (response) => reply(response, 307, '', { location: '/elsewhere' }), 'gone'],
  ];
  for (const [name, answer, kind] of troubles) {
    it(`${name} is ${kind}, and nothing is sent twice`, async () => {
      there.answer = (_heard, response) => answer(response);
      for (const method of ['POST', 'PUT'] as const) {
        there.heard.length = 0;
        const sent = await connector.send(method, there.url, 'v3/x', { type: 'message' });
        assert.equal(sent.ok ? 'ok' : sent.problem.kind, kind);
        assert.equal(there.heard.length, 1);
        assert.doesNotMatch((!sent.ok && sent.problem.detail) || '', /Roster|html/);
      }
    });
  }

  it('gives the time that a 429 or a 503 names, in seconds or as a date', async () => {
    for (const status of [429, 503]) {
      there.answer = (_heard, response) => reply(response, status, {}, { 'retry-after': '9' });
      const inSeconds = await post();
      assert.equal(!inSeconds.ok && inSeconds.problem.retryAfterMs, 9000);
      const date = new Date(Date.now() + 60_000).toUTCString();
      there.answer = (_heard, response) => reply(response, status, {}, { 'retry-after': date });
      const asDate = await post();
      assert.ok(!asDate.ok && (asDate.problem.retryAfterMs ?? 0) > 50_000);
    }
  });

  it('sends no token over plain http, and does not even ask for one', async () => {
    await post();
    assert.equal(there.heard[0]?.headers.authorization, undefined);
    assert.equal(tokensAsked, 0);
  });

  it('ends what is under way when it is closed', async () => {
    const patient = openConnector({ timeoutMs: 60_000, tokens: null });
    there.answer = () => void patient.close();
    const sent = await patient.send('POST', there.url, 'v3/x', {});
    assert.equal(sent.ok ? 'ok' : sent.problem.kind, 'down');
  });

  it('comes back after the other side was away', async () => {
    const { url } = there;
    await there.close();
    const away = await connector.send('POST', url, 'v3/x', {});
    assert.match((!away.ok && away.problem.detail) || '', /ECONNREFUSED/);
    there = await listenHere();
    assert.equal((await post()).ok, true);
  });
});
