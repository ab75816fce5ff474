/**
 * What Partner Center refuses, and who is asked for patience: each refusal ends where a person can read what is to be done,
 * with what was typed kept, and holds back nobody else's remote.
 */
import assert from 'node:assert/strict';
import { boxesOf, DEALS, type DealLane, openDeals, titlesOf } from '../support/deals.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, everShown, sqlite, textOf } from '../support/walk.ts';

const read = (message: Message): string => textOf(cardOf(message));
const ids = Object.values(DEALS);
const MADE = /The deal is in Partner Center/;

describe('a refusal of Partner Center', function () {
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

  const refuse = (method: string, status: number, more: object = {}): Promise<unknown> =>
    deals.town.fault({
      remote: 'partner',
      kind: 'status',
      method,
      status,
      code: 'invalidRequest',
      message: 'The request is malformed or incorrect. RequestId d3b07384-d113-4ec6-a7d6-1f0c3b1d2e4f',
      ...more,
    });

  for (const [status, code, says] of [
    [400, 'invalidRequest', /Partner Center does not accept this\. Please look at what you entered/],
    [422, 'unprocessable', /Partner Center does not accept this\. Please look at what you entered/],
    [403, 'AccessDenied', /you need the role Referrals admin or Referrals user there/],
    [403, 'ACCESSDENIED', /you need the role Referrals admin or Referrals user there/],
    [404, 'itemNotFound', /Partner Center does not have this deal \(any more\), or you may not see it/],
    [404, 'ItemNotFound', /Partner Center does not have this deal/],
    [409, 'invalidRequest', /Partner Center says that this clashes with what is there/],
    [423, 'locked', /Partner Center says that this clashes with what is there/],
    [418, 'teapot', /Partner Center does not accept this/],
  ] as const) {
    it(`of a change with ${status} ${code} is told in our words, once`, async () => {
      await refuse('PATCH', status, { code, times: -1 });
      const card = await deals.tells('referral accept Woodgrove', /Not done/);
      assert.match(read(card), says);
      assertForPeople(card, ids);
      assert.doesNotMatch(everShown(card), /malformed|RequestId|teapot/);
      assert.equal((await deals.sent('PATCH')).length, 1, 'a refusal is not asked for twice');
      assert.equal((await deals.deal(DEALS.woodgrove)).status, 'New');
    });

    it(`of a read with ${status} ${code} is told in our words`, async () => {
      await refuse('GET', status, { code, times: -1 });
      const card = await deals.tells(`referral ${DEALS.tailspin}`, /Not done/);
      assert.match(read(card), says);
      assertForPeople(card, ids);
      await deals.town.heal();
      await deals.press(card, 'Try again');
      await deals.called(/partner GET .* 200/);
    });

    if (![400, 403, 409, 423].includes(status) || code === 'ACCESSDENIED') continue;
    it(`of our half of a deal with ${status} ${code} leaves nothing behind, and the form comes back filled in`, async () => {
      await refuse('POST', status, { code, times: -1 });
      const card = await deals.shows(await deals.share('Adatum'), /Not done/);
      assertForPeople(card);
      assert.equal((await deals.sent('POST')).length, 1);
      const form = await deals.opens(card, 'Change and send again');
      const boxes = boxesOf(form);
      assert.deepEqual(
        [boxes['customer'], boxes['value'], boxes['close'], boxes['how'], boxes['consentShare'], boxes['solutionId']],
        ['Adatum', '120000 USD', '2031-05-31', 'coSell', 'true', 'SOL-15974-MQF'],
      );
      await deals.town.heal();
      await deals.press(form, 'Send');
      await deals.called(/partner POST .* 200/, 2);
      assert.equal((await deals.dealsWith('Adatum')).length, 2);
    });
  }

  it('of Microsoft’s half keeps ours, says so, and Try again makes the other only', async () => {
    await deals.town.fault({ remote: 'partner', kind: 'slow', ms: 0, method: 'POST' });
    await refuse('POST', 422);
    const card = await deals.shows(await deals.share('Adatum'), /Not done/);
    assertForPeople(
      card,
      (await deals.dealsWith('Adatum')).map(({ id }) => id),
    );
    assert.equal((await deals.dealsWith('Adatum')).length, 1);
    await deals.press(card, 'Try again');
    await deals.shows(card, /The deal is in Partner Center, and Microsoft is invited\./);
    assert.equal((await deals.dealsWith('Adatum')).length, 2);
    assert.equal((await deals.sent('POST')).length, 3);
  });

  it('of Microsoft’s half, mended in the form, makes the other half only', async () => {
    await deals.town.fault({ remote: 'partner', kind: 'slow', ms: 0, method: 'POST' });
    await refuse('POST', 403, { code: 'accessDenied' });
    const card = await deals.shows(await deals.share('Adatum'), /Not done/);
    const form = await deals.opens(card, 'Change and send again');
    const checked = await deals.press(form, 'Check');
    assert.match(checked.text, /Your own half is there already, so only Microsoft's is sent/);
    await deals.press(await deals.latest(form), 'Send');
    await deals.shows(form, MADE);
    const made = await deals.dealsWith('Adatum');
    assert.equal(made.length, 2);
    assert.equal(new Set(made.map(({ engagementId }) => engagementId)).size, 1);
  });

  for (const [target, field, typed] of [
    ['details.dealValue', 'value', '130k USD'],
    ['customerProfile.address.country', 'country', 'Portugal'],
    ['CustomerProfile.Team[0].PhoneNumber', 'contacts', 'Max Muster <max@adatum.example>'],
    ['details.closingDateTime', 'close', '2031-06-30'],
    ['target', 'solutionId', 'SOL-15974-MQG'],
  ] as const) {
    it(`that names ${target} is shown beside its field, in the form as it was`, async () => {
      await refuse('POST', 400, { target });
      const card = await deals.shows(await deals.share('Adatum'), /Not done/);
      assert.match(read(card), /Partner Center does not accept this field\. Please correct it\./);
      assert.deepEqual(titlesOf(card), ['Change and send again']);
      const form = await deals.opens(card, 'Change and send again');
      const shown = JSON.stringify(cardOf(form));
      const at = shown.indexOf('Partner Center does not accept this field', shown.indexOf(`"id":"${field}"`));
      const between = shown.slice(shown.indexOf(`"id":"${field}"`) + 5, at);
      assert.ok(at > 0 && !between.includes('"type":"Input.'), `the fault is not beside ${field}`);
      assert.equal(boxesOf(form)['customer'], 'Adatum');
      assertForPeople(form);
      await deals.press(form, 'Send', { inputs: { [field]: typed } });
      await deals.called(/partner POST .* 200/, 2);
      assert.equal((await deals.dealsWith('Adatum')).length, 2);
    });
  }

  it('of a change that names a place is shown beside its field, and what was typed is kept', async () => {
    await refuse('PATCH', 400, { target: '/details/dealValue' });
    const card = await deals.tells('referral edit Tailspin value 60k GBP notes Ask Bo', /does not accept this field/);
    const form = await deals.opens(card, 'Change and send again');
    assert.deepEqual([boxesOf(form)['value'], boxesOf(form)['notes']], ['60000 GBP', 'Ask Bo']);
    await deals.press(form, 'Change', { inputs: { value: '61k GBP' } });
    await deals.shows(form, /is changed\. Value 61,000 GBP/);
    assert.equal((await deals.deal(DEALS.tailspin)).details.notes, 'Ask Bo');
  });

  it('that names a place no form has is told in general', async () => {
    await refuse('POST', 400, { target: 'iot.device[3].$%' });
    const card = await deals.shows(await deals.share('Adatum'), /Not done/);
    assert.match(read(card), /Please look at what you entered and try again/);
    assertForPeople(card);
  });

  it('with a role given afterwards is mended by Try again', async () => {
    await deals.town.control('roles', { user: 'rita', roles: [] });
    const card = await deals.tells('referral accept Woodgrove', /you need the role Referrals admin/);
    await deals.town.control('roles', { user: 'rita', roles: ['Referrals User'] });
    await deals.press(card, 'Try again');
    await deals.shows(card, /is accepted\./);
  });

  for (const [status, code] of [
    [412, 'preconditionFailed'],
    [412, 'PreconditionFailed'],
    [409, 'resourceModified'],
  ] as const) {
    it(`with ${status} ${code} is a conflict, and Keep mine sends it`, async () => {
      await refuse('PATCH', status, { code });
      const asked = await deals.tells('referral edit Tailspin value 60k GBP', /Somebody changed the deal while you/);
      assertForPeople(asked, ids);
      await deals.choose(asked, 'Keep mine');
      await deals.shows(asked, /is changed\. Value 60,000 GBP/);
      assert.equal((await deals.sent('PATCH')).length, 2);
    });
  }

  it('by its own If-Match is met when the deal changed a moment before', async () => {
    await deals.town.fault({ remote: 'partner', kind: 'slow', ms: 500, method: 'GET', path: '/referrals/' });
    const card = await deals.say(`referral edit ${DEALS.tailspin} value 60k GBP`);
    await deals.town.control('referral-change', { id: DEALS.tailspin, action: 'change' });
    await deals.shows(card, /is changed\. Value 60,000 GBP|Somebody changed the deal/);
  });

  describe('that asks for patience', () => {
    it('holds back deals and nobody’s invitation', async () => {
      await deals.town.fault({ remote: 'partner', kind: 'throttle', retryAfter: 60 });
      assertForPeople(await deals.tells('referrals', /Microsoft asked me to slow down/));
      await deals.tells('referral Tailspin', /I have your request|slow down/);
      await deals.town.say('invite ana@partner.example');
      await deals.lane.shows('ana@partner.example', /is invited/);
      assert.equal((await deals.sent()).length, 1);
    });

    it('by Graph holds back guests and nobody’s deal', async () => {
      await deals.town.fault({ remote: 'graph', kind: 'throttle', retryAfter: 60 });
      await deals.town.say('invite ben@partner.example');
      await deals.lane.shows('ben@partner.example', /slow down/);
      await deals.tells('referral Tailspin', /The deal is open/);
      assert.equal((await deals.town.calls('graph')).length, 1);
    });

    it('is obeyed to the moment it names', async () => {
      await deals.town.fault({ remote: 'partner', kind: 'throttle', retryAfter: 1, method: 'PATCH' });
      await deals.tells('referral accept Woodgrove', /is accepted\./);
      const [first, second] = await deals.sent('PATCH');
      assert.ok(Date.parse(second?.at ?? '') >= Date.parse(first?.at ?? '') + 1000);
    });
  });

  describe('that does not end', () => {
    for (const [method, typed, ends] of [
      ['GET', `referral ${DEALS.tailspin}`, /Not done/],
      ['PATCH', 'referral accept Woodgrove', /Unsure|Not done/],
      ['POST', 'referral invite Microsoft to Litware Insurance', /Unsure|Not done/],
    ] as const) {
      it(`at ${method} ends where a person decides`, async () => {
        await deals.town.fault({ remote: 'partner', kind: 'status', status: 500, method, times: -1 });
        const card = await deals.tells(typed, ends);
        assertForPeople(card, ids);
        assert.ok(titlesOf(card).length >= 2);
        await deals.town.heal();
        await deals.press(card, /Unsure/.test(read(card)) ? 'Send it again' : 'Try again');
        await deals.called(new RegExp(`partner ${method} .* 20`));
      });
    }

    it('after our half of a deal: It arrived finds nothing and says so, Try again makes it once', async () => {
      await deals.town.fault({ remote: 'partner', kind: 'status', status: 500, method: 'POST', times: -1 });
      const card = await deals.shows(await deals.share('Adatum'), /Unsure/);
      await deals.town.heal();
      await deals.press(card, 'It arrived');
      const gone = await deals.shows(card, /I looked for it in Partner Center and it is not there/);
      await deals.press(gone, 'Try again');
      await deals.shows(card, MADE);
      assert.equal((await deals.dealsWith('Adatum')).length, 2);
    });

    it('after our half of a deal that did arrive: It arrived finds it, and Microsoft is invited', async () => {
      await deals.town.fault({ remote: 'partner', kind: 'dropAfter', method: 'POST' });
      await deals.town.fault({ remote: 'partner', kind: 'status', status: 500, method: 'GET', times: 12 });
      const card = await deals.shows(await deals.share('Adatum'), /Unsure|Not done/);
      await deals.town.heal();
      await deals.press(card, /Unsure/.test(read(card)) ? 'It arrived' : 'Try again');
      await deals.shows(card, MADE);
      assert.equal((await deals.dealsWith('Adatum')).length, 2);
    });
  });
});
