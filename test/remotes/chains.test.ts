/**
 * Certificates and the way from one to a root: what a name says and what it only seems to say, and every step that must
 * not be taken.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { type Certificate, certificateOf, readCertificates } from '../../src/remotes/certificates.ts';
import { findWay, type Way } from '../../src/remotes/chains.ts';
import {
  type Chain,
  ISSUER,
  LEAF,
  type Made,
  MICROSOFT,
  make,
  makeChain,
  makeChainKeys,
  makeCurveKeys,
  makeKeys,
  type Name,
  ROOT,
  type Wanted,
  x509,
} from '../support/chains.ts';

type ChainKeys = Awaited<ReturnType<typeof makeChainKeys>>;

const read = ({ pem }: Pick<Made, 'pem'>): Certificate => readCertificates(Buffer.from(pem))[0] as Certificate;

describe('a file of certificates', () => {
  let chain: Chain;
  before(async () => {
    chain = await makeChain();
  });

  it('holds one in DER, or several in PEM, in their order', () => {
    const numbers = (file: Buffer): string[] => readCertificates(file).map((one) => one.x509.fingerprint256);
    const [leaf, issuer] = [chain.leaf, chain.issuer].map((one) => read(one).x509.fingerprint256);
    assert.deepEqual(numbers(chain.leaf.der), [leaf]);
    assert.deepEqual(numbers(Buffer.from(chain.leaf.pem)), [leaf]);
    const several = `Bag Attributes: none\r\n${chain.leaf.pem}\n\n${chain.issuer.pem}`.replaceAll('\n', '\r\n');
    assert.deepEqual(numbers(Buffer.from(several)), [leaf, issuer]);
  });

  it('that holds none, half of one or a crowd is refused', () => {
    for (const file of [
      '',
      'text',
      '<html></html>',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      chain.leaf.pem.slice(0, 300),
      `${chain.leaf.pem}-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n`,
      chain.leaf.pem.repeat(11),
    ])
      assert.throws(() => readCertificates(Buffer.from(file)), JSON.stringify(file.slice(0, 50)));
    assert.throws(() => readCertificates(chain.leaf.der.subarray(0, 200)));
  });

  it('is read without a fault for every root that Node knows', () => {
    for (const pem of rootCertificates) {
      const { from, to, insists } = certificateOf(new X509Certificate(pem));
      assert.ok(from < to && !insists, pem);
    }
  });
});

describe('the organisation of an issuer', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  before(async () => {
    keys = await makeKeys();
  });
  const organisation = async (name: Name): Promise<string | null> =>
    read(await make({ name, keys, isAuthority: true })).issuerOrganisation;

  it('is read from its own attribute', async () => {
    assert.equal(await organisation(ISSUER), 'Microsoft Corporation');
    assert.equal(await organisation([{ O: 'Microsoft Corporation' }]), 'Microsoft Corporation');
    assert.equal(await organisation(ROOT), 'Trust of Tests');
  });

  it('is not what another attribute says it is', async () => {
    for (const [part, seen] of [
      [{ CN: 'O=Microsoft Corporation' }, null],
      [{ CN: 'x, O=Microsoft Corporation' }, null],
      [{ CN: 'x\nO=Microsoft Corporation\ny' }, null],
      [{ CN: 'x\u0000O=Microsoft Corporation' }, null],
      [{ CN: 'x/O=Microsoft Corporation' }, null],
      [{ CN: 'x + O=Microsoft Corporation' }, null],
      [{ OU: 'Microsoft Corporation' }, null],
      [{ DC: 'Microsoft Corporation' }, null],
    ] as const) {
      assert.equal(await organisation([{ C: 'US' }, part]), seen, JSON.stringify(part));
      assert.equal(await organisation([part, { O: 'Evil' }]), 'Evil', JSON.stringify(part));
    }
  });

  it('is told apart from what looks like it', async () => {
    for (const like of [
      'Microsoft Corporation ',
      'microsoft corporation',
      'Microsoft  Corporation',
      'Microsoft Corporation Ltd',
      'Micrоsoft Corporation',
      'Microsoft Corporation\u0000',
    ])
      assert.notEqual(await organisation([{ O: like }, { CN: 'x' }]), 'Microsoft Corporation', JSON.stringify(like));
  });

  it('is none when there are two, or when a part of the name has two things in it', async () => {
    for (const name of [
      [{ O: 'Microsoft Corporation' }, { O: 'Evil' }],
      [{ O: 'Evil' }, { O: 'Microsoft Corporation' }],
      [{ O: 'Microsoft Corporation' }, { O: 'Microsoft Corporation' }],
      [{ O: 'Microsoft Corporation', CN: 'x' }],
      [{ CN: 'x', O: 'Microsoft Corporation' }],
      [{ O: 'Microsoft Corporation' }, { CN: 'x', OU: 'y' }],
      [{ CN: 'nobody' }],
    ] as Name[])
      assert.equal(await organisation(name), null, JSON.stringify(name));
  });
});

describe('what a certificate is for', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  before(async () => {
    keys = await makeKeys();
  });
  const of = async (more: Partial<Wanted>): Promise<Certificate> => read(await make({ name: LEAF, keys, ...more }));
  const uses = x509.KeyUsageFlags;
  const purposes = x509.ExtendedKeyUsage;

  it('is to sign, unless it says that it is for something else', async () => {
    for (const [usages, may] of [
      [null, true],
      [uses.digitalSignature, true],
      [uses.digitalSignature | uses.keyEncipherment, true],
      [uses.keyEncipherment, false],
      [uses.keyCertSign | uses.cRLSign, false],
      [uses.nonRepudiation, false],
    ] as const)
      assert.equal((await of({ usages })).maySign, may, String(usages));
  });

  it('is TLS, unless it says that it is for something else', async () => {
    for (const [purpose, may] of [
      [null, true],
      [[purposes.serverAuth], true],
      [[purposes.clientAuth], true],
      [[purposes.codeSigning, purposes.serverAuth], true],
      [['2.5.29.37.0'], true],
      [[purposes.codeSigning], false],
      [[purposes.ocspSigning], false],
      [[purposes.timeStamping, purposes.emailProtection], false],
    ] as const)
      assert.equal((await of({ purposes: purpose })).mayServe, may, String(purpose));
  });

  it('may be something it insists on that is not known here, and then it is for nothing', async () => {
    const strange = (isCritical: boolean) => new x509.Extension('1.2.3.4', isCritical, Buffer.from('0500', 'hex'));
    assert.equal((await of({ more: [strange(false)] })).insists, false);
    assert.equal((await of({ more: [strange(true)] })).insists, true);
    const names = new x509.Extension('2.5.29.30', true, Buffer.from('3000', 'hex'));
    assert.equal((await of({ more: [names] })).insists, true);
  });

  it('names its issuer’s address, by http or https and nothing else', async () => {
    for (const [issuerUrl, urls] of [
      ['http://www.microsoft.com/pkiops/a%20b.crt', ['http://www.microsoft.com/pkiops/a%20b.crt']],
      ['https://x.example/a', ['https://x.example/a']],
      ['ldap://x.example/a', []],
      ['file:///etc/passwd', []],
      ['http://a.example/\nCA Issuers - URI:http://b.example/', []],
    ] as const)
      assert.deepEqual((await of({ issuerUrl })).issuerUrls, urls);
  });

  it('needs a key that is strong, and a signature that is', async () => {
    assert.equal((await of({})).isKeyStrong, true);
    assert.equal((await of({ keys: await makeKeys(1024) })).isKeyStrong, false);
    assert.equal((await of({ keys: await makeCurveKeys() })).isKeyStrong, true);
    assert.equal((await of({ hash: 'SHA-384' })).isWellSigned, true);
    assert.equal((await of({ hash: 'SHA-1' })).isWellSigned, false);
  });
});

describe('the way from a certificate to a root', () => {
  let keys: ChainKeys;
  let good: Chain;
  before(async () => {
    keys = await makeChainKeys();
    good = await makeChain({}, keys);
  });

  const way = (
    leaf: Made,
    others: readonly Made[],
    roots: readonly Made[] = [good.root],
    fetchIssuers: (url: string) => Promise<readonly Certificate[] | null> = async () => null,
  ): Promise<Way> =>
    findWay(read(leaf), { roots: roots.map(read), others: others.map(read), fetchIssuers, now: Date.now() });

  async function assertRefused(more: Parameters<typeof makeChain>[0]): Promise<void> {
    const { root, issuer, leaf } = await makeChain(more, keys);
    assert.equal(await way(leaf, [issuer], [root]), 'refused');
    assert.equal(await way(leaf, [issuer, root], [root]), 'refused');
  }

  it('goes over those that came with it, in any order, and ends with the first that ends', async () => {
    const { root, issuer, leaf } = await makeChain({ issuer: { to: 5 } }, keys);
    const ends = { until: read(issuer).to };
    for (const others of [[issuer], [issuer, root], [root, issuer], [root, leaf, issuer]])
      assert.deepEqual(await way(leaf, others, [root]), ends);
  });

  it('may be over a curve', async () => {
    const curve = await makeCurveKeys();
    const { root, issuer, leaf } = await makeChain({ root: { keys: curve, hash: 'SHA-384' } }, keys);
    assert.equal(typeof (await way(leaf, [issuer], [root])), 'object');
  });

  it('is not there without the one between, or to another root', async () => {
    assert.equal(await way(good.leaf, []), 'refused');
    assert.equal(await way(good.leaf, [good.issuer], []), 'refused');
    const namesake = await make({ name: ROOT, isAuthority: true });
    assert.equal(await way(good.leaf, [good.issuer, good.root], [namesake]), 'refused');
  });

  it('is not there from one that signed itself, whatever it calls itself', async () => {
    for (const name of [LEAF, ROOT, ISSUER])
      for (const isAuthority of [true, false]) {
        const own = await make({ name, keys: keys.leaf, isAuthority });
        assert.equal(await way(own, [own, good.issuer]), 'refused');
      }
  });

  it('needs signatures, not names: one that only names its issuer is refused', async () => {
    const other = await makeKeys();
    const liar = await make({ name: ISSUER, claims: good.root, keys: other, isAuthority: true });
    const leaf = await make({ name: LEAF, by: liar, keys: keys.leaf });
    assert.equal(await way(leaf, [liar, good.issuer]), 'refused');
    assert.equal(await way(await make({ name: LEAF, claims: good.issuer, keys: other }), [good.issuer]), 'refused');
  });

  it('needs names, not signatures alone: one that names another than who signed it is refused', async () => {
    const evil = await make({ name: [{ O: 'Evil' }], by: good.root, keys: keys.issuer, isAuthority: true });
    const leaf = await make({ name: LEAF, by: evil, claims: good.issuer, keys: keys.leaf });
    assert.equal(read(leaf).issuerOrganisation, 'Microsoft Corporation');
    assert.equal(await way(leaf, [evil]), 'refused');
  });

  it('goes over authorities only', async () => {
    const under = await make({ name: LEAF, by: good.leaf, keys: keys.root });
    assert.equal(await way(under, [good.leaf, good.issuer]), 'refused');
    await assertRefused({ issuer: { isAuthority: false } });
    await assertRefused({ issuer: { isAuthority: false, usages: x509.KeyUsageFlags.keyCertSign } });
    await assertRefused({ issuer: { usages: x509.KeyUsageFlags.digitalSignature } });
    await assertRefused({ root: { isAuthority: false } });
  });

  it('goes over nobody before or after their time', async () => {
    for (const times of [
      { from: -10, to: -1 },
      { from: 1, to: 10 },
    ]) {
      await assertRefused({ issuer: times });
      await assertRefused({ root: times });
    }
  });

  it('goes over strong keys and signatures only', async () => {
    const weak = await makeKeys(1024);
    await assertRefused({ issuer: { keys: weak } });
    await assertRefused({ root: { keys: weak } });
    await assertRefused({ leaf: { hash: 'SHA-1' } });
    await assertRefused({ issuer: { hash: 'SHA-1' } });
    const { root, issuer, leaf } = await makeChain({ root: { hash: 'SHA-1' } }, keys);
    assert.equal(typeof (await way(leaf, [issuer], [root])), 'object', 'a root is trusted for being there');
  });

  it('goes over nobody who is for something else, or insists on something', async () => {
    await assertRefused({ issuer: { purposes: [x509.ExtendedKeyUsage.codeSigning] } });
    await assertRefused({ issuer: { more: [new x509.Extension('2.5.29.30', true, Buffer.from('3000', 'hex'))] } });
  });

  it('is not longer than its authorities allow, nor than five', async () => {
    await assertRefused({ root: { pathLength: 0 } });
    const { root, issuer, leaf } = await makeChain({ root: { pathLength: 1 }, issuer: { pathLength: 0 } }, keys);
    assert.equal(typeof (await way(leaf, [issuer], [root])), 'object');

    const between: Made[] = [];
    let last = good.root;
    for (let n = 0; n < 4; n++) {
      const made = await make({ name: [...MICROSOFT, { CN: `between ${n}` }], by: last, isAuthority: true });
      between.push(made);
      last = made;
    }
    const end = (by: Made): Promise<Made> => make({ name: LEAF, by, keys: keys.leaf });
    assert.equal(typeof (await way(await end(between[2] as Made), between)), 'object');
    assert.equal(await way(await end(between[3] as Made), between), 'refused');
  });

  it('is found beside a dead end, and a circle ends', async () => {
    const other = await make({ name: [{ CN: 'another root' }], isAuthority: true });
    const twin = await make({ name: ISSUER, by: other, keys: keys.issuer, isAuthority: true });
    assert.equal(typeof (await way(good.leaf, [twin, good.issuer])), 'object');
    const round = await make({ name: ROOT, by: good.issuer, keys: keys.root, isAuthority: true });
    assert.equal(await way(good.leaf, [good.issuer, round], []), 'refused');
  });

  it('may go over one that has to be fetched, where that is allowed', async () => {
    const issuerUrl = 'http://issuers.example/issuer.crt';
    const leaf = await make({ name: LEAF, by: good.issuer, keys: keys.leaf, issuerUrl });
    const asked: string[] = [];
    const fetched = (answer: () => Promise<readonly Certificate[] | null>) => (url: string) => {
      asked.push(url);
      return answer();
    };
    assert.equal(
      typeof (await way(
        leaf,
        [],
        undefined,
        fetched(async () => [read(good.issuer)]),
      )),
      'object',
    );
    assert.deepEqual(asked, [issuerUrl]);
    assert.equal(
      await way(
        leaf,
        [],
        undefined,
        fetched(async () => null),
      ),
      'refused',
    );
    assert.equal(
      await way(
        leaf,
        [],
        undefined,
        fetched(async () => []),
      ),
      'refused',
    );
    assert.equal(
      await way(
        leaf,
        [],
        undefined,
        fetched(async () => [read(leaf)]),
      ),
      'refused',
    );
    assert.equal(
      await way(
        leaf,
        [],
        undefined,
        fetched(() => Promise.reject(new Error('down'))),
      ),
      'unavailable',
    );
    asked.length = 0;
    assert.equal(
      typeof (await way(
        leaf,
        [good.issuer],
        undefined,
        fetched(async () => null),
      )),
      'object',
    );
    assert.deepEqual(asked, [], 'nothing is fetched that came with it');
  });
});
