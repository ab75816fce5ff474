/**
 * The control API's part about Partner Center: deals that come in, what others do with them, who may do what, sign-ins as
 * people do them, and events sent by hand or held back. Must not know Partner Center's own routes.
 */
import type { z } from 'zod/v4';
import { checked, refuse } from './checked.ts';
import { holdBody } from './controlBodies.ts';
import type { Answer, Handler } from './exchange.ts';
import {
  accessBody,
  eventBody as eventSchema,
  exchangeableBody,
  incomingBody,
  otherHandBody,
  rolesBody,
  signInBody,
} from './partnerBodies.ts';
import { patchReferral, readPatch } from './partnerReferrals.ts';
import { incomingReferral } from './partnerSeed.ts';
import { findReferral, microsoft, type Referral } from './partnerWorld.ts';
import type { Room } from './room.ts';
import { accessOf, exchangeableToken, finishSignIn, forget, giveToken, type SignIn } from './userTokens.ts';
import { eventBody, noteEventTry, postEvent, recordEvent, releaseEvents, tellChange } from './webhooks.ts';
import { findPerson, type Person } from './world.ts';

/** The control routes about Partner Center. */
export function partnerControlRoutes(room: Room): Record<string, Handler> {
  const { world } = room;
  const told = () => room.happenings.tell('partner', {});
  const nobody = (user: string) => refuse(404, `nobody is called '${user}'`);

  return {
    'GET /control/partner': () => ({ status: 200, body: partnerView(room) }),
    'POST /control/referral': checked(incomingBody, ({ from, fromName, expiresInMs, ...deal }) => {
      const sender = { id: from, name: fromName ?? (from === microsoft.id ? microsoft.name : from) };
      const referral = incomingReferral(deal, sender, expiresInMs);
      world.partner.referrals.push(referral);
      tellChange(room, 'referral-created', referral);
      return { status: 201, body: referral };
    }),
    'POST /control/referral-change': checked(otherHandBody, (body) => otherHand(room, body)),
    'POST /control/roles': checked(rolesBody, ({ user, roles }) => {
      const person = findPerson(world, user);
      if (!person) return nobody(user);
      world.partner.roles[person.userId] = roles;
      told();
      return { status: 200, body: { user: person.key, roles } };
    }),
    'GET /control/sign-in': (exchange) => {
      const ticket = exchange.query.get('ticket');
      const signIn = world.tokens.signIns.find((one) => one.ticket === ticket);
      if (!signIn) return refuse(404, 'no such sign-in');
      const person = findPerson(world, signIn.userId);
      return { status: 200, body: { name: person?.name, mail: person?.mail, state: signIn.state } };
    },
    'POST /control/sign-in': checked(signInBody, (body) => signIn(room, body)),
    'POST /control/access': checked(accessBody, (body) => {
      const person = findPerson(world, body.user);
      if (!person) return nobody(body.user);
      changeAccess(room, person, body);
      told();
      return { status: 200, body: userView(room, person) };
    }),
    'POST /control/exchangeable-token': checked(exchangeableBody, ({ user, uri }) => {
      const person = findPerson(world, user);
      if (!person) return nobody(user);
      if (!world.settings.sso) return refuse(409, 'single sign-on is switched off');
      const token = exchangeableToken(world.tokens, person.userId, uri);
      return token ? { status: 200, body: { token } } : refuse(409, `${person.name} did not consent yet`);
    }),
    'POST /control/webhook': checked(eventSchema, (body) => sendByHand(room, body)),
    'POST /control/hold-webhooks': checked(holdBody, async ({ on, reversed }) => {
      if (on) world.partner.holding = true;
      const released = on ? [] : await releaseEvents(room, reversed);
      const statuses = released.map((record) => record.status);
      return { status: 200, body: { holding: world.partner.holding, statuses, released: released.map(({ n }) => n) } };
    }),
  };
}

function userView(room: Room, person: Person): Record<string, unknown> {
  const { tokens, partner } = room.world;
  const access = accessOf(tokens, person.userId);
  const token = tokens.given.findLast((one) => one.userId === person.userId);
  return {
    key: person.key,
    name: person.name,
    roles: partner.roles[person.userId] ?? [],
    consent: access.consent,
    challengedAt: access.challengedAt,
    signedIn: token !== undefined && Date.parse(token.expiresAt) > Date.now(),
    expiresAt: token?.expiresAt ?? null,
  };
}

function partnerView(room: Room): Record<string, unknown> {
  const { partner, people } = room.world;
  const { organization, referrals, registration, events, holding } = partner;
  return {
    ...{ organization, referrals, registration, events, holding },
    users: people.map((person) => userView(room, person)),
  };
}

