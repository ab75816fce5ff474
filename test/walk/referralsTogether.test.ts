/**
 * A deal in several hands: what two do at once, what is pressed twice, and what is stopped in time or too late. The store
 * decides who was first, so all of it is walked on both engines.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { boxesOf, DEALS, type DealLane, openDeals, titlesOf } from '../support/deals.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, cardOf, textOf } from '../support/walk.ts';

const GROUP = { conversation: 'group' };
const AXEL = { user: 'axel', conversation: 'personal:axel' };
const PRIVATE = 'deal new Contoso 50k USD closing 2031-03-15 in Portugal contact Sue Smith <sue@contoso.example>';
/** Who is to see it was not said, so that its form comes. */
const HOW = { inputs: { how: 'private' } };
const read = (message: Message): string => textOf(cardOf(message));
const ids = Object.values(DEALS);

for (const engine of await engines()) {
  describe(`a deal in several hands, on ${engine.name}`, function () {
    this.timeout(30_000);
    let deals: DealLane;

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      deals = await openDeals(engine);
    });
    beforeEach(async () => {
      await deals.begin();
      await deals.allIn();
    });
    after(() => deals?.close());

    it('accepted by two at once is accepted once, and the other is told', async () => {
      const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
      const before = new Set((await deals.town.cards('group')).map(({ activityId }) => activityId));
      await Promise.all(['rita', 'axel'].map((user) => deals.press(card, 'Accept', { ...GROUP, user })));
      const made = (await deals.town.cards('group')).filter(({ activityId }) => !before.has(activityId));
      assert.equal(made.length, 2);
      const ended = await Promise.all(
        made.map((one) => deals.shows(one, /is accepted\.|accepted already; somebody was faster/, 'group')),
      );
      assert.deepEqual(ended.map((one) => /somebody was faster/.test(read(one))).sort(), [false, true]);
      const patches = await deals.sent('PATCH');
      assert.equal(patches.filter(({ status }) => status === 204).length, 1);
      await deals.shows(card, /(?:Rita Requester|Axel Approver) accepted the deal/, 'group');
    });

    it('accepted with five clicks is accepted once, on one card; a click later on changes nothing', async () => {
      const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
      const count = async (): Promise<number> => (await deals.town.cards('group')).length;
      const before = await count();
      await deals.press(card, 'Accept', { ...GROUP, copies: 5 });
      await deals.shows(card, /Rita Requester accepted the deal/, 'group');
      assert.equal(await count(), before + 1);
      await deals.press(card, 'Accept', { ...GROUP, copies: 2 });
      assert.equal((await deals.sent('PATCH')).length, 1);
      assert.equal(await count(), before + 1);
    });

    it('sent with five clicks, in both ways and again later is one deal', async () => {
      const form = await deals.say(PRIVATE);
      await Promise.all([
        deals.press(form, 'Send', { ...HOW, copies: 5 }),
        deals.town.control('submit', {
          conversation: 'personal:rita',
          user: 'rita',
          activityId: form.activityId,
          data: { verb: 'referralNew.submit', ...cardOf(form).actions?.[0]?.data },
          inputs: { ...boxesOf(form), ...HOW.inputs },
          copies: 3,
        }),
      ]);
      const done = await deals.shows(form, /The deal is in Partner Center\./);
      const later = await deals.press(form, 'Send', { ...HOW, copies: 2 });
      assert.match(later.text, /The deal is in Partner Center\./);
      const made = await deals.dealsWith('Contoso');
      assert.equal(made.length, 1);
      assert.equal((await deals.sent('POST')).length, 1);
      assertForPeople(
        done,
        made.map(({ id }) => id),
      );
    });

    it('is followed by every card that shows it, in all chats', async () => {
      const cards = [
        { card: await deals.tells('referral Woodgrove', /It waits/), where: 'personal:rita' },
        { card: await deals.tells('referral Woodgrove', /It waits/, GROUP), where: 'group' },
        { card: await deals.tells('referral Woodgrove', /It waits/, AXEL), where: 'personal:axel' },
      ];
      await deals.tells('referral accept Woodgrove', /is accepted\./, AXEL);
      for (const { card, where } of cards) await deals.shows(card, /Axel Approver accepted the deal/, where);
      await deals.tells('referral won Woodgrove for 130k USD', /is won: 130,000 USD/);
      for (const { card, where } of cards) {
        const last = await deals.shows(card, /Rita Requester closed the deal with Woodgrove Bank as won/, where);
        assert.deepEqual(titlesOf(last), []);
        assertForPeople(last, ids);
      }
    });

    it('Accept and Decline at once are one of them', async () => {
      const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
      const form = await deals.opens(card, 'Decline …', { ...GROUP, user: 'axel' });
      await Promise.all([
        deals.press(card, 'Accept', GROUP),
        deals.press(form, 'Decline', { ...GROUP, user: 'axel', inputs: { reason: 'no capacity' } }),
      ]);
      const ended = await deals.shows(form, /is declined\.|no longer possible|Somebody changed the deal/, 'group');
      const { substatus } = await deals.deal(DEALS.woodgrove);
      assert.equal(substatus, /is declined/.test(read(ended)) ? 'Declined' : 'Accepted');
      assert.equal((await deals.sent('PATCH')).filter(({ status }) => status === 204).length, 1);
    });
  });

  describe(`a new deal that is held back, on ${engine.name}`, function () {
    this.timeout(30_000);
    let deals: DealLane;

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      deals = await openDeals(engine, { REFERRAL_HOLD_SECONDS: '5' });
      await deals.allIn();
    });
    after(() => deals?.close());

    it('and stopped is never sent, however often Stop is pressed', async () => {
      const form = await deals.say(PRIVATE);
      await deals.press(form, 'Send', HOW);
      const held = await deals.shows(form, /I send it in a few seconds\. Until then you can stop it\./);
      assert.equal((await deals.sent()).length, 0);
      assert.deepEqual(titlesOf(held), ['Stop']);
      await deals.press(held, 'Stop', { copies: 3 });
      await deals.shows(form, /Cancelled/);
      const other = await deals.say(PRIVATE.replace('Contoso', 'Fabrikam'));
      await deals.press(other, 'Send', HOW);
      await deals.shows(other, /The deal is in Partner Center\./);
      assert.equal((await deals.sent('POST')).length, 1);
      assert.equal((await deals.dealsWith('Contoso')).length, 0);
    });

    it('and stopped by somebody else goes on', async () => {
      const form = await deals.say(PRIVATE.replace('Contoso', 'Proseware'), GROUP);
      await deals.press(form, 'Send', { ...HOW, ...GROUP });
      const held = await deals.shows(form, /Until then you can stop it/, 'group');
      const refused = await deals.press(held, 'Stop', { ...GROUP, user: 'axel' });
      assert.match(refused.text, /Only Rita Requester can decide this/);
      await deals.shows(form, /The deal is in Partner Center\./, 'group');
    });

    it('and stopped too late says so, and is made once', async () => {
      await deals.town.fault({ remote: 'partner', kind: 'slow', ms: 1000, method: 'POST' });
      const form = await deals.say(PRIVATE.replace('Contoso', 'Northwind'));
      await deals.press(form, 'Send', HOW);
      const held = await deals.shows(form, /Until then you can stop it/);
      while ((await deals.dealsWith('Northwind')).length === 0);
      const late = await deals.press(held, 'Stop');
      assert.match(late.text, /it cannot be cancelled\. The card shows how it ends\./);
      await deals.shows(form, /The deal is in Partner Center\./);
      const over = await deals.press(held, 'Stop');
      assert.match(over.text, /The deal is in Partner Center\.|no longer possible/);
      assert.equal((await deals.dealsWith('Northwind')).length, 1);
    });
  });
}
