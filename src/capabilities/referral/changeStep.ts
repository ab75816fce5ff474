/**
 * Changing a deal, one step at a time: which is meant → how it is now → may it be so changed → change it, if it still is as
 * it was seen → read what became of it. Two who change it at once are told of each other and choose. A pure function.
 * Must not know HTTP, cards or the store. Source: Partner Center referrals, "patch a referral".
 */
import type { Answer, Facts, Step } from '../../requests/capability.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import { type Say, say } from '../../requests/say.ts';
import { type Operation, patchCall, readCall } from './calls.ts';
import { Deal, dayOf, dealIn, hasMoved, isOpen, MOVES, type Move, mayMove, stateOf, worthOf } from './deal.ts';
import { inForm } from './faults.ts';
import type { Member } from './members.ts';
import { meantBy, WHICH_ANSWERS, type Which } from './which.ts';

export type ChangeKind = Move | 'edit';

export interface ChangeInput extends Which {
  readonly kind: ChangeKind;
  readonly sets: {
    readonly amount?: number;
    readonly currency?: string;
    /** ISO date. */
    readonly close?: string;
    readonly notes?: string;
    readonly reason?: string;
    /** Who joins the team. */
    readonly team?: readonly Member[];
  };
  /** The eTag of the deal as whoever asked saw it. */
  readonly seen?: string;
  /** How many refusals whoever asked has been told of, and wants it all the same. */
  readonly told?: number;
  /** Somebody changed it meanwhile, and theirs is to stay. */
  readonly keep?: 'theirs';
}

export interface ChangeOutcome {
  readonly deal: Deal;
  readonly kept?: 'theirs';
  /** It is done, and could not be read afterwards: `deal` is what it should be. */
  readonly isUnread?: true;
}

export const CHANGE_ANSWERS = { ...WHICH_ANSWERS, read: Deal, readBack: Deal };

/** How long whoever asked is waited for to choose. */
const CHOOSE_MS = 3 * 24 * 3600_000;

export function stepChange(
  input: ChangeInput,
  answers: readonly Answer[],
  facts: Facts<ChangeOutcome>,
): Step<ChangeOutcome> {
  const meant = meantBy(input, answers);
  if ('call' in meant) return { kind: 'call', call: meant.call };
  if ('question' in meant) return { kind: 'ask', question: meant.question, forMs: CHOOSE_MS };
  if ('problem' in meant) return { kind: 'fail', problem: meant.problem, fresh: true };
  const { id } = meant;

  const patched = answers.findLast(({ call }) => call.name === 'patch');
  if (patched?.reply?.ok) return finish(id, input, answers, facts);
  const read = answers.findLast(({ call }) => call.name === 'read');
  // After a refusal the deal is looked at again, for what somebody else made of it.
  if (!read?.reply || (patched && read.n < patched.n)) return { kind: 'call', call: readCall(id) };
  if (!read.reply.ok) return { kind: 'fail', problem: read.reply.problem, fresh: true };
  const deal = dealIn(read.reply.body);
  if (input.keep === 'theirs')
    return { kind: 'done', outcome: { deal, kept: 'theirs' }, standing: deal.status, ...tells(deal) };

  const { kind, seen } = input;
  const isAsWanted = kind === 'edit' ? isSet(deal, input) : hasMoved(deal, kind);
  // Our own change, whose answer was lost, arrived.
  if (isAsWanted && facts.lost.length > 0) return finish(id, input, answers, facts, deal);
  if (isAsWanted && kind !== 'edit') return refuse(deal, problem('clash', say(`referral.already.${kind}`)));
  if (kind === 'edit' ? !isOpen(deal) : !mayMove(deal, kind))
    return refuse(deal, problem('clash', say('referral.notNow', { state: stateOf(deal) })));

  const why = patched?.reply?.ok === false ? patched.reply.problem : null;
  if (why && why.reason !== 'precondition') return refuse(deal, inForm(why));
  const isStale = seen !== undefined && Boolean(deal.eTag) && deal.eTag !== seen;
  // Refused before it was chosen, not since; that the deal reads as before then says nothing.
  const refusals = answers.filter(({ call, reply }) => call.name === 'patch' && reply?.ok === false).length;
  const isRefused = why !== null && refusals > (input.told ?? 0);
  if (isStale || isRefused) return { kind: 'ask', question: conflict(deal, input, refusals), forMs: CHOOSE_MS };
  return { kind: 'call', call: patchCall(id, operationsOf(input, deal), deal.eTag) };
}

