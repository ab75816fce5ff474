/**
 * People of a deal as they are typed, one a line: `Sue Smith <sue@contoso.example> +1 425 555 0100`. Pure.
 */
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { type Say, say } from '../../requests/say.ts';
import { faultOfAddress, readPeople } from '../guest/people.ts';

/** A member as Partner Center knows one (referral resources, "Member"). */
export interface Member {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  /** E.164. */
  readonly phoneNumber?: string;
}

/** The members, and a sentence for each line that is none. `country`: for numbers without one, ISO 3166-1. */
export function readMembers(
  text: string,
  country: string | null,
): { readonly members: readonly Member[]; readonly faults: readonly Say[] } {
  const members: Member[] = [];
  const faults: Say[] = [];
  for (const line of text.split(/[\n;]/).map((one) => one.trim())) {
    if (line === '') continue;
    const shown = line.slice(0, 60);
    const [, dialled] = /((?:tel:)?[+(]?\d[\d\s().\-/]{5,}\d)\s*$/.exec(line) ?? [];
    const { people } = readPeople(dialled ? line.slice(0, -dialled.length) : line);
    const [person, ...others] = people;
    if (!person || others.length > 0) {
      faults.push(say('referral.members.unreadable', { text: shown }));
      continue;
    }
    if (members.some(({ email }) => email.toLowerCase() === person.address.toLowerCase())) continue;
    // Only an invitation cannot go to an address with a plus sign.
    const wrong = faultOfAddress(person.address.replace(/\+[^@]*(?=@)/, ''));
    if (wrong) faults.push(wrong);
    const phone = dialled
      ? (parsePhoneNumberFromString(dialled, (country ?? undefined) as CountryCode | undefined) ?? null)
      : undefined;
    if (phone === null || phone?.isPossible() === false) faults.push(say('referral.members.phone', { text: shown }));
    // Without a name the address has to do: the service wants both parts of one.
    const words = (person.name ?? person.address.split('@')[0] ?? '').split(/[\s._]+/).filter(Boolean);
    members.push({
      firstName: words[0] ?? '',
      lastName: words.slice(1).join(' ') || (words[0] ?? ''),
      email: person.address,
      ...(phone ? { phoneNumber: phone.number } : {}),
    });
  }
  return { members, faults };
}

/** A member as it is typed. */
export const textOf = ({ firstName, lastName, email, phoneNumber }: Member): string =>
  [`${firstName} ${lastName}`.trim(), `<${email}>`, phoneNumber].filter(Boolean).join(' ');
