/**
 * A new deal, one step at a time: hold it back a little → the partner's own referral → for co-sell the one for Microsoft in
 * the same engagement → read what became of it. A pure function of what was answered; the first half is kept in the
 * outcome, so that the second is finished later and the first never made again.
 * Must not know HTTP, cards or the store.
 */
import type { Answer, Call, Facts, Step } from '../../requests/capability.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { invitedBody, isFor, MICROSOFT, ownBody, referenceOf } from './bodies.ts';
import { createCall, ofEngagement, pagesOf, readCall } from './calls.ts';
import { Deal, dealIn, Page } from './deal.ts';
import { inForm } from './faults.ts';
import type { NewDeal } from './newDeal.ts';

export interface CreateSettings {
  /** How long a new deal is held back so that it can be stopped, in ms. */
  readonly referralHoldMs: number;
  readonly referralNamesOrganization: boolean;
}

export interface CreateOutcome {
  /** What Partner Center says of it; of a co-sell deal at first only its own half. */
  readonly deal: Deal;
  /** The referral for Microsoft. */
  readonly second?: string;
  /** Found by looking after its answer was lost. */
  readonly recovered?: true;
}

export const CREATE_ANSWERS = { half: Deal, create: Deal, invite: Deal, look: Page, engagement: Page, readBack: Deal };

/** Clocks may differ; a deal made before we asked is another one. */
const SKEW_MS = 5 * 60_000;

export function stepCreate(
  input: NewDeal,
  answers: readonly Answer[],
  facts: Facts<CreateOutcome>,
  settings: CreateSettings,
): Step<CreateOutcome> {
  const heldUntil = facts.createdAt + settings.referralHoldMs;
  if (facts.now < heldUntil && answers.length === 0 && facts.soFar === null)
    return { kind: 'later', forMs: heldUntil - facts.now, note: say('referral.holding') };

  const first = firstOf(input, answers, facts);
  if ('step' in first) return first.step;
  const { deal, recovered } = first;
  const outcome: CreateOutcome = { deal, ...(recovered ? { recovered: true } : {}) };
  if (input.how !== 'coSell') return readBack(outcome, answers);

  const second = secondOf(input, deal, answers, facts, settings);
  if ('call' in second) return { kind: 'call', call: second.call, outcome };
  if ('problem' in second)
    // What there is stays; whoever tries again makes the second half only.
    return { kind: 'fail', problem: ofSecond(second.problem), fresh: true, outcome, standing: 'half' };
  return readBack({ ...outcome, second: second.deal.id, ...(second.isFound ? { recovered: true } : {}) }, answers);
}

type First = { readonly deal: Deal; readonly recovered: boolean } | { readonly step: Step<CreateOutcome> };

const fail = (why: Problem): First => ({ step: { kind: 'fail', problem: why, fresh: true } });

/** The partner's own referral: there already, just made, found again, or still to be made. */
function firstOf(input: NewDeal, answers: readonly Answer[], facts: Facts<CreateOutcome>): First {
  if (facts.soFar) return { deal: facts.soFar.deal, recovered: facts.soFar.recovered === true };
  if (input.half) {
    const read = answers.findLast(({ call }) => call.name === 'half')?.reply;
    if (!read) return { step: { kind: 'call', call: readCall(input.half.id, 'half') } };
    if (!read.ok) return fail(read.problem);
    return { deal: dealIn(read.body), recovered: false };
  }
  const made = answers.findLast(({ call }) => call.name === 'create');
  if (made?.reply?.ok && !made.reply.assumed) return { deal: dealIn(made.reply.body), recovered: false };
  if (made?.reply?.ok === false) return fail(inForm(made.reply.problem));
  // A person says that it arrived: then it is found.
  const lost = facts.lost.find(({ call }) => call.name === 'create');
  const since = made?.reply?.ok ? made.sentAt : lost?.at;
  if (since !== undefined) {
    const isOlder = ({ createdDateTime }: Deal): boolean => Date.parse(createdDateTime ?? '') < since - SKEW_MS;
    const looks = answers.filter(({ n }) => n > (made?.n ?? -1));
    const looked = pagesOf('look', { orderBy: 'createdDateTime desc' }, looks, ({ value }) => value.some(isOlder));
    if ('call' in looked) return { step: { kind: 'call', call: looked.call } };
    if ('reply' in looked) return fail(looked.reply.ok ? bug : looked.reply.problem);
    const wanted = referenceOf(input, facts.requestId);
    const found = looked.deals.find(
      ({ externalReferenceId, createdDateTime, customerProfile }) =>
        externalReferenceId === wanted &&
        (!input.reference || customerProfile?.name === input.customer.name) &&
        Date.parse(createdDateTime ?? '') >= since - SKEW_MS,
    );
    if (found) return { deal: found, recovered: true };
    if (made) return fail(problem('gone', 'referral.notFoundAgain'));
  }
  return { step: { kind: 'call', call: createCall('create', ownBody(input, facts.requestId)) } };
}

