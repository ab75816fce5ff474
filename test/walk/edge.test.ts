/**
 * The doors of the HTTP edge: what is too big, of the wrong kind or incomplete stays outside, each with its own status;
 * no answer tells anything of the inside; what gets in is judged by where it says that it comes from.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type Answered, activity, type Edge, openEdgeHere, overheard, SERVICE_URL, sendRaw } from '../support/edge.ts';

const KB = 1024;

describe('the edge', () => {
  let edge: Edge;
  let token: string;
  before(async () => {
    edge = await openEdgeHere();
    token = `Bearer ${await edge.channel.sign()}`;
  });
  beforeEach(() => {
    edge.received.length = 0;
    edge.audited.length = 0;
    edge.log.lines.length = 0;
  });
  after(() => edge.close());

  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
    sendRaw(`${edge.url}/api/messages`, { body, headers: { authorization: token, ...headers } });

  /** What every answer has, and what none may have. */
  function assertGuarded({ headers, text }: Answered): void {
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cache-control'], 'no-store');
    assert.match(String(headers['strict-transport-security']), /max-age=\d{7,}/);
    assert.match(String(headers['x-request-id']), /^[\w.-]{1,64}$/);
    assert.equal(headers['x-powered-by'], undefined);
    assert.doesNotMatch(text, /\bat \S+ \(|node_modules|\/src\/|\.ts:|Error:|restify|zod|stack/i);
  }

  async function assertRefused(answer: Promise<Answered>, status: number, code: string): Promise<Answered> {
    const answered = await answer;
    assert.equal(answered.status, status, answered.text);
    assert.equal(answered.json?.error?.code, code);
    assert.deepEqual(Object.keys(answered.json), ['error']);
    assert.deepEqual(Object.keys(answered.json.error), ['code', 'message']);
    assertGuarded(answered);
    assert.deepEqual(edge.received, []);
    return answered;
  }

  describe('takes', () => {
    it('an activity with nothing wrong about it', async () => {
      const answered = await post(activity());
      assert.equal(answered.status, 200);
      assert.equal(answered.text, '');
      assertGuarded(answered);
      assert.deepEqual(edge.received, [activity()]);
    });

    it('any way to write JSON’s content type', async () => {
      for (const type of ['application/json', 'Application/JSON; charset=UTF-8', 'application/activity+json;v=1'])
        assert.equal((await post(activity(), { 'content-type': type })).status, 200, type);
    });

    it('what it does not know, untouched, and 200 levels of it', async () => {
      let deep: unknown = 'bottom';
      for (let n = 0; n < 200; n++) deep = n % 2 ? [deep] : { deep };
      const one = activity({ value: deep, unheardOf: { of: true } });
      assert.equal((await post(one)).status, 200);
      assert.deepEqual(edge.received, [one]);
    });

    it('an activity just below the limit, chunked or not', async () => {
      const one = activity({ text: 'x'.repeat(500 * KB) });
      assert.equal((await post(one)).status, 200);
      const pieces = [Buffer.from(JSON.stringify(one))];
      const answered = await sendRaw(`${edge.url}/api/messages`, { pieces, headers: { authorization: token } });
      assert.equal(answered.status, 200);
    });

    it('names that are dangerous elsewhere, as mere names', async () => {
      const text = JSON.stringify(activity()).replace('{', '{"__proto__":{"polluted":true},"constructor":1,');
      assert.equal((await post(text)).status, 200);
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    });
  });

  describe('refuses', () => {
    it('a body that is too large by its length', () =>
      assertRefused(post(activity({ text: 'x'.repeat(600 * KB) })), 413, 'TooLarge'));

    it('a body that turns out too large, without a length', async () => {
      const piece = Buffer.alloc(64 * KB, 'x');
      const pieces = Array.from({ length: 40 }, () => piece);
      const answer = sendRaw(`${edge.url}/api/messages`, { pieces, headers: { authorization: token } });
      await assertRefused(answer, 413, 'TooLarge');
    });

    it('other content types', async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/json', 'application/jsonp', ''])
        await assertRefused(post(activity(), { 'content-type': type }), 415, 'UnsupportedMediaType');
    });

    it('what is not JSON', async () => {
      for (const body of ['', '{', 'text', "{'type':'message'}", '{"type":"message",}', '\u0000'])
        await assertRefused(post(body), 400, 'BadJson');
    });

    it('JSON that is no activity', async () => {
      for (const body of ['[]', 'null', '7', '"text"', 'true', '{}', '[{"type":"message"}]'])
        await assertRefused(post(body), 400, 'BadActivity');
    });

    for (const name of ['type', 'channelId', 'serviceUrl', 'conversation', 'from', 'recipient']) {
      it(`an activity without a usable ${name}, and names it`, async () => {
        const without = activity();
        delete without[name];
        const wrong = [7, null, '', [], {}, { id: '' }, { id: 7 }].map((value) => activity({ [name]: value }));
        for (const one of [without, ...wrong]) {
          const { json } = await assertRefused(post(one), 400, 'BadActivity');
          assert.match(json.error.message, new RegExp(`lacks a usable ${name}`));
        }
      });
    }

    const elsewhere = [
      'https://evil.example/',
      'https://smba.trafficmanager.net.evil.example/emea/',
      'https://evil-smba.trafficmanager.net/',
      'https://smba.trafficmanager.net@evil.example/emea/',
      'https://smba.trafficmanager.net:password@evil.example/',
      'https://someone@smba.trafficmanager.net/emea/',
      'https://evil.example/?https://smba.trafficmanager.net/emea/',
      'https://smba.trafficmanager.net:8443/emea/',
      'http://smba.trafficmanager.net/emea/',
      'http://127.0.0.1:3979/connector/',
      'https://127.0.0.1/',
      'https://localhost/',
      'https://[::1]/',
      'https://169.254.169.254/',
    ];
    for (const serviceUrl of elsewhere) {
      it(`a token of the channel for ${serviceUrl}, which is not the channel’s`, async () => {
        const signed = `Bearer ${await edge.channel.sign({ serviceurl: serviceUrl })}`;
        const answer = post(activity({ serviceUrl }), { authorization: signed });
        await assertRefused(answer, 403, 'ServiceUrlNotAllowed');
      });
    }

    it('an address that is another one when it is read as the network reads it', async () => {
      for (const serviceUrl of [
        'https://evil.example#smba.trafficmanager.net',
        'https://evil.example\\@smba.trafficmanager.net/',
        'https://evil.example\t.smba.trafficmanager.net/',
      ]) {
        const signed = `Bearer ${await edge.channel.sign({ serviceurl: serviceUrl })}`;
        const answered = await post(activity({ serviceUrl }), { authorization: signed });
        assert.ok([401, 403].includes(answered.status), `${serviceUrl}: ${answered.status}`);
        assert.deepEqual(edge.received, []);
      }
    });

    it('what is no web address for serviceUrl', async () => {
      for (const serviceUrl of [
        'ftp://smba.trafficmanager.net/',
        'javascript:alert(1)',
        '//smba.trafficmanager.net/',
        'x',
      ])
        await assertRefused(post(activity({ serviceUrl })), 400, 'BadActivity');
    });

    it('another tenant, and writes that down', async () => {
      const strange = '5a4db0c5-0000-4000-8000-00000000feed';
      const one = activity({ channelData: { tenant: { id: strange } } });
      await assertRefused(post(one), 403, 'TenantNotAllowed');
      const [line, ...others] = edge.audited;
      assert.deepEqual(others, []);
      assert.equal(line?.tenantId, strange);
      assert.equal(line?.what, 'tenant refused');
      assert.equal(line?.who, (one['from'] as { aadObjectId: string }).aadObjectId);
      assert.equal(line?.requestId, null);
    });

    it('an activity of no tenant at all', async () => {
      const one = activity({ channelData: undefined, conversation: { id: 'a:1', conversationType: 'personal' } });
      await assertRefused(post(one), 403, 'TenantNotAllowed');
    });

    it('names that could fill the audit', async () => {
      const one = activity({
        channelData: { tenant: { id: 'x'.repeat(5000) } },
        from: { id: 'y'.repeat(2000) },
      });
      await assertRefused(post(one), 403, 'TenantNotAllowed');
      assert.ok(JSON.stringify(edge.audited).length < 1000);
    });

    it('an unknown path, and any method but its own', async () => {
      for (const [method, path, status] of [
        ['GET', '/', 404],
        ['POST', '/api/message', 404],
        ['GET', '/api/messages/../../etc/passwd', 404],
        ['GET', '/%2e%2e/%2e%2e/etc/passwd', 404],
        ['GET', '/%', 404],
        ['GET', '/%ff', 404],
        ['GET', `/${'a'.repeat(5000)}`, 404],
        ['GET', '/<script>alert(1)</script>', 404],
        ['GET', '/api/messages', 405],
        ['DELETE', '/api/messages', 405],
        ['PUT', '/api/messages', 405],
        ['OPTIONS', '/api/messages', 405],
        ['POST', '/healthz', 405],
      ] as const) {
        const answered = await sendRaw(`${edge.url}${path}`, { method });
        assert.ok([status, 400].includes(answered.status), `${method} ${path}: ${answered.status}`);
        if (status === 405) assert.equal(answered.status, 405);
        assertGuarded(answered);
        assert.ok(!answered.text.includes('passwd') && !answered.text.includes('<script'), answered.text);
      }
    });

    it('more at once than it can take, and takes again when it can', async () => {
      let free = (): void => {};
      const held = new Promise<void>((resolve) => {
        free = resolve;
      });
      const busy = await openEdgeHere({}, { receive: async () => held.then(() => ({ status: 200 })) });
      try {
        const signed = `Bearer ${await busy.channel.sign()}`;
        const send = () =>
          sendRaw(`${busy.url}/api/messages`, { body: activity(), headers: { authorization: signed } });
        const refused: Answered[] = [];
        const all = Array.from({ length: 520 }, send);
        await new Promise<void>((resolve) => {
          for (const one of all) void one.then((answered) => refused.push(answered) === 20 && resolve());
        });
        for (const { status, json } of refused) assert.deepEqual([status, json.error.code], [503, 'Busy']);
        free();
        const statuses = (await Promise.all(all)).map((one) => one.status);
        assert.equal(statuses.filter((status) => status === 200).length, 500);
        assert.equal((await send()).status, 200);
      } finally {
        free();
        await busy.close();
      }
    });
  });

  describe('answers', () => {
    it('with the id of the request it was given, or a new one', async () => {
      for (const [given, kept] of [
        ['abc-1.2_3', true],
        ['x'.repeat(64), true],
        ['x'.repeat(65), false],
        ['a b', false],
        ['<script>', false],
        ['ü', false],
      ] as const) {
        const { headers } = await post(activity(), { 'x-request-id': given });
        if (kept) assert.equal(headers['x-request-id'], given);
        else assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/, given);
      }
    });

    it('a fault of ours with nothing but that it is one', async () => {
      const secret = 'the database at postgres://usher:hunter2@db is gone';
      const broken = await openEdgeHere({}, { receive: () => Promise.reject(new Error(secret)) });
      try {
        const signed = `Bearer ${await broken.channel.sign()}`;
        let answered: Answered | undefined;
        const said = await overheard(async () => {
          answered = await sendRaw(`${broken.url}/api/messages`, {
            body: activity(),
            headers: { authorization: signed },
          });
        });
        assert.equal(answered?.status, 500);
        assert.deepEqual(answered?.json, {
          error: { code: 'InternalError', message: 'Something went wrong here.' },
        });
        assertGuarded(answered as Answered);
        assert.equal(said, '');
        assert.match(broken.log.lines.join('\n'), /http\.bug/);
      } finally {
        await broken.close();
      }
    });

    it('the probes: alive always, ready only when nothing is missing', async () => {
      const missing: string[] = [];
      const probed = await openEdgeHere({}, { missing: async () => missing });
      try {
        const get = (path: string) => sendRaw(`${probed.url}${path}`, { method: 'GET' });
        assert.deepEqual((await get('/readyz')).json, { ready: true });
        missing.push('store');
        const answered = await get('/readyz');
        assert.equal(answered.status, 503);
        assert.deepEqual(answered.json, { ready: false, missing: ['store'] });
        assertGuarded(answered);
        const alive = await get('/healthz');
        assert.equal(alive.status, 200);
        assert.deepEqual(alive.json, { alive: true });
        assertGuarded(alive);
      } finally {
        await probed.close();
      }
    });

    it('bytes that are no HTTP at all without a word of the inside', async () => {
      const text = await new Promise<string>((resolve, reject) => {
        const socket = connect(edge.port, '127.0.0.1', () => socket.end('nonsense\r\n\r\n'));
        let heard = '';
        socket.on('data', (piece) => {
          heard += piece;
        });
        socket.on('error', reject);
        socket.on('close', () => resolve(heard));
      });
      assert.match(text, /^HTTP\/1\.1 400 /);
      assert.ok(text.length < 200);
      assert.equal((await post(activity())).status, 200);
    });
  });

  it('in sandbox mode takes loopback addresses only, and not their look-alikes', async () => {
    const sandbox = await openEdgeHere({ mode: 'sandbox', serviceUrlHosts: [] });
    try {
      const say = (serviceUrl: string) => sendRaw(`${sandbox.url}/api/messages`, { body: activity({ serviceUrl }) });
      for (const good of [
        'http://127.0.0.1:3979/connector/',
        'http://localhost:1/',
        'http://[::1]:1/',
        'http://127.9.9.9/',
      ])
        assert.equal((await say(good)).status, 200, good);
      for (const bad of [
        'http://127.0.0.1.evil.example/',
        'http://localhost.evil.example/',
        'http://127.0.0.1@evil.example/',
        'http://evil.example/127.0.0.1',
        'http://127.evil.example/',
        'http://0.0.0.0/',
        'http://[::]/',
        'http://[::ffff:10.0.0.1]/',
        'http://10.0.0.1/',
        SERVICE_URL,
      ]) {
        const answered = await say(bad);
        assert.equal(answered.status, 403, bad);
        assert.equal(answered.json.error.code, 'ServiceUrlNotAllowed');
      }
      assert.equal(
        (await sendRaw(`${sandbox.url}/healthz`, { method: 'GET' })).headers['strict-transport-security'],
        undefined,
      );
    } finally {
      await sandbox.close();
    }
  });
});
