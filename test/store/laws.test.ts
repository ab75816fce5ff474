/**
 * The laws of the store, the same for every engine: what the spine may rely on. The laws themselves are in `laws/`.
 * Must not know how an engine keeps them.
 */
import { engines } from '../support/db.ts';
import { freshBench } from './laws/bench.ts';
import { chainLaws } from './laws/chain.ts';
import { forgettingLaws } from './laws/forgetting.ts';
import { listLaws, paceLaws } from './laws/lists.ts';
import { messageLaws } from './laws/messages.ts';
import { openingLaws, urlLaws } from './laws/opening.ts';
import { processLaws } from './laws/processes.ts';
import { queueLaws } from './laws/queue.ts';
import { requestLaws } from './laws/requests.ts';
import { retentionLaws } from './laws/retention.ts';
import { signalLaws } from './laws/signals.ts';
import { whomLaws } from './laws/whom.ts';

describe('store: the database URL', urlLaws);

for (const engine of await engines()) {
  describe(`store on ${engine.name}`, () => {
    const bench = freshBench(engine);
    describe('opening', () => openingLaws(bench));
    describe('requests', () => requestLaws(bench));
    describe('queue', () => queueLaws(bench));
    describe('signals', () => signalLaws(bench));
    describe('messages', () => messageLaws(bench));
    describe('the chain over the audit', () => chainLaws(bench));
    describe('forgetting', () => forgettingLaws(bench));
    describe('whom forgetting is about', () => whomLaws(bench));
    describe('retention', () => retentionLaws(bench));
    describe('lists', () => listLaws(bench));
    describe('paces', () => paceLaws(bench));
    describe('processes', () => processLaws(bench, engine.name));
  });
}
