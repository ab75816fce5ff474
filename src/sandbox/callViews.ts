/**
 * The calling service's memory as the control API and the page see it: calls, meetings, people and how they behave.
 * Pure: it must not change anything.
 */
import { hasEndpoint, type Identity, identityKey, named } from './identities.ts';
import { joinUrlOf, type Participant } from './meetings.ts';
import type { Room } from './room.ts';
import type { GraphCall, Script } from './telephony.ts';
import { teamsIdOf } from './world.ts';

type Json = Record<string, unknown>;

/** Somebody, with the key by which the control API knows them. */
function whoView(room: Room, who: Identity): Json {
  const { kind, id, displayName } = named(room.world, who);
  const person =
    room.world.people.find((one) => one.userId === id)?.key ?? (kind === 'guest' ? `guest:${displayName}` : id);
  return { kind, id, person, name: displayName ?? id };
}

function participantView(room: Room, one: Participant): Json {
  const { id: participantId, isMuted, isInLobby, joinedAt, spokeAt } = one;
  return { ...whoView(room, one.who), participantId, isMuted, isInLobby, joinedAt, spokeAt };
}

/** One call of the bot, who is in it, who rings, and what became of each invitation. */
export function callView(room: Room, call: GraphCall): Json {
  const chat = room.world.conversations.find((one) => one.id === ('threadId' in call.session && call.session.threadId));
  return {
    id: call.id,
    kind: call.kind,
    state: call.state,
    meeting: chat?.key ?? null,
    callbackUri: call.callbackUri,
    tenantId: call.tenantId,
    subject: call.subject,
    myParticipantId: call.myParticipantId,
    createdAt: call.createdAt,
    keptAliveAt: call.keptAliveAt,
    result: call.result,
    roster: call.state === 'established' ? call.session.participants.map((one) => participantView(room, one)) : [],
    ringing: call.ringing.map((ring) => ({
      ...whoView(room, ring.who),
      behaviour: ring.behaviour,
      since: ring.since,
      operation: ring.operation?.id ?? null,
      clientContext: ring.operation?.clientContext ?? null,
    })),
    operations: call.operations.map(({ id, clientContext, several, status, participants, outcomes }) => ({
      id,
      clientContext,
      several,
      status,
      participants: participants.map((who) => whoView(room, who)),
      outcomes: outcomes.map((one) => ({ ...whoView(room, one.who), result: one.result, at: one.at })),
    })),
  };
}

/** Everybody who can be called, and how they behave. */
function peopleViews(room: Room): Json[] {
  const { world, telephony } = room;
  const everybody = new Map<string, Identity>();
  const add = (who: Identity) => everybody.set(identityKey(who), who);
  for (const { id, displayName } of world.users) add({ kind: 'user', id, displayName, tenantId: world.tenantId });
  for (const { userId: id, name, tenantId } of world.people) add({ kind: 'user', id, displayName: name, tenantId });
  const seen = telephony.calls.flatMap((call) => [
    ...call.operations.flatMap((operation) => operation.participants),
    ...call.session.participants.map((one) => one.who),
  ]);
  const phones = Object.keys(telephony.scripts()).filter((key) => key.startsWith('phone:'));
  for (const key of phones) add({ kind: 'phone', id: key.slice('phone:'.length), displayName: null, tenantId: null });
  for (const who of seen) if (who.kind === 'phone') add(who);
  return [...everybody.values()].map((who) => {
    const behaviour = hasEndpoint(world, who) ? 'answers' : 'unreachable';
    const script: Script = telephony.script(who) ?? { behaviour, ringMs: null };
    const user = world.users.find((one) => one.id === who.id);
    return { ...whoView(room, who), ...script, guest: user?.userType === 'Guest', teamsId: teamsIdOf(who.id) };
  });
}

/** All of it; `after` leaves out the callbacks up to that number. */
export function telephonyView(room: Room, after = 0): Json {
  const { world, telephony } = room;
  return {
    holding: telephony.holding,
    meetings: world.meetings.map((meeting) => ({
      conversation: world.conversations.find((one) => one.id === meeting.threadId)?.key ?? null,
      threadId: meeting.threadId,
      title: meeting.title,
      organizer: meeting.organizer,
      joinUrl: world.settings.meetingHasJoinUrl ? joinUrlOf(world, meeting) : null,
      joinMeetingId: meeting.joinMeetingId,
      passcode: meeting.passcode,
      running: meeting.running,
      participants: meeting.participants.map((one) => participantView(room, one)),
    })),
    calls: telephony.calls.map((call) => callView(room, call)),
    people: peopleViews(room),
    callbacks: telephony.callbacks.filter((record) => record.n > after),
  };
}
