/**
 * The tables as TypeScript sees them. Only text and bigint columns, so that one schema serves SQLite and PostgreSQL:
 * JSON is text, times are epoch ms, yes and no are 1 and 0.
 * Must not know the life of a request; the tables themselves are made in `migrations/`.
 */
import type { Generated, Selectable } from 'kysely';

export interface RequestTable {
  readonly id: string;
  key: string;
  readonly capability: string;
  subject: string;
  standing: string | null;
  readonly tenant_id: string;
  requester_id: string;
  requester: string;
  place: string;
  input: string;
  state: Generated<string>;
  version: Generated<number>;
  fence: Generated<number>;
  lease_until: Generated<number>;
  next_at: number;
  attempts: Generated<number>;
  lost: Generated<string>;
  /** Whose gate holds it back. */
  remote: Generated<string>;
  note: string | null;
  outcome: string | null;
  problem: string | null;
  question: string | null;
  approval: string | null;
  is_dry: Generated<number>;
  /** When what it says of people was erased; null: never. */
  erased_at: number | null;
  /** How often something was heard from outside. */
  signals: Generated<number>;
  readonly created_at: number;
  updated_at: number;
}

export interface AnswerTable {
  readonly request_id: string;
  readonly n: number;
  readonly name: string;
  call: string;
  readonly sent_at: number;
  reply: string | null;
  /** Of the reply: 1 good, 0 a problem, null not heard of. Spares a look into the JSON, which differs per engine. */
  ok: number | null;
  heard_at: number | null;
}

export interface AuditTable {
  readonly seq: Generated<number>;
  readonly at: number;
  readonly tenant_id: string;
  readonly request_id: string | null;
  /** A part of the payload and its salt are null together once they are erased; the digest stays. */
  who: string | null;
  readonly what: string;
  detail: string | null;
  who_salt: string | null;
  readonly who_digest: string;
  detail_salt: string | null;
  readonly detail_digest: string;
}

/** Links in the order in which they were sealed. */
export interface AuditChainTable {
  readonly n: number;
  readonly seq: number;
  readonly hash: string;
}

/** One row: the last link that was cut off with all before it. */
export interface AuditCutTable {
  readonly name: string;
  n: number;
  seq: number;
  hash: string;
  at: number | null;
}

/** What is done in chunks: its counts so far, and what it has to know until it is done. */
export interface ChoreTable {
  readonly name: string;
  counts: Generated<string>;
  known: string | null;
  due_at: Generated<number>;
  lease_until: Generated<number>;
  done_at: number | null;
}

export interface MessageTable {
  readonly request_id: string;
  readonly conversation_id: string;
  activity_id: string | null;
  place: string;
  audience: Generated<string>;
  shown_version: Generated<number>;
  /** The request's version, copied at every visible change: a message that is behind is then found by index. */
  wanted_version: Generated<number>;
  lease_until: Generated<number>;
  next_at: Generated<number>;
  tries: Generated<number>;
  given_up: Generated<number>;
}

export interface SignalTable {
  readonly request_id: string;
  key: string;
  body: string;
  at: number;
}

export interface PolicyTable {
  readonly tenant_id: string;
  readonly version: number;
  readonly policy: string;
  readonly made_by: string;
  readonly made_at: number;
}

/** A row of a list. */
export interface BatchRowTable {
  readonly batch_id: string;
  readonly n: number;
  readonly line: number;
  readonly verdict: string;
  stage: string;
  subject: string | null;
  content: string;
  why: string | null;
  request_id: string | null;
}

/** When the next slot of a line is free, epoch microseconds. */
export interface PaceTable {
  readonly line: string;
  free_at_us: number;
}

export interface GateTable {
  readonly remote: string;
  until: number;
}

export interface Tables {
  requests: RequestTable;
  answers: AnswerTable;
  audit: AuditTable;
  audit_chain: AuditChainTable;
  audit_cut: AuditCutTable;
  chores: ChoreTable;
  messages: MessageTable;
  signals: SignalTable;
  gates: GateTable;
  policies: PolicyTable;
  rows: BatchRowTable;
  paces: PaceTable;
  usher_migration: { readonly name: string; readonly done_at: number };
}

export type RequestRow = Selectable<RequestTable>;
export type AnswerRow = Selectable<AnswerTable>;
export type AuditRow = Selectable<AuditTable>;
export type SignalRow = Selectable<SignalTable>;
export type MessageRow = Selectable<MessageTable>;
export type BatchRow = Selectable<BatchRowTable>;
