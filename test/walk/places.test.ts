/**
 * Where something is asked decides who may see and press what: the redeem link is for the requester alone, choices are
 * theirs too, and strangers are refused politely.
 */
import assert from 'node:assert/strict';
import { activity } from '../support/edge.ts';
import type { Message } from '../support/usher.ts';
import {
  assertForPeople,
  assertNothingLeaked,
  buttonsOf,
  cardOf,
  everShown,
  type Lane,
  openLane,
  sqlite,
  textOf,
} from '../support/walk.ts';

const LINK = /login\.microsoftonline\.com\/redeem/;
const PLACES = ['group', 'general', 'meeting'] as const;

describe('where something is asked', function () {
  this.timeout(30_000);
  let lane: Lane;
  let people = 0;

  before(async () => {
    lane = await openLane(await sqlite());
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

  const someone = (): string => `place${++people}@partner.example`;
  const idOf = (message: Message): string => / · ([0-9a-z]{8})$/m.exec(textOf(cardOf(message)))?.[1] ?? '';
  const pressAs = async (
    user: string,
    conversation: string,
    message: Message,
    verb: string,
    inputs = {},
  ): Promise<string> => {
    const requestId = idOf(message);
    const { body } = await lane.town.press(message.activityId, verb, { requestId, field: 'team' }, inputs, {
      user,
      conversation,
    });
    return typeof body.value === 'string' ? body.value : JSON.stringify(body.value);
  };
  async function answer(text: string, conversation: string, user = 'rita'): Promise<Message> {
    const before = (await lane.town.cards(conversation)).length;
    await lane.town.say(text, { conversation, user });
    const card = (await lane.town.cards(conversation))[before];
    assert.ok(card, `nothing was answered to ${text}`);
    return card;
  }

  describe('the link that redeems', () => {
    it('is shown to the requester in 1:1', async () => {
      const address = someone();
      await lane.town.say(`invite ${address}`);
      const done = await lane.shows(address, /is invited\./);
      assert.match(JSON.stringify(cardOf(done)), LINK);
      assert.match(textOf(cardOf(done)), /Please give it to nobody but the guest\./);
      assert.doesNotMatch(done.summary ?? '', LINK);
      assert.doesNotMatch(cardOf(done).fallbackText, LINK);
    });

    for (const place of PLACES) {
      it(`is on no card in the ${place}, for nobody, whatever is pressed or typed there`, async () => {
        const address = someone();
        await lane.town.say(`invite ${address} to team Apollo`, { conversation: place });
        const done = await lane.shows(address, /They are now in Apollo\./, place);
        const id = idOf(done);
        for (const user of ['rita', 'axel']) {
          const shown = await answer(`request ${id}`, place, user);
          assert.match(textOf(cardOf(shown)), new RegExp(`${address} is invited`));
          await lane.town.say(`guest ${address}`, { conversation: place, user });
          assert.doesNotMatch(await pressAs(user, place, done, 'request.show'), LINK);
        }
        await lane.town.say('guests', { conversation: place });
        const conversation = lane.town.sandbox.world.conversations.find((one) => one.key === place);
        const told = (await lane.town.calls('connector')).filter((call) => call.path.includes(conversation?.id ?? '-'));
        assert.ok(told.length > 3);
        assert.doesNotMatch(JSON.stringify(told), LINK);
        assert.doesNotMatch(JSON.stringify(await lane.town.messages(place)), LINK);
      });
    }

    it('is given to the requester who asks for it in 1:1, and to nobody else', async () => {
      const address = someone();
      await lane.town.say(`invite ${address}`, { conversation: 'group' });
      const id = idOf(await lane.shows(address, /is invited\./, 'group'));
      assert.match(JSON.stringify(cardOf(await answer(`request ${id}`, 'personal:rita'))), LINK);
      const refused = await answer(`request ${id}`, 'personal:axel', 'axel');
      assert.match(
        textOf(cardOf(refused)),
        /This is Rita Requester's request\. I show it to them, and where they asked for it\./,
      );
      assert.doesNotMatch(JSON.stringify(await lane.town.messages('personal:axel')), LINK);
    });

    it('is where the card says, when no mail was wanted', async () => {
      const address = someone();
      const form = await answer('invite', 'group');
      const formId = cardOf(form).actions?.find((one) => one.verb === 'guest.submit')?.data?.['formId'] ?? '';
      const inputs = { people: address, sendMail: 'false' };
      await lane.town.press(form.activityId, 'guest.submit', { formId }, inputs, { conversation: 'group' });
      const done = await lane.shows(address, /is invited\./, 'group');
      const typed = /No mail was sent, as you asked\. For the link to pass on, type “(request [0-9a-z]{8})” to me/.exec(
        textOf(cardOf(done)),
      )?.[1];
      assert.ok(typed, textOf(cardOf(done)));
      assert.match(JSON.stringify(cardOf(await answer(typed, 'personal:rita'))), LINK);
      assert.doesNotMatch(JSON.stringify(done), LINK);
      assert.equal(lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length, 0);
    });
  });

  describe('a choice', () => {
    it('is the requester’s: others are told whose it is', async () => {
      const address = someone();
      await lane.town.say(`invite ${address} to team Zenith`, { conversation: 'group' });
      const asked = await lane.shows(address, /There are 2 teams called “Zenith”/, 'group');
      const [option] = JSON.stringify(cardOf(asked)).match(/team:[0-9a-f-]{36}:Zenith/) ?? [];
      for (const [verb, inputs] of [
        ['request.answer', { answer: option }],
        ['request.cancel', {}],
        ['request.retry', {}],
        ['request.arrived', {}],
        ['request.again', {}],
        ['request.fix', {}],
        ['guest.again', {}],
      ] as const) {
        const told = await pressAs('axel', 'group', asked, verb, inputs);
        assert.equal(told, 'Only Rita Requester can decide this, because it is their request.', verb);
      }
      const typed = await answer(`cancel ${idOf(asked)}`, 'group', 'axel');
      assert.match(textOf(cardOf(typed)), /Only Rita Requester can decide this/);
      const now = (await lane.town.messages('group')).find((one) => one.activityId === asked.activityId);
      assert.deepEqual(now && textOf(cardOf(now)), textOf(cardOf(asked)), 'nothing has changed');

      await pressAs('rita', 'group', asked, 'request.answer', { answer: option });
      const done = await lane.shows(address, /They are now in Zenith\./, 'group');
      assert.equal(done.activityId, asked.activityId);
      assertForPeople(done);
    });

    it('that is none of those offered is refused, and the question stays', async () => {
      const address = someone();
      await lane.town.say(`invite ${address} to team Zenith`);
      const asked = await lane.shows(address, /There are 2 teams called “Zenith”/);
      for (const answered of ['', 'team:00000000-0000-4000-8000-000000000000:Apollo', 'Zenith'])
        assert.equal(
          await pressAs('rita', 'personal:rita', asked, 'request.answer', { answer: answered }),
          'Please choose one of the answers on the card.',
        );
      await pressAs('rita', 'personal:rita', asked, 'request.cancel');
      const cancelled = await lane.shows(address, /Cancelled\. Nothing was sent\./);
      assert.deepEqual(buttonsOf(cancelled), ['request.fix']);
      assert.equal(
        (await lane.town.invitations()).filter((call) => call.body?.['invitedUserEmailAddress'] === address).length,
        0,
      );
    });

    it('is offered for a team that is only nearly named', async () => {
      const address = someone();
      await lane.town.say(`invite ${address} to team Apo`);
      const asked = await lane.shows(address, /I found no team called exactly “Apo”\. Is it one of these\?/);
      const [option] = JSON.stringify(cardOf(asked)).match(/team:[0-9a-f-]{36}:Apollo/) ?? [];
      await pressAs('rita', 'personal:rita', asked, 'request.answer', { answer: option });
      await lane.shows(address, /They are now in Apollo\./);
    });
  });

  it('a team that is not found can be mended in the form, which is filled in', async () => {
    const address = someone();
    await lane.town.say(`invite Ana Silva <${address}> to team Nowhere because joint PoC`);
    const failed = await lane.shows(address, /I found no team called “Nowhere”\. Please check the name\./);
    assert.deepEqual(buttonsOf(failed), ['request.fix']);
    const before = (await lane.town.cards()).length;
    await pressAs('rita', 'personal:rita', failed, 'request.fix');
    const form = (await lane.town.cards())[before];
    assert.ok(form);
    const text = JSON.stringify(cardOf(form));
    for (const value of [address, 'Ana Silva', 'Nowhere', 'joint PoC']) assert.ok(text.includes(value), value);
    assert.match(textOf(cardOf(form)), /I found no team called “Nowhere”/);
    const formId = cardOf(form).actions?.find((one) => one.verb === 'guest.submit')?.data?.['formId'] ?? '';
    const inputs = { people: address, displayName: 'Ana Silva', team: 'Apollo', reason: 'joint PoC' };
    await lane.town.press(form.activityId, 'guest.submit', { formId }, inputs);
    const done = await lane.shows(address, /They are now in Apollo\./);
    assert.equal(done.activityId, form.activityId);
    assert.equal(lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length, 1);
  });

  it('in a channel “this team” is the team of the channel', async () => {
    for (const phrase of ['to this team', 'to team this', 'to here']) {
      const address = someone();
      await lane.town.say(`invite ${address} ${phrase}`, { conversation: 'general' });
      assert.match(everShown(await lane.shows(address, /They are now in Apollo\./, 'general')), /Apollo/);
    }
  });

  describe('strangers', () => {
    it('who are guests of the tenant are refused politely, wherever they write or press', async () => {
      for (const conversation of ['personal:gus', ...PLACES]) {
        const told = await answer('invite ana@partner.example', conversation, 'gus');
        assert.match(
          textOf(cardOf(told)),
          /Guests cannot give me commands\. Please ask someone from this organisation\./,
        );
      }
      const help = await answer('help', 'group');
      const { body } = await lane.town.press(
        help.activityId,
        'form.open',
        { capability: 'guest' },
        {},
        { conversation: 'group', user: 'gus' },
      );
      assert.match(String(body.value), /Guests cannot give me commands/);
    });

    it('of another tenant who share a chat of ours are refused politely', async () => {
      const { world, serviceUrl } = lane.town.sandbox;
      const tess = world.people.find((one) => one.key === 'tess');
      const group = world.conversations.find((one) => one.key === 'group');
      const before = (await lane.town.cards('group')).length;
      const one = activity({
        id: 'tess-1',
        serviceUrl,
        text: 'invite ana@partner.example',
        from: { id: tess?.teamsId, aadObjectId: tess?.userId, name: tess?.name },
        conversation: { id: group?.id, conversationType: 'groupChat', isGroup: true },
      });
      await lane.town.control('raw', { activity: one });
      const told = (await lane.town.cards('group'))[before];
      assert.match(told ? textOf(cardOf(told)) : '', /I only take commands from people of this organisation\./);
    });

    it('of another tenant who write from there do not get in, and it is written down', async () => {
      const before = (await lane.town.cards('group')).length;
      const { statuses } = await lane.town.say('help', { conversation: 'group', user: 'tess' });
      assert.deepEqual(statuses, [403]);
      assert.equal((await lane.town.cards('group')).length, before);
      const lines = await lane.database.run("select tenant_id, who from audit where what = 'tenant refused'");
      assert.equal(lines.length, 1);
    });

    for (const fault of [
      { kind: 'status', status: 500 },
      { kind: 'throttle', retryAfter: 1 },
      { kind: 'dropBefore' },
      { kind: 'truncated' },
      { kind: 'wrongBody' },
      { kind: 'garbage' },
    ]) {
      it(`are not let in while nobody can say who they are (${fault.kind})`, async () => {
        const fresh = await openLane(await sqlite());
        try {
          await fresh.town.fault({ ...fault, remote: 'connector', method: 'GET', path: '/members/' });
          await fresh.town.say('invite ana@partner.example', { conversation: 'personal:gus', user: 'gus' });
          const [told] = await fresh.town.cards('personal:gus');
          assert.match(told ? textOf(cardOf(told)) : '', /I could not check who you are just now, so I did nothing\./);
          await fresh.town.say('invite ana@partner.example', { conversation: 'personal:gus', user: 'gus' });
          const [, again] = await fresh.town.cards('personal:gus');
          assert.match(again ? textOf(cardOf(again)) : '', /Guests cannot give me commands/);
          assert.equal((await fresh.town.calls()).length, 0);
        } finally {
          await fresh.close();
        }
      });
    }
  });
});
