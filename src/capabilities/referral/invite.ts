/**
 * Inviting an organization, Microsoft or another partner, into an engagement that exists: one more referral in it, for
 * them. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import type { Answer, Capability, Facts, Field, Raw, Step } from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import type { Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import type { Story } from '../../requests/story.ts';
import { given, readerOf } from '../reader.ts';
import { type Invitee, invitedBody, isFor, likeDeal, MICROSOFT } from './bodies.ts';
import { createCall, ofEngagement, pagesOf, readCall } from './calls.ts';
import { chosenIn, offered, type ReferralChoices } from './choices.ts';
import { customerOf, DASHBOARD, Deal, dealIn, isOpen, openButton, Page, stateOf, WholeDeal } from './deal.ts';
import { fieldAt, inForm } from './faults.ts';
import { meantBy, WHICH_ANSWERS, type Which, whichOf } from './which.ts';

export interface InviteSettings {
  readonly referralChoices: ReferralChoices;
  readonly referralNamesOrganization: boolean;
}

export interface ReferralInviteInput extends Which {
  readonly invitee: Invitee;
  readonly assistance?: string;
  readonly note?: string;
}

export interface ReferralInviteOutcome {
  /** The deal they are invited into, and their own referral of it. */
  readonly deal: Deal;
  readonly theirs: Deal;
  /** They were in it already. */
  readonly was?: true;
}

const fieldsOf = (choices: ReferralChoices): readonly Field[] => [
  {
    name: 'organization',
    kind: 'text',
    words: 'referralInvite.field.organization',
    required: true,
    max: 200,
    fallback: MICROSOFT.name,
  },
  {
    name: 'which',
    kind: 'text',
    words: 'referral.field.which',
    required: true,
    max: 200,
    phrases: ['into', 'to'],
  },
  {
    name: 'assistance',
    kind: 'choice',
    words: 'referralNew.field.assistance',
    choices: offered(choices.assistance),
    phrases: ['for'],
    accepts: (text) => chosenIn(choices.assistance, text.split(/\s(?=because|note)/)[0] ?? '') !== null,
  },
  {
    name: 'note',
    kind: 'lines',
    words: 'referralInvite.field.note',
    max: 1000,
    phrases: ['because', 'note', 'saying'],
  },
];

export function referralInvite(settings: InviteSettings): Capability<ReferralInviteInput, ReferralInviteOutcome> {
  const fields = fieldsOf(settings.referralChoices);
  return {
    name: 'referralInvite',
    topic: 'deals',
    isAside: true,
    remote: 'partnerCenter',
    commands: ['referral invite', 'deal invite', 'invite to referral', 'invite to deal'],
    fields,
    read: (raw) => read(raw, fields, settings.referralChoices),
    write,
    choose: (input, _field, { value }) => ({ ...input, id: value }),
    subject: ({ id, which }) => id ?? which.toLowerCase(),
    answers: { ...WHICH_ANSWERS, read: WholeDeal, engagement: Page, invite: Deal },
    step: (input, answers, facts) => step(input, answers, facts, settings),
    story,
  };
}

function read(
  raw: Raw,
  fields: readonly Field[],
  choices: ReferralChoices,
): Result<readonly ReferralInviteInput[], readonly Problem[]> {
  const { text, fault, faults } = readerOf(raw, fields);
  // Every field is read before anything is judged, so that none is cut short in silence.
  for (const { name, words, required } of fields) if (!text(name) && required) fault(name, `${words}.missing`);
  const invitee = inviteeOf(text('organization') ?? '');
  if (text('organization') && !invitee) fault('organization', 'referralInvite.organization.shape');
  const typed = text('assistance');
  const assistance = typed ? chosenIn(choices.assistance, typed) : null;
  if (typed && !assistance) fault('assistance', say('referral.choice.unknown', { text: typed.slice(0, 60) }));
  if (faults.length > 0 || !invitee) return bad(faults);
  return good([
    { ...whichOf(text('which') ?? ''), invitee, ...given({ assistance: assistance?.id, note: text('note') }) },
  ]);
}

/** Microsoft by name; anybody else by their Partner Center id, since names are not unique. */
function inviteeOf(typed: string): Invitee | null {
  const text = typed.trim().replace(/^["“”]+|["“”.]+$/g, '');
  if (/^(?:microsoft|msft)$/i.test(text)) return { organizationId: MICROSOFT.id, organizationName: MICROSOFT.name };
  const id = /(?:^|[\s(])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{5,12})\)?$/i.exec(text)?.[1];
  if (!id) return null;
  const name = text.slice(0, -id.length).replace(/[\s(]+$/, '');
  return { organizationId: id.toLowerCase(), ...(name ? { organizationName: name } : {}) };
}

const nameOf = ({ organizationName, organizationId }: Invitee): string => organizationName ?? organizationId;

