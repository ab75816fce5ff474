/**
 * The card follows its request whatever the connector does: it is edited when that is possible, posted anew when the
 * message is gone, tried again when Teams is unwell, and given up only where the bot was thrown out.
 */
import assert from 'node:assert/strict';
import { sendRaw } from '../support/edge.ts';
import { assertForPeople, assertNothingLeaked, cardOf, type Lane, openLane, sqlite, textOf } from '../support/walk.ts';

describe('the card of a request', function () {
  this.timeout(30_000);
  let lane: Lane;
  let people = 0;

  before(async () => {
    lane = await openLane(await sqlite());
    // Somebody whom the roster knows: what follows is about the cards.
    await lane.town.say('help');
  });
  afterEach(async () => {
    await lane.town.heal();
    assert.deepEqual(
      lane.log.lines.filter((line) => /bug/.test(line)),
      [],
    );
  });
  after(async () => {
    await assertNothingLeaked(lane);
    await lane.close();
  });

  const someone = (): string => `card${++people}@partner.example`;
  const about = async (address: string) =>
    (await lane.town.cards()).filter((message) => JSON.stringify(message).includes(address));
  const connector = (fault: Record<string, unknown>) => lane.town.fault({ remote: 'connector', ...fault });
  const edits = { method: 'PUT', path: '/activities/' };
  /** Asks for an invitation that takes its time, so that its receipt is there before the result. */
  async function invite(address: string): Promise<void> {
    await lane.town.fault({ kind: 'throttle', path: '/users$', retryAfter: 0.2 });
    await lane.town.say(`invite ${address}`);
  }

  for (const [name, fault] of [
    ['429 with a time', { kind: 'throttle', retryAfter: 0.2 }],
    ['429 without', { kind: 'throttle', retryAfter: null }],
    ['500', { kind: 'status', status: 500 }],
    ['502', { kind: 'html', status: 502 }],
    ['503 with a time', { kind: 'status', status: 503, retryAfter: 0.2 }],
    ['401', { kind: 'status', status: 401 }],
    ['a reset before the work', { kind: 'dropBefore' }],
    ['a reset after the work', { kind: 'dropAfter' }],
    ['an answer cut short', { kind: 'truncated' }],
  ] as const) {
    it(`is edited in the end when an edit meets ${name}`, async () => {
      const address = someone();
      await connector({ ...edits, ...fault, times: 2 });
      await invite(address);
      const done = await lane.shows(address, /is invited\./);
      assertForPeople(done);
      assert.equal((await about(address)).length, 1, 'and it is the same message');
      assert.match(textOf(cardOf(done)), /^Invited$/m);
    });
  }

  for (const status of [403, 404, 412]) {
    it(`is posted anew when an edit is answered with ${status}`, async () => {
      const address = someone();
      await connector({ ...edits, kind: 'status', status });
      await invite(address);
      const done = await lane.shows(address, /is invited\./);
      const [old, fresh, ...others] = await about(address);
      assert.deepEqual(others, []);
      assert.notEqual(old?.activityId, fresh?.activityId);
      assert.equal(done.activityId, fresh?.activityId);
    });
  }

  it('is posted anew, once, when somebody deleted the message before the result', async () => {
    const address = someone();
    await lane.town.fault({ kind: 'throttle', path: '/users$', retryAfter: 1 });
    await lane.town.say(`invite ${address}`);
    const slowed = await lane.shows(address, /Microsoft asked me to slow down/);
    await lane.town.control('delete-message', { conversation: 'personal:rita', activityId: slowed.activityId });
    const done = await lane.shows(address, /is invited\./);
    assert.notEqual(done.activityId, slowed.activityId);
    assert.equal((await about(address)).filter((message) => !message.deleted).length, 1);
  });

  it('is posted in the end when the receipt could not be', async () => {
    for (const fault of [
      { kind: 'throttle', retryAfter: 0.2 },
      { kind: 'status', status: 500 },
      { kind: 'dropBefore' },
    ]) {
      const address = someone();
      await connector({ method: 'POST', path: '/activities$', ...fault, times: 2 });
      const { statuses } = await lane.town.say(`invite ${address}`);
      assert.deepEqual(statuses, [200], 'the request is filed all the same');
      await lane.shows(address, /is invited\./);
      assert.equal((await about(address)).length, 1);
    }
  });

  it('is given up where the bot was thrown out, but the work is done, and the story stays readable', async () => {
    const address = someone();
    await lane.town.say('help', { conversation: 'meeting' });
    await lane.town.fault({ kind: 'throttle', path: '/users$', retryAfter: 1 });
    await lane.town.say(`invite ${address}`, { conversation: 'meeting' });
    await lane.shows(address, /slow down/, 'meeting');
    await lane.town.control('install', { conversation: 'meeting', user: 'rita', remove: true });
    await lane.town.control(`wait?mails=${address}`);
    await lane.town.control(`wait?calls=${encodeURIComponent('connector POST .* 403')}&remote=connector`);
    await lane.town.say(`guest ${address}`);
    await lane.shows(address, /is invited\./);
  });

  describe('that answers a turn', () => {
    for (const fault of [
      { kind: 'status', status: 500 },
      { kind: 'throttle', retryAfter: 1 },
      { kind: 'dropBefore' },
      { kind: 'status', status: 403 },
    ]) {
      it(`comes when the activity comes again, if it could not be posted (${fault.kind} ${fault.status ?? ''})`, async () => {
        await connector({ method: 'POST', path: '/activities/', ...fault });
        const before = (await lane.town.cards()).length;
        const { activityId, statuses } = await lane.town.say('help');
        assert.deepEqual(statuses, [503], 'the channel is asked to send it again');
        assert.equal((await lane.town.cards()).length, before);
        const again = await lane.town.say('help', { id: activityId });
        assert.deepEqual(again.statuses, [200]);
        assert.equal((await lane.town.cards()).length, before + 1);
      });
    }

    it('to a form submitted in the older way is overtaken by the result, and does not stay', async () => {
      await lane.town.say('invite');
      const form = (await lane.town.cards()).at(-1);
      assert.ok(form);
      const formId = cardOf(form).actions?.find((one) => one.verb === 'guest.submit')?.data?.['formId'];
      const address = someone();
      await connector({ ...edits, kind: 'late', ms: 500 });
      await lane.town.control('submit', {
        conversation: 'personal:rita',
        user: 'rita',
        activityId: form.activityId,
        data: { verb: 'guest.submit', formId },
        inputs: { people: address },
      });
      await lane.shows(address, /is invited\./);
      const isLateThere = async () => (await lane.town.calls('connector')).some((call) => call.fault === 'late');
      while (!(await isLateThere()));
      const state = async () => {
        const now = (await lane.town.cards()).find((message) => message.activityId === form.activityId);
        return now ? textOf(cardOf(now)) : '';
      };
      while (!/^Invited$/m.test(await state()));
    });

    it('to a form submitted in the older way is posted when the form was deleted', async () => {
      await lane.town.say('invite');
      const form = (await lane.town.cards()).at(-1);
      assert.ok(form);
      const formId = cardOf(form).actions?.find((one) => one.verb === 'guest.submit')?.data?.['formId'];
      await lane.town.control('delete-message', { conversation: 'personal:rita', activityId: form.activityId });
      const where = { conversation: 'personal:rita', user: 'rita', activityId: form.activityId };
      const submit = async (who: string) =>
        lane.town.control<{ statuses: number[] }>('submit', {
          ...where,
          data: { verb: 'guest.submit', formId },
          inputs: { people: who },
        });
      const before = (await lane.town.cards()).length;
      assert.deepEqual((await submit('nobody')).statuses, [200]);
      const [faulty] = (await lane.town.cards()).slice(before);
      assert.match(faulty ? textOf(cardOf(faulty)) : '', /I found no mail address in “nobody”/);
      const address = someone();
      assert.deepEqual((await submit(address)).statuses, [200]);
      const done = await lane.shows(address, /is invited\./);
      assert.equal(done.deleted, false);
    });
  });
});

