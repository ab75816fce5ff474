/**
 * What Microsoft's calling service says of a call, read from its words: how the call stands, how an invitation into it
 * ended, who is in it. Pure and forgiving: what it does not know is left out, never an error.
 * Must not know HTTP, tokens, or what anybody makes of a notice.
 * Shapes: Microsoft Graph, "commsNotification", "inviteParticipantsOperation", "participant", "resultInfo"; letter case and
 * ids as they were seen, which is not always as documented.
 */
import { z } from 'zod/v4';

/** Somebody or something that can be in a call. A phone's id is its number. */
export interface CallIdentity {
  readonly kind: 'user' | 'phone' | 'application' | 'guest' | 'other';
  readonly id: string;
  readonly name?: string;
}

/** Somebody who is in the call (or in its lobby). */
export interface RosterEntry extends CallIdentity {
  /** Id within the call; the service sends null in some notices. */
  readonly participantId: string | null;
  readonly isMuted: boolean;
  readonly isInLobby: boolean;
}

/** How something ended: `code` is like an HTTP status. `message` is for developers and is never shown. */
export interface CallResult {
  readonly code: number;
  readonly subcode: number;
  readonly message?: string;
}

export type CallNotice =
  | {
      readonly about: 'call';
      readonly callId: string;
      /** In lower case; `terminated` when the service says that the call was deleted. */
      readonly state: string;
      readonly result?: CallResult;
    }
  | {
      readonly about: 'invite';
      readonly callId: string;
      /** Null in some notices: only `clientContext` is safe to go by. */
      readonly operationId: string | null;
      readonly clientContext: string | null;
      /** In lower case: `notstarted`, `running`, `completed`, `failed`. */
      readonly status: string;
      readonly people: readonly CallIdentity[];
      readonly result?: CallResult;
    }
  | {
      /** Everybody who is in, not only who came: Usher never asks for the difference alone. */
      readonly about: 'roster';
      readonly callId: string;
      readonly people: readonly RosterEntry[];
    };

/** What one callback brought, from a token that was checked. */
export interface CallCallback {
  /** From the callback's own address; null when it names none (or none that could be ours). */
  readonly requestId: string | null;
  /** Tenant of the token. */
  readonly tenantId: string;
  readonly notices: readonly CallNotice[];
}

const text = (most: number) => z.string().min(1).max(most).nullable().catch(null);
const Thing = z.record(z.string(), z.unknown()).catch({});

const Notification = z
  .object({ changeType: text(50), resourceUrl: text(2000), resource: text(2000), resourceData: z.unknown() })
  .catch({ changeType: null, resourceUrl: null, resource: null, resourceData: null });

const Entity = z.object({
  '@odata.type': text(200),
  id: text(500),
  state: text(100),
  status: text(100),
  clientContext: text(256),
  participants: z.array(z.unknown()).nullable().catch(null),
  resultInfo: z.unknown(),
});
type Entity = z.infer<typeof Entity>;

const Result = z.object({
  code: z.coerce.number().int().min(100).max(999),
  subcode: z.coerce.number().int().catch(0),
  message: text(4000),
});

const Participant = z.object({
  id: text(500),
  info: z.object({ identity: z.unknown() }).nullable().catch(null),
  isMuted: z.boolean().catch(false),
  isInLobby: z.boolean().catch(false),
});

const Identity = z.object({ id: z.string().min(1).max(500), displayName: text(256) });

/** Which member of an identity set says who it is, when several are there. A resource account is an application. */
const KINDS: readonly (readonly [string, CallIdentity['kind']])[] = [
  ['user', 'user'],
  ['phone', 'phone'],
  ['guest', 'guest'],
  ['application', 'application'],
  ['applicationInstance', 'application'],
];

/** A callback of Microsoft has a handful; each costs a transaction before the callback is answered. */
const MOST_NOTICES = 100;

/**
 * The notices in the body of a callback, in their order. `legacy`: JSON in the old format of Skype, which is sent again in
 * this one when it is answered with 204. Null: it cannot be understood at all.
 */
export function readNotices(body: unknown): readonly CallNotice[] | 'legacy' | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  const { '@odata.type': type, value } = body as Readonly<Record<string, unknown>>;
  if (Array.isArray(value)) return value.slice(0, MOST_NOTICES).flatMap(readNotification);
  return isType(type, 'commsNotifications') ? null : 'legacy';
}

/** Everybody in the answer of `GET …/participants` (or in the data of a notice): a list, a page of one, or one alone. */
export function readRoster(value: unknown): readonly RosterEntry[] {
  const { value: page } = Thing.parse(value);
  return listOf(Array.isArray(page) ? page : value).flatMap(readParticipant);
}

