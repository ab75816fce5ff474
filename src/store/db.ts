/**
 * The store: the durable ledger of requests that is itself the queue. This file opens it on the engine that the database
 * URL names and puts its parts together; this folder is the only one with SQL.
 * Must not know capabilities, remotes or cards. It never decides what happens to a request, only who was first.
 */
import { sql } from 'kysely';
import type { Log, Store } from '../requests/ports.ts';
import { audit, auditOf } from './audit.ts';
import { rowStore } from './batchRows.ts';
import type { Engine } from './engine.ts';
import { openKeeping } from './keeping.ts';
import { claimMessages, followAt, messageFailed, messageShown, nextMessageAt } from './messages.ts';
import { migrate, missing } from './migrate.ts';
import { takeSlots } from './paces.ts';
import { guestsFrom, keepPolicy, policies, policy } from './policies.ts';
import { openPostgres } from './postgres.ts';
import { claim, closeGate, decide, gateOpensAt, hold, move, nextRequestAt } from './queue.ts';
import { accept, answersOf, get, list } from './requests.ts';
import { signal } from './signals.ts';
import { openSqlite } from './sqlite.ts';

/**
 * Opens the store and brings its schema up to date. `file:<path>` is SQLite (its folder is made), `postgres://…` or
 * `postgresql://…` is PostgreSQL; the driver that is not needed is not loaded.
 */
export async function openStore(databaseUrl: string, options: { readonly log?: Log } = {}): Promise<Store> {
  const engine = await openEngine(databaseUrl, options.log);
  try {
    await migrate(engine);
  } catch (cause) {
    await engine.close();
    throw cause;
  }
  let closing: Promise<void> | undefined;
  return {
    accept: (drafts, now, messageLeaseUntil) => accept(engine, drafts, now, messageLeaseUntil),
    claim: (limit, now, leaseUntil) => claim(engine, limit, now, leaseUntil),
    signal: (id, signals, now) => signal(engine, id, signals, now),
    hold: (claims, leaseUntil) => hold(engine, claims, leaseUntil),
    move: async (id, fence, change) => move(engine, id, fence, change),
    decide: async (id, version, from, change) => decide(engine, id, version, from, change),
    nextRequestAt: (now) => nextRequestAt(engine, now),
    get: (id) => get(engine, id),
    answers: async (id) => (await answersOf(engine.db, [id])).get(id)!,
    list: (filter) => list(engine, filter),
    gateOpensAt: (remote) => gateOpensAt(engine, remote),
    closeGate: (remote, until) => closeGate(engine, remote, until),
    claimMessages: (limit, now, leaseUntil) => claimMessages(engine, limit, now, leaseUntil),
    nextMessageAt: () => nextMessageAt(engine),
    messageShown: (requestId, conversationId, activityId, version, quietUntil) =>
      messageShown(engine, requestId, conversationId, activityId, version, quietUntil),
    followAt: (requestId, place, activityId, version, audience) =>
      followAt(engine, requestId, place, activityId, version, audience),
    messageFailed: (requestId, conversationId, nextAt) => messageFailed(engine, requestId, conversationId, nextAt),
    audit: (lines) => audit(engine, lines),
    auditOf: (requestId) => auditOf(engine, requestId),
    guestsFrom: (tenantId, domain) => guestsFrom(engine, tenantId, domain),
    policy: (tenantId) => policy(engine, tenantId),
    policies: (tenantId, limit) => policies(engine, tenantId, limit),
    keepPolicy: (tenantId, follows, kept, by, line) => keepPolicy(engine, tenantId, follows, kept, by, line),
    keeping: openKeeping(engine),
    rows: rowStore(engine),
    takeSlots: (line, count, now, everyUs) => takeSlots(engine, line, count, now, everyUs),
    onWake: (wake) => engine.onWake(wake),
    check: () => check(engine),
    close() {
      closing ??= engine.close();
      return closing;
    },
  };
}

function openEngine(databaseUrl: string, log: Log | undefined): Promise<Engine> {
  if (databaseUrl.startsWith('file:')) return openSqlite(databaseUrl);
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return openPostgres(databaseUrl, log);
  // Not shown: it may hold a password.
  return Promise.reject(new Error('the database URL is neither file:<path> nor postgres://…'));
}

async function check(engine: Engine): Promise<void> {
  await sql`select 1`.execute(engine.db);
  const names = await missing(engine);
  if (names.length > 0) throw new Error(`the database lacks ${names.join(', ')}`);
}
