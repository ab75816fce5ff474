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
import { readArguments } from '../src/requests/arguments.ts';
import type { Answer, AnyCapability, Call, Reply, Step } from '../src/requests/capability.ts';
import { problem } from '../src/requests/problem.ts';
import type { LostCall, Person, Place, Request, RequestState } from '../src/requests/request.ts';
import type { Say } from '../src/requests/say.ts';
import { storyOf } from '../src/requests/storyOf.ts';
import { root } from '../src/root.ts';
import { SETTINGS } from './support/settings.ts';

interface Given {
  /** What follows the command word, or raw fields as a form sends them. */
  readonly typed?: string;
  readonly raw?: Record<string, string>;
  readonly place?: Partial<Place>;
  /** Answers by call name, in order. `lost`: the answer never came. `assumed`: a person said that it arrived. */
  readonly answers?: Readonly<
    Record<
      string,
      readonly ({ status: number; body?: unknown; text?: string; retryAfter?: string } | 'lost' | 'assumed')[]
    >
  >;
  /** How another request about the same subject ended, and how long ago. */
  readonly earlier?: { readonly agoMs: number; readonly outcome: unknown };
  /** What is heard from outside, and when. */
  readonly signals?: readonly {
    readonly key: string;
    readonly body: Record<string, unknown>;
    readonly afterMs: number;
  }[];
  /** The requests the capability sees beside its own, and from when on; a later one takes the place of its earlier self. */
  readonly beside?: readonly (Partial<Request> & { readonly afterMs?: number })[];
  readonly soFar?: unknown;
  /** Also recorded is what the card says whenever the request rests. */
  readonly shows?: true;
  /** The answer to a question, by field. */
  readonly chooses?: Readonly<Record<string, string>>;
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

const spoken = (sentence: Say | string): string => (typeof sentence === 'string' ? sentence : english.say(sentence));

const readable = ({ name, method, path, body, repeat }: Call) => ({
  name,
  [method]: decodeURIComponent(path),
  ...(body === undefined ? {} : { body }),
  repeat,
});

/** Plays one case to its end, without a store. */
function play(capability: AnyCapability, given: Given): unknown {
  const place = { ...PLACE, ...given.place };
  const raw = given.raw ?? readArguments(given.typed ?? '', capability.fields);
  const read = capability.read(raw, { requester: REQUESTER, place, now: NOW });
  if (!read.ok)
    return {
      understood: raw,
      faults: read.problem.map((fault: { field?: string; say: Say }) => `${fault.field}: ${spoken(fault.say)}`),
    };
  return { understood: raw, requests: read.value.map((input: unknown) => carryOut(capability, input, given, place)) };
}

function carryOut(capability: AnyCapability, first: unknown, given: Given, place: Place): unknown {
  const left = structuredClone(given.answers ?? {}) as Record<string, unknown[]>;
  const happened: unknown[] = [];
  let input = first;
  let answers: Answer[] = [];
  const lost: LostCall[] = [];
  let now = NOW;
  let soFar: unknown = given.soFar ?? null;
  /** When something comes from outside: a signal, or a change of another request. */
  const comes = [...(given.signals ?? []), ...(given.beside ?? [])].map(({ afterMs = 0 }) => NOW + afterMs);
  /** Lets time pass to whatever comes first. False: nothing does. */
  const wait = (forMs: number): boolean => {
    const next = comes.filter((at) => at > now);
    if (next.length === 0 && forMs >= RESTS_MS) return false;
    now = Math.min(now + forMs, ...next);
    return true;
  };
  const earlier = given.earlier ? { outcome: given.earlier.outcome, at: NOW - given.earlier.agoMs } : null;
  const asked = new Set<string>();
  /** How it stands in the end, and the card of it. */
  const shown = (state: RequestState, step: Step<unknown>) => {
    const why = step.kind === 'fail' ? step.problem : null;
    const request: Request = {
      id: 'r0000001',
      key: 'k',
      capability: capability.name,
      subject: capability.subject(input),
      tenantId: 't',
      requester: REQUESTER,
      place,
      input,
      state,
      version: 2,
      fence: 1,
      nextAt: now,
      attempts: 0,
      signals: 0,
      lost,
      note: null,
      question: step.kind === 'ask' ? step.question : null,
      createdAt: NOW,
      updatedAt: now,
      standing: ('standing' in step && step.standing) || null,
      outcome: ('outcome' in step && step.outcome) || null,
      problem: why,
    };
    const story = storyOf(request, capability);
    return {
      ended: state,
      standing: request.standing,
      ...(why ? { problem: why.kind } : { outcome: request.outcome }),
      card: {
        title: spoken(story.title),
        sentence: spoken(story.sentence),
        tone: story.tone,
        rows: story.rows.map((row) => `${spoken(row.label)}: ${spoken(row.text)}`),
        buttons: story.buttons.map((button) => `${spoken(button.title)} → ${button.verb}`),
        ...(story.link ? { link: spoken(story.link.label) } : {}),
        ...(story.question ? { question: spoken(story.question.say) } : {}),
      },
    };
  };
  for (let turns = 0; turns < 60; turns++) {
    const step = capability.step(input, answers, {
      requestId: 'r0000001',
      now,
      createdAt: NOW,
      requester: REQUESTER,
      place,
      lost,
      earlier,
      soFar,
      signals: (given.signals ?? [])
        .filter((one) => NOW + one.afterMs <= now)
        .map(({ afterMs, ...one }) => ({ ...one, at: NOW + afterMs })),
      beside: besideAt(given, place, now),
    });
    if (step.kind === 'call') {
      happened.push(readable(step.call));
      const next = left[step.call.name]?.shift() as Exclude<Given['answers'], undefined>[string][number] | undefined;
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
      answers = [...answers, { n: answers.length, call: step.call, sentAt: now, heardAt: now, reply }];
    } else if (step.kind === 'later') {
      happened.push(`later, in ${step.forMs} ms${step.note ? `: ${spoken(step.note)}` : ''}`);
      const told = (step.wakes ?? []).flatMap(({ capability: whom, says }) => (says ? [`${whom}: ${says.key}`] : []));
      if (told.length > 0) happened.push(`tells ${told.join(', ')}`);
      if (step.outcome !== undefined) soFar = step.outcome;
      if (step.fresh) answers = [];
      if (given.shows) happened.push({ shows: shown('waiting', step).card });
      if (!wait(step.forMs) && step.waits) return { input, happened, ...shown('waiting', step) };
    } else if (step.kind === 'ask') {
      if (step.outcome !== undefined) soFar = step.outcome;
      const { field, options } = step.question;
      if (!asked.has(field)) happened.push({ asks: spoken(step.question.say), options });
      asked.add(field);
      if (given.shows) happened.push({ shows: shown('waiting', step).card });
      const option = options.find((one: { value: string }) => one.value === given.chooses?.[field]);
      if (option) input = capability.choose(input, field, option);
      else if (!wait(step.againMs ?? step.forMs)) return { input, happened, ...shown('waiting', step) };
      else happened.push(`asked, and goes on in ${step.againMs} ms`);
    } else if (step.kind === 'file') {
      happened.push({ files: step.filing });
      return { input, happened };
    } else {
      return { input, happened, ...shown(step.kind === 'done' ? 'done' : 'failed', step) };
    }
  }
  throw new Error('the capability never ends');
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

function shaped(
  capability: AnyCapability,
  call: Call,
  wire: { status: number; body?: unknown; text?: string; retryAfter?: string },
): Reply {
  const text = wire.text ?? (wire.body === undefined ? '' : JSON.stringify(wire.body));
  const reply = readAnswer({ status: wire.status, text, retryAfter: wire.retryAfter ?? null, contentType: null }, NOW);
  const shape = capability.answers[call.name];
  if (!reply.ok || !shape) return reply;
  const read = shape.safeParse(reply.body);
  assert.ok(read.success, `the recorded answer to ${call.name} has another shape`);
  return { ok: true, body: read.data as Record<string, unknown> };
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
        const then = JSON.parse(JSON.stringify(play(capability, recorded.given)));
        if (process.env['UPDATE_GOLDEN'])
          writeFileSync(path, `${JSON.stringify({ given: recorded.given, then }, null, 2)}\n`);
        else assert.deepEqual(then, recorded.then);
      });
    }
  });
}
