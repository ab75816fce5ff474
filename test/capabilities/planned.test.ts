/**
 * Nothing leaves that no approver saw: whatever is asked for and whatever the remotes answer, each call that changes
 * something is among those that were shown when somebody approved. Every capability the policy judges is played with made-up
 * inputs, answers and pasts, through the real gate.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { capabilities } from '../../src/capabilities/index.ts';
import { type Approval, isPlanned, shownOf } from '../../src/requests/approval.ts';
import type { Answer, AnyCapability, Call, Facts, Reply, Step } from '../../src/requests/capability.ts';
import { changes, gateOf } from '../../src/requests/gate.ts';
import { shapeAtGate } from '../../src/requests/gateLooks.ts';
import { Policy, type PolicyInForce } from '../../src/requests/policy/policy.ts';
import { problem } from '../../src/requests/problem.ts';
import type { LostCall, Request } from '../../src/requests/request.ts';
import { shaped } from '../../src/requests/work.ts';
import { SETTINGS } from '../support/settings.ts';
import { CHAT, RITA } from '../support/spine.ts';

const NOW = Date.parse('2026-11-20T09:00:00Z');
const [ADMIN = ''] = SETTINGS.admins;
const APPROVER = { id: 'a0000000-0000-4000-8000-000000000002', name: 'Axel' };
/** Everything that can be approved has to be. */
const POLICY = Policy.parse({
  approvals: [{ name: 'Everything', approvers: [APPROVER] }],
  removeAlone: 0,
  resendCoolDownHours: 0,
  removeAtEnd: true,
});
const IN_FORCE: PolicyInForce = { policy: POLICY, version: 1, since: 0, by: null };

const PROVIDERS = ['graph', 'gt365'] as const;
const all = Object.fromEntries(
  PROVIDERS.map((guestProvider) => [guestProvider, capabilities({ ...SETTINGS, guestProvider })]),
) as Record<(typeof PROVIDERS)[number], ReadonlyMap<string, AnyCapability>>;
/** Each by name, once per provider. */
const JUDGED = [...all.graph.values()].filter((one) => one.judged).map(({ name }) => name);

/** Answers, choices and chances, drawn as they are needed: the same numbers play the same case. */
class Chance {
  readonly #numbers: readonly number[];
  #at = 0;
  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }
  of<T>(...options: readonly [T, ...T[]]): T {
    const n = this.#numbers[this.#at++ % this.#numbers.length] ?? 0;
    return options[n % options.length] ?? options[0];
  }
}

const user = (id: string, address: string, more: object = {}) => ({
  id,
  displayName: 'Ana O’Neil',
  mail: address,
  userType: 'Guest',
  externalUserState: 'PendingAcceptance',
  ...more,
});
const refused = (chance: Chance): Reply => ({
  ok: false,
  problem: problem(chance.of('denied', 'refused', 'gone', 'clash', 'down'), 'problem.refused', {
    reason: chance.of('alreadyMember', 'conflict', 'domainBlocked', 'other'),
  }),
});

const MOSTLY_NOT = [false, false, false, false, false, false, false, false, false, false, false, true] as const;

/** What a remote might say to a call: mostly what is hoped for. */
function replied({ name, method, path }: Call, chance: Chance): Reply {
  const ok = (body: Record<string, unknown>): Reply => ({ ok: true, body });
  const asked = /'([^']+@[^']+)'/.exec(decodeURIComponent(path))?.[1] ?? 'ana@partner.example';
  if (chance.of(...MOSTLY_NOT)) return refused(chance);
  const id = asked.startsWith('colleague') ? 'c1' : `u-${asked}`;
  const seen = chance.of(
    [user(id, asked)],
    [],
    [user(id, asked, { externalUserState: 'Accepted' })],
    [user(id, asked), user(`${id}-2`, asked)],
    [user(id, asked, { userType: 'Member', externalUserState: null })],
  );
  const group = (n: number, isTeam: boolean) => ({
    id: `b0000000-0000-4000-8000-00000000000${n}`,
    displayName: 'Apollo',
    resourceProvisioningOptions: isTeam ? ['Team'] : [],
  });
  if (method !== 'GET')
    return ok({
      id: 'i1',
      invitedUser: { id: 'new-guest' },
      status: 'PendingAcceptance',
      inviteRedeemUrl: 'https://login.example/redeem?x',
      sendInvitationMessage: chance.of(true, false),
    });
  if (name === 'team')
    return ok({ value: chance.of([group(1, true)], [group(1, false)], [group(1, true), group(2, false)], []) });
  if (name === 'requester') return ok({ mail: chance.of('rita@contoso.example', ''), userPrincipalName: null });
  if (name.startsWith('gate.members')) return ok({ value: [] });
  // A single person by id or by what they are called, or the list an address finds.
  return ok({ id: 'c1', displayName: 'Cleo', userType: 'Member', value: /filter|search/.test(path) ? seen : [] });
}

