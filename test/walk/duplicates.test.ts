/**
 * Everything comes twice some day: a resent activity, a double click, a form pressed again, two processes that are told
 * the same. One intent has one effect and one receipt.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { activity, sendRaw, TENANT_ID } from '../support/edge.ts';
import { skip } from '../support/skip.ts';
import { type Bot, type Message, startBot } from '../support/usher.ts';
import { buttonsOf, cardOf, type Lane, openLane, textOf } from '../support/walk.ts';

for (const engine of await engines()) {
  describe(`what comes twice, on ${engine.name}`, function () {
    this.timeout(30_000);
    let lane: Lane;
    let people = 0;

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine);
    });
    afterEach(() => lane.town.heal());
    after(() => lane?.close());

    const someone = (): string => `twice${++people}@partner.example`;

    /** One request, one invitation, one mail, one card, however often it was asked for. */
    async function assertOnce(address: string): Promise<Message> {
      const done = await lane.shows(address, /is invited\./);
      const { mails, invitations } = lane.town.sandbox.world;
      assert.equal(mails.filter((mail) => mail.to === address).length, 1, 'mails');
      assert.equal(invitations.filter((one) => one.address === address).length, 1, 'invitations');
      const requests = await lane.database.run(`select id from requests where subject = '${address}'`);
      assert.equal(requests.length, 1, 'requests');
      const receipts = (await lane.town.cards()).filter((card) => JSON.stringify(card).includes(address));
      assert.equal(receipts.length, 1, 'receipts');
      const accepted = await lane.database.run(
        `select what from audit where what = 'accepted' and request_id = '${requests[0]?.['id']}'`,
      );
      assert.equal(accepted.length, 1, 'accepted');
      return done;
    }

    async function openForm(): Promise<{ message: Message; formId: string }> {
      const { activityId } = await lane.town.say('invite');
      assert.ok(activityId);
      const message = (await lane.town.cards()).at(-1);
      assert.ok(message);
      const formId = cardOf(message).actions?.find((one) => one.verb === 'guest.submit')?.data?.['formId'];
      assert.ok(formId, 'a form has an id');
      return { message, formId };
    }

    it('an activity delivered ten times at once is one request with one receipt', async () => {
      const address = someone();
      const { statuses } = await lane.town.say(`invite ${address}`, { copies: 10 });
      assert.deepEqual(statuses, Array(10).fill(200));
      await assertOnce(address);
    });

    it('an activity delivered again when all is done changes nothing', async () => {
      const address = someone();
      const { activityId } = await lane.town.say(`invite ${address}`);
      await assertOnce(address);
      for (let n = 0; n < 3; n++) await lane.town.say(`invite ${address}`, { id: activityId });
      await assertOnce(address);
    });

    it('an activity for several people, delivered ten times, is one request for each', async () => {
      const addresses = [someone(), someone(), someone()];
      await lane.town.say(`invite ${addresses.join(', ')}`, { copies: 10 });
      for (const address of addresses) await assertOnce(address);
    });

    it('several people who ask for the same guest at the same moment send one mail, whatever the directory shows', async () => {
      const address = someone();
      await lane.town.control('settings', { directoryDelayMs: 60_000 });
      await Promise.all(Array.from({ length: 5 }, () => lane.town.say(`invite ${address}`)));
      const answered = new URLSearchParams({
        conversation: 'personal:rita',
        matches: `"from":"bot".*${address}.*(?:is invited|has not accepted)`,
        count: '5',
        timeoutMs: '10000',
      });
      await lane.town.control(`wait?${answered}`);
      const others = await lane.database.run(`select id from requests where subject = '${address}'`);
      assert.equal(others.length, 5, 'each asked for it, so each has an answer');
      const { mails } = lane.town.sandbox.world;
      assert.equal(mails.filter((mail) => mail.to === address).length, 1, 'mails');
      await lane.town.control('settings', { directoryDelayMs: 0 });
    });

    it('a help delivered ten times is answered once', async () => {
      const before = (await lane.town.cards()).length;
      await lane.town.say('help', { copies: 10 });
      assert.equal((await lane.town.cards()).length, before + 1);
    });

    it('a form pressed five times at once, and again later, is one request', async () => {
      const address = someone();
      const { message, formId } = await openForm();
      const press = (copies: number) =>
        lane.town.press(message.activityId, 'guest.submit', { formId }, { people: address }, { copies });
      const { body } = await press(5);
      assert.equal(body.type, 'application/vnd.microsoft.card.adaptive');
      const done = await assertOnce(address);
      assert.equal(done.activityId, message.activityId, 'the form itself becomes the receipt');
      const later = await press(2);
      assert.match(JSON.stringify(later.body.value), /is invited\./);
      await assertOnce(address);
    });

    it('a form submitted five times at once in the older way, and again later, is one request', async () => {
      const address = someone();
      const { message, formId } = await openForm();
      const submit = (copies: number) =>
        lane.town.control('submit', {
          conversation: 'personal:rita',
          user: 'rita',
          activityId: message.activityId,
          data: { verb: 'guest.submit', formId },
          inputs: { people: address },
          copies,
        });
      await submit(5);
      await assertOnce(address);
      await submit(2);
      const done = await assertOnce(address);
      assert.equal(done.activityId, message.activityId);
    });

    it('a form that comes in both ways at once is one request', async () => {
      const address = someone();
      const { message, formId } = await openForm();
      const inputs = { people: address };
      const where = { conversation: 'personal:rita', user: 'rita', activityId: message.activityId, inputs };
      await Promise.all([
        lane.town.press(message.activityId, 'guest.submit', { formId }, inputs, { copies: 3 }),
        lane.town.control('submit', { ...where, data: { verb: 'guest.submit', formId }, copies: 3 }),
      ]);
      await assertOnce(address);
    });

    it('a form for several people, pressed five times, is one request for each', async () => {
      const addresses = [someone(), someone()];
      const { message, formId } = await openForm();
      await lane.town.press(
        message.activityId,
        'guest.submit',
        { formId },
        { people: addresses.join('\n') },
        { copies: 5 },
      );
      for (const address of addresses) await assertOnce(address);
    });

    it('a form with a fault may be sent again when it is mended', async () => {
      const address = someone();
      const { message, formId } = await openForm();
      const faulty = await lane.town.press(
        message.activityId,
        'guest.submit',
        { formId },
        { people: 'nobody' },
        { copies: 3 },
      );
      assert.match(JSON.stringify(faulty.body.value), /I found no mail address in “nobody”/);
      await lane.town.press(message.activityId, 'guest.submit', { formId }, { people: address });
      await assertOnce(address);
    });

    it('the same words typed again are another wish, which finds that it is fulfilled', async () => {
      const address = someone();
      await lane.town.say(`invite ${address}`);
      await assertOnce(address);
      await lane.town.say(`invite ${address}`);
      const found = await lane.shows(address, /was invited before and has not accepted yet, so I sent no second mail/);
      assert.deepEqual(buttonsOf(found), ['command.run', 'command.run']);
      assert.equal(lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length, 1);
    });

    it('Send the mail again pressed ten times at once sends one, and another press later none', async () => {
      const address = someone();
      await lane.town.control('world', {
        users: [{ displayName: 'Tia', mail: address, userType: 'Guest', externalUserState: 'PendingAcceptance' }],
      });
      await lane.town.say(`invite ${address}`);
      const found = await lane.shows(address, /was invited before/);
      const data = cardOf(found).actions?.[0]?.data ?? {};
      const again = (copies: number) => lane.town.press(found.activityId, 'command.run', data, {}, { copies });
      await again(10);
      await lane.shows(address, /Another invitation mail is on its way/);
      await again(2);
      assert.equal(lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length, 1);
      const requests = await lane.database.run(`select id from requests where subject = '${address}'`);
      assert.equal(requests.length, 2);
    });

    it('Send it again pressed ten times at once sends one mail', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'status', status: 500, path: '/invitations$', times: 8 });
      await lane.town.say(`invite ${address}`);
      const unsure = await lane.shows(address, /"text":"Unsure"/);
      const requestId = cardOf(unsure).actions?.[0]?.data?.['requestId'] ?? '';
      await lane.town.press(unsure.activityId, 'request.again', { requestId }, {}, { copies: 10 });
      await lane.shows(address, /is invited\. The mail is on its way/);
      assert.equal(lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length, 1);
    });

    it('It arrived and Send it again, pressed at once, are one decision', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'status', status: 500, path: '/invitations$', times: 8 });
      await lane.town.say(`invite ${address}`);
      const unsure = await lane.shows(address, /"text":"Unsure"/);
      const requestId = cardOf(unsure).actions?.[0]?.data?.['requestId'] ?? '';
      const verbs = ['request.arrived', 'request.again', 'request.arrived', 'request.again'];
      await Promise.all(verbs.map((verb) => lane.town.press(unsure.activityId, verb, { requestId })));
      const done = await lane.shows(address, /"text":"Invited"/);
      const sent = /You said that it arrived/.test(textOf(cardOf(done))) ? 0 : 1;
      assert.equal(lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length, sent);
      const chosen = await lane.database.run(
        `select what from audit where request_id = '${requestId}' and what in ('said it arrived', 'said send again')`,
      );
      assert.equal(chosen.length, 1);
    });

    it('a question answered twice at once is answered once', async () => {
      const address = someone();
      await lane.town.say(`invite ${address} to team Zenith`);
      const asked = await lane.shows(address, /There are 2 teams called/);
      const [sales, engineering] = JSON.stringify(cardOf(asked)).match(/team:[0-9a-f-]{36}:Zenith/g) ?? [];
      const requestId = cardOf(asked).actions?.[0]?.data?.['requestId'] ?? '';
      await Promise.all(
        [sales, engineering, sales].map((answer) =>
          lane.town.press(asked.activityId, 'request.answer', { requestId, field: 'team' }, { answer }),
        ),
      );
      await lane.shows(address, /They are now in Zenith\./);
      const { users, groups, mails } = lane.town.sandbox.world;
      const guest = users.find((user) => user.mail === address);
      assert.equal(groups.filter((group) => group.members.includes(guest?.id ?? '')).length, 1);
      assert.equal(mails.filter((mail) => mail.to === address).length, 1);
    });

    describe('by two processes', () => {
      let other: Bot;
      let first: string;
      before(async () => {
        first = lane.town.sandbox.botUrl ?? '';
        other = await startBot(lane.town, lane.database.url);
        lane.town.sandbox.botUrl = first;
      });
      after(() => other?.stop());

      const rita = (more: Record<string, unknown>): Record<string, unknown> => {
        const { people: all, conversations } = lane.town.sandbox.world;
        return activity({
          serviceUrl: lane.town.sandbox.serviceUrl,
          from: { id: all[0]?.teamsId, aadObjectId: all[0]?.userId, name: 'Rita Requester' },
          conversation: { id: conversations[0]?.id, conversationType: 'personal', tenantId: TENANT_ID },
          text: undefined,
          ...more,
        });
      };
      const toBoth = async (one: Record<string, unknown>): Promise<void> => {
        const urls = [first, `${other.url}/api/messages`, first, `${other.url}/api/messages`];
        const answers = await Promise.all(urls.map((url) => sendRaw(url, { body: one })));
        assert.deepEqual(
          answers.map((answered) => answered.status),
          [200, 200, 200, 200],
        );
      };

      it('one activity is one request with one receipt', async () => {
        for (let n = 0; n < 5; n++) {
          const address = someone();
          await toBoth(rita({ id: `both-${engine.name}-${n}`, text: `invite ${address}` }));
          await assertOnce(address);
        }
      });

      it('one form is one request', async () => {
        const address = someone();
        const { message, formId } = await openForm();
        await toBoth(
          rita({
            type: 'invoke',
            name: 'adaptiveCard/action',
            id: 'both-form',
            replyToId: message.activityId,
            value: { action: { type: 'Action.Execute', verb: 'guest.submit', data: { formId, people: address } } },
          }),
        );
        const done = await assertOnce(address);
        assert.equal(done.activityId, message.activityId);
      });
    });
  });
}
