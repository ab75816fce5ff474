/**
 * The client of Governance Toolkit 365 against a real local server: what goes out, where it never goes, and what each of
 * its answers means, in all its shapes; none of its text comes through.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { openGt365 } from '../../src/remotes/gt365.ts';
import { readGt365Answer } from '../../src/remotes/gt365Answer.ts';
import { openSandboxTokens } from '../../src/remotes/sandboxTokens.ts';
import type { Call, Reply } from '../../src/requests/capability.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { type Listener, listenHere, reply } from '../support/listener.ts';

const clock = { now: () => Date.now() };
const CALL: Call = {
  name: 'invite',
  to: 'gt365',
  method: 'POST',
  path: '/api/InviteGuest',
  body: { invitedUserEmailAddress: 'ana@partner.example', more: { ort: 'Zürich' } },
  repeat: 'restart',
};
const SCOPE = 'https://graph.microsoft.com/.default';
const meaning = (answer: Reply): string =>
  answer.ok ? 'ok' : [answer.problem.kind, answer.problem.reason, answer.problem.at].filter(Boolean).join(' ');

describe('the client of Governance Toolkit 365', () => {
  let there: Listener;
  let scopes: string[];

  const ask = (url: string, more: { isSandbox?: boolean; timeoutMs?: number; tokens?: () => Promise<string> } = {}) =>
    openGt365(
      {
        url,
        scope: SCOPE,
        isSandbox: true,
        timeoutMs: 5_000,
        tokens: async (scope) => {
          scopes.push(scope);
          return 'an-apps-token';
        },
        ...more,
      },
      clock,
    )(CALL, { requestId: '7k3q9xwa', signal: new AbortController().signal });

  beforeEach(async () => {
    scopes = [];
    there = await listenHere();
  });
  afterEach(() => there.close());

  it('posts once, with the app’s token for Graph and names that stay the same when it is repeated', async () => {
    there.answer = (_heard, response) => reply(response, 201, { id: 'i' });
    assert.equal(meaning(await ask(`${there.url}/`)), 'ok');
    const [heard, ...others] = there.heard;
    assert.deepEqual(others, []);
    assert.equal(`${heard?.method} ${heard?.url}`, 'POST /api/InviteGuest');
    assert.equal(heard?.headers.authorization, 'Bearer an-apps-token');
    assert.match(String(heard?.headers['content-type']), /^application\/json/);
    assert.equal(heard?.headers['idempotency-key'], '7k3q9xwa.invite');
    assert.equal(heard?.headers['client-request-id'], '7k3q9xwa');
    assert.deepEqual(JSON.parse(heard?.body ?? ''), CALL.body);
    assert.deepEqual(scopes, [SCOPE]);
  });

  it('never sends a token over plain http outside the sandbox, nor off this machine in it', async () => {
    await assert.rejects(() => ask(there.url, { isSandbox: false }), /https only/);
    await assert.rejects(() => ask('http://gt365.example'), /https only/);
    assert.deepEqual([there.heard, scopes], [[], []]);
  });

  it('does not follow a redirect, which could take token and invitation elsewhere', async () => {
    const elsewhere = await listenHere();
    there.answer = (_heard, response) => reply(response, 307, '', { location: `${elsewhere.url}/api/InviteGuest` });
    assert.equal(meaning(await ask(there.url)), 'down');
    assert.deepEqual(elsewhere.heard, []);
    await elsewhere.close();
  });

  it('sends nothing without a token, and says whose trouble that is', async () => {
    const refused = async () => {
      throw new Error('invalid_client: AADSTS7000215: Invalid client secret');
    };
    assert.equal(meaning(await ask(there.url, { tokens: refused })), 'denied credentials');
    const silent = async () => {
      throw new Error('no token within 20000 ms');
    };
    assert.equal(meaning(await ask(there.url, { tokens: silent })), 'down');
    assert.deepEqual(there.heard, []);
  });

  const lost: Record<string, (response: ServerResponse) => void> = {
    'hangs up': (response) => response.destroy(),
    'is silent': () => {},
    'stops in the middle': (response) => {
      response.writeHead(201, { 'content-length': '100' });
      response.write('{"id":');
      setImmediate(() => response.destroy());
    },
  };
  for (const [name, answer] of Object.entries(lost))
    it(`learns nothing from a service that ${name}`, async () => {
      there.answer = (_heard, response) => answer(response);
      assert.equal(meaning(await ask(there.url, { timeoutMs: 200 })), 'down');
    });

  const ALREADY = 'The invited user already exists in the directory as objectID: 1111. They can use that account.';
  const FORBIDDEN = 'Guest invitations not allowed for your company. Contact your company administrator.';
  const envelope = (code: string, message: string) => ({ error: { code, message, innerError: { date: 'x' } } });
  const answers: readonly (readonly [string, number, unknown, string, Record<string, string>?])[] = [
    ['the documented answer', 201, { id: 'i', inviteRedeemUrl: 'x', status: 'PendingAcceptance' }, 'ok'],
    ['an empty body', 200, '', 'ok'],
    ['201 that is no JSON', 201, 'created', 'down'],
    ['taken, not done (another Usher)', 202, { id: 'i', status: 'AwaitingApproval' }, 'clash notYet'],
    ['400 with a message', 400, { message: 'Something is missing.' }, 'input rejected'],
    [
      '400 whose message names a key',
      400,
      { message: 'inviteRedirectUrl is wrong' },
      'input rejected inviteRedirectUrl',
    ],
    ['400 in plain text', 400, 'Please pass invitedUserEmailAddress', 'input rejected invitedUserEmailAddress'],
    ['400 as a JSON string', 400, '"requestedBy is missing"', 'input rejected requestedBy'],
    ['400 in Graph’s envelope', 400, envelope('BadRequest', 'Invalid value.'), 'input rejected'],
    ['400 that is Graph’s refusal', 400, envelope('BadRequest', ALREADY), 'clash alreadyExists'],
    ['400 that is nothing', 400, '', 'input rejected'],
    ['401', 401, '', 'denied credentials'],
    ['403 with a message', 403, { message: 'Guests from x are blocked here.' }, 'denied forbidden'],
    ['404 of a wrong address', 404, '', 'denied notThere'],
    ['405', 405, { error: 'x' }, 'denied notThere'],
    ['409', 409, { message: 'conflict' }, 'input rejected'],
    ['429', 429, { message: 'slow down' }, 'busy', { 'retry-after': '7' }],
    ['500 with a message', 500, { message: 'An error occurred.' }, 'down'],
    ['500 whose message is a refusal', 500, { message: FORBIDDEN }, 'refused invitesForbidden'],
    ['500 in Graph’s envelope', 500, envelope('Forbidden', FORBIDDEN), 'refused invitesForbidden'],
    ['500 in plain text', 500, ALREADY, 'clash alreadyExists'],
    [
      '500 whose message holds the envelope as text',
      500,
      { message: JSON.stringify(envelope('x', ALREADY)) },
      'clash alreadyExists',
    ],
    ['500 with an error that is text', 500, { error: FORBIDDEN }, 'refused invitesForbidden'],
    [
      '500 for a token that Graph does not take',
      500,
      envelope('InvalidAuthenticationToken', 'x'),
      'denied credentials',
    ],
    ['500 that is empty', 500, '', 'down'],
    ['500 that is null', 500, 'null', 'down'],
    ['500 that is a list', 500, '[]', 'down'],
    ['502 with a page', 502, `<html>${FORBIDDEN}</html>`, 'down', { 'content-type': 'text/html' }],
    ['400 with a page', 400, '<!DOCTYPE html><p>blocked from signing in', 'down'],
    ['503', 503, { message: 'x' }, 'down', { 'retry-after': '3' }],
  ];
  for (const [name, status, body, means, headers] of answers)
    it(`takes ${name} for ${means}`, async () => {
      there.answer = (_heard, response) => reply(response, status, body, headers);
      const answer = await ask(there.url);
      assert.equal(meaning(answer), means);
      if (answer.ok) return;
      // Of the service's own words nothing is left, in the log neither.
      const { say, detail = '', retryAfterMs } = answer.problem;
      assert.match(say.key, /^problem\./);
      assert.equal(say.with, undefined);
      assert.doesNotMatch(detail, /company|objectID|occurred|missing|blocked/);
      if (headers?.['retry-after']) assert.equal(retryAfterMs, Number(headers['retry-after']) * 1000);
    });

  it('is not held up by an endless text', () => {
    const text = JSON.stringify({ message: `domain ${'x '.repeat(200_000)}not allowed` });
    const started = performance.now();
    const wired = { status: 500, text, retryAfter: null, contentType: 'application/json' };
    assert.equal(meaning(readGt365Answer(wired, 0)), 'down');
    assert.ok(performance.now() - started < 500);
  });
});

describe('tokens of the sandbox', () => {
  it('are kept until shortly before their end, one for each scope', async () => {
    const sandbox = await startSandbox({ port: 0 });
    try {
      const app = { tenantId: sandbox.tenantId, clientId: sandbox.botId };
      const tokens = openSandboxTokens(`${sandbox.url}/login`, app, 5_000);
      const first = await tokens(SCOPE);
      assert.equal(await tokens(SCOPE), first);
      assert.notEqual(await tokens(`api://${sandbox.botId}/.default`), first);
      const stranger = openSandboxTokens(`${sandbox.url}/login`, { ...app, clientId: sandbox.tenantId }, 5_000);
      await assert.rejects(() => stranger(SCOPE), /unauthorized_client/);
    } finally {
      await sandbox.close();
    }
  });

  it('are asked for on this machine only', () => {
    const app = { tenantId: 't', clientId: 'c' };
    assert.throws(() => openSandboxTokens('https://login.microsoftonline.com', app, 1000), /this machine/);
  });
});
