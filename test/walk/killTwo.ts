/**
 * Two processes on one database: one of them is killed, is busy, or sleeps through its lease. For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestEngine } from '../support/db.ts';
import type { ChildBot } from '../support/usher.ts';
import type { Outcome } from './killEnding.ts';
import { type Said, Scene } from './killScene.ts';

/** A call takes two seconds at most, so a lease lasts half a minute: this one is waited for. */
const SHORT = { CALL_TIMEOUT_MS: '2000', CONCURRENCY: '4' };

const people = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_none, n) => `${name}${n}@partner.example`);

const wish = (addresses: readonly string[], team: string) => ({
  text: `invite ${addresses.map((address) => `Ana Silva <${address}>`).join(', ')} to team ${team}`,
  user: 'rita',
  conversation: 'personal:rita',
});

/** Forty people, twenty asked for at each; one process is killed with half of the mails gone out. */
export async function oneOfTwoIsKilled(engine: TestEngine): Promise<Outcome> {
  return withScene(engine, async (scene) => {
    const { town, watch, world } = scene;
    const processes = [await scene.start(SHORT), await scene.start(SHORT)] as const;
    await town.control('settings', { latencyMs: 25 });
    const all = [people('first', 20), people('second', 20)] as const;
    for (const [i, addresses] of all.entries()) {
      hears(scene, processes[i] as ChildBot);
      // More in one breath would be a list, with one card for all of them.
      for (let from = 0; from < addresses.length; from += 5)
        await received(scene, scene.say(wish(addresses.slice(from, from + 5), 'Apollo')));
    }
    await watch.until('half of the mails', () => world.mails.length >= 20, ['mail']);
    await processes[0].kill();
    const mailsAtKill = world.mails.length;
    await scene.answered();
    scene.sayAgain();
    await scene.answered();
    await scene.finished(all.flat());
    await scene.noteOrphans();
    const taken = await scene.database.run(`select id from requests where fence > 1`);
    return { endings: await scene.endings(all.flat()), facts: { mailsAtKill, taken: taken.length } };
  });
}

/** The first process can carry out one request at a time and is held by it; it goes on accepting others. */
export async function theAcceptorIsBusy(engine: TestEngine): Promise<Outcome> {
  return withScene(engine, async (scene) => {
    const busy = await scene.start({ CONCURRENCY: '1' });
    const { met } = await scene.meet({ kind: 'hold', method: 'POST', path: '/invitations$', ms: 120_000 });
    scene.say(wish(['held@partner.example'], 'Apollo'));
    await met;
    await scene.start();
    hears(scene, busy);
    const others = people('other', 5);
    const from = performance.now();
    for (const address of others) {
      scene.say(wish([address], 'Borealis'));
      await scene.finished([address]);
    }
    const ms = performance.now() - from;
    const held = (await scene.endings(['held@partner.example'])).get('held@partner.example');
    assert.deepEqual(held?.states, ['sending']);
    return { endings: await scene.endings(others), facts: { ms } };
  });
}

/** A process stands still in the middle of an invitation until its lease has run out and another has finished. */
export async function oneSleepsThroughItsLease(engine: TestEngine): Promise<Outcome> {
  return withScene(engine, async (scene) => {
    const address = 'ana@partner.example';
    const sleeper = await scene.start();
    const { met } = await scene.meet({ kind: 'slow', method: 'POST', path: '/invitations$', ms: 4000 });
    scene.say(wish([address], 'Apollo'));
    await met;
    // Its receipt is written down by then, so that it does not fall asleep in the middle of a commit.
    await scene.answered();
    sleeper.process.kill('SIGSTOP');
    await scene.database.run(`update requests set lease_until = 0 where state = 'sending'`);
    await scene.start();
    await scene.finished([address]);
    const woken = line(sleeper.process, 'request.ownership.lost');
    sleeper.process.kill('SIGCONT');
    await woken;
    return { endings: await scene.endings([address]), facts: {} };
  });
}

async function withScene<T>(engine: TestEngine, work: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = await Scene.open(engine);
  try {
    const done = await work(scene);
    assert.deepEqual(scene.errors, [], 'errors in the log');
    return done;
  } finally {
    await scene.close();
  }
}

function hears(scene: Scene, bot: ChildBot): void {
  scene.town.sandbox.botUrl = `${bot.url}/api/messages`;
}

/** Resolves when the town has handed it to the process that hears now. */
function received(scene: Scene, { id }: Said): Promise<void> {
  const said = (): boolean => scene.world.messages.some(({ activityId }) => activityId === id);
  return scene.watch.until('a message to be handed on', said, ['message']);
}

/** Resolves when the process logs this event. */
async function line(process: ChildProcess, event: string): Promise<void> {
  assert.ok(process.stdout);
  for (;;) {
    const [piece] = await once(process.stdout, 'data', { signal: AbortSignal.timeout(30_000) });
    if (String(piece).includes(event)) return;
  }
}
