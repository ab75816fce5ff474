/**
 * What happens when people are called: devices ring, somebody answers or does not, the roster changes, and the bot is told.
 * Must not know HTTP routes.
 */
import { randomUUID } from 'node:crypto';
import { tell } from './callbacks.ts';
import { callNotification, inviteNotification, notifications, rosterNotification } from './callShapes.ts';
import { hasEndpoint, type Identity, identityKey, named } from './identities.ts';
import { newParticipant, type Participant, participantOf, type Session } from './meetings.ts';
import { botName, type Room } from './room.ts';
import type { Behaviour, GraphCall, Operation, Result, Ring } from './telephony.ts';

/**
 * How ringing can fail. Declined and not answered carry the subcodes that Azure Communication Services documents for the
 * same service ("call end codes": 487/10024, 487/10004); that invitations use them is inferred. Seen with invitations:
 * 8541 (comms-samples #343), 301004 (#700), 7106 (#667), phones that are not set up (#410).
 */
const failures: Record<string, (who: string) => Result> = {
  declines: (who) => failed(who, 487, 10024, 'Call was declined by all callee endpoints', '487#10024'),
  silent: (who) => failed(who, 487, 10004, 'Call was canceled on timeout', '487#10004'),
  unreachable: (who) => failed(who, 400, 8541, 'The callee has no reachable endpoint', '400#8541'),
  mediaError: (who) => failed(who, 410, 301004, 'Client Media Error', '410#301004'),
  serverError: (who) => failed(who, 500, 7106, 'Internal Server Error', '500#7106'),
  noPhone: (who) =>
    failed(who, 412, 9999, 'Could not find the PSTN content for the sponsor of this PSTN leg.', '412#10073'),
};

function failed(who: string, code: number, subcode: number, reason: string, diagnosis: string): Result {
  const message = `addParticipants failed for participant ${who}. Underlying reason: ${reason}. DiagCode: ${diagnosis}.@`;
  return { code, subcode, message };
}

/** The name under which the calling service itself knows somebody. */
const mri = (who: Identity) => ({ user: `8:orgid:${who.id}`, phone: `4:${who.id}` })[who.kind as 'user'] ?? who.id;

const changed = (room: Room) => room.happenings.tell('telephony', {});
/** Calls whose roster is on its way; true when it changed again meanwhile. */
const rostersUnderWay = new WeakMap<GraphCall, { again: boolean }>();

/** Tells the bot, a little later and once for many changes, who is in. */
export function rosterChanged(room: Room, session: Session): void {
  changed(room);
  for (const call of room.telephony.callsIn(session)) if (call.state === 'established') tellRoster(room, call);
}

function tellRoster(room: Room, call: GraphCall): void {
  const earlier = rostersUnderWay.get(call);
  if (earlier) {
    earlier.again = true;
    return;
  }
  const mine = { again: false };
  rostersUnderWay.set(call, mine);
  room.telephony.after(room.world.settings.rosterDelayMs, async () => {
    mine.again = false;
    if (call.state === 'established') await tell(room, call, notifications(rosterNotification(call)));
    rostersUnderWay.delete(call);
    if (mine.again && call.state === 'established') tellRoster(room, call);
  });
}

/** Moves a call to a state and tells the bot. */
function moveTo(room: Room, call: GraphCall, state: GraphCall['state']): void {
  call.state = state;
  void tell(room, call, notifications(callNotification(call)));
  changed(room);
}

/** A meeting begins when the first one comes. */
function begun(session: Session & { running?: boolean }): void {
  if (session.running === false) session.running = true;
}

/** The bot itself, as it stands in the roster. */
function botParticipant(room: Room, call: GraphCall): Participant {
  const who: Identity = { kind: 'application', id: room.botId, displayName: botName, tenantId: room.world.tenantId };
  return { ...newParticipant(who), id: call.myParticipantId };
}

/** The bot comes in: the call is up, and everybody sees it. */
export function establish(room: Room, call: GraphCall): void {
  if (call.state !== 'establishing') return;
  call.chatInfo ??= { '@odata.type': '#microsoft.graph.chatInfo', threadId: `19:${randomUUID()}`, messageId: '0' };
  call.session.participants.push(botParticipant(room, call));
  begun(call.session);
  moveTo(room, call, 'established');
  rosterChanged(room, call.session);
}

/** Begins a call that was accepted: tells the bot, rings its targets, and brings it up. */
export function begin(room: Room, call: GraphCall): void {
  moveTo(room, call, 'establishing');
  keepAlive(room, call);
  for (const who of call.targets) ring(room, call, who, null);
  // A call to one person is up when they answer.
  if (call.kind !== 'p2p') room.telephony.after(room.world.settings.joinMs, () => establish(room, call));
}

