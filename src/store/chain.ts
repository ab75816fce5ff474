/**
 * The chain over the audit: lines are sealed afterwards and by one process at a time, so that writing a line waits for
 * nobody. Must not know what a line means; hashes are `requests/proof/chain.ts`'s.
 *
 * On PostgreSQL a line may become visible after one with a higher seq: a line's place in the chain is the order of
 * sealing. Lines that came late are looked for behind those sealed lately, and from time to time behind all.
 *
 * What a line costs, measured before and after it had digests (16 writers, one line each, Node 20, two busy cores): on SQLite
 * 68-78 µs of CPU then and 71-85 now, on PostgreSQL 95-148 and 128-191; 1,700-2,000 lines/s and 2,300-2,600, 1,200-1,450 and
 * 1,050-1,250: the difference is within what the machine varies by itself.
 */
import { sql } from 'kysely';
import type { Anchor, ChainLine, Cut, Link } from '../requests/proof/chain.ts';
import { linkOf } from '../requests/proof/chain.ts';
import type { Engine } from './engine.ts';
import { toChainLine } from './rows.ts';
import type { AuditRow } from './schema.ts';

/** No transaction here is older than this, ms: a line that comes later than that is found by the look at all. */
const LATE_MS = 10 * 60_000;
/** How often all lines are looked at, ms: a million take PostgreSQL about a second. */
const LOOK_AT_ALL_MS = 60 * 60_000;

/** Less than any line's: nobody keeps somebody with the database's rights from choosing one below zero. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;

/** Where a process looks for lines that are not sealed. */
export class Sealer {
  readonly #engine: Engine;
  /** Lines up to this one are sealed, as far as we looked. */
  #after = BEFORE_ALL;
  #lookedAtAll = Number.NEGATIVE_INFINITY;
  /** The highest line sealed, now and some time ago. */
  #marks: { readonly at: number; readonly seq: number }[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async seal(limit: number, all: boolean, now = Date.now()): Promise<number> {
    const isLate = this.#engine.name === 'postgres';
    if (all || now - this.#lookedAtAll > LOOK_AT_ALL_MS) {
      this.#after = BEFORE_ALL;
      this.#lookedAtAll = now;
    }
    const sealed = await this.#page(limit, isLate ? this.#after : null);
    const last = sealed.at(-1);
    if (last !== undefined && sealed.length === limit) this.#after = last;
    else this.#after = this.#lateAfter(last, now);
    return sealed.length;
  }

  /** Behind this line none can come late any more. */
  #lateAfter(last: number | undefined, now: number): number {
    if (last !== undefined) this.#marks.push({ at: now, seq: last });
    const old = this.#marks.findLastIndex(({ at }) => at < now - LATE_MS);
    if (old > 0) this.#marks = this.#marks.slice(old);
    return old < 0 ? BEFORE_ALL : (this.#marks[0]?.seq ?? BEFORE_ALL);
  }

  /** Seals one page in one transaction; answers the lines. `after` null: after the last one sealed. */
  #page(limit: number, after: number | null): Promise<readonly number[]> {
    return this.#engine.write(async (trx) => {
      const cut = await trx
        .selectFrom('audit_cut')
        .selectAll()
        .$if(this.#engine.name === 'postgres', (query) => query.forUpdate().skipLocked())
        .executeTakeFirst();
      // Another process is at it.
      if (!cut) return [];
      const last = await trx.selectFrom('audit_chain').selectAll().orderBy('n', 'desc').limit(1).executeTakeFirst();
      let { n, hash }: Anchor = last ?? cut;
      // On SQLite one writes at a time and a later line has a higher seq.
      const from = after ?? Number(last?.seq ?? cut.seq);
      const { rows } = await sql<AuditRow>`
        select * from audit where seq > ${from}
          and not exists (select 1 from audit_chain as link where link.seq = audit.seq)
        order by seq limit ${limit}`.execute(trx);
      if (rows.length === 0) return [];
      const links = rows.map((row) => {
        hash = linkOf(hash, toChainLine(row));
        n++;
        return { n, seq: row.seq, hash };
      });
      await trx.insertInto('audit_chain').values(links).execute();
      return links.map(({ seq }) => seq);
    });
  }
}

export async function chain(engine: Engine): Promise<{ readonly cut: Cut; readonly head: Anchor }> {
  const cut = await engine.db.selectFrom('audit_cut').selectAll().executeTakeFirstOrThrow();
  const last = await engine.db.selectFrom('audit_chain').selectAll().orderBy('n', 'desc').limit(1).executeTakeFirst();
  const begins = { n: cut.n, hash: cut.hash, at: cut.at };
  return { cut: begins, head: last ? { n: last.n, hash: last.hash } : { n: cut.n, hash: cut.hash } };
}

export async function links(engine: Engine, after: number, limit: number): Promise<readonly Link[]> {
  const { rows } = await sql<AuditRow & { n: number; hash: string; link_seq: number }>`
    select audit.*, link.n, link.hash, link.seq as link_seq
    from audit_chain as link left join audit on audit.seq = link.seq
    where link.n > ${after} order by link.n limit ${limit}`.execute(engine.db);
  return rows.map((row) => ({
    n: row.n,
    hash: row.hash,
    seq: row.link_seq,
    line: row.what === null ? null : toChainLine(row),
  }));
}

/** Looks at a page of lines for those in no link. A page at a time, because SQLite holds everybody up meanwhile. */
export async function unsealed(
  engine: Engine,
  after: number,
  limit: number,
): Promise<{ readonly lines: readonly ChainLine[]; readonly last: number | null }> {
  const { rows } = await sql<AuditRow & { link: number | null }>`
    select page.*, link.n as link
    from (select * from audit where seq > ${after} order by seq limit ${limit}) as page
      left join audit_chain as link on link.seq = page.seq
    order by page.seq`.execute(engine.db);
  return { lines: rows.filter(({ link }) => link === null).map(toChainLine), last: rows.at(-1)?.seq ?? null };
}
