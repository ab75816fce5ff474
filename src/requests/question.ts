/**
 * A question in the life of a request: how long it stands, and the answer that came while somebody had the request in
 * hand. Such an answer is kept as a signal and put in before the next step, so that nobody is told "not now" for an instant.
 * Must not know any capability, who may answer, or the store.
 */
import type { AnyCapability, Signal, Step } from './capability.ts';
import { problem } from './problem.ts';
import type { Person, Question, Request } from './request.ts';
import type { Line, Undated } from './work.ts';

type Option = Question['options'][number];

/** An answer as a signal. `until` tells the question that was answered from a later one about the same field. */
export function answerSignal({ field, until }: Question, option: Option, who: Person): Omit<Signal, 'at'> {
  return { key: `answer:${field}`, body: { ...option, until, who: who.id } };
}

/** The answer that was given to the question which stands. */
export function answerIn(
  { question }: Request,
  signals: readonly Signal[],
): { readonly field: string; readonly option: Option; readonly who: string } | undefined {
  if (!question) return undefined;
  const given = signals.find(({ key, body }) => key === `answer:${question.field}` && body['until'] === question.until);
  if (!given) return undefined;
  const { title, value, who } = given.body as unknown as Option & { readonly who: string };
  return { field: question.field, option: { title, value }, who };
}

/** The answer put in; the question is over with the same commit. */
export function chosen(
  request: Request,
  capability: AnyCapability,
  { field, option, who }: NonNullable<ReturnType<typeof answerIn>>,
  leaseUntil: number,
  line: Line,
): Undated {
  return {
    state: 'sending',
    leaseUntil,
    input: capability.choose(request.input, field, option),
    question: null,
    visible: true,
    audit: [{ ...line(request, 'chose', { field, value: option.value }), who }],
  };
}

/**
 * The question asked, or, when it was asked before and something else woke the request, waiting on as long as it was to.
 * Nobody answered in time: it is withdrawn. `isNews`: besides the question there is something new to see.
 */
export function asking(
  request: Request,
  { kind: _kind, question, forMs, againMs, ...achieved }: Extract<Step<unknown>, { kind: 'ask' }>,
  now: number,
  isNews: boolean,
  line: Line,
): Undated {
  const isAsked = request.question?.field === question.field;
  const until = (isAsked ? request.question?.until : undefined) ?? now + forMs;
  if (isAsked && until <= now)
    return {
      state: 'cancelled',
      question: null,
      problem: problem('gone', 'problem.questionExpired'),
      visible: true,
      audit: [line(request, 'cancelled', { sentence: 'problem.questionExpired' })],
    };
  return {
    ...achieved,
    state: 'waiting',
    question: { ...question, until },
    nextAt: Math.min(until, now + (againMs ?? forMs)),
    signals: request.signals,
    note: null,
    visible: !isAsked || isNews,
    audit: isAsked ? [] : [line(request, 'asked', { field: question.field })],
  };
}

/** Somebody found by searching instead of among the options. */
export function optionOf({ options, search }: Question, value: string): Option | undefined {
  const isId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
  return (
    options.find((one) => one.value === value) ?? (search === 'people' && isId ? { title: value, value } : undefined)
  );
}
