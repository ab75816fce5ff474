/**
 * The audit as a CSV file for whoever asked for it: a line per line of the audit, and last the head of the chain.
 * RFC 4180, UTF-8 with a mark, so that Excel reads it. Must not know SQL, cards, or how a file gets to a person.
 */
import type { Clock, Store } from '../ports.ts';
import { type Problem, problem } from '../problem.ts';
import type { Person, Request } from '../request.ts';
import type { AuditEntry, Span } from './keeping.ts';
import { turn, verifyAudit } from './verifying.ts';

export interface AuditFileParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Entra object ids of those who may. */
  readonly admins: ReadonlySet<string>;
}

export interface FileOf {
  readonly name: string;
  readonly bytes: Uint8Array;
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

/** Makes the file of a request, for its requester, who still has to be an admin. */
export function auditFile({ store, clock, admins }: AuditFileParts) {
  return async (request: Request, who: Pick<Person, 'id'>): Promise<FileOf | Problem> => {
    if (!admins.has(who.id)) return problem('denied', 'problem.adminsOnly');
    if (request.requester.id !== who.id) return problem('denied', 'problem.onlyTheAsker');
    const { keeping } = store;
    const verdict = await verifyAudit(keeping);
    const pieces = [`\ufeff${row(COLUMNS)}`];
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      const page = await keeping.entries(spanOf(request), after, PAGE);
      pieces.push(page.map(rowOf).join(''));
      if (page.length < PAGE) break;
      after = page.at(-1)?.seq ?? after;
      await turn();
    }
    const state = verdict.ok
      ? { links: verdict.head.n, head: verdict.head.hash, verifies: 'yes' }
      : { verifies: 'no', broken: verdict.why.key };
    pieces.push(row([iso(clock.now()), 'Usher', 'usher', 'chain', '', '', '', detailOf(state)]));
    const { from, to } = request.input as AuditInput;
    const last = to ?? iso(request.createdAt).slice(0, 10);
    return { name: `audit-${from}-${last}.csv`, bytes: new TextEncoder().encode(pieces.join('')) };
  };
}

const rowOf = ({ at, who, name, what, requestId, capability, subject, detail }: AuditEntry): string =>
  row([
    iso(at),
    who === null ? '(erased)' : who === 'usher' ? 'Usher' : (name ?? ''),
    who ?? '',
    what,
    requestId ?? '',
    capability ?? '',
    subject ?? '',
    detailOf(detail),
  ]);

const iso = (ms: number): string => new Date(ms).toISOString();

const detailOf = (detail: AuditEntry['detail']): string =>
  Object.entries(detail ?? {})
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ');

const row = (cells: readonly string[]): string => `${cells.map(cell).join()}\r\n`;

/** Quoted always; what a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection). */
function cell(text: string): string {
  const harmless = /^[\s]*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}
