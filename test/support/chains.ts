/**
 * Certificate chains made afresh for a test, good and bad, and webhooks signed with them as Partner Center signs its own.
 * Must not know how anybody checks them.
 */
import 'reflect-metadata';
import { KeyObject, sign, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export { x509 };

x509.cryptoProvider.set(webcrypto as never);

/** An attribute after the other; a set of two is one part of the name with two things in it. */
export type Name = readonly Readonly<Record<string, string | readonly string[]>>[];

export interface Made {
  readonly name: Name;
  readonly keys: Keys;
  readonly certificate: x509.X509Certificate;
  readonly pem: string;
  readonly der: Buffer;
}

interface Keys {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

export interface Wanted {
  readonly name: Name;
  /** Whoever signs it; itself, if nobody. */
  readonly by?: Made | undefined;
  /** Whom it names as its issuer, by name and by key, if it lies. */
  readonly claims?: Made;
  readonly keys?: Keys;
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
  readonly usages?: number | null;
  readonly purposes?: readonly string[] | null;
  readonly hash?: 'SHA-1' | 'SHA-256' | 'SHA-384';
  /** Where it says its issuer is. */
  readonly issuerUrl?: string;
  readonly more?: readonly x509.Extension[];
}

const DAY = 24 * 3600_000;
const rsa = (hash = 'SHA-256', modulusLength = 2048) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash,
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});

type CryptoKey = webcrypto.CryptoKey;
const { subtle } = webcrypto;
export const makeKeys = (modulusLength = 2048): Promise<Keys> =>
  subtle.generateKey(rsa('SHA-256', modulusLength), true, ['sign', 'verify']) as Promise<Keys>;
export const makeCurveKeys = (): Promise<Keys> =>
  subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']) as Promise<Keys>;

/** The same key for another hash: Web Crypto binds a key to one. */
async function withHash({ privateKey }: Keys, hash: string): Promise<CryptoKey> {
  const { name } = privateKey.algorithm;
  if (name !== 'RSASSA-PKCS1-v1_5') return privateKey;
  return subtle.importKey('pkcs8', await subtle.exportKey('pkcs8', privateKey), rsa(hash), true, ['sign']);
}

const nameOf = (name: Name): x509.JsonName =>
  name.map((part) => Object.fromEntries(Object.entries(part).map(([type, value]) => [type, [value].flat()])));

export async function make(wanted: Wanted): Promise<Made> {
  const { name, by, isAuthority = false, from = -1, to = 30, hash = 'SHA-256', more = [] } = wanted;
  const { usages, purposes, pathLength, issuerUrl } = wanted;
  const keys = wanted.keys ?? (await makeKeys());
  const signer = by?.keys ?? keys;
  const ofSigner = await x509.AuthorityKeyIdentifierExtension.create((wanted.claims?.keys ?? signer).publicKey);
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(isAuthority, pathLength, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ofSigner,
    ...more,
  ];
  const uses = x509.KeyUsageFlags;
  const usage = usages === undefined ? (isAuthority ? uses.keyCertSign | uses.cRLSign : uses.digitalSignature) : usages;
  if (usage !== null) extensions.push(new x509.KeyUsagesExtension(usage, true));
  const purpose = purposes === undefined ? (isAuthority ? null : [x509.ExtendedKeyUsage.serverAuth]) : purposes;
  if (purpose !== null) extensions.push(new x509.ExtendedKeyUsageExtension([...purpose]));
  if (issuerUrl !== undefined) extensions.push(new x509.AuthorityInfoAccessExtension({ caIssuers: issuerUrl }));
  const isCurve = signer.privateKey.algorithm.name === 'ECDSA';
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameOf(name),
    issuer: nameOf((wanted.claims ?? by)?.name ?? name),
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + to * DAY),
    publicKey: keys.publicKey,
    signingKey: await withHash(signer, hash),
    signingAlgorithm: isCurve ? { name: 'ECDSA', hash } : rsa(hash),
    extensions,
  });
  return { name, keys, certificate, pem: `${certificate.toString('pem')}\n`, der: Buffer.from(certificate.rawData) };
}

export const MICROSOFT: Name = [{ C: 'US' }, { O: 'Microsoft Corporation' }];
export const ROOT: Name = [{ C: 'US' }, { O: 'Trust of Tests' }, { CN: 'Root of Tests' }];
export const ISSUER: Name = [...MICROSOFT, { CN: 'Issuing CA of Tests' }];
export const LEAF: Name = [...MICROSOFT, { CN: 'pcnotifications.tests.example' }];

export interface Chain {
  readonly root: Made;
  readonly issuer: Made;
  readonly leaf: Made;
}

/** A root, an issuer of Microsoft's name, and a certificate that signs webhooks; each with what is told. */
export async function makeChain(
  more: { readonly [K in keyof Chain]?: Partial<Wanted> } = {},
  keys?: { readonly [K in keyof Chain]: Keys },
): Promise<Chain> {
  const own = keys ?? (await makeChainKeys());
  const root = await make({ name: ROOT, keys: own.root, isAuthority: true, ...more.root });
  const issuer = await make({ name: ISSUER, by: root, keys: own.issuer, isAuthority: true, ...more.issuer });
  const leaf = await make({ name: LEAF, by: issuer, keys: own.leaf, ...more.leaf });
  return { root, issuer, leaf };
}

/** Making keys takes a tenth of a second and more: tests may share theirs. */
export async function makeChainKeys(): Promise<{ readonly [K in keyof Chain]: Keys }> {
  const [root, issuer, leaf] = await Promise.all([makeKeys(), makeKeys(), makeKeys()]);
  return { root, issuer, leaf };
}

/** The headers of a webhook with this body. */
export function signed(
  body: string | Buffer,
  { keys }: Pick<Made, 'keys'>,
  url: string,
  algorithm = 'rsa-sha256',
): Record<string, string> {
  const signature = sign(algorithm.replace('rsa-', ''), Buffer.from(body), KeyObject.from(keys.privateKey));
  return {
    authorization: `Signature ${signature.toString('base64')}`,
    'x-ms-certificate-url': url,
    'x-ms-signature-algorithm': algorithm,
  };
}

/** What Partner Center tells, as its documentation shows it. */
export const telling = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  EventName: 'referral-created',
  ResourceUri: `https://api.partnercenter.microsoft.com/engagements/v1/referrals/${REFERRAL}`,
  ResourceName: 'referral',
  AuditUri: null,
  ResourceChangeUtcDate: new Date().toISOString().replace('Z', '5487+00:00'),
  ...more,
});

export const REFERRAL = 'b2a8e9d4-0f5c-4f9e-8f6a-1c2d3e4f5a6b';
