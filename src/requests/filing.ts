/**
 * A request that another one files by itself, as a draft: on behalf of whoever asked for that one, and where.
 * Must not know why it is filed.
 */
import type { AnyCapability, Filing } from './capability.ts';
import { newId } from './ids.ts';
import type { Draft } from './ports.ts';
import type { Request } from './request.ts';

export function draftOf(
  { requester, place }: Request,
  { shown, ...filing }: Filing,
  capabilities: ReadonlyMap<string, AnyCapability>,
): Draft {
  const remote = capabilities.get(filing.capability)?.remote;
  const draft: Draft = { ...filing, id: newId(), requester, place, activityId: null };
  return { ...draft, ...(shown ? {} : { silent: true as const }), ...(remote ? { remote } : {}) };
}
