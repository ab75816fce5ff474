/**
 * `hand over <address> to <person>`: somebody else becomes answerable for a guest, in the directory and here. No I/O; must not
 * know Teams, HTTP, SQL or card templates. Source: Microsoft Graph v1.0, user-post-sponsors, user-delete-sponsors.
 */
import type { Answer, Call, Capability, Facts, Field, Raw, Step, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import { chatOf, type Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import { FIND_ANSWERS, type Found, foundOf, repliesByPath } from '../call/find.ts';
import { type Mention, readWanted, type Wanted } from '../call/people.ts';
import { sponsorCall, type User, unsponsorCall } from './calls.ts';
import {
  aboutGuest,
  answerTo,
  type CommandSettings,
  deniedTo,
  found,
  openButton,
  PEOPLE,
  readGuest,
  requestsOf,
  sponsorOf,
  tell,
} from './known.ts';

export interface HandOverInput {
  readonly address: string;
  readonly to: Wanted;
}

export interface HandOverOutcome {
  readonly name?: string;
  readonly sponsor: string;
}

const CHOOSE_MS = 3 * 24 * 3600_000;
const TO: Field = {
  name: 'to',
  kind: 'text',
  words: 'guestHandOver.field.to',
  required: true,
  max: 320,
  phrases: ['to'],
};
const FIELDS = [PEOPLE, TO];

export function guestHandOver(settings: CommandSettings): Capability<HandOverInput, HandOverOutcome> {
  return {
    name: 'guestHandOver',
    topic: 'guests',
    isAside: true,
    commands: ['hand over', 'handover', 'hand guest over'],
    fields: FIELDS,
    read,
    write: ({ address, to }) => ({ people: address, to: to.as === 'address' ? to.address : to.name }),
    choose: (input, _field, { value }) => {
      const [userId = '', ...name] = value.split(':');
      return { ...input, to: { ...input.to, userId, name: name.join(':') || input.to.name } };
    },
    subject: ({ address }) => address,
    answers: FIND_ANSWERS,
    beside: ({ address }) => [aboutGuest(address)],
    judged: ({ address }) => ({ what: 'hand over', address }),
    plan: (input, answers, { beside }) => {
      const who = peopleIn(input, answers);
      return 'guest' in who ? movesOf(who, input, beside, settings) : [];
    },
    step: (input, answers, facts) => step(input, answers, facts, settings),
    story,
  };
}

function read(raw: Raw, { place }: Surroundings): Result<readonly HandOverInput[], readonly Problem[]> {
  const { faults, fault, text, address } = readGuest(raw, FIELDS);
  const mentions = raw['mentions'] === undefined ? [] : (JSON.parse(raw['mentions']) as readonly Mention[]);
  const { people, faults: unread } = readWanted(text('to') ?? '', mentions, null, chatOf(place));
  const [to, ...more] = people;
  if (!to || more.length > 0 || unread.length > 0 || to.as === 'phone') fault('to', 'guestHandOver.field.to.missing');
  return faults.length > 0 || !address || !to ? bad(faults) : good([{ address, to }]);
}

function step(
  { address, to }: HandOverInput,
  answers: readonly Answer[],
  facts: Facts<HandOverOutcome>,
  settings: CommandSettings,
): Step<HandOverOutcome> {
  const requests = requestsOf(facts.beside, address);
  const denied = deniedTo(facts.requester, address, requests, settings);
  if (denied) return fail(denied);
  const who = peopleIn({ address, to }, answers);
  if (!('guest' in who)) return who;
  const { guest, next } = who;
  for (const move of movesOf(who, { address, to }, facts.beside, settings)) {
    const reply = answerTo(answers, move);
    if (!reply) return { kind: 'call', call: move };
    // Who is answerable already stays so, and who is no more need not be taken out.
    const isSo = reply.ok || reply.problem.kind === (move.method === 'DELETE' ? 'gone' : 'clash');
    if (!isSo) return fail(reply.problem);
  }
  const [known] = requests;
  const name = known?.outcome?.name ?? guest.displayName;
  const sponsor = { id: next.id, name: next.name };
  return {
    kind: 'done',
    outcome: { sponsor: next.name, ...(name ? { name } : {}) },
    standing: 'handed over',
    wakes: tell(address, { key: 'handed over', body: { id: facts.requestId, sponsor } }),
  };
}

interface Both {
  readonly guest: User;
  readonly next: Extract<Found, { is: 'person' }>;
}

/** The guest, and who is to be answerable for them; or the step that finds out, or why that cannot be. */
function peopleIn({ address, to }: HandOverInput, answers: readonly Answer[]): Both | Step<HandOverOutcome> {
  const next = foundOf(to, repliesByPath(answers, 0), false);
  if (next.is === 'unasked') return { kind: 'call', call: next.call };
  if (next.is === 'several')
    return {
      kind: 'ask',
      question: { say: next.ask, field: 'to', options: next.options, search: 'people' },
      forMs: CHOOSE_MS,
    };
  if (next.is !== 'person') return fail(notSponsor(next));
  const isGuest = answers.some(({ reply }) => {
    const users = (reply?.ok ? (reply.body['value'] ?? []) : []) as readonly {
      id?: string;
      userType?: string | null;
    }[];
    return users.some(({ id, userType }) => id === next.id && userType === 'Guest');
  });
  if (isGuest) return fail(problem('input', say('guestHandOver.cannot', { name: next.name }), { field: 'to' }));
  const who = found(address, answers);
  if ('call' in who) return { kind: 'call', call: who.call };
  if ('problem' in who) return fail(who.problem);
  if (who.user.id === next.id) return fail(problem('input', 'guestHandOver.themselves', { field: 'to' }));
  return { guest: who.user, next };
}

/** The one is made answerable, then the other no longer is. */
function movesOf(
  { guest, next }: Both,
  { address }: HandOverInput,
  beside: readonly Request[],
  { graphUrl }: CommandSettings,
): readonly Call[] {
  const [known] = requestsOf(beside, address);
  const before = known ? sponsorOf(known).id : undefined;
  const adds = sponsorCall(guest.id, next.id, graphUrl);
  return before === undefined || before === next.id ? [adds] : [adds, unsponsorCall(guest.id, before)];
}

/** Why somebody cannot be answerable for a guest. */
function notSponsor(one: Exclude<Found, { is: 'unasked' | 'several' | 'person' }>): Problem {
  if (one.is === 'unreadable') return one.problem;
  const isKnown = one.is === 'pending' || one.is === 'blocked';
  return problem('input', say(isKnown ? 'guestHandOver.cannot' : 'guestHandOver.nobody', { name: one.name }), {
    field: 'to',
  });
}

const fail = (why: Problem): Step<HandOverOutcome> => ({ kind: 'fail', problem: why });

function story({
  input,
  outcome,
  version,
}: Request<HandOverInput, HandOverOutcome>): ReturnType<Capability<HandOverInput, HandOverOutcome>['story']> {
  const { address, to } = input;
  const who = outcome?.name ?? address;
  const title = say('guestHandOver.title', { who });
  const rows = [
    { label: say('guest.row.address'), text: address },
    { label: say('guest.row.sponsor'), text: outcome?.sponsor ?? to.name },
  ];
  if (!outcome) return { title, rows };
  const sentence = say('guestHandOver.done', { who, name: outcome.sponsor });
  return { title, rows, ending: { sentence, tone: 'good', buttons: [openButton(address, version)] } };
}
