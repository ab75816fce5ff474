/**
 * The door through which apps ask for guests: what Governance Toolkit 365 documents goes in and comes out, over real HTTP;
 * nobody comes in without an app's token with the role; whoever repeats a call joins it; and nothing is answered that is not so.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../../src/config/config.ts';
import { root } from '../../src/root.ts';
import { appForgeries, flowAppId, roleLessAppId } from '../../src/sandbox/entra.ts';
import { App, ID, openApp, SAMPLE, tokenOf } from '../support/apps.ts';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import { startBot } from '../support/usher.ts';
import { assertNothingLeaked, type Lane, openLane, sqlite } from '../support/walk.ts';

for (const engine of await engines()) {
  describe(`an app that asks for a guest, on ${engine.name}`, function () {
    this.timeout(30_000);
    let lane: Lane;
    let app: App;
    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine);
      app = await openApp(lane);
    });
    beforeEach(() => lane.town.control('reset', {}));
    after(async () => {
      if (!lane) return;
      await assertNothingLeaked(lane);
      await lane.close();
    });

    it('gets what Governance Toolkit 365 documents for its own sample, sent just as it stands', async () => {
      const sample = readFileSync(new URL('../contract/gt365-sample.json', import.meta.url), 'utf8');
      const { status, body } = await app.ask(sample);
      assert.equal(status, 201, JSON.stringify(body));
      assert.deepEqual(Object.keys(body), [
        'id',
        'invitedUserEmailAddress',
        'inviteRedeemUrl',
        'status',
        'sendInvitationMessage',
      ]);
      assert.match(body.id, ID);
      assert.equal(body.invitedUserEmailAddress, 'john.doe@gmail.com');
      assert.match(body.inviteRedeemUrl, /^https:\/\/login\.microsoftonline\.com\/redeem\?rd=/);
      assert.equal(body.status, 'PendingAcceptance');
      assert.equal(body.sendInvitationMessage, true);
      const [sent, ...others] = await lane.town.invitations();
      assert.deepEqual(others, []);
      assert.equal(sent?.body?.['invitedUserDisplayName'], 'John Doe');
      assert.equal(sent?.body?.['inviteRedirectUrl'], 'https://mycompany.com/guestinfo');
      // Whoever it is asked for is answerable for the guest.
      const adele = lane.town.sandbox.world.users.find(({ mail }) => mail === 'adele.vance@mycompany.com');
      assert.deepEqual(sent?.body?.['invitedUserSponsors'], [
        { '@odata.type': '#microsoft.graph.user', id: adele?.id },
      ]);
      const [row] = await lane.database.run(`select input, requester_id, place from requests where id = '${body.id}'`);
      assert.deepEqual(JSON.parse(String(row?.['input'])).more, JSON.parse(sample).more);
      assert.equal(row?.['requester_id'], adele?.id);
      assert.equal(JSON.parse(String(row?.['place'])).conversationId, `person:${adele?.id}`);
      const audit = await lane.database.run(`select who, what from audit where request_id = '${body.id}' order by seq`);
      assert.ok(audit.some(({ who, what }) => who === `app:${flowAppId}` && what === 'asked by an app'));
    });

    it('and asks the same again a moment later gets the same, and nobody is invited twice', async () => {
      const asked = { ...SAMPLE, invitedUserEmailAddress: 'ana@partner.example' };
      const first = await app.ask(asked);
      // Another order of the keys is the same body.
      const again = await app.ask(Object.fromEntries(Object.entries(asked).reverse()));
      assert.equal(again.status, 201);
      assert.deepEqual(again.body, first.body);
      assert.equal((await lane.town.invitations()).length, 1);
    });

    it('whose name cannot be written down has asked for nothing; asked again, it is written down once', async () => {
      const { database } = lane;
      const onSqlite = engine.name === 'SQLite';
      const when = "new.what = 'asked by an app'";
      const refuse = onSqlite
        ? [`create trigger full_up before insert on audit when ${when} begin select raise(abort, 'full'); end`]
        : [
            "create function full_up() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$",
            `create trigger full_up before insert on audit for each row when (${when}) execute function full_up()`,
          ];
      const asked = { ...SAMPLE, invitedUserEmailAddress: 'ivo@partner.example' };
      const key = { 'idempotency-key': 'ivo' };
      for (const one of refuse) await database.run(one);
      const refused = await app.ask(asked, key);
      await database.run(onSqlite ? 'drop trigger full_up' : 'drop function full_up cascade');
      assert.equal(refused.status, 503);
      const theirs = "select id from requests where subject = 'ivo@partner.example'";
      assert.deepEqual(await database.run(theirs), []);
      const answers = [await app.ask(asked, key), await app.ask(asked, key)];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [201, 201],
      );
      const lines = await database.run(
        `select who from audit where what = 'asked by an app' and request_id = '${answers[0]?.body.id}'`,
      );
      assert.deepEqual(lines, [{ who: `app:${flowAppId}` }]);
    });

    it('fifty times at once with one key, while the first is under way, invites once', async () => {
      await lane.town.control('settings', { latencyMs: 150 });
      const asked = { ...SAMPLE, invitedUserEmailAddress: 'bea@partner.example' };
      const all = await Promise.all(
        Array.from({ length: 50 }, () =>
          app.ask(asked, { 'idempotency-key': '"8e03978e-40d5-43e8-bc93-6894a57f9324"' }),
        ),
      );
      await lane.town.control('settings', { latencyMs: 0 });
      assert.deepEqual([...new Set(all.map(({ status }) => status))], [201]);
      assert.equal(new Set(all.map(({ body }) => JSON.stringify(body))).size, 1);
      assert.equal((await lane.town.invitations()).length, 1);
    });

    it('without a key, at once, invites once as well', async () => {
      const asked = { ...SAMPLE, invitedUserEmailAddress: 'cem@partner.example' };
      const all = await Promise.all(Array.from({ length: 20 }, () => app.ask(asked)));
      assert.deepEqual([...new Set(all.map(({ status }) => status))], [201]);
      assert.equal(new Set(all.map(({ body }) => body.id)).size, 1);
      assert.equal((await lane.town.invitations()).length, 1);
    });

    it('of two processes at once gets one answer, and one guest', async () => {
      const other = await startBot(lane.town, lane.database.url, {});
      try {
        const apps = [app, new App({ ...lane, bot: other }, app.token)];
        const asked = { ...SAMPLE, invitedUserEmailAddress: 'duo@partner.example' };
        const all = await Promise.all(Array.from({ length: 20 }, (_, n) => (apps[n % 2] ?? app).ask(asked)));
        assert.deepEqual([...new Set(all.map(({ status }) => status))], [201]);
        assert.equal(new Set(all.map(({ body }) => JSON.stringify(body))).size, 1);
        assert.equal((await lane.town.invitations()).length, 1);
      } finally {
        await other.stop();
      }
    });

    it('under a key that stands for another wish is told so', async () => {
      const key = { 'idempotency-key': '7e03978e-40d5-43e8-bc93-6894a57f9325' };
      assert.equal((await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'dan@partner.example' }, key)).status, 201);
      const other = await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'eva@partner.example' }, key);
      assert.equal(other.status, 422);
      assert.match(other.body.message, /used for another invitation/);
      const more = { ...SAMPLE, invitedUserEmailAddress: 'dan@partner.example', team: 'Apollo' };
      assert.equal((await app.ask(more, key)).status, 422, 'another team is another wish');
      assert.equal((await lane.town.invitations()).length, 1);
    });

    it('by one client-request-id for two guests gets both, and each once', async () => {
      const key = { 'client-request-id': '7e03978e-40d5-43e8-bc93-6894a57f9325' };
      for (const who of ['una', 'viv', 'una', 'viv'])
        assert.equal(
          (await app.ask({ ...SAMPLE, invitedUserEmailAddress: `${who}@partner.example` }, key)).status,
          201,
        );
      assert.equal((await lane.town.invitations()).length, 2);
    });

    it('whose guest was invited before gets no second mail, and hears why there is no link', async () => {
      const { status, body } = await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'pia@partner.example' });
      assert.equal(status, 201);
      assert.equal(body.status, 'PendingAcceptance');
      assert.equal(body.inviteRedeemUrl, '');
      assert.equal(body.sendInvitationMessage, false);
      assert.match(body.message, /was invited before and has not accepted yet/);
      assert.deepEqual(await lane.town.invitations(), []);
    });

    it('whose guest has accepted already hears that it is complete', async () => {
      const { status, body } = await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'gus@fabrikam.example' });
      assert.equal(status, 201);
      assert.equal(body.status, 'Completed');
      assert.match(body.message, /already a guest here/);
    });

    it('whose guest has an account of their own here is told so', async () => {
      const { status, body } = await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'dora@contoso.example' });
      assert.equal(status, 400);
      assert.match(body.message, /already has an account here/);
    });

    it('may look again at what it asked for, and another app may not', async () => {
      const asked = await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'fay@partner.example' });
      const seen = await app.look(asked.body.id);
      assert.equal(seen.status, 200);
      assert.deepEqual(seen.body, asked.body);
      const other = new App(lane, await lane.town.sandbox.signApp({ azp: roleLessAppId }));
      assert.equal((await other.look(asked.body.id)).status, 404);
      assert.equal((await app.look('zzzzzzzz')).status, 404);
      assert.equal((await app.look('..%2f..')).status, 404);
    });

    it('is answered 500 while Microsoft is not well, and the same key tries again', async () => {
      await lane.town.fault({ kind: 'status', status: 503, method: 'GET', path: '/users$', times: 1 });
      const key = { 'idempotency-key': 'gil' };
      const asked = { ...SAMPLE, invitedUserEmailAddress: 'gil@partner.example' };
      // The colleague is looked up first, and nothing is filed while that cannot be done.
      const early = await app.ask(asked, key);
      assert.equal(early.status, 503);
      assert.match(String(early.headers.get('retry-after')), /^[1-9]/);
      await lane.town.fault({ kind: 'status', status: 500, method: 'GET', path: '/groups', times: -1 });
      const late = await app.ask({ ...asked, team: 'Apollo' }, key);
      assert.equal(late.status, 500, JSON.stringify(late.body));
      assert.match(late.body.message, /could not be reached/);
      await lane.town.heal();
      const again = await app.ask({ ...asked, team: 'Apollo' }, key);
      assert.equal(again.status, 201, JSON.stringify(again.body));
      assert.equal((await lane.town.invitations()).length, 1);
    });

    it('is told what Microsoft refuses, in our words', async () => {
      await lane.town.control('settings', { allowInvitesFrom: 'none' });
      const { status, body } = await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'hal@partner.example' });
      assert.equal(status, 400);
      assert.deepEqual(Object.keys(body), ['message']);
      assert.match(body.message, /does not let guests be invited/);
      await lane.town.control('settings', { allowInvitesFrom: 'everyone' });
      // What came to nothing is not in the way of the next try.
      assert.equal((await app.ask({ ...SAMPLE, invitedUserEmailAddress: 'hal@partner.example' })).status, 201);
    });
  });
}

describe('what an app asks for', function () {
  this.timeout(30_000);
  let lane: Lane;
  let app: App;
  before(async () => {
    lane = await openLane(await sqlite());
    app = await openApp(lane);
  });
  after(async () => {
    await assertNothingLeaked(lane);
    await lane.close();
  });

  const { invitedUserEmailAddress: _address, ...withoutAddress } = SAMPLE;
  const { requestedBy: _by, ...withoutRequester } = SAMPLE;
  const wrong: Record<string, readonly [unknown, RegExp]> = {
    'is no JSON (the page’s own sample has a comma too many)': ['{"more": {"a": "b",}}', /not JSON/],
    'is a list': [[], /must be an object/],
    'is nothing': ['null', /must be an object/],
    'lacks the address': [withoutAddress, /^invitedUserEmailAddress: .*mail address/],
    'has an address that is none': [
      { ...SAMPLE, invitedUserEmailAddress: 'john.doe' },
      /^invitedUserEmailAddress: I found no mail address/,
    ],
    'has a plus address': [
      { ...SAMPLE, invitedUserEmailAddress: 'john+doe@gmail.com' },
      /^invitedUserEmailAddress: .*plus sign/,
    ],
    'has two addresses': [
      { ...SAMPLE, invitedUserEmailAddress: 'a@gmail.com; b@gmail.com' },
      /^invitedUserEmailAddress: .*exactly one guest/,
    ],
    'has an address that is no text': [{ ...SAMPLE, invitedUserEmailAddress: 7 }, /^invitedUserEmailAddress: .*text/],
    'has a redirect over http': [{ ...SAMPLE, inviteRedirectUrl: 'http://x.example' }, /^inviteRedirectUrl: .*https/],
    'has a flag that is none': [
      { ...SAMPLE, sendInvitationMessage: 'perhaps' },
      /^sendInvitationMessage: .*true or false/,
    ],
    'has pairs inside pairs': [{ ...SAMPLE, more: { a: { b: 'c' } } }, /^more: .*plain pairs/],
    'has pairs as text': [{ ...SAMPLE, more: 'a: b' }, /^more: /],
    'has too much in its pairs': [{ ...SAMPLE, more: { a: 'x'.repeat(4000) } }, /^more: .*4000/],
    'has keys nobody knows': [{ ...SAMPLE, unti: '2027-03-01', again: 'true' }, /unti, again/],
    'says one thing twice': [
      { ...SAMPLE, InviteRedirectURL: 'https://x.example' },
      /^InviteRedirectURL: .*inviteRedirectUrl/,
    ],
    'does not say who asks': [withoutRequester, /^requestedBy: .*who asks/],
    'names nobody': [{ ...SAMPLE, requestedBy: ' ' }, /^requestedBy: .*who asks/],
    'names a stranger': [{ ...SAMPLE, requestedBy: 'nobody@mycompany.com' }, /^requestedBy: .*no colleague/],
    'names a guest': [{ ...SAMPLE, requestedBy: 'gus@fabrikam.example' }, /^requestedBy: .*guest/],
    'names a quote': [{ ...SAMPLE, requestedBy: "x' or mail ne '" }, /^requestedBy: .*no colleague/],
    'has a day that is over': [{ ...SAMPLE, until: '2020-01-01' }, /^until: .*over/],
  };
  for (const [name, [body, message]] of Object.entries(wrong))
    it(`and ${name} is refused with a sentence that names the key`, async () => {
      const { status, body: answer } = await app.ask(body);
      assert.equal(status, 400);
      assert.deepEqual(Object.keys(answer), ['message']);
      assert.match(answer.message, message);
    });

  it('and is by somebody who was switched off is refused', async () => {
    const user = lane.town.sandbox.world.users.find(({ mail }) => mail === 'dan@contoso.example');
    assert.ok(user);
    user.accountEnabled = false;
    const { status, body } = await app.ask({ ...SAMPLE, requestedBy: 'dan@contoso.example' });
    assert.equal(status, 400);
    assert.match(body.message, /^requestedBy: .*switched off/);
  });

  it('files nothing when it is refused', async () => {
    assert.deepEqual(await lane.database.run("select id from requests where capability = 'guest'"), []);
  });

  it('may have every field of the form, by its name or another heading, in any case', async () => {
    const { status } = await app.ask(
      {
        INVITED_USER_EMAIL_ADDRESS: 'Ivo <ivo@partner.example>',
        requestedby: 'RITA@contoso.example',
        reason: 'Joint PoC',
        until: '2099-03-01',
        team: 'Apollo',
        language: 'pt-BR',
      },
      {},
      '/api/inviteguest',
    );
    assert.equal(status, 201);
    const [sent] = await lane.town.invitations();
    // Graph's property of the same name is false unless it is said, and so is this one.
    assert.equal(sent?.body?.['sendInvitationMessage'], false);
    const [row] = await lane.database.run("select input from requests where capability = 'guest'");
    const input = JSON.parse(String(row?.['input']));
    assert.equal(input.reason, 'Joint PoC');
    assert.equal(input.until, '2099-03-01');
  });

  it('is bounded: other kinds of body and larger ones are refused as at every door', async () => {
    assert.equal((await app.ask('a=b', { 'content-type': 'application/x-www-form-urlencoded' })).status, 415);
    const large = await app.ask(`{"more":"${'x'.repeat(600 * 1024)}"}`).catch(() => null);
    if (large) assert.equal(large.status, 413);
    assert.equal((await app.ask(SAMPLE, { 'idempotency-key': 'two words' })).status, 400);
  });
});

describe('an app’s token', function () {
  this.timeout(30_000);
  let lane: Lane;
  before(async () => {
    lane = await openLane(await sqlite());
  });
  after(() => lane.close());
  const asks = (token: string) => new App(lane, token).ask();

  for (const kind of appForgeries)
    it(`that is forged (${kind}) opens nothing`, async () => {
      const { status, body } = await asks(await lane.town.sandbox.forgeApp(kind));
      assert.equal(status, kind === 'noRole' ? 403 : 401);
      assert.equal(typeof body.error.code, 'string');
      assert.deepEqual(await lane.town.calls(), []);
    });

  it('of version 1 is as good as one of version 2', async () => {
    const { sandbox } = lane.town;
    const token = await sandbox.signApp({
      ver: '1.0',
      iss: `https://sts.windows.net/${sandbox.tenantId}/`,
      aud: `api://${sandbox.botId}`,
      azp: undefined,
      appid: flowAppId,
    });
    assert.equal((await asks(token)).status, 201);
  });

  it('from the sandbox’s Entra needs an app with the role', async () => {
    assert.equal((await asks(await tokenOf(lane, roleLessAppId))).status, 403);
    assert.equal((await asks(await tokenOf(lane, flowAppId, 'https://graph.microsoft.com/.default'))).status, 401);
  });

  it('is needed in sandbox mode as well, and to look', async () => {
    const bare = await fetch(`${lane.bot.url}/api/InviteGuest`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(SAMPLE),
    });
    assert.equal(bare.status, 401);
    assert.equal((await new App(lane, 'garbage').look('7k3q9xwa')).status, 401);
  });

  it('lets an app come so often and no more', async () => {
    const narrow = await openLane(await sqlite(), { INVITE_PER_MINUTE: '3' });
    try {
      const app = await openApp(narrow);
      const statuses: number[] = [];
      for (let n = 0; n < 4; n++) statuses.push((await app.ask({})).status);
      assert.deepEqual(statuses, [400, 400, 400, 429]);
      const late = await app.ask({});
      assert.match(String(late.headers.get('retry-after')), /^\d+$/);
      const other = new App(narrow, await narrow.town.sandbox.signApp({ azp: roleLessAppId }));
      assert.equal((await other.ask({})).status, 400);
    } finally {
      await narrow.close();
    }
  });
});

describe('an app that will not wait', function () {
  this.timeout(30_000);
  const lanes: Lane[] = [];
  const open = async (environment: Environment) => {
    const lane = await openLane(await sqlite(), environment);
    lanes.push(lane);
    return { lane, app: await openApp(lane) };
  };
  afterEach(async () => {
    for (const lane of lanes.splice(0)) await lane.close();
  });

  it('is told where to ask again, and what became of it there', async () => {
    const { lane, app } = await open({ INVITE_WAIT_SECONDS: '0' });
    await lane.town.fault({ kind: 'hold', method: 'POST', path: '/invitations$', ms: 20_000 });
    const { status, headers, body } = await app.ask();
    assert.equal(status, 202);
    assert.equal(body.status, 'InProgress');
    assert.equal(body.inviteRedeemUrl, '');
    assert.equal(headers.get('location'), `${lane.bot.url}/api/InviteGuest/${body.id}`);
    assert.match(String(headers.get('retry-after')), /^\d+$/);
    assert.equal((await app.look(body.id)).status, 202);
    await lane.town.control(`wait?${new URLSearchParams({ calls: 'POST /v1.0/invitations 201', timeoutMs: '15000' })}`);
    // Another process, which waits: it learns of the end though it has carried nothing out.
    const patient = await startBot(lane.town, lane.database.url, {});
    const joined = await new App({ ...lane, bot: patient }, app.token).ask();
    await patient.stop();
    assert.equal(joined.status, 201);
    assert.equal(joined.body.id, body.id);
    const seen = await app.look(body.id);
    assert.equal(seen.status, 200);
    assert.deepEqual(seen.body, joined.body);
    assert.equal(lane.town.sandbox.world.mails.length, 1);
  });

  it('is let go when Usher stops, and finds its guest when Usher is back', async () => {
    const { lane, app } = await open({});
    await lane.town.fault({ kind: 'hold', method: 'POST', path: '/invitations$', ms: 20_000 });
    const asked = app.ask();
    await lane.town.control(
      `wait?${new URLSearchParams({ calls: 'GET /v1.0/users', count: '2', timeoutMs: '15000' })}`,
    );
    const stopped = lane.bot.stop();
    const { status, body } = await asked;
    assert.equal(status, 202);
    await stopped;
    const back = await startBot(lane.town, lane.database.url, {});
    try {
      const joined = await new App({ ...lane, bot: back }, app.token).ask();
      assert.equal(joined.status, 201);
      assert.equal(joined.body.id, body.id);
      assert.equal(lane.town.sandbox.world.mails.length, 1);
    } finally {
      await back.stop();
    }
  });
});

describe('the curl of the README', function () {
  this.timeout(30_000);

  it('does what it says', async function () {
    if (spawnSync('curl', ['--version']).error) skip(this, 'curl is not here');
    const [, script = ''] = /```sh\n(TOKEN=.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
    const lane = await openLane(await sqlite());
    try {
      const here = script
        .replaceAll('http://127.0.0.1:3979', lane.town.sandbox.url)
        .replaceAll('http://127.0.0.1:3978', lane.bot.url);
      assert.notEqual(here, script);
      const { stdout } = await promisify(execFile)('sh', ['-c', here]);
      assert.match(stdout, /^HTTP\/1\.1 201 /);
      const body = JSON.parse(stdout.slice(stdout.indexOf('{')));
      assert.deepEqual(
        { ...body, id: '', inviteRedeemUrl: '' },
        {
          id: '',
          invitedUserEmailAddress: 'john.doe@gmail.com',
          inviteRedeemUrl: '',
          status: 'PendingAcceptance',
          sendInvitationMessage: true,
        },
      );
      assert.match(body.inviteRedeemUrl, /^https:.*redeem/);
    } finally {
      await lane.close();
    }
  });
});
