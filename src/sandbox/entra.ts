/**
 * The stand-in for Entra's token endpoint: apps sign in with client credentials and get tokens signed with keys that the
 * login host publishes. Claims, issuers, paths and errors as Entra documents them (v2-oauth2-client-creds-grant-flow,
 * access-token-claims-reference, reference-error-codes). Must not know what the tokens open.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Exchange } from './exchange.ts';
import { commonForgeries, createTokenKeys, type Sign, type SignOptions, type TokenKeys } from './tokenKeys.ts';

/** What every app here signs in with. */
export const appSecret = 'sandbox-only';
/** An app that may invite guests through Usher, as an admin's flow would be. */
export const flowAppId = '5a4db0c5-0000-4000-8000-00000000a001';
/** An app that nobody gave a role. */
export const roleLessAppId = '5a4db0c5-0000-4000-8000-00000000a002';

const graph = 'https://graph.microsoft.com';
/** App permissions of the bot, and of an app made for GT365 (GT365, API-create-app). */
const graphRoles = ['Group.ReadWrite.All', 'User.Read.All', 'User.Invite.All'];

/** The ready-made wrong tokens of an app. */
export const appForgeries = [...commonForgeries, 'noRole', 'ofUser', 'idToken', 'otherTenant', 'forGraph'] as const;
/** Name of a ready-made wrong token of an app. */
export type AppForgery = (typeof appForgeries)[number];

/** Entra as one sandbox plays it. */
export interface Entra extends Omit<TokenKeys, 'forge'> {
  /** A token of the flow's app for the bot's API: `ver` 2.0 unless asked for `1.0`. */
  sign: Sign;
  forge(kind: AppForgery): Promise<string>;
  /** Whether it gave out this token for Graph, and for which app; undefined when it did not. */
  believe(token: string): { appId: string; roles: string[] } | undefined;
  /** Answers a path below `/login/<tenant>`; undefined when it has none. */
  answer(exchange: Exchange): Promise<Answer | undefined>;
}

export interface EntraParts {
  readonly tenantId: string;
  readonly botId: string;
  /** Address of the sandbox. */
  readonly url: () => string;
}

const issuers = (tenantId: string) => ({
  '1.0': `https://sts.windows.net/${tenantId}/`,
  '2.0': `https://login.microsoftonline.com/${tenantId}/v2.0`,
});

/** Most tokens for Graph that are remembered. */
const kept = 1000;

