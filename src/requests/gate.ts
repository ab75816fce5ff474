/**
 * The gate before the first call of a request that changes something: what the policy says of it, what has to be looked
 * up first, and whether whoever has to approve it has done so. What was approved is held to what was shown, by digest.
 * Pure; must not know the store, the remotes or any capability.
 */
import { z } from 'zod/v4';
import { type Approval, type Asked, approversAt, digest, isWithin, type Shown, shownOf } from './approval.ts';
import type { Answer, AnyCapability, Call, Facts, Reply, Shape } from './capability.ts';
import { type Asker, judge, type Verdict } from './policy/judge.ts';
import type { ApprovalRule, PolicyInForce, Ref } from './policy/policy.ts';
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
/** Groups the directory is asked about at once (Graph docs, directoryobject-checkmembergroups: 20). */
const MOST_GROUPS = 20;
/** Most approvers who are found in a group: each gets a card. */
const MOST_MEMBERS = 50;

const Members = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      displayName: z.string().nullish(),
      userType: z.string().nullish(),
      accountEnabled: z.boolean().nullish(),
    }),
  ),
});

/** What is used of the answers to the gate's own look-ups. */
export function shapeAtGate(name: string): Shape | undefined {
  if (name === 'gate.groups') return z.object({ value: z.array(z.string()) });
  return name === 'gate.owner' || name.startsWith('gate.members:') ? Members : undefined;
}

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
  const verdict = judge(inForce, asked, askerOf(at), facts.now);
  if (verdict.kind === 'unknown') return { kind: 'looks', call: lookFor(at, verdict.needs, asked.team?.id) };
  const { rule, version } = verdict;
  const shown = shownOf(request.input, capability.plan?.(request.input, answers, facts) ?? [call]);
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
  const group = by.approverGroups.find(({ id }) => !heard(answers, `gate.members:${id}`));
  if (group) return { kind: 'looks', call: membersOf(group) };
  const approvers = [...by.approvers, ...by.approverGroups.flatMap(({ id }) => found(answers, id))];
  const { now } = facts;
  const isAnybody = approvers.some(({ id }) => id !== request.requester.id);
  const asked: Omit<Asked, 'facts'> = {
    at: now,
    rule: ruled,
    approvers,
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

function askerOf({ request, answers, admins }: AtGate): Asker {
  const groups = heard(answers, 'gate.groups');
  const owners = heard(answers, 'gate.owner');
  return {
    id: request.requester.id,
    admins,
    groups: groups ? new Set(groups.ok ? (groups.body as { value: string[] }).value : []) : null,
    ownsTeam: owners ? membersIn(owners).some(({ id }) => id === request.requester.id) : null,
  };
}

/** The groups the policy names that the asker is in, nested ones included; or who owns the team. */
function lookFor({ request, inForce }: AtGate, needs: 'groups' | 'owner', teamId = ''): Call {
  if (needs === 'owner') {
    const path = `/groups/${encodeURIComponent(teamId)}/owners?$select=id,displayName&$top=100`;
    return { name: 'gate.owner', to: 'graph', method: 'GET', path, repeat: 'safe' };
  }
  const groupIds = inForce.policy.askers.groups.map(({ id }) => id).slice(0, MOST_GROUPS);
  const path = `/users/${encodeURIComponent(request.requester.id)}/checkMemberGroups`;
  return { name: 'gate.groups', to: 'graph', method: 'POST', path, body: { groupIds }, repeat: 'safe' };
}

function membersOf({ id }: Ref): Call {
  // People of groups within it as well, but no guests and nobody who cannot sign in: they could not decide.
  const select = '$select=id,displayName,userType,accountEnabled';
  const path = `/groups/${encodeURIComponent(id)}/transitiveMembers/microsoft.graph.user?${select}&$top=${MOST_MEMBERS}`;
  return { name: `gate.members:${id}`, to: 'graph', method: 'GET', path, repeat: 'safe' };
}

const heard = (answers: readonly Answer[], name: string): Reply | undefined =>
  answers.findLast((answer) => answer.call.name === name)?.reply ?? undefined;

/** What the directory would not say of groups and owners: not knowing is no reason to let somebody pass. */
function untold(answers: readonly Answer[]): Problem | null {
  const failed = answers.find(({ call, reply }) => shapeAtGate(call.name) && reply && !reply.ok)?.reply;
  return failed && !failed.ok ? problem(failed.problem.kind, 'policy.cannotTell') : null;
}

const membersIn = (reply: Reply): z.infer<typeof Members>['value'] =>
  reply.ok ? (reply.body as z.infer<typeof Members>).value : [];

function found(answers: readonly Answer[], groupId: string): Ref[] {
  const reply = heard(answers, `gate.members:${groupId}`);
  const members = reply ? membersIn(reply) : [];
  const able = members.filter(({ userType, accountEnabled }) => userType !== 'Guest' && accountEnabled !== false);
  return able.map(({ id, displayName }) => ({ id, name: displayName ?? id }));
}