function write({ invitee, which, id, assistance, note }: ReferralInviteInput): Raw {
  const { organizationId, organizationName } = invitee;
  const isMicrosoft = organizationId === MICROSOFT.id;
  return given({
    organization: isMicrosoft ? MICROSOFT.name : [organizationName, organizationId].filter(Boolean).join(' '),
    which: id ?? which,
    assistance,
    note,
  }) as Raw;
}

function step(
  input: ReferralInviteInput,
  answers: readonly Answer[],
  facts: Facts<ReferralInviteOutcome>,
  settings: InviteSettings,
): Step<ReferralInviteOutcome> {
  const fail = (why: Problem): Step<ReferralInviteOutcome> => ({ kind: 'fail', problem: why, fresh: true });
  const meant = meantBy(input, answers);
  if ('call' in meant) return { kind: 'call', call: meant.call };
  if ('question' in meant) return { kind: 'ask', question: meant.question, forMs: 3 * 24 * 3600_000 };
  if ('problem' in meant) return fail(meant.problem);
  const read = answers.findLast(({ call }) => call.name === 'read')?.reply;
  if (!read) return { kind: 'call', call: readCall(meant.id) };
  if (!read.ok) return fail(read.problem);
  const whole = WholeDeal.parse(read.body);
  const deal = Deal.parse(whole);
  if (!isOpen(deal)) return fail(problem('clash', say('referral.notNow', { state: stateOf(deal) })));
  // Said before it is sent: whoever is invited would see the customer.
  if (whole.consent?.consentToToShareInfoWithOthers === false)
    return fail(problem('refused', 'referral.consent.needed'));
  const { engagementId } = deal;
  if (!engagementId) return fail(problem('refused', 'referral.noEngagement'));

  const made = answers.findLast(({ call }) => call.name === 'invite');
  const done = (theirs: Deal, was: boolean): Step<ReferralInviteOutcome> => ({
    kind: 'done',
    outcome: { deal, theirs, ...(was ? { was: true } : {}) },
    standing: deal.status,
    subject: deal.id,
  });
  if (made?.reply?.ok && !made.reply.assumed) return done(dealIn(made.reply.body), false);
  // Looked for before it is asked for, and again when somebody was quicker or says that it arrived.
  const isClash = made?.reply?.ok === false && made.reply.problem.kind === 'clash';
  const since = made && (isClash || made.reply?.ok) ? made.n : -1;
  const found = pagesOf(
    'engagement',
    ofEngagement(engagementId),
    answers.filter(({ n, call }) => call.name !== 'engagement' || n > since),
  );
  if ('call' in found) return { kind: 'call', call: found.call };
  if ('reply' in found) return fail(found.reply.ok ? problem('bug', 'problem.bug') : found.reply.problem);
  const theirs = found.deals.find((one) => one.id !== deal.id && isFor(one, input.invitee));
  if (theirs) return done(theirs, facts.lost.length === 0 && made === undefined);
  if (made?.reply?.ok === false) return fail(inThisForm(made.reply.problem));
  if (made?.reply?.ok) return fail(problem('gone', 'referral.notFoundAgain'));
  const context = given({ notes: input.note, assistanceRequestCode: input.assistance });
  const body = invitedBody(
    likeDeal(whole, input.invitee),
    engagementId,
    input.invitee,
    context,
    deal.organizationId ?? null,
    settings.referralNamesOrganization,
  );
  return { kind: 'call', call: createCall('invite', body) };
}

/** Only what this form has can be mended in it. */
function inThisForm(why: Problem): Problem {
  const at = fieldAt(why.at);
  const field = at === 'noteToMicrosoft' ? 'note' : at === 'solutionId' ? 'organization' : at;
  return inForm(why, field && ['note', 'organization', 'assistance'].includes(field) ? field : null);
}

function story({
  input,
  outcome,
  version,
}: Request<ReferralInviteInput, ReferralInviteOutcome>): ReturnType<
  Capability<ReferralInviteInput, ReferralInviteOutcome>['story']
> {
  const who = nameOf(input.invitee);
  // An id says nothing to a person.
  const title =
    !outcome && whichOf(input.which).id
      ? say('referralInvite.form.title')
      : say('referralInvite.title', { who, customer: outcome ? customerOf(outcome.deal) : input.which });
  const rows: Story['rows'][number][] = [];
  if (input.note) rows.push({ label: say('referral.row.note'), text: input.note });
  if (!outcome) return { title, rows };
  rows.push({ label: say('referral.row.id'), text: outcome.deal.id });
  return {
    title,
    rows,
    page: DASHBOARD,
    ending: {
      state: stateOf(outcome.theirs),
      sentence: say(outcome.was ? 'referralInvite.was' : 'referralInvite.done', { who }),
      tone: outcome.was ? 'neutral' : 'good',
      buttons: [openButton(outcome.deal.id, version)],
    },
  };
}
