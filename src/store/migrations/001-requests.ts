/**
 * The first schema: requests, their answers, the audit, the messages, the gates.
 * Never edited once merged; it may not use names or constants of today's code, which will move on.
 */
import { sql } from 'kysely';
import type { EngineName, Migration } from '../engine.ts';

/** `withoutRowid` stores a table of SQLite inside its primary key: one page less to write per new row. */
const tables = (withoutRowid: string) => [
  `create table requests (
    id text not null primary key,
    key text not null unique,
    capability text not null,
    subject text not null,
    standing text,
    tenant_id text not null,
    requester_id text not null,
    requester text not null,
    place text not null,
    input text not null,
    state text not null default 'queued',
    version bigint not null default 1,
    fence bigint not null default 0,
    lease_until bigint not null default 0,
    next_at bigint not null,
    attempts bigint not null default 0,
    lost text not null default '[]',
    remote text not null default 'graph',
    note text,
    outcome text,
    problem text,
    question text,
    created_at bigint not null,
    updated_at bigint not null
  )`,
  // The queue itself: one index gives both due requests and dropped ones in the order in which they fell due.
  `create index requests_due on requests ((case state when 'sending' then lease_until else next_at end), remote)
    where state in ('queued', 'waiting', 'sending')`,
  'create index requests_by_requester on requests (tenant_id, requester_id, created_at)',
  'create index requests_by_subject on requests (tenant_id, subject, created_at)',
  'create index requests_by_capability on requests (tenant_id, capability, created_at)',
  `create table answers (
    request_id text not null references requests (id),
    n bigint not null,
    name text not null,
    call text not null,
    sent_at bigint not null,
    reply text,
    ok bigint,
    heard_at bigint,
    primary key (request_id, n)
  ) ${withoutRowid}`,
  `create table messages (
    request_id text not null references requests (id),
    conversation_id text not null,
    activity_id text,
    place text not null,
    shown_version bigint not null default 0,
    wanted_version bigint not null default 1,
    lease_until bigint not null default 0,
    next_at bigint not null default 0,
    tries bigint not null default 0,
    given_up bigint not null default 0,
    primary key (request_id, conversation_id)
  ) ${withoutRowid}`,
  `create index messages_behind on messages ((case when lease_until > next_at then lease_until else next_at end))
    where given_up = 0 and shown_version < wanted_version`,
  'create table gates (remote text not null primary key, until bigint not null)',
];

const audit = (seq: string) => [
  `create table audit (
    seq ${seq},
    at bigint not null,
    tenant_id text not null,
    request_id text,
    who text not null,
    what text not null,
    detail text
  )`,
  'create index audit_by_request on audit (request_id, seq)',
];

const SQLITE = [
  ...tables('without rowid'),
  // Grows without `autoincrement` (and its extra page per commit): no line is ever deleted.
  ...audit('integer primary key'),
  `create trigger audit_keeps before update on audit begin select raise(abort, 'the audit is append-only'); end`,
  `create trigger audit_stays before delete on audit begin select raise(abort, 'the audit is append-only'); end`,
  // `insert or replace` would delete the old line without asking the trigger above.
  `create trigger audit_grows before insert on audit when exists (select 1 from audit where seq = new.seq)
    begin select raise(abort, 'the audit is append-only'); end`,
];

const POSTGRES = [
  ...tables(''),
  ...audit('bigserial primary key'),
  `create function usher_audit_is_append_only() returns trigger language plpgsql as
    $$ begin raise exception 'the audit is append-only'; end $$`,
  `create trigger audit_keeps before update or delete or truncate on audit
    for each statement execute function usher_audit_is_append_only()`,
];

export function requests(engine: EngineName): Migration {
  return {
    async up(db) {
      for (const statement of engine === 'sqlite' ? SQLITE : POSTGRES) await sql.raw(statement).execute(db);
    },
  };
}
