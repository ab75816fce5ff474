/**
 * The load: people who talk to a bot at once, each waiting for the answer before the next sentence, over connections
 * that stay open. Measures until the HTTP 200 of `/api/messages` has arrived. Runs as a process of its own.
 * Must not know what the bots do.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'undici';
import { CONVERSATIONS, messageJson } from './channel.ts';
import { serveParent } from './child.ts';
import { ascending, percentile } from './figures.ts';

export interface Order {
  readonly botUrl: string;
  readonly serviceUrl: string;
  readonly botId: string;
  readonly tenantId: string;
  /** Authorization headers, used in turn. */
  readonly tokens: readonly string[];
  /** What is said; `{n}` becomes a word of its own in every message. */
  readonly text: string;
  /** Sets the activities of this run apart from all others. */
  readonly tag: string;
  readonly connections: number;
  /** It ends after this many seconds … */
  readonly seconds: number;
  /** … or this many turns. */
  readonly turns: number;
  /** Turns start at this pace; without it, each person speaks as soon as they are answered. */
  readonly perSecond?: number;
  /** Wait after each turn until this address answers (`{n}` as above): people see the end before they ask for more. */
  readonly thenAwait?: string;
}

export interface Outcome {
  readonly turns: number;
  /** Turns per second. */
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 200, by what they were. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Longest wait for the end of what a turn began. */
const PATIENCE_MS = 10_000;

async function run(order: Order): Promise<Outcome> {
  const { botUrl, tokens, connections, seconds, turns, tag, text, perSecond, thenAwait } = order;
  const took: number[] = [];
  const refused: Record<string, number> = {};
  const began = performance.now();
  const until = began + seconds * 1000;
  let started = 0;

  async function person(): Promise<void> {
    const client = new Client(botUrl);
    while (started < turns && performance.now() < until) {
      const n = started;
      started += 1;
      if (perSecond) await pause(began + (n / perSecond) * 1000 - performance.now());
      const word = `${tag}.${n}`;
      const body = messageJson({
        ...order,
        conversation: n % CONVERSATIONS,
        id: word,
        text: text.replace('{n}', word),
      });
      const headers = { 'content-type': 'application/json', authorization: tokens[n % tokens.length] ?? '' };
      const at = performance.now();
      try {
        const answer = await client.request({ path: '/api/messages', method: 'POST', headers, body });
        await answer.body.dump();
        took.push(performance.now() - at);
        if (answer.statusCode !== 200) refused[answer.statusCode] = (refused[answer.statusCode] ?? 0) + 1;
        else if (thenAwait) {
          const end = await fetch(thenAwait.replace('{n}', word), { signal: AbortSignal.timeout(PATIENCE_MS) });
          await end.arrayBuffer();
        }
      } catch (cause) {
        const { code, name } = cause as { code?: unknown; name?: string };
        const why = typeof code === 'string' ? code : (name ?? String(cause));
        refused[why] = (refused[why] ?? 0) + 1;
      }
    }
    await client.close();
  }

  await Promise.all(Array.from({ length: connections }, person));
  const sorted = ascending(took);
  const rate = (took.length / (performance.now() - began)) * 1000;
  return { turns: took.length, rate, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), refused };
}

const doors = { run };
export type LoadDoors = typeof doors;

serveParent(doors);
