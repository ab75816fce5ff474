/**
 * An admin proves the audit and forgets people, through Teams: who may, what is asked and told, what is left in the store,
 * in the chat and on old cards, that a changed line is found, and that kill -9 in the middle loses no count.
 */
import assert from 'node:assert/strict';
import { unguard } from '../store/laws/chain.ts';
import { engines } from '../support/db.ts';
import { RITA } from '../support/deals.ts';
import { dump, files } from '../support/dump.ts';
import { skip } from '../support/skip.ts';
import { type ChildBot, type Message, spawnBot, Town } from '../support/usher.ts';
import {
  assertForPeople,
  assertNothingLeaked,
  buttonsOf,
  cardOf,
  type Lane,
  openLane,
  textOf,
} from '../support/walk.ts';

const ANA = 'ana.forgotten@partner.example';
const NAME = 'Ana Vergessen';
const REASON = 'because of the wombat affair';
const read = (message: Message): string => textOf(cardOf(message));
const traces = (text: string) => [ANA, NAME, 'wombat'].filter((one) => text.toLowerCase().includes(one.toLowerCase()));
/** How the receipt's row reads. */
const row = (label: string, value: string | number) => new RegExp(`${label}\n${value}\\b`);

for (const engine of await engines()) {
  describe(`proof, on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine, { ADMINS: RITA });
    });
    after(() => lane?.close());

    /** The one card that came of saying something. */
    async function answer(text: string, more: Record<string, unknown> = {}): Promise<Message> {
      const conversation = String(more['conversation'] ?? 'personal:rita');
      const before = (await lane.town.cards(conversation)).length;
      await lane.town.say(text, more);
      const [card] = (await lane.town.cards(conversation)).slice(before);
      assert.ok(card, `nothing came of ${text}`);
      return card;
    }
    const latest = async (id: string, conversation = 'personal:rita'): Promise<Message> => {
      const found = (await lane.town.cards(conversation)).find(({ activityId }) => activityId === id);
      assert.ok(found);
      return found;
    };

    it('is for admins, and for nobody but them to read', async () => {
      const conversation = 'personal:axel';
      for (const text of ['forget nobody@partner.example', 'audit from today']) {
        assert.match(read(await answer(text, { conversation, user: 'axel' })), /whom your admin has named/);
        assert.match(read(await answer(text, { conversation: 'group' })), /in a chat with me alone/);
      }
      const rows = (await dump(lane.database)).filter((one) => one.startsWith('requests '));
      assert.deepEqual(rows, []);
    });

    it('forgets a guest everywhere, shows a receipt, and leaves the chain whole', async () => {
      await lane.town.say(`invite ${NAME} <${ANA}> to team Apollo ${REASON}`);
      await lane.shows(ANA, /is invited\./);
      await lane.town.say(`invite ${ANA}`, { conversation: 'group', user: 'axel' });
      await lane.shows(ANA, /already|has not accepted/, 'group');
      await lane.town.say(`invite bo.other@partner.example cc ${ANA}`);
      await lane.shows('bo.other', /is invited\./);
      await lane.town.say('invite bo.second@partner.example');
      const second = await lane.shows('bo.second', /is invited\./);
      assert.ok((await dump(lane.database)).some((one) => traces(one).length > 0));

      const asked = await answer(`forget ${ANA.toUpperCase()}`);
      const question = await lane.shows(ANA, /Shall I erase all of that/);
      assert.equal(question.activityId, asked.activityId);
      assertForPeople(question);
      assert.match(read(question), /Requests about this person: 2\. Others that mention them: 1\./);
      const requestId = cardOf(question).actions?.[0]?.data?.['requestId'];
      await lane.town.press(
        question.activityId,
        'request.answer',
        { requestId, field: 'confirm' },
        { answer: 'erase' },
      );
      await lane.town.until(/All that I kept about this person is erased/);
      const receipt = await latest(asked.activityId);
      assertForPeople(receipt);
      for (const one of [
        row('Requests erased', 2),
        row('Mentions erased in others', 1),
        row('Receipt', String(requestId)),
      ])
        assert.match(read(receipt), one);
      assert.match(read(receipt), /\n\d+ [0-9a-f]{64}\n/);
      assert.match(read(receipt), /By\nRita/);

      // Every card of it changes where it stands.
      await lane.town.until(/Erased at the wish of/, 'personal:rita');
      await lane.town.until(/Erased at the wish of/, 'group');
      for (const conversation of ['personal:rita', 'group']) {
        await lane.town.until(/\(erased\)|Erased at the wish/, conversation);
        for (const card of await untilNone(conversation))
          assert.deepEqual(traces(JSON.stringify(card.attachments)), []);
      }
      assert.deepEqual(
        (await dump(lane.database)).filter((one) => traces(one).length > 0),
        [],
      );
      assert.match(read(await latest(second.activityId)), /bo\.second@partner\.example/);
      assert.deepEqual(
        lane.log.lines.filter((one) => /bug/.test(one) || traces(one).length > 0),
        [],
      );
      await assertNothingLeaked(lane);

      await lane.town.say('audit from today');
      await lane.town.until(/The chain is whole/);
      // The head that the receipt shows is in the chain.
      const [, hash] = /\n\d+ ([0-9a-f]{64})\n/.exec(read(receipt)) ?? [];
      assert.equal((await lane.database.run(`select n from audit_chain where hash = '${hash}'`)).length, 1);
    });

    /** The conversation's cards, once each that named her has been edited. */
    async function untilNone(conversation: string): Promise<readonly Message[]> {
      for (const { activityId, attachments } of await lane.town.cards(conversation)) {
        if (traces(JSON.stringify(attachments)).length === 0) continue;
        await lane.town.until(
          new RegExp(`"activityId":"${activityId}".*(?:\\(erased\\)|Erased at the wish)`),
          conversation,
        );
      }
      return lane.town.cards(conversation);
    }

    it('an old card of what was erased can be pressed, and says why nothing comes of it', async () => {
      const [{ id } = { id: '' }, ...others] = await lane.database.run(
        `select id from requests where erased_at is not null and requester_id = '${RITA}'`,
      );
      assert.deepEqual(others, []);
      const [card] = (await lane.town.cards()).slice(-1);
      for (const verb of ['request.retry', 'request.cancel', 'request.fix', 'guest.again', 'request.again']) {
        const { body } = await lane.town.press(card!.activityId, verb, { requestId: id });
        assert.match(JSON.stringify(body), /has been erased/, verb);
      }
      assert.match(read(await answer(`request ${id}`)), /Erased at the wish of/);
      assertForPeople(await answer('requests'));
      assertForPeople(await answer('guests'));
    });

    it('forgets somebody of a list that was not sent yet, and sends it without them', async () => {
      const people = Array.from({ length: 6 }, (_, n) => `listed${n}@partner.example`);
      const [gone = ''] = people;
      const list = await answer(`invite ${people.join(', ')}`);
      assert.match(read(list), /6 invitations can be sent/);
      await lane.town.say(`forget ${gone}`);
      const asked = await lane.shows(gone, /Shall I erase all of that/);
      const requestId = String(cardOf(asked).actions?.[0]?.data?.['requestId']);
      await lane.town.press(asked.activityId, 'request.answer', { requestId, field: 'confirm' }, { answer: 'erase' });
      await lane.shows(requestId, /All that I kept about this person is erased/);
      assert.deepEqual(
        (await dump(lane.database)).filter((one) => one.includes(gone)),
        [],
      );
      const send = cardOf(await latest(list.activityId)).actions?.find(({ verb }) => verb === 'batch.send');
      assert.ok(send);
      await lane.town.press(list.activityId, 'batch.send', send.data ?? {});
      await lane.shows('List of', /5 guests are invited/);
      const sent = (await lane.town.invitations()).map(({ body }) => body?.['invitedUserEmailAddress']);
      assert.deepEqual(sent.filter((one) => people.includes(String(one))).sort(), people.slice(1));
    });

    it('forgets a guest by an address they went by before, and nothing tells the one they have now', async () => {
      const [before, now] = ['una.wrong@partner.example', 'una.right@partner.example'];
      await lane.town.say('invite cara.copied@partner.example');
      const copied = await lane.shows('cara.copied', /is invited\./);
      await lane.town.say(`invite Una Umlaut <${before}> cc cara.copied@partner.example`);
      await lane.shows(before, /is invited\./);
      await lane.town.say(`reset ${before} to ${now}`);
      await lane.shows(now, /now accepts with/);
      const asked = await answer(`forget ${before}`);
      const question = await lane.shows(before, /This person has gone by 2 addresses/);
      const requestId = cardOf(question).actions?.[0]?.data?.['requestId'];
      await lane.town.press(asked.activityId, 'request.answer', { requestId, field: 'confirm' }, { answer: 'erase' });
      await lane.town.until(
        new RegExp(`"activityId":"${asked.activityId}".*All that I kept about this person is erased`),
      );
      assert.deepEqual(
        (await dump(lane.database)).filter((one) => /una\.|Una Umlaut/.test(one)),
        [],
      );
      assert.match(read(await latest(copied.activityId)), /cara\.copied@partner\.example/);
    });

    it('nothing is kept about somebody nobody asked for', async () => {
      await lane.town.say('forget unknown.person@partner.example');
      await lane.town.until(/I found nothing that I keep about this address/);
      assert.deepEqual(
        (await dump(lane.database)).filter((one) => one.includes('unknown.person')),
        [],
      );
    });

    it('what a colleague asked for stays, and nobody is told that nothing is kept of them', async () => {
      const rows = async () =>
        (await lane.database.run(`select id, requester from requests where requester_id = '${RITA}' order by id`)).map(
          ({ id, requester }) => `${id} ${requester}`,
        );
      const before = await rows();
      assert.ok(before.length > 3);
      const asked = await answer('forget Rita@Contoso.example');
      await lane.town.until(
        new RegExp(`"activityId":"${asked.activityId}".*I keep nothing about this person but what they did`),
      );
      const told = read(await latest(asked.activityId));
      // This one, too, she asked for.
      assert.match(told, new RegExp(`Requests they asked for: ${before.length + 1}\\.`));
      assert.match(
        told,
        /stay as proof of who did what\. Nobody has said for how long\. Admins can do that: type policy/,
      );
      assert.deepEqual(
        (await rows()).filter((one) => before.includes(one)),
        before,
      );
      assert.deepEqual(
        (await dump(lane.database)).filter((one) => /rita@contoso/i.test(one) && one.includes('"forget"')),
        [],
      );
    });

    it('says so where the directory cannot be asked whether it is a colleague', async () => {
      await lane.town.fault({ kind: 'status', status: 403, method: 'GET', path: '/users$', times: -1 });
      await lane.town.say('forget rita@contoso.example');
      await lane.town.until(/I could not ask the directory whether a colleague has this address/);
      await lane.town.heal();
    });

    it('the file of the audit is offered on its card', async () => {
      await lane.town.say('audit from yesterday');
      await lane.town.until(/Audit since/);
      const card = await lane.shows('Audit since', /Head of the chain/);
      assertForPeople(card);
      const requestId = cardOf(card).actions?.[0]?.data?.['requestId'];
      await lane.town.press(card.activityId, 'request.file', { requestId });
      await lane.town.until(/audit-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv/);
    });

    it('offers the audit as a form, with its faults beside their fields', async () => {
      const form = await answer('audit');
      assert.deepEqual(buttonsOf(form).slice(0, 1), ['audit.submit']);
      const data = cardOf(form).actions?.[0]?.data ?? {};
      await lane.town.press(form.activityId, 'audit.submit', data, { from: '1 Oct', to: 'when pigs fly' });
      await lane.town.press(form.activityId, 'audit.submit', data, { from: '2026-01-01', to: '' });
      await lane.town.until(/Audit since/);
    });

    it('a line that somebody changed in the database is found and named', async () => {
      await unguard(lane.database, engine.name);
      const [{ seq } = { seq: 0 }] = await lane.database.run('select min(seq) + 1 as seq from audit');
      await lane.database.run(`update audit set who = 'somebody else' where seq = ${seq}`);
      await lane.town.say('audit from yesterday');
      await lane.town.until(new RegExp(`What line ${seq} says was changed after it was written`));
    });
  });

  describe(`forgetting is killed in the middle, on ${engine.name}`, function () {
    this.timeout(120_000);
    it('and goes on where it stopped, with the counts of the whole', async function () {
      if (engine.absent) skip(this, engine.absent);
      const town = await Town.open();
      const database = await engine.open();
      let bot: ChildBot = await spawnBot(town, database.url, { ADMINS: RITA });
      try {
        await town.say(`invite ${NAME} <${ANA}> ${REASON}`);
        await town.until(/is invited\./);
        const columns =
          'capability, subject, tenant_id, requester_id, requester, place, input, outcome, state, next_at, created_at, updated_at, standing';
        const series =
          engine.name === 'SQLite'
            ? 'with recursive series(n) as (select 1 union all select n + 1 from series where n < 5999)'
            : 'with series(n) as (select generate_series(1, 5999))';
        await database.run(
          `insert into requests (id, key, ${columns}) ${series} select 'x' || n, 'k' || n, ${columns.replace(' state,', " 'done',")} from series, requests where capability = 'guest'`,
        );
        await town.say(`forget ${ANA}`);
        await town.until(/Requests about this person: 6000\./, 'personal:rita', 30_000);
        const question = (await town.cards()).at(-1)!;
        const requestId = cardOf(question).actions?.[0]?.data?.['requestId'];
        await town.press(question.activityId, 'request.answer', { requestId, field: 'confirm' }, { answer: 'erase' });
        const erased = async () =>
          Number((await database.run('select count(erased_at) as count from requests'))[0]!['count']);
        // SQLite answers without leaving the event loop, in which the sandbox has to answer as well.
        while ((await erased()) === 0) await new Promise((resolve) => setImmediate(resolve));
        await bot.kill();
        const count = await erased();
        assert.ok(count > 0 && count < 6_000, `${count} were erased when it was killed`);
        bot = await spawnBot(town, database.url, { ADMINS: RITA });
        await town.until(/All that I kept about this person is erased/, 'personal:rita', 60_000);
        const receipt = (await town.cards()).find(({ activityId }) => activityId === question.activityId)!;
        assert.match(read(receipt), row('Requests erased', 6000));
        // A head is shown of a chain that is whole: what was erased before the kill is told of.
        assert.match(read(receipt), /\n\d+ [0-9a-f]{64}\n/);
        assert.deepEqual(
          (await dump(database)).filter((one) => traces(one).length > 0),
          [],
        );
        await bot.stop();
        assert.deepEqual(traces(files(database)), []);
      } finally {
        await bot.kill();
        await town.close();
        await database.drop();
      }
    });
  });
}
