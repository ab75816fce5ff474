/**
 * What an app that asked for a guest is told of the invitation, in Microsoft Graph's words for its status. Pure.
 * Must not know HTTP, or who is told.
 */
import type { AnyCapability } from '../../requests/capability.ts';
import type { Request } from '../../requests/request.ts';
import type { Say } from '../../requests/say.ts';
import { storyOf } from '../../requests/storyOf.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome } from './outcome.ts';

export interface GuestInvitation {
  /** `member`: they have an account of their own here, so nobody can invite them; `removed`: they were here. */
  readonly status: 'PendingAcceptance' | 'Completed' | 'member' | 'removed';
  /** A secret; not there when no invitation was made, or its answer was lost. */
  readonly redeemUrl?: string;
  readonly mailed: boolean;
  /** This request invited them; else they were here already. */
  readonly isNew: boolean;
}

/** How a request for a guest stands. */
export interface GuestTold {
  readonly address: string;
  /** Null: nothing is known yet, or nothing came of it. */
  readonly invitation: GuestInvitation | null;
  /** What its card says. */
  readonly sentence: Say;
}

export function toldOf(request: Request, guests: AnyCapability): GuestTold {
  const { input, outcome } = request as Request<GuestInput, GuestOutcome>;
  return {
    address: input.address,
    invitation: outcome && invitationOf(outcome),
    sentence: storyOf(request, guests).sentence,
  };
}

function invitationOf({ did, standing, mailed, redeemUrl }: GuestOutcome): GuestInvitation {
  return {
    status: standing === 'pending' ? 'PendingAcceptance' : standing === 'accepted' ? 'Completed' : standing,
    mailed,
    isNew: did === 'invited',
    ...(redeemUrl ? { redeemUrl } : {}),
  };
}
