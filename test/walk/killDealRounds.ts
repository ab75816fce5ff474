/**
 * Rounds: what one kill cuts off. Calls that stay at their moments go along with the one at whose moment the process dies,
 * since every kill costs the start of a process. For the kill tests of deals only; must not know any single case.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import { DealScene } from './killDealScene.ts';
import { dieAt, isKept, keepAt, type Moment, type Target } from './killMoment.ts';
import { inTurn } from './killTurns.ts';

export interface DealCase {
  readonly name: string;
  readonly target: Target;
  /** Null: it comes to its end before anybody is killed. */
  readonly moment: Moment | null;
  readonly begin: (scene: DealScene) => Promise<Begun>;
}

/** A case that has all it needs. */
export interface Begun {
  /** Brings the call about. Without a moment, resolves when it has come to its end. */
  readonly wish: () => unknown;
  /** While nobody is alive. */
  readonly meanwhile?: () => Promise<unknown>;
  /** Waits for the end, and looks whether it is as it should be. */
  readonly ending: () => Promise<void>;
}

/** The process dies of the last; the others are at their moments by then. */
export type Round = readonly DealCase[];

/** Deals cases out to so many rounds. */
export function roundsOf(count: number, cases: readonly DealCase[]): readonly Round[] {
  return Array.from({ length: count }, (_none, n) => cases.filter((_one, i) => i % count === n));
}

async function play(scene: DealScene, round: Round): Promise<void> {
  const { succession } = scene;
  const begun: { readonly one: DealCase; readonly its: Begun }[] = [];
  for (const one of round) begun.push({ one, its: await one.begin(scene) });
  for (const [i, { one, its }] of begun.entries()) {
    const { target, moment } = one;
    if (moment === null) await its.wish();
    else if (i === round.length - 1) await dieAt(succession, target, moment, its.wish);
    else {
      assert.ok(isKept(target, moment), `${one.name} cannot wait for others`);
      await keepAt(succession, target, moment, its.wish);
      await succession.answered();
    }
  }
  for (const { its } of begun) await its.meanwhile?.();
  await scene.next();
  for (const { one, its } of begun) {
    await its.ending().catch((cause: Error) => {
      throw new Error(`${one.name}: ${cause.message}`, { cause });
    });
  }
  assert.deepEqual(succession.errors.splice(0), [], 'errors in the log');
}

/** How the round of each case went, one after another with the process that survived the one before. */
export function playRounds(engine: TestEngine, rounds: readonly Round[]): ReadonlyMap<DealCase, Promise<void>> {
  const runs = inTurn(rounds, () => DealScene.open(engine), play);
  return new Map([...runs].flatMap(([round, run]) => round.map((one): [DealCase, Promise<void>] => [one, run])));
}
