/**
 * Faults that a test or a visitor arms, and what each does to an answer. A fault works on the finished Answer, so that
 * "the work was done but nobody heard" is a real case. Must not know what the routes do.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type Exchange, send, wire } from './exchange.ts';
import type { Gt365Shape } from './gt365.ts';

/** Every stand-in that the bot calls. */
export const remotes = ['graph', 'connector', 'partner', 'tokens', 'gt365'] as const;
/** Which stand-in a fault hits. */
export type Remote = (typeof remotes)[number];

/** Every kind of fault. */
export const faultKinds = [
  'throttle',
  'status',
  'dropBefore',
  'dropAfter',
  'slow',
  'hold',
  'late',
  'truncated',
  'html',
  'wrongBody',
  'garbage',
] as const;
/** Name of a kind of fault. */
export type FaultKind = (typeof faultKinds)[number];

/** An armed fault. */
export interface Fault {
  id: number;
  remote: Remote;
  kind: FaultKind;
  /** Only this HTTP method; null hits all. */
  method: string | null;
  /** Regular expression over the decoded path; null hits all. */
  path: string | null;
  /** How many more calls it hits; -1 is until cleared. */
  times: number;
  /** For `status` (default 503) and `html` (default 502). */
  status: number;
  /** Retry-After of `throttle` and `status`: seconds, `date` for an HTTP date 5 s ahead, null for no header. */
  retryAfter: number | 'date' | null;
  /** Length of `slow`, `hold` and `late`, in ms. */
  ms: number;
  /** For `status`: the service's own code and words, null for those of a service that is unwell. */
  code: string | null;
  message: string | null;
  /** The same: what in the request it speaks of, where the service says that. */
  target: string | null;
  /** In which of its shapes GT365 says it; null is its usual one. */
  shape?: Gt365Shape | null;
}

/** The armed faults, oldest first. */
export class Faults {
  #armed: Fault[] = [];
  #nextId = 1;

  list(): readonly Fault[] {
    return this.#armed;
  }

  arm(fault: Omit<Fault, 'id'>): Fault {
    const armed = { ...fault, id: this.#nextId++ };
    this.#armed.push(armed);
    return armed;
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault that hits this call, if any; one of its times is used up. */
  take(remote: Remote, exchange: Exchange): Fault | undefined {
    const fault = this.#armed.find(
      (one) =>
        one.remote === remote &&
        (one.method === null || one.method.toUpperCase() === exchange.method) &&
        (one.path === null || new RegExp(one.path).test(exchange.path)),
    );
    if (!fault) return undefined;
    if (fault.times > 0) fault.times -= 1;
    if (fault.times === 0) this.#armed = this.#armed.filter((one) => one !== fault);
    return fault;
  }
}

function retryAfterHeader(fault: Fault): Record<string, string> {
  if (fault.retryAfter === null) return {};
  if (fault.retryAfter === 'date') return { 'retry-after': new Date(Date.now() + 5000).toUTCString() };
  return { 'retry-after': String(fault.retryAfter) };
}

/** Makes an error answer the way the hit remote writes one. */
export type ErrorAnswer = (
  status: number,
  code: string,
  message: string,
  target?: string,
  shape?: Gt365Shape,
) => Answer;

/** The answer that stands in for the work, for the faults that prevent it; undefined when the work is done. */
export function answerInstead(fault: Fault | undefined, makeError: ErrorAnswer): Answer | 'drop' | undefined {
  if (fault?.kind === 'dropBefore') return 'drop';
  if (fault?.kind === 'html') {
    const page = `<!DOCTYPE html><html><head><title>${fault.status}</title></head><body><h1>Gateway</h1></body></html>`;
    return { status: fault.status, body: page, headers: { 'content-type': 'text/html' } };
  }
  if (fault?.kind !== 'throttle' && fault?.kind !== 'status') return undefined;
  const answer =
    fault.kind === 'throttle'
      ? makeError(429, 'TooManyRequests', 'Please retry again later.')
      : makeError(
          fault.status,
          fault.code ?? 'ServiceUnavailable',
          fault.message ?? 'The service is temporarily unavailable.',
          fault.target ?? undefined,
          fault.shape ?? undefined,
        );
  return { ...answer, headers: { ...answer.headers, ...retryAfterHeader(fault) } };
}

/**
 * Waits out a fault that keeps the work back. False when it may not be done any more: what is held dies with its caller,
 * what is late is done all the same.
 */
export async function keepBack(fault: Fault | undefined, response: ServerResponse): Promise<boolean> {
  if (fault?.kind === 'late') await pause(fault.ms);
  if (fault?.kind !== 'hold') return true;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await pause(fault.ms, undefined, { signal: gone.signal }).catch(() => {});
  return !gone.signal.aborted;
}

/** Sends an answer through a fault. Resolves with the status the caller could see, 0 when it saw none. */
export async function sendThrough(fault: Fault | undefined, response: ServerResponse, answer: Answer): Promise<number> {
  switch (fault?.kind) {
    case 'dropAfter':
      response.destroy();
      return 0;
    case 'slow':
      await pause(fault.ms);
      break;
    case 'wrongBody':
      send(response, { ...answer, body: { hello: 'world' } });
      return answer.status;
    case 'garbage':
      send(response, { ...answer, body: Buffer.concat([Buffer.from([0, 255]), randomBytes(62)]) });
      return answer.status;
    case 'truncated': {
      const { body, headers } = wire(answer);
      response.writeHead(answer.status, { ...headers, 'content-length': String(body.length + 1) });
      response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
      return answer.status;
    }
  }
  send(response, answer);
  return answer.status;
}
