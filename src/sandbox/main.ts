/**
 * Runs the sandbox on its own, for a bot that was started separately. Reads SANDBOX_PORT (default 3979) and PORT, the
 * bot's port (default 3978). Must not start the bot.
 */
import { startSandbox } from './server.ts';

const sandboxPort = Number(process.env['SANDBOX_PORT'] ?? 3979);
const botPort = Number(process.env['PORT'] ?? 3978);
const sandbox = await startSandbox({
  port: sandboxPort,
  botUrl: `http://127.0.0.1:${botPort}/api/messages`,
  quiet: false,
}).catch((error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE') throw error;
  process.stderr.write(`Port ${sandboxPort} is taken. Set SANDBOX_PORT to a free one.\n`);
  process.exit(1);
});
process.stdout.write(`Sandbox at ${sandbox.url}/ for the bot at ${sandbox.botUrl}\n`);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void sandbox.close());
