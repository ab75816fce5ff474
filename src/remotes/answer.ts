/**
 * The only place that looks at status codes: turns what a Microsoft service answered, or the failure to answer, into a
 * Reply. Service messages are matched here and go no further; a person never reads them.
 * Must not know any capability. Shapes: facts of Microsoft Graph error responses, "errors" and "throttling" concepts.
 */
import type { Reply } from '../requests/capability.ts';
import { type Problem, type ProblemKind, problem } from '../requests/problem.ts';

/** An answer as it came off the wire. */
export interface Wired {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly contentType: string | null;
  readonly text: string;
}

/** An answer of `fetch`, read to its end. */
export async function wiredOf(answer: Response): Promise<Wired> {
  const { status, headers } = answer;
  const text = await answer.text();
  return { status, text, retryAfter: headers.get('retry-after'), contentType: headers.get('content-type') };
}

/** What Graph says, by its words, since its codes are not documented for these cases. First match wins. */
const SAID: readonly {
  readonly match: RegExp;
  readonly kind: ProblemKind;
  readonly reason: string;
  readonly sentence: string;
}[] = [
  { match: /blocked from signing in/i, kind: 'refused', reason: 'accountBlocked', sentence: 'problem.refused' },
  {
    match: /already exists in the directory as object ?id/i,
    kind: 'clash',
    reason: 'alreadyExists',
    sentence: 'problem.clash',
  },
  {
    match: /added object references already exist/i,
    kind: 'clash',
    reason: 'alreadyMember',
    sentence: 'problem.clash',
  },
  { match: /guest invitations not allowed/i, kind: 'refused', reason: 'invitesForbidden', sentence: 'problem.refused' },
  {
    match: /blocked by cross-tenant access/i,
    kind: 'refused',
    reason: 'crossTenantBlocked',
    sentence: 'problem.refused',
  },
  {
    match: /verified domain of this directory/i,
    kind: 'refused',
    reason: 'verifiedDomain',
    sentence: 'problem.refused',
  },
  { match: /insufficient privileges/i, kind: 'denied', reason: 'consentMissing', sentence: 'problem.consentMissing' },
  { match: /unable to find target address/i, kind: 'refused', reason: 'noTarget', sentence: 'problem.refused' },
  {
    match: /domain\b.*\b(?:not allowed|not permitted|blocked|deny list|denylist|allow list|allowlist)/i,
    kind: 'refused',
    reason: 'domainBlocked',
    sentence: 'problem.refused',
  },
];

const BY_CODE: Readonly<Record<string, { kind: ProblemKind; reason: string; sentence: string }>> = {
  unauthorized: { kind: 'denied', reason: 'consentMissing', sentence: 'problem.consentMissing' },
  authorization_requestdenied: { kind: 'denied', reason: 'consentMissing', sentence: 'problem.consentMissing' },
  request_resourcenotfound: { kind: 'gone', reason: 'notFound', sentence: 'problem.gone' },
  directory_objectnotfound: { kind: 'gone', reason: 'notFound', sentence: 'problem.gone' },
};

const BY_STATUS: Readonly<Record<number, { kind: ProblemKind; reason: string; sentence: string }>> = {
  400: { kind: 'refused', reason: 'rejected', sentence: 'problem.rejected' },
  401: { kind: 'denied', reason: 'credentials', sentence: 'problem.credentials' },
  403: { kind: 'denied', reason: 'forbidden', sentence: 'problem.forbidden' },
  404: { kind: 'gone', reason: 'notFound', sentence: 'problem.gone' },
  409: { kind: 'clash', reason: 'conflict', sentence: 'problem.clash' },
  // A list of changes that goes back too far (Graph docs, delta-query-overview).
  410: { kind: 'gone', reason: 'tooOld', sentence: 'problem.gone' },
  412: { kind: 'clash', reason: 'precondition', sentence: 'problem.clash' },
};

/** A Retry-After header (seconds or an HTTP date, RFC 9110 §10.2.3) in ms from `now`; undefined when absent or unreadable. */
export function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  // Date.parse alone takes nearly anything with a digit in it, "-5" and "5 s" too, for a day long ago.
  const date = /\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : date - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 24 * 3600_000);
}

