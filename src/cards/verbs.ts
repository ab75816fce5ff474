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
  'request.signIn',
  'request.look',
  'request.approve',
  'request.shorten',
  'request.refuse',
  'request.ask',
  'request.reply',
  'request.file',
  'signIn.start',
  'form.open',
  'form.cancel',
  'command.run',
] as const;
export type Verb = (typeof VERBS)[number] | `${string}.${string}`;

/** What a capability's cards may ask for besides: its form is sent, the same wish is made once more, one of its acts. */
const OF_A_CAPABILITY =
  /^(?!request\.)[a-z][A-Za-z]*\.(?:submit|check|again|ring|stop|link|leave|more|send|retry|remind)$/;

const known: ReadonlySet<string> = new Set(VERBS);

export function isVerb(verb: string): verb is Verb {
  return known.has(verb) || OF_A_CAPABILITY.test(verb);
}
