/**
 * Databases for tests: each `open` gives an empty one of its own, dropped afterwards. SQLite is a file in a temporary
 * folder; PostgreSQL is a schema of the server at TEST_DATABASE_URL (or the usual local one), when it can be reached.
 * Must not know the store: it hands out URLs, and a side door for raw SQL.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import pg from 'pg';

export interface TestDatabase {
  readonly url: string;
  /** One statement past the store. Opens and ends a connection of its own. */
  run(statement: string): Promise<readonly Record<string, unknown>[]>;
  drop(): Promise<void>;
}

export interface TestEngine {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** Why it cannot be tested here, or null. Laws then skip, so that they are counted as pending. */
  readonly absent: string | null;
  open(): Promise<TestDatabase>;
}

const POSTGRES = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

export async function engines(): Promise<readonly TestEngine[]> {
  const absent = await onPostgres(POSTGRES, 'select 1').then(
    () => null,
    (cause: Error) => `PostgreSQL is skipped: ${cause.message || (cause as { code?: string }).code}`,
  );
  if (absent) console.warn(absent);
  return [
    { name: 'SQLite', absent: null, open: openFile },
    { name: 'PostgreSQL', absent, open: openSchema },
  ];
}

async function openFile(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-store-'));
  const path = join(folder, 'usher.db');
  return {
    url: `file:${path}`,
    async run(statement) {
      const file = new Database(path);
      try {
        file.exec('pragma busy_timeout = 5000');
        const prepared = file.prepare(statement);
        if (prepared.reader) return prepared.all() as Record<string, unknown>[];
        prepared.run();
        return [];
      } finally {
        file.close();
      }
    },
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function openSchema(): Promise<TestDatabase> {
  const schema = `usher_test_${randomBytes(6).toString('hex')}`;
  await onPostgres(POSTGRES, `create schema ${schema}`);
  const url = new URL(POSTGRES);
  // So that a test finds its own connections among those of others.
  url.searchParams.set('application_name', schema);
  url.searchParams.set('options', `-c search_path=${schema}`);
  // `options` is split at spaces by the server, and a plus would reach it as a plus.
  const text = url.href.replaceAll('+', '%20');
  return {
    url: text,
    run: (statement) => onPostgres(text, statement),
    drop: async () => void (await onPostgres(POSTGRES, `drop schema ${schema} cascade`)),
  };
}

async function onPostgres(url: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(statement)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
