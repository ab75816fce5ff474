/**
 * The rules, end to end: an admin reads and changes them on a form, sees what changes, undoes it; they hold at once and for
 * everybody; nobody else sees them.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import type { Message } from '../support/usher.ts';
import { assertNothingLeaked, cardOf, type Lane, openLane, textOf } from '../support/walk.ts';

const ADMINS = { ADMINS: '5a4db0c5-0000-4000-8000-000000001003,5a4db0c5-0000-4000-8000-000000001001' };
const ADA = { conversation: 'personal:ada', user: 'ada' };

/** The values that stand in a form's inputs. */
function valuesOf(message: Message): Record<string, string> {
  const values: Record<string, string> = {};
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, id, value } = node as Record<string, unknown>;
    if (typeof type === 'string' && type.startsWith('Input.') && typeof id === 'string')
      values[id] = String(value ?? '');
    for (const one of Object.values(node)) walk(one);
  };
  walk(cardOf(message));
  return values;
}

for (const engine of await engines()) {
  describe(`the rules on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;

    beforeEach(async () => {
      lane = await openLane(engine, ADMINS);
    });
    afterEach(async () => {
      await assertNothingLeaked(lane);
      await lane.close();
    });

    const form = async (): Promise<Message> => {
      const before = (await lane.town.cards(ADA.conversation)).length;
      await lane.town.say('policy', ADA);
      const cards = await lane.town.cards(ADA.conversation);
      const card = cards[before];
      assert.ok(card && /The rules/.test(card.summary ?? ''));
      return card;
    };
    const buttonOf = (message: Message, verb: string) => {
      const action = cardOf(message).actions?.find((one) => one.verb === verb);
      assert.ok(action, `no ${verb} on ${textOf(cardOf(message))}`);
      return action.data ?? {};
    };
    const send = (message: Message, verb: string, changes: Record<string, string>) =>
      lane.town.press(message.activityId, verb, buttonOf(message, verb), { ...valuesOf(message), ...changes }, ADA);

    it('are a form that fits a card, with what would change said before it is saved', async () => {
      const card = await form();
      assert.ok(JSON.stringify(cardOf(card)).length < 26_000);
      const { body } = await send(card, 'policy.check', { blockedDomains: 'mail.example', longestStayDays: '90' });
      const checked = JSON.stringify(body.value);
      assert.match(checked, /Longest stay, in days: – → 90/);
      assert.match(checked, /No guests from these domains: – → mail\.example/);
      await lane.town.say('invite x@mail.example until 2026-12-31');
      await lane.shows('x@mail.example', /is invited/);
    });

    it('hold at once, beside the field they concern, and can be undone', async () => {
      const card = await form();
      await send(card, 'policy.submit', { blockedDomains: 'mail.example\nbücher.example' });
      const saved = await lane.shows('The rules', /Saved as version 1/, ADA.conversation);
      assert.match(textOf(cardOf(saved)), /\+ mail\.example\n\+ bücher\.example/);
      await lane.town.say('invite x@eu.MAIL.example');
      await lane.town.until(/Guests from eu\.mail\.example are blocked here/);
      assert.deepEqual(await lane.town.invitations(), []);
      await lane.town.say('policy try y@xn--bcher-kva.example', ADA);
      await lane.town.until(/are blocked here.*version 1/, ADA.conversation);

      const undo = cardOf(saved).actions?.find(({ title }) => title === 'Undo');
      await lane.town.press(saved.activityId, 'command.run', undo?.data, {}, ADA);
      await lane.shows('The rules', /Saved as version 2/, ADA.conversation);
      await lane.town.say('invite x@mail.example');
      await lane.shows('x@mail.example', /is invited/);
    });

    it('changed by two at once are changed by the first; the other loses nothing', async () => {
      const [mine, theirs] = [await form(), await form()];
      await send(mine, 'policy.submit', { longestStayDays: '90' });
      await lane.shows('The rules', /Saved as version 1/, ADA.conversation);
      await send(theirs, 'policy.submit', { longestStayDays: '10' });
      await lane.shows('The rules', /Somebody changed the rules meanwhile/, ADA.conversation);
      const [kept] = await lane.database.run('select count(*) as n from policies');
      assert.equal(Number(kept?.['n']), 1);
    });

    it('name people, groups and teams as the directory knows them', async () => {
      const card = await form();
      await send(card, 'policy.submit', {
        approvals: 'axel@contoso.example from partner.example to team Apollo deputy Ada Admin after 2 days',
      });
      const saved = await lane.shows('The rules', /Saved as version 1/, ADA.conversation);
      assert.match(textOf(cardOf(saved)), /axel@contoso\.example from partner\.example to team Apollo/);
      await lane.town.say('invite nova@partner.example to team Apollo');
      await lane.shows('nova@partner.example', /Waiting for Axel Approver/);
      await lane.town.say('invite nova@partner.example');
      const wrong = await form();
      await send(wrong, 'policy.submit', { people: 'Nobody Known', askers: 'listed' });
      await lane.shows('The rules', /called Nobody Known in the directory/, ADA.conversation);
    });

    it('are seen and changed by admins only, where nobody reads along', async () => {
      await lane.town.say('policy', { conversation: 'personal:dan', user: 'dan' });
      await lane.town.until(/Only the people whom your admin has named/, 'personal:dan');
      await lane.town.say('policy', { conversation: 'group', mention: true });
      await lane.town.until(/Ask me that in a chat with me alone/, 'group');
      const card = await form();
      const data = buttonOf(card, 'policy.submit');
      const forged = { ...valuesOf(card), blockedDomains: 'contoso.example' };
      await lane.town.press(card.activityId, 'policy.submit', data, forged, {
        conversation: 'personal:dan',
        user: 'dan',
      });
      const kept = await lane.database.run('select version from policies');
      assert.deepEqual(kept, []);
    });

    it('have approvals asked for in a channel as well, where an admin says so', async () => {
      const card = await form();
      await send(card, 'policy.submit', { approvals: 'Axel Approver from partner.example' });
      await lane.shows('The rules', /Saved as version 1/, ADA.conversation);
      await lane.town.say('approvals here', { conversation: 'general', user: 'ada', mention: true });
      await lane.town.until(/is asked for here from now on/, 'general');
      await lane.town.say('invite nova@partner.example');
      const asked = await lane.shows('nova@partner.example', /What can I do/, 'general');
      const own = await lane.town.press(
        asked.activityId,
        'request.look',
        buttonOf(asked, 'request.look'),
        {},
        {
          conversation: 'general',
          user: 'axel',
        },
      );
      const theirs = own.body.value as { actions: { verb: string; data: Record<string, string> }[] };
      const approve = theirs.actions.find(({ verb }) => verb === 'request.approve');
      await lane.town.press(
        asked.activityId,
        'request.approve',
        approve?.data,
        {},
        { conversation: 'general', user: 'axel' },
      );
      await lane.shows('nova@partner.example', /is invited/);
      const after = await lane.shows('nova@partner.example', /Approved by Axel Approver/, 'general');
      assert.doesNotMatch(textOf(cardOf(after)), /Link to copy/);
    });

    it('may let guests command, and no longer', async () => {
      const gus = { conversation: 'group', user: 'gus', mention: true };
      await lane.town.say('help', gus);
      await lane.town.until(/Guests cannot give me commands/, 'group');
      await send(await form(), 'policy.submit', { guestsMayCommand: 'true' });
      await lane.shows('The rules', /Saved as version 1/, ADA.conversation);
      await lane.town.say('help', gus);
      await lane.town.until(/What I can do/, 'group');
    });
  });
}
