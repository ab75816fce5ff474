/**
 * Deals as people handle them: every command, the lists, the cards and what they offer, each change and each invitation.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { boxesOf, DEALS, type DealLane, openDeals, titlesOf } from '../support/deals.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, sqlite, textOf } from '../support/walk.ts';

const GROUP = { conversation: 'group' };
const AXEL = { user: 'axel', conversation: 'personal:axel' };
const read = (message: Message): string => textOf(cardOf(message));
const ids = Object.values(DEALS);

describe('a deal', function () {
  this.timeout(30_000);
  let deals: DealLane;

  before(async () => {
    deals = await openDeals(await sqlite());
  });
  beforeEach(async () => {
    await deals.begin();
    await deals.allIn();
  });
  afterEach(() => {
    assert.deepEqual(
      deals.lane.log.lines.filter((line) => /bug/.test(line)),
      [],
    );
  });
  after(async () => {
    await assertNothingLeaked(deals.lane);
    await deals.close();
  });

  const incoming = (customer: string, more: object = {}): Promise<{ id: string }> =>
    deals.town.control('referral', { customer, ...more });

  describe('in the help', () => {
    it('has all its commands, each of which is one, with examples that make sense', async () => {
      const help = read(await deals.say('help deals'));
      for (const usage of ['referral new', 'referrals', 'referral accept', 'referral decline', 'referral won'])
        assert.match(help, new RegExp(`^${usage} [<[]`, 'm'));
      for (const usage of ['referral lost', 'referral edit', 'referral invite']) assert.match(help, new RegExp(usage));
      for (const usage of ['referrals watch', 'referrals unwatch', 'sign in', 'sign out'])
        assert.match(help, new RegExp(`^${usage}$`, 'm'));
      assert.doesNotMatch(help, /For example: referral .*@/);
    });

    it('has a button for each form, which opens it empty or with what goes without saying', async () => {
      const help = await deals.say('help deals');
      for (const title of titlesOf(help)) assert.ok(titlesOf(await deals.opens(help, title)).includes('Cancel'), title);
    });

    for (const [typed, submit] of [
      ['referral new', 'Send'],
      ['New deal', 'Send'],
      ['share deal', 'Send'],
      ['referral', 'Show'],
      ['deal', 'Show'],
      ['referral accept', 'Accept'],
      ['decline deal', 'Decline'],
      ['deal decline Woodgrove', 'Decline'],
      ['referral won', 'Won'],
      ['lost deal', 'Lost'],
      ['deal lost Tailspin', 'Lost'],
      ['referral edit', 'Change'],
      ['edit deal Tailspin', 'Change'],
      ['referral invite', 'Invite'],
      ['invite to deal', 'Invite'],
      ['referrals sideways', 'List'],
    ] as const) {
      it(`“${typed}” is not enough: its form comes, and nothing is asked of Partner Center`, async () => {
        const form = await deals.say(typed);
        assert.equal(titlesOf(form)[0], submit);
        assertForPeople(form);
        assert.equal((await deals.sent()).length, 0);
      });
    }
  });

  describe('in a list', () => {
    for (const [typed, title, rows] of [
      ['referrals', 'Open deals', ['Litware Insurance', 'Litware Inc', 'Tailspin Toys', 'Woodgrove Bank']],
      ['My deals', 'Open deals', ['Woodgrove Bank']],
      ['deals all', 'Open deals', ['Woodgrove Bank']],
      ['referrals waiting', 'Deals waiting for an answer', ['Woodgrove Bank']],
      ['deals closing soon', 'Deals closing soon', ['Tailspin Toys']],
    ] as const) {
      it(`“${typed}” shows what it says`, async () => {
        const list = await deals.tells(typed, /\d+–\d+ of \d+\./);
        const lines = read(list).split('\n');
        assert.ok(lines.includes(title), read(list));
        for (const row of rows) assert.ok(lines.includes(row), `${row}: ${read(list)}`);
        assertForPeople(list);
      });
    }

    it('of mine are those in whose team I am', async () => {
      await deals.tells('referrals mine', /You are in the team of no deal\./);
      await deals.tells('referral edit Tailspin team Rita Requester <rita@contoso.example>', /is changed/);
      const list = await deals.tells('referrals mine', /1–1 of 1\./);
      assert.match(read(list), /Tailspin Toys/);
      await deals.tells('referrals mine', /You are in the team of no deal\./, AXEL);
    });

    it('opens each with a press', async () => {
      const list = await deals.tells('referrals closing', /1–1 of 1\./);
      const before = (await deals.town.cards()).length;
      const [item] = JSON.stringify(cardOf(list)).match(/"text":"referral [0-9a-f-]{36}"/g) ?? [];
      const text = JSON.parse(`{${item}}`).text as string;
      await deals.town.press(list.activityId, 'command.run', { text });
      const card = (await deals.town.cards())[before];
      assert.ok(card);
      assertForPeople(await deals.shows(card, /The deal is open and worth 80,000 GBP\./), ids);
    });

    for (const nextLink of ['documented', 'foreign']) {
      it(`of several pages is read to its end; of a ${nextLink} next link only the token is used`, async () => {
        await deals.town.control('settings', { referralPageSize: 4, nextLink });
        for (let n = 0; n < 21; n++) await incoming(`Customer ${n}`);
        const origins = new Set<string>();
        const note = (message: unknown): void => {
          origins.add(String((message as { request: { origin: unknown } }).request.origin));
        };
        subscribe('undici:request:create', note);
        const list = await deals
          .tells('referrals', /1–10 of 25\./)
          .finally(() => unsubscribe('undici:request:create', note));
        // What this test itself asks of the sandbox is among them; the bot's own address is the sandbox's post.
        const allowed = new Set([deals.town.sandbox.url, new URL(deals.lane.bot.url).origin]);
        assert.ok(origins.size > 0);
        assert.deepEqual(
          [...origins].filter((origin) => !allowed.has(origin)),
          [],
        );
        const pages = await deals.sent('GET');
        assert.equal(pages.length, 7);
        for (const { path } of pages) assert.equal(path, '/v1.0/engagements/referrals');
        assert.equal(pages.filter(({ query }) => query['$skiptoken']).length, 6);
        await deals.press(list, 'Show more');
        await deals.shows(list, /11–20 of 25\./);
        await deals.press(await deals.latest(list), 'Show more');
        await deals.shows(list, /21–25 of 25\./);
        assert.equal((await deals.sent('GET')).length, 7, 'paging on the card asks nothing anew');
      });
    }

    it('of more pages than are read says that there are more', async () => {
      await deals.town.control('settings', { referralPageSize: 1 });
      for (let n = 0; n < 12; n++) await incoming(`Customer ${n}`);
      await deals.tells('referrals', /1–9 of 9 and more|1–10 of 10 and more/);
      assert.equal((await deals.sent('GET')).length, 10);
    });

    it('of somebody without a role says which role to ask for', async () => {
      await deals.access('ada', 'signIn');
      const card = await deals.tells('referrals', /Not done/, { user: 'ada', conversation: 'personal:ada' });
      assert.match(read(card), /you need the role Referrals admin or Referrals user/);
      assertForPeople(card);
    });
  });

  describe('that is named', () => {
    it('by its id, its customer, a part of it or its name is shown', async () => {
      for (const typed of [
        `referral ${DEALS.tailspin}`,
        `deal #${DEALS.tailspin.toUpperCase()}`,
        'referral Tailspin',
        'show deal "tailspin toys".',
        'Referral tailspin toys deal',
      ]) {
        const card = await deals.tells(typed, /The deal is open and worth 80,000 GBP\./);
        assertForPeople(card, ids);
      }
    });

    it('by what fits several is chosen among, by the requester alone', async () => {
      const asked = await deals.tells('referral Litware', /2 deals fit “Litware”\. Which one\?/, GROUP);
      const answer = { answer: DEALS.litwareInsurance };
      const refused = await deals.press(asked, 'Continue', { ...GROUP, user: 'axel', inputs: answer });
      assert.match(refused.text, /Only Rita Requester can decide this/);
      const none = await deals.press(asked, 'Continue', { ...GROUP, inputs: { answer: DEALS.tailspin } });
      assert.match(none.text, /Please choose one of the answers/);
      await deals.press(asked, 'Continue', { ...GROUP, inputs: answer });
      await deals.shows(asked, /Litware Insurance[\s\S]*60,000 EUR/, 'group');
    });

    it('by the whole name of one of several is that one', async () => {
      await deals.tells('referral Litware Inc', /The deal is open|It waits for an answer/);
      await deals.tells('referral litware insurance', /worth 60,000 EUR/);
    });

    it('and is not there is said, whatever was typed', async () => {
      await deals.tells('referral Nobody Ltd', /I know no deal “Nobody Ltd” in Partner Center/);
      await deals.tells("referral O'Brien & Söhne % #1", /I know no deal “O'Brien & Söhne % #1”/);
      const card = await deals.tells(
        'referral 5a4db0c5-0000-4000-8000-00000000dead',
        /Partner Center does not have this deal \(any more\)/,
      );
      assertForPeople(card);
    });

    it('is looked for on every page', async () => {
      await deals.town.control('settings', { referralPageSize: 1 });
      await deals.tells('referral Woodgrove', /It waits for an answer until/);
    });
  });

  describe('offers what the service allows, and no more', () => {
    for (const [name, id, buttons] of [
      ['one that came in', DEALS.woodgrove, ['Accept', 'Decline …']],
      ['one of our own', DEALS.litwareInc, ['Make active', 'Change …']],
      ['an open one', DEALS.tailspin, ['Won …', 'Lost …', 'Change …', 'Invite …']],
      ['a closed one', DEALS.adventure, []],
    ] as const) {
      it(`for ${name}`, async () => {
        const card = await deals.tells(`referral ${id}`, /The deal is|It waits/);
        assert.deepEqual(titlesOf(card), buttons);
        assertForPeople(card, ids);
      });
    }

    it('and whoever types another move is told how it stands', async () => {
      for (const [typed, says] of [
        ['referral won Woodgrove', /The deal is New · Received now, so that is no longer possible/],
        ['referral lost Woodgrove because of the price', /The deal is New · Received now/],
        ['referral accept Adventure', /The deal is Closed · Won now/],
        ['referral decline Tailspin because it is late', /The deal is Active · Accepted now/],
        ['referral edit Adventure value 5 EUR', /The deal is Closed · Won now/],
        ['referral invite Microsoft to Adventure', /The deal is Closed · Won now/],
        ['referral accept Tailspin', /The deal has been accepted already/],
        ['referral won Adventure', /The deal is closed as won already/],
      ] as const)
        assertForPeople(await deals.tells(typed, says), ids);
      assert.equal((await deals.sent()).filter(({ method }) => method !== 'GET').length, 0);
    });
  });

  describe('changes', () => {
    it('by accepting, read back, with the card that shows it', async () => {
      const card = await deals.tells('referral Woodgrove', /It waits for an answer until/);
      const change = await deals.opens(card, 'Accept');
      assertForPeople(await deals.shows(change, /The deal with Woodgrove Bank is accepted\./), ids);
      assertForPeople(await deals.shows(card, /Rita Requester accepted the deal with Woodgrove Bank\./), ids);
      const [patch] = await deals.sent('PATCH');
      assert.deepEqual(patch?.body, [
        { op: 'replace', path: '/status', value: 'Active' },
        { op: 'replace', path: '/substatus', value: 'Accepted' },
      ]);
      assert.equal(patch?.status, 204);
      assert.deepEqual(titlesOf(await deals.latest(card)), ['Won …', 'Lost …', 'Change …', 'Invite …']);
    });

    it('by declining with a reason, which has to be given', async () => {
      const card = await deals.tells('referral Woodgrove', /It waits for an answer until/);
      const form = await deals.opens(card, 'Decline …');
      const faulty = await deals.press(form, 'Decline');
      assert.match(faulty.text, /Please say why\./);
      assert.equal((await deals.sent('PATCH')).length, 0);
      await deals.press(form, 'Decline', { inputs: { reason: 'No capacity in “Q1”' } });
      await deals.shows(form, /The deal with Woodgrove Bank is declined\./);
      const { status, substatus, statusReason } = await deals.deal(DEALS.woodgrove);
      assert.deepEqual([status, substatus, statusReason], ['Closed', 'Declined', 'No capacity in “Q1”']);
    });

    it('by winning, with a last value and the day', async () => {
      await deals.tells(
        'deal won Tailspin for 85k GBP closed on 2026-11-01',
        /The deal with Tailspin Toys is won: 85,000 GBP\./,
      );
      const { status, substatus, details } = await deals.deal(DEALS.tailspin);
      assert.deepEqual([status, substatus, details.dealValue], ['Closed', 'Won', 85_000]);
      assert.equal(details.closingDateTime, '2026-11-01T00:00:00Z');
    });

    it('by losing, with the reason', async () => {
      await deals.tells('deal lost Tailspin because of the price', /The deal with Tailspin Toys is closed as lost\./);
      const { substatus, statusReason } = await deals.deal(DEALS.tailspin);
      assert.deepEqual([substatus, statusReason], ['Lost', 'the price']);
    });

    it('by editing one field, and leaves the others alone', async () => {
      const before = await deals.deal(DEALS.tailspin);
      const card = await deals.tells('referral Tailspin', /The deal is open/);
      const form = await deals.opens(card, 'Change …');
      assert.equal(boxesOf(form)['value'], '80,000 GBP');
      await deals.press(form, 'Change', { inputs: { value: '90k GBP' } });
      await deals.shows(form, /is changed\. Value 90,000 GBP/);
      const [patch] = await deals.sent('PATCH');
      assert.deepEqual(patch?.body, [{ op: 'replace', path: '/details/dealValue', value: '90000' }]);
      const after = await deals.deal(DEALS.tailspin);
      assert.deepEqual({ ...after.details, dealValue: 80_000 }, before.details);
      assert.deepEqual(after.customerProfile, before.customerProfile);
    });

    it('by nothing, when nothing was changed in the form', async () => {
      const card = await deals.tells('referral Tailspin', /The deal is open/);
      const form = await deals.opens(card, 'Change …');
      const { text } = await deals.press(form, 'Change');
      assert.match(text, /Please say what is to be changed\./);
      assert.equal((await deals.sent('PATCH')).length, 0);
    });

    for (const keep of ['mine', 'theirs'] as const) {
      it(`by two at once, who are told of each other: Keep ${keep}`, async () => {
        const card = await deals.tells('referral Tailspin', /The deal is open/);
        const form = await deals.opens(card, 'Change …');
        await deals.town.control('referral-change', { id: DEALS.tailspin, action: 'change' });
        await deals.press(form, 'Change', { inputs: { value: '60k GBP' } });
        const asked = await deals.shows(form, /Somebody changed the deal while you looked at it\./);
        assert.match(read(asked), /Yours: changed, 60,000[\s\S]*Now: Active · Accepted, 88,000 GBP/);
        assertForPeople(asked, ids);
        await deals.choose(asked, `Keep ${keep}`);
        await deals.shows(form, keep === 'mine' ? /is changed\. Value 60,000 GBP/ : /Nothing was changed/);
        assert.equal((await deals.deal(DEALS.tailspin)).details.dealValue, keep === 'mine' ? 60_000 : 88_000);
      });
    }

    it('by two at once, and a third time while the first conflict is looked at: asked again', async () => {
      const card = await deals.tells('referral Tailspin', /The deal is open/);
      const form = await deals.opens(card, 'Change …');
      const meanwhile = () => deals.town.control('referral-change', { id: DEALS.tailspin, action: 'change' });
      await meanwhile();
      await deals.press(form, 'Change', { inputs: { value: '60k GBP' } });
      const asked = await deals.shows(form, /Now: Active · Accepted, 88,000 GBP/);
      await meanwhile();
      await deals.choose(asked, 'Keep mine');
      const again = await deals.shows(form, /Now: Active · Accepted, 96,800 GBP/);
      await deals.choose(again, 'Keep mine');
      await deals.shows(form, /is changed\. Value 60,000 GBP/);
    });
  });

  describe('invites', () => {
    it('Microsoft, once, however often', async () => {
      await deals.tells('referral invite Microsoft to Litware Insurance', /Microsoft is invited into the deal\./);
      assertForPeople(
        await deals.tells('deal invite msft into Litware Insurance', /Microsoft is in the deal already/),
        ids,
      );
      assert.equal((await deals.sent('POST')).length, 1);
      assert.equal((await deals.dealsWith('Litware Insurance')).length, 2);
    });

    it('a partner by their id, with a note; a name alone is not enough', async () => {
      const form = await deals.say('referral invite Fabrikam to Tailspin because joint bid');
      assert.match(read(form), /since names are not unique/);
      await deals.press(form, 'Invite', { inputs: { organization: 'Fabrikam 6125004' } });
      await deals.shows(form, /Fabrikam is invited into the deal\./);
      const [made] = await deals.sent('POST');
      assert.match(JSON.stringify(made?.body?.['inviteContext']), /"notes":"joint bid"/);
      assert.equal((await deals.dealsWith('Tailspin Toys')).length, 3);
    });

    it('with the button on its card', async () => {
      const card = await deals.tells('referral Litware Insurance', /The deal is open/);
      const form = await deals.opens(card, 'Invite …');
      assert.equal(boxesOf(form)['organization'], 'Microsoft');
      await deals.press(form, 'Invite', { copies: 3 });
      await deals.shows(form, /Microsoft is invited into the deal\./);
      assert.equal((await deals.sent('POST')).length, 1);
    });
  });

  describe('is for those of this organisation', () => {
    it('not for guests, who may neither ask nor press', async () => {
      const refused = await deals.say('referrals', { user: 'gus', conversation: 'personal:gus' });
      assert.match(read(refused), /Guests cannot give me commands/);
      const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
      const pressed = await deals.press(card, 'Accept', { ...GROUP, user: 'gus' });
      assert.match(pressed.text, /Guests cannot give me commands/);
      assert.equal((await deals.deal(DEALS.woodgrove)).status, 'New');
    });

    it('not for people of other tenants', async () => {
      const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
      const { statuses } = await deals.town.say('referral accept Woodgrove', { ...GROUP, user: 'tess' });
      assert.deepEqual(statuses, [403]);
      const data = cardOf(card).actions?.[0]?.data ?? {};
      await deals.town.press(card.activityId, 'command.run', data, {}, { ...GROUP, user: 'tess' });
      assert.equal((await deals.deal(DEALS.woodgrove)).status, 'New');
    });

    it('and each acts in their own name: who has no role cannot accept on a card of somebody who has', async () => {
      await deals.access('ada', 'signIn');
      const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
      const change = await deals.opens(card, 'Accept', { ...GROUP, user: 'ada' });
      await deals.shows(change, /you need the role Referrals admin or Referrals user/, 'group');
      assert.equal((await deals.deal(DEALS.woodgrove)).status, 'New');
    });

    it('and whoever is not signed in is asked on a card of their own', async () => {
      await deals.access('axel', 'signOut');
      const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
      const change = await deals.opens(card, 'Accept', { ...GROUP, user: 'axel' });
      const asked = await deals.shows(change, /Please sign in to Partner Center/, 'group');
      const refused = await deals.press(asked, 'Sign in', GROUP);
      assert.match(refused.text, /Only Axel Approver can decide this/);
      await deals.signIn(asked, { ...GROUP, user: 'axel' });
      await deals.shows(change, /The deal with Woodgrove Bank is accepted\./, 'group');
      await deals.shows(card, /Axel Approver accepted the deal/, 'group');
    });

    it('and a card asked for in 1:1 stays there', async () => {
      const card = await deals.tells('referral Tailspin', /The deal is open/);
      const id = / · ([0-9a-z]{8})$/m.exec(read(card))?.[1];
      assert.match(read(await deals.say(`request ${id}`, AXEL)), /This is Rita Requester's request/);
      assert.match(read(await deals.say(`request ${id}`, { ...GROUP, user: 'axel' })), /This is Rita Requester's/);
      assert.match(read(await deals.say(`request ${id}`)), /The deal is open/);
    });
  });
});
