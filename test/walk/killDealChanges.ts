/**
 * Deals that are there: the change of accepting and of editing one, watching for others, and one that is told of and has no
 * card yet, each cut off at each moment. For the kill tests of deals only.
 */
import assert from 'node:assert/strict';
import type { Referral } from '../../src/sandbox/partnerWorld.ts';
import type { DealCase } from './killDealRounds.ts';
import type { DealScene } from './killDealScene.ts';
import { MOMENTS, type Moment, type Target } from './killMoment.ts';

const PATCH = { remote: 'partner', method: 'PATCH', path: '/referrals/' } as const;
const REGISTER = { remote: 'partner', method: 'POST', path: '/registration$' } as const;
const UNREGISTER = { remote: 'partner', method: 'DELETE', path: '/registration$' } as const;
const READ = { remote: 'partner', method: 'GET', path: '/referrals/[^/?]+$' } as const;
const CARD = { remote: 'connector', method: 'POST', path: '/activities$' } as const;

/** A deal that Microsoft brings. */
const comesIn = (scene: DealScene, customer: string): Promise<Referral> =>
  scene.town.control('referral', { customer, value: 90_000, currency: 'USD', from: 'msft' });

/** How often Partner Center told that this deal came or changed, from now on. */
function changesOf(scene: DealScene, { id }: Referral): { readonly count: () => number } {
  let count = 0;
  scene.succession.watch.listen(({ type, data }) => {
    if (type === 'partner' && data['referral'] === id) count++;
  });
  return { count: () => count };
}

interface Change {
  readonly name: string;
  readonly capability: string;
  readonly text: (id: string) => string;
  readonly told: RegExp;
  /** What the deal is in the end. */
  readonly is: (deal: Referral) => unknown;
  readonly wanted: unknown;
}

const CHANGES: readonly Change[] = [
  {
    name: 'the accepting of a deal',
    capability: 'referralAccept',
    text: (id) => `referral accept ${id}`,
    told: /The deal with .* is accepted/,
    is: ({ status, substatus }) => [status, substatus],
    wanted: ['Active', 'Accepted'],
  },
  {
    name: 'the change of a deal',
    capability: 'referralEdit',
    // Joining twice would show.
    text: (id) => `referral edit ${id} value 80k USD team Bo Berg <bo@partner.example>`,
    told: /The deal with .* is changed/,
    is: ({ status, details, team }) => [
      status,
      (details as { dealValue: number }).dealValue,
      (team as { email: string }[]).map(({ email }) => email),
    ],
    wanted: ['New', 80_000, ['bo@partner.example']],
  },
];

const changing = (change: Change, moment: Moment): DealCase => ({
  name: `${change.name} ${moment.name}`,
  target: PATCH,
  moment,
  begin: async (scene) => {
    const deal = await comesIn(scene, `Customer of ${change.name} ${moment.name}`);
    // Its card is open all the while.
    scene.say(`referral ${deal.id}`);
    await scene.succession.answered();
    const shown = await scene.request('referral', deal.id);
    await scene.card(shown, /It waits for an answer/);
    const changes = changesOf(scene, deal);
    return {
      wish: () => scene.say(change.text(deal.id)),
      ending: async () => {
        const id = await scene.request(change.capability, deal.id);
        await scene.card(id, change.told);
        const now = scene.referrals.find((one) => one.id === deal.id);
        assert.ok(now);
        assert.deepEqual(change.is(now), change.wanted);
        assert.equal(changes.count(), 1, 'changes');
        assert.deepEqual(await scene.requests(change.capability, deal.id), [{ id, state: 'done' }]);
        assert.equal((await scene.told(id)).kept.length, 1, 'cards');
        await scene.card(shown, /Rita Requester (?:accepted|changed) the deal/);
        const sent = (await scene.audit(id)).filter((what) => what.startsWith('call '));
        assert.deepEqual(sent, moment.worked ? ['call sent', 'call lost'] : LOST_AND_SENT);
      },
    };
  },
});

const LOST_AND_SENT = ['call sent', 'call lost', 'call sent', 'call answered'];
const WATCHING = /Partner Center reports here/;

