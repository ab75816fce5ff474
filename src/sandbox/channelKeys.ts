/**
 * The keys with which the channel signs its calls to the bot, and every way to get such a token wrong. Stands in for
 * login.botframework.com (Bot Framework docs, connector authentication). Must not know conversations or routes.
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

/** Issuer of the tokens the channel sends to a bot. */
export const channelIssuer = 'https://api.botframework.com';

/** How a token is signed; everything left out is as the real channel does it. */
export interface SignOptions {
  alg?: 'RS256' | 'RS384' | 'RS512' | 'HS256' | 'none';
  kid?: string | null;
  /** Private key, its PEM, or the secret for HS256 (which defaults to the public key's PEM: the known attack). */
  key?: KeyObject | string;
}

/** The ready-made wrong tokens; each differs from a good one in just the named thing. */
export const forgeries = [
  'wrongAudience',
  'wrongIssuer',
  'expired',
  'notYetValid',
  'unknownKid',
  'otherKey',
  'wrongServiceUrl',
  'noServiceUrl',
  'algNone',
  'hs256PublicKey',
] as const;
/** Name of a ready-made wrong token. */
export type Forgery = (typeof forgeries)[number];

/** The channel's signing key and what can be made with it. */
export interface ChannelKeys {
  kid: string;
  publicJwk: JsonWebKey & { kid: string };
  publicPem: string;
  /** The JWKS document that the login host serves. */
  jwks(): { keys: unknown[] };
  sign(claims?: Record<string, unknown>, options?: SignOptions): Promise<string>;
  forge(kind: Forgery): Promise<string>;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const makePair = () => promisify(generateKeyPair)('rsa', { modulusLength: 2048 });

/** Makes a key pair for one sandbox. `audience` is the bot's app id; `serviceUrl` is asked for at signing time. */
export async function createChannelKeys(audience: string, serviceUrl: () => string): Promise<ChannelKeys> {
  const [pair, stranger] = await Promise.all([makePair(), makePair()]);
  const kid = `sandbox-${randomUUID()}`;
  const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const publicJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid };

  /** Signs claims over the good ones; a claim set to undefined is left out. Times are in seconds of the epoch. */
  async function sign(claims: Record<string, unknown> = {}, options: SignOptions = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const alg = options.alg ?? 'RS256';
    const header: Record<string, unknown> = { alg, typ: 'JWT' };
    if (options.kid !== null) header['kid'] = options.kid ?? kid;
    const payload = {
      iss: channelIssuer,
      aud: audience,
      serviceurl: serviceUrl(),
      nbf: now - 5,
      iat: now - 5,
      exp: now + 3600,
      ...claims,
    };
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
  }

  async function forge(kind: Forgery): Promise<string> {
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
      case 'wrongServiceUrl':
        return sign({ serviceurl: 'https://smba.trafficmanager.net/elsewhere/' });
      case 'noServiceUrl':
        return sign({ serviceurl: undefined });
      case 'algNone':
        return sign({}, { alg: 'none' });
      case 'hs256PublicKey':
        return sign({}, { alg: 'HS256' });
    }
  }

  return {
    kid,
    publicJwk,
    publicPem,
    jwks: () => ({ keys: [{ ...publicJwk, use: 'sig', x5t: kid, endorsements: ['msteams'] }] }),
    sign,
    forge,
  };
}
