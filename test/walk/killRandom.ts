/**
 * Random runs: several invitations, a kill at a random moment, perhaps another, and then everything must be as if nothing
 * had been. A run is drawn from its seed; where exactly the kill falls also depends on how fast things go.
 * For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import { assertOnce, isInvitation } from './killEnding.ts';
import { Succession, type Wish } from './killScene.ts';

/** What happened in all runs of one engine. */
export interface Tally {
  runs: number;
  requests: number;
  kills: number;
  /** Wishes the channel sent again, and ones it did not. */
  again: number;
  forgotten: number;
  /** Invitations whose answer was lost: found by a look, or sent once more because the look found nobody. */
  found: number;
  repeated: number;
  /** Cards left behind: posted, and their process killed before it wrote that down. */
  orphans: number;
  readonly failures: string[];
}

export type Random = (below: number) => number;

interface Guest {
  readonly address: string;
  readonly teams: readonly string[];
}
interface Asked extends Wish {
  readonly guests: readonly Guest[];
}

export async function randomRuns(engine: TestEngine, runs: number, seed: number): Promise<Tally> {
  const tally: Tally = {
    runs: 0,
    requests: 0,
    kills: 0,
    again: 0,
    forgotten: 0,
    found: 0,
    repeated: 0,
    orphans: 0,
    failures: [],
  };
  let succession: Succession | undefined;
  for (let run = 0; run < runs; run++) {
    const story: string[] = [];
    try {
      succession ??= await Succession.found(engine);
      await randomRun(succession, run, randomOf(`${seed} ${engine.name} ${run}`), tally, story);
      tally.runs++;
    } catch (cause) {
      tally.failures.push(`run ${run} (${story.join('; ')}): ${(cause as Error).stack}`);
      await succession?.close();
      succession = undefined;
    }
  }
  await succession?.close();
  return tally;
}

async function randomRun(
  succession: Succession,
  run: number,
  random: Random,
  tally: Tally,
  story: string[],
): Promise<void> {
  const { town } = succession;
  await town.control('settings', {
    latencyMs: [0, 0, 3, 15][random(4)],
    teamMemberTwice: [201, 409][random(2)],
  });
  const wishes = Array.from({ length: 1 + random(4) }, (_none, n) => randomWish(`r${run}-${n}`, random));
  const guests = wishes.flatMap((wish) => wish.guests);
  story.push(`${guests.length} guests`);
  const kills = [3, 2, 2][random(20)] ?? 1;
  let expected = guests;
  for (let kill = 0; kill < kills; kill++) {
    const trigger = randomTrigger(succession, guests.length, random);
    story.push(trigger.name);
    if (kill === 0) for (const wish of wishes) succession.say(wish);
    else await succession.next();
    const all = succession.answered().then(() => succession.finished(addressesOf(expected), succession.gone));
    const first = await Promise.race([trigger.fired(), all.then(() => 'all was done', whenKilled(succession))]);
    trigger.stop();
    if (first === 'all was done') story.push(first);
    await succession.dead('now');
    tally.kills++;
    const { unanswered } = succession;
    await assertKept(succession, expected);
    if (unanswered.length > 0 && random(3) === 0) {
      story.push(`${unanswered.length} not said again`);
      tally.forgotten += unanswered.length;
      succession.giveUp();
      const kept = await succession.onRecord();
      expected = expected.filter(({ address }) => kept.has(address));
    } else tally.again += unanswered.length;
  }
  await succession.next();
  await succession.answered();
  await succession.finished(addressesOf(expected), succession.gone);
  await check(succession, guests, expected, tally);
}

/** Whatever was answered or has a card is on record. */
async function assertKept(succession: Succession, expected: readonly Guest[]): Promise<void> {
  const kept = await succession.onRecord();
  const unanswered = new Set(succession.unanswered.flatMap(({ wish }) => (wish as Asked).guests));
  for (const guest of expected) {
    const accepted = !unanswered.has(guest) || succession.hasCard(guest.address);
    if (accepted) assert.ok(kept.has(guest.address), `${guest.address} was accepted and is not on record`);
  }
}

