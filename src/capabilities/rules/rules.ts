/**
 * The capabilities by which admins set the rules: the whole policy as a form with its changes, an earlier version again,
 * and the channel where approvals are asked for. Pure; must not know the store or cards.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Capability, Step } from '../../requests/capability.ts';
import { MOST_MEMBERS } from '../../requests/gateLooks.ts';
import { Policy } from '../../requests/policy/policy.ts';
import { bad, good, problem } from '../../requests/problem.ts';
import type { Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import { type AdminSettings, adminsOnly } from '../admins.ts';
import { changesOf } from './diff.ts';
import { POLICY_FIELDS, type PolicyDraft, type PolicyInput, readPolicy, writePolicy } from './input.ts';
import { crowdedIn, RESOLVE_ANSWERS, resolved } from './resolve.ts';

interface RulesOutcome {
  readonly version: number;
  /** What an undoing changed; of a form the input says it. */
  readonly changes?: Story['rows'];
  /** Groups that newly approve and have more people than will be asked, by name. */
  readonly crowded?: readonly string[];
}

export function rules(settings: AdminSettings): Capability<PolicyInput, RulesOutcome> {
  return {
    name: 'policy',
    topic: 'rules',
    commands: ['policy', 'rules'],
    fields: POLICY_FIELDS,
    formFirst: true,
    remote: 'store',
    denies: adminsOnly(settings),
    // The form holds what holds now, and what was typed besides.
    arrange: (raw, { policy, policyVersion }) => {
      const { askers, ...typed } = raw;
      const isChoice = askers === 'everyone' || askers === 'listed';
      return { ...writePolicy(policy, policyVersion), ...typed, ...(isChoice ? { askers } : {}) };
    },
    read: readPolicy,
    preview: ({ before, after }) => {
      const changes = changesOf(before, after);
      return changes.length === 0
        ? [say('policy.noChange')]
        : changes.map(({ label, text }) => say('policy.line', { label, text }));
    },
    write: ({ after, follows }) => writePolicy(after, follows),
    choose: (input) => input,
    subject: () => 'policy',
    answers: { ...RESOLVE_ANSWERS },
    step: (input, answers) => stepRules(input, answers),
    story: (request) => storyOfRules(request, changesOf(request.input.before, request.input.after)),
  };
}

/** People by name first, then the policy as the version that follows the one it was made from. */
function stepRules(input: PolicyInput, answers: readonly Answer[]): Step<RulesOutcome> {
  if (changesOf(input.before, input.after).length === 0)
    return { kind: 'fail', problem: problem('input', 'policy.noChange') };
  const policy = resolved(input.after, answers);
  if ('call' in policy) return { kind: 'call', call: policy.call };
  if ('problem' in policy) return { kind: 'fail', problem: policy.problem };
  const groups = crowdedIn(policy.policy, input.before, answers);
  if ('call' in groups) return { kind: 'call', call: groups.call };
  const step = keep(policy.policy, input.follows, answers);
  const { crowded } = groups;
  return step.kind === 'done' && crowded.length > 0 ? { ...step, outcome: { ...step.outcome, crowded } } : step;
}

function keep(policy: Policy, follows: number, answers: readonly Answer[]): Step<RulesOutcome> {
  const version = follows + 1;
  const kept = answers.findLast(({ call }) => call.name === 'keep')?.reply;
  if (kept?.ok) return { kind: 'done', outcome: { version }, standing: 'kept' };
  if (kept) return { kind: 'fail', problem: kept.problem };
  const call: Call = {
    name: 'keep',
    to: 'store',
    method: 'PUT',
    path: `/policy?version=${version}`,
    body: policy,
    // The same version with the same content is kept once.
    repeat: 'safe',
  };
  return { kind: 'call', call };
}

type Story = ReturnType<Capability<unknown, RulesOutcome>['story']>;

