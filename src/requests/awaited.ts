/**
 * Lets somebody wait until a request has come far enough: woken by what happens here, and looking now and then, since
 * another process may be the one that carries it out. Must not know who waits, or for what.
 */
import type { Store } from './ports.ts';
import type { Request } from './request.ts';

/** How often a request is looked at though nothing was heard of it. */
const LOOK_MS = 2_000;

export class Awaited {
  readonly #store: Pick<Store, 'get'>;
  readonly #wakers = new Map<string, Set<() => void>>();
  #stopped = false;

  constructor(store: Pick<Store, 'get'>) {
    this.#store = store;
  }

  /** A request was changed in a way people can see. */
  changed({ id }: Pick<Request, 'id'>): void {
    for (const wake of this.#wakers.get(id) ?? []) wake();
  }

  /** Everybody who waits goes on with what there is; nobody waits any more. */
  stop(): void {
    this.#stopped = true;
    for (const wakers of this.#wakers.values()) for (const wake of wakers) wake();
  }

  /** The request as soon as it `isThere`, or as it stands after `forMs` or when `gone` ends; null: there is none. */
  async until(
    id: string,
    isThere: (request: Request) => boolean,
    forMs: number,
    gone?: AbortSignal,
  ): Promise<Request | null> {
    const ends = Date.now() + forMs;
    const bell = new Bell();
    const wakers = this.#wakers.get(id) ?? new Set();
    this.#wakers.set(id, wakers.add(bell.ring));
    gone?.addEventListener('abort', bell.ring);
    try {
      for (;;) {
        // What happens from here on is heard, so nothing falls between the look and the sleep.
        bell.quiet();
        const request = await this.#store.get(id);
        const left = ends - Date.now();
        if (!request || isThere(request) || left <= 0 || this.#stopped || gone?.aborted) return request;
        await bell.sleep(Math.min(left, LOOK_MS));
      }
    } finally {
      gone?.removeEventListener('abort', bell.ring);
      wakers.delete(bell.ring);
      if (wakers.size === 0) this.#wakers.delete(id);
    }
  }
}

/** Wakes one sleeper, also one who falls asleep after it rang. */
class Bell {
  #rang = false;
  #wake: () => void = () => {};

  readonly ring = (): void => {
    this.#rang = true;
    this.#wake();
  };

  quiet(): void {
    this.#rang = false;
  }

  /** Until it rings, or for so long. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#rang) return resolve();
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
