/**
 * Sends calls to Microsoft Graph through its client, without the client's retries: it repeats POSTs on 503 and 504 by
 * itself (three POSTs to /invitations were seen for one), so its middleware chain is built without that link. The
 * runner alone repeats. A token goes out over https only.
 * Must not know what the calls are for.
 */
import { AuthenticationHandler, Client, HTTPMessageHandler, ResponseType } from '@microsoft/microsoft-graph-client';
import type { Call, Reply } from '../requests/capability.ts';
import type { Clock } from '../requests/ports.ts';
import { noAnswer, readAnswer } from './answer.ts';
import type { Tokens } from './tokens.ts';

export interface GraphSettings {
  /** Base URL with version, e.g. `https://graph.microsoft.com/v1.0`. */
  readonly url: string;
  readonly timeoutMs: number;
  /** Null: no token is sent (sandbox). */
  readonly tokens: Tokens | null;
}

export type Send = (call: Call, about: { readonly requestId: string; readonly signal: AbortSignal }) => Promise<Reply>;

export function openGraph(settings: GraphSettings, clock: Clock): Send {
  const url = new URL(settings.url);
  const [version = 'v1.0'] = url.pathname.split('/').filter(Boolean).slice(-1);
  const baseUrl = settings.url.slice(0, settings.url.lastIndexOf(version));
  const { tokens } = settings;
  const send = new HTTPMessageHandler();
  const authenticate = tokens && new AuthenticationHandler({ getAccessToken: () => tokens(`${url.origin}/.default`) });
  authenticate?.setNext(send);
  const client = Client.initWithMiddleware({
    middleware: authenticate ?? send,
    baseUrl,
    defaultVersion: version,
    customHosts: new Set([url.hostname]),
  });

  return async (call, { requestId, signal }) => {
    try {
      const request = client
        .api(call.path)
        .responseType(ResponseType.RAW)
        .header('client-request-id', requestId)
        .header('accept', 'application/json')
        .option('signal', AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]));
      const response: Response = await (call.method === 'GET'
        ? request.get()
        : call.method === 'DELETE'
          ? request.delete()
          : call.method === 'PATCH'
            ? request.patch(call.body)
            : request.post(call.body));
      const text = await response.text();
      const { headers, status } = response;
      return readAnswer(
        { status, text, retryAfter: headers.get('retry-after'), contentType: headers.get('content-type') },
        clock.now(),
      );
    } catch (cause) {
      return noAnswer(cause);
    }
  };
}
