/**
 * Sends calls to Microsoft Graph through its client, without the client's retries: it repeats POSTs on 503 and 504 by
 * itself (three POSTs to /invitations were seen for one), so its middleware chain is built without that link. The
 * runner alone repeats. A token goes out over https only.
 * Must not know what the calls are for.
 */
import type { Context } from '@microsoft/microsoft-graph-client';
import type { Call, Reply } from '../requests/capability.ts';
import type { Clock, Sending } from '../requests/ports.ts';
import { lineOf, noAnswer, noToken, readAnswer, wiredOf } from './answer.ts';
import { later } from './later.ts';
import { limitOf } from './limit.ts';
import type { Tokens } from './tokens.ts';

export interface GraphSettings {
  /** Base URL with version, e.g. `https://graph.microsoft.com/v1.0`. */
  readonly url: string;
  readonly timeoutMs: number;
  /** Null: no token is sent (sandbox). */
  readonly tokens: Tokens | null;
}

export interface Graph {
  /** Loads what sending needs, before the first call waits for it. */
  readonly warm: () => Promise<unknown>;
  readonly send: Send;
}

export type Send = (call: Call, about: Omit<Sending, 'place'>) => Promise<Reply>;

export function openGraph(settings: GraphSettings, clock: Clock): Graph {
  const url = new URL(settings.url);
  const segments = url.pathname.split('/').filter(Boolean);
  const version = segments.pop() ?? 'v1.0';
  const baseUrl = [url.origin, ...segments, ''].join('/');
  const { tokens } = settings;
  const scope = `${url.origin}/.default`;
  let token = '';
  const open = later(async () => {
    const { AuthenticationHandler, Client, ResponseType } = await import('@microsoft/microsoft-graph-client');
    const authenticate = tokens && new AuthenticationHandler({ getAccessToken: async () => token });
    authenticate?.setNext({ execute: exchange });
    const client = Client.initWithMiddleware({
      middleware: authenticate ?? { execute: exchange },
      baseUrl,
      defaultVersion: version,
      customHosts: new Set([url.hostname]),
    });
    return { client, raw: ResponseType.RAW };
  });

  const send: Send = async (call, { requestId, signal }) => {
    try {
      // Asked for before anything is sent, so that it is known whose trouble it is.
      if (tokens && url.protocol === 'https:') token = await tokens(scope);
    } catch (cause) {
      return noToken(cause);
    }
    const limit = limitOf(settings.timeoutMs, signal);
    try {
      const { client, raw } = await open();
      const request = client
        .api(call.path)
        .responseType(raw)
        .header('client-request-id', requestId)
        .header('accept', 'application/json')
        .option('signal', limit.signal);
      const response: Response = await (call.method === 'GET'
        ? request.get()
        : call.method === 'DELETE'
          ? request.delete()
          : call.method === 'PATCH'
            ? request.patch(call.body)
            : call.method === 'PUT'
              ? request.put(call.body)
              : request.post(call.body));
      return readAnswer(await wiredOf(response), clock.now());
    } catch (cause) {
      return noAnswer(cause);
    } finally {
      limit.lift();
    }
  };
  return { warm: open, send };
}

/**
 * The last link of the chain. A redirect is not followed: it would repeat a POST, or take it to another host. The client
 * keeps only the message of an exception, so all that is known is put there.
 */
async function exchange(context: Context): Promise<void> {
  try {
    context.response = await fetch(context.request, { ...context.options, redirect: 'manual' });
  } catch (cause) {
    throw new Error(lineOf(cause));
  }
}
