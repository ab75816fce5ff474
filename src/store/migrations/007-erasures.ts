/**
 * From now on a line of the audit tells whenever something of others is erased. Of what is gone already it is told here, once
 * and for all: until now nobody could tell an erased payload from one that was taken out.
 * Never edited once merged; it may not use names or constants of today's code, which will move on.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Migration } from '../engine.ts';

/** Lines that one new line tells of, at most. */
const PAGE = 1_000;

export const erasures: Migration = {
  async up(db) {
    const at = Date.now();
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const page = await pageAfter(db, after);
      const last = page.at(-1);
      if (!last) return;
      for (const tenant of new Set(page.map(({ tenant_id }) => tenant_id))) {
        const theirs = page.filter(({ tenant_id }) => tenant_id === tenant);
        const who = spans(theirs.filter(({ who_salt }) => who_salt === null));
        const detail = spans(theirs.filter(({ detail_salt }) => detail_salt === null));
        const told = { why: 'erased before this was recorded', ...(who ? { who } : {}), ...(detail ? { detail } : {}) };
        await db
          .insertInto('audit')
          .values(line(at, tenant, JSON.stringify(told)))
          .execute();
      }
      after = last.seq;
    }
  },
};

interface Row {
  readonly seq: number;
  readonly tenant_id: string;
  readonly who_salt: string | null;
  readonly detail_salt: string | null;
}

// biome-ignore lint/suspicious/noExplicitAny: the tables of its day, not those of today
function pageAfter(db: Kysely<any>, after: number): Promise<readonly Row[]> {
  return db
    .selectFrom('audit')
    .select(['seq', 'tenant_id', 'who_salt', 'detail_salt'])
    .where('seq', '>', after)
    .where((where) => where.or([where('who_salt', 'is', null), where('detail_salt', 'is', null)]))
    .orderBy('seq')
    .limit(PAGE)
    .execute();
}

/** Seqs as a line tells them: `3..7 9`. */
function spans(rows: readonly Row[]): string {
  const found: [number, number][] = [];
  for (const { seq } of rows) {
    const before = found.at(-1);
    if (before && before[1] + 1 === seq) before[1] = seq;
    else found.push([seq, seq]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}..${last}`)).join(' ');
}

function line(at: number, tenant: string, detail: string) {
  const [who_salt, who_digest] = digested('usher');
  const [detail_salt, detail_digest] = digested(detail);
  const payload = { who: 'usher', who_salt, who_digest, detail, detail_salt, detail_digest };
  return { at, tenant_id: tenant, request_id: null, what: 'erased', ...payload };
}

function digested(text: string): readonly [string, string] {
  const salt = randomBytes(16).toString('hex');
  return [
    salt,
    createHash('sha256')
      .update(JSON.stringify([salt, text]))
      .digest('hex'),
  ];
}
