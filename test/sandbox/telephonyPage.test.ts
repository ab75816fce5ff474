import assert from 'node:assert/strict';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import type { Loose } from './fakeBot.ts';
import { Line } from './line.ts';

describe('the meeting on the chat page', function () {
  this.timeout(30_000);
  let browser: Browser;
  let line: Line;
  let wrong: string[];

  before(async function () {
    browser = await openBrowser(this);
    line = await Line.open();
  });
  beforeEach(async () => {
    wrong = [];
    await line.reset();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    assert.deepEqual(wrong, []);
  });
  after(async () => {
    await browser?.close();
    await line?.close();
  });

  async function open(options: BrowserContextOptions = { viewport: { width: 1280, height: 800 } }): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.on('request', (request) => {
      if (!request.url().startsWith(line.sandbox.url)) wrong.push(request.url());
    });
    page.on('pageerror', (error) => wrong.push(error.message));
    await page.addInitScript("localStorage.setItem('usher.place', 'meeting')");
    await page.goto(line.sandbox.url);
    await page.getByText('Meeting is running').waitFor();
    return page;
  }
  const person = (page: Page, name: string) => page.locator('.who-row', { hasText: name });
  const chip = (page: Page, name: string, state: string) =>
    page.locator(`.who-chip[data-state=${state}]`, { hasText: name });

  it('shows who is in as they come and go, in the meeting chat only', async () => {
    const page = await open();
    await chip(page, 'Rita Requester', 'in').waitFor();
    await line.join();
    await chip(page, 'Usher', 'in').waitFor();
    await page.locator('[data-conversation=group]').click();
    await page.locator('#whoIsIn').waitFor({ state: 'hidden' });
    await page.locator('[data-conversation=meeting]').click();
    await page.getByRole('button', { name: 'End the meeting for everybody' }).click();
    await page.getByText('Meeting has not begun').waitFor();
    assert.equal(await page.locator('.who-chip').count(), 0);
  });

  it('lets people answer and decline while it rings, and be let in', async () => {
    const page = await open();
    const id = await line.join();
    for (const who of ['cleo', 'dan']) await line.control('people', { person: who, behaviour: 'silent' });
    await line.control('people', { person: 'axel', behaviour: 'lobby' });
    await line.invite(id, ['Axel', 'Cleo', 'Dan']);
    await chip(page, 'Cleo Costa', 'ringing').getByRole('button', { name: 'answers' }).click();
    await chip(page, 'Cleo Costa', 'in').waitFor();
    await chip(page, 'Dan Dale', 'ringing').getByRole('button', { name: 'declines' }).click();
    await page.locator('.hook', { hasText: 'Dan Dale did not come (487/10024)' }).waitFor();
    await chip(page, 'Axel Approver', 'lobby').getByRole('button', { name: 'Let' }).click();
    await chip(page, 'Axel Approver', 'in').waitFor();
    assert.equal(await chip(page, 'Dan Dale', 'ringing').count(), 0);
  });

  it('sets how people behave, keeps the open menu, and adds a phone', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'People' }).click();
    const menu = person(page, 'Bo Brandt').getByRole('combobox');
    await Promise.all([page.waitForResponse(/\/control\/people$/), menu.selectOption('declines')]);
    const bo = (await line.control('telephony')).people.find((one: Loose) => one.name === 'Bo Brandt');
    assert.equal(bo.behaviour, 'declines');
    await menu.focus();
    await line.control('telephony', { action: 'join', person: 'bo.berg' });
    await person(page, 'Bo Berg').getByText('In', { exact: true }).waitFor();
    assert.equal(await menu.evaluate((node) => node.matches(':focus')), true);
    await page.getByLabel('A phone number').fill('+1 555 0100 000');
    await page.getByRole('button', { name: 'Add' }).click();
    await person(page, '+15550100000').waitFor();
    await person(page, 'Pia Pending').getByRole('button', { name: 'Pia Pending joins' }).click();
    await chip(page, 'Pia Pending', 'in').waitFor();
  });

  it('lists callbacks among the calls, with what the bot answered', async () => {
    line.onCallback = () => 401;
    const page = await open();
    await line.graph('', 'POST', line.joinBody());
    const hook = page.locator('.hook', { hasText: 'Call established' });
    await hook.locator('.status', { hasText: '401' }).waitFor();
    await hook.locator('summary').click();
    await hook.getByText('#microsoft.graph.commsNotifications').waitFor();
    await page.reload();
    await page.locator('.hook', { hasText: 'Call established' }).waitFor();
  });

  it('turns @Name into a mention', async () => {
    const page = await open();
    await page.getByLabel('Type a message').fill('call invite @Bo Brandt');
    await page.keyboard.press('Enter');
    await page.getByText('call invite @Bo Brandt').waitFor();
    const { messages } = await line.control('messages?conversation=meeting');
    assert.equal(messages.at(-1).text, '@Usher call invite @Bo Brandt');
  });

  it('fits a phone in the dark', async () => {
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    const id = await line.join();
    await line.control('people', { person: 'cleo', behaviour: 'silent' });
    await line.invite(id, ['Cleo']);
    await chip(page, 'Cleo Costa', 'ringing').waitFor();
    await page.getByRole('button', { name: 'People' }).click();
    await person(page, 'Dan Dale').waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
    assert.equal(await page.getByLabel('Type a message').isVisible(), true);
  });
});
