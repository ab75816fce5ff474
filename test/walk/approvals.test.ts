/**
 * Approvals, end to end: who is asked sees the facts and decides on their own card; the requester sees where it is;
 * nobody approves themselves, and who comes second is told who was first.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, type Lane, openLane, textOf } from '../support/walk.ts';

const POLICY = withPolicy({
  approvals: [
    {
      name: 'Guests of partners',
      domains: ['partner.example'],
      approvers: [PEOPLE.axel, PEOPLE.rita],
      deputies: [PEOPLE.ada],
    },
  ],
});

const dataOf = (message: Message, verb: string) => {
  const found = cardOf(message).actions?.find((one) => one.verb === verb);
  assert.ok(found, `no button ${verb} on ${textOf(cardOf(message))}`);
  return found.data ?? {};
};

for (const engine of await engines()) {
  describe(`an approval on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;

    beforeEach(async () => {
      lane = await openLane(engine, POLICY);
    });
    afterEach(async () => {
      await assertNothingLeaked(lane);
      await lane.close();
    });

    const press = (message: Message, verb: string, inputs: object, user: string) =>
      lane.town.press(message.activityId, verb, dataOf(message, verb), inputs, {
        conversation: `personal:${user}`,
        user,
      });

    it('is asked of whoever approves, in their own chat, and nothing is sent before', async () => {
      await lane.town.say('invite nova@partner.example because joint PoC');
      const asked = await lane.shows('nova@partner.example', /Please decide/, 'personal:axel');
      const text = textOf(cardOf(asked));
      for (const told of [
        /Rita Requester asks/,
        /joint PoC/,
        /guests? from partner\.example|Nobody from/,
        /Guests of partners/,
      ])
        assert.match(text, told);
      const mine = await lane.shows('nova@partner.example', /Waiting for Axel Approver/);
      assert.match(textOf(cardOf(mine)), /Ada Admin may as well/);
      assert.deepEqual(await lane.town.invitations(), []);
      assertForPeople(asked);

      const { body } = await press(asked, 'request.shorten', { until: '2026-12-24' }, 'axel');
      assert.equal(body.type, 'application/vnd.microsoft.card.adaptive');
      const done = await lane.shows('nova@partner.example', /is invited/);
      assert.match(textOf(cardOf(done)), /Approved by Axel Approver, until Dec 24, 2026/);
      assert.equal((await lane.town.invitations()).length, 1);
      const theirs = await lane.shows('nova@partner.example', /Approved by Axel Approver.*is invited/, 'personal:axel');
      assert.deepEqual(cardOf(theirs).actions ?? [], []);
      assert.deepEqual(await lane.town.cards('personal:ada'), [], 'the deputy is not asked any more');
    });
  });
}
