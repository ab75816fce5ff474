/**
 * The matrix: each call of an invitation, cut off at each moment of its life. For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import type { Ending } from './killEnding.ts';
import { Succession } from './killScene.ts';

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

/** When the process is killed; `worked`: what was asked for is done although nobody heard of it. */
const MOMENTS = [
  { name: 'before it leaves', at: 'create', worked: false },
  { name: 'while it is held and nothing is done', fault: 'hold', worked: false },
  { name: 'while it is held and all is done', fault: 'slow', worked: true },
  { name: 'right after its answer', at: 'trailers', worked: true },
] as const;

export interface Case {
  readonly call: (typeof CALLS)[number];
  readonly moment: (typeof MOMENTS)[number];
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

/** Far longer than it takes to kill. */
const HELD_MS = 10_000;

async function cut(succession: Succession, { call, moment, address, user }: Case): Promise<Ending> {
  const { remote, method, path } = call;
  const target = `^${method} /${remote}/.*${path}`;
  const text = `invite Ana Silva <${address}> to team Apollo`;
  const wish = { text, user, conversation: `personal:${user}` };
  if ('at' in moment) {
    succession.order({ at: moment.at, call: new RegExp(target) });
    succession.say(wish);
    await succession.dead('by order');
  } else {
    const { met } = await succession.meet({ remote, kind: moment.fault, method, path, ms: HELD_MS });
    succession.say(wish);
    await met;
    await succession.dead('now');
  }
  await succession.next();
  await succession.answered();
  await succession.finished([address], succession.gone);
  const ending = (await succession.endings([address])).get(address);
  assert.ok(ending);
  assert.deepEqual(succession.errors.splice(0), [], 'errors in the log');
  return ending;
}

/**
 * Works through the cases one after another, each with the process that survived the one before; a town in which a case
 * failed is not used again. Answers at once: a case's promise is settled when its turn has come and gone.
 */
export function cutEveryCall(engine: TestEngine): ReadonlyMap<Case, Promise<Ending>> {
  let succession: Succession | undefined;
  let before: Promise<unknown> = Promise.resolve();
  const runs = CASES.map((one): [Case, Promise<Ending>] => {
    const run = before.then(async () => {
      succession ??= await Succession.found(engine);
      return cut(succession, one);
    });
    before = run.catch(async () => {
      await succession?.close();
      succession = undefined;
    });
    return [one, run];
  });
  before = before.then(() => succession?.close());
  // A failure is told by the test that looks at it.
  for (const promise of [before, ...runs.map(([, run]) => run)]) promise.catch(() => {});
  return new Map(runs);
}
