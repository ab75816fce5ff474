/**
 * PostgreSQL: the store of several processes or machines. A pool for the queries, and one client that only listens for
 * other processes' word that something was queued.
 * Must not know any table. No message or log line of this file may hold the database URL: it has a password in it.
 */
import { randomUUID } from 'node:crypto';
import { Kysely, PostgresDialect, PostgresQueryCompiler, sql } from 'kysely';
import type { Client, ClientConfig } from 'pg';
import type { Log } from '../requests/ports.ts';
import { type Engine, storable } from './engine.ts';
import type { Tables } from './schema.ts';

/** The channel other processes are woken through: of this schema, since channels are the whole database's. */
const CHANNEL = "'usher_' || md5(current_schema())";

const POOL = 10;
const CONNECT_MS = 10_000;
/** First and longest pause before the listener tries again. Meanwhile the due times of the queue are the backstop. */
const RETRY_MS = 250;
const LONGEST_RETRY_MS = 15_000;
/** OID of bigint, which `pg` leaves as text. All of ours are below 2^53. */
const INT8 = 20;

export async function openPostgres(databaseUrl: string, log: Log | undefined): Promise<Engine> {
  // Checked here, because the error of `new URL` carries the text it was given.
  if (!URL.canParse(databaseUrl))
    throw new Error('the database URL cannot be read (not shown: it may hold a password)');
  const { default: pg } = await import('pg');
  const connection: ClientConfig = {
    connectionString: databaseUrl,
    application_name: 'usher',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: CONNECT_MS,
    types: {
      getTypeParser: ((oid: number, format: never) =>
        oid === INT8 && format !== 'binary'
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  };
  const pool = new pg.Pool({ ...connection, max: POOL, idleTimeoutMillis: 30_000 });
  // A client that breaks is replaced by the pool, and its query fails; but an event nobody hears ends the process.
  pool.on('error', (cause) => log?.warn('store.connection.lost', { reason: cause.message }));
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<Tables>({ dialect: new StorableDialect({ pool }) });
  const ourselves = randomUUID();
  const listener = new Listener(() => new pg.Client(connection), ourselves, log);
  const writing = new Set<Promise<unknown>>();
  const untilDone = <T>(write: Promise<T>): Promise<T> => {
    const settled = write.catch(() => {}).finally(() => writing.delete(settled));
    writing.add(settled);
    return write;
  };
  return {
    name: 'postgres',
    db,
    write: (work) => untilDone(db.transaction().execute(work)),
    writeOne: (work) => untilDone(work(db)),
    tellQueued: sql`pg_notify(${sql.raw(CHANNEL)}, ${sql.lit(ourselves)})`,
    onWake: (wake) => listener.add(wake),
    async scrub() {
      // Old row versions go now instead of at the next autovacuum; of the log before it (WAL) and backups the server decides.
      await untilDone(sql`vacuum (skip_locked) requests, answers, signals, audit, chores`.execute(db));
    },
    async close() {
      // Kysely turns away who is still waiting for a connection.
      await Promise.all(writing);
      await Promise.all([listener.close(), db.destroy()]);
      // Kysely ends only a pool that it has used.
      if (!pool.ended) await pool.end();
    },
  };
}

class StorableCompiler extends PostgresQueryCompiler {
  protected override addParameter(parameter: unknown): void {
    super.addParameter(storable(parameter));
  }
}

class StorableDialect extends PostgresDialect {
  override createQueryCompiler(): PostgresQueryCompiler {
    return new StorableCompiler();
  }
}

/** Listens on a connection of its own, and comes back when that breaks. */
class Listener {
  readonly #make: () => Client;
  /** The payload of our own notices: what we queued ourselves need not wake us. */
  readonly #ourselves: string;
  readonly #log: Log | undefined;
  readonly #wakes: (() => void)[] = [];
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pauseMs = RETRY_MS;
  #closed = false;

  constructor(make: () => Client, ourselves: string, log: Log | undefined) {
    this.#make = make;
    this.#ourselves = ourselves;
    this.#log = log;
  }

  add(wake: () => void): void {
    this.#wakes.push(wake);
    if (this.#wakes.length === 1) void this.#listen();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  async #listen(): Promise<void> {
    const client = this.#make();
    this.#client = client;
    client.on('error', (cause) => this.#lost(client, cause));
    client.on('end', () => this.#lost(client, new Error('the connection ended')));
    client.on('notification', ({ payload }) => {
      if (payload !== this.#ourselves) this.#wake();
    });
    try {
      await client.connect();
      const { rows } = await client.query<{ channel: string }>(`select ${CHANNEL} as channel`);
      await client.query(`listen ${rows[0]?.channel}`);
      this.#pauseMs = RETRY_MS;
      // What was queued before we listened was said to nobody.
      if (!this.#closed) this.#wake();
    } catch (cause) {
      this.#lost(client, cause as Error);
    }
  }

  #lost(client: Client, cause: Error): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = null;
    client.end().catch(() => {});
    this.#log?.warn('store.listener.lost', { reason: cause.message, againInMs: this.#pauseMs });
    this.#timer = setTimeout(() => void this.#listen(), this.#pauseMs);
    this.#timer.unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_RETRY_MS);
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
  }
}
