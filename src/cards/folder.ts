/**
 * Where the `cards/` folder is: tsc copies no JSON, so it is found from the package root, from `src/` under tsx and
 * from `dist/` alike. Must not know what the files mean.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('no package.json above src/cards/folder.ts: the cards folder cannot be found');
    folder = parent;
  }
  return folder;
}

const CARDS = join(packageRoot(), 'cards');

/** Names of the JSON files in a folder below `cards/`, without the ending. */
export function namesIn(folder: '.' | 'words'): readonly string[] {
  return readdirSync(join(CARDS, folder))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort();
}

/** One JSON file below `cards/`, e.g. `request` or `words/en`. */
export function readCardFile(name: string): unknown {
  return JSON.parse(readFileSync(join(CARDS, `${name}.json`), 'utf8'));
}
