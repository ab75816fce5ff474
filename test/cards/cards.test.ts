import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { render } from '../../src/cards/render.ts';
import { LIMITS } from '../../src/cards/text.ts';
import { isVerb } from '../../src/cards/verbs.ts';
import type { View } from '../../src/cards/view.ts';
import { languages } from '../../src/cards/words.ts';
import { HOSTILE, LINK, LONGEST, samples, sampleWords } from './samples.ts';

const TEMPLATES = ['request', 'form', 'help', 'list', 'notice'] as const;
/** Teams refuses messages above about 28 KB. */
const MOST_BYTES = 26_000;

type Json = { readonly [key: string]: unknown };

/** Every object in a card, outermost first. */
function nodes(node: unknown): Json[] {
  if (Array.isArray(node)) return node.flatMap(nodes);
  if (typeof node !== 'object' || node === null) return [];
  return [node as Json, ...Object.values(node).flatMap(nodes)];
}

/** Every text in a card with where it stands: the type of its element and its name, `Action.Execute data.text`. */
function texts(node: unknown, where = ''): { readonly where: string; readonly text: string }[] {
  if (typeof node === 'string') return [{ where, text: node }];
  if (Array.isArray(node)) return node.flatMap((item) => texts(item, where));
  if (typeof node !== 'object' || node === null) return [];
  const { type } = node as Json;
  return Object.entries(node).flatMap(([key, value]) =>
    texts(value, typeof type === 'string' ? `${type} ${key}` : `${where}.${key}`),
  );
}

const isInput = (node: Json) => String(node['type']).startsWith('Input.');
const isAction = (node: Json) => String(node['type']).startsWith('Action.');

interface Case {
  readonly name: string;
  readonly view: View;
  readonly card: Json;
  readonly summary: string;
}

function cases(text: string): readonly Case[] {
  return languages().flatMap((locale) => {
    const language = sampleWords(locale);
    return Object.entries(samples(language, text)).map(([name, view]) => {
      const { card, summary } = render(view, language);
      return { name: `${locale}/${name}`, view, card: card as Json, summary };
    });
  });
}

const plain = cases('plain');
const hostile = cases(HOSTILE);
const longest = cases(LONGEST);
const every = [...plain, ...hostile, ...longest];

/** The list whose only finding is that there is none. */
function none(findings: readonly string[]): void {
  assert.deepEqual([...new Set(findings)], []);
}