/** Makes the keys and the apps of one sandbox. */
export async function createEntra({ tenantId, botId, url }: EntraParts): Promise<Entra> {
  const given = new Map<string, { appId: string; roles: string[]; until: number }>();
  const roles: Readonly<Record<string, { graph: string[]; bot: string[] }>> = {
    [botId]: { graph: graphRoles, bot: [] },
    [flowAppId]: { graph: graphRoles, bot: ['Guests.Invite'] },
    [roleLessAppId]: { graph: [], bot: [] },
  };
  const claimsOf = (appId: string, version: '1.0' | '2.0', aud: string, of: string[]): Record<string, unknown> => {
    // An app's object is the same for every resource, and it is its own subject.
    const oid = appId.replace(/^.{8}/, '0b1ec700');
    return {
      aud,
      iss: issuers(tenantId)[version],
      ver: version,
      tid: tenantId,
      oid,
      sub: oid,
      idtyp: 'app',
      ...(version === '2.0' ? { azp: appId, azpacr: '1' } : { appid: appId, appidacr: '1' }),
      ...(of.length > 0 ? { roles: of } : {}),
      uti: randomUUID(),
    };
  };
  const flows = () => claimsOf(flowAppId, '2.0', botId, ['Guests.Invite']);
  const keys = await createTokenKeys(flows);
  const sign = (claims?: Record<string, unknown>, options?: SignOptions) => keys.sign(claims, options);
  /** What is not claimed is not in it. */
  const signOnly = (claims: Record<string, unknown>): Promise<string> =>
    keys.sign({ ...Object.fromEntries(Object.keys(flows()).map((name) => [name, undefined])), ...claims });

  async function forge(kind: AppForgery): Promise<string> {
    switch (kind) {
      case 'noRole':
        return sign({ roles: undefined });
      case 'ofUser':
        return sign({ idtyp: 'user', scp: 'access_as_user', sub: randomUUID(), roles: ['Guests.Invite'] });
      case 'idToken':
        return sign({ idtyp: undefined, azp: undefined, azpacr: undefined, sub: randomUUID() });
      case 'otherTenant': {
        const tid = randomUUID();
        return sign({ tid, iss: issuers(tid)['2.0'] });
      }
      case 'forGraph':
        return signOnly(claimsOf(flowAppId, '1.0', graph, graphRoles));
      default:
        return keys.forge(kind);
    }
  }

  const refuse = (status: number, error: string, number: number, words: string): Answer => ({
    status,
    body: {
      error,
      error_description: `AADSTS${number}: ${words} Trace ID: ${randomUUID()} Correlation ID: ${randomUUID()} Timestamp: ${new Date().toISOString()}`,
      error_codes: [number],
      timestamp: new Date().toISOString(),
      trace_id: randomUUID(),
      correlation_id: randomUUID(),
      error_uri: `https://login.microsoftonline.com/error?code=${number}`,
    },
  });

  /** The resource of `<resource>/.default`: Graph, or the bot's own API under any of its names. */
  function resourceOf(scope: string): 'graph' | 'bot' | null {
    const [, resource] = /^(.+)\/\.default$/.exec(scope) ?? [];
    if (resource === graph) return 'graph';
    return resource && [botId, `api://${botId}`, `api://botid-${botId}`].includes(resource) ? 'bot' : null;
  }

  async function token(exchange: Exchange, tenant: string): Promise<Answer> {
    if (tenant !== tenantId)
      return refuse(400, 'invalid_request', 90002, `Tenant '${tenant}' not found. Check to make sure it exists.`);
    if (!/^application\/x-www-form-urlencoded\b/i.test(exchange.headers['content-type'] ?? ''))
      return refuse(400, 'invalid_request', 900144, "The request body must contain the parameter: 'grant_type'.");
    // A form is no JSON, but one whose whole text is a number would be read as one.
    const form = new URLSearchParams(String(exchange.body ?? ''));
    const appId = (form.get('client_id') ?? '').toLowerCase();
    const scope = form.get('scope') ?? '';
    if (form.get('grant_type') !== 'client_credentials')
      return refuse(400, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.');
    const app = roles[appId];
    if (!app)
      return refuse(400, 'unauthorized_client', 700016, `Application '${appId}' was not found in the directory.`);
    if (form.get('client_secret') !== appSecret)
      return refuse(401, 'invalid_client', 7000215, `Invalid client secret provided for app '${appId}'.`);
    const resource = resourceOf(scope);
    if (!resource) return refuse(400, 'invalid_scope', 70011, `The provided value for scope ${scope} is not valid.`);
    const claims =
      resource === 'graph' ? claimsOf(appId, '1.0', graph, app.graph) : claimsOf(appId, '2.0', botId, app.bot);
    const access_token = await signOnly(claims);
    if (resource === 'graph') {
      if (given.size >= kept) given.delete(given.keys().next().value ?? '');
      given.set(access_token, { appId, roles: app.graph, until: Date.now() + 3600_000 });
    }
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token } };
  }

  return {
    ...keys,
    sign,
    forge,
    believe(text) {
      const one = given.get(text);
      return one && one.until > Date.now() ? { appId: one.appId, roles: one.roles } : undefined;
    },
    async answer(exchange) {
      const [tenant = '', ...rest] = exchange.segments;
      const path = rest.join('/').toLowerCase();
      const login = `${url()}/login/${tenant}`;
      if (exchange.method === 'POST' && path === 'oauth2/v2.0/token') return token(exchange, tenant);
      if (tenant !== tenantId) return undefined;
      if (path === 'discovery/v2.0/keys' || path === 'discovery/keys')
        return { status: 200, body: { keys: [{ ...keys.publicJwk, use: 'sig', x5t: keys.kid }] } };
      const isV2 = path === 'v2.0/.well-known/openid-configuration';
      if (!isV2 && path !== '.well-known/openid-configuration') return undefined;
      return {
        status: 200,
        body: {
          issuer: issuers(tenant)[isV2 ? '2.0' : '1.0'],
          token_endpoint: `${login}/oauth2/${isV2 ? 'v2.0/' : ''}token`,
          jwks_uri: `${login}/discovery/${isV2 ? 'v2.0/' : ''}keys`,
          token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
          id_token_signing_alg_values_supported: ['RS256'],
        },
      };
    },
  };
}
