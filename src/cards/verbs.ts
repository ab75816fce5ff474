/**
 * Every verb a card's button may carry. Whoever routes presses takes them from here; a button with another verb is a
 * bug that rendering its card shows at once. A verb says what was pressed, never that the person may.
 */
export const VERBS = [
  'request.answer',
  'request.show',
  'request.cancel',
  'request.retry',
  'request.fix',
  'request.arrived',
  'request.again',
  'form.open',
  'form.cancel',
  'command.run',
  'guest.submit',
  'guest.again',
] as const;
export type Verb = (typeof VERBS)[number];

const known: ReadonlySet<string> = new Set(VERBS);

export function isVerb(verb: string): verb is Verb {
  return known.has(verb);
}