describe('every card', () => {
  it('is an Adaptive Card 1.5 that says in plain text what it is', () => {
    for (const { name, card, summary } of every) {
      assert.equal(card['type'], 'AdaptiveCard', name);
      assert.equal(card['version'], '1.5', name);
      assert.equal(card['fallbackText'], summary, name);
      assert.ok(summary.length > 0 && summary.length <= LIMITS.summary, name);
      assert.doesNotMatch(summary, /\n/, name);
    }
  });

  it('labels every input, and says what is wrong when a required one is empty', () => {
    for (const { name, card } of every) {
      const inputs = nodes(card).filter(isInput);
      for (const input of inputs) {
        assert.ok(String(input['label'] ?? '').length > 0, `${name}: ${input['id']}`);
        if (input['isRequired']) assert.ok(String(input['errorMessage'] ?? '').length > 0, `${name}: ${input['id']}`);
      }
      assert.equal(new Set(inputs.map((input) => input['id'])).size, inputs.length, `${name}: ids are unique`);
    }
  });

  it('has at most four buttons in a row, each with a name that can be read out', () => {
    for (const { name, card } of every) {
      for (const node of nodes(card)) {
        const actions = node['actions'];
        if (Array.isArray(actions)) assert.ok(actions.length <= LIMITS.buttons, name);
        if (isAction(node)) assert.ok(String(node['title'] ?? '').trim().length > 0, name);
      }
    }
  });

  it('carries only verbs that are routed, and checks inputs only where they are sent', () => {
    for (const { name, card } of every) {
      for (const action of nodes(card).filter((node) => node['type'] === 'Action.Execute')) {
        const verb = String(action['verb']);
        assert.ok(isVerb(verb), `${name}: ${verb}`);
        const sends =
          /\.(?:submit|check)$/.test(verb) || /^request\.(?:answer|approve|shorten|refuse|ask|reply)$/.test(verb);
        assert.equal(action['associatedInputs'], sends ? undefined : 'none', `${name}: ${verb}`);
      }
    }
  });

  it('leaves colours to the theme and needs no image', () => {
    for (const { name, card } of plain) {
      assert.doesNotMatch(JSON.stringify(card), /#[0-9a-f]{3,8}\b|rgba?\(|backgroundImage|"Image"|\.png/i, name);
    }
  });

  it('is small enough for Teams even with the longest texts', () => {
    none(
      every
        .map(({ name, card }) => ({ name, size: Buffer.byteLength(JSON.stringify(card)) }))
        .filter(({ size }) => size > MOST_BYTES)
        .map(({ name, size }) => `${name}: ${size}`),
    );
  });

  it('shows what a person typed only where Markdown is not rendered', () => {
    // A button's title is plain text in Teams (docs, "format cards": Markdown in TextBlock and facts only).
    const allowed =
      /^(TextRun text|Input\.\w+ (value|placeholder|choices\.title|choices\.value)|Action\.Execute (title|data(\.\w+)?)|AdaptiveCard fallbackText)$/;
    const found = hostile.flatMap(({ card }) =>
      texts(card)
        .filter(({ text }) => text.includes('evil.example') || text.includes('**b**'))
        .map(({ where }) => where),
    );
    none(found.filter((where) => !allowed.test(where)));
    assert.ok(found.includes('TextRun text') && found.includes('Input.Text value'), 'the marker was planted');
  });

  it('uses no element that renders Markdown for anything but words of ours', () => {
    none(
      TEMPLATES.flatMap((name) =>
        texts(template(name))
          .filter(({ where, text }) => /^(TextBlock text|Fact)/.test(where) && text.includes('$\u007b'))
          .map(({ where }) => `${name}: ${where}`),
      ),
    );
  });

  it('leaves nothing unfilled', () => {
    for (const { name, card } of plain)
      assert.doesNotMatch(JSON.stringify(card), /\$\{|say:|\{\{|null|undefined/, name);
  });

  it('gives back what a person typed, unchanged', () => {
    for (const { name, card } of hostile.filter(({ view }) => view.template === 'form' && view.groups[1]?.isVisible)) {
      const people = nodes(card).find((node) => node['id'] === 'people' || node['id'] === 'customer');
      assert.equal(people?.['value'], HOSTILE, name);
    }
  });

  it('shows the redeem link only when it may', () => {
    for (const { name, card } of every) {
      assert.equal(JSON.stringify(card).includes(LINK), /request-(link|full)$/.test(name), name);
    }
  });

  it("is accepted by the renderer's own parser", () => {
    const require = createRequire(import.meta.url);
    // The package's entry for Node is broken (3.0.6); its browser bundle parses without a browser.
    const { AdaptiveCard, SerializationContext } = require('adaptivecards/dist/adaptivecards.js');
    for (const { name, card } of every) {
      const context = new SerializationContext();
      const parsed = new AdaptiveCard();
      parsed.parse(card, context);
      const events = Array.from({ length: context.eventCount }, (_, n) => context.getEventAt(n).message);
      assert.deepEqual(events, [], name);
      assert.deepEqual(parsed.validateProperties().validationEvents, [], name);
    }
  });
});

// ---- templates against views --------------------------------------------------------------------------------------

function template(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../cards/${name}.json`, import.meta.url), 'utf8'));
}

/** What a template reads, as paths from the root: `rows[].label`. A path that is only repeated over ends in `[]`. */
function read(node: unknown, scope = ''): string[] {
  const path = (text: string) => /^\$\{([\w.]+)\}$/.exec(text)?.[1];
  if (typeof node === 'string') {
    if (!node.includes('$\u007b')) return [];
    const found = path(node);
    assert.ok(found, `an expression is a path and nothing else: ${node}`);
    return [scope + found];
  }
  if (Array.isArray(node)) return node.flatMap((item) => read(item, scope));
  if (typeof node !== 'object' || node === null) return [];
  const { $data, ...rest } = node as Json;
  assert.equal('$when' in rest, false, 'what may be absent is a list');
  if ($data === undefined) return Object.values(rest).flatMap((value) => read(value, scope));
  const list = `${scope}${path(String($data))}[]`;
  return [list, ...Object.values(rest).flatMap((value) => read(value, `${list}.`))];
}

/** What a view holds, as the same paths. */
function held(node: unknown, path: string): string[] {
  if (Array.isArray(node)) return [`${path}[]`, ...node.flatMap((item) => held(item, `${path}[]`))];
  if (typeof node !== 'object' || node === null) return [path];
  return Object.entries(node).flatMap(([key, value]) => held(value, path ? `${path}.${key}` : key));
}

describe('every template', () => {
  for (const name of TEMPLATES) {
    it(`${name} reads exactly what its view holds`, () => {
      const reads = new Set(read(template(name)));
      const holds = new Set(plain.filter(({ view }) => view.template === name).flatMap(({ view }) => held(view, '')));
      holds.delete('template');
      // An object that is handed over whole (an action's data) counts for all it holds.
      const covered = (path: string) => reads.has(path) || [...reads].some((one) => path.startsWith(`${one}.`));
      none([...holds].filter((path) => !covered(path)).map((path) => `not used: ${path}`));
      const given = (path: string) => holds.has(path) || [...holds].some((one) => one.startsWith(`${path}.`));
      none([...reads].filter((path) => !given(path)).map((path) => `not given: ${path}`));
    });
  }

  it('is one of the five', () => {
    const files = readdirSync(new URL('../../cards/', import.meta.url)).filter((file) => file.endsWith('.json'));
    assert.deepEqual(files.sort(), TEMPLATES.map((name) => `${name}.json`).sort());
  });
});

// ---- recorded examples --------------------------------------------------------------------------------------------

describe('recorded cards', () => {
  const folder = new URL('golden/', import.meta.url);
  for (const { name, card, summary } of plain.filter((one) => one.name.startsWith('en/'))) {
    it(`${name} looks as recorded (UPDATE_GOLDEN=1 records anew)`, () => {
      const file = new URL(`${name.slice(3)}.json`, folder);
      const now = `${JSON.stringify({ summary, card }, null, 2)}\n`;
      if (process.env['UPDATE_GOLDEN'] === '1') {
        mkdirSync(folder, { recursive: true });
        writeFileSync(file, now);
      }
      assert.ok(existsSync(file), 'not recorded yet');
      assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { summary, card });
    });
  }
});
