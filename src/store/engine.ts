/**
 * What the store needs from a database engine, and what every value goes through on its way into one.
 * Must not know which engine it is (`sqlite.ts`, `postgres.ts`) or any table's meaning.
 */
import type { Kysely, RawBuilder, Transaction } from 'kysely';
import type { Tables } from './schema.ts';

export type EngineName = 'sqlite' | 'postgres';

export interface Engine {
  readonly name: EngineName;
  /** For reading. On SQLite it waits for a transaction under way, so it never sees half of one. */
  readonly db: Kysely<Tables>;
  /**
   * Runs `work` as one transaction and answers once it is on disk. `work` may await nothing but `trx`: on SQLite others
   * share its commit.
   */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Like `write`, for work that is one statement: spares PostgreSQL the two round trips around it. */
  writeOne<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T>;
  /** SQL that tells other processes, at commit, that something was queued. Null where nobody could hear it. */
  readonly tellQueued: RawBuilder<unknown> | null;
  onWake(wake: () => void): void;
  /** Has what was erased leave the files, as far as the engine can: nothing is guaranteed of copies and backups. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}

/** One step of the schema. It runs inside a transaction, together with the note that it ran. */
export interface Migration {
  // biome-ignore lint/suspicious/noExplicitAny: the tables of its day, not those of today
  up(db: Kysely<any>): Promise<void>;
}

/**
 * A value as both engines keep it alike. PostgreSQL refuses U+0000 in text and libsql cuts the text off there: it is
 * dropped, in what is written and in what is looked for. (In JSON it is escaped and survives.) A fraction of a
 * millisecond, which PostgreSQL refuses and SQLite keeps, is rounded up, so that nothing is due early.
 */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '') : value;
  if (typeof value !== 'number') return value;
  if (!Number.isFinite(value)) throw new Error(`${value} cannot be stored`);
  return Math.ceil(value);
}
