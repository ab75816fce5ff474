/** Laws of the chain over the audit: whatever is done to a line is found. Must not know how the store keeps it. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AuditLine, Store } from '../../../src/requests/ports.ts';
import { BEGINNING } from '../../../src/requests/proof/chain.ts';
import { sealAll, verifyAudit } from '../../../src/requests/proof/verifying.ts';
import type { TestDatabase } from '../../support/db.ts';
import { acceptOne, type Bench, line, NOW, WAYS } from './bench.ts';

/** Lets raw SQL past the guards, as somebody with the database's own rights could. */
export async function unguard(database: TestDatabase, engine: Bench['engine']): Promise<void> {
  const tables = ['audit', 'audit_chain', 'audit_cut'];
  if (engine === 'PostgreSQL') {
    for (const table of tables) await database.run(`alter table ${table} disable trigger user`);
    return;
  }
  const found = await database.run("select name from sqlite_master where type = 'trigger'");
  for (const { name } of found) await database.run(`drop trigger ${name}`);
}

export async function write(store: Store, count: number, more: Partial<AuditLine> = {}): Promise<void> {
  for (let n = 0; n < count; n++)
    await store.audit([line(null, `what ${n}`, { at: NOW + n, detail: { count: n }, ...more })]);
}

/** The sentence of what is broken, or `whole`. */
export async function verdict(store: Store): Promise<string> {
  const found = await verifyAudit(store.keeping);
  return found.ok ? 'whole' : found.why.key;
}

const ANA = 'ana@x.example';

/** A line that speaks of somebody. */
async function toForget(store: Store, address = ANA) {
  const detail = { whom: address };
  await store.audit([line(null, 'told', { detail })]);
  await sealAll(store.keeping);
  const links = await store.keeping.links(0, 999);
  return { detail, seq: links.at(-1)?.seq };
}

/** Forgets whoever that line speaks of. */
async function forgetIt(store: Store, address = ANA) {
  const asks = await acceptOne(store, { capability: 'forget', subject: address, input: { address } });
  const erased = await store.keeping.erase(asks, asks.requester, NOW, new AbortController().signal, WAYS);
  assert.ok(erased?.isDone);
  return erased;
}

