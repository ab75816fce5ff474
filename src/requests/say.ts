/**
 * A sentence before it has a language: the key of a catalogue entry and the values that go into it.
 * Everything a person reads starts as a Say (or as text a person typed); `cards` puts it into words.
 * This file must not know any language, card or channel.
 */
export interface Say {
  /** Key in `cards/words/<language>.json`, e.g. `guest.invited`. */
  readonly key: string;
  /** Values for the placeholders. A number named `count` picks the plural form. A nested Say is put into words first. */
  readonly with?: Readonly<Record<string, string | number | Say>>;
}

/** Shorthand for a {@link Say}. */
export function say(key: string, values?: Say['with']): Say {
  return values ? { key, with: values } : { key };
}
