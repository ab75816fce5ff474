/**
 * The stand-in for the Bot Framework's token service: tokens of signed-in users, sign-in links, silent exchange (routes and
 * shapes: botframework-connector, tokenApi). Must not know Partner Center or the chat.
 */
import { randomUUID } from 'node:crypto';
import { type Answer, asObject, type Exchange, routes } from './exchange.ts';
import type { Room } from './room.ts';
import { accessOf, forget, giveToken, goodToken, offerSignIn, redeemCode, type UserToken } from './userTokens.ts';
import { findPerson } from './world.ts';

/** An error the way the token service writes one. */
export function tokenError(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

const shape = (token: UserToken): Answer => ({
  status: 200,
  body: {
    channelId: token.channelId,
    connectionName: token.connectionName,
    token: token.token,
    expiration: token.expiresAt,
  },
});

/** A property by its name without regard to case: the SDKs of the Bot Framework differ in it. */
function member(value: unknown, name: string): unknown {
  const entry = Object.entries(asObject(value) ?? {}).find(([key]) => key.toLowerCase() === name.toLowerCase());
  return entry?.[1];
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);

/** Reads the state of a sign-in: base64 of JSON that names the connection, the user and the bot. */
function readState(source: string) {
  let state: unknown;
  try {
    state = JSON.parse(Buffer.from(source, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
  const conversation = member(state, 'Conversation');
  return {
    connectionName: textOf(member(state, 'ConnectionName')),
    user: textOf(member(member(conversation, 'User'), 'Id')),
    channelId: textOf(member(conversation, 'ChannelId')) ?? 'msteams',
    appId: textOf(member(state, 'MsAppId')),
  };
}

/** A body for the list of calls: what the token service gives or takes is never written down. */
export function withoutTokens(remote: string, body: unknown): unknown {
  const object = remote === 'tokens' ? asObject(body) : undefined;
  return object && 'token' in object ? { ...object, token: '(not kept)' } : body;
}

/** Answers token calls; paths start with `/api`. */
export function createTokens(room: Room): (exchange: Exchange) => Answer | Promise<Answer> {
  const { world } = room;
  const bad = (message: string) => tokenError(400, 'BadArgument', message);
  // The service answers an unknown user, a wrong code and a code used before all alike (seen: botbuilder-dotnet #1265).
  const none: Answer = { status: 404, body: {} };

  /** Whom and what a call is about, or the refusal. */
  function asked(exchange: Exchange): { userId: string | null; connectionName: string; channelId: string } | Answer {
    const connectionName = exchange.query.get('connectionName');
    const user = exchange.query.get('userId');
    if (!user) return bad("Missing required query parameter 'userId'.");
    if (!connectionName) return bad("Missing required query parameter 'connectionName'.");
    const channelId = exchange.query.get('channelId') ?? 'msteams';
    return { userId: findPerson(world, user)?.userId ?? null, connectionName, channelId };
  }

  function getToken(exchange: Exchange): Answer {
    const about = asked(exchange);
    if ('status' in about) return about;
    const { userId, connectionName, channelId } = about;
    if (userId === null) return none;
    const code = exchange.query.get('code');
    const token =
      code === null || code === ''
        ? goodToken(world.tokens, userId, connectionName)
        : redeemCode(world.tokens, world.settings.tokenLifetimeMs, { userId, connectionName, channelId, code });
    if (!token) return none;
    if (code) room.happenings.tell('partner', {});
    return shape(token);
  }

  function signInLink(exchange: Exchange): string | Answer {
    const state = readState(exchange.query.get('state') ?? '');
    if (!state?.connectionName || !state.user) return bad('The state is not a token exchange state.');
    if (state.appId !== null && state.appId !== room.botId) {
      return tokenError(403, 'Forbidden', 'The state is of another bot.');
    }
    const person = findPerson(world, state.user);
    if (!person) return bad('The user of the state is not known.');
    const { connectionName, channelId } = state;
    const { ticket } = offerSignIn(world.tokens, { userId: person.userId, connectionName, channelId });
    return `${room.url}/sign-in?ticket=${ticket}`;
  }

  function exchangeToken(exchange: Exchange): Answer {
    const about = asked(exchange);
    if ('status' in about) return about;
    const given = textOf(asObject(exchange.body)?.['token']);
    if (given === null) return bad("The exchange request has no 'token'.");
    const known = world.tokens.exchangeable[given];
    if (!known || about.userId === null || known.userId !== about.userId) {
      return tokenError(400, 'InvalidExchangeToken', 'The exchangeable token is not valid for this user.');
    }
    if (!accessOf(world.tokens, known.userId).consent) {
      return tokenError(412, 'ConsentRequired', 'The user has not consented.');
    }
    const { connectionName, channelId } = about;
    const token = { userId: known.userId, connectionName, channelId, mfa: true, interactive: false };
    room.happenings.tell('partner', {});
    return shape(giveToken(world.tokens, world.settings.tokenLifetimeMs, token));
  }

  const route = routes({
    'GET /api/usertoken/GetToken': getToken,
    'POST /api/usertoken/exchange': exchangeToken,
    'DELETE /api/usertoken/SignOut': (exchange) => {
      const user = exchange.query.get('userId');
      if (!user) return bad("Missing required query parameter 'userId'.");
      const person = findPerson(world, user);
      if (person) forget(world.tokens, person.userId, exchange.query.get('connectionName'));
      room.happenings.tell('partner', {});
      return { status: 200, body: {} };
    },
    'GET /api/usertoken/GetTokenStatus': (exchange) => {
      const user = exchange.query.get('userId');
      if (!user) return bad("Missing required query parameter 'userId'.");
      const userId = findPerson(world, user)?.userId ?? '';
      const channelId = exchange.query.get('channelId') ?? 'msteams';
      const included = exchange.query.get('include')?.split(',').filter(Boolean);
      const seen = world.tokens.signIns.filter((one) => one.userId === userId).map((one) => one.connectionName);
      const held = world.tokens.given.filter((one) => one.userId === userId).map((one) => one.connectionName);
      const status = [...new Set(included ?? [...seen, ...held])].map((connectionName) => ({
        channelId,
        connectionName,
        hasToken: goodToken(world.tokens, userId, connectionName) !== undefined,
        serviceProviderDisplayName: 'Azure Active Directory v2',
      }));
      return { status: 200, body: status };
    },
    'GET /api/botsignin/GetSignInResource': (exchange) => {
      const link = signInLink(exchange);
      if (typeof link !== 'string') return link;
      const tokenExchangeResource = { id: randomUUID(), uri: `api://botid-${room.botId}`, providerId: randomUUID() };
      return { status: 200, body: { signInLink: link, tokenExchangeResource } };
    },
    'GET /api/botsignin/GetSignInUrl': (exchange) => {
      const link = signInLink(exchange);
      return typeof link === 'string' ? { status: 200, body: link, headers: { 'content-type': 'text/plain' } } : link;
    },
  });
  return (exchange) => {
    if (!exchange.bodyIsJson) return bad('The body is not JSON.');
    return route(exchange) ?? tokenError(404, 'NotFound', `No such token route: ${exchange.path}`);
  };
}
