/**
 * The certificate of a webhook: it comes from a known address, is fetched seldom and never through another address, leads
 * to a trusted root over sound steps, and is of Microsoft; one that is renewed, ends or cannot be had is dealt with.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useFakeTimers } from 'sinon';
import { liveTrust } from '../../src/config/webhookTrust.ts';
import {
  ISSUER,
  LEAF,
  type Made,
  make,
  makeChain,
  makeCurveKeys,
  makeKeys,
  ROOT,
  signed,
  telling,
} from '../support/chains.ts';
import { openEdgeHere } from '../support/edge.ts';
import { type Listener, reply } from '../support/listener.ts';
import { assertRefused, assertUnavailable, sendWebhook, setScene, verifier } from '../support/webhooks.ts';

const KB = 1024;
const scene = setScene();

describe('the address of a webhook’s certificate', () => {
  it('is of a known host, or nothing is fetched', async () => {
    const { listener } = scene.foreign;
    const own = new URL(scene.shelf.url);
    for (const url of [
      scene.foreign.url,
      `${listener.url}/${scene.shelf.url}`,
      scene.shelf.url.replace('127.0.0.1', 'localhost'),
      scene.shelf.url.replace('http:', 'https:'),
      scene.shelf.url.replace('//', '//user@'),
      scene.shelf.url.replace('//', '//user:word@'),
      scene.shelf.url.replace(own.host, `${own.host}@${new URL(scene.foreign.url).host}`),
      scene.shelf.url.replace(own.host, `${own.host}.evil.example`),
      scene.shelf.url.replace(own.port, String(Number(own.port) + 1)),
      `${scene.shelf.url}#${scene.shelf.url}`,
      'https://3psostorageacct.blob.core.windows.net/cert/x.cer',
      'http://169.254.169.254/latest/meta-data',
      'file:///etc/passwd',
      `data:text/plain,${encodeURIComponent(scene.chain.leaf.pem)}`,
      '//x.example/',
      '/certificates/webhook.cer',
      'webhook.cer',
      `${scene.shelf.url} ${scene.shelf.url}`,
      `${scene.shelf.url}, ${scene.shelf.url}`,
      `${scene.shelf.url}?${'x'.repeat(1000)}`,
    ])
      await assertRefused(scene, 'address', () => sendWebhook(scene, telling(), { url }));
    await assertRefused(scene, 'noAddress', () =>
      sendWebhook(scene, telling(), { headers: { 'x-ms-certificate-url': '' } }),
    );
    await assertRefused(scene, 'address', () =>
      sendWebhook(scene, telling(), { headers: { 'x-ms-certificate-url': [scene.shelf.url, scene.shelf.url] } }),
    );
    assert.deepEqual(scene.shelf.asked(), []);
  });

  it('in live mode is Microsoft’s, over https: no address of ours or of anybody is fetched', async () => {
    const live = await openEdgeHere({}, { verifyWebhook: verifier(scene, liveTrust()) });
    try {
      for (const url of [
        scene.shelf.url,
        'http://3psostorageacct.blob.core.windows.net/cert/x.cer',
        'https://3psostorageacct.blob.core.windows.net:8443/cert/x.cer',
        'https://3psostorageacct.blob.core.windows.net.evil.example/cert/x.cer',
        'https://evil.example/3psostorageacct.blob.core.windows.net',
        'https://me@3psostorageacct.blob.core.windows.net/cert/x.cer',
        'https://otheracct.blob.core.windows.net/cert/x.cer',
        'https://blob.core.windows.net/cert/x.cer',
      ])
        assert.equal((await sendWebhook(scene, telling(), { url, to: live })).status, 401, url);
      assert.deepEqual(
        live.log.lines.map((line) => /"reason":"(\w+)"/.exec(line)?.[1]),
        Array.from({ length: 8 }, () => 'address'),
      );
      assert.deepEqual(scene.shelf.asked(), []);
    } finally {
      await live.close();
    }
  });

  it('is not left for another one', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      scene.shelf.listener.answer = ({ url }, response) => {
        if (url.startsWith('/certificates/moved')) reply(response, status, '', { location: scene.foreign.url });
        else response.end(scene.shelf.files.get(url));
      };
      const url = `${scene.shelf.listener.url}/certificates/moved${status}`;
      await assertUnavailable(scene, 'certificateUnavailable', () => sendWebhook(scene, telling(), { url }));
    }
  });

  const broken: Record<string, Listener['answer']> = {
    'answers 500': (_heard, response) => reply(response, 500, {}),
    'answers 404': (_heard, response) => reply(response, 404, {}),
    'hangs up': (_heard, response) => response.destroy(),
    'is silent': () => {},
    'stops in the middle': (_heard, response) => {
      response.writeHead(200);
      response.write(scene.chain.leaf.pem);
    },
    'sends too much': (_heard, response) => response.end(scene.chain.leaf.pem + 'x'.repeat(65 * KB)),
    'sends without end': (_heard, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(16 * KB), more);
      };
      more();
    },
  };
  for (const [name, answer] of Object.entries(broken)) {
    it(`that ${name} is out of reach: the webhook may come again, and passes when that is over`, async () => {
      const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
      try {
        const sound = scene.shelf.listener.answer;
        scene.shelf.listener.answer = answer;
        for (let n = 0; n < 5; n++) await assertUnavailable(scene, 'certificateUnavailable', () => sendWebhook(scene));
        assert.equal(scene.shelf.asked().length, 1, 'it is left alone for a moment');
        scene.shelf.listener.answer = sound;
        await assertUnavailable(scene, 'certificateUnavailable', () => sendWebhook(scene));
        clock.setSystemTime(Date.now() + 11_000);
        assert.equal((await sendWebhook(scene)).status, 202);
      } finally {
        clock.restore();
      }
    });
  }

  it('is asked once for many webhooks, at once or one after the other, for an hour', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      await Promise.all(Array.from({ length: 20 }, () => sendWebhook(scene)));
      for (let n = 0; n < 5; n++) assert.equal((await sendWebhook(scene)).status, 202);
      clock.setSystemTime(Date.now() + 59 * 60_000);
      assert.equal((await sendWebhook(scene)).status, 202);
      assert.equal(scene.shelf.asked().filter((path) => path.endsWith('.cer')).length, 1);
      clock.setSystemTime(Date.now() + 2 * 60_000);
      assert.equal((await sendWebhook(scene)).status, 202);
      assert.equal(scene.shelf.asked().filter((path) => path.endsWith('.cer')).length, 1);
    } finally {
      clock.restore();
    }
  });

  it('one after the other, in a flood, is not asked without end, and what is known still passes', async () => {
    // In the middle of a minute, so that none begins meanwhile.
    const clock = useFakeTimers({ now: Math.floor(Date.now() / 60_000) * 60_000 + 1000, toFake: ['Date'] });
    try {
      assert.equal((await sendWebhook(scene)).status, 202);
      for (let n = 0; n < 60; n++) {
        const { status } = await sendWebhook(scene, telling(), { url: `${scene.shelf.url}?${n}` });
        assert.equal(status, 503, String(n));
      }
      assert.equal(scene.shelf.asked().length, 21, '20 addresses, and the root');
      assert.match(scene.edge.log.lines.join('\n'), /"reason":"tooManyAddresses"/);
      assert.equal((await sendWebhook(scene)).status, 202);
      clock.setSystemTime(Date.now() + 61 * 60_000);
      for (let n = 0; n < 60; n++) await sendWebhook(scene, telling(), { url: `${scene.shelf.url}?again${n}` });
      assert.equal((await sendWebhook(scene)).status, 202, 'it holds while it cannot be looked at again');
      clock.setSystemTime(Date.now() + 60_000);
      assert.equal((await sendWebhook(scene)).status, 202);
    } finally {
      clock.restore();
    }
  });
});

describe('a webhook’s certificate', () => {
  /** What is at the address; by whom the webhook is signed is its first. */
  const serve = (first: Made, ...others: readonly Made[]): void => {
    scene.shelf.files.set('/certificates/webhook.cer', [first, ...others].map(({ pem }) => pem).join(''));
  };
  const chainWith = async (more: Parameters<typeof makeChain>[0]): Promise<Made> => {
    const made = await makeChain(more, scene.keys);
    serve(made.leaf, made.issuer);
    scene.shelf.files.set('/certificates/root.pem', made.root.pem);
    return made.leaf;
  };

  it('that is none is refused', async () => {
    for (const [n, file] of ['', 'text', '<html></html>', scene.chain.leaf.pem.slice(0, 500)].entries()) {
      scene.shelf.files.set(`/${n}`, file);
      await assertRefused(scene, 'noCertificate', () =>
        sendWebhook(scene, telling(), { url: `${scene.shelf.listener.url}/${n}` }),
      );
    }
  });

  const bad: Record<string, [string, () => Promise<Made>]> = {
    'that has expired': ['time', () => chainWith({ leaf: { from: -10, to: -1 } })],
    'of days to come': ['time', () => chainWith({ leaf: { from: 1, to: 10 } })],
    'of an authority': ['purpose', () => chainWith({ leaf: { isAuthority: true } })],
    'of an authority that may sign as well': [
      'purpose',
      () => chainWith({ leaf: { isAuthority: true, usages: 5, purposes: ['1.3.6.1.5.5.7.3.1'] } }),
    ],
    'that may not sign': ['purpose', () => chainWith({ leaf: { usages: 32 } })],
    'for something else': ['purpose', () => chainWith({ leaf: { purposes: ['1.3.6.1.5.5.7.3.9'] } })],
    'with a short key': ['weak', async () => chainWith({ leaf: { keys: await makeKeys(1024) } })],
    'whose issuer has expired': ['chain', () => chainWith({ issuer: { from: -10, to: -1 } })],
    'whose issuer is no authority': ['chain', () => chainWith({ issuer: { isAuthority: false } })],
    'whose signature is SHA-1': ['chain', () => chainWith({ leaf: { hash: 'SHA-1' } })],
    'of an issuer of another name': ['organisation', () => chainWith({ issuer: { name: ROOT } })],
    'of an issuer that has the name in another part': [
      'organisation',
      () => chainWith({ issuer: { name: [{ O: 'Evil' }, { CN: 'x\nO=Microsoft Corporation' }] } }),
    ],
    'of an issuer with two names': [
      'organisation',
      () => chainWith({ issuer: { name: [{ O: 'Evil' }, { O: 'Microsoft Corporation' }] } }),
    ],
    'of Microsoft’s name for itself alone': [
      'organisation',
      () => chainWith({ issuer: { name: [{ O: 'Evil' }] }, leaf: { name: ISSUER } }),
    ],
    'that signed itself': [
      'chain',
      async () => {
        const own = await make({ name: LEAF, keys: scene.keys.leaf });
        serve(own, scene.chain.issuer, scene.chain.root);
        return own;
      },
    ],
    'without its issuer': [
      'chain',
      async () => {
        serve(scene.chain.leaf);
        return scene.chain.leaf;
      },
    ],
    'of a foreign root that it brings along': [
      'chain',
      async () => {
        const other = await makeChain();
        serve(other.leaf, other.issuer, other.root);
        return other.leaf;
      },
    ],
    'signed by one like itself': [
      'chain',
      async () => {
        const under = await make({ name: LEAF, by: scene.chain.leaf, keys: scene.keys.issuer });
        serve(under, scene.chain.leaf, scene.chain.issuer);
        return under;
      },
    ],
  };
  for (const [name, [reason, prepare]] of Object.entries(bad)) {
    it(`${name} is refused, and not fetched again at once`, async () => {
      const by = await prepare();
      // A short key's signature is too short for the header; it is the certificate that is looked at.
      const headers = reason === 'weak' ? signed('{}', scene.chain.leaf, scene.shelf.url) : {};
      await assertRefused(scene, reason, () => sendWebhook(scene, telling(), { by, headers }));
      await assertRefused(scene, reason, () => sendWebhook(scene, telling(), { by, headers }));
      assert.equal(scene.shelf.asked().filter((path) => path.endsWith('.cer')).length, 1);
    });
  }

  it('of another kind of key is refused', async () => {
    const made = await makeChain({ leaf: { keys: await makeCurveKeys() } }, scene.keys);
    serve(made.leaf, made.issuer);
    await assertRefused(scene, 'weak', () => sendWebhook(scene));
  });

  it('that was renewed at its address is found, when its signature does not fit the old one', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      assert.equal((await sendWebhook(scene)).status, 202);
      const renewed = await make({ name: LEAF, by: scene.chain.issuer });
      serve(renewed, scene.chain.issuer);
      clock.setSystemTime(Date.now() + 61_000);
      assert.equal((await sendWebhook(scene, telling(), { by: renewed })).status, 202);
      scene.edge.heardOfReferrals.length = 0;
      scene.shelf.asked();
      for (let n = 0; n < 5; n++) await assertRefused(scene, 'signature', () => sendWebhook(scene));
      assert.deepEqual(scene.shelf.asked(), [], 'nobody makes it be fetched again and again');
    } finally {
      clock.restore();
    }
  });

  it('that ends while it is known is believed no longer', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      const by = await chainWith({ leaf: { to: 0.01 } });
      assert.equal((await sendWebhook(scene, telling(), { by })).status, 202);
      clock.setSystemTime(Date.now() + 0.011 * 24 * 3600_000);
      scene.edge.heardOfReferrals.length = 0;
      await assertRefused(scene, 'time', () => sendWebhook(scene, telling(), { by }));
    } finally {
      clock.restore();
    }
  });

  it('cannot be checked without roots, and can when they are back', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      scene.shelf.files.delete('/certificates/root.pem');
      await assertUnavailable(scene, 'rootsUnavailable', () => sendWebhook(scene));
      scene.shelf.files.set('/certificates/root.pem', 'no roots here');
      clock.setSystemTime(Date.now() + 11_000);
      await assertUnavailable(scene, 'rootsUnavailable', () => sendWebhook(scene));
      scene.shelf.files.set('/certificates/root.pem', scene.chain.root.pem);
      clock.setSystemTime(Date.now() + 11_000);
      assert.equal((await sendWebhook(scene)).status, 202);
    } finally {
      clock.restore();
    }
  });

  it('may have its issuer fetched, from where that is allowed and nowhere else', async () => {
    const at = async (origin: string): Promise<Made> => {
      const leaf = await make({
        name: LEAF,
        by: scene.chain.issuer,
        keys: scene.keys.leaf,
        issuerUrl: `${origin}/issuer.crt`,
      });
      serve(leaf);
      return leaf;
    };
    await at(scene.foreign.listener.url);
    await assertRefused(scene, 'chain', () => sendWebhook(scene));
    for (const issuerOrigins of [[], [scene.foreign.listener.url]]) {
      const other = await openEdgeHere({}, { verifyWebhook: verifier(scene, { issuerOrigins }) });
      try {
        await at(scene.shelf.listener.url);
        scene.shelf.files.set('/issuer.crt', scene.chain.issuer.der);
        assert.equal((await sendWebhook(scene, telling(), { to: other })).status, 401);
        assert.ok(!scene.shelf.asked().includes('/issuer.crt'));
      } finally {
        await other.close();
      }
    }
    const allowed = await openEdgeHere(
      {},
      { verifyWebhook: verifier(scene, { issuerOrigins: [scene.shelf.listener.url] }) },
    );
    try {
      assert.equal((await sendWebhook(scene, telling(), { to: allowed })).status, 202);
      assert.ok(scene.shelf.asked().includes('/issuer.crt'));
    } finally {
      await allowed.close();
    }
  });

  it('may lead to a root in a file, which has to be there and whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'usher-roots-'));
    const path = join(folder, 'roots.pem');
    const { root } = scene.chain;
    try {
      for (const [text, status] of [
        [null, 503],
        ['no roots here', 503],
        [`${root.pem}${root.pem.slice(0, 200)}\n-----END CERTIFICATE-----\n`, 503],
        [`# Roots of Tests\n${root.pem}`, 202],
      ] as const) {
        if (text !== null) await writeFile(path, text);
        const edge = await openEdgeHere({}, { verifyWebhook: verifier(scene, { roots: { path } }) });
        try {
          assert.equal((await sendWebhook(scene, telling(), { to: edge })).status, status, edge.log.lines.join());
        } finally {
          await edge.close();
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that the sandbox trusts is none that Node’s roots trust', async () => {
    const trust = { roots: { path: null }, certificateOrigins: [scene.shelf.listener.url] };
    const live = await openEdgeHere({}, { verifyWebhook: verifier(scene, trust) });
    try {
      assert.equal((await sendWebhook(scene, telling(), { to: live })).status, 401);
      assert.match(live.log.lines.join('\n'), /"reason":"chain"/);
      assert.deepEqual(scene.shelf.asked(), ['/certificates/webhook.cer']);
    } finally {
      await live.close();
    }
  });
});
