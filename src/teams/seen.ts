/**
 * Remembers what was handled lately in this process, so that a resent activity is not answered twice. What changes
 * something is guarded by the store's unique keys; this only spares people a second help card.
 */
export class Seen {
  readonly #most: number;
  readonly #keys = new Set<string>();

  constructor(most = 10_000) {
    this.#most = most;
  }

  /** True the first time. */
  first(key: string): boolean {
    if (this.#keys.has(key)) return false;
    if (this.#keys.size >= this.#most) this.#keys.delete(this.#keys.keys().next().value ?? '');
    this.#keys.add(key);
    return true;
  }

  /** It was not handled after all. */
  forget(key: string): void {
    this.#keys.delete(key);
  }
}
