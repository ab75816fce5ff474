/**
 * Messages as an outbox: each is leased while somebody shows it, and stays due until it shows its request's version.
 * Must not know what a message looks like or where it goes.
 */
import { type Kysely, sql, type Transaction } from 'kysely';
import { LIST_SENT, listOfRow } from '../requests/many/rows.ts';
import type { Change, Draft, Message } from '../requests/ports.ts';
import { type Audience, chatOf, LIVE, type Place, personIn, type Request } from '../requests/request.ts';
import type { Engine } from './engine.ts';
import { toMessage, toRequest } from './rows.ts';
import type { MessageRow, RequestRow, Tables } from './schema.ts';

/** The messages that have something to show, and from when: word for word as the index `messages_behind` has them. */
const BEHIND = sql`given_up = 0 and shown_version < wanted_version`;
const DUE = sql`case when lease_until > next_at then lease_until else next_at end`;

/** A message per new request, leased to whoever accepted it. */
export async function addMessages(
  trx: Transaction<Tables>,
  drafts: readonly Draft[],
  leaseUntil: number,
): Promise<void> {
  if (drafts.length === 0) return;
  const rows = drafts.map(({ id, place, activityId }) => ({
    request_id: id,
    conversation_id: place.conversationId,
    activity_id: activityId,
    place: JSON.stringify(place),
    lease_until: leaseUntil,
  }));
  await trx.insertInto('messages').values(rows).execute();
}

/** The request has changed visibly: its messages have something to show. */
export async function wantVersion(trx: Transaction<Tables>, requestId: string, version: number): Promise<void> {
  await trx.updateTable('messages').set({ wanted_version: version }).where('request_id', '=', requestId).execute();
}

/**
 * One more message that is to show the request, from `at` on. What has no card of its own (a row of a list) is told to
 * whoever asked by the list's card, and not by hundreds of others; those who are to approve it, or are answerable instead
 * of whoever asked, get theirs. What must be told always is told here once no list tells it.
 */
export async function showAt(
  trx: Transaction<Tables>,
  { id, key, version, requester_id }: Pick<RequestRow, 'id' | 'key' | 'version' | 'requester_id'>,
  { place, audience, at = 0, always }: NonNullable<Change['shows']>[number],
): Promise<void> {
  const isSomebodyElses = ![null, requester_id].includes(personIn(place));
  if (audience === 'asker' && !isSomebodyElses && !(await hasOwn(trx, id)))
    if (!always || (await isListed(trx, key))) return;
  await trx
    .insertInto('messages')
    .values({
      request_id: id,
      conversation_id: place.conversationId,
      place: JSON.stringify(place),
      audience,
      wanted_version: version,
      next_at: at,
    })
    // What was to be posted later may be wanted sooner; what was posted stays where it is.
    .onConflict((clash) =>
      clash
        .columns(['request_id', 'conversation_id'])
        .doUpdateSet({ next_at: at })
        .where('messages.activity_id', 'is', null)
        .where('messages.next_at', '>', at),
    )
    .execute();
}

async function hasOwn(trx: Transaction<Tables>, id: string): Promise<boolean> {
  const own = trx.selectFrom('messages').select('request_id').where('request_id', '=', id);
  return (await own.where('audience', '=', 'asker').limit(1).executeTakeFirst()) !== undefined;
}

/** Whether a list tells of the request with this key: it has been sent, and goes on. */
async function isListed(trx: Transaction<Tables>, key: string): Promise<boolean> {
  const list = listOfRow(key);
  if (list === null) return false;
  const tells = trx
    .selectFrom('requests')
    .select('id')
    .where('id', '=', list)
    .where('state', 'in', LIVE)
    .where('standing', '=', LIST_SENT);
  return (await tells.executeTakeFirst()) !== undefined;
}

/** What was not posted for this audience is not posted any more. */
export async function hideMessages(trx: Transaction<Tables>, requestId: string, audience: Audience): Promise<void> {
  await trx
    .deleteFrom('messages')
    .where('request_id', '=', requestId)
    .where('audience', '=', audience)
    .where('activity_id', 'is', null)
    .where('lease_until', '=', 0)
    .execute();
}

/** Of these requests nothing is posted any more that was not before, but for what somebody is posting now. */
export async function hideUnposted(
  trx: Transaction<Tables>,
  requestIds: readonly string[],
  now: number,
): Promise<void> {
  await trx
    .deleteFrom('messages')
    .where('request_id', 'in', requestIds)
    .where('activity_id', 'is', null)
    .where('lease_until', '<=', now)
    .execute();
}

