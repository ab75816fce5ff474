/**
 * Files towards a bot (Teams docs, bots-filesv4): somebody allows that a file is put into their OneDrive, or does not, and
 * the place where the bot puts it. Must not know what a file holds.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod/v4';
import { baseActivity } from './activities.ts';
import { findMessage } from './chat.ts';
import { refuse } from './checked.ts';
import type { consentBody } from './controlBodies.ts';
import { deliver, invokeLimitMs } from './courier.ts';
import { type Answer, asObject } from './exchange.ts';
import type { Room } from './room.ts';
import { findConversation, findPerson } from './world.ts';

const consentType = 'application/vnd.microsoft.teams.card.file.consent';
const uploadLimit = 8 * 1024 * 1024;

/** Presses Allow or Decline of a consent card. */
export async function consent(room: Room, given: z.infer<typeof consentBody>): Promise<Answer> {
  const person = findPerson(room.world, given.user);
  const conversation = person && findConversation(room.world, given.conversation, person);
  if (!person || !conversation) return refuse(404, 'nobody, or nowhere');
  const message = findMessage(room, conversation.id, given.activityId);
  const card = message?.attachments.map(asObject).find((one) => one?.['contentType'] === consentType);
  if (!card) return refuse(404, 'no consent card');
  const content = asObject(card['content']) ?? {};
  const name = String(card['name']);
  const file = { id: randomUUID(), name, content: Buffer.alloc(0) };
  // Room is made for a file of that name, and nothing is there before the bot has put it.
  if (given.accept) room.world.files.push(file);
  const address = `${room.url}/files/${file.id}/${encodeURIComponent(name)}`;
  const uploadInfo = {
    contentUrl: address,
    name,
    uploadUrl: given.uploadUrl ?? `${address}?upload=1`,
    uniqueId: file.id,
    fileType: name.split('.').at(-1) ?? '',
  };
  const activity = {
    ...baseActivity(room, 'invoke', { conversation, person }),
    name: 'fileConsent/invoke',
    replyToId: given.activityId,
    value: {
      type: 'fileUpload',
      action: given.accept ? 'accept' : 'decline',
      context: given.context ?? (given.accept ? content['acceptContext'] : content['declineContext']),
      ...(given.accept ? { uploadInfo } : {}),
    },
  };
  const { status, error } = await deliver(room, activity, { limitMs: invokeLimitMs });
  return { status: 200, body: { status, error, fileId: given.accept ? file.id : null } };
}

/** Takes a whole file in one piece, as an upload session does. */
export async function upload(room: Room, id: string, request: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > uploadLimit) return { status: 413, body: { error: 'over 8 MB' } };
    chunks.push(chunk);
  }
  const file = room.world.files.find((one) => one.id === id);
  if (!file)
    return { status: 404, body: { error: { code: 'itemNotFound', message: 'The upload session was not found' } } };
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/
    .exec(request.headers['content-range'] ?? '')
    ?.slice(1)
    .map(Number);
  const isWhole = range?.[0] === 0 && range[1] === bytes - 1 && range[2] === bytes;
  if (!isWhole || request.headers.authorization !== undefined) {
    return { status: 400, body: { error: { code: 'invalidRequest', message: 'The Content-Range header is wrong.' } } };
  }
  file.content = Buffer.concat(chunks);
  room.happenings.tell('directory', {});
  return { status: 201, body: { id, name: file.name, size: bytes } };
}
