/**
 * The door through which apps ask for guests as they would ask Governance Toolkit 365: the same body, the same answers.
 * Nobody comes in without a token of an app with the role, in sandbox mode neither. What is asked for becomes a request
 * like any other, of the colleague the app names; the door waits for its end, and the same call again joins it.
 * Must not know how requests are carried out, policies, SQL or cards.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { VerifyAppToken } from '../remotes/appTokens.ts';
import type { FindPerson } from '../remotes/people.ts';
import { digest } from '../requests/approval.ts';
import type { Awaited } from '../requests/awaited.ts';
import type { Field } from '../requests/capability.ts';
import type { Desk, Wish } from '../requests/desk.ts';
import { readId } from '../requests/ids.ts';
import type { Log } from '../requests/ports.ts';
import type { Problem } from '../requests/problem.ts';
import { chatWith, ENDED, type Person, type Place, type Request } from '../requests/request.ts';
import type { Say } from '../requests/say.ts';
import { bearerOf, checkType, Refusal, readJson, unauthorized } from './guards.ts';
import { answerOf, type DoorAnswer, isTold, mayRepeat, type Told } from './inviteAnswer.ts';
import { type InviteBody, messageOf, readInviteBody } from './inviteBody.ts';
import type { Pace } from './pace.ts';

/** The app role an admin gives to apps that may ask for guests. */
export const INVITE_ROLE = 'Guests.Invite';
export const INVITE_PATH = '/api/InviteGuest';

export interface InviteDoorSettings {
  /** Tenant whose directory guests are invited into, and where colleagues are looked up. */
  readonly tenantId: string;
  readonly botId: string;
  /** Where somebody is written to who has not written first. */
  readonly teamsServiceUrl: string;
  readonly waitMs: number;
  /** Where this door stands as seen from outside, or null. */
  readonly publicUrl: () => string | null;
}

export interface InviteDoorParts {
  readonly settings: InviteDoorSettings;
  readonly verifyApp: VerifyAppToken;
  readonly findPerson: FindPerson;
  readonly fields: readonly Field[];
  readonly pace: Pace;
  readonly desk: Pick<Desk, 'submit' | 'choose' | 'list' | 'find'>;
  readonly awaited: Pick<Awaited, 'until'>;
  readonly told: (request: Request) => Told;
  readonly spoken: (sentence: Say) => string;
  readonly log: Log;
}

/**
 * Without a key, the same body of the same app within this time is the same call: long enough for a client that repeats
 * after a time-out, short enough that inviting again somebody who was removed since is not answered with old news.
 */
const SAME_MS = 10 * 60_000;
const MOST_SAME = 50;

/** Files what is asked for and waits for its end; 201, 202, 400, 403, 422 or 500. */
export async function takeInvitation(req: IncomingMessage, parts: InviteDoorParts): Promise<DoorAnswer> {
  return guarded(parts, async () => {
    checkType(req);
    const appId = await admit(req, parts);
    const given = keyIn(req);
    const json = await readJson(req);
    const read = readInviteBody(json, parts.fields);
    if (!read.ok) return fault(read.problem, parts);
    const found = await parts.findPerson(read.value.requestedBy, { requestId: given ?? 'InviteGuest' });
    if (!found.ok) return notFound(found.problem, read.value, parts);
    const wish = { appId, given, json, body: read.value, who: found.value };
    const filed = await stored(parts, () => file(wish, parts));
    if (!('request' in filed)) return filed;
    return wait(filed.request, 201, req, parts);
  });
}

/** How something an app asked for stands; it sees its own only. */
export async function tellInvitation(req: IncomingMessage, id: string, parts: InviteDoorParts): Promise<DoorAnswer> {
  return guarded(parts, async () => {
    const appId = await admit(req, parts);
    const known = readId(id);
    const request = known === null ? null : await stored(parts, () => parts.desk.find(known, parts.settings));
    if (!request?.key.startsWith(ownKey(appId)))
      return { status: 404, body: { message: parts.spoken({ key: 'door.noSuchRequest' }) } };
    return tell(request, 200, parts);
  });
}

