/**
 * Amounts with a currency as people type them: "50k USD", "EUR 1.5m", "50,000 dollars". Pure.
 */

/** Codes of ISO 4217 that the runtime knows. */
const CODES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

const SIGNS: Readonly<Record<string, string>> = { $: 'USD', '€': 'EUR', '£': 'GBP', '¥': 'JPY', '₹': 'INR' };
const SCALES: Readonly<Record<string, number>> = {
  k: 1e3,
  thousand: 1e3,
  m: 1e6,
  mn: 1e6,
  mio: 1e6,
  million: 1e6,
  bn: 1e9,
  billion: 1e9,
};

const WORDS: Readonly<Record<string, string>> = {
  dollar: 'USD',
  euro: 'EUR',
  pound: 'GBP',
  yen: 'JPY',
  rupee: 'INR',
};

const NUMBER = String.raw`\d[\d.,' \u00a0\u202f]*\d|\d`;
const SCALE = String.raw`(?:\s*(k|m|mn|mio|bn|thousand|million|billion)(?![\p{L}]))?`;
const AMOUNT = new RegExp(
  String.raw`(?<![\p{L}\p{N}])(?:([A-Za-z]{3})\s*|(?:US)?([$€£¥₹])\s*)?(${NUMBER})${SCALE}(?:\s*(?:([A-Za-z]{3})(?![\p{L}])|([$€£¥₹])|(dollar|euro|pound|yen|rupee)s?(?![\p{L}])))?`,
  'giu',
);

export interface Money {
  /** Null: none was named. */
  readonly currency: string | null;
  readonly amount: number;
}

/** The last amount with a currency in the text, and where it stands: before it may be a name ("Top 100 Retail 50k USD"). */
export function findMoney(text: string): (Money & { readonly start: number; readonly end: number }) | null {
  for (const match of [...text.matchAll(AMOUNT)].reverse()) {
    const [whole, before, signBefore, digits = '', scale, after, signAfter, word] = match;
    const currency = [before, after].find((one) => one && CODES.has(one.toUpperCase()))?.toUpperCase();
    const sign = SIGNS[signBefore ?? ''] ?? SIGNS[signAfter ?? ''] ?? WORDS[word?.toLowerCase() ?? ''];
    const amount = scaled(digits, scale);
    if ((currency ?? sign) === undefined || !Number.isFinite(amount)) continue;
    // A word of three letters beside a number is not always a currency: it stays in the text.
    const start = match.index + (before && before.toUpperCase() !== currency ? before.length : 0);
    const kept = after && after.toUpperCase() !== currency ? whole.lastIndexOf(after) : whole.length;
    return { currency: currency ?? sign ?? null, amount, start, end: match.index + kept };
  }
  return null;
}

/** What was typed into a field for an amount; null when it is none, or more than that. */
export function readMoney(typed: string): Money | null {
  const text = typed.trim();
  const found = findMoney(text);
  if (found) return `${text.slice(0, found.start)}${text.slice(found.end)}`.trim() === '' ? found : null;
  const [, digits = '', scale] = new RegExp(`^(${NUMBER})${SCALE}$`, 'iu').exec(text) ?? [];
  const amount = digits === '' ? Number.NaN : scaled(digits, scale);
  return Number.isFinite(amount) ? { amount, currency: null } : null;
}

/** To the hundredth: 1.005 million is no 1,004,999.9999999999. */
const scaled = (digits: string, scale: string | undefined): number =>
  Math.round(numberOf(digits, scale !== undefined) * (SCALES[scale?.toLowerCase() ?? ''] ?? 1) * 100) / 100;

/** What a deal can be worth. */
export const isAmount = (amount: number): boolean => amount > 0 && amount <= 1e12;

export const isCurrency = (code: string): boolean => CODES.has(code);

/**
 * Digits with marks: the last mark is the decimal one if it stands alone and one, two or more than three digits follow
 * ("1.5", "1,50", but "50,000" and "50.000" are thousands); all others group. Before a word like million a point is always
 * the decimal one ("1.005m").
 */
function numberOf(digits: string, isScaled: boolean): number {
  const text = digits.replace(/[\s\u00a0\u202f']/g, '');
  const marks = [...text.matchAll(/[.,]/g)];
  const last = marks.at(-1);
  if (!last) return Number(text);
  const isOnlyOne = marks.filter(([mark]) => mark === last[0]).length === 1;
  const follows = text.length - last.index - 1;
  const isPoint = last[0] === '.' && isScaled;
  const isDecimal = isOnlyOne && (follows !== 3 || isPoint || (marks.length > 1 && marks[0]?.[0] !== last[0]));
  if (!isDecimal) return Number(text.replace(/[.,]/g, ''));
  return Number(`${text.slice(0, last.index).replace(/[.,]/g, '')}.${text.slice(last.index + 1)}`);
}
