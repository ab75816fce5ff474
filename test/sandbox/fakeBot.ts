/**
 * A bot small enough to read at a glance, for the sandbox's own tests: it keeps what it was sent and answers what the
 * test tells it to.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// biome-ignore lint/suspicious/noExplicitAny: JSON from the wire, which the assertions themselves check.
export type Loose = any;

export interface Received {
  activity: Loose;
  authorization: string | undefined;
}
type Reply = { status: number; body?: unknown } | 'hang';

export interface FakeBot {
  url: string;
  received: Received[];
  /** Called for each activity; undefined answers 200 with nothing. */
  onActivity: (activity: Loose) => Reply | undefined | Promise<Reply | undefined>;
  close(): Promise<void>;
}

export async function startFakeBot(): Promise<FakeBot> {
  const bot: FakeBot = { url: '', received: [], onActivity: () => undefined, close: async () => {} };
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const activity = JSON.parse(text);
    bot.received.push({ activity, authorization: request.headers.authorization });
    const reply = (await bot.onActivity(activity)) ?? { status: 200 };
    if (reply === 'hang') return;
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bot.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/messages`;
  bot.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return bot;
}

export interface Reached {
  status: number;
  headers: Headers;
  body: Loose;
}

/** Calls the sandbox with JSON in and JSON out. */
export async function call(
  url: string,
  method = 'GET',
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reached> {
  const sent = body === undefined && method !== 'POST' ? {} : { body: JSON.stringify(body ?? {}) };
  const response = await fetch(url, {
    method,
    headers: { ...('body' in sent ? { 'content-type': 'application/json' } : {}), ...headers },
    ...sent,
  });
  const text = await response.text();
  let read: unknown = text;
  try {
    read = text === '' ? null : JSON.parse(text);
  } catch {
    // Stays text.
  }
  return { status: response.status, headers: response.headers, body: read };
}
