/**
 * Tables as text, both ways: what a person saved from a spreadsheet, and what they may open in one. The only file that
 * knows the CSV library. Pure; must not know what is in a table.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { bad, good, type Problem, problem, type Result } from '../problem.ts';
import { say } from '../say.ts';

/** A line of a table, and where it begins in the text (the first line is 1). */
export interface Line {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Marks between cells, by how many of them a first line holds; a tie goes to the earlier one. */
const DELIMITERS = [',', ';', '\t'] as const;

/**
 * The lines of a table, blank ones left out. More than `most` of them, or a text that is no table (a quote that is
 * never closed), is a problem.
 */
export function readTable(text: string, most: number): Result<readonly Line[]> {
  try {
    const plain = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
    const delimiter = delimiterOf(plain);
    const lines = parse(plain, {
      delimiter,
      record_delimiter: '\n',
      // People write a space after a comma, and quotes after that. (A tab is space, too.)
      ltrim: delimiter !== '\t',
      // A quote in the middle of a cell is a letter like any other: people write 5" and Ana "Annie" Silva.
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      info: true,
      // One more than is taken shows that there are too many.
      to: most + 1,
    }) as unknown as readonly { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
    if (lines.length > most) return bad(problem('input', say('many.file.tooLong', { most })));
    return good(
      lines.map(({ record, info }) => ({
        // The library counts at the end of a record, whose cells may hold line breaks themselves.
        line: info.lines - record.reduce((sum, cell) => sum + (cell.split('\n').length - 1), 0),
        cells: record.map((cell) => cell.trim()),
      })),
    );
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    return bad(unreadable(cause));
  }
}

const unreadable = (cause: CsvError): Problem =>
  problem('input', say('many.file.noTable', { line: Number(cause['lines'] ?? 1) }), { detail: cause.code });

/** The mark that stands most often in the first line with any, outside quotes. */
function delimiterOf(text: string): string {
  let counts = DELIMITERS.map(() => 0);
  let quoted = false;
  for (const letter of text.slice(0, 64_000)) {
    if (letter === '"') quoted = !quoted;
    if (quoted) continue;
    if (letter === '\n') {
      if (counts.some((count) => count > 0)) break;
      continue;
    }
    counts = counts.map((count, n) => (letter === DELIMITERS[n] ? count + 1 : count));
  }
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/**
 * A table as bytes that a spreadsheet opens as it is meant: UTF-8 with its mark, lines as RFC 4180 has them. A cell that a
 * spreadsheet would carry out (`=`, `+`, `-`, `@` at its beginning) is text with an apostrophe before it.
 */
export function writeTable(rows: readonly (readonly string[])[]): Uint8Array {
  const text = stringify(
    rows.map((row) => [...row]),
    {
      bom: true,
      record_delimiter: 'windows',
      escape_formulas: true,
      // Whatever else could be taken for a delimiter by whoever reads it (us, too).
      quoted_match: /[\r\n\t;]/,
      // A cell that begins with a line break or a space would hide what follows it from the check above.
      cast: { string: (cell) => cell.replace(/^[\s\u200b\ufeff]+(?=[=+\-@])/u, '') },
    },
  );
  return Buffer.from(text, 'utf8');
}
