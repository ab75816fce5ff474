/** Laws of opening, checking and closing a store. Must not know which engine runs them. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Kysely, PostgresDialect, type SqliteDatabase, SqliteDialect, sql } from 'kysely';
import Database from 'libsql';
import pg from 'pg';
import { verifyAudit } from '../../../src/requests/proof/verifying.ts';
import { openStore } from '../../../src/store/db.ts';
import type { EngineName } from '../../../src/store/engine.ts';
import { migrations } from '../../../src/store/migrations/index.ts';
import { fromLine } from '../../../src/store/rows.ts';
import type { Bench } from './bench.ts';
import { acceptOne, draft, line, NOW } from './bench.ts';

export function openingLaws(bench: () => Bench): void {
  it('what was written is there after closing and opening again', async () => {
    const { store } = bench();
    const { id } = await acceptOne(store);
    await store.close();
    assert.ok(await (await bench().another()).get(id));
  });

  it('what is under way when the store is closed is finished, and what comes after is refused', async () => {
    const { store } = bench();
    const last = draft();
    const writing = store.accept([last], NOW, NOW);
    await Promise.all([store.close(), store.close()]);
    await writing;
    await assert.rejects(store.accept([draft()], NOW, NOW));
    await assert.rejects(store.check());
    assert.ok(await (await bench().another()).get(last.id));
  });

  it('a check passes on a store that works, and fails on one whose schema is behind', async () => {
    const { store, database } = bench();
    await store.check();
    await database.run("delete from usher_migration where name = '001-requests'");
    await assert.rejects(store.check(), /001-requests/);
    await database.run('drop table usher_migration');
    await assert.rejects(store.check(), /001-requests/);
  });

  it('an audit that was written before there was a chain gets into it, line by line', async () => {
    const { store, database, engine } = bench();
    await store.close();
    if (engine === 'PostgreSQL') {
      const schema = (await database.run('select current_schema() as name'))[0]!['name'];
      await database.run(`drop schema ${schema} cascade; create schema ${schema}`);
    }
    const url = engine === 'SQLite' ? `${database.url}-old` : database.url;
    await openAsBefore(url, 4, async (db) => {
      const values = Array.from(
        { length: 1_203 },
        (_, n) => `(${n + 5}, ${NOW + n}, 't', ${n % 2 ? "'r'" : 'null'}, 'wë', 'did', '{"n":${n}}')`,
      );
      await sql
        .raw(`insert into audit (seq, at, tenant_id, request_id, who, what, detail) values ${values.join()}`)
        .execute(db);
    });
    const after = await openStore(url);
    try {
      const { id } = await acceptOne(after);
      const verdict = await verifyAudit(after.keeping);
      assert.ok(verdict.ok, JSON.stringify(verdict));
      assert.deepEqual([verdict.links, verdict.erased], [1_204, 0]);
      const [old] = await after.auditOf('r');
      assert.deepEqual(old, { at: NOW + 1, tenantId: 't', requestId: 'r', who: 'wë', what: 'did', detail: { n: 1 } });
      assert.equal((await after.auditOf(id)).length, 1);
      assert.deepEqual(
        (await after.keeping.links(1_203, 1)).map(({ seq }) => seq),
        [1_208],
      );
    } finally {
      await after.close();
    }
  });

  it('what was erased before lines told of it is told of once, and nothing that is taken out afterwards', async () => {
    const { store, database, engine } = bench();
    await store.close();
    if (engine === 'PostgreSQL') {
      const schema = (await database.run('select current_schema() as name'))[0]!['name'];
      await database.run(`drop schema ${schema} cascade; create schema ${schema}`);
    }
    const url = engine === 'SQLite' ? `${database.url}-old` : database.url;
    const take = 'update audit set detail = null, detail_salt = null where seq';
    await openAsBefore(url, 6, async (db) => {
      const values = Array.from({ length: 2_300 }, (_, n) => {
        const { who, who_salt, who_digest, detail, detail_salt, detail_digest } = fromLine(line(null, 'did'));
        const texts = [n % 2 ? 't' : 'tenant-1', who, who_salt, who_digest, detail_salt, detail_digest];
        assert.equal(detail, null);
        return `(${NOW}, ${texts.map((text) => `'${text}'`).join()}, 'did')`;
      });
      await sql
        .raw(
          `insert into audit (at, tenant_id, who, who_salt, who_digest, detail_salt, detail_digest, what) values ${values.join()}`,
        )
        .execute(db);
      await sql.raw(`${take} > 9 and seq < 2200`).execute(db);
      await sql.raw('update audit set who = null, who_salt = null where seq = 7').execute(db);
    });
    const after = await openStore(url);
    try {
      const verdict = await verifyAudit(after.keeping);
      assert.ok(verdict.ok, JSON.stringify(verdict));
      assert.equal(verdict.erased, 2_191);
      const [told] = (await after.keeping.links(2_300, 9)).map((one) => JSON.parse(one.line?.detail.text ?? ''));
      assert.match(told.why, /before this was recorded/);
      await past(url, (db) => sql.raw(`${take} = 5`).execute(db));
      const late = await verifyAudit(after.keeping);
      assert.ok(!late.ok && late.why.key === 'chain.broken.erased', JSON.stringify(late));
    } finally {
      await after.close();
    }
  });

  it('the migrations of a newer Usher do not keep this one from opening', async () => {
    const { database } = bench();
    await database.run("insert into usher_migration (name, done_at) values ('999-later', 1)");
    await (await bench().another()).check();
  });
}

/** A database as the first migrations left it. */
function openAsBefore(url: string, count: number, work: (db: Kysely<unknown>) => Promise<unknown>): Promise<void> {
  return past(url, async (db, engine) => {
    await sql`create table usher_migration (name text not null primary key, done_at bigint not null)`.execute(db);
    for (const [name, migration] of Object.entries(migrations(engine)).slice(0, count)) {
      await migration.up(db);
      await sql`insert into usher_migration (name, done_at) values (${name}, 1)`.execute(db);
    }
    await work(db);
  });
}

/** Something done to a database past the store. */
async function past(url: string, work: (db: Kysely<unknown>, engine: EngineName) => Promise<unknown>): Promise<void> {
  const isFile = url.startsWith('file:');
  const file = isFile ? new Database(url.slice('file:'.length)) : null;
  const db = new Kysely<unknown>({
    dialect: file
      ? new SqliteDialect({ database: file as unknown as SqliteDatabase })
      : new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) }),
  });
  await work(db, isFile ? 'sqlite' : 'postgres').finally(() => db.destroy());
}

export function urlLaws(): void {
  it('a database URL that cannot be used is refused without showing its password', async () => {
    for (const url of [
      'postgres://usher:geheim@[::broken/usher',
      'postgres://usher:geheim@127.0.0.1:1/usher',
      'postgres://usher:ge%heim@127.0.0.1:1/usher',
      'mysql://usher:geheim@127.0.0.1/usher',
      'geheim',
    ]) {
      await assert.rejects(
        openStore(url),
        (cause) => !/ge%?heim/.test(inspect(cause, { depth: 9, showHidden: true })),
        url,
      );
    }
  });

  it('a file URL without a path is refused', async () => {
    await assert.rejects(openStore('file:'), /names no file/);
  });
}
