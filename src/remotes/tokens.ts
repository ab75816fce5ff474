/**
 * App-only access tokens from Entra: secret, certificate, managed or workload identity, through @azure/identity, which
 * caches and renews them. Loaded on first use: the sandbox never needs it.
 * Must not know what the tokens are for.
 */
import type { TokenCredential } from '@azure/identity';
import type { AppIdentity } from '../config/config.ts';

/** Gives a token for a scope, e.g. `https://graph.microsoft.com/.default`. Throws when Entra refuses or is silent. */
export type Tokens = (scope: string) => Promise<string>;

/** Longest wait for Entra: its library has no limit of its own, and a silent Entra must not hold requests for ever. */
const LONGEST_MS = 20_000;

/** Tokens for one app. `loginUrl` is Entra's address (national clouds have their own). */
export function openTokens(identity: AppIdentity, loginUrl: string, longestMs = LONGEST_MS): Tokens {
  let credential: Promise<TokenCredential> | undefined;
  /** Who asks for the same scope at the same time waits for the same answer. */
  const asked = new Map<string, Promise<string>>();

  async function ask(scope: string): Promise<string> {
    credential ??= credentialOf(identity, loginUrl);
    const token = await (await credential).getToken(scope);
    if (!token) throw new Error('Entra gave no token');
    return token.token;
  }

  return (scope) => {
    const known = asked.get(scope);
    if (known) return known;
    const answer = within(longestMs, ask(scope)).finally(() => asked.delete(scope));
    asked.set(scope, answer);
    return answer;
  };
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no token within ${ms} ms`)), ms);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

async function credentialOf(identity: AppIdentity, loginUrl: string): Promise<TokenCredential> {
  const azure = await import('@azure/identity');
  const { clientId, tenantId, secret, certificatePath } = identity;
  // Instance discovery asks Microsoft's public cloud about hosts it does not know, which fails for private authorities.
  const options = {
    authorityHost: loginUrl,
    disableInstanceDiscovery: !/\.(com|us|cn)$/.test(new URL(loginUrl).hostname),
  };
  if (identity.kind === 'managed') return new azure.ManagedIdentityCredential({ clientId });
  if (secret) return new azure.ClientSecretCredential(tenantId, clientId, secret.reveal(), options);
  if (certificatePath) return new azure.ClientCertificateCredential(tenantId, clientId, certificatePath, options);
  return new azure.ChainedTokenCredential(
    new azure.WorkloadIdentityCredential({ clientId, tenantId, ...options }),
    new azure.ManagedIdentityCredential({ clientId }),
  );
}
