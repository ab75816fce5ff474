/**
 * The list of calls the bot made to the stand-ins, for the page's side panel and for tests. Never holds headers, so no
 * token can end up in it.
 */
import type { Remote } from './faults.ts';

/** One call as it was seen. `status` 0 means that the connection was dropped. */
export interface Call {
  id: number;
  remote: Remote;
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
  status: number;
  answer: unknown;
  /** Name of the fault that hit it. */
  fault: string | null;
  at: string;
  ms: number;
}

const keptCalls = 5000;

/** The calls of one sandbox, oldest first; the last 5000 are kept. */
export class Calls {
  #list: Call[] = [];
  #nextId = 1;

  list(remote?: string | null): Call[] {
    return remote ? this.#list.filter((call) => call.remote === remote) : [...this.#list];
  }

  add(call: Omit<Call, 'id'>): Call {
    const added = { id: this.#nextId++, ...call };
    this.#list.push(added);
    if (this.#list.length > keptCalls) this.#list.shift();
    return added;
  }

  clear(): void {
    this.#list = [];
  }
}

/** One line per call, which is what `/control/wait?calls=` looks at: `graph POST /v1.0/invitations 201 {body}`. */
export function callLine(call: Call): string {
  const query = Object.entries(call.query)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const target = query ? `${call.path}?${query}` : call.path;
  const body = call.body === undefined ? '' : ` ${JSON.stringify(call.body)}`;
  return `${call.remote} ${call.method} ${target} ${call.status}${body}`;
}
