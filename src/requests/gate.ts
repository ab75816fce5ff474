/**
 * The gate before the first call of a request that changes something: what the policy says of it, what has to be looked
 * up first, and whether whoever has to approve it has done so. What was approved is held to what was shown, by digest.
 * Pure; must not know the store, the remotes or any capability.
 */
import {
  type Approval,
  type Asked,
  approversAt,
  digest,
  isPlanned,
  isWithin,
  type Shown,
  shownOf,
} from './approval.ts';
import type { Answer, AnyCapability, Call, Facts } from './capability.ts';
import { approversIn, groupsOf, ownsTeam, shapeAtGate } from './gateLooks.ts';
import { type Asker, type Case, judge, type Verdict } from './policy/judge.ts';
import type { ApprovalRule, PolicyInForce } from './policy/policy.ts';
import { type Problem, problem } from './problem.ts';
import type { Request } from './request.ts';
import { say } from './say.ts';

export type Gate =
  /** Nothing stands in the way; `approval` is what is to be kept of it. */
  | { readonly kind: 'passes'; readonly approval: Approval | null }
  /** It depends on what the directory says. */
  | { readonly kind: 'looks'; readonly call: Call }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly approval: Approval }
  /** Somebody is to be asked; what they want to know besides is not known here. */
  | {
      readonly kind: 'asks';
      readonly approval: Approval;
      readonly asked: Omit<Asked, 'facts'>;
      readonly rule: ApprovalRule;
    }
  /** Somebody was asked and has not decided. */
  | { readonly kind: 'waits'; readonly until: number };

export interface AtGate {
  readonly capability: AnyCapability;
  readonly request: Request;
  /** The call that is about to be made. */
  readonly call: Call;
  readonly answers: readonly Answer[];
  readonly facts: Facts;
  readonly inForce: PolicyInForce;
  readonly admins: readonly string[];
}

const HOUR_MS = 3600_000;

/** Whether a call changes something outside; looking up never does. */
export const changes = ({ method }: Call): boolean => method !== 'GET';

/** What is to be done before a call that changes something. */
export function gateOf(at: AtGate): Gate {
  const { capability, request, call, answers, facts, inForce } = at;
  const asked = capability.judged?.(request.input, answers, call, facts) ?? null;
  if (asked === null) return { kind: 'passes', approval: null };
  const unclear = untold(answers);
  if (unclear)
    return {
      kind: 'refused',
      problem: unclear,
      approval: { verdict: 'refused', rule: say('policy.rule.untold'), version: inForce.version, asked: null },
    };
  const known = judged(at, asked);
  if ('call' in known) return { kind: 'looks', call: known.call };
  const { verdict } = known;
  const { rule, version } = verdict;
  const plan = capability.plan?.(request.input, answers, facts) ?? [];
  // What is planned is what is shown; a call that is not among it is shown as well, or it would leave unseen.
  const shown = shownOf(request.input, isPlanned(call, plan) ? plan : [...plan, call]);
  if (verdict.kind === 'refused')
    return { kind: 'refused', problem: verdict.problem, approval: { verdict: 'refused', rule, version, asked: null } };
  const before = request.approval?.asked;
  const isDecided = before?.decision && before.decision.kind !== 'refused' && isWithin(shown, before.shown);
  if (verdict.kind === 'allowed')
    return {
      kind: 'passes',
      approval: isDecided ? request.approval : { verdict: 'allowed', rule, version, asked: null },
    };
  // Who decided was asked by this very rule; whom an admin has taken out of it since has not decided.
  if (isDecided && before.rule === digest(verdict.by)) return { kind: 'passes', approval: request.approval };
  return ask(at, verdict, shown);
}

/** Asks whoever has to approve, or waits for them when they were asked about just this before. */
function ask(at: AtGate, { rule, version, by }: Extract<Verdict, { kind: 'needs approval' }>, shown: Shown): Gate {
  const { request, facts, answers } = at;
  const approval: Approval = { verdict: 'needs approval', rule, version, asked: null };
  const before = request.approval?.asked;
  const ruled = digest(by);
  if (before && !before.decision && before.rule === ruled && isWithin(shown, before.shown)) {
    if (facts.now < before.expiresAt) return { kind: 'waits', until: before.expiresAt };
    return { kind: 'refused', problem: problem('denied', 'approval.expired'), approval: request.approval };
  }
  const found = approversIn(by.approverGroups, answers);
  if ('call' in found) return { kind: 'looks', call: found.call };
  const approvers = [...by.approvers, ...found.people];
  const { now } = facts;
  const isAnybody = approvers.some(({ id }) => id !== request.requester.id);
  const asked: Omit<Asked, 'facts'> = {
    at: now,
    rule: ruled,
    approvers,
    ...(found.crowded.length > 0 ? { crowded: found.crowded } : {}),
    deputies: by.deputies,
    deputiesAt: isAnybody ? now + by.deputyAfterHours * HOUR_MS : now,
    expiresAt: now + by.expiresAfterDays * 24 * HOUR_MS,
    shown,
    talk: [],
    decision: null,
  };
  // Nobody may approve what they ask for themselves.
  if (approversAt({ ...asked, facts: [] }, asked.deputiesAt, request.requester.id).length === 0)
    return { kind: 'refused', problem: problem('denied', say('approval.nobody', { rule: by.name })), approval };
  return { kind: 'asks', approval, asked, rule: by };
}

/** The verdict, or what the directory has to be asked before it can be said. */
function judged(
  { request, answers, admins, inForce, facts }: AtGate,
  asked: Case,
): { readonly verdict: Exclude<Verdict, { kind: 'unknown' }> } | { readonly call: Call } {
  const { id } = request.requester;
  let asker: Asker = { id, admins, groups: null, ownsTeam: null };
  for (;;) {
    const verdict = judge(inForce, asked, asker, facts.now);
    if (verdict.kind !== 'unknown') return { verdict };
    if (verdict.needs === 'groups') {
      const named = inForce.policy.askers.groups.map((group) => group.id);
      const found = groupsOf(id, named, answers);
      if ('call' in found) return found;
      asker = { ...asker, groups: found.groups };
    } else {
      const found = ownsOneOf(id, asked, answers);
      if ('call' in found) return found;
      asker = { ...asker, ownsTeam: found.owns };
    }
  }
}

/** The team itself, or of a list one of those its rows name: for which of its rows that counts, each row's own gate says. */
function ownsOneOf(
  personId: string,
  { team, teams = team ? [team] : [] }: Case,
  answers: readonly Answer[],
): ReturnType<typeof ownsTeam> {
  for (const one of teams) {
    const found = ownsTeam(personId, one, answers);
    if ('call' in found || found.owns) return found;
  }
  return { owns: false };
}

/** What the directory would not say of groups and owners: not knowing is no reason to let somebody pass. */
function untold(answers: readonly Answer[]): Problem | null {
  const failed = answers.find(({ call, reply }) => shapeAtGate(call.name) && reply && !reply.ok)?.reply;
  return failed && !failed.ok ? problem(failed.problem.kind, 'policy.cannotTell') : null;
}
