/**
 * Approvals on a real store with a clock that is data: one decision of many, deputies and time-outs, and that only what was
 * shown is carried out.
 */
import assert from 'node:assert/strict';
import type { z } from 'zod/v4';
import { capabilities } from '../../src/capabilities/index.ts';
import { askingOf, type Ruling } from '../../src/requests/approvals.ts';
import type { Policy } from '../../src/requests/policy/policy.ts';
import type { Person, Request } from '../../src/requests/request.ts';
import { storyOf } from '../../src/requests/storyOf.ts';
import { openStore } from '../../src/store/db.ts';
import { engines, type TestDatabase } from '../support/db.ts';
import { SETTINGS } from '../support/settings.ts';
import { CHAT, fails, invited, nobody, ok, RITA, Spine } from '../support/spine.ts';

const ref = (n: number, name: string) => ({ id: `a0000000-0000-4000-8000-00000000000${n}`, name });
const AXEL = ref(2, 'Axel');
const ADA = ref(3, 'Ada');
const SALES = { id: 'b0000000-0000-4000-8000-000000000001', name: 'Sales' };
const person = ({ id, name }: { id: string; name: string }): Person => ({ id, name, locale: 'en' });
const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

for (const engine of await engines()) {
  describe(`approvals on ${engine.name}`, function () {
    this.timeout(60_000);
    let database: TestDatabase;
    let spine: Spine;

    const open = async (policy: z.input<typeof Policy>): Promise<void> => {
      database = await engine.open();
      spine = new Spine(await openStore(database.url), {}, policy);
    };
    const rule = (more: object = {}) => ({
      name: 'Every guest',
      approvers: [AXEL],
      deputies: [ADA],
      deputyAfterHours: 4,
      ...more,
    });
    const asked = async (raw: Record<string, string> = { people: 'ana@partner.example', until: '2026-12-31' }) => {
      const { id } = await spine.invite(raw);
      spine.answers(nobody);
      const request = await spine.end(id);
      assert.equal(request.state, 'awaiting approval');
      return request;
    };
    const decide = (request: Request, ruling: Ruling, who: { id: string; name: string }) => {
      const { asked } = request.approval ?? {};
      assert.ok(asked);
      return spine.approvals.rule(request.id, ruling, askingOf(asked), person(who), CHAT.tenantId);
    };

    afterEach(async () => {
      await spine.store.close();
      await database.drop();
    });

    it('of fifty decisions at once exactly one counts', async () => {
      const crowd = Array.from({ length: 50 }, (_, n) => ({
        id: `a0000000-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`,
        name: `Approver ${n}`,
      }));
      await open({ approvals: [{ name: 'Every guest', approvers: crowd }] });
      const request = await asked();
      const rulings = await Promise.all(
        crowd.map((one, n) =>
          decide(request, n % 2 === 0 ? { kind: 'approve' } : { kind: 'refuse', words: `no ${n}` }, one),
        ),
      );
      const won = rulings.filter(({ ok }) => ok);
      assert.equal(won.length, 1);
      for (const one of rulings)
        if (!one.ok) assert.match(one.problem.say.key, /^approval\.already\.|^problem\.movedOn$/);
      const lines = await spine.store.auditOf(request.id);
      assert.equal(lines.filter(({ what }) => what === 'approved' || what === 'refused').length, 1);
      const now = await spine.store.get(request.id);
      assert.equal(now?.state, now?.approval?.asked?.decision?.kind === 'approved' ? 'queued' : 'declined');
    });

    it('a deputy is asked when nobody has decided, and not before', async () => {
      await open({ approvals: [rule()] });
      const request = await asked();
      const due = async () =>
        (await spine.store.claimMessages(20, spine.now, spine.now + 1)).map(({ message }) => message);
      const first = await due();
      assert.deepEqual(
        first.filter(({ audience }) => audience === 'approvers').map(({ place }) => place.userId),
        [AXEL.id],
      );
      assert.equal((await decide(request, { kind: 'approve' }, ADA)).ok, false);
      spine.now += 4 * HOUR_MS;
      const later = await due();
      assert.ok(later.some(({ place }) => place.conversationId === `person:${ADA.id}`));
      assert.ok((await decide(request, { kind: 'approve' }, ADA)).ok);
    });

    it('a deputy is not asked any more once it is decided', async () => {
      await open({ approvals: [rule()] });
      const request = await asked();
      assert.ok((await decide(request, { kind: 'refuse', words: 'no' }, AXEL)).ok);
      spine.now += 5 * HOUR_MS;
      const shown = await spine.store.claimMessages(20, spine.now, spine.now + 1);
      assert.ok(!shown.some(({ message }) => message.place.conversationId === `person:${ADA.id}`));
    });

    it('what nobody decides ends in a sentence', async () => {
      await open({ approvals: [rule({ expiresAfterDays: 3 })] });
      const { id } = await asked();
      spine.now += 3 * DAY_MS - 1;
      assert.equal(await spine.runDue(), 0);
      spine.now += 1;
      spine.answers(nobody);
      await spine.runDue();
      const ended = await spine.store.get(id);
      assert.deepEqual([ended?.state, ended?.problem?.say.key], ['declined', 'approval.expired']);
      assert.ok(!spine.sent.some(({ method }) => method !== 'GET'));
    });

    it('an approval with an earlier last day is carried out with that day', async () => {
      await open({ approvals: [rule()] });
      const request = await asked();
      const longer = await decide(request, { kind: 'shorten', until: '2027-01-31' }, AXEL);
      assert.equal(!longer.ok && longer.problem.say.key, 'approval.notShorter');
      for (const until of ['', '2026-02-31x', 'soon', '2026-11-01']) {
        const wrong = await decide(request, { kind: 'shorten', until }, AXEL);
        assert.equal(!wrong.ok && wrong.problem.say.key, 'approval.whichDay', until);
      }
      assert.ok((await decide(request, { kind: 'shorten', until: '2026-12-01' }, AXEL)).ok);
      spine.answers(invited);
      await spine.end(request.id);
      assert.equal(spine.sent.filter(({ name }) => name === 'invite').length, 1);
      const { input } = (await spine.store.get(request.id)) as { input: { until: string } };
      assert.equal(input.until, '2026-12-01');
    });

    it('what is no longer what was shown is asked about again', async () => {
      await open({ approvals: [rule()] });
      const request = await asked();
      assert.ok((await decide(request, { kind: 'approve' }, AXEL)).ok);
      // Somebody who can write to the database puts another guest in the place of the one that was approved.
      const input = JSON.stringify({ ...(request.input as object), address: 'eve@evil.example' });
      await database.run(`update requests set input = '${input}'`);
      spine.answers(nobody);
      const again = await spine.end(request.id);
      assert.equal(again.state, 'awaiting approval');
      assert.equal(again.approval?.asked?.decision, null);
      assert.ok(!spine.sent.some(({ name }) => name === 'invite'));
    });

    it('of members of a group everybody is asked but whoever asked', async () => {
      await open({ approvals: [{ name: 'Every guest', approverGroups: [SALES] }] });
      const { id } = await spine.invite();
      spine.answers(
        nobody,
        ok({ value: [AXEL, { id: 'rita', name: 'Rita' }].map(({ id, name }) => ({ id, displayName: name })) }),
      );
      const request = await spine.end(id);
      assert.deepEqual(
        request.approval?.asked?.approvers.map(({ id }) => id),
        [AXEL.id, 'rita'],
      );
      const shown = await spine.store.claimMessages(20, spine.now, spine.now + 1);
      assert.deepEqual(
        shown.filter(({ message }) => message.audience === 'approvers').map(({ message }) => message.place.userId),
        [AXEL.id],
      );
    });

    it('of a group with more people than get a card, it is said that only the first were asked', async () => {
      await open({ approvals: [{ name: 'Every guest', approverGroups: [SALES] }] });
      const member = (n: number, more: object = {}) => ({ id: `m${n}`, displayName: `Member ${n}`, ...more });
      const gone = Array.from({ length: 60 }, (_, n) =>
        member(n, n % 2 ? { userType: 'Guest' } : { accountEnabled: false }),
      );
      const able = Array.from({ length: 51 }, (_, n) => member(100 + n));
      const { id } = await spine.invite();
      spine.answers(nobody, ok({ value: [...gone, ...able] }));
      const request = await spine.end(id);
      const { asked } = request.approval ?? {};
      assert.deepEqual(
        asked?.approvers.map((one) => one.id),
        able.slice(0, 50).map((one) => one.id),
        'whoever cannot decide takes nobody else’s place',
      );
      assert.deepEqual(asked?.crowded, ['Sales']);
      const capability = capabilities(SETTINGS).get('guest');
      assert.ok(capability);
      for (const audience of ['asker', 'approvers'] as const) {
        const { rows } = storyOf(request, capability, audience);
        const row = rows.find(({ label }) => typeof label === 'object' && label.key === 'approval.row.crowded');
        assert.deepEqual(row?.text, { key: 'approval.crowded', with: { most: 50, groups: 'Sales' } }, audience);
      }
    });

    it('of a group of fifty nothing is left out, and nothing is said', async () => {
      await open({ approvals: [{ name: 'Every guest', approverGroups: [SALES] }] });
      const { id } = await spine.invite();
      spine.answers(
        nobody,
        ok({ value: Array.from({ length: 50 }, (_, n) => ({ id: `m${n}`, displayName: `M ${n}` })) }),
      );
      const { asked } = (await spine.end(id)).approval ?? {};
      assert.deepEqual([asked?.approvers.length, asked?.crowded], [50, undefined]);
    });

    it('a group that the directory gives in pages has more people than are asked', async () => {
      await open({ approvals: [{ name: 'Every guest', approverGroups: [SALES] }] });
      const { id } = await spine.invite();
      const page = { value: [{ id: 'm1', displayName: 'M' }], '@odata.nextLink': 'https://graph.example/next' };
      spine.answers(nobody, ok(page));
      assert.deepEqual((await spine.end(id)).approval?.asked?.crowded, ['Sales']);
    });

    it('where only whoever asked could approve, it is said', async () => {
      await open({ approvals: [{ name: 'Every guest', approverGroups: [SALES] }] });
      const { id } = await spine.invite();
      spine.answers(nobody, ok({ value: [{ id: 'rita', displayName: 'Rita' }] }));
      const request = await spine.end(id);
      assert.deepEqual([request.state, request.problem?.say.key], ['failed', 'approval.nobody']);
    });

    it('who may ask depends on the directory, which is asked once', async () => {
      await open({ askers: { everyone: false, groups: [SALES] } });
      const first = await spine.invite();
      spine.answers(nobody, ok({ value: [SALES.id] }), invited);
      assert.equal((await spine.end(first.id)).state, 'waiting');
      assert.deepEqual(
        spine.sent.map(({ name }) => name),
        ['find', 'gate.groups', 'invite'],
      );
      const second = await spine.invite({ people: 'bo@partner.example' });
      spine.answers(nobody, ok({ value: [] }));
      const refused = await spine.end(second.id);
      assert.deepEqual([refused.state, refused.problem?.say.key], ['failed', 'policy.refused.asker']);
    });

    it('of more groups than the directory takes at once all are asked about, until one is found', async () => {
      const groups = Array.from({ length: 45 }, (_, n) => ({
        id: `b0000000-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`,
        name: `Group ${n}`,
      }));
      await open({ askers: { everyone: false, groups } });
      const ids = () =>
        spine.sent
          .filter(({ name }) => name === 'gate.groups')
          .map(({ body }) => (body as { groupIds: string[] }).groupIds);
      const first = await spine.invite();
      spine.answers(nobody, ok({ value: [] }), ok({ value: [] }), ok({ value: [groups[44]?.id] }), invited);
      assert.equal((await spine.end(first.id)).state, 'waiting');
      assert.deepEqual(
        ids().map(({ length }) => length),
        [20, 20, 5],
      );
      assert.deepEqual(
        ids().flat(),
        groups.map(({ id }) => id),
      );
      spine.sent.length = 0;
      const second = await spine.invite({ people: 'bo@partner.example' });
      spine.answers(nobody, ok({ value: [] }), ok({ value: [groups[21]?.id] }), invited);
      assert.equal((await spine.end(second.id)).state, 'waiting');
      assert.equal(ids().length, 2, 'one group is enough');
      const third = await spine.invite({ people: 'cy@partner.example' });
      spine.answers(nobody, ok({ value: [] }), ok({ value: [] }), ok({ value: [] }));
      const refused = await spine.end(third.id);
      assert.deepEqual([refused.state, refused.problem?.say.key], ['failed', 'policy.refused.asker']);
    });

    it('when the directory does not say who is in a group, nobody passes, and trying again asks once more', async () => {
      await open({ askers: { everyone: false, groups: [SALES] } });
      const { id } = await spine.invite();
      spine.answers(nobody, fails('denied'));
      const request = await spine.end(id);
      assert.deepEqual([request.state, request.problem?.say.key], ['failed', 'policy.cannotTell']);
      assert.ok((await spine.desk.choose(id, { kind: 'retry' }, RITA, CHAT)).ok);
      spine.answers(ok({ value: [SALES.id] }), invited);
      assert.equal((await spine.end(id)).state, 'waiting');
    });

    it('whoever was taken out of the rules decides no more; whom they name now is asked', async () => {
      await open({ approvals: [rule()] });
      const request = await asked();
      const { Policy: shape } = await import('../../src/requests/policy/policy.ts');
      const other = shape.parse({ approvals: [rule({ approvers: [ADA], deputies: [] })] });
      const line = { at: spine.now, tenantId: CHAT.tenantId, requestId: null, who: 'ada', what: 'policy changed' };
      assert.ok(await spine.store.keepPolicy(CHAT.tenantId, 0, other, 'Ada', line));
      const late = await decide(request, { kind: 'approve' }, AXEL);
      assert.equal(!late.ok && late.problem.say.key, 'approval.rulesChanged');
      spine.answers();
      const again = await spine.end(request.id);
      assert.equal(again.state, 'awaiting approval');
      assert.deepEqual(
        again.approval?.asked?.approvers.map(({ id }) => id),
        [ADA.id],
      );
      assert.equal((await decide(again, { kind: 'approve' }, AXEL)).ok, false);
      assert.ok((await decide(again, { kind: 'approve' }, ADA)).ok);
    });

    it('a decision holds by the rule it was asked by; the same people under another rule are asked again', async () => {
      await open({ approvals: [rule()] });
      const request = await asked();
      assert.ok((await decide(request, { kind: 'approve' }, AXEL)).ok);
      const { Policy: shape } = await import('../../src/requests/policy/policy.ts');
      const other = shape.parse({ approvals: [rule({ name: 'Partners', domains: ['partner.example'] })] });
      const line = { at: spine.now, tenantId: CHAT.tenantId, requestId: null, who: 'ada', what: 'policy changed' };
      assert.ok(await spine.store.keepPolicy(CHAT.tenantId, 0, other, 'Ada', line));
      const again = await spine.end(request.id);
      assert.deepEqual([again.state, again.approval?.asked?.decision], ['awaiting approval', null]);
    });

    it('rules that forbid it meanwhile are obeyed, even when it was approved', async () => {
      await open({ approvals: [rule()] });
      const request = await asked();
      assert.ok((await decide(request, { kind: 'approve' }, AXEL)).ok);
      const { Policy: shape } = await import('../../src/requests/policy/policy.ts');
      const blocked = shape.parse({ approvals: [rule()], blockedDomains: ['partner.example'] });
      const line = { at: spine.now, tenantId: CHAT.tenantId, requestId: null, who: 'ada', what: 'policy changed' };
      assert.ok(await spine.store.keepPolicy(CHAT.tenantId, 0, blocked, 'Ada', line));
      assert.equal(
        await spine.store.keepPolicy(CHAT.tenantId, 0, blocked, 'Ada', line),
        false,
        'a version is made once',
      );
      spine.answers(nobody);
      const ended = await spine.end(request.id);
      assert.deepEqual([ended.state, ended.problem?.say.key], ['failed', 'policy.refused.blocked']);
    });
  });
}
