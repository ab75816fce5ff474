/**
 * Having deals reported to a conversation: who may, what is registered at Partner Center, whose address it takes over, and
 * how it ends. Walked on both engines.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { type DealLane, openDeals } from '../support/deals.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, cardOf, textOf } from '../support/walk.ts';

const GROUP = { conversation: 'group' };
const WATCHING = /Partner Center reports here: deals that come in are shown in this conversation\./;
const read = (message: Message): string => textOf(cardOf(message));

for (const engine of await engines()) {
  describe(`watching for deals, on ${engine.name}`, function () {
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

    const registered = async (): Promise<string | undefined> => (await deals.partner()).registration?.webhookUrl;

    it('is for admins', async () => {
      const refused = await deals.say('referrals watch', { ...GROUP, user: 'axel' });
      assert.match(read(refused), /Only the people whom your admin has named in my settings may do that\./);
      assert.equal(await registered(), undefined);
      assert.equal((await deals.sent()).length, 0);
    });

    it('registers once, however often it is asked for, and ends by command or by press', async () => {
      const watching = await deals.tells('referrals watch', WATCHING, GROUP);
      assertForPeople(watching);
      const url = await registered();
      assert.match(url ?? '', new RegExp(`^${deals.lane.bot.url}/api/referrals\\?request=[0-9a-z]{8}$`));
      assert.deepEqual((await deals.partner()).registration?.webhookEvents, ['referral-created', 'referral-updated']);
      await deals.press(watching, 'Stop watching', { ...GROUP, copies: 3 });
      await deals.shows(watching, /I no longer watch for deals\./, 'group');
      assert.equal(await registered(), undefined);
      const again = await deals.tells('watch deals', WATCHING, GROUP);
      const ending = await deals.say('referrals unwatch', GROUP);
      assert.match(read(await deals.latest(again, 'group')), /This request goes on further down\./);
      await deals.shows(ending, /I no longer watch for deals\./, 'group');
      assert.equal(await registered(), undefined);
      assert.match(read(await deals.say('referrals unwatch', GROUP)), /Nobody watches for deals/);
    });

    it('takes the address over from somebody else only when told to', async () => {
      const theirs = `${deals.town.sandbox.url}/elsewhere`;
      await deals.town.control('access', { user: 'rita', action: 'signIn' });
      deals.town.sandbox.world.partner.registration = {
        subscriberId: 'd3b07384-d113-4ec6-a7d6-1f0c3b1d2e4f',
        webhookUrl: theirs,
        webhookEvents: ['referral-updated'],
        signatureInOwnHeader: false,
      };
      const asked = await deals.tells('referrals watch', /Partner Center already reports to 127\.0\.0\.1/, GROUP);
      assertForPeople(asked);
      assert.equal(await registered(), theirs);
      const refused = await deals.press(asked, 'Continue', {
        ...GROUP,
        user: 'axel',
        inputs: { answer: theirs },
      });
      assert.match(refused.text, /Only Rita Requester can decide this/);
      await deals.choose(asked, 'Report to Usher instead', GROUP);
      await deals.shows(asked, WATCHING, 'group');
      assert.match((await registered()) ?? '', /\/api\/referrals\?request=/);
    });

    it('of somebody without a role says which role to ask for', async () => {
      await deals.town.control('roles', { user: 'rita', roles: [] });
      await deals.tells('referrals watch', /you need the role Referrals admin/, GROUP);
    });

    it('waits for the sign-in of whoever asked', async () => {
      await deals.access('rita', 'revoke');
      const asked = await deals.tells('referrals watch', /Please sign in to Partner Center/, GROUP);
      await deals.signIn(asked, GROUP);
      await deals.shows(asked, WATCHING, 'group');
    });
  });
}
