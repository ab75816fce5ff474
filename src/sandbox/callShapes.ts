/**
 * Calls, rosters, operations and notifications the way Graph writes them (Graph docs, resources/call, participant,
 * inviteparticipantsoperation, commsnotification; Teams docs, call-notifications). Pure.
 */
import { identitySet } from './identities.ts';
import type { Participant } from './meetings.ts';
import type { GraphCall, Operation, Result } from './telephony.ts';

type Json = Record<string, unknown>;

/** A call, all of it. */
export function callEntity(call: GraphCall): Json {
  return {
    '@odata.type': '#microsoft.graph.call',
    state: call.state,
    direction: 'outgoing',
    subject: call.subject,
    callbackUri: call.callbackUri,
    callChainId: call.callChainId,
    chatInfo: call.chatInfo,
    meetingInfo: call.meetingInfo,
    requestedModalities: call.requestedModalities,
    activeModalities: [],
    mediaConfig: call.mediaConfig,
    source: call.source,
    targets: call.targets.map(invitee),
    tenantId: call.tenantId,
    myParticipantId: call.myParticipantId,
    resultInfo: call.result === null ? null : resultInfo(call.result),
    id: call.id,
  };
}

/** Somebody who is in. */
export function participantEntity(one: Participant): Json {
  return {
    '@odata.type': '#microsoft.graph.participant',
    info: {
      '@odata.type': '#microsoft.graph.participantInfo',
      identity: identitySet(one.who),
      endpointType: 'default',
    },
    mediaStreams: [
      {
        '@odata.type': '#microsoft.graph.mediaStream',
        mediaType: 'audio',
        sourceId: '1',
        direction: 'sendReceive',
        serverMuted: one.isMuted,
      },
    ],
    isMuted: one.isMuted,
    isInLobby: one.isInLobby,
    id: one.id,
  };
}

function invitee(who: Operation['participants'][number]): Json {
  return { '@odata.type': '#microsoft.graph.invitationParticipantInfo', identity: identitySet(who) };
}

/** How something ended. */
export function resultInfo(result: Result): Json {
  return { '@odata.type': '#microsoft.graph.resultInfo', ...result };
}

/** An invitation as the answer to it says: on its way. The letters' case differs from the notification's, as in the docs. */
export function runningOperation(operation: Operation): Json {
  return {
    '@odata.type': '#microsoft.graph.inviteParticipantsOperation',
    id: operation.id,
    status: 'Running',
    clientContext: operation.clientContext,
    resultInfo: null,
    participants: operation.participants.map((who) => ({
      endpointType: null,
      replacesCallId: null,
      identity: identitySet(who),
    })),
  };
}

/** The body of one POST to the bot. */
export function notifications(...value: Json[]): Json {
  return { '@odata.type': '#microsoft.graph.commsNotifications', value };
}

const notification = (changeType: 'updated' | 'deleted', more: Json): Json => ({
  '@odata.type': '#microsoft.graph.commsNotification',
  changeType,
  ...more,
});

/** How the call stands. What ended carries no id, no chat and no meeting (Graph docs, call-delete). */
export function callNotification(call: GraphCall): Json {
  const { state, chatInfo, meetingInfo, id, result } = call;
  const over = state === 'terminating' || state === 'terminated';
  const resourceData: Json = { '@odata.type': '#microsoft.graph.call', state };
  if (!over) Object.assign(resourceData, { chatInfo, meetingInfo, id });
  if (state === 'terminated' && result) resourceData['resultInfo'] = resultInfo(result);
  return notification(state === 'terminated' ? 'deleted' : 'updated', {
    resourceUrl: `/communications/calls/${id}`,
    ...(over ? {} : { callbackUri: call.callbackUri }),
    resourceData,
  });
}

/** The whole roster. */
export function rosterNotification(call: GraphCall): Json {
  return notification('updated', {
    resource: `/app/calls/${call.id}/participants`,
    resourceUrl: `/communications/calls/${call.id}/participants`,
    resourceData: call.session.participants.map(participantEntity),
  });
}

/** What became of one invited person; `result` null says that they came. */
export function inviteNotification(
  call: GraphCall,
  operation: Operation,
  who: Operation['participants'][number],
  result: Result | null,
): Json {
  const path = `${call.id}/operations/${operation.several ? 'participants' : operation.id}`;
  return notification('deleted', {
    resource: `/app/calls/${path}`,
    resourceUrl: `/communications/calls/${path}`,
    resourceData: {
      '@odata.type': '#microsoft.graph.inviteParticipantsOperation',
      participants: [invitee(who)],
      status: result === null ? 'completed' : 'failed',
      clientContext: operation.clientContext,
      ...(result === null ? {} : { resultInfo: resultInfo(result) }),
      id: operation.several ? null : operation.id,
    },
  });
}
