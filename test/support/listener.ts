/**
 * A real local server that keeps what it was sent and answers what the test says. Must not know any service.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.ts';

export interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Listener {
  /** Without a slash at its end. */
  readonly url: string;
  readonly heard: Heard[];
  /** Answers each request; may leave it without an answer, or destroy it. */
  answer: (heard: Heard, response: ServerResponse) => void;
  close(): Promise<void>;
}

/** Listens on loopback; over TLS when given a certificate. */
export async function listenHere(certificate?: Certificate): Promise<Listener> {
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const { method = '', url = '', headers } = request;
    const heard = { method, url, headers, body: Buffer.concat(pieces).toString('utf8') };
    listener.heard.push(heard);
    listener.answer(heard, response);
  };
  const server = certificate
    ? createSecureServer({ cert: certificate.certificate, key: certificate.key }, take)
    : createServer(take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const listener: Listener = {
    url: certificate ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    heard: [],
    answer: (_heard, response) => response.end('{}'),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return listener;
}

/** Answers with JSON (or with text as it is). */
export function reply(
  response: ServerResponse,
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
}

/** Ways in which what keys are fetched from can fail. */
export const BROKEN: Readonly<Record<string, Listener['answer']>> = {
  'answers 500': (_heard, response) => reply(response, 500, {}),
  'answers a page': (_heard, response) => reply(response, 200, '<html></html>'),
  'answers something else': (_heard, response) => reply(response, 200, { hello: 'world' }),
  'hangs up': (_heard, response) => response.destroy(),
  'is silent': () => {},
};
