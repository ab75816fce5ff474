/**
 * The matrix of a co-sell deal: each call of `deal new … as co-sell`, cut off at each moment of its life; the same for its
 * second half alone, retried after it was refused and its process killed. For the kill tests of deals only.
 */
import assert from 'node:assert/strict';
import type { DealCase } from './killDealRounds.ts';
import { assertMadeOnce, type DealForm, type DealScene } from './killDealScene.ts';
import { heldFirst, MOMENTS, type Moment, type Target } from './killMoment.ts';

interface DealCall {
  readonly name: string;
  readonly target: Target;
  /** What a kill there costs: the call that changes something and must be looked for, or nothing. */
  readonly loses: 'first' | 'second' | null;
  /** The call is the change itself, not what is done for it. */
  readonly isIt?: true;
}

const POST = { remote: 'partner', method: 'POST', path: '/referrals$' } as const;
const TOKEN = { remote: 'tokens', method: 'GET', path: '/GetToken(\\?|$)' } as const;
const READ = { remote: 'partner', method: 'GET', path: '/referrals/[^/?]+$' } as const;
const UPDATE = { remote: 'connector', method: 'PUT', path: '/activities/[^/]+$' } as const;

/** In the order in which they are made. */
const CALLS: readonly DealCall[] = [
  { name: 'the token for the first half', target: TOKEN, loses: 'first' },
  { name: 'the first half', target: POST, loses: 'first', isIt: true },
  { name: 'the token for Microsoft’s half', target: { ...TOKEN, nth: 2 }, loses: 'second' },
  { name: 'Microsoft’s half', target: { ...POST, nth: 2 }, loses: 'second', isIt: true },
  { name: 'the token for reading it back', target: { ...TOKEN, nth: 3 }, loses: null },
  { name: 'the reading back', target: READ, loses: null },
];

const HEARD = ['call sent', 'call answered'];
const LOST = ['call sent', 'call lost'];

function making(call: DealCall, moment: Moment): DealCase {
  const name = `${call.name} ${moment.name}`;
  const isDone = call.isIt === true && moment.worked;
  const part = (which: 'first' | 'second'): readonly string[] =>
    call.loses === which ? [...LOST, ...(isDone ? [] : HEARD)] : HEARD;
  const audit = ['accepted', ...part('first'), ...part('second'), 'done'];
  return {
    name,
    target: call.target,
    moment,
    begin: async (scene) => {
      const form = await scene.form(`Deal of ${name.replace('’', '')}`);
      return { wish: () => form.send(), ending: () => made(scene, form, audit) };
    },
  };
}

/** The update goes on beside the work, so that the kill may find that anywhere. */
const updating = (moment: Moment): DealCase => ({
  name: `the update of the card ${moment.name}`,
  target: UPDATE,
  moment,
  begin: async (scene) => {
    const form = await scene.form(`Deal of the update ${moment.name}`);
    return { wish: () => form.send(), ending: () => made(scene, form, null) };
  },
});

async function made(scene: DealScene, form: DealForm, audit: readonly string[] | null): Promise<void> {
  await scene.accepted(form);
  const ending = await scene.ending(form.customer);
  assertMadeOnce(ending, scene.succession.world.partner.organization.id);
  if (audit) assert.deepEqual(ending.audit, audit);
}

export const MATRIX = CALLS.flatMap((call) => MOMENTS.map((moment) => making(call, moment)));
export const UPDATES = heldFirst(MOMENTS).map(updating);

/** One refused half for each moment at which its retry is cut off, and one that is let alone. */
const HALVES = MOMENTS.length + 1;

/** A deal that has its first half only, since before its process was killed. */
async function half(scene: DealScene): Promise<{ readonly customer: string; readonly id: string }> {
  if (scene.halves.length === 0) {
    for (let n = 0; n < HALVES; n++) {
      const form = await scene.form(`Half a deal ${n}`);
      await scene.town.fault({ ...POST, kind: 'slow', ms: 0 });
      await scene.town.fault({ ...POST, kind: 'status', status: 403, code: 'accessDenied' });
      form.send();
      await scene.accepted(form);
      const id = await scene.request('referralNew', form.customer);
      await scene.card(id, /you need the role/);
      scene.halves.push({ customer: form.customer, id });
    }
    await scene.succession.dead('now');
    await scene.next();
  }
  const [one] = scene.halves.splice(0, 1);
  assert.ok(one);
  return one;
}

function finishing(moment: Moment | null): DealCase {
  return {
    name: moment
      ? `Microsoft’s half, refused once and retried, ${moment.name}`
      : 'Microsoft’s half, refused once before a kill',
    target: POST,
    moment,
    begin: async (scene) => {
      const { customer, id } = await half(scene);
      return {
        wish: async () => {
          scene.say(`retry ${id}`);
          if (!moment) await scene.ending(customer);
        },
        ending: async () => {
          const ending = await scene.ending(customer);
          assertMadeOnce(ending, scene.succession.world.partner.organization.id);
          const retried = moment ? [...LOST, ...(moment.worked ? [] : HEARD)] : HEARD;
          assert.deepEqual(ending.audit, ['accepted', ...HEARD, ...HEARD, 'failed', 'retried', ...retried, 'done']);
        },
      };
    },
  };
}

/** Longer than it takes the next process to look for it. */
const LATE_MS = 8_000;

/**
 * Microsoft's half arrives only after the look for it, and beside the one that was sent again: the one that comes second
 * is refused, which says that there is one.
 */
export const LATE: DealCase = {
  name: 'Microsoft’s half while it is on its way, and arrives after it was looked for',
  target: { ...POST, nth: 2 },
  moment: { name: 'while it is on its way', fault: 'late', ms: LATE_MS, worked: true },
  begin: async (scene) => {
    const form = await scene.form('Deal of the late half');
    return {
      wish: () => form.send(),
      // What is sent again takes just as long, so it comes second.
      meanwhile: () => scene.town.fault({ ...POST, kind: 'late', ms: LATE_MS }),
      ending: () => made(scene, form, null),
    };
  },
};

export const FINISHED = [null, ...MOMENTS].map(finishing);
