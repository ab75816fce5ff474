/**
 * A meeting's chat with a bot in it that is killed and succeeded: what is said there, what Usher's call and its rings came
 * to outside, and what the messages tell of them. For the kill tests of calls only; must not know any single case.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Environment } from '../../src/config/config.ts';
import { ENDED, type RequestState } from '../../src/requests/request.ts';
import type { TestEngine } from '../support/db.ts';
import type { Message, Town } from '../support/usher.ts';
import { cardOf, textOf } from '../support/walk.ts';
import { type Scene, Succession } from './killScene.ts';

export const CHAT = 'meeting';
/** Longest wait for anything, longest that the control API takes; a test that comes here has failed. */
const DEADLINE_MS = 120_000;

/** After this long without a word of a call, Usher asks for it once more (joinStep). */
const ASKS_AGAIN_MS = 15_000;

/** Looked for in a call as JSON, at everything that happens: without going back over it. */
export const BOTH_RING = '"ringing":\\[[^\\]]*Cleo Costa[^\\]]*Dan Dale';

/** One POST …/participants/invite whose work was done. */
interface Operation {
  readonly clientContext: string;
  readonly participants: readonly { readonly name: string }[];
}

interface GraphCall {
  readonly id: string;
  readonly state: string;
  readonly operations: readonly Operation[];
}

/** All there is to know in the end. */
export interface CallEnding {
  /** The calls Usher still holds. */
  readonly held: number;
  /** How many calls came about in all. */
  readonly calls: number;
  /** Who was really rung, by the ring's context: one entry for each time. */
  readonly rung: Readonly<Record<string, readonly string[]>>;
  /** What was asked for, oldest first; `alive` in all states in which it goes on by itself. */
  readonly requests: readonly { readonly capability: string; readonly state: string }[];
  /** What the messages of the request show that are kept up to date: one. */
  readonly told: readonly string[];
  /** Nobody lived for so long that Usher may have asked for the call once more, as it does when it hears nothing of it. */
  readonly isLate: boolean;
  /** Messages whose process died between posting them and writing them down. */
  readonly orphans: number;
  /** What `call status` answers. */
  readonly status: string;
}

/** The one thing that may move between processes is where they listen: Microsoft goes on calling the old address. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when the control API says that it is so. */
export async function until(town: Town, what: Readonly<Record<string, string>>): Promise<void> {
  const query = new URLSearchParams({ timeoutMs: String(DEADLINE_MS), ...what });
  await town.control(`wait?${query}`);
}

/** The message that shows this request, as it is once its card's text fits. */
export async function card(scene: Scene, id: string, what: RegExp): Promise<Message> {
  const shown = (): readonly Message[] => messagesOf(scene, id);
  const fits = (): Message | undefined => shown().findLast((one) => what.test(textOf(cardOf(one))));
  const seen = (): string => JSON.stringify(shown().map((one) => textOf(cardOf(one))));
  await scene.watch
    .until('a card', () => fits() !== undefined, ['message'])
    .catch(async () => {
      const rows = await scene.database.run(
        'select id, capability, state, lease_until, next_at, signals from requests',
      );
      const more = JSON.stringify({ rows, errors: scene.errors });
      throw new Error(`no card of ${id} says ${what}: ${seen()}; on record: ${more}`);
    });
  const found = fits();
  assert.ok(found, 'a card that was there is gone');
  return structuredClone(found);
}

/** The bot's messages whose cards show this request. */
export function messagesOf({ world }: Scene, id: string): readonly Message[] {
  const shown = world.messages.filter(
    ({ from, attachments }) => from === 'bot' && JSON.stringify(attachments).includes(` · ${id}"`),
  );
  return shown as unknown as readonly Message[];
}

export const telephony = async (town: Town): Promise<readonly GraphCall[]> =>
  (await town.control<{ calls: GraphCall[] }>('telephony')).calls;

/** People ring until somebody answers or declines for them, and what finds nobody is told again. */
const SETTINGS = { ringMs: 300_000, ringTimeoutMs: 400_000, joinMs: 20, callbackTries: 10, callbackPauseMs: 400 };

/** One meeting, one database and one process after another, for many cases. */
export class MeetingScene {
  readonly succession: Succession;
  /** What there was before the present case. */
  #before = { calls: 0, requests: 0 };
  #deadMs = 0;

  private constructor(succession: Succession) {
    this.succession = succession;
  }

  static async open(engine: TestEngine, environment: Environment): Promise<MeetingScene> {
    return new MeetingScene(await Succession.found(engine, { PORT: String(await freePort()), ...environment }));
  }

