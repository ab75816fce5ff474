/**
 * What becomes of the guests of a list, through the real HTTP edge on both engines: one card counts who accepts, whoever
 * sent the list is reminded of the others in their own chat, and is told once all have come. Days pass on a clock that is
 * set on; each time another bot takes over.
 */
import assert from 'node:assert/strict';
import type { Environment } from '../../src/config/config.ts';
import { readTable } from '../../src/requests/many/csv.ts';
import { DAY, type Days, HOUR, openDays } from '../support/days.ts';
import { engines } from '../support/db.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, buttonsOf, cardOf, textOf } from '../support/walk.ts';

const QUICK = { followUpMs: 250 };

for (const engine of await engines()) {
  describe(`what becomes of the guests of a list on ${engine.name}`, function () {
    this.timeout(120_000);
    let lane: Days;
    let lists = 0;
    /** So many guests have accepted. */
    let heard = 0;
    before(function () {
      if (engine.absent) skip(this, engine.absent);
    });
    beforeEach(() => {
      lists += 1;
      heard = 0;
    });
    afterEach(async () => {
      await assertNothingLeaked(lane);
      await lane.close();
    });

    const open = async (policy: Parameters<typeof withPolicy>[0] = {}, more: Environment = {}): Promise<void> => {
      lane = await openDays(engine, { ...withPolicy(policy), ...more }, QUICK);
    };
    const people = (count: number): string[] =>
      Array.from({ length: count }, (_, n) => `guest${n}@l${lists}.partner.example`);

    /** All messages about a list, in the order in which they came. */
    const cards = async (conversation = 'personal:rita'): Promise<readonly Message[]> =>
      (await lane.town.cards(conversation)).filter(({ summary }) => /^(?:Guests from|List of)/.test(summary ?? ''));
    /** So many messages about lists are there. */
    const come = (count: number) => {
      const matches = '^(?=.*"from":"bot").*"summary":"(?:Guests from|List of)';
      const query = { conversation: 'personal:rita', matches, count: `${count}`, timeoutMs: '15000' };
      return lane.town.control(`wait?${new URLSearchParams(query)}`);
    };
    /** The first message about a list, once all that are there by now say this. */
    const says = async (what: RegExp, conversation = 'personal:rita'): Promise<Message> => {
      const count = `${Math.max(1, (await cards(conversation)).length)}`;
      const query = { conversation, matches: `"from":"bot".*(?:${what.source})`, count, timeoutMs: '15000' };
      await lane.town.control(`wait?${new URLSearchParams(query)}`);
      const [card] = await cards(conversation);
      assert.ok(card);
      assert.match(textOf(cardOf(card)), what);
      return card;
    };
    const press = (card: Message, verb: string, where: Record<string, unknown> = {}) => {
      const action = cardOf(card).actions?.find((one) => one.verb === verb);
      assert.ok(action, `no button ${verb} among ${buttonsOf(card)}`);
      return lane.town.press(card.activityId, verb, action.data ?? {}, {}, where);
    };
    /** They accept, and their requests have heard of it: each then asks once whether its guest is in a team. */
    const accept = async (all: readonly string[]): Promise<void> => {
      for (const address of all) await lane.town.control('redeem', { address });
      heard += all.length;
      await lane.town.control(`wait?calls=/memberOf&remote=graph&count=${heard}&timeoutMs=20000`);
    };
    /** Sends a list, and what its card says once all invitations have gone. */
    const send = async (
      all: readonly string[],
      what: RegExp,
      conversation = 'personal:rita',
      more = '',
    ): Promise<Message> => {
      await lane.town.say(`invite ${all.join(', ')} because joint PoC ${more}`, { conversation });
      await press(await says(new RegExp(`${all.length} invitations can be sent`), conversation), 'batch.send', {
        conversation,
      });
      return says(what, conversation);
    };
    const list = async (): Promise<readonly unknown[]> => {
      const [row, ...more] = await lane.database.run(
        `select state, standing from requests where capability = 'batch' and input not like '%isAgain%'`,
      );
      assert.deepEqual(more, []);
      return [row?.['state'], row?.['standing']];
    };
    /** The states in the list's file, or what another of its columns says, by address. */
    const fileOf = async (card: Message, column = 'State'): Promise<ReadonlyMap<string, string>> => {
      const before = lane.town.sandbox.world.files.length;
      await press(card, 'request.file');
      await lane.town.until(/file\.consent/);
      const offered = (await lane.town.cards()).at(-1);
      const answer = { conversation: 'personal:rita', user: 'rita', activityId: offered?.activityId, accept: true };
      await lane.town.control('consent', answer);
      await lane.town.until(/file\.info/);
      const file = lane.town.sandbox.world.files[before];
      const table = readTable(file?.content.toString('utf8') ?? '', 100);
      assert.ok(table.ok);
      const [head, ...lines] = table.value.map(({ cells }) => cells);
      const state = head?.indexOf(column) ?? -1;
      return new Map(lines.map((cells) => [cells[1] ?? '', cells[state] ?? '']));
    };

    it('the card counts who accepts, a reminder comes once, and all have come in the end', async () => {
      await open({ remindAfterDays: 7 });
      const all = people(8);
      const card = await send(all, /8 guests are invited\. 8 have not accepted yet/);
      assert.deepEqual(buttonsOf(card), ['request.file']);
      assert.deepEqual(await list(), ['waiting', 'sent']);
      await lane.town.say('requests');
      await lane.town.until(/List of 8 guests.*"text":"Sent"/);
      // An old card has the button still; all has gone.
      const { requestId } = cardOf(card).actions?.[0]?.data ?? {};
      await lane.town.press(card.activityId, 'batch.stop', { requestId });

      await accept(all.slice(0, 3));
      await lane.pass(HOUR);
      const counted = await says(/8 guests are invited\. 3 have accepted\. 5 have not accepted yet/);
      assert.match(textOf(cardOf(counted)), /Have accepted\n3/);
      assert.equal((await cards()).length, 1, 'the same card');
      const states = [...(await fileOf(counted))];
      assert.deepEqual(
        states,
        all.map((address, n) => [address, n < 3 ? 'Accepted' : 'Invited']),
      );

      await lane.pass(7 * DAY);
      await says(/5 of 8 guests of this list have not accepted yet/);
      await come(2);
      const [, reminder] = await cards();
      assert.ok(reminder);
      assert.deepEqual(buttonsOf(reminder), ['batch.remind', 'request.file']);
      await Promise.all([press(reminder, 'batch.remind'), press(reminder, 'batch.remind')]);
      await lane.town.until(/5 guests have not accepted yet and can get another mail; nothing has been sent yet/);
      const offered = await says(/I put a list of them into Rita Requester’s own chat with me/);
      assert.deepEqual(buttonsOf(offered), ['request.file'], 'one list at a time');
      await press(reminder, 'batch.remind');
      assert.equal((await lane.town.invitations()).length, 8);
      const again = (await lane.town.cards()).filter(({ summary }) => /^Another mail/.test(summary ?? ''));
      assert.equal(again.length, 1, 'a card is good for one list');
      assert.ok(again[0]);
      await press(again[0], 'batch.send');
      await lane.town.until(/Another invitation mail is on its way to 5 guests/);
      const mailed = lane.town.sandbox.world.mails.map(({ to }) => to).sort();
      assert.deepEqual(mailed, [...all, ...all.slice(3)].sort());
      await lane.pass(DAY);
      await accept(all.slice(3));
      await lane.pass(5 * HOUR);
      const over = await says(/8 guests are invited\. 8 have accepted\.(?!.*not accepted)/);
      assert.deepEqual(await list(), ['done', 'sent']);
      await come(3);
      const told = await cards();
      // The list's card, one reminder, and that all have come; all of them say the same now.
      assert.equal(told.length, 3);
      for (const one of told) {
        assertForPeople(one);
        assert.doesNotMatch(JSON.stringify(one), /Stopped/);
      }
      assert.deepEqual(buttonsOf(over), ['request.file']);
      const single = (await lane.town.cards()).filter(({ summary }) => /guest\d/.test(summary ?? ''));
      assert.deepEqual(single, [], 'no guest has a card of their own');
      assert.equal((await lane.town.invitations()).length, 13);
    });

    it('in a group the reminder comes to whoever asked, who tries again from there; a new sponsor is told', async () => {
      await open({ remindAfterDays: 2, reminders: 1 });
      const all = people(6);
      await lane.town.fault({ kind: 'status', method: 'POST', path: 'invitations', status: 400, times: 1 });
      await send(all, /5 guests are invited\. 5 have not accepted yet\. 1 did not work/, 'group');
      assert.deepEqual(await cards(), []);
      const sent = (await lane.town.invitations()).filter(({ status }) => status === 201);
      const [one = '', two = ''] = sent.map(({ body }) => String(body?.['invitedUserEmailAddress']));
      await lane.town.say(`hand over ${one} to Axel Approver`);
      await lane.shows(one, /is invited/, 'personal:axel');
      await accept([one]);
      await lane.shows(one, /has accepted the invitation/, 'personal:axel');
      assert.deepEqual(
        (await lane.town.cards()).filter(({ summary }) => /has accepted/.test(summary ?? '')),
        [],
        'whoever asked hears of it by the list',
      );

      await lane.pass(2 * DAY);
      const reminder = await says(/4 of 5 guests of this list have not accepted yet.*1 did not work/);
      assertForPeople(reminder);
      assert.deepEqual(buttonsOf(reminder), ['batch.retry', 'batch.remind', 'request.file']);
      await press(reminder, 'batch.retry');
      await says(/6 guests are invited\. 1 has accepted\. 5 have not accepted yet/);
      await says(/6 guests are invited\. 1 has accepted\. 5 have not accepted yet/, 'group');
      await accept([two]);
      // Those who were sent for again have their time, too.
      await lane.pass(2 * DAY);
      await says(/4 of 6 guests of this list have not accepted yet/);
      // No more reminders than the policy says, and whoever accepts after the last is counted all the same.
      await lane.pass(2 * DAY + HOUR);
      const known = await lane.database.run(
        `select subject from requests where capability = 'guest' and standing = 'pending'`,
      );
      const late = known.map(({ subject }) => String(subject));
      assert.equal(late.length, 4);
      assert.equal((await cards()).length, 2, 'a reminder for each time it was sent');
      await accept(late);
      await lane.pass(5 * HOUR);
      await says(/6 guests are invited\. 6 have accepted\.(?!.*not accepted)/, 'group');
      assert.deepEqual(await list(), ['done', 'sent']);
      assert.equal((await cards('group')).length, 1);
    });

    /** How a last day is written, so many days from now. */
    const dayIn = (days: number): string => new Date(Date.now() + days * DAY).toISOString().slice(0, 10);
    const here = (address: string): boolean => lane.town.sandbox.world.users.some(({ mail }) => mail === address);
    /** Cards about the stay of one guest. */
    const stays = async (): Promise<readonly unknown[]> =>
      (await lane.town.cards('personal:rita')).flatMap(({ summary }) =>
        /^Guest invitation.*guest\d/.test(summary ?? '') ? [summary] : [],
      );

    it('tells once of last days that are near, and of those who were removed at their end', async () => {
      await open({ warnBeforeEndDays: 7, removeAtEnd: true });
      const all = people(7);
      const [kept = '', other = '', ...gone] = all;
      await send(all, /7 have not accepted yet/, 'personal:rita', `until ${dayIn(20)}`);
      await accept(all);
      await lane.pass(HOUR);
      await says(/7 guests are invited\. 7 have accepted/);
      assert.deepEqual(await list(), ['waiting', 'sent'], 'they have a last day');
      await come(2);
      await lane.town.say(`hand over ${other} to Axel Approver`);
      await lane.shows(other, /has accepted the invitation/, 'personal:axel');

      await lane.pass(14 * DAY);
      await lane.shows(other, /is near\. Should they stay longer/, 'personal:axel');
      await come(3);
      const near = await says(/6 guests of this list leave on/);
      const [, , digest] = await cards();
      assert.ok(digest);
      assertForPeople(digest);
      assert.match(textOf(cardOf(digest)), /^[^.]*6 guests of this list leave on [A-Z][a-z]{2} \d/m);
      assert.deepEqual(await stays(), [], 'no guest has a card of their own');
      const later = dayIn(30);
      assert.deepEqual(buttonsOf(digest), ['form.open', 'request.file']);
      await press(digest, 'form.open');
      await lane.town.until(/Keep a guest until/);
      const form = (await lane.town.cards()).at(-1);
      assert.ok(form);
      const asked = [kept, ...gone];
      for (const address of asked) assert.match(JSON.stringify(cardOf(form)), new RegExp(address));
      const submit = cardOf(form).actions?.find(({ verb }) => verb === 'guestExtend.submit')?.data ?? {};
      await lane.town.press(form.activityId, 'guestExtend.submit', submit, { people: kept, until: later });
      await lane.town.until(
        new RegExp(`${kept}.*I ask again when that day is near|I ask again when that day is near.*${kept}`),
      );
      await lane.pass(5 * HOUR);
      await says(/5 guests of this list leave on/);
      assert.equal((await fileOf(near, 'Until')).get(kept), later);

      await lane.pass(7 * DAY);
      await come(4);
      await says(/The last day of 5 guests is over, so I removed them/);
      await lane.shows(other, /so I removed them/, 'personal:axel');
      assert.deepEqual(all.filter(here), [kept]);
      assert.deepEqual([gone.length, await list()], [5, ['waiting', 'sent']]);
      await lane.pass(HOUR);
      assert.equal((await cards()).length, 4, 'each is told once');
      assert.deepEqual(await stays(), []);
    });

    it('says who could not be removed, and goes on until they are', async () => {
      await open({ warnBeforeEndDays: 1, removeAtEnd: true });
      const all = people(6);
      await send(all, /6 have not accepted yet/, 'personal:rita', `until ${dayIn(3)}`);
      await accept(all);
      await lane.pass(HOUR);
      await come(2);
      const [, , stuck = ''] = all;
      const user = lane.town.sandbox.world.users.find(({ mail }) => mail === stuck);
      assert.ok(user);
      await lane.town.fault({ kind: 'status', method: 'DELETE', path: `users/${user.id}`, status: 403, times: 1 });
      // The second day, whatever the hour is now; and the day after the last.
      await lane.pass(60 * HOUR);
      await come(3);
      await says(/6 guests of this list leave on/);
      await lane.pass(39 * HOUR);
      await come(4);
      await says(/1 guest should have been removed by now/);
      const card = await says(/The last day of 5 guests is over, so I removed them/);
      assert.match(JSON.stringify(cardOf(card)), new RegExp(`${stuck}.*Line 3.*I try again each day`));
      assert.deepEqual(all.filter(here), [stuck]);
      await lane.pass(DAY + HOUR);
      await come(5);
      await says(/The last day of 6 guests is over(?!.*should have been removed)/);
      assert.deepEqual([all.filter(here), await list()], [[], ['done', 'sent']]);
      assert.deepEqual(await stays(), []);
    });

    it('where the policy removes nobody, asks again for all of them', async () => {
      await open({ warnBeforeEndDays: 1 });
      const all = people(6);
      await send(all, /6 have not accepted yet/, 'personal:rita', `until ${dayIn(2)}`);
      await accept(all);
      await lane.pass(HOUR);
      await come(2);
      await lane.pass(32 * HOUR);
      await come(3);
      await says(/6 guests of this list leave on/);
      await lane.pass(49 * HOUR);
      await come(4);
      await says(/The last day of 6 guests of this list was .*and they still have access/);
      await lane.pass(7 * DAY + HOUR);
      await come(5);
      await says(/The last day of 6 guests of this list was .*and they still have access/);
      assert.ok(all.every(here));
      assert.deepEqual([await list(), await stays()], [['waiting', 'sent'], []]);
    });

    it('says once that those who never accepted were removed', async () => {
      await open({ remindAfterDays: 1, reminders: 0, purgeAfterDays: 3 });
      const all = people(6);
      await send(all, /6 have not accepted yet/);
      const [came = '', ...others] = all;
      await accept([came]);
      await lane.pass(2 * DAY);
      await says(/5 of 6 guests of this list have not accepted yet/);
      assert.deepEqual(await list(), ['waiting', 'sent'], 'what becomes of them is not told yet');
      const removals = 'wait?calls=DELETE+.*users.*+204&remote=graph&count=5&timeoutMs=20000';
      await lane.pass(DAY + HOUR);
      await lane.town.control(removals);
      await lane.pass(5 * HOUR);
      await says(/5 never accepted, so I took the invitations back and removed the accounts/);
      await come(2);
      assert.deepEqual([await list(), others.filter(here), await stays()], [['done', 'sent'], [], []]);
    });

    it('once the list is over, whoever gets a last day is asked about by themselves', async () => {
      await open({ remindAfterDays: 1, reminders: 0, warnBeforeEndDays: 1 });
      const all = people(6);
      await send(all, /6 have not accepted yet/);
      await accept(all);
      await lane.pass(DAY + HOUR);
      await says(/6 have accepted/);
      const [one = ''] = all;
      assert.equal((await list())[0], 'done');
      await lane.town.say(`extend ${one} until ${dayIn(3)}`);
      await lane.town.until(/I ask again when that day is near/);
      await lane.pass(60 * HOUR);
      await lane.shows(one, /is near\. Should they stay longer/);
      assert.deepEqual([all.filter(here), (await stays()).length], [all, 1], 'nobody else has a card');
    });

    it('lets a guest be forgotten at once, and goes on with the others', async () => {
      await open({}, { ADMINS: PEOPLE.rita.id });
      const all = people(6);
      await send(all, /6 have not accepted yet/);
      const [gone = '', ...others] = all;
      await lane.town.say(`forget ${gone}`);
      await lane.town.until(/Shall I erase all of that/);
      const question = (await lane.town.cards()).filter((one) => /Shall I erase/.test(textOf(cardOf(one)))).at(-1);
      assert.ok(question);
      const requestId = cardOf(question).actions?.[0]?.data?.['requestId'];
      await lane.town.press(
        question.activityId,
        'request.answer',
        { requestId, field: 'confirm' },
        { answer: 'erase' },
      );
      await lane.town.until(/All that I kept about this person is erased/);
      assert.deepEqual(await list(), ['waiting', 'sent']);
      const kept = await lane.database.run(
        `select content, subject from rows union all select input, subject from requests`,
      );
      assert.doesNotMatch(JSON.stringify(kept), new RegExp(gone));
      await accept(others);
      await lane.pass(HOUR);
      await says(/6 guests are invited\. 5 have accepted/);
      assert.deepEqual(await list(), ['done', 'sent']);
    });
  });
}
