/**
 * A person in what is kept: what they go by (address, object id, name), where that stands in a text, and the text without
 * it. Pure; must not know what the texts are of, or how they are kept.
 */

/** Whom a request is about: what belongs to that person for certain, as its capability tells it. */
export interface About {
  readonly addresses: readonly string[];
  /** Entra object ids. */
  readonly ids: readonly string[];
  /** Addresses they went by until then, epoch ms: somebody else may have been given one since. */
  readonly left?: readonly { readonly address: string; readonly at: number }[];
}

/** The same, of a request that was asked for at `at` (epoch ms). */
export interface AboutAt extends About {
  readonly at: number;
}

/** Who a person is. In lower case. */
export interface Identity {
  readonly addresses: readonly string[];
  readonly ids: readonly string[];
}

/** What a person goes by. Names alone find nothing: others have the same. */
export interface Traces {
  readonly addresses: readonly string[];
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
export function finderOf({ addresses, ids, names }: Traces): Finder {
  // `o'neil@x` is `o''neil@x` in an OData filter.
  const spelled = addresses.flatMap((one) => [one, one.replaceAll("'", "''")]);
  const written = [...new Set([...spelled, ...spelled.map(encodeURIComponent)])];
  const users = addresses.map((one) => one.replace('@', '_'));
  const entra = `(?:${users.map(literal).join('|')})(?:#|%23)ext(?:#|%23)(?:@|%40)[\\w.-]*`;
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
  const hints = [...written, ...users, ...ids].map((one) => one.toLowerCase());

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

/**
 * Who somebody with this address is by all that is told: the ids it stands with, and the other addresses of these. An address
 * that was left and has been given to another since is not theirs any more, nor is the other one they.
 */
export function identityOf(address: string, told: readonly AboutAt[]): Identity {
  const all = told.map(lowered);
  const isGiven = givenIn(all);
  return reached(address, all, (one, own) => !isGiven(one, own));
}

/** The same with all whom such an address was given to: whatever may tell who is who speaks of one of these. */
export const widestOf = (address: string, told: readonly AboutAt[]): Identity =>
  reached(address, told.map(lowered), () => true);

function reached(
  address: string,
  all: readonly AboutAt[],
  isTheirs: (address: string, own: About) => boolean,
): Identity {
  const addresses = new Set([address.toLowerCase()]);
  const ids = new Set<string>();
  for (let size = 0; size < addresses.size + ids.size; ) {
    size = addresses.size + ids.size;
    for (const one of all) {
      const theirs = one.addresses.filter((other) => isTheirs(other, one));
      if (!one.ids.some((id) => ids.has(id)) && !theirs.some((other) => addresses.has(other))) continue;
      for (const other of theirs) addresses.add(other);
      for (const id of one.ids) ids.add(id);
    }
  }
  return { addresses: [...addresses], ids: [...ids] };
}

/** Whether an address is somebody else's since whoever this is about left it. */
function givenIn(all: readonly AboutAt[]): (address: string, own: About) => boolean {
  const at: Times = new Map();
  const leftAt: Times = new Map();
  for (const one of all) {
    for (const id of one.ids) {
      for (const address of one.addresses) keep(at, address, id, one.at, Math.max);
      for (const left of one.left ?? []) keep(leftAt, left.address, id, left.at, Math.min);
    }
  }
  return (address, { ids }) => {
    const left = Math.min(...ids.map((id) => leftAt.get(address)?.get(id) ?? Number.POSITIVE_INFINITY));
    return [...(at.get(address) ?? [])].some(([id, since]) => !ids.includes(id) && since > left);
  };
}

type Times = Map<string, Map<string, number>>;

function keep(times: Times, address: string, id: string, at: number, better: (a: number, b: number) => number): void {
  const known = times.get(address) ?? new Map<string, number>();
  known.set(id, better(known.get(id) ?? at, at));
  times.set(address, known);
}

/** Whether what a request is about is this person: by id, and only where it names none by address. */
export function isAbout(about: About, { addresses, ids }: Identity): boolean {
  if (about.ids.length > 0) return about.ids.some((id) => ids.includes(id.toLowerCase()));
  return about.addresses.some((one) => addresses.includes(one.toLowerCase()));
}

const lowered = ({ addresses, ids, left = [], at }: AboutAt): AboutAt => ({
  addresses: addresses.map((one) => one.toLowerCase()),
  ids: ids.map((one) => one.toLowerCase()),
  left: left.map((one) => ({ ...one, address: one.address.toLowerCase() })),
  at,
});

/** What a person goes by according to JSON that is about them: `input`, `outcome` and answers of their requests. */
export function tracesIn({ addresses, ids: known }: Identity, values: readonly unknown[]): Traces {
  const ids = new Set(known.filter(isId));
  const names = new Set<string>();
  const isTheirs = (text: unknown): boolean => typeof text === 'string' && addresses.includes(text.toLowerCase());
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
  return { addresses, ids: [...ids], names: [...names] };
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
