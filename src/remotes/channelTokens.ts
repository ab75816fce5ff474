/**
 * Checks the bearer token that the Bot Framework channel puts on its activities: signature, algorithm, issuer, audience,
 * times, serviceUrl and the key's endorsement. Done with jose instead of the SDK because the SDK answers a forged
 * signature with a 500, prints the public key, and looks for a new key once an hour at most.
 * Source: Bot Framework docs, "Authentication: connector to bot". Must not know activities beyond what it is told.
 */
import type { createRemoteJWKSet } from 'jose';
import { later } from './later.ts';

export interface ChannelTokenSettings {
  readonly metadataUrl: string;
  readonly issuer: string;
  /** The bot's app id. */
  readonly audience: string;
  readonly timeoutMs: number;
}

/** `unavailable`: the keys cannot be read just now, so nothing can be said about the token. */
export type Verdict = 'good' | 'refused' | 'unavailable';

export interface Bearer {
  /** The whole Authorization header. */
  readonly header: string;
  readonly serviceUrl: string;
  readonly channelId: string;
}

export type VerifyChannelToken = (bearer: Bearer) => Promise<Verdict>;

/** Clocks may differ by this much (Bot Framework docs). */
const SKEW_SECONDS = 300;
/** Teams sends the same token for many activities: a verified one is remembered (1 µs instead of 100-200). */
const REMEMBERED = 1000;

/** Loads what checking needs, before the first token waits for it. */
export const warmTokens = later(() => import('jose'));

type Keys = ReturnType<typeof createRemoteJWKSet>;

interface Known {
  /** Epoch seconds. */
  readonly expires: number;
  readonly serviceUrl: string;
  readonly endorsements: readonly string[];
}

export function openChannelTokens(settings: ChannelTokenSettings): VerifyChannelToken {
  let keys: Promise<Keys> | undefined;
  const known = new Map<string, Known>();

  const keySet = (): Promise<Keys> => {
    keys ??= findKeys(settings).catch((cause) => {
      keys = undefined;
      throw cause;
    });
    return keys;
  };

  async function verify(token: string): Promise<Known> {
    const [keys, { jwtVerify }] = await Promise.all([keySet(), warmTokens()]);
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      issuer: settings.issuer,
      audience: settings.audience,
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ['exp', 'serviceurl'],
    });
    const key = keys.jwks()?.keys.find((one) => one.kid === protectedHeader.kid);
    const { endorsements } = (key ?? {}) as { endorsements?: unknown };
    return {
      expires: payload.exp ?? 0,
      serviceUrl: String(payload['serviceurl']),
      endorsements: Array.isArray(endorsements) ? endorsements.map(String) : [],
    };
  }

  return async ({ header, serviceUrl, channelId }) => {
    const [scheme, token, ...rest] = header.split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0) return 'refused';
    let facts = known.get(token);
    if (!facts) {
      try {
        facts = await verify(token);
      } catch (cause) {
        return isOurTrouble(cause, await warmTokens()) ? 'unavailable' : 'refused';
      }
      if (known.size >= REMEMBERED) known.delete(known.keys().next().value ?? '');
      known.set(token, facts);
    }
    if (facts.expires + SKEW_SECONDS < Date.now() / 1000) {
      known.delete(token);
      return 'refused';
    }
    if (facts.serviceUrl !== serviceUrl) return 'refused';
    return facts.endorsements.includes(channelId) ? 'good' : 'refused';
  };
}

async function findKeys({ metadataUrl, timeoutMs }: ChannelTokenSettings): Promise<Keys> {
  const answer = await fetch(metadataUrl, { signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) throw new TypeError(`OpenID metadata answered ${answer.status}`);
  const { jwks_uri: address } = (await answer.json()) as { jwks_uri?: unknown };
  if (typeof address !== 'string') throw new TypeError('OpenID metadata names no keys');
  if (metadataUrl.startsWith('https:') && !address.startsWith('https:'))
    throw new TypeError('OpenID metadata names keys over http');
  const { createRemoteJWKSet } = await warmTokens();
  // Keys are read again every day, and for an unknown key at most twice a minute.
  return createRemoteJWKSet(new URL(address), {
    timeoutDuration: timeoutMs,
    cacheMaxAge: 24 * 3600_000,
    cooldownDuration: 30_000,
  });
}

/** What jose calls its own error is the token's fault, except when the keys could not be fetched or are none. */
function isOurTrouble(cause: unknown, { errors }: typeof import('jose')): boolean {
  if (cause instanceof errors.JWKSTimeout || cause instanceof errors.JWKSInvalid) return true;
  return !(cause instanceof errors.JOSEError) || cause.code === 'ERR_JOSE_GENERIC';
}
