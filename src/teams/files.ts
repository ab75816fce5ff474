/**
 * Files in Teams (Teams docs, bots-filesv4; personal chats only): what somebody attached, and the file of a request, which
 * is offered on a consent card and put into the taker's OneDrive once they allow it. What is taken, and by whom, is read
 * from the store and the activity, never from the card. Must not know what is in a file.
 */
import { z } from 'zod/v4';
import { isApprover } from '../requests/approval.ts';
import type { Desk } from '../requests/desk.ts';
import type { DocumentFile, Documents } from '../requests/documents.ts';
import type { Log } from '../requests/ports.ts';
import { bad, type Problem, problem, type Result } from '../requests/problem.ts';
import { chatWith, type Person, type Place, type Request } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import type { Envelope } from './activity.ts';
import type { Wire } from './adapter.ts';
import type { ConversationOf } from './chats.ts';

const DOWNLOAD = 'application/vnd.microsoft.teams.file.download.info';
const CONSENT = 'application/vnd.microsoft.teams.card.file.consent';
const INFO = 'application/vnd.microsoft.teams.card.file.info';

/** Where files lie (remotes/files.ts fills it). */
export interface FilePlace {
  read(url: string, mostBytes: number): Promise<Result<Uint8Array>>;
  write(url: string, bytes: Uint8Array): Promise<Problem | null>;
}

const Attached = z.looseObject({
  contentType: z.literal(DOWNLOAD),
  name: z.string().max(500).optional(),
  content: z.looseObject({ downloadUrl: z.string().max(8000) }),
});

export interface AttachedFile {
  readonly name: string;
  /** Good for a few minutes, for whoever has it: a secret. */
  readonly url: string;
}

/** The files that came with a message. */
export function attachedFiles(activity: Envelope): readonly AttachedFile[] {
  const attachments = activity['attachments'];
  return (Array.isArray(attachments) ? attachments : []).flatMap((one) => {
    const read = Attached.safeParse(one);
    return read.success ? [{ name: read.data.name ?? '', url: read.data.content.downloadUrl }] : [];
  });
}

const Consent = z.looseObject({
  type: z.literal('fileUpload'),
  action: z.enum(['accept', 'decline']),
  context: z.looseObject({ requestId: z.string().max(20) }),
  uploadInfo: z
    .looseObject({
      contentUrl: z.string().max(8000),
      name: z.string().max(500),
      uploadUrl: z.string().max(8000),
      uniqueId: z.string().max(500),
      fileType: z.string().max(50).optional(),
    })
    .optional(),
});

export interface FileParts {
  readonly desk: Desk;
  readonly wire: Wire;
  readonly conversationOf: ConversationOf;
  readonly documents: Documents;
  readonly place: FilePlace;
  readonly log: Log;
}

export interface RequestFiles {
  /** Offers the file of a request to whoever asked for it, in the personal chat. */
  offer(
    request: Request,
    who: Person,
    where: Place,
    describe: (sentence: ReturnType<typeof say>) => string,
  ): Promise<Problem | null>;
  /** Somebody allowed the upload, or did not; answers what went wrong, or what there is to say. */
  consented(activity: Envelope, who: Person, where: Place): Promise<Problem | ReturnType<typeof say> | null>;
}

export function openRequestFiles({ desk, wire, conversationOf, documents, place, log }: FileParts): RequestFiles {
  async function documentOf(id: string, who: Person, where: Place): Promise<Result<DocumentFile>> {
    const request = await desk.find(id, where);
    const make = request && documents.get(request.capability);
    if (!request || !make) return bad(problem('gone', 'file.none'));
    // Whoever is to approve a list reads it first.
    if (request.requester.id !== who.id && !isApprover(request.approval, who.id, request.requester.id))
      return bad(problem('denied', say('problem.notYours', { name: request.requester.name })));
    return make(request, who);
  }

  async function post(where: Place, activity: Record<string, unknown>): Promise<Problem | null> {
    // A bot cannot give files to many: they go to the chat of whoever pressed.
    const conversation = await conversationOf(where.kind === 'personal' ? where : chatWith(where.userId, where));
    if (!conversation.ok) return conversation.problem;
    const { value: id } = conversation;
    const path = `v3/conversations/${encodeURIComponent(id)}/activities`;
    const sent = await wire.send('POST', where.serviceUrl, path, {
      type: 'message',
      from: { id: where.botId },
      conversation: { id },
      recipient: { id: where.userId },
      ...activity,
    });
    return sent.ok ? null : sent.problem;
  }

  return {
    async offer(request, who, where, describe) {
      const made = await documentOf(request.id, who, where);
      if (!made.ok) return made.problem;
      const context = { requestId: request.id };
      return post(where, {
        summary: made.value.name,
        attachments: [
          {
            contentType: CONSENT,
            name: made.value.name,
            content: {
              description: describe(say('file.description')),
              sizeInBytes: made.value.bytes.length,
              acceptContext: context,
              declineContext: context,
            },
          },
        ],
      });
    },

    async consented(activity, who, where) {
      const read = Consent.safeParse(activity['value']);
      if (!read.success) return problem('gone', 'bot.oldButton');
      const { action, context, uploadInfo } = read.data;
      if (action === 'decline') return say('file.declined');
      if (!uploadInfo) return problem('gone', 'bot.oldButton');
      const made = await documentOf(context.requestId, who, where);
      if (!made.ok) return made.problem;
      const why = await place.write(uploadInfo.uploadUrl, made.value.bytes);
      if (why) {
        log.warn('file.not.uploaded', { requestId: context.requestId, detail: why.detail });
        return why;
      }
      const { contentUrl, name, uniqueId, fileType = 'csv' } = uploadInfo;
      return post(where, {
        summary: name,
        attachments: [{ contentType: INFO, contentUrl, name, content: { uniqueId, fileType } }],
      });
    },
  };
}