type Second =
  | { readonly deal: Deal; readonly isFound: boolean }
  | { readonly call: Call }
  | { readonly problem: Problem };

/** The referral for Microsoft in the engagement of the first: looked for whenever its answer may have been lost. */
function secondOf(
  input: NewDeal,
  first: Deal,
  answers: readonly Answer[],
  facts: Facts<CreateOutcome>,
  settings: CreateSettings,
): Second {
  const { engagementId } = first;
  if (!engagementId) return { problem: problem('refused', 'referral.noEngagement') };
  const invitee = { organizationId: MICROSOFT.id, organizationName: MICROSOFT.name };
  const made = answers.findLast(({ call }) => call.name === 'invite');
  if (made?.reply?.ok && !made.reply.assumed) return { deal: dealIn(made.reply.body), isFound: false };
  // There is one already: made by somebody else, or by us without our hearing of it.
  const isClash = made?.reply?.ok === false && made.reply.problem.kind === 'clash';
  const isLost = facts.lost.some(({ call }) => call.name === 'invite') || made?.reply?.ok === true;
  // Taken up again, nobody here can say that it was not sent before.
  const isResumed = facts.soFar !== null && made === undefined;
  if (isClash || isLost || isResumed || input.half) {
    // What was seen before it was sent does not tell what became of it.
    const looks = answers.filter(({ n }) => n > (made?.n ?? -1));
    const looked = pagesOf('engagement', ofEngagement(engagementId), looks);
    if ('call' in looked) return { call: looked.call };
    if ('reply' in looked) return { problem: looked.reply.ok ? bug : looked.reply.problem };
    const found = looked.deals.find((one) => one.id !== first.id && isFor(one, invitee));
    if (found) return { deal: found, isFound: isLost };
    // Somebody says that it arrived, and it is not there: that is not a reason to send it.
    if (made?.reply?.ok) return { problem: problem('gone', 'referral.notFoundAgain') };
  }
  if (made?.reply?.ok === false) return { problem: inForm(made.reply.problem) };
  const body = invitedBody(
    ownBody(input, facts.requestId),
    engagementId,
    invitee,
    {
      ...(input.noteToMicrosoft ? { notes: input.noteToMicrosoft } : {}),
      ...(input.assistance ? { assistanceRequestCode: input.assistance } : {}),
    },
    first.organizationId ?? null,
    settings.referralNamesOrganization,
  );
  return { call: createCall('invite', body) };
}

/** The card says what there is already, before it says what went wrong. */
const ofSecond = (why: Problem): Problem => ({
  ...why,
  say: say('two', { first: say('referralNew.half'), second: why.say }),
});

/** What the service made of it, which is not always what was sent. */
function readBack(outcome: CreateOutcome, answers: readonly Answer[]): Step<CreateOutcome> {
  const read = answers.findLast(({ call }) => call.name === 'readBack')?.reply;
  if (!read) return { kind: 'call', call: readCall(outcome.deal.id, 'readBack'), outcome };
  // It is made; that it cannot be read just now changes nothing.
  const deal = read.ok ? dealIn(read.body) : outcome.deal;
  return { kind: 'done', outcome: { ...outcome, deal }, standing: deal.status };
}

const bug = problem('bug', 'problem.bug');
