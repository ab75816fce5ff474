/**
 * Signing in, with the real @azure/identity against a stand-in for Entra over TLS with a certificate of our own: a token
 * is asked for once and kept, goes out over https and never over http, and a refusal is told from a failure.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { type Certificate, selfSigned } from '../support/certificate.ts';
import { type Heard, type Listener, listenHere, reply } from '../support/listener.ts';
import type { Gave, Step } from './signIn.ts';

const SECRET = 'a secret with ü & = % in it';
const CLIENT = '11111111-1111-4111-8111-111111111111';
/** One tenant per case: the stand-in answers each in its own way, and nobody's token is somebody else's. */
const TENANT = {
  secret: '22222222-0000-4000-8000-000000000001',
  certificate: '22222222-0000-4000-8000-000000000002',
  brief: '22222222-0000-4000-8000-000000000003',
  refused: '22222222-0000-4000-8000-000000000004',
  silent: '22222222-0000-4000-8000-000000000005',
  connector: '22222222-0000-4000-8000-000000000006',
  plain: '22222222-0000-4000-8000-000000000007',
  redirected: '22222222-0000-4000-8000-000000000008',
} as const;

describe('signing in', function () {
  this.timeout(60_000);
  let folder: string;
  let standIn: Certificate;
  let own: Certificate;
  let entra: Listener;
  let secure: Listener;
  let plain: Listener;
  let gave: Record<string, Gave>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'usher-tokens-'));
    standIn = selfSigned();
    own = selfSigned();
    writeFileSync(join(folder, 'trusted.pem'), standIn.certificate);
    writeFileSync(join(folder, 'app.pem'), own.certificate + own.key);
    [entra, secure, plain] = await Promise.all([listenHere(standIn), listenHere(standIn), listenHere()]);
    entra.answer = (heard, response) => answerAsEntra(heard, response);
    secure.answer = (heard, response) =>
      heard.url.startsWith('/away')
        ? reply(response, 307, '', { location: `${plain.url}/v1.0/invitations` })
        : reply(response, 201, { id: '1' });

    const at = (tenantId: string, more: Partial<Step>): Step => ({ tenantId, loginUrl: entra.url, ...more });
    const graph = `${secure.url}/v1.0`;
    const steps: Record<string, Step> = {
      secret: at(TENANT.secret, { secret: SECRET, graph, times: 5 }),
      certificate: at(TENANT.certificate, { certificatePath: join(folder, 'app.pem'), graph, times: 2 }),
      brief: at(TENANT.brief, { secret: SECRET, graph }),
      refused: at(TENANT.refused, { secret: SECRET, graph }),
      silent: at(TENANT.silent, { secret: SECRET, graph, longestMs: 300 }),
      noFile: at(TENANT.certificate, { certificatePath: join(folder, 'none.pem'), graph }),
      noCertificate: at(TENANT.certificate, { certificatePath: fileURLToPath(import.meta.url), graph }),
      connector: at(TENANT.connector, { secret: SECRET, connector: `${secure.url}/emea/`, times: 2 }),
      plainConnector: at(TENANT.plain, { secret: SECRET, connector: `${plain.url}/emea/` }),
      plainGraph: at(TENANT.plain, { secret: SECRET, graph: `${plain.url}/v1.0` }),
      redirected: at(TENANT.redirected, { secret: SECRET, graph: `${secure.url}/away/v1.0` }),
      refusedConnector: at(TENANT.refused, { secret: SECRET, connector: secure.url }),
    };
    const results = await run(Object.values(steps), { NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem') });
    gave = Object.fromEntries(Object.keys(steps).map((name, n) => [name, results[n] ?? []]));
  });
  after(async () => {
    await Promise.all([entra, secure, plain].map((listener) => listener?.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  let issued = 0;
  function answerAsEntra({ url }: Heard, response: Parameters<Listener['answer']>[1]): void {
    const tenantId = url.split('/')[1] ?? '';
    const base = `${entra.url}/${tenantId}`;
    if (tenantId === TENANT.silent && !url.includes('/.well-known/')) return;
    if (url.includes('/.well-known/openid-configuration')) {
      reply(response, 200, {
        issuer: `${base}/v2.0`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      });
    } else if (tenantId === TENANT.refused) {
      const error_description = 'AADSTS7000215: Invalid client secret provided. Trace ID: d3b07384-d113-4ec6-a7d6-1f0c';
      reply(response, 401, { error: 'invalid_client', error_description, error_codes: [7000215] });
    } else {
      const expires_in = tenantId === TENANT.brief ? 60 : 3599;
      reply(response, 200, { token_type: 'Bearer', expires_in, access_token: `token-${++issued}-of-${tenantId}` });
    }
  }

  const asked = (tenantId: string): URLSearchParams[] =>
    entra.heard
      .filter((heard) => heard.url.startsWith(`/${tenantId}/oauth2/v2.0/token`))
      .map((one) => new URLSearchParams(one.body));
  const carried = (listener: Listener, tenantId: string): string[] =>
    listener.heard.map((heard) => heard.headers.authorization ?? '').filter((header) => header.endsWith(tenantId));

  it('with a secret asks Entra once, however many ask at once, and keeps the token', () => {
    assert.deepEqual(gave['secret'], Array(6).fill('ok'));
    const [form, ...others] = asked(TENANT.secret);
    assert.deepEqual(others, []);
    assert.equal(form?.get('grant_type'), 'client_credentials');
    assert.equal(form?.get('client_id'), CLIENT);
    assert.equal(form?.get('client_secret'), SECRET);
    assert.equal(new URL(form?.get('scope')?.split(' ')[0] ?? '').href, `${secure.url}/.default`);
    const headers = carried(secure, TENANT.secret);
    assert.equal(headers.length, 6);
    assert.equal(new Set(headers).size, 1);
    assert.match(headers[0] ?? '', /^Bearer token-\d+-of-/);
  });

  it('with a certificate signs an assertion that the certificate vouches for', async () => {
    assert.deepEqual(gave['certificate'], ['ok', 'ok', 'ok']);
    const [form, ...others] = asked(TENANT.certificate);
    assert.deepEqual(others, []);
    assert.equal(form?.get('client_secret'), null);
    const assertion = form?.get('client_assertion') ?? '';
    const { payload } = await jwtVerify(assertion, new X509Certificate(own.certificate).publicKey);
    assert.equal(payload.iss, CLIENT);
    assert.equal(payload.sub, CLIENT);
    assert.equal(payload.aud, `${entra.url}/${TENANT.certificate}/oauth2/v2.0/token`);
    assert.equal((decodeProtectedHeader(assertion) as Record<string, unknown>)['x5t#S256'], own.thumbprint);
    assert.equal(carried(secure, TENANT.certificate).length, 3);
  });

  it('a token that is about to expire is renewed', () => {
    assert.deepEqual(gave['brief'], ['ok', 'ok']);
    assert.equal(asked(TENANT.brief).length, 2);
    assert.equal(new Set(carried(secure, TENANT.brief)).size, 2);
  });

  it('that Entra refuses is the admin’s to mend: nothing is sent, and its words go no further', () => {
    for (const line of gave['refused'] ?? []) assert.equal(line, 'denied no token: invalid_client AADSTS7000215');
    assert.deepEqual(carried(secure, TENANT.refused), []);
  });

  it('that Entra leaves without an answer ends in time, as a failure that may pass', () => {
    assert.equal(gave['silent']?.length, 2);
    for (const line of gave['silent'] ?? []) assert.match(line, /^down no token: /);
  });

  it('without a readable certificate is the admin’s to mend', () => {
    for (const line of [...(gave['noFile'] ?? []), ...(gave['noCertificate'] ?? [])])
      assert.equal(line, 'denied no token: certificate');
    assert.equal(gave['noFile']?.length, 2);
    assert.equal(gave['noCertificate']?.length, 2);
  });

  it('gives the connector a token for its own scope, over https', () => {
    assert.deepEqual(gave['connector'], ['ok', 'ok', 'ok']);
    const [form, ...others] = asked(TENANT.connector);
    assert.deepEqual(others, []);
    assert.equal(form?.get('scope')?.split(' ')[0], 'https://api.botframework.com/.default');
    assert.equal(carried(secure, TENANT.connector).length, 3);
  });

  it('keeps a message for later when the connector’s token is refused', () => {
    for (const line of gave['refusedConnector'] ?? []) assert.match(line, /^down no token: invalid_client/);
  });

  it('no token is asked for, or sent, when the other side speaks plain http', () => {
    assert.deepEqual(gave['plainConnector'], ['ok', 'ok']);
    assert.deepEqual(gave['plainGraph'], ['ok', 'ok']);
    assert.deepEqual(asked(TENANT.plain), []);
    assert.equal(plain.heard.length, 4);
    for (const heard of plain.heard) assert.equal(heard.headers.authorization, undefined);
  });

  it('a redirect to plain http is not followed, with a token or without', () => {
    for (const line of gave['redirected'] ?? []) assert.match(line, /^down/);
    assert.ok(plain.heard.every((heard) => heard.url !== '/v1.0/invitations' || heard.body === '{}'));
    assert.equal(plain.heard.length, 4);
  });

  it('asks nobody whose certificate is not trusted', async () => {
    const before = entra.heard.length;
    const step: Step = {
      tenantId: TENANT.secret,
      loginUrl: entra.url,
      secret: SECRET,
      graph: `${secure.url}/v1.0`,
      longestMs: 3000,
    };
    const [lines] = await run([step], {});
    for (const line of lines ?? []) assert.match(line, /^down no token: /);
    assert.equal(entra.heard.length, before);
  });
});

/** Runs the steps in a process of their own. */
async function run(steps: readonly Step[], environment: Record<string, string>): Promise<readonly Gave[]> {
  const script = fileURLToPath(new URL('signIn.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, JSON.stringify(steps)], {
    env: { PATH: process.env['PATH'], ...environment },
  });
  return JSON.parse(stdout);
}
