/** All that a database holds, as text: every row of every table, and what its files hold. For tests that look for traces. */
import { existsSync, readFileSync } from 'node:fs';
import type { TestDatabase } from './db.ts';

/** Every row of every table, `<table> <json>`. */
export async function dump(database: TestDatabase): Promise<readonly string[]> {
  const isFile = database.url.startsWith('file:');
  const tables = await database.run(
    isFile
      ? "select name from sqlite_master where type = 'table'"
      : 'select table_name as name from information_schema.tables where table_schema = current_schema()',
  );
  const rows = await Promise.all(
    tables.map(async ({ name }) =>
      (await database.run(`select * from ${name}`)).map((row) => `${name} ${JSON.stringify(row)}`),
    ),
  );
  return rows.flat();
}

/** The bytes of an embedded database's files as text; none of a server's. */
export function files(database: TestDatabase): string {
  if (!database.url.startsWith('file:')) return '';
  const path = database.url.slice('file:'.length);
  return ['', '-wal', '-shm']
    .filter((end) => existsSync(path + end))
    .map((end) => readFileSync(path + end, 'latin1'))
    .join('');
}
