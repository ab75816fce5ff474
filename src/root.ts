/**
 * Finds the project's own folder, from `src` under tsx and from `dist` alike: the nearest folder upwards that has a
 * package.json. Must not know what is looked for in it.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('no package.json above the code');
    folder = above;
  }
  return folder;
}

/** Absolute path of the project's folder. */
export const root = findRoot();
