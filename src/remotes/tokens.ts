/**
 * App-only access tokens from Entra: secret, certificate, managed or workload identity, through @azure/identity, which
 * caches and renews them. Loaded on first use: the sandbox never needs it.
 * Must not know what the tokens are for.
 */
import type { TokenCredential } from '@azure/identity';
import type { AppIdentity } from '../config.ts';

/** Gives a token for a scope, e.g. `https://graph.microsoft.com/.default`. Throws when Entra refuses. */
export type Tokens = (scope: string) => Promise<string>;

/** Tokens for one app. `loginUrl` is Entra's address (national clouds have their own). */
export function openTokens(identity: AppIdentity, loginUrl: string): Tokens {
  let credential: Promise<TokenCredential> | undefined;
  return async (scope) => {
    credential ??= credentialOf(identity, loginUrl);
    const token = await (await credential).getToken(scope);
    if (!token) throw new Error('Entra gave no token');
    return token.token;
  };
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
