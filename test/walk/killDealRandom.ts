/**
 * Random runs of co-sell deals: a few forms are sent, the process is killed at a random moment, perhaps again, and then
 * everything must be as if nothing had been. A run is drawn from its seed; where exactly the kill falls also depends on how
 * fast things go. For the kill tests of deals only.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import { assertMadeOnce, customerOf, type DealForm, DealScene } from './killDealScene.ts';
import { type Random, randomOf, randomTrigger, whenKilled } from './killRandom.ts';

/** What happened in all runs of one engine. */
export interface DealTally {
  runs: number;
  deals: number;
  kills: number;
  /** Forms that were sent again because nobody had answered, and ones that were not. */
  again: number;
  forgotten: number;
  /** Calls whose answer was lost: found by a look, or sent once more because the look found nothing. */
  found: number;
  repeated: number;
  readonly failures: string[];
}

export async function randomDeals(engine: TestEngine, runs: number, seed: number): Promise<DealTally> {
  const tally: DealTally = {
    runs: 0,
    deals: 0,
    kills: 0,
    again: 0,
    forgotten: 0,
    found: 0,
    repeated: 0,
    failures: [],
  };
  let scene: DealScene | undefined;
  for (let run = 0; run < runs; run++) {
    const story: string[] = [];
    try {
      scene ??= await DealScene.open(engine);
      await randomDeal(scene, run, randomOf(`${seed} ${engine.name} ${run}`), tally, story);
      tally.runs++;
    } catch (cause) {
      tally.failures.push(`run ${run} (${story.join('; ')}): ${(cause as Error).stack}`);
      await scene?.close();
      scene = undefined;
    }
  }
  await scene?.close();
  return tally;
}

async function randomDeal(
  scene: DealScene,
  run: number,
  random: Random,
  tally: DealTally,
  story: string[],
): Promise<void> {
  const { succession } = scene;
  await scene.town.control('settings', { latencyMs: [0, 0, 3, 15][random(4)] });
  let wanted: readonly DealForm[] = [];
  const count = 1 + random(3);
  for (let n = 0; n < count; n++) wanted = [...wanted, await scene.form(`Random ${run} ${n}`)];
  story.push(`${count} deals`);
  const kills = random(6) === 0 ? 2 : 1;
  let open = wanted;
  for (let kill = 0; kill < kills; kill++) {
    const trigger = randomTrigger(succession, count, random);
    story.push(trigger.name);
    if (kill > 0) await succession.next();
    for (const form of open) form.send();
    const end = allMade(scene, wanted).then(() => 'all was done', whenKilled(succession));
    const first = await Promise.race([trigger.fired(), end]);
    trigger.stop();
    if (first === 'all was done') story.push(first);
    await succession.dead('now');
    tally.kills++;
    open = await unansweredOf(open);
    if (open.length > 0 && random(3) === 0) {
      story.push(`${open.length} not sent again`);
      tally.forgotten += open.length;
      wanted = await withoutForgotten(scene, wanted, open);
      open = [];
    } else tally.again += open.length;
  }
  await scene.next();
  for (const form of open) form.send();
  await allMade(scene, wanted);
  for (const { customer } of wanted) await check(scene, customer, tally);
  assert.deepEqual(succession.errors.splice(0), [], 'errors in the log');
}

/** Resolves when all forms are answered and their cards say that the deals are made. */
async function allMade(scene: DealScene, forms: readonly DealForm[]): Promise<void> {
  if ((await unansweredOf(forms)).length > 0) await scene.succession.gone;
  await scene.made(forms.map(({ customer }) => customer));
}

async function unansweredOf(forms: readonly DealForm[]): Promise<readonly DealForm[]> {
  const answered = await Promise.all(forms.map((form) => form.answered()));
  return forms.filter((_form, n) => !answered[n]);
}

/** What nobody sends again is made if it is on record, and otherwise nothing of it is. */
async function withoutForgotten(
  scene: DealScene,
  wanted: readonly DealForm[],
  open: readonly DealForm[],
): Promise<readonly DealForm[]> {
  const kept: DealForm[] = [];
  for (const form of wanted) {
    const isKept = (await scene.requests('referralNew', form.customer)).length > 0;
    if (isKept) kept.push(form);
    else {
      assert.ok(open.includes(form), `${form.customer} was accepted and is not on record`);
      assert.ok(!scene.referrals.some((one) => customerOf(one) === form.customer), 'what nobody accepted was done');
    }
  }
  return kept;
}

async function check(scene: DealScene, customer: string, tally: DealTally): Promise<void> {
  const ending = await scene.ending(customer);
  try {
    assertMadeOnce(ending, scene.succession.world.partner.organization.id);
  } catch (cause) {
    throw new Error(`${customer}: ${(cause as Error).message} ${JSON.stringify(ending, null, 1)}`);
  }
  const times = (what: string): number => ending.audit.filter((line) => line === what).length;
  const repeated = times('call sent') - 2;
  tally.deals++;
  tally.repeated += repeated;
  tally.found += times('call lost') - repeated;
}
