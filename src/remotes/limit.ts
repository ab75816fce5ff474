/**
 * A limit for one call that ends it when its time is up or the bot stops. Must not know what is called.
 */
import { setMaxListeners } from 'node:events';

/**
 * Not made of AbortSignal.any and .timeout: on Node 20 the garbage collector takes the timeout of such a signal away, and
 * a silent service is waited for without end. `lift` lets go of the timer.
 */
export function limitOf(ms: number, stopping?: AbortSignal): { readonly signal: AbortSignal; lift(): void } {
  const limit = new AbortController();
  const stop = (): void => limit.abort(stopping?.reason);
  const timer = setTimeout(() => limit.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')), ms);
  if (stopping?.aborted) stop();
  // Everything under way listens to the one signal: node takes more than ten for a leak.
  if (stopping) setMaxListeners(0, stopping);
  stopping?.addEventListener('abort', stop);
  return {
    signal: limit.signal,
    lift() {
      clearTimeout(timer);
      stopping?.removeEventListener('abort', stop);
    },
  };
}
