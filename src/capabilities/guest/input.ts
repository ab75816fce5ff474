/**
 * A guest invitation as asked for: its fields (one list for chat, form and help), and how raw text becomes an input or
 * a list of faults, each with its field. Pure; must not know Graph's answers or cards.
 */
import { DateTime } from 'luxon';
import { z } from 'zod/v4';
import type { Field, Raw, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, type problem, type Result } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { looksLikeDay, readDay } from '../days.ts';
import { given, readerOf } from '../reader.ts';
import { languageCode } from './languages.ts';
import { faultOfAddress, readPeople } from './people.ts';

/** A team or group: by the name a person typed, or already resolved to its Entra id. */
export type TeamWish = { readonly name: string; readonly id?: string; readonly isTeam?: boolean };

export interface GuestInput {
  readonly address: string;
  readonly displayName?: string;
  readonly redirectUrl: string;
  readonly sendMail: boolean;
  /** Plain text; Graph then ignores `language`. */
  readonly message?: string;
  /** BCP 47. */
  readonly language?: string;
  readonly cc?: string;
  readonly team?: TeamWish;
  readonly reason?: string;
  /** ISO date (no time), the last day of the stay. */
  readonly until?: string;
  readonly userType: 'Guest' | 'Member';
  /** Extra data kept with the request. */
  readonly more?: Readonly<Record<string, string>>;
  /** Entra object id of the person answerable for the guest: the requester. */
  readonly sponsor: string;
}

/** The longest `more`, serialised (Governance Toolkit 365, InviteGuest). */
export const MORE_MAX = 4000;

