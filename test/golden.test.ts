/**
 * What a capability means, recorded: one loop over `golden/<capability>/<case>.json`. A case gives what was typed and
 * what the remotes answer; recorded is what was understood, every call that would be sent, and the card's story. Pure and
 * quick: no store, no HTTP. `npm run golden` records anew; the diff is what you review.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilities } from '../src/capabilities/index.ts';
import { words } from '../src/cards/words.ts';
import { readAnswer } from '../src/remotes/answer.ts';
import { readGt365Answer } from '../src/remotes/gt365Answer.ts';
import { needsSignIn, readPartnerAnswer } from '../src/remotes/partnerAnswer.ts';
import { isPlanned } from '../src/requests/approval.ts';
import { readArguments } from '../src/requests/arguments.ts';
import type { Answer, AnyCapability, Call, Facts, Reply, Signal, Step } from '../src/requests/capability.ts';
import type { Tally } from '../src/requests/many/rows.ts';
import { OPEN_POLICY, Policy } from '../src/requests/policy/policy.ts';
import type { Change } from '../src/requests/ports.ts';
import { isSignIn, problem, SIGN_IN_AGAIN } from '../src/requests/problem.ts';
import type { LostCall, Person, Place, Request, RequestState } from '../src/requests/request.ts';
import type { Say } from '../src/requests/say.ts';
import { storyOf } from '../src/requests/storyOf.ts';
import { root } from '../src/root.ts';
import { SETTINGS } from './support/settings.ts';

/** An answer as it comes off the wire; `challenge`: its WWW-Authenticate. */
interface OnWire {
  readonly status: number;
  readonly body?: unknown;
  readonly text?: string;
  readonly retryAfter?: string;
  readonly challenge?: string;
}

interface Given {
  /** What follows the command word, or raw fields as a form sends them. */
  readonly typed?: string;
  readonly raw?: Record<string, string>;
  /** The input of a request that another one filed: nobody typed it. */
  readonly filed?: Record<string, unknown>;
  readonly place?: Partial<Place>;
  /** Who sends invitations; Graph when it does not say. */
  readonly provider?: 'gt365';
  readonly requester?: Partial<Person>;
  /** What the policy says besides what it says anyway. */
  readonly policy?: Record<string, unknown>;
  /** Answers by call name, in order. `lost`: the answer never came. `assumed`: a person said that it arrived. */
  readonly answers?: Readonly<Record<string, readonly (OnWire | 'lost' | 'assumed')[]>>;
  /** How another request about the same subject ended, and how long ago. */
  readonly earlier?: { readonly agoMs: number; readonly outcome: unknown };
  /** What is heard from outside, and when; what comes after the end takes up again what was done. */
  readonly signals?: readonly {
    readonly key: string;
    readonly body: Record<string, unknown>;
    readonly afterMs: number;
  }[];
  /** The requests the capability sees beside its own, and from when on; a later one takes the place of its earlier self. */
  readonly beside?: readonly (Partial<Request> & { readonly afterMs?: number })[];
  readonly soFar?: unknown;
  /** What the rows of a list have come to, look by look; the last one stays. */
  readonly tallies?: readonly Tally[];
  /** For how long the case goes on though nothing comes from outside. */
  readonly lastsMs?: number;
  /** Also recorded is what the card says whenever the request rests. */
  readonly shows?: true;
  /** The answer to a question, by field; a list when it is asked more than once. */
  readonly chooses?: Readonly<Record<string, string | readonly string[]>>;
  /** Also recorded is what the form holds when it is opened again after a failure. */
  readonly fixes?: true;
}

/** Whoever waits for longer than this waits for something from outside; when nothing more comes, the case is at its end. */
const RESTS_MS = 30 * 60_000;

const NOW = Date.parse('2026-11-20T09:00:00Z');
const REQUESTER: Person = {
  id: 'a0000000-0000-4000-8000-000000000001',
  name: 'Rita Requester',
  locale: 'en',
  timeZone: 'Europe/Lisbon',
};
const PLACE: Place = {
  kind: 'personal',
  conversationId: 'a:1',
  serviceUrl: 'https://smba.example/',
  tenantId: 't',
  botId: '28:b',
  userId: '29:r',
};
const english = words('en');
const all = capabilities(SETTINGS);
const withGt365 = capabilities({ ...SETTINGS, guestProvider: 'gt365' });

const spoken = (sentence: Say | string): string => (typeof sentence === 'string' ? sentence : english.say(sentence));

const readable = ({ name, method, path, body, ifMatch, repeat }: Call) => ({
  name,
  [method]: decodeURIComponent(path),
  ...(ifMatch === undefined ? {} : { ifMatch }),
  ...(body === undefined ? {} : { body }),
  repeat,
});

