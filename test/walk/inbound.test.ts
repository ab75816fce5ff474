/**
 * Deals that come in: who may have them reported, what becomes of each report, signed by the sandbox as Partner Center
 * signs, and that nothing is lost when reports come twice, late, forged, or to a bot that was away.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { type DealLane, openDeals, RITA, titlesOf } from '../support/deals.ts';
import { skip } from '../support/skip.ts';
import { type Bot, type Message, startBot } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, textOf } from '../support/walk.ts';

const GROUP = { conversation: 'group' };
const WATCHING = /Partner Center reports here: deals that come in are shown in this conversation\./;
const read = (message: Message): string => textOf(cardOf(message));

for (const engine of await engines()) {
  describe(`a deal that comes in, on ${engine.name}`, function () {
    this.timeout(30_000);
    let deals: DealLane;
    let other: Bot | undefined;

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      deals = await openDeals(engine);
    });
    beforeEach(async () => {
      await deals.begin();
      await deals.allIn();
    });
    afterEach(async () => {
      await other?.stop();
      other = undefined;
      deals.town.sandbox.botUrl = `${deals.lane.bot.url}/api/messages`;
      assert.deepEqual(
        deals.lane.log.lines.filter((line) => /bug/.test(line)),
        [],
      );
    });
    after(async () => {
      if (deals) await assertNothingLeaked(deals.lane);
      await deals?.close();
    });

    const watch = (): Promise<Message> => deals.tells('referrals watch', WATCHING, GROUP);
    const incoming = async (customer: string, more: object = {}): Promise<string> =>
      (await deals.town.control<{ id: string }>('referral', { customer, ...more })).id;
    /** Every event was answered so. */
    const delivered = (count: number, status = 202): Promise<unknown> =>
      deals.town.control(`wait?${new URLSearchParams({ webhooks: `^sent ${status} `, count: String(count) })}`);
    const about = async (customer: string): Promise<Message[]> =>
      (await deals.town.cards('group')).filter((card) => read(card).includes(`New deal: ${customer}`));
    /** The card of a deal that came in, once it is there. */
    async function card(customer: string): Promise<Message> {
      await deals.town.until(new RegExp(`New deal: ${customer}`), 'group');
      const cards = await about(customer);
      assert.equal(cards.length, 1, `${cards.length} cards of ${customer}`);
      return cards[0] as Message;
    }
    /** Nothing is under way any more: what was told before a later deal is done when that one is shown. */
    async function quiet(): Promise<void> {
      const name = `Last ${Math.random().toString(36).slice(2, 8)}`;
      await incoming(name);
      await card(name);
    }

    it('is shown once where it is watched for, with what can be done, and accepted there', async () => {
      await watch();
      const id = await incoming('Wingtip Toys', { value: 90_000, notes: 'Please help', expiresInMs: 5 * 86_400_000 });
      const shown = await card('Wingtip Toys');
      assert.deepEqual(titlesOf(shown), ['Accept', 'Decline …']);
      for (const line of ['Wingtip Toys', '90,000 USD', 'Microsoft', 'Please help', 'New · Received'])
        assert.ok(read(shown).split('\n').includes(line), line);
      assert.match(read(shown), /It waits for an answer until/);
      assertForPeople(shown, [id]);
      const change = await deals.opens(shown, 'Accept', { ...GROUP, user: 'axel' });
      await deals.shows(change, /The deal with Wingtip Toys is accepted\./, 'group');
      await deals.shows(shown, /Axel Approver accepted the deal with Wingtip Toys\./, 'group');
      assert.equal((await about('Wingtip Toys')).length, 1);
    });

    it('is shown once though its report comes ten times at once and again later, and is read once', async () => {
      await watch();
      const id = await incoming('Wingtip Toys');
      await card('Wingtip Toys');
      const [event] = (await deals.partner()).events;
      const again = () => deals.town.control<{ statuses: number[] }>('webhook', { replay: [event?.n], copies: 10 });
      assert.deepEqual((await again()).statuses, Array(10).fill(202));
      await again();
      await quiet();
      assert.equal((await about('Wingtip Toys')).length, 1);
      const reads = (await deals.sent('GET')).filter(({ path }) => path.endsWith(id));
      assert.equal(reads.length, 1);
    });

    it('is shown once when the first reports of it come out of order', async () => {
      await watch();
      await deals.town.control('hold-webhooks', { on: true });
      const id = await incoming('Wingtip Toys');
      await deals.town.control('referral-change', { id, action: 'change' });
      await deals.town.control('hold-webhooks', { on: false, reversed: true });
      const shown = await card('Wingtip Toys');
      await deals.shows(shown, /55,000 USD/, 'group');
      await quiet();
      assert.equal((await about('Wingtip Toys')).length, 1);
    });

    for (const [action, says] of [
      ['change', /55,000 USD/],
      ['accept', /Active · Accepted/],
      ['decline', /Closed · Declined/],
      ['expire', /Closed · Expired/],
    ] as const) {
      it(`and is changed elsewhere (${action}) is shown as it is now`, async () => {
        await watch();
        const id = await incoming('Wingtip Toys', { value: 50_000 });
        const shown = await card('Wingtip Toys');
        await deals.town.control('referral-change', { id, action });
        const now = await deals.shows(shown, says, 'group');
        assertForPeople(now, [id]);
        if (action !== 'change') assert.ok(!titlesOf(now).includes('Accept'));
        if (/Closed/.test(says.source)) {
          assert.deepEqual(titlesOf(now), []);
          assert.match(read(now), /The deal is closed\./);
        }
      });
    }

    it('and is answered elsewhere a moment before Accept is pressed is told to whoever pressed', async () => {
      await watch();
      const id = await incoming('Wingtip Toys');
      const shown = await card('Wingtip Toys');
      await deals.town.control('settings', { webhooksOff: true });
      await deals.town.control('referral-change', { id, action: 'decline' });
      const change = await deals.opens(shown, 'Accept', GROUP);
      await deals.shows(change, /The deal is Closed · Declined now, so that is no longer possible/, 'group');
      await deals.shows(shown, /Closed · Declined/, 'group');
      assert.equal((await deals.sent('PATCH')).length, 0);
    });

    it('and is gone, or not for whoever watches, changes nothing', async () => {
      await watch();
      const before = (await deals.town.cards('group')).length;
      await deals.town.control('webhook', { event: 'referral-created', id: 'd3b07384-d113-4ec6-a7d6-1f0c3b1d2e4f' });
      await deals.called(/partner GET .*d3b07384.* 404/);
      await deals.town.control('roles', { user: 'rita', roles: [] });
      await incoming('Secret Ltd');
      await deals.called(/partner GET .* 403/);
      await deals.town.control('roles', { user: 'rita', roles: ['Referrals Admin'] });
      await quiet();
      assert.equal((await about('Secret Ltd')).length, 0);
      assert.equal((await deals.town.cards('group')).length, before + 1);
    });

    it('forged, or as a trial, changes nothing', async () => {
      await watch();
      const id = await incoming('Wingtip Toys');
      await card('Wingtip Toys');
      const reads = (await deals.sent('GET')).length;
      for (const forge of [
        'selfSigned',
        'foreignRoot',
        'foreignOrganisation',
        'expiredLeaf',
        'wrongKey',
        'noSignature',
      ]) {
        const { statuses } = await deals.town.control<{ statuses: number[] }>('webhook', { id, forge });
        assert.deepEqual(statuses, [401], forge);
      }
      await deals.town.control('webhook', { event: 'test-created', id: 'trial' });
      await deals.town.control('webhook', { body: '{"EventName":"referral-exploded"}' });
      await quiet();
      assert.equal((await deals.sent('GET')).length, reads + 1);
    });

    it('while the watcher is signed out waits, with a card that asks, and is shown after the sign-in', async () => {
      const watching = await watch();
      await deals.access('rita', 'revoke');
      await incoming('Wingtip Toys');
      await delivered(1);
      const asked = await deals.shows(watching, /Please sign in to Partner Center/, 'group');
      assert.equal((await about('Wingtip Toys')).length, 0);
      await deals.signIn(asked, GROUP);
      const shown = await card('Wingtip Toys');
      assert.deepEqual(titlesOf(shown), ['Accept', 'Decline …']);
      await deals.shows(watching, WATCHING, 'group');
    });

    it('while the bot is away is shown when it is back, and by one of two', async () => {
      await watch();
      await deals.town.control('settings', { webhookPauseMs: 50, webhookTries: 10 });
      await deals.town.fault({ remote: 'partner', kind: 'slow', ms: 1000, method: 'GET' });
      await incoming('Wingtip Toys');
      await delivered(1);
      // What was taken by the first is finished by whoever comes next.
      other = await startBot(deals.town, deals.lane.database.url, { REFERRAL_HOLD_SECONDS: '0' });
      await card('Wingtip Toys');
      await quiet();
      assert.equal((await about('Wingtip Toys')).length, 1);
    });

    it('while no bot is there is shown when one is, and so is what was taken before it went', async () => {
      const away = await openDeals(engine);
      const { town, bot, database } = away.lane;
      let back: Bot | undefined;
      try {
        await away.allIn();
        await away.tells('referrals watch', WATCHING, GROUP);
        await town.control('settings', { webhookPauseMs: 100, webhookTries: 10 });
        await town.fault({ remote: 'partner', kind: 'hold', ms: 30_000, method: 'GET' });
        await town.control('referral', { customer: 'Wingtip Toys' });
        await town.control(`wait?${new URLSearchParams({ webhooks: '^sent 202 ' })}`);
        await bot.stop();
        await town.control('referral', { customer: 'Fourth Coffee' });
        await town.control(`wait?${new URLSearchParams({ webhooks: '^sent 0 ' })}`);
        back = await startBot(town, database.url, { PORT: new URL(bot.url).port, ADMINS: RITA });
        for (const customer of ['Wingtip Toys', 'Fourth Coffee']) {
          await town.until(new RegExp(`New deal: ${customer}`), 'group');
          const cards = (await town.cards('group')).filter((one) => read(one).includes(`New deal: ${customer}`));
          assert.equal(cards.length, 1);
        }
      } finally {
        await (back ?? bot).stop();
        await town.close();
        await database.drop();
      }
    });
  });
}
