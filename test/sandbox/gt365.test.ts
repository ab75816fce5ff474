/**
 * The sandbox's Entra and Governance Toolkit 365: tokens for apps as documented, and InviteGuest as its page has it, in a
 * tenant that sees what it did.
 */
import assert from 'node:assert/strict';
import { createPublicKey, createVerify } from 'node:crypto';
import { flowAppId, roleLessAppId } from '../../src/sandbox/entra.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { call } from './fakeBot.ts';

const GRAPH = 'https://graph.microsoft.com/.default';

describe('the Entra of the sandbox', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox({ port: 0 });
  });
  after(() => sandbox.close());

  async function ask(form: Record<string, string> = {}, tenant = sandbox.tenantId) {
    const answer = await fetch(`${sandbox.url}/login/${tenant}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: flowAppId,
        client_secret: 'sandbox-only',
        scope: `api://${sandbox.botId}/.default`,
        ...form,
      }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: JSON from the wire
    return { status: answer.status, body: (await answer.json()) as any };
  }
  const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

  it('gives an app a token for the bot, signed with the key that its configuration names', async () => {
    const { status, body } = await ask();
    assert.equal(status, 200);
    assert.equal(body.token_type, 'Bearer');
    assert.equal(body.expires_in, 3599);
    const claims = claimsOf(body.access_token);
    assert.equal(claims.aud, sandbox.botId);
    assert.equal(claims.iss, `https://login.microsoftonline.com/${sandbox.tenantId}/v2.0`);
    assert.equal(claims.azp, flowAppId);
    assert.deepEqual(claims.roles, ['Guests.Invite']);
    assert.equal(claims.oid, claims.sub);
    assert.equal('scp' in claims, false);
    for (const version of ['v2.0/', '']) {
      const found = await call(`${sandbox.url}/login/${sandbox.tenantId}/${version}.well-known/openid-configuration`);
      assert.equal(found.status, 200);
      const { keys } = (await call(found.body.jwks_uri)).body;
      const [head, payload, signature = ''] = body.access_token.split('.');
      const key = createPublicKey({ key: keys[0], format: 'jwk' });
      const isGood = createVerify('RSA-SHA256')
        .update(`${head}.${payload}`)
        .verify(key, Buffer.from(signature, 'base64url'));
      assert.equal(isGood, true);
    }
  });

  it('gives a token for Graph in Graph’s own version, with the app’s permissions', async () => {
    const claims = claimsOf((await ask({ scope: GRAPH })).body.access_token);
    assert.equal(claims.aud, 'https://graph.microsoft.com');
    assert.equal(claims.iss, `https://sts.windows.net/${sandbox.tenantId}/`);
    assert.equal(claims.appid, flowAppId);
    assert.equal('azp' in claims, false);
    assert.ok(claims.roles.includes('User.Invite.All'));
    const none = claimsOf((await ask({ client_id: roleLessAppId })).body.access_token);
    assert.equal('roles' in none, false);
  });

  const wrong: Record<string, readonly [Record<string, string>, number, string, number]> = {
    'another secret': [{ client_secret: 'guess' }, 401, 'invalid_client', 7000215],
    'an app nobody registered': [
      { client_id: '5a4db0c5-0000-4000-8000-0000000000ad' },
      400,
      'unauthorized_client',
      700016,
    ],
    'another grant': [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    'a scope of nobody': [{ scope: 'api://nobody/.default' }, 400, 'invalid_scope', 70011],
    'a scope that is no default': [{ scope: 'User.Read' }, 400, 'invalid_scope', 70011],
  };
  for (const [name, [form, status, error, number]] of Object.entries(wrong))
    it(`refuses ${name} as Entra does`, async () => {
      const answer = await ask(form);
      assert.equal(answer.status, status);
      assert.equal(answer.body.error, error);
      assert.deepEqual(answer.body.error_codes, [number]);
      assert.match(answer.body.error_description, new RegExp(`^AADSTS${number}: `));
    });

  it('knows one tenant', async () => {
    const { status, body } = await ask({}, '5a4db0c5-0000-4000-8000-00000000feed');
    assert.equal(status, 400);
    assert.deepEqual(body.error_codes, [90002]);
  });
});

