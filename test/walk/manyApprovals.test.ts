/**
 * Lists that wait for somebody, through the real HTTP edge on both engines: approved as a whole by each rule's approvers,
 * stopped while they wait, and what becomes of rows when the rules change before Send.
 */
import assert from 'node:assert/strict';
import { Policy } from '../../src/requests/policy/policy.ts';
import { openStore } from '../../src/store/db.ts';
import { engines } from '../support/db.ts';
import { attach, invited, listCard, press } from '../support/lists.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import { buttonsOf, cardOf, everShown, type Lane, openLane, textOf } from '../support/walk.ts';

/** An admin adds a rule while a list waits for Send. */
async function addRule(lane: Lane, rule: object): Promise<void> {
  const store = await openStore(lane.database.url);
  try {
    const [request] = await lane.database.run('select tenant_id from requests limit 1');
    const tenantId = String(request?.['tenant_id']);
    const kept = await store.policy(tenantId);
    const before = kept?.policy ?? Policy.parse(WAITS);
    const after = Policy.parse({ ...before, approvals: [...before.approvals, rule] });
    const line = { at: Date.now(), tenantId, requestId: null, who: 'ada', what: 'policy changed' };
    assert.ok(await store.keepPolicy(tenantId, kept?.version ?? 0, after, 'Ada', line));
  } finally {
    await store.close();
  }
}

/** Whether they may is known only once the directory was asked. */
const WAITS = {
  askers: { everyone: false, groups: [{ id: '5a4db0c5-0000-4000-8000-000000002001', name: 'Apollo' }] },
  approvals: [
    { name: 'Partners', domains: ['partner.example'], approvers: [PEOPLE.axel] },
    { name: 'Rivals', domains: ['rival.example'], approvers: [PEOPLE.ada] },
  ],
};

/** Whom one test invites is known to the next: each has people of its own. */
let tests = 0;
const people = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `guest${n}@p${tests}.partner.example`);

