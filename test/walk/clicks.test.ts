/**
 * What is pressed twice, or pressed by two: a suggestion clicked twice is one intent, and a form that somebody else used
 * loses nothing of what was typed into it.
 */
import assert from 'node:assert/strict';
import { engines, type TestDatabase } from '../support/db.ts';
import { type Bot, startBot, Town } from '../support/usher.ts';

describe('a card that is pressed', function () {
  this.timeout(30_000);
  let town: Town;
  let database: TestDatabase;
  let bot: Bot;

  beforeEach(async () => {
    const [sqlite] = await engines();
    assert.ok(sqlite);
    town = await Town.open();
    database = await sqlite.open();
    bot = await startBot(town, database.url);
  });
  afterEach(async () => {
    await bot.stop();
    await town.close();
    await database.drop();
  });

  it('twice at its suggestion does what was meant once', async () => {
    await town.control('settings', { latencyMs: 100 });
    await town.say('invit ana@partner.example');
    const [offer] = await town.cards();
    const button = offer?.attachments[0]?.content.actions?.find(({ verb }) => verb === 'command.run');
    assert.equal(button?.data?.['text'], 'invite ana@partner.example');
    await Promise.all([1, 2].map(() => town.press(offer?.activityId ?? '', 'command.run', button?.data)));
    await town.until(/is invited/);
    assert.equal((await town.cards()).filter(({ summary }) => summary?.startsWith('Guest invitation')).length, 1);
    assert.equal(town.sandbox.world.mails.length, 1);
  });

  it('by a second person with other content offers them a form of their own, filled in', async () => {
    const group = { conversation: 'group' };
    await town.say('invite', group);
    const [form] = await town.cards('group');
    const formId = /"formId":"(\w{8})"/.exec(JSON.stringify(form))?.[1] ?? '';
    const submit = (user: string, people: string) =>
      town.press(form?.activityId ?? '', 'guest.submit', { formId }, { people }, { ...group, user });
    await submit('rita', 'ana@partner.example');
    await submit('axel', 'bo@partner.example');
    const fresh = (await town.cards('group')).at(-1);
    assert.match(JSON.stringify(fresh), /That form was used already, by Rita Requester/);
    assert.match(JSON.stringify(fresh), /bo@partner\.example/);
    assert.doesNotMatch(JSON.stringify(fresh), new RegExp(formId));
    await town.until(/is invited/, 'group');
    assert.equal(town.sandbox.world.mails.length, 1);
  });

  it('a greeting or a please before the command does not hide it', async () => {
    await town.say('Hello, could you please invite ana@partner.example');
    await town.until(/is invited/);
  });
});
