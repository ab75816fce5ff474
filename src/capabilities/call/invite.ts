/**
 * Inviting into the call: people by mention, name or address, and phones. Its fields, how text becomes a request, what may
 * be done to one, and the card that tells of each person. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import type { CallNotice } from '../../requests/callNotices.ts';
import type { Act, Capability, Field, Raw, Signal, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import { chatOf, type Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Button, Story } from '../../requests/story.ts';
import { type Fate, type InviteOutcome, MISSING, type Stage } from './fates.ts';
import { INVITE_ANSWERS, type InviteInput, type InviteSettings, stepInvite } from './inviteStep.ts';
import { RINGERS } from './joinStep.ts';
import { type Mention, readWanted, type Wanted } from './people.ts';

export interface CallInviteSettings extends InviteSettings {
  /** For numbers typed without a country, ISO 3166-1 alpha-2. */
  readonly country: string | null;
  /** Whether this cloud has calls at all (Microsoft's cloud in China has no participants/invite). */
  readonly hasCalls: boolean;
}

const FIELDS: readonly Field[] = [
  { name: 'people', kind: 'people', words: 'callInvite.field.people', required: true, max: 15_000 },
];

const START_FIELDS: readonly Field[] = [
  { name: 'title', kind: 'text', words: 'callStart.field.title', max: 200 },
  {
    name: 'people',
    kind: 'people',
    words: 'callInvite.field.people',
    required: true,
    max: 15_000,
    phrases: ['with', 'people:'],
  },
];

/** Most people one request rings. */
const MOST = 500;
/** From here on people are told of in groups instead of one row each. */
const ROWS = 9;

export function callInvite(settings: CallInviteSettings): Capability<InviteInput, InviteOutcome> {
  return {
    name: 'callInvite',
    topic: 'calls',
    commands: ['call invite', 'invite to call', 'invite to the call', 'ring'],
    fields: FIELDS,
    read: (raw, around) => read(raw, around, settings),
    write: (input) => ({ people: input.people.map(textOf).join(', ') }),
    choose: (input, field, { value }) => ({
      ...input,
      people: input.people.map((one) => (one.key === field ? chosen(one, value) : one)),
    }),
    subject: (input) => input.chat,
    answers: INVITE_ANSWERS,
    step: (input, answers, facts) => stepInvite(input, answers, facts, settings),
    beside: ({ chat }) => [
      { capability: 'callJoin', subject: chat },
      ...RINGERS.map((capability) => ({ capability, subject: chat })),
    ],
    acts: ACTS,
    hears,
    story,
  };
}

/** A new call with these people, in no meeting. Rings them like an invitation does, and is the same in all else. */
export function callStart(settings: CallInviteSettings): Capability<InviteInput, InviteOutcome> {
  return {
    ...callInvite(settings),
    name: 'callStart',
    commands: ['call start', 'start call', 'start a call'],
    fields: START_FIELDS,
    read: (raw, around) => read({ title: '', ...raw }, around, settings),
    write: (input) => ({ title: input.start ?? '', people: input.people.map(textOf).join(', ') }),
  };
}

function read(
  raw: Raw,
  { place }: Surroundings,
  { country, hasCalls }: CallInviteSettings,
): Result<readonly InviteInput[], readonly Problem[]> {
  const fault = (sentence: string | Say) => bad([problem('input', sentence, { field: 'people' })]);
  if (!hasCalls) return fault('call.notInThisCloud');
  const typed = raw['people'] ?? '';
  if (typed.length > 15_000) return fault(say('problem.tooLong', { most: 15_000, length: typed.length }));
  const { people, faults } = readWanted(typed, mentionsIn(raw), country, chatOf(place));
  if (faults.length > 0) return bad(faults.slice(0, 3).map((one) => problem('input', one, { field: 'people' })));
  if (people.length === 0) return fault('callInvite.field.people.missing');
  if (people.length > MOST) return fault(say('problem.tooManyAtOnce', { count: people.length, most: MOST }));
  const chat = chatOf(place);
  const { meetingId } = place;
  const title = raw['title']?.trim().replace(/^"|"$/g, '').slice(0, 200);
  return good([
    {
      chat,
      people,
      join: meetingId === undefined ? null : { chat, meetingId },
      ...(title === undefined ? {} : { start: title }),
    },
  ]);
}

