/**
 * Reads a Graph `$search` over directory objects into a predicate (Graph docs, search-query-parameter, "Using search on
 * directory object collections"): quoted `"property:words"` clauses with AND and OR. Must not know any record.
 */

type Row = Readonly<Record<string, unknown>>;

/** A search this sandbox, or Graph, does not answer. */
export class SearchFault extends Error {}

/** Only the names of objects are cut into words; everything else is compared from its beginning. */
const cutIntoWords = new Set(['displayName', 'description']);
const words = (text: string) =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

function clause(text: string, searchable: readonly string[]): (row: Row) => boolean {
  const [, name = '', wanted = ''] = /^([A-Za-z]+):(.*)$/s.exec(text) ?? [];
  const key = searchable.find((one) => one.toLowerCase() === name.toLowerCase());
  if (!key) throw new SearchFault(`Property '${name || text}' cannot be searched.`);
  if (wanted.trim() === '') throw new SearchFault(`The search for '${key}' is empty.`);
  if (!cutIntoWords.has(key)) {
    const start = wanted.trim().toLowerCase();
    return (row) => typeof row[key] === 'string' && row[key].toLowerCase().startsWith(start);
  }
  const starts = words(wanted);
  return (row) => {
    const found = words(String(row[key] ?? ''));
    return starts.every((start) => found.some((word) => word.startsWith(start)));
  };
}

/** Compiles a decoded search. AND binds more tightly than OR; several clauses side by side are an AND. */
export function compileSearch(source: string, searchable: readonly string[]): (row: Row) => boolean {
  const either: ((row: Row) => boolean)[][] = [[]];
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|(AND|OR)\b)/gy;
  let end = 0;
  for (const match of source.trimEnd().matchAll(pattern)) {
    end = match.index + match[0].length;
    if (match[2] === 'OR') either.push([]);
    else if (match[1] !== undefined) either.at(-1)?.push(clause(match[1].replace(/\\(.)/g, '$1'), searchable));
  }
  if (end < source.trimEnd().length || either.some((all) => all.length === 0)) {
    throw new SearchFault(`Syntax error at position ${end} in '${source}'.`);
  }
  return (row) => either.some((all) => all.every((test) => test(row)));
}
