/**
 * The sandbox: one loopback listener that stands in for everything Microsoft that the bot talks to, with a chat page to
 * talk to the bot. This file opens the listener and sends each path to its part. It must not know the bot: the two share
 * HTTP and nothing else, so that only addresses differ from production.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Calls } from './calls.ts';
import { type CallForgery, createCallsKeys } from './callsKeys.ts';
import { createCertificates, type EventSignOptions, type ReferralForgery } from './certificates.ts';
import { type ChannelKeys, createChannelKeys, type Forgery } from './channelKeys.ts';
import { connectorError, createConnector } from './connector.ts';
import { createControl, reset } from './control.ts';
import { isLoopback } from './courier.ts';
import { type AppForgery, createEntra } from './entra.ts';
import { type Answer, type Exchange, readExchange, send } from './exchange.ts';
import { answerInstead, type ErrorAnswer, Faults, keepBack, type Remote, remotes, sendThrough } from './faults.ts';
import { upload } from './fileConsent.ts';
import { createGraph } from './graph.ts';
import { graphError } from './graphAnswer.ts';
import { createGt365, gt365Error } from './gt365.ts';
import { Happenings } from './happenings.ts';
import { pageFile } from './pageFiles.ts';
import { createPartner } from './partner.ts';
import { partnerError } from './partnerAnswer.ts';
import type { Room } from './room.ts';
import { defaultBotId, defaultTenantId, seedWorld } from './seed.ts';
import { Telephony } from './telephony.ts';
import { openIdMetadata, type SignOptions } from './tokenKeys.ts';
import { createTokens, tokenError, withoutTokens } from './tokenRoutes.ts';
import type { World } from './world.ts';

/** How to start a sandbox. */
export interface SandboxOptions {
  /** 0 takes any free port. Default 3979. */
  port?: number;
  host?: '127.0.0.1';
  /** Where the bot listens, for example `http://127.0.0.1:3978/api/messages`; may be set later. */
  botUrl?: string;
  botId?: string;
  tenantId?: string;
  /** How long a just invited guest stays invisible to the directory, in ms. Default 0. */
  directoryDelayMs?: number;
  /** Whether activities carry a signed token. Default true. */
  signed?: boolean;
  /** False prints one line per Graph and connector call. Default true. */
  quiet?: boolean;
}

/** A running sandbox. */
export interface Sandbox {
  /** Address without a slash at its end. */
  readonly url: string;
  readonly port: number;
  botUrl: string | null;
  readonly botId: string;
  readonly tenantId: string;
  /** Its live memory: users, groups, conversations, messages, mails. */
  readonly world: World;
  /** The connector's address as activities carry it. */
  readonly serviceUrl: string;
  readonly publicJwk: ChannelKeys['publicJwk'];
  readonly publicPem: string;
  sign(claims?: Record<string, unknown>, options?: SignOptions): Promise<string>;
  forge(kind: Forgery): Promise<string>;
  /** A token as the calling service signs its callbacks. */
  signCall(claims?: Record<string, unknown>, options?: SignOptions): Promise<string>;
  forgeCall(kind: CallForgery): Promise<string>;
  /** A token as Entra gives it to an app that may invite guests through the bot. */
  signApp(claims?: Record<string, unknown>, options?: SignOptions): Promise<string>;
  forgeApp(kind: AppForgery): Promise<string>;
  /** The headers with which Partner Center posts this event. */
  signReferralEvent(body: string, options?: EventSignOptions): Promise<Record<string, string>>;
  forgeReferralEvent(kind: ReferralForgery, body: string): Promise<Record<string, string>>;
  /** Back to the first morning. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a sandbox. Rejects with node's error when the port is taken. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const botId = options.botId ?? defaultBotId;
  const world = seedWorld(options.tenantId ?? defaultTenantId);
  const directoryDelayMs = options.directoryDelayMs ?? 0;
  world.settings.directoryDelayMs = directoryDelayMs;
  const keys = await createChannelKeys(botId, () => room.serviceUrl);
  const callsKeys = await createCallsKeys(botId, {
    issuer: () => world.settings.callsIssuer,
    tenantId: () => world.tenantId,
    signAsChannel: keys.sign,
  });
  const entra = await createEntra({ tenantId: world.tenantId, botId, url: () => room.url });
  const room: Room = {
    world,
    calls: new Calls(),
    faults: new Faults(),
    happenings: new Happenings(),
    keys,
    callsKeys,
    entra,
    certificates: createCertificates(() => room.url),
    telephony: new Telephony(),
    botId,
    botUrl: options.botUrl ?? null,
    signed: options.signed ?? true,
    directoryDelayMs,
    url: '',
    serviceUrl: '',
  };
  const answer = createAnswerer(room, options.quiet ?? true);
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else send(response, { status: 500, body: { error: String(error) } });
    });
  });
  // Longer than a client keeps an idle connection (undici: what we say less 1 s): with Node's 5 s, a busy machine sends
  // into a connection that is just being closed, and the call is lost.
  server.keepAliveTimeout = 65_000;
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 3979, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  room.url = `http://${host}:${port}`;
  room.serviceUrl = `${room.url}/connector/`;

  return {
    url: room.url,
    port,
    get botUrl() {
      return room.botUrl;
    },
    set botUrl(value) {
      room.botUrl = value;
    },
    botId,
    tenantId: world.tenantId,
    world,
    serviceUrl: room.serviceUrl,
    publicJwk: keys.publicJwk,
    publicPem: keys.publicPem,
    sign: keys.sign,
    forge: keys.forge,
    signCall: callsKeys.sign,
    forgeCall: callsKeys.forge,
    signApp: entra.sign,
    forgeApp: entra.forge,
    signReferralEvent: room.certificates.sign,
    forgeReferralEvent: room.certificates.forge,
    reset: () => reset(room),
    close: () =>
      new Promise((resolve) => {
        room.telephony.clear();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** How each remote writes an error that a fault makes. */
const errors: Record<Remote, (exchange: Exchange, ...said: Parameters<ErrorAnswer>) => Answer> = {
  graph: (exchange, status, code, message) => graphError(exchange, status, code, message),
  connector: (_exchange, status, code, message) => connectorError(status, code, message),
  partner: (exchange, status, code, message, target) =>
    partnerError(exchange, status, code, message, { code, message, ...(target ? { target } : {}) }),
  tokens: (_exchange, status, code, message) => tokenError(status, code, message),
  gt365: (exchange, status, code, message, _target, shape) => gt365Error(exchange, status, code, message, shape),
};

type Answerer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

function createAnswerer(room: Room, quiet: boolean): Answerer {
  const { entra } = room;
  const answers = {
    graph: createGraph(room),
    connector: createConnector(room),
    partner: createPartner(room),
    tokens: createTokens(room),
    gt365: createGt365(room),
  };
  const control = createControl(room);

  async function callRemote(remote: Remote, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now();
    const at = new Date().toISOString();
    const exchange = await readExchange(request, `/${remote}`);
    const fault = room.faults.take(remote, exchange);
    if (fault) room.happenings.tell('faults', { faults: room.faults.list() });
    const instead = answerInstead(fault, (...said) => errors[remote](exchange, ...said));
    const work = instead ?? ((await keepBack(fault, response)) ? await answers[remote](exchange) : 'drop');
    if (room.world.settings.latencyMs > 0) await pause(room.world.settings.latencyMs);
    let status = 0;
    if (work === 'drop') response.destroy();
    else status = await sendThrough(fault, response, work);
    const call = room.calls.add({
      remote,
      method: exchange.method,
      path: exchange.path,
      query: Object.fromEntries(exchange.query),
      body: withoutTokens(remote, exchange.body),
      status,
      answer: work === 'drop' || Buffer.isBuffer(work.body) ? null : withoutTokens(remote, work.body ?? null),
      fault: fault?.kind ?? null,
      at,
      ms: Math.round(performance.now() - startedAt),
    });
    room.happenings.tell('call', call);
    if (!quiet) process.stdout.write(`${remote} ${call.method} ${call.path} ${call.status} ${call.ms} ms\n`);
  }

  function stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write('event: hello\ndata: {}\n\n');
    const stop = room.happenings.listen(({ type, data }) => {
      response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
    });
    response.on('close', stop);
  }

