/**
 * Removing guests a few at a time, through the real HTTP edge on both engines: what one person removes alone is counted over
 * a day, also by a bot that was started anew, and whoever waits reads why.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import { skip } from '../support/skip.ts';
import { type Bot, type Message, startBot } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, type Lane, openLane, textOf } from '../support/walk.ts';

const ENVIRONMENT = {
  ADMINS: PEOPLE.rita.id,
  ...withPolicy({
    removeAlone: 2,
    approvals: [{ name: 'Everybody else', domains: [], approvers: [PEOPLE.axel] }],
  }),
};

for (const engine of await engines()) {
  describe(`removing a few at a time on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;
    let bot: Bot | undefined;
    beforeEach(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine, ENVIRONMENT);
    });
    afterEach(async () => {
      await bot?.stop();
      bot = undefined;
      if (!lane) return;
      await assertNothingLeaked(lane);
      await lane.close();
    });

    const removals = async () =>
      (await lane.town.calls()).filter(({ method, status }) => method === 'DELETE' && status === 204);
    const press = (card: Message, verb: string, inputs: object, user = 'rita') => {
      const action = cardOf(card).actions?.find((one) => one.verb === verb);
      assert.ok(action, `no ${verb} on ${textOf(cardOf(card))}`);
      const by = { conversation: `personal:${user}`, user };
      return lane.town.press(card.activityId, verb, action.data ?? {}, inputs, by);
    };
    /** Asked for and confirmed. */
    const removes = async (...addresses: readonly string[]) => {
      const before = (await lane.town.cards()).length;
      await lane.town.say(`revoke ${addresses.join(', ')}`);
      const asks = await lane.shows(addresses[0] ?? '', /(?:lose their account|are in no team)/);
      assert.ok((await lane.town.cards()).length > before);
      const requestId = cardOf(asks).actions?.[0]?.data?.['requestId'];
      await lane.town.press(asks.activityId, 'request.answer', { requestId, field: 'confirmed' }, { answer: 'remove' });
    };

    it('two and one more need a second person, also for a bot that was started anew', async () => {
      // Guests of the sandbox, who are there already.
      await removes('gus@fabrikam.example', 'leo@partner.example');
      await lane.shows('gus@fabrikam.example', /have no access here any more/);
      assert.equal((await removals()).length, 2);
      await lane.bot.stop();
      bot = await startBot(lane.town, lane.database.url, ENVIRONMENT);
      await removes('pia@partner.example');
      const waits = await lane.shows('pia@partner.example', /Waiting for Axel Approver/);
      assert.match(
        textOf(cardOf(waits)),
        /more than 2 guests within 24 hours needs a second person, and with those removed/,
      );
      assert.equal((await removals()).length, 2);
      const asked = await lane.shows('pia@partner.example', /Please decide/, 'personal:axel');
      assertForPeople(asked);
      await press(asked, 'request.approve', {}, 'axel');
      await lane.shows('pia@partner.example', /has no access here any more/);
      assert.equal((await removals()).length, 3);
    });
  });
}
