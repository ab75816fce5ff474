/**
 * Who may ask for what only admins may, and where: whoever the settings name, alone with Usher unless others are to see it.
 * Pure; must not know what is asked for.
 */
import { type Problem, problem } from '../requests/problem.ts';
import type { Person, Place } from '../requests/request.ts';

export interface AdminSettings {
  /** Entra object ids of those who may set Usher up. */
  readonly admins: ReadonlySet<string>;
}

/** Why a person may not ask for it at a place, or null: the `denies` of a capability that is for admins. */
export const adminsOnly =
  ({ admins }: AdminSettings, isAnywhere = false) =>
  (who: Person, where: Place): Problem | null => {
    if (!admins.has(who.id)) return problem('denied', 'problem.adminsOnly');
    return isAnywhere || where.kind === 'personal' ? null : problem('denied', 'problem.aloneOnly');
  };
