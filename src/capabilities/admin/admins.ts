/**
 * Who may ask for what only admins may, and where: whoever the settings name, alone with Usher. Pure.
 * Must not know what is asked for.
 */
import type { Surroundings } from '../../requests/capability.ts';
import { type Problem, problem } from '../../requests/problem.ts';

export interface AdminSettings {
  /** Entra object ids of those who may. */
  readonly admins: ReadonlySet<string>;
}

/** Why this may not be asked for by this person at this place, or null. */
export function refusal({ requester, place }: Surroundings, { admins }: AdminSettings): Problem | null {
  if (!admins.has(requester.id)) return problem('denied', 'problem.adminsOnly');
  return place.kind === 'personal' ? null : problem('denied', 'problem.aloneOnly');
}
