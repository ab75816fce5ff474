/**
 * SQLite, embedded: the store of one machine. Opens the file through libsql, and lets writers that wait at the same
 * moment share one commit.
 * Must not know any table. Local disks only: SQLite's WAL does not work over network shares, PostgreSQL is for those.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  SqliteQueryCompiler,
  type SqliteStatement,
  sql,
  type Transaction,
} from 'kysely';
import { type Engine, storable } from './engine.ts';
import type { Tables } from './schema.ts';

/** How long a writer waits for another process's transaction; those take about a millisecond. */
const BUSY_MS = 5_000;

/** Most distinct statements kept prepared; the usual traffic needs about thirty. */
const KEPT_STATEMENTS = 200;

/** Most writers that share one commit: bounds how long the event loop is held (about 60 µs each, measured). */
const GROUP = 64;

/** Largest file that is written anew after an erasing: takes about a second. Larger ones are for a quiet hour. */
const VACUUM_BYTES = 64 * 1024 * 1024;

/** Another process is in the way: its next erasing, or its end, does it. */
function quietly(tidy: () => unknown): void {
  try {
    tidy();
  } catch (cause) {
    if (!isBusy(cause)) throw cause;
  }
}

/** Opens `file:<path>`, making its folder when there is none. */
export async function openSqlite(databaseUrl: string): Promise<Engine> {
  const path = databaseUrl.startsWith('file://') ? fileURLToPath(databaseUrl) : databaseUrl.slice('file:'.length);
  if (!path) throw new Error('the database URL names no file: expected file:<path>');
  mkdirSync(dirname(path), { recursive: true });
  const { default: Database } = await import('libsql');
  const file = new Database(path);
  try {
    await prepare(file);
  } catch (cause) {
    file.close();
    throw cause;
  }
  const db = new Kysely<Tables>({ dialect: new ImmediateDialect({ database: keepingStatements(file) }) });
  const writers = new Writers(db);
  return {
    name: 'sqlite',
    db,
    write: (work) => writers.write(work),
    writeOne: (work) => writers.write(work),
    tellQueued: null,
    onWake: () => {},
    async scrub() {
      await writers.rest();
      // `secure_delete` overwrites rows, but a page that was rebuilt around them may keep a copy in its gap (seen): the
      // whole file is written anew, as long as that does not hold everybody up.
      const [{ bytes } = { bytes: 0 }] = file
        .prepare('select page_count * page_size as bytes from pragma_page_count, pragma_page_size')
        .all([]) as { bytes: number }[];
      if (bytes <= VACUUM_BYTES) quietly(() => file.exec('vacuum'));
      // The log still holds the pages as they were.
      quietly(() => file.pragma('wal_checkpoint(truncate)'));
    },
    async close() {
      await writers.rest();
      // Leaves one whole file behind, if nobody else is using it.
      file.exec('pragma busy_timeout = 0');
      file.pragma('wal_checkpoint(truncate)');
      await db.destroy();
    },
  };
}

async function prepare(file: LibsqlFile): Promise<void> {
  file.exec(`pragma busy_timeout = ${BUSY_MS}`);
  await intoWal(file);
  // FULL: every commit reaches the disk before it is answered; NORMAL may lose the last ones when power fails.
  file.exec('pragma synchronous = full');
  // In pages. At SQLite's own 1,000 one commit in 80 waits for the file; at 4,000 p99 of an accept fell from 2 to 1 ms.
  file.exec('pragma wal_autocheckpoint = 4000');
  file.exec('pragma foreign_keys = on');
  // What is deleted is overwritten with zeros, so that what was erased is not left in free pages.
  file.exec('pragma secure_delete = on');
  // As PostgreSQL compares.
  file.exec('pragma case_sensitive_like = on');
}

interface LibsqlFile extends SqliteDatabase {
  exec(sql: string): unknown;
  pragma(source: string): unknown;
}

/** The switch of a new file to WAL is the one moment at which SQLite refuses a rival without waiting. */
async function intoWal(file: LibsqlFile): Promise<void> {
  const until = Date.now() + BUSY_MS;
  for (;;) {
    try {
      const [mode] = file.pragma('journal_mode = wal') as { journal_mode: string }[];
      if (mode?.journal_mode === 'wal') return;
      throw new Error(`this place cannot hold the database: SQLite offers ${mode?.journal_mode} instead of wal`);
    } catch (cause) {
      if (!isBusy(cause) || Date.now() > until) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY');
}

/** Kysely prepares each time: 16 µs for an insert of twelve columns. Kept, an accept of three inserts saves 50 µs. */
function keepingStatements(file: LibsqlFile): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    prepare(text) {
      const known = kept.get(text);
      if (known) return known;
      const statement = file.prepare(text);
      const [oldest] = kept.size < KEPT_STATEMENTS ? [] : kept.keys();
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(text, statement);
      return statement;
    },
    close() {
      kept.clear();
      file.close();
    },
  };
}

/**
 * Every transaction here writes. Begun deferred, it would take the write lock at its first write, and SQLite refuses
 * that at once (no waiting) when another process wrote meanwhile.
 */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

class StorableCompiler extends SqliteQueryCompiler {
  protected override addParameter(parameter: unknown): void {
    super.addParameter(storable(parameter));
  }
}

class ImmediateDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;
  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }
  override createDriver(): SqliteDriver {
    return new ImmediateDriver(this.#config);
  }
  override createQueryCompiler(): SqliteQueryCompiler {
    return new StorableCompiler();
  }
}

interface Waiting {
  readonly work: (trx: Transaction<Tables>) => Promise<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Group commit. Whoever wants to write while the event loop hands out what arrived is written in one transaction, each
 * inside its own savepoint: one failing leaves the others alone, and all wait for the one fsync.
 */
class Writers {
  readonly #db: Kysely<Tables>;
  #waiting: Waiting[] = [];
  #going: Promise<void> | null = null;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject });
      this.#going ??= this.#go();
    });
  }

  /** Answers when nobody is waiting to write. */
  async rest(): Promise<void> {
    while (this.#going) await this.#going;
  }

  async #go(): Promise<void> {
    while (this.#waiting.length > 0) {
      // After the arrivals of this turn of the loop; also keeps busy writers from starving it.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commit(this.#waiting.splice(0, GROUP));
    }
    this.#going = null;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const settle: (() => void)[] = [];
    try {
      await this.#db.transaction().execute(async (trx) => {
        for (const one of group) {
          if (group.length === 1) {
            const value = await one.work(trx);
            settle.push(() => one.resolve(value as never));
          } else {
            settle.push(await apart(trx, one));
          }
        }
      });
    } catch (cause) {
      for (const { reject } of group) reject(cause);
      return;
    }
    for (const tell of settle) tell();
  }
}

/** Does one writer's work inside a savepoint. Answers how to tell it, once the commit stands. */
async function apart(trx: Transaction<Tables>, { work, resolve, reject }: Waiting): Promise<() => void> {
  await sql`savepoint one`.execute(trx);
  try {
    const value = await work(trx);
    await sql`release one`.execute(trx);
    return () => resolve(value as never);
  } catch (cause) {
    // Throws, and fails the whole group, when SQLite has already given the transaction up (a full disk).
    await sql`rollback to one`.execute(trx);
    await sql`release one`.execute(trx);
    return () => reject(cause);
  }
}
