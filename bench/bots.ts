/**
 * The bots under test as processes of their own: how each is started, when it is ready, how much memory it holds.
 * Must not know what is said to them.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { envExample, SANDBOX_BOT_ID } from '../src/config/config.ts';
import { root } from '../src/root.ts';

/** A bot that can be started. */
export interface BotKind {
  /** Its booth at the stand-in. */
  readonly name: string;
  readonly program: string;
  readonly environment: (standIn: string) => Readonly<Record<string, string>>;
}

export interface Bot {
  readonly url: string;
  /** Milliseconds from the start of its process to the first 200 of `/readyz`. */
  readonly readyMs: number;
  /** Resident memory in MiB; NaN where it cannot be read. */
  memory(): number;
  /** Milliseconds of processor time used so far, to the nearest 10; NaN where it cannot be read. */
  cpuMs(): number;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 30_000;

export const echoBot = (name: string): BotKind => ({
  name,
  program: join(root, 'bench', 'echo.mjs'),
  environment: (standIn) => ({
    MicrosoftAppId: SANDBOX_BOT_ID,
    OPENID_METADATA_URL: `${standIn}/${name}/login/openidconfiguration`,
  }),
});

/** Every variable of Usher, empty: a developer's own `.env.local` must not decide what is measured. */
const UNSET = Object.fromEntries([...envExample().matchAll(/^(?:# )?([A-Z_]+)=/gm)].map((match) => [match[1], '']));

export const usher = (name: string, databaseUrl: string): BotKind => ({
  name,
  program: join(root, 'dist', 'main.js'),
  environment: (standIn) => ({
    ...UNSET,
    MODE: 'sandbox',
    DATABASE_URL: databaseUrl,
    SANDBOX_URL: `${standIn}/${name}`,
  }),
});

// ---- cores --------------------------------------------------------------------------------------------------------

/** What bots are started through, so that they have one core and everything else the others; empty when impossible. */
const pinned: string[] = [];

/** Gives the bots the first core and this process, with all it starts otherwise, the rest. False when it cannot. */
export function shareCores(): boolean {
  const cores = availableParallelism();
  if (cores < 2) return false;
  const { status } = spawnSync('taskset', ['-acp', `1-${cores - 1}`, String(process.pid)]);
  if (status !== 0) return false;
  pinned.push('taskset', '-c', '0');
  return true;
}

// ---- one bot ------------------------------------------------------------------------------------------------------

/** Starts a bot; resolves when it is ready. */
export async function startBot(kind: BotKind, standIn: string): Promise<Bot> {
  const port = await freePort();
  const [command = '', ...args] = [...pinned, process.execPath, kind.program];
  const began = performance.now();
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], ...kind.environment(standIn), PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece) => {
      said = `${said}${piece}`.slice(-4000);
    });
  }
  const gone = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(`${url}/readyz`))) {
    if (hasEnded(child) || performance.now() - began > READY_WITHIN_MS) {
      child.kill('SIGKILL');
      throw new Error(`${kind.name} did not become ready: ${said}`);
    }
    await pause(2);
  }
  return {
    url,
    readyMs: performance.now() - began,
    memory: () => memoryOf(child.pid),
    cpuMs: () => cpuMsOf(child.pid),
    async stop() {
      if (!hasEnded(child)) child.kill('SIGTERM');
      await gone;
    },
  };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function isReady(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(address, { agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

/** User and system time in ticks of 10 ms (Linux shows them so everywhere), fields 14 and 15 of `stat`. */
function cpuMsOf(pid: number | undefined): number {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return Number.NaN;
  // The second field is the program's name in brackets and may hold spaces.
  const fields = readFileSync(stat, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function memoryOf(pid: number | undefined): number {
  const status = `/proc/${pid}/status`;
  const kib = existsSync(status) ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1] : undefined;
  return kib === undefined ? Number.NaN : Number(kib) / 1024;
}
