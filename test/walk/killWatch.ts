/**
 * What happens in a town, as it happens: its stream of events, and waiting for what they bring about. The sandbox is in
 * this process, so a condition looks at its memory. For the kill tests only.
 */
import type { World } from '../../src/sandbox/world.ts';
import type { Town } from '../support/usher.ts';

export interface Happening {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Longest wait for anything; a test that comes here has failed. */
const DEADLINE_MS = 60_000;

export class Watch {
  readonly #listeners = new Set<(happening: Happening) => void>();
  readonly #closing: AbortController;
  readonly world: World;

  private constructor(world: World, closing: AbortController) {
    this.world = world;
    this.#closing = closing;
  }

  static async open(town: Town): Promise<Watch> {
    const closing = new AbortController();
    const { body } = await fetch(`${town.sandbox.url}/control/events`, { signal: closing.signal });
    if (!body) throw new Error('the town has no stream of events');
    const watch = new Watch(town.sandbox.world, closing);
    // It breaks off when the watch or the town is closed.
    watch.#follow(body).catch(() => {});
    return watch;
  }

  /** Calls back at every happening, until the returned function is called. */
  listen(listener: (happening: Happening) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when `reached` is true, looking now and after every happening that fits. Rejects when `given` does. */
  async until(what: string, reached: () => boolean, types?: readonly string[], given?: Promise<never>): Promise<void> {
    if (reached()) return;
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        stop();
        clearTimeout(deadline);
        settle();
      };
      const stop = this.listen(({ type }) => {
        if ((types?.includes(type) ?? true) && reached()) end(resolve);
      });
      const deadline = setTimeout(() => end(() => reject(new Error(`waited in vain for ${what}`))), DEADLINE_MS);
      given?.catch((cause) => end(() => reject(cause)));
    });
  }

  close(): void {
    this.#closing.abort();
  }

  async #follow(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const piece of body) {
      text += decoder.decode(piece, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const [first = '', second = ''] = event.split('\n');
        const happening = { type: first.slice('event: '.length), data: JSON.parse(second.slice('data: '.length)) };
        for (const listener of this.#listeners) listener(happening);
      }
    }
  }
}
