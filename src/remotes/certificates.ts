/**
 * What a certificate says, beyond what Node tells of it: how it was signed, whose issuer it names, what it may be used
 * for. Read from its bytes, since Node's text of a name can be read in two ways. Must not know whom anybody trusts.
 * Source: RFC 5280.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Element, hex, within } from './der.ts';

export interface Certificate {
  readonly x509: X509Certificate;
  readonly key: KeyObject;
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  /** The issuer's organisation, when it names one, and plainly. */
  readonly issuerOrganisation: string | null;
  /** Signed with SHA-256 or better. */
  readonly isWellSigned: boolean;
  /** RSA from 2048 bits, or a curve of the usual ones. */
  readonly isKeyStrong: boolean;
  readonly maySign: boolean;
  readonly mayServe: boolean;
  /** It calls itself an authority, whether or not it may act as one (that is `x509.ca`). */
  readonly isAuthority: boolean;
  /** How many authorities may be below it; null: any number. */
  readonly pathLength: number | null;
  /** It insists on something that is not understood here, so that it may not be used (RFC 5280 §4.2). */
  readonly insists: boolean;
  /** Where it says its issuer's certificate is. */
  readonly issuerUrls: readonly string[];
}

/** A file of Partner Center holds one; a chain is no longer than five. */
const MOST_IN_FILE = 10;

/** RSA and ECDSA with SHA-256, SHA-384 or SHA-512. */
const WELL_SIGNED = new Set([
  '2a864886f70d01010b',
  '2a864886f70d01010c',
  '2a864886f70d01010d',
  '2a8648ce3d040302',
  '2a8648ce3d040303',
  '2a8648ce3d040304',
]);
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const ORGANISATION = '55040a';
const KEY_USAGE = '551d0f';
const BASIC_CONSTRAINTS = '551d13';
/** What may be critical: key usage, names of the subject, basic constraints, policies, extended key usage. */
const UNDERSTOOD = new Set([KEY_USAGE, '551d11', BASIC_CONSTRAINTS, '551d20', '551d25']);
/** For TLS, as server or client, or for anything: the roots of Node are trusted for TLS alone. */
const SERVES = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

/** The certificates in a file, PEM (several) or DER (one), in their order; throws when there are none. */
export function readCertificates(file: Buffer, most = MOST_IN_FILE): readonly Certificate[] {
  const blocks = file.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  const files = blocks ?? [file];
  if (files.length > most) throw new TypeError(`more than ${most} certificates`);
  return files.map((one) => certificateOf(new X509Certificate(one)));
}

export function certificateOf(x509: X509Certificate): Certificate {
  const [toBeSigned, algorithm] = within(within({ tag: 0x30, content: x509.raw })[0]);
  // The version is left out of the oldest kind.
  const parts = within(toBeSigned).filter(({ tag }) => tag !== 0xa0);
  const extensions = within(within(parts.find(({ tag }) => tag === 0xa3))[0]).map(readExtension);
  const extension = (wanted: string): Element | undefined =>
    within(extensions.find(({ id }) => id === wanted)?.value)[0];
  const usage = extension(KEY_USAGE);
  const constraints = within(extension(BASIC_CONSTRAINTS));
  const length = constraints.find(({ tag }) => tag === 0x02);
  const purposes = x509.keyUsage as readonly string[] | undefined;
  const key = x509.publicKey;
  return {
    x509,
    key,
    from: Date.parse(x509.validFrom),
    to: Date.parse(x509.validTo),
    issuerOrganisation: organisationIn(parts[2]),
    isWellSigned: WELL_SIGNED.has(hex(within(algorithm)[0])),
    isKeyStrong: isStrong(key),
    // The first bit of the string, which begins with a count of unused ones.
    maySign: usage === undefined || ((usage.content[1] ?? 0) & 0x80) !== 0,
    mayServe: purposes === undefined || purposes.some((one) => SERVES.includes(one)),
    isAuthority: constraints.some(({ tag, content }) => tag === 0x01 && content[0] !== 0),
    pathLength: length ? length.content.readUIntBE(0, Math.min(length.content.length, 6)) : null,
    insists: extensions.some(({ id, isCritical }) => isCritical && !UNDERSTOOD.has(id)),
    issuerUrls: [...(x509.infoAccess ?? '').matchAll(/^CA Issuers - URI:(https?:\/\/[^\s"]+)$/gm)].map(
      ([, url = '']) => url,
    ),
  };
}

function readExtension(element: Element): { id: string; isCritical: boolean; value: Element | undefined } {
  const [id, ...rest] = within(element);
  return { id: hex(id), isCritical: rest.length > 1 && rest[0]?.content[0] !== 0, value: rest.at(-1) };
}

/** A name is a sequence of sets; one with two things in a set, or two organisations, is not plain. */
function organisationIn(name: Element | undefined): string | null {
  const sets = within(name).map(within);
  if (sets.some((set) => set.length !== 1)) return null;
  const [one, ...others] = sets.map(([pair]) => within(pair)).filter(([id]) => hex(id) === ORGANISATION);
  const value = one?.[1];
  // UTF8String or PrintableString; the other kinds of text are out of use.
  return others.length === 0 && (value?.tag === 0x0c || value?.tag === 0x13) ? value.content.toString('utf8') : null;
}

function isStrong(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  return key.asymmetricKeyType === 'rsa'
    ? modulusLength >= 2048
    : key.asymmetricKeyType === 'ec' && CURVES.has(namedCurve);
}
