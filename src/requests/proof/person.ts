/**
 * A person in what is kept: what they go by (address, object id, name), where that stands in a text, and the text without
 * it. Pure; must not know what the texts are of, or how they are kept.
 */

/** What a person goes by. Names alone find nothing: others have the same. */
export interface Traces {
  readonly address: string;
  /** Entra object ids. */
  readonly ids: readonly string[];
  readonly names: readonly string[];
}

/** What stands in the place of what was erased. */
export const ERASED = '(erased)';

export interface Finder {
  /** Whether a text, or JSON as text, speaks of the person: by address or id. */
  isIn(text: string | null): boolean;
  /** A text without the person. */
  without(text: string): string;
  /** JSON as text without the person; keys of objects too. */
  jsonWithout(json: string): string;
}

/** Finds a person in texts, in any case, also in the encoding of a URL and as the user name Entra makes of an address. */
export function finderOf({ address, ids, names }: Traces): Finder {
  // `o'neil@x` is `o''neil@x` in an OData filter.
  const spelled = [...new Set([address, address.replaceAll("'", "''")])];
  const written = [...new Set([...spelled, ...spelled.map(encodeURIComponent)])];
  const entra = `${literal(address.replace('@', '_'))}(?:#|%23)ext(?:#|%23)(?:@|%40)[\\w.-]*`;
  // Ana is not Diana, and partner.example not partner.example.org.
  const before = '(?<=^|[^\\p{L}\\p{N}._+%-]|%[0-9a-f]{2})';
  const after = '(?![\\p{L}\\p{N}_-]|\\.[\\p{L}\\p{N}])';
  const known = [`${before}(?:${written.map(literal).join('|')})${after}`, `${before}${entra}`, ...ids.map(literal)];
  const speaks = new RegExp(known.join('|'), 'iu');
  // Longest first: of “Ana Silva” nothing is to be left.
  const called = names.toSorted((a, b) => b.length - a.length).map(literal);
  const parts =
    called.length === 0 ? known : [...known, `(?<![\\p{L}\\p{N}])(?:${called.join('|')})(?![\\p{L}\\p{N}])`];
  const all = new RegExp(parts.join('|'), 'giu');
  const hints = [...written, address.replace('@', '_'), ...ids].map((one) => one.toLowerCase());

  const without = (text: string): string => text.replace(all, ERASED);
  return {
    isIn(text) {
      if (text === null) return false;
      const lower = text.toLowerCase();
      // Most texts have nothing of it, and need no closer look.
      if (!hints.some((hint) => lower.includes(hint))) return false;
      return speaks.test(text) || stringsOf(text).some((one) => speaks.test(one));
    },
    without,
    jsonWithout: (json) => JSON.stringify(mapped(JSON.parse(json), without)),
  };
}

/** JSON as text that has its shape and nothing to say: of what is all about the person. */
export function emptied(json: string): string {
  return JSON.stringify(JSON.parse(json), (_key, value: unknown) => (typeof value === 'string' ? '' : value));
}

/** What a person goes by according to JSON that is about them: `input`, `outcome` and answers of their requests. */
export function tracesIn(address: string, values: readonly unknown[]): Traces {
  const ids = new Set<string>();
  const names = new Set<string>();
  const isTheirs = (text: unknown): boolean => typeof text === 'string' && text.toLowerCase() === address.toLowerCase();
  const look = (value: unknown, isTop: boolean): void => {
    if (Array.isArray(value)) for (const one of value) look(one, false);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const own = value as Readonly<Record<string, unknown>>;
    if (isTop || Object.values(own).some(isTheirs)) {
      for (const key of ['displayName', 'name', 'invitedUserDisplayName']) keepName(own[key]);
      for (const key of ['id', 'userId']) if (isId(own[key])) ids.add(own[key].toLowerCase());
      const { firstName, lastName } = own;
      if (typeof firstName === 'string' && typeof lastName === 'string') keepName(`${firstName} ${lastName}`);
    }
    for (const [key, one] of Object.entries(own)) look(one, key === 'invitedUser');
  };
  const keepName = (name: unknown): void => {
    if (typeof name === 'string' && name.trim().length > 1) names.add(name.trim());
  };
  for (const value of values) look(value, true);
  return { address, ids: [...ids], names: [...names] };
}

const isId = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** Every text in JSON, its keys included; of what is no JSON none. */
function stringsOf(json: string): readonly string[] {
  const found: string[] = [];
  try {
    mapped(JSON.parse(json), (text) => {
      found.push(text);
      return text;
    });
  } catch {
    return [];
  }
  return found;
}

function mapped(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => mapped(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [change(key), mapped(one, change)]));
}
