/**
 * A chain over the audit. A line's payload (who, detail) gets salts and digests, so that it can be erased while the chain
 * still proves itself; the chain and its cut are tables of their own. What may be done to them, the database itself sees
 * to: lines and links are added, a payload may be erased as a whole, and only what lies before the cut may be deleted.
 * Requests say when they were erased, and what is done in chunks keeps its counts in `chores`.
 * Never edited once merged; it may not use names or constants of today's code, which will move on.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { EngineName, Migration } from '../engine.ts';

const audit = (seq: string) => `create table audit (
    seq ${seq},
    at bigint not null,
    tenant_id text not null,
    request_id text,
    who text,
    what text not null,
    detail text,
    who_salt text,
    who_digest text not null,
    detail_salt text,
    detail_digest text not null
  )`;

const tables = (withoutRowid: string) => [
  `create table audit_chain (
    n bigint not null primary key,
    seq bigint not null unique,
    hash text not null
  ) ${withoutRowid}`,
  `create table audit_cut (
    name text not null primary key,
    n bigint not null,
    seq bigint not null,
    hash text not null,
    at bigint
  )`,
  `insert into audit_cut (name, n, seq, hash) values ('cut', 0, 0, '${'0'.repeat(64)}')`,
  `create table chores (
    name text not null primary key,
    counts text not null default '{}',
    known text,
    due_at bigint not null default 0,
    lease_until bigint not null default 0,
    done_at bigint
  ) ${withoutRowid}`,
  'alter table requests add column erased_at bigint',
];

const SAME = `new.seq = old.seq and new.at = old.at and new.tenant_id = old.tenant_id and new.what = old.what
  and new.who_digest = old.who_digest and new.detail_digest = old.detail_digest`;
const BELOW = 'select 1 from audit_chain as link join audit_cut as cut on link.n <= cut.n where link.seq = old.seq';
const NEXT = 'coalesce((select max(n) from audit_chain), (select n from audit_cut)) + 1';
const ON_CHAIN = 'select 1 from audit_chain where n = new.n and seq = new.seq and hash = new.hash';

const erasable = (same: string) =>
  `((new.who ${same} old.who and new.who_salt ${same} old.who_salt) or (new.who is null and new.who_salt is null))
   and ((new.detail ${same} old.detail and new.detail_salt ${same} old.detail_salt)
     or (new.detail is null and new.detail_salt is null))
   and new.request_id ${same} old.request_id`;

const refuse = (what: string) => `begin select raise(abort, 'the ${what} is append-only'); end`;

const SQLITE = [
  'drop trigger audit_keeps',
  'drop trigger audit_stays',
  'drop trigger audit_grows',
  'drop index audit_by_request',
  'alter table audit rename to audit_before',
  // Grows without `autoincrement`: the newest line is never deleted.
  audit('integer primary key'),
  'create index audit_by_request on audit (request_id, seq)',
  ...tables('without rowid'),
];

const SQLITE_GUARDS = [
  `create trigger audit_keeps before update on audit when not (${SAME} and ${erasable('is')}) ${refuse('audit')}`,
  `create trigger audit_stays before delete on audit when not exists (${BELOW}) ${refuse('audit')}`,
  // `insert or replace` would delete the old line without asking the trigger above.
  `create trigger audit_grows before insert on audit when exists (select 1 from audit where seq = new.seq)
    ${refuse('audit')}`,
  `create trigger audit_chain_keeps before update on audit_chain ${refuse('chain of the audit')}`,
  `create trigger audit_chain_stays before delete on audit_chain when old.n > (select n from audit_cut)
    ${refuse('chain of the audit')}`,
  `create trigger audit_chain_grows before insert on audit_chain
    when new.n <> ${NEXT} or exists (select 1 from audit_chain where seq = new.seq) ${refuse('chain of the audit')}`,
  `create trigger audit_cut_moves before update on audit_cut
    when new.name <> old.name or new.n <= old.n or not exists (${ON_CHAIN}) ${refuse('cut of the audit')}`,
  `create trigger audit_cut_stays before delete on audit_cut ${refuse('cut of the audit')}`,
  `create trigger audit_cut_once before insert on audit_cut ${refuse('cut of the audit')}`,
];

const POSTGRES = [
  'drop trigger audit_keeps on audit',
  'drop function usher_audit_is_append_only()',
  'drop index audit_by_request',
  'alter table audit rename to audit_before',
  audit('bigserial primary key'),
  'create index audit_by_request on audit (request_id, seq)',
  ...tables(''),
];

const POSTGRES_GUARDS = [
  `create function usher_audit_is_append_only() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' then
        if exists (${BELOW}) then return old; end if;
      elsif tg_op = 'UPDATE' then
        if ${SAME} and ${erasable('is not distinct from')} then return new; end if;
      end if;
      raise exception 'the audit is append-only';
    end $$`,
  `create function usher_audit_chain_is_append_only() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' then
        if old.n <= (select n from audit_cut) then return old; end if;
      elsif tg_op = 'INSERT' then
        if new.n = ${NEXT} then return new; end if;
      end if;
      raise exception 'the chain of the audit is append-only';
    end $$`,
  `create function usher_audit_cut_only_moves() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' then
        if new.name = old.name and new.n > old.n and exists (${ON_CHAIN}) then return new; end if;
      end if;
      raise exception 'the cut of the audit is append-only';
    end $$`,
  'create trigger audit_keeps before update or delete on audit for each row execute function usher_audit_is_append_only()',
  'create trigger audit_stays before truncate on audit for each statement execute function usher_audit_is_append_only()',
  `create trigger audit_chain_keeps before insert or update or delete on audit_chain
    for each row execute function usher_audit_chain_is_append_only()`,
  `create trigger audit_chain_stays before truncate on audit_chain
    for each statement execute function usher_audit_chain_is_append_only()`,
  `create trigger audit_cut_keeps before insert or update or delete on audit_cut
    for each row execute function usher_audit_cut_only_moves()`,
  `create trigger audit_cut_stays before truncate on audit_cut
    for each statement execute function usher_audit_cut_only_moves()`,
];

/** Lines copied per statement. */
const PAGE = 500;

