/**
 * One report of Partner Center: the deal it names is read in the name of whoever watches, an incoming one gets a card where
 * they watch, and every card that shows it learns of the change. Filed by nobody's hand. No I/O.
 */
import type { Answer, Capability, Facts, Filing, Step, Wake } from '../../requests/capability.ts';
import { good } from '../../requests/problem.ts';
import { type Say, say } from '../../requests/say.ts';
import { readCall } from './calls.ts';
import { tells } from './changeStep.ts';
import { Deal, dealIn, isIncoming, isOpen } from './deal.ts';
import type { OpenInput } from './open.ts';

export interface NewsInput {
  readonly id: string;
  readonly event: 'created' | 'updated';
  readonly tenantId: string;
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

/** A list may lag behind its webhook: what is not there yet is looked for once more after this. */
const LAG_MS = 60_000;
/** How long a report is kept that cannot be read, and how often that is tried. */
const KEPT_MS = 14 * 24 * 3600_000;
const AGAIN_MS = 3600_000;

function step(input: NewsInput, answers: readonly Answer[], { now, createdAt }: Facts<null>): Step<null> {
  const read = answers.findLast(({ call }) => call.name === 'read')?.reply;
  if (!read) return { kind: 'call', call: readCall(input.id) };
  const age = now - createdAt;
  const isGone = !read.ok && read.problem.kind === 'gone';
  if (isGone && age < LAG_MS) return { kind: 'later', forMs: LAG_MS, waits: true, fresh: true };
  // Gone, or not for whoever watches: nothing to tell.
  if (isGone || age > KEPT_MS) return { kind: 'done', outcome: null, standing: 'gone' };
  // It is not lost: the watch says what keeps it back, and it is tried until that is mended.
  if (!read.ok)
    return { kind: 'later', forMs: AGAIN_MS, waits: true, fresh: true, wakes: unread(input, read.problem.say) };
  const deal = dealIn(read.body);
  const isNew = input.event === 'created' && isIncoming(deal) && isOpen(deal);
  return {
    kind: 'done',
    outcome: null,
    standing: 'told',
    ...tells(deal),
    wakes: [...tells(deal).wakes, ...unread(input, null)],
    ...(isNew ? { files: card(deal) } : {}),
  };
}

/** The watch has the card that says why a report cannot be read, or that it can again. */
const unread = ({ tenantId }: NewsInput, why: Say | null): readonly Wake[] => [
  { capability: 'referralWatch', subject: tenantId, says: { key: 'unread', body: { why } } },
];

/** Told twice, it is shown once. */
const card = (deal: Deal): Filing => ({
  capability: 'referral',
  subject: deal.id,
  input: { which: deal.id, id: deal.id, deal, isNews: true } satisfies OpenInput,
  key: `inbound:${deal.id}`,
  shown: true,
});
