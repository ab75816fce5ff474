import assert from 'node:assert/strict';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { connectionName, Deals } from './deals.ts';
import { call, type FakeBot, type Loose, startFakeBot } from './fakeBot.ts';

const cardType = 'application/vnd.microsoft.card.adaptive';
const cardOf = (body: Loose[]) => ({
  type: 'AdaptiveCard',
  version: '1.5',
  body,
  actions: [{ type: 'Action.Execute', title: 'Share', verb: 'referral.submit', data: { form: 'f1' } }],
});
const choice = (title: string) => ({ title, value: title.toLowerCase() });
const form = cardOf([
  { type: 'TextBlock', text: 'Share a deal', weight: 'Bolder' },
  { type: 'Input.Number', id: 'value', label: 'Value', min: 0, value: 50_000 },
  {
    ...{ type: 'Input.ChoiceSet', id: 'how', label: 'How', style: 'expanded', value: 'private' },
    choices: [choice('Private'), choice('Shared')],
  },
  {
    ...{ type: 'Input.ChoiceSet', id: 'products', label: 'Products', isMultiSelect: true },
    choices: [choice('Azure'), choice('Teams'), choice('Visio')],
  },
]);

describe('deals on the chat page', function () {
  this.timeout(30_000);
  let browser: Browser;
  let deals: Deals;
  let bot: FakeBot;
  let wrong: string[];

  before(async function () {
    browser = await openBrowser(this);
    deals = await Deals.open();
    bot = await startFakeBot();
    deals.sandbox.botUrl = bot.url;
  });
  beforeEach(() => {
    deals.sandbox.reset();
    bot.received = [];
    wrong = [];
    bot.onActivity = async (activity) => {
      if (activity.type === 'invoke') return answer(activity);
      if (activity.text?.includes('deal')) await write(activity, form);
      return undefined;
    };
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    assert.deepEqual(wrong, []);
  });
  after(async () => {
    await browser?.close();
    await deals?.close();
    await bot?.close();
  });

  const write = (activity: Loose, content: Loose) =>
    call(`${activity.serviceUrl}v3/conversations/${encodeURIComponent(activity.conversation.id)}/activities`, 'POST', {
      type: 'message',
      attachments: [{ contentType: cardType, content }],
    });

  /** As a bot does that needs the user's token: asks for a sign-in, and takes the code or the token when it comes. */
  async function answer({ value, from }: Loose): Promise<{ status: number; body: Loose }> {
    const refusal = {
      statusCode: 412,
      type: 'application/vnd.microsoft.error.preconditionFailed',
      value: { code: '412' },
    };
    const user = deals.sandbox.world.people.find((one) => one.teamsId === from.id)?.key ?? '';
    const got = value.authentication
      ? await deals.tokens('exchange', user, {}, 'POST', { token: value.authentication.token })
      : await deals.tokens('GetToken', user, value.state ? { code: value.state } : {});
    if (got.status === 200) {
      const shared = { ...cardOf([{ type: 'TextBlock', text: 'The deal is shared' }]), actions: [] };
      return { status: 200, body: { statusCode: 200, type: cardType, value: shared } };
    }
    if (value.state || value.authentication) return { status: 200, body: refusal };
    const { signInLink, tokenExchangeResource } = (await deals.signInResource(user)).body;
    const buttons = [{ type: 'signin', title: 'Sign in to Partner Center', value: signInLink }];
    const login = { text: 'Partner Center needs to know you.', connectionName, tokenExchangeResource, buttons };
    return {
      status: 200,
      body: { statusCode: 401, type: 'application/vnd.microsoft.activity.loginRequest', value: login },
    };
  }

  const invokes = (): Loose[] => bot.received.map((one) => one.activity).filter((one) => one.type === 'invoke');

  async function open(options: BrowserContextOptions = { viewport: { width: 1280, height: 800 } }): Promise<Page> {
    const context = await browser.newContext(options);
    context.on('page', (page) => {
      page.on('request', (request) => {
        if (!request.url().startsWith(deals.sandbox.url)) wrong.push(request.url());
      });
      page.on('pageerror', (error) => wrong.push(error.message));
      page.on('console', (line) => {
        if (line.type() === 'error') wrong.push(line.text());
      });
    });
    const page = await context.newPage();
    await page.goto(deals.sandbox.url);
    await page.locator('#subtitle', { hasText: 'Personal chat' }).waitFor();
    return page;
  }
  async function share(page: Page): Promise<void> {
    await page.getByLabel('Type a message').fill('deal new');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Share' }).click();
  }
  const signInButton = (page: Page) => page.getByRole('button', { name: 'Sign in to Partner Center' });
  async function signInPage(page: Page): Promise<Page> {
    const [popup] = await Promise.all([page.waitForEvent('popup'), signInButton(page).click()]);
    await popup.getByRole('heading', { name: 'Sign in to Partner Center as Rita Requester' }).waitFor();
    return popup;
  }

  it('shows a form with numbers, one choice and several, and sends them joined by commas', async () => {
    const page = await open();
    await page.getByLabel('Type a message').fill('deal new');
    await page.keyboard.press('Enter');
    const card = page.locator('.card');
    await card.getByLabel('Value').fill('75000');
    await card.getByRole('radio', { name: 'Shared' }).check();
    await card.getByRole('checkbox', { name: 'Azure' }).check();
    await card.getByRole('checkbox', { name: 'Visio' }).check();
    await card.getByRole('button', { name: 'Share' }).click();
    await signInButton(page).waitFor();
    assert.deepEqual(invokes()[0].value.action.data, {
      form: 'f1',
      value: '75000',
      how: 'shared',
      products: 'azure,visio',
    });
  });

  it('asks for a sign-in inside the message, and sends the same again with the code', async () => {
    const page = await open();
    await share(page);
    await page.locator('.card').getByText('Partner Center needs to know you.').waitFor();
    const popup = await signInPage(page);
    await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: 'Sign in' }).click()]);
    await page.getByText('The deal is shared').waitFor();
    const [first, second] = invokes();
    assert.match(second.value.state, /^\d{6}$/);
    assert.deepEqual(second.value.action, first.value.action);
    assert.equal(second.replyToId, first.replyToId);
    assert.notEqual(second.id, first.id);
    assert.equal(await signInButton(page).count(), 0);
  });

  it('says so when the user refuses', async () => {
    const page = await open();
    await share(page);
    const popup = await signInPage(page);
    await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: 'Refuse' }).click()]);
    await page.getByText('You did not sign in, so nothing was done.').waitFor();
    assert.equal(invokes().length, 1);
  });

  it('offers a link where the browser keeps windows closed', async () => {
    const page = await open();
    await page.evaluate('window.open = () => null');
    await share(page);
    await signInButton(page).click();
    const link = page.getByRole('link', { name: 'Open the sign-in page' });
    const [popup] = await Promise.all([page.waitForEvent('popup'), link.click()]);
    await Promise.all([popup.waitForEvent('close'), popup.getByRole('button', { name: 'Sign in' }).click()]);
    await page.getByText('The deal is shared').waitFor();
  });

  it('signs in silently where that is on and the user agreed before', async () => {
    await deals.signIn('rita');
    await deals.tokens('SignOut', 'rita', {}, 'DELETE');
    await deals.control('settings', { sso: true });
    const page = await open();
    await share(page);
    await page.getByText('The deal is shared').waitFor();
    const { authentication } = invokes()[1].value;
    assert.equal(authentication.connectionName, connectionName);
    assert.deepEqual(Object.keys(authentication), ['id', 'connectionName', 'token']);
    assert.equal(invokes().length, 2);
  });

  it('falls back to the panel when the bot cannot exchange the token', async () => {
    await deals.signIn('rita');
    await deals.tokens('SignOut', 'rita', {}, 'DELETE');
    await deals.control('settings', { sso: true });
    await deals.control('faults', { remote: 'tokens', kind: 'status', status: 400, path: '/exchange$' });
    const page = await open();
    await share(page);
    const popup = await signInPage(page);
    await popup.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The deal is shared').waitFor();
    assert.equal(invokes().length, 3);
  });

  it('lists the deals, lets one come in, and lets others take and change it', async () => {
    const page = await open();
    await page.getByRole('tab', { name: /Deals/ }).click();
    await page.locator('.deal', { hasText: 'Woodgrove Bank' }).getByText('New · Received').waitFor();
    await page.getByText('Incoming deal…').click();
    await page.getByLabel('Customer').fill('Fourth Coffee');
    await page.getByRole('button', { name: 'Send it' }).click();
    const deal = page.locator('.deal', { hasText: 'Fourth Coffee' });
    await deal.getByText('75,000 USD · From Microsoft').waitFor();
    await deal.locator('summary').click();
    await deal.getByRole('button', { name: 'Someone else accepts' }).click();
    await deal.getByText('Active · Accepted').waitFor();
    await deal.getByRole('button', { name: 'Someone else changes the value' }).click();
    await deal.getByText('82,500 USD').waitFor();
  });

  it('shows who is signed in, and ends it', async () => {
    await deals.signIn('rita');
    const page = await open();
    await page.getByRole('tab', { name: /Deals/ }).click();
    const rita = page.locator('[data-user-access=rita]');
    await rita.getByText('Referrals Admin · Signed in until').waitFor();
    await rita.getByRole('button', { name: 'Expire' }).click();
    await rita.getByText('Consented').waitFor();
    await rita.getByRole('button', { name: 'Revoke' }).click();
    await rita.getByText('Not signed in').waitFor();
  });

  it('lists the calls of Partner Center among the calls', async () => {
    const token = await deals.signIn('rita');
    const page = await open();
    await deals.referrals(token);
    await page.locator('.call', { hasText: '/engagements/referrals' }).waitFor();
    assert.equal(await page.locator('.call', { hasText: 'usertoken' }).count(), 0);
  });

  it('fits a phone in the dark', async () => {
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await share(page);
    const popup = await signInPage(page);
    assert.equal(await popup.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
    await popup.close();
    await page.getByRole('button', { name: 'What happened outside' }).click();
    await page.getByRole('tab', { name: /Deals/ }).click();
    await page.locator('.deal').first().locator('summary').click();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
    assert.equal(await page.locator('#deals').evaluate((sheet) => sheet.scrollWidth - sheet.clientWidth), 0);
  });
});
