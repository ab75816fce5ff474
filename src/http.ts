/**
 * The HTTP edge: every door, who may come in, and how big what they bring may be. Nothing it answers carries a stack, a
 * key or a message of the inside. Must not know commands, requests or SQL.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import restify, { type Request, type Response, type Server } from 'restify';
import { isLoopback } from './config.ts';
import type { VerifyChannelToken } from './remotes/channelTokens.ts';
import type { AuditLine, Log } from './requests/ports.ts';
import { Envelope, tenantOf } from './teams/activity.ts';
import type { TurnAnswer } from './teams/adapter.ts';

export interface EdgeSettings {
  readonly mode: 'sandbox' | 'live';
  readonly allowedTenants: ReadonlySet<string>;
  /** Hosts (with the port, if not 443) an activity may name as its serviceUrl in live mode; else any loopback address. */
  readonly serviceUrlHosts: readonly string[];
}

export interface EdgeParts {
  readonly settings: EdgeSettings;
  readonly verify: VerifyChannelToken;
  readonly receive: (activity: Envelope) => Promise<TurnAnswer>;
  readonly audit: (line: AuditLine) => Promise<void>;
  /** Names of what is not ready, none when all is. */
  readonly missing: () => Promise<readonly string[]>;
  readonly log: Log;
}

/** An activity with a few cards is some 50 KB; Teams itself limits messages to about 100 KB. */
const MOST_BODY_BYTES = 512 * 1024;
/** Turns under way; more than this means that something behind us hangs. */
const MOST_IN_FLIGHT = 500;

/** A refusal: status, a stable code, and a sentence for the developer on the other side. */
class Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;

  constructor(status: number, code: string, message: string) {
    this.status = status;
    this.code = code;
    this.message = message;
  }
}

export function openEdge(parts: EdgeParts): Server {
  const { log, missing, settings } = parts;
  const server = restify.createServer({ name: 'Usher', handleUncaughtExceptions: false } as restify.ServerOptions);
  let inFlight = 0;

  server.pre((req: Request, res: Response, next: restify.Next) => {
    const id = req.header('x-request-id');
    const requestId = id && /^[\w.-]{1,64}$/.test(id) ? id : randomUUID();
    res.setHeader('X-Request-Id', requestId);
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('X-Frame-Options', 'DENY');
    res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    res.setHeader('Referrer-Policy', 'no-referrer');
    res.setHeader('Cache-Control', 'no-store');
    if (settings.mode === 'live') res.setHeader('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
    next();
  });

  const door =
    (work: (req: Request) => Promise<TurnAnswer>) =>
    async (req: Request, res: Response): Promise<void> => {
      try {
        const { status, body } = await work(req);
        if (body === undefined) res.send(status);
        else res.json(status, body);
      } catch (cause) {
        if (!(cause instanceof Refusal)) log.error('http.bug', { path: req.path(), cause });
        const { status, code, message } =
          cause instanceof Refusal ? cause : new Refusal(500, 'InternalError', 'Something went wrong here.');
        if (status === 413 || status === 415) res.setHeader('Connection', 'close');
        res.json(status, { error: { code, message } });
      }
    };

  server.get(
    '/healthz',
    door(async () => ({ status: 200, body: { alive: true } })),
  );
  server.get(
    '/readyz',
    door(async () => {
      const lacks = await missing();
      return lacks.length === 0
        ? { status: 200, body: { ready: true } }
        : { status: 503, body: { ready: false, missing: lacks } };
    }),
  );
  server.post(
    '/api/messages',
    door(async (req) => {
      if (inFlight >= MOST_IN_FLIGHT)
        throw new Refusal(503, 'Busy', 'Too many activities at once; send it again later.');
      inFlight++;
      try {
        return await parts.receive(await admit(req, parts));
      } finally {
        inFlight--;
      }
    }),
  );
  server.on('restifyError', (_req: Request, res: Response, error: { statusCode?: number }, done: () => void) => {
    const status = error.statusCode ?? 500;
    res.json(status, {
      error: {
        code: status === 404 ? 'NotFound' : status === 405 ? 'MethodNotAllowed' : 'BadRequest',
        message: 'There is no such door here.',
      },
    });
    done();
  });
  return server;
}

/** Starts listening; the port (0: any) that it is. Rejects with the node error when the port is taken. */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { server: http } = server as unknown as { server: import('node:http').Server };
    // restify hands the listener's errors on; unheard, they would end the process.
    server.on('error', reject);
    http.listen(port, host, () => resolve((http.address() as AddressInfo).port));
  });
}

