/**
 * The environment as one frozen object, checked as a whole: what is described in `variables.ts` and what goes with what.
 * Must not read the environment itself (main and demo do).
 */
import { z } from 'zod/v4';
import { Secret } from './secret.ts';
import { VARIABLES } from './variables.ts';
import { liveTrust, sandboxTrust, type WebhookTrust } from './webhookTrust.ts';

export { Secret };

/** Ids the sandbox goes by; they exist nowhere else. */
export const SANDBOX_BOT_ID = '5a4db0c5-0000-4000-8000-000000000b07';
export const SANDBOX_TENANT_ID = '5a4db0c5-0000-4000-8000-00000000c0de';

type Name = keyof typeof VARIABLES;
export type Environment = Readonly<Record<string, string | undefined>>;

const SCHEMA = z.object(
  Object.fromEntries(Object.entries(VARIABLES).map(([name, [schema]]) => [name, schema])) as unknown as {
    [K in Name]: (typeof VARIABLES)[K][0];
  },
);
type Values = z.infer<typeof SCHEMA>;

/** How an app signs in: client credentials of its own, or an identity of the machine it runs on. */
export interface AppIdentity {
  readonly clientId: string;
  readonly tenantId: string;
  readonly kind: 'app' | 'managed';
  readonly secret?: Secret;
  readonly certificatePath?: string;
}

/** The configuration the rest of the program sees. Times in milliseconds. */
export interface Config {
  readonly mode: 'sandbox' | 'live';
  readonly port: number;
  readonly host: string;
  readonly databaseUrl: Secret;
  readonly botId: string;
  readonly botType: Values['BOT_TYPE'];
  readonly botTenantId: string;
  readonly allowedTenants: ReadonlySet<string>;
  readonly serviceUrlHosts: readonly string[];
  readonly graphUrl: string;
  readonly loginUrl: string;
  readonly openIdMetadataUrl: string;
  readonly callsOpenIdMetadataUrl: string;
  /** Without a slash at its end. Null: calls have no way to report back; in sandbox mode, use the port that it became. */
  readonly publicUrl: string | null;
  /** Null: phones cannot be rung. */
  readonly applicationInstanceId: string | null;
  /** Two letters in upper case. */
  readonly defaultCountry: string | null;
  readonly ringMs: number;
  readonly partnerCenterUrl: string;
  readonly partnerWebhookUrl: string;
  readonly tokenServiceUrl: string;
  /** Null: nobody can sign in, so referrals cannot be used. */
  readonly oauthConnection: string | null;
  /** Entra object ids. */
  readonly admins: ReadonlySet<string>;
  /** Between two looks at which guests have accepted. */
  readonly followUpMs: number;
  /** Path of the JSON file with the rules to start with; null: none. */
  readonly policyFile: string | null;
  readonly referralHoldMs: number;
  readonly referralNamesOrganization: boolean;
  readonly webhookTrust: WebhookTrust;
  readonly guestProvider: Values['GUEST_PROVIDER'];
  readonly gt365Url: string;
  readonly gt365Scope: string;
  /** App that calls it; in sandbox mode the sandbox gives it its tokens. */
  readonly gt365ClientId: string;
  readonly gt365Identity: AppIdentity | null;
  readonly inviteWaitMs: number;
  readonly invitePerMinute: number;
  /** With a slash at its end. */
  readonly teamsServiceUrl: string;
  /** Who signs the tokens of a tenant’s apps; `{tenant}` stands for its id. */
  readonly entraIssuers: readonly string[];
  /** Null in sandbox mode: no token ever leaves it. */
  readonly botIdentity: AppIdentity | null;
  readonly graphIdentity: AppIdentity | null;
  readonly defaultRedirectUrl: string;
  readonly logLevel: Values['LOG_LEVEL'];
  readonly callTimeoutMs: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  readonly retryAttempts: number;
  readonly settleMs: number;
  readonly concurrency: number;
}

/** Hosts Teams names as serviceUrl (global, GCC, GCC High, DoD), from Microsoft's list of Teams endpoints. */
const TEAMS_HOSTS = [
  'smba.trafficmanager.net',
  'smba.infra.gcc.teams.microsoft.com',
  'smba.infra.gov.teams.microsoft.us',
  'smba.infra.dod.teams.microsoft.us',
];

