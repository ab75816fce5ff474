/**
 * The JSON API behind `/control`: everything the chat page and the tests can see and do. Must not know how remotes
 * answer; it reads and changes the shared memory, and leaves talking to the bot to `talking.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod/v4';
import { type CallbackRecord, callbackLine } from './callbacks.ts';
import { callControlRoutes } from './callControl.ts';
import { callLine } from './calls.ts';
import { callView } from './callViews.ts';
import { deleteMessage, findMessage } from './chat.ts';
import { checked, refuse } from './checked.ts';
import {
  consentBody,
  deleteMessageBody,
  executeBody,
  faultBody,
  installBody,
  rawBody,
  redeemBody,
  sayBody,
  settingsBody,
  submitBody,
  waitQuery,
  worldBody,
} from './controlBodies.ts';
import { deliver, isLoopback } from './courier.ts';
import { type Answer, type Exchange, routes } from './exchange.ts';
import { remotes } from './faults.ts';
import { consent } from './fileConsent.ts';
import { partnerControlRoutes } from './partnerControl.ts';
import type { Room } from './room.ts';
import { makeGroup, makeGuest, makeUser, seedWorld } from './seed.ts';
import { execute, install, say, submit } from './talking.ts';
import { webhookLine } from './webhooks.ts';
import { addressesOf, findConversation, type Message, splitConversationId, userByAddress } from './world.ts';

const defaultWaitMs = 10_000;

function state(room: Room): Answer {
  const { world, calls, faults } = room;
  return {
    status: 200,
    body: {
      tenantId: world.tenantId,
      tenantName: world.tenantName,
      verifiedDomains: world.verifiedDomains,
      botId: room.botId,
      botUrl: room.botUrl,
      serviceUrl: room.serviceUrl,
      settings: world.settings,
      people: world.people,
      users: world.users,
      groups: world.groups,
      conversations: world.conversations.map((conversation) => ({
        ...conversation,
        messages: world.messages.filter((message) => message.conversation === conversation.id).length,
      })),
      invitations: world.invitations,
      mails: world.mails,
      faults: faults.list(),
      counts: {
        users: world.users.length,
        guests: world.users.filter((user) => user.userType === 'Guest').length,
        messages: world.messages.length,
        mails: world.mails.length,
        invitations: world.invitations.length,
        calls: Object.fromEntries(remotes.map((remote) => [remote, calls.list(remote).length])),
      },
    },
  };
}

function messagesOf(room: Room, ref: string | null): Message[] | Answer {
  if (ref === null) return room.world.messages;
  const conversation = findConversation(room.world, ref);
  if (!conversation) return refuse(404, `no conversation '${ref}'`);
  const { thread } = splitConversationId(ref);
  return room.world.messages.filter(
    (message) => message.conversation === conversation.id && (thread === null || message.thread === thread),
  );
}

/** The callbacks whose line fits. `known` keeps what was looked at: rosters are large, and looked for after every change. */
function matching(
  room: Room,
  source: string,
  known: Map<CallbackRecord, { of: string; fits: boolean }>,
): CallbackRecord[] {
  const wanted = new RegExp(source);
  return room.telephony.callbacks.filter((record) => {
    const of = `${record.state} ${record.status}`;
    let seen = known.get(record);
    if (seen?.of !== of) {
      seen = { of, fits: wanted.test(callbackLine(record)) };
      known.set(record, seen);
    }
    return seen.fits;
  });
}

