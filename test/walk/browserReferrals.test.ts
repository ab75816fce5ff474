/**
 * Into the deal, as people do it in a real browser: sign in with a second factor, make each kind of deal, accept one that
 * came in while somebody else is faster, meet a change of somebody else's, win. SCREENSHOTS=<folder> keeps pictures.
 */
import assert from 'node:assert/strict';
import type { Browser, Locator, Page } from 'playwright-core';
import { picture as keepPicture, openBrowser, openChat } from '../support/browser.ts';
import { type Lane, openLane, sqlite } from '../support/walk.ts';

/** The requester of the sandbox, who may set Usher up here. */
const RITA = '5a4db0c5-0000-4000-8000-000000001001';

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
    lane = await openLane(await sqlite(), { REFERRAL_HOLD_SECONDS: '4', ADMINS: RITA });
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

  const open = (place: string, person = 'rita'): Promise<Page> =>
    openChat(browser, lane.town.sandbox.url, faults, person, place);

  const card = (on: Page = page): Locator => on.locator('[data-from=bot]').last();
  const type = async (text: string, on: Page = page): Promise<void> => {
    await on.getByLabel('Type a message').fill(text);
    await on.keyboard.press('Enter');
  };
  const press = (name: string, on: Page = page): Promise<void> =>
    card(on).getByRole('button', { name, exact: true }).click();
  const box = (label: string, on: Page = page): Locator =>
    card(on).getByRole('textbox', { name: new RegExp(`^${label}`) });
  const picture = (name: string, on: Page = page): Promise<void> => keepPicture(name, on);
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

  it('makes a partner-led and a co-sell deal; Microsoft’s half fails once and is finished without repeating the first', async () => {
    await lane.town.control('access', { user: 'rita', action: 'signIn' });
    await type('deal new Fabrikam €75.000 closing 2027-04-30 as partner-led in Portugal');
    await box('Contacts at the customer').fill('Sue Smith <sue@fabrikam.example>');
    await press('Check');
    await tells('Without the customer');
    await card()
      .getByRole('checkbox', { name: /^Consent to share/ })
      .check();
    await press('Check');
    await tells('sellers can see it; you lead.');
    await press('Send');
    await tells('The deal is in Partner Center.');

    await type('deal new Adatum 120k USD closing 2027-05-31 as co-sell in Germany');
    await box('Contacts at the customer').fill('Max Muster <max@adatum.example> +49 30 901820');
    await card()
      .getByRole('checkbox', { name: /^Consent to share/ })
      .check();
    await press('Check');
    await tells('A co-sell deal needs the id of your solution');
    await picture('deal-cosell-faults');
    await box('Your solution').fill('SOL-15974-MQF');
    // The first POST goes through, the second does not.
    const post = { remote: 'partner', method: 'POST', path: '/referrals$', times: 1 };
    await lane.town.fault({ ...post, kind: 'slow', ms: 1 });
    await lane.town.fault({ ...post, kind: 'status', status: 503 });
    await press('Send');
    await tells('The deal is in Partner Center, and Microsoft is invited.');
    await picture('deal-cosell-made');
    const made = (await lane.town.control<{ referrals: { customerProfile: { name: string } }[] }>('partner')).referrals;
    assert.equal(made.filter(({ customerProfile }) => customerProfile.name === 'Adatum').length, 2);
    assert.equal(made.filter(({ customerProfile }) => customerProfile.name === 'Fabrikam').length, 1);
  });

  it('shows a deal that comes in to everybody; somebody else accepts first; a change of others is met; it is won', async () => {
    await lane.town.control('access', { user: 'rita', action: 'signIn' });
    await lane.town.control('access', { user: 'axel', action: 'signIn' });
    await page.close();
    page = await open('group');
    const axel = await open('group', 'axel');
    await type('@Usher referrals watch');
    await tells('Partner Center reports here');
    await picture('deal-watching');
    await lane.town.control('referral', { customer: 'Wingtip Toys', value: 90_000, currency: 'USD', from: 'msft' });
    await tells('New deal: Wingtip Toys');
    await tells('It waits for an answer', axel);
    await picture('deal-incoming', axel);
    const shared = axel.locator('[data-from=bot]', { hasText: 'New deal: Wingtip Toys' }).last();
    await shared.getByRole('button', { name: 'Accept' }).click();
    await tells('The deal with Wingtip Toys is accepted.', axel);
    await page.locator('[data-from=bot]', { hasText: 'Axel Approver accepted the deal' }).first().waitFor();
    await picture('deal-accepted');
    // Rita's finger was slower: what she pressed was drawn before.
    await type('@Usher referral accept Wingtip Toys');
    await tells('The deal has been accepted already; somebody was faster.');
    await type('@Usher referral Wingtip Toys');
    await tells('The deal is open and worth 90,000 USD.');
    await press('Change …');
    await tells('What you leave as it is stays as it is.');
    const id = await lane.town.control<{ referrals: { id: string; customerProfile: { name: string } }[] }>('partner');
    const deal = id.referrals.find(({ customerProfile }) => customerProfile.name === 'Wingtip Toys');
    await lane.town.control('referral-change', { id: deal?.id, action: 'change' });
    await box('Value').fill('80k USD');
    await press('Change');
    await tells('Somebody changed the deal while you looked at it.');
    await picture('deal-conflict');
    await card().getByRole('combobox').selectOption({ label: 'Keep mine' });
    await press('Continue');
    await tells('The deal with Wingtip Toys is changed. Value 80,000 USD');
    await type('@Usher referral won Wingtip Toys for 85k USD');
    await tells('The deal with Wingtip Toys is won: 85,000 USD.');
    await picture('deal-won');
  });
});
