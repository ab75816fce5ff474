/**
 * How often each of many may come: so many per minute, some of them at once. Kept in this process only.
 * Must not know who comes, or for what.
 */

/** Most that are remembered; whoever has not come for longest is forgotten first. */
const REMEMBERED = 1000;

export class Pace {
  readonly #perMinute: number;
  readonly #left = new Map<string, { readonly tokens: number; readonly at: number }>();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Lets somebody through (0), or says how long they are to wait, in ms. `now`: epoch ms. */
  take(who: string, now: number): number {
    const most = this.#perMinute;
    const before = this.#left.get(who) ?? { tokens: most, at: now };
    const tokens = Math.min(most, before.tokens + ((now - before.at) * most) / 60_000);
    this.#left.delete(who);
    if (this.#left.size >= REMEMBERED) this.#left.delete(this.#left.keys().next().value ?? '');
    this.#left.set(who, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    return tokens < 1 ? Math.ceil(((1 - tokens) * 60_000) / most) : 0;
  }
}
