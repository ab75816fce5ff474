/**
 * The matrix: each call of an invitation, cut off at each moment of its life. For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import type { Ending } from './killEnding.ts';
import { dieAt, MOMENTS, type Moment } from './killMoment.ts';
import { Succession } from './killScene.ts';
import { inTurn } from './killTurns.ts';

/** The calls of `invite Ana Silva <…> to team Apollo`, in the order in which they are first made. */
const CALLS = [
  { name: 'the look at the roster', remote: 'connector', method: 'GET', path: '/members/[^/]+$' },
  { name: 'the post of the receipt', remote: 'connector', method: 'POST', path: '/activities$' },
  { name: 'the search for the person', remote: 'graph', method: 'GET', path: '/users(\\?|$)' },
  { name: 'the search for the team', remote: 'graph', method: 'GET', path: '/groups(\\?|$)' },
  { name: 'the invitation', remote: 'graph', method: 'POST', path: '/invitations$' },
  { name: 'the joining of the team', remote: 'graph', method: 'POST', path: '/teams/[^/]+/members$' },
  { name: 'the update of the card', remote: 'connector', method: 'PUT', path: '/activities/[^/]+$' },
] as const;

export interface Case {
  readonly call: (typeof CALLS)[number];
  readonly moment: Moment;
  readonly address: string;
  /** Who asks; nobody twice in a row, so that no process knows its asker from the one before. */
  readonly user: 'rita' | 'axel';
}

export const CASES: readonly Case[] = CALLS.flatMap((call, row) =>
  MOMENTS.map((moment, column): Case => {
    const address = `${call.name} ${moment.name}`.replaceAll(' ', '-');
    return { call, moment, address: `${address}@partner.example`, user: (row + column) % 2 === 0 ? 'rita' : 'axel' };
  }),
);

async function cut(succession: Succession, { call, moment, address, user }: Case): Promise<Ending> {
  const text = `invite Ana Silva <${address}> to team Apollo`;
  await dieAt(succession, call, moment, () => succession.say({ text, user, conversation: `personal:${user}` }));
  await succession.next();
  await succession.answered();
  await succession.finished([address], succession.gone);
  const ending = (await succession.endings([address])).get(address);
  assert.ok(ending);
  assert.deepEqual(succession.errors.splice(0), [], 'errors in the log');
  return ending;
}

/** Each case with the process that survived the one before. */
export function cutEveryCall(engine: TestEngine): ReadonlyMap<Case, Promise<Ending>> {
  return inTurn(CASES, () => Succession.found(engine), cut);
}
