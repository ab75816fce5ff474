/**
 * Messages: adding, editing, deleting, and the card only one person sees. Every change is told to the listeners. Must
 * not know HTTP or the shape of activities.
 */
import type { Room } from './room.ts';
import { type Conversation, type Message, newActivityId, type Person } from './world.ts';

/** What a new message says; the rest is filled in. */
export interface NewMessage {
  conversation: Conversation;
  thread: string | null;
  from: string;
  name: string;
  text: string;
  attachments: unknown[];
  activityId?: string;
  summary?: string | null;
  value?: unknown;
  replyToId?: string | null;
}

/** Finds a message that was not deleted, or one that was when `deletedToo` is set. */
export function findMessage(room: Room, conversationId: string, activityId: string, deletedToo = false) {
  return room.world.messages.find(
    (message) =>
      message.conversation === conversationId && message.activityId === activityId && (deletedToo || !message.deleted),
  );
}

/** Adds a message. In a channel a message without a thread begins one of its own. */
export function addMessage(room: Room, given: NewMessage): Message {
  const activityId = given.activityId ?? newActivityId();
  const at = new Date().toISOString();
  const { text, attachments } = given;
  const summary = given.summary ?? null;
  const message: Message = {
    activityId,
    conversation: given.conversation.id,
    thread: given.conversation.type === 'channel' ? (given.thread ?? activityId) : null,
    from: given.from,
    name: given.name,
    text,
    attachments,
    summary,
    value: given.value ?? null,
    replyToId: given.replyToId ?? null,
    at,
    editedAt: null,
    edits: 0,
    deleted: false,
    versions: [{ at, text, attachments, summary }],
    views: {},
  };
  room.world.messages.push(message);
  room.happenings.tell('message', { change: 'added', message });
  return message;
}

/** Replaces what a message says, for everybody; personal views of it are gone. */
export function editMessage(
  room: Room,
  message: Message,
  next: { text: string; attachments: unknown[]; summary: string | null },
): void {
  const at = new Date().toISOString();
  Object.assign(message, next, { editedAt: at, edits: message.edits + 1, views: {} });
  message.versions.push({ at, ...next });
  room.happenings.tell('message', { change: 'updated', message });
}

/** Shows one person another card in place of the message's own, until the message is edited. */
export function showOnlyTo(room: Room, message: Message, person: Person, card: unknown): void {
  message.views[person.key] = card;
  room.happenings.tell('message', { change: 'updated', message });
}

/** Deletes a message. */
export function deleteMessage(room: Room, message: Message): void {
  message.deleted = true;
  room.happenings.tell('message', { change: 'deleted', message });
}
