/**
 * The matrix of calls: getting in and ringing people, cut off at each moment. A few successions of processes work through it
 * at once, since they wait most of their time. For the kill tests of calls only.
 */
import assert from 'node:assert/strict';
import type { Environment } from '../../src/config/config.ts';
import type { TestEngine } from '../support/db.ts';
import { cardOf } from '../support/walk.ts';
import { BOTH_RING, type CallEnding, CHAT, MeetingScene } from './killCallScene.ts';

export interface CallCase {
  readonly name: string;
  readonly environment: Environment;
  /** What must be true of its end, besides what is true of every end. */
  readonly ends: {
    /** Calls that came about: a second one was hung up. */
    readonly calls: number;
    /** How people were asked to be rung. */
    readonly invites: readonly string[];
    readonly rung: CallEnding['rung'];
    readonly told: RegExp;
  };
  readonly work: (scene: MeetingScene) => Promise<CallEnding>;
}

/** When the process is killed; `worked`: what was asked for is done although nobody heard of it. */
const MOMENTS = [
  { name: 'before it leaves', at: 'create', worked: false },
  { name: 'while it is held and nothing is done', fault: 'hold', worked: false },
  { name: 'while it is held and all is done', fault: 'slow', worked: true },
  { name: 'right after its answer', at: 'trailers', worked: true },
] as const;
type Moment = (typeof MOMENTS)[number];

const JOIN = { method: 'POST', path: '/communications/calls$' };
const RING = { method: 'POST', path: '/participants/invite$' };
const ROSTER = { method: 'GET', path: '/participants$' };
const MEETING = { method: 'GET', path: '/meetings/[^/]+$', remote: 'connector' };
type Target = Readonly<Record<'method' | 'path', string>> & { readonly remote?: string };

/** Far longer than it takes to kill, however busy the machine is. */
const HELD_MS = 45_000;
/** So long that a ring ends by what is heard of it. */
const LONG = { RING_SECONDS: '120' };
/** So short that what is not heard of is looked for soon. */
const SHORT = { RING_SECONDS: '6' };

/** The process dies at this moment of this call, which `wish` brings about; then the next one lives. */
async function cut(
  scene: MeetingScene,
  target: Target,
  moment: Moment,
  wish: () => unknown,
  meanwhile?: () => Promise<unknown>,
): Promise<void> {
  const { succession } = scene;
  if ('at' in moment) {
    succession.order({ at: moment.at, call: new RegExp(`^${target.method} .*${target.path}`) });
    await wish();
    return scene.succeed('by order', meanwhile);
  }
  const { met } = await succession.meet({ ...target, kind: moment.fault, ms: HELD_MS });
  await wish();
  await met;
  return scene.succeed('now', meanwhile);
}

/** Rita, who asks, is in the meeting from the beginning. What a join is to end with: Cleo came in while nobody lived. */
const cleoComes = (scene: MeetingScene) => () => scene.act('join', 'cleo');
const IN = /I am in the call, with 2 others\.\nIn the call \(2\)\nRita Requester, Cleo Costa/;

async function joined(scene: MeetingScene): Promise<CallEnding> {
  const id = await scene.request('callJoin');
  await scene.card(id, IN);
  return scene.ending(id, IN);
}

/** The callback that tells this request's call that it is in. */
const established = (id: string): string => `.*request=${id}".*"state":"established"`;

const joinEnds = (calls: number) => ({ calls, invites: [], rung: {}, told: IN });