/** Read it back, and tell every card that shows it. */
function finish(
  id: string,
  input: ChangeInput,
  answers: readonly Answer[],
  facts: Facts,
  known?: Deal,
): Step<ChangeOutcome> {
  const read = answers.findLast(({ call }) => call.name === 'readBack')?.reply;
  if (!known && !read) return { kind: 'call', call: readCall(id, 'readBack') };
  const by = { name: facts.requester.name, did: input.kind };
  const told = known ?? (read?.ok ? dealIn(read.body) : undefined);
  if (told) return { kind: 'done', outcome: { deal: told }, standing: told.status, ...tells(told, by) };
  const before = answers.findLast(({ call, reply }) => call.name === 'read' && reply?.ok)?.reply;
  const deal = asSent(input, before?.ok ? dealIn(before.body) : dealIn({ id, status: '' }));
  return { kind: 'done', outcome: { deal, isUnread: true }, standing: deal.status, ...tells(deal, by) };
}

/** How the deal should be after the change. */
function asSent({ kind, sets }: ChangeInput, deal: Deal): Deal {
  const { amount = deal.details?.dealValue, currency = deal.details?.currency, notes = deal.details?.notes } = sets;
  const closingDateTime = sets.close ? `${sets.close}T00:00:00Z` : deal.details?.closingDateTime;
  const { status, substatus } = kind === 'edit' ? deal : MOVES[kind];
  return { ...deal, status, substatus, details: { notes, dealValue: amount, currency, closingDateTime } };
}

/** Not done; but how the deal is now is news to whoever looks at it. */
const refuse = (deal: Deal, why: Problem): Step<ChangeOutcome> => ({
  kind: 'fail',
  problem: why,
  fresh: true,
  outcome: { deal },
  ...tells(deal),
});

/**
 * The cards of this deal show it as it is now. Who changed it from here is told apart from what Partner Center reports of
 * the same change, so that neither takes the other's place.
 */
export const tells = (deal: Deal, by?: { readonly name: string; readonly did: ChangeKind }) => ({
  subject: deal.id,
  wakes: [
    {
      capability: 'referral',
      subject: deal.id,
      says: by ? { key: 'changedHere', body: { deal, by } } : { key: 'changed', body: { deal } },
    },
  ],
});

/** JSON Patch (RFC 6902); status and substatus in one. The documented value of a deal in a patch is text. */
export function operationsOf({ kind, sets }: ChangeInput, deal: Deal): readonly Operation[] {
  const replace = (path: string, value: unknown): Operation => ({ op: 'replace', path, value });
  const { amount, currency, close, notes, reason, team = [] } = sets;
  return [
    ...(kind === 'edit' ? [] : [replace('/status', MOVES[kind].status), replace('/substatus', MOVES[kind].substatus)]),
    ...(reason === undefined ? [] : [replace('/statusReason', reason)]),
    ...(amount === undefined ? [] : [replace('/details/dealValue', String(amount))]),
    ...(currency === undefined || currency === deal.details?.currency ? [] : [replace('/details/currency', currency)]),
    ...(close === undefined ? [] : [replace('/details/closingDateTime', `${close}T00:00:00Z`)]),
    ...(notes === undefined ? [] : [replace('/details/notes', notes)]),
    ...team.map((member): Operation => ({ op: 'add', path: '/team/-', value: member })),
  ];
}

/** Whether the deal is as the edit wants it. */
function isSet({ details, team }: Deal, { sets }: ChangeInput): boolean {
  const { amount, currency, close, notes, team: joining = [] } = sets;
  const emails = new Set((team ?? []).map(({ email }) => email?.toLowerCase()));
  return (
    (amount === undefined || details?.dealValue === amount) &&
    (currency === undefined || details?.currency === currency) &&
    (close === undefined || dayOf(details?.closingDateTime) === close) &&
    (notes === undefined || details?.notes === notes) &&
    joining.every(({ email }) => emails.has(email.toLowerCase()))
  );
}

/** "Yours: 55,000 USD. Now: 60,000 USD." */
function conflict(deal: Deal, input: ChangeInput, refusals: number) {
  return {
    say: say('referral.conflict', { mine: mineOf(input), theirs: theirsOf(deal) }),
    field: 'keep',
    options: [
      { title: say('referral.keep.mine'), value: `mine ${refusals} ${deal.eTag ?? ''}` },
      { title: say('referral.keep.theirs'), value: 'theirs' },
    ],
  };
}

function mineOf({ kind, sets }: ChangeInput): Say {
  const { amount, currency, close, notes } = sets;
  const parts = [
    amount === undefined ? '' : worthOf(amount, currency),
    close ?? '',
    notes ? `“${notes.slice(0, 80)}”` : '',
  ];
  const text = parts.filter(Boolean).join(', ');
  const move = say(`referral.move.${kind}`);
  return text === '' ? move : say('referral.move.with', { move, text });
}

function theirsOf(deal: Deal): Say {
  const { details } = deal;
  const parts = [
    worthOf(details?.dealValue, details?.currency),
    dayOf(details?.closingDateTime) ?? '',
    details?.notes ? `“${details.notes.slice(0, 80)}”` : '',
  ];
  return say('referral.move.with', { move: stateOf(deal), text: parts.filter(Boolean).join(', ') });
}
