/**
 * A request that only looks: it is carried out up to the first change, and ends there with what would be done. Pure.
 * Must not know the store, the remotes or any capability.
 */
import { type Approval, approversAt } from './approval.ts';
import type { Call, Step } from './capability.ts';
import { type AtGate, type Gate, gateOf } from './gate.ts';
import type { Request } from './request.ts';
import { say } from './say.ts';
import type { Line, Undated } from './work.ts';

/** A pause before the next step is waited for; waiting for something from outside would never end. */
export const isPause = (step: Step<unknown>): boolean => step.kind === 'later' && !step.waits;

/** What the gate says, and every call that would follow. */
export function endAtGate({ capability, request, answers, facts, call }: AtGate, gate: Gate, line: Line): Undated {
  const calls = capability.plan?.(request.input, answers, facts) ?? [call];
  const plan = calls.map(told);
  if (gate.kind === 'asks') {
    const by = approversAt({ ...gate.asked, facts: [] }, gate.asked.at, request.requester.id).map(({ name }) => name);
    return ended(request, { ...gate.approval, plan, by }, line);
  }
  if (gate.kind === 'refused') return { ...ended(request, { ...gate.approval, plan }, line), problem: gate.problem };
  const approval = gate.kind === 'passes' ? gate.approval : null;
  return ended(request, approval && { ...approval, plan }, line);
}

/**
 * Where looking ends before a change: with a question, what follows its answer is judged already, as far as it is known; what
 * the gate has to look up for that comes first.
 */
export function lookedAt(
  step: Step<unknown>,
  at: Omit<AtGate, 'call'>,
  line: Line,
): Undated | Extract<Step<unknown>, { kind: 'call' }> {
  const { capability, request, answers, facts } = at;
  const [call] = step.kind === 'ask' ? (capability.plan?.(request.input, answers, facts) ?? []) : [];
  const team = call && capability.judged?.(request.input, answers, call)?.team;
  // Which team is what is asked: nobody can tell yet who owns it, or whose rule it is.
  if (step.kind !== 'ask' || !call || (team && team.id === undefined)) return endOfLook(request, step, line);
  const gate = gateOf({ ...at, call });
  if (gate.kind === 'looks') return { kind: 'call', call: gate.call };
  return { ...endAtGate({ ...at, call }, gate, line), note: step.question.say };
}

/** It ended, or goes on in a way that only looking cannot follow. */
function endOfLook(request: Request, step: Step<unknown>, line: Line): Undated {
  const free: Approval = { verdict: 'allowed', rule: say('policy.rule.none'), version: 0, asked: null };
  if (step.kind === 'fail')
    return { state: 'failed', problem: step.problem, note: null, visible: true, audit: [line(request, 'looked')] };
  if (step.kind === 'call') return ended(request, { ...free, plan: [told(step.call)] }, line);
  if (step.kind === 'done') return { ...ended(request, { ...free, plan: [] }, line), outcome: step.outcome };
  if (step.kind === 'ask') return { ...ended(request, null, line), note: step.question.say };
  return { ...ended(request, null, line), note: say('check.goesOn') };
}

function ended(request: Request, approval: Approval | null, line: Line): Undated {
  return {
    state: 'done',
    approval,
    problem: null,
    note: null,
    question: null,
    visible: true,
    audit: [line(request, 'looked')],
  };
}

const told = ({ method, path }: Call): string => `${method} ${decodeURIComponent(path.split('?')[0] ?? path)}`;
