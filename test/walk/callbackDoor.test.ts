/**
 * The door through which the calling service reports back: nobody comes in without its token, in sandbox mode neither; what
 * comes in is handed on before it is answered; who cannot be served now is asked to come again, and nobody learns why.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { useFakeTimers } from 'sinon';
import type { CallCallback } from '../../src/requests/callNotices.ts';
import { forgeries } from '../../src/sandbox/channelKeys.ts';
import {
  CALL,
  CONTEXT,
  callNotice,
  inviteNotice,
  legacy,
  MEETING_CALL,
  notifications,
  OPERATION,
  PERSON,
  participant,
  rosterNotice,
} from '../support/callbacks.ts';
import {
  type Answered,
  activity,
  BOT_ID,
  createCallerKeys,
  type Edge,
  openEdgeHere,
  overheard,
  sendRaw,
  TENANT_ID,
} from '../support/edge.ts';
import { BROKEN, reply } from '../support/listener.ts';

const KB = 1024;
const REQUEST = '7k3q9xwa';
const REFUSED = { error: { code: 'Unauthorized', message: 'The request is not authenticated.' } };
const ISSUERS = ['https://api.botframework.com', 'https://graph.microsoft.com'];
const HEARD: CallCallback = {
  requestId: REQUEST,
  tenantId: TENANT_ID,
  notices: [
    {
      about: 'invite',
      callId: CALL,
      operationId: OPERATION,
      clientContext: CONTEXT,
      status: 'completed',
      people: [{ kind: 'user', id: PERSON, name: 'string' }],
    },
  ],
};

/** Seconds of the epoch, when the test runs. */
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function assertGuarded({ headers, text }: Answered): void {
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
  assert.match(String(headers['x-request-id']), /^[\w.-]{1,64}$/);
  assert.doesNotMatch(text, /\bat \S+ \(|node_modules|\/src\/|\.ts:|Error:|restify|zod|jose|stack/i);
}

/** Posts with these headers, and nothing added to them but the content type. */
const post = (
  edge: Edge,
  authorization?: string | string[],
  body: unknown = notifications(inviteNotice()),
  headers: Record<string, string> = {},
  query = `?request=${REQUEST}`,
): Promise<Answered> =>
  sendRaw(`${edge.url}/api/calls${query}`, {
    body,
    headers: { ...(authorization === undefined ? {} : { authorization }), ...headers } as OutgoingHttpHeaders,
  });

for (const mode of ['live', 'sandbox'] as const) {
  describe(`a callback’s token in ${mode} mode`, () => {
    let edge: Edge;
    before(async () => {
      edge = await openEdgeHere({ mode });
    });
    beforeEach(() => {
      edge.log.lines.length = 0;
      edge.heard.length = 0;
    });
    after(() => edge.close());

    async function assertRefused(authorization?: string | string[]): Promise<void> {
      let answered: Answered | undefined;
      const said = await overheard(async () => {
        answered = await post(edge, authorization);
      });
      assert.equal(answered?.status, 401);
      assert.deepEqual(answered?.json, REFUSED);
      assertGuarded(answered as Answered);
      assert.equal(said, '');
      assert.deepEqual(edge.log.lines, []);
      assert.deepEqual(edge.audited, []);
      assert.deepEqual(edge.heard, []);
    }

    for (const iss of ISSUERS)
      it(`of ${iss} lets the callback in`, async () => {
        const answered = await post(edge, `Bearer ${await edge.caller.sign({ iss })}`);
        assert.equal(answered.status, 202);
        assert.equal(answered.text, '');
        assertGuarded(answered);
        assert.deepEqual(edge.heard, [HEARD]);
        assert.equal((await post(edge, `bearer ${await edge.caller.sign({ iss })}`)).status, 202);
      });

    it('that is missing is refused', async () => {
      await assertRefused();
      await assertRefused('');
    });

    for (const kind of forgeries) {
      // These two are about a claim that only the channel's tokens have.
      if (kind === 'wrongServiceUrl' || kind === 'noServiceUrl') continue;
      it(`that is forged (${kind}) is refused`, async () => {
        const forged: Record<string, () => Promise<string>> = {
          wrongAudience: () => edge.caller.sign({ aud: '5a4db0c5-0000-4000-8000-0000000000ad' }),
          wrongIssuer: () => edge.caller.sign({ iss: 'https://sts.windows.net/somebody-else/' }),
          expired: () => edge.caller.sign({ nbf: inSeconds(-7200), exp: inSeconds(-3600) }),
          notYetValid: () => edge.caller.sign({ nbf: inSeconds(3600), exp: inSeconds(7200) }),
          unknownKid: () => edge.caller.sign({}, { kid: 'never-published' }),
          otherKey: async () => (await createCallerKeys()).sign({}, { kid: edge.caller.kid }),
          algNone: () => edge.caller.sign({}, { alg: 'none' }),
          hs256PublicKey: () => edge.caller.sign({}, { alg: 'HS256' }),
        };
        const make = forged[kind];
        assert.ok(make, `there is a forgery that is not tried here: ${kind}`);
        await assertRefused(`Bearer ${await make()}`);
      });
    }

    const claims: Record<string, Record<string, unknown> | (() => Record<string, unknown>)> = {
      'without a tenant': { tid: undefined },
      'of an empty tenant': { tid: '' },
      'whose tenant is none': { tid: null },
      'whose tenant is a number': { tid: 7 },
      'whose tenant is a list with ours': { tid: [TENANT_ID] },
      'without an expiry': { exp: undefined },
      'whose expiry is text': { exp: 'tomorrow' },
      'without a beginning': { nbf: undefined },
      'without an audience': { aud: undefined },
      'for the audience of messages of another bot': { aud: `${BOT_ID}x` },
      'for Graph': { aud: 'https://graph.microsoft.com' },
      'without an issuer': { iss: undefined },
      'of Entra, for the bot’s own app': { iss: `https://sts.windows.net/${TENANT_ID}/` },
      'whose issuer has a slash more': { iss: 'https://graph.microsoft.com/' },
      'whose issuer is a list of both': { iss: ISSUERS },
      'that expired just outside the tolerance': () => ({ nbf: inSeconds(-7200), exp: inSeconds(-330) }),
      'that is valid only after the tolerance': () => ({ nbf: inSeconds(330) }),
    };
    for (const [name, some] of Object.entries(claims))
      it(`${name} is refused`, async () =>
        assertRefused(`Bearer ${await edge.caller.sign(typeof some === 'function' ? some() : some)}`));

    it('within five minutes of its times is taken, since clocks differ', async () => {
      for (const times of [{ nbf: inSeconds(-7200), exp: inSeconds(-200) }, { nbf: inSeconds(200) }])
        assert.equal((await post(edge, `Bearer ${await edge.caller.sign(times)}`)).status, 202);
    });

    it('of the channel that brings messages is refused, with a tenant too, and under the name of our key', async () => {
      await assertRefused(`Bearer ${await edge.channel.sign()}`);
      const alike = { tid: TENANT_ID, serviceurl: undefined };
      await assertRefused(`Bearer ${await edge.channel.sign(alike)}`);
      await assertRefused(`Bearer ${await edge.channel.sign(alike, { kid: edge.caller.kid })}`);
    });

    it('opens no other door: messages take none of it', async () => {
      const token = await edge.caller.sign({ serviceurl: activity()['serviceUrl'] });
      const answered = await sendRaw(`${edge.url}/api/messages`, {
        body: activity(),
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(answered.status, 401);
      assert.deepEqual(edge.received, []);
    });

    it('that is signed otherwise than agreed is refused', async () => {
      for (const alg of ['RS512', 'RS384'] as const)
        await assertRefused(`Bearer ${await edge.caller.sign({}, { alg })}`);
      const [, payload] = (await edge.caller.sign()).split('.');
      await assertRefused(`Bearer ${encode({ alg: 'NONE', typ: 'JWT' })}.${payload}.`);
    });

    it('whose payload was exchanged is refused', async () => {
      const [header, , signature] = (await edge.caller.sign()).split('.');
      const payload = { iss: ISSUERS[0], aud: BOT_ID, tid: TENANT_ID, nbf: inSeconds(-5), exp: inSeconds(9999) };
      await assertRefused(`Bearer ${header}.${encode(payload)}.${signature}`);
      await assertRefused(`Bearer ${header}.${encode(payload)}.`);
    });

    it('in a header of another shape is refused', async () => {
      const good = await edge.caller.sign();
      for (const header of [
        `Basic ${good}`,
        'Basic dXNlcg==',
        good,
        'Bearer',
        'Bearer ',
        `Bearer  ${good}`,
        'Bearer garbage',
        'Bearer a.b.c',
        'Bearer ..',
        `Bearer ${good} ${good}`,
        `Bearer ${good}, Bearer ${good}`,
        `Bearer "${good}"`,
        `Bearer ${encode([])}.e30.c2ln`,
      ])
        await assertRefused(header);
    });

    it('given twice is refused, whichever comes first', async () => {
      const good = `Bearer ${await edge.caller.sign()}`;
      await assertRefused([good, good]);
      await assertRefused([good, 'Bearer garbage']);
      await assertRefused(['Bearer garbage', good]);
    });

    it('is not looked for anywhere but in the header', async () => {
      const token = await edge.caller.sign();
      const misprinted = await post(edge, undefined, undefined, { authentication: `Bearer ${token}` });
      assert.equal(misprinted.status, 401);
      assert.equal((await post(edge, undefined, undefined, {}, `?access_token=${token}`)).status, 401);
      assert.deepEqual(edge.heard, []);
    });

    it('that is none is refused before anything of the body is looked at', async () => {
      for (const body of ['{', '[]', '', 'x'.repeat(100 * KB), legacy]) {
        const answered = await post(edge, 'Bearer garbage', body);
        assert.equal(answered.status, 401);
        assert.deepEqual(answered.json, REFUSED);
      }
    });
  });
}

describe('the keys of the calling service', () => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await openEdgeHere();
  });
  afterEach(() => edge.close());

  it('are read once for many tokens, and the channel’s are not', async () => {
    for (let n = 0; n < 5; n++)
      assert.equal((await post(edge, `Bearer ${await edge.caller.sign({ jti: String(n) })}`)).status, 202);
    assert.deepEqual(
      edge.callsLogin.listener.heard.map((heard) => heard.url),
      ['/metadata', '/keys'],
    );
    assert.deepEqual(edge.login.listener.heard, []);
  });

  it('may change: a new key is known without a restart, an old one no more', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      assert.equal((await post(edge, `Bearer ${await edge.caller.sign()}`)).status, 202);
      const fresh = await createCallerKeys();
      edge.callsLogin.keys = fresh.jwks().keys;
      clock.setSystemTime(Date.now() + 31_000);
      assert.equal((await post(edge, `Bearer ${await fresh.sign()}`)).status, 202);
      assert.equal((await post(edge, `Bearer ${await edge.caller.sign({ jti: 'another' })}`)).status, 401);
    } finally {
      clock.restore();
    }
  });

  it('are not read again and again for keys that nobody knows', async () => {
    await post(edge, `Bearer ${await edge.caller.sign()}`);
    for (let n = 0; n < 20; n++)
      assert.equal((await post(edge, `Bearer ${await edge.caller.sign({ n }, { kid: `k${n}` })}`)).status, 401);
    assert.equal(edge.callsLogin.listener.heard.filter((heard) => heard.url === '/keys').length, 1);
  });

  for (const at of ['metadata', 'keys'] as const) {
    for (const [name, answer] of Object.entries(BROKEN)) {
      it(`are out of reach while the address of the ${at} ${name}: the callback may come again, and it passes`, async () => {
        edge.callsLogin.trouble = { at, answer };
        const token = `Bearer ${await edge.caller.sign()}`;
        let answered: Answered | undefined;
        const said = await overheard(async () => {
          answered = await post(edge, token);
        });
        assert.equal(answered?.status, 503);
        assert.equal(answered?.json.error.code, 'KeysUnavailable');
        assert.match(String(answered?.headers['retry-after']), /^[1-9]\d*$/);
        assertGuarded(answered as Answered);
        assert.equal(said, '');
        assert.deepEqual(edge.heard, []);
        edge.callsLogin.trouble = null;
        assert.equal((await post(edge, token)).status, 202);
      });
    }
  }

  it('need not be in reach for a token that was verified before, nor for what is no token', async () => {
    const token = `Bearer ${await edge.caller.sign()}`;
    assert.equal((await post(edge, token)).status, 202);
    edge.callsLogin.trouble = { at: 'keys', answer: (_heard, response) => reply(response, 500, {}) };
    assert.equal((await post(edge, token)).status, 202);
    assert.equal((await post(edge, 'Basic dXNlcg==')).status, 401);
  });

  it('are no excuse for a token that has expired since it was verified', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      const token = `Bearer ${await edge.caller.sign()}`;
      assert.equal((await post(edge, token)).status, 202);
      clock.setSystemTime(Date.now() + 3600_000 + 301_000);
      assert.equal((await post(edge, token)).status, 401);
      assert.equal(edge.heard.length, 1);
    } finally {
      clock.restore();
    }
  });
});

