/**
 * Removing guests: says exactly what will be lost, asks, then removes each. Whoever is gone already counts as removed. No I/O;
 * must not know Teams, HTTP, SQL or card templates. Source: Microsoft Graph v1.0, user-delete, user-list-memberof.
 */
import { z } from 'zod/v4';
import type { Answer, Capability, Facts, Step } from '../../requests/capability.ts';
import { bad, good, type Problem, problem } from '../../requests/problem.ts';
import type { Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import { memberOfCall, removeCall, type User, Users } from './calls.ts';
import {
  aboutGuest,
  answerTo,
  type CommandSettings,
  deniedTo,
  found,
  PEOPLE,
  readGuests,
  requestsOf,
  tell,
} from './known.ts';
import { MOST_AT_ONCE, MY_REMOVALS, removedLately } from './removedLately.ts';

export interface RemoveInput {
  readonly addresses: readonly string[];
  readonly confirmed?: 'remove' | 'keep';
}

export interface RemoveOutcome {
  /** Names, or addresses, of those who are gone. */
  readonly removed: readonly string[];
  readonly isKept?: true;
  /** Others are still to be removed: so far nothing is told, but it counts, should it fail on the way. */
  readonly isUnderWay?: true;
}

const CONFIRM_MS = 3 * 24 * 3600_000;
/** Names that fit into one question. */
const NAMED = 5;
const MemberOf = z.object({ value: z.array(z.object({ id: z.string() })) });

export function guestRemove(settings: CommandSettings): Capability<RemoveInput, RemoveOutcome> {
  return {
    name: 'guestRemove',
    topic: 'guests',
    isAside: true,
    commands: ['revoke', 'remove guest', 'remove guests', 'uninvite'],
    fields: [PEOPLE],
    read: (raw) => {
      const { faults, fault, addresses } = readGuests(raw, [PEOPLE]);
      // Each is looked up before anything is asked.
      if (addresses.length > MOST_AT_ONCE)
        fault('people', say('problem.tooManyAtOnce', { count: addresses.length, most: MOST_AT_ONCE }));
      return faults.length > 0 ? bad(faults) : good([{ addresses }]);
    },
    write: ({ addresses }) => ({ people: addresses.join('\n') }),
    choose: (input, _field, { value }) => ({ ...input, confirmed: value === 'remove' ? 'remove' : 'keep' }),
    subject: ({ addresses }) => addresses[0] ?? '',
    answers: { find: Users, memberOf: MemberOf },
    beside: ({ addresses }) => [...addresses.map(aboutGuest), MY_REMOVALS],
    judged: ({ addresses }, answers, _call, facts) => ({
      what: 'remove',
      address: addresses[0] ?? '',
      count: addresses.length,
      ...(facts ? { lately: removedLately(answers, facts) } : {}),
    }),
    plan: ({ addresses }, answers) => present(addresses, answers).map(({ user }) => removeCall(user.id)),
    step: (input, answers, facts) => step(input, answers, facts, settings),
    story,
  };
}

function step(
  { addresses, confirmed }: RemoveInput,
  answers: readonly Answer[],
  facts: Facts<RemoveOutcome>,
  settings: CommandSettings,
): Step<RemoveOutcome> {
  if (confirmed === 'keep') return { kind: 'done', outcome: { removed: [], isKept: true }, standing: 'kept' };
  for (const address of addresses) {
    const denied = deniedTo(facts.requester, address, requestsOf(facts.beside, address), settings);
    if (denied) return fail(denied);
    const who = found(address, answers);
    if ('call' in who) return { kind: 'call', call: who.call };
    if ('problem' in who && who.problem.kind !== 'gone') return fail(who.problem);
  }
  const guests = present(addresses, answers);
  if (confirmed !== 'remove') {
    if (guests.length === 0)
      return fail(problem('gone', say('guest.notInDirectory', { address: addresses.join(', ') })));
    const unread = guests.map(({ user }) => memberOfCall(user.id)).find((call) => !answerTo(answers, call));
    if (unread) return { kind: 'call', call: unread };
    const options = [
      { title: say('guestRemove.option.remove', { count: guests.length }), value: 'remove' },
      { title: say('guestRemove.option.keep'), value: 'keep' },
    ];
    return {
      kind: 'ask',
      question: { say: effect(guests, answers), field: 'confirmed', options },
      forMs: CONFIRM_MS,
    };
  }
  const next = guests.map(({ user }) => removeCall(user.id)).find((call) => !answerTo(answers, call));
  if (next) {
    const gone = guests.filter(({ user }) => answerTo(answers, removeCall(user.id))?.ok);
    return { kind: 'call', call: next, outcome: { removed: gone.map(nameOf), isUnderWay: true } };
  }
  return ended(addresses, guests, answers, facts);
}

interface Present {
  readonly address: string;
  readonly user: User;
}

/** Those who are in the directory, as far as it was asked. */
function present(addresses: readonly string[], answers: readonly Answer[]): readonly Present[] {
  return addresses.flatMap((address) => {
    const who = found(address, answers);
    return 'user' in who ? [{ address, user: who.user }] : [];
  });
}

/** What is lost, as exactly as it can be read. */
function effect(guests: readonly Present[], answers: readonly Answer[]): Say {
  const counts = guests.map(({ user }) => {
    const reply = answerTo(answers, memberOfCall(user.id));
    return reply?.ok ? (reply.body as z.infer<typeof MemberOf>).value.length : null;
  });
  const [only, ...others] = guests;
  if (only && others.length === 0) {
    const [count] = counts;
    const who = nameOf(only);
    return typeof count === 'number' ? say('guestRemove.ask', { who, count }) : say('guestRemove.askUnread', { who });
  }
  const names = guests.slice(0, NAMED).map(nameOf).join(', ');
  const rest = guests.length - NAMED;
  const who = rest > 0 ? say('guestRemove.andMore', { names, count: rest }) : say('plain', { text: names });
  return say('guestRemove.askSeveral', { who, count: guests.length });
}

const nameOf = ({ address, user }: Present): string => user.displayName ?? address;

/** Who is gone is told to their own requests, whatever came of the others. */
function ended(
  addresses: readonly string[],
  guests: readonly Present[],
  answers: readonly Answer[],
  { requester, requestId }: Facts<RemoveOutcome>,
): Step<RemoveOutcome> {
  const replyOf = ({ user }: Present) => answerTo(answers, removeCall(user.id));
  const kept = guests.filter((one) => {
    const reply = replyOf(one);
    return reply?.ok === false && reply.problem.kind !== 'gone';
  });
  const gone = addresses.filter((address) => !kept.some((one) => one.address === address));
  const by = { id: requester.id, name: requester.name };
  const outcome = {
    removed: gone.map((address) => guests.find((one) => one.address === address)?.user.displayName ?? address),
  };
  const told = {
    outcome,
    wakes: gone.flatMap((address) => tell(address, { key: 'removed', body: { id: requestId, by } })),
  };
  const [first] = kept;
  if (!first) return { kind: 'done', standing: 'removed', ...told };
  const reply = replyOf(first);
  const why = reply?.ok === false ? reply.problem : problem('bug', 'problem.bug');
  const names = kept.map(nameOf).join(', ');
  return { kind: 'fail', problem: { ...why, say: say('guestRemove.failed', { names, why: why.say }) }, ...told };
}

const fail = (why: Problem): Step<RemoveOutcome> => ({ kind: 'fail', problem: why });

function story({
  input,
  outcome,
}: Request<RemoveInput, RemoveOutcome>): ReturnType<Capability<RemoveInput, RemoveOutcome>['story']> {
  const { addresses } = input;
  const count = addresses.length;
  const title = say('guestRemove.title', { who: addresses[0] ?? '', count });
  const rows = [{ label: say('guest.row.address'), text: addresses.join(', ') }];
  if (!outcome || outcome.isUnderWay) return { title, rows };
  const names = outcome.removed.join(', ');
  const sentence = outcome.isKept ? say('guestRemove.kept', { count }) : say('guestRemove.done', { names, count });
  return { title, rows, ending: { sentence, tone: outcome.isKept ? 'neutral' : 'good', buttons: [] } };
}
