/**
 * The door through which Partner Center tells of referrals: nobody comes in without a signature over the very bytes of the
 * body, in sandbox mode neither; what comes in is handed on before it is answered, and nothing it names is fetched.
 */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { keyOf, type ReferralCallback } from '../../src/requests/referralNotices.ts';
import { LEAF, make, makeKeys, REFERRAL, signed, telling } from '../support/chains.ts';
import { type Answered, openEdgeHere, overheard, sendRaw } from '../support/edge.ts';
import { assertGuarded, assertRefused, REQUEST, sendWebhook, setScene, verifier } from '../support/webhooks.ts';

const KB = 1024;
const scene = setScene();

describe('a webhook of Partner Center', () => {
  it('with a good signature is handed on once, and then answered', async () => {
    const told = telling();
    const answered = await sendWebhook(scene, told);
    assert.equal(answered.status, 202, answered.text + scene.edge.log.lines);
    assert.equal(answered.text, '');
    assertGuarded(answered);
    const changedAt = Date.parse(String(told['ResourceChangeUtcDate']));
    const notice = { event: 'created', referralId: REFERRAL, changedAt } as const;
    assert.deepEqual(scene.edge.heardOfReferrals, [{ requestId: REQUEST, notice }] satisfies ReferralCallback[]);
    assert.deepEqual(scene.edge.log.lines, []);
    assert.deepEqual(scene.shelf.asked().sort(), ['/certificates/root.pem', '/certificates/webhook.cer']);
  });

  it('may have its signature in either place, and anything from SHA-256 on', async () => {
    const body = JSON.stringify(telling());
    for (const algorithm of ['rsa-sha256', 'rsa-sha384', 'rsa-sha512']) {
      const { authorization = '', ...rest } = signed(body, scene.chain.leaf, scene.shelf.url, algorithm);
      for (const headers of [
        { ...rest, authorization },
        { ...rest, authorization: authorization.replace('Signature', 'signature') },
        { ...rest, 'x-ms-signature': authorization },
        { ...rest, authorization, 'x-ms-signature-algorithm': algorithm.toUpperCase() },
      ])
        assert.equal((await sendRaw(`${scene.edge.url}/api/referrals`, { body, headers })).status, 202, algorithm);
    }
    assert.equal(scene.edge.heardOfReferrals.length, 12);
  });

  it('may come from a certificate in DER, when the root stands right behind it', async () => {
    const { root } = scene.chain;
    const own = await make({ name: [{ O: 'Microsoft Corporation' }], isAuthority: true, keys: scene.keys.issuer });
    const leaf = await make({ name: LEAF, by: own, keys: scene.keys.leaf });
    scene.shelf.files.set('/certificates/webhook.cer', leaf.der);
    scene.shelf.files.set('/certificates/root.pem', root.pem + own.pem);
    assert.equal((await sendWebhook(scene)).status, 202);
  });

  it('that comes ten times is handed on ten times under one key: what was heard before is the store’s to know', async () => {
    const told = telling();
    const all = await Promise.all(Array.from({ length: 10 }, () => sendWebhook(scene, told)));
    assert.deepEqual([...new Set(all.map(({ status }) => status))], [202]);
    assert.equal(scene.edge.heardOfReferrals.length, 10);
    assert.equal(new Set(scene.edge.heardOfReferrals.map(({ notice }) => keyOf(notice))).size, 1);
    assert.equal(scene.shelf.asked().length, 2, 'the certificate is fetched once for all of them');
  });

  it('is believed within a day of the change, and five minutes ahead', async () => {
    const at = (seconds: number) =>
      telling({ ResourceChangeUtcDate: new Date(Date.now() + seconds * 1000).toISOString() });
    for (const seconds of [-86_390, 290])
      assert.equal((await sendWebhook(scene, at(seconds))).status, 202, String(seconds));
    scene.edge.heardOfReferrals.length = 0;
    for (const [seconds, reason] of [
      [-86_410, 'old'],
      [-900_000, 'old'],
      [310, 'ahead'],
      [90_000, 'ahead'],
    ] as const)
      await assertRefused(scene, reason, () => sendWebhook(scene, at(seconds)));
  });

  it('of an event nobody cares for is taken, written down, and troubles nobody', async () => {
    for (const EventName of ['subscription-updated', 'referral-exploded']) {
      scene.edge.log.lines.length = 0;
      const answered = await sendWebhook(scene, telling({ EventName, ResourceUri: `${scene.foreign.listener.url}/x` }));
      assert.equal(answered.status, 202);
      assert.match(scene.edge.log.lines.join('\n'), /webhook\.ignored/);
    }
    assert.deepEqual(scene.edge.heardOfReferrals, []);
  });

  it('that names another host gives its id, and the host is not asked', async () => {
    scene.shelf.asked();
    for (const uri of [
      `${scene.foreign.listener.url}/engagements/v1/referrals/${REFERRAL}`,
      `file:///etc/${REFERRAL}`,
    ]) {
      scene.edge.heardOfReferrals.length = 0;
      const answered = await sendWebhook(
        scene,
        telling({ ResourceUri: uri, AuditUri: `${scene.foreign.listener.url}/audit` }),
      );
      assert.equal(answered.status, 202);
      assert.equal(scene.edge.heardOfReferrals[0]?.notice.referralId, REFERRAL);
    }
    assert.deepEqual(scene.shelf.asked().length, 2);
  });

  it('that is signed and cannot be understood is refused with a reason', async () => {
    for (const [body, code] of [
      ['', 'BadJson'],
      ['{', 'BadJson'],
      ['{"EventName":"referral-created",}', 'BadJson'],
      ['null', 'BadWebhook'],
      ['[]', 'BadWebhook'],
      [JSON.stringify(telling({ ResourceUri: null })), 'BadWebhook'],
      [JSON.stringify(telling({ ResourceUri: 'https://x.example/../' })), 'BadWebhook'],
      [JSON.stringify(telling({ ResourceChangeUtcDate: 'today' })), 'BadWebhook'],
    ] as const) {
      const answered = await sendWebhook(scene, body);
      assert.equal(answered.status, 400, body);
      assert.equal(answered.json.error.code, code, body);
      assertGuarded(answered);
    }
    assert.deepEqual(scene.edge.heardOfReferrals, []);
  });

  it('names its request in its address, or none', async () => {
    for (const [query, requestId] of [
      [`?request=${REQUEST}`, REQUEST],
      [`?a=b&request=${REQUEST}&c`, REQUEST],
      ['', null],
      ['?request=', null],
      [`?request=${REQUEST}&request=${REQUEST}`, null],
      [`?request=${'x'.repeat(65)}`, null],
      ['?request=a%27%20or%201=1', null],
    ] as const) {
      scene.edge.heardOfReferrals.length = 0;
      assert.equal((await sendWebhook(scene, telling(), { query })).status, 202, query);
      assert.deepEqual(
        scene.edge.heardOfReferrals.map((one) => one.requestId),
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
    const heardReferral = (): Promise<void> => {
      handed();
      return stored;
    };
    const slow = await openEdgeHere({}, { verifyWebhook: verifier(scene), heardReferral });
    try {
      let isAnswered = false;
      const answer = sendWebhook(scene, telling(), { to: slow }).then((answered) => {
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
      {
        verifyWebhook: verifier(scene),
        heardReferral: () => Promise.reject(new Error('postgres://usher:hunter2@db is gone')),
      },
    );
    try {
      let answered: Answered | undefined;
      const said = await overheard(async () => {
        answered = await sendWebhook(scene, telling(), { to: broken });
      });
      assert.equal(answered?.status, 503);
      assert.equal(answered?.headers['retry-after'], '1');
      assert.deepEqual(answered?.json, {
        error: { code: 'NotStored', message: 'This cannot be stored just now; send it again later.' },
      });
      assertGuarded(answered as Answered);
      assert.equal(said, '');
      const lines = broken.log.lines.join('\n');
      assert.match(lines, /webhook\.lost/);
      assert.ok(!lines.includes(REFERRAL), lines);
    } finally {
      await broken.close();
    }
  });

  it('that is too large is refused, with a length or without', async () => {
    const large = telling({ more: 'x'.repeat(600 * KB) });
    const answered = await sendWebhook(scene, large);
    assert.equal(answered.status, 413);
    assert.equal(answered.json.error.code, 'TooLarge');
    assert.deepEqual(scene.shelf.asked(), [], 'its length says enough');
    const pieces = Array.from({ length: 40 }, () => Buffer.alloc(64 * KB, 'x'));
    const headers = signed('x', scene.chain.leaf, scene.shelf.url);
    assert.equal((await sendRaw(`${scene.edge.url}/api/referrals`, { pieces, headers })).status, 413);
    assert.equal((await sendWebhook(scene, telling({ more: 'x'.repeat(500 * KB) }))).status, 202);
  });

  it('has to be JSON, and to come by POST, to this address', async () => {
    for (const type of ['text/plain', 'text/json', ''])
      assert.equal((await sendWebhook(scene, telling(), { headers: { 'content-type': type } })).status, 415, type);
    assert.equal(
      (await sendWebhook(scene, telling(), { headers: { 'content-type': 'Application/JSON; charset=utf-8' } })).status,
      202,
    );
    for (const [method, path, status] of [
      ['GET', '/api/referrals', 405],
      ['PUT', '/api/referrals', 405],
      ['DELETE', '/api/referrals', 405],
      ['POST', '/api/referral', 404],
      ['POST', '/api/referrals/7', 404],
    ] as const)
      assert.equal((await sendRaw(`${scene.edge.url}${path}`, { method })).status, status, `${method} ${path}`);
  });

  it('in a crowd is asked to come again, while messages and calls still come in', async () => {
    let free = (): void => {};
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    let handed = 0;
    let full = (): void => {};
    const isFull = new Promise<void>((resolve) => {
      full = resolve;
    });
    const heardReferral = (): Promise<void> => {
      if (++handed === 500) full();
      return held;
    };
    const busy = await openEdgeHere({}, { verifyWebhook: verifier(scene), heardReferral });
    try {
      const told = telling();
      const all = Array.from({ length: 500 }, () => sendWebhook(scene, told, { to: busy }));
      await isFull;
      const answered = await sendWebhook(scene, told, { to: busy });
      assert.equal(answered.status, 503);
      assert.equal(answered.json.error.code, 'Busy');
      assert.equal((await sendRaw(`${busy.url}/api/calls`, { body: {} })).status, 401);
      assert.equal((await sendRaw(`${busy.url}/healthz`, { method: 'GET' })).status, 200);
      free();
      assert.ok((await Promise.all(all)).every(({ status }) => status === 202));
    } finally {
      free();
      await busy.close();
    }
  });
});

describe('a webhook’s signature', () => {
  it('that is missing, or comes twice, is refused before anything is fetched', async () => {
    const body = JSON.stringify(telling());
    const { authorization = '', ...rest } = signed(body, scene.chain.leaf, scene.shelf.url);
    const other = `Signature ${Buffer.alloc(256).toString('base64')}`;
    const post = (headers: OutgoingHttpHeaders) => () => sendRaw(`${scene.edge.url}/api/referrals`, { body, headers });
    await assertRefused(scene, 'noSignature', post({}));
    await assertRefused(scene, 'noSignature', post(rest));
    await assertRefused(scene, 'noSignature', post({ ...rest, authorization: '' }));
    for (const several of [
      { authorization: [authorization, authorization] },
      { authorization: [authorization, other] },
      { authorization: [other, authorization] },
      { authorization, 'x-ms-signature': authorization },
      { authorization: 'Bearer x', 'x-ms-signature': authorization },
      { 'x-ms-signature': [authorization, authorization] },
    ])
      await assertRefused(scene, 'severalSignatures', post({ ...rest, ...several } as OutgoingHttpHeaders));
    assert.deepEqual(scene.shelf.asked(), []);
  });

  it('of another form is refused before anything is fetched', async () => {
    const body = JSON.stringify(telling());
    const { authorization = '', ...rest } = signed(body, scene.chain.leaf, scene.shelf.url);
    const text = authorization.slice('Signature '.length);
    for (const header of [
      text,
      'Signature',
      'Signature ',
      `Signature  ${text}`,
      `Bearer ${text}`,
      `Basic ${text}`,
      `Signature ${text} ${text}`,
      `Signature ${text}, Signature ${text}`,
      `Signature "${text}"`,
      `Signature ${text.slice(0, -4)}`.slice(0, 100),
      `Signature ${text.slice(1)}`,
      `Signature ${text.replace(/.$/, '*')}`,
      `Signature ${text.replaceAll('+', '-').replaceAll('/', '_').replace(/^.{4}/, '-_-_')}`,
      `Signature ${'A'.repeat(4000)}`,
    ])
      await assertRefused(scene, 'signatureForm', () =>
        sendRaw(`${scene.edge.url}/api/referrals`, { body, headers: { ...rest, authorization: header } }),
      );
    assert.deepEqual(scene.shelf.asked(), []);
  });

  it('made otherwise than agreed is refused before anything is fetched', async () => {
    for (const algorithm of [
      'rsa-sha1',
      'rsa-md5',
      'sha256',
      'rsa',
      'none',
      'hmac-sha256',
      'rsa-sha256, rsa-sha256',
      'toString',
      '__proto__',
      '',
      ['rsa-sha256', 'rsa-sha1'],
    ])
      await assertRefused(scene, 'algorithm', () =>
        sendWebhook(scene, telling(), { headers: { 'x-ms-signature-algorithm': algorithm } }),
      );
    assert.deepEqual(scene.shelf.asked(), []);
    await assertRefused(scene, 'signature', () =>
      sendWebhook(scene, telling(), { headers: { 'x-ms-signature-algorithm': 'rsa-sha512' } }),
    );
  });

  it('fits the bytes that were signed, and no others', async () => {
    const told = telling();
    const body = JSON.stringify(told);
    const changed = Buffer.from(body);
    changed[40] = (changed[40] ?? 0) ^ 1;
    for (const other of [
      changed,
      `${body} `,
      ` ${body}`,
      `\uFEFF${body}`,
      `${body}\n`,
      body.slice(0, -1),
      JSON.stringify(told, null, 2),
      JSON.stringify(Object.fromEntries(Object.entries(told).reverse())),
      body.replaceAll('/', '\\/'),
      JSON.stringify(telling({ EventName: 'referral-updated' })),
      JSON.stringify({}),
    ])
      await assertRefused(scene, 'signature', () => sendWebhook(scene, told, { body: other }));
    const withPlus = Buffer.from(JSON.stringify(telling({ ResourceName: 'é' })), 'latin1');
    assert.equal((await sendWebhook(scene, withPlus)).status, 202, 'bytes that are no UTF-8 are signed as they are');
  });

  it('of another key is refused, of the issuer’s too', async () => {
    await assertRefused(scene, 'signature', async () =>
      sendWebhook(scene, telling(), { by: { keys: await makeKeys() } }),
    );
    await assertRefused(scene, 'signature', () => sendWebhook(scene, telling(), { by: scene.chain.issuer }));
    await assertRefused(scene, 'signature', () =>
      sendWebhook(scene, telling(), {
        headers: { authorization: `Signature ${Buffer.alloc(256).toString('base64')}` },
      }),
    );
  });
});