export function chainLaws(bench: () => Bench): void {
  it('an empty audit verifies, and its head is the beginning', async () => {
    const { store } = bench();
    const found = await verifyAudit(store.keeping);
    assert.ok(found.ok);
    assert.deepEqual([found.links, found.head], [0, { n: 0, hash: BEGINNING }]);
  });

  it('every line becomes one link, in however many pages, and sealing again adds none', async () => {
    const { store } = bench();
    await write(store, 7);
    const sealed = [];
    for (let n = 0; n < 5; n++) sealed.push(await store.keeping.seal(3));
    assert.deepEqual(sealed, [3, 3, 1, 0, 0]);
    const { head } = await store.keeping.chain();
    assert.equal(head.n, 7);
    await write(store, 1);
    const found = await verifyAudit(store.keeping);
    assert.ok(found.ok);
    assert.deepEqual([found.links, found.head.n, found.erased], [8, 8, 0]);
    assert.equal((await store.keeping.links(6, 1))[0]?.hash, head.hash);
  });

  it('two lines that say the same have different digests, or an erased one could be guessed', async () => {
    const { store } = bench();
    await store.audit([line(null, 'x'), line(null, 'x')]);
    await sealAll(store.keeping);
    const links = await store.keeping.links(0, 9);
    assert.equal(new Set(links.map((one) => one.line?.who.digest)).size, 2);
    assert.equal(new Set(links.map((one) => one.line?.detail.digest)).size, 2);
  });

  it('whatever characters a line holds, it verifies', async () => {
    const { store } = bench();
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(text, text, text, async (who, what, value) => {
        await store.audit([line(null, what, { who, detail: { value } })]);
        assert.equal(await verdict(store), 'whole');
      }),
      { numRuns: 15, examples: [['a\0b', '\0', 'x\ud800y']] },
    );
  });

  it('any single tampering with a sealed audit is found', async function () {
    this.timeout(60_000);
    const { store, database, engine } = bench();
    await write(store, 9);
    await sealAll(store.keeping);
    await unguard(database, engine);
    const kept = {
      audit: await database.run('select * from audit order by seq'),
      audit_chain: await database.run('select * from audit_chain order by n'),
      audit_cut: await database.run('select * from audit_cut'),
    };
    const quoted = (value: unknown): string =>
      value === null ? 'null' : typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
    const restore = async () => {
      for (const [table, rows] of Object.entries(kept)) {
        await database.run(`delete from ${table}`);
        const values = rows.map((row) => `(${Object.values(row).map(quoted).join()})`).join();
        await database.run(`insert into ${table} (${Object.keys(rows[0]!).join()}) values ${values}`);
      }
    };
    const columns = 'at tenant_id request_id who what detail who_salt who_digest detail_salt detail_digest'.split(' ');
    const changed = fc.record({ seq: fc.integer({ min: 1, max: 9 }), column: fc.constantFrom(...columns) });
    const tampering = fc.oneof(
      changed.map(({ seq, column }) => {
        const value = column === 'at' ? 'at + 1' : column === 'request_id' ? "'abcdefgh'" : `${column} || 'x'`;
        return `update audit set ${column} = ${value} where seq = ${seq}`;
      }),
      changed.map(({ seq }) => `update audit set who = null where seq = ${seq}`),
      changed.map(({ seq }) => `update audit set who_salt = null where seq = ${seq}`),
      changed.map(({ seq }) => `update audit set who = null, who_salt = null where seq = ${seq}`),
      changed.map(({ seq }) => `update audit set detail = null, detail_salt = null where seq = ${seq}`),
      changed.map(({ seq }) => `delete from audit where seq = ${seq}`),
      changed.filter(({ seq }) => seq < 9).map(({ seq }) => `delete from audit_chain where seq = ${seq}`),
      changed.map(({ seq }) => `update audit_chain set hash = hash || 'x' where seq = ${seq}`),
      // Two lines in each other's place.
      changed
        .filter(({ seq }) => seq < 9)
        .map(
          ({ seq }) => `update audit_chain set seq = case n when ${seq} then -${seq + 1} else seq end where n = ${seq}`,
        ),
      changed
        .filter(({ seq }) => seq < 9)
        .map(
          ({ seq }) =>
            `update audit set (at, what, who, who_salt, who_digest, detail, detail_salt, detail_digest) =
              (select at, what, who, who_salt, who_digest, detail, detail_salt, detail_digest from audit as other
                where other.seq = ${seq + 1}) where seq = ${seq}`,
        ),
      fc.constant("update audit_cut set hash = replace(hash, '0', '1')"),
      fc.constant('update audit_cut set n = 1'),
    );
    let found = 0;
    await fc.assert(
      fc.asyncProperty(tampering, async (statement) => {
        await database.run(statement);
        const said = await verdict(store);
        assert.notEqual(said, 'whole', statement);
        found++;
        await restore();
        assert.equal(await verdict(store), 'whole', `after ${statement}`);
      }),
      { numRuns: 40 },
    );
    assert.ok(found >= 40);
  });

  it('a line that is put between sealed ones is found; one put in at the end is a line like others', async () => {
    const { store, database, engine } = bench();
    await write(store, 3);
    await sealAll(store.keeping);
    await unguard(database, engine);
    await database.run(
      "insert into audit (seq, at, tenant_id, what, who_digest, detail_digest) values (0, 1, 't', 'x', 'a', 'b')",
    );
    await write(store, 1);
    const said = await verdict(store);
    if (engine === 'SQLite') return assert.equal(said, 'chain.broken.between');
    // On PostgreSQL a line may come late: it is sealed when it is seen, and its place in the chain says so.
    const late = await store.keeping.links(3, 9);
    assert.deepEqual(late.map(({ seq }) => seq).sort(), [0, 4]);
  });

  it('an unsealed line that was changed is found as well', async () => {
    const { store, database, engine } = bench();
    await write(store, 2);
    await sealAll(store.keeping);
    await write(store, 1);
    await unguard(database, engine);
    await database.run("update audit set who = 'somebody' where seq = 3");
    assert.equal(await verdict(store), 'chain.broken.payload');
  });

  it('what is erased leaves the chain whole, and is counted', async () => {
    const { store } = bench();
    await write(store, 4);
    const { detail } = await toForget(store);
    await sealAll(store.keeping);
    const { head } = await store.keeping.chain();
    // Also when it was not sealed before it was erased.
    await store.audit([line(null, 'told again', { detail })]);
    assert.equal((await forgetIt(store)).lines, 2);
    const found = await verifyAudit(store.keeping);
    assert.ok(found.ok, JSON.stringify(found));
    assert.equal(found.erased, 2);
    assert.equal((await store.keeping.links(head.n - 1, 1))[0]?.hash, head.hash);
  });

  it('what somebody took out of the database is found: no line tells of it', async () => {
    const { store, database } = bench();
    await write(store, 4);
    const { seq } = await toForget(store);
    await forgetIt(store);
    assert.equal(await verdict(store), 'whole');
    // The guards let it pass, since it looks like erasing; the other half of a line that was erased is no better.
    const who = (of: unknown) => `update audit set who = null, who_salt = null where seq = ${of}`;
    const detail = (of: unknown) => `update audit set detail = null, detail_salt = null where seq = ${of}`;
    const told = "(select min(seq) from audit where what = 'erased')";
    for (const [taken, where] of [
      [detail(told), 'seq'],
      [who(seq), 'seq'],
      [detail(2), 2],
    ] as const) {
      await database.run(taken);
      const found = await verifyAudit(store.keeping);
      assert.ok(!found.ok && found.why.key === 'chain.broken.erased', `${taken}: ${JSON.stringify(found)}`);
      if (where !== 'seq') assert.deepEqual(found.why.with, { seq: where });
    }
  });

  it('what was taken out is found before it is sealed as well', async () => {
    const { store, database } = bench();
    await write(store, 2);
    await database.run('update audit set detail = null, detail_salt = null where seq = 2');
    assert.equal(await verdict(store), 'chain.broken.erased');
  });

  it('it verifies while others erase', async function () {
    this.timeout(60_000);
    const { store } = bench();
    const other = await bench().another();
    for (let n = 0; n < 20; n++) await toForget(store, `ana${n}@x.example`);
    await write(store, 600);
    let isOver = false;
    const erasing = (async () => {
      for (let n = 0; n < 20; n++) await forgetIt(other, `ana${n}@x.example`);
      isOver = true;
    })();
    while (!isOver) assert.equal(await verdict(store), 'whole');
    await erasing;
    const found = await verifyAudit(store.keeping);
    assert.ok(found.ok);
    assert.equal(found.erased, 20);
  });

  it('the database itself lets nobody do anything else', async () => {
    const { store, database, engine } = bench();
    await write(store, 3);
    await sealAll(store.keeping);
    const attempts = [
      "update audit set who = 'somebody'",
      'update audit set detail = null',
      'update audit set detail_salt = null',
      'update audit set at = 1, detail = null, detail_salt = null',
      "update audit set detail_digest = 'x'",
      'update audit set seq = seq + 10',
      'delete from audit',
      'delete from audit where seq = 3',
      "update audit_chain set hash = 'x'",
      'update audit_chain set seq = seq + 10',
      'delete from audit_chain',
      "insert into audit_chain (n, seq, hash) values (9, 9, 'x')",
      'delete from audit_cut',
      "update audit_cut set n = 2, seq = 2, hash = 'x'",
      'update audit_cut set at = 1',
      "insert into audit_cut (name, n, seq, hash) values ('x', 1, 1, 'x')",
    ];
    if (engine === 'PostgreSQL') attempts.push('truncate audit', 'truncate audit_chain', 'truncate audit_cut');
    else attempts.push("insert or replace into audit_chain (n, seq, hash) values (2, 2, 'x')");
    for (const attempt of attempts) await assert.rejects(database.run(attempt), /append-only/, attempt);
    assert.equal(await verdict(store), 'whole');
    assert.equal((await store.keeping.chain()).head.n, 3);
  });

  it('a head that was noted down is in the chain from then on', async () => {
    const { store } = bench();
    await write(store, 5);
    await sealAll(store.keeping);
    const noted = (await store.keeping.chain()).head;
    await write(store, 300);
    assert.equal(await verdict(store), 'whole');
    assert.equal((await store.keeping.links(noted.n - 1, 1))[0]?.hash, noted.hash);
  });

  it('stores that seal and write at once make one chain', async function () {
    this.timeout(60_000);
    const stores = [bench().store, await bench().another(), await bench().another()];
    const writing = stores.map((store) => write(store, 100));
    const sealing = stores.map(async (store) => {
      for (let n = 0; n < 40; n++) {
        await store.keeping.seal(7);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await Promise.all([...writing, ...sealing]);
    const found = await verifyAudit(stores[0]!.keeping);
    assert.ok(found.ok, JSON.stringify(found));
    assert.equal(found.links, 300);
  });

  it('it verifies while others write', async function () {
    this.timeout(60_000);
    const { store } = bench();
    const other = await bench().another();
    await write(store, 50);
    const writers = [1, 2, 3].map(() => write(other, 60));
    const all = Promise.all(writers);
    for (let n = 0; n < 5; n++) assert.equal(await verdict(store), 'whole');
    await all;
    assert.equal(await verdict(store), 'whole');
  });
}
