/** Debian's Chromium for the browser walks, driven by playwright-core; absent, the walk is skipped with that reason. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { type Browser, chromium, type Page } from 'playwright-core';
import { skip } from './skip.ts';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export async function openBrowser(context: Context): Promise<Browser> {
  if (!existsSync(executablePath)) skip(context, `there is no browser at ${executablePath}`);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

/** The chat page as one person has it open, in a window of their own. What goes wrong in it is added to `faults`. */
export async function openChat(
  browser: Browser,
  url: string,
  faults: string[],
  person = 'rita',
  place = 'personal',
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(request.url());
  });
  await page.addInitScript(
    `localStorage.setItem('usher.place', '${place}'); localStorage.setItem('usher.user', '${person}')`,
  );
  await page.goto(url);
  await page.getByLabel('Type a message').waitFor();
  return page;
}

/** SCREENSHOTS=<folder> keeps pictures of the way. */
export async function picture(name: string, page: Page): Promise<void> {
  const folder = process.env['SCREENSHOTS'];
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}
