/**
 * The main job as a person does it, in a real browser: type an invitation and watch the card change; fill in the form
 * with a wrong address, see the fault beside its field, mend it. SCREENSHOTS=<folder> keeps pictures of the way.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { engines, type TestDatabase } from '../support/db.ts';
import { type Bot, startBot, Town } from '../support/usher.ts';

describe('in the browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let town: Town;
  let database: TestDatabase;
  let bot: Bot;
  let page: Page;
  const faults: string[] = [];

  before(async function () {
    browser = await openBrowser(this);
  });

  beforeEach(async () => {
    const [sqlite] = await engines();
    assert.ok(sqlite);
    town = await Town.open();
    database = await sqlite.open();
    bot = await startBot(town, database.url);
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(town.sandbox.url) && !request.url().startsWith('data:')) faults.push(request.url());
    });
    await page.goto(town.sandbox.url);
    await cards().first().waitFor();
  });

  afterEach(async () => {
    await page.close();
    await bot.stop();
    await town.close();
    await database.drop();
    assert.deepEqual(faults, [], 'the page failed or asked somebody else');
  });

  after(async () => {
    await browser?.close();
  });

  const cards = (): Locator => page.locator('[data-from=bot]');
  const type = async (text: string): Promise<void> => {
    await page.getByLabel('Type a message').fill(text);
    await page.keyboard.press('Enter');
  };
  const picture = async (name: string): Promise<void> => {
    const folder = process.env['SCREENSHOTS'];
    if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
  };

  it('a typed invitation is a receipt first and then, on the same card, the result', async () => {
    // The answer of Graph is held until the receipt has been seen.
    await town.fault({ kind: 'slow', method: 'POST', path: '/invitations$', ms: 1000 });
    await type('invite Ana Silva <ana@partner.example> to team Apollo because joint PoC until 1 March');
    const card = cards().last();
    await card.getByText('I have your request and am on it').waitFor();
    const id = await card.getAttribute('data-activity-id');
    await picture('receipt');
    await page.getByText('Ana Silva is invited').waitFor();
    assert.equal(await cards().last().getAttribute('data-activity-id'), id, 'the same message');
    assert.equal(await page.getByText('I have your request and am on it').count(), 0);
    assert.match((await cards().last().textContent()) ?? '', /They are now in Apollo/);
    await picture('result');
  });

  it('the form keeps what was typed, shows the fault beside its field, and is done when mended', async () => {
    await type('invite');
    const form = cards().last();
    await form.getByText('Invite guests').waitFor();
    const who = form.getByLabel('Who');
    await who.fill('bo+work@partner.example');
    await form.getByLabel('Reason').fill('joint PoC');
    await form.getByRole('button', { name: 'Invite', exact: true }).click();
    const fault = form.getByText('plus sign');
    await fault.waitFor();
    await picture('fault');
    assert.equal(await who.inputValue(), 'bo+work@partner.example');
    assert.equal(await form.getByLabel('Reason').inputValue(), 'joint PoC');
    const [field, sentence] = await Promise.all([who.boundingBox(), fault.boundingBox()]);
    assert.ok(
      field && sentence && sentence.y >= field.y + field.height && sentence.y - (field.y + field.height) < 40,
      'right below its field',
    );

    await who.fill('Bo Lind <bo@partner.example>');
    await form.getByRole('button', { name: 'Invite', exact: true }).click();
    await page.getByText('Bo Lind is invited').waitFor();
    assert.equal((await town.invitations()).length, 1);
    await picture('mended');
  });

  it('two teams of one name are a question on the card, and the answer goes on by itself', async () => {
    await type('invite zoe@partner.example to team Zenith');
    const card = cards().last();
    await card.getByText('Which one do you mean?').waitFor();
    assert.equal((await town.invitations()).length, 0, 'nothing was sent yet');
    await card.getByLabel('Your answer').selectOption({ index: 1 });
    await picture('question');
    await card.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('They are now in Zenith').waitFor();
  });

  it('a near miss is offered as a button that does what was meant', async () => {
    await type('invit ana@partner.example');
    await cards()
      .last()
      .getByRole('button', { name: /invite ana@partner\.example/ })
      .click();
    await page.getByText('ana@partner.example is invited').waitFor();
  });

  it('a phone shows the same card without sideways scrolling', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.reload();
    await cards().first().waitFor();
    await type('invite ana@partner.example');
    await page.getByText('ana@partner.example is invited').waitFor();
    const [inside, outside] = await page.evaluate<number[]>(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    );
    assert.ok((inside ?? 0) <= (outside ?? 0));
    await picture('phone');
  });
});
