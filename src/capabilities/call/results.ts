/**
 * What Graph's calling service means by its refusals and results, in words. Pure. Microsoft publishes no list of
 * subcodes: those named here were seen in public reports, the rest goes by `code`, which is like an HTTP or SIP status.
 */
import type { CallResult } from '../../requests/callNotices.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import { type Say, say } from '../../requests/say.ts';

/** How ringing somebody ended. */
export type RingEnd = 'declined' | 'noAnswer' | 'failed';

/** An ended invitation as a fate, with why where that says more. */
export function ringEnd({ code, subcode, message = '' }: CallResult): { readonly at: RingEnd; readonly why?: Say } {
  if (/declin|reject/i.test(message) || code === 603 || code === 486) return { at: 'declined' };
  if (/timeout|no answer/i.test(message) || code === 408 || code === 480 || code === 487) return { at: 'noAnswer' };
  if (subcode === 8541) return { at: 'failed', why: say('call.why.unreachable') };
  if (code === 410) return { at: 'failed', why: say('call.why.media') };
  if (code === 403) return { at: 'failed', why: say('call.why.forbidden') };
  if (code >= 500) return { at: 'failed', why: say('call.why.service') };
  return { at: 'failed', why: say('call.why.refused') };
}

/** Why a call that was asked for did not come about, or is over. */
export function whyEnded(result: CallResult | undefined, was: 'joining' | 'starting' | 'in'): Say {
  if (was === 'in') return say('call.over.ended');
  if (was === 'starting' && result?.code !== 403) return say('call.over.unanswered');
  if (result && result.code === 403) return say('call.over.forbidden');
  return say('call.over.notLetIn');
}

/** Why Graph would not ring somebody at all. */
export function whyNotRung(why: Problem): Say {
  return why.kind === 'refused' || why.kind === 'clash' ? say('call.why.refused') : whyRefused(why).say;
}

/** A refused `POST /communications/calls` in words of this capability where they say more. */
export function whyRefused(why: Problem): Problem {
  if (why.reason === 'callsConsent' || why.reason === 'consentMissing' || why.reason === 'forbidden')
    return { ...why, ...problem('denied', 'call.refused.consent') };
  if (why.kind === 'gone') return { ...why, say: say('call.refused.gone') };
  return why;
}
