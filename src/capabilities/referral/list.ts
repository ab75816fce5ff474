/**
 * Lists of deals: all that are open, mine, those that wait for an answer, those that close soon. No I/O; must not know
 * Teams, HTTP, SQL or card templates.
 */
import { z } from 'zod/v4';
import type { Answer, Capability, Facts, Field, Raw, Step } from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import { chatOf, type Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import type { StoryItem } from '../../requests/story.ts';
import { isFor, MICROSOFT } from './bodies.ts';
import { pagesOf } from './calls.ts';
import { customerOf, type Deal, dayOf, isOpen, Page, stateOf, worthOf } from './deal.ts';

export type ListKind = 'open' | 'mine' | 'waiting' | 'closing';

export interface ListInput {
  readonly kind: ListKind;
}

/** A deal, as far as a list tells of it. */
type Listed = Pick<Deal, 'id' | 'status' | 'substatus'> & {
  readonly customer: string;
  readonly worth: string;
  /** ISO date. */
  readonly closes: string | null;
};

export interface ListOutcome {
  readonly deals: readonly Listed[];
  /** How many there are beyond what is kept. */
  readonly more: number;
  /** False: the service had more pages than are read. */
  readonly isAll: boolean;
  /** Which ten of them are shown. */
  readonly page: number;
}

const FIELDS: readonly Field[] = [{ name: 'kind', kind: 'text', words: 'referrals.field.kind', max: 60 }];
/** Rows of a card, and most deals kept with a list. */
const ROWS = 10;
const KEPT = 100;
/** Deals that close within this are closing. */
const CLOSING_MS = 30 * 24 * 3600_000;

/** What Teams knows of somebody (Bot Framework, get conversation member). */
const Me = z.object({ email: z.string().nullish(), userPrincipalName: z.string().nullish() });

export const referrals: Capability<ListInput, ListOutcome> = {
  name: 'referrals',
  topic: 'deals',
  looks: true,
  remote: 'partnerCenter',
  commands: ['referrals', 'deals', 'my referrals', 'my deals', 'list referrals', 'list deals'],
  fields: FIELDS,
  read,
  write: ({ kind }) => ({ kind }),
  choose: (input) => input,
  subject: ({ kind }) => kind,
  answers: { list: Page, me: Me },
  step,
  acts: {
    more: {
      read: ({ outcome }) => {
        const { page = 0 } = (outcome ?? {}) as Partial<ListOutcome>;
        return good([{ key: `page:${page + 1}`, body: {} }]);
      },
    },
  },
  story,
};

function read(raw: Raw): Result<readonly ListInput[], readonly Problem[]> {
  const typed = (raw['kind'] ?? '')
    .trim()
    .toLowerCase()
    .replace(/[.!?]+$/, '');
  const kind = /^(?:|all|open)$/.test(typed)
    ? 'open'
    : /^(?:mine|my|me)$/.test(typed)
      ? 'mine'
      : /^(?:waiting|new|pending|unanswered)$/.test(typed)
        ? 'waiting'
        : /^(?:closing|closing soon|soon|due)$/.test(typed)
          ? 'closing'
          : null;
  if (kind) return good([{ kind }]);
  return bad([problem('input', say('referrals.unknown', { text: typed.slice(0, 60) }), { field: 'kind' })]);
}

const QUERIES: Readonly<Record<ListKind, Parameters<typeof pagesOf>[1]>> = {
  open: { orderBy: 'updatedDateTime desc' },
  mine: { orderBy: 'updatedDateTime desc' },
  waiting: { filter: "status eq 'New'", orderBy: 'createdDateTime desc' },
  closing: { filter: "status eq 'Active'", orderBy: 'updatedDateTime desc' },
};

function step({ kind }: ListInput, answers: readonly Answer[], facts: Facts<ListOutcome>): Step<ListOutcome> {
  const page = facts.signals.filter(({ key }) => key.startsWith('page:')).length;
  if (facts.soFar) return { kind: 'done', outcome: { ...facts.soFar, page }, standing: kind };
  const me = answers.find(({ call }) => call.name === 'me')?.reply;
  if (kind === 'mine' && !me) {
    const { userId } = facts.place;
    const path = `v3/conversations/${encodeURIComponent(chatOf(facts.place))}/members/${encodeURIComponent(userId)}`;
    return { kind: 'call', call: { name: 'me', to: 'teams', method: 'GET', path, repeat: 'safe' } };
  }
  if (me && !me.ok) return { kind: 'fail', problem: me.problem, fresh: true };
  const found = pagesOf('list', QUERIES[kind], answers);
  if ('call' in found) return { kind: 'call', call: found.call };
  if ('reply' in found)
    return { kind: 'fail', fresh: true, problem: found.reply.ok ? problem('bug', 'problem.bug') : found.reply.problem };
  const { email, userPrincipalName } = (me?.ok ? me.body : {}) as z.infer<typeof Me>;
  const mine = [email, userPrincipalName].flatMap((one) => (one ? [one.toLowerCase()] : []));
  const fitting = found.deals
    .filter((deal) => !isFor(deal, { organizationId: MICROSOFT.id }))
    .filter((deal) => fits(kind, deal, mine, facts.now));
  const sorted = kind === 'closing' ? fitting.toSorted((a, b) => closing(a) - closing(b)) : fitting;
  const outcome: ListOutcome = {
    deals: sorted.slice(0, KEPT).map(listed),
    more: Math.max(sorted.length - KEPT, 0),
    isAll: found.isAll,
    page,
  };
  return { kind: 'done', outcome, standing: kind };
}

const closing = (deal: Deal): number => Date.parse(deal.details?.closingDateTime ?? '') || Number.MAX_SAFE_INTEGER;

function fits(kind: ListKind, deal: Deal, mine: readonly string[], now: number): boolean {
  if (kind === 'closing') return closing(deal) - now <= CLOSING_MS;
  // What we sent waits for others.
  if (kind === 'waiting') return !/^outgoing$/i.test(deal.direction ?? '');
  const isMine = (deal.team ?? []).some(({ email }) => email && mine.includes(email.toLowerCase()));
  return isOpen(deal) && (kind === 'open' || isMine);
}

const listed = (deal: Deal): Listed => ({
  id: deal.id,
  status: deal.status,
  substatus: deal.substatus,
  customer: customerOf(deal),
  worth: worthOf(deal.details?.dealValue, deal.details?.currency),
  closes: dayOf(deal.details?.closingDateTime),
});

function story({
  input,
  outcome,
}: Request<ListInput, ListOutcome>): ReturnType<Capability<ListInput, ListOutcome>['story']> {
  const title = say(`referrals.title.${input.kind}`);
  if (!outcome) return { title, rows: [] };
  const { deals, more, isAll, page } = outcome;
  const pages = Math.max(Math.ceil(deals.length / ROWS), 1);
  const from = (page % pages) * ROWS;
  const shown = deals.slice(from, from + ROWS);
  const count = deals.length + more;
  return {
    title,
    rows: [],
    ending: {
      sentence:
        count === 0
          ? say(`referrals.none.${input.kind}`)
          : say(isAll ? 'referrals.some' : 'referrals.many', { from: from + 1, to: from + shown.length, count }),
      tone: 'neutral',
      items: shown.map(itemOf),
      buttons: pages > 1 ? [{ title: say('referrals.button.more'), verb: 'referrals.more' }] : [],
    },
  };
}

function itemOf({ id, status, substatus, customer, worth, closes }: Listed): StoryItem {
  const state = stateOf({ status, substatus } as Deal);
  const sub = closes
    ? say(worth ? 'referrals.sub' : 'referrals.sub.closes', { worth, date: closes })
    : say('plain', { text: worth || '–' });
  return { title: customer, state, sub, command: `referral ${id}` };
}
