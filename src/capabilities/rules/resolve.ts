/**
 * Names in a policy made people, groups and teams of the directory, one look-up after the other. Pure; must not know where
 * the policy comes from. Shapes: Microsoft Graph v1.0, user-list and group-list.
 */
import { z } from 'zod/v4';
import type { Answer, Call } from '../../requests/capability.ts';
import { MEMBERS_ANSWER, membersCall, membersIn } from '../../requests/gateLooks.ts';
import { Policy, type Ref } from '../../requests/policy/policy.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { literal } from '../guest/calls.ts';
import type { PolicyDraft } from './input.ts';
import type { Named } from './line.ts';

const Found = z.object({ value: z.array(z.object({ id: z.string(), displayName: z.string().nullish() })) });

/** What is used of each answer. */
export const RESOLVE_ANSWERS = { person: Found, group: Found, members: MEMBERS_ANSWER };

type Kind = 'person' | 'group';
interface Wanted {
  readonly kind: Kind;
  readonly name: string;
  /** The field of the form that it stands in. */
  readonly field: string;
}

/** The policy with everybody in it known; the next look-up; or who is not there, or there several times. */
export function resolved(
  draft: PolicyDraft,
  answers: readonly Answer[],
): { readonly policy: Policy } | { readonly call: Call } | { readonly problem: Problem } {
  const heard = (wanted: Wanted) =>
    answers.findLast(({ call }) => call.name === wanted.kind && call.path === lookUp(wanted).path)?.reply;
  for (const wanted of wantedIn(draft)) {
    const reply = heard(wanted);
    if (!reply) return { call: lookUp(wanted) };
    if (!reply.ok) return { problem: reply.problem };
    const { value } = reply.body as z.infer<typeof Found>;
    const { name, field } = wanted;
    if (value.length === 0) return { problem: problem('input', say('policy.wrong.unknown', { name }), { field }) };
    if (value.length > 1) return { problem: problem('input', say('policy.wrong.several', { name }), { field }) };
  }
  const known =
    (kind: Kind) =>
    (one: Named): Ref => {
      if (one.id !== undefined) return { id: one.id, name: one.name };
      const reply = heard({ kind, name: one.name, field: '' });
      const [found] = reply?.ok ? (reply.body as z.infer<typeof Found>).value : [];
      return { id: found?.id ?? '', name: found?.displayName ?? one.name };
    };
  const person = known('person');
  const group = known('group');
  return {
    policy: Policy.parse({
      ...draft,
      askers: { ...draft.askers, people: draft.askers.people.map(person), groups: draft.askers.groups.map(group) },
      approvals: draft.approvals.map((rule) => ({
        ...rule,
        approvers: rule.approvers.map(person),
        deputies: rule.deputies.map(person),
        approverGroups: rule.approverGroups.map(group),
        teams: rule.teams.map(group),
      })),
    }),
  };
}

/**
 * Of the groups that newly approve, those with more people than will be asked, by name; or the next look-up. One that the
 * directory does not tell of is left out: rules about it hold all the same, and whoever asks is told then.
 */
export function crowdedIn(
  policy: Policy,
  before: Policy,
  answers: readonly Answer[],
): { readonly crowded: readonly string[] } | { readonly call: Call } {
  const had = new Set(before.approvals.flatMap(({ approverGroups }) => approverGroups.map(({ id }) => id)));
  const groups = new Map(
    policy.approvals.flatMap(({ approverGroups }) =>
      approverGroups.flatMap(({ id, name }) => (had.has(id) ? [] : [[id, name] as const])),
    ),
  );
  const crowded: string[] = [];
  for (const [id, name] of groups) {
    const call = membersCall('members', id);
    const reply = answers.findLast((one) => one.call.name === call.name && one.call.path === call.path)?.reply;
    if (!reply) return { call };
    if (membersIn(reply).isMore) crowded.push(name);
  }
  return { crowded };
}

function wantedIn({ askers, approvals }: PolicyDraft): readonly Wanted[] {
  const of = (kind: Kind, field: string) => (all: readonly Named[]) =>
    all.flatMap(({ id, name }): Wanted[] => (id === undefined ? [{ kind, name, field }] : []));
  return [
    ...of('person', 'people')(askers.people),
    ...of('group', 'groups')(askers.groups),
    ...approvals.flatMap((rule) => [
      ...of('person', 'approvals')([...rule.approvers, ...rule.deputies]),
      ...of('group', 'approvals')([...rule.approverGroups, ...rule.teams]),
    ]),
  ];
}

function lookUp({ kind, name }: Wanted): Call {
  const text = literal(name);
  const path =
    kind === 'group'
      ? `/groups?$filter=displayName%20eq%20${text}&$select=id,displayName&$top=2`
      : name.includes('@')
        ? `/users?$filter=mail%20eq%20${text}%20or%20userPrincipalName%20eq%20${text}&$select=id,displayName&$top=2`
        : `/users?$filter=displayName%20eq%20${text}&$select=id,displayName&$top=2`;
  return { name: kind, to: 'graph', method: 'GET', path, repeat: 'safe' };
}