const JOINS: readonly CallCase[] = [
  ...MOMENTS.map(
    (moment): CallCase => ({
      name: `joining ${moment.name}`,
      environment: LONG,
      ends: joinEnds(1),
      work: async (scene) => {
        await cut(scene, JOIN, moment, () => scene.say('call join'), cleoComes(scene));
        return joined(scene);
      },
    }),
  ),
  ...[ROSTER, MEETING].flatMap((target) =>
    [MOMENTS[0], MOMENTS[2], MOMENTS[3]].map(
      (moment): CallCase => ({
        name: `${target === ROSTER ? 'the look at the roster' : 'the look at the meeting'} ${moment.name}`,
        environment: LONG,
        ends: joinEnds(1),
        work: async (scene) => {
          await cut(scene, target, moment, () => scene.say('call join'), cleoComes(scene));
          return joined(scene);
        },
      }),
    ),
  ),
  {
    name: 'joining after its answer and before it is told that it is in',
    environment: LONG,
    ends: joinEnds(1),
    work: async (scene) => {
      await scene.town.control('hold-callbacks', { on: true });
      scene.say('call join');
      const id = await scene.request('callJoin');
      await scene.until({ callbacks: `^held ${established(id)}` });
      await scene.card(id, /Apollo weekly/);
      await scene.succeed('now', cleoComes(scene));
      await scene.town.control('hold-callbacks', { on: false });
      return joined(scene);
    },
  },
  {
    name: 'joining right after it is told that it is in',
    environment: LONG,
    ends: joinEnds(1),
    work: async (scene) => {
      scene.say('call join');
      await scene.until({ callbacks: `^sent 202 ${established(await scene.request('callJoin'))}` });
      await scene.succeed('now', cleoComes(scene));
      return joined(scene);
    },
  },
  {
    name: 'joining after its answer, and what tells it that it is in finds nobody',
    environment: LONG,
    ends: joinEnds(1),
    work: async (scene) => {
      await scene.town.control('hold-callbacks', { on: true });
      await scene.town.control('settings', { callbackTries: 1 });
      scene.say('call join');
      const id = await scene.request('callJoin');
      await scene.until({ callbacks: `^held ${established(id)}` });
      await scene.card(id, /Apollo weekly/);
      await scene.succeed('now', async () => {
        await scene.act('join', 'cleo');
        await scene.town.control('hold-callbacks', { on: false });
      });
      return joined(scene);
    },
  },
  {
    name: 'joining while it is held and all is done, and what tells it that it is in finds nobody',
    environment: LONG,
    ends: joinEnds(2),
    work: async (scene) => {
      await scene.town.control('settings', { callbackTries: 1 });
      await cut(
        scene,
        JOIN,
        MOMENTS[2],
        () => scene.say('call join'),
        async () => {
          await scene.until({ callbacks: `^sent 0 ${established(await scene.request('callJoin'))}` });
          await scene.act('join', 'cleo');
        },
      );
      const id = await scene.request('callJoin');
      await scene.card(id, IN);
      await scene.until({ telephony: `"state":"terminated".*request=${id}"` });
      return scene.ending(id, IN);
    },
  },
];

const INVITE = 'call invite Cleo Costa, Dan Dale';
const BOTH = ['Cleo Costa', 'Dan Dale'];
/** Cleo answers and Dan declines; what is heard of it tells both. */
const HEARD = /Cleo Costa\nIn the call\nDan Dale\nDeclined/;
/** The same, when nothing is heard: the roster knows who came, and nobody why somebody did not. */
const SEEN = /Cleo Costa\nIn the call\nDan Dale\nNo answer/;
const UNSURE = /Cleo Costa\nNo answer: I cannot tell whether it rang\nDan Dale\nNo answer: I cannot tell/;
const ALONE = /I am in the call, with one other\.\nIn the call \(1\)\nRita Requester/;

async function settle(scene: MeetingScene): Promise<void> {
  await scene.until({ telephony: BOTH_RING });
  await scene.act('answer', 'cleo');
  await scene.act('decline', 'dan');
}

async function invited(scene: MeetingScene, told: RegExp, status = IN): Promise<CallEnding> {
  const id = await scene.request('callInvite');
  await scene.card(id, told);
  return scene.ending(id, status);
}

const ringEnds = (worked: boolean) =>
  worked
    ? { calls: 1, invites: ['alive'], rung: { '0': BOTH }, told: HEARD }
    : { calls: 1, invites: ['alive'], rung: {}, told: UNSURE };

function inviting(name: string, begin: (scene: MeetingScene) => Promise<void>): readonly CallCase[] {
  return [
    ...MOMENTS.map(
      (moment): CallCase => ({
        name: `a ring ${moment.name}, ${name}`,
        environment: moment.worked ? LONG : SHORT,
        ends: ringEnds(moment.worked),
        work: async (scene) => {
          await begin(scene);
          await cut(scene, RING, moment, () => scene.say(INVITE));
          if (moment.worked) await settle(scene);
          return invited(scene, ringEnds(moment.worked).told, moment.worked ? IN : ALONE);
        },
      }),
    ),
    {
      name: `a ring that rings, ${name}`,
      environment: LONG,
      ends: ringEnds(true),
      work: async (scene) => {
        await begin(scene);
        scene.say(INVITE);
        await scene.card(await scene.request('callInvite'), /Ringing. 0 of 2/);
        await scene.succeed('now');
        await settle(scene);
        return invited(scene, HEARD);
      },
    },
    {
      name: `a ring whose end finds nobody, ${name}`,
      environment: SHORT,
      ends: { ...ringEnds(true), told: SEEN },
      work: async (scene) => {
        await begin(scene);
        scene.say(INVITE);
        await scene.until({ telephony: BOTH_RING });
        await scene.town.control('settings', { callbackTries: 1 });
        await scene.succeed('now', async () => {
          await settle(scene);
          const id = await scene.request('callInvite');
          await scene.until({ callbacks: `^sent 0 .*"status":"failed","clientContext":"${id}\\.0"` });
        });
        return invited(scene, SEEN);
      },
    },
  ];
}