export async function claimMessages(
  engine: Engine,
  limit: number,
  now: number,
  leaseUntil: number,
): Promise<readonly { message: Message; request: Request }[]> {
  if (limit <= 0) return [];
  const skipLocked = engine.name === 'postgres' ? sql`for update skip locked` : sql``;
  const claimed = await engine.writeOne(async (db) => {
    const { rows } = await sql<MessageRow>`
      with due as materialized (
        select request_id, conversation_id from messages
        where ${BEHIND} and ${DUE} <= ${now}
        order by ${DUE} limit ${limit} ${skipLocked}
      )
      update messages set lease_until = ${leaseUntil}, tries = tries + 1
      where (request_id, conversation_id) in (select request_id, conversation_id from due)
      returning *`.execute(db);
    return rows;
  });
  if (claimed.length === 0) return [];
  // Read after the claim: a change made meanwhile is shown with it instead of once more.
  const requests = await requestsById(
    engine.db,
    claimed.map((row) => row.request_id),
  );
  return claimed.map((row) => ({ message: toMessage(row), request: requests.get(row.request_id)! }));
}

async function requestsById(db: Kysely<Tables>, ids: readonly string[]): Promise<ReadonlyMap<string, Request>> {
  const rows = await db.selectFrom('requests').selectAll().where('id', 'in', ids).execute();
  return new Map(rows.map((row) => [row.id, toRequest(row)]));
}

export async function nextMessageAt(engine: Engine): Promise<number | null> {
  const { rows } = await sql<{ due: number }>`
    select ${DUE} as due from messages where ${BEHIND} order by ${DUE} limit 1`.execute(engine.db);
  return rows[0]?.due ?? null;
}

export async function messageShown(
  engine: Engine,
  requestId: string,
  conversationId: string,
  activityId: string,
  version: number,
  quietUntil = 0,
): Promise<boolean> {
  const row = await engine.writeOne((db) =>
    db
      .updateTable('messages')
      .set({
        activity_id: activityId,
        // Two who showed it at once may report in either order.
        shown_version: sql<number>`case when shown_version > ${version} then shown_version else ${version} end`,
        lease_until: 0,
        next_at: quietUntil,
        tries: 0,
      })
      .where('request_id', '=', requestId)
      .where('conversation_id', '=', conversationId)
      .returning('wanted_version')
      .executeTakeFirst(),
  );
  return row !== undefined && row.wanted_version > version;
}

/** This message shows the request in its conversation from now on; answers the one that did so before, or null. */
export function followAt(
  engine: Engine,
  requestId: string,
  place: Place,
  activityId: string,
  version: number,
  audience: Audience = 'asker',
): Promise<string | null> {
  return engine.write(async (trx) => {
    // Held, so that a change at this moment either is seen here or sees the new message.
    const { version: wanted } = await trx
      .selectFrom('requests')
      .select('version')
      .where('id', '=', requestId)
      .$if(engine.name === 'postgres', (query) => query.forUpdate())
      .executeTakeFirstOrThrow();
    // This very message shows it already, under another name of its conversation (a chat that was opened for it, a channel
    // without the thread): it stays whose card it is.
    const same = await trx
      .updateTable('messages')
      .set({ shown_version: version, lease_until: 0, next_at: 0, tries: 0, given_up: 0 })
      .where('request_id', '=', requestId)
      .where('activity_id', '=', activityId)
      .where('conversation_id', '<>', place.conversationId)
      .where((either) =>
        either.or([either('conversation_id', '=', chatOf(place)), either('conversation_id', 'like', 'person:%')]),
      )
      .returning('activity_id')
      .executeTakeFirst();
    if (same) return activityId;
    const before = await trx
      .selectFrom('messages')
      .select('activity_id')
      .where('request_id', '=', requestId)
      .where('conversation_id', '=', place.conversationId)
      .executeTakeFirst();
    const shows = {
      audience,
      activity_id: activityId,
      shown_version: version,
      lease_until: 0,
      next_at: 0,
      tries: 0,
      given_up: 0,
    };
    await trx
      .insertInto('messages')
      .values({
        request_id: requestId,
        conversation_id: place.conversationId,
        place: JSON.stringify(place),
        wanted_version: wanted,
        ...shows,
      })
      .onConflict((clash) => clash.columns(['request_id', 'conversation_id']).doUpdateSet(shows))
      .execute();
    return before?.activity_id ?? null;
  });
}

export async function messageFailed(
  engine: Engine,
  requestId: string,
  conversationId: string,
  nextAt: number | null,
): Promise<void> {
  await engine.writeOne((db) =>
    db
      .updateTable('messages')
      .set({ lease_until: 0, ...(nextAt === null ? { given_up: 1 } : { next_at: nextAt }) })
      .where('request_id', '=', requestId)
      .where('conversation_id', '=', conversationId)
      .execute(),
  );
}
