/**
 * Reads whom to ring out of what somebody typed: mentions, names, mail addresses, phone numbers, in any mixture.
 * Pure; must not know the directory: who a name means is asked later.
 */
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import type { Say } from '../../requests/say.ts';
import { say } from '../../requests/say.ts';

/** Somebody who is wanted in the call, as they were named. */
export type Wanted = {
  /** What tells them apart within the request. */
  readonly key: string;
  /** As typed; the directory's own name is shown once it is known. */
  readonly name: string;
  /** Entra object id, once somebody chose among several. */
  readonly userId?: string;
} /** As Teams names them in this conversation. */ & (
  | { readonly as: 'mention'; readonly teamsId: string; readonly chat: string }
  | { readonly as: 'address'; readonly address: string }
  | { readonly as: 'name' }
  /** E.164. */
  | { readonly as: 'phone'; readonly number: string }
);

/** A mention in the message: who it points at is what Teams says, not what the text says. */
export interface Mention {
  readonly name: string;
  readonly teamsId: string;
}

/** The people in the text, each once, and a sentence for each piece that cannot be read. */
export function readWanted(
  text: string,
  mentions: readonly Mention[],
  country: string | null,
  chat: string,
): { readonly people: readonly Wanted[]; readonly faults: readonly Say[] } {
  const people = new Map<string, Wanted>();
  const faults: Say[] = [];
  let rest = text;
  for (const { name, teamsId } of mentions) {
    // One occurrence each: two people may have one name, and a longer name may begin with it.
    const at = new RegExp(`(?<![\\p{L}\\p{N}])${escaped(name)}(?![\\p{L}\\p{N}@])`, 'u').exec(rest)?.index;
    if (at === undefined) continue;
    rest = `${rest.slice(0, at)},${rest.slice(at + name.length)}`;
    people.set(teamsId, { key: '', as: 'mention', name, teamsId, chat });
  }
  for (const piece of rest.match(/(?:"[^"]*"|[^,;\n"])+/g)?.flatMap(byAnd) ?? []) {
    const typed = piece.replace(/^[\s"'(]+|[\s"').!?]+$/g, '');
    if (typed === '') continue;
    const address = /[^\s<>,;"]+@[^\s<>,;"]+/.exec(typed)?.[0]?.toLowerCase();
    if (address) {
      const name = typed.replace(/<?[^\s<>]+@[^\s<>]+>?/, '').trim();
      people.set(address, { key: '', as: 'address', name: name || address, address });
    } else if (/^(?:tel:)?[+(]?[\d(+][\d\s().\-/]{2,}$/i.test(typed)) {
      const dialled = typed.replace(/^tel:/i, '').replace(/^00(?=[1-9])/, '+');
      const number = parsePhoneNumberFromString(dialled, (country ?? undefined) as CountryCode | undefined);
      if (!number?.isValid())
        faults.push(say(country ? 'call.phone.invalid' : 'call.phone.noCountry', { text: typed }));
      else
        people.set(number.number, { key: '', as: 'phone', name: number.formatInternational(), number: number.number });
    } else if (typed.length > 80 || !/\p{L}/u.test(typed)) {
      faults.push(say('call.people.unreadable', { text: typed.slice(0, 60) }));
    } else {
      people.set(typed.toLowerCase(), { key: '', as: 'name', name: typed });
    }
  }
  return { people: [...people.values()].map((one, n) => ({ ...one, key: `p${n}` })), faults };
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** "Ana and Bo" are two; what is in quotes is one. */
function byAnd(piece: string): string[] {
  return piece.includes('"') ? [piece] : piece.split(/\s(?:and|&|und|et)\s/);
}
