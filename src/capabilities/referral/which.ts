/**
 * Which deal is meant, by its id or by what people call it. Pure: the call that will tell, or what it told.
 */
import type { Answer, Call } from '../../requests/capability.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import type { Question } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import { isFor, MICROSOFT } from './bodies.ts';
import { pagesOf } from './calls.ts';
import { customerOf, type Deal, Page, worthOf } from './deal.ts';

/** A deal as somebody named it; `id` once it is known. */
export interface Which {
  readonly which: string;
  readonly id?: string;
}

export type Meant =
  | { readonly id: string }
  | { readonly call: Call }
  | { readonly question: Question }
  | { readonly problem: Problem };

export const WHICH_ANSWERS = { find: Page };

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Most deals offered; whoever has more of one name says more of it. */
const MOST = 20;

/** What was typed, without the marks around it. */
export const whichOf = (typed: string): Which => {
  const which = typed.trim().replace(/^[#"“”„]+|["“”.]+$/g, '');
  return ID.test(which) ? { which, id: which.toLowerCase() } : { which };
};

export function meantBy({ which, id }: Which, answers: readonly Answer[]): Meant {
  if (id !== undefined) return { id };
  const found = pagesOf('find', { orderBy: 'updatedDateTime desc' }, answers);
  if ('call' in found) return found;
  if ('reply' in found) return { problem: found.reply.ok ? problem('bug', 'problem.bug') : found.reply.problem };
  // The other half of an engagement tells the same story.
  const ours = found.deals.filter((deal) => !isFor(deal, { organizationId: MICROSOFT.id }));
  const fits = ours.filter((deal) => fitness(deal, which) > 0);
  const exact = fits.filter((deal) => fitness(deal, which) > 1);
  const [only, ...others] = exact.length > 0 ? exact : fits;
  if (!only) {
    const key = found.isAll ? 'referral.noSuch' : 'referral.noSuchYet';
    return { problem: problem('gone', say(key, { text: which.slice(0, 60) })) };
  }
  if (others.length === 0) return { id: only.id };
  const options = [only, ...others].slice(0, MOST).map((deal) => ({ title: lineOf(deal), value: deal.id }));
  return {
    question: {
      say: say('referral.which', { text: which.slice(0, 60), count: others.length + 1 }),
      field: 'id',
      options,
    },
  };
}

/** 2: named exactly; 1: the name holds it; 0: another one. */
function fitness(deal: Deal, which: string): 0 | 1 | 2 {
  const wanted = which.toLowerCase();
  const names = [deal.customerProfile?.name, deal.name, deal.externalReferenceId].map(
    (one) => one?.toLowerCase() ?? '',
  );
  if (names.includes(wanted)) return 2;
  return names.some((one) => one.includes(wanted)) ? 1 : 0;
}

function lineOf(deal: Deal): string {
  const { details, status, substatus } = deal;
  return [customerOf(deal), substatus ?? status, worthOf(details?.dealValue, details?.currency)]
    .filter(Boolean)
    .join(' · ');
}
