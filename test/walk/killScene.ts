/**
 * One town, one database, and the bot processes that serve it: at once, or one after another. Says things as Teams
 * delivers them, waits for cards to come to their end, and gathers all there is to know about a request afterwards.
 * For the kill tests only; must not know any single case.
 */
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../src/config/config.ts';
import type { SandboxOptions } from '../../src/sandbox/server.ts';
import type { Message as Stored, World } from '../../src/sandbox/world.ts';
import type { TestDatabase, TestEngine } from '../support/db.ts';
import { type ChildBot, spawnBot, Town } from '../support/usher.ts';
import type { Ending, MadeCall } from './killEnding.ts';
import { Watch } from './killWatch.ts';

/** Calls are given more time than it takes to kill, and leases (which outlast a call by 30 s) go on for long. */
const PATIENT: Environment = { CALL_TIMEOUT_MS: '20000' };

export interface Wish {
  readonly text: string;
  readonly user: string;
  readonly conversation: string;
}

/** A wish as Teams delivers it: the same activity again and again until it is answered. */
export interface Said {
  readonly wish: Wish;
  readonly id: string;
  /** 0: nobody answered; undefined: not yet. */
  status: number | undefined;
  answered: Promise<void>;
}

/** When a process is to die by its own hand: at the n-th such moment of its calls that match (`POST /graph/v1.0/…`). */
export interface Order {
  readonly at: 'create' | 'bodySent' | 'headers' | 'trailers' | 'any';
  readonly call: RegExp;
  readonly nth?: number;
}

/** The states in which a card no longer promises to change. */
const FINAL = /"text":"(Invited|Done|Not done|Unsure|Declined|Cancelled)"/;

let activities = 0;

export class Scene {
  readonly town: Town;
  readonly database: TestDatabase;
  readonly watch: Watch;
  /** Lines of level error that any of the processes wrote. */
  readonly errors: string[] = [];
  readonly #said: Said[] = [];
  /** Messages whose ids were never written down: their process was killed after posting and before saving. */
  readonly #orphans = new Set<string>();
  readonly #bots: ChildBot[] = [];

  protected constructor(town: Town, database: TestDatabase, watch: Watch) {
    this.town = town;
    this.database = database;
    this.watch = watch;
  }

  static async open(engine: TestEngine, options: SandboxOptions = {}): Promise<Scene> {
    return new Scene(...(await Scene.parts(engine, options)));
  }

  protected static async parts(engine: TestEngine, options: SandboxOptions): Promise<[Town, TestDatabase, Watch]> {
    const town = await Town.open(options);
    return [town, await engine.open(), await Watch.open(town)];
  }

  get world(): World {
    return this.town.sandbox.world;
  }

  /** Starts a process; from now on it is the one that hears what is said. */
  async start(environment: Environment = {}): Promise<ChildBot> {
    const bot = await spawnBot(this.town, this.database.url, { ...PATIENT, ...environment });
    this.#bots.push(bot);
    bot.process.stdout?.on('data', (piece) => {
      for (const line of String(piece).split('\n')) if (line.includes('"level":50')) this.errors.push(line);
    });
    return bot;
  }

  /** Somebody says something; what the bot answers is seen later. */
  say(wish: Wish): Said {
    // As in Teams, ids grow.
    const id = String(1_700_000_000_000 + activities++);
    const said: Said = { wish, id, status: undefined, answered: Promise.resolve() };
    this.#deliver(said);
    this.#said.push(said);
    return said;
  }

  /** What nobody has answered. */
  get unanswered(): readonly Said[] {
    return this.#said.filter(({ status }) => status === 0);
  }

  /** Resolves when everything that was said is answered, or its process is gone. */
  async answered(): Promise<void> {
    const open = (): readonly Said[] => this.#said.filter(({ status }) => status === undefined);
    while (open().length > 0) await Promise.all(open().map((said) => said.answered));
  }

  /** The same, by a process that lives: what a busy machine did not answer in time is sent again until it is. */
  async heard(): Promise<void> {
    await this.answered();
    while (this.unanswered.length > 0 && this.isAlive) {
      this.sayAgain();
      await this.answered();
    }
  }

  get isAlive(): boolean {
    return this.#bots.some(({ process }) => process.exitCode === null && process.signalCode === null);
  }

  /** The channel sends again what was not answered. */
  sayAgain(): void {
    for (const said of this.unanswered) this.#deliver(said);
  }

  /** The channel does not always send again. */
  giveUp(): void {
    for (const said of this.unanswered) this.#said.splice(this.#said.indexOf(said), 1);
  }

