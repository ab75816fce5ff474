/**
 * Languages by name ("Portuguese", "português", "pt-BR") to their BCP 47 codes, from the runtime's own tables.
 * Pure; must not know which languages Usher itself speaks: this is the language of the invitation mail.
 */

/** Languages Microsoft localises invitation mails in are not listed publicly; these are the ones offered by name. */
const CODES = (
  'ar bg ca cs da de el en es et eu fi fr gl he hi hr hu id is it ja kk ko lt lv ms nb nl pl pt pt-BR pt-PT ro ru sk sl ' +
  'sr sv th tr uk vi zh zh-Hans zh-Hant'
).split(' ');

let byName: Map<string, string> | undefined;

function names(): Map<string, string> {
  if (byName) return byName;
  byName = new Map();
  const english = new Intl.DisplayNames('en', { type: 'language' });
  for (const code of CODES) {
    const own = new Intl.DisplayNames(code, { type: 'language' });
    for (const name of [code, english.of(code), own.of(code)]) {
      if (name && !byName.has(name.toLowerCase())) byName.set(name.toLowerCase(), code);
    }
  }
  return byName;
}

/** The BCP 47 code a person meant, or null. */
export function languageCode(typed: string): string | null {
  const text = typed.trim().toLowerCase();
  const named = names().get(text);
  if (named) return named;
  if (!/^[a-z]{2,3}-[a-z]{2,4}$/.test(text)) return null;
  const [canonical] = Intl.getCanonicalLocales(text);
  return canonical && names().has(canonical.split('-')[0] ?? '') ? canonical : null;
}
