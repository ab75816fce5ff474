/**
 * Loaded into a bot before anything else (`node --import`): lets the process kill itself with -9 at an exact moment of
 * an HTTP call it makes, which nobody outside could hit. The order is a file, read at each moment, so that a test can
 * give it late: `{"id", "at", "call", "nth"}`. Must not change anything as long as there is no order.
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';

/** Undici's names (its docs, diagnostics channel): the call is made, has left, is being answered, is answered. */
const MOMENTS = ['create', 'bodySent', 'headers', 'trailers'];

const counted = new Map();

for (const at of MOMENTS) {
  subscribe(`undici:request:${at}`, ({ request }) => {
    const order = readOrder();
    if (!order || (order.at !== 'any' && order.at !== at)) return;
    if (!new RegExp(order.call).test(`${request.method} ${decodeURIComponent(request.path)}`)) return;
    const count = (counted.get(order.id) ?? 0) + 1;
    counted.set(order.id, count);
    if (count === order.nth) process.kill(process.pid, 'SIGKILL');
  });
}

function readOrder() {
  try {
    return JSON.parse(readFileSync(process.env.KILL_ORDER ?? '', 'utf8'));
  } catch {
    return null;
  }
}
