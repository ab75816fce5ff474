/**
 * Puts a Say into words: sentences from `cards/words/<language>.json`, dates by the person's locale. A new language is
 * a new file there and nothing else. Must not know cards, requests or who is asking.
 *
 * i18next chooses the sentence (language, fallback, plural form); the placeholders are filled here, in one pass, because
 * i18next 25 looks at filled text again: a name such as `{{other}}` typed by a person would be replaced by another
 * value. Keeping the chosen sentences also makes a sentence cost 0.2 µs instead of 10-17.
 */
import { createInstance, type i18n } from 'i18next';
import type { Say } from '../requests/say.ts';
import { Bounded } from './bounded.ts';
import { namesIn, readCardFile } from './folder.ts';

/** The words of one person's language. */
export interface Words {
  /** BCP 47, for dates and numbers: what the person's client told, e.g. `pt-BR`. */
  readonly locale: string;
  /** The language file the sentences mostly come from, e.g. `pt`. */
  readonly language: string;
  /** Throws a TypeError naming the key (or the value) that is missing: a missing sentence is a bug. */
  say(sentence: Say): string;
  /** The day, e.g. `17 Mar 2026`. `timeZone` is an IANA name; without it, or with a wrong one, UTC. */
  date(epochMs: number, timeZone?: string): string;
  /** Day, time and the zone's name, since others may read the same card elsewhere. */
  dateTime(epochMs: number, timeZone?: string): string;
}

/** The language every key exists in. */
export const MAIN_LANGUAGE = 'en';

/** A sentence split at its placeholders: text, name, format, text, name, format, … text. */
type Parts = readonly (string | undefined)[];

/** `{{name}}`, `{{at, moment}}` (epoch ms or ISO), `{{until, day}}` (a calendar day, whatever the zone). */
const PLACEHOLDER = /\{\{\s*(\w+)\s*(?:,\s*(day|moment)\s*)?\}\}/;

let catalogue: { readonly i18n: i18n; readonly languages: ReadonlySet<string>; readonly keys: ReadonlySet<string> };

/** `pt-BR` → `pt-BR`, `pt`, `en`. */
function chain(locale: string): readonly string[] {
  const parts = locale.split('-');
  return [...parts.map((_, n) => parts.slice(0, parts.length - n).join('-')), MAIN_LANGUAGE];
}

function open(): typeof catalogue {
  if (catalogue) return catalogue;
  const instance = createInstance();
  const files = namesIn('words').map((language) => [language, readCardFile(`words/${language}`)] as const);
  const main = files.find(([language]) => language === MAIN_LANGUAGE)?.[1] as Record<string, string>;
  void instance.init({
    initAsync: false,
    showSupportNotice: false,
    resources: Object.fromEntries(files.map(([language, translation]) => [language, { translation }])) as never,
    fallbackLng: (code) => [...chain(code ?? MAIN_LANGUAGE)],
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
  });
  catalogue = {
    i18n: instance,
    languages: new Set(files.map(([language]) => language)),
    keys: new Set(Object.keys(main).map((key) => key.replace(/_(zero|one|two|few|many|other)$/, ''))),
  };
  return catalogue;
}

/** The languages there are files for. */
export function languages(): readonly string[] {
  return [...open().languages];
}

const known = new Bounded<Words>(100);

/** The words for a locale as a client tells it; anything unknown or malformed gives English. */
export function words(locale: string | undefined): Words {
  return known.get(locale ?? MAIN_LANGUAGE, () => make(canonical(locale)));
}

function canonical(locale: string | undefined): string {
  try {
    return Intl.getCanonicalLocales((locale ?? MAIN_LANGUAGE).replaceAll('_', '-'))[0] ?? MAIN_LANGUAGE;
  } catch {
    return MAIN_LANGUAGE;
  }
}

function make(asked: string): Words {
  const { i18n, languages, keys } = open();
  const language = chain(asked).find((code) => languages.has(code)) ?? MAIN_LANGUAGE;
  // Dates are in the words' language: a Finnish month in an English sentence helps nobody.
  const locale = asked.split('-')[0] === language.split('-')[0] ? asked : language;
  const choose = i18n.getFixedT(locale);
  const plural = new Intl.PluralRules(locale);
  const chosen = new Map<string, Parts>();

  function sentence(key: string, count: number | undefined): Parts {
    // i18next also looks for `_zero`, which is no plural category of English.
    const form = count === undefined ? '' : count === 0 ? 'zero' : plural.select(count);
    const slot = `${key}|${form}`;
    let parts = chosen.get(slot);
    if (parts === undefined) {
      if (!keys.has(key)) throw new TypeError(`cards/words/${MAIN_LANGUAGE}.json has no sentence ${key}`);
      const text = choose(key, { skipInterpolation: true, ...(count === undefined ? {} : { count }) });
      parts = text.split(PLACEHOLDER);
      chosen.set(slot, parts);
    }
    return parts;
  }

  function say({ key, with: values }: Say): string {
    const parts = sentence(key, typeof values?.['count'] === 'number' ? values['count'] : undefined);
    let text = parts[0]!;
    for (let n = 1; n < parts.length; n += 3) {
      const value = values?.[parts[n]!];
      if (value === undefined) throw new TypeError(`the sentence ${key} lacks the value ${parts[n]}`);
      text += put(value, parts[n + 1]) + parts[n + 2]!;
    }
    return text;
  }

  function put(value: string | number | Say, format: string | undefined): string {
    if (typeof value === 'object') return say(value);
    if (format === undefined) return String(value);
    const at = typeof value === 'number' ? value : Date.parse(value);
    // What is no date is shown as it is: better odd than nothing.
    return Number.isNaN(at) ? String(value) : formatter(locale, 'UTC', format === 'day' ? DAY : MOMENT).format(at);
  }

  return {
    locale,
    language,
    say,
    date: (epochMs, timeZone) => formatter(locale, timeZone, DAY).format(epochMs),
    dateTime: (epochMs, timeZone) => formatter(locale, timeZone, MOMENT).format(epochMs),
  };
}

const DAY = { day: 'numeric', month: 'short', year: 'numeric' } as const;
const MOMENT = { ...DAY, hour: 'numeric', minute: '2-digit', timeZoneName: 'short' } as const;

/** Making an Intl formatter takes about 50 µs, using one 1 µs. */
const formatters = new Bounded<Intl.DateTimeFormat>(200);

function formatter(locale: string, timeZone: string | undefined, shape: Intl.DateTimeFormatOptions) {
  return formatters.get(`${locale}|${timeZone}|${shape === DAY}`, () => {
    try {
      return new Intl.DateTimeFormat(locale, { ...shape, timeZone: timeZone ?? 'UTC' });
    } catch {
      return new Intl.DateTimeFormat(locale, { ...shape, timeZone: 'UTC' });
    }
  });
}
