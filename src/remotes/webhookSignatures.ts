/**
 * Checks the signature of Partner Center's webhooks. The webhook itself says where the certificate is, so the address is
 * judged before anything is fetched, and the certificate before its key is believed. The body is read last, and whoever
 * wants it gets it with a good verdict only.
 * Must not know what a webhook says.
 * Source: Partner Center docs, "partner-center-webhooks" (headers, and the sample AuthorizeSignatureAttribute, which takes
 * any address, any algorithm, and any certificate whose issuer's name contains the organisation's).
 */
import { constants, type KeyObject, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { WebhookTrust } from '../config/webhookTrust.ts';
import { type Certificate, readCertificates } from './certificates.ts';
import { findWay, isInTime } from './chains.ts';
import { fetchFile } from './fetched.ts';
import { later } from './later.ts';

export interface WebhookSettings extends WebhookTrust {
  readonly timeoutMs: number;
}

/** Why a webhook does not pass, in one word, for the log. */
export type WebhookFault =
  /** No signature, or several; not in the agreed form; signed otherwise than agreed; no address, or not one of ours. */
  | 'noSignature'
  | 'severalSignatures'
  | 'signatureForm'
  | 'algorithm'
  | 'noAddress'
  | 'address'
  /** The file is no certificate; out of its time; not for signing; weak; of others; leads to no trusted root. */
  | 'noCertificate'
  | 'time'
  | 'purpose'
  | 'weak'
  | 'organisation'
  | 'chain'
  /** The body is not what was signed. */
  | 'signature'
  /** Not to be had just now: certificate, one of its issuers, roots; or too many unknown addresses in this minute. */
  | 'certificateUnavailable'
  | 'issuerUnavailable'
  | 'rootsUnavailable'
  | 'tooManyAddresses';

interface Failed {
  readonly verdict: 'refused' | 'unavailable';
  readonly reason: WebhookFault;
}

/** `host`: of the certificate's address, if it is one. `unavailable`: nothing can be said about the signature just now. */
export type WebhookVerdict =
  | { readonly verdict: 'good'; readonly body: Buffer }
  | (Failed & { readonly host: string | null });

export type WebhookHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** Judges a webhook by its headers (each with all its values), and reads its body if they are good. */
export type VerifyWebhook = (headers: WebhookHeaders, body: () => Promise<Buffer>) => Promise<WebhookVerdict>;

const ORGANISATION = 'Microsoft Corporation';
/** PKCS#1 v1.5, as in the sample; it would take SHA-1 and MD5 as well. */
const ALGORITHMS = new Map([
  ['rsa-sha256', 'sha256'],
  ['rsa-sha384', 'sha384'],
  ['rsa-sha512', 'sha512'],
]);
/** A certificate has 2 KB. */
const MOST_FILE_BYTES = 64 * 1024;
/** A certificate is fetched again after this time, so that one that its owner has withdrawn is not believed much longer. */
const FRESH_MS = 3600_000;
/**
 * A signature that does not fit may be one of a new certificate at the old address: renewed without notice (the docs). So
 * one that has been known for this long is looked at again first.
 */
const DOUBTED_MS = 60_000;
/** What was refused stays so, and what was out of reach is left alone, for this long. */
const REFUSED_MS = 60_000;
const UNAVAILABLE_MS = 10_000;
/** Partner Center has one address or two; a flood of others must not make us fetch without end. */
const MOST_ADDRESSES_A_MINUTE = 20;
const REMEMBERED = 100;

interface Signer {
  readonly key: KeyObject;
  readonly seenAt: number;
  readonly freshUntil: number;
  /** Its chain ends here, come what may. */
  readonly until: number;
}

export function openWebhookSignatures(settings: WebhookSettings): VerifyWebhook {
  const { certificateOrigins, issuerOrigins, timeoutMs } = settings;
  const limits = { timeoutMs, mostBytes: MOST_FILE_BYTES };
  // A sandbox that was started anew has a new root.
  const roots = 'url' in settings.roots ? () => readRoots(settings) : later(() => readRoots(settings));
  /** Only what passed gets in here, so that no flood drives it out. */
  const signers = new Map<string, Signer>();
  const failures = new Map<string, Failed & { readonly until: number }>();
  const underWay = new Map<string, Promise<Signer | Failed>>();
  let minute = 0;
  let inMinute = 0;

  function mayFetch(now: number): boolean {
    const current = Math.floor(now / 60_000);
    if (current !== minute) [minute, inMinute] = [current, 0];
    return inMinute++ < MOST_ADDRESSES_A_MINUTE;
  }

  async function signerAt(url: string, isDoubted = false): Promise<Signer | Failed> {
    const now = Date.now();
    const known = signers.get(url);
    if (known && now < known.freshUntil && !(isDoubted && now >= known.seenAt + DOUBTED_MS)) return known;
    const failed = failures.get(url);
    if (failed && now < failed.until) return failed;
    let look = underWay.get(url);
    if (!look) {
      look = mayFetch(now) ? examine(url) : Promise.resolve(unavailable('tooManyAddresses'));
      look = look.then((seen) => remember(url, seen, Date.now())).finally(() => underWay.delete(url));
      underWay.set(url, look);
    }
    return look;
  }

  function remember(url: string, seen: Signer | Failed, now: number): Signer | Failed {
    const known = signers.get(url);
    if ('key' in seen) return keep(signers, url, seen);
    // While nothing can be said, what was seen before holds until the chain's own end.
    if (seen.verdict === 'unavailable' && known && now < known.until)
      return keep(signers, url, { ...known, seenAt: now, freshUntil: Math.min(known.until, now + UNAVAILABLE_MS) });
    signers.delete(url);
    if (seen.reason === 'tooManyAddresses') return seen;
    return keep(failures, url, { ...seen, until: now + (seen.verdict === 'refused' ? REFUSED_MS : UNAVAILABLE_MS) });
  }

  async function examine(url: string): Promise<Signer | Failed> {
    const file = await fetchFile(url, limits).catch(() => null);
    if (!file) return unavailable('certificateUnavailable');
    const [leaf, ...others] = certificatesIn(file);
    if (!leaf) return refused('noCertificate');
    const now = Date.now();
    const fault = faultOf(leaf, now);
    if (fault) return refused(fault);
    const trusted = await roots().catch(() => null);
    if (!trusted) return unavailable('rootsUnavailable');
    const way = await findWay(leaf, {
      roots: trusted,
      others,
      now,
      fetchIssuers: async (at) =>
        issuerOrigins.includes(new URL(at).origin) ? certificatesIn(await fetchFile(at, limits)) : null,
    });
    if (way === 'unavailable') return unavailable('issuerUnavailable');
    if (way === 'refused') return refused('chain');
    return { key: leaf.key, seenAt: now, freshUntil: Math.min(way.until, now + FRESH_MS), until: way.until };
  }

  return async (headers, body) => {
    const said = readHeaders(headers);
    if ('reason' in said) return { ...said, host: null };
    const { url, signature, hash } = said;
    const { host } = url;
    if (!certificateOrigins.includes(url.origin) || url.username + url.password + url.hash !== '')
      return { ...refused('address'), host };
    const isBy = ({ key }: Signer, bytes: Buffer): boolean =>
      verify(hash, bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    const first = await signerAt(url.href);
    if (!('key' in first)) return { verdict: first.verdict, reason: first.reason, host };
    const bytes = await body();
    if (isBy(first, bytes)) return { verdict: 'good', body: bytes };
    const again = await signerAt(url.href, true);
    if (!('key' in again)) return { verdict: again.verdict, reason: again.reason, host };
    return isBy(again, bytes) ? { verdict: 'good', body: bytes } : { ...refused('signature'), host };
  };
}

const refused = (reason: WebhookFault): Failed => ({ verdict: 'refused', reason });
const unavailable = (reason: WebhookFault): Failed => ({ verdict: 'unavailable', reason });

/** Keeps the newest. */
function keep<V>(map: Map<string, V>, key: string, value: V): V {
  map.delete(key);
  if (map.size >= REMEMBERED) map.delete(map.keys().next().value ?? '');
  map.set(key, value);
  return value;
}

interface Said {
  readonly signature: Buffer;
  readonly hash: string;
  readonly url: URL;
}

/**
 * Where the signature is depends on how the webhook was registered (signatureTokenToMsSignatureHeader); in both places it
 * has its scheme before it. Which of two another reader on the way has judged is anybody's guess.
 */
function readHeaders(headers: WebhookHeaders): Said | Failed {
  const [token, ...others] = [...(headers['authorization'] ?? []), ...(headers['x-ms-signature'] ?? [])];
  if (token === undefined || token === '') return refused('noSignature');
  if (others.length > 0) return refused('severalSignatures');
  const [, text = ''] = /^signature ([A-Za-z\d+/]{300,1400}={0,2})$/i.exec(token) ?? [];
  if (text === '' || text.length % 4 !== 0) return refused('signatureForm');
  const [algorithm, ...algorithms] = headers['x-ms-signature-algorithm'] ?? [];
  const hash = ALGORITHMS.get(algorithm?.toLowerCase() ?? '');
  if (!hash || algorithms.length > 0) return refused('algorithm');
  const [address, ...addresses] = headers['x-ms-certificate-url'] ?? [];
  if (!address) return refused('noAddress');
  if (addresses.length > 0 || !/^[!-~]{1,1000}$/.test(address) || !URL.canParse(address)) return refused('address');
  return { signature: Buffer.from(text, 'base64'), hash, url: new URL(address) };
}

/** What is wrong with a certificate that has signed, apart from who stands behind it. */
function faultOf(leaf: Certificate, now: number): WebhookFault | null {
  if (!isInTime(leaf, now)) return 'time';
  if (leaf.isAuthority || !leaf.maySign || !leaf.mayServe || leaf.insists) return 'purpose';
  if (!leaf.isKeyStrong || leaf.key.asymmetricKeyType !== 'rsa') return 'weak';
  return leaf.issuerOrganisation === ORGANISATION ? null : 'organisation';
}

function certificatesIn(file: Buffer): readonly Certificate[] {
  try {
    return readCertificates(file);
  } catch {
    return [];
  }
}

/** Every one of them has to be readable: a file with half its roots would be looked for elsewhere. */
async function readRoots({ roots, timeoutMs }: WebhookSettings): Promise<readonly Certificate[]> {
  if ('url' in roots) return readCertificates(await fetchFile(roots.url, { timeoutMs, mostBytes: MOST_FILE_BYTES }));
  const further = roots.path === null ? [] : readCertificates(await readFile(roots.path), 1000);
  return [...rootCertificates.flatMap((pem) => certificatesIn(Buffer.from(pem))), ...further];
}
