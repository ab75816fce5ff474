/**
 * The rules of the house, read off the source: who may import whom, which doors lead outside, who reads the environment,
 * and that what is generated is current. A rule here has a line in the README's map.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { envExample } from '../src/config/config.ts';
import { root } from '../src/root.ts';

interface Source {
  /** Path below `src`, e.g. `teams/turn.ts`. */
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const src = join(root, 'src');

const sources: readonly Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8');
    const imports = [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)'([^']+)'/g)].map((match) => {
      const to = match[1] ?? '';
      return to.startsWith('.') ? relative(src, join(src, dirname(path), to)) : to;
    });
    return { path, room: path.includes('/') ? (path.split('/')[0] ?? '') : path, text, imports };
  });

/** Rooms each room may import from, itself always included. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  requests: [],
  capabilities: ['requests'],
  cards: ['requests', 'root.ts'],
  remotes: ['requests', 'config'],
  store: ['requests'],
  teams: ['requests', 'cards'],
  sandbox: [],
  edge: ['requests', 'teams', 'remotes', 'config'],
  config: [],
  'log.ts': ['requests'],
  'root.ts': [],
  'compose.ts': ['requests', 'capabilities', 'cards', 'remotes', 'store', 'teams', 'edge', 'config', 'root.ts'],
  'main.ts': ['compose.ts', 'config', 'log.ts', 'root.ts'],
  'demo.ts': ['compose.ts', 'config', 'log.ts', 'root.ts', 'sandbox'],
  'pack.ts': ['root.ts', 'config'],
  'writeEnv.ts': ['config', 'root.ts'],
};

/** Packages with one door into the house. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  botbuilder: ['teams'],
  'botframework-connector': ['teams'],
  '@microsoft/teams-ai': ['teams'],
  '@microsoft/microsoft-graph-client': ['remotes'],
  '@azure/identity': ['remotes'],
  undici: ['remotes'],
  jose: ['remotes', 'sandbox'],
  kysely: ['store'],
  libsql: ['store'],
  pg: ['store'],
  'adaptivecards-templating': ['cards'],
  'adaptive-expressions': ['cards'],
  i18next: ['cards'],
  restify: ['edge'],
  'csv-parse': ['requests'],
  'csv-stringify': ['requests'],
  '@peculiar/x509': ['sandbox'],
  'reflect-metadata': ['sandbox'],
  pino: ['log.ts'],
};

const packageOf = (to: string): string =>
  to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : (to.split('/')[0] ?? '');

describe('the house', () => {
  it('lets each room import only from the rooms it may know', () => {
    const wrong = sources.flatMap(({ path, room, imports }) =>
      imports
        .filter((to) => to.endsWith('.ts'))
        .map((to) => (to.includes('/') ? (to.split('/')[0] ?? '') : to))
        .filter((to) => to !== room && !(MAY[room] ?? []).includes(to))
        .map((to) => `${path} → ${to}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('has a rule for every room', () => {
    assert.deepEqual(
      [...new Set(sources.map(({ room }) => room))].filter((room) => !(room in MAY)),
      [],
    );
  });

  it('opens each door to the outside in one room', () => {
    const wrong = sources.flatMap(({ path, room, imports }) =>
      imports
        .map(packageOf)
        .filter((name) => name in DOORS && !DOORS[name]?.includes(room))
        .map((name) => `${path} → ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('fetches only from remotes and the sandbox', () => {
    const wrong = sources.filter(
      ({ room, text }) => room !== 'remotes' && room !== 'sandbox' && /(?<![.\w])fetch\(/.test(text),
    );
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('keeps capabilities and the spine free of input and output', () => {
    const wrong = sources
      .filter(({ room }) => room === 'capabilities' || room === 'requests')
      .flatMap(({ path, imports }) =>
        imports.filter((to) => /^node:(?!crypto$|url$)/.test(to)).map((to) => `${path} → ${to}`),
      );
    assert.deepEqual(wrong, []);
  });

  it('has SQL in the store only', () => {
    const sql = /\b(?:select\s+\S+\s+from|insert\s+into|update\s+\w+\s+set|delete\s+from)\b/i;
    const wrong = sources.filter(
      ({ room, text }) => room !== 'store' && sql.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
    );
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('reads the environment where programs start, and nowhere else', () => {
    const starters = new Set(['main.ts', 'demo.ts', 'pack.ts', 'sandbox/main.ts']);
    const wrong = sources.filter(({ path, text }) => !starters.has(path) && /process\.env/.test(text));
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('writes to the console where programs start, and nowhere else', () => {
    const wrong = sources.filter(({ text }) => /\bconsole\.\w+\(/.test(text));
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('opens every file with what it is for', () => {
    const wrong = sources.filter(({ text }) => !/^(?:#!.*\n)?\/\*\*/.test(text));
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('keeps every file small enough to be one thing', () => {
    const wrong = sources.filter(({ text }) => text.split('\n').length > 400);
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('has env/.env.example as the configuration describes it', () => {
    assert.equal(readFileSync(join(root, 'env', '.env.example'), 'utf8'), envExample(), 'run npm run env');
  });

  it('locks the packages of every platform, or npm ci refuses elsewhere', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const found = (from: string, name: string): boolean =>
      `${from}${from ? '/' : ''}node_modules/${name}` in packages ||
      (from !== '' &&
        found(from.includes('/node_modules/') ? from.slice(0, from.lastIndexOf('/node_modules/')) : '', name));
    const missing = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !found(from, name)),
    );
    assert.deepEqual(missing, []);
  });

  it('names no registry and no path of a machine in its files', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    assert.doesNotMatch(lock, /"resolved":/);
  });
});
