/** The desk: who may do what with a request, and that the first choice wins. */
import assert from 'node:assert/strict';
import type { InviteOutcome } from '../../src/capabilities/call/fates.ts';
import { capabilities } from '../../src/capabilities/index.ts';
import type { AnyCapability } from '../../src/requests/capability.ts';
import type { Choice } from '../../src/requests/desk.ts';
import { Hearing } from '../../src/requests/hearing.ts';
import { keyOf, type ReferralNotice } from '../../src/requests/referralNotices.ts';
import type { Place, Request } from '../../src/requests/request.ts';
import { openStore } from '../../src/store/db.ts';
import { engines, type TestDatabase } from '../support/db.ts';
import { SETTINGS } from '../support/settings.ts';
import { AXEL, CHAT, fails, invited, nobody, ok, pending, RITA, Spine } from '../support/spine.ts';

const LINK = `https://teams.microsoft.com/l/meetup-join/${encodeURIComponent('19:m@thread.v2')}/0?context=${encodeURIComponent('{"Tid":"t1","Oid":"o"}')}`;
const userOf = (displayName: string, n: number | string) => ({ id: String(n), displayName });
const user = (id: string, name: string) => ok({ value: [userOf(name, id)] });
const fatesIn = (request: Request | null) =>
  (request?.outcome as InviteOutcome | undefined)?.people.map(({ name, at }) => `${name} ${at}`);
const RUNS = { id: 'O1', status: 'running' };

