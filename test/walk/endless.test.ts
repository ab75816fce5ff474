/**
 * Faults that do not end: after the agreed number of tries a request rests as failed or unsure, its card says whose move
 * is next, and each of its buttons does what it says. A second mail is never sent without somebody's word.
 */
import assert from 'node:assert/strict';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import type { Message } from '../support/usher.ts';
import {
  assertForPeople,
  assertNothingLeaked,
  buttonsOf,
  cardOf,
  type Lane,
  openLane,
  textOf,
} from '../support/walk.ts';

const ATTEMPTS = 3;

for (const engine of await engines()) {
  describe(`a fault that does not end, on ${engine.name}`, function () {
    this.timeout(30_000);
    let lane: Lane;
    let people = 0;

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lane = await openLane(engine, { RETRY_ATTEMPTS: String(ATTEMPTS), CALL_TIMEOUT_MS: '400' });
    });
    afterEach(async () => {
      await lane?.town.heal();
    });
    after(async () => {
      await assertNothingLeaked(lane);
      await lane?.close();
    });

    const someone = (): string => `ever${++people}@partner.example`;
    const press = (message: Message, verb: string) =>
      lane.town.press(message.activityId, verb, cardOf(message).actions?.find((one) => one.verb === verb)?.data ?? {});
    const mails = (address: string): number =>
      lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length;
    const sends = async (address: string): Promise<number> =>
      (await lane.town.invitations()).filter((call) => call.body?.['invitedUserEmailAddress'] === address).length;

    const unwell: readonly Record<string, unknown>[] = [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 503 },
      { kind: 'html' },
      { kind: 'dropBefore' },
      { kind: 'dropAfter' },
      { kind: 'truncated' },
      { kind: 'wrongBody' },
      { kind: 'hold', ms: 2000 },
    ];

    for (const { path, call } of [
      { path: '/users$', call: 'the look-up of the person' },
      { path: '/groups$', call: 'the look-up of the team' },
    ]) {
      for (const fault of unwell) {
        it(`${call} that only ever meets ${nameOf(fault)} ends as failed, and Try again carries on`, async () => {
          const address = someone();
          await lane.town.fault({ ...fault, path, times: -1 });
          await lane.town.say(`invite ${address} to team Apollo`);
          const failed = await lane.shows(address, /"text":"Not done"/);
          assert.match(textOf(cardOf(failed)), /Microsoft could not be reached, and I have stopped trying/);
          assert.deepEqual(buttonsOf(failed), ['request.retry', 'request.fix']);
          assertForPeople(failed);
          assert.equal(await sends(address), 0);

          await lane.town.heal();
          await press(failed, 'request.retry');
          const done = await lane.shows(address, /"text":"Invited"/);
          assert.equal(done.activityId, failed.activityId);
          assert.match(textOf(cardOf(done)), /is invited\. The mail is on its way.*They are now in Apollo\./);
          assert.equal(mails(address), 1);
        });
      }
    }

    it('tries a look-up as often as agreed, and no more', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'status', status: 500, path: '/users$', times: -1 });
      await lane.town.say(`invite ${address}`);
      await lane.shows(address, /"text":"Not done"/);
      const looks = (await lane.town.calls()).filter(
        ({ path, query }) => path.endsWith('/users') && query['$filter']?.includes(address),
      );
      assert.equal(looks.length, ATTEMPTS);
    });

    it('an invitation that is refused an answer every time ends as unsure, and Send it again sends one mail', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'status', status: 500, path: '/invitations$', times: -1 });
      await lane.town.say(`invite ${address} to team Apollo`);
      const unsure = await lane.shows(address, /"text":"Unsure"/);
      assert.match(textOf(cardOf(unsure)), /I sent this and never heard back, so it may or may not have arrived/);
      assert.deepEqual(buttonsOf(unsure), ['request.arrived', 'request.again']);
      assertForPeople(unsure);
      assert.equal(mails(address), 0);
      assert.equal(await sends(address), ATTEMPTS);

      await lane.town.heal();
      await press(unsure, 'request.again');
      const done = await lane.shows(address, /"text":"Invited"/);
      assert.match(textOf(cardOf(done)), /is invited\. The mail is on its way.*They are now in Apollo\./);
      assert.equal(mails(address), 1);
    });

    it('It arrived ends an unsure invitation without another mail', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'dropBefore', path: '/invitations$', times: -1 });
      await lane.town.say(`invite ${address}`);
      const unsure = await lane.shows(address, /"text":"Unsure"/);
      await lane.town.heal();
      const before = await sends(address);
      await press(unsure, 'request.arrived');
      const done = await lane.shows(address, /"text":"Invited"/);
      assert.match(textOf(cardOf(done)), /You said that it arrived, so I sent nothing more\./);
      assert.equal(await sends(address), before);
      assert.equal(mails(address), 0);
    });

    it('after It arrived the guest is looked for, and joins the team', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'dropBefore', path: '/invitations$', times: -1 });
      await lane.town.say(`invite ${address} to team Apollo`);
      const unsure = await lane.shows(address, /"text":"Unsure"/);
      await lane.town.heal();
      await lane.town.control('world', {
        users: [{ displayName: 'Eve', mail: address, userType: 'Guest', externalUserState: 'PendingAcceptance' }],
      });
      await press(unsure, 'request.arrived');
      const done = await lane.shows(address, /"text":"Invited"/);
      assert.match(textOf(cardOf(done)), /They are now in Apollo\./);
      assert.equal(mails(address), 0);
    });

    it('when nobody is there after It arrived, the card says so', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'dropBefore', path: '/invitations$', times: -1 });
      await lane.town.say(`invite ${address} to team Apollo`);
      const unsure = await lane.shows(address, /"text":"Unsure"/);
      await lane.town.heal();
      await press(unsure, 'request.arrived');
      const failed = await lane.shows(address, /"text":"Not done"/);
      assert.match(textOf(cardOf(failed)), /I cannot find the guest, so I could not add them to the team/);
      assert.deepEqual(buttonsOf(failed), ['request.retry', 'request.fix']);
      assertForPeople(failed);
      assert.equal(mails(address), 0);
    });

    it('an invitation whose answers are all lost is found in the directory and not sent twice', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'dropAfter', path: '/invitations$', times: -1 });
      await lane.town.say(`invite ${address}`);
      const done = await lane.shows(address, /"text":"Invited"/);
      assert.match(textOf(cardOf(done)), /Microsoft's answer got lost on the way, but the invitation is there/);
      assert.equal(await sends(address), 1);
      assert.equal(mails(address), 1);
    });

    it('a lost invitation that can no longer be looked for ends as unsure, not as failed', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'dropAfter', path: '/invitations$' });
      await lane.town.say(`invite ${address}`);
      await lane.shows(address, /I am looking whether it arrived/);
      await lane.town.fault({ kind: 'status', status: 502, path: '/users$', times: -1 });
      const message = await lane.shows(address, /"text":"(?:Unsure|Invited)"/);
      // The look-up may have been faster than the fault.
      assert.equal(await sends(address), 1);
      assertForPeople(message);
    });

    it('a joining that never works ends as failed but says that the invitation is sent; Try again only joins', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'status', status: 503, path: '/members$', times: -1 });
      await lane.town.say(`invite ${address} to team Apollo`);
      const failed = await lane.shows(address, /"text":"Not done"/);
      assert.deepEqual(buttonsOf(failed), ['request.retry', 'request.fix']);
      assertForPeople(failed);
      await lane.town.heal();
      await press(failed, 'request.retry');
      await lane.shows(address, /"text":"Invited"/);
      assert.equal(mails(address), 1);
      assert.equal(await sends(address), 1);
      assert.match(textOf(cardOf(failed)), /The invitation is sent/);
    });

    it('a service that only ever asks for patience is waited for, and the request can be cancelled', async () => {
      const address = someone();
      await lane.town.fault({ kind: 'throttle', retryAfter: null, times: -1 });
      await lane.town.say(`invite ${address}`);
      const slowed = await lane.shows(address, /Microsoft asked me to slow down/);
      assertForPeople(slowed);
      const requestId = / · ([0-9a-z]{8})$/m.exec(textOf(cardOf(slowed)))?.[1] ?? '';
      // A try may be under way at this moment; then the person is told so, and presses again.
      for (let said = ''; !/Cancelled/.test(said); ) {
        const { body } = await lane.town.press(slowed.activityId, 'request.cancel', { requestId });
        said = JSON.stringify(body);
        assert.match(said, /Cancelled|cannot be cancelled|has changed in the meantime/);
      }
      await lane.shows(address, /"text":"Cancelled"/);
      assert.equal(await sends(address), 0);
    });

    for (const fault of unwell) {
      it(`another mail whose answer is ${nameOf(fault)} is never repeated blindly`, async () => {
        const address = someone();
        await lane.town.control('world', {
          users: [
            {
              displayName: address.split('@')[0],
              mail: address,
              userType: 'Guest',
              externalUserState: 'PendingAcceptance',
            },
          ],
        });
        await lane.town.say(`invite ${address}`);
        const found = await lane.shows(address, /was invited before and has not accepted yet/);
        assert.deepEqual(buttonsOf(found), ['command.run', 'command.run']);
        await lane.town.fault({ ...fault, path: '/invitations$', times: -1 });
        await press(found, 'command.run');
        const unsure = await lane.shows(address, /"text":"Unsure"/);
        assert.notEqual(unsure.activityId, found.activityId);
        assert.deepEqual(buttonsOf(unsure), ['request.arrived', 'request.again']);
        assertForPeople(unsure);
        const before = mails(address);
        assert.ok(before <= 1);

        await lane.town.heal();
        await press(unsure, 'request.again');
        const done = await lane.shows(address, /Another invitation mail is on its way/);
        assert.equal(done.activityId, unsure.activityId);
        assert.equal(mails(address), before + 1);
      });
    }

    it('another mail that was asked to be patient is sent when the time has come, once', async () => {
      const address = 'pia@partner.example';
      await lane.town.say(`invite ${address}`);
      const found = await lane.shows(address, /was invited before and has not accepted yet/);
      await lane.town.fault({ kind: 'throttle', retryAfter: 0.2, path: '/invitations$' });
      await press(found, 'command.run');
      await lane.shows(address, /Another invitation mail is on its way/);
      assert.equal(mails(address), 1);
    });
  });
}

function nameOf(fault: Record<string, unknown>): string {
  return [fault['kind'], fault['status']].filter(Boolean).join(' ');
}