async function check(
  succession: Succession,
  guests: readonly Guest[],
  expected: readonly Guest[],
  tally: Tally,
): Promise<void> {
  const endings = await succession.endings(addressesOf(guests));
  for (const guest of guests) {
    const ending = endings.get(guest.address);
    assert.ok(ending);
    if (!expected.includes(guest)) {
      assert.deepEqual([ending.states, ending.invitations], [[], 0], 'what nobody accepted was done');
      continue;
    }
    try {
      assertOnce(ending, guest.teams);
    } catch (cause) {
      throw new Error(`${guest.address}: ${(cause as Error).message} ${JSON.stringify(ending, null, 1)}`);
    }
    tally.requests++;
    tally.orphans += ending.orphans.length;
    const lost = ending.audit.filter((what) => what === 'call lost').length;
    if (lost > 0) {
      const sent = ending.calls.filter(isInvitation).length;
      if (ending.audit.includes('call answered')) tally.repeated++;
      else tally.found++;
      assert.ok(sent <= lost + 1);
    }
  }
  assert.deepEqual(succession.unanswered, [], 'words that nobody answered');
  assert.deepEqual(succession.errors.splice(0), [], 'errors in the log');
}

const addressesOf = (guests: readonly Guest[]): readonly string[] => guests.map(({ address }) => address);

export function whenKilled(succession: Succession): (cause: unknown) => string {
  return (cause) => {
    if (!succession.isDead) throw cause;
    return 'killed';
  };
}

/** One person or a few, with or without a team, in a chat or a channel. */
function randomWish(name: string, random: Random): Asked {
  const count = random(5) === 0 ? 2 + random(2) : 1;
  const place = random(5);
  const conversation = ['personal:rita', 'personal:rita', 'personal:axel', 'general', 'group'][place] ?? '';
  const user = ['rita', 'rita', 'axel', 'ada', 'axel'][place] ?? '';
  const team = [null, 'Apollo', 'Apollo', 'Borealis'][random(4)] ?? null;
  const here = conversation === 'general' && team === 'Apollo';
  const guests = Array.from({ length: count }, (_none, i) => ({
    address: `${name}-${i}@partner.example`,
    teams: team === null ? [] : [team],
  }));
  const people = guests.map(({ address }) => `Ana Silva <${address}>`).join(', ');
  const to = team === null ? '' : here ? ' to this team' : ` to team ${team}`;
  return { text: `invite ${people}${to}`, user, conversation, guests };
}

export interface Trigger {
  readonly name: string;
  fired(): Promise<string>;
  stop(): void;
}

/** From outside after the n-th thing that happened in the town, a little later; or from inside at a moment of a call. */
export function randomTrigger(succession: Succession, requests: number, random: Random): Trigger {
  if (random(5) < 2) {
    // A request makes some six calls with four moments each.
    const nth = 1 + random(20 * requests);
    succession.order({ at: 'any', call: /^/, nth });
    const fired = (): Promise<string> => succession.gone.catch(whenKilled(succession));
    return { name: `killed by itself at moment ${nth}`, fired, stop: () => {} };
  }
  const nth = 1 + random(8 * requests);
  const turns = random(3) === 0 ? 0 : random(150);
  let seen = 0;
  let stop = (): void => {};
  const fired = new Promise<string>((resolve) => {
    stop = succession.watch.listen(({ type }) => {
      if (!/^(?:call|message|mail|directory)$/.test(type) || ++seen !== nth) return;
      const spin = (left: number): void => {
        if (left === 0) resolve('killed');
        else setImmediate(spin, left - 1);
      };
      spin(turns);
    });
  });
  return { name: `killed ${turns} turns after happening ${nth}`, fired: () => fired, stop: () => stop() };
}

/** Mulberry32 over a hash of the text: the same text, the same numbers. */
export function randomOf(text: string): Random {
  let state = 0x811c9dc5;
  for (const letter of text) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