  /** Rita, who asks, is in the meeting, and nobody else. */
  async begin(): Promise<void> {
    await this.town.control('settings', SETTINGS);
    await this.town.control('hold-callbacks', { on: false });
    await this.act('join', 'rita');
    const calls = (await telephony(this.town)).length;
    this.#before = { calls, requests: (await this.#requests()).length };
  }

  /** The meeting is over, and Usher knows it. */
  async end(): Promise<void> {
    await this.town.heal();
    await this.town.control('telephony', { action: 'end', meeting: CHAT });
    await this.card(await this.request('callJoin'), /The call has ended/);
    // Rings end with their call; one that did not would live on in the next one.
    for (const { id } of await this.#alive()) await this.card(id, /The call is over/);
  }

  async #alive(): Promise<readonly { readonly id: string }[]> {
    const rows = await this.succession.database.run(
      `select id from requests where capability = 'callInvite' and state in ('queued', 'waiting', 'sending')`,
    );
    return rows.map(({ id }) => ({ id: String(id) }));
  }

  get town(): Town {
    return this.succession.town;
  }

  say(text: string): void {
    this.succession.say({ text, user: 'rita', conversation: CHAT });
  }

  act(action: string, person: string): Promise<unknown> {
    return this.town.control('telephony', { action, person, ...(action === 'join' ? { meeting: CHAT } : {}) });
  }

  until(what: Readonly<Record<string, string>>): Promise<void> {
    return until(this.town, what);
  }

  /** The newest request of a capability; it is on record. */
  async request(capability: string): Promise<string> {
    await this.succession.heard();
    const rows = await this.succession.database.run(
      `select id from requests where capability = '${capability}' order by created_at desc, id desc`,
    );
    assert.ok(rows[0], `no ${capability} is on record`);
    return String(rows[0]['id']);
  }

  card(id: string, what: RegExp): Promise<Message> {
    return card(this.succession, id, what);
  }

  /** Brings Usher into the call. */
  async join(): Promise<void> {
    this.say('call join');
    await this.card(await this.request('callJoin'), /I am in the call/);
  }

  /** The present process dies and the next one goes on with what it finds. `meanwhile`: while nobody is alive. */
  async succeed(how: 'by order' | 'now', meanwhile?: () => Promise<unknown>): Promise<void> {
    await this.succession.dead(how);
    const diedAt = Date.now();
    await meanwhile?.();
    await this.succession.next();
    await this.succession.heard();
    this.#deadMs = Date.now() - diedAt;
  }

  /** Says `call status` and gathers everything; `status` is what it is to answer. */
  async ending(id: string, status: RegExp): Promise<CallEnding> {
    const { town, succession } = this;
    const shown = messagesOf(succession, id);
    const rows = await succession.database.run('select request_id, activity_id from messages');
    const kept = new Set(rows.map((row) => row['activity_id']));
    const told = shown.filter(({ activityId }) => kept.has(activityId)).map((one) => textOf(cardOf(one)));
    this.say('call status');
    const answered = await this.card(await this.request('callJoin'), status);
    await this.until({ telephony: '"state":"established"', count: '1' });
    const calls = (await telephony(town)).slice(this.#before.calls);
    const requests = (await this.#requests()).slice(this.#before.requests);
    assert.deepEqual(succession.errors.splice(0), [], 'errors in the log');
    return {
      held: calls.filter(({ state }) => state !== 'terminated').length,
      calls: calls.length,
      rung: rungIn(calls),
      requests,
      told,
      isLate: this.#deadMs > ASKS_AGAIN_MS / 2,
      orphans: shown.length - told.length,
      status: textOf(cardOf(answered)),
    };
  }

  async #requests(): Promise<CallEnding['requests']> {
    const rows = await this.succession.database.run('select capability, state from requests order by created_at, id');
    return rows.map(({ capability, state }) => ({
      capability: String(capability),
      state: ENDED.has(state as RequestState) ? String(state) : 'alive',
    }));
  }

  close(): Promise<void> {
    return this.succession.close();
  }
}

/** Who was really rung, by context (without the request's id): `{ '0': ['Cleo Costa'] }`. */
export function rungIn(calls: readonly GraphCall[]): Record<string, string[]> {
  const rung: Record<string, string[]> = {};
  for (const { clientContext, participants } of calls.flatMap(({ operations }) => operations)) {
    const round = clientContext.split('.')[1] ?? '';
    rung[round] = [...(rung[round] ?? []), ...participants.map(({ name }) => name)];
  }
  return rung;
}
