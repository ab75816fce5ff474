/**
 * The capability that makes a new deal: private, led by the partner, or sold together with Microsoft. Puts together
 * fields, reading, steps and story. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import type { Capability } from '../../requests/capability.ts';
import type { Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import type { Button, Story } from '../../requests/story.ts';
import type { ReferralChoices } from './choices.ts';
import { CREATE_ANSWERS, type CreateOutcome, type CreateSettings, stepCreate } from './createStep.ts';
import { DASHBOARD, openButton, stateOf, worthOf } from './deal.ts';
import { arrangeNewDeal, type NewDeal, newDealFields, previewOf, readNewDeal, writeNewDeal } from './newDeal.ts';

export interface ReferralNewSettings extends CreateSettings {
  readonly referralChoices: ReferralChoices;
}

export function referralNew(settings: ReferralNewSettings): Capability<NewDeal, CreateOutcome> {
  const choices = settings.referralChoices;
  return {
    name: 'referralNew',
    topic: 'deals',
    remote: 'partnerCenter',
    commands: ['referral new', 'deal new', 'new referral', 'new deal', 'share deal'],
    fields: newDealFields(choices),
    arrange: arrangeNewDeal,
    read: (raw, around) => readNewDeal(raw, around, choices),
    preview: previewOf,
    write: (input, outcome) => writeNewDeal(input, halfOf(input, outcome)),
    choose: (input) => input,
    subject: ({ name }) => name.toLowerCase(),
    answers: CREATE_ANSWERS,
    step: (input, answers, facts) => stepCreate(input, answers, facts, settings),
    story: (request) => story(request, settings),
  };
}

/** The first half of a co-sell deal that has no second one yet. */
function halfOf(input: NewDeal, outcome: CreateOutcome | null | undefined): NewDeal['half'] {
  const { id, engagementId } = outcome?.deal ?? {};
  if (input.how !== 'coSell' || outcome?.second || !id || !engagementId) return input.half;
  return { id, engagementId };
}

function story(
  { input, outcome, note, state, fence, version }: Request<NewDeal, CreateOutcome>,
  { referralHoldMs }: ReferralNewSettings,
): ReturnType<Capability<NewDeal, CreateOutcome>['story']> {
  const { customer, amount, currency, closes, how } = input;
  const deal = outcome?.deal;
  const rows: Story['rows'][number][] = [
    { label: say('referral.row.customer'), text: customer.name },
    { label: say('referral.row.value'), text: worthOf(amount, currency) },
    { label: say('referral.row.closes'), text: say('date', { date: closes }) },
    { label: say('referral.row.how'), text: say(`referral.how.${how}`) },
  ];
  if (input.notes) rows.push({ label: say('referral.row.notes'), text: input.notes });
  if (deal) rows.push({ label: say('referral.row.id'), text: deal.id });
  const title = say('referralNew.title', { customer: customer.name });
  // Who takes it up first holds it back: the receipt itself says so, since an edit comes when much of the time is over.
  const isNew = (state === 'queued' || state === 'sending') && fence <= 1 && referralHoldMs > 0 && !outcome && !note;
  if (isNew || note?.key === 'referral.holding')
    return {
      title,
      rows,
      live: {
        state: say('referral.held'),
        sentence: say('referral.holding'),
        tone: 'neutral',
        buttons: [{ title: say('button.stop'), verb: 'request.cancel', style: 'destructive' }],
      },
    };
  if (!deal) return { title, rows };
  const made = say(
    outcome.recovered ? 'referralNew.recovered' : how === 'coSell' ? 'referralNew.made.both' : 'referralNew.made',
  );
  const sees = say(`referral.sees.${how}`);
  return {
    title,
    rows,
    page: DASHBOARD,
    ending: {
      state: stateOf(deal),
      sentence: say('two', { first: made, second: sees }),
      tone: 'good',
      buttons: [openButton(deal.id, version), ...peopleOf(input)],
    },
  };
}

/** The customer's people as guests, where they agreed to being shared. */
function peopleOf({ customer, consent, name }: NewDeal): readonly Button[] {
  if (!consent.share || customer.team.length === 0) return [];
  const people = customer.team.map(({ firstName, lastName, email }) => `${firstName} ${lastName} <${email}>`);
  return [
    {
      title: say('referral.button.people'),
      verb: 'form.open',
      data: { capability: 'guest', people: people.slice(0, 10).join('\n'), reason: name },
    },
  ];
}
