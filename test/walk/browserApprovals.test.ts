/**
 * An approval as people live it, each in a browser of their own: Rita asks in the team's chat, Axel sees the facts and
 * approves for shorter, the guest accepts, and the card and the sponsor's own chat tell of it. Nobody approves their own, and
 * who comes second is told who was first. SCREENSHOTS=<folder> keeps pictures of the way.
 */
import assert from 'node:assert/strict';
import type { Browser, Locator, Page } from 'playwright-core';
import { openBrowser, openChat, picture } from '../support/browser.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import { type Lane, openLane, sqlite } from '../support/walk.ts';

describe('an approval in the browser', function () {
  this.timeout(120_000);
  let browser: Browser;
  let lane: Lane;
  const faults: string[] = [];

  before(async function () {
    browser = await openBrowser(this);
  });
  beforeEach(async () => {
    const rules = withPolicy({
      approvals: [
        { name: 'Guests of partners', domains: ['partner.example'], approvers: [PEOPLE.axel, PEOPLE.ada, PEOPLE.rita] },
      ],
    });
    lane = await openLane(await sqlite(), rules, {}, { followUpMs: 500 });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await lane.close();
    assert.deepEqual(faults, [], 'the page failed or asked somebody else');
  });
  after(async () => {
    await browser?.close();
  });

  const open = (person: string, place = 'personal'): Promise<Page> =>
    openChat(browser, lane.town.sandbox.url, faults, person, place);

  // Whoever opens their chat for the first time is welcomed there, below what was posted before.
  const card = (on: Page): Locator => on.locator('[data-from=bot]').filter({ hasText: 'nova@partner.example' }).last();
  const type = async (text: string, on: Page): Promise<void> => {
    await on.getByLabel('Type a message').fill(text);
    await on.keyboard.press('Enter');
  };
  const press = (name: string, on: Page): Promise<void> => card(on).getByRole('button', { name, exact: true }).click();
  const tells = (text: string | RegExp, on: Page): Promise<void> => card(on).getByText(text).first().waitFor();
  const buttons = (on: Page): Promise<string[]> => card(on).getByRole('button').allTextContents();

  it('goes from asking to the guest who has accepted, each seeing what is theirs', async () => {
    const rita = await open('rita', 'group');
    await type('@Usher invite Nova Lindt <nova@partner.example> to team Apollo because joint PoC until 1 March', rita);
    await tells('Waiting for Axel Approver', rita);
    await picture('approval-requester', rita);
    await card(rita).getByRole('button', { name: 'Cancel request' }).waitFor();
    assert.deepEqual(
      await buttons(rita),
      ['Cancel request'],
      'she is among the approvers, but not for what she asked herself',
    );
    assert.equal((await lane.town.invitations()).length, 0);

    const axel = await open('axel');
    await tells('Rita Requester asks for this', axel);
    for (const fact of [
      'joint PoC',
      /guests? from partner\.example w|Nobody from partner\.example/,
      /Guests of partners/,
    ])
      await tells(fact, axel);
    await picture('approval-approver', axel);
    await card(axel).getByLabel('Last day, if shorter').fill('2026-12-24');
    await press('Approve shorter', axel);
    await tells(/Approved by Axel Approver, until Dec 24, 2026/, axel);

    await tells(/is invited/, rita);
    await tells(/Approved by Axel Approver/, rita);
    await picture('approval-invited', rita);

    const ada = await open('ada');
    await tells(/Approved by Axel Approver/, ada);
    assert.deepEqual(await buttons(ada), [], 'too late');

    const { mails } = lane.town.sandbox.world;
    assert.deepEqual(
      mails.map(({ to }) => to),
      ['nova@partner.example'],
    );
    await rita.getByRole('tab', { name: /^Mail/ }).click();
    await rita.getByRole('button', { name: 'Accept as guest' }).click();
    await tells(/Nova Lindt has accepted/, rita);
    await picture('approval-accepted', rita);
    const own = await open('rita');
    await tells(/Nova Lindt has accepted/, own);
    await picture('approval-sponsor', own);
  });

  it('pressed by two at once is decided by one, and the other sees by whom', async () => {
    const rita = await open('rita');
    await type('invite nova@partner.example', rita);
    const [axel, ada] = [await open('axel'), await open('ada')];
    for (const page of [axel, ada]) await tells('Rita Requester asks for this', page);
    await card(ada).getByLabel('Reason or question').fill('not this year');
    // Found first, pressed together: whoever is second still has the button under the finger.
    const [yes, no] = await Promise.all([
      card(axel).getByRole('button', { name: 'Approve', exact: true }).elementHandle(),
      card(ada).getByRole('button', { name: 'Refuse', exact: true }).elementHandle(),
    ]);
    await Promise.all([yes, no].map((one) => one?.dispatchEvent('click')));
    await tells(/is invited|Ada Admin refused/, rita);
    const isApproved = (await lane.town.invitations()).length === 1;
    const said = isApproved ? /Approved by Axel Approver/ : /Ada Admin refused: not this year/;
    for (const page of [axel, ada]) await tells(said, page);
    for (const page of [axel, ada]) assert.deepEqual(await buttons(page), []);
    await picture('approval-second', isApproved ? ada : axel);
  });
});
