/**
 * What the walks share: a town with a bot on a database of its own and a log that is kept, and a reader of what a card
 * shows to people. Must not know any case.
 */
import assert from 'node:assert/strict';
import type { Config, Environment } from '../../src/config/config.ts';
import type { Log } from '../../src/requests/ports.ts';
import type { SandboxOptions } from '../../src/sandbox/server.ts';
import { engines, type TestDatabase, type TestEngine } from './db.ts';
import { type Bot, type Card, type Message, startBot, Town } from './usher.ts';

/** A log that keeps what it is told, as text, before anything is cut out of it. */
export class KeptLog implements Log {
  readonly lines: string[] = [];

  info = (event: string, fields: object = {}): void => this.#keep(event, fields);
  warn = (event: string, fields: object = {}): void => this.#keep(event, fields);
  error = (event: string, fields: object = {}): void => this.#keep(event, fields);

  #keep(event: string, fields: object): void {
    const plain = (_name: string, value: unknown) =>
      value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
    this.lines.push(`${event} ${JSON.stringify(fields, plain)}`);
  }
}

/** One town, one bot, one database. */
export interface Lane {
  readonly town: Town;
  readonly bot: Bot;
  readonly database: TestDatabase;
  readonly log: KeptLog;
  /** The bot's message about this person, once its summary or text matches. */
  shows(who: string, what: RegExp, conversation?: string): Promise<Message>;
  close(): Promise<void>;
}

/** The embedded engine, for tests to which the database does not matter. */
export async function sqlite(): Promise<TestEngine> {
  const [engine] = await engines();
  assert.ok(engine);
  return engine;
}

export async function openLane(
  engine: TestEngine,
  environment: Environment = {},
  options: SandboxOptions = {},
  config: Partial<Config> = {},
): Promise<Lane> {
  const town = await Town.open(options);
  const database = await engine.open();
  const log = new KeptLog();
  const bot = await startBot(town, database.url, environment, log, config);
  return {
    town,
    bot,
    database,
    log,
    shows: (who, what, conversation) => shows(town, who, what, conversation),
    async close() {
      await bot.stop();
      await town.close();
      await database.drop();
    },
  };
}

async function shows(town: Town, who: string, what: RegExp, conversation = 'personal:rita'): Promise<Message> {
  // The whole message is searched: its summary, and what its latest card and the earlier ones say.
  const about = `"from":"bot".*${literal(who)}.*(?:${what.source})`;
  const query = new URLSearchParams({ conversation, matches: about, count: '1', timeoutMs: '10000' });
  try {
    await town.control(`wait?${query}`);
  } catch {
    const said = (await town.cards(conversation)).slice(-3).map(({ versions }) => versions.map((one) => one.summary));
    throw new Error(`nothing about ${who} matches ${what}; last the bot said ${JSON.stringify(said)}`);
  }
  const found = (await town.messages(conversation)).filter((one) => new RegExp(about).test(JSON.stringify(one)));
  const last = found.at(-1);
  assert.ok(last);
  return last;
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The latest card of a message. */
export function cardOf(message: Message): Card {
  const card = message.attachments[0]?.content;
  assert.ok(card, 'the message has no card');
  return card;
}

/** Everything a person reads on a card, line by line; links and data are not read. */
export function textOf(card: Card): string {
  const lines: string[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, value] of Object.entries(node)) {
      if (name === 'data') continue;
      if (typeof value === 'object') walk(value);
      else if (/^(?:text|title|label|placeholder|fallbackText|errorMessage|altText)$/.test(name))
        lines.push(String(value));
    }
  };
  walk(card);
  return lines.join('\n');
}

/** Verbs of the card's own buttons, in order. */
export function buttonsOf(message: Message): readonly string[] {
  return (cardOf(message).actions ?? []).map((action) => action.verb ?? '');
}

/** Everything people could ever read of a message: all its versions. */
export function everShown(message: Message): string {
  return message.versions
    .map((version) => [version.summary, ...version.attachments.map(({ content }) => textOf(content))].join('\n'))
    .join('\n');
}

/** Ids of Microsoft's objects; the sandbox' own words; what a program says when it did not mean to. */
const INSIDE: readonly RegExp[] = [
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i,
  /object ?id/i,
  /<!doctype|<\/?(?:html|head|body|h1)\b/i,
  /please retry again later|temporarily unavailable|gateway|insufficient privileges|contact your company|precondition/i,
  /TooManyRequests|ServiceUnavailable|Request_|Directory_|UnknownError|InternalServerError|AADSTS/,
  /\b(?:undefined|NaN|null)\b|\[object|\$\{|\{\{/,
  /ECONN|ETIMEDOUT|fetch failed|aborted|Error:|\bJSON\b|\bstatus \d/i,
];

/** Throws when a card showed what only the inside may know. Ids of these deals may stand in the row that is for them. */
export function assertForPeople(message: Message, deals: readonly string[] = []): void {
  const text = deals.reduce((left, id) => left.replaceAll(`\nId\n${id}\n`, '\nId\n'), everShown(message));
  for (const pattern of INSIDE) assert.doesNotMatch(text, pattern);
}

/** What may be in no log line and no audit line: links that redeem, tokens, texts of the service. */
export const NEVER_WRITTEN =
  /redeem\?|rd=|Bearer |eyJ[\w-]{10,}\.|<html|<!doctype|please retry again later|temporarily unavailable|insufficient privileges|contact your company|already exists in the directory/i;

/** Throws when the log or the audit of a lane holds what they may not. */
export async function assertNothingLeaked(lane: Pick<Lane, 'database' | 'log'>): Promise<void> {
  for (const line of lane.log.lines) assert.doesNotMatch(line, NEVER_WRITTEN);
  const audit = await lane.database.run('select at, tenant_id, request_id, who, what, detail from audit');
  for (const row of audit) assert.doesNotMatch(JSON.stringify(row), NEVER_WRITTEN);
}
