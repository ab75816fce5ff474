/**
 * Processes beside the bench itself: forked, asked by name over node's own IPC, so that load, stand-in and bots never
 * share an event loop. Must not know what is asked.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a child can be asked: plain data in, plain data out. */
// biome-ignore lint/suspicious/noExplicitAny: each child brings its own list
type Doors = Record<string, (...args: any[]) => unknown>;

export interface Child<D extends Doors> {
  ask<N extends keyof D & string>(name: N, ...args: Parameters<D[N]>): Promise<Awaited<ReturnType<D[N]>>>;
  stop(): void;
}

interface Question {
  readonly n: number;
  readonly name: string;
  readonly args: readonly unknown[];
}
interface Answer {
  readonly n: number;
  readonly value?: unknown;
  readonly fault?: string;
}

/** Forks `file`, a sibling of this one. */
export function startChild<D extends Doors>(file: string): Child<D> {
  const child: ChildProcess = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve(value: never): void; reject(cause: Error): void }>();
  let last = 0;
  let gone: Error | null = null;
  child.on('message', ({ n, value, fault }: Answer) => {
    const asker = waiting.get(n);
    waiting.delete(n);
    if (fault === undefined) asker?.resolve(value as never);
    else asker?.reject(new Error(`${file}: ${fault}`));
  });
  child.on('exit', (code) => {
    gone = new Error(`${file} ended with ${code}`);
    for (const { reject } of waiting.values()) reject(gone);
  });
  return {
    ask(name, ...args) {
      return new Promise((resolve, reject) => {
        if (gone) return reject(gone);
        last += 1;
        waiting.set(last, { resolve, reject });
        child.send({ n: last, name, args } satisfies Question);
      });
    },
    stop: () => void child.kill(),
  };
}

/** The child's side: answers what is asked until the parent is gone. */
export function serveParent(doors: Doors): void {
  process.on('message', async ({ n, name, args }: Question) => {
    const answer: Answer = await Promise.resolve()
      .then(() => doors[name]?.(...args))
      .then(
        (value) => ({ n, value }),
        (cause) => ({ n, fault: String(cause?.stack ?? cause) }),
      );
    process.send?.(answer);
  });
  process.on('disconnect', () => process.exit(0));
}
