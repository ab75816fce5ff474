/**
 * Work that goes on beside the tests, each of which looks at one result: begun at the first look, one case after another
 * where they share a scene. For the kill tests only; must not know any scene.
 */
import type { TestEngine } from '../support/db.ts';

/** A promise whose failure is told by the test that awaits it. */
export function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Begun for each engine at the first look at one of them. */
export function beside<T>(on: readonly TestEngine[], begin: (engine: TestEngine) => Promise<T>) {
  let begun: ReadonlyMap<string, Promise<T>> | undefined;
  return (engine?: TestEngine): Promise<T> => {
    begun ??= new Map(on.map((one) => [one.name, quietly(begin(one))]));
    return begun.get(engine?.name ?? '') ?? quietly(Promise.reject(new Error('nothing was begun')));
  };
}

/**
 * Works through the cases one after another in one scene; a scene in which a case failed is not used again. Answers at
 * once: a case's promise is settled when its turn has come and gone.
 */
export function inTurn<Case, Scene extends { close(): Promise<void> }, Result>(
  cases: readonly Case[],
  found: () => Promise<Scene>,
  work: (scene: Scene, one: Case) => Promise<Result>,
): ReadonlyMap<Case, Promise<Result>> {
  let scene: Scene | undefined;
  let before: Promise<unknown> = Promise.resolve();
  const close = async (): Promise<void> => {
    await scene?.close();
    scene = undefined;
  };
  const runs = cases.map((one): [Case, Promise<Result>] => {
    const run = before.then(async () => {
      scene ??= await found();
      return work(scene, one);
    });
    before = run.catch(close);
    return [one, quietly(run)];
  });
  quietly(before.then(close));
  return new Map(runs);
}
