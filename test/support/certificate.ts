/**
 * A self-signed certificate for `localhost`, made afresh for a test: Node can read certificates but not make them, so
 * its few fields are written in DER here (X.509, RFC 5280). For tests only.
 */
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';

export interface Certificate {
  /** The certificate alone, PEM. */
  readonly certificate: string;
  /** Its private key, PEM (PKCS 8). */
  readonly key: string;
  /** SHA-256 of its DER, base64url: how Entra recognises it. */
  readonly thumbprint: string;
}

/** One DER element: tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const size = body.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...content: Buffer[]): Buffer => der(0x30, ...content);
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const SHA256_WITH_RSA = sequence(objectId('2a864886f70d01010b'), der(0x05));
const COMMON_NAME = objectId('550403');
const ALTERNATIVE_NAMES = objectId('551d11');
const BASIC_CONSTRAINTS = objectId('551d13');

function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

export function selfSigned(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('localhost')))));
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = sequence(
    sequence(BASIC_CONSTRAINTS, der(0x01, Buffer.from([0xff])), der(0x04, sequence(der(0x01, Buffer.from([0xff]))))),
    sequence(ALTERNATIVE_NAMES, der(0x04, names)),
  );
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    SHA256_WITH_RSA,
    name,
    sequence(time(Date.now() - 3600_000), time(Date.now() + 3600_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = createSign('RSA-SHA256').update(toBeSigned).sign(privateKey);
  const whole = sequence(toBeSigned, SHA256_WITH_RSA, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n').trim();
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprint: createHash('sha256').update(whole).digest('base64url'),
  };
}
