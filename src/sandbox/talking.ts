/**
 * What a person at the chat can do towards the bot: say, press a button, install. The half of the control API that ends
 * in an activity. Must not know Graph.
 */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod/v4';
import {
  type Activity,
  executeActivity,
  installActivities,
  messageActivity,
  type Scene,
  submitActivity,
} from './activities.ts';
import { addMessage, findMessage, showOnlyTo } from './chat.ts';
import { refuse } from './checked.ts';
import type { executeBody, installBody, sayBody, submitBody } from './controlBodies.ts';
import { type Delivery, deliver, invokeLimitMs } from './courier.ts';
import { type Answer, asObject } from './exchange.ts';
import { botName, type Room } from './room.ts';
import { findConversation, findPerson, newActivityId, type Person, splitConversationId } from './world.ts';

function scene(room: Room, given: { conversation: string; user: string; locale?: string | undefined }): Scene | Answer {
  const person = findPerson(room.world, given.user);
  if (!person) return refuse(404, `nobody is called '${given.user}'`);
  const conversation = findConversation(room.world, given.conversation, person);
  if (!conversation) return refuse(404, `no conversation '${given.conversation}'`);
  if (conversation.type === 'personal' && conversation.members[0] !== person.key) {
    return refuse(403, `'${conversation.key}' is not ${person.name}'s`);
  }
  if (!conversation.members.includes(person.key)) conversation.members.push(person.key);
  const { thread } = splitConversationId(given.conversation);
  return { conversation, person, thread, ...(given.locale === undefined ? {} : { locale: given.locale }) };
}

async function deliverCopies(room: Room, activity: Activity, copies: number, limitMs?: number): Promise<Delivery[]> {
  const options = limitMs === undefined ? {} : { limitMs };
  return Promise.all(Array.from({ length: copies }, () => deliver(room, activity, options)));
}

const outcome = (activityId: unknown, deliveries: Delivery[]): Answer => ({
  status: 200,
  body: {
    activityId,
    statuses: deliveries.map((one) => one.status),
    errors: deliveries.map((one) => one.error).filter((error) => error !== null),
    ms: Math.max(...deliveries.map((one) => one.ms)),
  },
});

/** Files become download links; Teams hands files to bots in personal chats only (Teams docs, bots-filesv4). */
function attach(room: Room, sc: Scene, given: z.infer<typeof sayBody>['attachments']) {
  const shown: unknown[] = [];
  const delivered: unknown[] = [];
  for (const one of given) {
    const content =
      'base64' in one && typeof one.base64 === 'string'
        ? Buffer.from(one.base64, 'base64')
        : 'text' in one && typeof one.text === 'string' && !('contentType' in one)
          ? Buffer.from(one.text)
          : null;
    if (content === null) {
      shown.push(one);
      delivered.push(one);
      continue;
    }
    const file = { id: randomUUID(), name: String(one.name), content };
    room.world.files.push(file);
    const downloadUrl = `${room.url}/files/${file.id}/${encodeURIComponent(file.name)}`;
    const fileType = file.name.includes('.') ? file.name.split('.').at(-1) : '';
    const attachment = {
      contentType: 'application/vnd.microsoft.teams.file.download.info',
      contentUrl: downloadUrl,
      name: file.name,
      content: { downloadUrl, uniqueId: file.id, fileType },
    };
    shown.push(attachment);
    if (sc.conversation.type === 'personal') delivered.push(attachment);
  }
  return { shown, delivered };
}

/** Somebody types a message. */
export async function say(room: Room, given: z.infer<typeof sayBody>): Promise<Answer> {
  const sc = scene(room, given);
  if ('status' in sc) return sc;
  const activityId = given.id ?? newActivityId();
  const inThread = given.thread ?? sc.thread ?? null;
  const known = findMessage(room, sc.conversation.id, activityId, true);
  const thread = sc.conversation.type === 'channel' ? (inThread ?? known?.thread ?? activityId) : null;
  const mention = given.mention ?? sc.conversation.type !== 'personal';
  const mentions: Person[] = [];
  let { text } = given;
  for (const ref of given.mentions) {
    const mentioned = findPerson(room.world, ref);
    if (!mentioned) return refuse(404, `nobody is called '${ref}'`);
    if (!text.includes(`@${mentioned.name}`)) text = `${text} @${mentioned.name}`;
    mentions.push(mentioned);
  }
  const { shown, delivered } = attach(room, sc, given.attachments);
  const activity = messageActivity(
    room,
    { ...sc, thread, activityId },
    { text, mention, mentions, attachments: delivered },
  );
  if (!known) {
    addMessage(room, {
      conversation: sc.conversation,
      thread,
      from: sc.person.key,
      name: sc.person.name,
      text: mention ? `@${botName} ${text}` : text,
      attachments: shown,
      activityId,
    });
  }
  // Without a mention the bot is not told of a message in a group chat or a channel (Teams docs).
  if (!mention && sc.conversation.type !== 'personal') {
    return { status: 200, body: { activityId, statuses: [], errors: [], ms: 0, delivered: false } };
  }
  return outcome(activityId, await deliverCopies(room, activity, given.copies));
}

