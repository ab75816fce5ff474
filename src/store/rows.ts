/**
 * Between rows and the things the spine knows: a request, an answer, a message, a line of the audit.
 * Must not know SQL or which engine it is.
 */
import type { Insertable } from 'kysely';
import type { Answer } from '../requests/capability.ts';
import type { AuditLine, Change, Draft, Message } from '../requests/ports.ts';
import { type ChainLine, sealPart } from '../requests/proof/chain.ts';
import type { Audience, Request, RequestState } from '../requests/request.ts';
import { storable } from './engine.ts';
import type { AnswerRow, AnswerTable, AuditRow, AuditTable, MessageRow, RequestRow, RequestTable } from './schema.ts';

/** JSON as the column holds it; absent and null are both the column's null. */
export function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

function parsed<T>(text: string | null): T | null {
  return text === null ? null : JSON.parse(text);
}

export function toRequest(row: RequestRow): Request {
  return {
    id: row.id,
    key: row.key,
    capability: row.capability,
    subject: row.subject,
    standing: row.standing,
    tenantId: row.tenant_id,
    requester: JSON.parse(row.requester),
    place: JSON.parse(row.place),
    input: JSON.parse(row.input),
    state: row.state as RequestState,
    version: row.version,
    fence: row.fence,
    nextAt: row.next_at,
    signals: row.signals,
    attempts: row.attempts,
    lost: JSON.parse(row.lost),
    note: parsed(row.note),
    outcome: parsed(row.outcome),
    problem: parsed(row.problem),
    question: parsed(row.question),
    approval: parsed(row.approval),
    isDry: row.is_dry === 1,
    erasedAt: row.erased_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The columns a draft fills; the others begin as the table says. */
export function fromDraft(draft: Draft, now: number): Insertable<RequestTable> {
  return {
    id: draft.id,
    key: draft.key,
    capability: draft.capability,
    subject: draft.subject,
    tenant_id: draft.place.tenantId,
    requester_id: draft.requester.id,
    requester: JSON.stringify(draft.requester),
    place: JSON.stringify(draft.place),
    input: JSON.stringify(draft.input ?? null),
    is_dry: draft.isDry ? 1 : 0,
    approval: json(draft.approval),
    next_at: now,
    created_at: now,
    updated_at: now,
  };
}

export function toAnswer(row: AnswerRow): Answer {
  return { n: row.n, call: JSON.parse(row.call), sentAt: row.sent_at, reply: parsed(row.reply), heardAt: row.heard_at };
}

export function fromSends(id: string, { n, call, sentAt }: NonNullable<Change['sends']>): Insertable<AnswerTable> {
  const mark = { request_id: id, n, name: call.name, call: JSON.stringify(call), sent_at: sentAt };
  return { ...mark, reply: null, ok: null, heard_at: null };
}

export function fromHeard(id: string, heard: NonNullable<Change['heard']>, at: number): Insertable<AnswerTable> {
  const { reply } = heard;
  return { ...fromSends(id, heard), reply: JSON.stringify(reply), ok: reply.ok ? 1 : 0, heard_at: at };
}

export function toMessage(row: MessageRow): Message {
  return {
    requestId: row.request_id,
    place: JSON.parse(row.place),
    audience: row.audience as Audience,
    activityId: row.activity_id,
    shownVersion: row.shown_version,
    tries: row.tries,
  };
}

export function toLine(row: AuditRow): AuditLine {
  const { at, tenant_id: tenantId, request_id: requestId, who, what } = row;
  const line = { at, tenantId, requestId, who: who ?? '', what };
  return row.detail === null ? line : { ...line, detail: JSON.parse(row.detail) };
}

export function fromLine(line: AuditLine): Insertable<AuditTable> {
  const { at, tenantId, requestId, who, what, detail } = line;
  // As the database will hold it, or the digest would be of another text.
  const name = sealPart(storable(who) as string);
  const more = sealPart(json(detail));
  return {
    at,
    tenant_id: tenantId,
    request_id: requestId,
    who: name.text,
    what,
    detail: more.text,
    who_salt: name.salt,
    who_digest: name.digest,
    detail_salt: more.salt,
    detail_digest: more.digest,
  };
}

/** A line as the chain sees it. */
export function toChainLine(row: AuditRow): ChainLine {
  return {
    seq: row.seq,
    at: row.at,
    tenantId: row.tenant_id,
    requestId: row.request_id,
    what: row.what,
    who: { text: row.who, salt: row.who_salt, digest: row.who_digest },
    detail: { text: row.detail, salt: row.detail_salt, digest: row.detail_digest },
  };
}
