/**
 * What `POST /api/InviteGuest` answers, given how the request stands: as Governance Toolkit 365 does (201, or 400 and 500
 * with a `message`), and honestly where it has no word for it (202 while it is under way or waits for an approval, 403
 * where the policy refuses). Pure. Must not know how requests are carried out.
 */
import { PROBLEM_KINDS, type ProblemKind } from '../requests/problem.ts';
import { ENDED, type Request } from '../requests/request.ts';
import type { Say } from '../requests/say.ts';

/** What the guest capability tells of an invitation that stands. */
export interface ToldInvitation {
  readonly status: 'PendingAcceptance' | 'Completed' | 'member' | 'removed';
  /** A secret. */
  readonly redeemUrl?: string;
  readonly mailed: boolean;
  readonly isNew: boolean;
}

/** How a request stands. */
export interface Told {
  readonly address: string;
  /** Null: nothing is known yet, or nothing came of it. */
  readonly invitation: ToldInvitation | null;
  readonly sentence: Say;
}

export interface DoorAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whether there is anything to be said that will not change within seconds. */
export function isTold({ state, outcome, question }: Request): boolean {
  return outcome !== null || question !== null || state === 'awaiting approval' || ENDED.has(state);
}

/**
 * 400: whoever called has to change something, as GT365 says it; 403: the policy, or a permission; 500: everything that may
 * pass, or is ours. GT365's callers know no other, and flows repeat a 500 by themselves.
 */
const STATUS: Readonly<Record<ProblemKind, 400 | 403 | 500>> = {
  input: 400,
  denied: 403,
  gone: 400,
  clash: 400,
  refused: 400,
  busy: 500,
  down: 500,
  unsure: 500,
  bug: 500,
};

/** How long whoever has to wait for people, or for us, is asked to wait before asking again, in seconds. */
const ASK_AGAIN = { people: '60', us: '5' } as const;

/** What an answer needs besides the request. */
export interface Answering {
  /** The status when it stands: 201 for who asked, 200 for who asks again. */
  readonly made: 200 | 201;
  /** Where to ask again. */
  readonly later: string;
  readonly spoken: (sentence: Say) => string;
}

export function answerOf(request: Request, told: Told, { made, later, spoken }: Answering): DoorAnswer {
  const { id, state, problem } = request;
  const { address, invitation } = told;
  const sentence = spoken(told.sentence);
  const { status, redeemUrl = '', mailed = false, isNew = false } = invitation ?? {};
  if (status === 'member' || status === 'removed') return { status: 400, body: { message: sentence } };
  const body = {
    id,
    invitedUserEmailAddress: address,
    inviteRedeemUrl: redeemUrl,
    status,
    sendInvitationMessage: mailed,
  };
  // What is not as asked is said; what is, needs no words.
  if (status)
    return {
      status: made,
      body: isNew && redeemUrl !== '' && state !== 'failed' ? body : { ...body, message: sentence },
    };
  if (state === 'declined') return { status: 403, body: { message: sentence } };
  if (ENDED.has(state)) return { status: problem ? STATUS[problem.kind] : 400, body: { message: sentence } };
  const isForPeople = state === 'awaiting approval' || request.question !== null;
  const waits = state === 'awaiting approval' ? 'AwaitingApproval' : isForPeople ? 'AwaitingAnswer' : 'InProgress';
  return {
    status: 202,
    body: { ...body, status: waits, message: sentence },
    headers: { Location: later, 'Retry-After': isForPeople ? ASK_AGAIN.people : ASK_AGAIN.us },
  };
}

/** Whether trying once more may help: then whoever repeats a call wants just that. */
export const mayRepeat = ({ state, problem }: Request): boolean =>
  state === 'failed' && problem !== null && PROBLEM_KINDS[problem.kind].repeat !== 'no';
