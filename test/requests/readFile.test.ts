/** Files of guests as people save them: encodings, delimiters, quotes, templates, and what is no list. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GUEST_FIELDS } from '../../src/capabilities/guest/input.ts';
import { readTable, writeTable } from '../../src/requests/many/csv.ts';
import { decode } from '../../src/requests/many/decode.ts';
import { readFile } from '../../src/requests/many/readFile.ts';

const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
const MARK = Buffer.from([0xff, 0xfe]);
/** Every way of writing a text that people's programs know. */
const ENCODINGS: Readonly<Record<string, (text: string) => Buffer>> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with its mark': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16, little end first': (text) => Buffer.concat([MARK, Buffer.from(text, 'utf16le')]),
  'UTF-16, big end first': (text) => swapped(Buffer.concat([MARK, Buffer.from(text, 'utf16le')])),
  'UTF-16 without a mark': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16 the other way without a mark': (text) => swapped(Buffer.from(text, 'utf16le')),
};

const read = (text: string | Buffer, common = {}) => readFile(Buffer.from(text), GUEST_FIELDS, common);
const rowsOf = (text: string | Buffer, common = {}) => {
  const file = read(text, common);
  assert.ok(file.ok, JSON.stringify(file));
  return file.value.rows;
};
const faultOf = (text: string | Buffer): string => {
  const file = read(text);
  assert.ok(!file.ok, 'it was read');
  return file.problem.say.key;
};

/** A cell as a spreadsheet may hold it; without what reading takes away on purpose (space around, other line breaks). */
const cell = fc
  .array(fc.constantFrom(...'abz ,;\t"\'\näß漢=@-.0'), { maxLength: 12 })
  .map((letters) => letters.join('').trim());
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

