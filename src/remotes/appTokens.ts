/**
 * Checks the token that Entra gives to an app which calls Usher in its own name: signed by the keys of an allowed tenant,
 * for Usher, of an app and not of a person, with the role that opens the door. Both versions of tokens are taken.
 * Source: Microsoft identity platform docs, "access-tokens", "access-token-claims-reference" and
 * "optional-claims-reference" (idtyp). Must not know what is behind the door.
 */
import { type CheckSigned, openSignedTokens } from './signedTokens.ts';

export interface AppTokenSettings {
  /** Entra's address, without a slash at its end. */
  readonly loginUrl: string;
  /** Whose apps may come; the keys of no other tenant are ever asked for. */
  readonly tenants: ReadonlySet<string>;
  /** `{tenant}` stands for its id. */
  readonly issuers: readonly string[];
  /** Names under which Usher's API goes. */
  readonly audiences: readonly string[];
  /** The app role that opens the door. */
  readonly role: string;
  readonly timeoutMs: number;
}

/** `roleless`: the token is good, and the app was not given the role. The rest as in `signedTokens.ts`. */
export type AppVerdict =
  | { readonly verdict: 'good'; readonly appId: string }
  | { readonly verdict: 'roleless'; readonly appId: string }
  | { readonly verdict: 'refused' }
  | { readonly verdict: 'unavailable' };

/** Judges the whole Authorization header. */
export type VerifyAppToken = (header: string) => Promise<AppVerdict>;

interface AppFacts {
  readonly tenantId: unknown;
  /** Null: the token is not an app's own. */
  readonly appId: string | null;
  readonly roles: readonly unknown[];
}

const GUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

export function openAppTokens(settings: AppTokenSettings): VerifyAppToken {
  const { tenants, role } = settings;
  const checks = new Map<string, CheckSigned<AppFacts>>();
  const checkOf = (tenantId: string): CheckSigned<AppFacts> => {
    const known = checks.get(tenantId) ?? openTenant(settings, tenantId);
    checks.set(tenantId, known);
    return known;
  };

  return async (header) => {
    const tenantId = tenantIn(header);
    if (tenantId === null || !tenants.has(tenantId)) return { verdict: 'refused' };
    const checked = await checkOf(tenantId)(header);
    if (typeof checked === 'string') return { verdict: checked };
    const { facts } = checked;
    if (facts.tenantId !== tenantId || facts.appId === null) return { verdict: 'refused' };
    return { verdict: facts.roles.includes(role) ? 'good' : 'roleless', appId: facts.appId };
  };
}

function openTenant(settings: AppTokenSettings, tenantId: string): CheckSigned<AppFacts> {
  const { loginUrl, issuers, audiences, timeoutMs } = settings;
  return openSignedTokens<AppFacts>(
    {
      // Tokens of both versions are signed with the keys that this document names (Entra docs, access-tokens).
      metadataUrl: `${loginUrl}/${tenantId}/v2.0/.well-known/openid-configuration`,
      issuers: issuers.map((one) => one.replace('{tenant}', tenantId)),
      audience: audiences,
      claims: ['nbf', 'tid', 'sub'],
      timeoutMs,
    },
    ({ tid, aud, sub, oid, scp, idtyp, roles, azp, appid }) => {
      // A token for a person says `scp`; one that signs a person in says neither, and its subject is not its object.
      const isApps = scp === undefined && (idtyp === undefined ? oid === sub : idtyp === 'app');
      const appId = azp ?? appid;
      const isOne = typeof aud === 'string' && typeof appId === 'string' && GUID.test(appId);
      return {
        tenantId: tid,
        appId: isApps && isOne ? appId.toLowerCase() : null,
        roles: Array.isArray(roles) ? roles : [],
      };
    },
  );
}

/** The tenant a token says it is of, before anything of it is believed: it only chooses among those that are allowed. */
function tenantIn(header: string): string | null {
  const [, payload] = /^\S+ [\w-]+\.([\w-]+)\./.exec(header) ?? [];
  try {
    const { tid } = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString('utf8')) as { tid?: unknown };
    return typeof tid === 'string' ? tid : null;
  } catch {
    return null;
  }
}