async function wait(room: Room, exchange: Exchange, signal: AbortSignal): Promise<Answer> {
  const read = waitQuery.safeParse(Object.fromEntries(exchange.query));
  if (!read.success) return refuse(400, read.error.issues.map((issue) => issue.message).join('; '));
  const asked = read.data;
  const messages = messagesOf(room, asked.conversation ?? null);
  if (!Array.isArray(messages)) return messages;
  const seen = () => {
    const found = messagesOf(room, asked.conversation ?? null);
    return Array.isArray(found) ? found : [];
  };
  const count = asked.count ?? 1;
  const enough = (items: string[], source: string | undefined, whole: boolean) => {
    if (source === undefined) return true;
    const wanted = new RegExp(source);
    if (whole && asked.count === undefined) return wanted.test(`[${items.join(',')}]`);
    return items.filter((item) => wanted.test(item)).length >= count;
  };
  const lines = new Map<CallbackRecord, { of: string; fits: boolean }>();
  const reached = () =>
    enough(
      seen().map((message) => JSON.stringify(message)),
      asked.matches,
      true,
    ) &&
    enough(room.calls.list(asked.remote).map(callLine), asked.calls, false) &&
    enough(
      room.world.mails.map((mail) => JSON.stringify(mail)),
      asked.mails,
      true,
    ) &&
    (asked.callbacks === undefined || matching(room, asked.callbacks, lines).length >= count) &&
    enough(room.world.partner.events.map(webhookLine), asked.webhooks, false) &&
    enough(
      room.telephony.calls.map((call) => JSON.stringify(callView(room, call))),
      asked.telephony,
      false,
    );
  const ok = await room.happenings.until(reached, asked.timeoutMs ?? defaultWaitMs, signal);
  const body: Record<string, unknown> = { ok };
  if (asked.matches !== undefined) body['messages'] = seen();
  if (asked.calls !== undefined) body['calls'] = room.calls.list(asked.remote);
  if (asked.mails !== undefined) body['mails'] = room.world.mails;
  if (asked.callbacks !== undefined) body['callbacks'] = matching(room, asked.callbacks, lines);
  if (asked.webhooks !== undefined) body['webhooks'] = room.world.partner.events;
  if (asked.telephony !== undefined) body['telephony'] = room.telephony.calls.map((call) => callView(room, call));
  return { status: ok ? 200 : 408, body };
}

function redeem(room: Room, asked: z.infer<typeof redeemBody>): Answer {
  const { world } = room;
  const mail = world.mails.find((one) => one.id === asked.mailId);
  const invitation = world.invitations.find((one) => one.redeemUrl === asked.url);
  const userId = mail?.userId ?? invitation?.userId;
  const user = userId
    ? world.users.find((one) => one.id === userId)
    : asked.address !== undefined
      ? userByAddress(world, asked.address)
      : undefined;
  if (!user) return refuse(404, 'no such invitation, or its guest was removed');
  if (user.userType !== 'Guest') return refuse(409, `${user.displayName} is not a guest`);
  const at = new Date().toISOString();
  if (user.externalUserState !== 'Accepted') {
    user.externalUserState = 'Accepted';
    user.externalUserStateChangeDateTime = at;
  }
  for (const one of world.mails.filter(
    (sent) => sent.userId === user.id && addressesOf(user).includes(sent.to.toLowerCase()),
  )) {
    one.acceptedAt ??= at;
    room.happenings.tell('mail', one);
  }
  room.happenings.tell('directory', {});
  return { status: 200, body: { userId: user.id, externalUserState: user.externalUserState } };
}

function addRecords(room: Room, given: z.infer<typeof worldBody>): Answer {
  const { world } = room;
  const users = given.users.map((one) => {
    const record = { ...one, id: one.id ?? randomUUID() } as Parameters<typeof makeGuest>[0];
    const guest = one['userType'] === 'Guest' || typeof one['externalUserState'] === 'string';
    return guest ? makeGuest(record) : makeUser(record);
  });
  const groups = given.groups.map((one) => makeGroup({ ...one, id: one.id ?? randomUUID() }));
  world.users.push(...users);
  world.groups.push(...groups);
  room.happenings.tell('directory', {});
  return { status: 201, body: { users, groups } };
}

/** Puts everything back to the first morning; the keys, the address and the bot's address stay. */
export function reset(room: Room): void {
  Object.assign(room.world, seedWorld(room.world.tenantId));
  room.world.settings.directoryDelayMs = room.directoryDelayMs;
  room.calls.clear();
  room.faults.clear();
  room.telephony.clear();
  room.happenings.tell('reset', {});
}