/** `referral: changed, deal 4111 Active, by …`. */
function told(whom: string, { key, body }: Omit<Signal, 'at'>): string {
  const { deal, by } = body as { deal?: { id: string; status: string; substatus?: string }; by?: unknown };
  const about = deal ? ` to ${deal.status} ${deal.substatus ?? ''}`.trimEnd() : '';
  return `${whom}: ${key}${about}${by ? ` by ${JSON.stringify(by)}` : ''}`;
}

/** An answered question goes on at once; one that needs no answer after a while. */
const goesOnIn = ({ forMs, againMs }: { readonly forMs: number; readonly againMs?: number }): number =>
  againMs ?? forMs;

/** Plays one case to its end, without a store. */
function play(capability: AnyCapability, given: Given): unknown {
  const place = { ...PLACE, ...given.place };
  const requester = { ...REQUESTER, ...given.requester };
  if (given.filed) return { requests: [carryOut(capability, given.filed, given, place)] };
  const around = {
    requester,
    place,
    policy: given.policy ? Policy.parse(given.policy) : OPEN_POLICY,
    policyVersion: 3,
    now: NOW,
  };
  const denied = capability.denies?.(requester, place);
  if (denied) return { denied: spoken(denied.say) };
  const typed = given.raw ?? readArguments(given.typed ?? '', capability.fields);
  const raw = given.raw ? typed : (capability.arrange?.(typed, around) ?? typed);
  const read = capability.read(raw, around);
  if (!read.ok)
    return {
      understood: raw,
      faults: read.problem.map((fault: { field?: string; say: Say }) =>
        [fault.field, spoken(fault.say)].filter(Boolean).join(': '),
      ),
    };
  return {
    understood: raw,
    ...(capability.preview
      ? { preview: read.value.flatMap((input: unknown) => capability.preview?.(input).map(spoken)) }
      : {}),
    requests: read.value.map((input: unknown) => carryOut(capability, input, given, place)),
  };
}

