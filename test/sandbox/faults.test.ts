import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { call } from './fakeBot.ts';

describe('the faults of the sandbox', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox({ port: 0 });
  });
  beforeEach(() => sandbox.reset());
  after(() => sandbox.close());

  const arm = async (fault: Record<string, unknown>) => {
    const armed = await call(`${sandbox.url}/control/faults`, 'POST', { remote: 'graph', ...fault });
    assert.equal(armed.status, 201);
  };
  const users = () => call(`${sandbox.url}/graph/v1.0/users`);
  const invite = () =>
    call(`${sandbox.url}/graph/v1.0/invitations`, 'POST', {
      invitedUserEmailAddress: 'ana@partner.example',
      inviteRedirectUrl: 'https://usher.example/',
      sendInvitationMessage: true,
    });
  const lastCall = async () => (await call(`${sandbox.url}/control/calls?remote=graph`)).body.calls.at(-1);

  it('throttle with seconds, with a date, or without the header', async () => {
    await arm({ kind: 'throttle', retryAfter: 7 });
    const first = await users();
    assert.equal(first.status, 429);
    assert.equal(first.headers.get('retry-after'), '7');
    assert.equal(first.body.error.code, 'TooManyRequests');
    await arm({ kind: 'throttle', retryAfter: 'date' });
    assert.ok(Date.parse((await users()).headers.get('retry-after') ?? '') > 0);
    await arm({ kind: 'throttle', retryAfter: null });
    assert.equal((await users()).headers.get('retry-after'), null);
    assert.equal((await users()).status, 200);
  });

  it('a status speaks with the code and the words it is given', async () => {
    await arm({ kind: 'status', status: 412, code: 'PreconditionFailed', message: 'The account is blocked.' });
    const answered = await users();
    assert.equal(answered.status, 412);
    assert.equal(answered.body.error.code, 'PreconditionFailed');
    assert.equal(answered.body.error.message, 'The account is blocked.');
  });

  it('hit only the method and path they are for, as often as asked', async () => {
    await arm({ kind: 'status', status: 503, method: 'POST', path: '/invitations$', times: 2 });
    assert.equal((await users()).status, 200);
    assert.equal((await invite()).status, 503);
    assert.equal((await invite()).status, 503);
    assert.equal((await invite()).status, 201);
    assert.equal(sandbox.world.mails.length, 1);
  });

  it('last until cleared when armed with -1', async () => {
    await arm({ kind: 'status', status: 500, times: -1 });
    assert.equal((await users()).status, 500);
    assert.equal((await users()).status, 500);
    assert.equal((await call(`${sandbox.url}/control/faults`, 'DELETE')).status, 204);
    assert.equal((await users()).status, 200);
  });

  it('drop before the work does nothing, drop after it has done it', async () => {
    await arm({ kind: 'dropBefore' });
    await assert.rejects(invite());
    assert.equal(sandbox.world.mails.length, 0);
    await arm({ kind: 'dropAfter' });
    await assert.rejects(invite());
    assert.equal(sandbox.world.mails.length, 1);
    const seen = await lastCall();
    assert.equal(seen.status, 0);
    assert.equal(seen.fault, 'dropAfter');
    assert.equal(seen.answer.status, 'PendingAcceptance');
  });

  it('slow does the work at once and answers later', async () => {
    await arm({ kind: 'slow', ms: 300 });
    const startedAt = Date.now();
    const waiting = invite();
    const mailed = await call(`${sandbox.url}/control/wait?mails=ana@partner&timeoutMs=5000`);
    assert.equal(mailed.status, 200);
    assert.ok(Date.now() - startedAt < 300);
    assert.equal((await waiting).status, 201);
    assert.ok(Date.now() - startedAt >= 290);
  });

  it('hold does the work later, and never when its caller has gone', async () => {
    await arm({ kind: 'hold', ms: 100 });
    const waiting = invite();
    assert.equal((await call(`${sandbox.url}/control/wait?mails=ana@partner&timeoutMs=0`)).status, 408);
    assert.equal((await waiting).status, 201);
    assert.equal(sandbox.world.mails.length, 1);
    await arm({ kind: 'hold', ms: 60_000 });
    await assert.rejects(fetch(`${sandbox.url}/graph/v1.0/users`, { signal: AbortSignal.timeout(50) }));
    await call(`${sandbox.url}/control/wait?calls=users%200$`);
    const seen = await lastCall();
    assert.deepEqual([seen.status, seen.fault, seen.answer], [0, 'hold', null]);
  });

  it('late does the work although its caller has gone', async () => {
    await arm({ kind: 'late', ms: 100 });
    const body = { invitedUserEmailAddress: 'ana@partner.example', inviteRedirectUrl: 'https://usher.example/' };
    await assert.rejects(
      fetch(`${sandbox.url}/graph/v1.0/invitations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(20),
      }),
    );
    assert.equal(sandbox.world.invitations.length, 0);
    await call(`${sandbox.url}/control/wait?calls=invitations`);
    assert.equal(sandbox.world.invitations.length, 1);
  });

  it('truncated breaks off in the middle of the body', async () => {
    await arm({ kind: 'truncated' });
    const got = await new Promise<{ status: number | undefined; text: string; broken: boolean }>((resolve) => {
      const sent = request(`${sandbox.url}/graph/v1.0/users`, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('error', () => {});
        response.on('close', () => resolve({ status: response.statusCode, text, broken: !response.complete }));
      });
      sent.end();
    });
    assert.equal(got.status, 200);
    assert.equal(got.broken, true);
    assert.ok(got.text.length > 0);
    assert.throws(() => JSON.parse(got.text));
  });

  it('html, wrong body and garbage answer what no client expects', async () => {
    await arm({ kind: 'html', status: 404 });
    const html = await users();
    assert.equal(html.status, 404);
    assert.match(html.body, /^<!DOCTYPE html>/);
    await arm({ kind: 'wrongBody' });
    const wrong = await invite();
    assert.equal(wrong.status, 201);
    assert.deepEqual(wrong.body, { hello: 'world' });
    assert.equal(sandbox.world.invitations.length, 1);
    await arm({ kind: 'garbage' });
    const garbage = await users();
    assert.equal(garbage.status, 200);
    assert.equal(typeof garbage.body, 'string');
  });

  it('hit the connector as well', async () => {
    await arm({ remote: 'connector', kind: 'throttle', retryAfter: 1 });
    const group = sandbox.world.conversations.find((one) => one.key === 'group');
    const post = () =>
      call(`${sandbox.serviceUrl}v3/conversations/${encodeURIComponent(group?.id ?? '')}/activities`, 'POST', {
        type: 'message',
        text: 'hi',
      });
    assert.equal((await post()).status, 429);
    assert.equal((await post()).status, 201);
  });
});

describe('the control API', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox({ port: 0 });
  });
  after(() => sandbox.close());

  const withHeaders = (path: string, headers: Record<string, string>, method = 'GET', body = '') =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${sandbox.url}${path}`, { method, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      });
      sent.on('error', reject);
      sent.end(body);
    });

  it('refuses a foreign host name, a foreign origin and a post that is not JSON', async () => {
    assert.equal(await withHeaders('/control/state', { host: 'evil.example:3979' }), 403);
    assert.equal(await withHeaders('/', { host: 'evil.example' }), 403);
    assert.equal(await withHeaders('/', {}), 200);
    assert.equal(await withHeaders('/graph/v1.0/users', { host: 'evil.example' }), 403);
    assert.equal(await withHeaders('/control/reset', { origin: 'http://evil.example' }, 'POST'), 403);
    const form = { 'content-type': 'text/plain' };
    assert.equal(await withHeaders('/control/settings', form, 'POST', '{"consent":false}'), 415);
    assert.equal(await withHeaders('/control/reset', {}, 'POST'), 415);
  });

  it('names what is wrong with a body', async () => {
    const refused = await call(`${sandbox.url}/control/faults`, 'POST', { remote: 'graph', kind: 'slwo', path: '(' });
    assert.equal(refused.status, 400);
    assert.match(refused.body.error, /kind/);
    assert.match(refused.body.error, /path: not a regular expression/);
  });

  it('does not send activities anywhere but to this machine', async () => {
    const refused = await call(`${sandbox.url}/control/settings`, 'POST', {
      botUrl: 'http://bot.example/api/messages',
    });
    assert.equal(refused.status, 400);
  });

  it('adds people and groups, and a reset takes them away again', async () => {
    await call(`${sandbox.url}/control/world`, 'POST', {
      users: [{ displayName: 'Zoe Zero', mail: 'zoe@partner.example', userType: 'Guest' }],
      groups: [{ displayName: 'Cosmos', team: true }],
    });
    const { body } = await call(`${sandbox.url}/control/state`);
    assert.equal(body.users.at(-1).externalUserState, 'Accepted');
    assert.deepEqual(body.groups.at(-1).resourceProvisioningOptions, ['Team']);
    await call(`${sandbox.url}/control/reset`, 'POST', {});
    const after = await call(`${sandbox.url}/control/state`);
    assert.equal(after.body.counts.users, 14);
  });

  it('goes back to the directory delay it was started with', async () => {
    const slow = await startSandbox({ port: 0, directoryDelayMs: 1234 });
    await call(`${slow.url}/control/settings`, 'POST', { directoryDelayMs: 0 });
    slow.reset();
    assert.equal(slow.world.settings.directoryDelayMs, 1234);
    await slow.close();
  });

  it('rejects a taken port with the error of node', async () => {
    await assert.rejects(startSandbox({ port: sandbox.port }), { code: 'EADDRINUSE' });
  });
});