/** An answer as a Reply. */
export function readAnswer(wired: Wired, now: number): Reply {
  const { status } = wired;
  const json = readJson(wired.text);
  if (status >= 200 && status < 300) {
    if (wired.text === '') return { ok: true, body: {} };
    if (json === undefined) return down(`status ${status} with an unreadable body`);
    return { ok: true, body: json };
  }
  return { ok: false, problem: problemOf(wired, json, now) };
}

function problemOf(wired: Wired, json: Readonly<Record<string, unknown>> | undefined, now: number): Problem {
  const { status } = wired;
  const retryAfterMs = readRetryAfter(wired.retryAfter, now);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const { code, message } = errorOf(json);
  const detail = `status ${status} ${code}`.trim();
  if (status === 429) return problem('busy', 'problem.busy', { ...wait, detail });
  const said = saidOf(message);
  if (said) return problem(said.kind, said.sentence, { reason: said.reason, detail });
  // A 404 whose message is a page comes from a router on the way, not from the directory.
  if (status >= 500 || json === undefined || /<html|<!doctype/i.test(message))
    return problem('down', 'problem.down', { ...wait, detail });
  const row = BY_CODE[code.toLowerCase()] ??
    BY_STATUS[status] ?? { kind: 'refused' as const, reason: 'rejected', sentence: 'problem.rejected' };
  return problem(row.kind, row.sentence, { reason: row.reason, detail });
}

/** What Graph means by its words, wherever they were read; undefined when they say nothing that is known. */
export const saidOf = (message: string): (typeof SAID)[number] | undefined =>
  SAID.find((one) => one.match.test(message));

/** No answer at all: refused, reset, timed out. The message of the exception is for the log. */
export function noAnswer(cause: unknown): Reply {
  return down(lineOf(cause));
}

/** An exception of the network in one line. */
export function lineOf(cause: unknown): string {
  const {
    name = 'Error',
    message = String(cause),
    cause: why,
  } = (cause ?? {}) as Error & { cause?: { code?: string } };
  return [name === 'Error' ? '' : name, why?.code, message].filter(Boolean).join(' ').slice(0, 200);
}

/** What Entra answers when it will not have the app, whatever is tried (OAuth 2.0, RFC 6749 §5.2; Entra's own words). */
const REFUSED = /\b(?:invalid_(?:client|request|scope|resource|grant)|unauthorized_client)\b/;

/**
 * No token, so nothing was sent. A refusal, or a certificate that cannot be read, is the admin's to mend; anything else
 * may pass. Of what Entra says only its number goes into the log.
 */
export function noToken(cause: unknown): { readonly ok: false; readonly problem: Problem } {
  const { name, message = '', code } = cause as Error & { code?: unknown };
  const why = REFUSED.exec(message)?.[0] ?? (code === 'ENOENT' || /PEM/.test(message) ? 'certificate' : null);
  const detail = ['no token:', why ?? name, /\bAADSTS\d+/.exec(message)?.[0]].filter(Boolean).join(' ');
  if (!why) return down(detail);
  return { ok: false, problem: problem('denied', 'problem.credentials', { reason: 'credentials', detail }) };
}

const down = (detail: string): { ok: false; problem: Problem } => ({
  ok: false,
  problem: problem('down', 'problem.down', { detail }),
});

function readJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Graph's envelope `{error:{code,message}}`; anything else has neither. */
function errorOf(json: Readonly<Record<string, unknown>> | undefined): { code: string; message: string } {
  const error = json?.['error'];
  if (typeof error === 'string') return { code: wordOf(error), message: String(json?.['error_description'] ?? '') };
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return { code: wordOf(code), message: typeof message === 'string' ? message : '' };
}

/** A code is one word; what is longer is text, and that is not for our log. */
function wordOf(code: unknown): string {
  return typeof code === 'string' && /^[\w.-]{1,60}$/.test(code) ? code : '';
}
