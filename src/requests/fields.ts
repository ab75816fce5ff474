/**
 * Finds a field by a name it goes by outside: a heading of a file, a key of an HTTP body. Pure; must not know any
 * capability, file or body.
 */
import type { Field } from './capability.ts';

/** The field whose name, or one of whose headings, this is: case, spaces and punctuation do not matter. */
export function fieldOf(heading: string, fields: readonly Field[]): Field | undefined {
  const asked = bare(heading);
  if (asked === '') return undefined;
  return (
    fields.find(({ name }) => bare(name) === asked) ??
    fields.find(({ headings = [] }) => headings.some((one) => bare(one) === asked))
  );
}

const bare = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
