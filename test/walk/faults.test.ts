/**
 * Every call of a guest invitation meets every fault once, on both engines: the request still ends as done, with one
 * invitation and one mail, and nobody reads anything of the inside. Runs in several towns at once, since most of the
 * time is spent waiting as long as the remote asked for.
 */
import assert from 'node:assert/strict';
import { engines, type TestEngine } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import type { Message, SeenCall } from '../support/usher.ts';
import { assertForPeople, assertNothingLeaked, cardOf, type Lane, openLane, textOf } from '../support/walk.ts';

interface Target {
  readonly call: string;
  readonly fault: { readonly method: string; readonly path: string };
  readonly team: string;
}

const TARGETS: readonly Target[] = [
  { call: 'looking for the person', fault: { method: 'GET', path: '/users$' }, team: 'Apollo' },
  { call: 'looking for the team', fault: { method: 'GET', path: '/groups$' }, team: 'Apollo' },
  { call: 'inviting', fault: { method: 'POST', path: '/invitations$' }, team: 'Apollo' },
  { call: 'joining a team', fault: { method: 'POST', path: '/teams/[^/]+/members$' }, team: 'Apollo' },
  { call: 'joining a group', fault: { method: 'POST', path: '/groups/[^/]+/members/\\$ref$' }, team: 'Partners' },
];

interface Trouble {
  readonly name: string;
  readonly fault: Readonly<Record<string, unknown>>;
  /** Whether the work was done although its answer was lost. */
  readonly worked?: true;
  /** How long nothing may be sent at all, in ms; a date is read from the answer. */
  readonly closedMs?: number | 'date';
}

const TROUBLES: readonly Trouble[] = [
  { name: '429 with a date', fault: { kind: 'throttle', retryAfter: 'date' }, closedMs: 'date' },
  { name: '429 with seconds', fault: { kind: 'throttle', retryAfter: 1 }, closedMs: 1000 },
  { name: '429 without a time', fault: { kind: 'throttle', retryAfter: null } },
  { name: '500', fault: { kind: 'status', status: 500 } },
  { name: '502', fault: { kind: 'status', status: 502 } },
  { name: '503', fault: { kind: 'status', status: 503 } },
  { name: '503 with seconds', fault: { kind: 'status', status: 503, retryAfter: 1 }, closedMs: 1000 },
  { name: '504', fault: { kind: 'status', status: 504 } },
  { name: 'a page in place of an answer', fault: { kind: 'html' } },
  { name: 'a page with 404', fault: { kind: 'html', status: 404 } },
  { name: 'no answer in time', fault: { kind: 'slow', ms: 3000 }, worked: true },
  { name: 'a reset before the work', fault: { kind: 'dropBefore' } },
  { name: 'a reset after the work', fault: { kind: 'dropAfter' }, worked: true },
  { name: 'an answer cut short', fault: { kind: 'truncated' }, worked: true },
  { name: 'an answer with a wrong body', fault: { kind: 'wrongBody' }, worked: true },
  { name: 'an answer that is no text', fault: { kind: 'garbage' }, worked: true },
];

interface Case {
  readonly target: Target;
  readonly trouble: Trouble;
  readonly address: string;
}

interface Ended {
  readonly message: Message;
  readonly calls: readonly SeenCall[];
  readonly lane: Lane;
}

/** Towns at work at once per engine; each has a gate of its own. */
const LANES = 6;

for (const engine of await engines()) {
  describe(`a fault that happens once, on ${engine.name}`, function () {
    this.timeout(60_000);
    const cases = TROUBLES.flatMap((trouble) =>
      TARGETS.map((target): Case => ({ target, trouble, address: addressOf(target, trouble) })),
    );
    const runs = new Map<Case, Promise<Ended>>();
    let lanes: readonly Lane[] = [];

    before(async function () {
      if (engine.absent) skip(this, engine.absent);
      lanes = await openLanes(engine);
      for (const [one, run] of start(lanes, cases)) runs.set(one, run);
    });
    after(async () => {
      await Promise.all(lanes.map((lane) => lane.close()));
    });

    for (const one of cases) {
      it(`${one.trouble.name} while ${one.target.call} is survived`, async () => {
        const ended = await runs.get(one);
        assert.ok(ended);
        check(one, ended);
      });
    }

    it('leaves nothing of the inside in any log or audit line', async () => {
      await Promise.allSettled(runs.values());
      for (const lane of lanes) await assertNothingLeaked(lane);
    });
  });
}