/** Somebody presses an Action.Submit button. */
export async function submit(room: Room, given: z.infer<typeof submitBody>): Promise<Answer> {
  const sc = scene(room, given);
  if ('status' in sc) return sc;
  const thread = findMessage(room, sc.conversation.id, given.activityId, true)?.thread ?? sc.thread ?? null;
  const place = { ...sc, thread, ...(given.id === undefined ? {} : { activityId: given.id }) };
  const activity = submitActivity(room, place, given.activityId, { ...given.data, ...given.inputs });
  return outcome(activity['id'], await deliverCopies(room, activity, given.copies));
}

/** Somebody presses an Action.Execute button; the bot's answer is shown to that person. */
export async function execute(room: Room, given: z.infer<typeof executeBody>): Promise<Answer> {
  const sc = scene(room, given);
  if ('status' in sc) return sc;
  const message = findMessage(room, sc.conversation.id, given.activityId, true);
  const place = {
    ...sc,
    thread: message?.thread ?? sc.thread ?? null,
    ...(given.id === undefined ? {} : { activityId: given.id }),
  };
  const activity = executeActivity(
    room,
    place,
    given.activityId,
    {
      ...(given.actionId === undefined ? {} : { id: given.actionId }),
      ...(given.title === undefined ? {} : { title: given.title }),
      verb: given.verb,
      data: { ...given.data, ...given.inputs },
    },
    {
      ...(given.state === undefined ? {} : { state: given.state }),
      ...(given.authentication === undefined ? {} : { authentication: given.authentication }),
    },
    given.trigger,
  );
  const editsBefore = message?.edits ?? 0;
  const deliveries = await deliverCopies(room, activity, given.copies, invokeLimitMs);
  const first = deliveries[0];
  if (!first) return refuse(500, 'nothing was delivered');
  let shown: 'card' | 'message' | 'signIn' | 'error' | 'nothing' | 'unreachable' = 'unreachable';
  const answered = deliveries.find((one) => asObject(one.body)?.['type']) ?? first;
  const response = asObject(answered.body);
  const kind = String(response?.['type'] ?? '');
  const code = Number(response?.['statusCode'] ?? answered.status);
  if (answered.status >= 200 && answered.status < 300) {
    if (kind === 'application/vnd.microsoft.card.adaptive') {
      shown = 'card';
      // An edit that came while the invoke was open is newer than the card of the answer.
      if (message && !message.deleted && message.edits === editsBefore) {
        showOnlyTo(room, message, sc.person, response?.['value']);
      }
    } else if (kind.startsWith('application/vnd.microsoft.activity.message')) shown = 'message';
    else if (kind === 'application/vnd.microsoft.activity.loginRequest') shown = 'signIn';
    else if (kind.startsWith('application/vnd.microsoft.error') || code >= 400) shown = 'error';
    else shown = 'nothing';
  }
  return {
    status: 200,
    body: {
      activityId: activity['id'],
      status: answered.status,
      statuses: deliveries.map((one) => one.status),
      body: answered.body,
      ms: first.ms,
      timedOut: deliveries.every((one) => one.timedOut),
      shown,
      error: answered.error,
    },
  };
}

/** The bot is put into a conversation, or thrown out. */
export async function install(room: Room, given: z.infer<typeof installBody>): Promise<Answer> {
  const sc = scene(room, given);
  if ('status' in sc) return sc;
  const { conversation } = sc;
  if (given.once && conversation.bot === 'installed') {
    return { status: 200, body: { statuses: [], errors: [], already: true } };
  }
  const before = conversation.bot;
  conversation.bot = given.remove ? 'removed' : 'installed';
  const statuses: number[] = [];
  const errors: string[] = [];
  for (const activity of installActivities(room, sc, given.remove ? 'remove' : 'add')) {
    const delivery = await deliver(room, activity);
    statuses.push(delivery.status);
    if (delivery.error !== null) errors.push(delivery.error);
  }
  // A bot that could not be reached was not told, so the next opening tells it again.
  if (given.once && statuses.every((status) => status === 0)) conversation.bot = before;
  room.happenings.tell('conversation', { id: conversation.id, bot: conversation.bot });
  return { status: 200, body: { statuses, errors, already: false } };
}
