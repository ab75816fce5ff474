/**
 * A file as rows of text by field: its headings in any order, or, without any, the column that has addresses. Pure; must
 * not know what a field means or what becomes of a row.
 */
import type { Field, Raw } from '../capability.ts';
import { columnsOf } from '../fields.ts';
import { bad, good, type Problem, problem, type Result } from '../problem.ts';
import { type Say, say } from '../say.ts';
import { readTable } from './csv.ts';
import { decode } from './decode.ts';
import { MOST_BYTES, MOST_ROWS, type RawRow } from './rows.ts';

export interface FileRead {
  readonly rows: readonly RawRow[];
  /** Headings nobody knows; what stands below them is not used. */
  readonly unused: readonly string[];
}

/** First lines that are no headings: the version of Entra's template, and what Excel is told about its delimiter. */
const PREAMBLE = /^(?:version:|sep=)/i;
const ADDRESS = /[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+/;

/** `common`: what holds for every row that does not say otherwise. */
export function readFile(bytes: Uint8Array, fields: readonly Field[], common: Raw): Result<FileRead> {
  if (bytes.length > MOST_BYTES) return wrong(say('many.file.tooBig', { most: MOST_BYTES / 1024 / 1024 }));
  // Two lines more may stand above the rows.
  const table = readTable(decode(bytes), MOST_ROWS + 3);
  if (!table.ok) return table;
  const lines = table.value.filter(({ line, cells }) => !(line <= 2 && PREAMBLE.test(cells[0] ?? '')));
  const [first] = lines;
  const people = fields.find(({ kind }) => kind === 'people');
  if (!first || !people) return wrong(say('many.file.empty'));
  const isHeading = !first.cells.some((cell) => ADDRESS.test(cell));
  const columns = [...(isHeading ? columnsOf(first.cells, fields) : [])];
  const body = isHeading ? lines.slice(1) : lines;
  if (!columns.includes(people)) {
    const found = addressColumn(body.map(({ cells }) => cells));
    if (found < 0) return wrong(say('many.file.noAddresses'));
    columns[found] = people;
  }
  const at = columns.indexOf(people);
  // Entra's template brings an example along, and says that it is one.
  const rows = body.filter(({ cells }) => !/^example\s*:/i.test(cells[at] ?? ''));
  if (rows.length === 0) return wrong(say('many.file.empty'));
  if (rows.length > MOST_ROWS) return wrong(say('many.file.tooLong', { most: MOST_ROWS }));
  const unused = isHeading ? first.cells.filter((cell, n) => cell !== '' && !columns[n]) : [];
  return good({
    rows: rows.map(({ line, cells }) => ({ line, raw: { ...common, ...rawOf(cells, columns) } })),
    unused,
  });
}

function rawOf(cells: readonly string[], columns: readonly (Field | null | undefined)[]): Raw {
  return Object.fromEntries(
    cells.flatMap((cell, n) => {
      const field = columns[n];
      return field && cell !== '' ? [[field.name, cell]] : [];
    }),
  );
}

/** The column in which most cells hold an address, or -1. */
function addressColumn(rows: readonly (readonly string[])[]): number {
  const counts: number[] = [];
  for (const cells of rows)
    for (const [n, cell] of cells.entries()) if (ADDRESS.test(cell)) counts[n] = (counts[n] ?? 0) + 1;
  const most = Math.max(0, ...counts.filter((count) => count !== undefined));
  return most === 0 ? -1 : counts.indexOf(most);
}

const wrong = (sentence: Say): { ok: false; problem: Problem } => bad(problem('input', sentence));
