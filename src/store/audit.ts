/**
 * The audit: lines are added and read; of an old one only the payload may be erased (triggers of the database see to that),
 * and a line tells of it. Must not know what any other line means.
 */
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { AuditLine } from '../requests/ports.ts';
import { ERASING, type PartName, tellErased } from '../requests/proof/erasures.ts';
import type { AuditEntry, Span } from '../requests/proof/keeping.ts';
import type { Engine } from './engine.ts';
import { fromLine, toLine } from './rows.ts';
import type { Tables } from './schema.ts';

/** Adds lines inside somebody's transaction. */
export async function addLines(db: Kysely<Tables>, lines: readonly AuditLine[]): Promise<void> {
  if (lines.length > 0) await db.insertInto('audit').values(lines.map(fromLine)).execute();
}

/** Lines whose part a condition picks. */
export type Picked = Readonly<Partial<Record<PartName, RawBuilder<boolean>>>>;

/**
 * Erases parts of lines, and tells of it in a line of the same transaction: without one, what is gone was taken out by
 * somebody else. Of how many lines anything was erased; of those that tell of erasing nothing ever is.
 */
export async function eraseParts(
  trx: Transaction<Tables>,
  picked: Picked,
  line: Pick<AuditLine, 'at' | 'tenantId' | 'requestId'>,
): Promise<number> {
  const erase = async (part: PartName, condition: RawBuilder<boolean> | undefined): Promise<readonly number[]> => {
    if (!condition) return [];
    const salt = `${part}_salt` as const;
    const rows = await trx
      .updateTable('audit')
      .set({ [part]: null, [salt]: null })
      .where(condition)
      .where(salt, 'is not', null)
      .where('what', '<>', ERASING)
      .returning('seq')
      .execute();
    return rows.map(({ seq }) => seq);
  };
  const erased = { who: await erase('who', picked.who), detail: await erase('detail', picked.detail) };
  const { size } = new Set([...erased.who, ...erased.detail]);
  if (size > 0) await addLines(trx, [{ ...line, who: 'usher', what: ERASING, detail: tellErased(erased) }]);
  return size;
}

export function audit(engine: Engine, lines: readonly AuditLine[]): Promise<void> {
  return engine.writeOne((db) => addLines(db, lines));
}

export async function auditOf(engine: Engine, requestId: string): Promise<readonly AuditLine[]> {
  const rows = await engine.db
    .selectFrom('audit')
    .selectAll()
    .where('request_id', '=', requestId)
    .orderBy('seq')
    .execute();
  return rows.map(toLine);
}

/** The lines of a span, in pages by seq, each with what its request is about and who that was. */
export async function entries(
  engine: Engine,
  { tenantId, from, until }: Span,
  after: number,
  limit: number,
): Promise<readonly AuditEntry[]> {
  const { rows } = await sql<EntryRow>`
    select audit.seq, audit.at, audit.who, audit.what, audit.detail, audit.request_id,
      request.capability, request.subject,
      (select other.requester from requests as other
        where other.tenant_id = audit.tenant_id and other.requester_id = audit.who limit 1) as requester
    from audit left join requests as request on request.id = audit.request_id
    where audit.tenant_id = ${tenantId} and audit.at >= ${from} and audit.at < ${until} and audit.seq > ${after}
    order by audit.seq limit ${limit}`.execute(engine.db);
  return rows.map(({ seq, at, who, what, detail, request_id, capability, subject, requester }) => ({
    seq,
    at,
    who,
    name: requester === null ? null : (JSON.parse(requester) as { name: string }).name,
    what,
    detail: detail === null ? null : JSON.parse(detail),
    requestId: request_id,
    capability,
    subject,
  }));
}

export async function countEntries(engine: Engine, { tenantId, from, until }: Span): Promise<number> {
  const { count } = await engine.db
    .selectFrom('audit')
    .select(sql<number>`count(*)`.as('count'))
    .where('tenant_id', '=', tenantId)
    .where('at', '>=', from)
    .where('at', '<', until)
    .executeTakeFirstOrThrow();
  return Number(count);
}

interface EntryRow {
  readonly seq: number;
  readonly at: number;
  readonly who: string | null;
  readonly what: string;
  readonly detail: string | null;
  readonly request_id: string | null;
  readonly capability: string | null;
  readonly subject: string | null;
  readonly requester: string | null;
}
