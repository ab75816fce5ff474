/**
 * Takes due work from the store and keeps a bounded number of pieces going; sleeps until the next is due or it is woken.
 * Nothing is polled while there is nothing to do but a slow look-round for work whose owner died.
 * Must not know what the work is.
 */
import type { Clock, Log } from './ports.ts';

export interface PumpParts<T> {
  readonly name: string;
  readonly concurrency: number;
  /** Takes at most `limit` pieces of work that are due now. */
  readonly take: (limit: number) => Promise<readonly T[]>;
  /** Does one piece; may not reject. */
  readonly work: (piece: T) => Promise<void>;
  /** Epoch ms of the earliest piece that is or becomes due, or null. */
  readonly dueAt: () => Promise<number | null>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest sleep: how late another process's dropped work is found when nobody wakes us. */
const LOOK_ROUND_MS = 15_000;
/** Pause after the store failed, so that a lost database is not hammered. */
const AFTER_FAILURE_MS = 1_000;

export class Pump<T> {
  readonly #parts: PumpParts<T>;
  readonly #going = new Set<Promise<void>>();
  #running = false;
  #wanted = false;
  #looping: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: PumpParts<T>) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = true;
    this.wake();
  }

  /** Look for work now (or right after the look under way). */
  wake(): void {
    if (!this.#running) return;
    this.#wanted = true;
    this.#looping ??= this.#loop().finally(() => {
      this.#looping = null;
      if (this.#wanted) this.wake();
    });
  }

  /** Stops taking; waits `graceMs` for work under way, then calls `hurry` and waits for what that ends. */
  async stop(graceMs: number, hurry: () => void = () => {}): Promise<void> {
    this.#running = false;
    this.#wanted = false;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#looping;
    const patience = setTimeout(hurry, graceMs);
    await Promise.all(this.#going);
    clearTimeout(patience);
  }

  async #loop(): Promise<void> {
    const { take, concurrency, log, name } = this.#parts;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    try {
      while (this.#running && this.#wanted) {
        this.#wanted = false;
        const room = concurrency - this.#going.size;
        // Whoever makes room wakes us.
        if (room <= 0) return;
        for (const piece of await take(room)) this.#spawn(piece);
      }
      await this.#sleep();
    } catch (cause) {
      log.error('pump.failed', { pump: name, cause });
      this.#sleepFor(AFTER_FAILURE_MS);
    }
  }

  #spawn(piece: T): void {
    const work = this.#parts.work(piece).finally(() => {
      this.#going.delete(work);
      // There is room for more; and the piece itself may be due again soon, however long the others go on.
      this.wake();
    });
    this.#going.add(work);
  }

  async #sleep(): Promise<void> {
    if (!this.#running || this.#wanted) return;
    const due = await this.#parts.dueAt();
    if (this.#wanted) return;
    const wait = due === null ? LOOK_ROUND_MS : Math.min(Math.max(due - this.#parts.clock.now(), 5), LOOK_ROUND_MS);
    this.#sleepFor(wait);
  }

  #sleepFor(ms: number): void {
    if (!this.#running) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.wake();
    }, ms);
  }
}
