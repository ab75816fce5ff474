/**
 * Days that pass in a walk: the clock of everything in this process is set on while the bot is down, as over a long
 * weekend. Must not know any case.
 */
import sinon from 'sinon';
import type { Config, Environment } from '../../src/config/config.ts';
import type { TestEngine } from './db.ts';
import { startBot } from './usher.ts';
import { type Lane, openLane } from './walk.ts';

export interface Days extends Lane {
  /** The bot is stopped, so much time passes, and another one takes over. */
  pass(ms: number): Promise<void>;
}

export const HOUR = 3600_000;
export const DAY = 24 * HOUR;

export async function openDays(
  engine: TestEngine,
  environment: Environment = {},
  config: Partial<Config> = {},
): Promise<Days> {
  // Only what says how late it is: timers run as ever.
  const time = sinon.useFakeTimers({ now: Date.now(), toFake: ['Date'], shouldAdvanceTime: true });
  const lane = await openLane(engine, environment, {}, config);
  let { bot } = lane;
  return {
    ...lane,
    async pass(ms) {
      await bot.stop();
      time.setSystemTime(Date.now() + ms);
      bot = await startBot(lane.town, lane.database.url, environment, lane.log, config);
    },
    async close() {
      time.restore();
      await bot.stop();
      await lane.town.close();
      await lane.database.drop();
    },
  };
}
