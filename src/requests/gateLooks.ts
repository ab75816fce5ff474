/**
 * What the gate asks the directory, and what it reads from the answers: the groups whoever asks is in, who owns a team, who
 * is in a group of approvers. Pure; must not know what a policy says of it.
 * Shapes and limits: Microsoft Graph v1.0, directoryobject-checkmembergroups, group-list, group-list-owners,
 * group-list-transitivemembers.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Reply, Shape } from './capability.ts';
import type { TeamRef } from './policy/judge.ts';
import type { Ref } from './policy/policy.ts';

/** Groups the directory is asked about at once (Graph docs, directoryobject-checkmembergroups: 20). */
const MOST_GROUPS = 20;
/** Most people of one group who are asked to approve: each gets a card. */
export const MOST_MEMBERS = 50;
/** So many are read, since guests and accounts that are switched off are among them and could not decide. */
const MEMBERS_READ = 200;
/** Teams a name may stand for; as many as `capabilities/guest` would offer. */
const TEAMS_READ = 20;

const Members = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      displayName: z.string().nullish(),
      userType: z.string().nullish(),
      accountEnabled: z.boolean().nullish(),
    }),
  ),
  '@odata.nextLink': z.string().nullish(),
});
const Strings = z.object({ value: z.array(z.string()) });
const Teams = z.object({ value: z.array(z.object({ id: z.string(), displayName: z.string().nullish() })) });

/** What is used of the answers to the gate's own look-ups. */
export function shapeAtGate(name: string): Shape | undefined {
  if (name === 'gate.groups') return Strings;
  if (name === 'gate.team') return Teams;
  return name === 'gate.owner' || name.startsWith('gate.members:') ? Members : undefined;
}

/** What was answered to just this look-up. A problem is for the gate to see before; here it says nothing. */
const heard = (answers: readonly Answer[], { name, path }: Call): Reply | undefined =>
  answers.findLast(({ call }) => call.name === name && call.path === path)?.reply ?? undefined;

function read<T>(shape: z.ZodType<T>, reply: Reply): T | null {
  const body = reply.ok ? shape.safeParse(reply.body) : null;
  return body?.success ? body.data : null;
}

/** Of some groups, those somebody is in, nested ones included; or the next look-up. One group they are in is enough. */
export function groupsOf(
  personId: string,
  groupIds: readonly string[],
  answers: readonly Answer[],
): { readonly groups: ReadonlySet<string> } | { readonly call: Call } {
  const path = `/users/${encodeURIComponent(personId)}/checkMemberGroups`;
  const asked = new Set<string>();
  const groups = new Set<string>();
  for (const { call, reply } of answers) {
    if (call.name !== 'gate.groups' || call.path !== path || !reply) continue;
    // What was asked is read from the call: the rules may name other groups by now.
    for (const id of Asked.parse(call.body).groupIds) asked.add(id);
    for (const id of read(Strings, reply)?.value ?? []) groups.add(id);
  }
  const left = groupIds.filter((id) => !asked.has(id)).slice(0, MOST_GROUPS);
  if (left.length === 0 || groupIds.some((id) => groups.has(id))) return { groups };
  return {
    call: { name: 'gate.groups', to: 'graph', method: 'POST', path, body: { groupIds: left }, repeat: 'safe' },
  };
}
const Asked = z.object({ groupIds: z.array(z.string()) });

/**
 * Whether somebody owns a team, or the next look-up. A name may stand for several teams, and which is meant is not known:
 * then they have to own each of them.
 */
export function ownsTeam(
  personId: string,
  team: TeamRef,
  answers: readonly Answer[],
): { readonly owns: boolean } | { readonly call: Call } {
  const ids = team.id === undefined ? idsOf(team.name, answers) : [team.id];
  if (!Array.isArray(ids)) return { call: ids };
  for (const id of ids) {
    const call = ownersOf(id);
    const reply = heard(answers, call);
    if (!reply) return { call };
    if (!read(Members, reply)?.value.some((one) => one.id === personId)) return { owns: false };
  }
  return { owns: ids.length > 0 };
}

/** The teams and groups of a name, as inviting into one finds them: the same name, else what begins with it. */
function idsOf(name: string, answers: readonly Answer[]): string[] | Call {
  const text = encodeURIComponent(`'${name.replaceAll("'", "''")}'`);
  const path = `/groups?$filter=startswith(displayName,${text})&$select=id,displayName&$top=${TEAMS_READ}`;
  const call: Call = { name: 'gate.team', to: 'graph', method: 'GET', path, repeat: 'safe' };
  const reply = heard(answers, call);
  if (!reply) return call;
  const teams = read(Teams, reply)?.value ?? [];
  const same = teams.filter(({ displayName }) => displayName?.toLowerCase() === name.toLowerCase());
  return (same.length > 0 ? same : teams).map(({ id }) => id);
}

function ownersOf(teamId: string): Call {
  const path = `/groups/${encodeURIComponent(teamId)}/owners?$select=id,displayName&$top=100`;
  return { name: 'gate.owner', to: 'graph', method: 'GET', path, repeat: 'safe' };
}

/** Who is in a group. People of groups within it as well; `name` is the caller's own. */
export function membersCall(name: string, groupId: string): Call {
  const select = '$select=id,displayName,userType,accountEnabled';
  const group = encodeURIComponent(groupId);
  const path = `/groups/${group}/transitiveMembers/microsoft.graph.user?${select}&$top=${MEMBERS_READ}`;
  return { name, to: 'graph', method: 'GET', path, repeat: 'safe' };
}

/** What is used of the answer to that. */
export const MEMBERS_ANSWER: Shape = Members;

/**
 * The people of a group who are asked, and whether there are more of them. No guests, and nobody who cannot sign in: they
 * could not decide.
 */
export function membersIn(reply: Reply): { readonly people: readonly Ref[]; readonly isMore: boolean } {
  const { value = [], '@odata.nextLink': next } = read(Members, reply) ?? {};
  const able = value.filter(({ userType, accountEnabled }) => userType !== 'Guest' && accountEnabled !== false);
  return {
    people: able.slice(0, MOST_MEMBERS).map(({ id, displayName }) => ({ id, name: displayName ?? id })),
    isMore: able.length > MOST_MEMBERS || !!next,
  };
}

/** The people of the groups who approve, and the groups that have more than are asked; or the next look-up. */
export function approversIn(
  groups: readonly Ref[],
  answers: readonly Answer[],
): { readonly people: readonly Ref[]; readonly crowded: readonly string[] } | { readonly call: Call } {
  const people: Ref[] = [];
  const crowded: string[] = [];
  for (const { id, name } of groups) {
    const call = membersCall(`gate.members:${id}`, id);
    const reply = heard(answers, call);
    if (!reply) return { call };
    const members = membersIn(reply);
    people.push(...members.people);
    if (members.isMore) crowded.push(name);
  }
  return { people, crowded };
}
