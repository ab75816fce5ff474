import assert from 'node:assert/strict';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { call, type FakeBot, type Loose, startFakeBot } from './fakeBot.ts';

describe('the sandbox as Teams', () => {
  let sandbox: Sandbox;
  let bot: FakeBot;
  before(async () => {
    bot = await startFakeBot();
    sandbox = await startSandbox({ port: 0, botUrl: bot.url });
  });
  beforeEach(() => {
    sandbox.reset();
    bot.received = [];
    bot.onActivity = () => undefined;
  });
  after(async () => {
    await sandbox.close();
    await bot.close();
  });

  const control = (path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') =>
    call(`${sandbox.url}/control/${path}`, method, body);
  const connector = (path: string, method: string, body?: unknown) =>
    call(`${sandbox.serviceUrl}v3/conversations/${path}`, method, body);
  const messages = async (conversation: string): Promise<Loose[]> =>
    (await control(`messages?conversation=${encodeURIComponent(conversation)}`)).body.messages;
  const lastActivity = () => bot.received.at(-1)?.activity;
  const card = (text: string) => ({
    contentType: 'application/vnd.microsoft.card.adaptive',
    content: { type: 'AdaptiveCard', version: '1.5', body: [{ type: 'TextBlock', text }] },
  });
  const botSays = async (conversation: string, body: Record<string, unknown>) =>
    connector(`${encodeURIComponent(conversation)}/activities`, 'POST', { type: 'message', ...body });
  const idOf = (key: string) => {
    const conversation = sandbox.world.conversations.find((one) => one.key === key);
    assert.ok(conversation);
    return conversation.id;
  };

  describe('what the bot is sent', () => {
    it('is a Teams message with everything a Teams message has', async () => {
      const said = await control('say', { conversation: 'personal', user: 'rita', text: 'help', locale: 'pt-PT' });
      assert.deepEqual(said.body.statuses, [200]);
      const activity = lastActivity();
      assert.equal(activity.type, 'message');
      assert.equal(activity.channelId, 'msteams');
      assert.equal(activity.text, 'help');
      assert.equal(activity.locale, 'pt-PT');
      assert.equal(activity.id, said.body.activityId);
      assert.match(activity.id, /^\d{13}$/);
      assert.equal(activity.serviceUrl, `${sandbox.url}/connector/`);
      assert.match(activity.from.id, /^29:1/);
      assert.equal(activity.recipient.id, `28:${sandbox.botId}`);
      assert.match(activity.conversation.id, /^a:1/);
      assert.equal(activity.conversation.conversationType, 'personal');
      assert.equal(activity.channelData.tenant.id, sandbox.tenantId);
      assert.equal(activity.entities[0].type, 'clientInfo');
      assert.match(activity.localTimestamp, /[+-]\d\d:\d\d$/);
    });

    it('carries the mention, the team and the thread in a channel', async () => {
      const said = await control('say', { conversation: 'general', user: 'rita', text: 'invite <ana>' });
      const activity = lastActivity();
      assert.equal(activity.text, '<at>Usher</at> invite <ana>');
      assert.equal(activity.conversation.id, `${idOf('general')};messageid=${said.body.activityId}`);
      assert.equal(activity.conversation.isGroup, true);
      assert.equal(activity.channelData.team.name, 'Apollo');
      assert.equal(activity.channelData.channel.id, idOf('general'));
      assert.ok(activity.entities.some((entity: Loose) => entity.mentioned?.id === `28:${sandbox.botId}`));
      assert.equal(activity.attachments[0].contentType, 'text/html');

      await botSays(activity.conversation.id, { text: 'here' });
      await control('say', { conversation: activity.conversation.id, user: 'axel', text: 'thanks' });
      const all = await messages('general');
      assert.deepEqual(new Set(all.map((message) => message.thread)), new Set([said.body.activityId]));
    });

    it('carries the mentions of other people where their names stand', async () => {
      const text = 'call invite @Bo Brandt and others';
      await control('say', { conversation: 'meeting', user: 'rita', text, mentions: ['bo.brandt', 'axel'] });
      const activity = lastActivity();
      const names = '<at>Bo Brandt</at> and others <at>Axel Approver</at>';
      assert.equal(activity.text, `<at>Usher</at> call invite ${names}`);
      const mentioned = activity.entities.filter((one: Loose) => one.type === 'mention');
      assert.deepEqual(
        mentioned.map((one: Loose) => [one.text, one.mentioned.name, one.mentioned.id.slice(0, 3)]),
        [
          ['<at>Usher</at>', 'Usher', '28:'],
          ['<at>Bo Brandt</at>', 'Bo Brandt', '29:'],
          ['<at>Axel Approver</at>', 'Axel Approver', '29:'],
        ],
      );
      assert.match(activity.attachments[0].content, /itemid="1">Bo Brandt<\/span> and others/);
      assert.equal((await messages('meeting'))[0]?.text, `@Usher ${text} @Axel Approver`);
      assert.equal(
        (await control('say', { conversation: 'meeting', user: 'rita', text, mentions: ['no'] })).status,
        404,
      );
    });

    it('is nothing when a group message does not mention it', async () => {
      await control('say', { conversation: 'group', user: 'rita', text: 'lunch?', mention: false });
      assert.equal(bot.received.length, 0);
      assert.equal((await messages('group')).length, 1);
    });

    it('says meeting chat and other tenants for what they are', async () => {
      await control('say', { conversation: 'meeting', user: 'rita', text: 'call status' });
      assert.match(lastActivity().conversation.id, /^19:meeting_/);
      assert.ok(lastActivity().channelData.meeting.id);
      await control('say', { conversation: 'personal', user: 'tess', text: 'help' });
      assert.notEqual(lastActivity().conversation.tenantId, sandbox.tenantId);
      assert.equal(lastActivity().channelData.tenant.id, lastActivity().conversation.tenantId);
    });

    it('comes several times at once when a duplicate is forced', async () => {
      const said = await control('say', { conversation: 'personal', user: 'rita', text: 'help', id: '42', copies: 3 });
      assert.deepEqual(said.body.statuses, [200, 200, 200]);
      await control('say', { conversation: 'personal', user: 'rita', text: 'help', id: '42' });
      assert.deepEqual(
        bot.received.map((one) => one.activity.id),
        ['42', '42', '42', '42'],
      );
      assert.equal((await messages('personal:rita')).length, 1);
    });

    it('has a file to download in a personal chat and none in a group', async () => {
      const attachments = [{ name: 'guests.csv', text: 'email\nana@partner.example\n' }];
      await control('say', { conversation: 'personal', user: 'rita', text: 'invite', attachments });
      const [file] = lastActivity().attachments;
      assert.equal(file.contentType, 'application/vnd.microsoft.teams.file.download.info');
      assert.equal(file.content.fileType, 'csv');
      assert.equal(await (await fetch(file.content.downloadUrl)).text(), attachments[0]?.text);
      await control('say', { conversation: 'group', user: 'rita', text: 'invite', attachments });
      assert.deepEqual(
        lastActivity().attachments.map((one: Loose) => one.contentType),
        ['text/html'],
      );
    });

    it('is told of an installation once', async () => {
      await control('install', { conversation: 'personal', user: 'rita', once: true });
      await control('install', { conversation: 'personal', user: 'rita', once: true });
      assert.deepEqual(
        bot.received.map((one) => one.activity.type),
        ['conversationUpdate', 'installationUpdate'],
      );
      assert.deepEqual(bot.received[0]?.activity.membersAdded, [{ id: `28:${sandbox.botId}` }]);
    });

    it('does not go into somebody else’s personal chat', async () => {
      const refused = await control('say', { conversation: 'personal:rita', user: 'axel', text: 'help' });
      assert.equal(refused.status, 403);
    });

    it('reports a bot that is not there', async () => {
      const alone = await startSandbox({ port: 0, botUrl: 'http://127.0.0.1:9/api/messages' });
      const said = await call(`${alone.url}/control/say`, 'POST', { conversation: 'group', user: 'rita', text: 'hi' });
      assert.deepEqual(said.body.statuses, [0]);
      await alone.close();
    });
  });

  describe('the connector', () => {
    it('keeps every version of an edited message and no edit of a deleted one', async () => {
      const conversation = idOf('personal:rita');
      const posted = await botSays(conversation, { attachments: [card('receipt')], summary: 'Receipt' });
      assert.equal(posted.status, 201);
      const path = `${encodeURIComponent(conversation)}/activities/${posted.body.id}`;
      assert.equal((await connector(path, 'PUT', { type: 'message', attachments: [card('done')] })).status, 200);
      const [message] = await messages('personal:rita');
      assert.equal(message.edits, 1);
      assert.equal(message.versions.length, 2);
      assert.equal(message.versions[0].attachments[0].content.body[0].text, 'receipt');
      assert.equal(message.attachments[0].content.body[0].text, 'done');

      await control('delete-message', { conversation, activityId: posted.body.id });
      assert.equal((await connector(path, 'PUT', { type: 'message', text: 'late' })).status, 404);
      assert.equal((await connector(path, 'DELETE')).status, 404);
    });

    it('shows typing without keeping it', async () => {
      assert.equal(
        (await connector(`${encodeURIComponent(idOf('group'))}/activities`, 'POST', { type: 'typing' })).status,
        201,
      );
      assert.equal((await messages('group')).length, 0);
    });

    it('refuses a message that is too large, an empty one and an unknown place', async () => {
      assert.equal((await botSays(idOf('group'), { text: 'x'.repeat(29 * 1024) })).status, 413);
      assert.equal((await botSays(idOf('group'), {})).status, 400);
      assert.equal((await botSays('19:nowhere@thread.v2', { text: 'hi' })).status, 404);
      await control('install', { conversation: 'group', user: 'rita', remove: true });
      assert.equal((await botSays(idOf('group'), { text: 'hi' })).body.error.code, 'BotNotInConversationRoster');
    });

    it('begins a chat with a member, always the same one', async () => {
      const axel = sandbox.world.people.find((person) => person.key === 'axel');
      const begin = () =>
        call(`${sandbox.serviceUrl}v3/conversations`, 'POST', { members: [{ id: axel?.teamsId }], isGroup: false });
      const begun = await begin();
      assert.equal(begun.body.id, idOf('personal:axel'));
      assert.equal((await begin()).body.id, begun.body.id);
    });

    it('begins a thread in a channel', async () => {
      const begun = await call(`${sandbox.serviceUrl}v3/conversations`, 'POST', {
        isGroup: true,
        channelData: { channel: { id: idOf('general') } },
        activity: { type: 'message', text: 'New deal' },
      });
      assert.equal(begun.body.id, `${idOf('general')};messageid=${begun.body.activityId}`);
      assert.equal((await messages('general'))[0].thread, begun.body.activityId);
    });

    it('knows who is in a conversation', async () => {
      const place = encodeURIComponent(`${idOf('general')};messageid=1`);
      const members = await connector(`${place}/members`, 'GET');
      assert.equal(members.body.length, 5);
      const tess = members.body.find((member: Loose) => member.email === 'tess@northwind.example');
      assert.notEqual(tess.tenantId, sandbox.tenantId);
      const one = await connector(`${place}/members/${encodeURIComponent(tess.id)}`, 'GET');
      assert.equal(one.body.aadObjectId, tess.aadObjectId);
      const page = await connector(`${place}/pagedmembers?pageSize=3`, 'GET');
      assert.equal(page.body.members.length, 3);
      const rest = await connector(`${place}/pagedmembers?continuationToken=${page.body.continuationToken}`, 'GET');
      assert.equal(rest.body.members.length, 2);
      const team = await call(`${sandbox.serviceUrl}v3/teams/${encodeURIComponent(idOf('general'))}`);
      assert.equal(team.body.name, 'Apollo');
    });
  });

  describe('a pressed button', () => {
    const posted = async () => (await botSays(idOf('group'), { attachments: [card('shared')] })).body.id as string;
    const press = (activityId: string, user = 'rita') =>
      control('execute', {
        conversation: 'group',
        user,
        activityId,
        verb: 'request.approve',
        data: { id: 'r1' },
        inputs: { reason: 'ok' },
      });
    const answerCard = (text: string) => ({
      status: 200,
      body: { statusCode: 200, type: 'application/vnd.microsoft.card.adaptive', value: card(text).content },
    });

    it('reaches the bot as an invoke with the data and the inputs', async () => {
      const activityId = await posted();
      bot.onActivity = () => answerCard('yours');
      const pressed = await press(activityId);
      assert.equal(pressed.body.status, 200);
      assert.equal(pressed.body.shown, 'card');
      const activity = lastActivity();
      assert.equal(activity.name, 'adaptiveCard/action');
      assert.equal(activity.replyToId, activityId);
      assert.deepEqual(activity.value.action.data, { id: 'r1', reason: 'ok' });
      assert.equal(activity.value.action.verb, 'request.approve');
    });

    it('shows the returned card to that person, and an edit to everybody', async () => {
      const activityId = await posted();
      bot.onActivity = () => answerCard('yours');
      await press(activityId);
      const [seen] = await messages('group');
      assert.deepEqual(Object.keys(seen.views), ['rita']);
      assert.equal(seen.attachments[0].content.body[0].text, 'shared');
      const path = `${encodeURIComponent(idOf('group'))}/activities/${activityId}`;
      await connector(path, 'PUT', { type: 'message', attachments: [card('final')] });
      const [after] = await messages('group');
      assert.deepEqual(after.views, {});
      assert.equal(after.attachments[0].content.body[0].text, 'final');
    });

    it('says so when the bot failed or answered an error', async () => {
      const activityId = await posted();
      bot.onActivity = () => ({ status: 501 });
      assert.equal((await press(activityId)).body.shown, 'unreachable');
      bot.onActivity = () => ({
        status: 200,
        body: { statusCode: 400, type: 'application/vnd.microsoft.error', value: { code: 'x', message: 'y' } },
      });
      assert.equal((await press(activityId)).body.shown, 'error');
    });

    it('gives up after the five seconds that Teams waits', async function () {
      this.timeout(15_000);
      const activityId = await posted();
      bot.onActivity = () => 'hang';
      const pressed = await press(activityId);
      assert.equal(pressed.body.timedOut, true);
      assert.ok(pressed.body.ms >= 4900 && pressed.body.ms < 7000, String(pressed.body.ms));
    });

    it('is a message with a value and no text when it is a submit', async () => {
      const activityId = await posted();
      await control('submit', { conversation: 'group', user: 'rita', activityId, data: { a: 1 }, inputs: { b: 'x' } });
      assert.equal(lastActivity().type, 'message');
      assert.deepEqual(lastActivity().value, { a: 1, b: 'x' });
      assert.equal(lastActivity().replyToId, activityId);
      assert.equal('text' in lastActivity(), false);
    });
  });

  describe('waiting', () => {
    it('ends as soon as the message is there', async () => {
      const waiting = control('wait?conversation=group&matches=all%20done&timeoutMs=10000');
      await botSays(idOf('group'), { text: 'all done' });
      const waited = await waiting;
      assert.equal(waited.status, 200);
      assert.equal(waited.body.messages.length, 1);
    });

    it('ends as soon as the call is there, and says what it saw when it is not', async () => {
      const waiting = control(`wait?calls=${encodeURIComponent('GET /v1\\.0/users.* 200')}&count=2`);
      await call(`${sandbox.url}/graph/v1.0/users`);
      await call(`${sandbox.url}/graph/v1.0/users`);
      assert.equal((await waiting).body.calls.length, 2);
      const late = await control('wait?calls=DELETE&timeoutMs=1');
      assert.equal(late.status, 408);
      assert.equal(late.body.ok, false);
    });

    it('streams what happens', async () => {
      const gone = new AbortController();
      const stream = await fetch(`${sandbox.url}/control/events`, { signal: gone.signal });
      const reader = stream.body?.getReader();
      await botSays(idOf('group'), { text: 'streamed' });
      let text = '';
      while (!/event: message\n.*streamed/.test(text)) text += new TextDecoder().decode((await reader?.read())?.value);
      gone.abort();
    });
  });
});