const pick = (chance: Chance, raw: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(raw).filter(([name]) => name === 'people' || chance.of(true, false)));

/** What somebody typed, field by field; each that may be left out sometimes is. */
function typedFor(name: string, chance: Chance, isGt365: boolean): Record<string, string> {
  const guest = chance.of('ana@partner.example', "o'brien@partner.example", 'zoë@partner.example');
  if (name === 'guestRemove')
    return { people: chance.of(guest, 'ana@partner.example, bo@partner.example, cy@x.example') };
  if (name === 'guestExtend') return { people: guest, until: '2027-06-30' };
  if (name === 'guestReset') return { people: guest, to: 'ana@other.example' };
  if (name === 'guestHandOver') return { people: guest, to: chance.of('colleague@contoso.example', 'Cleo') };
  if (name !== 'guest') return { people: guest };
  const graphOnly = { message: chance.of('Welcome, {guest}', 'Hi'), language: 'pt', cc: 'axel@contoso.example' };
  return pick(chance, {
    people: guest,
    team: 'Apollo',
    reason: 'joint "PoC" {guest}',
    until: '2027-03-01',
    more: 'cost=12, kind=x',
    ...(isGt365 ? {} : graphOnly),
  });
}

const SHORTENED = { kind: 'shortened', by: APPROVER, at: NOW - 1000, until: '2026-12-31' };

/** How the guest was asked for before, as a command about them sees it. */
function pastOf(chance: Chance, addresses: readonly string[]): readonly Request[] {
  return addresses.map(
    (address, n) =>
      ({
        id: `past${n}`,
        capability: 'guest',
        subject: address.toLowerCase(),
        state: 'waiting',
        standing: 'pending',
        createdAt: NOW - 1000,
        updatedAt: NOW - 1000,
        requester: { ...RITA, id: chance.of(ADMIN, 'somebody') },
        approval: chance.of(null, { asked: { decision: SHORTENED } }),
        erasedAt: null,
        input: {
          address,
          redirectUrl: 'https://contoso.example',
          sendMail: true,
          userType: 'Guest',
          sponsor: chance.of(ADMIN, 'somebody', ''),
          ...chance.of({}, { message: 'Welcome' }, { team: { name: 'Apollo' } }, { language: 'de' }),
        },
        outcome: { did: chance.of('invited', 'found'), standing: 'pending', mailed: true, userId: `u-${address}` },
      }) as unknown as Request,
  );
}

/** What was made and shown on the way of one request. */
interface Played {
  /** Calls that changed something and that the policy judged. */
  readonly made: readonly Call[];
  /** How often somebody approved. */
  readonly asked: number;
}