describe('the desk', () => {
  let database: TestDatabase;
  let spine: Spine;

  beforeEach(async () => {
    const [sqlite] = await engines();
    database = await (sqlite as NonNullable<typeof sqlite>).open();
    spine = new Spine(await openStore(database.url));
  });
  afterEach(async () => {
    await spine.store.close();
    await database.drop();
  });

  const choose = (id: string, kind: 'cancel' | 'retry' | 'arrived' | 'again', who = RITA, where = CHAT) =>
    spine.desk.choose(id, { kind } as Choice, who, where);

  it('files one request per person, each under a key of its own', async () => {
    const filed = await spine.desk.submit({
      capability: 'guest',
      raw: { people: 'a@x.example, b@x.example' },
      who: RITA,
      where: CHAT,
      key: 'chat:1',
      activityId: null,
    });
    assert.ok(filed.ok);
    assert.deepEqual(
      filed.value.requests.map(({ key, subject }) => [key, subject]),
      [
        ['chat:1:0', 'a@x.example'],
        ['chat:1:1', 'b@x.example'],
      ],
    );
  });

  it('lets nobody but whoever asked act on a list elsewhere, and nobody stop or cancel one that was sent', async () => {
    const group: Place = { ...CHAT, kind: 'group', conversationId: '19:g' };
    const filed = await spine.desk.submitList({
      capability: 'guest',
      raw: {},
      name: 'guests.csv',
      rows: [1, 2].map((line) => ({ line, raw: { people: `p${line}@x.example` } })),
      unused: [],
      who: RITA,
      where: group,
      key: 'chat:list',
      activityId: null,
    });
    const { id } = (filed.ok && filed.value.requests[0]) || assert.fail();
    const act = async (name: string, who = RITA, where = CHAT): Promise<string> => {
      const done = await spine.desk.act(id, name, {}, who, where);
      return done.ok ? 'done' : done.problem.say.key;
    };
    assert.equal(await act('send', AXEL), 'problem.noSuchRequest');
    assert.equal(await act('send', RITA, { ...group, conversationId: '19:other' }), 'problem.noSuchRequest');
    assert.equal(await act('send', AXEL, group), 'problem.notYours');
    assert.equal((await spine.store.get(id))?.signals, 0);
    assert.equal(await act('send'), 'done');
    spine.answers(pending, pending);
    for (let n = 0; n < 20 && (await spine.store.get(id))?.standing !== 'sent'; n++) await spine.runNext();
    const sent = await spine.store.get(id);
    assert.deepEqual([sent?.state, sent?.standing], ['waiting', 'sent']);
    assert.equal(await act('stop'), 'problem.movedOn');
    const cancelled = await choose(id, 'cancel');
    assert.equal(!cancelled.ok && cancelled.problem.say.key, 'problem.tooLateToCancel');
    assert.equal((await spine.store.get(id))?.version, sent?.version);
    // It looks again, sees the same, and changes nothing that anybody could see.
    const at = spine.now;
    for (let n = 0; n < 40 && spine.now < at + 24 * 3600_000; n++) await spine.runNext();
    assert.deepEqual(spine.errors, []);
    const later = await spine.store.get(id);
    assert.equal(later?.version, sent?.version);
    assert.ok((later?.updatedAt ?? 0) > (sent?.updatedAt ?? 0));
  });

  it('takes the same intent once, however often and however fast it comes', async () => {
    const wish = {
      capability: 'guest',
      raw: { people: 'a@x.example' },
      who: RITA,
      where: CHAT,
      key: 'chat:1',
      activityId: null,
    };
    const filed = await Promise.all(Array.from({ length: 10 }, () => spine.desk.submit(wish)));
    assert.equal(filed.filter((one) => one.ok && one.value.isNew).length, 1);
    assert.equal(new Set(filed.map((one) => one.ok && one.value.requests[0]?.id)).size, 1);
  });

  it('refuses more people at once than it takes, with the number', async () => {
    const people = Array.from({ length: 21 }, (_one, n) => `p${n}@x.example`).join(' ');
    const filed = await spine.desk.submit({
      capability: 'guest',
      raw: { people },
      who: RITA,
      where: CHAT,
      key: 'chat:1',
      activityId: null,
    });
    assert.ok(!filed.ok);
    assert.deepEqual(filed.problem[0]?.say, { key: 'problem.tooManyAtOnce', with: { count: 21, most: 20 } });
  });

  it('lets only the one who asked choose', async () => {
    const { id } = await spine.invite();
    const chosen = await choose(id, 'cancel', AXEL);
    assert.ok(!chosen.ok);
    assert.equal(chosen.problem.kind, 'denied');
    assert.equal((await spine.store.get(id))?.state, 'queued');
  });

  it('knows no request of another tenant', async () => {
    const { id } = await spine.invite();
    const chosen = await choose(id, 'cancel', RITA, { ...CHAT, tenantId: 't2' });
    assert.equal(!chosen.ok && chosen.problem.kind, 'gone');
  });

  it('cancels what waits, once; nothing is sent then', async () => {
    const { id } = await spine.invite();
    assert.ok((await choose(id, 'cancel')).ok);
    assert.equal((await choose(id, 'cancel')).ok, false);
    assert.equal(await spine.runNext(), false);
    assert.equal(spine.sent.length, 0);
  });

  it('does not cancel what is under way or may have arrived', async () => {
    const { id } = await spine.invite();
    spine.answers(nobody, async () => {
      const during = await choose(id, 'cancel');
      assert.equal(!during.ok && during.problem.say.key, 'problem.tooLateToCancel');
      return fails('down');
    });
    await spine.runDue();
    const after = await choose(id, 'cancel');
    assert.equal(!after.ok && after.problem.say.key, 'problem.tooLateToCancel');
  });

  it('takes the answer to a question while the request is in hand, and puts it in before the next step', async () => {
    const where: Place = { ...CHAT, kind: 'meeting', conversationId: '19:m@thread.v2', meetingId: 'm' };
    const keeper = await spine.invite({ link: LINK }, { capability: 'callJoin', where });
    spine.answers(ok({ id: 'C1' }));
    await spine.runDue();
    await spine.store.signal(keeper.id, [{ key: 'established:C1', body: { callId: 'C1' } }], spine.now);
    spine.answers(ok({ value: [] }));
    await spine.runDue();
    const { id } = await spine.invite({ people: 'Cleo Costa, Bo' }, { capability: 'callInvite', where });
    const answer = (value: string) => spine.desk.choose(id, { kind: 'answer', value }, RITA, where);
    spine.answers(user('c', 'Cleo Costa'), ok({ value: ['Bo Berg', 'Bo Brandt'].map(userOf) }), ok(RUNS));
    await spine.runDue();
    const asked = await spine.store.get(id);
    assert.deepEqual([asked?.state, asked?.question?.field], ['waiting', 'p1']);
    assert.deepEqual(fatesIn(asked), ['Cleo Costa ringing', 'Bo several'], 'nobody waits for the answer');

    spine.now += 60_000;
    spine.answers(
      async () => {
        assert.equal((await spine.store.get(id))?.state, 'sending');
        assert.ok(!(await answer('nobody')).ok, 'not one of the options');
        const chosen = await answer('1:Bo Brandt');
        assert.equal(chosen.ok && chosen.value.question, null, 'its card asks no more');
        return ok({ value: [] });
      },
      user('1', 'Bo Brandt'),
      ok(RUNS),
    );
    await spine.runDue();
    assert.equal(await spine.runDue(), 1, 'it was spoken to, so it does not rest');
    const after = await spine.store.get(id);
    assert.equal(after?.question, null);
    assert.deepEqual(fatesIn(after), ['Cleo Costa noAnswer', 'Bo Brandt ringing']);
    const audit = await spine.store.auditOf(id);
    assert.deepEqual(
      audit.filter(({ what }) => what === 'chose').map(({ who, detail }) => [who, detail]),
      [['rita', { field: 'p1', value: '1:Bo Brandt' }]],
    );
    assert.equal((await answer('0:Bo Berg')).ok, false, 'answered once');
  });

  it('says what is no longer possible once a request has ended', async () => {
    const { id } = await spine.invite();
    spine.answers(nobody, invited);
    await spine.end(id);
    for (const kind of ['cancel', 'retry', 'arrived', 'again'] as const) {
      const chosen = await choose(id, kind);
      assert.equal(!chosen.ok && chosen.problem.kind, 'clash', kind);
    }
  });

  it('fifty choices at once have one winner', async () => {
    const { id } = await spine.invite();
    spine.answers(fails('refused'));
    await spine.end(id);
    const chosen = await Promise.all(Array.from({ length: 50 }, () => choose(id, 'retry')));
    assert.equal(chosen.filter((one) => one.ok).length, 1);
  });

  it('keeps what Partner Center says with the request that its address names, once, if that cares', async () => {
    const guest = capabilities(SETTINGS).get('guest') as AnyCapability;
    const listening: AnyCapability = {
      ...guest,
      hearsReferral: (_request, notice) => ({
        signals: notice.event === 'updated' ? [{ key: keyOf(notice), body: { ...notice } }] : [],
      }),
    };
    let queued = 0;
    const hearingOf = (capability: AnyCapability): Hearing =>
      new Hearing({
        store: spine.store,
        clock: { now: () => spine.now },
        capabilities: new Map([['guest', capability]]),
        queued: () => queued++,
      });
    const { id } = await spine.invite();
    const notice: ReferralNotice = { event: 'updated', referralId: 'r1', changedAt: spine.now };
    await hearingOf(guest).heardReferral({ requestId: id, notice });
    const ears = hearingOf(listening);
    await ears.heardReferral({ requestId: null, notice });
    await ears.heardReferral({ requestId: 'nobody', notice });
    await ears.heardReferral({ requestId: id, notice: { ...notice, event: 'created' } });
    assert.equal(queued, 0);
    await Promise.all(Array.from({ length: 10 }, () => ears.heardReferral({ requestId: id, notice })));
    assert.equal(queued, 1);
    await ears.heardReferral({ requestId: id, notice: { ...notice, changedAt: spine.now + 1 } });
    const [claim] = await spine.store.claim(10, spine.now, spine.now + 60_000);
    assert.deepEqual(
      claim?.signals.map(({ body }) => body['changedAt']),
      [spine.now, spine.now + 1],
    );
  });
});
