/**
 * The certificates with which Partner Center signs its events, and every way to get such a signature wrong. A chain of
 * three, made when it is first needed, because RSA keys take a while. Must not know registrations or referrals.
 */
import { createSign, KeyObject, webcrypto } from 'node:crypto';

/**
 * The ready-made wrong signatures; each differs from a good one in just the named thing. `plainHttpHost` and `foreignHost`
 * name addresses that must never be fetched; `wrongKey` shows the right certificate with a signature of another key.
 */
export const referralForgeries = [
  'selfSigned',
  'foreignRoot',
  'foreignOrganisation',
  'expiredLeaf',
  'foreignHost',
  'plainHttpHost',
  'wrongKey',
  'noSignature',
  'otherAlgorithm',
] as const;
/** Name of a ready-made wrong signature. */
export type ReferralForgery = (typeof referralForgeries)[number];

/** How an event is signed; everything left out is as the service does it. */
export interface EventSignOptions {
  /** Name in the header, `rsa-` and a hash. */
  algorithm?: string;
  certificateUrl?: string;
  /** Puts the signature into `x-ms-signature` instead of `Authorization`, as a registration may ask for. */
  ownHeader?: boolean;
}

/** The chain and what can be made with it. */
export interface Certificates {
  /** A file below `/certificates/`, PEM; undefined when there is none of that name. */
  file(name: string): Promise<string | undefined>;
  sign(body: string, options?: EventSignOptions): Promise<Record<string, string>>;
  forge(kind: ReferralForgery, body: string): Promise<Record<string, string>>;
}

interface Issued {
  /** The certificate and those that lead to the root, without it. */
  pem: string;
  rootPem: string;
  key: KeyObject;
}

/** The kind of key that signs events. */
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};
/** The kind of key that signs certificates: made a hundred times as fast, and Microsoft has such roots as well. */
const elliptic = { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' };
const dayMs = 24 * 60 * 60_000;
const host = 'webhooks.partnercenter.sandbox';

/** The files that show a chain, by the forgery they belong to. */
const files: Record<string, 'good' | ReferralForgery> = {
  'webhook.cer': 'good',
  'self-signed.cer': 'selfSigned',
  'foreign-root.cer': 'foreignRoot',
  'foreign-organisation.cer': 'foreignOrganisation',
  'expired.cer': 'expiredLeaf',
};
const fileOf = (kind: string) => Object.keys(files).find((name) => files[name] === kind) ?? 'webhook.cer';

/** The issuing half of a sandbox; loads the library for it when it is first asked. */
async function openOffice() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const { subtle } = webcrypto;
  x509.cryptoProvider.set(webcrypto as never);
  const makeKeys = (kind: typeof rsa | typeof elliptic) => subtle.generateKey(kind, true, ['sign', 'verify']);
  type Keys = Awaited<ReturnType<typeof makeKeys>>;
  interface Authority {
    certificate: InstanceType<typeof x509.X509Certificate>;
    keys: Keys;
  }
  const serial = () => Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex');
  const caUsage = () => [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
  const issue = async (
    subject: string,
    issuer: Authority | null,
    kind: typeof rsa | typeof elliptic,
    extensions: () => unknown[],
    until = Date.now() + 365 * dayMs,
  ) => {
    const keys = await makeKeys(kind);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: `01${serial()}`,
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      notBefore: new Date(Math.min(Date.now(), until) - 30 * dayMs),
      notAfter: new Date(until),
      signingAlgorithm: issuer ? elliptic : kind,
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      extensions: extensions() as never,
    });
    return { certificate, keys };
  };
  const root = (name: string) => issue(`CN=${name}, O=Microsoft Corporation, C=US`, null, elliptic, caUsage);
  const intermediate = (from: Authority, organisation: string) =>
    issue(`CN=${organisation} Issuing CA 01, O=${organisation}, C=US`, from, elliptic, caUsage);
  const leafUsage = () => [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
  ];
  const leaf = async (
    from: Authority | null,
    organisation: string,
    top: Authority | null,
    until?: number,
  ): Promise<Issued> => {
    const made = await issue(`CN=${host}, O=${organisation}, C=US`, from, rsa, leafUsage, until);
    const chain = from && from !== top ? [made, from] : [made];
    return {
      pem: `${chain.map((one) => one.certificate.toString('pem')).join('\n')}\n`,
      rootPem: `${(top ?? made).certificate.toString('pem')}\n`,
      key: KeyObject.from(made.keys.privateKey as never),
    };
  };
  return { root, intermediate, leaf };
}

