/**
 * What is measured, in which order. Bots take turns in every part, so that a busy minute of the machine falls on all of
 * them. Must not know how a bot is started, a message sent or a table printed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SANDBOX_BOT_ID, SANDBOX_TENANT_ID } from '../src/config/config.ts';
import type { Bot, BotKind } from './bots.ts';
import type { ChannelKey } from './channel.ts';
import type { Child } from './child.ts';
import { spread } from './figures.ts';
import type { LoadDoors, Order, Outcome } from './load.ts';
import type { Measured } from './report.ts';
import type { Count, StandInDoors } from './standIn.ts';
import { checked, type Said, updateRow, withGoals } from './verdict.ts';

export const CONNECTIONS = 16;
export const RUNS = 3;
/** Invitations sent one after the other, each until its card is up to date. */
const ONE_BY_ONE = 200;
/** Invitations in an ordinary busy hour: far more than people type, far less than the bot can do. */
const STEADY_PER_SECOND = 50;
/** Longest wait for what is still under way after a run. */
const DRAIN_MS = 5_000;
/** Idle memory is read this long after the bot was ready. */
const IDLE_MS = 3_000;
const INVITE = 'invite guest-{n}@partner.example';

/** A program to measure. */
export interface Subject {
  readonly name: string;
  /** Carries nothing out: an echo, or an Usher whose Graph asks for patience. */
  readonly resting: BotKind;
  /** Carries out what it accepts, on the same core. Null where there is nothing to carry out. */
  readonly flowing: BotKind | null;
}

export interface CourseParts {
  readonly standIn: Child<StandInDoors>;
  readonly standInUrl: string;
  readonly load: Child<LoadDoors>;
  readonly key: ChannelKey;
  readonly start: (kind: BotKind) => Promise<Bot>;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly starts: number;
}

/** One kind of turn with one bot, while it is being measured. */
interface Row extends Said {
  readonly kind: BotKind;
  readonly bot: Bot;
  readonly serviceUrl: string;
  readonly tokens: readonly string[];
  readonly outcomes: Outcome[];
  /** Processor time per turn of each run, in ms. */
  readonly cpuMs: number[];
}

export class Course {
  readonly #parts: CourseParts;

  constructor(parts: CourseParts) {
    this.#parts = parts;
  }

