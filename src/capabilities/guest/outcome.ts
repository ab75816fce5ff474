/**
 * What is known of a guest: how they were brought in, and how their stay goes since. One record per request, kept with it.
 * Must not know what is done next.
 */
import type { About } from '../../requests/proof/person.ts';
import type { Request } from '../../requests/request.ts';
import type { Say } from '../../requests/say.ts';
import type { GuestInput } from './input.ts';

/** How a guest stands in the directory. */
export type Standing = 'pending' | 'accepted' | 'member' | 'removed';

export interface GuestOutcome {
  /** What this request did: invited someone, or found them here already. */
  readonly did: 'invited' | 'found';
  readonly standing: Standing;
  /** Entra object id of the user (never the invitation's id); unknown only when a person said it arrived. */
  readonly userId?: string;
  readonly name?: string;
  readonly mailed: boolean;
  /** Since when the standing holds, ISO date-time. */
  readonly since?: string;
  readonly team?: { readonly name: string; readonly was: 'added' | 'already in' };
  /** A secret: the link that redeems the invitation. */
  readonly redeemUrl?: string;
  /** The answer was lost: the invitation was found afterwards, or a person said that it arrived. */
  readonly recovered?: 'found' | 'said';
  /** From when they are in, or on their way in; whoever has an account here anyway has none. */
  readonly stay?: Stay;
}

/** The stay of a guest, from the invitation to its end. Times in epoch ms. */
export interface Stay {
  /** When it began: they were invited, or found here. */
  readonly since: number;
  /** The latest mail that is known of. */
  readonly mailedAt: number | null;
  readonly acceptedAt?: number;
  /** ISO date (no time), the last day; none: no end. */
  readonly until?: string;
  readonly extendedAt?: number;
  /** Who is answerable, when it is not whoever asked any more. */
  readonly sponsor?: { readonly id: string; readonly name: string };
  /** The address they redeem with instead of the one that was asked for. */
  readonly address?: string;
  readonly resetAt?: number;
  /** How often the sponsor was reminded that nobody accepted, and when last. */
  readonly reminders: { readonly times: number; readonly at: number };
  /** How often the sponsor was asked about this last day, and when last. */
  readonly asked?: { readonly about: string; readonly times: number; readonly at: number };
  /** When the directory was last asked about them. */
  readonly lookedAt: number;
  /** Whether they are in any team or group; null: not known. */
  readonly isInTeam?: boolean | null;
  readonly removed?: Removal;
  /** What keeps them from being removed as the policy says. */
  readonly trouble?: Say;
}

export interface Removal {
  readonly at: number;
  /** By somebody here, outside of Usher, as never accepted, or because the last day is over. */
  readonly why: 'asked' | 'elsewhere' | 'never accepted' | 'ended';
  /** Who asked for it. */
  readonly by?: { readonly id: string; readonly name: string };
}

/** The address they redeem with. */
export const addressOf = (asked: string, outcome: GuestOutcome | null): string => outcome?.stay?.address ?? asked;

/** The guest a request is about: the address they were asked for by, and the one they redeem with since. */
export function aboutWhom({ input, outcome }: Request<GuestInput, GuestOutcome>): About {
  const { address, resetAt: at } = outcome?.stay ?? {};
  const ids = outcome?.userId === undefined ? [] : [outcome.userId];
  if (address === undefined || at === undefined) return { addresses: [input.address], ids };
  return { addresses: [input.address, address], ids, left: [{ address: input.address, at }] };
}
