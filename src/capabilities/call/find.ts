/**
 * Who is meant: looks people up as they were named, and says whether they can be rung at all. Pure: calls as data, and
 * what their answers mean. Sources: Microsoft Graph v1.0, user-list; Bot Framework, get conversation member.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Reply } from '../../requests/capability.ts';
import type { Problem } from '../../requests/problem.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Wanted } from './people.ts';

/** What is known of somebody. */
export type Found =
  /** This call will say. */
  | { readonly is: 'unasked'; readonly call: Call }
  | {
      readonly is: 'several';
      readonly name: string;
      readonly ask: Say;
      readonly options: readonly { readonly title: string; readonly value: string }[];
    }
  /** The look-up came to nothing, and when. */
  | { readonly is: 'unreadable'; readonly problem: Problem; readonly at: number; readonly name: string }
  | { readonly is: 'person'; readonly id: string; readonly name: string }
  | { readonly is: 'phone'; readonly id: string; readonly name: string }
  /** Known, or not, and not to be rung. */
  | { readonly is: 'pending' | 'blocked' | 'stranger' | 'nobody' | 'noPhones'; readonly name: string };

const User = z.object({
  id: z.string(),
  displayName: z.string().nullish(),
  mail: z.string().nullish(),
  userType: z.string().nullish(),
  externalUserState: z.string().nullish(),
  accountEnabled: z.boolean().nullish(),
  jobTitle: z.string().nullish(),
});
type User = z.infer<typeof User>;

export const FIND_ANSWERS = {
  find: z.object({ value: z.array(User) }),
  member: z.object({ aadObjectId: z.string().nullish(), objectId: z.string().nullish(), name: z.string().nullish() }),
};

const SELECT = 'id,displayName,mail,userType,externalUserState,accountEnabled,jobTitle';
/** Most people offered when a name fits several. */
const OFFERED = 15;

const literal = (text: string): string => encodeURIComponent(`'${text.replaceAll("'", "''")}'`);

/** The look-up for somebody. A name fits the beginning of a display name or of a surname. */
function findCall(wanted: Wanted): Call {
  const isMention = wanted.as === 'mention' && wanted.userId === undefined;
  return {
    name: isMention ? 'member' : 'find',
    to: isMention ? 'teams' : 'graph',
    method: 'GET',
    path: pathOf(wanted),
    repeat: 'safe',
  };
}

function pathOf(wanted: Wanted): string {
  // Also somebody who was chosen is looked at: they may be a guest who has not accepted yet.
  if (wanted.userId !== undefined) return `/users?$filter=id%20eq%20${literal(wanted.userId)}&$select=${SELECT}&$top=1`;
  if (wanted.as === 'mention')
    return `v3/conversations/${encodeURIComponent(wanted.chat)}/members/${encodeURIComponent(wanted.teamsId)}`;
  if (wanted.as === 'address') {
    const address = literal(wanted.address);
    const filter = `mail%20eq%20${address}%20or%20otherMails/any(m:m%20eq%20${address})%20or%20userPrincipalName%20eq%20${address}`;
    return `/users?$filter=${filter}&$select=${SELECT}&$top=5`;
  }
  const name = literal(wanted.name);
  return `/users?$filter=startswith(displayName,${name})%20or%20startswith(surname,${name})&$select=${SELECT}&$top=${OFFERED}`;
}

/** What was answered to each look-up, by its path. */
export type Said = ReadonlyMap<string, { readonly reply: Reply; readonly at: number }>;

/** One that failed counts until somebody asked for a person again: then it is tried once more. */
export function repliesByPath(answers: readonly Answer[], askedAgainAt: number): Said {
  return new Map(
    answers.flatMap(({ call, reply, sentAt }) =>
      reply && (call.name === 'find' || call.name === 'member') && (reply.ok || sentAt >= askedAgainAt)
        ? [[call.path, { reply, at: sentAt }] as const]
        : [],
    ),
  );
}

/** What the answers say of somebody. */
export function foundOf(wanted: Wanted, replies: Said, hasPhones: boolean): Found {
  if (wanted.as === 'phone')
    return hasPhones ? { is: 'phone', id: wanted.number, name: wanted.name } : { is: 'noPhones', name: wanted.name };
  const said = replies.get(pathOf(wanted));
  if (!said) return { is: 'unasked', call: findCall(wanted) };
  const { reply, at } = said;
  if (wanted.as === 'mention' && wanted.userId === undefined) {
    const member = reply.ok ? (reply.body as z.infer<typeof FIND_ANSWERS.member>) : {};
    const id = member.aadObjectId ?? member.objectId;
    if (id) return { is: 'person', id, name: member.name ?? wanted.name };
    // Mentioned, but not in this chat: the name says who it is as well as it can.
    return foundOf({ key: wanted.key, as: 'name', name: wanted.name }, replies, hasPhones);
  }
  if (!reply.ok) return { is: 'unreadable', problem: reply.problem, at, name: wanted.name };
  const users = (reply.body as z.infer<typeof FIND_ANSWERS.find>).value;
  const same = users.filter(({ displayName }) => displayName?.toLowerCase() === wanted.name.toLowerCase());
  const [first, ...others] = same.length === 1 ? same : users;
  if (!first) return { is: wanted.as === 'address' ? 'stranger' : 'nobody', name: wanted.name };
  if (others.length > 0 && wanted.as === 'name')
    return {
      is: 'several',
      name: wanted.name,
      ask: say('call.people.several', { name: wanted.name, count: users.length }),
      options: users.map(optionOf),
    };
  const name = first.displayName ?? wanted.name;
  if (first.accountEnabled === false) return { is: 'blocked', name };
  if (first.externalUserState === 'PendingAcceptance') return { is: 'pending', name };
  return { is: 'person', id: first.id, name };
}

function optionOf({ id, displayName, mail, jobTitle }: User): { title: string; value: string } {
  const about = [jobTitle, mail].filter(Boolean).join(', ');
  return { title: about ? `${displayName} (${about})` : (displayName ?? id), value: `${id}:${displayName ?? ''}` };
}
