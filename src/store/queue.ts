/**
 * Requests as a queue: claimed with a lease and a fence, moved on by whoever holds the newest fence, held back by gates.
 * Must not know what is done with a claim, or why a change is made.
 */
import { sql, type Transaction, type UpdateObject } from 'kysely';
import type { Wake } from '../requests/capability.ts';
import type { Change, Claim } from '../requests/ports.ts';
import { MOVES, type Request, type RequestState } from '../requests/request.ts';
import { addLines } from './audit.ts';
import type { Engine } from './engine.ts';
import { hideMessages, showAt, wantVersion } from './messages.ts';
import { unindexed } from './planner.ts';
import { answersOf, earlierOf } from './requests.ts';
import { fromHeard, fromSends, json, toRequest } from './rows.ts';
import type { RequestRow, Tables } from './schema.ts';
import { keep, signalsOf } from './signals.ts';

/** A rival whose call was lost and who looks later whether it arrived: it would be done twice by whoever goes first. */
const SETTLING = sql`(rival.state = 'queued' and rival.lost <> '[]' and (requests.lost = '[]' or rival.id < requests.id))`;

/** The states that fall due, and when: both word for word as the index `requests_due` has them, or it is not used. */
const LIVE = sql`state in ('queued', 'waiting', 'sending', 'awaiting approval')`;
const DUE = sql`case state when 'sending' then lease_until else next_at end`;

/**
 * Whether another request about the same subject goes first: requests about one person are carried out one at a time,
 * or two that are asked for at the same moment would both find nobody and invite twice. Whoever fell due first goes
 * first; a dropped one never waits. A scalar subquery, because PostgreSQL makes a join of `not exists`.
 */
const goesFirst = (now: number) => sql`(state = 'sending' or (
  select 1 from requests as rival
  where rival.tenant_id = requests.tenant_id and rival.subject = requests.subject
    and ${unindexed('rival.capability')} = requests.capability and rival.id <> requests.id
    and (rival.state = 'sending' or ${SETTLING} or (
      rival.state in ('queued', 'waiting') and rival.next_at <= ${now} and requests.lost = '[]'
      and (rival.next_at < requests.next_at or (rival.next_at = requests.next_at and rival.id < requests.id))
    ))
  limit 1) is null)`;
/** The same, for looking ahead: only what is being sent holds others back, and its end wakes them. */
const UNHELD = sql`(state = 'sending' or (
  select 1 from requests as rival
  where rival.tenant_id = requests.tenant_id and rival.subject = requests.subject
    and ${unindexed('rival.capability')} = requests.capability and rival.id <> requests.id and (rival.state = 'sending' or ${SETTLING})
  limit 1) is null)`;

export async function claim(engine: Engine, limit: number, now: number, leaseUntil: number): Promise<readonly Claim[]> {
  if (limit <= 0) return [];
  const rows = await take(engine, limit, now, leaseUntil);
  rows.sort((a, b) => a.next_at - b.next_at);
  const ids = rows.map((row) => row.id);
  const spokenTo = rows.filter((row) => row.signals > 0).map((row) => row.id);
  const [answers, earlier, signals] = await Promise.all([
    answersOf(engine.db, ids),
    earlierOf(engine.db, ids),
    signalsOf(engine.db, spokenTo),
  ]);
  return rows.map((row) => ({
    request: toRequest(row),
    answers: answers.get(row.id)!,
    earlier: earlier.get(row.id) ?? null,
    signals: signals.get(row.id) ?? [],
  }));
}

async function take(engine: Engine, limit: number, now: number, leaseUntil: number): Promise<RequestRow[]> {
  const skipLocked = engine.name === 'postgres' ? sql`for update skip locked` : sql``;
  try {
    return await engine.writeOne(async (db) => {
      // `materialized`: PostgreSQL may otherwise run the inner query once per row and claim more than the limit.
      // `not in`: of `not exists` it makes a join and sorts all that is due (42 ms of 21,000, not 1).
      const claimed = await sql<RequestRow>`
        with due as materialized (
          select id from requests
          where ${LIVE} and ${DUE} <= ${now} and ${goesFirst(now)}
            and remote not in (select remote from gates where until > ${now})
          order by ${DUE} limit ${limit} ${skipLocked}
        )
        update requests
        set state = 'sending', fence = fence + 1, lease_until = ${leaseUntil}, updated_at = ${now}
        where id in (select id from due)
        returning *`.execute(db);
      return claimed.rows;
    });
  } catch (cause) {
    // Another process took one of the same subject since we looked: it is seen when we look again.
    if (isRivalry(cause)) return take(engine, limit, now, leaseUntil);
    throw cause;
  }
}

/** The index `requests_one_per_subject` refused, on PostgreSQL; on SQLite nobody writes between look and claim. */
function isRivalry(cause: unknown): boolean {
  return cause instanceof Error && 'constraint' in cause && cause.constraint === 'requests_one_per_subject';
}

