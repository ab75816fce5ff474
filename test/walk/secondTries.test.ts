/**
 * Trying a second time, in each way a person can: send again what nobody heard of, say that it arrived, press the same button
 * after a refusal, send the corrected form, sign in by command. One deal in the end, and a card that says how it is.
 */
import assert from 'node:assert/strict';
import { type DealLane, openDeals, titlesOf } from '../support/deals.ts';
import { sqlite } from '../support/walk.ts';

const PRIVATE = 'deal new Contoso 50k USD closing 2031-03-15 in Portugal contact Sue Smith <sue@contoso.example>';
const GROUP = { conversation: 'group' };
const DAYS_MS = 2 * 24 * 3600_000;

describe('a second try', function () {
  this.timeout(60_000);
  let deals: DealLane;
  const roles = (user: string, ...names: string[]) => deals.town.control('roles', { user, roles: names });

  before(async () => {
    deals = await openDeals(await sqlite(), { RETRY_ATTEMPTS: '4' });
  });
  beforeEach(async () => {
    await deals.begin();
    await deals.allIn();
  });
  after(() => deals.close());

  async function send(): Promise<Awaited<ReturnType<DealLane['say']>>> {
    const form = await deals.say(PRIVATE);
    await deals.press(form, 'Send', { inputs: { how: 'private' } });
    return form;
  }

  it('of what was lost after a remote had asked for patience finds the deal, and makes no second one', async () => {
    await deals.town.fault({ remote: 'partner', kind: 'throttle', retryAfter: null, times: 3, method: 'POST' });
    await deals.town.fault({ remote: 'partner', kind: 'dropAfter', times: 1, method: 'POST' });
    await deals.shows(await send(), /its answer was lost, but I looked and found it/);
    assert.equal((await deals.dealsWith('Contoso')).length, 1);
  });

  it('of what nobody heard of to the end looks before it sends again', async () => {
    await deals.town.fault({ remote: 'partner', kind: 'dropAfter', times: 1, method: 'POST' });
    await deals.town.fault({ remote: 'partner', kind: 'dropBefore', times: 12, method: 'GET', path: '/referrals$' });
    const form = await send();
    const unsure = await deals.shows(form, /Unsure/);
    await deals.town.heal();
    await deals.press(unsure, 'Send it again');
    await deals.shows(form, /its answer was lost, but I looked and found it/);
    assert.equal((await deals.dealsWith('Contoso')).length, 1);
  });

  it('of a half that is said to have arrived, and has not, says so and sends nothing by itself', async () => {
    await deals.town.fault({ remote: 'partner', kind: 'slow', ms: 0, times: 1, method: 'POST' });
    await deals.town.fault({ remote: 'partner', kind: 'dropBefore', times: 12, method: 'POST' });
    const form = await deals.share('Adatum');
    const unsure = await deals.shows(form, /Unsure/);
    await deals.town.heal();
    const before = (await deals.sent('POST')).length;
    await deals.press(unsure, 'It arrived');
    await deals.shows(form, /it is not there/);
    assert.equal((await deals.sent('POST')).length, before);
  });

  it('by the corrected form takes the place of the first: there is nothing to try again beside it', async () => {
    await roles('rita');
    const form = await send();
    const failed = await deals.shows(form, /Not done/);
    await roles('rita', 'Referrals Admin');
    const anew = await deals.opens(failed, 'Change and send again');
    await deals.press(anew, 'Send');
    await deals.shows(anew, /The deal is in Partner Center/);
    const replaced = await deals.shows(form, /Another request took its place/);
    assert.deepEqual(titlesOf(replaced), []);
    assert.equal((await deals.dealsWith('Contoso')).length, 1);
  });

  it('by the same button is another try once the first came to nothing', async () => {
    const card = await deals.tells('referral Woodgrove', /It waits/, GROUP);
    await roles('axel');
    await deals.press(card, 'Accept', { ...GROUP, user: 'axel' });
    await deals.town.until(/you need the role/, 'group');
    await roles('axel', 'Referrals Admin');
    await deals.press(card, 'Accept', { ...GROUP, user: 'axel' });
    await deals.shows(card, /Axel Approver accepted the deal/, 'group');
  });

  it('by a typed sign in lets go on what did not notice that its asker is signed in', async () => {
    await deals.access('rita', 'revoke');
    const list = await deals.tells('referrals', /sign in/);
    await deals.access('rita', 'signIn');
    await deals.tells('sign in', /You are signed in/);
    await deals.shows(list, /of/);
  });

  it('of something old is not given up for one moment of patience', async () => {
    await deals.access('rita', 'revoke');
    const form = await send();
    const waiting = await deals.shows(form, /sign in/);
    await deals.lane.database.run(`update requests set created_at = created_at - ${DAYS_MS} where state = 'waiting'`);
    await deals.town.fault({ remote: 'partner', kind: 'throttle', retryAfter: 1, times: 1, method: 'POST' });
    await deals.signIn(waiting);
    await deals.shows(form, /The deal is in Partner Center/);
  });
});
