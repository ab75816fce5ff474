/**
 * One HTTP exchange as data: what came in, what goes out, and a small route table. Both stand-ins are functions from an
 * Exchange to an Answer, so that faults can be laid between the work and the wire. Must not know any route.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A read request. `path` is decoded and has no remote prefix; `bytes` is the size of the body on the wire. */
export interface Exchange {
  method: string;
  path: string;
  segments: string[];
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: unknown;
  /** False when a body was sent that is not JSON. */
  bodyIsJson: boolean;
  bytes: number;
}

/** What to send back. A string or Buffer body goes out as it is, anything else as JSON; undefined means no body. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Handles one route; `params` are the `:names` of its pattern, decoded. */
export type Handler = (exchange: Exchange, params: Record<string, string>) => Answer | Promise<Answer>;

const bodyLimit = 8 * 1024 * 1024;

const decode = (segment: string) => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** Reads a request to the end; `prefix` is cut off the path. Rejects when the body is over 8 MB. */
export async function readExchange(request: IncomingMessage, prefix: string): Promise<Exchange> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyLimit) throw new Error('body over 8 MB');
    chunks.push(chunk);
  }
  const [rawPath = '/', rawQuery = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const segments = rawPath.slice(prefix.length).split('/').filter(Boolean).map(decode);
  const text = Buffer.concat(chunks).toString('utf8');
  let body: unknown;
  let bodyIsJson = true;
  if (text !== '') {
    try {
      body = JSON.parse(text);
    } catch {
      body = text;
      bodyIsJson = false;
    }
  }
  return {
    method: request.method ?? 'GET',
    path: `/${segments.join('/')}`,
    segments,
    query: new URLSearchParams(rawQuery),
    headers: request.headers,
    body,
    bodyIsJson,
    bytes,
  };
}

/** The bytes and the headers of an answer. */
export function wire(answer: Answer): { body: Buffer; headers: Record<string, string> } {
  const { body, headers = {} } = answer;
  if (body === undefined) return { body: Buffer.alloc(0), headers };
  if (Buffer.isBuffer(body)) return { body, headers };
  if (typeof body === 'string') return { body: Buffer.from(body), headers };
  return {
    body: Buffer.from(JSON.stringify(body)),
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  };
}

/** Sends an answer and ends the response. */
export function send(response: ServerResponse, answer: Answer): void {
  const { body, headers } = wire(answer);
  response.writeHead(answer.status, { ...headers, 'content-length': String(body.length) });
  response.end(body);
}

/** A route table: `'POST /groups/:id/members/$ref'` to handler. The first fitting entry answers. */
export function routes(table: Record<string, Handler>): (exchange: Exchange) => Answer | Promise<Answer> | undefined {
  const entries = Object.entries(table).map(([pattern, handler]) => {
    const [method = '', path = ''] = pattern.split(' ');
    return { method, parts: path.split('/').filter(Boolean), handler };
  });
  return (exchange) => {
    for (const { method, parts, handler } of entries) {
      if (method !== exchange.method || parts.length !== exchange.segments.length) continue;
      const params: Record<string, string> = {};
      const fits = parts.every((part, index) => {
        const segment = exchange.segments[index] ?? '';
        if (!part.startsWith(':')) return part.toLowerCase() === segment.toLowerCase();
        params[part.slice(1)] = segment;
        return true;
      });
      if (fits) return handler(exchange, params);
    }
    return undefined;
  };
}

/** A JSON object, or undefined for anything else. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
