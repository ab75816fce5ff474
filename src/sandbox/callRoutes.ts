/**
 * Graph's cloud communications: begin, read, keep alive and end a call; its roster; invite, mute and remove. Sources: Graph
 * docs application-post-calls, call-*, participant-*; codes that were only seen in public reports are named where they are
 * used, and the other refusals' words are inferred. Must not know chat or the control API.
 */
import { randomUUID } from 'node:crypto';
import { readCall, readInvite, type WantedCall } from './callRequest.ts';
import { callEntity, participantEntity, runningOperation } from './callShapes.ts';
import { type Answer, asObject, type Exchange, type Handler } from './exchange.ts';
import { graphError, graphOk, graphRoot } from './graphAnswer.ts';
import { identityKey, named } from './identities.ts';
import { type Meeting, participantOf, type Session } from './meetings.ts';
import { begin, keepAlive, leave, ring, rosterChanged, terminate } from './ringing.ts';
import type { Room } from './room.ts';
import type { GraphCall, Operation } from './telephony.ts';
import { findPerson } from './world.ts';

/** Seen in public reports for calls that have ended (comms-samples #173, #330). */
const callNotFound = (exchange: Exchange) => graphError(exchange, 404, '8522', 'Call not found.');
const badRequest = (exchange: Exchange, message: string) => graphError(exchange, 400, 'BadRequest', message);
const forbidden = (exchange: Exchange, message: string) => graphError(exchange, 403, 'Forbidden', message);

/** The call routes. */
export function callRoutes(room: Room): Record<string, Handler> {
  /** Finds the call, and makes the 404 of one that is gone. */
  const withCall =
    (handle: (exchange: Exchange, call: GraphCall, params: Record<string, string>) => Answer): Handler =>
    (exchange, params) => {
      const call = room.telephony.live(params['id'] ?? '');
      return call ? handle(exchange, call, params) : callNotFound(exchange);
    };
  const participant = (exchange: Exchange, call: GraphCall, id: string | undefined) =>
    call.session.participants.find((one) => one.id === id) ??
    graphError(exchange, 404, 'NotFound', 'Participant not found.');

  return {
    'POST /v1.0/communications/calls': (exchange) => create(room, exchange),
    'GET /v1.0/communications/calls/:id': withCall((exchange, call) =>
      graphOk(exchange, 200, {
        '@odata.context': `${graphRoot}/$metadata#communications/calls/$entity`,
        ...callEntity(call),
      }),
    ),
    'DELETE /v1.0/communications/calls/:id': withCall((exchange, call) => {
      terminate(room, call, { code: 200, subcode: 7000, message: 'The conversation has ended by bot.' });
      return graphOk(exchange, 204);
    }),
    'POST /v1.0/communications/calls/:id/keepAlive': withCall((exchange, call) => {
      keepAlive(room, call);
      return graphOk(exchange, 200);
    }),
    'GET /v1.0/communications/calls/:id/participants': withCall((exchange, call) =>
      graphOk(exchange, 200, {
        '@odata.context': `${graphRoot}/$metadata#communications/calls('${call.id}')/participants`,
        value: call.session.participants.map(participantEntity),
      }),
    ),
    'POST /v1.0/communications/calls/:id/participants/invite': withCall((exchange, call) =>
      invite(room, exchange, call),
    ),
    'POST /v1.0/communications/calls/:id/participants/:participantId/mute': withCall((exchange, call, params) => {
      const found = participant(exchange, call, params['participantId']);
      if ('status' in found) return found;
      if (call.kind === 'p2p') return badRequest(exchange, 'Participants can be muted in group calls only.');
      found.isMuted = true;
      rosterChanged(room, call.session);
      const id = randomUUID();
      const context = asObject(exchange.body)?.['clientContext'];
      return graphOk(exchange, 200, {
        '@odata.type': '#microsoft.graph.muteParticipantOperation',
        id,
        status: 'Completed',
        clientContext: typeof context === 'string' ? context : null,
        resultInfo: null,
      });
    }),
    'DELETE /v1.0/communications/calls/:id/participants/:participantId': withCall((exchange, call, params) => {
      const found = participant(exchange, call, params['participantId']);
      if ('status' in found) return found;
      if (!room.world.settings.mayRemoveParticipants) {
        return forbidden(exchange, 'The application is not allowed to remove participants in this tenant.');
      }
      leave(room, call.session, found);
      return graphOk(exchange, 204);
    }),
  };
}

const noTenant = (exchange: Exchange) =>
  graphError(exchange, 403, '7504', 'Insufficient enterprise tenant permissions, cannot access this API');