for (const engine of await engines()) {
  describe(`a list that waits for somebody on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;
    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine, { ADMINS: PEOPLE.rita.id, ...withPolicy(WAITS) });
    });
    after(() => lane?.close());
    beforeEach(() => {
      tests += 1;
    });
    afterEach(async () => {
      await lane.town.heal();
      await lane.town.control('reset', {});
    });

    const others = (count: number): string[] =>
      Array.from({ length: count }, (_, n) => `other${n}@o${tests}.other.example`);
    const rivals = (count: number): string[] =>
      Array.from({ length: count }, (_, n) => `rival${n}@r${tests}.rival.example`);
    const decideAs = (user: string, card: Message, verb: string, inputs = {}) => {
      const action = cardOf(card).actions?.find((one) => one.verb === verb);
      assert.ok(action, `no button ${verb} among ${buttonsOf(card)}`);
      return lane.town.press(card.activityId, verb, action.data ?? {}, inputs, {
        conversation: `personal:${user}`,
        user,
      });
    };

    it('asks once for the whole list, also where only the directory knows whether they may ask', async () => {
      await attach(lane, `email\n${people(70).join('\n')}`);
      await press(lane, await listCard(lane, /70 invitations can be sent/), 'batch.send');
      const asked = await listCard(lane, /Please decide/, 'personal:axel');
      assert.deepEqual(await lane.town.invitations(), []);
      await decideAs('axel', asked, 'request.approve');
      await listCard(lane, /70 guests are invited/);
      assert.equal((await lane.town.cards('personal:axel')).length, 1, 'one card for all rows');
    });

    it('lets no row wait for the approval of another, and asks each rule’s approvers once', async () => {
      await attach(lane, `email\n${[...people(1), ...rivals(64), ...others(4)].join('\n')}`);
      for (const what of [/1 invitation can be sent/, /64 invitations can be sent/, /4 invitations can be sent/])
        await press(lane, await listCard(lane, what), 'batch.send');
      // Those whom nobody has to approve do not wait.
      await listCard(lane, /4 guests are invited/);
      assert.deepEqual((await invited(lane)).sort(), others(4));
      const axel = await listCard(lane, /Please decide/, 'personal:axel');
      const ada = await listCard(lane, /Please decide/, 'personal:ada');
      await decideAs('ada', ada, 'request.approve');
      await listCard(lane, /64 guests are invited/);
      assert.deepEqual((await invited(lane)).sort(), [...others(4), ...rivals(64)].sort());
      await decideAs('axel', axel, 'request.approve');
      await listCard(lane, /1 guest is invited/);
      for (const user of ['axel', 'ada']) {
        // An earlier list may still be told how it ended; that asks nobody.
        const asks = (await lane.town.cards(`personal:${user}`)).filter((one) => /Please decide/.test(everShown(one)));
        assert.equal(asks.length, 1, 'one card for all that is theirs');
      }
    });

    it('asks row by row where the rules were changed before Send, and calls off what waits when it is stopped', async () => {
      const late = Array.from({ length: 64 }, (_, n) => `late${n}@l${tests}.late.example`);
      await attach(lane, `email\n${[...others(4), ...late].join('\n')}`);
      const shown = await listCard(lane, /68 invitations can be sent/);
      await addRule(lane, { name: 'Late', domains: ['late.example'], approvers: [PEOPLE.ada] });
      await press(lane, shown, 'batch.send');
      const waits = await listCard(lane, /4 of 68 are through.*20 of them wait to be approved/);
      assert.deepEqual((await invited(lane)).sort(), others(4));
      const asks = await lane.town.cards('personal:ada');
      assert.equal(asks.length, 20, 'not a card for each at once');
      // One is decided: the next is asked about.
      assert.ok(asks[0]);
      await decideAs('ada', asks[0], 'request.approve');
      await lane.shows(late[20] ?? '', /Please decide/, 'personal:ada');
      await press(lane, waits, 'batch.stop');
      const stopped = await listCard(
        lane,
        /Stopped, as you asked.*5 guests are invited.*20 were cancelled.*43 were not sent/,
      );
      assert.deepEqual(buttonsOf(stopped), ['request.file']);
      // Whoever was asked sees that it is over.
      const theirs = await lane.shows(late[19] ?? '', /Cancelled/, 'personal:ada');
      assert.deepEqual(buttonsOf(theirs), []);
      assert.equal((await invited(lane)).length, 5);
    });

    it('counts what somebody refused as refused', async () => {
      const early = `early@e${tests}.early.example`;
      await attach(lane, `email\n${[...others(3), early].join('\n')}`);
      const shown = await listCard(lane, /4 invitations can be sent/);
      await addRule(lane, { name: 'Early', domains: ['early.example'], approvers: [PEOPLE.ada] });
      await press(lane, shown, 'batch.send');
      const theirs = await lane.shows(early, /Please decide/, 'personal:ada');
      await decideAs('ada', theirs, 'request.refuse', { words: 'Not them' });
      const done = await listCard(lane, /3 guests are invited.*1 was refused/);
      assert.match(textOf(cardOf(done)), /Refused\n1/);
      assert.match(textOf(cardOf(done)), /Not them/);
      assert.deepEqual(buttonsOf(done), ['request.file']);
    });

    it('offers no second try of a list that was stopped', async () => {
      await lane.town.control('settings', { latencyMs: 60 });
      await lane.town.fault({ kind: 'status', method: 'POST', path: 'invitations', status: 400, times: 5 });
      await attach(lane, `email\n${others(120).join('\n')}`);
      await press(lane, await listCard(lane, /120 invitations can be sent/), 'batch.send');
      const under = await listCard(lane, /of 120 are through/);
      await press(lane, under, 'batch.stop');
      const stopped = await listCard(lane, /Stopped, as you asked.*5 did not work/);
      assert.deepEqual(buttonsOf(stopped), ['request.file']);
    });

    it('never sends a row again whose guest was forgotten', async () => {
      await lane.town.fault({ kind: 'status', method: 'POST', path: 'invitations', status: 400, times: 1 });
      await attach(lane, `email\n${others(4).join('\n')}`);
      await press(lane, await listCard(lane, /4 invitations can be sent/), 'batch.send');
      const failed = await listCard(lane, /1 did not work/);
      const sent = await invited(lane);
      const gone = others(4).find((one) => !sent.includes(one)) ?? '';
      await lane.town.say(`forget ${gone}`);
      await lane.town.until(/Shall I erase all of that/);
      const question = (await lane.town.cards()).filter((one) => /Shall I erase/.test(textOf(cardOf(one)))).at(-1);
      assert.ok(question);
      const requestId = cardOf(question).actions?.[0]?.data?.['requestId'];
      const answer = { requestId, field: 'confirm' };
      await lane.town.press(question.activityId, 'request.answer', answer, { answer: 'erase' });
      await lane.town.until(/All that I kept about this person is erased/);
      const calls = (await lane.town.calls()).length;
      await press(lane, failed, 'batch.retry');
      const end = await listCard(lane, /3 guests are invited(?!.*did not work)/);
      assert.deepEqual(buttonsOf(end), ['request.file']);
      assert.equal((await lane.town.calls()).length, calls, 'nothing is asked or sent for them');
    });
  });
}
