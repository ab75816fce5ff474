/**
 * `GET /users/delta`: what changed in the directory since a token was given out. Sources: Graph docs user-delta and
 * delta-query-overview ("sync from now", paging, tokens of directory objects live seven days, 410 with a Location). A token
 * stands for what somebody saw; what they would see now is compared with it. Must not know invitations or chat.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Exchange } from './exchange.ts';
import { graphError, graphOk, graphRoot, type ListShape, pick, selection, unknownProperty } from './graphAnswer.ts';
import type { Room } from './room.ts';
import { isVisible } from './world.ts';

/** What whoever holds a token has seen, and the changes it has not been told yet. */
interface Seen {
  readonly at: number;
  readonly names: readonly string[];
  readonly records: ReadonlyMap<string, string>;
  readonly left: readonly Record<string, unknown>[];
}

/** Tokens remembered; the oldest are forgotten, as if they had expired. */
const KEPT = 1_000;

/** The delta route of one sandbox. */
export function userDeltas(room: Room, shape: ListShape): (exchange: Exchange) => Answer {
  const tokens = new Map<string, Seen>();

  const keep = (seen: Seen): string => {
    const token = randomUUID().replaceAll('-', '');
    tokens.set(token, seen);
    const [oldest] = tokens.keys();
    if (tokens.size > KEPT && oldest !== undefined) tokens.delete(oldest);
    return token;
  };

  const now = (names: readonly string[]): ReadonlyMap<string, Record<string, unknown>> =>
    new Map(
      room.world.users
        .filter((user) => isVisible(room.world, user))
        .map((user) => [user.id, { id: user.id, ...pick(user, names) }]),
    );

  /** The next page, and the link to what follows. */
  function page(exchange: Exchange, seen: Seen): Answer {
    const { deltaPageSize } = room.world.settings;
    const left = seen.left.slice(deltaPageSize);
    const [name, link] = left.length > 0 ? ['$skiptoken', '@odata.nextLink'] : ['$deltatoken', '@odata.deltaLink'];
    const host = exchange.headers.host ?? '127.0.0.1';
    const token = keep({ ...seen, left });
    return graphOk(exchange, 200, {
      '@odata.context': `${graphRoot}/$metadata#users(${seen.names.join(',')})`,
      [link]: `http://${host}/graph/v1.0/users/delta?${name}=${token}`,
      value: seen.left.slice(0, deltaPageSize),
    });
  }

  return (exchange) => {
    const { query } = exchange;
    const find = (name: string): string | undefined => [...query].find(([key]) => key.toLowerCase() === name)?.[1];
    const [skip, delta] = [find('$skiptoken'), find('$deltatoken')];
    for (const name of ['$top', '$orderby', '$expand', '$search']) {
      if (query.has(name))
        return graphError(exchange, 400, 'Request_UnsupportedQuery', `'${name}' is not supported for delta queries.`);
    }
    const token = skip ?? (delta === 'latest' ? undefined : delta);
    if (token === undefined || token === '') {
      const names = selection(exchange, shape);
      if ('unknown' in names) return unknownProperty(exchange, names.unknown, 'user');
      const found = now(names);
      const records = new Map([...found].map(([id, record]) => [id, JSON.stringify(record)]));
      return page(exchange, { at: Date.now(), names, records, left: delta === 'latest' ? [] : [...found.values()] });
    }
    const seen = tokens.get(token);
    if (!seen || Date.now() - seen.at >= room.world.settings.deltaLifetimeMs) {
      const host = exchange.headers.host ?? '127.0.0.1';
      const gone = graphError(exchange, 410, 'syncStateNotFound', 'The sync state generation is not found.');
      const location = `http://${host}/graph/v1.0/users/delta?$deltatoken=`;
      return { ...gone, headers: { ...gone.headers, location } };
    }
    if (skip !== undefined) return page(exchange, seen);
    const found = now(seen.names);
    const records = new Map([...found].map(([id, record]) => [id, JSON.stringify(record)]));
    const changed = [...found].filter(([id]) => seen.records.get(id) !== records.get(id)).map(([, record]) => record);
    const removed = [...seen.records.keys()]
      .filter((id) => !found.has(id))
      .map((id) => ({ id, '@removed': { reason: 'changed' } }));
    return page(exchange, { at: Date.now(), names: seen.names, records, left: [...changed, ...removed] });
  };
}
