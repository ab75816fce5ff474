/**
 * What just happened, told to whoever listens: the page over server-sent events and the waiting calls of a test. Must
 * not know what the happenings mean.
 */
import { EventEmitter } from 'node:events';

/** One thing that happened; `type` names the event of the stream. */
export interface Happening {
  type:
    | 'message'
    | 'typing'
    | 'call'
    | 'mail'
    | 'directory'
    | 'faults'
    | 'settings'
    | 'conversation'
    | 'telephony'
    | 'callback'
    | 'partner'
    | 'webhook'
    | 'reset';
  data: unknown;
}

/** The stream of happenings of one sandbox. */
export class Happenings {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  tell(type: Happening['type'], data: unknown): void {
    this.#emitter.emit('happening', { type, data } satisfies Happening);
  }

  /** Listens until the returned function is called. */
  listen(listener: (happening: Happening) => void): () => void {
    this.#emitter.on('happening', listener);
    return () => this.#emitter.off('happening', listener);
  }

  /**
   * Resolves true once `reached` is true, looking now and after every happening, and false after `timeoutMs` or when
   * `signal` is aborted.
   */
  until(reached: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (reached()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (result: boolean) => {
        stop();
        clearTimeout(timer);
        resolve(result);
      };
      const stop = this.listen(() => {
        if (reached()) finish(true);
      });
      const timer = setTimeout(() => finish(false), timeoutMs);
      signal?.addEventListener('abort', () => finish(false), { once: true });
    });
  }
}
