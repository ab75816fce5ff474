/**
 * Microsoft's half of a co-sell deal, step by step: made, looked for after its answer was lost, and looked for anew when
 * Partner Center says that there is one, whatever was seen before.
 */
import assert from 'node:assert/strict';
import { type CreateOutcome, stepCreate } from '../../src/capabilities/referral/createStep.ts';
import type { Deal } from '../../src/capabilities/referral/deal.ts';
import type { NewDeal } from '../../src/capabilities/referral/newDeal.ts';
import type { Answer, Call, Facts, Reply, Step } from '../../src/requests/capability.ts';
import { problem } from '../../src/requests/problem.ts';

const input: NewDeal = {
  name: 'Contoso',
  customer: { name: 'Contoso', address: { country: 'PT' }, team: [] },
  amount: 50_000,
  currency: 'USD',
  closes: '2027-03-15',
  how: 'coSell',
  industries: [],
  products: [],
  services: [],
  solutions: [],
  solutionId: 'SOL-15974-MQF',
  team: [],
  consent: { share: true, contact: false, partners: false },
};
const own = { id: 'own', engagementId: 'e', status: 'Active', organizationId: 'partner' } as Deal;
const theirs = { id: 'theirs', engagementId: 'e', status: 'New', organizationId: 'msft' } as Deal;

const call = (name: string): Call => ({ name, to: 'partnerCenter', method: 'GET', path: '/', repeat: 'safe' });
const answer = (n: number, name: string, reply: Reply): Answer => ({
  n,
  call: call(name),
  sentAt: 1000 * n,
  heardAt: 1000 * n,
  reply,
});
const sees = (...value: Deal[]): Reply => ({ ok: true, body: { value } });
const clash: Reply = { ok: false, problem: problem('clash', 'referral.refused.conflict') };

function next(lost: readonly string[], ...answers: Answer[]): string {
  const isJustMade = answers.some(({ call: { name } }) => name === 'create');
  const facts = {
    requestId: '7k3q9xwa',
    now: 10_000,
    createdAt: 0,
    soFar: isJustMade ? null : { deal: own },
    lost: lost.map((name) => ({ call: call(name), at: 0 })),
  } as unknown as Facts<CreateOutcome>;
  const step: Step<CreateOutcome> = stepCreate(input, answers, facts, {
    referralHoldMs: 0,
    referralNamesOrganization: false,
  });
  return step.kind === 'call' ? step.call.name : step.kind;
}

describe('Microsoft’s half of a co-sell deal', () => {
  it('is made at once when nothing was lost', () => {
    const created = answer(0, 'create', { ok: true, body: own as unknown as Record<string, unknown> });
    assert.equal(next([], created), 'invite');
  });

  it('is looked for when somebody takes it up again, and made only when it is not there', () => {
    assert.equal(next([]), 'engagement');
    assert.equal(next([], answer(0, 'engagement', sees(own, theirs))), 'readBack');
    assert.equal(next([], answer(0, 'engagement', sees(own))), 'invite');
  });

  it('is looked for when its answer was lost, and made only when it is not there', () => {
    assert.equal(next(['invite']), 'engagement');
    assert.equal(next(['invite'], answer(0, 'engagement', sees(own, theirs))), 'readBack');
    assert.equal(next(['invite'], answer(0, 'engagement', sees(own))), 'invite');
  });

  it('is looked for anew when it arrived between a look and what was sent again', () => {
    const before = [answer(0, 'engagement', sees(own)), answer(1, 'invite', clash)];
    assert.equal(next(['invite'], ...before), 'engagement');
    assert.equal(next(['invite'], ...before, answer(2, 'engagement', sees(own, theirs))), 'readBack');
    assert.equal(next(['invite'], ...before, answer(2, 'engagement', sees(own))), 'fail');
  });
});