/** In each somebody is awaited already, so that the sweep's first look round is over and meets no fault of a case. */
function openLanes(engine: TestEngine): Promise<Lane[]> {
  return Promise.all(
    Array.from({ length: LANES }, async () => {
      const lane = await openLane(engine);
      await lane.town.say('invite awaited@partner.example');
      await lane.shows('awaited@partner.example', /"text":"Invited"/);
      while (!(await lane.town.calls()).some(isFirstLook)) await lane.town.control('settings', {});
      return lane;
    }),
  );
}

/** The sweep looks for all who have accepted, once when it begins. */
const isFirstLook = ({ query, status }: SeenCall): boolean =>
  status !== null && /externalUserState eq/.test(query['$filter'] ?? '');

/** Hands the cases to the lanes, each taking the next when it is free. */
function start(lanes: readonly Lane[], cases: readonly Case[]): Map<Case, Promise<Ended>> {
  const waiting = [...cases];
  const settle = new Map<Case, { resolve: (ended: Ended) => void; reject: (cause: unknown) => void }>();
  const runs = new Map(
    cases.map((one) => {
      const run = new Promise<Ended>((resolve, reject) => settle.set(one, { resolve, reject }));
      // A failed run is told by its own test.
      run.catch(() => {});
      return [one, run] as const;
    }),
  );
  const work = async (lane: Lane): Promise<void> => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      await walk(lane, one).then(settle.get(one)?.resolve, settle.get(one)?.reject);
    }
  };
  for (const lane of lanes) void work(lane);
  return runs;
}

async function walk(lane: Lane, { target, trouble, address }: Case): Promise<Ended> {
  const { town } = lane;
  const from = new Date().toISOString();
  await town.fault({ ...target.fault, ...trouble.fault });
  await town.say(`invite ${address} to team ${target.team}`);
  const message = await lane.shows(address, /"text":"(?:Invited|Not done|Unsure|Cancelled)"/);
  // A slow answer to an earlier case may still be on its way.
  const calls = (await town.calls()).filter((call) => call.at >= from);
  return { message, calls, lane };
}

function check({ target, trouble, address }: Case, { message, calls, lane }: Ended): void {
  const text = textOf(cardOf(message));
  assert.match(text, /^Invited$/m, message.summary ?? '');
  assertForPeople(message);
  const isLost = target.call === 'inviting' && trouble.worked === true;
  assert.match(
    text,
    isLost ? /is invited\. Microsoft's answer got lost on the way/ : /is invited\. The mail is on its way/,
  );
  assert.ok(text.includes(`They are now in ${target.team}.`), text);

  const { world } = lane.town.sandbox;
  const guests = world.users.filter((user) => user.mail === address);
  assert.equal(guests.length, 1);
  assert.equal(world.mails.filter((mail) => mail.to === address).length, 1, 'mails');
  assert.equal(world.invitations.filter((one) => one.address === address).length, 1, 'invitations');
  const members = world.groups.find((group) => group.displayName === target.team)?.members ?? [];
  assert.equal(members.filter((id) => id === guests[0]?.id).length, 1, 'memberships');

  const same = calls.filter(
    (call) => call.method === target.fault.method && new RegExp(target.fault.path).test(call.path),
  );
  // A lost invitation is looked for and not sent again; a lost joining may be, and everything else is.
  const isSlow = trouble.fault['kind'] === 'slow';
  // What is slow is written down when it is over, which may be before or after the card is edited.
  const sent = isSlow ? same.filter(({ fault }) => fault === null).length + 1 : same.length;
  if (isLost) assert.equal(sent, 1);
  else if (!trouble.worked || target.fault.method === 'GET') assert.equal(sent, 2);
  if (isSlow) return;

  const [hit, ...others] = calls.filter((call) => call.fault !== null);
  assert.ok(hit);
  assert.deepEqual(others, [], 'the fault was met once');
  if (!trouble.closedMs) return;
  const next = calls[calls.indexOf(hit) + 1];
  assert.ok(next);
  // A date has no fraction of a second: 5 s ahead are more than 4.
  const opens = Date.parse(hit.at) + (trouble.closedMs === 'date' ? 4000 : trouble.closedMs);
  assert.ok(Date.parse(next.at) >= opens, `sent ${opens - Date.parse(next.at)} ms too early`);
}

function addressOf(target: Target, trouble: Trouble): string {
  const word = (text: string): string => text.replace(/[^a-z0-9]+/gi, '-').toLowerCase();
  return `${word(trouble.name)}.${word(target.call)}@partner.example`;
}
