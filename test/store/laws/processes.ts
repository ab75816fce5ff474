/** Laws of several processes on one database, and of processes that die. Must not know how the store keeps them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { verifyAudit } from '../../../src/requests/proof/verifying.ts';
import { openStore } from '../../../src/store/db.ts';
import type { TestEngine } from '../../support/db.ts';
import type { Bench } from './bench.ts';
import { acceptOne, drafts, MINUTE, NOW } from './bench.ts';

const SCRIPT = fileURLToPath(new URL('../process.ts', import.meta.url));

interface Other {
  readonly child: ChildProcess;
  /** What it has written so far, whole lines only. */
  readonly lines: string[];
  /** Answers when it has written this many lines. */
  wrote(count: number): Promise<void>;
  go(): void;
  /** Answers when it has ended and everything it wrote has been read. */
  readonly ended: Promise<number | null>;
}

/** Starts another process and waits until it stands ready. */
async function other(url: string, task: string): Promise<Other> {
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, url, task], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const wanted: { count: number; done: () => void }[] = [];
  const check = () => {
    for (const one of wanted) if (lines.length >= one.count) one.done();
  };
  const reader = createInterface({ input: child.stdout! });
  const ready = once(reader, 'line');
  // A killed process cannot leave half a line: each is one small write.
  ready.then(() =>
    reader.on('line', (line) => {
      lines.push(line);
      check();
    }),
  );
  const ended = once(child, 'close').then(([code]) => code as number | null);
  await Promise.race([ready, ended.then((code) => assert.fail(`ended with ${code} before it was ready`))]);
  return {
    child,
    lines,
    ended,
    go: () => void child.stdin!.write('go\n'),
    wrote: (count) =>
      Promise.race([
        new Promise<void>((done) => {
          wanted.push({ count, done });
          check();
        }),
        ended.then((code) => assert.fail(`ended with ${code} after ${lines.length} lines`)),
      ]),
  };
}

function others(count: number, url: string, task: string): Promise<Other[]> {
  return Promise.all(Array.from({ length: count }, () => other(url, task)));
}

async function run(processes: readonly Other[]): Promise<string[]> {
  for (const one of processes) one.go();
  const codes = await Promise.all(processes.map((one) => one.ended));
  assert.deepEqual(
    codes,
    processes.map(() => 0),
  );
  return processes.flatMap((one) => one.lines);
}

export function processLaws(bench: () => Bench, engine: TestEngine['name']): void {
  it('five processes that open an empty database at once all find it migrated once', async function () {
    this.timeout(60_000);
    const { database, store } = bench();
    await store.close();
    // Back to nothing.
    const url = engine === 'SQLite' ? `${database.url}-new/usher.db` : database.url;
    if (engine === 'PostgreSQL') {
      const schema = (await database.run('select current_schema() as name'))[0]!['name'];
      await database.run(`drop schema ${schema} cascade; create schema ${schema}`);
    }
    const ids = await run(await others(5, url, 'accept one'));
    const after = await openStore(url);
    await after.check();
    for (const id of ids) assert.ok(await after.get(id));
    assert.equal((await after.claim(9, NOW, NOW + MINUTE)).length, 5);
    await after.close();
  });

  it('three processes that write at once lose nothing', async function () {
    this.timeout(60_000);
    const { database, store } = bench();
    const ids = await run(await others(3, database.url, 'accept 100'));
    assert.equal(new Set(ids).size, 300);
    const known = await store.list({ tenantId: 'tenant-1', limit: 999 });
    assert.deepEqual(known.map((one) => one.id).sort(), ids.sort());
  });

  it('three processes that claim at once get each request once', async function () {
    this.timeout(60_000);
    const { database, store } = bench();
    const wanted = drafts(150);
    await store.accept(wanted, NOW, NOW);
    const taken = await run(await others(3, database.url, 'claim all'));
    assert.deepEqual(taken.sort(), wanted.map((one) => one.id).sort());
    assert.equal((await store.list({ tenantId: 'tenant-1', states: ['done'], limit: 999 })).length, 150);
  });

  it('three processes that write lines and seal them make one chain, also when two of them are killed on the way', async function () {
    this.timeout(60_000);
    const { database, store } = bench();
    const [first, second, third] = await others(3, database.url, 'write and seal');
    for (const one of [first, second, third]) one!.go();
    await Promise.all([
      first!.wrote(20).then(() => first!.child.kill('SIGKILL')),
      second!.wrote(45).then(() => second!.child.kill('SIGKILL')),
    ]);
    assert.deepEqual([await first!.ended, await second!.ended, await third!.ended], [null, null, 0]);
    const written = [first, second, third].flatMap((one) => one!.lines).length;
    const verdict = await verifyAudit(store.keeping);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    const count = Number((await database.run('select count(*) as count from audit'))[0]!['count']);
    assert.ok(count >= written && written >= 180 + 65, `${written} of ${count}`);
    assert.deepEqual([verdict.links, verdict.head.n], [count, count]);
  });

  if (engine === 'SQLite') killLaws(bench);
  else wakeLaws(bench);
}

