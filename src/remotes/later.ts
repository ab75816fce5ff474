/**
 * Libraries that are loaded after the port is open, or by whoever needs them sooner: undici, jose and the Graph client
 * take 0.15 s of a start between them (measured, Node 20). Must not know what is loaded.
 */

/** Loads once, at the first call; a failed load is tried again. */
export function later<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((cause) => {
      loaded = undefined;
      throw cause;
    });
    return loaded;
  };
}
