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

    it('is not given by whoever asked, by a stranger, or with a card of another asking', async () => {
      await lane.town.say('invite nova@partner.example');
      const asked = await lane.shows('nova@partner.example', /Please decide/, 'personal:axel');
      const data = dataOf(asked, 'request.approve');
      const mine = await lane.shows('nova@partner.example', /Waiting for Axel/);
      const forged = async (user: string, more: object = {}) => {
        const { body } = await lane.town.press(
          mine.activityId,
          'request.approve',
          { ...data, ...more },
          {},
          {
            conversation: `personal:${user}`,
            user,
          },
        );
        return JSON.stringify(body.value);
      };
      assert.match(await forged('rita'), /Nobody approves what they asked for themselves/);
      assert.match(await forged('dan'), /not among those who may approve/);
      assert.match(await forged('ada'), /not among those who may approve/, 'a deputy whose hour has not come');
      assert.match(
        await forged('axel', { asking: '0000000000000000' }),
        /Please decide/,
        'their own card, as it is now',
      );
      assert.deepEqual(await lane.town.invitations(), []);
      await lane.shows('nova@partner.example', /Waiting for Axel/);
    });

    it('is the first decision; who comes second is told who was first', async () => {
      const both = withPolicy({ approvals: [{ name: 'Every guest', approvers: [PEOPLE.axel, PEOPLE.ada] }] });
      const other = await openLane(engine, both);
      try {
        await other.town.say('invite nova@partner.example');
        const first = await other.shows('nova@partner.example', /Please decide/, 'personal:axel');
        const second = await other.shows('nova@partner.example', /Please decide/, 'personal:ada');
        const by = (user: string) => ({ conversation: `personal:${user}`, user });
        const [one, two] = await Promise.all([
          other.town.press(first.activityId, 'request.approve', dataOf(first, 'request.approve'), {}, by('axel')),
          other.town.press(
            second.activityId,
            'request.refuse',
            dataOf(second, 'request.refuse'),
            { words: 'no' },
            by('ada'),
          ),
        ]);
        assert.equal(one.status + two.status, 400);
        await other.town.until(/is invited|refused: no/);
        const wasApproved = (await other.town.invitations()).length === 1;
        const said = new RegExp(wasApproved ? 'Approved by Axel Approver' : 'Ada Admin refused: no');
        for (const user of ['axel', 'ada']) {
          const card = await other.shows('nova@partner.example', said, `personal:${user}`);
          assert.deepEqual(cardOf(card).actions ?? [], []);
        }
      } finally {
        await other.close();
      }
    });

    it('can be refused, with a reason that the requester reads', async () => {
      await lane.town.say('invite nova@partner.example');
      const asked = await lane.shows('nova@partner.example', /Please decide/, 'personal:axel');
      const without = await press(asked, 'request.refuse', { words: '  ' }, 'axel');
      assert.match(JSON.stringify(without.body.value), /Say why/);
      await press(asked, 'request.refuse', { words: 'They are a *competitor*' }, 'axel');
      const mine = await lane.shows('nova@partner.example', /Axel Approver refused: They are a \*competitor\*/);
      assert.deepEqual(cardOf(mine).actions ?? [], []);
      assert.deepEqual(await lane.town.invitations(), []);
      await lane.town.say('why nova@partner.example');
      await lane.town.until(/Why nova@partner\.example is here/);
    });

    it('can be asked back about, and the answer is read before deciding', async () => {
      await lane.town.say('invite nova@partner.example');
      const asked = await lane.shows('nova@partner.example', /Please decide/, 'personal:axel');
      await press(asked, 'request.ask', { words: 'Which project?' }, 'axel');
      const mine = await lane.shows('nova@partner.example', /Axel Approver has a question/);
      assert.match(textOf(cardOf(mine)), /Which project\?/);
      await lane.town.press(mine.activityId, 'request.reply', dataOf(mine, 'request.reply'), { words: 'Apollo' });
      const answered = await lane.shows('nova@partner.example', /Rita Requester says/, 'personal:axel');
      assert.match(textOf(cardOf(answered)), /Which project\?[\s\S]*Apollo/);
      await press(answered, 'request.approve', {}, 'axel');
      await lane.shows('nova@partner.example', /is invited/);
    });

    it('is no longer wanted once whoever asked has cancelled', async () => {
      await lane.town.say('invite nova@partner.example');
      const asked = await lane.shows('nova@partner.example', /Please decide/, 'personal:axel');
      const mine = await lane.shows('nova@partner.example', /Waiting for Axel/);
      await lane.town.press(mine.activityId, 'request.cancel', dataOf(mine, 'request.cancel'));
      const theirs = await lane.shows('nova@partner.example', /Cancelled/, 'personal:axel');
      assert.deepEqual(cardOf(theirs).actions ?? [], []);
      const late = await lane.town.press(
        asked.activityId,
        'request.approve',
        dataOf(asked, 'request.approve'),
        {},
        {
          conversation: 'personal:axel',
          user: 'axel',
        },
      );
      assert.doesNotMatch(JSON.stringify(late.body.value), /is invited/);
      assert.deepEqual(await lane.town.invitations(), []);
    });

    it('shows each in a group what is theirs: cancel, approve, or nothing', async () => {
      await lane.town.say('invite nova@partner.example', { conversation: 'group', mention: true });
      const card = await lane.shows('nova@partner.example', /Waiting for Axel/, 'group');
      assert.deepEqual(
        (cardOf(card).actions ?? []).map(({ verb }) => verb),
        ['request.look'],
      );
      const own = async (user: string) => {
        const { body } = await lane.town.press(
          card.activityId,
          'request.look',
          dataOf(card, 'request.look'),
          {},
          {
            conversation: 'group',
            user,
          },
        );
        const shown = body.value as { actions?: { verb: string }[] };
        return (shown.actions ?? []).map(({ verb }) => verb);
      };
      assert.deepEqual(await own('rita'), ['request.cancel']);
      assert.deepEqual(await own('axel'), ['request.approve', 'request.shorten', 'request.refuse', 'request.ask']);
    });

    it('waits in a list of whoever is to give it', async () => {
      await lane.town.say('invite nova@partner.example');
      await lane.shows('nova@partner.example', /Please decide/, 'personal:axel');
      await lane.town.say('approvals', { conversation: 'personal:axel', user: 'axel' });
      await lane.town.until(/Waiting for your approval/, 'personal:axel');
      await lane.town.say('approvals');
      await lane.town.until(/Nothing waits for your approval/);
    });

    it('for a shorter stay is not undone by whoever asked alone, and another address is approved anew', async () => {
      await lane.town.say('invite nova@partner.example until 2027-03-01');
      const asked = await lane.shows('nova@partner.example', /Please decide/, 'personal:axel');
      await press(asked, 'request.shorten', { until: '2026-12-24' }, 'axel');
      await lane.shows('nova@partner.example', /is invited/);
      await lane.town.say('extend nova@partner.example until 2036-10-01');
      await lane.shows('2036', /Waiting for Axel Approver/);
      const [extends_] = await lane.database.run("select state from requests where capability = 'guestExtend'");
      assert.equal(extends_?.['state'], 'awaiting approval');
      await lane.town.say('reset nova@partner.example to nova.lindt@partner.example');
      await lane.shows('nova.lindt@partner.example', /Waiting for Axel Approver/);
      assert.equal((await lane.town.invitations()).length, 1);
    });

    it('goes to the deputies at once when those who approve cannot be told, and whoever asked sees it', async () => {
      const gone = { id: '5a4db0c5-0000-4000-8000-00000000dead', name: 'Long Gone' };
      const other = await openLane(
        engine,
        withPolicy({ approvals: [{ name: 'Every guest', approvers: [gone], deputies: [PEOPLE.ada] }] }),
      );
      try {
        await other.town.say('invite nova@partner.example');
        const asked = await other.shows('nova@partner.example', /Please decide/, 'personal:ada');
        const mine = await other.shows('nova@partner.example', /Could not be told/);
        assert.match(textOf(cardOf(mine)), /Long Gone/);
        const by = { conversation: 'personal:ada', user: 'ada' };
        await other.town.press(asked.activityId, 'request.approve', dataOf(asked, 'request.approve'), {}, by);
        await other.shows('nova@partner.example', /is invited/);
      } finally {
        await other.close();
      }
    });

    it('is told of by check, with the rule and every call, and nothing is sent', async () => {
      await lane.town.say('check invite nova@partner.example to team Apollo');
      const checked = await lane.shows('nova@partner.example', /would have to be approved by Axel Approver/);
      const text = textOf(cardOf(checked));
      for (const told of [
        /Guests of partners has to be approved/,
        /POST \/invitations/,
        /POST \/teams\/[^/]+\/members/,
        /Only looked/,
      ])
        assert.match(text, told);
      assert.deepEqual(cardOf(checked).actions ?? [], []);
      await lane.town.say('check invite gus@fabrikam.example');
      await lane.shows('gus@fabrikam.example', /Nothing would be changed/);
      assert.deepEqual(
        (await lane.town.calls()).filter(({ method }) => method !== 'GET'),
        [],
      );
      assert.deepEqual(await lane.town.cards('personal:axel'), []);
    });

    it('is not asked for where the rules do not want it, and refused where they forbid it', async () => {
      await lane.town.say('why not ana@partner.example');
      await lane.town.until(/may be invited when Axel Approver, Rita Requester approves/);
      await lane.town.say('invite nova@other.example');
      await lane.shows('nova@other.example', /is invited/);
    });
  });
}
