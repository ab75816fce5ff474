/**
 * Sends activities to the Bot Framework connector through one keep-alive client. The SDK's own client is not used for
 * this: it repeats POSTs on 500 and 502 (a doubled message) and holds the turn while it waits out a 429.
 * A token goes out over https only. Must not know cards or requests.
 */
import { type Problem, problem } from '../requests/problem.ts';
import { lineOf, noToken, readRetryAfter } from './answer.ts';
import { later } from './later.ts';
import type { Tokens } from './tokens.ts';

/** Scope of the connector (Bot Framework docs, connector authentication). */
const SCOPE = 'https://api.botframework.com/.default';

export interface ConnectorSettings {
  readonly timeoutMs: number;
  readonly tokens: Tokens | null;
}

export type Sent =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problem: Problem };

export interface Connector {
  /** Loads what sending needs, before the first message waits for it. */
  warm(): Promise<unknown>;
  /** One HTTP call below `serviceUrl` (which ends in a slash). `path` is encoded. */
  send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', serviceUrl: string, path: string, body?: unknown): Promise<Sent>;
  /** Ends calls under way as well: they fail as `down`. */
  close(): Promise<void>;
}

export function openConnector({ timeoutMs, tokens }: ConnectorSettings): Connector {
  let isClosed = false;
  let opened: { destroy(): Promise<void> } | null = null;
  const open = later(async () => {
    const { Agent, request } = await import('undici');
    const agent = new Agent({
      connections: 32,
      keepAliveTimeout: 30_000,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    opened = agent;
    return { agent, request };
  });
  return {
    warm: open,
    async send(method, serviceUrl, path, body) {
      try {
        const headers: Record<string, string> = { accept: 'application/json' };
        if (body !== undefined) headers['content-type'] = 'application/json; charset=utf-8';
        if (tokens && serviceUrl.startsWith('https:')) {
          const token = await tokens(SCOPE).catch((cause) => noToken(cause));
          // Whatever the reason: what could not be shown is shown later, when somebody has mended it.
          if (typeof token !== 'string') return { ok: false, problem: { ...token.problem, kind: 'down' } };
          headers['authorization'] = `Bearer ${token}`;
        }
        const { agent, request } = await open();
        if (isClosed) throw new Error('the connector is closed');
        const answer = await request(`${serviceUrl.replace(/\/$/, '')}/${path}`, {
          method,
          headers,
          dispatcher: agent,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await answer.body.text();
        if (answer.statusCode < 300) return { ok: true, body: readObject(text) };
        return { ok: false, problem: problemOf(answer.statusCode, answer.headers['retry-after']) };
      } catch (cause) {
        return { ok: false, problem: problem('down', 'problem.down', { detail: lineOf(cause) }) };
      }
    },
    async close() {
      isClosed = true;
      await opened?.destroy();
    },
  };
}

/** 412: the message was changed or deleted by somebody; 403: the bot is no longer in the conversation (Teams docs). */
function problemOf(status: number, retryAfter: string | string[] | undefined): Problem {
  const detail = `connector status ${status}`;
  const retryAfterMs = readRetryAfter(typeof retryAfter === 'string' ? retryAfter : null, Date.now());
  const later = { detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (status === 429) return problem('busy', 'problem.busy', later);
  // 401: the sign-in can be mended, and what was to be shown is then still wanted.
  if (status >= 500 || status === 401 || status === 408) return problem('down', 'problem.down', later);
  if (status === 413) return problem('bug', 'problem.bug', { detail });
  return problem('gone', 'problem.gone', { detail });
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
