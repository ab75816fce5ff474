/**
 * Which field a heading means: the first line of a file, the names in an HTTP body. One list of fields serves form, chat,
 * files and HTTP, so a field that is added to a capability is known by all four. Pure; must not know any field.
 */
import type { Field } from './capability.ts';

/** Letters and digits only, in lower case: `Invited_User Display-Name` and `invitedUserDisplayName` are one. */
const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');

/**
 * The field that goes by this heading: its own name, or one of its `headings`. Entra's templates write
 * `Email address to invite [inviteeEmail] Required`: the name in brackets counts, and so does what stands before it.
 */
export function fieldOf(heading: string, fields: readonly Field[]): Field | undefined {
  const inBrackets = /\[([^\]]*)\]/.exec(heading)?.[1] ?? '';
  const before = heading.replace(/\[[^\]]*\].*$/s, '').replace(/\([^)]*\)/g, '');
  for (const one of [heading, inBrackets, before, before.replace(/\b(?:required|optional)\s*\*?\s*$/i, '')]) {
    const name = plain(one);
    // A field's own name beats what another is called besides.
    const found =
      name === ''
        ? undefined
        : (fields.find((field) => plain(field.name) === name) ??
          fields.find(({ headings = [] }) => headings.some((other) => plain(other) === name)));
    if (found) return found;
  }
  return undefined;
}

/** The field of each column. A field that two columns name is the first one's; null: a column nobody knows. */
export function columnsOf(headings: readonly string[], fields: readonly Field[]): readonly (Field | null)[] {
  const taken = new Set<string>();
  return headings.map((heading) => {
    const field = fieldOf(heading, fields);
    if (!field || taken.has(field.name)) return null;
    taken.add(field.name);
    return field;
  });
}
