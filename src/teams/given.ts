/**
 * What came with a message or a press, as text: what was typed, what a form holds, which press it was.
 * Must not know what is done with it.
 */
import type { AnyCapability, Raw } from '../requests/capability.ts';
import type { Person, Place } from '../requests/request.ts';
import type { Envelope } from './activity.ts';

/** The key of what was pressed on a card: the id baked into it when it was rendered, in this conversation. */
export function formKey(formId: string, where: Place): string | null {
  return /^[0-9a-z]{8}$/.test(formId) ? `form:${where.conversationId}:${formId}` : null;
}

/**
 * The key of a command behind a button: a card offers it once per person for each version it is drawn in, and a second
 * click is the same press. Null when the card does not say which drawing it is.
 */
export function pressKey(data: Readonly<Record<string, unknown>>, { id }: Person, where: Place): string | null {
  const { requestId, drawn, text, formId } = data;
  if (typeof requestId === 'string' && typeof drawn === 'string' && /^\d{1,15}$/.test(drawn))
    return `press:${where.conversationId}:${requestId.slice(0, 8)}:${drawn}:${id}:${String(text).slice(0, 200)}`;
  return typeof formId === 'string' ? formKey(formId, where) : null;
}

/** The request in whose place a form is sent. */
export const fixedBy = ({ fixes }: Readonly<Record<string, unknown>>): string | undefined =>
  typeof fixes === 'string' && /^[0-9a-z]{8}$/.test(fixes) ? fixes : undefined;

/** The capability's fields among the data of a card, as text. */
export function rawOf(capability: AnyCapability, data: Readonly<Record<string, unknown>>): Raw {
  return Object.fromEntries(
    capability.fields.flatMap((field) => {
      const value = data[field.name];
      return typeof value === 'string' && value !== '' ? [[field.name, value]] : [];
    }),
  );
}

/** What was typed; a number is text to whoever typed it, anything else was not typed. */
export function typedIn(activity: Envelope): string {
  const text = activity['text'];
  return typeof text === 'string' || typeof text === 'number' ? String(text) : '';
}
