/**
 * Stands in for all of Microsoft, as light as can be, so that the bots are what is measured: the channel's keys, the
 * connector and as much of Graph as an invitation needs. Answers at once, counts, and stops the time from Graph's
 * answer to the card. Each bot has a booth of its own below its name: `/<name>/connector`, `/<name>/graph`, `/<name>/login`.
 * Runs as a process of its own. Must not know which bots there are.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SANDBOX_TENANT_ID } from '../src/config/config.ts';
import { serveParent } from './child.ts';

interface Booth {
  /** Graph answers 429 with a long Retry-After: the bot may accept, not carry out. */
  closed: boolean;
  graphCalls: number;
  /** Posted messages, whatever they say. */
  posts: number;
  /** How often a card for this address was posted. */
  readonly receipts: Map<string, number>;
  /** How often this address was invited, and when Graph's last answer left. */
  readonly invited: Map<string, { times: number; at: number }>;
  /** Addresses whose card was updated after the answer. */
  readonly settled: Set<string>;
  /** Milliseconds from Graph's answer to the update, since last asked. */
  waits: number[];
  readonly waiting: Map<string, () => void>;
}

/** What the bench asks for in the end. */
export interface Count {
  readonly graphCalls: number;
  readonly posts: number;
  readonly receipts: number;
  readonly receiptsTwice: number;
  readonly invited: number;
  readonly invitedTwice: number;
  readonly settled: number;
}

const booths = new Map<string, Booth>();
let jwks: unknown = {};

function boothOf(name: string): Booth {
  let booth = booths.get(name);
  if (!booth) {
    booth = {
      closed: false,
      graphCalls: 0,
      posts: 0,
      receipts: new Map(),
      invited: new Map(),
      settled: new Set(),
      waits: [],
      waiting: new Map(),
    };
    booths.set(name, booth);
  }
  return booth;
}

const server = createServer((request, response) => {
  const [, name = '', part, ...rest] = (request.url ?? '').split('/');
  const booth = boothOf(name);
  if (part === 'connector') connector(booth, rest, request, response);
  else if (part === 'graph') graph(booth, request, response);
  else if (part === 'settled') awaitSettled(booth, rest[0] ?? '', response);
  else if (part === 'login') send(response, 200, rest.at(-1) === 'keys' ? jwks : metadata(name, request));
  else send(response, 404, {});
});
server.keepAliveTimeout = 120_000;

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function metadata(name: string, { headers }: IncomingMessage): unknown {
  return { issuer: 'https://api.botframework.com', jwks_uri: `http://${headers.host}/${name}/login/keys` };
}

function whenRead(request: IncomingMessage, then: (body: string) => void): void {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (piece) => {
    body += piece;
  });
  request.on('end', () => then(body));
}

/** The only address in a message about an invitation, wherever the card shows it. */
const ADDRESS = /guest-[\w.]+@partner\.example/;

let lastActivity = 0;

/** `v3/conversations/<id>/members/<id>`, `v3/conversations/<id>/activities[/<id>]`. */
function connector(booth: Booth, path: readonly string[], request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') {
    const id = decodeURIComponent(path[4] ?? '');
    const userPrincipalName = 'person@contoso.example';
    send(response, 200, { id, name: 'Person', tenantId: SANDBOX_TENANT_ID, userRole: 'user', userPrincipalName });
    return;
  }
  whenRead(request, (body) => {
    const address = ADDRESS.exec(body)?.[0];
    if (request.method === 'PUT') {
      if (address) update(booth, address);
      return send(response, 200, { id: path[4] });
    }
    // A turn that takes long shows first that somebody is typing.
    if (!body.includes('"type":"typing"')) booth.posts += 1;
    if (address) booth.receipts.set(address, (booth.receipts.get(address) ?? 0) + 1);
    lastActivity += 1;
    send(response, 201, { id: String(lastActivity) });
  });
}

function update(booth: Booth, address: string): void {
  const invited = booth.invited.get(address);
  if (!invited || booth.settled.has(address)) return;
  booth.waits.push(performance.now() - invited.at);
  booth.settled.add(address);
  booth.waiting.get(address)?.();
  booth.waiting.delete(address);
}

/** The person is not there; then the invitation succeeds; then they are. */
function graph(booth: Booth, request: IncomingMessage, response: ServerResponse): void {
  booth.graphCalls += 1;
  whenRead(request, (body) => {
    if (booth.closed) {
      const error = { code: 'TooManyRequests', message: 'Too many requests.' };
      return send(response, 429, { error }, { 'retry-after': '3600' });
    }
    const asked = decodeURIComponent(body === '' ? (request.url ?? '') : body);
    const address = ADDRESS.exec(asked)?.[0] ?? '';
    const before = booth.invited.get(address);
    if (request.method === 'GET') {
      const guest = { id: idOf(address), mail: address, userType: 'Guest', externalUserState: 'PendingAcceptance' };
      return send(response, 200, { value: before ? [guest] : [] });
    }
    const answer = {
      id: idOf(`invitation of ${address}`),
      inviteRedeemUrl: `https://login.microsoftonline.com/redeem?rd=${idOf(address)}`,
      invitedUserEmailAddress: address,
      invitedUserType: 'Guest',
      status: 'PendingAcceptance',
      invitedUser: { id: idOf(address) },
    };
    booth.invited.set(address, { times: (before?.times ?? 0) + 1, at: performance.now() });
    send(response, 201, answer);
  });
}

const idOf = (text: string): string => Buffer.from(text).toString('hex').padStart(32, '0').slice(-32);

/** Answers once the card of this invitation shows that it was sent. */
function awaitSettled(booth: Booth, address: string, response: ServerResponse): void {
  if (booth.settled.has(address)) send(response, 200, {});
  else booth.waiting.set(address, () => send(response, 200, {}));
}

const twice = (counts: Iterable<number>): number => [...counts].filter((times) => times > 1).length;

const doors = {
  /** Opens the port; answers the address, without a slash at its end. */
  open: (keys: unknown): Promise<string> => {
    jwks = keys;
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    });
  },
  closeGraph: (name: string): void => {
    boothOf(name).closed = true;
  },
  waits: (name: string): number[] => boothOf(name).waits.splice(0),
  count: (name: string): Count => {
    const { graphCalls, posts, receipts, invited, settled } = boothOf(name);
    return {
      graphCalls,
      posts,
      receipts: receipts.size,
      receiptsTwice: twice(receipts.values()),
      invited: invited.size,
      invitedTwice: twice([...invited.values()].map(({ times }) => times)),
      settled: settled.size,
    };
  },
};
export type StandInDoors = typeof doors;

serveParent(doors);
