/**
 * The text of a file that somebody saved somewhere: UTF-8, UTF-16 in either order, with or without its mark, else
 * Windows-1252 (which holds all of Latin-1 that is text). Pure; must not know what the text says.
 */

/** How much of a file is looked at to tell how it was written. */
const LOOKED_AT = 4096;

/** Never fails: whatever is not UTF-8 is text in Windows-1252. */
export function decode(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  // The decoder takes the mark away.
  if (encoding !== null) return new TextDecoder(encoding).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return windows1252(bytes);
  }
}

/** What Windows-1252 has where Latin-1 has control characters, from 0x80 on; a space where it has nothing either. */
const OWN = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ';

/** By hand: the decoder of Node 20 reads this encoding as Latin-1. */
function windows1252(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (letter) => OWN[letter.charCodeAt(0) - 0x80] ?? ' ');
}

/** What its first bytes say, or null. */
function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | null {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  // An address has a letter in every other byte and nothing in the rest; no text in UTF-8 holds a nothing.
  const looked = Math.min(bytes.length, LOOKED_AT) & ~1;
  let even = 0;
  let odd = 0;
  for (let n = 0; n < looked; n += 2) {
    if (bytes[n] === 0) even += 1;
    if (bytes[n + 1] === 0) odd += 1;
  }
  if (even === odd || even + odd < looked / 10) return null;
  return odd > even ? 'utf-16le' : 'utf-16be';
}
