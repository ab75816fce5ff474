/**
 * The stand-in for the Teams connector: what a bot calls to write, edit and delete messages, to begin a chat, and to ask
 * who is there (Bot Framework docs, connector API reference). Must not know Graph or the control API.
 */
import { addMessage, deleteMessage, editMessage, findMessage } from './chat.ts';
import { type Answer, asObject, type Exchange, type Handler, routes } from './exchange.ts';
import { findMeeting, meetingInfo } from './meetings.ts';
import { botName, type Room } from './room.ts';
import {
  type Conversation,
  findConversation,
  findPerson,
  newActivityId,
  type Person,
  personalConversation,
  splitConversationId,
} from './world.ts';

/** Teams refuses larger messages (Teams docs: about 28 KB), in bytes of the body. */
export const messageLimitBytes = 28 * 1024;

/** An error the way the connector writes one. */
export function connectorError(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : null);

function account(room: Room, person: Person): Record<string, unknown> {
  const [givenName = person.name, ...rest] = person.name.split(' ');
  return {
    id: person.teamsId,
    name: person.name,
    objectId: person.userId,
    aadObjectId: person.userId,
    givenName,
    surname: rest.join(' '),
    email: person.mail,
    userPrincipalName: room.world.users.find((user) => user.id === person.userId)?.userPrincipalName ?? person.mail,
    tenantId: person.tenantId,
    userRole: person.guest ? 'guest' : 'user',
  };
}

function content(body: Record<string, unknown>) {
  return {
    text: textOf(body['text']) ?? '',
    attachments: Array.isArray(body['attachments']) ? body['attachments'] : [],
    summary: textOf(body['summary']),
  };
}

