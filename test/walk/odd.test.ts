/**
 * Activities that are well formed and yet odd: whatever the text, the card data or the rest of an activity holds, the
 * bot answers with something a person understands, and never stumbles.
 */
import assert from 'node:assert/strict';
import { activity, TENANT_ID } from '../support/edge.ts';
import type { Message } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, type Lane, openLane, sqlite, textOf } from '../support/walk.ts';

describe('an odd activity', () => {
  let lane: Lane;
  let n = 0;
  before(async () => {
    lane = await openLane(await sqlite());
  });
  afterEach(() => {
    assert.deepEqual(
      lane.log.lines.filter((line) => /bug/.test(line)),
      [],
    );
    lane.log.lines.length = 0;
  });
  after(async () => {
    await assertNothingLeaked(lane);
    await lane.close();
  });

  /** Rita's activity as Teams would send it, with some of it exchanged. */
  async function deliver(more: Record<string, unknown>): Promise<{ status: number; body: unknown; cards: Message[] }> {
    const { people, conversations } = lane.town.sandbox.world;
    const before = await lane.town.cards();
    const one = activity({
      id: `odd-${++n}`,
      text: undefined,
      serviceUrl: lane.town.sandbox.serviceUrl,
      from: { id: people[0]?.teamsId, aadObjectId: people[0]?.userId, name: 'Rita Requester' },
      conversation: { id: conversations[0]?.id, conversationType: 'personal', tenantId: TENANT_ID },
      ...more,
    });
    const { status, body } = await lane.town.control<{ status: number; body: unknown }>('raw', { activity: one });
    return { status, body, cards: (await lane.town.cards()).slice(before.length) };
  }

  async function answered(more: Record<string, unknown>): Promise<string> {
    const { status, cards } = await deliver(more);
    assert.equal(status, 200);
    assert.equal(cards.length, 1, 'one card answers');
    const [card] = cards as [Message];
    assert.ok(Buffer.byteLength(JSON.stringify(card.attachments)) < 28_000);
    assert.ok((card.summary ?? '').length > 0);
    return textOf(cardOf(card));
  }

  /** What needs more than this grows with the square of its length. Time of the processor, since others work too. */
  function assertQuick(before: NodeJS.CpuUsage): void {
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 4_000_000, `${user + system} µs`);
  }

  it('with null for value and no text is answered with help', async () => {
    assert.match(await answered({ value: null }), /What I can do here/);
    assert.match(await answered({ value: null, text: '' }), /What I can do here/);
    assert.match(await answered({ value: null, text: null }), /What I can do here/);
    assert.match(await answered({}), /What I can do here/);
  });

  it('with null for value and a text is what the text says', async () => {
    assert.match(await answered({ value: null, text: 'requests' }), /Your requests|You have not asked/);
  });

  for (const text of [7, 0, true, ['help'], { help: 1 }, 1e300]) {
    it(`whose text is ${JSON.stringify(text)} is answered`, async () => {
      assert.doesNotMatch(await answered({ text }), /\[object|NaN/);
    });
  }

  const long: Record<string, string> = {
    'one endless word': 'x'.repeat(50_000),
    'many words': 'word '.repeat(10_000),
    'many lines': 'line\n'.repeat(10_000),
    'a command with an endless tail': `requests ${'x'.repeat(50_000)}`,
    'an invitation of an endless name': `invite ${'x'.repeat(50_000)}`,
    'an invitation of 2000 people': `invite ${Array.from({ length: 2000 }, (_, i) => `p${i}@partner.example`).join(', ')}`,
    'an invitation with an endless reason': `invite ana@partner.example because ${'x '.repeat(25_000)}`,
    'an endless guest': `guest ${'x'.repeat(50_000)}@partner.example`,
    'an endless filter': `guests from ${'x.'.repeat(25_000)}example`,
    'endless quotes': '"'.repeat(50_000),
    'endless brackets': '<'.repeat(50_000),
    'endless mentions': '<at>Usher</at>'.repeat(4_000),
    'endless spaces': `help${' '.repeat(50_000)}!`,
  };
  for (const [name, text] of Object.entries(long)) {
    it(`with ${name} is answered in time, on a card that fits`, async () => {
      const before = process.cpuUsage();
      await answered({ text });
      assertQuick(before);
    });
  }

  for (const text of [
    '\u202Eetivni ana@partner.example',
    'ｉｎｖｉｔｅ',
    '🚀🚀🚀',
    'مساعدة',
    '\u0000\u0001\u001f',
    'help\u0000',
    '\ud800 lone',
    `{{7*7}} $${'{7*7}'} $${'{who}'} %s <b>bold</b> [link](https://evil.example)`,
    'constructor',
    '__proto__',
    'toString',
    '?',
    '...',
    '-- ; drop table requests',
  ]) {
    it(`whose text is ${JSON.stringify(text)} is answered`, async () => {
      const shown = await answered({ text });
      assert.doesNotMatch(shown, /(?!\n)\p{Cc}|\p{Cs}|[\u202a-\u202e]/u);
      assert.doesNotMatch(shown, /\b49\b/);
    });
  }

  it('with zero-width and no-break spaces in a command is understood', async () => {
    assert.match(await answered({ text: '\u200brequests\u00a0\u200b' }), /Your requests/);
    assert.match(await answered({ text: '\ufeffhelp' }), /What I can do here/);
  });

  const rest: Record<string, Record<string, unknown>> = {
    'entities of no shape': {
      text: 'help',
      entities: [null, 7, 'x', {}, { type: 'mention' }, { type: 'mention', mentioned: 1 }],
    },
    'entities that are no list': { text: 'help', entities: { type: 'mention' } },
    'a locale nobody knows': { text: 'help', locale: 'xx-unknown-!!' },
    'a locale that is no text': { text: 'help', locale: 7 },
    'an endless locale': { text: 'help', locale: 'e'.repeat(10_000) },
    'attachments of no shape': { text: '', attachments: [null, 7, {}, { contentType: null }] },
    'attachments that are no list': { text: '', attachments: 'file' },
    'no id': { text: 'help', id: undefined },
    'a name of 10,000 letters': { text: 'help', from: { id: '29:long', name: 'x'.repeat(1000) } },
  };
  it('with marks nobody sees around an address means the address', async () => {
    const { status } = await deliver({
      text: 'invite \u202aunseen@partner.example\u202c\u200e because \u2066work\u2069',
    });
    assert.equal(status, 200);
    await lane.shows('unseen@partner.example', /is invited\./);
    const sent = (await lane.town.invitations()).at(-1);
    assert.equal(sent?.body?.['invitedUserEmailAddress'], 'unseen@partner.example');
  });

  for (const [name, more] of Object.entries(rest)) {
    it(`with ${name} is answered`, async () => {
      await answered(more);
    });
  }

  it('from a time zone nobody knows may still say a day', async () => {
    const text = 'invite zone@partner.example until tomorrow';
    const { status } = await deliver({ text, localTimezone: 'Moon/Tranquility' });
    assert.equal(status, 200);
    assertForPeople(await lane.shows('zone@partner.example', /is invited\./));
  });

  it('of a kind that needs no answer gets none', async () => {
    for (const type of ['typing', 'messageReaction', 'endOfConversation', 'event', 'conversationUpdate', 'unheardOf']) {
      const { status, cards } = await deliver({ type });
      assert.deepEqual([type, status, cards.length], [type, 200, 0]);
    }
  });

  it('that fills a form with nothing but spaces is answered in time', async () => {
    const before = process.cpuUsage();
    for (const people of [
      ' '.repeat(60_000),
      '\n'.repeat(60_000),
      '<'.repeat(60_000),
      'x'.repeat(60_000),
      'a@'.repeat(30_000),
    ])
      await answered({
        value: { verb: 'guest.submit', formId: 'abcdefgh', people: `${people}.`, until: people, reason: people },
      });
    assertQuick(before);
  });

  let deep: unknown = 'bottom';
  for (let level = 0; level < 200; level++) deep = { deep };
  const values = [
    7,
    'text',
    [],
    {},
    { verb: 7 },
    { verb: 'nobody.knows' },
    { verb: 'x'.repeat(10_000) },
    { verb: 'request.cancel' },
    { verb: 'request.cancel', requestId: 'x'.repeat(10_000) },
    { verb: 'request.cancel', requestId: { $ne: null } },
    { verb: 'request.show', requestId: '00000000' },
    { verb: 'guest.submit' },
    { verb: 'guest.submit', formId: '../../etc' },
    { verb: 'guest.again', requestId: '00000000' },
    { verb: 'form.open', capability: '__proto__' },
    { verb: 'command.run', text: 7 },
    { verb: 'command.run', text: '' },
    { verb: '__proto__.submit' },
    { verb: 'constructor.again', requestId: '00000000' },
    { verb: 'request.answer', requestId: '00000000', answer: deep },
    { verb: 'guest.submit', formId: 'abcdefgh', people: { deep } },
  ];
  for (const value of values) {
    it(`that submits ${JSON.stringify(value).slice(0, 70)} is answered`, async () => {
      await answered({ value, text: undefined });
    });

    it(`that executes ${JSON.stringify(value).slice(0, 70)} is answered`, async () => {
      const { verb, ...data } = value as { verb?: unknown };
      const { status, body } = await deliver({
        type: 'invoke',
        name: 'adaptiveCard/action',
        value: verb === undefined ? value : { action: { type: 'Action.Execute', verb, data }, trigger: 'manual' },
      });
      assert.equal(status, 200);
      const { statusCode, type, value: said } = body as { statusCode: number; type: string; value: unknown };
      assert.ok([200, 400].includes(statusCode));
      assert.match(type, /^application\/vnd\.microsoft\.(?:card\.adaptive|activity\.message|error)$/);
      assert.ok(said !== undefined && said !== '');
      assert.doesNotMatch(JSON.stringify(said), /undefined|\[object|Error:/);
    });
  }

  it('that invokes what nobody offers is told so, without a word of the inside', async () => {
    for (const name of ['composeExtension/query', 'task/fetch', 'unheard/of', undefined]) {
      const { status, body } = await deliver({ type: 'invoke', name, value: {} });
      assert.equal(status, 501);
      assert.ok(body === null || body === '');
    }
  });
});
