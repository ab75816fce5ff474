/**
 * Turns a view (data) and a template (shape) into an Adaptive Card. Knows neither requests nor Teams.
 *
 * A template holds paths and `$data` only, so the structure of a card follows from the lengths of the view's lists and
 * nothing else. That allows two stages: adaptivecards-templating expands a template once per structure, with a marker
 * object in the place of each value; afterwards a card is a copy of the result with the values put in. What a person
 * typed never passes through the expression engine, one `Template` serves every language, and the request card takes
 * 7 µs instead of 50, the form 25 instead of 210 (Node 20, templates kept). A test holds that both ways give the same card.
 */
import { createRequire } from 'node:module';
import { Bounded } from './bounded.ts';
import { readCardFile } from './folder.ts';
import { TYPICAL } from './typical.ts';
import type { View } from './view.ts';
import { type Words, words } from './words.ts';

export interface Rendered {
  readonly card: object;
  /** One plain line, for the notification and for clients that cannot draw the card. */
  readonly summary: string;
}

/** Stands for the nth value of a view. Found again by identity: no text can be mistaken for it. */
class Slot {
  readonly n: number;
  constructor(n: number) {
    this.n = n;
  }
}

type Leaf = string | number | boolean;

// ---- what a view is made of -------------------------------------------------------------------------------------

/**
 * The structure of a view as a text, its values appended to `values` in reading order. Throws when something is
 * missing: a view says "absent" by an empty list.
 */
function structure(node: unknown, path: string, values: Leaf[]): string {
  if (typeof node === 'string' || typeof node === 'number' || typeof node === 'boolean') {
    values.push(node);
    return '.';
  }
  if (Array.isArray(node)) {
    let text = '[';
    for (let n = 0; n < node.length; n += 1) text += structure(node[n], path, values);
    return `${text}]`;
  }
  if (typeof node !== 'object' || node === null) throw new TypeError(`a view holds no ${node}: ${path}`);
  let text = '{';
  for (const key in node) {
    // The length keeps two different sets of names from looking alike.
    text += `${key.length}:${key}${structure((node as Record<string, unknown>)[key], key, values)}`;
  }
  return `${text}}`;
}

/** The same view with a marker for each value, numbered in the same order. */
function withSlots(node: unknown, next: { n: number }): unknown {
  if (Array.isArray(node)) return node.map((item) => withSlots(item, next));
  if (typeof node !== 'object') {
    next.n += 1;
    return new Slot(next.n - 1);
  }
  const copy: Record<string, unknown> = {};
  for (const key in node) copy[key] = withSlots((node as Record<string, unknown>)[key], next);
  return copy;
}

// ---- first stage: once per structure ----------------------------------------------------------------------------

/** What is used of adaptivecards-templating; its own typings drag in the sources of the browser renderer. */
interface Templating {
  readonly Template: new (template: unknown) => Template;
  readonly GlobalSettings: { getUndefinedFieldValueSubstitutionString?: (path: string) => string | undefined };
}
interface Template {
  expand(context: { readonly $root: unknown }): unknown;
}

const require = createRequire(import.meta.url);
let library: Templating | undefined;
const templates = new Map<string, Template>();

/** Loads adaptivecards-templating (110-240 ms, once; see warm). */
function templating(): Templating {
  library ??= require('adaptivecards-templating') as Templating;
  return library;
}

function templateOf(name: string): Template {
  let template = templates.get(name);
  if (!template) {
    template = new (templating().Template)(readCardFile(name));
    templates.set(name, template);
  }
  return template;
}

/** The template expanded with markers, the catalogue's sentences in the place of `say:<key>`. */
function skeleton(view: View, language: Words): unknown {
  const missing: string[] = [];
  const template = templateOf(view.template);
  // It would print the path of a missing field. Its one hook is the whole process's, so it is ours only for this moment.
  templating().GlobalSettings.getUndefinedFieldValueSubstitutionString = (path) => {
    missing.push(path);
    return undefined;
  };
  const expanded = template.expand({ $root: withSlots(view, { n: 0 }) });
  if (missing.length > 0) {
    throw new TypeError(`card ${view.template} lacks ${[...new Set(missing)].join(', ')}`);
  }
  return spoken(expanded, language);
}

/** Only the template's own strings are left as strings here, so nobody's text can be taken for a key. */
function spoken(node: unknown, language: Words): unknown {
  if (typeof node === 'string') return node.startsWith('say:') ? language.say({ key: node.slice(4) }) : node;
  if (Array.isArray(node)) return node.map((item) => spoken(item, language));
  if (typeof node !== 'object' || node === null || node instanceof Slot) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, spoken(value, language)]));
}

// ---- second stage: every time -----------------------------------------------------------------------------------

function filled(node: unknown, values: readonly Leaf[]): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (node instanceof Slot) return values[node.n];
  if (Array.isArray(node)) {
    const copy = new Array<unknown>(node.length);
    for (let n = 0; n < node.length; n += 1) copy[n] = filled(node[n], values);
    return copy;
  }
  const copy: Record<string, unknown> = {};
  for (const key in node) copy[key] = filled((node as Record<string, unknown>)[key], values);
  return copy;
}

/** A skeleton takes about 10 kB; the structures in use are a few dozen (rows, buttons, open or closed options). */
const skeletons = new Bounded<unknown>(400);

/** The card of a view. Throws a TypeError naming what the view lacks: an incomplete card is a bug. */
export function render(view: View, language: Words): Rendered {
  const values: Leaf[] = [];
  const shape = structure(view, view.template, values);
  const key = `${view.template}|${language.language}|${shape}`;
  const card = filled(
    skeletons.get(key, () => skeleton(view, language)),
    values,
  ) as object;
  return { card, summary: view.summary };
}

/**
 * Makes the first cards as fast as the later ones: loads the library and expands every template, in `views` too. Call
 * once at the start; takes 0.2-0.5 s, nearly all of it loading the library.
 */
export function warm(views: readonly View[] = [], language: Words = words(undefined)): void {
  for (const view of [...TYPICAL, ...views]) render(view, language);
}
