/**
 * Ids people can read aloud and type: eight letters of Crockford's base 32 (no i, l, o, u), 40 random bits.
 * Uniqueness is the store's to enforce; a clash is one in 10^6 pairs at a million requests.
 */
import { randomBytes } from 'node:crypto';

const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';

/** A fresh id, e.g. `7k3q9xwa`. */
export function newId(): string {
  let id = '';
  for (const byte of randomBytes(8)) id += LETTERS[byte & 31];
  return id;
}

/** What a person typed as an id, in the form ids have (case, spaces, and a leading `#` do not matter), or null. */
export function readId(text: string): string | null {
  const id = text.trim().replace(/^#/, '').toLowerCase().replaceAll('o', '0').replaceAll(/[il]/g, '1');
  return /^[0-9a-hjkmnp-tv-z]{8}$/.test(id) ? id : null;
}
