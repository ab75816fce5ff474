/**
 * Carries activities to the bot, as the channel does: one POST with a signed token, a limited wait for the answer. Must
 * not know what is in an activity, and talks to loopback only.
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

/** Posts an activity to the bot with the given Authorization header; null sends none. */
export async function deliver(
  room: Room,
  activity: unknown,
  options: { limitMs?: number; authorization?: string | null } = {},
): Promise<Delivery> {
  const startedAt = performance.now();
  const done = (part: Partial<Delivery>): Delivery => ({
    status: 0,
    body: null,
    timedOut: false,
    error: null,
    ...part,
    ms: Math.round(performance.now() - startedAt),
  });
  if (room.botUrl === null) return done({ error: 'no bot address is set' });
  const url = new URL(room.botUrl);
  if (url.protocol !== 'http:' || !isLoopback(url.hostname)) {
    return done({ error: `the bot must be on loopback over http, not at ${url.origin}` });
  }
  const authorization =
    options.authorization === undefined
      ? room.signed
        ? `Bearer ${await room.keys.sign()}`
        : null
      : options.authorization;
  const payload = Buffer.from(JSON.stringify(activity));
  return new Promise((resolve) => {
    const sent = request(url, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': payload.length,
        'user-agent': 'Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)',
        ...(authorization === null ? {} : { authorization }),
      },
    });
    const timer = setTimeout(() => {
      resolve(done({ timedOut: true, error: 'no answer in time' }));
      sent.destroy();
    }, options.limitMs ?? messageLimitMs);
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
        let body: unknown = text === '' ? null : text;
        try {
          if (text !== '') body = JSON.parse(text);
        } catch {
          // Not JSON: the caller sees the text.
        }
        finish({ status: response.statusCode ?? 0, body });
      });
    });
    sent.end(payload);
  });
}
