/** Skips a test or a suite's tests and says why: what is skipped is printed at the end of the run, never silent. */
import type { Context } from 'mocha';

export function skip(context: Context, reason: string): never {
  const test = context.test ?? context.currentTest;
  if (test) Object.assign(test, { skipReason: reason });
  if (test?.parent) Object.assign(test.parent, { skipReason: reason });
  return context.skip() as never;
}
