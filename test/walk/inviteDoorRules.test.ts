/**
 * Apps that ask for guests whom the policy judges: refused, approved, approved for shorter; and an Usher that is killed while
 * an app waits for it.
 */
import assert from 'node:assert/strict';
import { App, openApp, SAMPLE } from '../support/apps.ts';
import { engines } from '../support/db.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import { skip } from '../support/skip.ts';
import { spawnBot } from '../support/usher.ts';
import { assertNothingLeaked, cardOf, type Lane, openLane, sqlite } from '../support/walk.ts';

const RULES = withPolicy({
  askers: { everyone: false, people: [PEOPLE.rita, PEOPLE.axel] },
  blockedDomains: ['rival.example'],
  longestStayDays: 3600,
  defaultStayDays: 30,
  approvals: [{ name: 'Guests of partners', domains: ['partner.example'], approvers: [PEOPLE.axel] }],
});

for (const engine of await engines()) {
  describe(`an app whose wish the policy judges, on ${engine.name}`, function () {
    this.timeout(30_000);
    let lane: Lane;
    let app: App;
    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine, RULES);
      app = await openApp(lane);
    });
    after(async () => {
      if (!lane) return;
      await assertNothingLeaked(lane);
      await lane.close();
    });

    const asked = (name: string, more: object = {}) => ({
      ...SAMPLE,
      invitedUserEmailAddress: `${name}@partner.example`,
      until: inDays(20),
      ...more,
    });
    /** Axel's card about a guest, and a press of his on it. */
    async function decides(name: string, verb: string, inputs: object = {}): Promise<void> {
      const card = await lane.shows(`${name}@partner.example`, /Please decide/, 'personal:axel');
      const data = cardOf(card).actions?.find((one) => one.verb === verb)?.data ?? {};
      const where = { conversation: 'personal:axel', user: 'axel' };
      assert.equal((await lane.town.press(card.activityId, verb, data, inputs, where)).status, 200);
    }

    it('is refused with the rule’s sentence, for what and for whom it asks', async () => {
      const domain = await app.ask(asked('x', { invitedUserEmailAddress: 'x@sub.rival.example' }));
      assert.equal(domain.status, 403, JSON.stringify(domain.body));
      assert.deepEqual(Object.keys(domain.body), ['message']);
      assert.match(domain.body.message, /rival\.example/);
      const person = await app.ask(asked('x', { requestedBy: 'cleo@contoso.example' }));
      assert.equal(person.status, 403);
      assert.match(person.body.message, /\bmay\b|not among|allowed/i, person.body.message);
      assert.deepEqual(await lane.town.invitations(), []);
    });

    it('hears at once that an approval is waited for, and what came of it', async () => {
      const first = await app.ask(asked('ana'));
      assert.equal(first.status, 202, JSON.stringify(first.body));
      assert.equal(first.body.status, 'AwaitingApproval');
      assert.equal(first.body.inviteRedeemUrl, '');
      assert.equal(first.body.sendInvitationMessage, false);
      assert.match(first.body.message, /Axel Approver/);
      assert.equal(first.headers.get('retry-after'), '60');
      assert.deepEqual(await lane.town.invitations(), []);
      // Whoever it is asked for sees it in their own chat.
      await lane.shows('ana@partner.example', /Waiting for Axel Approver/);
      assert.equal((await app.look(first.body.id)).body.status, 'AwaitingApproval');

      await decides('ana', 'request.shorten', { until: inDays(10) });
      await lane.shows('ana@partner.example', /is invited/);
      const seen = await app.look(first.body.id);
      assert.equal(seen.status, 200, JSON.stringify(seen.body));
      assert.equal(seen.body.status, 'PendingAcceptance');
      assert.match(seen.body.inviteRedeemUrl, /redeem/);
      // The same call again is still the same, though less was approved than asked for.
      const again = await app.ask(asked('ana'));
      assert.equal(again.status, 201);
      assert.deepEqual(again.body, seen.body);
      assert.equal((await lane.town.invitations()).length, 1);
    });

    it('hears that an approver refused', async () => {
      const { body } = await app.ask(asked('bea'));
      await decides('bea', 'request.refuse', { words: 'Not this year' });
      await lane.shows('bea@partner.example', /Not this year/);
      const seen = await app.look(body.id);
      assert.equal(seen.status, 403, JSON.stringify(seen.body));
      assert.match(seen.body.message, /Not this year/);
    });
  });
}

describe('an approval of what Governance Toolkit 365 sends', function () {
  this.timeout(30_000);

  it('is of just what is sent then', async () => {
    const lane = await openLane(await sqlite(), { ...RULES, GUEST_PROVIDER: 'gt365' });
    try {
      await lane.town.say('invite ana@partner.example because joint PoC');
      const card = await lane.shows('ana@partner.example', /Please decide/, 'personal:axel');
      assert.deepEqual(await lane.town.calls('gt365'), []);
      const data = cardOf(card).actions?.find((one) => one.verb === 'request.approve')?.data ?? {};
      const where = { conversation: 'personal:axel', user: 'axel' };
      await lane.town.press(card.activityId, 'request.approve', data, {}, where);
      await lane.shows('ana@partner.example', /is invited/);
      assert.equal((await lane.town.calls('gt365')).length, 1);
    } finally {
      await lane.close();
    }
  });
});

/** A day so many days from today, ISO. */
function inDays(days: number): string {
  return new Date(Date.now() + days * 24 * 3600_000).toISOString().slice(0, 10);
}

describe('an app whose Usher is killed while it waits', function () {
  this.timeout(120_000);

  it('asks again and gets its guest, who is invited once', async () => {
    const lane = await openLane(await sqlite());
    await lane.bot.stop();
    const environment = { GUEST_PROVIDER: 'gt365', CALL_TIMEOUT_MS: '10000' };
    let bot = await spawnBot(lane.town, lane.database.url, environment);
    try {
      const app = await openApp({ ...lane, bot });
      // The work is done, and the answer is on its way for longer than the bot lives.
      await lane.town.fault({ remote: 'gt365', kind: 'slow', ms: 5_000 });
      const asked = assert.rejects(() => app.ask());
      await lane.town.control(`wait?${new URLSearchParams({ mails: 'john.doe@gmail.com', timeoutMs: '15000' })}`);
      await bot.kill();
      await asked;
      bot = await spawnBot(lane.town, lane.database.url, environment);
      const { status, body } = await new App({ ...lane, bot }, app.token).ask();
      assert.equal(status, 201, JSON.stringify(body));
      assert.equal(body.status, 'PendingAcceptance');
      // The link went down with the answer, and that is said.
      assert.equal(body.inviteRedeemUrl, '');
      assert.match(body.message, /answer got lost on the way, but the invitation is there/);
      assert.equal(lane.town.sandbox.world.mails.length, 1);
      assert.equal((await lane.database.run("select id from requests where capability = 'guest'")).length, 1);
    } finally {
      await bot.stop();
      await lane.town.close();
      await lane.database.drop();
    }
  });
});
