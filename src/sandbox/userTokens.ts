/**
 * What the Bot Framework's token service remembers: who signed in through which connection, with which code a finished
 * sign-in is redeemed, and whom Partner Center believes no longer. Rules over plain data; it must not know HTTP.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** An access token of a user for Partner Center. */
export interface UserToken {
  token: string;
  /** Object id of the user. */
  userId: string;
  connectionName: string;
  channelId: string;
  issuedAt: string;
  expiresAt: string;
  /** Whether the sign-in went through a second factor, which Partner Center demands. */
  mfa: boolean;
  /** False when it was exchanged without the user seeing anything. */
  interactive: boolean;
  /** Handed out still, but refused by Partner Center. */
  refused: boolean;
}

/** One sign-in that was offered. */
export interface SignIn {
  ticket: string;
  userId: string;
  connectionName: string;
  channelId: string;
  state: 'open' | 'finished' | 'refused' | 'redeemed';
  /** The six digits of a finished one. */
  code: string | null;
  mfa: boolean;
}

/** How one user stands with the service. */
export interface Access {
  /** Whether the user agreed that the bot acts for them. */
  consent: boolean;
  /** Tokens from before this moment, and silent ones, meet a claims challenge. */
  challengedAt: string | null;
  /** The challenge comes with 401 or, as conditional access does at times, with 403. */
  challengeStatus: 401 | 403;
}

/** How the token service behaves; see `POST /control/settings`. */
export interface TokenSettings {
  /** How long an access token is good for, in ms. */
  tokenLifetimeMs: number;
  /** Whether the chat exchanges tokens silently for those who consented before. */
  sso: boolean;
}

/** The settings of the first morning. */
export const tokenDefaults: TokenSettings = { tokenLifetimeMs: 60 * 60_000, sso: false };

/** The memory of the token service in one sandbox. */
export interface TokenWorld {
  given: UserToken[];
  signIns: SignIn[];
  /** Tokens the chat may exchange for one of Partner Center's, by their text. */
  exchangeable: Record<string, { userId: string; uri: string }>;
  access: Record<string, Access>;
}

/** A service that nobody signed in to. */
export const noTokens = (): TokenWorld => ({ given: [], signIns: [], exchangeable: {}, access: {} });

const secret = () => `sandbox-user-${randomBytes(24).toString('base64url')}`;

/** How a user stands; a new one did not agree to anything yet. */
export function accessOf(tokens: TokenWorld, userId: string): Access {
  tokens.access[userId] ??= { consent: false, challengedAt: null, challengeStatus: 401 };
  return tokens.access[userId];
}

/** The token that is good now for a user and a connection. */
export function goodToken(tokens: TokenWorld, userId: string, connectionName: string): UserToken | undefined {
  return tokens.given.findLast(
    (one) => one.userId === userId && one.connectionName === connectionName && Date.parse(one.expiresAt) > Date.now(),
  );
}

/** Gives a user a token in place of the one before. */
export function giveToken(
  tokens: TokenWorld,
  lifetimeMs: number,
  given: Pick<UserToken, 'userId' | 'connectionName' | 'channelId' | 'mfa' | 'interactive'>,
): UserToken {
  forget(tokens, given.userId, given.connectionName);
  const now = Date.now();
  const token: UserToken = {
    ...given,
    token: secret(),
    issuedAt: new Date(now).toISOString(),
    expiresAt: new Date(now + lifetimeMs).toISOString(),
    refused: false,
  };
  tokens.given.push(token);
  return token;
}

/** Forgets the tokens of a user, of one connection or of all. */
export function forget(tokens: TokenWorld, userId: string, connectionName: string | null): void {
  tokens.given = tokens.given.filter(
    (one) => one.userId !== userId || (connectionName !== null && one.connectionName !== connectionName),
  );
}

/** Offers a sign-in. */
export function offerSignIn(
  tokens: TokenWorld,
  given: Pick<SignIn, 'userId' | 'connectionName' | 'channelId'>,
): SignIn {
  const signIn: SignIn = { ...given, ticket: randomUUID(), state: 'open', code: null, mfa: false };
  tokens.signIns.push(signIn);
  return signIn;
}

/** The user agrees on the sign-in page: the code that the chat hands to the bot. */
export function finishSignIn(tokens: TokenWorld, signIn: SignIn, mfa: boolean): string {
  accessOf(tokens, signIn.userId).consent = true;
  signIn.state = 'finished';
  signIn.mfa = mfa;
  signIn.code = String(randomInt(1_000_000)).padStart(6, '0');
  return signIn.code;
}

/** Redeems the code of a finished sign-in, once. */
export function redeemCode(
  tokens: TokenWorld,
  lifetimeMs: number,
  given: { userId: string; connectionName: string; channelId: string; code: string },
): UserToken | undefined {
  const { userId, connectionName, channelId, code } = given;
  const signIn = tokens.signIns.find(
    (one) =>
      one.state === 'finished' &&
      one.userId === userId &&
      one.connectionName === connectionName &&
      one.code === code.trim(),
  );
  if (!signIn) return undefined;
  signIn.state = 'redeemed';
  return giveToken(tokens, lifetimeMs, { userId, connectionName, channelId, mfa: signIn.mfa, interactive: true });
}

/** A token the chat may exchange for the user, or undefined when the user never agreed. */
export function exchangeableToken(tokens: TokenWorld, userId: string, uri: string): string | undefined {
  if (!accessOf(tokens, userId).consent) return undefined;
  const token = secret();
  tokens.exchangeable[token] = { userId, uri };
  return token;
}

/** Whether Partner Center takes a token: yes, no, or only after the user signed in again. */
export function believe(tokens: TokenWorld, text: string): UserToken | 'unknown' | 'expired' | { challenged: string } {
  const token = tokens.given.find((one) => one.token === text);
  if (!token || token.refused) return 'unknown';
  if (Date.parse(token.expiresAt) <= Date.now()) return 'expired';
  const { challengedAt } = accessOf(tokens, token.userId);
  const isOld = challengedAt !== null && (!token.interactive || token.issuedAt <= challengedAt);
  return isOld || !token.mfa ? { challenged: token.userId } : token;
}
