/**
 * Countries by name or code ("Portugal", "USA", "pt") to the two letters of ISO 3166-1, from the runtime's own tables.
 * Pure.
 */

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** What people write and the tables do not have. */
const ALSO: Readonly<Record<string, string>> = {
  usa: 'US',
  us: 'US',
  america: 'US',
  uk: 'GB',
  england: 'GB',
  holland: 'NL',
};

let byName: Map<string, string> | undefined;

function names(): Map<string, string> {
  if (byName) return byName;
  byName = new Map(Object.entries(ALSO));
  const english = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  for (const a of LETTERS)
    for (const b of LETTERS) {
      const code = `${a}${b}`;
      // Codes of the past are told as those of today (DD is DE).
      if (new Intl.Locale(`und-${code}`).region !== code) continue;
      const name = english.of(code);
      if (!name || code === 'ZZ') continue;
      for (const one of [code, name]) if (!byName.has(one.toLowerCase())) byName.set(one.toLowerCase(), code);
    }
  return byName;
}

/** The two letters of the country somebody meant, or null. */
export const countryCode = (typed: string): string | null => names().get(typed.trim().toLowerCase()) ?? null;