  /** Arms a fault; `met` resolves, with the call received, once it was met as often as it was armed for. */
  async meet(fault: Record<string, unknown>): Promise<{ readonly met: Promise<void> }> {
    let armed: unknown;
    let met = false;
    const stop = this.watch.listen(({ type, data }) => {
      if (type !== 'faults' || armed === undefined) return;
      met ||= !(data['faults'] as { id: unknown }[]).some(({ id }) => id === armed);
    });
    armed = ((await this.town.fault(fault)) as { id: unknown }).id;
    return { met: this.watch.until('a fault to be met', () => met, ['faults']).finally(stop) };
  }

  /** Addresses of the requests that are on record. */
  async onRecord(): Promise<ReadonlySet<string>> {
    return new Set((await this.database.run('select subject from requests')).map((row) => String(row['subject'])));
  }

  /** Whether the bot has posted a card about this person. */
  hasCard(address: string): boolean {
    return this.#messages(address).length > 0;
  }

  /** Resolves when each of these people has a card that has come to its end. Rejects when `unless` does. */
  async finished(addresses: readonly string[], unless?: Promise<never>): Promise<void> {
    const open = (): string[] => addresses.filter((address) => !this.#messages(address).some(isFinal));
    const wait = this.watch.until('cards to come to their end', () => open().length === 0, ['message'], unless);
    await wait.catch(async (cause: Error) => {
      const rows = await this.database.run('select subject, state, lease_until, next_at, attempts from requests');
      const stuck = rows.filter((row) => open().includes(String(row['subject'])));
      throw new Error(`${cause.message}; open: ${open().join(' ')}; of them on record: ${JSON.stringify(stuck)}`);
    });
  }

  /** Remembers which messages nobody knows of any more. To be called while no process lives. */
  async noteOrphans(): Promise<void> {
    const rows = await this.database.run('select request_id, activity_id from messages');
    const saved = new Set(rows.map((row) => row['activity_id']));
    for (const message of this.world.messages) {
      if (message.from !== 'bot' || saved.has(message.activityId)) continue;
      if (rows.some((row) => shows(message, ` · ${row['request_id']}"`))) this.#orphans.add(message.activityId);
    }
  }

  async endings(addresses: readonly string[]): Promise<ReadonlyMap<string, Ending>> {
    const seen = (await this.town.calls()) as readonly MadeCall[];
    const requests = await this.database.run('select id, subject, state from requests');
    const lines = await this.database.run('select request_id, what from audit order by seq');
    return new Map(
      addresses.map((address) => {
        const rows = requests.filter((row) => row['subject'] === address);
        const ids = new Set(rows.map((row) => row['id']));
        const ending: Ending = {
          ...this.#outside(address, seen),
          states: rows.map((row) => String(row['state'])),
          audit: lines.filter((line) => ids.has(line['request_id'])).map((line) => String(line['what'])),
        };
        return [address, ending];
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#bots.map((bot) => bot.kill()));
    this.watch.close();
    await this.town.close();
    await this.database.drop();
  }

  #deliver(said: Said): void {
    said.status = undefined;
    const { text, user, conversation } = said.wish;
    said.answered = this.town.say(text, { user, conversation, id: said.id }).then(({ statuses: [status = 0] }) => {
      // Whoever cannot take it now (503) is asked again.
      if (status >= 500) this.#deliver(said);
      else said.status = status;
    });
  }

  /** What the world knows about an address. */
  #outside(address: string, seen: readonly MadeCall[]): Omit<Ending, 'states' | 'audit'> {
    const { users, groups, invitations, mails } = this.world;
    const user = users.find(({ mail }) => mail === address);
    const messages = this.#messages(address);
    const told = (message: Stored): string => `${stateOf(message)}: ${message.summary}`;
    return {
      calls: seen.filter(({ path, query, body }) => {
        const text = JSON.stringify([path, query, body]);
        return text.includes(address) || (user !== undefined && text.includes(user.id));
      }),
      invitations: invitations.filter((one) => one.address === address).length,
      mails: mails.filter(({ to }) => to === address).length,
      teams: Object.fromEntries(
        groups
          .map(({ displayName, members }) => [displayName, members.filter((id) => id === user?.id).length] as const)
          .filter(([, times]) => times > 0),
      ),
      cards: messages.filter(({ activityId }) => !this.#orphans.has(activityId)).map(told),
      orphans: messages.filter(({ activityId }) => this.#orphans.has(activityId)).map(told),
    };
  }

  #messages(address: string): readonly Stored[] {
    return this.world.messages.filter((message) => message.from === 'bot' && shows(message, `"${address}"`));
  }
}

/** One bot process after another: each is killed, and the next carries on with what it finds. */
export class Succession extends Scene {
  readonly #folder = mkdtempSync(join(tmpdir(), 'usher-kill-'));
  readonly #orderPath = join(this.#folder, 'order.json');
  readonly #environment: Environment;
  #bot: ChildBot | undefined;
  #gone: Promise<never> = new Promise(() => {});
  #orders = 0;

  private constructor(parts: [Town, TestDatabase, Watch], environment: Environment) {
    super(...parts);
    this.#environment = environment;
  }

  static async found(
    engine: TestEngine,
    environment: Environment = {},
    options: SandboxOptions = {},
  ): Promise<Succession> {
    const succession = new Succession(await Scene.parts(engine, options), environment);
    try {
      await succession.#crown();
      return succession;
    } catch (cause) {
      await succession.close();
      throw cause;
    }
  }

  /** Rejects when the present process is gone. */
  get gone(): Promise<never> {
    return this.#gone;
  }

  get isDead(): boolean {
    return this.#bot?.process.signalCode === 'SIGKILL';
  }

  /** The present process kills itself at that moment. */
  order({ at, call, nth = 1 }: Order): void {
    this.#give({ at, call: call.source, nth });
  }

  /** A call of the present process comes to that moment and stays there; resolves once it has. Not for the connector. */
  async stay({ at, call, nth = 1 }: Order, wish: () => unknown): Promise<void> {
    const lines = this.#bot?.process.stdout;
    assert.ok(lines);
    const id = this.#give({ at, call: call.source, nth, stays: true });
    wish();
    const deadline = AbortSignal.timeout(60_000);
    for await (const [piece] of on(lines, 'data', { signal: deadline }))
      if (String(piece).includes(`"event":"stays","order":${id}`)) break;
    rmSync(this.#orderPath, { force: true });
  }

  #give(order: Readonly<Record<string, unknown>>): number {
    const id = ++this.#orders;
    writeFileSync(this.#orderPath, JSON.stringify({ id, ...order }));
    return id;
  }

  /** Resolves when the present process is dead and all it had begun outside has come to rest. */
  async dead(how: 'by order' | 'now'): Promise<void> {
    assert.ok(this.#bot);
    if (how === 'now') await this.#bot.kill();
    const deadline = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('a process was to kill itself and did not')), 60_000).unref();
    });
    await Promise.race([this.#gone, deadline]).catch((cause) => {
      if (!this.isDead) throw cause;
    });
    rmSync(this.#orderPath, { force: true });
    await this.answered();
    await this.#rest();
    await this.noteOrphans();
  }

  /**
   * The next process takes over, and the channel sends again what was not answered. Nobody else is alive, so the leases
   * of the dead are ended here instead of waiting for them (that they end by themselves is a test of its own).
   */
  async next(): Promise<void> {
    await this.database.run(`update requests set lease_until = 0 where state = 'sending'`);
    await this.database.run('update messages set lease_until = 0');
    await this.#crown();
    this.sayAgain();
  }

  override async close(): Promise<void> {
    await super.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #crown(): Promise<void> {
    const bot = await this.start({
      ...this.#environment,
      NODE_OPTIONS: `--import=${new URL('killAt.mjs', import.meta.url)}`,
      KILL_ORDER: this.#orderPath,
    });
    this.#bot = bot;
    const { exitCode, signalCode } = bot.process;
    const ended = exitCode === null && signalCode === null ? once(bot.process, 'exit') : [exitCode, signalCode];
    this.#gone = Promise.resolve(ended).then(([code, signal]) => {
      throw new Error(`the process ended with ${code ?? signal}`);
    });
    this.#gone.catch(() => {});
  }

  /** Bytes on their way are read, and PostgreSQL has ended what it was told to do. */
  async #rest(): Promise<void> {
    const others = `select pid from pg_stat_activity
      where application_name = current_setting('application_name') and pid <> pg_backend_pid()`;
    while (!this.database.url.startsWith('file:') && (await this.database.run(others)).length > 0);
    await this.town.control('faults');
  }
}

/** What a message shows now, as text; kept, since the same one is looked at again and again. */
const texts = new WeakMap<object, string>();

function textOf({ attachments }: { readonly attachments: object }): string {
  const text = texts.get(attachments) ?? JSON.stringify(attachments);
  texts.set(attachments, text);
  return text;
}

export const shows = (message: { readonly attachments: object }, what: string): boolean =>
  textOf(message).includes(what);
const stateOf = (message: Stored): string => FINAL.exec(textOf(message))?.[1] ?? 'Open';
const isFinal = (message: Stored): boolean => FINAL.test(textOf(message));