describe('a bot whose store is gone', () => {
  it('is alive but not ready, says what is missing, and tells people that it could not', async () => {
    const lane = await openLane(await sqlite());
    try {
      const get = (path: string) => sendRaw(`${lane.bot.url}${path}`, { method: 'GET' });
      assert.deepEqual((await get('/readyz')).json, { ready: true });
      await lane.database.run('alter table usher_migration rename to usher_migration_gone');
      await lane.database.run('alter table requests rename to requests_gone');
      const answered = await get('/readyz');
      assert.equal(answered.status, 503);
      assert.deepEqual(answered.json, { ready: false, missing: ['store'] });
      assert.equal((await get('/healthz')).status, 200);

      await lane.town.say('invite ana@partner.example');
      const [told] = await lane.town.cards();
      assert.match(told ? textOf(cardOf(told)) : '', /Something went wrong on my side, and nothing was sent\./);
      assert.match(told ? textOf(cardOf(told)) : '', /give your admin this number: [0-9a-z]{8}/);
      assert.equal((await lane.town.calls()).length, 0);

      await lane.database.run('alter table usher_migration_gone rename to usher_migration');
      await lane.database.run('alter table requests_gone rename to requests');
      assert.deepEqual((await get('/readyz')).json, { ready: true });
      await lane.town.say('invite ana@partner.example');
      await lane.shows('ana@partner.example', /is invited\./);
    } finally {
      await lane.close();
    }
  });
});
