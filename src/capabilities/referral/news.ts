/**
 * One report of Partner Center: the deal it names is read in the name of whoever watches, an incoming one gets a card where
 * they watch, and every card that shows it learns of the change. Filed by nobody's hand. No I/O.
 */
import type { Answer, Capability, Filing, Step } from '../../requests/capability.ts';
import { good } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { readCall } from './calls.ts';
import { tells } from './changeStep.ts';
import { Deal, isIncoming, isOpen } from './deal.ts';
import type { OpenInput } from './open.ts';

export interface NewsInput {
  readonly id: string;
  readonly event: 'created' | 'updated';
}

export const referralNews: Capability<NewsInput, null> = {
  name: 'referralNews',
  topic: 'deals',
  isAside: true,
  looks: true,
  remote: 'partnerCenter',
  commands: [],
  fields: [],
  read: () => good([]),
  write: () => ({}),
  choose: (input) => input,
  subject: ({ id }) => id,
  answers: { read: Deal },
  step,
  // Nobody sees this one: the watch it came of has the card.
  signedOut: ({ id, fence, tenantId }) => [
    { capability: 'referralWatch', subject: tenantId, says: { key: 'signedOut', body: { id, fence } } },
  ],
  story: ({ input }) => ({
    title: say('referral.title', { customer: input.id }),
    rows: [],
    ending: { sentence: say('referral.told'), tone: 'neutral', buttons: [] },
  }),
};

function step(input: NewsInput, answers: readonly Answer[]): Step<null> {
  const read = answers.findLast(({ call }) => call.name === 'read')?.reply;
  if (!read) return { kind: 'call', call: readCall(input.id) };
  // Gone, or not for whoever watches: nothing to tell.
  if (!read.ok && (read.problem.kind === 'gone' || read.problem.kind === 'denied'))
    return { kind: 'done', outcome: null, standing: 'gone' };
  if (!read.ok) return { kind: 'fail', problem: read.problem, fresh: true };
  const deal = read.body as unknown as Deal;
  const isNew = input.event === 'created' && isIncoming(deal) && isOpen(deal);
  return {
    kind: 'done',
    outcome: null,
    standing: 'told',
    ...tells(deal),
    ...(isNew ? { files: card(deal) } : {}),
  };
}

/** Told twice, it is shown once. */
const card = (deal: Deal): Filing => ({
  capability: 'referral',
  subject: deal.id,
  input: { which: deal.id, id: deal.id, deal, isNews: true } satisfies OpenInput,
  key: `inbound:${deal.id}`,
  shown: true,
});
