/** Debian's Chromium for the browser walks, driven by playwright-core; absent, the walk is skipped with that reason. */
import { existsSync } from 'node:fs';
import type { Context } from 'mocha';
import { type Browser, chromium } from 'playwright-core';
import { skip } from './skip.ts';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export async function openBrowser(context: Context): Promise<Browser> {
  if (!existsSync(executablePath)) skip(context, `there is no browser at ${executablePath}`);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}