/** Answers connector calls; paths start with `/v3` (or `/v1` for meetings). */
export function createConnector(room: Room): (exchange: Exchange) => Answer | Promise<Answer> {
  const { world } = room;
  const noConversation = (id: string) =>
    connectorError(404, 'ConversationNotFound', `Conversation not found: ${splitConversationId(id).root}`);
  const noActivity = () => connectorError(404, 'ActivityNotFoundInConversation', 'The activity was not found.');
  const peopleOf = (conversation: Conversation) =>
    conversation.members.map((key) => findPerson(world, key)).filter((person) => person !== undefined);

  /** Checks everything a write needs; gives the place or the refusal. */
  function place(exchange: Exchange, id: string): { conversation: Conversation; thread: string | null } | Answer {
    const conversation = findConversation(world, id);
    if (!conversation) return noConversation(id);
    if (conversation.bot === 'removed') {
      return connectorError(403, 'BotNotInConversationRoster', 'The bot is not part of the conversation roster.');
    }
    if (exchange.bytes > messageLimitBytes) {
      return connectorError(413, 'MessageSizeTooBig', 'Message size too large.');
    }
    if (!asObject(exchange.body)) return connectorError(400, 'BadSyntax', 'The activity is not a JSON object.');
    return { conversation, thread: splitConversationId(id).thread };
  }

  function write(exchange: Exchange, id: string, replyToId: string | null): Answer {
    const at = place(exchange, id);
    if ('status' in at) return at;
    const body = asObject(exchange.body) ?? {};
    if (body['type'] === 'typing') {
      room.happenings.tell('typing', { conversation: at.conversation.id, thread: at.thread });
      return { status: 201, body: { id: newActivityId() } };
    }
    if (body['type'] !== 'message') return { status: 201, body: { id: newActivityId() } };
    const { text, attachments, summary } = content(body);
    if (text === '' && attachments.length === 0) {
      return connectorError(400, 'BadSyntax', 'Activity must include non empty text or attachments.');
    }
    const known = replyToId === null ? undefined : findMessage(room, at.conversation.id, replyToId, true);
    const message = addMessage(room, {
      ...at,
      thread: at.thread ?? known?.thread ?? null,
      from: 'bot',
      name: botName,
      text,
      attachments,
      summary,
      replyToId,
    });
    return { status: 201, body: { id: message.activityId } };
  }

  function begin(exchange: Exchange): Answer {
    const body = asObject(exchange.body);
    if (!body) return connectorError(400, 'BadSyntax', 'The conversation parameters are not a JSON object.');
    const channel = textOf(asObject(asObject(body['channelData'])?.['channel'])?.['id']);
    if (channel) {
      const activity = { ...exchange, body: body['activity'] };
      const written = write(activity, channel, null);
      const id = asObject(written.body)?.['id'];
      if (written.status !== 201) return written;
      return { status: 201, body: { id: `${channel};messageid=${id}`, activityId: id, serviceUrl: room.serviceUrl } };
    }
    const members = Array.isArray(body['members']) ? body['members'] : [];
    const ref = textOf(asObject(members[0])?.['id']);
    if (members.length !== 1 || ref === null) {
      return connectorError(
        400,
        'BadSyntax',
        'Incorrect conversation creation parameters: exactly one member is needed.',
      );
    }
    const person = findPerson(world, ref);
    if (!person) return connectorError(403, 'ConversationCreateFailed', 'Failed to find the user in the tenant.');
    const conversation = personalConversation(world, person);
    const created: Record<string, unknown> = { id: conversation.id, serviceUrl: room.serviceUrl };
    if (asObject(body['activity'])) {
      const written = write({ ...exchange, body: body['activity'] }, conversation.id, null);
      if (written.status !== 201) return written;
      created['activityId'] = asObject(written.body)?.['id'];
    }
    return { status: 201, body: created };
  }

  const members: Handler = (_exchange, { id = '' }) => {
    const conversation = findConversation(world, id);
    return conversation
      ? { status: 200, body: peopleOf(conversation).map((person) => account(room, person)) }
      : noConversation(id);
  };

  const route = routes({
    'POST /v3/conversations': begin,
    'POST /v3/conversations/:id/activities': (exchange, { id = '' }) => write(exchange, id, null),
    'POST /v3/conversations/:id/activities/:activityId': (exchange, { id = '', activityId = '' }) =>
      write(exchange, id, activityId),
    'PUT /v3/conversations/:id/activities/:activityId': (exchange, { id = '', activityId = '' }) => {
      const at = place(exchange, id);
      if ('status' in at) return at;
      const message = findMessage(room, at.conversation.id, activityId);
      if (!message) return noActivity();
      if (message.from !== 'bot') {
        return connectorError(403, 'MessageWritesBlocked', 'Only the author may edit a message.');
      }
      editMessage(room, message, content(asObject(exchange.body) ?? {}));
      return { status: 200, body: { id: activityId } };
    },
    'DELETE /v3/conversations/:id/activities/:activityId': (_exchange, { id = '', activityId = '' }) => {
      const conversation = findConversation(world, id);
      if (!conversation) return noConversation(id);
      const message = findMessage(room, conversation.id, activityId);
      if (!message) return noActivity();
      deleteMessage(room, message);
      return { status: 200 };
    },
    'GET /v3/conversations/:id/members': members,
    'GET /v3/conversations/:id/activities/:activityId/members': members,
    'GET /v3/conversations/:id/members/:memberId': (_exchange, { id = '', memberId = '' }) => {
      const conversation = findConversation(world, id);
      if (!conversation) return noConversation(id);
      const person = peopleOf(conversation).find((one) => [one.teamsId, one.userId].includes(memberId));
      return person
        ? { status: 200, body: account(room, person) }
        : connectorError(404, 'MemberNotFoundInConversation', 'Member not found in the conversation.');
    },
    'GET /v3/conversations/:id/pagedmembers': (exchange, { id = '' }) => {
      const conversation = findConversation(world, id);
      if (!conversation) return noConversation(id);
      const size = Math.min(Math.max(Number(exchange.query.get('pageSize') ?? 200) || 200, 1), 500);
      const from = Number(exchange.query.get('continuationToken') ?? 0) || 0;
      const people = peopleOf(conversation);
      const page: Record<string, unknown> = {
        members: people.slice(from, from + size).map((person) => account(room, person)),
      };
      if (from + size < people.length) page['continuationToken'] = String(from + size);
      return { status: 200, body: page };
    },
    'GET /v3/teams/:id': (_exchange, { id = '' }) => {
      const conversation = world.conversations.find((one) => one.team?.id === id);
      if (!conversation?.team) return connectorError(404, 'NotFound', 'Team not found.');
      const group = world.groups.find((record) => record.id === conversation.team?.aadGroupId);
      const memberCount = group?.members.length ?? 0;
      return { status: 200, body: { ...conversation.team, type: 'standard', channelCount: 1, memberCount } };
    },
    'GET /v3/teams/:id/conversations': (_exchange, { id = '' }) => {
      const channels = world.conversations.filter((one) => one.team?.id === id);
      // The General channel has no name in this answer (Teams docs, get team's channels).
      return { status: 200, body: { conversations: channels.map((one) => ({ id: one.id })) } };
    },
    'GET /v1/meetings/:id': (_exchange, { id = '' }) => {
      if (!world.settings.meetingConsent) {
        return connectorError(403, 'Forbidden', 'The bot lacks OnlineMeeting.ReadBasic.Chat in this meeting chat.');
      }
      const chat = world.conversations.find((one) => one.meetingId === id);
      const meeting = chat && findMeeting(world, chat.id);
      if (!meeting) return connectorError(404, 'NotFound', 'Meeting not found.');
      return { status: 200, body: meetingInfo(world, meeting, id) };
    },
  });
  return (exchange) => {
    if (!exchange.bodyIsJson) return connectorError(400, 'BadSyntax', 'The body is not JSON.');
    return route(exchange) ?? connectorError(404, 'NotFound', `No such connector route: ${exchange.path}`);
  };
}