/** Plays a request to its end through the gate; whoever is asked approves, and some shorten the stay. */
function play(capability: AnyCapability, first: unknown, chance: Chance, beside: readonly Request[]): Played {
  const made: Call[] = [];
  let [asked, now, soFar] = [0, NOW, null as unknown];
  let [input, answers, lost] = [first, [] as Answer[], [] as LostCall[]];
  let approval: Approval | null = null;
  /** What the approver saw; null: nobody has been asked. */
  let shown: readonly Call[] | null = null;
  for (let turns = 0; turns < 80; turns++) {
    const facts: Facts = {
      requestId: 'r1',
      now,
      createdAt: NOW,
      requester: { ...RITA, id: ADMIN },
      place: CHAT,
      policy: POLICY,
      lost,
      earlier: null,
      soFar,
      signals: capability.hasRows ? [{ key: 'send', body: {}, at: NOW }] : [],
      beside,
      rows: capability.hasRows ? { stages: { waits: made.length === 0 ? 3 : 0, sent: 3 }, trouble: [] } : null,
    };
    const step: Step<unknown> = capability.step(input, answers, facts);
    if ('outcome' in step && step.outcome !== undefined) soFar = step.outcome;
    if (step.kind === 'done' || step.kind === 'fail' || step.kind === 'file') break;
    if (step.kind === 'later') {
      now += Math.max(step.forMs, 1);
      if (step.fresh) answers = [];
      continue;
    }
    if (step.kind === 'ask') {
      const [one, ...others] = step.question.options;
      if (one) input = capability.choose(input, step.question.field, chance.of(one, ...others));
      now += 1;
      continue;
    }
    const plan: readonly Call[] = capability.plan?.(input, answers, facts) ?? [];
    const call: Call | undefined = step.kind === 'call' ? step.call : step.what === 'file' ? plan[0] : undefined;
    assert.ok(call);
    if (changes(call) && capability.judged?.(input, answers, call, facts)) {
      const request = { input, approval, requester: facts.requester } as unknown as Request;
      const gate = gateOf({ capability, request, call, answers, facts, inForce: IN_FORCE, admins: [ADMIN] });
      assert.ok(gate.kind !== 'waits', 'whoever was asked has decided');
      if (gate.kind === 'refused') break;
      if (gate.kind === 'looks') {
        answers = [...answers, answerOf(gate.call, replied(gate.call, chance), answers.length, now, capability)];
        continue;
      }
      if (gate.kind === 'asks') {
        asked += 1;
        const decision = { kind: 'approved', by: APPROVER, at: now } as const;
        const shorter = capability.shorten && chance.of(false, true) ? capability.shorten(input, '2026-12-24') : null;
        // As the desk of those who approve does: what was shown, with the day that they chose.
        if (shorter) input = shorter;
        shown = capability.plan?.(input, answers, facts) ?? [];
        if (!isPlanned(call, shown) && !shorter) shown = [...shown, call];
        const whole = { ...gate.asked, facts: [], decision };
        approval = { ...gate.approval, asked: shorter ? { ...whole, shown: shownOf(shorter, shown) } : whole };
        continue;
      }
      // Where nothing is planned each call is shown for itself.
      assert.ok(
        !capability.plan || isPlanned(call, plan),
        `${call.method} ${call.path} is not among what ${capability.name} plans`,
      );
      const isFree = gate.approval?.verdict === 'allowed';
      assert.ok(isFree || (shown && isPlanned(call, shown)), `${call.method} ${call.path} was not shown`);
      made.push(call);
    }
    if (step.kind === 'rows') continue;
    const reply = replied(call, chance);
    if (changes(call) && call.repeat === 'restart' && chance.of(false, false, false, true)) {
      lost = [...lost, { call, at: now }];
      answers = [];
      continue;
    }
    answers = [...answers, answerOf(call, reply, answers.length, now, capability)];
    now += 1;
  }
  return { made, asked };
}

function answerOf(call: Call, reply: Reply, n: number, at: number, capability: AnyCapability): Answer {
  const shape = capability.answers[call.name] ?? shapeAtGate(call.name);
  return { n, call, sentAt: at, heardAt: at, reply: shaped(reply, shape) };
}

/** A list as it is filed. */
const LIST = {
  of: 'guest',
  name: 'guests.csv',
  counts: { ready: 3, known: 0, blocked: 0, unreadable: 0, duplicate: 0 },
  left: [],
  unused: [],
  digest: 'd',
  asked: { what: 'invite', address: 'ana@partner.example', count: 3 },
};

