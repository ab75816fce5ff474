/**
 * The environment becomes a configuration, or a list of everything that is wrong with it, in words; a secret shows itself
 * to nobody; sandbox mode cannot reach out and live mode cannot reach in.
 */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { type Config, type Environment, envExample, isLoopback, readConfig, Secret } from '../src/config/config.ts';

const BOT = '11111111-1111-4111-8111-111111111111';
const TENANT = '22222222-2222-4222-8222-222222222222';
const LIVE: Environment = { MODE: 'live', BOT_ID: BOT, BOT_TENANT_ID: TENANT, BOT_PASSWORD: 'hunter2' };

function configOf(environment: Environment): Config {
  const read = readConfig(environment);
  assert.ok('config' in read, 'faults' in read ? read.faults.join('\n') : '');
  return read.config;
}

function faultsOf(environment: Environment): readonly string[] {
  const read = readConfig(environment);
  assert.ok('faults' in read, 'there is no fault');
  return read.faults;
}
const namesOf = (environment: Environment): string[] =>
  faultsOf(environment)
    .map((fault) => fault.split(':')[0] ?? '')
    .sort();

describe('the configuration', () => {
  describe('in sandbox mode', () => {
    it('needs nothing but to be asked for', () => {
      const config = configOf({ MODE: 'sandbox' });
      assert.equal(config.host, '127.0.0.1');
      assert.equal(config.graphUrl, 'http://127.0.0.1:3979/graph/v1.0');
      assert.equal(config.openIdMetadataUrl, 'http://127.0.0.1:3979/login/v1/.well-known/openidconfiguration');
      assert.equal(
        config.callsOpenIdMetadataUrl,
        'http://127.0.0.1:3979/login/calls/v1/.well-known/OpenIdConfiguration',
      );
      assert.equal(config.publicUrl, 'http://127.0.0.1:3978');
      assert.equal(config.botIdentity, null);
      assert.equal(config.graphIdentity, null);
      assert.deepEqual([...config.allowedTenants], [config.botTenantId]);
      assert.ok(Object.isFrozen(config));
    });

    it('takes another sandbox on this machine', () => {
      for (const base of ['http://localhost:1234', 'http://127.0.0.1:1234/', 'http://[::1]:1234'])
        assert.equal(
          configOf({ MODE: 'sandbox', SANDBOX_URL: base }).graphUrl,
          `${base.replace(/\/$/, '')}/graph/v1.0`,
        );
    });

    for (const name of [
      'SANDBOX_URL',
      'GRAPH_BASE_URL',
      'LOGIN_URL',
      'OPENID_METADATA_URL',
      'CALLS_OPENID_METADATA_URL',
      'PUBLIC_URL',
    ]) {
      it(`refuses a ${name} that is not on this machine`, () => {
        for (const address of [
          'https://graph.microsoft.com/v1.0',
          'http://127.0.0.1.evil.example/',
          'http://127.0.0.1@evil.example/',
          'http://10.0.0.1/',
          'http://0.0.0.0/',
        ])
          assert.deepEqual([...new Set(namesOf({ MODE: 'sandbox', [name]: address }))], [name], address);
      });
    }

    it('is reached where it listens, unless it says otherwise or does not know its port yet', () => {
      const reached = (more: Environment) => configOf({ MODE: 'sandbox', ...more }).publicUrl;
      assert.equal(reached({ PORT: '4000' }), 'http://127.0.0.1:4000');
      assert.equal(reached({ PORT: '4000', HOST: '::1' }), 'http://[::1]:4000');
      assert.equal(reached({ PORT: '0' }), null);
      assert.equal(reached({ PORT: '0', PUBLIC_URL: 'http://localhost:4001/' }), 'http://localhost:4001');
    });

    it('refuses credentials of any kind', () => {
      const given = {
        BOT_PASSWORD: 'hunter2',
        BOT_CERTIFICATE_PATH: '/x.pem',
        GRAPH_CLIENT_SECRET: 'hunter3',
        GRAPH_CERTIFICATE_PATH: '/y.pem',
      };
      assert.deepEqual(namesOf({ MODE: 'sandbox', ...given }), Object.keys(given).sort());
      assert.doesNotMatch(faultsOf({ MODE: 'sandbox', ...given }).join('\n'), /hunter/);
    });

    it('trusts the sandbox’s certificates, fetched from it, and no others', () => {
      assert.deepEqual(configOf({ MODE: 'sandbox', SANDBOX_URL: 'http://127.0.0.1:4321/town/' }).webhookTrust, {
        certificateOrigins: ['http://127.0.0.1:4321'],
        issuerOrigins: [],
        roots: { url: 'http://127.0.0.1:4321/town/certificates/root.pem' },
      });
      const given = { REFERRAL_CERTIFICATE_HOSTS: 'x.example', REFERRAL_CERTIFICATE_ROOTS: '/x.pem' };
      assert.deepEqual(namesOf({ MODE: 'sandbox', ...given }), Object.keys(given));
    });

    it('listens on this machine only', () => {
      for (const host of ['127.0.0.1', 'localhost', '::1', '127.1.2.3'])
        assert.equal(configOf({ MODE: 'sandbox', HOST: host }).host, host);
      for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', 'a b', 'http://x', '[', '%'])
        assert.deepEqual(namesOf({ MODE: 'sandbox', HOST: host }), ['HOST'], host);
    });
  });

  describe('in live mode', () => {
    it('is the default, and says at once all that is missing', () => {
      assert.deepEqual(namesOf({}), ['ALLOWED_TENANTS', 'BOT_ID', 'BOT_TENANT_ID']);
      for (const fault of faultsOf({})) assert.match(fault, /^[A-Z_]+: .+\. \(.+\)$/);
    });

    it('goes to Microsoft’s public cloud unless told otherwise', () => {
      const config = configOf(LIVE);
      assert.equal(config.graphUrl, 'https://graph.microsoft.com/v1.0');
      assert.equal(config.loginUrl, 'https://login.microsoftonline.com');
      assert.equal(config.openIdMetadataUrl, 'https://login.botframework.com/v1/.well-known/openidconfiguration');
      assert.equal(config.callsOpenIdMetadataUrl, 'https://api.aps.skype.com/v1/.well-known/OpenIdConfiguration');
      assert.equal(config.host, '0.0.0.0');
      assert.ok(config.serviceUrlHosts.includes('smba.trafficmanager.net'));
      assert.equal(
        configOf({ ...LIVE, GRAPH_BASE_URL: 'https://graph.microsoft.us/v1.0/' }).graphUrl,
        'https://graph.microsoft.us/v1.0',
      );
    });

    for (const name of [
      'GRAPH_BASE_URL',
      'LOGIN_URL',
      'OPENID_METADATA_URL',
      'CALLS_OPENID_METADATA_URL',
      'PUBLIC_URL',
    ]) {
      it(`refuses a ${name} on this machine or without TLS`, () => {
        for (const address of ['http://127.0.0.1:3979', 'https://localhost/', 'http://graph.microsoft.com/v1.0'])
          assert.deepEqual(namesOf({ ...LIVE, [name]: address }), [name], address);
      });
    }

    it('needs nothing for calls, and has none of it unless told', () => {
      const { publicUrl, applicationInstanceId, defaultCountry, ringMs } = configOf(LIVE);
      assert.deepEqual([publicUrl, applicationInstanceId, defaultCountry, ringMs], [null, null, null, 75_000]);
      const told = configOf({
        ...LIVE,
        PUBLIC_URL: 'https://usher.example:8443/bots//',
        APPLICATION_INSTANCE_ID: TENANT,
        DEFAULT_COUNTRY: 'de',
        RING_SECONDS: '60',
      });
      assert.equal(told.publicUrl, 'https://usher.example:8443/bots');
      assert.equal(told.applicationInstanceId, TENANT);
      assert.equal(told.defaultCountry, 'DE');
      assert.equal(told.ringMs, 60_000);
      assert.equal(configOf({ ...LIVE, PUBLIC_URL: 'https://USHER.example' }).publicUrl, 'https://usher.example');
      assert.equal(configOf({ ...LIVE, DEFAULT_COUNTRY: 'UK' }).defaultCountry, 'GB');
    });

    it('lets in the bot’s own tenant, or those that are listed', () => {
      assert.deepEqual([...configOf(LIVE).allowedTenants], [TENANT]);
      const others = ['33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444'];
      for (const list of [others.join(','), others.join(' , '), `${others.join('\n')},`])
        assert.deepEqual([...configOf({ ...LIVE, ALLOWED_TENANTS: list }).allowedTenants], others);
      assert.deepEqual(namesOf({ ...LIVE, ALLOWED_TENANTS: `${TENANT},everybody` }), ['ALLOWED_TENANTS']);
      assert.deepEqual(namesOf({ ...LIVE, ALLOWED_TENANTS: ',' }), ['ALLOWED_TENANTS']);
    });

    it('fetches certificates from Microsoft’s host, or from those that are listed, over https and at its port', () => {
      const trust = configOf(LIVE).webhookTrust;
      assert.deepEqual(trust.certificateOrigins, ['https://3psostorageacct.blob.core.windows.net']);
      assert.deepEqual(trust.roots, { path: null });
      assert.ok(trust.issuerOrigins.includes('http://www.microsoft.com'));
      const told = { REFERRAL_CERTIFICATE_HOSTS: 'a.example, B.example', REFERRAL_CERTIFICATE_ROOTS: '/roots.pem' };
      const { certificateOrigins, roots } = configOf({ ...LIVE, ...told }).webhookTrust;
      assert.deepEqual(certificateOrigins, ['https://a.example', 'https://b.example']);
      assert.deepEqual(roots, { path: '/roots.pem' });
    });

    it('adds hosts of channels to Teams’ own', () => {
      const { serviceUrlHosts } = configOf({ ...LIVE, SERVICE_URL_HOSTS: 'a.example, b.example:8443' });
      assert.deepEqual(serviceUrlHosts.slice(-2), ['a.example', 'b.example:8443']);
      assert.ok(serviceUrlHosts.length > 2);
    });

    it('lets Graph use the bot’s own app, unless it has one of its own, with credentials of its own', () => {
      const own = configOf(LIVE);
      assert.equal(own.graphIdentity?.clientId, BOT);
      assert.equal(own.graphIdentity?.secret?.reveal(), 'hunter2');
      const graphApp = '55555555-5555-4555-8555-555555555555';
      const apart = configOf({ ...LIVE, GRAPH_CLIENT_ID: graphApp });
      assert.equal(apart.graphIdentity?.clientId, graphApp);
      assert.equal(apart.graphIdentity?.secret, undefined, 'the bot’s secret is not another app’s');
      const whole = configOf({
        ...LIVE,
        GRAPH_CLIENT_ID: graphApp,
        GRAPH_CLIENT_SECRET: 's',
        GRAPH_TENANT_ID: graphApp,
      });
      assert.equal(whole.graphIdentity?.secret?.reveal(), 's');
      assert.equal(whole.graphIdentity?.tenantId, graphApp);
      assert.equal(whole.botIdentity?.tenantId, TENANT);
      const certificate = configOf({
        MODE: 'live',
        BOT_ID: BOT,
        BOT_TENANT_ID: TENANT,
        BOT_CERTIFICATE_PATH: '/a.pem',
      });
      assert.equal(certificate.graphIdentity?.certificatePath, '/a.pem');
    });

    it('signs a multi-tenant bot in at Bot Framework’s tenant, and needs one for its guests', () => {
      const { BOT_TENANT_ID: _none, ...rest } = LIVE;
      const multi = { ...rest, BOT_TYPE: 'MultiTenant' };
      assert.deepEqual(namesOf(multi), ['ALLOWED_TENANTS', 'GRAPH_TENANT_ID']);
      const config = configOf({ ...multi, GRAPH_TENANT_ID: TENANT });
      assert.equal(config.botIdentity?.tenantId, 'botframework.com');
      assert.equal(config.graphIdentity?.tenantId, TENANT);
    });

    it('uses a managed identity when the bot is one', () => {
      const { BOT_PASSWORD: _none, ...rest } = LIVE;
      const config = configOf({ ...rest, BOT_TYPE: 'UserAssignedMSI' });
      assert.equal(config.botIdentity?.kind, 'managed');
      assert.equal(config.graphIdentity?.kind, 'managed');
    });
  });

  describe('of Governance Toolkit 365', () => {
    it('is not used unless asked for, and is called by the app that calls Graph', () => {
      const config = configOf(LIVE);
      assert.equal(config.guestProvider, 'graph');
      assert.equal(config.gt365Url, 'https://governancetoolkit365.azurewebsites.net');
      assert.equal(config.gt365Scope, 'https://graph.microsoft.com/.default');
      assert.deepEqual(config.gt365Identity, config.graphIdentity);
    });

    it('may have an app, a secret and an address of its own', () => {
      const app = '33333333-3333-4333-8333-333333333333';
      const own = configOf({
        ...LIVE,
        GT365_CLIENT_ID: app,
        GT365_CLIENT_SECRET: 's',
        GT365_URL: 'https://x.example/',
      });
      assert.equal(own.gt365Identity?.clientId, app);
      assert.equal(own.gt365Identity?.secret?.reveal(), 's');
      assert.equal(own.gt365Identity?.tenantId, TENANT);
      assert.equal(own.gt365Url, 'https://x.example');
      const bare = configOf({ ...LIVE, GT365_CLIENT_ID: app });
      assert.equal(bare.gt365Identity?.secret, undefined, 'the bot’s secret is not another app’s');
      const secret = configOf({ ...LIVE, GT365_CLIENT_SECRET: 's' });
      assert.equal(secret.gt365Identity?.clientId, BOT);
      assert.equal(secret.gt365Identity?.secret?.reveal(), 's');
    });

    it('is the sandbox’s in sandbox mode, without any credential', () => {
      const config = configOf({ MODE: 'sandbox' });
      assert.equal(config.gt365Url, 'http://127.0.0.1:3979/gt365');
      assert.equal(config.gt365Identity, null);
      assert.equal(config.teamsServiceUrl, 'http://127.0.0.1:3979/connector/');
      for (const name of ['GT365_CLIENT_SECRET', 'GT365_CERTIFICATE_PATH'])
        assert.deepEqual(namesOf({ MODE: 'sandbox', [name]: 'x' }), [name]);
      for (const name of ['GT365_URL', 'TEAMS_SERVICE_URL']) {
        assert.deepEqual(namesOf({ MODE: 'sandbox', [name]: 'https://x.example' }), [name]);
        assert.deepEqual(namesOf({ ...LIVE, [name]: 'http://x.example' }), [name]);
        assert.deepEqual(namesOf({ ...LIVE, [name]: 'http://127.0.0.1:1' }), [name]);
      }
    });

    it('gets a token of the cloud it is in, and apps come with tokens of that cloud', () => {
      const us = configOf({
        ...LIVE,
        GRAPH_BASE_URL: 'https://graph.microsoft.us/v1.0',
        LOGIN_URL: 'https://login.microsoftonline.us/',
      });
      assert.equal(us.gt365Scope, 'https://graph.microsoft.us/.default');
      assert.deepEqual(us.entraIssuers, [
        'https://login.microsoftonline.us/{tenant}/v2.0',
        'https://sts.windows.net/{tenant}/',
      ]);
      const china = configOf({ ...LIVE, LOGIN_URL: 'https://login.chinacloudapi.cn' });
      assert.ok(china.entraIssuers.includes('https://sts.chinacloudapi.cn/{tenant}/'));
    });
  });

  const wrong: Record<string, readonly string[]> = {
    MODE: ['demo', 'LIVE', 'sandbox live'],
    PORT: ['-1', '65536', 'http', '3.5'],
    DATABASE_URL: ['data/usher.db', 'mysql://x', 'file:', 'postgres:x'],
    BOT_ID: ['usher', `${BOT}x`],
    BOT_TYPE: ['singletenant', 'Bot'],
    BOT_TENANT_ID: ['contoso.example'],
    GRAPH_BASE_URL: ['graph.microsoft.com', 'ftp://graph.microsoft.com', 'https://'],
    GRAPH_CLIENT_ID: ['x'],
    GRAPH_TENANT_ID: ['x'],
    CALLS_OPENID_METADATA_URL: ['api.aps.skype.com', 'https://'],
    PUBLIC_URL: ['usher.example', 'https://me@usher.example', 'https://usher.example/?a=b', 'https://usher.example/#'],
    APPLICATION_INSTANCE_ID: ['+431234567', 'x'],
    DEFAULT_COUNTRY: ['Germany', 'DEU', '49', 'XX', 'Ü1'],
    RING_SECONDS: ['0', '301', '45s', '1.5'],
    REFERRAL_CERTIFICATE_HOSTS: [
      ',',
      'https://x.example',
      'x.example:8443',
      'x.example/a',
      'me@x.example',
      '*',
      'localhost',
    ],
    DEFAULT_REDIRECT_URL: ['http://teams.microsoft.com', 'teams'],
    LOG_LEVEL: ['verbose', 'INFO'],
    CALL_TIMEOUT_MS: ['0', '99', '120001', '30s'],
    RETRY_BASE_MS: ['0', '-1'],
    RETRY_MAX_MS: ['0', 'never'],
    RETRY_ATTEMPTS: ['0', '51', 'many'],
    DIRECTORY_SETTLE_MS: ['-1', '600001'],
    CONCURRENCY: ['0', '201', '1e9'],
    GUEST_PROVIDER: ['Graph', 'entra'],
    GT365_URL: ['gt365.example', 'ftp://gt365.example'],
    GT365_SCOPE: ['User.Invite.All', 'https://graph.microsoft.com', ' a b/.default'],
    GT365_CLIENT_ID: ['x'],
    INVITE_WAIT_SECONDS: ['-1', '111', '1m'],
    INVITE_PER_MINUTE: ['0', '10001'],
    TEAMS_SERVICE_URL: ['smba.trafficmanager.net'],
  };
  for (const [name, values] of Object.entries(wrong)) {
    it(`says what is wrong with ${name} and what it is for`, () => {
      for (const value of values) {
        const [fault, ...others] = faultsOf({ ...LIVE, [name]: value });
        assert.deepEqual(others, [], value);
        assert.match(fault ?? '', new RegExp(`^${name}: .+\\. \\(.{10,}\\)$`));
        assert.doesNotMatch(fault ?? '', /undefined|\[object|Invalid input$/);
      }
    });
  }

  it('takes what is blank as not there, and spaces around a value as none of it', () => {
    const blank = Object.fromEntries(Object.keys(wrong).map((name) => [name, ' ']));
    assert.deepEqual(configOf({ ...blank, MODE: ' sandbox ' }), configOf({ MODE: 'sandbox' }));
    assert.equal(configOf({ ...LIVE, PORT: ' 8080 ' }).port, 8080);
  });

  it('shows no secret, however it is printed', () => {
    const config = configOf({
      ...LIVE,
      GRAPH_CLIENT_SECRET: 'hunter3',
      DATABASE_URL: 'postgres://usher:hunter4@db.example/usher',
    });
    assert.equal(config.databaseUrl.reveal(), 'postgres://usher:hunter4@db.example/usher');
    const secret = new Secret('hunter5');
    const printed = [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      `${secret}`,
      String(secret),
      inspect({ secret }),
      JSON.stringify({ ...secret }),
      Object.values(secret).join(),
      inspect(new Error('x', { cause: secret })),
    ].join('\n');
    assert.doesNotMatch(printed, /hunter/);
    assert.match(printed, /\[secret\]/);
  });

  it('names no secret in a fault', () => {
    const faults = faultsOf({
      ...LIVE,
      BOT_PASSWORD: 'hunter2',
      DATABASE_URL: 'mysql://usher:hunter4@db.example/usher',
      PORT: 'x',
    });
    assert.equal(faults.length, 2);
    assert.doesNotMatch(faults.join('\n'), /hunter/);
  });

  it('is described in the example, variable by variable, and the example is a configuration', () => {
    const example = envExample();
    const given = Object.fromEntries(
      [...example.matchAll(/^([A-Z_]+)=(.+)$/gm)].map(([, name = '', value]) => [name, value]),
    );
    assert.deepEqual(namesOf(given), ['ALLOWED_TENANTS', 'BOT_ID', 'BOT_TENANT_ID']);
    assert.equal('config' in readConfig({ ...given, ...LIVE }), true);
    for (const name of Object.keys(wrong)) assert.match(example, new RegExp(`^#? ?${name}=`, 'm'));
    for (const block of example.split('\n\n').slice(1)) assert.match(block.trim() || '# x\nX=', /^# .{4,}\n/);
  });
});

describe('an address on this machine', () => {
  for (const address of [
    'http://127.0.0.1',
    'https://127.255.0.1:1',
    'http://localhost:3978/x',
    'http://[::1]/',
    'http://0x7f.1/',
  ])
    it(`is ${address}`, () => assert.equal(isLoopback(address), true));
  for (const address of [
    'http://127.0.0.1.evil.example/',
    'http://127.0.0.1@evil.example/',
    'http://localhost.evil.example/',
    'http://evil.example/#127.0.0.1',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://10.0.0.1/',
    'http://2130706434.example/',
  ])
    it(`is not ${address}`, () => assert.equal(isLoopback(address), false));
});
