/**
 * How a request that rests is called off: whether that still can be done, and what it does. The same for one request and for
 * the rows of a list that is stopped. Must not know who may do so, or any capability.
 */
import type { AuditLine, Change, Store } from './ports.ts';
import type { Request } from './request.ts';

/** Whether something may already have been changed outside: then it is too late to call it off. */
export async function isTouched(store: Pick<Store, 'answers'>, request: Request): Promise<boolean> {
  if (request.lost.length > 0 || request.outcome !== null) return true;
  const answers = await store.answers(request.id);
  return answers.some((answer) => answer.call.repeat !== 'safe' && (answer.reply === null || answer.reply.ok));
}

/** Nobody is asked any more, and those who were asked see that it is over. `at`: epoch ms. */
export const calledOff = (at: number, audit: readonly AuditLine[]): Change => ({
  at,
  state: 'cancelled',
  note: null,
  problem: null,
  question: null,
  hides: 'approvers',
  visible: true,
  audit,
});