describe('a callback', () => {
  let edge: Edge;
  let token: string;
  before(async () => {
    edge = await openEdgeHere();
    token = `Bearer ${await edge.caller.sign()}`;
  });
  beforeEach(() => {
    edge.heard.length = 0;
    edge.audited.length = 0;
    edge.log.lines.length = 0;
  });
  after(() => edge.close());

  const send = (body: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
    post(edge, token, body, headers);

  async function assertRefused(answer: Promise<Answered>, status: number, code: string): Promise<void> {
    const answered = await answer;
    assert.equal(answered.status, status, answered.text);
    assert.equal(answered.json?.error?.code, code);
    assertGuarded(answered);
    assert.deepEqual(edge.heard, []);
  }

  it('whose sender hangs up in the middle is no fault of ours', async () => {
    const socket = connect(edge.port, '127.0.0.1');
    const head = ['POST /api/calls HTTP/1.1', 'host: usher', 'content-type: application/json', 'content-length: 100'];
    socket.write(`${[...head, `authorization: ${token}`].join('\r\n')}\r\n\r\n{"value":`);
    socket.end();
    socket.resume();
    await once(socket, 'close');
    assert.equal((await send(notifications(inviteNotice()))).status, 202);
    assert.doesNotMatch(edge.log.lines.join('\n'), /http\.bug/);
  });

  it('in the old format of Skype is asked for in the new one', async () => {
    const answered = await send(legacy);
    assert.equal(answered.status, 204);
    assert.equal(answered.text, '');
    assert.deepEqual(edge.heard, []);
  });

  it('with several notices is handed on as a whole, in their order', async () => {
    const answered = await send(
      notifications(callNotice('Established'), inviteNotice({ id: null }), { odd: true }, rosterNotice()),
    );
    assert.equal(answered.status, 202);
    const [{ notices } = HEARD, ...others] = edge.heard;
    assert.deepEqual(others, []);
    assert.deepEqual(
      notices.map(({ about, callId }) => [about, callId]),
      [
        ['call', MEETING_CALL],
        ['invite', CALL],
        ['roster', CALL],
      ],
    );
  });

  it('may have a list or one entity as its data', async () => {
    const notice = inviteNotice();
    await send(notifications({ ...notice, resourceData: [notice.resourceData] }));
    await send(notifications(notice));
    await send(notifications(rosterNotice(participant())));
    await send(notifications(rosterNotice([participant()])));
    assert.deepEqual(edge.heard.slice(0, 2), [HEARD, HEARD]);
    assert.equal(edge.heard.length, 4);
    assert.deepEqual(edge.heard[2], edge.heard[3]);
  });

  it('that comes ten times is handed on ten times: what was heard before is the store’s to know', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => send(notifications(inviteNotice()))));
    assert.deepEqual([...new Set(all.map(({ status }) => status))], [202]);
    assert.deepEqual(
      edge.heard,
      Array.from({ length: 10 }, () => HEARD),
    );
  });

  it('with nothing that is known is taken, and troubles nobody', async () => {
    const other = { changeType: 'updated', resourceUrl: '/communications/onlineMeetings/1', resourceData: {} };
    for (const body of [notifications(), notifications(other, null, 7)]) assert.equal((await send(body)).status, 202);
    assert.deepEqual(edge.heard, []);
  });

  it('names its request in its address, or none', async () => {
    for (const [query, requestId] of [
      [`?request=${REQUEST}`, REQUEST],
      [`?a=b&request=${REQUEST}&c`, REQUEST],
      ['?request=7K3Q-9_xwa', '7K3Q-9_xwa'],
      ['', null],
      ['?', null],
      ['?request=', null],
      ['?Request=x', null],
      [`?request=${REQUEST}&request=${REQUEST}`, null],
      [`?request=${'x'.repeat(65)}`, null],
      ['?request=a%27%20or%201=1', null],
      ['?request=%00', null],
      ['?request=%ff', null],
      ['?request[]=x', null],
    ] as const) {
      edge.heard.length = 0;
      assert.equal((await post(edge, token, undefined, {}, query)).status, 202, query);
      assert.deepEqual(
        edge.heard.map((one) => one.requestId),
        [requestId],
        query,
      );
    }
  });

  it('is answered only when it was handed on', async () => {
    let store = (): void => {};
    const stored = new Promise<void>((resolve) => {
      store = resolve;
    });
    let handed = (): void => {};
    const isHanded = new Promise<void>((resolve) => {
      handed = resolve;
    });
    const slow = await openEdgeHere(
      {},
      {
        heard: () => {
          handed();
          return stored;
        },
      },
    );
    try {
      let isAnswered = false;
      const answer = post(slow, `Bearer ${await slow.caller.sign()}`).then((answered) => {
        isAnswered = true;
        return answered;
      });
      await isHanded;
      assert.equal((await sendRaw(`${slow.url}/healthz`, { method: 'GET' })).status, 200);
      assert.equal(isAnswered, false);
      store();
      assert.equal((await answer).status, 202);
    } finally {
      store();
      await slow.close();
    }
  });

  it('that cannot be handed on may come again; nothing is said of why, and nothing logged of what it says', async () => {
    const broken = await openEdgeHere(
      {},
      { heard: () => Promise.reject(new Error('postgres://usher:hunter2@db is gone')) },
    );
    try {
      let answered: Answered | undefined;
      const said = await overheard(async () => {
        answered = await post(broken, `Bearer ${await broken.caller.sign()}`);
      });
      assert.equal(answered?.status, 503);
      assert.equal(answered?.headers['retry-after'], '1');
      assert.deepEqual(answered?.json, {
        error: { code: 'NotStored', message: 'This cannot be stored just now; send it again later.' },
      });
      assertGuarded(answered as Answered);
      assert.equal(said, '');
      const logged = broken.log.lines.join('\n');
      assert.match(logged, /callback\.lost/);
      assert.match(logged, new RegExp(REQUEST));
      for (const part of [PERSON, CONTEXT, CALL, OPERATION]) assert.ok(!logged.includes(part), logged);
    } finally {
      await broken.close();
    }
  });

  it('of another tenant is refused, and that is written down', async () => {
    const strange = '5a4db0c5-0000-4000-8000-00000000feed';
    const signed = `Bearer ${await edge.caller.sign({ tid: strange })}`;
    await assertRefused(post(edge, signed), 403, 'TenantNotAllowed');
    const [line, ...others] = edge.audited;
    assert.deepEqual(others, []);
    assert.equal(line?.tenantId, strange);
    assert.equal(line?.what, 'tenant refused');
    assert.equal(line?.requestId, null);
    edge.audited.length = 0;
    const long = `Bearer ${await edge.caller.sign({ tid: 'x'.repeat(5000) })}`;
    await assertRefused(post(edge, long), 403, 'TenantNotAllowed');
    assert.ok(JSON.stringify(edge.audited).length < 1000);
  });

  it('that is too large is refused, with a length or without', async () => {
    const large = notifications({ ...inviteNotice(), more: 'x'.repeat(600 * KB) });
    await assertRefused(send(large), 413, 'TooLarge');
    const pieces = Array.from({ length: 40 }, () => Buffer.alloc(64 * KB, 'x'));
    const headers = { authorization: token };
    await assertRefused(sendRaw(`${edge.url}/api/calls`, { pieces, headers }), 413, 'TooLarge');
  });

  it('just below the limit is taken, chunked or not', async () => {
    const large = notifications({ ...inviteNotice(), more: 'x'.repeat(500 * KB) });
    assert.equal((await send(large)).status, 202);
    const pieces = [Buffer.from(JSON.stringify(large))];
    const url = `${edge.url}/api/calls?request=${REQUEST}`;
    assert.equal((await sendRaw(url, { pieces, headers: { authorization: token } })).status, 202);
    assert.deepEqual(edge.heard, [HEARD, HEARD]);
  });

  it('of another content type, or that is no JSON, or has no notifications, is refused', async () => {
    const one = notifications(inviteNotice());
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/json', ''])
      await assertRefused(send(one, { 'content-type': type }), 415, 'UnsupportedMediaType');
    for (const body of ['', '{', 'text', '{"value":[],}', '\u0000']) await assertRefused(send(body), 400, 'BadJson');
    for (const body of ['[]', 'null', '7', '"text"', { ...notifications(), value: 'x' }])
      await assertRefused(send(body), 400, 'BadCallback');
    for (const type of ['Application/JSON; charset=utf-8', 'application/vnd.x+json'])
      assert.equal((await send(one, { 'content-type': type })).status, 202, type);
  });

  it('comes by POST, and to this address', async () => {
    for (const [method, path, status] of [
      ['GET', '/api/calls', 405],
      ['PUT', '/api/calls', 405],
      ['DELETE', '/api/calls', 405],
      ['OPTIONS', '/api/calls', 405],
      ['POST', '/api/call', 404],
      ['POST', '/api/calls/7', 404],
    ] as const) {
      const answered = await sendRaw(`${edge.url}${path}`, { method, headers: { authorization: token } });
      assert.equal(answered.status, status, `${method} ${path}`);
      assertGuarded(answered);
    }
    assert.deepEqual(edge.heard, []);
  });

  it('too many at once are asked to come again, while messages still come in', async () => {
    let free = (): void => {};
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    const busy = await openEdgeHere({}, { heard: () => held });
    try {
      const signed = `Bearer ${await busy.caller.sign()}`;
      const refused: Answered[] = [];
      const all = Array.from({ length: 510 }, () => post(busy, signed));
      await new Promise<void>((resolve) => {
        for (const one of all) void one.then((answered) => refused.push(answered) === 10 && resolve());
      });
      for (const { status, json, headers } of refused)
        assert.deepEqual([status, json.error.code, headers['retry-after']], [503, 'Busy', '1']);
      const said = await sendRaw(`${busy.url}/api/messages`, {
        body: activity(),
        headers: { authorization: `Bearer ${await busy.channel.sign()}` },
      });
      assert.equal(said.status, 200);
      free();
      const statuses = (await Promise.all(all)).map((one) => one.status);
      assert.equal(statuses.filter((status) => status === 202).length, 500);
    } finally {
      free();
      await busy.close();
    }
  });
});
