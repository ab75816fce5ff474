/**
 * What Usher uses of a Bot Framework activity, checked, and who and where it speaks of. The verified activity is the only
 * source of authority: nothing here is taken from card data. Must not know commands.
 */
import { z } from 'zod/v4';
import type { Person, Place } from '../requests/request.ts';

const Id = z.string().min(1).max(2000);

/** The part of an activity that must be there before the SDK sees it. Unknown members pass through untouched. */
export const Envelope = z.looseObject({
  type: z.string().min(1).max(100),
  id: z.string().max(2000).optional(),
  channelId: z.string().min(1).max(100),
  serviceUrl: z.url({ protocol: /^https?$/ }),
  conversation: z.looseObject({
    id: Id,
    tenantId: z.string().optional(),
    conversationType: z.string().optional(),
    isGroup: z.boolean().optional(),
  }),
  from: z.looseObject({ id: Id, name: z.string().optional(), aadObjectId: z.string().optional() }),
  recipient: z.looseObject({ id: Id }),
  channelData: z
    .looseObject({
      tenant: z.looseObject({ id: z.string() }).optional(),
      team: z
        .looseObject({ id: z.string().optional(), name: z.string().optional(), aadGroupId: z.string().optional() })
        .nullish(),
      meeting: z.looseObject({ id: z.string() }).nullish(),
    })
    .nullish(),
});
export type Envelope = z.infer<typeof Envelope>;

/** The tenant an activity comes from. */
export function tenantOf(activity: Envelope): string {
  return activity.channelData?.tenant?.id ?? activity.conversation.tenantId ?? '';
}

/** The person who did it. */
export function personOf(activity: Envelope): Person {
  const { from } = activity;
  const locale = activity['locale'];
  const timeZone = activity['localTimezone'];
  return {
    id: from.aadObjectId ?? from.id,
    name: (from.name ?? '').slice(0, 256),
    locale: typeof locale === 'string' && locale !== '' ? locale : 'en',
    ...(typeof timeZone === 'string' && timeZone !== '' ? { timeZone } : {}),
  };
}

/** Where it was done. */
export function placeOf(activity: Envelope): Place {
  const { conversation, from, recipient, serviceUrl, channelData } = activity;
  const { aadGroupId, name } = channelData?.team ?? {};
  return {
    kind: kindOf(activity),
    conversationId: conversation.id,
    serviceUrl,
    tenantId: tenantOf(activity),
    botId: recipient.id,
    userId: from.id,
    ...(channelData?.meeting ? { meetingId: channelData.meeting.id } : {}),
    ...(aadGroupId ? { teamId: aadGroupId } : {}),
    ...(name ? { teamName: name } : {}),
  };
}

function kindOf({ conversation, channelData }: Envelope): Place['kind'] {
  if (conversation.conversationType === 'channel') return 'channel';
  if (channelData?.meeting) return 'meeting';
  return conversation.conversationType === 'personal' || (!conversation.conversationType && !conversation.isGroup)
    ? 'personal'
    : 'group';
}