describe('a file of guests', () => {
  it('is the same in every encoding, with every delimiter, quoted or not', () => {
    const names = fc.array(fc.record({ name: cell, reason: cell }), { minLength: 1, maxLength: 6 });
    const ways = fc.record({
      encoding: fc.constantFrom(...Object.keys(ENCODINGS)),
      delimiter: fc.constantFrom(',', ';', '\t'),
      end: fc.constantFrom('\n', '\r\n', '\r'),
      blank: fc.boolean(),
    });
    fc.assert(
      fc.property(names, ways, (people, { encoding, delimiter, end, blank }) => {
        const lines = people.map(({ name, reason }, n) =>
          [`p${n}@partner.example`, name, reason].map(quoted).join(delimiter),
        );
        const text = [['E-Mail', 'Name', 'Reason'].join(delimiter), ...lines].join(end + (blank ? end : '')) + end;
        const rows = rowsOf(ENCODINGS[encoding]!(text));
        assert.deepEqual(
          rows.map(({ raw }) => raw),
          people.map(({ name, reason }, n) => ({
            people: `p${n}@partner.example`,
            ...(name === '' ? {} : { displayName: name }),
            ...(reason === '' ? {} : { reason }),
          })),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('is given back as it was, but for what a spreadsheet would carry out', () => {
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }), (table) => {
        const full = table.map((row) => ['x', ...row]);
        const back = readTable(decode(writeTable(full)), 100);
        assert.ok(back.ok);
        const safe = (text: string) => (/^[=+\-@]/.test(text) ? `'${text}` : text);
        assert.deepEqual(
          back.value.map(({ cells }) => cells),
          full.map((row) => row.map(safe)),
        );
      }),
      { numRuns: 300 },
    );
    const text = Buffer.from(writeTable([['=1+1', '+2', '-3', '@x', '\n=4', ' \t=5']])).toString();
    for (const one of text.slice(1).trim().split(',')) assert.match(one, /^"?'[=+\-@]/);
  });

  it('may be Latin-1, as an old spreadsheet saves it', () => {
    const [row] = rowsOf(Buffer.from('Name;E-Mail\nJos\xe9 M\xfcller;jose@partner.example\n', 'latin1'));
    assert.equal(row?.raw['displayName'], 'José Müller');
    assert.equal(decode(Buffer.from([0x80, 0x93, 0x41])), '€“A', 'and Windows-1252, which has more');
  });

  it('needs no headings: the column with the addresses is found', () => {
    const rows = rowsOf('Ana;7;ana@partner.example\nBo;8;bo@partner.example\n');
    assert.deepEqual(rows, [
      { line: 1, raw: { people: 'ana@partner.example' } },
      { line: 2, raw: { people: 'bo@partner.example' } },
    ]);
    assert.deepEqual(
      rowsOf('ana@partner.example').map(({ line }) => line),
      [1],
    );
  });

  it('needs no heading that is known for the addresses', () => {
    const file = read('Kontakt,Name\nana@partner.example,Ana\n');
    assert.ok(file.ok);
    assert.deepEqual(file.value, {
      rows: [{ line: 2, raw: { people: 'ana@partner.example', displayName: 'Ana' } }],
      unused: [],
    });
  });

  it('may be Entra’s template, its first lines and its example left out', () => {
    const rows = rowsOf(
      [
        'version:v1.0',
        'Email address to invite [inviteeEmail] Required,Redirection url [inviteRedirectURL] Required,Send invitation message (true or false) [sendEmail],Customized invitation message [customizedMessageBody]',
        'Example:  chris@contoso.com,https://myapplications.microsoft.com,FALSE,',
        'ana@partner.example,https://x.example,TRUE,Welcome',
      ].join('\r\n'),
    );
    assert.deepEqual(rows, [
      {
        line: 4,
        raw: { people: 'ana@partner.example', redirectUrl: 'https://x.example', sendMail: 'TRUE', message: 'Welcome' },
      },
    ]);
    assert.equal(rowsOf('sep=;\nName;Mail\nAna;ana@partner.example').length, 1, 'nor what Excel is told');
  });

  it('tells the line on which each row begins, whatever its cells hold', () => {
    const rows = rowsOf('mail,reason\n\na@x.example,"one\ntwo"\n\nb@x.example,three\n');
    assert.deepEqual(
      rows.map(({ line }) => line),
      [3, 6],
    );
  });

  it('a row says more than what holds for all', () => {
    const rows = rowsOf('mail,team\na@x.example,\nb@x.example,Zeus\n', { team: 'Apollo', reason: 'PoC' });
    assert.deepEqual(
      rows.map(({ raw }) => raw['team']),
      ['Apollo', 'Zeus'],
    );
    assert.ok(rows.every(({ raw }) => raw['reason'] === 'PoC'));
  });

  it('names the columns that nobody knows', () => {
    const file = read('mail;Department;;Cost centre\na@x.example;1;2;3\n');
    assert.ok(file.ok);
    assert.deepEqual(file.value.unused, ['Department', 'Cost centre']);
  });

  it('has ten thousand rows and five megabytes at most, each excess a sentence', () => {
    const list = (count: number) => `mail\n${Array.from({ length: count }, (_, n) => `p${n}@x.example`).join('\n')}`;
    assert.equal(rowsOf(list(10_000)).length, 10_000);
    assert.equal(faultOf(list(10_001)), 'many.file.tooLong');
    assert.equal(faultOf(list(50_000)), 'many.file.tooLong');
    assert.equal(faultOf(Buffer.alloc(5 * 1024 * 1024 + 1, 'a')), 'many.file.tooBig');
    assert.equal(faultOf(''), 'many.file.empty');
    assert.equal(faultOf('mail,name\n'), 'many.file.empty');
    assert.equal(faultOf('name\nAna\n'), 'many.file.noAddresses');
    assert.equal(faultOf('mail\n"a@x.example\n'), 'many.file.noTable');
  });

  it('never fails, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const file = readFile(bytes, GUEST_FIELDS, {});
        assert.ok(file.ok || file.problem.kind === 'input');
      }),
      { numRuns: 500 },
    );
  });
});
