/**
 * Into the call, as a person in the meeting's chat does it, in a real browser: three people and a phone are rung, the card
 * tells of each, and Ring again reaches only who is missing. SCREENSHOTS=<folder> keeps pictures of the way.
 */
import assert from 'node:assert/strict';
import type { Browser, Locator, Page } from 'playwright-core';
import { picture as keepPicture, openBrowser, openChat } from '../support/browser.ts';
import { type Lane, openLane, sqlite } from '../support/walk.ts';

describe('a call in the browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let lane: Lane;
  let page: Page;
  const faults: string[] = [];

  before(async function () {
    browser = await openBrowser(this);
  });
  beforeEach(async () => {
    lane = await openLane(await sqlite(), {
      RING_SECONDS: '4',
      APPLICATION_INSTANCE_ID: '5a4db0c5-0000-4000-8000-0000000000a1',
    });
    await lane.town.control('settings', { phoneReady: true, ringMs: 300, ringTimeoutMs: 60_000 });
    page = await openChat(browser, lane.town.sandbox.url, faults, 'rita', 'meeting');
    await page.getByText('Meeting is running').waitFor();
  });
  afterEach(async () => {
    await page.context().close();
    await lane.close();
    assert.deepEqual(faults, [], 'the page failed or asked somebody else');
  });
  after(async () => {
    await browser?.close();
  });

  const card = (): Locator => page.locator('[data-from=bot]').last();
  const type = async (text: string): Promise<void> => {
    await page.getByLabel('Type a message').fill(text);
    await page.keyboard.press('Enter');
  };
  const picture = (name: string): Promise<void> => keepPicture(name, page);
  const tells = (name: string, stage: string): Promise<void> =>
    card().locator('.ac-columnSet', { hasText: name }).filter({ hasText: stage }).waitFor();
  const behave = (person: string, behaviour: string) => lane.town.control('people', { person, behaviour });

  it('rings three people and a phone, tells each truth on one card, and rings again only who is missing', async () => {
    await behave('dan', 'declines');
    await behave('axel', 'silent');
    await type('call invite @Bo Brandt, Dan Dale, axel@contoso.example, +351 210 000 000');
    await tells('Bo Brandt', 'In the call');
    await tells('Dan Dale', 'Declined');
    await tells('Axel Approver', 'Ringing');
    await tells('+351 21 000 0000', 'In the call');
    const id = await card().getAttribute('data-activity-id');
    await picture('call-ringing');
    await tells('Axel Approver', 'No answer');
    await picture('call-ended');
    await behave('dan', 'answers');
    await page
      .locator('.who-chip[data-state=ringing]', { hasText: 'Axel Approver' })
      .getByRole('button', { name: 'declines' })
      .click();
    await behave('axel', 'answers');
    await card().getByRole('button', { name: 'Ring 2 again' }).click();
    await card().getByText('All 4 are in the call.').waitFor();
    assert.equal(await card().getAttribute('data-activity-id'), id, 'the same message');
    await picture('call-all');
    const rings = (await lane.town.calls()).filter(({ path, method }) => method === 'POST' && path.endsWith('/invite'));
    assert.equal(rings.length, 2);
    assert.match(JSON.stringify(rings[1]?.body), /Dan Dale.*Axel Approver/);
    assert.doesNotMatch(JSON.stringify(rings[1]?.body), /Bo Brandt|\+351/);
  });

  it('asks who is meant while the others ring, and tells of everybody until the call is over', async () => {
    await type('call invite Cleo Costa, Bo');
    await tells('Cleo Costa', 'In the call');
    await tells('Bo', 'Several people have this name');
    await card().getByText('2 people are called Bo. Whom do you mean?').waitFor();
    await picture('call-question');
    await card().locator('.ac-choiceSetInput-filtered-textbox').pressSequentially('Bo Br');
    await card().locator('.ac-choiceSetInput-choice', { hasText: 'Bo Brandt' }).click();
    await card().getByRole('button', { name: 'Continue' }).click();
    await tells('Bo Brandt', 'In the call');
    await card().getByText('All 2 are in the call.').waitFor();
    await lane.town.control('telephony', { action: 'leave', meeting: 'meeting', person: 'cleo' });
    await tells('Cleo Costa', 'Left the call');
    await lane.town.control('telephony', { action: 'end', meeting: 'meeting' });
    await tells('Bo Brandt', 'Was in the call');
    await card().getByText('The call is over. All 2 were in it.').waitFor();
    await picture('call-over');
  });

  it('fits a phone, and the call’s own card says who is in and leaves', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.reload();
    await type('call join');
    await card().getByText('I am in the call, with one other.').waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
    await picture('call-phone');
    await card().getByRole('button', { name: 'Leave' }).click();
    await card().getByText('I have left the call.').waitFor();
  });
});
