/**
 * The routes at which a partner registers for events (Partner Center docs, webhooks; rest/api/partner-center/webhook). Must
 * not know how events are signed or posted.
 */
import { randomUUID } from 'node:crypto';
import { isLoopback } from './courier.ts';
import { type Answer, asObject, type Exchange, type Handler } from './exchange.ts';
import { invalidRequest, notFound, partnerError, partnerHeaders } from './partnerAnswer.ts';
import { webhookEvents } from './partnerEnums.ts';
import type { Registration } from './partnerWorld.ts';
import type { Room } from './room.ts';
import { sendTrial } from './webhooks.ts';

const trialsPerMinute = 2;

const shape = (registration: Registration) => ({
  SubscriberId: registration.subscriberId,
  WebhookUrl: registration.webhookUrl,
  WebhookEvents: registration.webhookEvents,
  SignatureTokenToMsSignatureHeader: registration.signatureInOwnHeader,
});

/** Reads a registration; the names are taken in any case, as the docs write them both ways. */
function readRegistration(exchange: Exchange): Omit<Registration, 'subscriberId'> | Answer {
  const given = new Map(
    Object.entries(asObject(exchange.body) ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const wrong = (target: string, message: string) =>
    invalidRequest(exchange, { target, code: 'invalidPropertyValue', message });
  const url = given.get('webhookurl');
  if (typeof url !== 'string' || !URL.canParse(url)) return wrong('WebhookUrl', 'is not an address');
  if (!isLoopback(new URL(url).hostname)) return wrong('WebhookUrl', 'the sandbox posts to loopback only');
  const events = given.get('webhookevents');
  if (!Array.isArray(events) || events.length === 0) return wrong('WebhookEvents', 'is not a list of events');
  const unknown = events.find((one) => !(webhookEvents as readonly unknown[]).includes(one));
  if (unknown !== undefined) return wrong('WebhookEvents', `'${String(unknown)}' is not an event`);
  const own = given.get('signaturetokentomssignatureheader') ?? false;
  if (typeof own !== 'boolean') return wrong('SignatureTokenToMsSignatureHeader', 'is not of type boolean');
  return { webhookUrl: url, webhookEvents: events as string[], signatureInOwnHeader: own };
}

/** The registration routes; paths start with `/webhooks/v1`. */
export function registrationRoutes(room: Room): Record<string, Handler> {
  const ok = (exchange: Exchange, body: unknown): Answer => ({ status: 200, headers: partnerHeaders(exchange), body });
  const missing = (exchange: Exchange) => notFound(exchange, 'The registration');

  function keep(exchange: Exchange, subscriberId: string): Answer {
    const read = readRegistration(exchange);
    if ('status' in read) return read;
    const registration = { ...read, subscriberId };
    room.world.partner.registration = registration;
    room.happenings.tell('partner', {});
    return ok(exchange, shape(registration));
  }

  return {
    'GET /webhooks/v1/registration/events': (exchange) => ok(exchange, [...webhookEvents]),
    'GET /webhooks/v1/registration': (exchange) => {
      const { registration } = room.world.partner;
      return registration ? ok(exchange, shape(registration)) : missing(exchange);
    },
    'POST /webhooks/v1/registration': (exchange) => {
      if (!room.world.partner.registration) return keep(exchange, randomUUID());
      return partnerError(exchange, 409, 'invalidRequest', 'A registration already exists, use PUT.', {
        target: 'registration',
        code: 'registrationAlreadyExists',
        message: 'A registration already exists, use PUT.',
      });
    },
    'PUT /webhooks/v1/registration': (exchange) => {
      const { registration } = room.world.partner;
      return registration ? keep(exchange, registration.subscriberId) : missing(exchange);
    },
    'DELETE /webhooks/v1/registration': (exchange) => {
      if (!room.world.partner.registration) return missing(exchange);
      room.world.partner.registration = null;
      room.happenings.tell('partner', {});
      return { status: 204, headers: partnerHeaders(exchange) };
    },
    'POST /webhooks/v1/registration/validationEvents': (exchange) => {
      const since = Date.now() - 60_000;
      const recent = room.world.partner.events.filter(
        (one) => one.correlationId !== null && Date.parse(one.at) > since,
      );
      if (recent.length >= trialsPerMinute) {
        return partnerError(exchange, 429, 'activityLimitReached', 'Two validation events per minute are allowed.');
      }
      const correlationId = sendTrial(room);
      if (correlationId) return ok(exchange, { correlationId });
      const message = "you must be registered for 'test-created'";
      return invalidRequest(exchange, { target: 'WebhookEvents', code: 'notRegistered', message });
    },
    'GET /webhooks/v1/registration/validationEvents/:id': (exchange, { id }) => {
      const record = room.world.partner.events.find((one) => one.correlationId === id);
      if (!record) return notFound(exchange, `Validation event '${id}'`);
      return ok(exchange, {
        correlationId: id,
        partnerId: room.world.partner.organization.id,
        status: record.state === 'sent' ? 'completed' : 'pending',
        callbackUrl: record.to,
        results: record.tries.map((one) => ({
          responseCode: one.status === 0 ? '' : String(one.status),
          responseMessage: one.error ?? '',
          systemError: one.status === 0,
          dateTimeUtc: one.at,
        })),
      });
    },
  };
}
