/**
 * `npm run bench:many`: lists of many guests against the sandbox at its own quota (150 requests on /invitations in 5 s) and
 * 150 ms latency. Prints how near the whole comes to the quota's own limit, what part was refused, and what memory does.
 * MANY_ROWS (1000) is a list of sizes, MANY_ENGINE (SQLite) the store. Asserts nothing: the figures are the machine's, too.
 */
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { engines } from '../test/support/db.ts';
import { type BotKind, shareCores, startBot, usher } from './bots.ts';
import { startChild } from './child.ts';
import type { TownDoors } from './town.ts';

const LATENCY_MS = 150;
const QUOTA = { limit: 150, windowMs: 5_000 };
const sizes = (process.env['MANY_ROWS'] ?? '1000').split(',').map(Number);
const wanted = process.env['MANY_ENGINE'] ?? 'SQLite';

const said = (line: string): void => void process.stdout.write(`${line}\n`);
const ask = async <T>(town: string, path: string, body?: unknown): Promise<T> => {
  const answer = await fetch(`${town}/control/${path}`, {
    ...(body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return (await answer.json()) as T;
};

interface Shown {
  readonly activityId: string;
  readonly summary: string | null;
  readonly attachments: readonly { readonly content: { readonly actions?: readonly Action[] } }[];
}
interface Action {
  readonly verb?: string;
  readonly data?: Readonly<Record<string, string>>;
}

async function measure(rows: number): Promise<void> {
  const engine = (await engines()).find(({ name }) => name === wanted);
  if (!engine || engine.absent) throw new Error(engine?.absent ?? `no engine ${wanted}`);
  const town = startChild<TownDoors>('./town.ts');
  const database = await engine.open();
  const url = await town.ask('open');
  const kind: BotKind = {
    ...usher('many', database.url),
    environment: () => ({ ...usher('many', database.url).environment(url), SANDBOX_URL: url }),
  };
  const bot = await startBot(kind, url);
  try {
    await town.ask('botAt', `${bot.url}/api/messages`);
    await ask(url, 'settings', { latencyMs: LATENCY_MS });
    const text = `email\n${Array.from({ length: rows }, (_, n) => `guest${n}@partner${n % 50}.example`).join('\n')}`;
    const where = { conversation: 'personal:rita', user: 'rita' };
    const readAt = performance.now();
    await ask(url, 'say', {
      ...where,
      text: '',
      attachments: [{ name: 'guests.csv', base64: Buffer.from(text).toString('base64') }],
    });
    const latest = async (): Promise<Shown> => {
      const { messages } = await ask<{ messages: Shown[] }>(url, 'messages?conversation=personal:rita');
      return messages.filter(({ summary }) => summary?.startsWith('Guests from')).at(-1)!;
    };
    const preview = await latest();
    said(
      `${rows} rows, ${engine.name}: preview after ${((performance.now() - readAt) / 1000).toFixed(1)} s (file fetched, read, judged, kept)`,
    );
    const send = preview.attachments[0]?.content.actions?.find(({ verb }) => verb === 'batch.send');
    // A server of one's own clears up behind itself every minute; one on which that was switched off is cleared up from here.
    const [tended] = engine.name === 'PostgreSQL' ? await database.run('show autovacuum') : [];
    const isUntended = tended?.['autovacuum'] === 'off';
    const memory: number[] = [];
    const cpuBefore = bot.cpuMs();
    const sentAt = Date.now();
    await ask(url, 'execute', { ...where, activityId: preview.activityId, verb: 'batch.send', data: send?.data ?? {} });
    for (;;) {
      await pause(1000);
      memory.push(bot.memory());
      if (isUntended && memory.length % 60 === 0) await database.run('vacuum analyze');
      // Only every few seconds: all versions of the card come along.
      if (memory.length % 3 === 0 && /guests are invited/.test((await latest()).summary ?? '')) break;
      if ((Date.now() - sentAt) / 1000 > (rows / 30) * 2 + 60) break;
    }
    const [list] = await database.run(`select outcome from requests where capability = 'batch'`);
    const outcome = JSON.parse(String(list?.['outcome'])) as { readonly follow?: { readonly since: number } };
    // From then on it waits for its guests, and looks now and then how many have accepted.
    const allSentAt = outcome.follow?.since ?? Number.NaN;
    const [slowed] = await database.run(`select count(*) as count from audit where what = 'slowed down'`);
    const { count, people, first, last } = await town.ask('invitations');
    const own = (rows * QUOTA.windowMs) / QUOTA.limit / 1000;
    const total = (allSentAt - sentAt) / 1000;
    const refused = Number(slowed?.['count']);
    said(
      `  ${count} invitations of ${people} people; ${refused} answers were 429 (${((100 * refused) / (count + refused)).toFixed(2)} %)`,
    );
    said(
      `  Send → all sent ${total.toFixed(1)} s, first → last invitation ${((last - first) / 1000).toFixed(1)} s; the quota's own limit ${own.toFixed(1)} s: ${(100 * (total / own - 1)).toFixed(1)} % more`,
    );
    const tenth = Math.max(1, Math.floor(memory.length / 10));
    const at = [0, 0.25, 0.5, 0.75, 1].map((share) =>
      memory.slice(0, Math.max(tenth, Math.ceil(memory.length * share))).slice(-tenth),
    );
    said(
      `  RSS MiB along the way: ${at.map((part) => (part.reduce((a, b) => a + b, 0) / part.length).toFixed(0)).join(' → ')}; CPU ${(bot.cpuMs() - cpuBefore) / rows} ms a row`,
    );
  } finally {
    await bot.stop();
    town.stop();
    await database.drop();
  }
}

said(
  `Node ${process.version}, load average before: ${loadavg()[0]?.toFixed(2)}. ${shareCores() ? 'The bot has one core.' : ''}`,
);
for (const rows of sizes) await measure(rows);
