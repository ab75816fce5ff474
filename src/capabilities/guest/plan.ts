/**
 * An invitation as the policy judges it, and as an approver is shown it: every call that would change something. The
 * guest's id, which only the invitation will tell, has a placeholder. Pure; must not know the policy.
 */
import type { Answer, Call, Facts } from '../../requests/capability.ts';
import type { Case } from '../../requests/policy/judge.ts';
import { inviteCall, joinCall } from './calls.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome } from './outcome.ts';
import { teamFound } from './team.ts';

/** Who is asked for, for which team and until when. */
export function judgedGuest(input: GuestInput, answers: readonly Answer[]): Case | null {
  // Whoever was looked at again is removed as the policy says; nobody asked for that.
  if (answers.some(({ call }) => call.name === 'look')) return null;
  const { address, team, until, language } = input;
  const found = team && teamFound(input, answers);
  return {
    what: 'invite',
    address,
    until,
    ...(team ? { team: { name: found?.name ?? team.name, ...(found ? { id: found.id } : {}) } } : {}),
    ...(language ? { language } : {}),
  };
}

/** The invitation and the joining, whether or not the guest turns out to be here already: that only makes it less. */
export function planGuest(
  input: GuestInput,
  answers: readonly Answer[],
  facts: Facts<GuestOutcome>,
  graphUrl: string,
): readonly Call[] {
  const team = teamFound(input, answers);
  return [inviteCall(input, facts), ...(team ? [joinCall(team, '{guest}', graphUrl)] : [])];
}
