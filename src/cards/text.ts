/**
 * Makes text fit a card: how long each kind of text may become, and what is taken out of it. Teams takes about 28 KB
 * per message; with these limits the largest card stays below 26 KB even in a script of three bytes per character.
 * Must not know templates or requests.
 */

/** Longest texts, in UTF-16 units; lists in items; budgets in bytes of UTF-8 JSON. */
export const LIMITS = {
  title: 120,
  sentence: 600,
  note: 240,
  label: 40,
  value: 240,
  state: 40,
  fault: 400,
  summary: 240,
  buttonTitle: 60,
  choiceTitle: 60,
  buttons: 4,
  requestRows: 16,
  options: 20,
  listRows: 10,
  commands: 24,
  faults: 3,
  /** What the inputs of a form hold together; the options of a question; the data of all buttons. */
  formBytes: 14_000,
  optionBytes: 7_000,
  dataBytes: 4_000,
  hiddenBytes: 1_500,
} as const;

/** Control characters, lone surrogates, and the marks that reverse the reading direction (they can disguise an address). */
const UNWANTED = /(?![\n\t])[\p{Cc}\p{Cs}]|[\u202a-\u202e\u2066-\u2069]/u;
const ALL_UNWANTED = new RegExp(UNWANTED, 'gu');

/** The text as it is shown: at most `most` units, an ellipsis where it was cut, a dash where there is none. */
export function shown(text: string, most: number): string {
  // The cut comes first, so that a pasted megabyte costs nothing.
  const head = text.length > most * 2 ? text.slice(0, most * 2) : text;
  const clean = UNWANTED.test(head) ? head.replace(ALL_UNWANTED, '') : head;
  if (clean.length <= most && head.length === text.length) return clean || '–';
  return `${whole(clean.slice(0, most - 1)).trimEnd()}…`;
}

/** The same on one line. */
export function oneLine(text: string, most: number): string {
  return shown(
    text
      .slice(0, most * 4)
      .replace(/\s+/g, ' ')
      .trim(),
    most,
  );
}

/** What a person typed, to go back into its input: unchanged but for characters JSON or a card cannot carry. */
export function kept(text: string): string {
  return UNWANTED.test(text) ? text.replace(/(?![\n\t\r])\p{Cc}|\p{Cs}/gu, '') : text;
}

/** The bytes a text takes in a card. */
export function bytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** The beginning of a text that takes at most `most` bytes, cut after a line or an address where there is one. */
export function beginning(text: string, most: number): string {
  let end = text.length;
  while (end > 0 && bytes(text.slice(0, end)) > most) end = Math.floor(end * 0.9);
  const head = whole(text.slice(0, end));
  const cut = Math.max(head.lastIndexOf('\n'), head.lastIndexOf(','), head.lastIndexOf(';'));
  return cut > head.length / 2 ? head.slice(0, cut) : head;
}

/** Without half of a pair at its end. */
function whole(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}
