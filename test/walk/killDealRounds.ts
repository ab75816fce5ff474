/**
 * Rounds: what one kill cuts off. Calls that are held go along with one at whose exact moment the process dies, since every
 * kill costs the start of a process. For the kill tests of deals only; must not know any single case.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import { DealScene } from './killDealScene.ts';
import { dieAt, hold, type Moment, type Target } from './killMoment.ts';
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

/** The last of them dies, the others are held by then. */
export type Round = readonly DealCase[];

export const isExact = ({ moment }: DealCase): boolean => moment !== null && 'at' in moment;
export const isHeld = (one: DealCase): boolean => !isExact(one);

/** Each of `dying` in a round of its own, with as few of those that are held beside it as will do. */
export function roundsOf(dying: readonly DealCase[], held: readonly DealCase[]): readonly Round[] {
  return dying.map((one, n) => [...held.filter((_other, i) => i % dying.length === n), one]);
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
      assert.ok('fault' in moment);
      await hold(succession, target, moment, its.wish);
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
