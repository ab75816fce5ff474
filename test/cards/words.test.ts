import assert from 'node:assert/strict';
import fc from 'fast-check';
import { languages, MAIN_LANGUAGE, words } from '../../src/cards/words.ts';
import { say } from '../../src/requests/say.ts';
import { asked, catalogue, keysOf, placeholders } from './catalogue.ts';

describe('words', () => {
  const english = words('en-GB');

  it('every sentence the program asks for exists', () => {
    const { exact, patterns } = asked();
    const known = keysOf(MAIN_LANGUAGE);
    assert.deepEqual([...exact].filter((key) => !known.has(key)).sort(), []);
    assert.deepEqual(
      patterns.filter((pattern) => ![...known].some((key) => pattern.test(key))),
      [],
    );
  });

  it('no sentence is left over', () => {
    const { exact, patterns } = asked();
    const unused = [...keysOf(MAIN_LANGUAGE)].filter(
      (key) => !exact.has(key) && !patterns.some((one) => one.test(key)),
    );
    assert.deepEqual(unused, []);
  });

  it('every language has only sentences that exist, with the same values in them', () => {
    const main = catalogue(MAIN_LANGUAGE);
    for (const language of languages()) {
      const known = keysOf(MAIN_LANGUAGE);
      assert.deepEqual(
        [...keysOf(language)].filter((key) => !known.has(key)),
        [],
        language,
      );
      for (const [key, sentence] of Object.entries(catalogue(language))) {
        const base = key.replace(/_(zero|one|two|few|many|other)$/, '');
        const original = main[key] ?? main[`${base}_other`] ?? main[base] ?? '';
        const extra = placeholders(sentence).filter((name) => !placeholders(original).includes(name));
        assert.deepEqual(extra, [], `${language}: ${key}`);
      }
    }
  });

  it('sentences are calm and free of markup', () => {
    for (const language of languages()) {
      for (const [key, sentence] of Object.entries(catalogue(language))) {
        assert.doesNotMatch(sentence, /[!*_`#]|\]\(|\$\{|^say:|\s$|^\s|\t|\n/, `${language}: ${key}`);
      }
    }
  });

  it('a locale falls back to its language and then to English', () => {
    assert.equal(words('pt-BR').say(say('form.cancel')).length > 0, true);
    for (const odd of ['xx', 'not a locale', '', 'en_US', undefined]) {
      assert.equal(words(odd).say(say('state.done')), 'Done');
      assert.match(words(odd).date(0), /1970/);
    }
    assert.equal(words('fi').locale, 'en', 'dates follow the language of the sentences');
    assert.equal(words('en-AU').locale, 'en-AU');
  });

  it('a number named count picks the plural', () => {
    assert.equal(english.say(say('list.more', { count: 1 })), '1 more is not shown.');
    assert.equal(english.say(say('list.more', { count: 0 })), '0 more are not shown.');
    assert.equal(english.say(say('list.more', { count: 12 })), '12 more are not shown.');
  });

  it('a sentence inside a sentence is put into words first', () => {
    const nested = say('two', { first: say('state.done'), second: say('list.count', { count: 2 }) });
    assert.equal(english.say(nested), 'Done 2 in all.');
  });

  it('a missing sentence and a missing value are named', () => {
    assert.throws(() => english.say(say('request.nonsense')), /TypeError.*request\.nonsense|request\.nonsense/);
    assert.throws(() => english.say(say('request.footer', { name: 'Ana' })), /request\.footer lacks the value when/);
  });

  it('what a person typed goes into a sentence unchanged, whatever it looks like', () => {
    const odd = fc.oneof(
      fc.string(),
      fc.constantFrom('{{second}}', '$t(form.cancel)', '$&', '$1', '$\u007bx}', '{{ first }}'),
    );
    fc.assert(
      fc.property(odd, odd, (first, second) => {
        assert.equal(english.say(say('two', { first, second })), `${first} ${second}`);
      }),
    );
  });

  it('days are calendar days and moments name their zone', () => {
    const at = Date.UTC(2026, 2, 12, 23, 5);
    assert.equal(english.say(say('date', { date: '2026-06-30' })), '30 Jun 2026');
    assert.equal(english.say(say('date', { date: 'soon' })), 'soon');
    assert.equal(english.date(at, 'Europe/Berlin'), '13 Mar 2026');
    assert.equal(english.date(at, 'Nowhere/Else'), '12 Mar 2026');
    assert.equal(english.dateTime(at, 'Europe/Berlin'), '13 Mar 2026, 00:05 CET');
    assert.equal(english.dateTime(at), '12 Mar 2026, 23:05 UTC');
  });
});
