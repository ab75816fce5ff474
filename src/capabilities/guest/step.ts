/**
 * The next step of a guest's request: first somebody is brought in, then their stay is followed to its end. A pure function
 * of input, answers and what was heard. Must not know HTTP, cards or the store.
 */
import type { Answer, Facts, Step } from '../../requests/capability.ts';
import { bringIn } from './bringIn.ts';
import { followUp } from './followUp.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome } from './outcome.ts';
import type { GuestProvider } from './provider.ts';
import { begun } from './stay.ts';

/** `graphUrl` is the base that goes into bodies which must name an object by its full address. */
export function stepGuest(
  input: GuestInput,
  answers: readonly Answer[],
  facts: Facts<GuestOutcome>,
  graphUrl: string,
  provider: GuestProvider,
): Step<GuestOutcome> {
  const { soFar } = facts;
  if (soFar?.stay) return followUp(input, { ...soFar, stay: soFar.stay }, answers, facts);
  const step = bringIn(input, answers, facts, graphUrl, provider);
  if (step.kind !== 'done') return step;
  const { outcome } = step;
  // A colleague stays anyway, and of a guest without a last day who has accepted there is nothing to hear.
  if (outcome.standing === 'member' || (outcome.standing === 'accepted' && !input.until)) return step;
  return followUp(input, begun(outcome, input, facts.now), answers, facts);
}
