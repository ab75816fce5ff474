/**
 * What Usher does by itself from time to time, whoever asks for what: it seals the audit and removes what is over its
 * time. A chore runs in short pieces and takes care itself that only one process does it.
 * Must not know SQL, or any chore's rules beyond when to begin it.
 */
import type { PolicyNow } from './policy/rules.ts';
import type { Clock, Log, Store } from './ports.ts';
import type { Retention } from './proof/keeping.ts';
import { SEAL, turn } from './proof/verifying.ts';

export interface Chore {
  readonly name: string;
  /** Pause between two runs, ms. */
  readonly everyMs: number;
  /** Runs it once, until there is nothing to do or the signal ends it early. */
  run(signal: AbortSignal): Promise<void>;
}

export class Upkeep {
  readonly #chores: readonly Chore[];
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #going: readonly Promise<void>[] = [];

  constructor(chores: readonly Chore[], log: Log) {
    this.#chores = chores;
    this.#log = log;
  }

  start(): void {
    this.#going = this.#chores.map((chore) => this.#keep(chore));
  }

  /** Ends when what is under way has come to the end of its piece. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#going);
  }

  async #keep({ name, everyMs, run }: Chore): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await run(signal).catch((cause) => this.#log.error('chore.failed', { chore: name, cause }));
      await pause(everyMs, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

/** Puts new lines of the audit into its chain. How late it is, is how long a line may be changed without a trace. */
export function sealing({ keeping }: Store, everyMs = 5_000): Chore {
  return {
    name: 'sealing',
    everyMs,
    async run(signal) {
      while (!signal.aborted && (await keeping.seal(SEAL)) === SEAL) await turn();
    },
  };
}

const DAY_MS = 24 * 3600_000;
/** A turn outlives its process by this much. */
const TURN_MS = 60_000;

export interface RetentionParts {
  readonly store: Store;
  readonly policyNow: PolicyNow;
  readonly clock: Clock;
  readonly records: Retention['records'];
}

/** Once a day, removes what the policy does not want kept any longer. */
export function retaining(
  { store: { keeping }, policyNow, clock, records }: RetentionParts,
  everyMs = 3600_000,
): Chore {
  return {
    name: 'retention',
    everyMs,
    async run(signal) {
      for (const tenantId of await keeping.tenants()) {
        const { retentionDays } = (await policyNow(tenantId)).policy;
        if (retentionDays === null) continue;
        const now = clock.now();
        if (!(await keeping.takeTurn(tenantId, now, now + TURN_MS))) continue;
        const retention = { tenantId, before: now - retentionDays * DAY_MS, records };
        const chunk = (at: number) => keeping.retain(retention, at, { leaseUntil: at + TURN_MS, nextAt: now + DAY_MS });
        while (!signal.aborted && (await chunk(clock.now()))) await turn();
      }
    },
  };
}