/** Stops taking, lets answers under way go out. */
export function closeEdge(server: Server): Promise<void> {
  const { server: http } = server as unknown as { server: import('node:http').Server };
  return new Promise((resolve) => {
    http.close(() => resolve());
    http.closeIdleConnections();
  });
}

/** The guard before the SDK: form first, then who sent it, then whether their tenant may. */
async function admit(req: Request, parts: EdgeParts): Promise<Envelope> {
  const { settings, verify, audit, log } = parts;
  if (!/^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i.test(req.header('content-type') ?? '')) {
    throw new Refusal(415, 'UnsupportedMediaType', 'Activities are application/json.');
  }
  const envelope = Envelope.safeParse(readJson(await readBody(req)));
  if (!envelope.success) {
    const [first] = envelope.error.issues;
    throw new Refusal(400, 'BadActivity', `The activity lacks a usable ${first?.path.join('.') || 'body'}.`);
  }
  const activity = envelope.data;
  const service = new URL(activity.serviceUrl);
  const known =
    settings.mode === 'sandbox'
      ? isLoopback(activity.serviceUrl)
      : service.protocol === 'https:' &&
        service.username + service.password === '' &&
        settings.serviceUrlHosts.includes(service.host);

  // Node keeps the first of several; which of them another reader on the way has judged is anybody's guess.
  const [header = '', ...others] = req.headersDistinct['authorization'] ?? [];
  if (others.length > 0) throw unauthorized();
  if (header !== '') {
    const verdict = await verify({ header, serviceUrl: activity.serviceUrl, channelId: activity.channelId });
    if (verdict === 'unavailable')
      throw new Refusal(503, 'KeysUnavailable', 'The channel’s keys cannot be read just now; send it again later.');
    if (verdict === 'refused') throw unauthorized();
  } else if (settings.mode === 'live' || !fromLoopback(req)) {
    throw unauthorized();
  }
  if (!known) throw new Refusal(403, 'ServiceUrlNotAllowed', 'This serviceUrl is not one of the channel’s.');
  const tenantId = tenantOf(activity);
  if (!settings.allowedTenants.has(tenantId)) {
    log.warn('tenant.refused', { tenantId });
    await audit({
      at: Date.now(),
      tenantId: tenantId.slice(0, 100),
      requestId: null,
      who: (activity.from.aadObjectId ?? activity.from.id).slice(0, 200),
      what: 'tenant refused',
    });
    throw new Refusal(403, 'TenantNotAllowed', 'This tenant may not use this bot.');
  }
  return activity;
}

const unauthorized = (): Refusal => new Refusal(401, 'Unauthorized', 'The request is not authenticated.');

function fromLoopback(req: Request): boolean {
  const address = req.socket.remoteAddress ?? '';
  return /^(?:::ffff:)?127\./.test(address) || address === '::1';
}

async function readBody(req: Request): Promise<string> {
  const tooLarge = (): Refusal => new Refusal(413, 'TooLarge', `A body may have ${MOST_BODY_BYTES} bytes at most.`);
  if (Number(req.header('content-length') ?? 0) > MOST_BODY_BYTES) throw tooLarge();
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of req as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MOST_BODY_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'BadJson', 'The body is not JSON.');
  }
}