function carryOut(capability: AnyCapability, first: unknown, given: Given, place: Place): unknown {
  const left = structuredClone(given.answers ?? {}) as Record<string, (OnWire | 'lost' | 'assumed')[]>;
  const choices = structuredClone(given.chooses ?? {}) as Record<string, string | string[]>;
  const happened: unknown[] = [];
  const requester = { ...REQUESTER, ...given.requester };
  let input = first;
  let answers: Answer[] = [];
  const lost: LostCall[] = [];
  const tallies = [...(given.tallies ?? [])];
  let now = NOW;
  let soFar: unknown = given.soFar ?? null;
  /** When something comes from outside: a signal, or a change of another request. */
  const comes = [...(given.signals ?? []), ...(given.beside ?? [])].map(({ afterMs = 0 }) => NOW + afterMs);
  /** Lets time pass to whatever comes first. False: nothing does. */
  const wait = (forMs: number): boolean => {
    const next = comes.filter((at) => at > now);
    if (next.length === 0 && forMs >= RESTS_MS && now + forMs > NOW + (given.lastsMs ?? 0)) return false;
    now = Math.min(now + forMs, ...next);
    return true;
  };
  const earlier = given.earlier ? { outcome: given.earlier.outcome, at: NOW - given.earlier.agoMs } : null;
  /** What a button of a deal's card takes along is part of what it means. */
  const isDeal = capability.topic === 'deals';
  const asked = new Set<string>();
  /** What others are told; a deal told of is the one of the outcome. */
  const tell = ({ wakes = [], shows = [] }: Pick<Change, 'wakes' | 'shows'>): void => {
    for (const one of shows) happened.push(`shows it in ${one.place.conversationId}`);
    const said = wakes.flatMap(({ capability: whom, says }) => (says ? [{ whom, says }] : []));
    const woken = wakes.flatMap(({ capability: whom, says }) => (says || !isDeal ? [] : [whom]));
    if (woken.length > 0) happened.push(`wakes ${woken.join(', ')}`);
    if (said.length > 0) happened.push(`tells ${said.map(({ whom, says }) => told(whom, says)).join(', ')}`);
  };
  /** How it stands in the end, and the card of it. */
  const shown = (state: RequestState, step: Step<unknown>) => {
    const why = step.kind === 'fail' ? step.problem : null;
    const outcome = 'outcome' in step && step.outcome !== undefined ? step.outcome : soFar;
    const request: Request = {
      id: 'r0000001',
      key: 'k',
      capability: capability.name,
      subject: capability.subject(input),
      tenantId: 't',
      requester,
      place,
      input,
      state,
      version: 2,
      fence: 1,
      nextAt: now,
      attempts: 0,
      signals: 0,
      lost,
      note: ('note' in step && step.note) || null,
      question: step.kind === 'ask' ? step.question : null,
      createdAt: NOW,
      updatedAt: now,
      standing: ('standing' in step && step.standing) || null,
      outcome: outcome ?? null,
      problem: why,
      approval: null,
      isDry: false,
      erasedAt: null,
    };
    const story = storyOf(request, capability);
    return {
      ended: state,
      standing: request.standing,
      ...('subject' in step && step.subject ? { subject: step.subject } : {}),
      ...(why ? { problem: why.kind } : { outcome: request.outcome }),
      ...(why?.field && isDeal ? { field: why.field } : {}),
      ...(why && request.outcome && isDeal ? { outcome: request.outcome } : {}),
      card: {
        title: spoken(story.title),
        sentence: spoken(story.sentence),
        tone: story.tone,
        rows: story.rows.map((row) => `${spoken(row.label)}: ${spoken(row.text)}`),
        ...(story.state ? { state: spoken(story.state) } : {}),
        buttons: story.buttons.map(({ title, verb, data }) =>
          [spoken(title), '→', verb, ...(data && isDeal ? [JSON.stringify(data)] : [])].join(' '),
        ),
        ...(story.items
          ? {
              items: story.items.map(
                ({ title, state, sub, command }) => `${title} · ${spoken(state)} · ${spoken(sub)} → ${command}`,
              ),
            }
          : {}),
        ...(story.page ? { page: story.page.url } : {}),
        ...(story.link ? { link: spoken(story.link.label) } : {}),
        ...(story.question ? { question: spoken(story.question.say) } : {}),
      },
    };
  };
  for (let turns = 0; turns < 60; turns++) {
    const facts: Facts = {
      requestId: 'r0000001',
      now,
      createdAt: NOW,
      requester,
      place,
      policy: given.policy ? Policy.parse(given.policy) : OPEN_POLICY,
      lost,
      earlier,
      soFar,
      signals: heardBy(given, now),
      beside: besideAt(given, place, now),
      rows: (tallies.length > 1 ? tallies.shift() : tallies[0]) ?? null,
    };
    const step = capability.step(input, answers, facts);
    if ('files' in step && step.files) happened.push({ files: step.files });
    if (step.kind === 'call') {
      if (step.outcome !== undefined) soFar = step.outcome;
      happened.push(readable(step.call));
      assertPlanned(capability, step.call, input, answers, facts);
      const next = left[step.call.name]?.shift();
      if (next === undefined) return { input, happened, unanswered: step.call.name };
      if (next === 'lost' && step.call.repeat === 'tell') {
        happened.push('the answer was lost');
        const reply = { ok: false, problem: problem('unsure', 'problem.unsure') } as const;
        answers = [...answers, { n: answers.length, call: step.call, sentAt: now, heardAt: now, reply }];
        continue;
      }
      if (next === 'lost') {
        lost.push({ call: step.call, at: now });
        happened.push('the answer was lost');
        answers = [];
        continue;
      }
      const reply =
        next === 'assumed' ? ({ ok: true, body: {}, assumed: true } as const) : shaped(capability, step.call, next);
      if (!reply.ok) happened.push(`→ ${reply.problem.kind} ${reply.problem.reason ?? ''}`.trim());
      if (!reply.ok && isSignIn(reply.problem)) {
        // Whoever signs in goes on where it stopped.
        if (left[step.call.name]?.length) continue;
        return {
          input,
          happened,
          ...shown('waiting', { kind: 'fail', problem: reply.problem }),
          ended: 'waits for sign-in',
        };
      }
      answers = [...answers, { n: answers.length, call: step.call, sentAt: now, heardAt: now, reply }];
    } else if (step.kind === 'later') {
      happened.push(`later, in ${step.forMs} ms${step.note ? `: ${spoken(step.note)}` : ''}`);
      tell(step);
      if (step.outcome !== undefined) soFar = step.outcome;
      if (step.fresh) answers = [];
      if (given.shows) happened.push({ shows: shown('waiting', step).card });
      if (!wait(step.forMs) && step.waits) return { input, happened, ...shown('waiting', step) };
    } else if (step.kind === 'ask') {
      if ('outcome' in step && step.outcome !== undefined) soFar = step.outcome;
      const { field, options } = step.question;
      const question = JSON.stringify(step.question);
      if (!asked.has(question)) happened.push({ asks: spoken(step.question.say), options });
      asked.add(question);
      if (given.shows) happened.push({ shows: shown('waiting', step).card });
      const chosen = choices[field];
      const value = Array.isArray(chosen) ? chosen.shift() : chosen;
      // The rest of a value is what the capability takes along.
      const option = options.find((one: { value: string }) => one.value === value || one.value.startsWith(`${value} `));
      const pause = goesOnIn(step);
      if (option) input = capability.choose(input, field, option);
      else if (!wait(pause)) return { input, happened, ...shown('waiting', step) };
      else happened.push(`asked, and goes on in ${pause} ms`);
    } else if (step.kind === 'rows') {
      happened.push({ rows: step.what });
      soFar = step.outcome;
    } else if (step.kind === 'file') {
      happened.push({ files: step.filing });
      return { input, happened };
    } else {
      tell(step);
      if (step.outcome !== undefined) soFar = step.outcome;
      const end = shown(step.kind === 'done' ? 'done' : 'failed', step);
      const isTakenUp = step.kind === 'done' && (given.signals ?? []).some(({ afterMs }) => NOW + afterMs > now);
      if (!isTakenUp)
        return { input, happened, ...end, ...(given.fixes ? { form: capability.write(input, soFar) } : {}) };
      happened.push({ ends: end.card }, 'taken up again');
      now = Math.min(...comes.filter((at) => at > now));
    }
  }
  throw new Error('the capability never ends');
}

