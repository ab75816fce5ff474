/**
 * The HTTP calls of Usher's own call, as data: getting in, looking, a sign of life, and what people ask for.
 * Must not know when they are made. Shapes: Microsoft Graph v1.0, application-post-calls, call-keepAlive, call-delete,
 * participant-delete, participant-mute.
 */
import type { Call, Facts } from '../../requests/capability.ts';
import type { JoinInput } from './joinStep.ts';
import type { Meeting } from './meeting.ts';

const path = (callId: string, rest = ''): string => `/communications/calls/${encodeURIComponent(callId)}${rest}`;

export function joinCall(input: JoinInput, meeting: Meeting | null, facts: Facts, url: string, botId: string): Call {
  const identity = (kind: string, id: string, more: object = {}) => ({
    '@odata.type': '#microsoft.graph.identitySet',
    [kind]: { '@odata.type': '#microsoft.graph.identity', id, ...more },
  });
  const about = input.group
    ? {
        direction: 'outgoing',
        ...(input.group.title === '' ? {} : { subject: input.group.title }),
        source: { '@odata.type': '#microsoft.graph.participantInfo', identity: identity('application', botId) },
        targets: input.group.targets.map(({ id, name }) => ({
          '@odata.type': '#microsoft.graph.invitationParticipantInfo',
          identity: identity('user', id, { displayName: name }),
        })),
      }
    : meeting && 'threadId' in meeting
      ? {
          chatInfo: {
            '@odata.type': '#microsoft.graph.chatInfo',
            threadId: meeting.threadId,
            messageId: meeting.messageId,
          },
          meetingInfo: {
            '@odata.type': '#microsoft.graph.organizerMeetingInfo',
            organizer: identity('user', meeting.organizerId, { tenantId: meeting.tenantId }),
            allowConversationWithoutHost: true,
          },
          tenantId: meeting.tenantId,
        }
      : {
          meetingInfo: {
            '@odata.type': '#microsoft.graph.joinMeetingIdMeetingInfo',
            joinMeetingId: meeting?.joinMeetingId,
            passcode: meeting?.passcode ?? null,
          },
          tenantId: facts.place.tenantId,
        };
  return {
    name: 'join',
    to: 'graph',
    method: 'POST',
    path: '/communications/calls',
    body: {
      '@odata.type': '#microsoft.graph.call',
      // The request's own id in the address: a callback finds it although our answer has not been saved yet.
      callbackUri: `${url}/api/calls?request=${facts.requestId}`,
      requestedModalities: ['audio'],
      mediaConfig: { '@odata.type': '#microsoft.graph.serviceHostedMediaConfig' },
      ...about,
      ...(input.group ? { tenantId: facts.place.tenantId } : {}),
    },
    // Nothing can be looked up without the call's id; but if it came about, Graph calls back.
    repeat: 'tell',
  };
}

export const lookCall = (callId: string): Call => ({
  name: 'look',
  to: 'graph',
  method: 'GET',
  path: path(callId),
  repeat: 'safe',
});

export const rosterCall = (callId: string): Call => ({
  name: 'roster',
  to: 'graph',
  method: 'GET',
  path: path(callId, '/participants'),
  repeat: 'safe',
});

export const keepCall = (callId: string): Call => ({
  name: 'keep',
  to: 'graph',
  method: 'POST',
  path: path(callId, '/keepAlive'),
  repeat: 'safe',
});

/** Hanging up, removing and muting do nothing the second time, so a lost answer may be asked for again. */
export const leaveCall = (callId: string): Call => ({
  name: 'leave',
  to: 'graph',
  method: 'DELETE',
  path: path(callId),
  repeat: 'safe',
});

export function actCall(callId: string, key: string, body: Readonly<Record<string, unknown>>): Call {
  const [act] = key.split(':');
  const one = `/participants/${encodeURIComponent(String(body['participantId'] ?? ''))}`;
  if (act === 'remove') return { ...leaveCall(callId), path: path(callId, one) };
  if (act === 'mute')
    return {
      ...keepCall(callId),
      path: path(callId, `${one}/mute`),
      body: { clientContext: String(body['context'] ?? '') },
    };
  return leaveCall(callId);
}
