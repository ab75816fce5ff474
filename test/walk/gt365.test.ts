/**
 * Guest invitations through Governance Toolkit 365, from the chat to the card: the documented call with a token of the
 * app, the guest looked up and joined to the team, every shape of error understood, nothing done twice. And one Usher
 * that sends through another, which speaks the same.
 */
import assert from 'node:assert/strict';
import type { Environment } from '../../src/config/config.ts';
import { flowAppId, roleLessAppId } from '../../src/sandbox/entra.ts';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import type { SeenCall } from '../support/usher.ts';
import { startBot } from '../support/usher.ts';
import {
  assertForPeople,
  assertNothingLeaked,
  buttonsOf,
  cardOf,
  type Lane,
  openLane,
  sqlite,
  textOf,
} from '../support/walk.ts';

const GT365: Environment = { GUEST_PROVIDER: 'gt365' };
const sent = (lane: Lane): Promise<readonly SeenCall[]> => lane.town.calls('gt365');
const seeds = (lane: Lane) => lane.town.sandbox.world;

for (const engine of await engines()) {
  describe(`a guest through Governance Toolkit 365, on ${engine.name}`, function () {
    this.timeout(30_000);
    let lane: Lane;
    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine, GT365);
    });
    after(async () => {
      if (!lane) return;
      await assertNothingLeaked(lane);
      await lane.close();
    });

    it('is invited there, looked up here, and joined to the team', async () => {
      await lane.town.say('invite Ana Silva <ana@partner.example> to team Apollo because joint PoC until 2099-03-01');
      const message = await lane.shows('Ana Silva', /They are now in Apollo/);
      assertForPeople(message);
      const [call, ...others] = await sent(lane);
      assert.deepEqual(others, []);
      assert.equal(`${call?.method} ${call?.path} ${call?.status}`, 'POST /api/InviteGuest 201');
      const { more = {}, ...body } = { ...call?.body } as { more?: Record<string, string> };
      assert.deepEqual(body, {
        invitedUserDisplayName: 'Ana Silva',
        invitedUserEmailAddress: 'ana@partner.example',
        inviteRedirectUrl: 'https://teams.microsoft.com',
        sendInvitationMessage: true,
        requestedBy: 'rita@contoso.example',
      });
      assert.match(String(more['requestId']), /^[0-9a-z]{8}$/);
      assert.deepEqual(
        { ...more, requestId: '' },
        { requestId: '', sponsor: 'rita@contoso.example', reason: 'joint PoC', team: 'Apollo', until: '2099-03-01' },
      );
      assert.deepEqual(await lane.town.invitations(), [], 'Graph was not told as well');
      const guest = seeds(lane).users.find(({ mail }) => mail === 'ana@partner.example');
      const apollo = seeds(lane).groups.find(({ displayName }) => displayName === 'Apollo');
      assert.ok(guest && apollo?.members.includes(guest.id));
      assert.equal(seeds(lane).mails.length, 1);
    });

    it('is waited for while the directory does not show them yet', async () => {
      await lane.town.control('settings', { directoryDelayMs: 1500 });
      await lane.town.say('invite bea@partner.example to team Apollo');
      await lane.shows('bea@partner.example', /They are now in Apollo/);
      await lane.town.control('settings', { directoryDelayMs: 0 });
      const [call, ...others] = (await sent(lane)).filter(({ body }) => /bea@/.test(JSON.stringify(body)));
      assert.deepEqual(others, []);
      const looks = (await lane.town.calls()).filter(
        ({ at, query }) => /bea@partner/.test(query['$filter'] ?? '') && at > String(call?.at),
      );
      assert.ok(looks.length > 1, `looked ${looks.length} times`);
    });

    it('is not invited again when the answer was lost after the work', async () => {
      await lane.town.fault({ remote: 'gt365', kind: 'dropAfter' });
      await lane.town.say('invite cem@partner.example');
      await lane.shows('cem@partner.example', /answer got lost on the way, but the invitation is there/);
      assert.equal((await sent(lane)).filter(({ body }) => /cem@/.test(JSON.stringify(body))).length, 1);
    });

    it('is invited after all when a 500 had done nothing', async () => {
      const before = (await sent(lane)).length;
      await lane.town.fault({ remote: 'gt365', kind: 'status', status: 500, message: 'An error occurred.' });
      await lane.town.say('invite dan@partner.example');
      await lane.shows('dan@partner.example', /is invited/);
      const calls = (await sent(lane)).slice(before);
      assert.deepEqual(
        calls.map(({ status }) => status),
        [500, 201],
      );
      // Between the two it was looked whether the first had done it.
      const looks = (await lane.town.calls()).filter(
        ({ path, query }) => /\/users$/.test(path) && /dan@partner/.test(query['$filter'] ?? ''),
      );
      assert.ok(looks.some(({ at }) => at >= String(calls[0]?.at) && at <= String(calls[1]?.at)));
      assert.equal(seeds(lane).mails.filter(({ to }) => to === 'dan@partner.example').length, 1);
    });
  });
}