function mentionsIn(raw: Raw): readonly Mention[] {
  return raw['mentions'] === undefined ? [] : (JSON.parse(raw['mentions']) as Mention[]);
}

function textOf(wanted: Wanted): string {
  if (wanted.as === 'phone') return wanted.number;
  return wanted.as === 'address' ? wanted.address : wanted.name;
}

function chosen(wanted: Wanted, value: string): Wanted {
  const [userId = '', ...name] = value.split(':');
  return { ...wanted, userId, name: name.join(':') || wanted.name };
}

const outcomeOf = (request: Request): InviteOutcome | null => request.outcome as InviteOutcome | null;

/**
 * A ring is known by whom it goes to and what it comes after: pressed twice it happens once, and a press on a card that was
 * drawn before somebody was rung again does not count for them.
 */
const ACTS: Readonly<Record<string, Act>> = {
  ring: {
    read(request, data) {
      const { people = [], stoppedAt = 0, overAt = 0 } = outcomeOf(request) ?? {};
      const missing = people.filter(({ at }) => MISSING.has(at));
      const wanted = missing.filter(({ key, rungAt }) => isDrawn(data['drawn'], key, rungAt));
      if (wanted.length === 0) return bad(problem('clash', 'call.nobodyMissing'));
      return good(
        wanted.map(({ key, rungAt }) => ({ key: `ring:${key}`, body: { after: Math.max(rungAt, stoppedAt, overAt) } })),
      );
    },
  },
  stop: { read: (request) => good([{ key: 'stop', body: { after: request.version } }]) },
  link: { read: () => good([{ key: 'link', body: {} }]) },
};

/** Most people whose rings a button names one by one; beyond, it names the latest ring of all. */
const NAMED = 60;

/** What a card was drawn for: `p0=<when rung>,…`, or of many `<when anybody was rung last>`. */
function drawnFor(missing: readonly Fate[]): string {
  if (missing.length > NAMED) return String(Math.max(...missing.map(({ rungAt }) => rungAt)));
  return missing.map(({ key, rungAt }) => `${key}=${rungAt}`).join(',');
}

function isDrawn(drawn: string | undefined, key: string, rungAt: number): boolean {
  if (drawn === undefined) return true;
  return /^\d+$/.test(drawn) ? rungAt <= Number(drawn) : drawn.split(',').includes(`${key}=${rungAt}`);
}

/** What became of an invitation, once it has ended. Whom it names, or everybody it was for. */
function hears(_request: Request, notice: CallNotice): readonly Omit<Signal, 'at'>[] {
  if (notice.about !== 'invite' || !notice.clientContext || !/^(?:completed|failed)$/.test(notice.status)) return [];
  const people = notice.people.length > 0 ? notice.people.map(({ id }) => id) : ['*'];
  const { clientContext, status, result } = notice;
  return [
    {
      key: `end:${clientContext}:${people.join('+')}`.slice(0, 400),
      body: { people, status, ...(result ? { result } : {}) },
    },
  ];
}

/** What is said of all of them together: of a call that goes on, and of one that is over. */
const SUMS = {
  now: { all: 'callInvite.all', some: 'callInvite.some', none: 'callInvite.none' },
  over: { all: 'callInvite.over.all', some: 'callInvite.over.some', none: 'callInvite.over.none' },
} as const;

