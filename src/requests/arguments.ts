/**
 * Splits what follows a typed command into fields: the first field takes the head, every other begins with one of its
 * phrases ("to team Apollo because joint PoC until 1 March"), in any order. Text in double quotes or angle brackets is
 * never searched. Pure; must not know any command or field.
 */
import type { Field, Raw } from './capability.ts';

interface Found {
  readonly field: Field;
  readonly start: number;
  readonly end: number;
}

/** Raw text by field name. A field named twice keeps its first text; the second stays part of what precedes it. */
export function readArguments(text: string, fields: readonly Field[]): Raw {
  const phrases = fields
    .flatMap((field) => (field.phrases ?? []).map((phrase) => ({ field, phrase })))
    .sort((a, b) => b.phrase.length - a.phrase.length);
  const lower = text.toLowerCase();
  const found: Found[] = [];
  let quoted = false;
  let bracketed = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') quoted = !quoted;
    else if (letter === '<') bracketed = true;
    else if (letter === '>') bracketed = false;
    if (quoted || bracketed || (at > 0 && !/[\s,;)>"]/.test(text[at - 1] ?? ''))) continue;
    const match = phrases.find(
      ({ field, phrase }) =>
        lower.startsWith(phrase, at) &&
        (phrase.endsWith(':') || /^[\s:]/.test(text.slice(at + phrase.length))) &&
        !found.some((one) => one.field === field) &&
        (field.accepts?.(valueAt(text, at + phrase.length), phrase) ?? true),
    );
    if (!match) continue;
    found.push({ field: match.field, start: at, end: at + match.phrase.length });
    at += match.phrase.length - 1;
  }
  const raw: Record<string, string> = {};
  const [first] = fields;
  const head = tidy(text.slice(0, found[0]?.start ?? text.length));
  if (first && head !== '') raw[first.name] = head;
  for (const [n, { field, end }] of found.entries()) {
    const value = tidy(text.slice(end, found[n + 1]?.start ?? text.length));
    if (value !== '') raw[field.name] = value;
  }
  return raw;
}

const valueAt = (text: string, at: number): string => text.slice(at).replace(/^[\s:]+/, '');

/** Without the marks that joined it to its neighbours. */
const tidy = (text: string): string => text.replace(/^[\s:,;]+|[\s,;]+$/g, '');
