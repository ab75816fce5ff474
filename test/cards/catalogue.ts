/** Which sentences the program asks for, found in its own text, and which the catalogue holds. For tests only. */
import { readdirSync, readFileSync } from 'node:fs';
import { capabilities } from '../../src/capabilities/index.ts';
import { isVerb } from '../../src/cards/verbs.ts';
import { SETTINGS } from '../support/settings.ts';

const ROOT = new URL('../../', import.meta.url);

const PLURAL = /_(zero|one|two|few|many|other)$/;

/** Sentences of a language by key. */
export function catalogue(language: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(new URL(`cards/words/${language}.json`, ROOT), 'utf8'));
}

/** Keys without their plural endings. */
export function keysOf(language: string): ReadonlySet<string> {
  return new Set(Object.keys(catalogue(language)).map((key) => key.replace(PLURAL, '')));
}

/** Places that are filled in, e.g. `who`. */
export function placeholders(sentence: string): readonly string[] {
  return [...sentence.matchAll(/\{\{\s*(\w+)/g)].map((match) => match[1]!).sort();
}

function sources(folder: URL): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const url = new URL(entry.isDirectory() ? `${entry.name}/` : entry.name, folder);
    // The sandbox plays the world outside: it has no words of ours.
    if (entry.isDirectory()) return entry.name === 'sandbox' ? [] : sources(url);
    return entry.name.endsWith('.ts') ? [readFileSync(url, 'utf8')] : [];
  });
}

/** The program without comments, and without the names of log events, which look like keys. */
function program(): string {
  return sources(new URL('src/', ROOT))
    .join('\n')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
    .replace(/\.(trace|debug|info|warn|error|fatal)\(\s*(['`])[^'`]*\2/g, '');
}

/** Exact keys, and patterns for keys that are put together (`state.${…}`). */
export function asked(): { readonly exact: ReadonlySet<string>; readonly patterns: readonly RegExp[] } {
  const dotted = [...keysOf('en')].filter((key) => key.includes('.'));
  const groups = [...new Set(dotted.map((key) => key.split('.')[0]!))];
  const text = program();
  const exact = new Set<string>();
  const patterns: RegExp[] = [];
  for (const [, key] of text.matchAll(new RegExp(`'((?:${groups.join('|')})\\.[A-Za-z][\\w.-]*)'`, 'g'))) {
    if (!isVerb(key!)) exact.add(key!);
  }
  // A verb may have a sentence of the same name; only `say('…')` asks for it.
  for (const [, key] of text.matchAll(/\bsay\(\s*'([^']+)'/g)) exact.add(key!);
  for (const [, key] of text.matchAll(new RegExp(`\`((?:${groups.join('|')})\\.[^\`]*\\$\\{[^\`]*)\``, 'g'))) {
    const pattern = key!.split(/\$\{[^}]*\}/).map((part) => part.replaceAll('.', '\\.'));
    patterns.push(new RegExp(`^${pattern.join('[\\w.-]+')}$`));
  }
  for (const name of ['request', 'form', 'help', 'list', 'notice']) {
    const template = readFileSync(new URL(`cards/${name}.json`, ROOT), 'utf8');
    for (const [, key] of template.matchAll(/"say:([^"]+)"/g)) exact.add(key!);
  }
  const all = capabilities(SETTINGS).values();
  for (const { name, fields, subjectAt, preview } of all) {
    if (subjectAt) exact.add(`${name}.notHere`);
    if (fields.length > 0) for (const part of ['title', 'intro', 'submit']) exact.add(`${name}.form.${part}`);
    if (preview) exact.add(`${name}.form.check`);
    for (const field of fields.filter(({ kind }) => kind !== 'hidden')) {
      exact.delete(field.words);
      for (const part of ['label', 'placeholder', 'missing']) exact.add(`${field.words}.${part}`);
      for (const choice of field.choices ?? []) if ('words' in choice) exact.add(choice.words);
    }
  }
  return { exact, patterns };
}
