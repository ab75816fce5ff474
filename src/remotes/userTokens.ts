/**
 * Tokens in a person's name, from the Bot Framework's token service: it holds what they consented to, renews it, and asks
 * them to sign in (with a second factor, as their organisation demands). Nothing of it is ever kept here, and no password
 * is ever seen. Must not know what a token is for.
 * Shapes: Bot Framework token service, `api/usertoken` and `api/botsignin` (botframework-connector 4.23, tokenApi).
 */
import { type Problem, problem } from '../requests/problem.ts';
import { lineOf, noToken, readRetryAfter } from './answer.ts';
import { limitOf } from './limit.ts';
import type { Tokens } from './tokens.ts';

export interface UserTokenSettings {
  /** Base URL, e.g. `https://api.botframework.com`. */
  readonly url: string;
  /** Name of the bot's OAuth connection; null: nobody can sign in. */
  readonly connection: string | null;
  readonly botId: string;
  readonly timeoutMs: number;
  /** The bot's own tokens. Null: none is sent (sandbox). */
  readonly tokens: Tokens | null;
}

/** What asking for somebody's token gave. `none`: they have to sign in. */
export type Asked = { readonly token: string } | 'none' | { readonly problem: Problem };

/** Where somebody signs in, and what a client may exchange in silence (single sign-on). */
export interface SignInResource {
  readonly connectionName: string;
  readonly signInLink: string;
  readonly tokenExchangeResource?: unknown;
}

export interface UserTokens {
  /** The person's token; `code` finishes a sign-in they did in their browser. `userId` is the channel's (`29:…`). */
  get(userId: string, code?: string): Promise<Asked>;
  /** Trades the token a client got in silence for ours. */
  exchange(userId: string, token: string): Promise<Asked>;
  /** Where to sign in; `conversation` is the Bot Framework's reference to where it was asked. */
  resource(conversation: unknown): Promise<SignInResource | { readonly problem: Problem }>;
  /** Forgets what the person consented to. */
  signOut(userId: string): Promise<Problem | null>;
}

const CHANNEL = 'msteams';
/** Scope of the token service (Bot Framework docs, connector authentication). */
const SCOPE = 'https://api.botframework.com/.default';

type Answered = { readonly status: number; readonly body: Record<string, unknown> } | { readonly problem: Problem };

export function openUserTokens(settings: UserTokenSettings): UserTokens {
  const { url, connection, tokens, timeoutMs } = settings;
  const base = url.replace(/\/$/, '');

  async function send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    query: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<Answered> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (tokens && base.startsWith('https:')) {
      const token = await tokens(SCOPE).catch((cause) => noToken(cause));
      if (typeof token !== 'string') return { problem: token.problem };
      headers['authorization'] = `Bearer ${token}`;
    }
    const limit = limitOf(timeoutMs);
    try {
      const answer = await fetch(`${base}/${path}?${new URLSearchParams(query)}`, {
        method,
        headers,
        redirect: 'manual',
        signal: limit.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (answer.status === 429 || answer.status >= 500) {
        const retryAfterMs = readRetryAfter(answer.headers.get('retry-after'), Date.now());
        const more = {
          detail: `token service status ${answer.status}`,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        };
        return { problem: problem(answer.status === 429 ? 'busy' : 'down', 'problem.down', more) };
      }
      return { status: answer.status, body: objectOf(text) };
    } catch (cause) {
      return { problem: problem('down', 'problem.down', { detail: `token service: ${lineOf(cause)}` }) };
    } finally {
      limit.lift();
    }
  }

  const off = problem('refused', 'problem.noConnection', { reason: 'noConnection' });
  const about = (userId: string) => ({ userId, connectionName: connection ?? '', channelId: CHANNEL });

  /** 404: nobody has signed in; 400, 412: what was given in exchange does not do. */
  function asked(answered: Answered): Asked {
    if ('problem' in answered) return answered;
    const { status, body } = answered;
    if (status === 200 && typeof body['token'] === 'string' && body['token'] !== '') return { token: body['token'] };
    if (status === 200 || status === 400 || status === 404 || status === 412) return 'none';
    return { problem: problem('denied', 'problem.credentials', { detail: `token service status ${status}` }) };
  }

  return {
    async get(userId, code) {
      if (connection === null) return { problem: off };
      return asked(await send('GET', 'api/usertoken/GetToken', { ...about(userId), ...(code ? { code } : {}) }));
    },
    async exchange(userId, token) {
      if (connection === null) return { problem: off };
      return asked(await send('POST', 'api/usertoken/exchange', about(userId), { token }));
    },
    async resource(conversation) {
      if (connection === null) return { problem: off };
      const state = { ConnectionName: connection, Conversation: conversation, MsAppId: settings.botId };
      const answered = await send('GET', 'api/botsignin/GetSignInResource', {
        state: Buffer.from(JSON.stringify(state)).toString('base64'),
      });
      if ('problem' in answered) return answered;
      const { signInLink, tokenExchangeResource } = answered.body;
      if (typeof signInLink !== 'string')
        return { problem: problem('denied', 'problem.credentials', { detail: `sign-in link: ${answered.status}` }) };
      return { connectionName: connection, signInLink, ...(tokenExchangeResource ? { tokenExchangeResource } : {}) };
    },
    async signOut(userId) {
      if (connection === null) return off;
      const answered = await send('DELETE', 'api/usertoken/SignOut', about(userId));
      if ('problem' in answered) return answered.problem;
      // 404: there was nothing to forget.
      if (answered.status < 300 || answered.status === 404) return null;
      return problem('denied', 'problem.credentials', { detail: `token service status ${answered.status}` });
    },
  };
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
