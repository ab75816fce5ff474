/**
 * Tokens from the sandbox's stand-in for Entra, by client credentials (RFC 6749 §4.4) as Entra documents them. Only for
 * loopback: @azure/identity refuses plain http, and rightly so. Must not know what the tokens are for.
 */
import { isLoopback } from '../config/config.ts';
import { lineOf } from './answer.ts';
import type { Tokens } from './tokens.ts';

/** What every app of the sandbox signs in with; it opens nothing outside. */
const SANDBOX_SECRET = 'sandbox-only';
/** A token is asked for anew so long before it ends. */
const EARLY_MS = 60_000;

export function openSandboxTokens(
  loginUrl: string,
  { tenantId, clientId }: { readonly tenantId: string; readonly clientId: string },
  timeoutMs: number,
): Tokens {
  if (!isLoopback(loginUrl)) throw new Error('the sandbox is on this machine only');
  const known = new Map<string, { readonly token: string; readonly until: number }>();
  return async (scope) => {
    const before = known.get(scope);
    if (before && before.until > Date.now()) return before.token;
    const answer = await fetch(`${loginUrl}/${tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      signal: AbortSignal.timeout(timeoutMs),
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: SANDBOX_SECRET,
        scope,
      }),
    }).catch((cause) => {
      throw new Error(lineOf(cause));
    });
    const body = (await answer.json()) as { access_token?: unknown; expires_in?: unknown; error_description?: unknown };
    const { access_token: token, expires_in: seconds } = body;
    if (typeof token !== 'string') throw new Error(`${JSON.stringify(body).slice(0, 300)}`);
    known.set(scope, { token, until: Date.now() + Number(seconds) * 1000 - EARLY_MS });
    return token;
  };
}
