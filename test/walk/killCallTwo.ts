/**
 * Two processes on one database, behind one address: one of them is killed while people ring, and the other goes on. For
 * the kill tests of calls only.
 */
import assert from 'node:assert/strict';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { TestEngine } from '../support/db.ts';
import type { ChildBot } from '../support/usher.ts';
import { cardOf, textOf } from '../support/walk.ts';
import { BOTH_RING, CHAT, card, messagesOf, rungIn, telephony, until } from './killCallScene.ts';
import { Scene } from './killScene.ts';

/** What the card says in the end, and who was really rung. */
export interface TwoEnding {
  readonly told: readonly string[];
  readonly rung: Readonly<Record<string, readonly string[]>>;
  readonly calls: number;
  readonly states: readonly string[];
}

/** `held`: the ring is in the hands of who dies; `resting`: it rings, and both only wait to hear of it. */
export async function oneOfTwoDiesMidRing(engine: TestEngine, how: 'held' | 'resting'): Promise<TwoEnding> {
  const scene = await Scene.open(engine);
  const door = await openDoor();
  try {
    const { town, database } = scene;
    await town.control('settings', { ringMs: 300_000, ringTimeoutMs: 400_000 });
    // The lease of who dies in the middle outlasts a call by 30 s: it is waited for, and nothing else is.
    const environment = { PUBLIC_URL: door.url, RING_SECONDS: '120', CALL_TIMEOUT_MS: '30000' };
    const first = await scene.start(environment);
    door.to.push(first);
    say(scene, door.url, 'call join');
    await scene.heard();
    await card(scene, await newest(scene, 'callJoin'), /I am in the call/);
    const hold =
      how === 'held' ? await scene.meet({ kind: 'slow', method: 'POST', path: '/invite$', ms: 60_000 }) : null;
    // Only one lives when the ring begins, so it is known who has it in hand.
    say(scene, door.url, 'call invite Cleo Costa, Dan Dale');
    await (hold?.met ?? Promise.resolve());
    await scene.heard();
    const id = await newest(scene, 'callInvite');
    if (how === 'resting') await card(scene, id, /Ringing. 0 of 2/);
    door.to.push(await scene.start(environment));
    await first.kill();
    await until(town, { telephony: BOTH_RING });
    for (const [action, person] of [['answer', 'cleo'] as const, ['decline', 'dan'] as const])
      await town.control('telephony', { action, person });
    await card(scene, id, /Cleo Costa\nIn the call\nDan Dale\nDeclined/);
    const calls = await telephony(town);
    // The card tells it a moment before the ring rests again.
    let rows = await statesOf(database);
    while (rows.includes('sending')) {
      await setImmediate();
      rows = await statesOf(database);
    }
    assert.deepEqual(scene.errors, [], 'errors in the log');
    return {
      told: messagesOf(scene, id).map((one) => textOf(cardOf(one))),
      rung: rungIn(calls),
      calls: calls.length,
      states: rows,
    };
  } finally {
    door.close();
    await scene.close();
  }
}

async function statesOf({ run }: Scene['database']): Promise<readonly string[]> {
  const rows = await run(`select state from requests where capability = 'callInvite'`);
  return rows.map(({ state }) => String(state));
}

function say(scene: Scene, url: string, text: string): void {
  scene.town.sandbox.botUrl = `${url}/api/messages`;
  scene.say({ text, user: 'rita', conversation: CHAT });
}

async function newest({ database }: Scene, capability: string): Promise<string> {
  const rows = await database.run(`select id from requests where capability = '${capability}'`);
  assert.equal(rows.length, 1);
  return String(rows[0]?.['id']);
}

/** One address for all processes, as a load balancer has it: whoever lives is asked. */
async function openDoor(): Promise<{ readonly url: string; readonly to: ChildBot[]; close(): void }> {
  const to: ChildBot[] = [];
  const server = createServer((incoming, outgoing) => {
    const alive = to.find(({ process }) => process.exitCode === null && process.signalCode === null);
    if (!alive) return outgoing.writeHead(503).end();
    const { method, headers, url } = incoming;
    const onward = forward(`${alive.url}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, to, close };
}
