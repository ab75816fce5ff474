/** Laws of opening, checking and closing a store. Must not know which engine runs them. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { openStore } from '../../../src/store/db.ts';
import type { Bench } from './bench.ts';
import { acceptOne, draft, NOW } from './bench.ts';

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

  it('the migrations of a newer Usher do not keep this one from opening', async () => {
    const { database } = bench();
    await database.run("insert into usher_migration (name, done_at) values ('999-later', 1)");
    await (await bench().another()).check();
  });
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
