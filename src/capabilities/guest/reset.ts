/**
 * `reset <old> to <new>`: a guest is to redeem with another address and stays who they are, with their groups, teams and
 * apps. No I/O; must not know Teams, HTTP, SQL or card templates.
 * Source: Microsoft Graph v1.0, invitation-post (resetRedemption with invitedUser.id), "reset redemption status".
 */
import type { z } from 'zod/v4';
import type { Answer, Call, Capability, Facts, Field, Raw, Step } from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import type { About } from '../../requests/proof/person.ts';
import type { Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import { findCall, pick, Users } from './calls.ts';
import type { GuestInput } from './input.ts';
import {
  aboutGuest,
  answerTo,
  asAsked,
  type CommandSettings,
  deniedTo,
  found,
  openButton,
  PEOPLE,
  readGuest,
  requestsOf,
  tell,
} from './known.ts';
import { type Mailed, mailsTo, mayMailAt, wishedMailAt } from './mails.ts';
import { faultOfAddress, readPeople } from './people.ts';
import { PROVIDERS } from './provider.ts';

export interface ResetInput {
  readonly address: string;
  readonly to: string;
}

export interface ResetOutcome extends Mailed {
  readonly userId: string;
  readonly name?: string;
}

const TO: Field = {
  name: 'to',
  kind: 'email',
  words: 'guestReset.field.to',
  required: true,
  max: 320,
  phrases: ['to'],
};
const FIELDS = [PEOPLE, TO];
/** Whoever sends the invitations otherwise: only Graph knows how to reset one. */
const { graph } = PROVIDERS;

export function guestReset(settings: CommandSettings): Capability<ResetInput, ResetOutcome> {
  return {
    name: 'guestReset',
    topic: 'guests',
    isAside: true,
    commands: ['reset', 'reset guest'],
    fields: FIELDS,
    read,
    write: ({ address, to }) => ({ people: address, to }),
    choose: (input) => input,
    subject: ({ address }) => address,
    about: aboutWhom,
    answers: { find: Users, ...graph.answers },
    beside: ({ address }) => [aboutGuest(address), ...mailsTo(address)],
    judged: ({ address, to }, _answers, _call, facts) => {
      const { team } = asAsked(address, facts?.beside ?? []);
      return { what: 'reset', address: to, ...(team ? { team } : {}) };
    },
    step: (input, answers, facts) => step(input, answers, facts, settings),
    story,
  };
}

/** The other address is theirs once the reset is done: before, it may be anybody's. */
function aboutWhom({ input: { address, to }, outcome }: Request<ResetInput, ResetOutcome>): About {
  if (outcome === null) return { addresses: [address], ids: [] };
  const { userId, mailedAt } = outcome;
  return { addresses: [address, to], ids: [userId], left: [{ address, at: mailedAt ?? 0 }] };
}

function read(raw: Raw): Result<readonly ResetInput[], readonly Problem[]> {
  const { faults, fault, text, address } = readGuest(raw, FIELDS);
  const { people, unreadable } = readPeople(text('to') ?? '');
  const to = people[0]?.address.toLowerCase();
  if (!to || people.length > 1 || unreadable.length > 0) fault('to', 'guestReset.field.to.missing');
  const wrong = to && faultOfAddress(to);
  if (wrong) fault('to', wrong);
  if (to && to === address) fault('to', 'guestReset.same');
  return faults.length > 0 || !address || !to ? bad(faults) : good([{ address, to }]);
}

function step(
  { address, to }: ResetInput,
  answers: readonly Answer[],
  facts: Facts<ResetOutcome>,
  settings: CommandSettings,
): Step<ResetOutcome> {
  const requests = requestsOf(facts.beside, address);
  const denied = deniedTo(facts.requester, address, requests, settings);
  if (denied) return fail(denied);
  const known = requests[0];
  const done = (userId: string, mailedAt: number, name: string | null | undefined): Step<ResetOutcome> => ({
    kind: 'done',
    outcome: { userId, mailedAt, ...(name ? { name } : {}) },
    standing: 'reset',
    wakes: tell(address, { key: 'reset', body: { id: facts.requestId, address: to } }),
  });
  const sent = answers.findLast(({ call }) => call.name === 'invite');
  const made = sent?.reply;
  if (made && !made.ok) return fail(graph.inviteProblem(made.problem));

  // Whoever has the new address: nobody, this guest (then a lost answer was a good one), or somebody else.
  const newly = answerTo(answers, findCall(to));
  if (!newly) return { kind: 'call', call: findCall(to) };
  if (!newly.ok) return fail(newly.problem);
  const holder = pick((newly.body as z.infer<typeof Users>).value, to);
  const lost = facts.lost.findLast(({ call }) => call.name === 'invite');
  if (holder && lost && holder.id === userIdOf(facts)) return done(holder.id, lost.at, holder.displayName);
  const who = found(address, answers);
  if ('call' in who) return { kind: 'call', call: who.call };
  if ('problem' in who) return fail(who.problem);
  const { id, displayName } = who.user;
  if (sent && made?.ok) return done(id, sent.sentAt, known?.outcome?.name ?? displayName);
  if (holder && holder.id !== id) return fail(problem('clash', say('guestReset.taken', { address: to })));
  // The invitation itself holds nobody back: that it went to the wrong address is noticed right afterwards.
  const mayAt = mayMailAt(wishedMailAt(address, id, facts.beside, requests), facts.policy);
  if (facts.now < mayAt)
    return fail(problem('clash', say('guestReset.coolDown', { who: displayName ?? address, at: mayAt })));
  return { kind: 'call', call: reset(id, to, known?.input, facts, settings) };
}

/** The guest of whom the lost call was about. */
const userIdOf = ({ lost }: Facts<ResetOutcome>): string | undefined => {
  const body = lost.findLast(({ call }) => call.name === 'invite')?.call.body;
  return (body as { invitedUser?: { id?: string } } | undefined)?.invitedUser?.id;
};

function reset(
  userId: string,
  to: string,
  before: GuestInput | undefined,
  facts: Facts<ResetOutcome>,
  { defaultRedirectUrl }: CommandSettings,
): Call {
  const call = graph.inviteCall(
    {
      redirectUrl: before?.redirectUrl ?? defaultRedirectUrl,
      userType: before?.userType ?? 'Guest',
      sponsor: before?.sponsor ?? facts.requester.id,
      ...(before?.language ? { language: before.language } : {}),
      address: to,
      sendMail: true,
    },
    facts,
    () => undefined,
  );
  const { invitedUserSponsors: _kept, ...body } = call.body as Readonly<Record<string, unknown>>;
  // Whether it was done shows in the directory, so a lost answer is looked for before it is sent again.
  return { ...call, body: { ...body, invitedUser: { id: userId }, resetRedemption: true }, repeat: 'restart' };
}

const fail = (why: Problem): Step<ResetOutcome> => ({ kind: 'fail', problem: why });

function story({
  input,
  outcome,
  version,
}: Request<ResetInput, ResetOutcome>): ReturnType<Capability<ResetInput, ResetOutcome>['story']> {
  const who = outcome?.name ?? input.address;
  const title = say('guestReset.title', { who });
  const rows = [
    { label: say('guest.row.address'), text: input.address },
    { label: say('guestReset.row.to'), text: input.to },
  ];
  if (!outcome) return { title, rows };
  const sentence = say('guestReset.done', { who, address: input.to });
  return { title, rows, ending: { sentence, tone: 'good', buttons: [openButton(input.to, version)] } };
}
