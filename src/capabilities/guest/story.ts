/**
 * What a guest's card tells: who, how they were brought in, how their stay goes, and what can be done about it. Pure; must
 * not know languages or card templates.
 */
import type { Capability } from '../../requests/capability.ts';
import type { Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Button, Story } from '../../requests/story.ts';
import type { GuestInput } from './input.ts';
import { addressOf, type GuestOutcome, type Removal, type Stay } from './outcome.ts';

type GuestStory = ReturnType<Capability<GuestInput, GuestOutcome>['story']>;
type Ending = NonNullable<GuestStory['ending']>;

export function storyOfGuest(request: Request<GuestInput, GuestOutcome>): GuestStory {
  const { input, outcome } = request;
  const who = outcome?.name ?? input.displayName;
  const address = addressOf(input.address, outcome);
  const until = outcome?.stay?.until ?? input.until;
  const rows: Story['rows'][number][] = [{ label: say('guest.row.address'), text: address }];
  if (who) rows.push({ label: say('guest.row.name'), text: who });
  if (input.team) rows.push({ label: say('guest.row.team'), text: outcome?.team?.name ?? input.team.name });
  if (input.reason) rows.push({ label: say('guest.row.reason'), text: input.reason });
  if (until) rows.push({ label: say('guest.row.until'), text: say('date', { date: until }) });
  if (input.message) rows.push({ label: say('guest.row.message'), text: input.message });
  if (input.cc) rows.push({ label: say('guest.row.cc'), text: input.cc });
  rows.push({ label: say('guest.row.sponsor'), text: outcome?.stay?.sponsor?.name ?? request.requester.name });
  const title = say('guest.title', { who: who ?? address });
  if (!outcome) return { title, rows };
  const ending = endingOf(outcome, who ?? address, request);
  return outcome.stay ? { title, rows, ending, live: ending } : { title, rows, ending };
}

/** What a form can say that no card tells as a rule; whoever approves it is to see all of it. */
export function unusualOf(
  { userType, redirectUrl, sendMail, language, more }: GuestInput,
  usualUrl: string,
): Story['rows'] {
  const rows: Story['rows'][number][] = [];
  const row = (field: string, text: string | Say): void => {
    rows.push({ label: say(`guest.field.${field}.label`), text });
  };
  if (userType === 'Member') row('userType', say('guest.userType.member'));
  if (redirectUrl !== usualUrl) row('redirectUrl', redirectUrl);
  if (!sendMail) row('sendMail', say('guest.row.noMail'));
  if (language) row('language', language);
  const pairs = Object.entries(more ?? {});
  if (pairs.length > 0) row('more', pairs.map(([key, value]) => `${key}: ${value}`).join('\n'));
  return rows;
}

/** How it stands; a stay that goes on tells the same as one that is over. */
function endingOf(
  outcome: GuestOutcome,
  who: string,
  { id, place, input, version }: Request<GuestInput, GuestOutcome>,
): Ending {
  const { team, stay, standing, did, redeemUrl, mailed } = outcome;
  if (stay?.removed)
    return { state: say('guest.state.removed'), sentence: removedSay(stay.removed, who), tone: 'neutral', buttons: [] };
  const joined =
    team && say(team.was === 'added' ? 'guest.ended.joined' : 'guest.ended.alreadyIn', { team: team.name });
  const brought = say(sentenceOf(outcome, place.kind === 'personal'), { who, id });
  const isWaiting = standing === 'pending';
  return {
    ...(stay ? { state: say(`guest.state.${standing}`) } : {}),
    sentence: stay ? staySay(outcome, stay, who, both(brought, joined)) : both(brought, joined),
    tone: stay ? toneOf(stay) : did === 'found' && !isWaiting && !team ? 'neutral' : 'good',
    buttons: buttonsOf(outcome, addressOf(input.address, outcome), String(version)),
    ...(redeemUrl && isWaiting
      ? { link: { label: say(mailed ? 'guest.link.mailed' : 'guest.link.notMailed'), url: redeemUrl } }
      : {}),
  };
}

/** What can be done about them; `drawn` makes two presses on one card one. */
function buttonsOf({ did, standing, stay }: GuestOutcome, people: string, drawn: string): readonly Button[] {
  const run = (title: string, command: string, style?: Button['style']): Button => ({
    title: say(title),
    verb: 'command.run',
    data: { text: `${command} ${people}`, drawn },
    ...(style ? { style } : {}),
  });
  const form = (title: string, capability: string): Button => ({
    title: say(title),
    verb: 'form.open',
    data: { capability, people },
  });
  const keep = form('guest.button.keep', 'guestExtend');
  const remove = run('guest.button.remove', 'revoke', 'destructive');
  // Whom this request did not bring in is not its asker's to send away.
  const isOurs = did === 'invited';
  if (stay && isAsked(stay)) return isOurs ? [keep, remove] : [keep];
  if (standing === 'pending') {
    const remind = [run('guest.button.resend', 'resend'), run('guest.button.link', 'new link')];
    return isOurs ? [...remind, remove] : remind;
  }
  if (standing !== 'accepted' || !isOurs) return [];
  return [...(stay?.isInTeam === false ? [form('guest.button.team', 'guest')] : []), keep, remove];
}

/** What there is to say of a stay now: first what somebody should do something about. */
function staySay({ did, standing }: GuestOutcome, stay: Stay, who: string, brought: Say): Say {
  if (stay.trouble) return stay.trouble;
  if (isAsked(stay)) return say(stay.asked.times > 1 ? 'guest.stay.over' : 'guest.stay.ending', { who });
  if (standing === 'pending') return stay.reminders.times > 0 ? say('guest.stay.waiting', { who }) : brought;
  const wasHere = did === 'found' && stay.acceptedAt === stay.since;
  if (wasHere) return brought;
  return both(say('guest.stay.accepted', { who }), stay.isInTeam === false ? say('guest.stay.noTeam') : undefined);
}

const toneOf = (stay: Stay): Story['tone'] =>
  stay.trouble ||
  isAsked(stay) ||
  (stay.reminders.times > 0 && stay.acceptedAt === undefined) ||
  stay.isInTeam === false
    ? 'warning'
    : 'good';

/** Whether the sponsor was asked about the last day that holds now. */
const isAsked = (stay: Stay): stay is Stay & { readonly asked: NonNullable<Stay['asked']> } =>
  stay.asked !== undefined && stay.asked.about === stay.until;

function removedSay({ why, by }: Removal, who: string): Say {
  if (why === 'asked') return say('guest.stay.removed.asked', { who, name: by?.name ?? '' });
  return say(
    why === 'ended'
      ? 'guest.stay.removed.ended'
      : why === 'elsewhere'
        ? 'guest.stay.removed.elsewhere'
        : 'guest.stay.removed.never',
    { who },
  );
}

const both = (first: Say, second: Say | undefined): Say => (second ? say('two', { first, second }) : first);

/** Where others read along the link is not shown, so the way to it is said. */
function sentenceOf(outcome: GuestOutcome, isAlone: boolean): string {
  if (outcome.did === 'found') return `guest.ended.found.${outcome.standing}`;
  if (outcome.recovered) return outcome.recovered === 'found' ? 'guest.ended.recovered' : 'guest.ended.said';
  if (outcome.mailed) return 'guest.ended.invited';
  return isAlone ? 'guest.ended.invitedNoMail' : 'guest.ended.invitedNoMailHere';
}