describe('what Governance Toolkit 365 refuses', function () {
  this.timeout(30_000);
  let lane: Lane;
  let who = 0;
  before(async () => {
    lane = await openLane(await sqlite(), GT365);
  });
  afterEach(async () => {
    await lane.town.heal();
    await lane.town.control('settings', { allowInvitesFrom: 'everyone', consent: true });
  });
  after(async () => {
    await assertNothingLeaked(lane);
    await lane.close();
  });

  /** Asks for somebody new; the card once it says this. */
  async function refused(says: RegExp) {
    const address = `guest${who++}@partner.example`;
    await lane.town.say(`invite ${address}`);
    const message = await lane.shows(address, says);
    assertForPeople(message);
    return { address, message };
  }

  it('for Graph is Graph’s refusal, whatever the tenant’s reason', async () => {
    await lane.town.control('settings', { allowInvitesFrom: 'none' });
    await refused(/Your organisation does not let guests be invited/);
    await lane.town.control('settings', { allowInvitesFrom: 'everyone', consent: false });
    await refused(/I am not yet allowed to invite guests here/);
  });

  const blocked = 'This invitation is blocked by cross-tenant access settings.';
  for (const shape of ['message', 'graph', 'text'] as const)
    it(`is understood as ${shape}`, async () => {
      await lane.town.fault({
        remote: 'gt365',
        kind: 'status',
        status: 500,
        code: 'Forbidden',
        message: blocked,
        shape,
      });
      await refused(/settings between your organisation and theirs/);
    });

  for (const shape of ['message', 'graph', 'text'] as const)
    it(`with 400 is the asker’s to mend, as ${shape}, and goes through when they have`, async () => {
      const message = 'The property invitedUserEmailAddress is not valid.';
      await lane.town.fault({ remote: 'gt365', kind: 'status', status: 400, code: 'BadRequest', message, shape });
      const { address, message: card } = await refused(/could not use what I sent/);
      assert.deepEqual(buttonsOf(card), ['request.fix']);
      assert.doesNotMatch(textOf(cardOf(card)), /property/);
      await lane.town.say(`invite ${address}`);
      await lane.shows(address, /is invited/);
    });

  it('now and then with 429 is waited for', async () => {
    await lane.town.fault({ remote: 'gt365', kind: 'throttle', retryAfter: 1 });
    await refused(/is invited/);
  });

  it('by a page of something on the way is no answer, and the guest is looked for', async () => {
    await lane.town.fault({ remote: 'gt365', kind: 'html', status: 502 });
    await refused(/is invited/);
  });

  it('it cannot do is said beside its field, and nothing is sent', async () => {
    const before = (await sent(lane)).length;
    await lane.town.say('invite una@partner.example message "Welcome" in Portuguese cc bo.berg@contoso.example');
    await lane.town.until(
      /takes no message of yours.*chooses the language of the mail.*sends the mail to the guest only/,
    );
    assert.equal((await sent(lane)).length, before);
  });
});

describe('an app that may not use Governance Toolkit 365', function () {
  this.timeout(30_000);

  it('is the admin’s to mend, and the card says whose sign-in it is', async () => {
    const lane = await openLane(await sqlite(), {
      ...GT365,
      GT365_SCOPE: 'api://5a4db0c5-0000-4000-8000-000000000b07/.default',
    });
    try {
      await lane.town.say('invite ana@partner.example');
      assertForPeople(await lane.shows('ana@partner.example', /Governance Toolkit 365 does not accept my sign-in/));
    } finally {
      await lane.close();
    }
  });

  it('lacks Graph’s permission, which is said as well', async () => {
    const lane = await openLane(await sqlite(), { ...GT365, GT365_CLIENT_ID: roleLessAppId });
    try {
      await lane.town.say('invite ana@partner.example');
      assertForPeople(await lane.shows('ana@partner.example', /I am not yet allowed to invite guests here/));
    } finally {
      await lane.close();
    }
  });
});

describe('an Usher that sends through another', function () {
  this.timeout(30_000);

  it('has it invite, and both tell the same', async () => {
    const lane = await openLane(await sqlite());
    const database = await (await sqlite()).open();
    const { sandbox } = lane.town;
    // The one people talk to; the other one is only called.
    const front = await startBot(lane.town, database.url, {
      ...GT365,
      GT365_URL: lane.bot.url,
      GT365_SCOPE: `api://${sandbox.botId}/.default`,
      GT365_CLIENT_ID: flowAppId,
    });
    try {
      await lane.town.say('invite Ana Silva <ana@partner.example> to team Apollo because joint PoC');
      assertForPeople(await lane.shows('Ana Silva', /They are now in Apollo/));
      const [mine] = await database.run("select id, outcome from requests where capability = 'guest'");
      const [theirs, ...others] = await lane.database.run(
        "select input, outcome, standing, requester_id from requests where capability = 'guest'",
      );
      assert.deepEqual(others, []);
      assert.equal(theirs?.['standing'], 'pending');
      const input = JSON.parse(String(theirs?.['input']));
      assert.equal(input.address, 'ana@partner.example');
      assert.equal(input.more.requestId, mine?.['id']);
      assert.equal(input.more.reason, 'joint PoC');
      assert.equal(theirs?.['requester_id'], sandbox.world.people.find(({ key }) => key === 'rita')?.userId);
      const link = (row: Record<string, unknown> | undefined) => JSON.parse(String(row?.['outcome'])).redeemUrl;
      assert.equal(link(mine), link(theirs));
      assert.equal((await lane.town.invitations()).length, 1);
      assert.equal(sandbox.world.mails.length, 1);
    } finally {
      await front.stop();
      await lane.close();
      await database.drop();
    }
  });
});
