/**
 * Many guests at once, through the real HTTP edge on both engines: pasted lists and files become one card; nothing leaves
 * before Send; every row is invited once; what failed is tried again alone; the result is a file.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { attach, invited, listCard, press } from '../support/lists.ts';
import { PEOPLE, withPolicy } from '../support/policy.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import {
  assertForPeople,
  assertNothingLeaked,
  buttonsOf,
  cardOf,
  type Lane,
  openLane,
  textOf,
} from '../support/walk.ts';

/** Whom one test invites is known to the next: each has people of its own. */
let tests = 0;
const people = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `guest${n}@p${tests}.partner.example`);

for (const engine of await engines()) {
  describe(`many guests on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;
    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine);
    });
    after(() => lane?.close());
    beforeEach(() => {
      tests += 1;
    });
    afterEach(async () => {
      await lane.town.heal();
      await lane.town.control('reset', {});
    });

    it('asks before a pasted list is sent, and sends each once', async () => {
      const all = people(8);
      await lane.town.say(`invite ${all.join(', ')} because joint PoC`);
      const shown = await listCard(lane, /8 invitations can be sent/);
      assert.deepEqual(buttonsOf(shown), ['batch.send', 'request.cancel', 'request.file']);
      assert.deepEqual(await lane.town.invitations(), []);
      await Promise.all([press(lane, shown, 'batch.send'), press(lane, shown, 'batch.send')]);
      const done = await listCard(lane, /8 guests are invited/);
      assert.deepEqual((await invited(lane)).sort(), all);
      assert.deepEqual(buttonsOf(done), ['request.file']);
      assertForPeople(done);
      await lane.town.say('requests');
      const asked = await lane.shows('Your requests', /List of 8 guests/);
      assert.doesNotMatch(textOf(cardOf(asked)), /guest0/, 'the list stands for its rows');
      // One card for all: the rows have none of their own.
      assert.equal((await lane.town.cards()).filter(({ summary }) => /guest\d/.test(summary ?? '')).length, 0);
      await assertNothingLeaked(lane);
    });

    it('reads a file with headings in any order, and says of each line why it is not sent', async () => {
      const [ana = '', di = ''] = people(2);
      const text = [
        'Name;Nonsense;E-Mail Address',
        `Ana Silva;1;${ana}`,
        'Bo;2;no address here',
        `;3;${ana}`,
        '',
        '"Dr. Cy; Long";4;cy+tag@partner.example',
        `Di;5;${di}`,
      ].join('\r\n');
      await attach(lane, `\ufeff${text}`);
      const shown = await listCard(lane, /2 invitations can be sent/);
      const said = textOf(cardOf(shown));
      assert.match(said, /Guests from guests\.csv/);
      assert.match(said, /I did not use these columns: Nonsense/);
      assert.match(said, /Line 3\n.*no address here/);
      assert.match(said, /Line 4\n.*The same as line 2/);
      assert.match(said, /Line 6\n/);
      assert.match(said, /Cannot be read\n2/);
      await press(lane, shown, 'batch.send');
      await listCard(lane, /2 guests are invited/);
      assert.deepEqual((await invited(lane)).sort(), [ana, di]);
      const names = (await lane.town.invitations()).map(({ body }) => body?.['invitedUserDisplayName']);
      assert.ok(names.includes('Ana Silva'));
    });

    it('takes what is typed beside a file for all its rows', async () => {
      await attach(lane, people(2).join('\n'), 'list.txt', 'invite to team Apollo in Portuguese');
      const shown = await listCard(lane, /2 invitations can be sent/);
      await press(lane, shown, 'batch.send');
      await listCard(lane, /2 guests are invited/);
      for (const { body } of await lane.town.invitations())
        assert.equal(JSON.stringify(body?.['invitedUserMessageInfo']), '{"messageLanguage":"pt"}');
      assert.equal(
        (await lane.town.calls()).filter(({ path, status }) => /\/members$/.test(path) && status === 201).length,
        2,
      );
    });

    it('leaves out who was invited before, and tries only what failed again', async () => {
      const all = people(7);
      await lane.town.say(`invite ${all[0]}`);
      await lane.shows(all[0] ?? '', /is invited/);
      await lane.town.fault({ kind: 'status', method: 'POST', path: 'invitations', status: 400, times: 2 });
      await attach(lane, `email\n${all.join('\n')}`);
      const shown = await listCard(lane, /6 invitations can be sent/);
      assert.match(textOf(cardOf(shown)), /Here or invited already\n1/);
      await press(lane, shown, 'batch.send');
      const failed = await listCard(lane, /2 did not work/);
      assert.equal((await invited(lane)).length, 5);
      assert.equal(buttonsOf(failed)[0], 'batch.retry');
      await press(lane, failed, 'batch.retry');
      await listCard(lane, /6 guests are invited/);
      assert.deepEqual((await invited(lane)).sort(), all);
    });

    it('lets nobody but whoever asked send it', async () => {
      await lane.town.say(`invite ${people(6).join(' ')}`, { conversation: 'group' });
      const shown = await listCard(lane, /6 invitations can be sent/, 'group');
      const where = { conversation: 'group', user: 'axel' };
      const { body } = await press(lane, shown, 'batch.send', where);
      assert.match(String(body.value), /Only Rita/);
      // In the moment in which somebody looks at it, it cannot be cancelled: then the press says so.
      for (let told = 'working on this'; /working on this/.test(told); )
        told = String((await press(lane, shown, 'request.cancel', { conversation: 'group' })).body.value);
      await listCard(lane, /Cancelled/, 'group');
      assert.deepEqual(await lane.town.invitations(), []);
    });

    it('hands the result over as a file, to whoever asked, once they allow it', async () => {
      const [one = ''] = people(1);
      await attach(lane, `email,reason\n${one},=1+1\nnot an address,x\n`);
      const shown = await listCard(lane, /1 invitation can be sent/);
      await press(lane, shown, 'batch.send');
      const done = await listCard(lane, /1 guest is invited/);
      await press(lane, done, 'request.file');
      await lane.town.until(/file\.consent/);
      const offered = (await lane.town.cards()).at(-1);
      assert.ok(offered);
      const answer = { conversation: 'personal:rita', user: 'rita', activityId: offered.activityId };
      // A forged place is not written to.
      await lane.town.control('consent', { ...answer, accept: true, uploadUrl: 'https://evil.example/x' });
      await lane.town.until(/could not be put into your OneDrive/);
      const { fileId } = await lane.town.control<{ fileId: string }>('consent', { ...answer, accept: true });
      await lane.town.until(/file\.info/);
      const file = lane.town.sandbox.world.files.find(({ id }) => id === fileId);
      const text = file?.content.toString('utf8') ?? '';
      const [head, first, second] = text.split('\r\n');
      assert.match(head ?? '', /^\ufeffLine,/);
      assert.match(first ?? '', new RegExp(`^2,${one},.*'=1\\+1.*Invited`));
      assert.match(second ?? '', /^3,not an address,.*Cannot be read, not sent/);
      assert.doesNotMatch(text, /redeem/);
    });

    it('gives the file of a request to nobody else', async () => {
      await lane.town.say(`invite ${people(6).join(' ')}`, { conversation: 'group' });
      const shown = await listCard(lane, /6 invitations can be sent/, 'group');
      const { body } = await press(lane, shown, 'request.file', { conversation: 'group', user: 'axel' });
      assert.match(String(body.value), /Only Rita/);
      await press(lane, shown, 'request.file', { conversation: 'group' });
      await lane.town.until(/file\.consent/);
      const offered = (await lane.town.cards()).at(-1);
      const context = { requestId: cardOf(shown).actions?.[0]?.data?.['requestId'] };
      await lane.town.control('consent', {
        conversation: 'personal:rita',
        user: 'rita',
        activityId: offered?.activityId,
        accept: false,
      });
      await lane.town.until(/I keep it/);
      assert.ok(context.requestId);
    });

    it('stops a list that is under way', async () => {
      await lane.town.control('settings', { latencyMs: 60 });
      await attach(lane, `email\n${people(300).join('\n')}`);
      const shown = await listCard(lane, /300 invitations can be sent/);
      await press(lane, shown, 'batch.send');
      const under = await listCard(lane, /of 300 are through/);
      await press(lane, under, 'batch.stop');
      const done = await listCard(lane, /Stopped, as you asked/);
      const sent = await invited(lane);
      assert.ok(sent.length < 300, `${sent.length} were sent`);
      assert.equal(new Set(sent).size, sent.length);
      assert.match(textOf(cardOf(done)), new RegExp(`${sent.length} guests are invited`));
    });

    it('says what it cannot read', async () => {
      const cases: [string, string, RegExp][] = [
        ['guests.xlsx', 'PK', /save the list as CSV/],
        ['empty.csv', '\n\n', /There is nobody in this file/],
        ['names.csv', 'name\nAna\nBo\n', /found no mail addresses/],
        ['open.csv', 'email\n"never closed@partner.example\n', /from line 2 on/],
        ['big.csv', `email\n${'x'.repeat(5 * 1024 * 1024)}`, /larger than 5 MB/],
        ['long.csv', `email\n${people(10_001).join('\n')}`, /at most 10000 people/],
      ];
      for (const [name, text, says] of cases) {
        await attach(lane, text, name);
        await lane.town.until(says);
      }
      assert.deepEqual(await lane.town.invitations(), []);
    });
  });

  describe(`a list and the rules on ${engine.name}`, function () {
    this.timeout(60_000);
    let lane: Lane;
    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(
        engine,
        withPolicy({
          blockedDomains: ['blocked.example'],
          bulkLimit: 20,
          approvals: [
            { name: 'Partners', domains: ['partner.example'], approvers: [PEOPLE.axel] },
            { name: 'Rivals', domains: ['rival.example'], approvers: [PEOPLE.ada] },
          ],
        }),
      );
    });
    after(() => lane?.close());
    beforeEach(() => {
      tests += 1;
    });
    afterEach(() => lane.town.control('reset', {}));

    const pressAs = (user: string, card: Message, verb: string) =>
      press(lane, card, verb, { conversation: `personal:${user}`, user });

    it('is approved as a whole, once, and nothing is sent before', async () => {
      const all = people(6);
      await attach(lane, `email\n${all.join('\n')}\nx@blocked.example\n`);
      const shown = await listCard(lane, /6 invitations can be sent/);
      assert.match(textOf(cardOf(shown)), /Against the rules\n1/);
      await press(lane, shown, 'batch.send');
      const asked = await listCard(lane, /Please decide/, 'personal:axel');
      assert.deepEqual(await lane.town.invitations(), []);
      await pressAs('axel', asked, 'request.approve');
      await listCard(lane, /6 guests are invited/);
      assert.deepEqual((await invited(lane)).sort(), all);
      assert.equal((await lane.town.cards('personal:axel')).length, 1, 'one card for all rows');
      assert.deepEqual(await lane.town.cards('personal:ada'), []);
    });

    it('is not sent when it is refused', async () => {
      await attach(lane, `email\n${people(6).join('\n')}`);
      await press(lane, await listCard(lane, /6 invitations can be sent/), 'batch.send');
      const asked = await listCard(lane, /Please decide/, 'personal:axel');
      await lane.town.press(
        asked.activityId,
        'request.refuse',
        cardOf(asked).actions?.find(({ verb }) => verb === 'request.refuse')?.data ?? {},
        { words: 'Not now' },
        { conversation: 'personal:axel', user: 'axel' },
      );
      await listCard(lane, /Not now/);
      assert.deepEqual(await lane.town.invitations(), []);
    });

    it('falls into a list per rule: each is asked of whoever that rule names, and refused for itself', async () => {
      const all = people(5);
      await attach(lane, `email\n${all.join('\n')}\nr${tests}@rival.example\nnot an address\n`);
      const mine = await listCard(lane, /5 invitations can be sent/);
      assert.match(textOf(cardOf(mine)), /list 1 of 2[\s\S]*Partners has to be approved[\s\S]*Cannot be read\n1/);
      const rivals = await listCard(lane, /1 invitation can be sent/);
      assert.match(textOf(cardOf(rivals)), /list 2 of 2[\s\S]*Rivals has to be approved/);
      assert.doesNotMatch(textOf(cardOf(rivals)), /Cannot be read/);
      await press(lane, mine, 'batch.send');
      await press(lane, rivals, 'batch.send');
      const theirs = await listCard(lane, /Please decide/, 'personal:ada');
      await pressAs('axel', await listCard(lane, /Please decide/, 'personal:axel'), 'request.approve');
      await listCard(lane, /5 guests are invited/);
      assert.deepEqual((await invited(lane)).sort(), all);
      const refuse = cardOf(theirs).actions?.find(({ verb }) => verb === 'request.refuse')?.data ?? {};
      const ada = { conversation: 'personal:ada', user: 'ada' };
      await lane.town.press(theirs.activityId, 'request.refuse', refuse, { words: 'Not them' }, ada);
      await listCard(lane, /Not them/);
      assert.equal((await invited(lane)).length, 5, 'only theirs are refused');
    });

    it('is said to be several lists where the form it was typed into stood', async () => {
      await lane.town.say('invite');
      const form = await lane.shows('Invite', /guest\.submit/);
      const typed = [...people(5), `r${tests}@rival.example`].join(', ');
      const data = cardOf(form).actions?.find(({ verb }) => verb === 'guest.submit')?.data ?? {};
      const { body } = await lane.town.press(form.activityId, 'guest.submit', data, { people: typed });
      assert.match(JSON.stringify(body.value), /This became 2 lists.*nothing has been sent yet/);
      await listCard(lane, /5 invitations can be sent/);
      await listCard(lane, /1 invitation can be sent/);
      assert.deepEqual(await lane.town.invitations(), []);
    });

    it('is longer than the rules allow, also when it falls into lists that are not', async () => {
      await attach(lane, `email\n${[...people(15), `r${tests}@rival.example`, ...people(21).slice(15)].join('\n')}`);
      await lane.town.until(/22.*20|20.*22/);
      assert.deepEqual(await lane.town.invitations(), []);
    });

    it('is refused as a whole when it is longer than the rules allow', async () => {
      await attach(lane, `email\n${people(21).join('\n')}`);
      await lane.town.until(/21.*20|20.*21/);
      assert.deepEqual(await lane.town.invitations(), []);
    });
  });
}
