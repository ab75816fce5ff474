import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { render, warm } from '../../src/cards/render.ts';
import type { View } from '../../src/cards/view.ts';
import { languages, type Words, words } from '../../src/cards/words.ts';
import { HOSTILE, LONGEST, samples, sampleWords } from './samples.ts';

const { Template } = createRequire(import.meta.url)('adaptivecards-templating');

/** The card as the library alone makes it: no markers, no cache. The catalogue's words are put in beforehand. */
function direct(view: View, language: Words): unknown {
  const text = readFileSync(new URL(`../../cards/${view.template}.json`, import.meta.url), 'utf8');
  const spoken = text.replace(/"say:([^"]+)"/g, (_, key: string) => JSON.stringify(language.say({ key })));
  return new Template(JSON.parse(spoken)).expand({ $root: view });
}

describe('render', () => {
  it('gives the card that the library alone gives, for every sample and text', () => {
    for (const locale of languages()) {
      const language = sampleWords(locale);
      for (const text of ['plain', HOSTILE, LONGEST]) {
        for (const [name, view] of Object.entries(samples(language, text))) {
          assert.deepEqual(render(view, language).card, direct(view, language), `${locale} ${name}`);
        }
      }
    }
  });

  it('gives the card that the library alone gives, for any data', () => {
    const language = words('en');
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(HOSTILE, '$\u007bsummary}', '', 'say:form.more'),
    );
    const data = fc.dictionary(fc.constantFrom('requestId', 'text', 'capability', 'a', 'b'), text);
    const button = fc.record({
      title: text,
      verb: text,
      data,
      style: fc.constantFrom('default' as const, 'positive' as const, 'destructive' as const),
    });
    const view: fc.Arbitrary<View> = fc.record({
      template: fc.constant('request' as const),
      summary: text,
      tone: fc.constantFrom('emphasis' as const, 'good' as const),
      title: text,
      state: text,
      sentence: text,
      note: fc.oneof(fc.constant([] as const), fc.tuple(fc.record({ text }))),
      rows: fc.array(fc.record({ label: text, text }), { maxLength: 5 }),
      items: fc.array(
        fc.record({
          title: text,
          state: text,
          sub: text,
          data: fc.record({ text, requestId: text, drawn: text }),
        }),
        { maxLength: 3 },
      ),
      page: fc.oneof(fc.constant([] as const), fc.tuple(fc.record({ title: text, url: text }))),
      question: fc.oneof(
        fc.constant([] as const),
        fc.tuple(
          fc.record({
            text: fc.oneof(fc.constant([] as const), fc.tuple(fc.record({ text }))),
            choose: fc.tuple(
              fc.record({ options: fc.array(fc.record({ title: text, value: text }), { maxLength: 4 }) }),
            ),
            search: fc.constant([] as const),
            data: fc.record({ requestId: text, field: text }),
          }),
        ),
      ),
      link: fc.oneof(fc.constant([] as const), fc.tuple(fc.record({ label: text, url: text }))),
      buttons: fc.array(button, { maxLength: 4 }),
      inputs: fc.constant([]),
      deciding: fc.constant([]),
      footer: text,
    });
    fc.assert(
      fc.property(view, (one) => {
        // fast-check makes objects without a prototype; the program does not.
        const plain = structuredClone(one);
        assert.deepEqual(render(plain, language).card, direct(plain, language));
      }),
      { numRuns: 300 },
    );
  });

  it('names what a view lacks instead of printing a placeholder', () => {
    const language = sampleWords('en');
    const all = samples(language, 'plain');
    const { footer: _, ...incomplete } = all['request-done'] as Extract<View, { template: 'request' }>;
    assert.throws(() => render(incomplete as never, language), /card request lacks footer/);
    const { rows: __, ...listless } = all['list-three'] as Extract<View, { template: 'list' }>;
    assert.throws(() => render(listless as never, language), /card list lacks rows/);
    const inner = { ...(all['list-three'] as Extract<View, { template: 'list' }>), rows: [{ title: 'a' }] };
    assert.throws(() => render(inner as never, language), /card list lacks .*sub/);
    for (const nothing of [null, undefined]) {
      assert.throws(() => render({ ...all['notice']!, sentence: nothing } as never, language), /sentence/);
    }
    assert.doesNotThrow(() => render(all['request-done']!, language), 'the next card is not affected');
  });

  it('two languages do not share a card', () => {
    const english = sampleWords('en');
    const shouting: Words = { ...english, language: 'en-x-loud', say: (one) => english.say(one).toUpperCase() };
    const view = samples(english, 'plain')['request-link']!;
    assert.notDeepEqual(render(view, english).card, render(view, shouting).card);
    assert.match(JSON.stringify(render(view, shouting).card), /OPEN LINK/);
  });

  it('answers a fresh card each time', () => {
    const language = sampleWords('en');
    const view = samples(language, 'plain')['request-done']!;
    const first = render(view, language).card as { body: unknown[] };
    first.body.length = 0;
    assert.equal((render(view, language).card as { body: unknown[] }).body.length > 0, true);
  });

  it('can be warmed in every language', () => {
    for (const locale of languages()) assert.doesNotThrow(() => warm([], words(locale)));
  });
});
