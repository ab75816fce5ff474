/**
 * Every variable of the environment, described once: its schema, and what it means in one sentence. The configuration is
 * read by it, its faults are explained by it, and `env/.env.example` is written from it. Must not read the environment.
 */
import { z } from 'zod/v4';
import { Secret } from './secret.ts';

const guid = z.guid('must be a GUID');
const url = z.url({ protocol: /^https?$/, error: 'must be an http(s) address' });
const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));
const count = (least: number, most: number) => z.coerce.number('must be a number').int().min(least).max(most);
/** As it is today, in upper case: Intl knows which are assigned, and that UK means GB. */
const country = z
  .string()
  .transform((value) => (/^[a-z]{2}$/i.test(value) ? (new Intl.Locale(`und-${value}`).region ?? '') : ''))
  .refine((value) => value !== '' && REGIONS.of(value) !== undefined, 'must be a country’s two letters');
const REGIONS = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
const list = z.string().transform((value) => value.split(/[\s,]+/).filter((one) => one !== ''));
const host = z.string().regex(/^[a-z\d-]+(\.[a-z\d-]+)+$/i, 'must be names of hosts, without scheme, port or path');

/** name → schema and meaning. Order is the order of `env/.env.example`. */
export const VARIABLES = {
  MODE: [
    z.enum(['sandbox', 'live'], 'must be sandbox or live').default('live'),
    'live: Microsoft 365. sandbox: loopback stand-ins only, no credentials',
  ],
  PORT: [count(0, 65535).default(3978), 'Port the bot listens on'],
  HOST: [
    z.string().optional(),
    'Address to listen on (default: 127.0.0.1 in sandbox mode, all addresses in live mode)',
  ],
  DATABASE_URL: [
    z
      .string()
      .regex(/^(file:.+|postgres(ql)?:\/\/.+)$/, 'must be file:<path> or postgres://…')
      .default('file:data/usher.db'),
    'Where requests live: file:<path> (SQLite, one process or several on one local disk) or postgres://user:password@host/database',
  ],
  BOT_ID: [guid.optional(), 'Microsoft app id of the bot (required in live mode)'],
  BOT_TYPE: [
    z
      .enum(['SingleTenant', 'MultiTenant', 'UserAssignedMSI'], 'must be SingleTenant, MultiTenant or UserAssignedMSI')
      .default('SingleTenant'),
    'Kind of bot registration in Azure',
  ],
  BOT_TENANT_ID: [guid.optional(), 'Entra tenant of the bot (required unless MultiTenant)'],
  BOT_PASSWORD: [
    secret.optional(),
    'Client secret of the bot; leave empty for a certificate, managed or workload identity',
  ],
  BOT_CERTIFICATE_PATH: [z.string().min(1).optional(), 'PEM file with certificate and key, instead of BOT_PASSWORD'],
  ALLOWED_TENANTS: [
    list.pipe(z.array(guid)).optional(),
    'Tenant ids whose people may talk to the bot, separated by commas (default: BOT_TENANT_ID)',
  ],
  SERVICE_URL_HOSTS: [
    list.optional(),
    'Further hosts activities may name as their serviceUrl, beside Microsoft Teams’ own',
  ],
  GRAPH_BASE_URL: [
    url.optional(),
    'Microsoft Graph (default: https://graph.microsoft.com/v1.0; the sandbox in sandbox mode)',
  ],
  GRAPH_CLIENT_ID: [guid.optional(), 'App that calls Graph (default: the bot’s own)'],
  GRAPH_CLIENT_SECRET: [
    secret.optional(),
    'Its client secret; leave empty for a certificate, managed or workload identity',
  ],
  GRAPH_CERTIFICATE_PATH: [
    z.string().min(1).optional(),
    'PEM file with certificate and key, instead of GRAPH_CLIENT_SECRET',
  ],
  GRAPH_TENANT_ID: [
    guid.optional(),
    'Tenant guests are invited into (default: BOT_TENANT_ID; required with MultiTenant)',
  ],
  LOGIN_URL: [url.optional(), 'Entra sign-in (default: https://login.microsoftonline.com)'],
  OPENID_METADATA_URL: [
    url.optional(),
    'Keys of the Bot Framework channel (default: Microsoft’s; the sandbox’s in sandbox mode)',
  ],
  CALLS_OPENID_METADATA_URL: [
    url.optional(),
    'Keys of the calling service (default: Microsoft’s; the sandbox’s in sandbox mode)',
  ],
  PUBLIC_URL: [
    url.optional(),
    'https address under which Microsoft reaches this bot, where calls report back; without it calls cannot be used (default in sandbox mode: where the bot listens)',
  ],
  APPLICATION_INSTANCE_ID: [
    guid.optional(),
    'Entra object id of the resource account with a phone number that belongs to the bot; without it phones cannot be rung',
  ],
  DEFAULT_COUNTRY: [
    country.optional(),
    'Country of phone numbers typed without + (two letters, ISO 3166-1, such as DE); without it they need the +',
  ],
  RING_SECONDS: [
    count(1, 300).default(75),
    'How long somebody may ring before the card says no answer, in seconds (Microsoft itself gives up after 60)',
  ],
  PARTNER_CENTER_URL: [
    url.optional(),
    'Partner Center’s referrals API (default: https://api.partner.microsoft.com/v1.0; the sandbox in sandbox mode)',
  ],
  PARTNER_CENTER_WEBHOOK_URL: [
    url.optional(),
    'Where webhooks are registered (default: https://api.partnercenter.microsoft.com/webhooks/v1; the sandbox in sandbox mode)',
  ],
  TOKEN_SERVICE_URL: [
    url.optional(),
    'Bot Framework token service, where people’s sign-ins are kept (default: https://api.botframework.com; the sandbox in sandbox mode)',
  ],
  OAUTH_CONNECTION: [
    z.string().min(1).max(100).optional(),
    'Name of the bot’s OAuth connection for Partner Center (Azure Bot, Configuration); without it referrals cannot be used',
  ],
  ADMINS: [
    list.pipe(z.array(guid)).optional(),
    'Entra object ids of the people who may set Usher up (register webhooks), separated by commas',
  ],
  FOLLOW_UP_MINUTES: [
    count(1, 1440).default(15),
    'How often the directory is asked which guests have accepted, in minutes (one question for all of them; none while nobody is awaited)',
  ],
  POLICY_FILE: [
    z.string().min(1).optional(),
    'JSON file with the rules Usher starts with (who may ask, who approves, which domains; see env/policy.example.json); admins change them by typing policy. Without it everyone may invite anybody',
  ],
  REFERRAL_HOLD_SECONDS: [
    count(0, 60).default(5),
    'How long a new deal is held back before it is sent, so that it can be stopped, in seconds',
  ],
  REFERRAL_NAMES_ORGANIZATION: [
    z.enum(['true', 'false'], 'must be true or false').default('false'),
    'Whether an invitation into a deal names the invited organization beside its target (the reference does not say that it must)',
  ],
  REFERRAL_CERTIFICATE_HOSTS: [
    list.pipe(z.array(host).min(1, 'must name a host')).optional(),
    'Hosts the certificates of Partner Center’s webhooks may be fetched from (default: 3psostorageacct.blob.core.windows.net; the sandbox in sandbox mode)',
  ],
  REFERRAL_CERTIFICATE_ROOTS: [
    z.string().min(1).optional(),
    'PEM file with root certificates that may stand behind these, beside those Node.js knows',
  ],
  GUEST_PROVIDER: [
    z.enum(['graph', 'gt365'], 'must be graph or gt365').default('graph'),
    'Who sends guest invitations: graph (Microsoft Graph), or gt365 (Governance Toolkit 365)',
  ],
  GT365_URL: [
    url.optional(),
    'Governance Toolkit 365, without /api/InviteGuest (default: https://governancetoolkit365.azurewebsites.net; the sandbox in sandbox mode)',
  ],
  GT365_SCOPE: [
    z
      .string()
      .regex(/^\S+\/\.default$/, 'must end in /.default')
      .optional(),
    'What the token for it is asked for (default: Graph’s own, as it documents; another Usher wants api://<its BOT_ID>/.default)',
  ],
  GT365_CLIENT_ID: [guid.optional(), 'App that calls it (default: the one that calls Graph)'],
  GT365_CLIENT_SECRET: [
    secret.optional(),
    'Its client secret; leave empty for a certificate, managed or workload identity',
  ],
  GT365_CERTIFICATE_PATH: [
    z.string().min(1).optional(),
    'PEM file with certificate and key, instead of GT365_CLIENT_SECRET',
  ],
  INVITE_WAIT_SECONDS: [
    count(0, 110).default(55),
    'How long POST /api/InviteGuest waits for the end before it answers 202, in seconds (proxies commonly give up after 60)',
  ],
  INVITE_PER_MINUTE: [
    count(1, 10_000).default(120),
    'How often one app may call /api/InviteGuest, per minute and process of Usher',
  ],
  TEAMS_SERVICE_URL: [
    url.optional(),
    'Teams connector, where somebody is written to who has not written first (default: https://smba.trafficmanager.net/teams/; the sandbox in sandbox mode)',
  ],
  SANDBOX_URL: [url.default('http://127.0.0.1:3979'), 'Sandbox mode: where the stand-ins listen'],
  DEFAULT_REDIRECT_URL: [
    z.url({ protocol: /^https$/, error: 'must be an https address' }).default('https://teams.microsoft.com'),
    'Where guests land after redeeming, when nobody said otherwise',
  ],
  LOG_LEVEL: [
    z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'], 'must be fatal, error, warn, info, debug or silent')
      .default('info'),
    'How much is logged',
  ],
  CALL_TIMEOUT_MS: [
    count(100, 120_000).default(30_000),
    'Longest wait for one answer of Microsoft’s services, in milliseconds',
  ],
  RETRY_BASE_MS: [
    count(1, 60_000).default(1000),
    'First pause before a failed step is tried again, in milliseconds; grows with each try',
  ],
  RETRY_MAX_MS: [count(1, 3_600_000).default(60_000), 'Longest such pause, in milliseconds'],
  RETRY_ATTEMPTS: [count(1, 50).default(8), 'Tries in a row before a request ends as failed or unsure'],
  DIRECTORY_SETTLE_MS: [
    count(0, 600_000).default(20_000),
    'After a lost answer: how long the directory is given before a look-up is believed, in milliseconds',
  ],
  CONCURRENCY: [
    // 30 invitations a second, each a look-up and a call of 150 ms with commits between, are 12 at once; the rest is for whoever comes between.
    count(1, 200).default(24),
    'Requests carried out at once by this process (24 keep up with Microsoft’s quota on invitations at 150 ms an answer)',
  ],
} as const satisfies Record<string, readonly [z.ZodType, string]>;
