/**
 * Signing in from a card: what is answered to the press that asks for it, and to the same press once the client brings what
 * it got (a token in silence, or the code of a sign-in in the browser). Must not know who holds the tokens, or what for.
 * Shapes: Teams docs, "Add third party authentication to Adaptive Cards Universal Actions" and the same for SSO.
 */
import { z } from 'zod/v4';
import type { Problem } from '../requests/problem.ts';
import { say } from '../requests/say.ts';
import type { Envelope } from './activity.ts';
import type { InvokeAnswer } from './application.ts';
import type { Asker } from './replies.ts';

type Asked = { readonly token: string } | 'none' | { readonly problem: Problem };

/** Who holds people's sign-ins (remotes/userTokens.ts fills it). `userId` is the channel's. */
export interface SignIns {
  get(userId: string, code?: string): Promise<Asked>;
  exchange(userId: string, token: string): Promise<Asked>;
  resource(
    conversation: unknown,
  ): Promise<
    | { readonly connectionName: string; readonly signInLink: string; readonly tokenExchangeResource?: unknown }
    | { readonly problem: Problem }
  >;
  signOut(userId: string): Promise<Problem | null>;
}

/** What a client brings along when it has signed somebody in. */
export interface Brought {
  readonly token?: string;
  readonly code?: string;
}

const Value = z.looseObject({
  authentication: z
    .looseObject({ token: z.string().min(1).max(20_000) })
    .nullish()
    .catch(null),
  state: z.string().min(1).max(200).nullish().catch(null),
});

export function broughtIn(value: unknown): Brought {
  const { authentication, state } = Value.safeParse(value).data ?? {};
  return { ...(authentication ? { token: authentication.token } : {}), ...(state ? { code: state } : {}) };
}

/**
 * Whether the person is signed in now; if not, what the client is to be told, or what is wrong. `isAsked`: the person
 * themselves must sign in, since what the client can get in silence does not do.
 */
export async function signIn(
  brought: Brought,
  activity: Envelope,
  { where, language }: Asker,
  signIns: SignIns,
  isAsked: boolean,
): Promise<'signed in' | { readonly answer: InvokeAnswer } | { readonly problem: Problem }> {
  const { token, code } = brought;
  const asked =
    token && isAsked
      ? 'none'
      : token
        ? await signIns.exchange(where.userId, token)
        : await signIns.get(where.userId, code);
  if (asked !== 'none') return 'problem' in asked ? asked : 'signed in';
  // The client then asks the person instead.
  if (token) return refusal(412, 'application/vnd.microsoft.error.preconditionFailed', language.say(say('signIn.ask')));
  if (code) return refusal(401, 'application/vnd.microsoft.error.incorrectAuthCode', language.say(say('signIn.again')));
  const resource = await signIns.resource(referenceOf(activity));
  if ('problem' in resource) return resource;
  const { connectionName, signInLink, tokenExchangeResource } = resource;
  return {
    answer: {
      statusCode: 401,
      type: 'application/vnd.microsoft.activity.loginRequest',
      value: {
        text: language.say(say('signIn.ask')),
        connectionName,
        ...(tokenExchangeResource && !isAsked ? { tokenExchangeResource } : {}),
        buttons: [{ type: 'signin', title: language.say(say('button.signIn')), value: signInLink }],
      },
    },
  };
}

function refusal(statusCode: number, type: InvokeAnswer['type'], message: string): { readonly answer: InvokeAnswer } {
  return { answer: { statusCode, type, value: { code: String(statusCode), message } } };
}

/** Where it was asked, as the token service wants to know it (Bot Framework, ConversationReference). */
function referenceOf(activity: Envelope): unknown {
  const { id, from, recipient, conversation, channelId, serviceUrl } = activity;
  return {
    activityId: id,
    user: from,
    bot: recipient,
    conversation,
    channelId,
    serviceUrl,
    locale: activity['locale'],
  };
}
