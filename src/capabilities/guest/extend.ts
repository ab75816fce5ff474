/**
 * `extend <address> until <date>`: another last day for a guest. Microsoft keeps none: the guest's own request, which asks
 * and acts when the day comes, is told. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import type { Answer, Call, Capability, Facts, Field, Raw, Step, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, type Result } from '../../requests/problem.ts';
import type { Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import { readDay } from '../days.ts';
import { Users } from './calls.ts';
import type { GuestInput } from './input.ts';
import {
  aboutGuest,
  answerTo,
  asAsked,
  type CommandSettings,
  deniedTo,
  found,
  isLive,
  openButton,
  PEOPLE,
  readGuests,
  requestsOf,
  tell,
} from './known.ts';

export interface ExtendInput {
  readonly address: string;
  /** ISO date, the new last day. */
  readonly until: string;
}

export interface ExtendOutcome {
  readonly name?: string;
}

const UNTIL: Field = {
  name: 'until',
  kind: 'date',
  words: 'guest.field.until',
  required: true,
  max: 60,
  phrases: ['until', 'till', 'to'],
};
const FIELDS = [PEOPLE, UNTIL];

/** Changes nothing outside, and is asked for like a change all the same: so the rules have their say about every extension. */
const EXTEND: Call = { name: 'extend', to: 'store', method: 'POST', path: '/guests/extended', repeat: 'safe' };

export function guestExtend(settings: CommandSettings): Capability<ExtendInput, ExtendOutcome> {
  return {
    name: 'guestExtend',
    topic: 'guests',
    isAside: true,
    commands: ['extend', 'keep guest'],
    fields: FIELDS,
    read,
    write: ({ address, until }) => ({ people: address, until }),
    choose: (input) => input,
    subject: ({ address }) => address,
    answers: { find: Users },
    beside: ({ address }) => [aboutGuest(address)],
    judged: ({ address, until }, _answers, _call, facts) => ({
      what: 'extend',
      address,
      until,
      ...asAsked(address, facts?.beside ?? []),
    }),
    plan: () => [EXTEND],
    shorten: (input, until) => ({ ...input, until }),
    step: (input, answers, facts) => step(input, answers, facts, settings),
    story,
  };
}

function read(raw: Raw, around: Surroundings): Result<readonly ExtendInput[], readonly Problem[]> {
  const { faults, fault, text, addresses } = readGuests(raw, FIELDS);
  const typed = text('until');
  const day = typed ? readDay(typed, around) : null;
  if (!day || !typed) fault('until', 'guest.field.until.missing');
  else if (!('day' in day))
    fault('until', day.wrong === 'past' ? 'guest.until.past' : say('guest.until.unreadable', { text: typed }));
  if (faults.length > 0 || !day || !('day' in day)) return bad(faults);
  return good(addresses.map((address) => ({ address, until: day.day })));
}

function step(
  { address, until }: ExtendInput,
  answers: readonly Answer[],
  { requester, beside, requestId }: Facts<ExtendOutcome>,
  settings: CommandSettings,
): Step<ExtendOutcome> {
  const requests = requestsOf(beside, address);
  const denied = deniedTo(requester, address, requests, settings);
  if (denied) return { kind: 'fail', problem: denied };
  const who = found(address, answers);
  if ('call' in who) return { kind: 'call', call: who.call };
  if ('problem' in who) return { kind: 'fail', problem: who.problem };
  const allowed = answerTo(answers, EXTEND);
  if (!allowed) return { kind: 'call', call: EXTEND };
  if (!allowed.ok) return { kind: 'fail', problem: allowed.problem };
  const [known] = requests;
  const name = known?.outcome?.name ?? who.user.displayName;
  const done = { kind: 'done', outcome: name ? { name } : {}, standing: 'extended' } as const;
  const body = { id: requestId, until };
  if (requests.some(isLive)) return { ...done, wakes: tell(address, { key: 'extended', body }) };
  // Nobody follows this guest (any more): from now on somebody does.
  const input: GuestInput = {
    address,
    redirectUrl: settings.defaultRedirectUrl,
    sendMail: false,
    userType: 'Guest',
    sponsor: requester.id,
    until,
  };
  return { ...done, files: { capability: 'guest', subject: address, input, key: `extend:${requestId}` } };
}

function story({
  input,
  outcome,
  version,
}: Request<ExtendInput, ExtendOutcome>): ReturnType<Capability<ExtendInput, ExtendOutcome>['story']> {
  const { address, until } = input;
  const who = outcome?.name ?? address;
  const title = say('guestExtend.title', { who });
  const rows = [
    { label: say('guest.row.address'), text: address },
    { label: say('guest.row.until'), text: say('date', { date: until }) },
  ];
  if (!outcome) return { title, rows };
  const sentence = say('guestExtend.done', { who, date: until });
  return { title, rows, ending: { sentence, tone: 'good', buttons: [openButton(address, version)] } };
}