export const GUEST_FIELDS: readonly Field[] = [
  {
    name: 'people',
    kind: 'people',
    words: 'guest.field.people',
    required: true,
    max: 4000,
    // Governance Toolkit 365 and Graph; Entra's template; what people call the column themselves.
    headings: [
      'invitedUserEmailAddress',
      'inviteeEmail',
      'email address to invite',
      'email',
      'email address',
      'mail',
      'mail address',
      'address',
      'guest',
      'guest email',
      'user principal name',
    ],
  },
  {
    name: 'team',
    kind: 'text',
    words: 'guest.field.team',
    max: 256,
    headings: ['team name', 'group', 'group name'],
    phrases: ['to team', 'to the team', 'to group', 'to the group', 'into team', 'team:', 'to'],
    // "to" alone is a word like any other, unless it points at where we are.
    accepts: (text, phrase) => phrase !== 'to' || /^(?:this team|this channel|here)\b/i.test(text),
  },
  {
    name: 'reason',
    kind: 'text',
    words: 'guest.field.reason',
    max: 500,
    headings: ['justification', 'business justification', 'because'],
    phrases: ['because', 'because of', 'reason:'],
  },
  {
    name: 'until',
    kind: 'date',
    words: 'guest.field.until',
    max: 60,
    headings: ['end date', 'last day', 'expires', 'expiration date', 'valid until'],
    phrases: ['until', 'till'],
    accepts: looksLikeDay,
  },
  {
    name: 'message',
    kind: 'lines',
    words: 'guest.field.message',
    max: 1000,
    headings: ['customizedMessageBody', 'customized invitation message', 'invitation message'],
    phrases: ['message', 'with message', 'saying'],
    accepts: (text) => /^["“”„«]/.test(text),
  },
  {
    name: 'sendMail',
    kind: 'toggle',
    words: 'guest.field.sendMail',
    fallback: 'true',
    more: true,
    headings: ['sendInvitationMessage', 'sendEmail', 'send invitation', 'send invitation message'],
  },
  {
    name: 'language',
    kind: 'text',
    words: 'guest.field.language',
    more: true,
    max: 60,
    headings: ['messageLanguage', 'mail language'],
    phrases: ['in'],
    accepts: (text) => languageCode(firstWords(text)) !== null,
  },
  {
    name: 'displayName',
    kind: 'text',
    words: 'guest.field.displayName',
    more: true,
    max: 256,
    headings: ['invitedUserDisplayName', 'name', 'full name', 'guest name'],
    phrases: ['called', 'named'],
  },
  {
    name: 'cc',
    kind: 'email',
    words: 'guest.field.cc',
    more: true,
    max: 320,
    headings: ['ccRecipient', 'ccRecipients', 'copy to', 'copy'],
    phrases: ['cc'],
    accepts: (text) => /^\S+@\S+/.test(text),
  },
  {
    name: 'redirectUrl',
    kind: 'url',
    words: 'guest.field.redirectUrl',
    more: true,
    max: 2000,
    headings: ['inviteRedirectUrl', 'redirection url', 'redirect'],
    phrases: ['redirect to'],
    accepts: (text) => /^https?:\/\//i.test(text),
  },
  {
    name: 'userType',
    kind: 'choice',
    words: 'guest.field.userType',
    more: true,
    headings: ['invitedUserType'],
    fallback: 'Guest',
    choices: [
      { value: 'Guest', words: 'guest.userType.guest' },
      { value: 'Member', words: 'guest.userType.member' },
    ],
  },
  { name: 'more', kind: 'pairs', words: 'guest.field.more', more: true, max: MORE_MAX },
];

const flag = z.stringbool();

/** Raw text to one input per person, or every fault with its field. `defaultRedirectUrl` is used when none is given. */
export function readGuest(
  raw: Raw,
  around: Surroundings,
  defaultRedirectUrl: string,
): Result<readonly GuestInput[], readonly Problem[]> {
  const { faults, fault, text } = readerOf(raw, GUEST_FIELDS);

  const { people, unreadable } = readPeople(text('people') ?? '');
  if (people.length === 0 && unreadable.length === 0) fault('people', 'guest.field.people.missing');
  for (const piece of unreadable.slice(0, 3))
    fault('people', say('guest.people.unreadable', { text: piece.slice(0, 60) }));
  for (const { address } of people) {
    const wrong = faultOfAddress(address);
    if (wrong) fault('people', wrong);
  }

  const displayName = text('displayName');
  if (displayName && people.length > 1) fault('displayName', 'guest.displayName.onePerson');

  const redirectUrl = text('redirectUrl') ?? defaultRedirectUrl;
  if (!/^https:\/\//i.test(redirectUrl) || !URL.canParse(redirectUrl)) fault('redirectUrl', 'guest.redirectUrl.https');

  const sendMail = flag.safeParse(raw['sendMail'] ?? 'true');
  if (!sendMail.success) fault('sendMail', 'guest.sendMail.yesNo');

  const typedLanguage = text('language');
  const language = typedLanguage ? languageCode(typedLanguage) : undefined;
  if (typedLanguage && !language) fault('language', say('guest.language.unknown', { language: typedLanguage }));

  const cc = text('cc');
  const ccPeople = cc ? readPeople(cc) : undefined;
  const ccAddress = ccPeople?.people[0]?.address;
  if (ccPeople && (ccPeople.people.length !== 1 || ccPeople.unreadable.length > 0)) fault('cc', 'guest.cc.one');
  else if (ccAddress) {
    const wrong = faultOfAddress(ccAddress);
    if (wrong) fault('cc', wrong);
  }

  const until = readUntil(text('until'), around, fault) ?? lastDayAnyway(text('until'), around);
  const userType = text('userType') ?? 'Guest';
  if (userType !== 'Guest' && userType !== 'Member') fault('userType', 'guest.userType.unknown');
  const more = readMore(text('more'), fault);
  const team = readTeam(text('team'), around, fault);
  const message = text('message')
    ?.replace(/^["“”„«]+|["“”»]+$/g, '')
    .trim();
  const reason = text('reason');

  if (faults.length > 0 || !sendMail.success) return bad(faults);
  return good(
    people.map(({ address, name }) => ({
      address,
      redirectUrl,
      sendMail: sendMail.data,
      userType: userType === 'Member' ? 'Member' : 'Guest',
      sponsor: around.requester.id,
      ...given({
        displayName: displayName ?? name,
        message,
        language: language ?? undefined,
        cc: ccAddress,
        team,
        reason,
        until,
        more,
      }),
    })),
  );
}

/** The input of a guest's request without somebody else it mentions: a copy to them is not sent any more. */
export function guestWithout({ cc, ...input }: GuestInput, without: (text: string) => string): GuestInput {
  const { displayName, message, reason, more } = input;
  const texts = given({ displayName, message, reason });
  return {
    ...input,
    ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, without(text ?? '')])),
    ...(more ? { more: Object.fromEntries(Object.entries(more).map((pair) => pair.map(without))) } : {}),
    ...(cc !== undefined && without(cc) === cc ? { cc } : {}),
  };
}

