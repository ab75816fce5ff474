/**
 * The audit as a CSV file for whoever asked for it: a line per line of the audit, and last the head of the chain.
 * Must not know SQL, cards, or how a file gets to a person.
 */
import type { Document } from '../documents.ts';
import { writeTable } from '../many/csv.ts';
import type { Clock, Store } from '../ports.ts';
import { bad, good, problem } from '../problem.ts';
import type { Request } from '../request.ts';
import type { AuditEntry, Span } from './keeping.ts';
import { turn, verifyAudit } from './verifying.ts';

export interface AuditFileParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Entra object ids of those who may. */
  readonly admins: ReadonlySet<string>;
}

/** What a request for the audit asks for: days for people, epoch ms for the store. */
export interface AuditInput {
  /** ISO dates, in the time zone of whoever asked; `to` absent: until it was asked. */
  readonly from: string;
  readonly to?: string;
  readonly fromMs: number;
  readonly untilMs?: number;
}

/** The span that a request asked for: never beyond the moment of asking, so that the file has what the card counted. */
export function spanOf({ tenantId, createdAt, input }: Pick<Request, 'tenantId' | 'createdAt' | 'input'>): Span {
  const { fromMs, untilMs = createdAt } = input as AuditInput;
  return { tenantId, from: fromMs, until: Math.min(untilMs, createdAt) };
}

const COLUMNS = ['at', 'who', 'who id', 'what', 'request', 'capability', 'subject', 'detail'];
const PAGE = 500;
/** Bytes of the mark at the beginning of every table, of which a file has one. */
const MARK = 3;

/** Makes the file of a request, for whoever asked for it, who still has to be an admin. */
export function auditFile({ store, clock, admins }: AuditFileParts): Document {
  return async (request, who) => {
    if (!admins.has(who.id)) return bad(problem('denied', 'problem.adminsOnly'));
    const { keeping } = store;
    const verdict = await verifyAudit(keeping);
    const pages = [writeTable([COLUMNS])];
    const add = (rows: readonly (readonly string[])[]): void => {
      if (rows.length > 0) pages.push(writeTable(rows).subarray(MARK));
    };
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const page = await keeping.entries(spanOf(request), after, PAGE);
      add(page.map(rowOf));
      if (page.length < PAGE) break;
      after = page.at(-1)?.seq ?? after;
      await turn();
    }
    const state = verdict.ok
      ? { links: verdict.head.n, head: verdict.head.hash, verifies: 'yes' }
      : { verifies: 'no', broken: verdict.why.key };
    add([[iso(clock.now()), 'Usher', 'usher', 'chain', '', '', '', detailOf(state)]]);
    const { from, to } = request.input as AuditInput;
    const last = to ?? iso(request.createdAt).slice(0, 10);
    return good({ name: `audit-${from}-${last}.csv`, bytes: joined(pages) });
  };
}

function joined(pages: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pages.reduce((sum, page) => sum + page.length, 0));
  let at = 0;
  for (const page of pages) {
    bytes.set(page, at);
    at += page.length;
  }
  return bytes;
}

const rowOf = ({ at, who, name, what, requestId, capability, subject, detail }: AuditEntry): readonly string[] => [
  iso(at),
  who === null ? '(erased)' : who === 'usher' ? 'Usher' : (name ?? ''),
  who ?? '',
  what,
  requestId ?? '',
  capability ?? '',
  subject ?? '',
  detailOf(detail),
];

const iso = (ms: number): string => new Date(ms).toISOString();

const detailOf = (detail: AuditEntry['detail']): string =>
  Object.entries(detail ?? {})
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ');
