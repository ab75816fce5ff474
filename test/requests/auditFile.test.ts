/** The audit as a file: who gets it, what is in it, and that a spreadsheet takes nothing in it for a formula. */
import assert from 'node:assert/strict';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { DocumentFile } from '../../src/requests/documents.ts';
import type { Store } from '../../src/requests/ports.ts';
import { auditFile } from '../../src/requests/proof/auditFile.ts';
import type { Request } from '../../src/requests/request.ts';
import { acceptOne, freshBench, line, MINUTE, NOW } from '../store/laws/bench.ts';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';

const ADMIN = { id: 'admin-1', name: 'Adam Admin', locale: 'en' };

const readCsv = (bytes: Uint8Array): readonly (readonly string[])[] => {
  assert.deepEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
  const text = new TextDecoder().decode(bytes);
  assert.doesNotMatch(text, /\ufeff/, 'only one mark');
  return parse(text);
};

for (const engine of await engines()) {
  describe(`the audit as a file, on ${engine.name}`, function () {
    this.timeout(30_000);
    before(function () {
      if (engine.absent) skip(this, engine.absent);
    });
    const bench = freshBench(engine);
    const make = (store: Store, now = NOW + 10 * MINUTE) =>
      auditFile({ store, clock: { now: () => now }, admins: new Set([ADMIN.id, 'admin-2']) });
    const asks = (from: number, until: number | undefined, createdAt = NOW + 10 * MINUTE): Request =>
      ({
        id: 'r',
        tenantId: 'tenant-1',
        requester: ADMIN,
        createdAt,
        input: {
          from: '2027-01-15',
          fromMs: from,
          ...(until === undefined ? {} : { to: '2027-01-16', untilMs: until }),
        },
      }) as unknown as Request;
    async function rowsOf(store: Store, request: Request): Promise<readonly (readonly string[])[]> {
      const file = await make(store)(request, ADMIN);
      assert.ok(file.ok);
      return readCsv(file.value.bytes);
    }

    it('tells of each line when, who, what, about what, and last how the chain stands', async () => {
      const { store } = bench();
      const { id } = await acceptOne(store, { subject: 'ana@partner.example', requester: ADMIN });
      await store.audit([
        line(id, 'call answered', { at: NOW + 1, detail: { call: 'invite', answer: 'ok', none: null } }),
        line(null, 'policy kept', { at: NOW + 2, who: 'admin-7', detail: { version: 3 } }),
      ]);
      const made = await make(store)(asks(NOW, undefined), ADMIN);
      const file = (made.ok && made.value) as DocumentFile;
      assert.equal(file.name, 'audit-2027-01-15-2027-01-15.csv');
      const rows = readCsv(file.bytes);
      const { head } = await store.keeping.chain();
      const at = (ms: number) => new Date(NOW + ms).toISOString();
      assert.deepEqual(rows, [
        ['at', 'who', 'who id', 'what', 'request', 'capability', 'subject', 'detail'],
        [at(0), 'Adam Admin', 'admin-1', 'accepted', id, 'guest', 'ana@partner.example', 'capability: guest'],
        [at(1), 'Usher', 'usher', 'call answered', id, 'guest', 'ana@partner.example', 'call: invite; answer: ok'],
        [at(2), '', 'admin-7', 'policy kept', '', '', '', 'version: 3'],
        [at(10 * MINUTE), 'Usher', 'usher', 'chain', '', '', '', `links: 3; head: ${head.hash}; verifies: yes`],
      ]);
    });

    it('has the lines of its days and of its tenant only, however many, each once', async () => {
      const { store } = bench();
      await store.audit(Array.from({ length: 1_203 }, (_, n) => line(null, `n${n}`, { at: NOW + n })));
      await store.audit([line(null, 'theirs', { tenantId: 't2' }), line(null, 'later', { at: NOW + 11 * MINUTE })]);
      const whats = (rows: readonly (readonly string[])[]) => rows.slice(1, -1).map((row) => row[3]);
      const all = whats(await rowsOf(store, asks(0, undefined)));
      assert.deepEqual(
        all,
        Array.from({ length: 1_203 }, (_, n) => `n${n}`),
      );
      assert.deepEqual(whats(await rowsOf(store, asks(NOW + 1, NOW + 4))), ['n1', 'n2', 'n3']);
      assert.deepEqual(whats(await rowsOf(store, asks(NOW + 1_202, NOW + 99 * MINUTE))), ['n1202']);
      assert.deepEqual(whats(await rowsOf(store, asks(NOW - 9, NOW))), []);
    });

    it('says of what was erased that it was', async () => {
      const { store, database } = bench();
      await store.audit([line(null, 'x', { who: 'u1', detail: { a: 1 } })]);
      await database.run('update audit set who = null, who_salt = null, detail = null, detail_salt = null');
      assert.deepEqual((await rowsOf(store, asks(0, undefined)))[1]?.slice(1), ['(erased)', '', 'x', '', '', '', '']);
    });

    it('begins no cell as a formula, and keeps every text as it is', async () => {
      const { store } = bench();
      const start = fc.constantFrom('=', '+', '-', '@', '\t', '\r', ' =', '"', ',', '\n', 'x');
      const text = fc.tuple(start, fc.string({ maxLength: 8 })).map((parts) => parts.join('').replaceAll('\0', ''));
      let n = 0;
      await fc.assert(
        fc.asyncProperty(text, text, async (who, what) => {
          const at = NOW + n++;
          await store.audit([line(null, what, { at, who })]);
          const [, told] = await rowsOf(store, asks(at, at + 1));
          for (const cell of told ?? []) assert.doesNotMatch(cell, /^\s*[=+\-@]|^[\t\r]/);
          const bare = (cell: string) => cell.replace(/^['\s]+/, '');
          assert.deepEqual(
            [told?.[3], told?.[2]].map((cell) => bare(cell ?? '')),
            [what, who].map(bare),
          );
        }),
        {
          numRuns: 40,
          examples: [
            ["=cmd|'/c calc'!A1", '-2+3'],
            ['@SUM(1)', '"=1"'],
          ],
        },
      );
    });

    it('is for admins, also when it is taken', async () => {
      const { store } = bench();
      const refused = await make(store)(asks(0, undefined), { ...ADMIN, id: 'user-1' });
      assert.ok(!refused.ok && refused.problem.say.key === 'problem.adminsOnly');
    });
  });
}
