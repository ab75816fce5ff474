import assert from 'node:assert/strict';
import fc from 'fast-check';
import { worthOf } from '../../src/capabilities/referral/deal.ts';
import { findMoney, isAmount, isCurrency, readMoney } from '../../src/capabilities/referral/money.ts';

/** "50000 USD", "50000" without a currency, or "none". */
const read = (typed: string): string => {
  const money = readMoney(typed);
  return money ? [money.amount, money.currency].filter((one) => one !== null).join(' ') : 'none';
};

describe('an amount as it is typed', () => {
  const cases: readonly [string, string][] = [
    ['50,000 USD', '50000 USD'],
    ['50.000 EUR', '50000 EUR'],
    ['50 000 EUR', '50000 EUR'],
    ['50\u00a0000\u202f000 EUR', '50000000 EUR'],
    ["CHF 1'500.25", '1500.25 CHF'],
    ['1.500.000,50 €', '1500000.5 EUR'],
    ['1,500,000.50 $', '1500000.5 USD'],
    ['1.5 GBP', '1.5 GBP'],
    ['1,50 EUR', '1.5 EUR'],
    ['0.125 BHD', '125 BHD'],
    ['50k USD', '50000 USD'],
    ['usd 50K', '50000 USD'],
    ['USD50k', '50000 USD'],
    ['$50k', '50000 USD'],
    ['US$ 50k', '50000 USD'],
    ['50 k€', '50000 EUR'],
    ['1.5m EUR', '1500000 EUR'],
    ['1.005m USD', '1005000 USD'],
    ['1,500k USD', '1500000 USD'],
    ['2 million pounds', '2000000 GBP'],
    ['50 thousand dollars', '50000 USD'],
    ['1 euro', '1 EUR'],
    ['0.1bn JPY', '100000000 JPY'],
    ['¥ 5000', '5000 JPY'],
    ['₹ 12,34,567', '1234567 INR'],
    ['50,000', '50000'],
    ['50k', '50000'],
    ['1.1k', '1100'],
    ['0.1 USD', '0.1 USD'],
    ['much', 'none'],
    ['', 'none'],
    ['50 XYZ', 'none'],
    ['50 USD or more', 'none'],
    ['50 USD 60 EUR', 'none'],
    ['-50 USD', 'none'],
    ['R$ 50', 'none'],
    ['fifty USD', 'none'],
  ];
  for (const [typed, meant] of cases)
    it(`${JSON.stringify(typed)} is ${meant}`, () => assert.equal(read(typed), meant));

  const currency = fc.constantFrom('USD', 'EUR', 'GBP', 'CHF', 'PLN', 'SEK', 'AUD');
  const cents = fc.integer({ min: 1, max: 1e12 }).map((n) => n / 100);

  it('read from what a card shows is the same again', () => {
    fc.assert(
      fc.property(cents, currency, (amount, code) => {
        assert.deepEqual(read(worthOf(amount, code)), `${amount} ${code}`);
      }),
    );
  });

  it('read from what fills the form again is the same', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e12 }),
        fc.constantFrom('', '.5', '.25'),
        currency,
        (whole, rest, code) => {
          assert.deepEqual(read(`${whole}${rest} ${code}`), `${Number(`${whole}${rest}`)} ${code}`);
        },
      ),
    );
  });

  it('means the same in whichever of these ways it is marked', () => {
    const locales = fc.constantFrom('en', 'de', 'de-CH', 'fr', 'pt-PT', 'sv', 'en-IN');
    const whole = fc.integer({ min: 1, max: 1e11 });
    fc.assert(
      fc.property(whole, locales, currency, fc.boolean(), (amount, locale, code, isBefore) => {
        const text = new Intl.NumberFormat(locale).format(amount).replaceAll('’', "'");
        assert.equal(read(isBefore ? `${code} ${text}` : `${text} ${code}`), `${amount} ${code}`);
      }),
    );
  });

  it('no text makes it slow or throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        readMoney(text);
      }),
    );
    for (const piece of ['1', '1,', '1 ', 'USD ', "1'", '$', '1k ', '1 USD ']) {
      const before = process.cpuUsage();
      readMoney(piece.repeat(2000 / piece.length));
      const { user } = process.cpuUsage(before);
      assert.ok(user < 1_000_000, `${JSON.stringify(piece)}: ${user} µs`);
    }
  });
});

describe('an amount in a sentence', () => {
  const cases: readonly [string, string][] = [
    ['Contoso 50k USD', 'Contoso |50000 USD|'],
    ['50k USD Contoso', '|50000 USD| Contoso'],
    ['Top 100 Retail 50k USD', 'Top 100 Retail |50000 USD|'],
    ['Contoso $50k deal', 'Contoso |50000 USD| deal'],
    ['Contoso 365', 'Contoso 365'],
    ['Area 51 Ltd', 'Area 51 Ltd'],
    ['Contoso EUR 1.5m for 20 seats', 'Contoso |1500000 EUR|for 20 seats'],
    ['for 50 EUR', 'for|50 EUR|'],
  ];
  for (const [text, meant] of cases)
    it(`${JSON.stringify(text)} reads ${meant}`, () => {
      const found = findMoney(text);
      const shown = found
        ? `${text.slice(0, found.start)}|${found.amount} ${found.currency}|${text.slice(found.end)}`
        : text;
      assert.equal(shown, meant);
    });
});

describe('what a deal can be worth', () => {
  it('is more than nothing and no more than a million millions', () => {
    assert.deepEqual([-1, 0, 0.01, 1e12, 1e12 + 1, Number.NaN].map(isAmount), [false, false, true, true, false, false]);
  });

  it('is in a currency that there is', () => {
    assert.deepEqual(['USD', 'EUR', 'usd', 'XYZ', ''].map(isCurrency), [true, true, false, false, false]);
  });
});
