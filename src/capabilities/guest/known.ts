/**
 * A guest whom a command is about: what Usher knows of them from their own requests, who may do something about them, and
 * who they are in the directory. Pure; must not know what is to be done with them.
 */
import type { z } from 'zod/v4';
import type { Answer, Call, Field, Raw, Reply, Sought, Wake } from '../../requests/capability.ts';
import type { Case } from '../../requests/policy/judge.ts';
import { type Problem, problem } from '../../requests/problem.ts';
import { ENDED, type Person, type Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import type { Button } from '../../requests/story.ts';
import { readerOf } from '../reader.ts';
import { findCall, pick, type User, type Users } from './calls.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome } from './outcome.ts';
import { faultOfAddress, readPeople } from './people.ts';
import type { ProviderName } from './provider.ts';
import type { Heard } from './stay.ts';

export interface CommandSettings {
  /** Entra object ids of those who may do so with every guest. */
  readonly admins: ReadonlySet<string>;
  readonly defaultRedirectUrl: string;
  readonly graphUrl: string;
  readonly guestProvider: ProviderName;
}

export type GuestRequest = Request<GuestInput, GuestOutcome>;

export const PEOPLE: Field = { name: 'people', kind: 'people', words: 'guest.field.guest', required: true, max: 4000 };

/** The guests that were named, each once, and what is wrong with how they were. */
export function readGuests(raw: Raw, fields: readonly Field[]) {
  const reader = readerOf(raw, fields);
  const { people, unreadable } = readPeople(reader.text('people') ?? '');
  if (people.length === 0 && unreadable.length === 0) reader.fault('people', 'guest.field.guest.missing');
  for (const piece of unreadable.slice(0, 3))
    reader.fault('people', say('guest.people.unreadable', { text: piece.slice(0, 60) }));
  for (const { address } of people) {
    const wrong = faultOfAddress(address);
    if (wrong) reader.fault('people', wrong);
  }
  return { ...reader, addresses: people.map(({ address }) => address.toLowerCase()) };
}

/** The one guest that was named; several are a fault, since what is asked for is about one. */
export function readGuest(raw: Raw, fields: readonly Field[]) {
  const { addresses, ...reader } = readGuests(raw, fields);
  const [address, ...others] = addresses;
  if (others.length > 0) reader.fault('people', 'guest.onlyOne');
  return { ...reader, address };
}

/** Their own requests, which know how their stay goes. */
export const aboutGuest = (address: string): Sought => ({
  capability: 'guest',
  subject: address.toLowerCase(),
  // More of them must not put out of view what was decided about the first.
  ended: 200,
});

/** The requests that came to something, newest first. */
export function requestsOf(beside: readonly Request[], address: string): readonly GuestRequest[] {
  return beside
    .filter((one) => one.capability === 'guest' && one.subject === address.toLowerCase() && one.outcome !== null)
    .toSorted((a, b) => b.createdAt - a.createdAt) as GuestRequest[];
}

/** Of how they were asked for: the team they were to join, and the last day that an approver shortened it to. */
export function asAsked(address: string, beside: readonly Request[]): Pick<Case, 'team' | 'shortenedTo'> {
  const requests = requestsOf(beside, address);
  const team = requests.find(({ input }) => input.team)?.input.team;
  const decisions = requests.map(({ approval }) => approval?.asked?.decision);
  const until = decisions.find((decision) => decision?.kind === 'shortened')?.until;
  return {
    ...(team ? { team: { name: team.name, ...(team.id === undefined ? {} : { id: team.id }) } } : {}),
    ...(until === undefined ? {} : { shortenedTo: until }),
  };
}

export const isLive = ({ state }: Request): boolean => !ENDED.has(state);

/** Who is answerable for a guest now. */
export function sponsorOf({ outcome, requester, input }: GuestRequest): { readonly id: string; readonly name: string } {
  return outcome?.stay?.sponsor ?? { id: input.sponsor || requester.id, name: requester.name };
}

/**
 * Why this person may not do something about a guest: only their sponsor, whoever brought them in, or an admin may. Whoever
 * asked for somebody who was here already has no say about them, but may remind them (`reminds`).
 */
export function deniedTo(
  who: Person,
  address: string,
  requests: readonly GuestRequest[],
  { admins }: Pick<CommandSettings, 'admins'>,
  reminds = false,
): Problem | null {
  if (admins.has(who.id)) return null;
  const isTheirs = ({ requester, input, outcome }: GuestRequest): boolean => {
    if (outcome?.stay?.sponsor?.id === who.id) return true;
    return (reminds || outcome?.did === 'invited') && (requester.id === who.id || input.sponsor === who.id);
  };
  if (requests.some(isTheirs)) return null;
  const [newest] = requests;
  const sentence = newest
    ? say('guest.notYours', { name: sponsorOf(newest).name })
    : say('guest.unknownHere', { address });
  return problem('denied', sentence);
}

/** The answer to this very call. */
export function answerTo(answers: readonly Answer[], { method, path }: Call): Reply | undefined {
  return answers.findLast(({ call }) => call.method === method && call.path === path)?.reply ?? undefined;
}

/** Who has this address in the directory, the call that says it, or why nothing can be done. */
export function found(
  address: string,
  answers: readonly Answer[],
): { readonly call: Call } | { readonly problem: Problem } | { readonly user: User } {
  const call = findCall(address);
  const reply = answerTo(answers, call);
  if (!reply) return { call };
  if (!reply.ok) return { problem: reply.problem };
  const user = pick((reply.body as z.infer<typeof Users>).value, address);
  if (!user) return { problem: problem('gone', say('guest.notInDirectory', { address })) };
  // Nothing of this is for colleagues, whatever was typed.
  if (user.userType !== 'Guest' && !user.externalUserState)
    return { problem: problem('refused', say('guest.isColleague', { address })) };
  return { user };
}

/** Their own requests hear of it. */
export const tell = (address: string, says: Heard): readonly Wake[] => [
  { capability: 'guest', subject: address.toLowerCase(), says },
];

/** Opens the guest's own card. `drawn` makes two presses on one card one. */
export const openButton = (address: string, drawn: number): Button => ({
  title: say('guest.button.open'),
  verb: 'command.run',
  data: { text: `guest ${address}`, drawn: String(drawn) },
});
