/**
 * Callbacks of Microsoft's calling service as its documentation shows them ("call-notifications", "participant-invite",
 * "application-post-calls"), and pieces to make others from. Must not know the program.
 */

export const MEETING_CALL = '2f1a1100-b174-40a0-aba7-0b405e01ed92';
export const CALL = 'ab6233a5-20b7-4c5e-bea2-ce56c9776429';
export const OPERATION = 'eec3812a-fdc3-4fb4-825c-a06c9f35414e';
export const CONTEXT = 'f2fa86af-3c51-4bc2-8fc0-475452d9764f';
export const PERSON = '278405a3-f568-4b3e-b684-009193463064';

/** The body of one POST. */
export const notifications = (...value: unknown[]) => ({
  '@odata.type': '#microsoft.graph.commsNotifications',
  value,
});

const notification = (changeType: string, path: string, resourceData: unknown) => ({
  '@odata.type': '#microsoft.graph.commsNotification',
  changeType,
  resource: `/app/calls/${path}`,
  resourceUrl: `/communications/calls/${path}`,
  resourceData,
});

const identity = (id: string) => ({ '@odata.type': '#microsoft.graph.identity', id, displayName: 'string' });

/** How a call stands; this notice has no `resource`, but the address it was sent to. */
export const callNotice = (state: string) => ({
  '@odata.type': '#microsoft.graph.commsNotification',
  changeType: 'updated',
  resourceUrl: `/communications/calls/${MEETING_CALL}`,
  callbackUri: 'https://bot.contoso.com/callback',
  resourceData: {
    '@odata.type': '#microsoft.graph.call',
    state,
    chatInfo: {
      '@odata.type': '#microsoft.graph.chatInfo',
      threadId: '19:meeting_Win6Ydo4wsMijFjZS00ZGVjLTk5MGUtOTRjNWY2NmNkYTFm@thread.v2',
      messageId: '0',
    },
    meetingInfo: {
      '@odata.type': '#microsoft.graph.organizerMeetingInfo',
      organizer: {
        '@odata.type': '#microsoft.graph.identitySet',
        user: {
          '@odata.type': '#microsoft.graph.identity',
          id: '5810cede-f3cc-42eb-b2c1-e9bd5d53ec96',
          displayName: 'Bob',
          tenantId: 'aa67bd4c-8475-432d-bd41-39f255720e0a',
        },
      },
      allowConversationWithoutHost: true,
    },
    id: MEETING_CALL,
  },
});

/** How an invitation ended: `deleted` is the word for success and failure alike. */
export const inviteNotice = (more: Record<string, unknown> = {}, path = `${CALL}/operations/${OPERATION}`) =>
  notification('deleted', path, {
    '@odata.type': '#microsoft.graph.inviteParticipantsOperation',
    participants: [
      {
        '@odata.type': '#microsoft.graph.invitationParticipantInfo',
        identity: { '@odata.type': '#microsoft.graph.identitySet', user: identity(PERSON) },
      },
    ],
    status: 'completed',
    clientContext: CONTEXT,
    id: OPERATION,
    ...more,
  });

export const mediaError = {
  '@odata.type': '#microsoft.graph.resultInfo',
  code: 410,
  subcode: 301004,
  message: `addParticipants failed for participant 8:orgid:${PERSON}. Underlying reason: Client Media Error. DiagCode: 410#301004.@`,
};

/** One who is in. */
export const participant = (more: Record<string, unknown> = {}) => ({
  '@odata.type': '#microsoft.graph.participant',
  info: {
    '@odata.type': '#microsoft.graph.participantInfo',
    identity: { '@odata.type': '#microsoft.graph.identitySet', user: identity(PERSON) },
    endpointType: 'default',
  },
  mediaStreams: [
    {
      '@odata.type': '#microsoft.graph.mediaStream',
      mediaType: 'audio',
      sourceId: '1',
      direction: 'sendReceive',
      serverMuted: false,
    },
  ],
  isMuted: false,
  isInLobby: false,
  id: null,
  ...more,
});

export const rosterNotice = (data: unknown = [participant()]) => notification('updated', `${CALL}/participants`, data);

/** Stands for the old format of Skype, in which the first POST may come: made up, since all that counts is that it is not Graph's. */
export const legacy = {
  id: 'c3f4a3c1-0000-4000-8000-000000000001',
  participants: [{ identity: '8:orgid:someone', originator: true }, { identity: `28:someone` }],
  isMultiparty: false,
  threadId: null,
  links: { call: 'https://example.com/call' },
};