function readNotification(value: unknown): readonly CallNotice[] {
  const { changeType, resourceUrl, resource, resourceData } = Notification.parse(value);
  const place = placeIn(resourceUrl) ?? placeIn(resource);
  if (!place) return [];
  const { callId, part, id } = place;
  const isDeleted = changeType?.toLowerCase() === 'deleted';
  switch (part) {
    case '':
      return entitiesIn(resourceData).flatMap((one) => readCall(callId, one, isDeleted));
    case 'operations':
      // In the example with several people the address ends in the word `participants` instead of an id.
      return entitiesIn(resourceData).flatMap((one) => readInvite(callId, one, id === 'participants' ? null : id));
    case 'participants':
      // One participant's own notice says nothing of the others.
      if (id !== null || isDeleted || typeof resourceData !== 'object' || resourceData === null) return [];
      return rosterOf(callId, resourceData);
    default:
      return [];
  }
}

/** A list in which nobody can be read is not taken for an empty call. */
function rosterOf(callId: string, data: object): CallNotice[] {
  const people = readRoster(data);
  return people.length === 0 && Object.keys(data).length > 0 ? [] : [{ about: 'roster', callId, people }];
}

/** Reads `/communications/calls/{id}/operations/{id}` and the like, also the old `/app/calls/…` and whole addresses. */
function placeIn(address: string | null): { callId: string; part: string; id: string | null } | null {
  const [, callId, part = '', id] =
    /(?:^|\/)calls\/([^/?#]{1,500})(?:\/([^/?#]+))?(?:\/([^/?#]{1,500}))?/i.exec(address ?? '') ?? [];
  return callId === undefined ? null : { callId, part: part.toLowerCase(), id: id ?? null };
}

function readCall(
  callId: string,
  { '@odata.type': type, state, resultInfo }: Entity,
  isDeleted: boolean,
): CallNotice[] {
  if (type !== null && !isType(type, 'call')) return [];
  const now = isDeleted ? 'terminated' : state?.toLowerCase();
  return now === undefined ? [] : [{ about: 'call', callId, state: now, ...resultIn(resultInfo) }];
}

function readInvite(callId: string, entity: Entity, idOfAddress: string | null): CallNotice[] {
  const { '@odata.type': type, participants, clientContext } = entity;
  // Muting and playing are operations as well; without a type, only an invitation has people.
  const isInvite =
    type === null || isType(type, 'commsOperation')
      ? participants !== null
      : isType(type, 'inviteParticipantsOperation');
  const result = resultIn(entity.resultInfo);
  const status = entity.status?.toLowerCase() ?? statusOf(result.result);
  if (!isInvite || status === null) return [];
  return [
    {
      about: 'invite',
      callId,
      operationId: idOfAddress ?? entity.id,
      clientContext,
      status,
      people: (participants ?? []).flatMap((one) => identityIn(Thing.parse(one)['identity']) ?? []),
      ...result,
    },
  ];
}

const statusOf = (result: CallResult | undefined): string | null =>
  result === undefined ? null : result.code < 300 ? 'completed' : 'failed';

function readParticipant(value: unknown): RosterEntry[] {
  const parsed = Participant.safeParse(value);
  if (!parsed.success) return [];
  const { id, info, isMuted, isInLobby } = parsed.data;
  const identity = identityIn(info?.identity) ?? (id === null ? null : ({ kind: 'other', id } as const));
  return identity === null ? [] : [{ ...identity, participantId: id, isMuted, isInLobby }];
}

/** Who an identity set speaks of; null when it names nobody. */
function identityIn(value: unknown): CallIdentity | null {
  const set = Thing.parse(value);
  const others = Object.keys(set).map((name) => [name, 'other'] as const);
  for (const [name, kind] of [...KINDS, ...others]) {
    const parsed = Identity.safeParse(set[name]);
    if (!parsed.success) continue;
    const { id, displayName } = parsed.data;
    return { kind, id, ...(displayName === null ? {} : { name: displayName }) };
  }
  return null;
}

function resultIn(value: unknown): { readonly result?: CallResult } {
  const parsed = Result.safeParse(value);
  if (!parsed.success) return {};
  const { code, subcode, message } = parsed.data;
  return { result: { code, subcode, ...(message === null ? {} : { message }) } };
}

/** Data may be one entity or a list of them; a call that is gone may come without any. */
function entitiesIn(value: unknown): readonly Entity[] {
  return listOf(value ?? {}).flatMap((one) => {
    const parsed = Entity.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** Compares `#microsoft.graph.call` with `call`, in any letter case and with or without the namespace. */
function isType(type: unknown, name: string): boolean {
  return typeof type === 'string' && type.toLowerCase().split(/[#.]/).at(-1) === name.toLowerCase();
}
