/**
 * Signing in to Partner Center, as Teams does it: the press that asks, the code of the page or the token of single sign-on,
 * and what waited for it. Whatever goes wrong, the request rests where the person can see why, and nothing of a token or a
 * code is kept anywhere.
 */
import assert from 'node:assert/strict';
import { DEALS, type DealLane, openDeals, titlesOf } from '../support/deals.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, everShown, sqlite, textOf } from '../support/walk.ts';

const ASKS = /Please sign in to Partner Center: I do this in your name\./;
const ASKS_AGAIN = /Partner Center wants you to sign in again, perhaps with a second factor\./;
const TABLES = [
  'requests',
  'answers',
  'messages',
  'signals',
  'audit',
  'gates',
  'usher_migration',
  'policies',
  'audit_chain',
  'audit_cut',
  'chores',
  'rows',
  'paces',
] as const;
/** The list was read. */
const READ = /partner GET .* 200/;

describe('signing in to Partner Center', function () {
  this.timeout(30_000);
  let deals: DealLane;
  const secrets = new Set<string>();

  before(async () => {
    deals = await openDeals(await sqlite());
  });
  beforeEach(() => deals.begin());
  afterEach(async () => {
    for (const { token } of deals.town.sandbox.world.tokens.given) secrets.add(token);
    for (const token of Object.keys(deals.town.sandbox.world.tokens.exchangeable)) secrets.add(token);
    for (const { ticket } of deals.town.sandbox.world.tokens.signIns) secrets.add(ticket);
    assert.deepEqual(
      deals.lane.log.lines.filter((line) => /bug/.test(line)),
      [],
    );
  });
  after(async () => {
    await assertNothingLeaked(deals.lane);
    await deals.close();
  });

  const stateOf = async (message: Message): Promise<string> => {
    const id = / · ([0-9a-z]{8})$/m.exec(textOf(cardOf(message)))?.[1];
    const [row] = await deals.lane.database.run(`select state from requests where id = '${id}'`);
    return String(row?.['state']);
  };
  /** A list that waits for its requester. */
  const waiting = (where = {}): Promise<Message> => deals.tells('referrals', ASKS, where);

  describe('from the card that asks for it', () => {
    it('begins with what a client needs to open the page or to exchange a token', async () => {
      const card = await waiting();
      assert.deepEqual(titlesOf(card), ['Sign in', 'Cancel request']);
      const asked = await deals.press(card, 'Sign in');
      assert.equal(asked.statusCode, 401);
      assert.equal(asked.type, 'application/vnd.microsoft.activity.loginRequest');
      const { text, connectionName, tokenExchangeResource, buttons } = asked.value as {
        text: string;
        connectionName: string;
        tokenExchangeResource: { id: string; uri: string };
        buttons: { type: string; title: string; value: string }[];
      };
      assert.match(text, /I keep no password and no token\./);
      assert.equal(connectionName, 'PartnerCenter');
      assert.match(tokenExchangeResource.uri, /^api:\/\/botid-/);
      assert.equal(buttons.length, 1);
      assert.equal(buttons[0]?.type, 'signin');
      assert.equal(new URL(buttons[0]?.value ?? '').origin, deals.town.sandbox.url);
      assert.equal((await deals.sent()).length, 0, 'nothing is asked of Partner Center before');
      assertForPeople(card);
    });

    it('goes on by itself with the right code, on the same card', async () => {
      const card = await waiting();
      const signed = await deals.signIn(card);
      assert.equal(signed.type, 'application/vnd.microsoft.card.adaptive');
      assert.doesNotMatch(signed.text, ASKS);
      const done = await deals.shows(card, /1–4 of 4\./);
      assertForPeople(done);
      assert.equal((await deals.sent()).length, 1);
    });

    it('refuses a wrong code, and takes the right one after it', async () => {
      const card = await waiting();
      await deals.press(card, 'Sign in');
      const code = await deals.code();
      const wrong = await deals.press(card, 'Sign in', { state: code === '000000' ? '000001' : '000000' });
      assert.equal(wrong.statusCode, 401);
      assert.equal(wrong.type, 'application/vnd.microsoft.error.incorrectAuthCode');
      assert.match(wrong.text, /That code does not fit, or it has been used\./);
      assert.equal(await stateOf(card), 'waiting');
      assert.equal((await deals.press(card, 'Sign in', { state: code })).statusCode, 200);
      await deals.called(READ);
    });

    it('refuses a code that was used, and whatever comes in the place of one', async () => {
      const card = await waiting();
      await deals.press(card, 'Sign in');
      const code = await deals.code();
      await deals.press(card, 'Sign in', { state: code });
      await deals.called(READ);
      await deals.access('rita', 'signOut');
      const other = await waiting();
      for (const state of [code, ' ', '{"a":1}', "'; drop table requests; --", '9'.repeat(300)]) {
        const { statusCode, type } = await deals.press(other, 'Sign in', { state });
        assert.equal(statusCode, 401, state);
        assert.match(type, /incorrectAuthCode|loginRequest/);
      }
      assert.equal(await stateOf(other), 'waiting');
    });

    it('a double click with one code signs in once and goes on once', async () => {
      const card = await waiting();
      await deals.press(card, 'Sign in');
      const code = await deals.code();
      const { statusCode } = await deals.press(card, 'Sign in', { state: code, copies: 4 });
      assert.ok([200, 401].includes(statusCode));
      await deals.called(READ);
      assert.equal((await deals.sent()).length, 1);
    });

    it('stays as it is when the person does not agree on the page', async () => {
      const card = await waiting();
      await deals.press(card, 'Sign in');
      assert.equal(await deals.code('rita', { accept: false }), null);
      assert.equal(await stateOf(card), 'waiting');
      assert.equal((await deals.press(card, 'Sign in')).type, 'application/vnd.microsoft.activity.loginRequest');
      await deals.signIn(card);
      await deals.called(READ);
    });

    it('can be given up: the request is cancelled and signing in later does not wake it', async () => {
      const card = await waiting();
      await deals.press(card, 'Cancel request');
      await deals.shows(card, /Cancelled/);
      const other = await waiting();
      await deals.signIn(other);
      await deals.called(READ);
      assert.equal((await deals.sent()).length, 1);
      assert.equal(await stateOf(card), 'cancelled');
    });

    it('in the older way (Action.Submit) offers the button that can ask', async () => {
      const card = await waiting();
      const data = { verb: 'request.signIn', ...cardOf(card).actions?.[0]?.data };
      await deals.town.control('submit', {
        conversation: 'personal:rita',
        user: 'rita',
        activityId: card.activityId,
        data,
      });
      const offered = (await deals.town.cards()).at(-1) as Message;
      assert.notEqual(offered.activityId, card.activityId);
      assert.deepEqual(titlesOf(offered), ['Sign in']);
      await deals.signIn(offered);
      await deals.called(READ);
    });

    for (const conversation of ['group', 'general', 'meeting']) {
      it(`is for the requester alone in the ${conversation}, and works there`, async () => {
        const where = { conversation };
        const card = await waiting(where);
        const refused = await deals.press(card, 'Sign in', { ...where, user: 'axel' });
        assert.match(refused.text, /Only Rita Requester can decide this, because it is their request\./);
        assert.equal(deals.town.sandbox.world.tokens.signIns.length, 0);
        await deals.signIn(card, where);
        await deals.called(READ);
        assertForPeople(await deals.latest(card, conversation));
      });
    }
  });

  describe('in silence (single sign-on)', () => {
    const brought = async (user = 'rita') => {
      const { token } = await deals.town.control<{ token: string }>('exchangeable-token', { user });
      return { id: 'exchange-1', connectionName: 'PartnerCenter', token };
    };

    it('takes the token that the client brings, and goes on', async () => {
      await deals.town.control('settings', { sso: true });
      await deals.access('rita', 'signIn');
      const authentication = await brought();
      await deals.access('rita', 'signOut');
      const card = await waiting();
      const signed = await deals.press(card, 'Sign in', { authentication });
      assert.equal(signed.statusCode, 200);
      await deals.called(READ);
    });

    it('answers preconditionFailed to one that does not do, so that the client asks the person', async () => {
      await deals.town.control('settings', { sso: true });
      await deals.access('rita', 'signIn');
      const authentication = await brought();
      await deals.access('rita', 'revoke');
      const card = await waiting();
      for (const token of [authentication.token, 'nonsense', 'x'.repeat(19_000)]) {
        const refused = await deals.press(card, 'Sign in', { authentication: { ...authentication, token } });
        assert.equal(refused.statusCode, 412);
        assert.equal(refused.type, 'application/vnd.microsoft.error.preconditionFailed');
      }
      assert.equal(await stateOf(card), 'waiting');
      await deals.signIn(card);
      await deals.called(READ);
    });

    it('does not take a token of somebody else', async () => {
      await deals.town.control('settings', { sso: true });
      await deals.access('axel', 'signIn');
      const authentication = await brought('axel');
      const card = await waiting();
      assert.equal((await deals.press(card, 'Sign in', { authentication })).statusCode, 412);
      assert.equal(await stateOf(card), 'waiting');
    });

    it('is not enough when a second factor is demanded: the person is asked, once', async () => {
      await deals.town.control('settings', { sso: true });
      await deals.access('rita', 'signIn');
      await deals.access('rita', 'challenge');
      const authentication = await brought();
      const card = await deals.tells('referrals', ASKS_AGAIN);
      await deals.press(card, 'Sign in', { authentication });
      const asked = await deals.shows(card, ASKS_AGAIN);
      await deals.signIn(asked);
      await deals.called(READ);
    });
  });

  describe('resumes', () => {
    it('all that waits of one person, with one sign-in, and nothing of others', async () => {
      const cards = [
        await waiting(),
        await deals.tells('referrals mine', ASKS),
        await deals.tells('referral Tailspin', ASKS),
      ];
      const inGroup = await deals.tells('referrals closing', ASKS, { conversation: 'group' });
      const others = await deals.tells('referrals', ASKS, { user: 'axel', conversation: 'personal:axel' });
      await deals.signIn(cards[1] as Message);
      await deals.shows(cards[0] as Message, /1–4 of 4\./);
      await deals.shows(cards[1] as Message, /You are in the team of no deal\./);
      await deals.shows(cards[2] as Message, /The deal is open and worth 80,000 GBP\./);
      await deals.shows(inGroup, /1–1 of 1\./, 'group');
      assert.equal(await stateOf(others), 'waiting');
      assert.match(textOf(cardOf(await deals.latest(others, 'personal:axel'))), ASKS);
    });

    it('a whole co-sell deal, sent once', async () => {
      const card = await deals.shows(await deals.share('Adatum'), ASKS);
      assert.equal((await deals.sent()).length, 0);
      await deals.signIn(card);
      const done = await deals.shows(card, /The deal is in Partner Center, and Microsoft is invited\./);
      const made = await deals.dealsWith('Adatum');
      assert.equal(made.length, 2);
      assertForPeople(
        done,
        made.map(({ id }) => id),
      );
    });

    for (const [name, action, more, asks] of [
      ['the consent was taken back', 'revoke', {}, ASKS],
      ['the token is refused', 'refuse', {}, ASKS_AGAIN],
      ['the token is over', 'expire', {}, ASKS],
      ['a second factor is demanded (401)', 'challenge', { status: 401 }, ASKS_AGAIN],
      ['a second factor is demanded (403)', 'challenge', { status: 403 }, ASKS_AGAIN],
    ] as const) {
      it(`between the two halves of a co-sell deal, when ${name}: one referral per side in the end`, async () => {
        await deals.access('rita', 'signIn');
        // The answer to the first half is slow enough for somebody to take the consent back meanwhile.
        await deals.town.fault({ remote: 'partner', kind: 'slow', ms: 400, method: 'POST' });
        const card = await deals.share('Adatum');
        while ((await deals.dealsWith('Adatum')).length === 0);
        await deals.access('rita', action, more);
        const asked = await deals.shows(card, asks);
        assert.equal((await deals.dealsWith('Adatum')).length, 1);
        assert.deepEqual(titlesOf(asked).slice(0, 1), ['Sign in']);
        await deals.signIn(asked);
        await deals.called(/partner POST .* 200/, 2);
        await deals.called(/partner GET .* 200/);
        assert.deepEqual((await deals.dealsWith('Adatum')).map(({ organizationId }) => organizationId).sort(), [
          '5a4db0c5-0000-4000-8000-000000005001',
          'msft',
        ]);
      });
    }
  });

  describe('anew', () => {
    for (const status of [401, 403]) {
      it(`after a claims challenge with ${status}: signed out there, asked once, and no loop`, async () => {
        await deals.access('rita', 'signIn');
        await deals.access('rita', 'challenge', { status });
        const card = await deals.tells('referrals', ASKS_AGAIN);
        assert.equal((await deals.sent()).length, 1);
        assert.equal((await deals.town.calls('tokens')).filter(({ method }) => method === 'DELETE').length, 1);
        await deals.signIn(card);
        await deals.called(READ);
        assert.equal((await deals.sent()).length, 2);
      });
    }

    it('without a second factor it is asked for again, and each sign-in is one try', async () => {
      const card = await waiting();
      for (const tries of [1, 2]) {
        await deals.press(card, 'Sign in');
        await deals.press(card, 'Sign in', { state: await deals.code('rita', { mfa: false }) });
        await deals.called(/partner GET .* 401/, tries);
        await deals.called(/tokens DELETE/, tries, 'tokens');
        assert.equal((await deals.sent()).length, tries);
      }
      await deals.signIn(card);
      await deals.called(READ);
    });

    it('after a token is over, the next command asks', async () => {
      await deals.access('rita', 'signIn');
      await deals.tells('referrals', /1–4 of 4\./);
      await deals.access('rita', 'expire');
      await waiting();
    });

    it('a refused token that is handed out again and again is given up after one try', async () => {
      await deals.access('rita', 'signIn');
      await deals.access('rita', 'refuse');
      await deals.town.fault({ remote: 'tokens', kind: 'status', status: 500, method: 'DELETE' });
      const card = await deals.tells('referrals', ASKS_AGAIN);
      assert.equal((await deals.sent()).length, 1);
      await deals.town.heal();
      // The service has the bad token still: the next try meets it, forgets it, and asks.
      await deals.press(card, 'Sign in');
      await deals.called(/partner GET .* 401/, 2);
      await deals.shows(card, ASKS_AGAIN);
      await deals.signIn(card);
      await deals.called(READ);
    });
  });

  describe('by command', () => {
    it('“sign in” offers the button, and says so when it is done already', async () => {
      for (const text of ['sign in', 'Login', 'please log in']) {
        const card = await deals.say(text);
        assert.deepEqual(titlesOf(card), ['Sign in']);
        assertForPeople(card);
      }
      const card = await deals.say('sign in');
      const signed = await deals.signIn(card);
      assert.match(signed.text, /You are signed in\. What waited for it goes on now\./);
      assert.match(textOf(cardOf(await deals.say('sign in'))), /You are signed in to Partner Center\./);
    });

    it('“sign in” lets go on what waited elsewhere', async () => {
      await waiting();
      await deals.signIn(await deals.say('sign in'));
      await deals.called(READ);
    });

    it('“sign out” forgets the person there, and what is asked next waits', async () => {
      await deals.access('rita', 'signIn');
      assert.match(textOf(cardOf(await deals.say('sign out'))), /You are signed out of Partner Center\./);
      assert.equal(deals.town.sandbox.world.tokens.given.length, 0);
      await waiting();
      assert.match(textOf(cardOf(await deals.say('logout'))), /You are signed out/);
    });

    it('“sign out” of one person leaves the others signed in', async () => {
      await deals.allIn();
      await deals.say('sign out', { conversation: 'group' });
      await deals.tells('referrals', /1–4 of 4\./, { user: 'axel', conversation: 'personal:axel' });
      await waiting();
    });

    it('guests and people of other tenants may not', async () => {
      const refused = await deals.say('sign in', { user: 'gus', conversation: 'personal:gus' });
      assert.match(textOf(cardOf(refused)), /Guests cannot give me commands/);
      assert.equal((await deals.town.calls('tokens')).length, 0);
      const { statuses } = await deals.town.say('sign in', { user: 'tess', conversation: 'group' });
      assert.deepEqual(statuses, [403]);
    });
  });

  describe('while the token service is unwell', () => {
    for (const fault of [
      { kind: 'status', status: 503 },
      { kind: 'status', status: 500 },
      { kind: 'throttle', retryAfter: null },
      { kind: 'dropBefore' },
      { kind: 'dropAfter' },
      { kind: 'html' },
      { kind: 'truncated' },
    ]) {
      it(`a request goes on when it is well again (${fault.kind} ${fault.status ?? ''})`, async () => {
        await deals.access('rita', 'signIn');
        await deals.town.fault({ remote: 'tokens', ...fault });
        const card = await deals.say('referrals');
        await deals.called(READ);
        assertForPeople(await deals.latest(card));
        assert.equal((await deals.sent()).length, 1);
      });
    }

    for (const fault of [
      { kind: 'status', status: 503 },
      { kind: 'throttle', retryAfter: 30 },
      { kind: 'dropBefore' },
    ]) {
      it(`a press is answered with a sentence, and works afterwards (${fault.kind})`, async () => {
        const card = await waiting();
        await deals.town.fault({ remote: 'tokens', ...fault, times: -1 });
        const said = await deals.press(card, 'Sign in');
        assert.equal(said.statusCode, 200);
        assert.match(said.text, /Microsoft (?:could not be reached|is asking me to slow down)/);
        for (const text of ['sign in', 'sign out'])
          assert.match(textOf(cardOf(await deals.say(text))), /Microsoft (?:could not be reached|is asking)/);
        await deals.town.heal();
        await deals.signIn(card);
        await deals.called(READ);
      });
    }

    it('when it asks for patience, others of Microsoft are not kept waiting', async () => {
      await deals.access('rita', 'signIn');
      await deals.town.fault({ remote: 'tokens', kind: 'throttle', retryAfter: 60, times: -1 });
      await deals.tells('referrals', /asked me to slow down/);
      await deals.town.say('invite ana@partner.example');
      await deals.lane.shows('ana@partner.example', /is invited/);
    });

    it('a slow answer is waited for', async () => {
      await deals.access('rita', 'signIn');
      await deals.town.fault({ remote: 'tokens', kind: 'slow', ms: 700 });
      await deals.tells('referrals', /1–4 of 4\./);
    });
  });

  describe('in the end', () => {
    it('leaves no token, no code and no ticket in the log, on a card or in any table', async () => {
      const card = await waiting();
      await deals.press(card, 'Sign in');
      const code = await deals.code();
      await deals.press(card, 'Sign in', { state: code });
      await deals.shows(card, /1–4 of 4\./);
      for (const { token } of deals.town.sandbox.world.tokens.given) secrets.add(token);
      const rows = await Promise.all(TABLES.map((table) => deals.lane.database.run(`select * from ${table}`)));
      const kept = [...rows.map((row) => JSON.stringify(row)), ...deals.lane.log.lines].join('\n');
      assert.ok(secrets.size > 20);
      for (const secret of secrets) assert.ok(!kept.includes(secret), 'a secret was kept');
      // Six digits may be part of a time: a code is looked for as a word of its own.
      assert.doesNotMatch(kept, new RegExp(`(?<![\\d.])${code}(?!\\d)`));
      for (const message of await deals.town.cards())
        for (const secret of secrets) assert.ok(!everShown(message).includes(secret));
    });

    it('names every table that there is', async () => {
      const tables = await deals.lane.database.run(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite%'",
      );
      assert.deepEqual(
        tables.map(({ name }) => String(name)).filter((name) => !(TABLES as readonly string[]).includes(name)),
        [],
      );
    });
  });
});

describe('without an OAuth connection', function () {
  this.timeout(30_000);
  let deals: DealLane;
  before(async () => {
    deals = await openDeals(await sqlite(), {}, { oauthConnection: null });
  });
  after(() => deals.close());

  it('deals say what the admin has to do, and nothing is asked of anybody', async () => {
    const off = /Deals are not set up here: your admin has to name the OAuth connection/;
    const card = await deals.tells('referrals', off);
    assertForPeople(card);
    await deals.tells(`referral ${DEALS.tailspin}`, off);
    for (const text of ['sign in', 'sign out']) assert.match(textOf(cardOf(await deals.say(text))), off);
    assert.equal((await deals.town.calls('tokens')).length + (await deals.sent()).length, 0);
  });
});
