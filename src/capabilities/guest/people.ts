/**
 * Reads people out of pasted text (`Ana Silva <ana@x.example>; bo@y.example`) and checks their addresses as Graph does,
 * before anything is sent. Pure; must not know forms, requests or HTTP.
 */
import { domainToASCII } from 'node:url';
import { type Say, say } from '../../requests/say.ts';

export interface Named {
  /** As typed, without surrounding marks. */
  readonly address: string;
  readonly name?: string;
}

export interface PeopleRead {
  readonly people: readonly Named[];
  /** Pieces in which no address was found. */
  readonly unreadable: readonly string[];
}

/** Characters Graph refuses in an invited address (Graph docs, resource `invitation`); so plus-addresses fail too. */
const BANNED = /[~!#$%^&*()+=[\]{}\\/|;:"<>?,]/g;

/**
 * An address in brackets (a name may stand before them), or alone, wherever it stands in the text. Looked for only where a
 * word begins: tried at each of its letters, one word of 60,000 took 2 s.
 */
const ADDRESS = /<\s*(?:mailto:)?([^<>\s]+@[^<>\s]+)\s*>|(?<![^\s<>,;"])(?:mailto:)?([^\s<>,;"]+@[^\s<>,;"]+)/g;

/** What cannot be in a name without quotes. */
const NO_NAME = /[<>,;\n"@]/;

/** Marks one cannot see that come along in a paste: directions of reading, joiners, soft hyphens. */
const UNSEEN = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** Words that join people in a sentence, or are only polite, and are nobody's name. */
const JOINTS = /^(?:(?:and|und|e|y|et|&|,|;|\.|-|•|\*|\d+[.)])+|(?:please|pls|thanks|thank|you|thx)[.!]*)$/i;

/** Every person in the text, in order, each address once (case does not matter). */
export function readPeople(text: string): PeopleRead {
  const people = new Map<string, Named>();
  const unreadable: string[] = [];
  let end = 0;
  const between = (piece: string): void => {
    for (const words of piece.split(/[,;\n\t|]/)) {
      const rest = words
        .trim()
        .split(/\s+/)
        .filter((word) => word !== '' && !JOINTS.test(word))
        .join(' ');
      if (rest !== '') unreadable.push(rest);
    }
  };
  for (const match of text.matchAll(ADDRESS)) {
    const before = text.slice(end, match.index);
    const at = match[1] === undefined ? before.length : nameAt(before);
    between(before.slice(0, at));
    end = match.index + match[0].length;
    const address = trimMarks((match[1] ?? match[2] ?? '').replace(UNSEEN, ''));
    const name = tidyName(before.slice(at));
    const key = address.toLowerCase();
    if (!people.has(key)) people.set(key, name === '' ? { address } : { address, name });
  }
  between(text.slice(end));
  return { people: [...people.values()], unreadable };
}

/** Where the name begins with which a text ends: `"Silva, Ana"`, or `Ana Silva` after the last mark. */
function nameAt(text: string): number {
  const end = text.trimEnd().length;
  const open = text[end - 1] === '"' ? text.lastIndexOf('"', end - 2) : -1;
  if (open >= 0 && open < end - 1 && !text.slice(open, end).includes('\n')) return open;
  let at = end;
  while (at > 0 && !NO_NAME.test(text[at - 1] ?? '')) at--;
  return at;
}

/** What is wrong with an address, as a sentence, or null when Graph will take it. */
export function faultOfAddress(address: string): Say | null {
  const at = address.lastIndexOf('@');
  const user = address.slice(0, at);
  const domain = address.slice(at + 1);
  if (at < 1 || domain === '' || user.includes('@')) return say('guest.address.shape', { address });
  if (user.includes('+')) return say('guest.address.plus', { address });
  const banned = [...new Set(address.match(BANNED) ?? [])];
  if (banned.length > 0) return say('guest.address.banned', { address, characters: banned.join(' ') });
  if (/^[.-]|[.-]$/.test(user)) return say('guest.address.ends', { address });
  if (/\s/.test(address) || user.length > 64 || !isDomain(domain)) return say('guest.address.shape', { address });
  return null;
}

/** A public domain name: two labels or more, international ones included (RFC 1035 lengths). */
function isDomain(domain: string): boolean {
  const ascii = domainToASCII(domain);
  if (ascii === '' || ascii.length > 253) return false;
  const labels = ascii.split('.');
  return (
    labels.length > 1 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '')
  );
}

/** Sentence marks around a pasted address are not part of it. */
function trimMarks(address: string): string {
  return address.replace(/^['‘“«(]+/, '').replace(/['’”».!?)\]:]+$/, '');
}

function tidyName(name: string): string {
  return (
    name
      .trim()
      // In small letters alone: “Et Aa” is somebody's name.
      .replace(/^(?:(?:and|und|et|[-•*,;]|\d+[.)])\s+)+/, '')
      .replace(/^["'“”‘’]+|["'“”‘’]+$/g, '')
      .replace(/\s+/g, ' ')
      .slice(0, 256)
  );
}
