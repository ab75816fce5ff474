/**
 * The control API's part about calls: how people behave, what they do by hand, and callbacks sent, replayed or held back.
 * Must not know Graph's routes.
 */
import type { z } from 'zod/v4';
import { noteTry, postCallback, recordCallback, release } from './callbacks.ts';
import { notifications, rosterNotification } from './callShapes.ts';
import { telephonyView } from './callViews.ts';
import { checked, refuse } from './checked.ts';
import { callbackBody, holdBody, personBody, telephonyBody } from './controlBodies.ts';
import type { Delivery } from './courier.ts';
import type { Answer, Handler } from './exchange.ts';
import { findIdentity, identityKey } from './identities.ts';
import { findMeeting, type Meeting, participantOf, type Session } from './meetings.ts';
import { answer, join, leave, miss, rosterChanged, terminate } from './ringing.ts';
import type { Room } from './room.ts';
import type { GraphCall } from './telephony.ts';

/** The control routes about calls. */
export function callControlRoutes(room: Room): Record<string, Handler> {
  return {
    'GET /control/telephony': (exchange) => ({
      status: 200,
      body: telephonyView(room, Number(exchange.query.get('after') ?? 0) || 0),
    }),
    'POST /control/people': checked(personBody, (body) => setPerson(room, body)),
    'POST /control/telephony': checked(telephonyBody, (body) => act(room, body)),
    'POST /control/callback': checked(callbackBody, (body) => sendByHand(room, body)),
    'POST /control/hold-callbacks': checked(holdBody, async (body) => {
      if (body.on) room.telephony.holding = true;
      const released = body.on ? [] : await release(room, body.reversed);
      const statuses = released.map((record) => record.status);
      room.happenings.tell('telephony', {});
      return { status: 200, body: { holding: room.telephony.holding, statuses, released: released.map(({ n }) => n) } };
    }),
  };
}

function setPerson(room: Room, body: z.infer<typeof personBody>): Answer {
  const ref = body.phone ?? body.person ?? '';
  const who = findIdentity(room.world, ref);
  if (!who || (body.phone !== undefined && who.kind !== 'phone')) return refuse(404, `nobody is called '${ref}'`);
  const before = room.telephony.script(who);
  const script = {
    behaviour: body.behaviour ?? before?.behaviour ?? 'answers',
    ringMs: body.ringMs === undefined ? (before?.ringMs ?? null) : body.ringMs,
  };
  room.telephony.setScript(who, script);
  room.happenings.tell('telephony', {});
  return { status: 200, body: { kind: who.kind, id: who.id, name: who.displayName ?? who.id, ...script } };
}

/** The call that is meant: the named one, or the only one that runs. */
function callFor(room: Room, id: string | undefined): GraphCall | undefined {
  if (id !== undefined) return room.telephony.live(id);
  const live = room.telephony.calls.filter((call) => call.state !== 'terminated');
  return live.length === 1 ? live[0] : undefined;
}

/** Where somebody comes in or goes: the named call or meeting, or the tenant's first meeting. */
function sessionFor(room: Room, body: z.infer<typeof telephonyBody>): Session | undefined {
  if (body.call !== undefined) return room.telephony.live(body.call)?.session;
  return body.meeting === undefined ? room.world.meetings[0] : findMeeting(room.world, body.meeting);
}

function act(room: Room, body: z.infer<typeof telephonyBody>): Answer {
  const done = (more: object = {}) => ({ status: 200, body: { done: body.action, ...more } });
  if (body.action === 'terminate') {
    const call = callFor(room, body.call);
    if (!call) return refuse(404, 'no such call, or several run and none was named');
    const { code, subcode, message } = body;
    terminate(room, call, { code, subcode, message });
    return done({ call: call.id });
  }
  const session = sessionFor(room, body);
  if (!session) return refuse(404, 'no such call or meeting');
  if (body.action === 'end') return done({ calls: endSession(room, session) });
  const who = findIdentity(room.world, body.person ?? '');
  if (!who) return refuse(404, `nobody is called '${body.person ?? ''}'`);
  if (body.action === 'answer' || body.action === 'decline') {
    const calls = body.call === undefined ? room.telephony.calls : [room.telephony.live(body.call)];
    for (const call of calls) {
      const ring = call?.ringing.find((one) => identityKey(one.who) === identityKey(who));
      if (!call || !ring) continue;
      if (body.action === 'answer') answer(room, call, ring, body.lobby);
      else miss(room, call, ring, 'declines');
      return done({ call: call.id });
    }
    return refuse(409, `nothing rings at '${body.person}'`);
  }
  if (body.action === 'join') return done({ participantId: join(room, session, who, body.lobby).id });
  const participant = participantOf(session, who);
  if (!participant) return refuse(409, `'${body.person}' is not in`);
  if (body.action === 'leave') leave(room, session, participant);
  else {
    if (body.action === 'speak') participant.spokeAt = new Date().toISOString();
    participant.isMuted = body.action === 'mute';
    rosterChanged(room, session);
  }
  return done({ participantId: participant.id });
}

/** The whole meeting ends, the bot's calls in it as well. */
function endSession(room: Room, session: Session & Partial<Pick<Meeting, 'running'>>): string[] {
  const calls = room.telephony.callsIn(session);
  const result = { code: 200, subcode: 5001, message: 'The conversation has ended.' };
  for (const call of calls) terminate(room, call, result);
  session.participants = [];
  if (session.running === true) session.running = false;
  room.happenings.tell('telephony', {});
  return calls.map((call) => call.id);
}

async function sendByHand(room: Room, body: z.infer<typeof callbackBody>): Promise<Answer> {
  const { telephony } = room;
  const call = body.call === undefined ? undefined : telephony.calls.find((one) => one.id === body.call);
  if (body.call !== undefined && !call) return refuse(404, `no call '${body.call}'`);
  const parcels: { call: string | null; to: string; body: unknown }[] = [];
  if (body.replay !== undefined) {
    for (const n of [body.replay].flat()) {
      const record = telephony.callbacks.find((one) => one.n === n);
      if (!record) return refuse(404, `no callback number ${n}`);
      parcels.push({ call: record.call, to: body.to ?? record.to, body: record.body });
    }
  } else {
    const to = body.to ?? call?.callbackUri;
    if (to === undefined) return refuse(400, 'call, to or replay is needed');
    const content = body.body ?? (call && notifications(rosterNotification(call)));
    parcels.push({ call: call?.id ?? null, to, body: content ?? notifications() });
  }
  if (body.order === 'reversed') parcels.reverse();
  const deliveries: Delivery[] = [];
  for (const parcel of parcels) {
    const copies = Array.from({ length: body.copies }, async () => {
      const record = recordCallback(room, { ...parcel, state: 'waiting' });
      const delivery = await postCallback(room, parcel.to, parcel.body, await authorization(room, body));
      noteTry(room, record, delivery);
      return delivery;
    });
    deliveries.push(...(await Promise.all(copies)));
  }
  return {
    status: 200,
    body: {
      statuses: deliveries.map((one) => one.status),
      bodies: deliveries.map((one) => one.body),
      errors: deliveries.map((one) => one.error).filter((error) => error !== null),
      ms: Math.max(0, ...deliveries.map((one) => one.ms)),
    },
  };
}

async function authorization(room: Room, { token, claims }: z.infer<typeof callbackBody>): Promise<string | null> {
  if (token === 'none') return null;
  if (token === 'good') return `Bearer ${await room.callsKeys.sign(claims ?? {})}`;
  return 'header' in token ? token.header : `Bearer ${await room.callsKeys.forge(token.forge)}`;
}