export function proof(engine: EngineName): Migration {
  return {
    async up(db) {
      const run = async (statements: readonly string[]) => {
        for (const statement of statements) await sql.raw(statement).execute(db);
      };
      await run(engine === 'sqlite' ? SQLITE : POSTGRES);
      await copyLines(db);
      if (engine === 'postgres')
        await sql`select setval(pg_get_serial_sequence('audit', 'seq'), max(seq)) from audit having max(seq) > 0`.execute(
          db,
        );
      await run(['drop table audit_before', ...(engine === 'sqlite' ? SQLITE_GUARDS : POSTGRES_GUARDS)]);
    },
  };
}

/** The lines written so far, each with the digests of its payload. */
// biome-ignore lint/suspicious/noExplicitAny: the tables of its day, not those of today
async function copyLines(db: Kysely<any>): Promise<void> {
  for (let after = 0; ; ) {
    const lines = await db
      .selectFrom('audit_before')
      .selectAll()
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(PAGE)
      .execute();
    if (lines.length === 0) return;
    await db
      .insertInto('audit')
      .values(
        lines.map((line) => {
          const [who_salt, who_digest] = digested(line['who']);
          const [detail_salt, detail_digest] = digested(line['detail']);
          return { ...line, who_salt, who_digest, detail_salt, detail_digest };
        }),
      )
      .execute();
    after = lines.at(-1)?.['seq'];
  }
}

function digested(text: string | null): readonly [string, string] {
  const salt = randomBytes(16).toString('hex');
  return [
    salt,
    createHash('sha256')
      .update(JSON.stringify([salt, text]))
      .digest('hex'),
  ];
}
