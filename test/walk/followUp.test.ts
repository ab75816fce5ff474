/**
 * What happens after an invitation, end to end: acceptance is heard of by one sweep, the sponsor is told in their own chat,
 * reminded and asked; and what people do about their guests meanwhile. Days pass on a clock that is set on.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { Environment } from '../../src/config/config.ts';
import { DAY, type Days, HOUR, openDays } from '../support/days.ts';
import { engines } from '../support/db.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, buttonsOf, cardOf, textOf } from '../support/walk.ts';

const QUICK = { followUpMs: 250 };

/** The data of the button that has this title. */
function button(message: Message, title: RegExp): { readonly verb: string; readonly data: object } {
  const found = cardOf(message).actions?.find((one) => title.test(one.title));
  assert.ok(found?.verb, `no button ${title} on ${textOf(cardOf(message))}`);
  return { verb: found.verb, data: found.data ?? {} };
}

for (const engine of await engines()) {
  describe(`what becomes of guests, on ${engine.name}`, function () {
    this.timeout(120_000);
    let lane: Days;
    let guests = 0;
    const someone = (): string => `follow${guests++}@partner.example`;

    const open = async (policy: Parameters<typeof withPolicy>[0] = {}, more: Environment = {}): Promise<void> => {
      lane = await openDays(engine, { ...withPolicy(policy), ...more }, QUICK);
    };
    afterEach(async () => {
      await assertNothingLeaked(lane);
      await lane.close();
    });

    /** The sweep has its token and has read changes with it. */
    const swept = () => lane.town.control('wait?calls=users/delta&remote=graph&count=2&timeoutMs=20000');
    const redeem = (address: string) => lane.town.control('redeem', { address });
    const userOf = (address: string) => lane.town.sandbox.world.users.find(({ mail }) => mail === address);
    /** A message that came to say this, and was not there before. */
    const own = async (address: string, what: RegExp): Promise<Message> => {
      const matches = `"from":"bot".*${address}.*(?:${what.source}).*"edits":0[,}]`;
      const query = new URLSearchParams({ conversation: 'personal:rita', matches, count: '1', timeoutMs: '10000' });
      await lane.town.control(`wait?${query}`);
      const found = (await lane.town.cards()).filter((one) => new RegExp(matches).test(JSON.stringify(one))).at(-1);
      assert.ok(found);
      return found;
    };
    /** So many messages say this by now. */
    const comes = (matches: string, count: number) =>
      lane.town.control(
        `wait?${new URLSearchParams({ conversation: 'personal:rita', matches, count: `${count}`, timeoutMs: '10000' })}`,
      );
    const press = (message: Message, title: RegExp, inputs: object = {}) => {
      const { verb, data } = button(message, title);
      return lane.town.press(message.activityId, verb, data, inputs);
    };
    const invited = async (address: string, more = ''): Promise<Message> => {
      await lane.town.say(`invite ${address} ${more}`);
      return lane.shows(address, /is invited\. The mail is on its way/);
    };
    const accepted = async (address: string): Promise<Message> => {
      await redeem(address);
      return lane.shows(address, /has accepted the invitation/);
    };
    const bySystem = (path: RegExp) => async () => (await lane.town.calls()).filter((call) => path.test(call.path));

    it('a hundred who are awaited cost no call each, and those who accept are told of', async () => {
      // A hundred at once keep this one process busy, which plays Microsoft as well.
      await open({}, { CALL_TIMEOUT_MS: '20000' });
      const many = Array.from({ length: 100 }, someone);
      // More than five at once would be a list, whose rows have no card of their own.
      for (let from = 0; from < many.length; from += 5)
        await lane.town.say(`invite ${many.slice(from, from + 5).join(', ')}`);
      await lane.town.control('wait?mails=follow&count=100&timeoutMs=60000');
      const before = (await lane.town.calls()).length;
      const [ana = '', bo = '', cleo = ''] = [many[3], many[77], many[99]];
      const heard = [ana, bo, cleo];
      await Promise.all(heard.map(redeem));
      for (const address of heard) {
        const told = await lane.shows(address, /has accepted the invitation.*They are in no team yet/);
        assertForPeople(told);
        assert.match(textOf(cardOf(told)), /^Accepted$/m);
      }
      const calls = (await lane.town.calls()).slice(before).map(({ path }) => path.replace(/[0-9a-f-]{36}/, ':id'));
      const swept = calls.filter((path) => path === '/v1.0/users/delta').length;
      assert.ok(swept > 0);
      // Besides the sweep, one look at the groups of each who accepted; nothing for the others.
      const others = calls.filter((path) => path !== '/v1.0/users/delta' && path !== '/v1.0/users');
      assert.deepEqual(others, Array(3).fill('/v1.0/users/:id/memberOf'));
      const sweeps = await lane.database.run(
        `select id from requests where capability = 'guestSweep' and state <> 'done'`,
      );
      assert.equal(sweeps.length, 1);
    });

    it('the sponsor hears of it in their own chat, and the card where it was asked says so', async () => {
      await open();
      const address = someone();
      await lane.town.say(`invite ${address} to team Apollo`, { conversation: 'general' });
      await lane.shows(address, /They are now in Apollo/, 'general');
      await redeem(address);
      const here = await lane.shows(address, /has accepted the invitation/, 'general');
      assert.equal(here.edits > 0, true, 'the same card');
      assertForPeople(await own(address, /has accepted the invitation/));
      // Whoever is in a team already needs none.
      assert.deepEqual(await bySystem(/\/memberOf$/)(), []);
    });

    it('whoever accepted while the token grew too old is found all the same', async () => {
      await open();
      const address = someone();
      await invited(address);
      await swept();
      await lane.town.control('settings', { deltaLifetimeMs: 0 });
      await redeem(address);
      await lane.shows(address, /has accepted the invitation/);
      const all = (await lane.town.calls()).filter(({ path }) => path === '/v1.0/users/delta');
      assert.ok(all.some(({ status }) => status === 410));
    });

    it('changes are read page by page', async () => {
      await open();
      await lane.town.control('settings', { deltaPageSize: 1 });
      const some = Array.from({ length: 5 }, someone);
      await lane.town.say(`invite ${some.join(', ')}`);
      await Promise.all(some.map((address) => lane.shows(address, /is invited/)));
      await swept();
      await Promise.all(some.map(redeem));
      await Promise.all(some.map((address) => lane.shows(address, /has accepted the invitation/)));
      const pages = (await lane.town.calls()).filter(({ query }) => '$skiptoken' in query);
      assert.ok(pages.length > 0);
    });

    it('a service that is unwell for a while ends nothing', async () => {
      await open();
      const address = someone();
      await invited(address);
      await lane.town.fault({ kind: 'status', path: '/users/delta$', status: 403, code: 'Forbidden', times: 2 });
      await lane.town.fault({ kind: 'status', path: '/users/delta$', status: 503, times: 3 });
      await accepted(address);
    });

    it('who does not accept is brought to mind, as often as the policy says, and then removed', async () => {
      await open({ remindAfterDays: 7, reminders: 1, purgeAfterDays: 30 });
      const address = someone();
      await invited(address);
      await lane.pass(7 * DAY + HOUR);
      const reminder = await own(address, /has not accepted the invitation yet/);
      assert.deepEqual(buttonsOf(reminder), ['command.run', 'command.run', 'command.run']);
      await lane.pass(10 * DAY);
      await lane.pass(14 * DAY);
      const over = await lane.shows(address, /never accepted the invitation, so I took it back/);
      assertForPeople(over);
      assert.equal(userOf(address), undefined);
      const reminders = (await lane.town.cards()).filter(
        ({ versions }) =>
          /has not accepted/.test(versions[0]?.summary ?? '') && versions[0]?.summary?.includes(address),
      );
      assert.equal(reminders.length, 1);
    });

    it('a last day is asked about, put off, and then kept to', async () => {
      await open({ warnBeforeEndDays: 7, removeAtEnd: true });
      const address = someone();
      await invited(address, 'until in 20 days');
      await accepted(address);
      await lane.pass(14 * DAY);
      const asked = await own(address, /is near\. Should they stay longer, or be removed\?/);
      assertForPeople(asked);
      await press(asked, /Keep until/);
      const form = (await lane.town.cards()).at(-1);
      assert.ok(form);
      await lane.town.press(
        form.activityId,
        'guestExtend.submit',
        cardOf(form).actions?.find(({ verb }) => verb === 'guestExtend.submit')?.data ?? {},
        { people: address, until: new Date(Date.now() + 30 * DAY).toISOString().slice(0, 10) },
      );
      await lane.shows(address, /I ask again when that day is near/);
      await lane.shows(address, /has accepted the invitation/);
      await lane.pass(20 * DAY);
      assert.ok(userOf(address), 'the old last day is over, the new one is not');
      await lane.pass(12 * DAY);
      await lane.shows(address, /is over, so I removed them/);
      assert.equal(userOf(address), undefined);
    });

    it('where the policy removes nobody, the question stands', async () => {
      await open({ warnBeforeEndDays: 2 });
      const address = someone();
      await invited(address, 'until in 5 days');
      await accepted(address);
      await lane.pass(7 * DAY);
      await lane.shows(address, /is near\. Should they stay longer|is over, and they still have access/);
      assert.ok(userOf(address));
    });

    it('another mail waits for the time the policy gives a guest to rest', async () => {
      await open({ resendCoolDownHours: 24 });
      const address = someone();
      const card = await invited(address);
      await press(card, /Send the mail again/);
      await lane.shows(address, /got a mail not long ago.*the next may be sent after/);
      assert.equal(lane.town.sandbox.world.mails.filter(({ to }) => to === address).length, 1);
      await lane.pass(25 * HOUR);
      await lane.town.say(`resend ${address}`);
      await lane.shows(address, /Another invitation mail is on its way/);
      await lane.town.say(`resend ${address}`);
      await lane.town.until(/may be sent after/);
      assert.equal(lane.town.sandbox.world.mails.filter(({ to }) => to === address).length, 2);
    });

    it('however many ask for another mail, and however often, a guest gets one in that time', async () => {
      await open({ resendCoolDownHours: 24 });
      const address = someone();
      const mails = () => lane.town.sandbox.world.mails.filter(({ to }) => to === address).length;
      const refused = (count: number) => comes(`${address}.*may be sent after`, count);
      await invited(address);
      await lane.pass(2 * DAY);
      await Promise.all(Array.from({ length: 6 }, () => lane.town.say(`resend ${address}`)));
      await refused(5);
      assert.equal(mails(), 2);
      // Those that were refused since do not hide the one that was sent.
      for (const count of [6, 7]) {
        await lane.town.say(`resend ${address}`);
        await refused(count);
      }
      assert.equal(mails(), 2);
      await lane.pass(25 * HOUR);
      await lane.town.say(`resend ${address}`);
      await comes(`Another invitation mail is on its way to ${address.split('@')[0]}`, 2);
      assert.equal(mails(), 3);
    });

    it('an address is put right at once, and then not changed back and forth, which would mail each time', async () => {
      await open({ resendCoolDownHours: 24 });
      const [wrong, right] = [someone(), someone()];
      const mails = () => lane.town.sandbox.world.mails.filter(({ to }) => to === wrong || to === right).length;
      await invited(wrong);
      await lane.town.say(`reset ${wrong} to ${right}`);
      await lane.shows(right, /now accepts with/);
      await lane.shows(right, /"text":"Invited"/);
      await lane.town.say(`reset ${right} to ${wrong}`);
      await lane.shows(right, /the address may be changed after/);
      await lane.town.say(`resend ${right}`);
      await lane.shows(right, /the next may be sent after/);
      assert.equal(mails(), 2);
      await lane.pass(25 * HOUR);
      await lane.town.say(`resend ${right}`);
      await lane.shows(right, /Another invitation mail is on its way/);
      await lane.town.say(`reset ${right} to ${wrong}`);
      await comes('the address may be changed after', 2);
      assert.equal(mails(), 3);
    });

    it('whoever may not bring in guests any more keeps none for longer either', async () => {
      const environment = withPolicy({});
      lane = await openDays(engine, environment, QUICK);
      const address = someone();
      await invited(address, 'until in 20 days');
      const group = { id: '5a4db0c5-0000-4000-8000-000000002005', name: 'Partners' };
      writeFileSync(environment['POLICY_FILE'] ?? '', JSON.stringify({ askers: { everyone: false, groups: [group] } }));
      await lane.pass(2 * DAY);
      await lane.town.say(`extend ${address} until in 300 days`);
      await lane.town.say(`check extend ${address} until in 300 days`);
      await comes('You may not ask for guests here', 2);
      assert.doesNotMatch(JSON.stringify(await lane.town.cards()), /I ask again when that day is near/);
    });

    it('another link is shown to whoever asked, alone, and mails nobody', async () => {
      await open();
      const address = someone();
      await invited(address);
      await lane.town.say(`new link ${address}`);
      const made = await lane.shows(address, /Here is another link/);
      assert.match(JSON.stringify(cardOf(made)), /redeem\?rd=/);
      await lane.town.say(`new link ${address}`, { conversation: 'group' });
      const there = await lane.shows(address, /To see it, type/, 'group');
      assert.doesNotMatch(JSON.stringify(there), /redeem\?rd=/);
      assert.equal(lane.town.sandbox.world.mails.filter(({ to }) => to === address).length, 1);
    });

    it('another address keeps the guest who they are, and is accepted anew', async () => {
      await open();
      const [address, next] = [someone(), someone()];
      await lane.town.say(`invite ${address} to team Apollo until in 90 days`);
      await lane.shows(address, /They are now in Apollo/);
      await accepted(address);
      const { id } = userOf(address) ?? assert.fail();
      await lane.town.say(`reset ${address} to ${next}`);
      await lane.shows(next, /now accepts with/);
      assert.equal(userOf(next)?.id, id);
      assert.equal(lane.town.sandbox.world.groups.filter(({ members }) => members.includes(id)).length, 1);
      await lane.shows(next, /"text":"Invited"/);
      await redeem(next);
      await lane.shows(next, /has accepted the invitation/);
      await lane.town.say(`guest ${next}`);
      await lane.town.until(new RegExp(`Guest invitation for .*${next}`));
    });

    it('a guest is removed once somebody has seen what is lost and said so', async () => {
      await open();
      const address = someone();
      await lane.town.say(`invite ${address} to team Apollo`);
      const card = await lane.shows(address, /They are now in Apollo/);
      await press(card, /^Remove$/);
      const asks = await lane.shows(address, /They lose their account here, one team or group/);
      assert.ok(userOf(address));
      await lane.town.press(asks.activityId, 'request.answer', answerData(asks), { answer: 'remove' });
      await lane.shows(address, /is removed and has no access here any more/);
      await lane.shows(address, /Rita Requester had .* removed/);
      assert.equal(userOf(address), undefined);
    });

    it('a guest is somebody else’s to look after once they are handed over', async () => {
      await open();
      const address = someone();
      await invited(address);
      const axel = { conversation: 'personal:axel', user: 'axel' };
      await lane.town.say(`resend ${address}`, axel);
      await lane.shows(address, /Only Rita Requester, who is answerable for this guest/, 'personal:axel');
      await lane.town.say(`hand over ${address} to Axel Approver`);
      await lane.shows(address, /Axel Approver is answerable for/);
      await lane.shows(address, /is invited/, 'personal:axel');
      assert.deepEqual(userOf(address)?.sponsors, [PEOPLE.axel.id]);
      await redeem(address);
      await lane.shows(address, /has accepted the invitation/, 'personal:axel');
      await lane.town.say(`revoke ${address}`, axel);
      await lane.shows(address, /They lose their account here|They are in no team/, 'personal:axel');
    });

    it('what a removal would come to is told beforehand, with who would have to approve it', async () => {
      await open(
        {
          removeAlone: 1,
          approvals: [{ name: 'Removals', approvers: [PEOPLE.ada], teams: [], domains: ['none.example'] }],
        },
        { ADMINS: PEOPLE.ada.id },
      );
      const some = [someone(), someone()];
      for (const address of some) await invited(address);
      await lane.town.say(`check revoke ${some[0]}`);
      const one = await lane.shows(some[0] ?? '', /It would go on with this: .*account here/);
      assert.match(textOf(cardOf(one)), /DELETE \/users\//);
      await lane.town.say(`check revoke ${some.join(', ')}`);
      const both = await lane.shows(some.join(', '), /would have to be approved by .*They lose their accounts here/);
      assert.equal(textOf(cardOf(both)).match(/DELETE \/users\//g)?.length, 2);
      assert.ok(some.every(userOf));
    });

    it('many are removed only when a second person says so', async () => {
      await open({
        removeAlone: 1,
        approvals: [{ name: 'Removals', approvers: [PEOPLE.ada], teams: [], domains: [] }],
      });
      const some = [someone(), someone()];
      await lane.town.say(`invite ${some.join(', ')}`);
      for (const address of some) {
        const asked = await lane.shows(address, /Please decide/, 'personal:ada');
        const { verb, data } = button(asked, /Approve$/);
        await lane.town.press(asked.activityId, verb, data, {}, { conversation: 'personal:ada', user: 'ada' });
        await lane.shows(address, /is invited/);
      }
      await lane.town.say(`revoke ${some.join(', ')}`);
      const asks = await lane.shows(some[0] ?? '', /They lose their accounts here/);
      await lane.town.press(asks.activityId, 'request.answer', answerData(asks), { answer: 'remove' });
      const second = await lane.shows('Remove 2 guests', /Please decide/, 'personal:ada');
      assert.ok(some.every(userOf), 'nobody is removed before');
      const { verb, data } = button(second, /Approve$/);
      await lane.town.press(second.activityId, verb, data, {}, { conversation: 'personal:ada', user: 'ada' });
      await lane.shows(some[0] ?? '', /are removed and have no access/);
      assert.ok(!some.some(userOf));
    });
  });
}

/** What the button beneath a question takes along. */
function answerData(message: Message): object {
  const found = /"verb":"request\.answer"[^{}]*"data":(\{[^}]*\})/.exec(JSON.stringify(cardOf(message)))?.[1];
  assert.ok(found, 'no question on the card');
  return JSON.parse(found) as object;
}
