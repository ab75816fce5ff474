/**
 * Carries what Microsoft sends to the bot: one POST with a signed token, a limited wait for the answer. Must not know what
 * is in it, and talks to loopback only.
 */
import { request } from 'node:http';
import type { Room } from './room.ts';

/** What the bot answered. `status` 0 means that it could not be reached or did not answer in time. */
export interface Delivery {
  status: number;
  body: unknown;
  /** From sending to the end of the answer. */
  ms: number;
  timedOut: boolean;
  error: string | null;
}

/** How long Teams waits for the answer to a message, in ms (reported: resent after 15 s). */
export const messageLimitMs = 15_000;
/** How long Teams waits for the answer to an invoke, in ms (reported: about 5 s). */
export const invokeLimitMs = 5_000;

/** Whether a host name, without port, is this machine's own. */
export function isLoopback(hostname: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]', '::1'].includes(hostname.toLowerCase());
}

/** What goes along with a POST. */
export interface PostOptions {
  limitMs: number;
  /** Null sends none. */
  authorization: string | null;
  userAgent: string;
  /** Beyond, or in place of, what every POST has. */
  headers?: Record<string, string>;
}

/** Posts JSON (a text goes as it is) to an address on loopback over http and waits for the answer. Never rejects. */
export async function postJson(address: string, body: unknown, options: PostOptions): Promise<Delivery> {
  const startedAt = performance.now();
  const done = (part: Partial<Delivery>): Delivery => ({
    status: 0,
    body: null,
    timedOut: false,
    error: null,
    ...part,
    ms: Math.round(performance.now() - startedAt),
  });
  const url = new URL(address);
  if (url.protocol !== 'http:' || !isLoopback(url.hostname)) {
    return done({ error: `the bot must be on loopback over http, not at ${url.origin}` });
  }
  const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return new Promise((resolve) => {
    const sent = request(url, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': payload.length,
        'user-agent': options.userAgent,
        ...(options.authorization === null ? {} : { authorization: options.authorization }),
        ...options.headers,
      },
    });
    const timer = setTimeout(() => {
      resolve(done({ timedOut: true, error: 'no answer in time' }));
      sent.destroy();
    }, options.limitMs);
    const finish = (part: Partial<Delivery>) => {
      clearTimeout(timer);
      resolve(done(part));
    };
    sent.on('error', (error) => finish({ error: error.message }));
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => finish({ error: error.message }));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        let read: unknown = text === '' ? null : text;
        try {
          if (text !== '') read = JSON.parse(text);
        } catch {
          // Not JSON: the caller sees the text.
        }
        finish({ status: response.statusCode ?? 0, body: read });
      });
    });
    sent.end(payload);
  });
}

/** Posts an activity to the bot with the given Authorization header; null sends none. */
export async function deliver(
  room: Room,
  activity: unknown,
  options: { limitMs?: number; authorization?: string | null } = {},
): Promise<Delivery> {
  if (room.botUrl === null) return { status: 0, body: null, ms: 0, timedOut: false, error: 'no bot address is set' };
  const authorization =
    options.authorization === undefined
      ? room.signed
        ? `Bearer ${await room.keys.sign()}`
        : null
      : options.authorization;
  return postJson(room.botUrl, activity, {
    limitMs: options.limitMs ?? messageLimitMs,
    authorization,
    userAgent: 'Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)',
  });
}
