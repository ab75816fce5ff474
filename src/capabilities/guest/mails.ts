/**
 * The mails a guest got after their invitation: who sent the latest, so that the next one waits for as long as the policy
 * says. Each is kept with the request that sent it, whatever was asked for since. Pure; must not know calls or cards.
 */
import type { Sought } from '../../requests/capability.ts';
import type { Request } from '../../requests/request.ts';
import type { GuestRequest } from './known.ts';

/** What a request that sends a mail keeps of it. */
export interface Mailed {
  /** Entra object id of the guest, where it is known. */
  readonly userId?: string;
  /** When the mail was sent, epoch ms; null: none was. */
  readonly mailedAt: number | null;
}

const HOUR_MS = 3600_000;
/** More than anybody can have sent to one guest while they are to be left alone. */
const RESENDS = 20;
/** Those of all guests: they are told apart by account, whatever address each goes by now. */
const RESETS = 200;

/**
 * The requests that sent mails, to this guest among others, by standing, so that none that sent nothing hides them; and
 * those that may have.
 */
export const mailsTo = (address: string): readonly Sought[] => [
  { capability: 'guestResend', subject: address, standing: 'mailed', ended: RESENDS },
  { capability: 'guestResend', subject: address, ended: RESENDS },
  { capability: 'guestReset', standing: 'reset', ended: RESETS },
];

/** The latest mail that somebody asked for after the invitation, epoch ms; 0: none. `userId` is the guest's account. */
export function wishedMailAt(
  address: string,
  userId: string,
  beside: readonly Request[],
  requests: readonly GuestRequest[],
): number {
  const byRequest = beside.flatMap(({ capability, outcome, input, state, updatedAt }) => {
    const { mailedAt = null, userId: account } = (outcome ?? {}) as Partial<Mailed>;
    // Whose answer never came may have mailed them.
    if (capability === 'guestResend') return [state === 'unsure' ? updatedAt : (mailedAt ?? 0)];
    const isTheirs = account === userId || (input as { readonly to?: string }).to === address;
    return capability === 'guestReset' && isTheirs ? [mailedAt ?? 0] : [];
  });
  const known = requests.flatMap(({ outcome }) => {
    const { since = 0, mailedAt = null } = outcome?.stay ?? {};
    return mailedAt !== null && mailedAt > since ? [mailedAt] : [];
  });
  return Math.max(0, ...byRequest, ...known);
}

/** The latest mail of all, their invitation included, epoch ms; 0: none. */
export function lastMailAt(...about: Parameters<typeof wishedMailAt>): number {
  const [, , , requests] = about;
  return Math.max(wishedMailAt(...about), ...requests.map(({ outcome }) => outcome?.stay?.mailedAt ?? 0));
}

/** From when the next mail may go out, epoch ms. */
export const mayMailAt = (last: number, { resendCoolDownHours }: { readonly resendCoolDownHours: number }): number =>
  last + resendCoolDownHours * HOUR_MS;