const moves = {
  accept: ['Active', 'Accepted'],
  decline: ['Closed', 'Declined'],
  win: ['Closed', 'Won'],
  lose: ['Closed', 'Lost'],
  expire: ['Closed', 'Expired'],
} as const;

function grown(referral: Referral): unknown[] {
  const { dealValue } = referral['details'] as { dealValue?: number };
  return [{ op: 'replace', path: '/details/dealValue', value: Math.round((dealValue ?? 10_000) * 1.1) }];
}

/** A seller at Microsoft, or somebody else of the partner, changes a referral at the portal. */
function otherHand(room: Room, body: z.infer<typeof otherHandBody>): Answer {
  const referral = findReferral(room.world.partner, body.id);
  if (!referral) return refuse(404, 'no such referral');
  let given: unknown[];
  if (body.action === 'change') given = body.operations ?? grown(referral);
  else {
    const [status, substatus] = moves[body.action];
    given = [
      { op: 'replace', path: '/status', value: status },
      { op: 'replace', path: '/substatus', value: substatus },
    ];
  }
  const operations = readPatch(given);
  const why = Array.isArray(operations) ? patchReferral(referral, operations) : operations;
  if (why) return refuse(409, why.kind === 'invalid' ? `${why.fault.target} ${why.fault.message}` : why.kind);
  tellChange(room, 'referral-updated', referral);
  return { status: 200, body: referral };
}

/** Somebody presses a button of the sign-in page. */
function signIn(room: Room, body: z.infer<typeof signInBody>): Answer {
  const { tokens } = room.world;
  const person = body.user === undefined ? undefined : findPerson(room.world, body.user);
  const fits = (one: SignIn) =>
    body.ticket === undefined ? one.userId === person?.userId && one.state === 'open' : one.ticket === body.ticket;
  const found = tokens.signIns.findLast(fits);
  if (!found) return refuse(404, 'no such sign-in');
  if (found.state !== 'open') return refuse(409, 'this sign-in is over');
  if (!body.accept) found.state = 'refused';
  const code = body.accept ? finishSignIn(tokens, found, body.mfa) : null;
  room.happenings.tell('partner', {});
  return { status: 200, body: { state: found.state, code } };
}

function changeAccess(room: Room, person: Person, body: z.infer<typeof accessBody>): void {
  const { tokens, settings } = room.world;
  const { userId } = person;
  const access = accessOf(tokens, userId);
  const now = new Date().toISOString();
  const held = tokens.given.filter((one) => one.userId === userId);
  switch (body.action) {
    case 'expire':
      for (const one of held) one.expiresAt = now;
      break;
    case 'refuse':
      for (const one of held) one.refused = true;
      break;
    case 'revoke':
      access.consent = false;
      forget(tokens, userId, null);
      break;
    case 'challenge':
      Object.assign(access, { challengedAt: now, challengeStatus: body.status });
      break;
    case 'signOut':
      forget(tokens, userId, null);
      break;
    case 'signIn': {
      access.consent = true;
      const { connectionName, mfa } = body;
      giveToken(tokens, settings.tokenLifetimeMs, {
        userId,
        connectionName,
        channelId: 'msteams',
        mfa,
        interactive: true,
      });
    }
  }
}

/** Posts an event that Partner Center would not, or would not just now: forged, twice, again, to another address. */
async function sendByHand(room: Room, body: z.infer<typeof eventSchema>): Promise<Answer> {
  const { partner } = room.world;
  const to = body.to ?? partner.registration?.webhookUrl;
  if (to === undefined) return refuse(409, 'nobody registered for events, and no address was named');
  const replayed = body.replay?.map((n) => partner.events.find((record) => record.n === n)?.body);
  const bodies = replayed ?? [body.body ?? eventBody(body.event, body.id ?? partner.referrals[0]?.id ?? '')];
  const statuses: number[] = [];
  for (const text of bodies) {
    if (text === undefined) return refuse(404, 'no such event');
    const copies = Array.from({ length: body.copies }, async () => {
      const headers = body.forge
        ? await room.certificates.forge(body.forge, text)
        : await room.certificates.sign(text, { ownHeader: partner.registration?.signatureInOwnHeader ?? false });
      const record = recordEvent(room, { to, body: text, referral: null, correlationId: null, state: 'waiting' });
      const delivery = await postEvent(to, text, headers);
      noteEventTry(room, record, delivery);
      return delivery.status;
    });
    statuses.push(...(await Promise.all(copies)));
  }
  return { status: 200, body: { statuses } };
}