const JOINING_FOR_A_RING = MOMENTS.map(
  (moment): CallCase => ({
    name: `the joining that a ring waits for ${moment.name}`,
    environment: LONG,
    ends: ringEnds(true),
    work: async (scene) => {
      await cut(scene, JOIN, moment, () => scene.say(INVITE));
      await settle(scene);
      return invited(scene, HEARD);
    },
  }),
);

/** Cleo is in and Dan declined; then he is rung again, and the process dies of it. The same button is pressed twice. */
const AGAIN = MOMENTS.map((moment): CallCase => {
  const told = moment.worked
    ? /Cleo Costa\nIn the call\nDan Dale\nIn the call/
    : /Cleo Costa\nIn the call\nDan Dale\nNo answer: I cannot tell/;
  return {
    name: `ringing again ${moment.name}`,
    environment: moment.worked ? LONG : SHORT,
    ends: { calls: 1, invites: ['alive'], rung: { '0': BOTH, ...(moment.worked ? { '1': ['Dan Dale'] } : {}) }, told },
    work: async (scene) => {
      await scene.join();
      scene.say(INVITE);
      await settle(scene);
      const id = await scene.request('callInvite');
      const message = await scene.card(id, HEARD);
      const button = cardOf(message).actions?.find(({ verb }) => verb === 'callInvite.ring');
      assert.ok(button, 'nobody can be rung again');
      const press = () =>
        scene.town.press(message.activityId, 'callInvite.ring', button.data, {}, { conversation: CHAT });
      await cut(scene, RING, moment, press);
      await press();
      if (moment.worked) {
        await scene.until({ telephony: '"ringing":\\[[^\\]]*Dan Dale' });
        await scene.act('answer', 'dan');
      }
      return invited(scene, told, moment.worked ? /I am in the call, with 3 others/ : IN);
    },
  };
});

export const CALL_CASES: readonly CallCase[] = [
  ...JOINS,
  ...inviting('with Usher in', (scene) => scene.join()),
  ...inviting('with Usher not yet in', async () => {}),
  ...JOINING_FOR_A_RING,
  ...AGAIN,
];

/** How many successions of one engine go on at once, by how long people ring. */
const LANES = new Map<Environment, number>([
  [LONG, 4],
  [SHORT, 2],
]);

/**
 * Works through the cases, each with the process that survived the one before; a meeting in which a case failed is not
 * used again. Answers at once: a case's promise is settled when its turn has come and gone.
 */
export function cutEveryCallOfACall(engine: TestEngine): ReadonlyMap<CallCase, Promise<CallEnding>> {
  const runs = new Map<CallCase, Promise<CallEnding>>();
  for (const [environment, count] of LANES) {
    const cases = CALL_CASES.filter((one) => one.environment === environment);
    for (let lane = 0; lane < count; lane++) {
      const theirs = cases.filter((_one, n) => n % count === lane);
      for (const [one, run] of oneAfterAnother(engine, environment, theirs)) runs.set(one, run);
    }
  }
  return runs;
}

function oneAfterAnother(
  engine: TestEngine,
  environment: Environment,
  cases: readonly CallCase[],
): ReadonlyMap<CallCase, Promise<CallEnding>> {
  let scene: MeetingScene | undefined;
  let before: Promise<unknown> = Promise.resolve();
  const close = async () => {
    await scene?.close();
    scene = undefined;
  };
  const runs = cases.map((one): [CallCase, Promise<CallEnding>] => {
    const run = before.then(async () => {
      scene ??= await MeetingScene.open(engine, environment);
      await scene.begin();
      return one.work(scene);
    });
    before = run.then(() => scene?.end()).catch(close);
    return [one, run];
  });
  before = before.then(close);
  // A failure is told by the test that looks at it.
  for (const promise of [before, ...runs.map(([, run]) => run)]) promise.catch(() => {});
  return new Map(runs);
}
