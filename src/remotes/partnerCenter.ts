/**
 * Sends calls to Partner Center in the name of whoever asked: its referrals know persons, not apps. The token is fetched
 * anew for each call; whoever has none, or whose token no longer does, is asked to sign in and the request waits.
 * Must not know what the calls are for.
 */
import { randomUUID } from 'node:crypto';
import { isLoopback } from '../config/config.ts';
import type { Call, Reply } from '../requests/capability.ts';
import type { Clock, Sending } from '../requests/ports.ts';
import { problem, SIGN_IN, SIGN_IN_AGAIN } from '../requests/problem.ts';
import { noAnswer, wiredOf } from './answer.ts';
import { limitOf } from './limit.ts';
import { needsSignIn, readPartnerAnswer } from './partnerAnswer.ts';
import type { UserTokens } from './userTokens.ts';

export interface PartnerCenterSettings {
  /** Base URL with version, e.g. `https://api.partner.microsoft.com/v1.0`. */
  readonly url: string;
  /** The sandbox's own tokens may go to the sandbox over plain http; no other may. */
  readonly isSandbox: boolean;
  readonly timeoutMs: number;
}

export type SendPartner = (call: Call, about: Sending) => Promise<Reply>;

const signIn = (reason: string, detail: string): Reply => ({
  ok: false,
  problem: problem('denied', reason === SIGN_IN ? 'problem.signIn' : 'problem.signInAgain', { reason, detail }),
});

export function openPartnerCenter(settings: PartnerCenterSettings, userTokens: UserTokens, clock: Clock): SendPartner {
  const base = settings.url.replace(/\/$/, '');
  const isSafe = base.startsWith('https:') || (settings.isSandbox && isLoopback(base));

  return async (call, { place, signal }) => {
    if (!isSafe) throw new Error('Partner Center is spoken to over https only');
    const asked = await userTokens.get(place.userId);
    if (asked === 'none') return signIn(SIGN_IN, 'no token');
    if ('problem' in asked) return { ok: false, problem: asked.problem };
    const limit = limitOf(settings.timeoutMs, signal);
    try {
      const answer = await fetch(`${base}${call.path}`, {
        method: call.method,
        // A redirect could take the token, or the POST, elsewhere.
        redirect: 'manual',
        signal: limit.signal,
        headers: {
          authorization: `Bearer ${asked.token}`,
          accept: 'application/json',
          // New for every call (Partner Center docs, headers).
          'client-request-id': randomUUID(),
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(call.ifMatch === undefined ? {} : { 'if-match': call.ifMatch }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      });
      const wired = await wiredOf(answer);
      if (needsSignIn(wired, answer.headers.get('www-authenticate'))) {
        // The service keeps handing out the token that did not do: only without it a new sign-in is asked for. Who has
        // signed in anew meanwhile stays so.
        const latest = await userTokens.get(place.userId);
        if (latest !== 'none' && 'token' in latest && latest.token === asked.token)
          await userTokens.signOut(place.userId);
        return signIn(SIGN_IN_AGAIN, `status ${wired.status}`);
      }
      return readPartnerAnswer(wired, clock.now());
    } catch (cause) {
      return noAnswer(cause);
    } finally {
      limit.lift();
    }
  };
}
