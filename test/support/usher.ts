/**
 * A sandbox and a bot for a test: in this process, or as a child that can be killed. The tests talk to both over HTTP
 * only, as Teams and people do, and wait for states, never for time.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startUsher } from '../../src/compose.ts';
import { type Config, type Environment, readConfig } from '../../src/config/config.ts';
import { openLog } from '../../src/log.ts';
import type { Log } from '../../src/requests/ports.ts';
import { root } from '../../src/root.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.ts';

/** Short pauses, so that tries again do not make a test slow; everything else is as in production. */
const QUICK: Environment = {
  MODE: 'sandbox',
  PORT: '0',
  LOG_LEVEL: 'silent',
  RETRY_BASE_MS: '20',
  RETRY_MAX_MS: '200',
  DIRECTORY_SETTLE_MS: '50',
  CALL_TIMEOUT_MS: '1500',
};

export interface Message {
  readonly activityId: string;
  readonly from: string;
  readonly text: string;
  readonly summary: string | null;
  readonly edits: number;
  readonly deleted: boolean;
  readonly attachments: readonly { readonly contentType: string; readonly content: Card }[];
  readonly versions: readonly {
    readonly summary: string | null;
    readonly attachments: readonly { readonly content: Card }[];
  }[];
}
export interface Card {
  readonly fallbackText: string;
  readonly body: readonly unknown[];
  readonly actions?: readonly {
    readonly verb?: string;
    readonly title: string;
    readonly data?: Readonly<Record<string, string>>;
  }[];
}
export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly status: number | null;
  readonly fault: string | null;
  /** When it came in, ISO. */
  readonly at: string;
}

/** The sandbox's control API, as a test speaks it. Conversations and people go by their keys (`personal:rita`, `rita`). */
export class Town {
  readonly sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  static async open(options: SandboxOptions = {}): Promise<Town> {
    return new Town(await startSandbox({ port: 0, ...options }));
  }

  async control<T = Record<string, unknown>>(
    path: string,
    body?: unknown,
    method = body === undefined ? 'GET' : 'POST',
  ): Promise<T> {
    const answer = await fetch(`${this.sandbox.url}/control/${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`control/${path}: ${answer.status} ${text.slice(0, 300)}`);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }

  say(text: string, more: Record<string, unknown> = {}): Promise<{ activityId: string; statuses: number[] }> {
    return this.control('say', { conversation: 'personal:rita', user: 'rita', text, ...more });
  }

  press(
    activityId: string,
    verb: string,
    data: object = {},
    inputs: object = {},
    more: Record<string, unknown> = {},
  ): Promise<{ status: number; body: { type: string; statusCode: number; value: unknown } }> {
    return this.control('execute', {
      conversation: 'personal:rita',
      user: 'rita',
      activityId,
      verb,
      data,
      inputs,
      ...more,
    });
  }

  async messages(conversation = 'personal:rita'): Promise<readonly Message[]> {
    const { messages } = await this.control<{ messages: Message[] }>(
      `messages?conversation=${encodeURIComponent(conversation)}`,
    );
    return messages;
  }

  /** The bot's messages only. */
  async cards(conversation = 'personal:rita'): Promise<readonly Message[]> {
    return (await this.messages(conversation)).filter((message) => message.from === 'bot');
  }

  /** Resolves when the text of some message's JSON matches. */
  async until(matches: RegExp, conversation = 'personal:rita', timeoutMs = 15_000): Promise<void> {
    await this.control(
      `wait?conversation=${encodeURIComponent(conversation)}&matches=${encodeURIComponent(matches.source)}&timeoutMs=${timeoutMs}`,
    );
  }

  async calls(remote: 'graph' | 'connector' | 'partner' | 'tokens' | 'gt365' = 'graph'): Promise<readonly SeenCall[]> {
    return (await this.control<{ calls: SeenCall[] }>(`calls?remote=${remote}`)).calls;
  }

  async invitations(): Promise<readonly SeenCall[]> {
    return (await this.calls()).filter((call) => call.method === 'POST' && /\/invitations$/.test(call.path));
  }

  fault(fault: Record<string, unknown>): Promise<unknown> {
    return this.control('faults', { remote: 'graph', ...fault });
  }

  /** Every armed fault is over. */
  async heal(): Promise<void> {
    await this.control('faults', undefined, 'DELETE');
  }

  close(): Promise<void> {
    return this.sandbox.close();
  }
}

export interface Bot {
  readonly url: string;
  stop(): Promise<void>;
}

/** A bot in this process, pointed at the town. `config`: what a sandbox's environment cannot say. */
export async function startBot(
  town: Town,
  databaseUrl: string,
  environment: Environment = {},
  log?: Log,
  config: Partial<Config> = {},
): Promise<Bot> {
  const read = readConfig({ ...QUICK, DATABASE_URL: databaseUrl, SANDBOX_URL: town.sandbox.url, ...environment });
  if ('faults' in read) throw new Error(read.faults.join('\n'));
  const usher = await startUsher({ ...read.config, ...config }, log ?? openLog(read.config.logLevel));
  const url = `http://127.0.0.1:${usher.port}`;
  town.sandbox.botUrl = `${url}/api/messages`;
  return { url, stop: () => usher.stop() };
}

export interface ChildBot extends Bot {
  readonly process: ChildProcess;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
}

let isBuilt = false;

/** Compiles the bot once per run, so that children start in half the time. */
export function buildBot(): void {
  if (isBuilt) return;
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.build.json')],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stdout);
  isBuilt = true;
}

/** A bot as a process of its own; resolves when its port is open. */
export async function spawnBot(town: Town, databaseUrl: string, environment: Environment = {}): Promise<ChildBot> {
  buildBot();
  const child = spawn(process.execPath, [join(root, 'dist', 'main.js')], {
    env: {
      ...QUICK,
      PATH: process.env['PATH'],
      LOG_LEVEL: 'info',
      DATABASE_URL: databaseUrl,
      SANDBOX_URL: town.sandbox.url,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece) => {
    said += piece;
  });
  const gone = once(child, 'exit');
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event, port } = JSON.parse(line) as { event: string; port?: number };
      if (event === 'started' && port) resolve(port);
    });
    void gone.then(([code]) => reject(new Error(`the bot ended with ${code}: ${said}`)));
  });
  const url = `http://127.0.0.1:${port}`;
  town.sandbox.botUrl = `${url}/api/messages`;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  };
  return { url, process: child, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
