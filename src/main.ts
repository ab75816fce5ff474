/**
 * Runs the bot alone, from the environment: reads it, composes, starts, stops cleanly on SIGTERM and SIGINT.
 * Must not know anything else.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startUsher } from './compose.ts';
import { readConfig } from './config/config.ts';
import { openLog } from './log.ts';
import { root } from './root.ts';

/** Longest time to stop in, after which the process goes anyway; leases run out and others carry on. */
const STOP_MS = 10_000;

const local = join(root, 'env', '.env.local');
if (existsSync(local)) process.loadEnvFile(local);

const read = readConfig(process.env);
if ('faults' in read) {
  process.stderr.write(`Usher cannot start. Please mend:\n${read.faults.map((fault) => `  - ${fault}`).join('\n')}\n`);
  process.exit(78);
}
const { config } = read;
const log = openLog(config.logLevel);

try {
  const usher = await startUsher(config, log);
  log.info('started', { port: usher.port, mode: config.mode });
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      setTimeout(() => process.exit(1), STOP_MS).unref();
      usher.stop().then(
        () => {
          log.info('stopped');
          process.exit(0);
        },
        (cause) => {
          log.error('stop.failed', { cause });
          process.exit(1);
        },
      );
    });
  }
} catch (cause) {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') process.stderr.write(`Port ${config.port} is taken. Set PORT to a free one.\n`);
  else process.stderr.write(`Usher cannot start: ${message}\n`);
  process.exit(1);
}
