/**
 * Sends calls to Governance Toolkit 365 (or to whatever speaks its InviteGuest at the same address, another Usher for
 * one) with a token of the customer's own app. That token is Graph's, as GT365 documents it: it goes out over https only,
 * and a redirect never takes it elsewhere. Must not know what the calls are for.
 */
import { isLoopback } from '../config/config.ts';
import type { Clock } from '../requests/ports.ts';
import { noAnswer, noToken, wiredOf } from './answer.ts';
import type { Send } from './graph.ts';
import { readGt365Answer } from './gt365Answer.ts';
import { limitOf } from './limit.ts';
import type { Tokens } from './tokens.ts';

export interface Gt365Settings {
  /** Without `/api/InviteGuest`. */
  readonly url: string;
  /** What the token is for, e.g. `https://graph.microsoft.com/.default`. */
  readonly scope: string;
  /** The sandbox's own tokens may go to loopback over plain http; no other may. */
  readonly isSandbox: boolean;
  readonly timeoutMs: number;
  readonly tokens: Tokens;
}

export function openGt365(settings: Gt365Settings, clock: Clock): Send {
  const { scope, timeoutMs, tokens } = settings;
  const base = settings.url.replace(/\/$/, '');
  const isSafe = base.startsWith('https:') || (settings.isSandbox && isLoopback(base));

  return async (call, { requestId, signal }) => {
    if (!isSafe) throw new Error('Governance Toolkit 365 is spoken to over https only');
    let token: string;
    try {
      token = await tokens(scope);
    } catch (cause) {
      return noToken(cause);
    }
    const limit = limitOf(timeoutMs, signal);
    try {
      const answer = await fetch(`${base}${call.path}`, {
        method: call.method,
        redirect: 'manual',
        signal: limit.signal,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          'client-request-id': requestId,
          // GT365 knows no such thing; another Usher does, and joins the first instead of inviting again.
          'idempotency-key': `${requestId}.${call.name}`,
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      return readGt365Answer(await wiredOf(answer), clock.now());
    } catch (cause) {
      return noAnswer(cause);
    } finally {
      limit.lift();
    }
  };
}
