/**
 * Who can be in a call: people, phones and bots, as Graph's identity sets write them (Graph docs, resources/identityset).
 * Pure; it must not know calls.
 */
import { asObject } from './exchange.ts';
import { findPerson, type World } from './world.ts';

/** Somebody or something that can be in a call. The id of a phone is its number. */
export interface Identity {
  kind: 'user' | 'phone' | 'guest' | 'application' | 'applicationInstance';
  id: string;
  displayName: string | null;
  tenantId: string | null;
}

const kinds = ['user', 'phone', 'guest', 'application', 'applicationInstance'] as const;

/** A number the way Graph takes it: E.164. */
export const phonePattern = /^\+[1-9]\d{6,14}$/;

/** Reads an identity set; a text says what is wrong with it. */
export function readIdentity(set: unknown): Identity | string {
  const given = asObject(set);
  if (!given) return "Property 'identity' is missing.";
  const named = kinds.filter((kind) => asObject(given[kind]));
  const [kind] = named;
  if (kind === undefined || named.length > 1) return 'An identity set must hold exactly one identity.';
  const one = asObject(given[kind]) ?? {};
  const text = (name: string) => (typeof one[name] === 'string' && one[name] !== '' ? String(one[name]) : null);
  const id = text('id');
  if (id === null) return `The ${kind} identity has no id.`;
  if (kind === 'phone' && !phonePattern.test(id)) return `'${id}' is not a phone number in E.164 format.`;
  return {
    kind,
    id: kind === 'phone' ? id : id.toLowerCase(),
    displayName: text('displayName'),
    tenantId: text('tenantId'),
  };
}

/** An identity set as Graph writes it. */
export function identitySet(who: Identity): Record<string, unknown> {
  const identity: Record<string, unknown> = { '@odata.type': '#microsoft.graph.identity', id: who.id };
  if (who.kind !== 'phone') identity['displayName'] = who.displayName;
  if (who.tenantId !== null) identity['tenantId'] = who.tenantId;
  return { '@odata.type': '#microsoft.graph.identitySet', [who.kind]: identity };
}

/** What tells two identities apart; also the key of a person's script. */
export function identityKey(who: Identity): string {
  return `${who.kind}:${who.id}`;
}

/** Fills in the name the directory knows. */
export function named(world: World, who: Identity): Identity {
  if (who.kind !== 'user') return who;
  const name = world.users.find((user) => user.id === who.id)?.displayName ?? findPerson(world, who.id)?.name;
  return { ...who, displayName: name ?? who.displayName };
}

/** Whoever a test or the page means: a phone number, `guest:Zoe` for somebody without an account, or a person. */
export function findIdentity(world: World, ref: string): Identity | undefined {
  const bare = ref.replace(/[\s()-]/g, '');
  if (phonePattern.test(bare)) return { kind: 'phone', id: bare, displayName: null, tenantId: null };
  if (ref.startsWith('guest:')) {
    const displayName = ref.slice('guest:'.length);
    return { kind: 'guest', id: displayName.toLowerCase().replace(/\s+/g, '-'), displayName, tenantId: null };
  }
  const person = findPerson(world, ref);
  return person && { kind: 'user', id: person.userId, displayName: person.name, tenantId: person.tenantId };
}

/** Whether anything of theirs could ring: a member, a guest who accepted, or somebody of another tenant; or a phone. */
export function hasEndpoint(world: World, who: Identity): boolean {
  if (who.kind === 'phone') return true;
  if (who.kind !== 'user') return false;
  const user = world.users.find((one) => one.id === who.id);
  if (user) return user.accountEnabled && user.externalUserState !== 'PendingAcceptance';
  return world.people.some((person) => person.userId === who.id);
}
