/**
 * What people type, the way people type it: each command in its many spellings, what comes back, and that every button
 * offered does what it says.
 */
import assert from 'node:assert/strict';
import type { Message } from '../support/usher.ts';
import { assertForPeople, buttonsOf, cardOf, type Lane, openLane, sqlite, textOf } from '../support/walk.ts';

describe('a typed command', function () {
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
  after(() => lane.close());

  const someone = (): string => `typed${++people}@partner.example`;
  const invitationOf = async (address: string) =>
    (await lane.town.invitations()).find((call) => call.body?.['invitedUserEmailAddress'] === address)?.body;
  const idOf = (message: Message): string => cardOf(message).actions?.[0]?.data?.['requestId'] ?? footerId(message);
  const footerId = (message: Message): string => / · ([0-9a-z]{8})$/m.exec(textOf(cardOf(message)))?.[1] ?? '';

  /** Says something and gives the one card that came of it at once. */
  async function answer(text: string, more: Record<string, unknown> = {}): Promise<Message> {
    const conversation = String(more['conversation'] ?? 'personal:rita');
    const before = (await lane.town.cards(conversation)).length;
    const { statuses } = await lane.town.say(text, more);
    assert.deepEqual(statuses, [200]);
    const cards = (await lane.town.cards(conversation)).slice(before);
    assert.equal(cards.length, 1, `${text}: ${cards.length} cards`);
    assertForPeople(cards[0] as Message);
    return cards[0] as Message;
  }
  const words = async (text: string, more: Record<string, unknown> = {}): Promise<string> =>
    textOf(cardOf(await answer(text, more)));
  async function press(message: Message, title: string): Promise<Message> {
    const action = cardOf(message).actions?.find((one) => one.title === title);
    assert.ok(action?.verb, `no button ${title} among ${cardOf(message).actions?.map((one) => one.title)}`);
    const before = (await lane.town.cards()).length;
    await lane.town.press(message.activityId, action.verb, action.data);
    const [made] = (await lane.town.cards()).slice(before);
    return made ?? message;
  }

  describe('invites', () => {
    for (const text of [
      'invite WHO',
      'INVITE WHO',
      'Invite   WHO',
      ' invite: WHO ',
      '/invite WHO',
      'please invite WHO',
      'Please add guest WHO',
      'bring in WHO',
      'invite guest WHO.',
      'invite <WHO>',
      'invite (WHO)',
      'invite WHO, please',
      'invite mailto:WHO',
    ]) {
      it(`on “${text.replace('WHO', 'ana@partner.example')}”`, async () => {
        const address = someone();
        await lane.town.say(text.replace('WHO', address));
        assertForPeople(await lane.shows(address, /is invited\. The mail is on its way/));
      });
    }

    for (const [typed, name] of [
      ['Ana Silva <WHO>', 'Ana Silva'],
      ['"Silva, Ana" <WHO>', 'Silva, Ana'],
      ['“Silva, Ana” <WHO>', 'Silva, Ana'],
      ['Ana María José <WHO>', 'Ana María José'],
      ["Orla O'Brien <WHO>", "Orla O'Brien"],
      ['Orla O’Brien <WHO>', "Orla O'Brien"],
      ['WHO called Ana Silva', 'Ana Silva'],
    ] as const) {
      it(`with a name: ${typed}`, async () => {
        const address = someone();
        await lane.town.say(`invite ${typed.replace('WHO', address)}`);
        const done = await lane.shows(address, /is invited\./);
        assert.match(textOf(cardOf(done)), new RegExp(`${name} is invited`));
        assert.equal((await invitationOf(address))?.['invitedUserDisplayName'], name);
      });
    }

    it('several people in pasted text, one request each', async () => {
      const [a, b, c, d] = [someone(), someone(), someone(), someone()];
      await lane.town.say(`invite ${a}; Bo Berg <${b}>\n- ${c},\n"Day, Di" <${d}>;\n`);
      for (const address of [a, b, c, d]) await lane.shows(address, /is invited\./);
      assert.equal((await invitationOf(b))?.['invitedUserDisplayName'], 'Bo Berg');
      assert.equal((await invitationOf(d))?.['invitedUserDisplayName'], 'Day, Di');
    });

    for (const [n, order] of [
      [0, 1, 2, 3, 4, 5],
      [5, 4, 3, 2, 1, 0],
      [2, 5, 0, 4, 1, 3],
    ].entries()) {
      it(`with named arguments in any order (${n + 1})`, async () => {
        const address = someone();
        const parts = [
          'to team Apollo',
          'because joint PoC',
          'until 30 June 2031',
          'message “Welcome, Ana”',
          'in Portuguese',
          'cc axel@contoso.example',
        ];
        await lane.town.say(`invite ${address} ${order.map((one) => parts[one]).join(' ')}`);
        const done = await lane.shows(address, /They are now in Apollo\./);
        const text = textOf(cardOf(done));
        for (const row of ['Apollo', 'joint PoC', 'Welcome, Ana', 'axel@contoso.example', 'Jun 30, 2031'])
          assert.ok(text.split('\n').includes(row), `${row} is missing: ${text}`);
        const body = await invitationOf(address);
        assert.deepEqual(body?.['invitedUserMessageInfo'], {
          customizedMessageBody: 'Welcome, Ana',
          messageLanguage: 'pt',
          ccRecipients: [{ emailAddress: { address: 'axel@contoso.example' } }],
        });
      });
    }

    it('nobody when no one is named: the form comes instead', async () => {
      for (const text of ['invite', 'INVITE', 'invite to team Apollo because joint PoC']) {
        const form = await answer(text);
        assert.deepEqual(buttonsOf(form).slice(0, 1), ['guest.submit']);
      }
      assert.match(JSON.stringify(cardOf((await lane.town.cards()).at(-1) as Message)), /"value":"joint PoC"/);
    });

    it('nobody while there is a fault: the form comes back filled in, with the fault named', async () => {
      for (const [text, fault] of [
        ['ana+work@partner.example', /does not take addresses with a plus sign/],
        ['ana@partner', /is not a full mail address/],
        ['ana@partner.example, nobody', /I found no mail address in “nobody”/],
        ['ana@partner.example until yesterday', /This day is over/],
        ['ana@partner.example cc a@b.example, c@d.example', /exactly one address here/],
        ['ana@partner.example to team here', /This chat does not belong to a team/],
        ['ana@partner.example, bo@partner.example called Ana', /A name can be given for one person only/],
      ] as const) {
        const before = (await lane.town.invitations()).length;
        const form = await answer(`invite ${text}`);
        assert.match(textOf(cardOf(form)), fault);
        assert.ok(buttonsOf(form).includes('guest.submit'));
        assert.equal((await lane.town.invitations()).length, before);
      }
    });

    it('a team whose name holds anything', async () => {
      const name = `R&D #1 100% + "Ü" 日本 'x'`;
      await lane.town.control('world', { groups: [{ displayName: name, team: true }] });
      const address = someone();
      await lane.town.say(`invite ${address} to team R&D #1 100% + "Ü" 日本 'x'`);
      assert.match(textOf(cardOf(await lane.shows(address, /They are now in R&D/))), /^Invited$/m);
    });
  });

  describe('that is nearly one', () => {
    it('is answered with what was probably meant, and the button does it', async () => {
      const address = someone();
      const guess = await answer(`invit ${address}`);
      assert.match(textOf(cardOf(guess)), /Did you mean this\?/);
      await press(guess, `invite ${address}`);
      await lane.shows(address, /is invited\./);
    });

    it('is an address alone: an invitation is offered', async () => {
      const address = someone();
      const guess = await answer(address);
      await press(guess, `invite ${address}`);
      await lane.shows(address, /is invited\./);
    });

    for (const [typed, meant] of [
      ['hlep', 'help'],
      ['gests', 'guests'],
      ['reqests', 'requests'],
      ['cancle abcdefgh', 'cancel abcdefgh'],
    ] as const) {
      it(`${typed} may mean ${meant}`, async () => {
        const guess = await answer(typed);
        const titles = cardOf(guess).actions?.map((one) => one.title);
        assert.equal(titles?.[0]?.toLowerCase(), meant);
        assert.equal(titles?.at(-1), 'Help');
      });
    }

    it('is nothing at all: help is offered', async () => {
      for (const text of ['what is the weather', 'thanks!', 'ok', 'lorem ipsum dolor sit amet']) {
        const shown = await answer(text);
        assert.match(textOf(cardOf(shown)), /I do not know “.*”\./);
        assert.equal(cardOf(shown).actions?.at(-1)?.title, 'Help');
      }
      const help = await press((await lane.town.cards()).at(-1) as Message, 'Help');
      assert.match(textOf(cardOf(help)), /What I can do here/);
    });
  });

  describe('asks', () => {
    it('for help, in any of its words', async () => {
      for (const text of ['help', 'HELP', 'Help!', '?', 'hi', 'Hello', 'what can you do?', 'commands']) {
        const help = await words(text);
        assert.match(help, /What I can do here/);
        for (const command of ['invite <people>', 'guests', 'request <id>', 'cancel <id>', 'retry <id>'])
          assert.ok(help.includes(command), `${command} is not in the help`);
      }
    });

    it('for one request by its id, however it is written', async () => {
      const address = someone();
      await lane.town.say(`invite ${address}`);
      const done = await lane.shows(address, /is invited\./);
      const id = footerId(done);
      for (const typed of [id, id.toUpperCase(), `#${id}`, ` ${id} `, id.replaceAll('0', 'O').replaceAll('1', 'l')]) {
        for (const command of ['request', 'status'])
          assert.match(await words(`${command} ${typed}`), new RegExp(`${address} is invited`));
      }
    });

    it('for a request that is none', async () => {
      assert.match(await words('request'), /Which request\? Please add its number; “requests” lists yours\./);
      assert.match(await words('request 00000000'), /I know no request 00000000 here\. Type “requests” to see yours\./);
      assert.match(await words('request <script>alert(1)</script>'), /I know no request/);
      assert.match(await words('cancel'), /Which request\?/);
      assert.match(await words('retry 00000000'), /I know no request 00000000/);
    });

    it('for their requests: newest first, with how each stands', async () => {
      const list = await words('requests');
      assert.match(list, /Your requests/);
      assert.match(list, /Invited/);
      assert.match(await words('history'), /Your requests/);
      assert.match(
        await words('requests', { conversation: 'personal:axel', user: 'axel' }),
        /You have not asked for anything yet/,
      );
    });

    it('for guests, by how they stand, whose they are and where they come from', async () => {
      const address = `listed@fabrikam.example`;
      await lane.town.say(`invite ${address}`);
      await lane.shows(address, /is invited\./);
      await lane.town.say('invite gus@fabrikam.example');
      await lane.shows('gus@fabrikam.example', /is already a guest here/);
      assert.match(
        await words('guests from fabrikam.example'),
        /listed@fabrikam\.example[\s\S]*|gus@fabrikam\.example/,
      );
      assert.match(await words('guests from @FABRIKAM.example'), /listed@fabrikam\.example/);
      assert.match(await words('guests pending'), /listed@fabrikam\.example[\s\S]*Invited, not accepted yet/);
      const accepted = await words('guests accepted');
      assert.match(accepted, /gus@fabrikam\.example/);
      assert.doesNotMatch(accepted, /listed@fabrikam\.example/);
      assert.match(await words('guests mine'), /listed@fabrikam\.example/);
      assert.doesNotMatch(await words('guests mine', { conversation: 'personal:axel', user: 'axel' }), /listed@/);
      assert.match(await words('guests from nowhere.example'), /No guests to show here/);
      assert.match(await words('guests sideways'), /I do not understand “sideways” after “guests”/);
    });

    it('for one guest, known or not', async () => {
      assert.match(await words('guest listed@fabrikam.example'), /listed@fabrikam\.example is invited/);
      assert.match(await words('guest LISTED@fabrikam.example'), /listed@fabrikam\.example is invited/);
      assert.match(await words('guest'), /Which guest\? Please add the mail address\./);
      const unknown = await answer('guest stranger@partner.example');
      assert.match(textOf(cardOf(unknown)), /Nobody here has asked me about stranger@partner\.example/);
      const form = await press(unknown, 'Invite guests');
      assert.match(JSON.stringify(cardOf(form)), /"value":"stranger@partner\.example"/);
    });
  });

  describe('decides', () => {
    it('to cancel what waits, once, and not what is done', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'throttle', path: '/users$', retryAfter: 600 });
      await lane.town.say(`invite ${address}`);
      const slowed = await lane.shows(address, /Microsoft asked me to slow down/);
      await lane.town.say(`cancel ${idOf(slowed)}`);
      await lane.shows(address, /Cancelled\. Nothing was sent\./);
      assert.match(
        await words(`cancel ${footerId(slowed)}`),
        /That is no longer possible\. The request stands at “Cancelled”\./,
      );
      assert.equal(await invitationOf(address), undefined);
      // Another lane would wait as long as was asked; here nobody does.
      await lane.database.run('delete from gates');
    });

    it('to retry what failed, and not what is done', async () => {
      const address = someone();
      await lane.town.control('settings', { allowInvitesFrom: 'none' });
      await lane.town.say(`invite ${address}`);
      const failed = await lane.shows(address, /does not let guests be invited/);
      await lane.town.control('settings', { allowInvitesFrom: 'everyone' });
      const id = footerId(failed);
      await lane.town.say(`try again ${id}`);
      await lane.shows(address, /is invited\. The mail is on its way/);
      assert.match(await words(`retry ${id}`), /That is no longer possible\. The request stands at “Waiting”\./);
    });
  });

  it('with files that it cannot take is told what to do instead', async () => {
    const text = await words('requests', { attachments: [{ name: 'guests.csv', text: 'ana@partner.example' }] });
    assert.match(text, /I read a file only as a list of guests\. Please send it with the word “invite”/);
  });

  it('in another language is answered in English, with dates as English has them', async () => {
    for (const locale of ['fr-FR', 'pt-BR', 'xx', 'zh-Hans-CN', 'en-GB']) {
      const address = someone();
      await lane.town.say(`invite ${address} until 30 June 2031`, { locale });
      const done = await lane.shows(address, /is invited\. The mail is on its way/);
      assert.match(textOf(cardOf(done)), locale === 'en-GB' ? /30 Jun 2031/ : /Jun 30, 2031/);
    }
  });
});
