/**
 * A process of its own for the laws of several processes: says `ready`, waits for a line, then does one thing with the
 * store at the given URL and writes a line per result. `writeSync`, so that a line is out before the next thing begins.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../src/store/db.ts';
import { acceptOne, draft, MINUTE, NOW } from './laws/bench.ts';

const [url, task] = process.argv.slice(2) as [string, string];
const tell = (line: string) => writeSync(1, `${line}\n`);

tell('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
const store = await openStore(url);

switch (task) {
  case 'accept one':
    tell((await acceptOne(store)).id);
    break;
  case 'accept 100':
    await Promise.all(Array.from({ length: 100 }, async () => tell((await acceptOne(store)).id)));
    break;
  case 'accept for ever': {
    const writer = async () => {
      for (;;) {
        const { id, key } = draft();
        await store.accept([draft({ id, key })], NOW, NOW + MINUTE);
        tell(id);
      }
    };
    await Promise.all([writer(), writer(), writer()]);
    break;
  }
  case 'write and seal': {
    let isOver = false;
    const writing = Promise.all(
      [1, 2, 3].map(async () => {
        for (let n = 0; n < 60; n++) {
          await store.audit([{ at: Date.now(), tenantId: 't', requestId: null, who: 'usher', what: `${process.pid}` }]);
          tell('line');
        }
      }),
    ).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await store.keeping.seal(7);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    break;
  }
  case 'claim all':
    for (;;) {
      const claims = await store.claim(7, NOW, NOW + MINUTE);
      if (claims.length === 0) break;
      for (const { request } of claims) {
        tell(request.id);
        await store.move(request.id, request.fence, { at: Date.now(), state: 'done', visible: true, audit: [] });
      }
    }
    break;
  default:
    throw new Error(`no task named ${task}`);
}
await store.close();
process.stdin.destroy();