interface Asked {
  readonly appId: string;
  /** The caller's own name for this call, if any. */
  readonly given: string | null;
  readonly json: unknown;
  readonly body: InviteBody;
  readonly who: Person;
}

const ownKey = (appId: string): string => `http:${appId}:`;
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

async function file(asked: Asked, parts: InviteDoorParts): Promise<{ request: Request } | DoorAnswer> {
  const { appId, given, body, who } = asked;
  const before = given === null ? await sameBody(asked, parts) : null;
  if (before?.request) return joined(before.request, parts);
  // A client-request-id is there to follow a call by: some send one for several calls, so it is one with the body only.
  const named = given?.startsWith('client-request-id:') ? `${given} ${digest(asked.json)}` : given;
  const key = named === null ? `${before?.key}` : `${ownKey(appId)}k:${sha(named)}`;
  const where = placeOf(who, parts.settings);
  const behind = { who: `app:${appId}`, what: 'asked by an app' };
  const wish: Wish = {
    capability: 'guest',
    raw: body.raw,
    who,
    where,
    key,
    activityId: null,
    unattended: true,
    behind,
  };
  const filed = await parts.desk.submit(wish);
  if (!filed.ok) return fault(filed.problem, parts, body);
  const [request] = filed.value.requests;
  if (!request) throw new Error('nothing was filed');
  if (filed.value.isNew) return { request };
  if (request.requester.id !== who.id || !filed.value.isSame)
    return { status: 422, body: { message: parts.spoken({ key: 'door.keyTaken' }) } };
  return joined(request, parts);
}

/** What is joined is tried again where that may help. */
async function joined(request: Request, { desk }: InviteDoorParts): Promise<{ request: Request }> {
  if (mayRepeat(request)) await desk.choose(request.id, { kind: 'retry' }, request.requester, request.place);
  return { request };
}

/** Their own chat with Usher, which is opened when something is first shown there. */
const placeOf = ({ id }: Person, { tenantId, botId, teamsServiceUrl: serviceUrl }: InviteDoorSettings): Place =>
  chatWith(id, { serviceUrl, tenantId, botId: `28:${botId}` });

/** The same body again a moment ago, if it led to anything; else the key for a new request. */
async function sameBody({ appId, json, body, who }: Asked, { desk, settings }: InviteDoorParts) {
  const now = Date.now();
  const prefix = `${ownKey(appId)}b:${digest(json)}:`;
  const subject = addressIn(body);
  const theirs = await desk.list({
    tenantId: settings.tenantId,
    capability: 'guest',
    requesterId: who.id,
    subject,
    limit: MOST_SAME,
  });
  const same = theirs.filter(({ key, createdAt }) => key.startsWith(prefix) && createdAt > now - SAME_MS);
  const lives = same.find(
    ({ state, standing, outcome }) =>
      standing !== 'removed' && (outcome !== null || !ENDED.has(state) || state === 'unsure'),
  );
  // Whatever came to nothing, or is over, is not in the way of the next try.
  return { request: lives ?? null, key: `${prefix}${Math.floor(now / SAME_MS)}:${same.length}` };
}

const addressIn = ({ raw }: InviteBody): string => {
  const [, bracketed, plain] = /<\s*([^<>\s]+@[^<>\s]+)\s*>|(\S+@\S+)/.exec(raw['people'] ?? '') ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
};

async function wait(
  filed: Request,
  made: 200 | 201,
  req: IncomingMessage,
  parts: InviteDoorParts,
): Promise<DoorAnswer> {
  const gone = new AbortController();
  const hungUp = (): void => gone.abort();
  req.socket.once('close', hungUp);
  try {
    const request = await parts.awaited.until(filed.id, isTold, parts.settings.waitMs, gone.signal).catch((cause) => {
      // It is filed all the same: whoever asks later learns how it went.
      parts.log.error('invite.unread', { requestId: filed.id, cause });
      return filed;
    });
    return tell(request ?? filed, made, parts);
  } finally {
    req.socket.off('close', hungUp);
  }
}

