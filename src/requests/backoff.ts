/**
 * How long to wait before a step is tried again: decorrelated jitter, by cockatiel's maths.
 * Must not know what is tried.
 */
import { ExponentialBackoff, type IBackoff } from 'cockatiel';

/** The pause after the `attempts`-th failure in a row, between half of `retryBaseMs` and `retryMaxMs`, in ms. */
export function pauseMs(
  attempts: number,
  { retryBaseMs, retryMaxMs }: { readonly retryBaseMs: number; readonly retryMaxMs: number },
): number {
  let backoff: IBackoff<unknown> = new ExponentialBackoff({ initialDelay: retryBaseMs, maxDelay: retryMaxMs }).next();
  for (let i = 0; i < attempts; i++) backoff = backoff.next(null);
  return Math.max(backoff.duration, retryBaseMs / 2);
}
