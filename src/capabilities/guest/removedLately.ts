/**
 * How many guests somebody removes alone, besides the request at hand: what the policy limits per day, so that five and five
 * again are ten. Read from the requests in the store, so it is the same after a crash. Pure; must not know the limit.
 */
import type { Answer, Facts, Sought } from '../../requests/capability.ts';
import { ENDED, type Request } from '../../requests/request.ts';

/** The part of such a request that is read; of an erased one nothing is left. */
interface Removal {
  readonly input: { readonly addresses?: readonly string[]; readonly confirmed?: string };
  readonly outcome: { readonly removed?: readonly string[] } | null;
}

const DAY_MS = 24 * 3600_000;
/** Requests that are looked at. Whoever made more of them in a day has no more that they may do alone. */
const LOOKED_AT = 200;
/** Most guests of one request, and more than any policy lets one person remove. */
export const MOST_AT_ONCE = 20;
const MORE_THAN_ANY = 10_001;

/** Removals that the same person asked for. */
export const MY_REMOVALS: Sought = { capability: 'guestRemove', mine: true, ended: LOOKED_AT };

/**
 * Guests who were removed within the last day, or are being removed, without a second person. What was stopped, declined or
 * kept does not count, nor what is still to be confirmed or waits for somebody's approval.
 *
 * Of two that are confirmed at once each counts the other, whichever began first: each reads this after its own confirmation
 * was committed, so one of them at least sees both, and they cannot both pass. Both may have to be approved then. A request
 * that has begun to remove is not held up by one that is confirmed later: that one counts it. What remains: of one that
 * failed on the way because an answer was lost, the guest of that answer may be gone and is not counted.
 */
export function removedLately(answers: readonly Answer[], { beside, now }: Pick<Facts, 'beside' | 'now'>): number {
  if (answers.some(({ call, reply }) => call.method === 'DELETE' && reply?.ok)) return 0;
  const removals = beside.filter(({ capability }) => capability === 'guestRemove');
  const recent = removals.filter(({ state, updatedAt }) => !ENDED.has(state) || updatedAt > now - DAY_MS);
  if (recent.length >= LOOKED_AT) return MORE_THAN_ANY;
  return recent.reduce((sum, one) => sum + alone(one), 0);
}

function alone({ state, approval, erasedAt, ...request }: Request): number {
  const { input, outcome } = request as Pick<Request, 'input' | 'outcome'> & Removal;
  if (erasedAt !== null) return MOST_AT_ONCE;
  if (approval?.asked?.decision || state === 'awaiting approval') return 0;
  if (ENDED.has(state)) return outcome?.removed?.length ?? 0;
  return input.confirmed === 'remove' ? (input.addresses?.length ?? 0) : 0;
}