  async run(subjects: readonly Subject[]): Promise<Omit<Measured, 'facts'>> {
    const readyMs = await this.#starts(subjects);
    const bots = new Map<BotKind, Bot>();
    const memory = (kind: BotKind | null): number => (kind ? bots.get(kind)!.memory() : Number.NaN);
    const resting: Promise<number>[] = [];
    for (const subject of subjects) {
      bots.set(subject.resting, await this.#parts.start(subject.resting));
      // Each after the same time: some machines take pages away from a process that idles longer.
      resting.push(pause(IDLE_MS).then(() => memory(subject.resting)));
      if (subject.flowing) bots.set(subject.flowing, await this.#parts.start(subject.flowing));
    }
    const idle = await Promise.all(resting);

    const rows = subjects.flatMap((subject) => this.#rowsOf(subject, bots));
    for (const row of rows) await this.#warmUp(row);
    for (let n = 0; n < RUNS; n += 1) for (const row of rows) await this.#measure(row, `run${n}`);
    const processes = subjects.map(({ name, resting, flowing }, n) => ({
      what: name,
      readyMs: spread(readyMs[n] ?? []),
      idle: idle[n] ?? Number.NaN,
      afterTurns: memory(resting),
      afterFlow: memory(flowing),
    }));

    const updates = [];
    for (const row of rows.filter(({ flows }) => flows)) updates.push(...(await this.#updates(row)));
    const turns = [];
    for (const row of rows) {
      const { what, outcomes } = row;
      const others = rows.filter(({ kind }) => kind === row.kind);
      turns.push({
        what,
        rate: spread(outcomes.map(({ rate }) => rate)),
        p50: spread(outcomes.map(({ p50 }) => p50)),
        p99: spread(outcomes.map(({ p99 }) => p99)),
        cpuMs: spread(row.cpuMs),
        ...checked(row, others, await this.#parts.standIn.ask('count', row.kind.name)),
      });
    }
    return withGoals({ turns, processes, updates });
  }

  /** Times to ready. The first start of each makes its tables and warms the disk's cache: not counted. */
  async #starts(subjects: readonly Subject[]): Promise<readonly (readonly number[])[]> {
    const readyMs: number[][] = subjects.map(() => []);
    for (let n = 0; n <= this.#parts.starts; n += 1) {
      for (const [which, { resting }] of subjects.entries()) {
        const bot = await this.#parts.start(resting);
        if (n > 0) readyMs[which]?.push(bot.readyMs);
        await bot.stop();
      }
    }
    return readyMs;
  }

  #rowsOf({ name, resting, flowing }: Subject, bots: ReadonlyMap<BotKind, Bot>): Row[] {
    const row = (what: string, kind: BotKind, text: string): Row => {
      const serviceUrl = `${this.#parts.standInUrl}/${kind.name}/connector/`;
      const tokens = this.#parts.key.headers(SANDBOX_BOT_ID, serviceUrl);
      const invites = text === INVITE;
      const flows = kind === flowing;
      const base = { what, kind, bot: bots.get(kind)!, serviceUrl, tokens, text, invites, flows };
      return { ...base, outcomes: [], cpuMs: [], turns: 0, refused: {} };
    };
    if (!flowing) return [row(name, resting, 'hello {n}')];
    return [
      row(`${name}: help`, resting, 'help'),
      row(`${name}: invitation accepted`, resting, INVITE),
      row(`${name}: … and carried out, ${CONNECTIONS} at once`, flowing, INVITE),
    ];
  }

  async #warmUp(row: Row): Promise<void> {
    const { standIn, warmUpSeconds } = this.#parts;
    if (row.invites && !row.flows) {
      // One invitation meets the closed door; from then on the gate holds the runner back.
      await standIn.ask('closeGraph', row.kind.name);
      await this.#say(row, 'gate', { turns: 1, connections: 1 });
      await this.#until(row, ({ graphCalls }) => graphCalls > 0);
      await pause(200);
    }
    await this.#say(row, 'warm', { ...this.#toTheEnd(row), seconds: warmUpSeconds });
    await this.#settled(row);
    if (row.flows) await standIn.ask('waits', row.kind.name);
  }

  async #measure(row: Row, name: string): Promise<void> {
    const before = row.bot.cpuMs();
    const outcome = await this.#say(row, name, this.#toTheEnd(row));
    await this.#settled(row);
    row.outcomes.push(outcome);
    row.cpuMs.push((row.bot.cpuMs() - before) / outcome.turns);
  }

  async #updates(row: Row): Promise<Measured['updates']> {
    const { standIn, seconds } = this.#parts;
    const { kind, what } = row;
    const subject = what.split(':')[0];
    const waits = (): Promise<number[]> => standIn.ask('waits', kind.name);
    const full = await waits();
    await this.#say(row, 'single', { ...this.#toTheEnd(row), connections: 1, turns: ONE_BY_ONE, seconds: 10 });
    const single = await waits();
    await this.#say(row, 'steady', { perSecond: STEADY_PER_SECOND, seconds });
    await this.#settled(row);
    return [
      updateRow(`${subject}: one after the other`, single),
      updateRow(`${subject}: ${STEADY_PER_SECOND} a second`, await waits()),
      updateRow(`${subject}: ${CONNECTIONS} at once`, full),
    ];
  }

  /** One run of a row, counted; `name` sets its activities apart from those of all other runs. */
  async #say(row: Row, name: string, more: Partial<Order> = {}): Promise<Outcome> {
    const { load, seconds } = this.#parts;
    const { bot, kind, serviceUrl, tokens, text, invites } = row;
    const outcome = await load.ask('run', {
      botUrl: bot.url,
      serviceUrl,
      botId: SANDBOX_BOT_ID,
      tenantId: SANDBOX_TENANT_ID,
      tokens,
      text,
      tag: `${kind.name.replace(/\W/g, '')}.${invites ? 'invite' : 'talk'}.${name}`,
      connections: CONNECTIONS,
      seconds,
      turns: 1_000_000,
      ...more,
    });
    row.turns += outcome.turns;
    for (const [why, times] of Object.entries(outcome.refused)) row.refused[why] = (row.refused[why] ?? 0) + times;
    return outcome;
  }

  /** Where things are carried out, people wait until they see it: else a backlog grows, and with it every figure. */
  #toTheEnd({ flows, kind }: Row): Partial<Order> {
    const thenAwait = `${this.#parts.standInUrl}/${kind.name}/settled/guest-{n}@partner.example`;
    return flows ? { thenAwait } : {};
  }

  /** Waits until everything that was accepted has been carried out and shown. */
  async #settled(row: Row): Promise<void> {
    if (row.flows) await this.#until(row, ({ settled }) => settled >= row.turns);
  }

  async #until({ kind }: Row, holds: (count: Count) => boolean): Promise<void> {
    const end = performance.now() + DRAIN_MS;
    while (!holds(await this.#parts.standIn.ask('count', kind.name)) && performance.now() < end) await pause(10);
  }
}
