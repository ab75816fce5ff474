/**
 * A claim in somebody's hands: the answers so far, and the latest reply that is not saved yet. What a reply, a lost
 * answer or a step makes of it, as plain functions. Must not know the store, the remotes or any capability.
 */
import type { AnyCapability, Call, Reply, Shape, Step } from './capability.ts';
import type { AuditLine, Change, Claim } from './ports.ts';
import { problem } from './problem.ts';
import type { Person, Request } from './request.ts';

export type Heard = NonNullable<Change['heard']>;
/** A change before the clock is read. */
export type Undated = Omit<Change, 'at'>;

/** Writes a line of the audit about a request, in Usher's name and of this moment. */
export type Line = (request: Request, what: string, detail?: AuditLine['detail']) => AuditLine;

/** A line of the audit about a request, of what a person did. */
export function lineOf(
  { id, tenantId }: Request,
  who: Person,
  at: number,
  what: string,
  detail: AuditLine['detail'] = {},
): AuditLine {
  return { at, tenantId, requestId: id, who: who.id, what, detail };
}

/** A claim being worked on. The latest reply may still be unsaved: it is committed with the next change. */
export interface Work extends Claim {
  readonly unsaved?: Heard;
}

/** How a step ended: go on at once, or let go of the request. */
export type Next = { readonly go: Work } | { readonly rest: true };

/** The work with this reply in hand, to be committed with the next change. */
export function heardOf(work: Work, call: Call, sentAt: number, reply: Reply): Next {
  const marked = work.answers.find((answer) => answer.reply === null);
  const heard: Heard = { n: marked?.n ?? nextN(work), call, sentAt, reply };
  return { go: { ...work, answers: after(work, { heard }), unsaved: heard } };
}

/** What a step says has been achieved, and whom it wakes. */
export function soFar(
  step: Partial<Pick<Change, 'outcome' | 'wakes' | 'shows' | 'subject'>> & { readonly standing?: string },
) {
  const { outcome, standing, subject, wakes, shows } = step;
  return {
    ...(outcome === undefined ? {} : { outcome }),
    ...(standing === undefined ? {} : { standing }),
    ...(subject === undefined ? {} : { subject }),
    ...(wakes === undefined ? {} : { wakes }),
    ...(shows === undefined ? {} : { shows }),
  };
}

/** It has ended well, unless something was heard that it has not seen. */
export function done(
  request: Request,
  step: Extract<Step<unknown>, { kind: 'done' }>,
  now: number,
  line: Line,
): Undated {
  return {
    ...soFar(step),
    state: 'done',
    nextAt: now,
    signals: request.signals,
    problem: null,
    note: null,
    question: null,
    visible: true,
    audit: [line(request, 'done', { standing: step.standing })],
  };
}

/** It rests, and goes on by itself. `isNews`: there is something new to see in what has been achieved. */
export function later(
  request: Request,
  step: Extract<Step<unknown>, { kind: 'later' }>,
  now: number,
  isNews: boolean,
): Undated {
  return {
    ...soFar(step),
    state: step.waits ? 'waiting' : 'queued',
    nextAt: now + step.forMs,
    signals: request.signals,
    note: step.note ?? null,
    // What failed before the rest no longer counts.
    ...(step.fresh ? { forget: 'all', attempts: 0, lost: [] } : {}),
    ...(request.question ? { question: null } : {}),
    visible: request.note?.key !== step.note?.key || request.question !== null || step.shows !== undefined || isNews,
    audit: [],
  };
}

/** Whether what has been achieved differs from what is on record. */
export function isNews(outcome: unknown, before: unknown): boolean {
  return outcome !== undefined && JSON.stringify(outcome) !== JSON.stringify(before);
}

/** Whether a person would see that difference: what a card says is a function of the story. */
export function isSeen(capability: AnyCapability, request: Request, outcome: unknown): boolean {
  const told = (one: Request): string => JSON.stringify(capability.story(one));
  return isNews(outcome, request.outcome) && told({ ...request, outcome }) !== told(request);
}

export const nextN = (work: Work): number => (work.answers.at(-1)?.n ?? -1) + 1;

/** A good reply reduced to what the capability uses; one of another shape says nothing about what was done. */
export function shaped(reply: Reply, shape: Shape | undefined): Reply {
  if (!reply.ok) return reply;
  if (!shape) return { ok: true, body: {} };
  const read = shape.safeParse(reply.body);
  if (!read.success)
    return { ok: false, problem: problem('down', 'problem.down', { detail: 'an answer of another shape' }) };
  return { ok: true, body: read.data as Readonly<Record<string, unknown>> };
}

/** The answers as the store now holds them, without asking it. */
export function after(claim: Claim, change: Pick<Change, 'heard' | 'forget' | 'sends'>): Claim['answers'] {
  let answers = [...claim.answers];
  if (change.heard) {
    const { n, call, sentAt, reply } = change.heard;
    answers = [...answers.filter((answer) => answer.n !== n), { n, call, sentAt, reply, heardAt: sentAt }];
  }
  if (change.forget === 'all') answers = [];
  if (change.forget === 'unheard') answers = answers.filter((answer) => answer.reply !== null);
  if (change.forget === 'failed') answers = answers.filter((answer) => answer.reply?.ok !== false);
  if (change.sends) answers = [...answers, { ...change.sends, reply: null, heardAt: null }];
  return answers;
}