/** Answers control calls. `signal` ends when the caller went away. */
export function createControl(room: Room): (exchange: Exchange, signal: AbortSignal) => Promise<Answer> {
  const { world } = room;
  const route = routes({
    'GET /control/state': () => state(room),
    'GET /control/messages': (exchange) => {
      const messages = messagesOf(room, exchange.query.get('conversation'));
      return Array.isArray(messages) ? { status: 200, body: { messages } } : messages;
    },
    'GET /control/calls': (exchange) => {
      const path = exchange.query.get('path');
      const found = room.calls.list(exchange.query.get('remote'));
      const calls = path === null ? found : found.filter((call) => call.path.includes(path));
      return { status: 200, body: { calls } };
    },
    'DELETE /control/calls': () => {
      room.calls.clear();
      return { status: 204 };
    },
    'POST /control/say': checked(sayBody, (body) => say(room, body)),
    'POST /control/execute': checked(executeBody, (body) => execute(room, body)),
    'POST /control/submit': checked(submitBody, (body) => submit(room, body)),
    'POST /control/install': checked(installBody, (body) => install(room, body)),
    'POST /control/consent': checked(consentBody, (body) => consent(room, body)),
    'POST /control/raw': checked(rawBody, async (body) => {
      const { token } = body;
      let authorization: string | null = null;
      if (token === 'good') authorization = `Bearer ${await room.keys.sign(body.claims ?? {})}`;
      else if (token !== 'none' && 'header' in token) authorization = token.header;
      else if (token !== 'none') authorization = `Bearer ${await room.keys.forge(token.forge)}`;
      return { status: 200, body: await deliver(room, body.activity, { authorization }) };
    }),
    'POST /control/delete-message': checked(deleteMessageBody, (body) => {
      const conversation = findConversation(world, body.conversation);
      const message = conversation && findMessage(room, conversation.id, body.activityId);
      if (!message) return refuse(404, 'no such message');
      deleteMessage(room, message);
      return { status: 200, body: { deleted: true } };
    }),
    'GET /control/faults': () => ({ status: 200, body: { faults: room.faults.list() } }),
    'DELETE /control/faults': () => {
      room.faults.clear();
      room.happenings.tell('faults', { faults: [] });
      return { status: 204 };
    },
    'POST /control/faults': checked(faultBody, (body) => {
      const { status, retryAfter, ...rest } = body;
      const fault = room.faults.arm({
        ...rest,
        status: status ?? (body.kind === 'html' ? 502 : 503),
        retryAfter: retryAfter === undefined ? (body.kind === 'throttle' ? 5 : null) : retryAfter,
      });
      room.happenings.tell('faults', { faults: room.faults.list() });
      return { status: 201, body: fault };
    }),
    'POST /control/redeem': checked(redeemBody, (body) => redeem(room, body)),
    'POST /control/settings': checked(settingsBody, (body) => {
      const { botUrl, ...settings } = body;
      if (botUrl !== undefined) {
        if (botUrl !== null && !(URL.canParse(botUrl) && isLoopback(new URL(botUrl).hostname))) {
          return refuse(400, 'botUrl: must be an address on loopback');
        }
        room.botUrl = botUrl;
      }
      Object.assign(world.settings, settings);
      room.happenings.tell('settings', { ...world.settings, botUrl: room.botUrl });
      return { status: 200, body: { ...world.settings, botUrl: room.botUrl } };
    }),
    'POST /control/world': checked(worldBody, (body) => addRecords(room, body)),
    ...callControlRoutes(room),
    ...partnerControlRoutes(room),
    'POST /control/reset': () => {
      reset(room);
      return { status: 200, body: { reset: true } };
    },
  });
  return async (exchange, signal) => {
    if (exchange.method === 'GET' && exchange.path === '/control/wait') return wait(room, exchange, signal);
    if (exchange.method === 'POST' && exchange.bytes > 0) {
      const type = exchange.headers['content-type'] ?? '';
      if (!/^application\/json\b/i.test(type)) return refuse(415, 'content-type must be application/json');
      if (!exchange.bodyIsJson) return refuse(400, 'the body is not JSON');
    } else if (exchange.method === 'POST' && !/^application\/json\b/i.test(exchange.headers['content-type'] ?? '')) {
      return refuse(415, 'content-type must be application/json');
    }
    return (await route(exchange)) ?? refuse(404, `no control route ${exchange.method} ${exchange.path}`);
  };
}
