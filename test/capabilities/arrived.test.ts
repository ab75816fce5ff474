/**
 * After somebody said that an invitation arrived, the guest who is to join a team is looked for in the directory: at
 * once, again when they are asked to try again, and never in a circle.
 */
import assert from 'node:assert/strict';
import type { GuestInput } from '../../src/capabilities/guest/input.ts';
import type { GuestOutcome } from '../../src/capabilities/guest/outcome.ts';
import { PROVIDERS } from '../../src/capabilities/guest/provider.ts';
import { stepGuest } from '../../src/capabilities/guest/step.ts';
import type { Answer, Call, Facts, Step } from '../../src/requests/capability.ts';

const input: GuestInput = {
  address: 'ana@partner.example',
  redirectUrl: 'https://teams.microsoft.com',
  sendMail: true,
  userType: 'Guest',
  sponsor: 'a0000000-0000-4000-8000-000000000001',
  team: { name: 'Apollo', id: 'b0000000-0000-4000-8000-000000000001', isTeam: true },
};
const call = (name: string): Call => ({ name, to: 'graph', method: 'GET', path: '/', repeat: 'safe' });
const answer = (n: number, name: string, sentAt: number, body: Record<string, unknown>, assumed?: true): Answer => ({
  n,
  call: call(name),
  sentAt,
  heardAt: sentAt,
  reply: { ok: true, body, ...(assumed ? { assumed } : {}) },
});
const next = (now: number, ...answers: Answer[]): Step<unknown> => {
  const requester = { id: input.sponsor, name: 'Rita', locale: 'en' };
  return stepGuest(
    input,
    answers,
    { requestId: '7k3q9xwa', now, requester, lost: [], earlier: null } as unknown as Facts<GuestOutcome>,
    'https://g',
    PROVIDERS.graph,
  );
};
const nobody = { value: [] };
const asked = (step: Step<unknown>): string => (step.kind === 'call' ? step.call.name : step.kind);

describe('an invitation of which somebody said that it arrived', () => {
  const before = [answer(0, 'find', 1000, nobody), answer(1, 'invite', 2000, {}, true)];

  it('is followed by a look-up, whose guest then joins', () => {
    assert.equal(asked(next(3000, ...before)), 'find');
    assert.equal(asked(next(3000, answer(0, 'invite', 2000, {}, true))), 'find');
    const ana = { value: [{ id: 'c0000000-0000-4000-8000-000000000001', mail: input.address, userType: 'Guest' }] };
    assert.equal(asked(next(3100, ...before, answer(2, 'find', 3000, ana))), 'join');
  });

  it('fails when nobody is there, and looks again when tried again later', () => {
    const looked = [...before, answer(2, 'find', 3000, nobody)];
    const failed = next(3100, ...looked);
    assert.equal(failed.kind === 'fail' && failed.problem.say.key, 'guest.team.unknownUser');
    assert.equal(asked(next(60_000, ...looked)), 'find');
  });

  it('is not looked for in a circle, however slow the answers are', () => {
    const answers = [...before];
    for (let n = 2; n < 100; n++) {
      const step = next(n * 100_000, ...answers);
      if (step.kind === 'fail') return assert.ok(n > 5);
      answers.push(answer(n, 'find', n * 100_000, nobody));
    }
    assert.fail('it never ended');
  });
});