/** An approver is shown every call that changes something before the first of them is made; placeholders stand for ids. */
function assertPlanned(
  capability: AnyCapability,
  call: Call,
  input: unknown,
  answers: readonly Answer[],
  facts: Facts,
): void {
  if (call.method === 'GET' || !capability.plan || !capability.judged?.(input, answers, call)) return;
  const plan = capability.plan(input, answers, facts);
  assert.ok(isPlanned(call, plan), `${call.method} ${call.path} was not among what was planned`);
}

/** What was heard so far; the same key again replaces what it said before. */
function heardBy({ signals = [] }: Given, now: number): readonly Signal[] {
  const heard = signals.filter((one) => NOW + one.afterMs <= now);
  const latest = new Map(heard.map(({ afterMs, ...one }) => [one.key, { ...one, at: NOW + afterMs }]));
  return [...latest.values()].sort((a, b) => a.at - b.at);
}

function besideAt({ beside = [] }: Given, place: Place, now: number): readonly Request[] {
  const seen = beside.filter(({ afterMs = 0 }) => NOW + afterMs <= now);
  const latest = new Map(seen.map((one) => [one.id, one]));
  return [...latest.values()].map(
    ({ afterMs = -1000, ...one }) =>
      ({
        tenantId: 't',
        requester: REQUESTER,
        place,
        createdAt: NOW - 1000,
        updatedAt: NOW + afterMs,
        ...one,
      }) as Request,
  );
}

function shaped(capability: AnyCapability, call: Call, wire: OnWire): Reply {
  const text = wire.text ?? (wire.body === undefined ? '' : JSON.stringify(wire.body));
  const wired = { status: wire.status, text, retryAfter: wire.retryAfter ?? null, contentType: null };
  const isPartner = call.to === 'partnerCenter' || call.to === 'partnerWebhooks';
  if (isPartner && needsSignIn(wired, wire.challenge ?? null))
    return { ok: false, problem: problem('denied', 'problem.signInAgain', { reason: SIGN_IN_AGAIN }) };
  const read = isPartner ? readPartnerAnswer : call.to === 'gt365' ? readGt365Answer : readAnswer;
  const reply = read(wired, NOW);
  const shape = capability.answers[call.name];
  if (!reply.ok) return reply;
  // What nobody has a shape for is not kept, as in the runner.
  if (!shape) return { ok: true, body: {} };
  const used = shape.safeParse(reply.body);
  assert.ok(used.success, `the recorded answer to ${call.name} has another shape`);
  return { ok: true, body: used.data as Record<string, unknown> };
}

function through(capability: AnyCapability, { provider }: Given): AnyCapability {
  const one = (provider === 'gt365' ? withGt365 : all).get(capability.name);
  assert.ok(one);
  return one;
}

for (const capability of all.values()) {
  const folder = join(root, 'test', 'golden', capability.name);
  describe(`what ${capability.name} means`, () => {
    for (const file of readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()) {
      it(file.replace('.json', '').replaceAll('-', ' '), () => {
        const path = join(folder, file);
        const recorded = JSON.parse(readFileSync(path, 'utf8')) as { given: Given; then?: unknown };
        const then = JSON.parse(JSON.stringify(play(through(capability, recorded.given), recorded.given)));
        if (process.env['UPDATE_GOLDEN'])
          writeFileSync(path, `${JSON.stringify({ given: recorded.given, then }, null, 2)}\n`);
        else assert.deepEqual(then, recorded.then);
      });
    }
  });
}
