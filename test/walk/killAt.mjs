/**
 * Loaded into a bot before anything else (`node --import`): lets the process kill itself with -9 at an exact moment of
 * an HTTP call it makes, which nobody outside could hit; or lets the call stop there for good, so that a kill from outside
 * hits it and others at exactly such moments. The order is a file, read at each moment, so that a test can give it late:
 * `{"id", "at", "call", "nth", "stays"}`. Must not change anything as long as there is no order.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync, writeSync } from 'node:fs';

/** Undici's names (its docs, diagnostics channel): the call is made, has left, is being answered, is answered. */
const MOMENTS = ['create', 'bodySent', 'headers', 'trailers'];

const counted = new Map();

for (const at of MOMENTS) {
  subscribe(`undici:request:${at}`, ({ request }) => {
    const order = readOrder();
    if (order?.stays || !isMoment(order, at, request.method, request.path)) return;
    process.kill(process.pid, 'SIGKILL');
  });
}

const { fetch } = globalThis;
globalThis.fetch = async (to, options) => {
  const order = readOrder();
  const { pathname, search } = new URL(to.url ?? to);
  const isIt = order?.stays && isMoment(order, order.at, options?.method ?? to.method ?? 'GET', `${pathname}${search}`);
  if (isIt && order.at === 'create') return stay(order);
  const answer = await fetch(to, options);
  if (!isIt) return answer;
  await answer.arrayBuffer();
  return stay(order);
};

/** Tells the test, and never comes back. */
function stay({ id }) {
  writeSync(1, `${JSON.stringify({ event: 'stays', order: id })}\n`);
  return new Promise(() => {});
}

function isMoment(order, at, method, path) {
  if (!order || (order.at !== 'any' && order.at !== at)) return false;
  if (!new RegExp(order.call).test(`${method} ${decodeURIComponent(path)}`)) return false;
  const count = (counted.get(order.id) ?? 0) + 1;
  counted.set(order.id, count);
  return count === order.nth;
}

function readOrder() {
  try {
    return JSON.parse(readFileSync(process.env.KILL_ORDER ?? '', 'utf8'));
  } catch {
    return null;
  }
}