function story(
  request: Request<InviteInput, InviteOutcome>,
): ReturnType<Capability<InviteInput, InviteOutcome>['story']> {
  const { input, outcome } = request;
  const names = (outcome?.people ?? input.people).map(({ name }) => name);
  const who = namesOf(names);
  const title = input.start ? say('callStart.title', { title: input.start, who }) : say('callInvite.title', { who });
  if (!outcome) return { title, rows: [] };
  const { people, joinUrl, showLink, isInCall, overAt } = outcome;
  const rows =
    people.length > ROWS
      ? groups(people)
      : people.map((one) => ({ label: say('plain', { text: one.name }), text: stageOf(one) }));
  const link = showLink && joinUrl ? [{ label: say('call.row.link'), text: joinUrl }] : [];
  const told = { rows: [...rows.slice(0, 10 - link.length), ...link], title };
  const buttons = buttonsOf(
    outcome,
    people.filter(({ at }) => MISSING.has(at)),
    request.capability,
  );
  const number = (...stages: Stage[]) => people.filter(({ at }) => stages.includes(at)).length;
  // Of a call that is over is told who was in it, to the end or not.
  const inside = overAt === undefined ? number('in') : number('wasIn', 'left');
  const counts = { inside, count: people.length };
  const how = inside === people.length ? 'all' : inside === 0 ? 'none' : 'some';
  const summed = {
    sentence: say(SUMS[overAt === undefined ? 'now' : 'over'][how], counts),
    tone: how === 'all' ? ('good' as const) : ('warning' as const),
  };
  // Somebody who was looked for and can be rung; the others are settled before it begins.
  if (!people.some(({ id }) => id !== undefined)) return { ...told, ending: { ...summed, buttons } };
  const rings = number('ringing', 'answered') > 0 || (isInCall && number('toRing') > 0);
  // Taken up again after the call, it is on its way into another one.
  const waits = !rings && (number('toRing') > 0 || overAt !== undefined);
  return {
    ...told,
    live: {
      state: say('call.underWay'),
      ...(rings || waits
        ? { sentence: say(waits ? 'callInvite.joining' : 'callInvite.ringing', counts), tone: 'neutral' }
        : summed),
      buttons,
    },
    ending: { ...summed, buttons },
  };
}

function namesOf(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')}, … (${names.length})`;
}

const stageOf = ({ at, why }: Fate): Say => {
  const stage = say(`call.stage.${at}`);
  return why ? say('call.stage.because', { stage, why }) : stage;
};

/** Many people in few rows: how many stand how, and who. */
function groups(people: readonly Fate[]): Story['rows'] {
  const order: readonly Stage[] = [
    'in',
    'wasIn',
    'answered',
    'lobby',
    'waited',
    'ringing',
    'toRing',
    'declined',
    'noAnswer',
    'failed',
    'left',
    'stopped',
    'notRung',
    'several',
    'unchosen',
    'pending',
    'stranger',
    'nobody',
    'blocked',
    'noPhones',
  ];
  return order.flatMap((stage) => {
    const those = people.filter(({ at }) => at === stage);
    if (those.length === 0) return [];
    return [
      {
        label: say('call.group', { stage: say(`call.stage.${stage}`), count: those.length }),
        text:
          those
            .slice(0, 12)
            .map(({ name }) => name)
            .join(', ') + (those.length > 12 ? ' …' : ''),
      },
    ];
  });
}

function buttonsOf(
  { people, joinUrl, showLink }: InviteOutcome,
  missing: readonly Fate[],
  capability: string,
): Button[] {
  const buttons: Button[] = [];
  if (missing.length > 0) {
    buttons.push({
      title: say('callInvite.button.ring', { count: missing.length }),
      verb: `${capability}.ring`,
      data: { drawn: drawnFor(missing) },
      style: 'positive',
    });
  }
  if (people.some(({ at }) => at === 'toRing'))
    buttons.push({ title: say('callInvite.button.stop'), verb: `${capability}.stop` });
  const strangers = people.flatMap(({ at, address }) =>
    address && (at === 'stranger' || at === 'pending') ? [address] : [],
  );
  if (strangers.length > 0)
    buttons.push({
      title: say('callInvite.button.guest'),
      verb: 'form.open',
      data: { capability: 'guest', people: strangers.slice(0, 20).join(', ') },
    });
  const [only, ...others] = people;
  if (joinUrl && !showLink && (missing.length > 0 || strangers.length > 0))
    buttons.push({ title: say('callInvite.button.link'), verb: `${capability}.link` });
  if (only?.at === 'in' && others.length === 0)
    buttons.push({
      title: say('callInvite.button.remove'),
      verb: 'command.run',
      data: { text: `call remove ${only.name}` },
    });
  return buttons;
}