async function watch(scene: DealScene): Promise<string> {
  scene.say('referrals watch');
  await scene.succession.answered();
  return watching(scene);
}

/** Partner Center reports to the request that is told to be watching. */
async function watching(scene: DealScene): Promise<string> {
  const { tenantId, partner } = scene.succession.world;
  const id = await scene.request('referralWatch', tenantId);
  await scene.card(id, WATCHING);
  assert.match(partner.registration?.webhookUrl ?? '', new RegExp(`/api/referrals\\?request=${id}$`));
  assert.equal((await scene.told(id)).kept.length, 1, 'cards');
  return id;
}

async function unwatched(scene: DealScene, id: string): Promise<void> {
  await scene.card(id, /I no longer watch for deals/);
  assert.equal(scene.succession.world.partner.registration, null);
  assert.deepEqual(
    (await scene.requests('referralWatch', scene.succession.world.tenantId)).find((one) => one.id === id),
    { id, state: 'done' },
  );
}

/** The deal has one card, kept up to date; answers how many there are that nobody knows of. */
async function isShown(scene: DealScene, { id: deal, customerProfile }: Referral): Promise<number> {
  await scene.shows(`"New deal: ${(customerProfile as { name: string }).name}"`);
  const [id, ...others] = (await scene.requests('referral', deal)).map((one) => one.id);
  assert.ok(id, 'no card was asked for');
  assert.deepEqual(others, []);
  await scene.card(id, /New deal: [\s\S]*It waits for an answer/);
  const { kept, orphans } = await scene.told(id);
  assert.equal(kept.length, 1, 'cards');
  return orphans.length;
}

const registering = (moment: Moment): DealCase => ({
  name: `the registration of who watches ${moment.name}`,
  target: REGISTER,
  moment,
  begin: async (scene) => ({
    wish: () => scene.say('referrals watch'),
    ending: async () => {
      const id = await watching(scene);
      assert.equal((await scene.requests('referralWatch', scene.succession.world.tenantId))[0]?.state, 'waiting');
      // What is registered is what is heard of.
      assert.equal(await isShown(scene, await comesIn(scene, `Customer after the registration ${moment.name}`)), 0);
      scene.say('referrals unwatch');
      await unwatched(scene, id);
    },
  }),
});

const leaving = (moment: Moment): DealCase => ({
  name: `the end of the registration ${moment.name}`,
  target: UNREGISTER,
  moment,
  begin: async (scene) => {
    const id = await watch(scene);
    return { wish: () => scene.say('referrals unwatch'), ending: () => unwatched(scene, id) };
  },
});

const telling = (name: string, target: Target, moment: Moment): DealCase => ({
  name: `${name} ${moment.name}`,
  target,
  moment,
  begin: async (scene) => {
    const { partner } = scene.succession.world;
    if (!partner.registration) await watch(scene);
    let came: Promise<Referral> | undefined;
    return {
      wish: () => {
        came = comesIn(scene, `Customer of ${name} ${moment.name}`);
      },
      ending: async () => {
        const deal = await came;
        assert.ok(deal);
        // A post that was answered to nobody leaves its card behind: the channel offers no way to find it again.
        assert.equal(await isShown(scene, deal), target === CARD && moment.worked ? 1 : 0, 'orphans');
        // Told once more, it is not shown once more.
        const report = partner.events.find(({ referral }) => referral === deal.id);
        const { statuses } = await scene.town.control<{ statuses: number[] }>('webhook', { replay: [report?.n] });
        assert.deepEqual(statuses, [202]);
        const kinds = ['referral', 'referralNews'].map((kind) => scene.requests(kind, deal.id));
        assert.deepEqual(
          (await Promise.all(kinds)).map(({ length }) => length),
          [1, 1],
        );
      },
    };
  },
});

export const CHANGED = CHANGES.flatMap((change) => MOMENTS.map((moment) => changing(change, moment)));
/** There is one watch at a time. */
export const WATCHED = [...MOMENTS.map(registering), ...MOMENTS.map(leaving)];
export const TOLD = MOMENTS.flatMap((moment) => [
  telling('the look at a deal that is told of', READ, moment),
  telling('the post of the card of a deal that is told of', CARD, moment),
]);
