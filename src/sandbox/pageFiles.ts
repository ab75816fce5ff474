/**
 * Serves the chat page and the card renderer from disk. Must not know anything of the sandbox's state.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer } from './exchange.ts';

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Pages with an address of their own. */
const named: Record<string, string> = { '/': 'index.html', '/sign-in': 'signIn.html' };

/** No outside host, nothing inline. The card renderer sets styles through the object model, which this allows. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** The folder of the page, found from the package root so that a compiled copy finds it as well. */
function pageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('no package.json above the sandbox');
    folder = parent;
  }
  return join(folder, 'src', 'sandbox', 'page');
}

/** The answer for a page path, or undefined when there is no such file. */
export async function pageFile(path: string): Promise<Answer | undefined> {
  const name = named[path] ?? path.replace(/^\/page\//, '');
  if (!/^[a-zA-Z]+\.(html|css|js|svg)$/.test(name)) return undefined;
  const file =
    name === 'adaptivecards.js'
      ? createRequire(import.meta.url).resolve('adaptivecards/dist/adaptivecards.min.js')
      : join(pageFolder(), name);
  const body = await readFile(file).catch(() => undefined);
  if (!body) return undefined;
  return {
    status: 200,
    body,
    headers: {
      'content-type': types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    },
  };
}
