/**
 * The HTTP edge alone, as it stands in live mode, with a channel whose keys a test holds; and a way to send it anything,
 * well formed or not. Must not know what the bot does with an activity.
 */
import { type OutgoingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { GUEST_FIELDS } from '../../src/capabilities/guest/input.ts';
import { liveTrust } from '../../src/config/webhookTrust.ts';
import { closeEdge, type EdgeParts, type EdgeSettings, listen, openEdge } from '../../src/edge/http.ts';
import { Pace } from '../../src/edge/pace.ts';
import { openAppTokens } from '../../src/remotes/appTokens.ts';
import { openCallTokens } from '../../src/remotes/callTokens.ts';
import { openChannelTokens } from '../../src/remotes/channelTokens.ts';
import { openWebhookSignatures } from '../../src/remotes/webhookSignatures.ts';
import type { CallCallback } from '../../src/requests/callNotices.ts';
import type { AuditLine } from '../../src/requests/ports.ts';
import { bad, problem } from '../../src/requests/problem.ts';
import type { ReferralCallback } from '../../src/requests/referralNotices.ts';
import { type ChannelKeys, createChannelKeys } from '../../src/sandbox/channelKeys.ts';
import { type Listener, listenHere, reply } from './listener.ts';
import { KeptLog } from './walk.ts';

export const BOT_ID = '5a4db0c5-0000-4000-8000-000000000b07';
export const TENANT_ID = '5a4db0c5-0000-4000-8000-00000000c0de';
export const SERVICE_URL = 'https://smba.trafficmanager.net/emea/';

/** An activity with nothing wrong about it. */
export function activity(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'message',
    id: '1700000000000',
    text: 'help',
    channelId: 'msteams',
    serviceUrl: SERVICE_URL,
    from: { id: '29:rita', aadObjectId: '5a4db0c5-0000-4000-8000-000000001001', name: 'Rita' },
    recipient: { id: `28:${BOT_ID}` },
    conversation: { id: 'a:1', conversationType: 'personal', tenantId: TENANT_ID },
    channelData: { tenant: { id: TENANT_ID } },
    ...more,
  };
}

/** The login host: its metadata and keys, which a test may exchange or break. */
export interface Login {
  readonly listener: Listener;
  /** What `/keys` serves. */
  keys: unknown[];
  /** Breaks `/metadata` or `/keys` until it is put back to null. */
  trouble: { readonly at: 'metadata' | 'keys'; readonly answer: Listener['answer'] } | null;
  close(): Promise<void>;
}

export async function openLogin(): Promise<Login> {
  const listener = await listenHere();
  const login: Login = { listener, keys: [], trouble: null, close: () => listener.close() };
  listener.answer = (heard, response) => {
    const at = heard.url === '/keys' ? 'keys' : 'metadata';
    if (login.trouble?.at === at) login.trouble.answer(heard, response);
    else if (at === 'keys') reply(response, 200, { keys: login.keys });
    else reply(response, 200, { issuer: 'https://api.botframework.com', jwks_uri: `${listener.url}/keys` });
  };
  return login;
}

export interface Edge {
  readonly url: string;
  readonly port: number;
  readonly login: Login;
  readonly channel: ChannelKeys;
  /** The calling service: its login host, and its keys, which sign for its callbacks unless told otherwise. */
  readonly callsLogin: Login;
  readonly caller: ChannelKeys;
  /** Entra: its login host, and its keys, which sign for an app that may ask for guests unless told otherwise. */
  readonly entraLogin: Login;
  readonly app: ChannelKeys;
  /** Colleagues that an app which was let in asked for; none of them is found. */
  readonly askedFor: string[];
  readonly log: KeptLog;
  /** Activities that got in. */
  readonly received: unknown[];
  /** Callbacks that were handed on. */
  readonly heard: CallCallback[];
  /** Webhooks that were handed on. */
  readonly heardOfReferrals: ReferralCallback[];
  readonly audited: AuditLine[];
  close(): Promise<void>;
}

/** Making a key pair takes a tenth of a second and more: all edges share theirs. */
let channelOnce: Promise<ChannelKeys> | undefined;
let callerOnce: Promise<ChannelKeys> | undefined;
let appOnce: Promise<ChannelKeys> | undefined;

export const APP_ID = 'a0000000-0000-4000-8000-00000000a001';
const APP_OBJECT = 'b0000000-0000-4000-8000-00000000a001';
/** Those of Entra, whose keys a test holds. */
export const ENTRA_ISSUERS = ['https://login.microsoftonline.com/{tenant}/v2.0', 'https://sts.windows.net/{tenant}/'];

/** Keys that sign as Entra does for an app's own token (version 2). */
export async function createAppKeys(): Promise<ChannelKeys> {
  const keys = await createChannelKeys(BOT_ID, () => '');
  const good = {
    iss: `https://login.microsoftonline.com/${TENANT_ID}/v2.0`,
    serviceurl: undefined,
    ver: '2.0',
    tid: TENANT_ID,
    azp: APP_ID,
    oid: APP_OBJECT,
    sub: APP_OBJECT,
    idtyp: 'app',
    roles: ['Guests.Invite'],
  };
  return { ...keys, sign: (claims, options) => keys.sign({ ...good, ...claims }, options) };
}

/** What an edge alone does not have: whoever needs it says so loudly. */
const unplanned = new Proxy({} as never, {
  get: (_nothing, name) => () => {
    throw new Error(`an unplanned ${String(name)}`);
  },
});