/** Extends the leases of claims in hand that are still theirs. One statement, however many. */
export async function hold(
  engine: Engine,
  claims: readonly Pick<Request, 'id' | 'fence'>[],
  leaseUntil: number,
): Promise<void> {
  if (claims.length === 0) return;
  const ours = sql.join(claims.map(({ id, fence }) => sql`(${id}, cast(${fence} as bigint))`));
  await engine.writeOne((db) =>
    sql`update requests set lease_until = ${leaseUntil}
      where state = 'sending' and lease_until < ${leaseUntil} and (id, fence) in (values ${ours})`.execute(db),
  );
}

export function move(engine: Engine, id: string, fence: number, change: Change): Promise<Request | null> {
  assertLegal('sending', change.state);
  return engine.write(async (trx) => {
    await lockAll(engine, trx, id, change.wakes ?? []);
    const row = await trx
      .updateTable('requests')
      .set(columns(change))
      .where('id', '=', id)
      .where('fence', '=', fence)
      .where('state', '=', 'sending')
      .returningAll()
      .$if(tells(engine, change), (query) => query.returning(engine.tellQueued!.as('told')))
      .executeTakeFirst();
    return row ? follow(trx, row, change) : null;
  });
}

export function decide(
  engine: Engine,
  id: string,
  version: number,
  from: RequestState,
  change: Change,
): Promise<Request | null> {
  assertLegal(from, change.state);
  if (change.state === 'sending') throw new Error('a request is made sending by a claim only');
  return engine.write(async (trx) => {
    await lockAll(engine, trx, id, change.wakes ?? []);
    const row = await trx
      .updateTable('requests')
      .set(columns(change))
      .where('id', '=', id)
      .where('version', '=', version)
      .where('state', '=', from)
      .returningAll()
      .$if(tells(engine, change), (query) => query.returning(engine.tellQueued!.as('told')))
      .executeTakeFirst();
    return row ? follow(trx, row, change) : null;
  });
}

function assertLegal(from: RequestState, to: RequestState): void {
  if (!MOVES[from].includes(to)) throw new Error(`a request cannot go from ${from} to ${to}`);
}

function tells(engine: Engine, change: Change): boolean {
  return engine.tellQueued !== null && (change.state === 'queued' || change.wakes !== undefined);
}

/** What a change does to the request's own row. Absent means as before, null means no more. */
function columns(change: Change): UpdateObject<Tables, 'requests'> {
  const {
    state,
    visible,
    leaseUntil,
    nextAt,
    attempts,
    lost,
    standing,
    subject,
    note,
    outcome,
    problem,
    question,
    approval,
    input,
  } = change;
  // Cast, because PostgreSQL takes a case of nothing but parameters for text.
  const soonest = sql`cast(${Math.min(nextAt ?? change.at, change.at)} as bigint)`;
  const restsUntil =
    nextAt === undefined || change.signals === undefined
      ? nextAt
      : sql<number>`case when signals > ${change.signals} then ${soonest} else cast(${nextAt} as bigint) end`;
  // Who was spoken to while it ended has not heard it yet: it goes on instead.
  const ends =
    state === 'done' && change.signals !== undefined
      ? sql<string>`case when signals > ${change.signals} then 'queued' else 'done' end`
      : state;
  return {
    state: ends,
    lease_until: leaseUntil ?? 0,
    updated_at: change.at,
    ...(visible && { version: sql<number>`version + 1` }),
    ...(restsUntil !== undefined && { next_at: restsUntil }),
    ...(attempts !== undefined && { attempts }),
    ...(lost !== undefined && { lost: JSON.stringify(lost) }),
    ...(standing !== undefined && { standing }),
    ...(subject !== undefined && { subject }),
    ...(note !== undefined && { note: json(note) }),
    ...(outcome !== undefined && { outcome: json(outcome) }),
    ...(problem !== undefined && { problem: json(problem) }),
    ...(question !== undefined && { question: json(question) }),
    ...(approval !== undefined && { approval: json(approval) }),
    ...(input !== undefined && { input: JSON.stringify(input) }),
  };
}

/** The rest of a change, once the request's own row is ours: answers, messages, audit. */
async function follow(trx: Transaction<Tables>, row: RequestRow, change: Change): Promise<Request> {
  const { heard, forget, sends, visible, shows, hides, wakes, audit } = change;
  if (heard) await saveAnswer(trx, fromHeard(row.id, heard, change.at));
  if (forget) await forgetAnswers(trx, row.id, forget);
  if (sends) await saveAnswer(trx, fromSends(row.id, sends));
  if (visible) await wantVersion(trx, row.id, row.version);
  if (hides) await hideMessages(trx, row.id, hides);
  for (const one of shows ?? []) await showAt(trx, row, one);
  for (const one of wakes ?? []) await wake(trx, row, one, change.at);
  await addLines(trx, audit);
  return toRequest(row);
}

