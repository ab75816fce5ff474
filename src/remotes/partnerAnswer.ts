/**
 * What Partner Center's answers mean. Its errors nest (`innerError` in `innerError`), spell their codes in any case, and
 * name in `target` what they mean; unknown codes are judged by their status. Its messages are matched or dropped, never
 * shown. Must not know any capability. Source: Partner Center referrals, "error codes".
 */
import type { Reply } from '../requests/capability.ts';
import { type Problem, type ProblemKind, problem } from '../requests/problem.ts';
import { readAnswer, type Wired } from './answer.ts';

interface PartnerError {
  readonly code: string;
  readonly target: string;
}

const word = (value: unknown): string => (typeof value === 'string' && /^[\w.$[\]/-]{1,200}$/.test(value) ? value : '');

/** The error and what is nested in it, outermost first. */
function errorsOf(text: string): readonly PartnerError[] {
  const found: PartnerError[] = [];
  try {
    let node = (JSON.parse(text) as { error?: unknown } | null)?.error as Record<string, unknown> | undefined;
    while (typeof node === 'object' && node !== null && found.length < 8) {
      found.push({ code: word(node['code']), target: word(node['target']) });
      node = (node['innerError'] ?? node['innererror']) as Record<string, unknown> | undefined;
    }
  } catch {
    // Not JSON: the status speaks alone.
  }
  return found;
}

/**
 * Whether the person has to sign in anew: any 401, and a 403 that asks for claims the token lacks (a second factor, a
 * known device; RFC 9470 and Entra's claims challenge).
 */
export function needsSignIn({ status, text }: Wired, challenge: string | null): boolean {
  if (status === 401) return true;
  if (status !== 403) return false;
  return (
    /\b(?:insufficient_claims|claims=|invalid_token)/i.test(challenge ?? '') ||
    errorsOf(text).some(({ code }) => /^insufficient_?claims$/i.test(code))
  );
}

const BY_CODE: Readonly<Record<string, { kind: ProblemKind; reason: string; sentence: string }>> = {
  accessdenied: { kind: 'denied', reason: 'role', sentence: 'referral.refused.role' },
  itemnotfound: { kind: 'gone', reason: 'notFound', sentence: 'referral.refused.gone' },
  preconditionfailed: { kind: 'clash', reason: 'precondition', sentence: 'referral.refused.changed' },
  resourcemodified: { kind: 'clash', reason: 'precondition', sentence: 'referral.refused.changed' },
};

const BY_STATUS: Readonly<Record<number, { kind: ProblemKind; reason: string; sentence: string }>> = {
  403: BY_CODE['accessdenied']!,
  404: BY_CODE['itemnotfound']!,
  409: { kind: 'clash', reason: 'conflict', sentence: 'referral.refused.conflict' },
  410: BY_CODE['itemnotfound']!,
  412: BY_CODE['preconditionfailed']!,
  423: { kind: 'clash', reason: 'locked', sentence: 'referral.refused.conflict' },
};

/** An answer as a Reply. `problem.at` is what the service's error points at. */
export function readPartnerAnswer(wired: Wired, now: number): Reply {
  const { status, text } = wired;
  // Neither says anything about the deal, whatever stands in its body.
  if (status === 408 || (status >= 300 && status < 400)) return readAnswer({ ...wired, text: '' }, now);
  const isError = status >= 400 && status < 500 && status !== 429;
  if (!isError) return readAnswer(wired, now);
  const errors = errorsOf(text);
  // A refusal of something in between (a proxy's page) says nothing about the deal.
  if (errors.length === 0 && text.trim() !== '' && !/^\s*[[{]/.test(text)) return readAnswer(wired, now);
  const known = errors.map(({ code }) => BY_CODE[code.toLowerCase()]).find(Boolean) ?? BY_STATUS[status];
  const row = known ?? { kind: 'refused' as const, reason: 'rejected', sentence: 'referral.refused' };
  const at = errors.findLast(({ target }) => target !== '')?.target;
  const detail = [`status ${status}`, ...errors.map(({ code }) => code), at].filter(Boolean).join(' ').slice(0, 200);
  const more: Partial<Problem> = { reason: row.reason, detail, ...(at ? { at } : {}) };
  return { ok: false, problem: problem(row.kind, row.sentence, more) };
}
