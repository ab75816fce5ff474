import assert from 'node:assert/strict';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { openBrowser } from '../support/browser.ts';
import { call, type FakeBot, type Loose, startFakeBot } from './fakeBot.ts';

const cardOf = (title: string, actions: Loose[] = []) => ({
  contentType: 'application/vnd.microsoft.card.adaptive',
  content: {
    type: 'AdaptiveCard',
    version: '1.5',
    body: [
      { type: 'TextBlock', text: title, wrap: true },
      ...(actions.length > 0
        ? [{ type: 'Input.Text', id: 'address', label: 'Address', isRequired: true, errorMessage: 'Who is it?' }]
        : []),
    ],
    actions,
  },
});

describe('the chat page', function () {
  this.timeout(30_000);
  let browser: Browser;
  let sandbox: Sandbox;
  let bot: FakeBot;
  let outside: string[];

  before(async function () {
    browser = await openBrowser(this);
    bot = await startFakeBot();
    sandbox = await startSandbox({ port: 0, botUrl: bot.url });
  });
  beforeEach(() => {
    sandbox.reset();
    bot.received = [];
    outside = [];
    bot.onActivity = async (activity) => {
      if (activity.type === 'installationUpdate') await write(activity, { text: 'Welcome' });
      if (activity.text?.includes('form')) {
        const send = { type: 'Action.Execute', title: 'Go', verb: 'guest.submit', data: { form: 'f1' } };
        await write(activity, { attachments: [cardOf('A form', [send])] });
      }
      return undefined;
    };
  });
  afterEach(async () => {
    assert.deepEqual(outside, []);
    for (const context of browser.contexts()) await context.close();
  });
  after(async () => {
    await browser?.close();
    await sandbox?.close();
    await bot?.close();
  });

  const write = (activity: Loose, message: Loose, method = 'POST', id = '') =>
    call(
      `${activity.serviceUrl}v3/conversations/${encodeURIComponent(activity.conversation.id)}/activities${id && `/${id}`}`,
      method,
      { type: 'message', ...message },
    );

  async function open(options: BrowserContextOptions = { viewport: { width: 1280, height: 800 } }): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.on('request', (request) => {
      if (!request.url().startsWith(sandbox.url)) outside.push(request.url());
    });
    page.on('pageerror', (error) => outside.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error' && /Content Security Policy/.test(line.text())) outside.push(line.text());
    });
    await page.goto(sandbox.url);
    await page.locator('[data-from=bot]').first().waitFor();
    return page;
  }
  async function type(page: Page, text: string): Promise<void> {
    await page.getByLabel('Type a message').fill(text);
    await page.keyboard.press('Enter');
  }

  it('installs the bot once, however often it is loaded', async () => {
    const page = await open();
    await page.reload();
    await page.getByText('Welcome').waitFor();
    assert.equal(bot.received.filter((one) => one.activity.type === 'installationUpdate').length, 1);
  });

  it('shows what people type as text', async () => {
    const page = await open();
    await type(page, '<img src=x onerror=alert(1)> **bold**');
    await page.getByText('<img src=x onerror=alert(1)> **bold**').waitFor();
    assert.equal(await page.locator('.rows .bubble img').count(), 0);
  });

  it('checks a form, sends it, and changes the same message in place', async () => {
    const page = await open();
    await type(page, 'form');
    const card = page.locator('.card');
    await card.getByRole('button', { name: 'Go' }).click();
    await card.getByText('Who is it?').waitFor();
    assert.equal(bot.received.filter((one) => one.activity.type === 'invoke').length, 0);

    bot.onActivity = async (activity) => {
      await write(activity, { attachments: [cardOf('Sent')] }, 'PUT', activity.replyToId);
      return undefined;
    };
    await card.getByLabel('Address').fill('ana@partner.example');
    await card.getByRole('button', { name: 'Go' }).click();
    await page.getByText('Edited').waitFor();
    assert.match((await card.textContent()) ?? '', /Sent/);
    assert.equal(await card.count(), 1);
    const { value } = bot.received.at(-1)?.activity ?? {};
    assert.deepEqual(value.action.data, { form: 'f1', address: 'ana@partner.example' });
  });

  it('shows a returned card to the one who pressed and not to others', async () => {
    const page = await open();
    await page.locator('[data-conversation=group]').click();
    await type(page, 'form');
    await page.getByText('A form').waitFor();
    bot.onActivity = () => ({
      status: 200,
      body: { statusCode: 200, type: 'application/vnd.microsoft.card.adaptive', value: cardOf('Only you').content },
    });
    await page.locator('.card').getByLabel('Address').fill('a');
    await page.locator('.card').getByRole('button', { name: 'Go' }).click();
    await page.getByText('Only you').waitFor();
    await page.locator('[data-user=axel]').click();
    await page.getByText('A form').waitFor();
    assert.equal(await page.getByText('Only you').count(), 0);
  });

  it('says that the app cannot be reached when the bot fails', async () => {
    const page = await open();
    await type(page, 'form');
    await page.getByText('A form').waitFor();
    bot.onActivity = () => ({ status: 500 });
    await page.locator('.card').getByLabel('Address').fill('a');
    await page.locator('.card').getByRole('button', { name: 'Go' }).click();
    await page.getByText('Unable to reach app').waitFor();
  });

  it('lets a guest accept the mail, and lists the call behind it', async () => {
    const page = await open();
    await call(`${sandbox.url}/graph/v1.0/invitations`, 'POST', {
      invitedUserEmailAddress: 'ana@partner.example',
      inviteRedirectUrl: 'https://usher.example/',
      sendInvitationMessage: true,
    });
    await page.locator('.call', { hasText: '/invitations' }).waitFor();
    await page.getByRole('tab', { name: /Mail/ }).click();
    await page.getByRole('button', { name: 'Accept as guest' }).click();
    await page.getByText('Accepted at').waitFor();
    assert.equal(sandbox.world.users.at(-1)?.externalUserState, 'Accepted');
  });

  it('does not move what is being read when an older card changes', async () => {
    const page = await open();
    for (let n = 0; n < 25; n += 1) {
      await call(`${sandbox.url}/control/say`, 'POST', { conversation: 'personal', user: 'rita', text: `line ${n}` });
    }
    const group = sandbox.world.conversations.find((one) => one.key === 'personal:rita');
    const activity = { serviceUrl: sandbox.serviceUrl, conversation: { id: group?.id } };
    const posted = await write(activity, { attachments: [cardOf('at the end')] });
    await page.getByText('at the end').waitFor();
    await page.locator('#log').evaluate((log) => {
      log.scrollTop = 100;
    });
    await write(activity, { attachments: [cardOf('changed at the end')] }, 'PUT', posted.body.id);
    await page.getByText('changed at the end').waitFor({ state: 'attached' });
    assert.equal(await page.locator('#log').evaluate((log) => log.scrollTop), 100);
  });

  it('fits a phone, with the rest behind two buttons', async () => {
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
    assert.equal(await page.locator('#panel').isVisible(), false);
    await page.getByRole('button', { name: 'Conversations' }).click();
    await page.locator('[data-conversation=general]').click();
    await page.getByText('Channel of team Apollo').waitFor();
    await page.getByRole('button', { name: 'What happened outside' }).click();
    await page.getByText('No calls yet').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#panel').isVisible(), false);
  });
});
