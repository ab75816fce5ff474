/**
 * A call that is held: what it means to other requests, and to a process that is asked to stop (SIGTERM) meanwhile and
 * the one that comes after it. For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import type { Ending, Outcome } from './killEnding.ts';
import { Scene } from './killScene.ts';

/** What is held when the signal comes; the calls of nobody else are touched. */
export const HELD = {
  'an invitation that is done': { kind: 'slow', method: 'POST', path: '/invitations$', ms: 15_000 },
  'an invitation that is not done': { kind: 'hold', method: 'POST', path: '/invitations$', ms: 15_000 },
  'an invitation that is answered soon': { kind: 'slow', method: 'POST', path: '/invitations$', ms: 1_500 },
  'the receipt': { remote: 'connector', kind: 'hold', method: 'POST', path: '/activities$', ms: 15_000 },
  'an update of the card': { remote: 'connector', kind: 'hold', method: 'PUT', path: '/activities/', ms: 15_000 },
  'the look at the roster': { remote: 'connector', kind: 'hold', method: 'GET', path: '/members/', ms: 15_000 },
} as const;

export type Held = keyof typeof HELD;

export interface Stop {
  readonly exitCode: number | null;
  /** From the signal to the end of the process. */
  readonly stoppedInMs: number;
  /** From when the next process was up to the last card. */
  readonly finishedInMs: number;
  /** States and leases, as the stopped process left them. */
  readonly left: readonly { readonly state: unknown; readonly lease: number; readonly messageLease: number }[];
  readonly ending: Ending;
}

/** Nobody ends the leases here: what the stopped process did not give back would be missing for long. */
export async function stopWhileHeld(engine: TestEngine, held: Held): Promise<Stop> {
  const scene = await Scene.open(engine);
  try {
    const address = 'ana@partner.example';
    const first = await scene.start();
    const { met } = await scene.meet(HELD[held]);
    scene.say({
      text: `invite Ana Silva <${address}> to team Apollo`,
      user: 'rita',
      conversation: 'personal:rita',
    });
    await met;
    const from = performance.now();
    await first.stop();
    const stoppedInMs = performance.now() - from;
    await scene.answered();
    await scene.noteOrphans();
    const rows = await scene.database.run(`select r.state, r.lease_until as lease, m.lease_until as message_lease
      from requests r join messages m on m.request_id = r.id`);
    await scene.start();
    const since = performance.now();
    scene.sayAgain();
    await scene.answered();
    await scene.finished([address]);
    const ending = (await scene.endings([address])).get(address);
    assert.ok(ending);
    assert.deepEqual(scene.errors, [], 'errors in the log');
    return {
      exitCode: first.process.exitCode,
      stoppedInMs,
      finishedInMs: performance.now() - since,
      left: rows.map((row) => ({
        state: row['state'],
        lease: Number(row['lease']),
        messageLease: Number(row['message_lease']),
      })),
      ending,
    };
  } finally {
    await scene.close();
  }
}

/** One request is held while another's look-up fails once and is to be tried again in a moment. */
export async function tryAgainBesideAHeldCall(engine: TestEngine): Promise<Outcome> {
  const scene = await Scene.open(engine);
  try {
    await scene.start();
    const ask = (address: string) =>
      scene.say({ text: `invite ${address} to team Apollo`, user: 'rita', conversation: 'personal:rita' });
    const { met } = await scene.meet(HELD['an invitation that is not done']);
    ask('held@partner.example');
    await met;
    await scene.answered();
    await scene.meet({ kind: 'status', status: 503, method: 'GET', path: '/users$' });
    const from = performance.now();
    ask('ana@partner.example');
    await scene.finished(['ana@partner.example']);
    const ms = performance.now() - from;
    return { endings: await scene.endings(['ana@partner.example']), facts: { ms } };
  } finally {
    await scene.close();
  }
}
