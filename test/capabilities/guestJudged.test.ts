/** What the policy is told of a command about a guest, besides what was typed: how they were asked for. */
import assert from 'node:assert/strict';
import { capabilities } from '../../src/capabilities/index.ts';
import type { Decision } from '../../src/requests/approval.ts';
import type { Request } from '../../src/requests/request.ts';
import { SETTINGS } from '../support/settings.ts';

const address = 'ana@partner.example';
const apollo = { id: '5a4db0c5-0000-4000-8000-000000002001', name: 'Apollo', isTeam: true };
const shortened = { kind: 'shortened', by: { id: 'x', name: 'Axel' }, at: 5, until: '2026-12-24' } as const;

/** A request for this guest, as a later one sees it. */
const guestRequest = (id: string, createdAt: number, input: object, decision: Decision | null = null): Request =>
  ({
    id,
    capability: 'guest',
    subject: address,
    createdAt,
    input: { address, ...input },
    outcome: {},
    approval: decision && { asked: { decision } },
  }) as unknown as Request;

const judged = (name: string, input: object, beside: readonly Request[]) =>
  capabilities(SETTINGS).get(name)?.judged?.(input, [], undefined, { beside, now: 0 });

describe('what the policy is told of a guest', () => {
  it('whoever stays longer or gets another address is judged with the team they were invited to', () => {
    const beside = [guestRequest('new', 2, {}), guestRequest('old', 1, { team: apollo })];
    const team = { id: apollo.id, name: apollo.name };
    const until = '2027-06-30';
    assert.deepEqual(judged('guestExtend', { address, until }, beside), { what: 'extend', address, until, team });
    const to = 'ana@other.example';
    assert.deepEqual(judged('guestReset', { address, to }, beside), { what: 'reset', address: to, team });
  });

  it('a team that is known by name only is told by name', () => {
    const beside = [guestRequest('one', 1, { team: { name: 'Apollo' } })];
    assert.deepEqual(judged('guestReset', { address, to: 'b@c.example' }, beside)?.team, { name: 'Apollo' });
  });

  it('the day that an approver allowed instead is told, and no other decision', () => {
    const until = '2027-06-30';
    const told = (decision: Decision) =>
      judged('guestExtend', { address, until }, [
        guestRequest('new', 2, {}),
        guestRequest('old', 1, { until: '2026-12-24' }, decision),
      ])?.shortenedTo;
    assert.equal(told(shortened), '2026-12-24');
    const { until: _day, ...rest } = shortened;
    assert.equal(told({ ...rest, kind: 'approved' }), undefined);
  });

  it('what is known of somebody else is not told', () => {
    const other = { ...guestRequest('one', 1, { team: apollo }, shortened), subject: 'bo@partner.example' };
    const until = '2027-06-30';
    assert.deepEqual(judged('guestExtend', { address, until }, [other]), { what: 'extend', address, until });
  });
});
