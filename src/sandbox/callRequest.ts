/**
 * Reads what the bot sends to begin a call or to invite into one, and says what Graph would refuse (Graph docs,
 * application-post-calls, participant-invite). Pure: it must not change anything.
 */
import { isLoopback } from './courier.ts';
import { asObject } from './exchange.ts';
import { type Identity, identityKey, readIdentity } from './identities.ts';

/** At most so many in one request (Graph docs, participant-invite: up to 5). */
export const mostAtOnce = 5;
const contextLimit = 256;
const modalities = ['audio', 'video', 'videoBasedScreenSharing', 'data'];

/** A call as it was asked for. */
export interface WantedCall {
  callbackUri: string;
  subject: string | null;
  tenantId: string | null;
  requestedModalities: string[];
  mediaConfig: Record<string, unknown>;
  source: Record<string, unknown> | null;
  chatInfo: Record<string, unknown> | null;
  meetingInfo: Record<string, unknown> | null;
  /** How the meeting is named; null makes a new call to the targets. */
  join:
    | { by: 'chat'; threadId: string; organizerId: string; organizerTenantId: string | null }
    | { by: 'code'; joinMeetingId: string; passcode: string | null }
    | null;
  targets: Identity[];
}

/** An invitation as it was asked for. */
export interface WantedInvite {
  people: Identity[];
  clientContext: string | null;
}

/** What is wrong with a request. */
export interface Fault {
  fault: string;
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);

function readPeople(given: unknown): Identity[] | Fault {
  const people: Identity[] = [];
  for (const one of Array.isArray(given) ? given : []) {
    const read = readIdentity(asObject(one)?.['identity']);
    if (typeof read === 'string') return { fault: read };
    people.push(read);
  }
  if (people.length > mostAtOnce) return { fault: `At most ${mostAtOnce} participants can be invited at once.` };
  if (new Set(people.map(identityKey)).size < people.length) return { fault: 'A participant is named twice.' };
  return people;
}

function uriFault(uri: string | null): string | undefined {
  if (uri === null) return "Property 'callbackUri' is required.";
  if (!URL.canParse(uri)) return "Property 'callbackUri' is not an absolute address.";
  const { protocol, hostname } = new URL(uri);
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return undefined;
  return "Property 'callbackUri' must be an https address.";
}

function readJoin(body: Record<string, unknown>): WantedCall['join'] | Fault {
  const info = asObject(body['meetingInfo']);
  if (!info) {
    return asObject(body['chatInfo']) ? { fault: "Property 'meetingInfo' is required to join a meeting." } : null;
  }
  const type = textOf(info['@odata.type']);
  if (type === '#microsoft.graph.joinMeetingIdMeetingInfo') {
    const joinMeetingId = textOf(info['joinMeetingId'])?.replaceAll(' ', '') ?? null;
    if (joinMeetingId === null) return { fault: "Property 'joinMeetingId' is required." };
    return { by: 'code', joinMeetingId, passcode: textOf(info['passcode']) };
  }
  if (type !== '#microsoft.graph.organizerMeetingInfo') {
    return { fault: `'${type}' is not a kind of meetingInfo that is answered here.` };
  }
  const threadId = textOf(asObject(body['chatInfo'])?.['threadId']);
  if (threadId === null) return { fault: "Property 'chatInfo.threadId' is required to join a meeting." };
  const user = asObject(asObject(info['organizer'])?.['user']);
  const organizerId = textOf(user?.['id']);
  if (organizerId === null) return { fault: "Property 'meetingInfo.organizer.user.id' is required." };
  return { by: 'chat', threadId, organizerId, organizerTenantId: textOf(user?.['tenantId']) };
}

/** Reads the body of `POST /communications/calls`. */
export function readCall(body: Record<string, unknown>): WantedCall | Fault {
  const callbackUri = textOf(body['callbackUri']);
  const wrong = uriFault(callbackUri);
  if (wrong !== undefined || callbackUri === null) return { fault: wrong ?? '' };
  const asked = body['requestedModalities'];
  if (!Array.isArray(asked) || asked.length === 0) return { fault: "Property 'requestedModalities' is required." };
  const odd = asked.find((one) => !modalities.includes(one));
  if (odd !== undefined) return { fault: `'${odd}' is not a modality.` };
  const mediaConfig = asObject(body['mediaConfig']);
  if (mediaConfig?.['@odata.type'] !== '#microsoft.graph.serviceHostedMediaConfig') {
    return { fault: "Property 'mediaConfig' must be a serviceHostedMediaConfig." };
  }
  const join = readJoin(body);
  if (join && 'fault' in join) return join;
  const targets = readPeople(body['targets']);
  if ('fault' in targets) return targets;
  if (join === null && targets.length === 0) return { fault: "Property 'targets' or 'meetingInfo' is required." };
  if (join !== null && targets.length > 0) return { fault: 'A meeting is joined without targets.' };
  const phone = targets.find((one) => one.kind === 'phone');
  if (
    phone &&
    (targets.length > 1 || !asObject(asObject(asObject(body['source'])?.['identity'])?.['applicationInstance']))
  )
    return { fault: 'A phone is called alone, with an applicationInstance as source.' };
  if (targets.some((one) => one.kind !== 'user' && one.kind !== 'phone')) {
    return { fault: 'The targets of a new call must be users.' };
  }
  return {
    callbackUri,
    subject: textOf(body['subject']),
    tenantId: textOf(body['tenantId']),
    requestedModalities: asked,
    mediaConfig,
    source: asObject(body['source']) ?? null,
    chatInfo: asObject(body['chatInfo']) ?? null,
    meetingInfo: asObject(body['meetingInfo']) ?? null,
    join,
    targets,
  };
}

/**
 * Reads the body of an invitation. With a `replacesCallId` only the first participant is read and the rest are silently
 * dropped (Graph docs, invitationparticipantinfo).
 */
export function readInvite(body: Record<string, unknown>): WantedInvite | Fault {
  const context = body['clientContext'] ?? null;
  if (context !== null && typeof context !== 'string') return { fault: "Property 'clientContext' must be text." };
  if (context !== null && context.length > contextLimit) {
    return { fault: `Property 'clientContext' is longer than ${contextLimit} characters.` };
  }
  const given = Array.isArray(body['participants']) ? body['participants'] : [];
  const moves = textOf(asObject(given[0])?.['replacesCallId']) !== null;
  const people = readPeople(moves ? given.slice(0, 1) : given);
  if ('fault' in people) return people;
  if (people.length === 0) return { fault: "Property 'participants' is required." };
  if (people.filter((one) => one.kind === 'application').length > 1) {
    return { fault: 'Only one bot can be invited at once.' };
  }
  return { people, clientContext: context };
}
