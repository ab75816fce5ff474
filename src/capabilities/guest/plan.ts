/**
 * An invitation as the policy judges it, and as an approver is shown it: every call that would change something. The
 * guest's id, which only the invitation will tell, has a placeholder. Pure; must not know the policy.
 */
import { TOLD_LATER } from '../../requests/approval.ts';
import type { Answer, Call, Facts } from '../../requests/capability.ts';
import type { Case } from '../../requests/policy/judge.ts';
import { joinCall } from './calls.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome } from './outcome.ts';
import type { GuestProvider } from './provider.ts';
import { teamFound } from './team.ts';

/** Who is asked for, for which team and until when. That a guest is removed in the end is the policy's own will. */
export function judgedGuest(input: GuestInput, answers: readonly Answer[], call?: Call): Case | null {
  if (call?.method === 'DELETE') return null;
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
  provider: GuestProvider,
): readonly Call[] {
  const team = teamFound(input, answers);
  const heard = (name: string) => answers.findLast((answer) => answer.call.name === name)?.reply ?? undefined;
  return [provider.inviteCall(input, facts, heard), ...(team ? [joinCall(team, TOLD_LATER, graphUrl)] : [])];
}
