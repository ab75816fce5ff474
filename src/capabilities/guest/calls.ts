/**
 * The calls about guests and the shapes of their answers. Pure: calls as data. Must not know which is made when, or
 * who invites.
 * Shapes and limits: Microsoft Graph v1.0, user-list, group-list, user-delete, user-list-memberof.
 */
import { z } from 'zod/v4';
import type { Call } from '../../requests/capability.ts';
import type { TeamWish } from './input.ts';

const User = z.object({
  id: z.string(),
  displayName: z.string().nullish(),
  mail: z.string().nullish(),
  userPrincipalName: z.string().nullish(),
  userType: z.string().nullish(),
  externalUserState: z.string().nullish(),
  externalUserStateChangeDateTime: z.string().nullish(),
  accountEnabled: z.boolean().nullish(),
});
export type User = z.infer<typeof User>;
export const Users = z.object({ value: z.array(User) });
/** One of them by id, or all that have an address. */
export const Look = User.partial().extend({ value: z.array(User).optional() });
export const Groups = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      displayName: z.string(),
      description: z.string().nullish(),
      resourceProvisioningOptions: z.array(z.string()).nullish(),
    }),
  ),
});

/** What is used of each answer, whoever invites. */
export const GUEST_ANSWERS = {
  find: Users,
  team: Groups,
  look: Look,
  groups: z.object({ value: z.array(z.object({ id: z.string() })) }),
};

/** An OData string literal, encoded for a query: quotes are doubled first (Graph docs, query-parameters). */
export function literal(text: string): string {
  return encodeURIComponent(`'${text.replaceAll("'", "''")}'`);
}

const SELECT =
  'id,displayName,mail,userPrincipalName,userType,externalUserState,externalUserStateChangeDateTime,accountEnabled';

/** Everybody the address belongs to. */
export function findCall(asked: string): Call {
  const address = literal(asked);
  const filter = `mail%20eq%20${address}%20or%20otherMails/any(m:m%20eq%20${address})%20or%20userPrincipalName%20eq%20${address}`;
  return {
    name: 'find',
    to: 'graph',
    method: 'GET',
    path: `/users?$filter=${filter}&$select=${SELECT}&$top=10`,
    repeat: 'safe',
  };
}

/** Among several accounts with the address, the one whose own mail it is; else the first. */
export function pick(users: readonly User[], address: string): User | undefined {
  const same = (text: string | null | undefined): boolean => text?.toLowerCase() === address.toLowerCase();
  return users.find((user) => same(user.mail)) ?? users.find((user) => same(user.userPrincipalName)) ?? users[0];
}

/** A team or group of the directory. */
export type ResolvedTeam = Required<TeamWish>;

/** Adding somebody twice changes nothing, so a lost answer may simply be asked for again. */
export function joinCall(team: ResolvedTeam, userId: string, graphUrl: string): Call {
  const id = encodeURIComponent(team.id);
  const user = encodeURIComponent(userId);
  return team.isTeam
    ? {
        name: 'join',
        to: 'graph',
        method: 'POST',
        path: `/teams/${id}/members`,
        body: {
          '@odata.type': '#microsoft.graph.aadUserConversationMember',
          roles: [],
          'user@odata.bind': `${graphUrl}/users('${user}')`,
        },
        repeat: 'safe',
      }
    : {
        name: 'join',
        to: 'graph',
        method: 'POST',
        path: `/groups/${id}/members/$ref`,
        body: { '@odata.id': `${graphUrl}/directoryObjects/${user}` },
        repeat: 'safe',
      };
}

export function teamCall(name: string): Call {
  const path = `/groups?$filter=startswith(displayName,${literal(name)})&$select=id,displayName,description,resourceProvisioningOptions&$top=20`;
  return { name: 'team', to: 'graph', method: 'GET', path, repeat: 'safe' };
}

const userPath = (userId: string): string => `/users/${encodeURIComponent(userId)}`;

/** How one guest stands now; by address while it is not known which user that is. */
export const lookCall = (userId: string | undefined, address: string): Call => ({
  ...findCall(address),
  name: 'look',
  ...(userId === undefined ? {} : { path: `${userPath(userId)}?$select=${SELECT}` }),
});

/** Whether they are in any group or team: one is enough to know. */
export const groupsCall = (userId: string): Call => ({
  name: 'groups',
  to: 'graph',
  method: 'GET',
  path: `${userPath(userId)}/memberOf?$select=id&$top=1`,
  repeat: 'safe',
});

/** Whoever is gone already cannot be removed twice, so a lost answer may be asked for again. */
export const removeCall = (userId: string): Call => ({
  name: 'remove',
  to: 'graph',
  method: 'DELETE',
  path: userPath(userId),
  repeat: 'safe',
});

/** The groups and teams (and roles) somebody is in, enough of them to say how many. */
export const memberOfCall = (userId: string): Call => ({
  name: 'memberOf',
  to: 'graph',
  method: 'GET',
  path: `${userPath(userId)}/memberOf?$select=id&$top=100`,
  repeat: 'safe',
});

/** Makes somebody answerable for a guest; who is already stays so, hence it may be asked twice (Graph, user-post-sponsors). */
export const sponsorCall = (userId: string, sponsorId: string, graphUrl: string): Call => ({
  name: 'sponsor',
  to: 'graph',
  method: 'POST',
  path: `${userPath(userId)}/sponsors/$ref`,
  body: { '@odata.id': `${graphUrl}/users/${encodeURIComponent(sponsorId)}` },
  repeat: 'safe',
});

/** Whoever is no sponsor any more cannot be taken back twice (Graph, user-delete-sponsors). */
export const unsponsorCall = (userId: string, sponsorId: string): Call => ({
  name: 'unsponsor',
  to: 'graph',
  method: 'DELETE',
  path: `${userPath(userId)}/sponsors/${encodeURIComponent(sponsorId)}/$ref`,
  repeat: 'safe',
});
