/**
 * The guest capability: bring someone from outside into the tenant, and into a team when asked. Puts together fields,
 * reading, steps and story. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import type { Button, Capability, Story } from '../../requests/capability.ts';
import type { Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import { GUEST_FIELDS, type GuestInput, readGuest, writeGuest } from './input.ts';
import { GUEST_LIST } from './list.ts';
import { judgedGuest, planGuest } from './plan.ts';
import { chooseTeam, GUEST_ANSWERS, type GuestOutcome, stepGuest } from './step.ts';

export interface GuestSettings {
  /** Where a guest lands after redeeming, when nobody said otherwise (https). */
  readonly defaultRedirectUrl: string;
  /** Graph's base URL with version, for bodies that name objects by address. */
  readonly graphUrl: string;
}

export function guest(settings: GuestSettings): Capability<GuestInput, GuestOutcome> {
  return {
    name: 'guest',
    topic: 'guests',
    commands: ['invite', 'invite guest', 'add guest', 'bring in'],
    fields: GUEST_FIELDS,
    read: (raw, around) => readGuest(raw, around, settings.defaultRedirectUrl),
    write: writeGuest,
    choose: (input, field, option) => (field === 'team' ? chooseTeam(input, option.value) : input),
    subject: (input) => input.address.toLowerCase(),
    answers: GUEST_ANSWERS,
    list: GUEST_LIST,
    judged: judgedGuest,
    plan: (input, answers, facts) => planGuest(input, answers, facts, settings.graphUrl),
    shorten: (input, until) => ({ ...input, until }),
    step: (input, answers, facts) => stepGuest(input, answers, facts, settings.graphUrl),
    story: storyOfGuest,
  };
}

function storyOfGuest(
  request: Request<GuestInput, GuestOutcome>,
): ReturnType<Capability<GuestInput, GuestOutcome>['story']> {
  const { input, outcome } = request;
  const who = outcome?.name ?? input.displayName;
  const rows: Story['rows'][number][] = [{ label: say('guest.row.address'), text: input.address }];
  if (who) rows.push({ label: say('guest.row.name'), text: who });
  if (input.team) rows.push({ label: say('guest.row.team'), text: outcome?.team?.name ?? input.team.name });
  if (input.reason) rows.push({ label: say('guest.row.reason'), text: input.reason });
  if (input.until) rows.push({ label: say('guest.row.until'), text: say('date', { date: input.until }) });
  if (input.message) rows.push({ label: say('guest.row.message'), text: input.message });
  if (input.cc) rows.push({ label: say('guest.row.cc'), text: input.cc });
  rows.push({ label: say('guest.row.sponsor'), text: request.requester.name });
  const title = say('guest.title', { who: who ?? input.address });
  if (!outcome) return { title, rows };
  return { title, rows, ending: endingOf(outcome, who ?? input.address, request) };
}

function endingOf(
  outcome: GuestOutcome,
  who: string,
  { id, place }: Request<GuestInput, GuestOutcome>,
): NonNullable<ReturnType<typeof storyOfGuest>['ending']> {
  const first = say(sentenceOf(outcome, place.kind === 'personal'), { who, id });
  const { team } = outcome;
  const joined =
    team && say(team.was === 'added' ? 'guest.ended.joined' : 'guest.ended.alreadyIn', { team: team.name });
  const sentence = joined ? say('two', { first, second: joined }) : first;
  const again: Button = { title: say('guest.button.again'), verb: 'guest.again' };
  const buttons = outcome.did === 'found' && outcome.standing === 'pending' ? [again] : [];
  return {
    sentence,
    tone: outcome.did === 'found' && outcome.standing !== 'pending' && !outcome.team ? 'neutral' : 'good',
    buttons,
    ...(outcome.redeemUrl
      ? { link: { label: say(outcome.mailed ? 'guest.link.mailed' : 'guest.link.notMailed'), url: outcome.redeemUrl } }
      : {}),
  };
}

/** Where others read along the link is not shown, so the way to it is said. */
function sentenceOf(outcome: GuestOutcome, isAlone: boolean): string {
  if (outcome.did === 'found') return `guest.ended.found.${outcome.standing}`;
  if (outcome.recovered) return outcome.recovered === 'found' ? 'guest.ended.recovered' : 'guest.ended.said';
  if (outcome.mailed) return 'guest.ended.invited';
  return isAlone ? 'guest.ended.invitedNoMail' : 'guest.ended.invitedNoMailHere';
}
