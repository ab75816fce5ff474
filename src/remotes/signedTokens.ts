/**
 * Checks tokens that a service of Microsoft signs with published keys: finds the keys, checks signature, algorithm,
 * issuer, audience and times, and remembers what it has verified. Done with jose instead of the SDK because the SDK answers
 * a forged signature with a 500, prints the public key, and looks for a new key once an hour at most.
 * Must not know which service it is, or what else its tokens say.
 */
import type { createRemoteJWKSet, JWK, JWTPayload } from 'jose';
import { later } from './later.ts';

export interface SignedTokenSettings {
  /** The service's OpenID configuration, which names its keys. */
  readonly metadataUrl: string;
  readonly issuers: readonly string[];
  /** Any of these, when there are several. */
  readonly audience: string | readonly string[];
  /** Claims there must be, beside the expiry. */
  readonly claims: readonly string[];
  readonly timeoutMs: number;
}

/** `unavailable`: the keys cannot be read just now, so nothing can be said about the token. */
export type Verdict = 'good' | 'refused' | 'unavailable';

/** What the service said in a token: taken from its claims, and from the key it was signed with. */
export type ReadFacts<F> = (claims: JWTPayload, key: JWK | undefined) => F;

/** Answers the facts of a token that is good, else why there are none. `header` is the whole Authorization header. */
export type CheckSigned<F> = (header: string) => Promise<{ readonly facts: F } | Exclude<Verdict, 'good'>>;

/** Clocks may differ by this much (Bot Framework docs; the calling service's say nothing). */
const SKEW_SECONDS = 300;
/** The same token comes with many messages: a verified one is remembered (1 µs instead of 100-200). */
const REMEMBERED = 1000;

/** Loads what checking needs, before the first token waits for it. */
export const warmTokens = later(() => import('jose'));

type Keys = ReturnType<typeof createRemoteJWKSet>;

export function openSignedTokens<F>(settings: SignedTokenSettings, read: ReadFacts<F>): CheckSigned<F> {
  let keys: Promise<Keys> | undefined;
  /** By token; `expires` in epoch seconds. */
  const known = new Map<string, { readonly facts: F; readonly expires: number }>();

  const keySet = (): Promise<Keys> => {
    keys ??= findKeys(settings).catch((cause) => {
      keys = undefined;
      throw cause;
    });
    return keys;
  };

  async function verify(token: string): Promise<{ facts: F; expires: number }> {
    const [keys, { jwtVerify }] = await Promise.all([keySet(), warmTokens()]);
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      issuer: [...settings.issuers],
      audience: [settings.audience].flat(),
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ['exp', ...settings.claims],
    });
    const key = keys.jwks()?.keys.find((one) => one.kid === protectedHeader.kid);
    return { facts: read(payload, key), expires: payload.exp ?? 0 };
  }

  return async (header) => {
    const [scheme, token, ...rest] = header.split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0) return 'refused';
    let one = known.get(token);
    if (!one) {
      try {
        one = await verify(token);
      } catch (cause) {
        return isOurTrouble(cause, await warmTokens()) ? 'unavailable' : 'refused';
      }
      if (known.size >= REMEMBERED) known.delete(known.keys().next().value ?? '');
      known.set(token, one);
    }
    if (one.expires + SKEW_SECONDS < Date.now() / 1000) {
      known.delete(token);
      return 'refused';
    }
    return { facts: one.facts };
  };
}

async function findKeys({ metadataUrl, timeoutMs }: SignedTokenSettings): Promise<Keys> {
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
