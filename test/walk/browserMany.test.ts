/**
 * Many guests as people bring them in, in a real browser: a file is attached, its preview says of each row what becomes of
 * it, Send, the card counts, and the result is a file that they allow Usher to hand over. SCREENSHOTS=<folder> keeps pictures.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Browser, Locator, Page } from 'playwright-core';
import { openBrowser, openChat, picture } from '../support/browser.ts';
import { type Lane, openLane, sqlite } from '../support/walk.ts';

describe('a list of guests in the browser', function () {
  this.timeout(120_000);
  let browser: Browser;
  let lane: Lane;
  let page: Page;
  const faults: string[] = [];

  before(async function () {
    browser = await openBrowser(this);
    lane = await openLane(await sqlite());
    page = await openChat(browser, lane.town.sandbox.url, faults);
  });
  after(async () => {
    await browser?.close();
    await lane?.close();
    assert.deepEqual(faults, [], 'the page failed or asked somebody else');
  });

  const list = (): Locator => page.locator('[data-from=bot]').filter({ hasText: 'Guests from partners.csv' }).last();
  const tells = (text: string | RegExp): Promise<void> => list().getByText(text).first().waitFor();
  const press = (name: string | RegExp): Promise<void> => list().getByRole('button', { name }).click();
  const consent = (): Locator => page.getByRole('group', { name: /^File partners-/ });

  it('goes from the file to the file of results, and keeps what is declined', async () => {
    const rows = Array.from({ length: 12 }, (_, n) => `Guest ${n};guest${n}@partner.example`);
    const text = ['Name;E-mail', ...rows, 'Nobody;not an address', 'Again;guest3@partner.example'].join('\r\n');
    await page
      .locator('#file')
      .setInputFiles({ name: 'partners.csv', mimeType: 'text/csv', buffer: Buffer.from(`\ufeff${text}`) });
    await page.getByLabel('Type a message').fill('invite to team Apollo');
    await page.keyboard.press('Enter');
    await tells(/12 invitations can be sent/);
    await tells(/not an address: I found no mail address/);
    await tells(/The same as line 5/);
    await picture('many-preview', page);
    assert.equal((await lane.town.invitations()).length, 0, 'nothing leaves before Send');

    await press(/^Send 12/);
    await tells(/12 guests are invited/);
    await picture('many-done', page);

    await press('All rows as a file');
    await consent().getByRole('button', { name: 'Decline' }).click();
    await page
      .getByText(/I keep it/)
      .first()
      .waitFor();
    await press('All rows as a file');
    await consent().last().getByRole('button', { name: 'Allow' }).click();
    const link = page.getByRole('link', { name: /partners-.*\.csv/ });
    await link.waitFor();
    await picture('many-file', page);
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    const [head, ...lines] = readFileSync(await download.path(), 'utf8').split('\r\n');
    assert.match(head ?? '', /^\ufeffLine,/);
    assert.equal(lines.filter((line) => /Invited/.test(line)).length, 12);
  });
});