function killLaws(bench: () => Bench): void {
  it('twenty writing processes are killed at a random moment: whatever they were told was accepted is there', async function () {
    this.timeout(120_000);
    const { database } = bench();
    const told: string[] = [];
    const chain = async () => {
      for (let kill = 0; kill < 5; kill++) {
        const writer = await other(database.url, 'accept for ever');
        writer.go();
        await writer.wrote(1 + Math.floor(Math.random() * 80));
        writer.child.kill('SIGKILL');
        await writer.ended;
        told.push(...writer.lines);
      }
    };
    // Four at a time on one file: a killed one must not stop the others either.
    await Promise.all([chain(), chain(), chain(), chain()]);
    const after = await bench().another();
    const known = new Set((await after.list({ tenantId: 'tenant-1', limit: 99_999 })).map((one) => one.id));
    assert.ok(told.length >= 20);
    assert.deepEqual(
      told.filter((id) => !known.has(id)),
      [],
    );
    for (const id of known) assert.equal((await after.auditOf(id)).length, 1, 'a request and its line are one');
    assert.deepEqual(await database.run('pragma integrity_check'), [{ integrity_check: 'ok' }]);
  });
}

function wakeLaws(bench: () => Bench): void {
  it('when the server ends every connection, the writes under way fail or stand, and the next ones succeed', async () => {
    const { database, store } = bench();
    const wanted = drafts(60);
    const writing = Promise.allSettled(wanted.map((one) => store.accept([one], NOW, NOW)));
    await database.run(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = current_setting('application_name') and pid <> pg_backend_pid()`,
    );
    const outcomes = await writing;
    for (const [n, { status }] of outcomes.entries()) {
      if (status === 'fulfilled') assert.ok(await store.get(wanted[n]!.id));
    }
    // One whose end has not arrived yet may still be picked.
    const again = () => store.accept(wanted, NOW, NOW);
    const accepted = await again().catch(again).catch(again);
    assert.equal(accepted.length, 60);
  });

  it('what another process queued wakes this one; what it queued itself does not', async () => {
    const { database, store } = bench();
    let woken = 0;
    let next = () => {};
    const wake = () => new Promise<void>((resolve) => (next = resolve));
    const listening = wake();
    store.onWake(() => {
      woken++;
      next();
    });
    await listening;
    assert.equal(woken, 1, 'once when it begins to listen, for what was queued before');

    const told = wake();
    await acceptOne(store);
    await run([await other(database.url, 'accept one')]);
    await told;
    assert.equal(woken, 2);
  });

  it('a listener whose connection breaks comes back, and looks for what it missed', async () => {
    const { database, store } = bench();
    let next = () => {};
    const wake = () => new Promise<void>((resolve) => (next = resolve));
    const listening = wake();
    store.onWake(() => next());
    await listening;
    const back = wake();
    const ended = await database.run(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where query = 'listen usher_' || md5(current_schema()) and application_name = current_setting('application_name')`,
    );
    assert.ok(ended.length > 0);
    await back;
    const told = wake();
    await acceptOne(await bench().another());
    await told;
  });
}
