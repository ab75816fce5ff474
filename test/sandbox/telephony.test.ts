import assert from 'node:assert/strict';
import { call, type Loose } from './fakeBot.ts';
import { Line, meetingThread, namesIn } from './line.ts';

describe('the sandbox as the calling service', () => {
  let line: Line;
  before(async () => {
    line = await Line.open();
  });
  beforeEach(() => line.reset());
  after(() => line.close());

  const status = async (body: Record<string, unknown>) => (await line.graph('', 'POST', body)).status;
  const settings = (body: Record<string, unknown>) => line.control('settings', body);
  const script = (person: string, behaviour: string, ringMs?: number) =>
    line.control('people', { person, behaviour, ...(ringMs === undefined ? {} : { ringMs }) });
  const roster = async (id: string): Promise<Loose[]> => (await line.graph(`/${id}/participants`)).body.value;

  describe('joining a meeting', () => {
    it('answers establishing, and says by callback when the call is up', async () => {
      const joined = await line.graph('', 'POST', line.joinBody());
      assert.equal(joined.status, 201);
      assert.equal(joined.body.state, 'establishing');
      assert.match(joined.headers.get('location') ?? '', new RegExp(`/communications/calls/${joined.body.id}$`));
      await line.until('"state":"established"');
      const [first, second] = line.heard();
      assert.equal(first?.url, '/api/calls?request=r-1');
      assert.equal(first?.body.value[0].resourceData.state, 'establishing');
      const up = second?.body.value[0];
      assert.equal(up.changeType, 'updated');
      assert.equal(up.resourceUrl, `/communications/calls/${joined.body.id}`);
      assert.equal(up.resourceData.id, joined.body.id);
      assert.equal(up.resourceData.chatInfo.threadId, meetingThread);
      await line.verify(second?.token ?? '');
      assert.deepEqual(namesIn(await roster(joined.body.id)), ['Rita Requester', 'Usher']);
      const read = await line.graph(`/${joined.body.id}`);
      assert.equal(read.body.state, 'established');
      assert.ok((await roster(joined.body.id)).some((one) => one.id === read.body.myParticipantId));
    });

    it('works by number and passcode', async () => {
      const { chatInfo: _chat, ...rest } = line.joinBody();
      const byCode = (joinMeetingId: string, passcode: string | null) => ({
        ...rest,
        meetingInfo: { '@odata.type': '#microsoft.graph.joinMeetingIdMeetingInfo', joinMeetingId, passcode },
      });
      assert.equal(await status(byCode('320 004 000 137', 'wrong')), 403);
      assert.equal(await status(byCode('1', 'Ap0llo')), 404);
      assert.equal(await status(byCode('320 004 000 137', 'Ap0llo')), 201);
      await line.until('"state":"established"');
      assert.equal(line.said().at(-1)?.resourceData.chatInfo?.threadId ?? meetingThread, meetingThread);
    });

    it('refuses what Graph refuses', async () => {
      const without = (name: string) => {
        const { [name]: _gone, ...rest } = line.joinBody();
        return rest;
      };
      for (const name of ['callbackUri', 'requestedModalities', 'mediaConfig', 'chatInfo', 'meetingInfo']) {
        assert.equal(await status(without(name)), 400, name);
      }
      assert.equal(await status(line.joinBody({ callbackUri: 'http://bot.example/api/calls' })), 400);
      const hosted = { '@odata.type': '#microsoft.graph.appHostedMediaConfig', blob: '' };
      assert.equal(await status(line.joinBody({ mediaConfig: hosted })), 400);
      const foreign = await line.graph('', 'POST', line.joinBody({ tenantId: '5a4db0c5-0000-4000-8000-00000000feed' }));
      assert.equal(foreign.status, 403);
      assert.equal(foreign.body.error.code, '7504');
      assert.match(foreign.body.error.message, /^Insufficient enterprise tenant permissions/);
      assert.equal((await line.graph('', 'POST', without('tenantId'))).body.error.code, '7504');
      assert.equal(await status(line.joinBody({ chatInfo: { threadId: '19:meeting_no@thread.v2' } })), 404);
      await settings({ callsConsent: false });
      assert.equal(await status(line.joinBody()), 403);
      await settings({ callsConsent: 'joinOnly' });
      assert.equal((await line.invite(await line.join(), ['Axel'])).status, 403);
    });

    it('goes through the faults like every other call', async () => {
      await line.control('faults', {
        remote: 'graph',
        kind: 'dropAfter',
        method: 'POST',
        path: '/communications/calls$',
      });
      await assert.rejects(line.graph('', 'POST', line.joinBody()));
      await line.until('"state":"established"');
      const { telephony } = await line.control('wait?telephony=established');
      assert.equal(telephony.length, 1);
    });
  });

  describe('a call', () => {
    it('ends with the hang-up of the bot, and the meeting goes on', async () => {
      const id = await line.join();
      assert.equal((await line.graph(`/${id}/keepAlive`, 'POST')).status, 200);
      assert.equal((await line.graph(`/${id}`, 'DELETE')).status, 204);
      await line.until('"state":"terminated"');
      const over = line
        .said()
        .filter((one) => one.resourceUrl.endsWith(id))
        .slice(-2);
      assert.deepEqual(
        over.map((one) => [one.changeType, one.resourceData.state]),
        [
          ['updated', 'terminating'],
          ['deleted', 'terminated'],
        ],
      );
      for (const [path, method] of [
        ['', 'GET'],
        ['', 'DELETE'],
        ['/keepAlive', 'POST'],
        ['/participants', 'GET'],
      ] as const) {
        const gone = await line.graph(`/${id}${path}`, method);
        assert.equal(gone.status, 404, path);
        assert.equal(gone.body.error.message, 'Call not found.');
      }
      const [meeting] = (await line.control('telephony')).meetings;
      assert.equal(meeting.running, true);
      assert.deepEqual(
        meeting.participants.map((one: Loose) => one.person),
        ['rita'],
      );
    });

    it('ends when the service ends it, and when nothing keeps it alive', async () => {
      const id = await line.join();
      await line.control('telephony', { action: 'terminate', call: id, code: 500, subcode: 1005 });
      await line.until('"subcode":1005');
      await settings({ keepAliveLimitMs: 1 });
      await line.graph('', 'POST', line.joinBody());
      await line.until('"subcode":8537');
    });

    it('to several rings them at once; to one it is up when they answer', async () => {
      const { chatInfo: _chat, meetingInfo: _meeting, ...rest } = line.joinBody();
      const targets = ['Axel', 'Cleo'].map((who) => line.invitee(who));
      const group = await line.graph('', 'POST', { ...rest, subject: 'Quick one', targets });
      assert.equal(group.status, 201);
      await line.control(`wait?telephony=${encodeURIComponent('Axel.*"ringing":\\[\\]')}`);
      await line.until('Cleo Costa');
      assert.deepEqual(namesIn(await roster(group.body.id)).sort(), ['Axel Approver', 'Cleo Costa', 'Usher']);
      assert.equal(line.outcomes().length, 0);

      await script('dan', 'declines');
      const single = await line.graph('', 'POST', { ...rest, targets: [line.invitee('Dan')] });
      await line.until('"state":"terminated".*10024');
      assert.equal((await line.graph(`/${single.body.id}`)).status, 404);
      const six = ['Axel', 'Cleo', 'Dan', 'Bo Be', 'Bo Br', 'Ada'].map((who) => line.invitee(who));
      assert.equal(await status({ ...rest, targets: six }), 400);
    });
  });

  describe('inviting', () => {
    it('says running, and by callback that they came, with the whole roster after it', async () => {
      const id = await line.join();
      const invited = await line.invite(id, ['Axel']);
      assert.equal(invited.status, 200);
      assert.equal(invited.body.status, 'Running');
      assert.match(invited.headers.get('location') ?? '', new RegExp(`/calls/${id}/operations/${invited.body.id}$`));
      await line.until('"status":"completed"');
      const [outcome] = line.outcomes();
      assert.equal(outcome.changeType, 'deleted');
      assert.equal(outcome.resourceUrl, `/communications/calls/${id}/operations/${invited.body.id}`);
      assert.equal(outcome.resourceData.id, invited.body.id);
      assert.equal(outcome.resourceData.clientContext, 'request-1');
      assert.equal(outcome.resourceData.participants[0].identity.user.id, line.userId('Axel'));
      await line.until('"changeType":"updated".*Axel Approver');
      assert.deepEqual(line.roster(), ['Rita Requester', 'Usher', 'Axel Approver']);
    });

    it('tells of several one by one, without the id of the operation', async () => {
      const id = await line.join();
      await script('cleo', 'declines');
      await script('dan', 'silent');
      await settings({ ringTimeoutMs: 40 });
      await line.invite(id, ['Axel', 'Cleo', 'Dan']);
      await line.until('inviteParticipantsOperation', 3);
      const outcomes = line.outcomes();
      for (const one of outcomes) {
        assert.equal(one.resourceUrl, `/communications/calls/${id}/operations/participants`);
        assert.equal(one.resourceData.id, null);
        assert.equal(one.resourceData.clientContext, 'request-1');
        assert.equal(one.resourceData.participants.length, 1);
      }
      const told = Object.fromEntries(
        outcomes.map(({ resourceData }) => [
          resourceData.participants[0].identity.user.displayName,
          [resourceData.status, resourceData.resultInfo?.code, resourceData.resultInfo?.subcode],
        ]),
      );
      assert.deepEqual(told, {
        'Axel Approver': ['completed', undefined, undefined],
        'Cleo Costa': ['failed', 487, 10024],
        'Dan Dale': ['failed', 487, 10004],
      });
    });

    for (const [behaviour, code, subcode] of [
      ['unreachable', 400, 8541],
      ['mediaError', 410, 301004],
      ['serverError', 500, 7106],
    ] as const) {
      it(`fails with ${code}/${subcode} when the person is ${behaviour}`, async () => {
        const id = await line.join();
        await script('axel', behaviour);
        await line.invite(id, ['Axel']);
        await line.until('"status":"failed"');
        const [{ resourceData }] = line.outcomes() as [Loose];
        assert.deepEqual([resourceData.resultInfo.code, resourceData.resultInfo.subcode], [code, subcode]);
        assert.match(resourceData.resultInfo.message, /^addParticipants failed for participant 8:orgid:/);
        assert.equal((await line.invite(id, ['Axel'])).status, 200);
        // Else its callback comes while the next test looks for its own.
        await line.until('"status":"failed"', 2);
      });
    }

    it('lets somebody wait in the lobby, and in when asked', async () => {
      const id = await line.join();
      await script('axel', 'lobby');
      await line.invite(id, ['Axel']);
      await line.until('"isInLobby":true');
      await line.control('telephony', { action: 'join', person: 'axel' });
      await line.until('Axel Approver.*"isInLobby":false');
      assert.equal((await roster(id)).length, 3);
    });

    it('reaches phones when the tenant is set up for it', async () => {
      const id = await line.join();
      await line.invite(id, ['+12345678901']);
      await line.until('"subcode":9999');
      await settings({ phoneReady: true });
      await line.invite(id, ['+12345678901']);
      await line.until('"status":"completed"');
      await line.until('"changeType":"updated".*12345678901');
      assert.deepEqual(line.roster(), ['Rita Requester', 'Usher', '+12345678901']);
      await line.control('people', { phone: '+49 30 1234567', behaviour: 'declines' });
      await line.invite(id, ['+49301234567']);
      await line.until('10024');
    });

    it('does not reach guests who have not accepted, and people nobody knows', async () => {
      const id = await line.join();
      await line.invite(id, ['Pia']);
      await line.until('8541');
      const nobody = { identity: { user: { id: '00000000-0000-4000-8000-000000000000' } } };
      await line.graph(`/${id}/participants/invite`, 'POST', { participants: [nobody] });
      await line.until('8541', 2);
    });

    it('refuses what Graph refuses', async () => {
      const early = await line.graph('', 'POST', line.joinBody());
      await settings({ joinMs: 60_000 });
      const waiting = await line.graph('', 'POST', line.joinBody());
      assert.equal((await line.invite(waiting.body.id, ['Axel'])).status, 400);
      await line.until('"state":"established"');
      const { id } = early.body;
      const six = ['Axel', 'Cleo', 'Dan', 'Bo Be', 'Bo Br', 'Ada'];
      assert.equal((await line.invite(id, six)).status, 400);
      assert.equal((await line.invite(id, [])).status, 400);
      assert.equal((await line.invite(id, ['Axel'], { clientContext: 'x'.repeat(257) })).status, 400);
      assert.equal((await line.invite(id, ['+12'])).status, 400);
      assert.equal((await line.invite(id, ['Rita'])).status, 400);
      await script('axel', 'silent');
      assert.equal((await line.invite(id, ['Axel'])).status, 200);
      assert.equal((await line.invite(id, ['Axel'])).status, 400);
      assert.equal((await line.invite('no-such-call', ['Axel'])).status, 404);
    });

    it('rings until somebody presses for them', async () => {
      const id = await line.join();
      await script('axel', 'silent');
      await script('cleo', 'answers', 60_000);
      await line.invite(id, ['Axel', 'Cleo']);
      const [{ ringing }] = (await line.control('telephony')).calls;
      assert.deepEqual(
        ringing.map((one: Loose) => [one.name, one.clientContext]),
        [
          ['Axel Approver', 'request-1'],
          ['Cleo Costa', 'request-1'],
        ],
      );
      await line.control('telephony', { action: 'answer', person: 'axel' });
      await line.control('telephony', { action: 'decline', person: 'cleo' });
      await line.until('inviteParticipantsOperation', 2);
      const [done] = (await line.control('telephony')).calls;
      assert.equal(done.operations[0].status, 'Completed');
      assert.deepEqual(done.ringing, []);
      const again = await call(`${line.sandbox.url}/control/telephony`, 'POST', { action: 'answer', person: 'axel' });
      assert.equal(again.status, 409);
    });
  });

  describe('the roster', () => {
    it('follows who comes, speaks and goes', async () => {
      const id = await line.join();
      await line.control('telephony', { action: 'join', person: 'cleo' });
      await line.control('telephony', { action: 'join', person: 'guest:Zoe Anonymous' });
      await line.control('telephony', { action: 'leave', person: 'rita' });
      assert.deepEqual(namesIn(await roster(id)), ['Usher', 'Cleo Costa', 'Zoe Anonymous']);
      await line.control('telephony', { action: 'mute', person: 'cleo' });
      await line.control('telephony', { action: 'speak', person: 'cleo' });
      assert.equal((await roster(id))[1].isMuted, false);
      await line.control('telephony', { action: 'end' });
      await line.until('"state":"terminated"');
      assert.equal((await line.control('telephony')).meetings[0].running, false);
    });

    it('mutes, and removes only where an admin allowed it', async () => {
      const id = await line.join();
      const rita = (await roster(id))[0].id;
      const muted = await line.graph(`/${id}/participants/${rita}/mute`, 'POST', { clientContext: 'c' });
      assert.equal(muted.status, 200);
      assert.equal(muted.body['@odata.type'], '#microsoft.graph.muteParticipantOperation');
      assert.equal((await roster(id))[0].isMuted, true);
      assert.equal((await line.graph(`/${id}/participants/${rita}`, 'DELETE')).status, 403);
      await settings({ mayRemoveParticipants: true });
      assert.equal((await line.graph(`/${id}/participants/${rita}`, 'DELETE')).status, 204);
      assert.deepEqual(namesIn(await roster(id)), ['Usher']);
      assert.equal((await line.graph(`/${id}/participants/${rita}`, 'DELETE')).status, 404);
    });
  });

  it('takes five hundred in chunks of five, and nobody twice', async () => {
    const names = Array.from({ length: 500 }, (_, n) => `Crowd${String(n).padStart(3, '0')} Person`);
    const users = names.map((displayName, n) => ({ displayName, mail: `crowd${n}@contoso.example` }));
    await line.control('world', { users });
    const id = await line.join();
    for (let at = 0; at < names.length; at += 5) {
      assert.equal((await line.invite(id, names.slice(at, at + 5), { clientContext: `c${at}` })).status, 200);
    }
    await line.until('"status":"completed"', 500);
    assert.equal((await roster(id)).length, 502);
  });

  it('forgets calls and timers at a reset', async () => {
    const id = await line.join();
    await line.invite(id, ['Axel']);
    line.sandbox.reset();
    const view = await line.control('telephony');
    assert.deepEqual([view.calls, view.callbacks], [[], []]);
    assert.equal((await line.graph(`/${id}`)).status, 404);
  });

  describe('the meeting, asked at the connector', () => {
    const info = async () => {
      const meeting = line.sandbox.world.conversations.find((one) => one.key === 'meeting');
      return call(`${line.sandbox.serviceUrl}v1/meetings/${encodeURIComponent(meeting?.meetingId ?? '')}`);
    };

    it('has everything a join needs', async () => {
      const { body } = await info();
      assert.equal(body.organizer.aadObjectId, line.userId('Rita'));
      assert.equal(body.conversation.id, meetingThread);
      const url = new URL(body.details.joinUrl);
      assert.equal(decodeURIComponent(url.pathname), `/l/meetup-join/${meetingThread}/0`);
      assert.deepEqual(JSON.parse(url.searchParams.get('context') ?? ''), {
        Tid: line.sandbox.tenantId,
        Oid: line.userId('Rita'),
      });
    });

    it('may lack the link, the consent, or be unknown', async () => {
      await settings({ meetingHasJoinUrl: false });
      const { details } = (await info()).body;
      assert.equal(details.type, 'OneToOneCall');
      assert.equal('joinUrl' in details, false);
      await settings({ meetingConsent: false });
      assert.equal((await info()).status, 403);
      await settings({ meetingConsent: true });
      assert.equal((await call(`${line.sandbox.serviceUrl}v1/meetings/nope`)).status, 404);
    });
  });
});