/** True for addresses that cannot leave this machine. */
export function isLoopback(address: string): boolean {
  const host = new URL(address).hostname;
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Reads the configuration, or lists every fault, each with the meaning of its variable. */
export function readConfig(
  environment: Environment,
): { readonly config: Config } | { readonly faults: readonly string[] } {
  const given = Object.fromEntries(
    Object.keys(VARIABLES).flatMap((name) => {
      const value = environment[name]?.trim();
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
  const parsed = SCHEMA.safeParse(given);
  const faults: string[] = [];
  const fault = (name: Name, what: string): void => {
    faults.push(`${name}: ${what}. (${VARIABLES[name][1]})`);
  };
  const unreadable = new Set<Name>();
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path[0] as Name;
    unreadable.add(name);
    fault(name, issue.message);
  }
  // Without a mode nothing more can be said; else the rest is judged as well, so that all faults come at once.
  if (unreadable.has('MODE')) return { faults };
  const readable = Object.fromEntries(Object.entries(given).filter(([name]) => !unreadable.has(name as Name)));
  const values = parsed.data ?? SCHEMA.parse(readable);
  // A variable that cannot be read has its fault, and so have those that would be taken from it.
  const source: Partial<Record<Name, Name>> = { ALLOWED_TENANTS: 'BOT_TENANT_ID' };
  const more: Fault = (name, what) => {
    if (!unreadable.has(name) && !unreadable.has(source[name] ?? name)) fault(name, what);
  };
  const config = values.MODE === 'sandbox' ? sandboxConfig(values, more) : liveConfig(values, more);
  return faults.length > 0 ? { faults } : { config: Object.freeze(config) };
}

type Fault = (name: Name, what: string) => void;

/** Variables that say where Microsoft's services are. */
const SERVICES = [
  'GRAPH_BASE_URL',
  'LOGIN_URL',
  'OPENID_METADATA_URL',
  'CALLS_OPENID_METADATA_URL',
  'PARTNER_CENTER_URL',
  'PARTNER_CENTER_WEBHOOK_URL',
  'TOKEN_SERVICE_URL',
  'GT365_URL',
  'TEAMS_SERVICE_URL',
] as const;

function common(values: Values) {
  return {
    port: values.PORT,
    databaseUrl: new Secret(values.DATABASE_URL),
    botType: values.BOT_TYPE,
    applicationInstanceId: values.APPLICATION_INSTANCE_ID ?? null,
    defaultCountry: values.DEFAULT_COUNTRY ?? null,
    ringMs: values.RING_SECONDS * 1000,
    admins: new Set(values.ADMINS ?? []),
    followUpMs: values.FOLLOW_UP_MINUTES * 60_000,
    policyFile: values.POLICY_FILE ?? null,
    referralHoldMs: values.REFERRAL_HOLD_SECONDS * 1000,
    referralNamesOrganization: values.REFERRAL_NAMES_ORGANIZATION === 'true',
    guestProvider: values.GUEST_PROVIDER,
    inviteWaitMs: values.INVITE_WAIT_SECONDS * 1000,
    invitePerMinute: values.INVITE_PER_MINUTE,
    defaultRedirectUrl: values.DEFAULT_REDIRECT_URL,
    logLevel: values.LOG_LEVEL,
    callTimeoutMs: values.CALL_TIMEOUT_MS,
    retryBaseMs: values.RETRY_BASE_MS,
    retryMaxMs: values.RETRY_MAX_MS,
    retryAttempts: values.RETRY_ATTEMPTS,
    settleMs: values.DIRECTORY_SETTLE_MS,
    concurrency: values.CONCURRENCY,
  } satisfies Partial<Config>;
}

function sandboxConfig(values: Values, fault: Fault): Config {
  for (const name of ['SANDBOX_URL', 'PUBLIC_URL', ...SERVICES] as const) {
    const address = values[name];
    if (address && !isLoopback(address))
      fault(name, 'sandbox mode talks to this machine only, so it must be a loopback address');
  }
  for (const name of [
    'BOT_PASSWORD',
    'BOT_CERTIFICATE_PATH',
    'GRAPH_CLIENT_SECRET',
    'GRAPH_CERTIFICATE_PATH',
    'GT365_CLIENT_SECRET',
    'GT365_CERTIFICATE_PATH',
  ] as const) {
    if (values[name]) fault(name, 'sandbox mode refuses credentials, so leave it empty');
  }
  for (const name of ['REFERRAL_CERTIFICATE_HOSTS', 'REFERRAL_CERTIFICATE_ROOTS'] as const) {
    if (values[name]) fault(name, 'sandbox mode trusts the sandbox’s certificates only, so leave it empty');
  }
  const host = values.HOST ?? '127.0.0.1';
  const own = `http://${host.includes(':') ? `[${host}]` : host}`;
  if (!(URL.canParse(own) && isLoopback(own))) fault('HOST', 'sandbox mode listens on loopback only');
  const base = values.SANDBOX_URL.replace(/\/$/, '');
  const tenantId = values.BOT_TENANT_ID ?? SANDBOX_TENANT_ID;
  return {
    ...common(values),
    mode: 'sandbox',
    host,
    botId: values.BOT_ID ?? SANDBOX_BOT_ID,
    botTenantId: tenantId,
    allowedTenants: new Set(values.ALLOWED_TENANTS ?? [tenantId]),
    serviceUrlHosts: [],
    graphUrl: values.GRAPH_BASE_URL ?? `${base}/graph/v1.0`,
    loginUrl: values.LOGIN_URL ?? `${base}/login`,
    openIdMetadataUrl: values.OPENID_METADATA_URL ?? `${base}/login/v1/.well-known/openidconfiguration`,
    callsOpenIdMetadataUrl:
      values.CALLS_OPENID_METADATA_URL ?? `${base}/login/calls/v1/.well-known/OpenIdConfiguration`,
    partnerCenterUrl: values.PARTNER_CENTER_URL ?? `${base}/partner/v1.0`,
    partnerWebhookUrl: values.PARTNER_CENTER_WEBHOOK_URL ?? `${base}/partner/webhooks/v1`,
    tokenServiceUrl: values.TOKEN_SERVICE_URL ?? `${base}/tokens`,
    oauthConnection: values.OAUTH_CONNECTION ?? 'PartnerCenter',
    publicUrl: publicUrl(values, fault) ?? (values.PORT === 0 ? null : `${own}:${values.PORT}`),
    webhookTrust: sandboxTrust(base),
    gt365Url: values.GT365_URL ?? `${base}/gt365`,
    gt365Scope: values.GT365_SCOPE ?? GT365_SCOPE,
    gt365ClientId: values.GT365_CLIENT_ID ?? values.BOT_ID ?? SANDBOX_BOT_ID,
    teamsServiceUrl: slashed(values.TEAMS_SERVICE_URL ?? `${base}/connector`),
    // The sandbox signs in the name of the services it stands in for.
    entraIssuers: entraIssuers('https://login.microsoftonline.com'),
    botIdentity: null,
    graphIdentity: null,
    gt365Identity: null,
  };
}

function liveConfig(values: Values, fault: Fault): Config {
  for (const name of ['PUBLIC_URL', ...SERVICES] as const) {
    const address = values[name];
    if (!address) continue;
    if (isLoopback(address)) fault(name, 'live mode refuses loopback addresses; did you mean MODE=sandbox?');
    else if (!address.startsWith('https://')) fault(name, 'live mode needs https');
  }
  if (!values.BOT_ID) fault('BOT_ID', 'missing; without it anyone could talk to the bot');
  // A multi-tenant bot has no tenant of its own, but its guests need one.
  const isMulti = values.BOT_TYPE === 'MultiTenant';
  const tenantId = values.BOT_TENANT_ID ?? (isMulti ? values.GRAPH_TENANT_ID : undefined);
  if (!tenantId) fault(isMulti ? 'GRAPH_TENANT_ID' : 'BOT_TENANT_ID', 'missing');
  const allowed = values.ALLOWED_TENANTS ?? (tenantId ? [tenantId] : []);
  if (allowed.length === 0) fault('ALLOWED_TENANTS', 'missing; at least one tenant must be allowed');
  const botId = values.BOT_ID ?? '';
  const bot: AppIdentity = {
    clientId: botId,
    // A multi-tenant bot signs in at Bot Framework's own tenant (Bot Framework docs, connector authentication).
    tenantId: isMulti ? 'botframework.com' : (tenantId ?? ''),
    kind: values.BOT_TYPE === 'UserAssignedMSI' ? 'managed' : 'app',
    ...(values.BOT_PASSWORD ? { secret: values.BOT_PASSWORD } : {}),
    ...(values.BOT_CERTIFICATE_PATH ? { certificatePath: values.BOT_CERTIFICATE_PATH } : {}),
  };
  const secretOfGraph = values.GRAPH_CLIENT_SECRET ?? (values.GRAPH_CLIENT_ID ? undefined : values.BOT_PASSWORD);
  const certificateOfGraph =
    values.GRAPH_CERTIFICATE_PATH ?? (values.GRAPH_CLIENT_ID ? undefined : values.BOT_CERTIFICATE_PATH);
  const graphUrl = (values.GRAPH_BASE_URL ?? 'https://graph.microsoft.com/v1.0').replace(/\/$/, '');
  const loginUrl = (values.LOGIN_URL ?? 'https://login.microsoftonline.com').replace(/\/$/, '');
  const graphIdentity: AppIdentity = {
    clientId: values.GRAPH_CLIENT_ID ?? botId,
    tenantId: values.GRAPH_TENANT_ID ?? tenantId ?? '',
    kind: values.BOT_TYPE === 'UserAssignedMSI' && !values.GRAPH_CLIENT_ID ? 'managed' : 'app',
    ...(secretOfGraph ? { secret: secretOfGraph } : {}),
    ...(certificateOfGraph ? { certificatePath: certificateOfGraph } : {}),
  };
  return {
    ...common(values),
    mode: 'live',
    host: values.HOST ?? '0.0.0.0',
    botId,
    botTenantId: tenantId ?? '',
    allowedTenants: new Set(allowed),
    serviceUrlHosts: [...TEAMS_HOSTS, ...(values.SERVICE_URL_HOSTS ?? [])],
    graphUrl,
    loginUrl,
    openIdMetadataUrl:
      values.OPENID_METADATA_URL ?? 'https://login.botframework.com/v1/.well-known/openidconfiguration',
    callsOpenIdMetadataUrl:
      values.CALLS_OPENID_METADATA_URL ?? 'https://api.aps.skype.com/v1/.well-known/OpenIdConfiguration',
    partnerCenterUrl: values.PARTNER_CENTER_URL ?? 'https://api.partner.microsoft.com/v1.0',
    partnerWebhookUrl: values.PARTNER_CENTER_WEBHOOK_URL ?? 'https://api.partnercenter.microsoft.com/webhooks/v1',
    tokenServiceUrl: values.TOKEN_SERVICE_URL ?? 'https://api.botframework.com',
    oauthConnection: values.OAUTH_CONNECTION ?? null,
    publicUrl: publicUrl(values, fault),
    webhookTrust: liveTrust(values.REFERRAL_CERTIFICATE_HOSTS, values.REFERRAL_CERTIFICATE_ROOTS),
    botIdentity: bot,
    graphIdentity,
    gt365Url: (values.GT365_URL ?? 'https://governancetoolkit365.azurewebsites.net').replace(/\/$/, ''),
    gt365Scope: values.GT365_SCOPE ?? `${new URL(graphUrl).origin}/.default`,
    gt365ClientId: values.GT365_CLIENT_ID ?? graphIdentity.clientId,
    gt365Identity: gt365Identity(values, graphIdentity),
    teamsServiceUrl: slashed(values.TEAMS_SERVICE_URL ?? 'https://smba.trafficmanager.net/teams/'),
    entraIssuers: entraIssuers(loginUrl),
  };
}

/** What GT365’s token is for: its own page shows it in a picture only; a token for Graph is what it hands on. */
const GT365_SCOPE = 'https://graph.microsoft.com/.default';

const slashed = (address: string): string => `${address.replace(/\/+$/, '')}/`;

/**
 * Entra signs as one of two, by the version of token an API asks for (Entra docs, access-tokens). China has its own names
 * for both (login.chinacloudapi.cn signs as login.partner.microsoftonline.cn).
 */
function entraIssuers(loginUrl: string): readonly string[] {
  const isChina = /(?:^|\.)chinacloudapi\.cn$/.test(new URL(loginUrl).hostname);
  return isChina
    ? ['https://login.partner.microsoftonline.cn/{tenant}/v2.0', 'https://sts.chinacloudapi.cn/{tenant}/']
    : [`${new URL(loginUrl).origin}/{tenant}/v2.0`, 'https://sts.windows.net/{tenant}/'];
}

/** The app that calls GT365: the one that calls Graph, unless another is named. */
function gt365Identity(values: Values, graphIdentity: AppIdentity): AppIdentity {
  const { GT365_CLIENT_ID: clientId, GT365_CLIENT_SECRET: secret, GT365_CERTIFICATE_PATH: certificatePath } = values;
  const own = { ...(secret ? { secret } : {}), ...(certificatePath ? { certificatePath } : {}) };
  if (clientId) return { clientId, tenantId: graphIdentity.tenantId, kind: 'app', ...own };
  return secret || certificatePath
    ? { clientId: graphIdentity.clientId, tenantId: graphIdentity.tenantId, kind: 'app', ...own }
    : graphIdentity;
}

function publicUrl({ PUBLIC_URL: given }: Values, fault: Fault): string | null {
  if (given === undefined) return null;
  const { origin, pathname } = new URL(given);
  if (/[@?#]/.test(given)) fault('PUBLIC_URL', 'must be an address without user, query or fragment');
  return `${origin}${pathname}`.replace(/\/+$/, '');
}

/** The text of `env/.env.example`: every variable with its meaning, defaults filled in, the rest commented out. */
export function envExample(): string {
  const lines = Object.entries(VARIABLES).flatMap(([name, [schema, meaning]]) => {
    const fallback = schema.safeParse(undefined);
    const value = fallback.success && fallback.data !== undefined ? String(fallback.data) : null;
    return [`# ${meaning}`, value === null ? `# ${name}=` : `${name}=${value}`, ''];
  });
  return ['# Every variable Usher reads. Written by `npm run env`; a test fails when it is stale.', '', ...lines].join(
    '\n',
  );
}