/** Makes the certificates of one sandbox. `address` is asked for at signing time. */
export function createCertificates(address: () => string): Certificates {
  const made = new Map<string, Promise<unknown>>();
  /** Makes something once, when it is first asked for. */
  const once = <T>(name: string, make: () => Promise<T>): Promise<T> => {
    const known = made.get(name) ?? make();
    made.set(name, known);
    return known as Promise<T>;
  };
  const microsoftName = 'Microsoft Corporation';
  const office = () => once('office', openOffice);
  const root = () => once('root', async () => (await office()).root('Sandbox Root CA'));
  const intermediate = () =>
    once('intermediate', async () => (await office()).intermediate(await root(), microsoftName));

  const issued = (kind: 'good' | ReferralForgery): Promise<Issued> =>
    once(`leaf ${kind}`, async () => {
      const { leaf, intermediate: another, root: otherRoot } = await office();
      switch (kind) {
        case 'selfSigned':
          return leaf(null, microsoftName, null);
        case 'foreignRoot': {
          const foreign = await otherRoot('Sandbox Root CA');
          return leaf(await another(foreign, microsoftName), microsoftName, foreign);
        }
        case 'foreignOrganisation':
          return leaf(await another(await root(), 'Attacker Ltd'), 'Attacker Ltd', await root());
        case 'expiredLeaf':
          return leaf(await intermediate(), microsoftName, await root(), Date.now() - dayMs);
        default:
          return leaf(await intermediate(), microsoftName, await root());
      }
    });

  const urlOf = (name: string) => `${address()}/certificates/${name}`;
  function signed(body: string, key: KeyObject, options: EventSignOptions): Record<string, string> {
    const algorithm = options.algorithm ?? 'rsa-sha256';
    const signature = createSign(algorithm.replace(/^rsa-/i, 'RSA-').toUpperCase())
      .update(body, 'utf8')
      .sign(key, 'base64');
    return {
      ...(options.ownHeader ? { 'x-ms-signature': signature } : { authorization: `Signature ${signature}` }),
      'x-ms-certificate-url': options.certificateUrl ?? urlOf('webhook.cer'),
      'x-ms-signature-algorithm': algorithm,
      'content-type': 'application/json',
    };
  }

  const sign = async (body: string, options: EventSignOptions = {}) =>
    signed(body, (await issued('good')).key, options);
  return {
    sign,
    file: async (name) => {
      if (name === 'root.pem') return (await issued('good')).rootPem;
      const kind = files[name];
      return kind && (await issued(kind)).pem;
    },
    forge: async (kind, body) => {
      switch (kind) {
        case 'foreignHost':
          return sign(body, { certificateUrl: 'https://certificates.attacker.example/cert/webhook.cer' });
        case 'plainHttpHost':
          return sign(body, {
            certificateUrl:
              'http://3psostorageacct.blob.core.windows.net/cert/pcnotifications-dispatch.microsoft.com.cer',
          });
        case 'wrongKey':
          return signed(body, (await issued('wrongKey')).key, {});
        case 'noSignature': {
          const { authorization: _authorization, ...rest } = await sign(body);
          return rest;
        }
        case 'otherAlgorithm':
          return sign(body, { algorithm: 'rsa-sha1' });
        default:
          return signed(body, (await issued(kind)).key, { certificateUrl: urlOf(fileOf(kind)) });
      }
    },
  };
}
