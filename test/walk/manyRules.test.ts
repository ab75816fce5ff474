/**
 * Lists and who may ask for guests, through the real HTTP edge on both engines: owners of a team that a list names only by
 * its name, several teams in one list, and what the rules say of it beforehand.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { withPolicy } from '../support/policy.ts';
import { skip } from '../support/skip.ts';
import { assertNothingLeaked, cardOf, type Lane, openLane, textOf } from '../support/walk.ts';

/** Rita owns Apollo and one Zenith, Axel owns Borealis and the other Zenith. */
const POLICY = withPolicy({ askers: { everyone: false, teamOwners: true } });

for (const engine of await engines()) {
  describe(`lists of those who own a team on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;
    beforeEach(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine, POLICY);
    });
    afterEach(async () => {
      if (!lane) return;
      await assertNothingLeaked(lane);
      await lane.close();
    });

    const people = (count: number, domain = 'partner.example'): string[] =>
      Array.from({ length: count }, (_, n) => `guest${n}@${domain}`);
    const attach = (lines: readonly string[], said = '') =>
      lane.town.say(said, {
        attachments: [{ name: 'guests.csv', base64: Buffer.from(lines.join('\n')).toString('base64') }],
      });
    const send = async (what: RegExp): Promise<void> => {
      const card = await lane.shows('guests.csv', what);
      const action = cardOf(card).actions?.find(({ verb }) => verb === 'batch.send');
      assert.ok(action, textOf(cardOf(card)));
      await lane.town.press(card.activityId, 'batch.send', action.data ?? {});
    };
    const invited = async (): Promise<string[]> =>
      (await lane.town.invitations()).map(({ body }) => String(body?.['invitedUserEmailAddress'])).sort();

    it('are sent when the team is only named, and each guest joins it', async () => {
      await attach(people(7), 'invite to team apollo');
      await send(/7 invitations can be sent/);
      await lane.shows('guests.csv', /7 guests are invited/);
      assert.deepEqual(await invited(), people(7));
      const joined = (await lane.town.calls()).filter(({ path, status }) => /\/members$/.test(path) && status === 201);
      assert.equal(joined.length, 7);
    });

    it('are refused for the team of somebody else, and nothing is sent', async () => {
      await attach(people(7), 'invite to team Borealis');
      await send(/7 invitations can be sent/);
      await lane.shows('guests.csv', /You may not ask for guests here/);
      assert.deepEqual(await invited(), []);
    });

    it('with several teams are sent for their own alone, each row by its own team', async () => {
      const [mine, theirs] = [people(3), people(3, 'other.example')];
      const lines = [...theirs.map((one) => `${one},Borealis`), ...mine.map((one) => `${one},Apollo`)];
      await attach(['email,team', ...lines]);
      await send(/6 invitations can be sent/);
      const done = await lane.shows('guests.csv', /3 guests are invited.*3 were refused/);
      assert.match(textOf(cardOf(done)), /You may not ask for guests here/);
      assert.deepEqual(await invited(), mine);
    });

    it('are not sent when the directory would not say who owns it', async () => {
      await lane.town.fault({ kind: 'status', status: 403, path: '/owners', times: 20 });
      await attach(people(7), 'invite to team Apollo');
      await send(/7 invitations can be sent/);
      await lane.shows('guests.csv', /the directory would not tell me/);
      assert.deepEqual(await invited(), []);
    });

    it('know beforehand what it depends on', async () => {
      await lane.town.say('check invite nova@partner.example to team Apollo');
      await lane.shows('nova@partner.example', /This may be done as it is/);
      await lane.town.say('check invite vega@partner.example to team Borealis');
      await lane.shows('vega@partner.example', /This would be refused/);
      await lane.town.say('policy try nova@partner.example to team Apollo');
      await lane.town.until(/depends on whether you own the team/);
      await lane.town.say('why not nova@partner.example');
      await lane.town.until(/may ask for guests of a team that you own/);
      assert.deepEqual(await invited(), []);
    });
  });
}
