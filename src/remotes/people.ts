/**
 * Finds people in the directory by mail address or sign-in name. Must not know why they are looked for.
 * Shapes: Microsoft Graph v1.0, user-list.
 */
import { z } from 'zod/v4';
import { bad, good, problem, type Result } from '../requests/problem.ts';
import type { Person } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import type { Send } from './graph.ts';

/**
 * The one member with this address: enabled, and no guest. Addresses that people may set themselves (otherMails) are not
 * looked at. `about`: for Graph's own log.
 */
export type FindPerson = (address: string, about: { readonly requestId: string }) => Promise<Result<Person>>;

/** Entra object ids of those with this address who are no guests. */
export type FindColleagues = (
  address: string,
  about: { readonly requestId: string },
) => Promise<Result<readonly string[]>>;

const Users = z.object({
  value: z.array(
    z.object({
      id: z.guid(),
      displayName: z.string().nullish(),
      userType: z.string().nullish(),
      externalUserState: z.string().nullish(),
      accountEnabled: z.boolean().nullish(),
      preferredLanguage: z.string().nullish(),
    }),
  ),
});

const FIELDS = 'id,displayName,userType,externalUserState,accountEnabled,preferredLanguage';

type User = z.infer<typeof Users>['value'][number];

async function usersWith(send: Send, address: string, requestId: string): Promise<Result<readonly User[]>> {
  // Quotes in a literal are doubled (Graph docs, query-parameters).
  const asked = encodeURIComponent(`'${address.replaceAll("'", "''")}'`);
  const path = `/users?$filter=mail%20eq%20${asked}%20or%20userPrincipalName%20eq%20${asked}&$select=${FIELDS}&$top=5`;
  const { signal } = new AbortController();
  const reply = await send({ name: 'person', to: 'graph', method: 'GET', path, repeat: 'safe' }, { requestId, signal });
  if (!reply.ok) return bad(reply.problem);
  const read = Users.safeParse(reply.body);
  return read.success
    ? good(read.data.value)
    : bad(problem('down', 'problem.down', { detail: 'an answer of another shape' }));
}

export function openPeople(send: Send): FindPerson {
  return async (address, { requestId }) => {
    const found = await usersWith(send, address, requestId);
    if (!found.ok) return found;
    const [user, ...others] = found.value;
    if (!user) return bad(problem('input', say('door.requester.unknown', { address })));
    if (others.length > 0) return bad(problem('input', say('door.requester.several', { address })));
    if (user.userType === 'Guest' || user.externalUserState)
      return bad(problem('input', say('door.requester.guest', { address })));
    if (user.accountEnabled === false) return bad(problem('input', say('door.requester.disabled', { address })));
    return good({ id: user.id, name: user.displayName ?? address, locale: user.preferredLanguage ?? 'en' });
  };
}

/** Colleagues with an address, switched off or not; guests are known by what was asked for about them. */
export function openColleagues(send: Send): FindColleagues {
  return async (address, { requestId }) => {
    const found = await usersWith(send, address, requestId);
    if (!found.ok) return found;
    return good(found.value.filter((one) => one.userType !== 'Guest' && !one.externalUserState).map(({ id }) => id));
  };
}
