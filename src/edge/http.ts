/**
 * The HTTP edge: every door, who may come in, and how big what they bring may be. Nothing it answers carries a stack, a
 * key or a message of the inside. Must not know commands, requests or SQL.
 */
import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import restify, { type Request, type Response, type Server } from 'restify';
import { isLoopback } from '../config/config.ts';
import type { VerifyChannelToken } from '../remotes/channelTokens.ts';
import { Envelope, tenantOf } from '../teams/activity.ts';
import type { TurnAnswer } from '../teams/adapter.ts';
import { type CallDoorParts, takeCallback } from './callDoor.ts';
import { bearerOf, checkType, Refusal, readJson, unauthorized } from './guards.ts';
import { INVITE_PATH, type InviteDoorParts, takeInvitation, tellInvitation } from './inviteDoor.ts';
import { type ReferralDoorParts, takeReferral } from './referralDoor.ts';

export interface EdgeSettings {
  readonly mode: 'sandbox' | 'live';
  readonly allowedTenants: ReadonlySet<string>;
  /** Hosts (with the port, if not 443) an activity may name as its serviceUrl in live mode; else any loopback address. */
  readonly serviceUrlHosts: readonly string[];
}

export interface EdgeParts extends CallDoorParts, ReferralDoorParts {
  readonly settings: EdgeSettings;
  readonly verify: VerifyChannelToken;
  readonly receive: (activity: Envelope) => Promise<TurnAnswer>;
  readonly invites: InviteDoorParts;
  /** Names of what is not ready, none when all is. */
  readonly missing: () => Promise<readonly string[]>;
}

/** Turns (or callbacks) under way; more than this means that something behind us hangs. */
const MOST_IN_FLIGHT = 500;

export function openEdge(parts: EdgeParts): Server {
  const { log, missing, settings } = parts;
  const server = restify.createServer({ name: 'Usher', handleUncaughtExceptions: false } as restify.ServerOptions);

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
    (work: (req: Request) => Promise<DoorAnswer>) =>
    async (req: Request, res: Response): Promise<void> => {
      try {
        const { status, body, headers = {} } = await work(req);
        for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
        if (body === undefined) res.send(status);
        else res.json(status, body);
      } catch (cause) {
        if (!(cause instanceof Refusal)) log.error('http.bug', { path: req.path(), cause });
        const { status, code, message, retryAfterS } =
          cause instanceof Refusal ? cause : new Refusal(500, 'InternalError', 'Something went wrong here.');
        if (status === 503 || status === 429) res.setHeader('Retry-After', String(retryAfterS));
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
  server.post('/api/messages', door(limited(async (req) => parts.receive(await admit(req, parts)))));
  server.post('/api/calls', door(limited((req) => takeCallback(req, parts))));
  server.post('/api/referrals', door(limited((req) => takeReferral(req, parts))));
  // The service whose address this door takes over does not mind letter case.
  for (const path of [INVITE_PATH, INVITE_PATH.toLowerCase()]) {
    server.post(path, door(limited((req) => takeInvitation(req, parts.invites))));
    server.get(
      `${path}/:id`,
      door((req) => tellInvitation(req, String(req.params.id), parts.invites)),
    );
  }
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

interface DoorAnswer extends TurnAnswer {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Takes so many at once and no more; each door counts its own. */
function limited(work: (req: Request) => Promise<DoorAnswer>): (req: Request) => Promise<DoorAnswer> {
  let inFlight = 0;
  return async (req) => {
    if (inFlight >= MOST_IN_FLIGHT) throw new Refusal(503, 'Busy', 'Too much at once; send it again later.');
    inFlight++;
    try {
      return await work(req);
    } finally {
      inFlight--;
    }
  };
}

/** Node's own server inside of restify's, which its types leave out. */
const httpOf = (server: Server): HttpServer => (server as unknown as { readonly server: HttpServer }).server;

/** Starts listening; the port (0: any) that it is. Rejects with the node error when the port is taken. */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const http = httpOf(server);
    // restify hands the listener's errors on; unheard, they would end the process.
    server.on('error', reject);
    http.listen(port, host, () => resolve((http.address() as AddressInfo).port));
  });
}

/** Stops taking, lets answers under way go out. */
export function closeEdge(server: Server): Promise<void> {
  const http = httpOf(server);
  return new Promise((resolve) => {
    http.close(() => resolve());
    http.closeIdleConnections();
  });
}

/** The guard before the SDK: form first, then who sent it, then whether their tenant may. */
async function admit(req: Request, parts: EdgeParts): Promise<Envelope> {
  const { settings, verify, audit, log } = parts;
  checkType(req);
  const envelope = Envelope.safeParse(await readJson(req));
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

  const header = bearerOf(req);
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

function fromLoopback(req: Request): boolean {
  const address = req.socket.remoteAddress ?? '';
  return /^(?:::ffff:)?127\./.test(address) || address === '::1';
}
