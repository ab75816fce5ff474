/**
 * Verifies the audit as it is kept: seals what is not sealed yet, then walks the chain in pages while everybody else goes
 * on writing. Must not know SQL, or to whom the verdict is told.
 */
import { type ChainLine, type Link, type Verdict, verify } from './chain.ts';
import type { Keeping } from './keeping.ts';

/** Links per page: about 5 ms of work. */
const PAGE = 500;
/** A line that was under way while later ones were sealed looks as if it had been put between them, for a moment. */
const MOST_TRIES = 3;
/** Lines sealed per transaction. */
export const SEAL = 200;

export async function verifyAudit(keeping: Keeping): Promise<Verdict> {
  for (let tries = 0; ; tries++) {
    await sealAll(keeping, true);
    const { cut } = await keeping.chain();
    const verdict = await verify(cut, {
      links: (after) => linksOf(keeping, after),
      unsealed: () => unsealedOf(keeping),
    });
    if (verdict.ok) return verdict;
    // What was cut off meanwhile looks like a gap.
    const moved = (await keeping.chain()).cut.n !== cut.n;
    if (!moved && (verdict.isBetween === undefined || tries === MOST_TRIES)) return verdict;
  }
}

/** Seals until nothing is left (or somebody else is at it). */
export async function sealAll(keeping: Keeping, all = false): Promise<void> {
  for (let first = all; (await keeping.seal(SEAL, first)) === SEAL; first = false) await turn();
}

async function* linksOf(keeping: Keeping, after: number): AsyncIterable<readonly Link[]> {
  for (let from = after; ; ) {
    const page = await keeping.links(from, PAGE);
    if (page.length === 0) return;
    yield page;
    from = page.at(-1)?.n ?? from;
    await turn();
  }
}

/** Read after the links: what came late by then is sealed first. */
async function* unsealedOf(keeping: Keeping): AsyncIterable<readonly ChainLine[]> {
  await sealAll(keeping, true);
  for (let from = Number.MIN_SAFE_INTEGER; ; ) {
    const { lines, last } = await keeping.unsealed(from, PAGE);
    if (last === null) return;
    yield lines;
    from = last;
    await turn();
  }
}

/** Lets others go first: SQLite answers without leaving the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
