/**
 * Online meetings and who is in them, with the answer that the connector gives about one (Teams docs,
 * meeting-apps-apis). Pure data and look-ups; it must not know the bot's calls or HTTP.
 */
import { randomUUID } from 'node:crypto';
import { type Identity, identityKey } from './identities.ts';
import { findConversation, findPerson, type World } from './world.ts';

/** Somebody who is in a meeting or a group call. */
export interface Participant {
  id: string;
  who: Identity;
  isMuted: boolean;
  isInLobby: boolean;
  joinedAt: string;
  /** When they last said something; null when they have not. */
  spokeAt: string | null;
}

/** What goes on between people, whether the bot is in it or not. */
export interface Session {
  participants: Participant[];
}

/** A meeting that belongs to a chat. */
export interface Meeting extends Session {
  /** Id of its chat. */
  threadId: string;
  title: string;
  /** Key of the organizer. */
  organizer: string;
  msGraphResourceId: string;
  joinMeetingId: string;
  passcode: string;
  running: boolean;
}

/** Somebody who just came in. */
export function newParticipant(who: Identity, isInLobby = false): Participant {
  return { id: randomUUID(), who, isMuted: false, isInLobby, joinedAt: new Date().toISOString(), spokeAt: null };
}

/** Whether (and as whom) somebody is in. */
export function participantOf(session: Session, who: Identity): Participant | undefined {
  return session.participants.find((one) => identityKey(one.who) === identityKey(who));
}

/** The link with which people join: the thread in its path, tenant and organizer in its context (Graph docs, call). */
export function joinUrlOf(world: World, meeting: Meeting): string {
  const context = { Tid: world.tenantId, Oid: findPerson(world, meeting.organizer)?.userId };
  const path = `${encodeURIComponent(meeting.threadId)}/0`;
  return `https://teams.microsoft.com/l/meetup-join/${path}?context=${encodeURIComponent(JSON.stringify(context))}`;
}

/** A meeting by the id of its chat, the key of its chat, or the id that activities carry. */
export function findMeeting(world: World, ref: string): Meeting | undefined {
  const chat = findConversation(world, ref) ?? world.conversations.find((one) => one.meetingId === ref);
  return chat && world.meetings.find((meeting) => meeting.threadId === chat.id);
}

/** What `GET /v1/meetings/{id}` answers. A one-to-one call has no link to join by (Teams docs, meeting-apps-apis). */
export function meetingInfo(world: World, meeting: Meeting, id: string): Record<string, unknown> {
  const organizer = findPerson(world, meeting.organizer);
  const linked = world.settings.meetingHasJoinUrl;
  return {
    details: {
      id,
      msGraphResourceId: meeting.msGraphResourceId,
      scheduledStartTime: '2026-11-20T15:00:00Z',
      scheduledEndTime: '2026-11-20T16:00:00Z',
      ...(linked ? { joinUrl: joinUrlOf(world, meeting) } : {}),
      title: meeting.title,
      type: linked ? 'Recurring' : 'OneToOneCall',
    },
    conversation: { isGroup: true, conversationType: 'groupChat', id: meeting.threadId },
    organizer: {
      id: organizer?.teamsId,
      aadObjectId: organizer?.userId,
      objectId: organizer?.userId,
      tenantId: organizer?.tenantId,
    },
  };
}