/** The meeting that is to be joined, or the refusal. */
function meetingFor(room: Room, exchange: Exchange, wanted: WantedCall): Meeting | Answer {
  const { world } = room;
  const { join } = wanted;
  const unknown = () => graphError(exchange, 404, 'NotFound', 'The meeting was not found.');
  if (join?.by === 'code') {
    const meeting = world.meetings.find((one) => one.joinMeetingId === join.joinMeetingId);
    if (!meeting) return unknown();
    if (meeting.passcode !== join.passcode) return forbidden(exchange, 'The passcode of the meeting is not right.');
    return meeting;
  }
  const meeting = world.meetings.find((one) => one.threadId === join?.threadId);
  if (!meeting || findPerson(world, meeting.organizer)?.userId !== join?.organizerId.toLowerCase()) return unknown();
  return meeting;
}

function create(room: Room, exchange: Exchange): Answer {
  const { world } = room;
  const { callsConsent } = world.settings;
  const body = asObject(exchange.body);
  if (!body) return badRequest(exchange, 'Unable to read JSON request payload.');
  const wanted = readCall(body);
  if ('fault' in wanted) return badRequest(exchange, wanted.fault);
  if (callsConsent === false || (callsConsent === 'joinOnly' && wanted.join === null)) {
    return forbidden(exchange, 'The application is not authorized to perform this action.');
  }
  // The published example of a new group call has no tenantId, so only a join needs one.
  const tenants = [wanted.tenantId, wanted.join?.by === 'chat' ? wanted.join.organizerTenantId : null];
  if (wanted.join !== null && wanted.tenantId === null) return noTenant(exchange);
  if (tenants.some((id) => id !== null && id.toLowerCase() !== world.tenantId.toLowerCase())) return noTenant(exchange);
  let session: Session = { participants: [] };
  if (wanted.join !== null) {
    const meeting = meetingFor(room, exchange, wanted);
    if ('status' in meeting) return meeting;
    session = meeting;
  }
  const call = newCall(room, wanted, session);
  room.telephony.calls.push(call);
  const location = `${graphRoot}/communications/calls/${call.id}`;
  const context = { '@odata.context': `${graphRoot}/$metadata#communications/calls/$entity` };
  const answer = graphOk(exchange, 201, { ...context, ...callEntity(call) });
  begin(room, call);
  return { ...answer, headers: { ...answer.headers, location } };
}

function newCall(room: Room, wanted: WantedCall, session: Session): GraphCall {
  const at = new Date().toISOString();
  const thread = 'threadId' in session ? { threadId: session.threadId, messageId: '0' } : null;
  return {
    id: randomUUID(),
    kind: wanted.join !== null ? 'meeting' : wanted.targets.length > 1 ? 'group' : 'p2p',
    state: 'establishing',
    callbackUri: wanted.callbackUri,
    tenantId: room.world.tenantId,
    subject: wanted.subject,
    callChainId: randomUUID(),
    myParticipantId: randomUUID(),
    chatInfo: thread && { '@odata.type': '#microsoft.graph.chatInfo', ...thread, ...wanted.chatInfo },
    meetingInfo: wanted.meetingInfo,
    mediaConfig: wanted.mediaConfig,
    requestedModalities: wanted.requestedModalities,
    source: wanted.source,
    targets: wanted.targets.map((who) => named(room.world, who)),
    session,
    ringing: [],
    operations: [],
    result: null,
    createdAt: at,
    keptAliveAt: at,
    forget: () => {},
  };
}

function invite(room: Room, exchange: Exchange, call: GraphCall): Answer {
  const { world } = room;
  const body = asObject(exchange.body);
  if (!body) return badRequest(exchange, 'Unable to read JSON request payload.');
  if (world.settings.callsConsent !== true) {
    return forbidden(exchange, 'The application is not authorized to perform this action.');
  }
  const wanted = readInvite(body);
  if ('fault' in wanted) return badRequest(exchange, wanted.fault);
  if (call.state !== 'established') return badRequest(exchange, 'The call is not established.');
  const ringing = room.telephony.callsIn(call.session).flatMap((one) => one.ringing);
  const twice = wanted.people.find(
    (who) =>
      participantOf(call.session, who) !== undefined ||
      ringing.some((one) => identityKey(one.who) === identityKey(who)),
  );
  // The same identity cannot be invited twice (Graph docs, resources/call).
  if (twice) return badRequest(exchange, `The participant '${twice.id}' is already in the call or being invited.`);
  const operation: Operation = {
    id: randomUUID(),
    clientContext: wanted.clientContext,
    participants: wanted.people,
    several: wanted.people.length > 1,
    status: 'Running',
    outcomes: [],
  };
  call.operations.push(operation);
  const answer = graphOk(exchange, 200, {
    '@odata.context': `${graphRoot}/$metadata#microsoft.graph.inviteParticipantsOperation`,
    ...runningOperation(operation),
  });
  for (const who of wanted.people) ring(room, call, who, operation);
  const location = `${graphRoot}/communications/calls/${call.id}/operations/${operation.id}`;
  return { ...answer, headers: { ...answer.headers, location } };
}
