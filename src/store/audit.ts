/**
 * The audit: lines are added and read, never changed (triggers of the database see to that).
 * Must not know what a line means.
 */
import type { Kysely } from 'kysely';
import type { AuditLine } from '../requests/ports.ts';
import type { Engine } from './engine.ts';
import { fromLine, toLine } from './rows.ts';
import type { Tables } from './schema.ts';

/** Adds lines inside somebody's transaction. */
export async function addLines(db: Kysely<Tables>, lines: readonly AuditLine[]): Promise<void> {
  if (lines.length > 0) await db.insertInto('audit').values(lines.map(fromLine)).execute();
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