function storyOfRules({ outcome }: Request<unknown, RulesOutcome>, rows: Story['rows']): Story {
  const title = say('policy.title');
  if (!outcome) return { title, rows };
  const { version, crowded = [] } = outcome;
  const kept = say('policy.kept', { version });
  const warning = say('policy.crowded', { groups: crowded.join(', '), count: crowded.length, most: MOST_MEMBERS });
  return {
    title,
    rows,
    ending: {
      sentence: crowded.length > 0 ? say('two', { first: kept, second: warning }) : kept,
      tone: crowded.length > 0 ? 'warning' : 'good',
      buttons: [
        { title: say('policy.button.undo'), verb: 'command.run', data: { text: `policy undo ${version}` } },
        { title: say('policy.button.open'), verb: 'form.open', data: { capability: 'policy' } },
      ],
    },
  };
}

interface UndoInput {
  /** The version that is to hold no longer. */
  readonly version: number;
  readonly follows: number;
  /** The rules that are to hold no longer. */
  readonly undone: Policy;
}

/** The rules as they were before a version, as a new one: what is undone can be undone. */
export function rulesUndo(settings: AdminSettings): Capability<UndoInput, RulesOutcome> {
  return {
    name: 'policyUndo',
    topic: 'rules',
    isAside: true,
    commands: ['policy undo', 'undo policy'],
    fields: [{ name: 'version', kind: 'text', words: 'policyUndo.field.version', max: 10 }],
    remote: 'store',
    denies: adminsOnly(settings),
    read: (raw, { policy, policyVersion }) => {
      const version = raw['version'] === undefined ? policyVersion : Number(raw['version']);
      if (!Number.isInteger(version) || version < 1 || version > policyVersion)
        return bad([problem('input', 'policy.noSuchVersion', { field: 'version' })]);
      // What came after it would go with it, unseen.
      if (version !== policyVersion) return bad([problem('clash', 'policyUndo.notLatest', { field: 'version' })]);
      return good([{ version, follows: policyVersion, undone: policy }]);
    },
    write: ({ version }) => ({ version: String(version) }),
    choose: (input) => input,
    subject: () => 'policy',
    answers: { before: z.object({ policy: Policy }) },
    step: ({ version, follows, undone }, answers) => {
      const before = answers.findLast(({ call }) => call.name === 'before')?.reply;
      if (!before) {
        const path = `/policy?version=${version - 1}`;
        return { kind: 'call', call: { name: 'before', to: 'store', method: 'GET', path, repeat: 'safe' } };
      }
      if (!before.ok) return { kind: 'fail', problem: before.problem };
      const { policy } = before.body as { policy: Policy };
      const step = keep(policy, follows, answers);
      const changes = changesOf(undone, policy).map(({ label, text }) => ({ label, text }));
      return step.kind === 'done' ? { ...step, outcome: { ...step.outcome, changes } } : step;
    },
    story: (request) =>
      storyOfRules(request, [
        { label: say('policyUndo.row'), text: String(request.input.version) },
        ...(request.outcome?.changes ?? []),
      ]),
  };
}

/** From here on approvals are asked for in this channel as well. */
export function approvalsHere(settings: AdminSettings): Capability<PolicyInput, RulesOutcome> {
  return {
    name: 'approvalsHere',
    topic: 'rules',
    isAside: true,
    commands: ['approvals here'],
    fields: [],
    remote: 'store',
    denies: adminsOnly(settings, true),
    read: (_raw, { policy, policyVersion, place }) => {
      if (place.kind === 'personal') return bad([problem('input', 'approvalsHere.notHere')]);
      if (policy.approvals.length === 0) return bad([problem('input', 'approvalsHere.noRule')]);
      const { serviceUrl, botId } = place;
      const conversationId = place.conversationId.split(';')[0] ?? '';
      const channel = { conversationId, serviceUrl, botId, name: place.teamName ?? '' };
      const after: PolicyDraft = { ...policy, approvals: policy.approvals.map((rule) => ({ ...rule, channel })) };
      return good([{ follows: policyVersion, before: policy, after }]);
    },
    write: () => ({}),
    choose: (input) => input,
    subject: () => 'policy',
    answers: {},
    step: ({ after, follows }, answers) => keep(Policy.parse(after), follows, answers),
    story: (request) => {
      const { title, ending } = storyOfRules(request, []);
      const sentence = say('approvalsHere.done', { count: request.input.after.approvals.length });
      return { title, rows: [], ...(ending ? { ending: { ...ending, sentence, buttons: [] } } : {}) };
    },
  };
}
