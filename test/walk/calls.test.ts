/**
 * Into the call, from the meeting's chat: who is named, who is rung, what became of each, on both engines. Through HTTP:
 * the calling service is the sandbox's, its callbacks are real.
 */
import assert from 'node:assert/strict';
import { callForgeries } from '../../src/sandbox/callsKeys.ts';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import { cardOf, type Lane, openLane, textOf } from '../support/walk.ts';

const CHAT = 'meeting';

for (const engine of await engines()) {
  describe(`calls, on ${engine.name}`, function () {
    this.timeout(30_000);
    let lane: Lane;

    before(function () {
      if (engine.absent) skip(this, engine.absent);
    });
    beforeEach(async () => {
      lane = await openLane(engine, {
        RING_SECONDS: '2',
        APPLICATION_INSTANCE_ID: '5a4db0c5-0000-4000-8000-0000000000a1',
      });
      await lane.town.control('settings', { phoneReady: true, ringMs: 200, ringTimeoutMs: 1_000 });
    });
    afterEach(() => lane.close());

    const say = (text: string, more: object = {}) => lane.town.say(text, { conversation: CHAT, user: 'rita', ...more });
    const behave = (person: string, behaviour: string) =>
      lane.town.control('people', person.startsWith('+') ? { phone: person, behaviour } : { person, behaviour });
    const shows = (about: string, what: RegExp) => lane.shows(about, what, CHAT);
    const press = (message: Message, verb: string, inputs: object = {}) => {
      const button = cardOf(message).actions?.find((one) => one.verb === verb);
      return lane.town.press(message.activityId, verb, button?.data ?? { requestId: idOf(message) }, inputs, {
        conversation: CHAT,
      });
    };
    const rings = async () =>
      (await lane.town.calls()).filter(
        ({ method, path }) => method === 'POST' && path.endsWith('/participants/invite'),
      );

    it('joins, rings three people and a phone, tells each truth, and Ring again reaches only who is missing', async () => {
      await behave('dan', 'declines');
      await behave('axel', 'silent');
      await say('call invite Cleo Costa, Dan Dale, axel@contoso.example and +351 210 000 000');
      const told = await shows('Cleo Costa', /Under way.*: 2 of 4 in the call/);
      const text = textOf(cardOf(told));
      assert.match(text, /Cleo Costa\nIn the call/);
      assert.match(text, /Dan Dale\nDeclined/);
      assert.match(text, /Axel Approver\nNo answer/);
      assert.match(text, /\+351 21 000 0000\nIn the call/);
      assert.equal((await rings()).length, 1, 'all four in one');

      await behave('dan', 'answers');
      await behave('axel', 'answers');
      for (const _ of [1, 2]) await press(told, 'callInvite.ring');
      const now = textOf(cardOf(await shows('Cleo Costa', /All 4 are in/)));
      assert.match(now, /Dan Dale\nIn the call\nAxel Approver\nIn the call/);
      const [, again, ...more] = await rings();
      assert.deepEqual(more, [], 'pressed twice, rung once');
      assert.deepEqual(who(again), ['Dan Dale', 'Axel Approver']);
      const [joined, ...others] = (await lane.town.calls()).filter(
        ({ method, path }) => method === 'POST' && path.endsWith('/communications/calls'),
      );
      assert.ok(joined);
      assert.deepEqual(others, [], 'one call');
    });

    it('is in the call once, however many ask at the same moment', async () => {
      await Promise.all([
        say('call join'),
        say('call join', { user: 'axel' }),
        say('call invite Cleo Costa'),
        say('call invite Bo Berg', { user: 'axel' }),
      ]);
      await shows('Cleo Costa', /They are in the call/);
      await shows('Bo Berg', /They are in the call/);
      const joins = (await lane.town.calls()).filter(
        ({ method, path }) => method === 'POST' && path.endsWith('/communications/calls'),
      );
      assert.equal(joins.length, 1);
    });

    it('shows who is in, mutes, says honestly who may not be removed, and leaves', async () => {
      await say('call invite Cleo Costa');
      await shows('Cleo Costa', /They are in the call/);
      await say('call status');
      await shows('Cleo Costa', /Apollo weekly.*I am in the call, with 2 others/);
      await say('call mute Cleo');
      await shows('Cleo Costa', /Cleo Costa is muted/);
      await say('call remove Cleo');
      await shows('Cleo Costa', /I may not remove Cleo Costa: your admin has to allow me/);
      await lane.town.control('settings', { mayRemoveParticipants: true });
      await say('call remove Cleo');
      await shows('Cleo Costa', /Cleo Costa was removed/);
      await say('call leave');
      await shows('Apollo weekly', /I have left the call/);
      await say('call leave');
      await shows('', /I am not in the call, so I cannot do this/);
    });

    it('tells when the call ends, and a ring asked for after it joins anew', async () => {
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.control('telephony', { action: 'terminate' });
      await shows('Apollo weekly', /The call has ended/);
      await say('call invite Cleo Costa');
      await shows('Cleo Costa', /They are in the call/);
    });

    it('asks which Bo, and rings the one that is chosen', async () => {
      await say('call invite Bo');
      const asked = await shows('Bo', /2 people are called Bo/);
      const option = JSON.stringify(cardOf(asked)).match(/"value":"([^"]*Brandt[^"]*)"/)?.[1];
      assert.ok(option);
      await press(asked, 'request.answer', { answer: option });
      await shows('Bo Brandt', /They are in the call/);
    });

    it('takes somebody who was searched for instead, but nothing that is nobody', async () => {
      await say('call invite Bo');
      const asked = await shows('Bo', /2 people are called Bo/);
      await press(asked, 'request.answer', { answer: 'somebody' });
      const { id } = lane.town.sandbox.world.users.find(({ displayName }) => displayName === 'Cleo Costa') ?? {};
      await press(asked, 'request.answer', { answer: id });
      await shows('Cleo Costa', /They are in the call/);
      assert.deepEqual((await rings()).flatMap(who), ['Cleo Costa']);
    });

    it('offers an invitation for strangers and pending guests, and rings neither', async () => {
      await say('call invite new@partner.example, pia@partner.example');
      const told = await shows('new@partner.example', /Not known here/);
      assert.match(textOf(cardOf(told)), /Pia Pending\nHas not accepted/);
      assert.ok(JSON.stringify(cardOf(told)).includes('"people":"new@partner.example, pia@partner.example"'));
      assert.deepEqual(await rings(), []);
    });

    it('says in other places what cannot work there, and what can', async () => {
      await lane.town.say('call invite Cleo Costa');
      await lane.shows('Cleo Costa', /This chat belongs to no meeting.*start a new call with “call start”/);
      await lane.town.say('call join');
      await lane.shows('', /This chat has no call I could join/);
      await lane.town.say('call join', { conversation: 'group', user: 'rita' });
      await lane.shows('', /This chat belongs to no meeting/, 'group');
      await lane.town.control('settings', { meetingHasJoinUrl: false });
      await say('call join');
      await shows('', /This call has no link by which I could join it/);
    });

    it('goes on waiting for an answer when something else wakes the request', async () => {
      await say('call invite Bo');
      const asked = await shows('Bo', /2 people are called Bo/);
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.control('telephony', { action: 'join', person: 'axel' });
      await shows('Apollo weekly', /with 2 others/);
      const option = JSON.stringify(cardOf(asked)).match(/"value":"([^"]*Berg[^"]*)"/)?.[1];
      await press(asked, 'request.answer', { answer: option });
      await shows('Bo Berg', /They are in the call/);
    });

    it('stays one Usher in one call, however often it is asked to join, and cannot be cancelled away', async () => {
      await say('call join');
      const card = await shows('Apollo weekly', /I am in the call/);
      for (let n = 0; n < 8; n++) await say('call join');
      await lane.town.control(
        `wait?${new URLSearchParams({ conversation: CHAT, matches: '"summary":"Call: I am in this call already', count: '8', timeoutMs: '9000' })}`,
      );
      await say(`cancel ${idOf(card)}`);
      await shows('', /so it cannot be cancelled/);
      await say('call join');
      const { calls } = await lane.town.control<{ calls: unknown[] }>('telephony');
      assert.equal(calls.length, 1);
    });

    it('says when it was not let go, and goes when asked again', async () => {
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.fault({
        kind: 'status',
        status: 403,
        method: 'DELETE',
        path: '/communications/calls/',
        times: 1,
      });
      await say('call leave');
      await shows('Apollo weekly', /Microsoft did not let me leave/);
      await say('call leave');
      await shows('Apollo weekly', /I have left the call/);
    });

    it('tries again what was not allowed, once it is', async () => {
      await lane.town.control('settings', { callsConsent: false });
      await say('call invite Cleo Costa');
      const refused = await shows('Cleo Costa', /Your admin has to consent/);
      assert.match(textOf(cardOf(refused)), /Cleo Costa\nNot rung/);
      await lane.town.control('settings', { callsConsent: true });
      await press(refused, 'request.retry');
      await shows('Cleo Costa', /They are in the call/);
    });

    it('stops as often as it is told to, and rings again in between', async () => {
      await lane.town.control('settings', { joinMs: 600_000 });
      await say('call invite Cleo Costa');
      const waits = await shows('Cleo Costa', /Waiting to be rung/);
      await press(waits, 'callInvite.stop');
      const stopped = await shows('Cleo Costa', /Not rung, as you asked/);
      await press(stopped, 'callInvite.ring');
      const again = await shows('Cleo Costa', /Under way\\?.*Waiting to be rung/);
      await press(again, 'callInvite.stop');
      await lane.town.control(
        `wait?${new URLSearchParams({ conversation: CHAT, matches: '"versions":.*Not rung, as you asked.*Waiting to be rung.*Not rung, as you asked', timeoutMs: '9000' })}`,
      );
      assert.deepEqual(await rings(), []);
    });

    it('starts a call in a chat without a meeting, rings everyone once, and takes more people into it', async () => {
      await behave('dan', 'declines');
      const inGroup = (text: string) => lane.town.say(text, { conversation: 'group', user: 'rita' });
      await inGroup('call start "Apollo launch" with Cleo Costa, Dan Dale');
      const told = await lane.shows('Apollo launch', /: 1 of 2 in the call/, 'group');
      assert.match(textOf(cardOf(told)), /Cleo Costa\nIn the call\nDan Dale\n(?:No answer|Declined)/);
      assert.deepEqual(await rings(), [], 'starting rings');
      await inGroup('call invite Bo Berg');
      await lane.shows('Bo Berg', /They are in the call/, 'group');
      await inGroup('call status');
      await lane.shows('Apollo launch', /I am in the call, with 2 others/, 'group');
      await inGroup('call leave');
      await lane.shows('Apollo launch', /The call is over\. 1 of 2 were in it/, 'group');
      await lane.shows('Apollo launch', /I have left the call/, 'group');
    });

    it('says whose move it is when the tenant has not allowed calls', async () => {
      await lane.town.control('settings', { callsConsent: false });
      await say('call invite Cleo Costa');
      await shows('Cleo Costa', /Your admin has to consent to my calling permissions/);
    });

    it('hears callbacks late, twice and in any order, and tells the same', async () => {
      await behave('dan', 'declines');
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.control('hold-callbacks', { on: true });
      await say('call invite Cleo Costa, Dan Dale');
      await lane.town.control(
        `wait?${new URLSearchParams({ telephony: '"ringing":\\[\\].*Cleo|Cleo.*"ringing":\\[\\]', timeoutMs: '9000' })}`,
      );
      await lane.town.control('hold-callbacks', { on: false, reversed: true });
      const told = await shows('Cleo Costa', /: 1 of 2 in the call/);
      const { callbacks } = await lane.town.control<{ callbacks: { n: number }[] }>('telephony');
      const before = cardOf(told);
      const { statuses } = await lane.town.control<{ statuses: number[] }>('callback', {
        replay: callbacks.map(({ n }) => n),
        order: 'reversed',
        copies: 10,
      });
      assert.deepEqual([...new Set(statuses)], [202]);
      assert.deepEqual(cardOf(await shows('Cleo Costa', /: 1 of 2 in the call/)), before);
      assert.match(textOf(before), /Dan Dale\nDeclined/);
    });

    it('believes no callback with a wrong token, and none about what it does not know', async () => {
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await behave('dan', 'silent');
      await say('call invite Dan Dale');
      const rung = await shows('Dan Dale', /Ringing/);
      const { calls } = await lane.town.control<{ calls: { id: string; callbackUri: string }[] }>('telephony');
      const [call] = calls;
      assert.ok(call);
      const ended = (clientContext: string | null, resourceUrl: string) => ({
        '@odata.type': '#microsoft.graph.commsNotifications',
        value: [
          {
            changeType: 'deleted',
            resourceUrl,
            resourceData: {
              '@odata.type': '#microsoft.graph.inviteParticipantsOperation',
              id: null,
              status: 'completed',
              clientContext,
            },
          },
          { changeType: 'deleted', resourceUrl: `/communications/calls/${call.id}` },
        ],
      });
      const here = `/communications/calls/${call.id}/operations/participants`;
      const post = (body: object, token: unknown, claims = {}) =>
        lane.town.control<{ statuses: number[] }>('callback', { to: call.callbackUri, body, token, claims });
      const lie = ended(`${idOf(rung)}.0`, here);
      for (const token of ['none', ...callForgeries.filter((kind) => kind !== 'wrongTid').map((forge) => ({ forge }))])
        assert.deepEqual((await post(lie, token)).statuses, [401], JSON.stringify(token));
      assert.deepEqual((await post(lie, { forge: 'wrongTid' })).statuses, [403]);
      const stray = ended('nothing1.0', '/communications/calls/another/operations/unknown');
      stray.value.pop();
      assert.deepEqual((await post(stray, 'good')).statuses, [202]);
      assert.deepEqual((await post(ended(null, here), 'none')).statuses, [401]);
      assert.match(textOf(cardOf(await shows('Dan Dale', /They are not in the call/))), /No answer/);
      await say('call status');
      await shows('Apollo weekly', /I am in the call, with one other/);
    });

    it('finds on the roster who answered when no callback came at all', async () => {
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.control('settings', { callbacksOff: true });
      await say('call invite Cleo Costa');
      await shows('Cleo Costa', /They are in the call/);
    });

    it('loses the answer to a ring, and neither repeats it nor forgets it', async () => {
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.fault({ kind: 'dropAfter', method: 'POST', path: '/participants/invite', times: 1 });
      await say('call invite Cleo Costa');
      await shows('Cleo Costa', /They are in the call/);
      assert.equal((await rings()).length, 1);
    });

    it('shows who comes later, waits in the lobby, is let in and leaves, and in the end who was in', async () => {
      await behave('dan', 'declines');
      const comes = (person: string, lobby = false) =>
        lane.town.control('telephony', { action: 'join', meeting: CHAT, person, lobby });
      await say('call invite Cleo Costa, Dan Dale');
      await shows('Cleo Costa', /: 1 of 2 in the call/);
      await comes('dan', true);
      await shows('Cleo Costa', /In the lobby/);
      await comes('dan');
      assert.match(textOf(cardOf(await shows('Cleo Costa', /All 2 are in/))), /Dan Dale\nIn the call/);
      await lane.town.control('telephony', { action: 'leave', meeting: CHAT, person: 'dan' });
      const left = textOf(cardOf(await shows('Cleo Costa', /Left the call/)));
      assert.match(left, /Under way.*1 of 2 in the call.*Dan Dale\nLeft the call.*Ring again/s);
      await say('call leave');
      const over = await shows('Cleo Costa', /The call is over/);
      assert.match(
        textOf(cardOf(over)),
        /Done.*All 2 were in it.*Cleo Costa\nWas in the call\nDan Dale\nLeft the call/s,
      );
      await behave('dan', 'answers');
      await press(over, 'callInvite.ring');
      const anew = textOf(cardOf(await shows('Cleo Costa', /"versions".*The call is over.*All 2 are in/)));
      assert.match(anew, /Under way.*Cleo Costa\nIn the call\nDan Dale\nIn the call/s);
      assert.deepEqual((await rings()).map(who), [['Cleo Costa', 'Dan Dale'], ['Dan Dale']]);
    });

    it('edits no card when a look at the roster shows nothing new', async () => {
      await say('call join');
      await say('call invite Cleo Costa');
      const ring = await shows('Cleo Costa', /They are in the call/);
      const call = await shows('Apollo weekly', /with 2 others/);
      const looks = (await lane.town.calls()).filter(({ path }) => path.endsWith('/participants'));
      const { calls } = await lane.town.control<{ calls: { id: string }[] }>('telephony');
      await lane.town.control('callback', { call: calls[0]?.id, body: rosterOf(calls[0]?.id ?? '') });
      await lane.town.control(
        `wait?${new URLSearchParams({ calls: 'GET .*/participants ', count: String(looks.length + 1), timeoutMs: '9000' })}`,
      );
      // Whoever goes is shown by the very next edit, so none was made in between.
      await lane.town.control('telephony', { action: 'leave', meeting: CHAT, person: 'cleo' });
      assert.equal((await shows('Cleo Costa', /Left the call/)).versions.length, ring.versions.length + 1);
      const after = await shows('Apollo weekly', /"versions".*with 2 others.*with one other/);
      assert.equal(after.versions.length, call.versions.length + 1);
    });

    it('tells a decline from no answer when the call is between two', async () => {
      await behave('dan', 'declines');
      const start = (text: string) => lane.town.say(text, { conversation: 'group', user: 'rita' });
      await start('call start "Quick word" with Dan Dale');
      const told = await lane.shows('Quick word', /They are not in the call/, 'group');
      assert.match(textOf(cardOf(told)), /Done.*Dan Dale\nDeclined/s);
      await behave('dan', 'answers');
      const button = cardOf(told).actions?.find(({ verb }) => verb === 'callStart.ring');
      await lane.town.press(told.activityId, 'callStart.ring', button?.data ?? {}, {}, { conversation: 'group' });
      await lane.shows('Quick word', /They are in the call/, 'group');
      await behave('cleo', 'silent');
      await start('call leave');
      await lane.shows('Quick word', /The call is over\. They were in it/, 'group');
      await start('call start "Another word" with Cleo Costa');
      assert.match(textOf(cardOf(await lane.shows('Another word', /No answer/, 'group'))), /Cleo Costa\nNo answer/);
    });

    it('learns from a ring that the call is gone, says so, and joins anew when asked again', async () => {
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.control('settings', { callbacksOff: true });
      await lane.town.control('telephony', { action: 'terminate' });
      await say('call invite Cleo Costa');
      const told = await shows('Cleo Costa', /The call is over/);
      assert.match(textOf(cardOf(told)), /Done.*Cleo Costa\nNot rung: the call was over/s);
      await shows('Apollo weekly', /The call is over/);
      await lane.town.control('settings', { callbacksOff: false });
      await press(told, 'callInvite.ring');
      await shows('Cleo Costa', /They are in the call/);
    });

    it('asks which Bo while the others ring, and takes the answer at any moment', async () => {
      await behave('dan', 'declines');
      await say('call invite Cleo Costa, Bo, Dan Dale');
      const asked = await shows('Cleo Costa', /: 1 of 3 in the call/);
      const text = textOf(cardOf(asked));
      assert.match(text, /Cleo Costa\nIn the call\nBo\nSeveral people have this name\nDan Dale\nDeclined/);
      assert.match(text, /2 people are called Bo\. Whom do you mean\?/);
      assert.deepEqual((await rings()).map(who), [['Cleo Costa', 'Dan Dale']], 'nobody waited for the answer');
      // Dan is rung again, and while nobody knows yet whether that went through the question is answered.
      await behave('dan', 'answers');
      await lane.town.fault({ kind: 'slow', method: 'POST', path: '/participants/invite', times: 1, ms: 1500 });
      await press(asked, 'callInvite.ring');
      await lane.town.control(
        `wait?${new URLSearchParams({ telephony: '"ringing":\\[[^\\]]*Dan', timeoutMs: '9000' })}`,
      );
      const option = JSON.stringify(cardOf(asked)).match(/"value":"([^"]*Brandt[^"]*)"/)?.[1];
      await press(asked, 'request.answer', { answer: option });
      const all = textOf(cardOf(await shows('Cleo Costa', /All 3 are in/)));
      assert.match(all, /Cleo Costa\nIn the call\nBo Brandt\nIn the call\nDan Dale\nIn the call/);
      assert.doesNotMatch(all, /Whom do you mean/);
      assert.deepEqual((await rings()).map(who), [['Cleo Costa', 'Dan Dale'], ['Dan Dale'], ['Bo Brandt']]);
    });

    it('rings the others when one cannot be looked up, and looks for that one again when asked to', async () => {
      await lane.town.fault({ kind: 'status', status: 403, method: 'GET', path: '/users$', times: 1 });
      await say('call invite Dan Dale, Cleo Costa');
      const told = await shows('Cleo Costa', /: 1 of 2 in the call/);
      assert.match(textOf(cardOf(told)), /Dan Dale\nCould not be rung: .*\nCleo Costa\nIn the call/);
      await press(told, 'callInvite.ring');
      await shows('Cleo Costa', /All 2 are in/);
      assert.deepEqual((await rings()).map(who), [['Cleo Costa'], ['Dan Dale']]);
    });

    it('rings five hundred in groups of five through throttling, nobody twice, and the card stays small', async function () {
      this.timeout(120_000);
      const numbers = Array.from({ length: 500 }, (_, n) => `+35121${String(1_000_000 + n)}`);
      await say('call join');
      await shows('Apollo weekly', /I am in the call/);
      await lane.town.fault({
        kind: 'throttle',
        method: 'POST',
        path: '/participants/invite',
        times: 3,
        retryAfter: 1,
      });
      await say(`call invite ${numbers.join(', ')}`);
      await lane.town.until(/All 500 are in/, CHAT, 60_000);
      const told = await shows('500', /All 500 are in/);
      assert.ok(JSON.stringify(cardOf(told)).length < 20_000);
      const done = (await rings()).filter(({ status }) => status === 200);
      assert.deepEqual(
        done.map((one) => who(one).length),
        Array(100).fill(5),
      );
      assert.equal(new Set(done.flatMap(ids)).size, 500);
    });
  });
}

/** A notice of somebody else's making: that something has changed is all that is taken from it. */
const rosterOf = (callId: string) => ({
  '@odata.type': '#microsoft.graph.commsNotifications',
  value: [
    {
      changeType: 'updated',
      resourceUrl: `/communications/calls/${callId}/participants`,
      resourceData: [{ id: 'somebody', info: { identity: { user: { id: 'somebody' } } } }],
    },
  ],
});

/** The request a card shows, from its footer. */
const idOf = (message: Message): string => / · (\w{8})/.exec(textOf(cardOf(message)))?.[1] ?? '';

interface Rung {
  readonly body?: unknown;
}
interface Body {
  readonly participants: readonly { readonly identity: Record<string, { id: string; displayName?: string }> }[];
}
const identities = (ring: Rung | undefined) =>
  ((ring?.body as Body | undefined)?.participants ?? []).map(({ identity }) => identity['user'] ?? identity['phone']);
/** Who was rung, by name or number. */
const who = (ring: Rung | undefined) => identities(ring).map((one) => one?.displayName ?? one?.id);
const ids = (ring: Rung | undefined) => identities(ring).map((one) => one?.id);
