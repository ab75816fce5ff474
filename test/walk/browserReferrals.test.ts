/**
 * Into the deal, as people do it in a real browser: sign in with a second factor, make each kind of deal, accept one that
 * came in while somebody else is faster, meet a change of somebody else's, win. SCREENSHOTS=<folder> keeps pictures.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { type Lane, openLane, sqlite } from '../support/walk.ts';

describe('a deal in the browser', function () {
  this.timeout(120_000);
  let browser: Browser;
  let lane: Lane;
  let page: Page;
  const faults: string[] = [];

  before(async function () {
    browser = await openBrowser(this);
  });
  beforeEach(async () => {
    lane = await openLane(await sqlite(), { REFERRAL_HOLD_SECONDS: '1' });
    page = await open('personal');
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await lane.close();
    assert.deepEqual(faults, [], 'the page failed or asked somebody else');
  });
  after(async () => {
    await browser?.close();
  });

  async function open(place: string, person = 'rita'): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    const opened = await context.newPage();
    opened.on('pageerror', (error) => faults.push(error.message));
    opened.on('request', (request) => {
      if (!request.url().startsWith(lane.town.sandbox.url) && !request.url().startsWith('data:'))
        faults.push(request.url());
    });
    await opened.addInitScript(
      `localStorage.setItem('usher.place', '${place}'); localStorage.setItem('usher.user', '${person}')`,
    );
    await opened.goto(lane.town.sandbox.url);
    await opened.getByLabel('Type a message').waitFor();
    return opened;
  }

  const card = (on: Page = page): Locator => on.locator('[data-from=bot]').last();
  const type = async (text: string, on: Page = page): Promise<void> => {
    await on.getByLabel('Type a message').fill(text);
    await on.keyboard.press('Enter');
  };
  const press = (name: string, on: Page = page): Promise<void> =>
    card(on).getByRole('button', { name, exact: true }).click();
  const box = (label: string, on: Page = page): Locator =>
    card(on).getByRole('textbox', { name: new RegExp(`^${label}`) });
  const picture = async (name: string, on: Page = page): Promise<void> => {
    const folder = process.env['SCREENSHOTS'];
    if (folder) await on.screenshot({ path: join(folder, `${name}.png`) });
  };
  const tells = (text: string, on: Page = page): Promise<void> => card(on).getByText(text).first().waitFor();

  /** The sign-in that the last card asks for, in the window it opens. */
  async function signIn(on: Page = page): Promise<void> {
    await press('Sign in', on);
    const [popup] = await Promise.all([
      on.waitForEvent('popup'),
      card(on).locator('.sign-in').getByRole('button', { name: 'Sign in' }).click(),
    ]);
    await popup.waitForLoadState();
    await picture('deal-sign-in-page', popup);
    const factor = popup.getByRole('checkbox');
    if (await factor.count()) await factor.first().check();
    await popup.getByRole('button', { name: 'Sign in' }).click();
  }

  async function fill(how: string, customer: string): Promise<void> {
    await box('Country').fill('Portugal');
    await card().getByLabel('Who is to see it').selectOption({ label: how });
    await box('Contacts at the customer').fill(`Sue Smith <sue@${customer.toLowerCase()}.example>`);
  }

  it('signs in on the card, checks, holds, sends, and can be stopped', async () => {
    await type('deal new Contoso 50k USD close 15 Mar');
    await tells('New deal');
    assert.equal(await box('Customer').inputValue(), 'Contoso');
    assert.equal(await box('Value').inputValue(), '50,000 USD');
    await picture('deal-form');
    await press('Check');
    await tells('Please give the customer');
    await picture('deal-faults');
    await fill('Private: only your organization sees it', 'Contoso');
    await press('Check');
    await tells('All in order: Contoso, 50,000 USD');
    await picture('deal-checked');
    await press('Send');
    await tells('I send it in a few seconds');
    await picture('deal-held');
    await tells('Please sign in to Partner Center');
    await picture('deal-sign-in');
    await signIn();
    await tells('The deal is in Partner Center.');
    await picture('deal-made');
  });
});
