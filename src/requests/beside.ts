/**
 * The requests a capability asked to see besides its own: who is at the same thing now, and who was last.
 * Must not know what is made of them.
 */
import type { AnyCapability } from './capability.ts';
import type { Store } from './ports.ts';
import { LIVE, type Request } from './request.ts';

/** Most of each kind that are under way; of those that have ended the newest are shown. */
const MOST = 20;

export async function besideOf(
  store: Store,
  capability: AnyCapability,
  { id, tenantId, input, requester }: Request,
): Promise<readonly Request[]> {
  if (!capability.beside) return [];
  const asked = await Promise.all(
    capability.beside(input).flatMap(({ ended = 1, mine, ...sought }) => {
      const wanted = { tenantId, ...sought, ...(mine ? { requesterId: requester.id } : {}) };
      return [
        store.list({ ...wanted, states: LIVE, limit: MOST }),
        // Itself may be the newest.
        store.list({ ...wanted, limit: ended + 1 }),
      ];
    }),
  );
  const found = new Map(asked.flat().map((one) => [one.id, one]));
  found.delete(id);
  return [...found.values()];
}
