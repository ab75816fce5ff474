/**
 * The outer shape of Graph's answers: the error envelope, the request ids, a page of a list. Must not know any route.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Exchange } from './exchange.ts';

/** Where `@odata.context` and links of answers point. */
export const graphRoot = 'https://graph.microsoft.com/v1.0';

/** Headers every Graph answer has (Graph docs, best-practices: request-id). */
export function graphHeaders(exchange: Exchange): Record<string, string> {
  const clientId = exchange.headers['client-request-id'];
  const requestId = randomUUID();
  return {
    'request-id': requestId,
    'client-request-id': typeof clientId === 'string' ? clientId : requestId,
    date: new Date().toUTCString(),
  };
}

/** An error in Graph's envelope (Graph docs, errors). */
export function graphError(exchange: Exchange, status: number, code: string, message: string): Answer {
  const headers = graphHeaders(exchange);
  const innerError = {
    date: new Date().toISOString().slice(0, 19),
    'request-id': headers['request-id'],
    'client-request-id': headers['client-request-id'],
  };
  return { status, headers, body: { error: { code, message, innerError } } };
}

/** A good answer with the Graph headers. */
export function graphOk(exchange: Exchange, status: number, body?: Record<string, unknown>): Answer {
  return body === undefined
    ? { status, headers: graphHeaders(exchange) }
    : { status, headers: graphHeaders(exchange), body };
}

/** The 404 for an object that directory reads do not see. */
export function notInDirectory(exchange: Exchange, id: string): Answer {
  const message = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`;
  return graphError(exchange, 404, 'Request_ResourceNotFound', message);
}

/** What a list may be asked for. */
export interface ListShape {
  /** Properties of an answer without `$select`. */
  byDefault: readonly string[];
  /** Every property that may be selected; one the record lacks comes as null. */
  selectable: readonly string[];
}

/** Reads `$select`; an unknown property gives the fault text. */
export function selection(exchange: Exchange, shape: ListShape): readonly string[] | { unknown: string } {
  const asked = exchange.query.get('$select');
  if (!asked) return shape.byDefault;
  const names: string[] = [];
  for (const name of asked.split(',').map((one) => one.trim())) {
    const known = shape.selectable.find((one) => one.toLowerCase() === name.toLowerCase());
    if (!known) return { unknown: name };
    if (!names.includes(known)) names.push(known);
  }
  return names;
}

/** The 400 for a property that does not exist. */
export function unknownProperty(exchange: Exchange, name: string, type: string): Answer {
  const message = `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type 'microsoft.graph.${type}'.`;
  return graphError(exchange, 400, 'BadRequest', message);
}

/** The selected properties of a record, in the asked order. */
export function pick(record: object, names: readonly string[]): Record<string, unknown> {
  const source = record as Record<string, unknown>;
  return Object.fromEntries(names.map((name) => [name, source[name] ?? null]));
}

/** One page of a list with `$top` (1 to 999, default 100), `$count` and a next link. */
export function listPage(exchange: Exchange, entity: string, names: readonly string[], records: object[]): Answer {
  const asked = exchange.query.get('$top');
  const top = asked === null ? 100 : Number(asked);
  if (!Number.isInteger(top) || top < 1 || top > 999) {
    return graphError(exchange, 400, 'Request_UnsupportedQuery', `Invalid page size specified: '${asked}'.`);
  }
  const skip = Number(exchange.query.get('$skiptoken') ?? 0) || 0;
  const columns = exchange.query.has('$select') ? `(${names.join(',')})` : '';
  const body: Record<string, unknown> = { '@odata.context': `${graphRoot}/$metadata#${entity}${columns}` };
  if (exchange.query.get('$count') === 'true') body['@odata.count'] = records.length;
  if (skip + top < records.length) {
    const next = new URLSearchParams(exchange.query);
    next.set('$skiptoken', String(skip + top));
    const host = exchange.headers.host ?? '127.0.0.1';
    body['@odata.nextLink'] = `http://${host}/graph${exchange.path}?${next}`;
  }
  body['value'] = records.slice(skip, skip + top).map((record) => pick(record, names));
  return graphOk(exchange, 200, body);
}
