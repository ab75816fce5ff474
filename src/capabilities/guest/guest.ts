/**
 * The guest capability: bring someone from outside into the tenant, and into a team when asked. Puts together fields,
 * reading, steps and story. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import type { Capability } from '../../requests/capability.ts';
import { GUEST_ANSWERS } from './calls.ts';
import { GUEST_FIELDS, type GuestInput, guestWithout, readGuest, writeGuest } from './input.ts';
import { GUEST_LIST } from './list.ts';
import { aboutWhom, type GuestOutcome } from './outcome.ts';
import { judgedGuest, planGuest } from './plan.ts';
import { PROVIDERS, type ProviderName, readFor } from './provider.ts';
import { stepGuest } from './step.ts';
import { storyOfGuest, unusualOf } from './story.ts';
import { chooseTeam } from './team.ts';

export interface GuestSettings {
  /** Entra object ids of those who may look after every guest. */
  readonly admins: ReadonlySet<string>;
  /** Where a guest lands after redeeming, when nobody said otherwise (https). */
  readonly defaultRedirectUrl: string;
  /** Graph's base URL with version, for bodies that name objects by address. */
  readonly graphUrl: string;
  /** Who sends the invitations. */
  readonly guestProvider: ProviderName;
}

export function guest(settings: GuestSettings): Capability<GuestInput, GuestOutcome> {
  const provider = PROVIDERS[settings.guestProvider];
  return {
    name: 'guest',
    topic: 'guests',
    commands: ['invite', 'invite guest', 'add guest', 'bring in'],
    fields: GUEST_FIELDS,
    read: (raw, around) => readFor(provider, raw, readGuest(raw, around, settings.defaultRedirectUrl)),
    write: writeGuest,
    choose: (input, field, option) => (field === 'team' ? chooseTeam(input, option.value) : input),
    subject: (input) => input.address.toLowerCase(),
    about: aboutWhom,
    without: guestWithout,
    answers: { ...GUEST_ANSWERS, ...provider.answers },
    list: GUEST_LIST,
    judged: judgedGuest,
    plan: (input, answers, facts) => planGuest(input, answers, facts, settings.graphUrl, provider),
    approverRows: (input) => unusualOf(input, settings.defaultRedirectUrl),
    shorten: (input, until) => ({ ...input, until }),
    mayOpen: ({ outcome }, { id }) => settings.admins.has(id) || outcome?.stay?.sponsor?.id === id,
    step: (input, answers, facts) => stepGuest(input, answers, facts, settings.graphUrl, provider),
    story: storyOfGuest,
  };
}
