/**
 * Many guests at once: how pasted people become the rows of a list, which rows are not worth sending, and how a row ended.
 * Pure; must not know how a list is carried out.
 */
import type { ListOf, Raw } from '../../requests/capability.ts';
import { FEW, type LastDay, type RawRow, type RowEnd } from '../../requests/many/rows.ts';
import { ENDED, type Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { GuestInput } from './input.ts';
import type { GuestOutcome } from './outcome.ts';
import { readPeople } from './people.ts';

export const GUEST_LIST: ListOf<GuestInput, GuestOutcome> = {
  pace: 'invitations',
  split,
  known,
  ended,
  follows: { awaited: 'pending', accepted: 'accepted', by: 'guestResend' },
  leaves: {
    words: ['"until"', '"trouble"', '"removed"'],
    lastDay,
    isStuck: ({ stay }) => stay?.trouble !== undefined,
    since: ({ stay }) => (stay?.until ? { until: stay.until } : {}),
  },
};

function split(raw: Raw): readonly RawRow[] | null {
  // A name is for one person: said beside its field, as of fewer.
  if (raw['displayName']) return null;
  const { people, unreadable } = readPeople(raw['people'] ?? '');
  if (people.length <= FEW) return null;
  const named = people.map(({ address, name }) => (name ? `"${name.replaceAll('"', "'")}" <${address}>` : address));
  return [...named, ...unreadable].map((text, n) => ({ line: n + 1, raw: { ...raw, people: text } }));
}

/** Whoever is here already gets no mail; whoever is to join a team is worth a request all the same. */
function known({ team }: GuestInput, standing: string): Say | null {
  if (team) return null;
  if (standing === 'pending') return say('many.guest.pending');
  return standing === 'accepted' || standing === 'member' ? say('many.guest.accepted') : null;
}

/** A guest who was invited may be waited for afterwards: the row has ended all the same. */
function ended({ state, outcome, question, problem, approval }: Request<GuestInput, GuestOutcome>): RowEnd | null {
  // The rules said no, or whoever was to approve it did: not something to try again.
  if (state === 'declined') return 'refused';
  if (state === 'failed') return problem?.kind === 'denied' && approval?.verdict === 'refused' ? 'refused' : 'failed';
  if (state === 'unsure') return 'unsure';
  if (state === 'cancelled') return 'stopped';
  const isDone = state === 'done' || (state === 'waiting' && outcome !== null && !question && !problem);
  if (!isDone && !ENDED.has(state)) return null;
  if (outcome?.did !== 'found') return 'sent';
  return wasHere(outcome) ? 'here' : 'found';
}

/** Whoever somebody removed, here or elsewhere, is nothing to tell of. */
function lastDay({ stay }: GuestOutcome): LastDay | null {
  const { until: day, asked, removed } = stay ?? {};
  if (removed) {
    const { at, why } = removed;
    return why === 'ended' || why === 'never accepted' ? { removed: { at, why } } : null;
  }
  if (day === undefined) return null;
  return { day, ...(asked?.about === day ? { asked: { times: asked.times, at: asked.at } } : {}) };
}

/** Whoever had accepted before anybody looked is not waited for, and has not accepted since. */
const wasHere = ({ standing, stay }: GuestOutcome): boolean =>
  stay ? stay.acceptedAt === stay.since : standing !== 'pending';