describe('the Governance Toolkit 365 of the sandbox', () => {
  let sandbox: Sandbox;
  let token: string;
  before(async () => {
    sandbox = await startSandbox({ port: 0 });
  });
  beforeEach(async () => {
    sandbox.reset();
    token = await graphToken();
  });
  after(() => sandbox.close());

  async function graphToken(clientId = flowAppId): Promise<string> {
    const answer = await fetch(`${sandbox.url}/login/${sandbox.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: 'sandbox-only',
        scope: GRAPH,
      }),
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  }
  const SAMPLE = {
    invitedUserDisplayName: 'John Doe',
    invitedUserEmailAddress: 'john.doe@gmail.com',
    sendInvitationMessage: true,
    requestedBy: 'adele.vance@mycompany.com',
    more: { somecustomkey1: 'some custom data1' },
  };
  async function invite(body: unknown = SAMPLE, bearer = token) {
    const answer = await fetch(`${sandbox.url}/gt365/api/InviteGuest`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    // biome-ignore lint/suspicious/noExplicitAny: JSON from the wire
    let json: any;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: answer.status, text, json };
  }

  it('makes a guest, and says neither more nor less than its page', async () => {
    const { status, json } = await invite();
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(json), [
      'id',
      'invitedUserEmailAddress',
      'inviteRedeemUrl',
      'status',
      'sendInvitationMessage',
    ]);
    assert.equal(json.status, 'PendingAcceptance');
    const guest = sandbox.world.users.find(({ mail }) => mail === 'john.doe@gmail.com');
    assert.equal(guest?.displayName, 'John Doe');
    assert.notEqual(json.id, guest?.id);
    assert.equal(sandbox.world.mails.length, 1);
    assert.deepEqual(guest?.sponsors, [], 'it knows no sponsors');
  });

  it('says 400 and why for what is missing or wrong', async () => {
    for (const [body, words] of [
      ['{"more": {"a": "b",}}', /JSON/],
      [{}, /invitedUserEmailAddress/],
      [{ ...SAMPLE, sendInvitationMessage: 'true' }, /sendInvitationMessage/],
      [{ ...SAMPLE, more: { a: {} } }, /more/],
      [{ ...SAMPLE, more: { a: 'x'.repeat(4000) } }, /4000/],
    ] as const) {
      const { status, json } = await invite(body);
      assert.equal(status, 400);
      assert.match(json.message, words);
    }
    assert.equal(sandbox.world.mails.length, 0);
  });

  it('says 500 for all else, and passes on what Graph says', async () => {
    const bad = await invite(SAMPLE, 'garbage');
    assert.equal(bad.status, 500);
    assert.equal(bad.json.error.code, 'InvalidAuthenticationToken');
    // A token for another API, though the sandbox gave it, is none for Graph.
    assert.equal((await invite(SAMPLE, await sandbox.signApp())).status, 500);
    const roleless = await invite(SAMPLE, await graphToken(roleLessAppId));
    assert.equal(roleless.json.error.code, 'Authorization_RequestDenied');
    sandbox.world.settings.allowInvitesFrom = 'none';
    const forbidden = await invite();
    assert.equal(forbidden.status, 500);
    assert.match(forbidden.json.error.message, /not allowed for your company/);
  });

  it('speaks in any of its three shapes when a fault is armed, and is listed with its calls', async () => {
    for (const shape of ['message', 'graph', 'text']) {
      const fault = { remote: 'gt365', kind: 'status', status: 500, code: 'X', message: 'It broke.', shape };
      assert.equal((await call(`${sandbox.url}/control/faults`, 'POST', fault)).status, 201);
      const { status, text, json } = await invite();
      assert.equal(status, 500);
      if (shape === 'message') assert.deepEqual(json, { message: 'It broke.' });
      if (shape === 'graph') assert.equal(json.error.message, 'It broke.');
      if (shape === 'text') assert.equal(text, 'It broke.');
    }
    const { calls } = (await call(`${sandbox.url}/control/calls?remote=gt365`)).body;
    assert.equal(calls.length, 3);
    assert.deepEqual(calls[0].body, SAMPLE);
    assert.doesNotMatch(JSON.stringify(calls), /eyJ/);
  });
});
