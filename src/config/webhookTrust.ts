/**
 * Whose signature counts on a webhook of Partner Center, and where certificates may be fetched from. Part of the
 * configuration. Must not read the environment or fetch anything.
 */

export interface WebhookTrust {
  /** Origins the certificate that signed may be fetched from. */
  readonly certificateOrigins: readonly string[];
  /** Origins a certificate between that one and a root may be fetched from. */
  readonly issuerOrigins: readonly string[];
  /** Roots: what is at this address and nothing else, or those Node.js knows and those in this file. */
  readonly roots: { readonly url: string } | { readonly path: string | null };
}

/** Where the documentation's sample has the certificate (Partner Center docs, "partner-center-webhooks"). */
const CERTIFICATE_HOSTS = ['3psostorageacct.blob.core.windows.net'];
/** Where certificates of Microsoft's services have their issuers (Azure docs, "Azure Certificate Authority details"). */
const ISSUER_HOSTS = ['www.microsoft.com', 'caissuers.microsoft.com', 'cacerts.digicert.com', 'cacerts.geotrust.com'];

/** In live mode: https, its own port, known hosts. Issuers come by plain http everywhere; their signatures protect them. */
export function liveTrust(hosts: readonly string[] = CERTIFICATE_HOSTS, path: string | null = null): WebhookTrust {
  return {
    certificateOrigins: hosts.map((host) => new URL(`https://${host}`).origin),
    issuerOrigins: ISSUER_HOSTS.map((host) => `http://${host}`),
    roots: { path },
  };
}

/** In sandbox mode: the sandbox (its address without a slash at its end), and nobody else. */
export function sandboxTrust(base: string): WebhookTrust {
  return {
    certificateOrigins: [new URL(base).origin],
    issuerOrigins: [],
    roots: { url: `${base}/certificates/root.pem` },
  };
}
