/**
 * `npm run demo`: the sandbox (Teams and Graph stand-ins with a chat page) and the bot, in one process, on loopback.
 * Only base URLs and credentials differ from production.
 */
import { join } from 'node:path';
import { startUsher } from './compose.ts';
import { readConfig } from './config/config.ts';
import { openLog } from './log.ts';
import { root } from './root.ts';
import { startSandbox } from './sandbox/server.ts';

process.loadEnvFile(join(root, 'env', '.env.sandbox'));
const sandboxPort = Number(process.env['SANDBOX_PORT'] || 3979);

function giveUp(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

if (!Number.isInteger(sandboxPort) || sandboxPort < 0 || sandboxPort > 65535) {
  giveUp('SANDBOX_PORT must be a number from 0 to 65535. (Port of the chat page)');
}
const read = readConfig({ ...process.env, MODE: 'sandbox', SANDBOX_URL: `http://127.0.0.1:${sandboxPort}` });
if ('faults' in read)
  giveUp(`The demo cannot start. Please mend:\n${read.faults.map((fault) => `  - ${fault}`).join('\n')}`);
const { config } = read;

const taken = (port: number, name: string) => (cause: NodeJS.ErrnoException) =>
  giveUp(
    cause.code === 'EADDRINUSE'
      ? `Port ${port} is taken. Set ${name} to a free one.`
      : `The demo cannot start: ${cause.message}`,
  );

const sandbox = await startSandbox({
  port: sandboxPort,
  botUrl: `http://127.0.0.1:${config.port}/api/messages`,
  botId: config.botId,
}).catch(taken(sandboxPort, 'SANDBOX_PORT'));
const usher = await startUsher(config, openLog(config.logLevel)).catch(taken(config.port, 'PORT'));
// A phone system is set up there, so that numbers can be rung as well.
sandbox.world.settings.phoneReady = true;
sandbox.botUrl = `http://127.0.0.1:${usher.port}/api/messages`;

process.stdout.write(
  `\n  Usher is ready. Open ${sandbox.url}/ and type: invite ana@partner.example\n  Ctrl+C stops it.\n\n`,
);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    void Promise.all([usher.stop(), sandbox.close()]).then(() => process.exit(0));
  });
}