/**
 * Two requests that wake each other at the same moment would each hold its own row and wait for the other's: on
 * PostgreSQL all rows of such a change are taken beforehand, in one order. On SQLite one writes at a time.
 */
async function lockAll(engine: Engine, trx: Transaction<Tables>, id: string, wakes: readonly Wake[]): Promise<void> {
  if (engine.name !== 'postgres' || wakes.length === 0) return;
  const woken = sql.join(wakes.map(({ capability, subject }) => sql`(${capability}, ${subject})`));
  await sql`select id from requests
    where id = ${id} or (${LIVE} and (${unindexed('capability')}, subject) in (${woken})
      and tenant_id = (select tenant_id from requests where id = ${id}))
    order by id for update`.execute(trx);
}

/** Lets other requests that rest go on now. Who is being worked on is counted up, so that they do not rest before they looked. */
async function wake(trx: Transaction<Tables>, by: RequestRow, { capability, subject, says }: Wake, now: number) {
  const woken = await trx
    .updateTable('requests')
    .set({
      signals: sql<number>`signals + 1`,
      next_at: sql<number>`case when state <> 'sending' and next_at > ${now} then ${now} else next_at end`,
    })
    .where('tenant_id', '=', by.tenant_id)
    .where('subject', '=', subject)
    .where(unindexed('capability'), '=', capability)
    .where('id', '<>', by.id)
    .where('state', 'in', ['queued', 'waiting', 'sending'])
    .returning('id')
    .execute();
  if (says) {
    const ids = woken.map(({ id }) => id);
    await keep(trx, ids, [says], now);
  }
}

async function saveAnswer(trx: Transaction<Tables>, answer: ReturnType<typeof fromSends>): Promise<void> {
  await trx
    .insertInto('answers')
    .values(answer)
    .onConflict((clash) =>
      clash.columns(['request_id', 'n']).doUpdateSet((said) => ({
        name: said.ref('excluded.name'),
        call: said.ref('excluded.call'),
        sent_at: said.ref('excluded.sent_at'),
        reply: said.ref('excluded.reply'),
        ok: said.ref('excluded.ok'),
        heard_at: said.ref('excluded.heard_at'),
      })),
    )
    .execute();
}

async function forgetAnswers(
  trx: Transaction<Tables>,
  id: string,
  which: NonNullable<Change['forget']>,
): Promise<void> {
  let query = trx.deleteFrom('answers').where('request_id', '=', id);
  if (which === 'unheard') query = query.where('ok', 'is', null);
  if (which === 'failed') query = query.where('ok', '=', 0);
  await query.execute();
}

export async function gateOpensAt(engine: Engine, remote: string): Promise<number> {
  const row = await engine.db.selectFrom('gates').select('until').where('remote', '=', remote).executeTakeFirst();
  return row?.until ?? 0;
}

/**
 * Closes a gate, and moves what waits behind it to its opening: a claim then finds nothing due instead of walking the
 * whole backlog (2-4 ms of 21,000 on SQLite, 16 on PostgreSQL, at every request that is accepted meanwhile).
 */
export function closeGate(engine: Engine, remote: string, until: number): Promise<void> {
  return engine.write(async (trx) => {
    await trx
      .insertInto('gates')
      .values({ remote, until })
      .onConflict((clash) =>
        clash
          .column('remote')
          .doUpdateSet((asked) => ({ until: asked.ref('excluded.until') }))
          .whereRef('gates.until', '<', 'excluded.until'),
      )
      .execute();
    await trx
      .updateTable('requests')
      .set({ next_at: until })
      .where('remote', '=', remote)
      .where('state', '=', 'queued')
      .where('next_at', '<', until)
      .execute();
  });
}

/**
 * Of so many that fall due next, the first that nothing holds back counts: a planner without statistics asks of all that
 * are live whether they are held (100 ms of 900), and sorts them afterwards.
 */
const SOONEST = 100;
/** All of these are held, and who comes after them is not known: somebody looks again. */
const ALL_HELD_MS = 1_000;

export async function nextRequestAt(engine: Engine, now: number): Promise<number | null> {
  const { rows } = await sql<{ due: number | null }>`
    select min(due) as due from (
      select coalesce(
        min(case when ${UNHELD} then due end),
        case when count(*) = ${SOONEST} then cast(${now + ALL_HELD_MS} as bigint) end
      ) as due from (
        select ${DUE} as due, id, tenant_id, subject, capability, state, lost from requests
        where ${LIVE} and remote not in (select remote from gates where until > ${now})
        order by ${DUE} limit ${SOONEST}
      ) as requests
      union all
      select case when until > due then until else due end from (
        select until, (
          select ${DUE} from requests
          where ${LIVE} and ${UNHELD} and requests.remote = gates.remote order by ${DUE} limit 1
        ) as due
        from gates where until > ${now}
      ) as held where due is not null
    ) as each_remote`.execute(engine.db);
  return rows[0]?.due ?? null;
}
