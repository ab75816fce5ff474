/**
 * `npm run bench`: Usher beside a bare echo bot of teams-ai, in the same run, on both engines. Prints what was reached,
 * misses included, and asserts nothing: the figures are the machine's as much as the program's. BENCH_SECONDS (4) is
 * the length of one run; below 3, starts are fewer too. PostgreSQL: TEST_DATABASE_URL, or the usual local one.
 * This file owns the processes and databases; `course.ts` says what is done with them.
 */
import { cpus, loadavg } from 'node:os';
import { engines, type TestDatabase } from '../test/support/db.ts';
import { type Bot, type BotKind, echoBot, shareCores, startBot, usher } from './bots.ts';
import { CONVERSATIONS, makeKey } from './channel.ts';
import { startChild } from './child.ts';
import { CONNECTIONS, Course, RUNS, type Subject } from './course.ts';
import type { LoadDoors } from './load.ts';
import { report } from './report.ts';
import type { StandInDoors } from './standIn.ts';

const seconds = Number(process.env['BENCH_SECONDS']) || 4;
const warmUpSeconds = Math.min(2, seconds);
const starts = seconds < 3 ? 3 : 7;

const facts = [
  `Node ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model.trim()}), load average before: ${loadavg()[0]?.toFixed(2)}.`,
  shareCores()
    ? 'Bots have one core; stand-in and load share the rest. PostgreSQL runs where it likes.'
    : 'No taskset, or one core only: bots, stand-in and load share what there is.',
  `${CONNECTIONS} connections, ${CONVERSATIONS} conversations, signed tokens. ${RUNS} runs of ${seconds} s after ${warmUpSeconds} s of warm-up, ${starts} starts: smallest / middle / largest.`,
];

const standIn = startChild<StandInDoors>('./standIn.ts');
const load = startChild<LoadDoors>('./load.ts');
const databases: TestDatabase[] = [];
const bots = new Set<Bot>();

async function openDatabase(engine: { open(): Promise<TestDatabase> }): Promise<string> {
  const database = await engine.open();
  databases.push(database);
  return database.url;
}

try {
  const key = makeKey();
  const standInUrl = await standIn.ask('open', key.jwks);
  const subjects: Subject[] = [{ name: 'echo bot of teams-ai', resting: echoBot('echo'), flowing: null }];
  for (const engine of await engines()) {
    if (engine.absent) {
      facts.push(`${engine.absent}.`);
      continue;
    }
    subjects.push({
      name: `Usher, ${engine.name}`,
      resting: usher(`${engine.name}-resting`, await openDatabase(engine)),
      flowing: usher(`${engine.name}-flowing`, await openDatabase(engine)),
    });
  }
  const start = async (kind: BotKind): Promise<Bot> => {
    const bot = await startBot(kind, standInUrl);
    bots.add(bot);
    return bot;
  };
  const course = new Course({ standIn, standInUrl, load, key, start, seconds, warmUpSeconds, starts });
  process.stdout.write(report({ facts, ...(await course.run(subjects)) }));
} finally {
  await Promise.all([...bots].map((bot) => bot.stop()));
  await Promise.all(databases.map((database) => database.drop()));
  load.stop();
  standIn.stop();
}