describe('what leaves', () => {
  /** Kinds of calls that were met, by capability and provider: a case in which nothing happens shows nothing. */
  const met = new Map<string, Set<string>>();

  for (const provider of PROVIDERS)
    for (const name of JUDGED)
      it(`of ${name} through ${provider} is what was planned, and shown to whoever approved`, () => {
        const capability = all[provider].get(name);
        assert.ok(capability);
        const names = new Set<string>();
        met.set(`${name} ${provider}`, names);
        fc.assert(
          fc.property(fc.array(fc.nat(59), { minLength: 40, maxLength: 80 }), (numbers) => {
            const chance = new Chance(numbers);
            const around = { requester: RITA, place: CHAT, policy: POLICY, policyVersion: 1, now: NOW };
            const raw = typedFor(name, chance, provider === 'gt365');
            const read = name === 'batch' ? { ok: true as const, value: [LIST] } : capability.read(raw, around);
            assert.ok(read.ok, JSON.stringify(read));
            const addresses = (raw['people'] ?? '').split(', ');
            const { made, asked } = play(capability, read.value[0], chance, pastOf(chance, addresses));
            for (const call of made) names.add(`${call.method} ${call.name}`);
            if (asked > 0 && made.length > 0) names.add('approved');
          }),
          { numRuns: 400 },
        );
      });

  it('was of every kind there is', () => {
    const kinds: Readonly<Record<string, readonly string[]>> = {
      guest: ['POST invite', 'POST join', 'approved'],
      guestResend: ['POST invite'],
      guestLink: ['POST invite'],
      guestReset: ['POST invite', 'approved'],
      guestRemove: ['DELETE remove', 'approved'],
      guestExtend: ['POST extend', 'approved'],
      guestHandOver: ['DELETE unsponsor', 'POST sponsor'],
      batch: ['POST rows', 'approved'],
    };
    assert.deepEqual([...JUDGED].sort(), Object.keys(kinds).sort());
    for (const name of JUDGED)
      for (const provider of PROVIDERS)
        assert.deepEqual([...(met.get(`${name} ${provider}`) ?? [])].sort(), kinds[name], `${name} ${provider}`);
  });
});

describe('a call that nobody planned', () => {
  const planned: Call = {
    name: 'invite',
    to: 'graph',
    method: 'POST',
    path: '/invitations',
    body: {},
    repeat: 'never',
  };
  const stray: Call = { ...planned, name: 'stray', path: '/users/x/revokeSignInSessions' };
  const one = all.graph.get('guest');
  assert.ok(one);
  const capability: AnyCapability = { ...one, plan: () => [planned] };
  const input = { address: 'ana@partner.example' };
  const gateAt = (call: Call, approval: Approval | null) => {
    const request = { input, approval, requester: RITA } as unknown as Request;
    const facts = { now: NOW, policy: POLICY } as unknown as Facts;
    return gateOf({ capability, request, call, answers: [], facts, inForce: IN_FORCE, admins: [] });
  };
  const approved = (gate: ReturnType<typeof gateOf>): Approval => {
    assert.equal(gate.kind, 'asks');
    assert.ok(gate.kind === 'asks');
    const decision = { kind: 'approved', by: APPROVER, at: NOW } as const;
    return { ...gate.approval, asked: { ...gate.asked, facts: [], decision } };
  };

  it('is not let out by an approval of what was planned, and is asked about', () => {
    const approval = approved(gateAt(planned, null));
    assert.equal(gateAt(planned, approval).kind, 'passes');
    const again = approved(gateAt(stray, approval));
    assert.equal(gateAt(stray, again).kind, 'passes');
    // What was planned was shown along with it.
    assert.equal(gateAt(planned, again).kind, 'passes');
  });

  it('is told from what was planned, of which only the guest’s id may be told later', () => {
    const join = (who: string, path = '/teams/t/members'): Call => ({
      ...planned,
      path,
      body: { roles: [], 'user@odata.bind': `https://graph.example/users('${who}')`, text: 'a.b (c) [d] \\ $' },
    });
    const plan = [join('{guest}')];
    assert.ok(isPlanned(join('u1'), plan));
    for (const other of [
      join(''),
      join("u1')/x('"),
      join('u1', '/teams/t2/members'),
      { ...join('u1'), to: 'gt365' as const },
    ])
      assert.ok(!isPlanned(other, plan));
    assert.ok(!isPlanned({ ...join('u1'), body: { text: 'aXb (c) [d] \\ $' } }, plan));
    const inPath = { ...planned, path: `/groups/g/members/${encodeURIComponent('{guest}')}` };
    assert.ok(isPlanned({ ...inPath, path: '/groups/g/members/u1' }, [inPath]));
    assert.ok(!isPlanned({ ...inPath, path: '/groups/g/members/u1/x' }, [inPath]));
  });
});