/** The bot is still there; a call of which nothing is heard for too long ends (Graph docs, call-delete: 408/8537). */
export function keepAlive(room: Room, call: GraphCall): void {
  call.forget();
  call.keptAliveAt = new Date().toISOString();
  call.forget = room.telephony.after(room.world.settings.keepAliveLimitMs, () =>
    terminate(room, call, { code: 408, subcode: 8537, message: 'Keep Alive timeout, cleaned up inactive call.' }),
  );
}

/** Ends the bot's leg. The others stay; nobody is called any more on its behalf. */
export function terminate(room: Room, call: GraphCall, result: Result): void {
  if (call.state === 'terminated') return;
  call.forget();
  call.ringing = [];
  call.result = result;
  const { session } = call;
  session.participants = session.participants.filter((one) => one.id !== call.myParticipantId);
  moveTo(room, call, 'terminating');
  moveTo(room, call, 'terminated');
  rosterChanged(room, session);
}

function behaviourOf(room: Room, who: Identity): Behaviour | 'noPhone' {
  if (who.kind === 'phone' && !room.world.settings.phoneReady) return 'noPhone';
  const script = room.telephony.script(who);
  return script?.behaviour ?? (hasEndpoint(room.world, who) ? 'answers' : 'unreachable');
}

/** Calls somebody. What becomes of it depends on how they behave, or on what is pressed for them meanwhile. */
export function ring(room: Room, call: GraphCall, who: Identity, operation: Operation | null): void {
  const { settings } = room.world;
  const behaviour = behaviourOf(room, who);
  const since = new Date().toISOString();
  const one: Ring = { who, operation, behaviour: behaviour === 'noPhone' ? 'unreachable' : behaviour, since };
  call.ringing.push(one);
  const ringMs = room.telephony.script(who)?.ringMs ?? settings.ringMs;
  const silent = behaviour === 'silent' || ringMs > settings.ringTimeoutMs;
  room.telephony.after(silent ? settings.ringTimeoutMs : ringMs, () => {
    if (silent) return miss(room, call, one, 'silent');
    if (behaviour === 'answers' || behaviour === 'lobby') return answer(room, call, one, behaviour === 'lobby');
    miss(room, call, one, behaviour);
  });
  changed(room);
}

/** They answered (or came in by themselves, which ends the ringing as well). */
export function answer(room: Room, call: GraphCall, ring: Ring, isInLobby = false): void {
  if (!call.ringing.includes(ring)) return;
  const who = named(room.world, ring.who);
  const { session } = call;
  if (!participantOf(session, who)) session.participants.push(newParticipant(who, isInLobby));
  const others = room.telephony.callsIn(session).flatMap((one) => one.ringing.map((other) => ({ call: one, other })));
  for (const { call: one, other } of others) {
    if (identityKey(other.who) === identityKey(who)) settle(room, one, other, null);
  }
  if (call.kind === 'p2p') establish(room, call);
  rosterChanged(room, session);
}

/** They did not come; `why` names the failure. */
export function miss(room: Room, call: GraphCall, ring: Ring, why: string): void {
  if (!call.ringing.includes(ring)) return;
  const result = failures[why]?.(mri(ring.who)) ?? failed(mri(ring.who), 500, 9999, 'Unknown', '500#9999');
  settle(room, call, ring, result);
  if (call.kind === 'p2p' && call.state === 'establishing') terminate(room, call, result);
}

function settle(room: Room, call: GraphCall, ring: Ring, result: Result | null): void {
  call.ringing = call.ringing.filter((one) => one !== ring);
  const { operation } = ring;
  if (operation) {
    const who = named(room.world, ring.who);
    operation.outcomes.push({ who, result, at: new Date().toISOString() });
    if (operation.outcomes.length === operation.participants.length) {
      operation.status = operation.outcomes.some((one) => one.result === null) ? 'Completed' : 'Failed';
    }
    void tell(room, call, notifications(inviteNotification(call, operation, who, result)));
  }
  changed(room);
}

/** Somebody comes in by themselves, or is let in from the lobby. */
export function join(room: Room, session: Session, who: Identity, isInLobby = false): Participant {
  for (const call of room.telephony.callsIn(session)) {
    const ringing = call.ringing.find((one) => identityKey(one.who) === identityKey(who));
    if (ringing) answer(room, call, ringing, isInLobby);
  }
  let participant = participantOf(session, who);
  if (!participant) {
    participant = newParticipant(named(room.world, who), isInLobby);
    session.participants.push(participant);
  } else participant.isInLobby = isInLobby;
  begun(session);
  rosterChanged(room, session);
  return participant;
}

/** Somebody goes, or is put out. A call between two ends with it. */
export function leave(room: Room, session: Session, participant: Participant): void {
  session.participants = session.participants.filter((one) => one !== participant);
  const message = 'The other participant in the peer-to-peer call left the conversation.';
  for (const call of room.telephony.callsIn(session)) {
    if (call.kind === 'p2p') terminate(room, call, { code: 200, subcode: 18503, message });
  }
  rosterChanged(room, session);
}