function tell(request: Request, made: 200 | 201, { told, settings, spoken }: InviteDoorParts): DoorAnswer {
  const later = `${settings.publicUrl() ?? ''}${INVITE_PATH}/${request.id}`;
  return answerOf(request, told(request), { made, later, spoken });
}

/** Who comes in, and not too often. Judged before the body is read: the token needs nothing of it. */
async function admit(req: IncomingMessage, { verifyApp, pace, log }: InviteDoorParts): Promise<string> {
  const checked = await verifyApp(bearerOf(req));
  if (checked.verdict === 'unavailable')
    throw new Refusal(503, 'KeysUnavailable', 'Entra’s keys cannot be read just now; send it again later.');
  if (checked.verdict === 'refused') throw unauthorized();
  const { appId } = checked;
  if (checked.verdict === 'roleless') {
    log.warn('invite.roleless', { appId });
    throw new Refusal(403, 'RoleMissing', `The app needs the application permission ${INVITE_ROLE} of this API.`);
  }
  const waitMs = pace.take(appId, Date.now());
  if (waitMs > 0)
    throw new Refusal(
      429,
      'TooManyRequests',
      'This app asks too often; send it again later.',
      Math.ceil(waitMs / 1000),
    );
  return appId;
}

/** The caller's own name for the call: the same name again is the same call. */
function keyIn(req: IncomingMessage): string | null {
  for (const name of ['idempotency-key', 'client-request-id']) {
    const [value, ...others] = req.headersDistinct[name] ?? [];
    if (value === undefined) continue;
    // A structured string (RFC 8941) has quotes; they are no part of the name.
    const key = value.trim().replace(/^"(.*)"$/, '$1');
    if (others.length > 0 || !/^[\x21-\x7e]{1,255}$/.test(key))
      throw new Refusal(400, 'BadKey', `The header ${name} must hold one name of at most 255 characters.`);
    return `${name}:${key}`;
  }
  return null;
}

/** Faults of the body, each with the key it came under (or the one it is documented under). */
function fault(faults: readonly Problem[], { spoken, fields }: InviteDoorParts, body?: InviteBody): DoorAnswer {
  const keyOf = (name: string): string =>
    body?.keys.get(name) ?? (body ? fields.find((one) => one.name === name)?.headings?.[0] : undefined) ?? name;
  // What the policy forbids in any case is said before anything is filed, but it is no fault of the body.
  const status = faults.every(({ kind }) => kind === 'denied') ? 403 : 400;
  return { status, body: { message: messageOf(faults, spoken, keyOf) } };
}

/** No such colleague is a fault of the body; a directory that cannot be asked is none. */
function notFound(why: Problem, body: InviteBody, parts: InviteDoorParts): DoorAnswer {
  const key = body.keys.get('requestedBy') ?? 'requestedBy';
  if (why.kind === 'input') return fault([{ ...why, field: key }], parts);
  if (why.kind === 'busy' || why.kind === 'down') {
    parts.log.warn('invite.unasked', { kind: why.kind, detail: why.detail });
    const seconds = Math.ceil((why.retryAfterMs ?? 1000) / 1000);
    throw new Refusal(
      503,
      'DirectoryUnavailable',
      'The directory cannot be asked just now; send it again later.',
      seconds,
    );
  }
  parts.log.error('invite.unasked', { kind: why.kind, detail: why.detail });
  return { status: 500, body: { message: parts.spoken(why.say) } };
}

/** What cannot be stored was not taken. */
async function stored<T>({ log }: InviteDoorParts, work: () => Promise<T>): Promise<T> {
  return work().catch((cause) => {
    log.error('invite.lost', { cause });
    throw new Refusal(503, 'NotStored', 'This cannot be stored just now; send it again later.');
  });
}

/** Callers of GT365 look for a `message` in a 400 and a 500; every other refusal is as at every door. */
async function guarded({ log }: InviteDoorParts, work: () => Promise<DoorAnswer>): Promise<DoorAnswer> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Refusal && cause.status !== 400) throw cause;
    if (cause instanceof Refusal) return { status: 400, body: { message: cause.message } };
    log.error('http.bug', { path: INVITE_PATH, cause });
    return { status: 500, body: { message: 'Something went wrong here.' } };
  }
}
