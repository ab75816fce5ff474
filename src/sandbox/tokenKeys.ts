/**
 * A signing key of the stand-in for Microsoft: tokens with any claims, and the ways to get one wrong that every token
 * shares. Must not know which service signs, or what its claims mean.
 */
import {
  createHmac,
  createPrivateKey,
  createSign,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import { promisify } from 'node:util';

/** Issuer of the tokens the Bot Framework sends to a bot; the calling service signs under the same name. */
export const botFrameworkIssuer = 'https://api.botframework.com';

/** How a token is signed; everything left out is as the real service does it. */
export interface SignOptions {
  alg?: 'RS256' | 'RS384' | 'RS512' | 'HS256' | 'none';
  kid?: string | null;
  /** Private key, its PEM, or the secret for HS256 (which defaults to the public key's PEM: the known attack). */
  key?: KeyObject | string;
}

/** The wrong tokens of every service; each differs from a good one in just the named thing. */
export const commonForgeries = [
  'wrongAudience',
  'wrongIssuer',
  'expired',
  'notYetValid',
  'unknownKid',
  'otherKey',
  'algNone',
  'hs256PublicKey',
] as const;
/** Name of a wrong token that every service shares. */
export type CommonForgery = (typeof commonForgeries)[number];

/** Signs claims over the good ones; a claim set to undefined is left out. Times are in seconds of the epoch. */
export type Sign = (claims?: Record<string, unknown>, options?: SignOptions) => Promise<string>;

/** A signing key and what can be made with it. */
export interface TokenKeys {
  kid: string;
  publicJwk: JsonWebKey & { kid: string };
  publicPem: string;
  sign: Sign;
  forge(kind: CommonForgery): Promise<string>;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const makePair = () => promisify(generateKeyPair)('rsa', { modulusLength: 2048 });

/** Makes a key pair for one service of one sandbox. `goodClaims` is asked at signing time. */
export async function createTokenKeys(goodClaims: () => Record<string, unknown>): Promise<TokenKeys> {
  const [pair, stranger] = await Promise.all([makePair(), makePair()]);
  const kid = `sandbox-${randomUUID()}`;
  const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const publicJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid };

  const sign: Sign = async (claims = {}, options = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const alg = options.alg ?? 'RS256';
    const header: Record<string, unknown> = { alg, typ: 'JWT' };
    if (options.kid !== null) header['kid'] = options.kid ?? kid;
    const payload = { ...goodClaims(), nbf: now - 5, iat: now - 5, exp: now + 3600, ...claims };
    const signed = `${encode(header)}.${encode(payload)}`;
    if (alg === 'none') return `${signed}.`;
    if (alg === 'HS256') {
      const secret = options.key ?? publicPem;
      return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    }
    const key = typeof options.key === 'string' ? createPrivateKey(options.key) : (options.key ?? pair.privateKey);
    return `${signed}.${createSign(`RSA-SHA${alg.slice(2)}`)
      .update(signed)
      .sign(key)
      .toString('base64url')}`;
  };

  async function forge(kind: CommonForgery): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    switch (kind) {
      case 'wrongAudience':
        return sign({ aud: randomUUID() });
      case 'wrongIssuer':
        return sign({ iss: 'https://sts.windows.net/somebody-else/' });
      case 'expired':
        return sign({ nbf: now - 7200, iat: now - 7200, exp: now - 3600 });
      case 'notYetValid':
        return sign({ nbf: now + 3600, exp: now + 7200 });
      case 'unknownKid':
        return sign({}, { kid: 'never-published' });
      case 'otherKey':
        return sign({}, { key: stranger.privateKey });
      case 'algNone':
        return sign({}, { alg: 'none' });
      case 'hs256PublicKey':
        return sign({}, { alg: 'HS256' });
    }
  }

  return { kid, publicJwk, publicPem, sign, forge };
}

/** The metadata document of a login host that serves its keys at `keysUrl`. */
export function openIdMetadata(keysUrl: string): Record<string, unknown> {
  return {
    issuer: botFrameworkIssuer,
    authorization_endpoint: 'https://invalid.botframework.com',
    jwks_uri: keysUrl,
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
  };
}