/** An input back to raw text, to fill the form again. */
export function writeGuest(input: GuestInput): Raw {
  return given({
    people: input.address,
    displayName: input.displayName,
    redirectUrl: input.redirectUrl,
    sendMail: String(input.sendMail),
    message: input.message,
    language: input.language,
    cc: input.cc,
    team: input.team?.name,
    reason: input.reason,
    until: input.until,
    userType: input.userType,
    more: input.more ? writeMore(input.more) : undefined,
  }) as Raw;
}

type Fault = (field: string, sentence: Parameters<typeof problem>[1]) => void;

function readUntil(typed: string | undefined, around: Surroundings, fault: Fault): string | undefined {
  if (!typed) return undefined;
  const read = readDay(typed, around);
  if ('day' in read) return read.day;
  fault('until', read.wrong === 'past' ? 'guest.until.past' : say('guest.until.unreadable', { text: typed }));
  return undefined;
}

/** Where the policy wants a last day for everybody, it is the asker's to choose an earlier one. */
function lastDayAnyway(typed: string | undefined, { policy, now }: Surroundings): string | undefined {
  const days = policy.defaultStayDays;
  if (typed || days === null) return undefined;
  return DateTime.fromMillis(now, { zone: 'utc' }).plus({ days }).toISODate() ?? undefined;
}

function readMore(typed: string | undefined, fault: Fault): Record<string, string> | undefined {
  if (!typed) return undefined;
  const more: Record<string, string> = {};
  if (typed.startsWith('{')) return readPairs(typed, fault);
  for (const line of typed.split('\n').filter((one) => one.trim() !== '')) {
    const colon = line.search(/[:=]/);
    const key = colon < 0 ? '' : line.slice(0, colon).trim();
    if (key === '' || key === '__proto__') {
      fault('more', say('guest.more.shape', { line: line.trim().slice(0, 60) }));
      return undefined;
    }
    more[key] = line.slice(colon + 1).trim();
  }
  return fitting(more, fault);
}

const Pairs = z.record(
  z.string().refine((key) => key.trim() !== '' && key !== '__proto__'),
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
);

/** The same as JSON, as HTTP bodies have it: whatever stands in keys and values stays as it is. */
function readPairs(typed: string, fault: Fault): Record<string, string> | undefined {
  const read = Pairs.safeParse(jsonOf(typed));
  if (!read.success) {
    fault('more', 'guest.more.flat');
    return undefined;
  }
  const pairs = Object.entries(read.data).map(([key, value]) => [key, value === null ? '' : String(value)]);
  return fitting(Object.fromEntries(pairs), fault);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fitting(more: Record<string, string>, fault: Fault): Record<string, string> {
  const { length } = JSON.stringify(more);
  if (length > MORE_MAX) fault('more', say('problem.tooLong', { most: MORE_MAX, length }));
  return more;
}

/** One per line, as people type it; as JSON where a line would not say the same. */
function writeMore(more: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(more);
  const isPlain = pairs.every(
    ([key, value]) =>
      /^[^{:=\n][^:=\n]*$/.test(key) && !value.includes('\n') && [key, value].every((one) => one === one.trim()),
  );
  return isPlain ? pairs.map(([key, value]) => `${key}: ${value}`).join('\n') : JSON.stringify(more);
}

/** "this" and "here" mean the team whose channel it was typed in. */
function readTeam(typed: string | undefined, around: Surroundings, fault: Fault): TeamWish | undefined {
  if (!typed) return undefined;
  const name = typed.replace(/^["“”„«]+|["“”»]+$/g, '').trim();
  if (!/^(?:this|here|this team|this channel|this one)$/i.test(name)) return { name };
  const { teamId, teamName } = around.place;
  if (teamId) return { name: teamName ?? name, id: teamId, isTeam: true };
  fault('team', 'guest.team.notInTeam');
  return undefined;
}

/** The first words of what follows a phrase, up to the next phrase-like word or mark. */
function firstWords(text: string): string {
  return (/^[\p{L}-]+(?:\s*\([\p{L}\s]+\))?/u.exec(text)?.[0] ?? '').trim();
}