/** Keys that sign as the calling service does: for a tenant, and for no serviceUrl. */
export async function createCallerKeys(): Promise<ChannelKeys> {
  const keys = await createChannelKeys(BOT_ID, () => '');
  const sign: ChannelKeys['sign'] = (claims, options) =>
    keys.sign({ serviceurl: undefined, tid: TENANT_ID, ...claims }, options);
  return { ...keys, sign };
}

/** An edge in live mode (or as `settings` say), with one published key of each service. */
export async function openEdgeHere(
  settings: Partial<EdgeSettings> = {},
  parts: Partial<EdgeParts> = {},
  host = '127.0.0.1',
): Promise<Edge> {
  channelOnce ??= createChannelKeys(BOT_ID, () => SERVICE_URL);
  callerOnce ??= createCallerKeys();
  appOnce ??= createAppKeys();
  const [login, callsLogin, entraLogin, channel, caller, app] = await Promise.all([
    openLogin(),
    openLogin(),
    openLogin(),
    channelOnce,
    callerOnce,
    appOnce,
  ]);
  login.keys = channel.jwks().keys;
  callsLogin.keys = caller.jwks().keys;
  entraLogin.keys = app.jwks().keys;
  const log = new KeptLog();
  const received: unknown[] = [];
  const heard: CallCallback[] = [];
  const heardOfReferrals: ReferralCallback[] = [];
  const audited: AuditLine[] = [];
  const askedFor: string[] = [];
  const server = openEdge({
    invites: {
      settings: {
        tenantId: TENANT_ID,
        botId: BOT_ID,
        teamsServiceUrl: SERVICE_URL,
        waitMs: 0,
        publicUrl: () => 'https://usher.example',
      },
      verifyApp: openAppTokens({
        loginUrl: entraLogin.listener.url,
        tenants: new Set([TENANT_ID]),
        issuers: ENTRA_ISSUERS,
        audiences: [BOT_ID, `api://${BOT_ID}`],
        role: 'Guests.Invite',
        timeoutMs: 1000,
      }),
      findPerson: async (address) => {
        askedFor.push(address);
        return bad(problem('input', 'door.requester.unknown'));
      },
      fields: GUEST_FIELDS,
      pace: new Pace(10_000),
      desk: unplanned,
      awaited: unplanned,
      told: unplanned,
      spoken: ({ key }) => key,
      log,
    },
    settings: {
      mode: 'live',
      allowedTenants: new Set([TENANT_ID]),
      serviceUrlHosts: ['smba.trafficmanager.net'],
      ...settings,
    },
    verify: openChannelTokens({
      metadataUrl: `${login.listener.url}/metadata`,
      issuer: 'https://api.botframework.com',
      audience: BOT_ID,
      timeoutMs: 1000,
    }),
    verifyCalls: openCallTokens({
      metadataUrl: `${callsLogin.listener.url}/metadata`,
      audience: BOT_ID,
      timeoutMs: 1000,
    }),
    heard: async (one) => {
      heard.push(one);
    },
    verifyWebhook: openWebhookSignatures({ ...liveTrust(), timeoutMs: 1000 }),
    heardReferral: async (one) => {
      heardOfReferrals.push(one);
    },
    receive: async (one) => {
      received.push(one);
      return { status: 200 };
    },
    audit: async (line) => {
      audited.push(line);
    },
    missing: async () => [],
    log,
    ...parts,
  });
  const port = await listen(server, 0, host);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    login,
    channel,
    callsLogin,
    caller,
    entraLogin,
    app,
    askedFor,
    log,
    received,
    heard,
    heardOfReferrals,
    audited,
    async close() {
      await closeEdge(server);
      await Promise.all([login.close(), callsLogin.close(), entraLogin.close()]);
    },
  };
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON from the wire, which the assertions themselves check
  readonly json: any;
}

/** Sends bytes (or JSON) as they are. `pieces` goes out chunked, without a length. */
export function sendRaw(
  url: string,
  {
    method = 'POST',
    headers = {},
    body,
    pieces,
  }: {
    readonly method?: string;
    readonly headers?: OutgoingHttpHeaders;
    readonly body?: unknown;
    readonly pieces?: Iterable<Buffer>;
  } = {},
): Promise<Answered> {
  const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      agent: false,
      headers: {
        'content-type': 'application/json',
        ...(bytes === undefined ? {} : { 'content-length': Buffer.byteLength(bytes as string) }),
        ...headers,
      },
    });
    let isAnswered = false;
    // A server may answer and hang up before it has read everything.
    sent.on('error', (cause) => {
      if (!isAnswered) reject(cause);
    });
    sent.on('response', (response) => {
      isAnswered = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        let json: unknown;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    if (pieces) Readable.from(pieces).pipe(sent);
    else sent.end(bytes);
  });
}

/** Runs something and gives all that was meanwhile written to standard output and standard error. */
export async function overheard(work: () => Promise<unknown>): Promise<string> {
  const streams = [process.stdout, process.stderr] as const;
  const writes = streams.map((stream) => stream.write);
  let said = '';
  for (const stream of streams) {
    stream.write = ((text: unknown) => {
      said += String(text);
      return true;
    }) as typeof stream.write;
  }
  try {
    await work();
  } finally {
    for (const [n, stream] of streams.entries()) stream.write = writes[n] as typeof stream.write;
  }
  return said;
}