  async function login(exchange: Exchange): Promise<Answer> {
    const path = exchange.path.toLowerCase();
    if (path === '/v1/.well-known/openidconfiguration') {
      return { status: 200, body: openIdMetadata(`${room.url}/login/v1/keys`) };
    }
    if (path === '/v1/keys') return { status: 200, body: room.keys.jwks() };
    if (path === '/calls/v1/.well-known/openidconfiguration') {
      return { status: 200, body: openIdMetadata(`${room.url}/login/calls/v1/keys`) };
    }
    if (path === '/calls/v1/keys') return { status: 200, body: room.callsKeys.jwks() };
    return (await entra.answer(exchange)) ?? { status: 404, body: { error: 'not found' } };
  }

  function file(exchange: Exchange): Answer {
    const found = room.world.files.find((one) => one.id === exchange.segments[0]);
    if (!found) return { status: 404, body: { error: 'no such file' } };
    return { status: 200, body: found.content, headers: { 'content-type': 'application/octet-stream' } };
  }

  async function certificate(name: string): Promise<Answer> {
    const body = await room.certificates.file(name);
    if (body === undefined) return { status: 404, body: { error: 'no such certificate' } };
    return { status: 200, body, headers: { 'content-type': 'application/pkix-cert' } };
  }

  return async (request, response) => {
    // A page of another origin must not drive the sandbox by a name that resolves to loopback.
    const hostname = (request.headers.host ?? '').replace(/:\d+$/, '');
    const { origin } = request.headers;
    if (!isLoopback(hostname) || (origin !== undefined && origin !== `http://${request.headers.host}`)) {
      return send(response, { status: 403, body: { error: 'this address answers only to loopback' } });
    }
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const first = path.split('/')[1] ?? '';
    const remote = remotes.find((one) => one === first);
    if (remote) return callRemote(remote, request, response);
    if (first === 'login') return send(response, await login(await readExchange(request, '/login')));
    if (first === 'certificates') return send(response, await certificate(path.slice('/certificates/'.length)));
    if (first === 'files' && request.method === 'PUT') {
      return send(response, await upload(room, path.split('/')[2] ?? '', request));
    }
    if (first === 'files') return send(response, file(await readExchange(request, '/files')));
    if (first !== 'control') {
      const answered = request.method === 'GET' || request.method === 'HEAD' ? await pageFile(path) : undefined;
      return send(response, answered ?? { status: 404, body: 'Not found', headers: { 'content-type': 'text/plain' } });
    }
    if (request.method === 'GET' && path === '/control/events') return stream(response);
    const exchange = await readExchange(request, '');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const answered = await control(exchange, gone.signal);
    if (!response.destroyed) send(response, answered);
  };
}
