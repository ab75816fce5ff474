/**
 * What the answers of Governance Toolkit 365 mean. Its errors have three shapes (a `message`, Graph's envelope passed on,
 * plain text), sometimes a page of something on the way; nearly all of them are a 500, so words are matched before the
 * status is believed. Its text is matched or dropped, never shown. Must not know any capability.
 * Source: Governance Toolkit 365, API-invite-guest and API-test-with-postman (2024-07).
 */
import type { Reply } from '../requests/capability.ts';
import { type Problem, type ProblemKind, problem } from '../requests/problem.ts';
import { readAnswer, saidOf, type Wired } from './answer.ts';

/** Only so much of a text is looked at. */
const MOST = 4000;

/** Keys of the body that a refusal may name. */
const KEYS =
  /\b(invitedUserEmailAddress|invitedUserDisplayName|inviteRedirectUrl|sendInvitationMessage|requestedBy|more)\b/i;

/** Graph's own words for a token that it does not take: nothing was done with it (Graph docs, errors). */
const NO_TOKEN = /^(?:InvalidAuthenticationToken|AuthenticationError|CompactToken\w*)$/i;

const BY_STATUS: Readonly<Record<number, { kind: ProblemKind; reason: string; sentence: string }>> = {
  401: { kind: 'denied', reason: 'credentials', sentence: 'problem.credentials' },
  403: { kind: 'denied', reason: 'forbidden', sentence: 'problem.forbidden' },
  404: { kind: 'denied', reason: 'notThere', sentence: 'problem.credentials' },
  405: { kind: 'denied', reason: 'notThere', sentence: 'problem.credentials' },
};

/**
 * An answer as a Reply. A 400 is the asker's fault (`at`: the key it names); a 500 that carries a refusal of Graph is that
 * refusal, any other says nothing about what was done. A 202 is Usher's own, when it stands at the address: taken, not done.
 */
export function readGt365Answer(wired: Wired, now: number): Reply {
  const { status } = wired;
  if (status === 202) return refuse('clash', 'problem.clash', { reason: 'notYet', detail: 'status 202' });
  if (status < 400 || status === 408 || status === 429 || isPage(wired)) return readAnswer(wired, now);
  const { code, message } = wordsOf(wired.text);
  const detail = `status ${status} ${code}`.trim();
  const said = saidOf(message);
  if (said) return refuse(said.kind, said.sentence, { reason: said.reason, detail });
  if (NO_TOKEN.test(code)) return refuse('denied', 'problem.credentials', { reason: 'credentials', detail });
  if (status >= 500) return readAnswer({ ...wired, text: '' }, now);
  const row = BY_STATUS[status] ?? { kind: 'input' as const, reason: 'rejected', sentence: 'problem.rejected' };
  const at = row.kind === 'input' ? KEYS.exec(message)?.[1] : undefined;
  return refuse(row.kind, row.sentence, { reason: row.reason, detail, ...(at ? { at } : {}) });
}

const refuse = (kind: ProblemKind, sentence: string, more: Partial<Problem>): Reply => ({
  ok: false,
  problem: problem(kind, sentence, more),
});

const isPage = ({ contentType, text }: Wired): boolean =>
  /text\/html/i.test(contentType ?? '') || /^\s*(?:<!doctype|<html)/i.test(text);

/** Code and words, whichever shape they come in. */
function wordsOf(text: string): { readonly code: string; readonly message: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { code: '', message: text.slice(0, MOST) };
  }
  if (typeof json === 'string') return { code: '', message: json.slice(0, MOST) };
  const { error, message } = (json ?? {}) as { error?: unknown; message?: unknown };
  const inner = typeof error === 'object' && error !== null ? (error as { code?: unknown; message?: unknown }) : {};
  const words = inner.message ?? message ?? error;
  return {
    code: typeof inner.code === 'string' && /^[\w.-]{1,60}$/.test(inner.code) ? inner.code : '',
    // The message may be Graph's envelope again, as text.
    message: (typeof words === 'string' ? words : '').slice(0, MOST),
  };
}
