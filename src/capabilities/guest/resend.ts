/**
 * The invitation of a pending guest once more: `resend` sends another mail, `new link` only makes another link, which
 * whoever asked sees in their own chat. No I/O; must not know Teams, HTTP, SQL or card templates.
 * Source: Microsoft Graph v1.0, invitation-post (inviting a pending guest again answers with the same user).
 */
import type { Answer, Capability, Facts, ListOf, Step } from '../../requests/capability.ts';
import { bad, good, type Problem, problem } from '../../requests/problem.ts';
import type { Place, Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import { Users } from './calls.ts';
import type { GuestInput } from './input.ts';
import {
  aboutGuest,
  type CommandSettings,
  deniedTo,
  found,
  type GuestRequest,
  openButton,
  PEOPLE,
  readGuests,
  requestsOf,
  sponsorOf,
  tell,
} from './known.ts';
import { lastMailAt, type Mailed, mailsTo, mayMailAt } from './mails.ts';
import { type Invited, PROVIDERS } from './provider.ts';

export interface ResendInput {
  readonly address: string;
}

export interface ResendOutcome extends Mailed {
  readonly name?: string;
  /** A secret: shown only to whoever asked, in their own chat. */
  readonly redeemUrl?: string;
  /** A person said that it arrived. */
  readonly isSaid?: true;
}

const KINDS = {
  mail: { name: 'guestResend', commands: ['resend', 'send again', 'remind guest'] },
  link: { name: 'guestLink', commands: ['new link', 'link for'] },
} as const;
type Kind = keyof typeof KINDS;

export function guestResend(kind: Kind, settings: CommandSettings): Capability<ResendInput, ResendOutcome> {
  const { name, commands } = KINDS[kind];
  return {
    name,
    topic: 'guests',
    isAside: true,
    commands,
    fields: [PEOPLE],
    read: (raw) => {
      const { faults, addresses } = readGuests(raw, [PEOPLE]);
      return faults.length > 0 ? bad(faults) : good(addresses.map((address) => ({ address })));
    },
    write: ({ address }) => ({ people: address }),
    choose: (input) => input,
    subject: ({ address }) => address,
    about: ({ input: { address }, outcome }) => ({
      addresses: [address],
      ids: outcome?.userId === undefined ? [] : [outcome.userId],
    }),
    answers: { find: Users, ...PROVIDERS[settings.guestProvider].answers },
    beside: ({ address }) => [aboutGuest(address), ...mailsTo(address)],
    ...(kind === 'mail' ? { list: resendList(settings) } : {}),
    // A link goes to nobody by itself, but whoever has it comes in.
    judged: ({ address }) => ({ what: 'resend', address }),
    step: (input, answers, facts) => step(kind, input, answers, facts, settings),
    story: (request) => story(kind, request),
  };
}

/** Those of a list who are awaited; what is typed is never one. */
const resendList = (settings: CommandSettings): ListOf<ResendInput, ResendOutcome> => ({
  pace: 'invitations',
  split: () => null,
  known: () => null,
  // Nobody is promised a mail that they would not get; what only the directory knows is found out once it is sent.
  considers: {
    capabilities: ['guest', 'guestResend', 'guestReset'],
    why({ address }, about, { requester, policy, now }) {
      const requests = requestsOf(about, address);
      const denied = deniedTo(requester, address, requests, settings, true);
      if (denied) return denied.say;
      const last = lastMailAt(address, requests[0]?.outcome?.userId ?? '', about, requests);
      return tooSoon(address, last, policy, now)?.say ?? null;
    },
  },
  ended({ state, standing, problem: why, approval }) {
    if (state === 'done') return standing === 'mailed' ? 'sent' : 'refused';
    if (state === 'unsure') return 'unsure';
    if (state === 'cancelled') return 'stopped';
    if (state === 'declined') return 'refused';
    if (state !== 'failed') return null;
    // Whoever has accepted meanwhile, is to be left alone for now, or is gone is nothing to try again; nor is somebody
    // else's guest, unlike what the directory denies (it gives a reason): that may be mended there.
    const isDenied = why?.kind === 'denied' && (approval?.verdict === 'refused' || why.reason === undefined);
    return why?.kind === 'clash' || why?.kind === 'gone' || isDenied ? 'refused' : 'failed';
  },
});

/** They got a mail not long ago, and are to be left alone until the next. */
function tooSoon(address: string, last: number, policy: Parameters<typeof mayMailAt>[1], now: number): Problem | null {
  const at = mayMailAt(last, policy);
  return now < at ? problem('clash', say('guestResend.coolDown', { address, at })) : null;
}

function step(
  kind: Kind,
  { address }: ResendInput,
  answers: readonly Answer[],
  facts: Facts<ResendOutcome>,
  settings: CommandSettings,
): Step<ResendOutcome> {
  const { requester, beside, policy, now, requestId } = facts;
  const requests = requestsOf(beside, address);
  const provider = PROVIDERS[settings.guestProvider];
  const heard = (name: string) => answers.findLast(({ call }) => call.name === name)?.reply ?? undefined;
  const invited = answers.findLast(({ call }) => call.name === 'invite');
  const reply = invited?.reply;
  if (invited && reply?.ok) {
    const told = reply.assumed ? {} : provider.readInvitation(reply.body);
    const { redeemUrl, name: asNamed, mailed }: Invited = told;
    const name = requests[0]?.outcome?.name ?? asNamed;
    // Another service in between may find them invited already, and mail nobody.
    const isMailed = kind === 'mail' && mailed !== false;
    return {
      kind: 'done',
      outcome: {
        mailedAt: isMailed ? invited.sentAt : null,
        ...(name ? { name } : {}),
        ...(redeemUrl && kind === 'link' ? { redeemUrl } : {}),
        ...(reply.assumed ? { isSaid: true as const } : {}),
      },
      standing: kind === 'link' ? 'made' : isMailed ? 'mailed' : 'not mailed',
      ...(isMailed ? { wakes: tell(address, { key: 'mailed', body: { id: requestId } }) } : {}),
    };
  }
  if (reply?.ok === false) return { kind: 'fail', problem: provider.inviteProblem(reply.problem), fresh: true };

  const denied = deniedTo(requester, address, requests, settings, true);
  if (denied) return { kind: 'fail', problem: denied };
  const who = found(address, answers);
  if ('call' in who) return { kind: 'call', call: who.call };
  if ('problem' in who) return { kind: 'fail', problem: who.problem };
  if (who.user.externalUserState !== 'PendingAcceptance')
    return { kind: 'fail', problem: problem('clash', say('guestResend.accepted', { address })) };
  const spared = tooSoon(address, lastMailAt(address, who.user.id, beside, requests), policy, now);
  if (kind === 'mail' && spared) return { kind: 'fail', problem: spared };
  const first = provider.lookUp(facts, heard);
  if (first) return 'call' in first ? { kind: 'call', call: first.call } : { kind: 'fail', problem: first.problem };
  const call = provider.inviteCall(again(kind, address, requests[0], facts, settings), facts, heard);
  // A second mail leaves no trace, so nobody but a person can say whether it went out. Another link harms nobody.
  return { kind: 'call', call: { ...call, repeat: kind === 'mail' ? 'never' : 'safe' } };
}

/** The invitation as it was, to the same person. */
function again(
  kind: Kind,
  address: string,
  before: GuestRequest | undefined,
  { requester }: Facts<ResendOutcome>,
  { defaultRedirectUrl }: CommandSettings,
): GuestInput {
  const sponsor = before ? sponsorOf(before).id : requester.id;
  const fresh: GuestInput = { address, redirectUrl: defaultRedirectUrl, sendMail: true, userType: 'Guest', sponsor };
  const { message: _said, language: _in, cc: _too, ...bare } = before?.input ?? fresh;
  const input = kind === 'mail' ? (before?.input ?? fresh) : bare;
  return { ...input, address, sponsor, sendMail: kind === 'mail' };
}

function story(
  kind: Kind,
  { id, input, outcome, place, version }: Request<ResendInput, ResendOutcome>,
): ReturnType<Capability<ResendInput, ResendOutcome>['story']> {
  const { address } = input;
  const who = outcome?.name ?? address;
  const title = say(kind === 'mail' ? 'guestResend.title' : 'guestLink.title', { who });
  const rows = [{ label: say('guest.row.address'), text: address }];
  if (!outcome) return { title, rows };
  const { sentence, tone } = kind === 'mail' ? mailSaid(outcome, who) : linkSaid(outcome, who, id, place);
  return {
    title,
    rows,
    ending: {
      sentence,
      tone,
      buttons: [openButton(address, version)],
      ...(outcome.redeemUrl ? { link: { label: say('guest.link.notMailed'), url: outcome.redeemUrl } } : {}),
    },
  };
}

type Said = { readonly sentence: Say; readonly tone: 'good' | 'warning' };

const mailSaid = ({ mailedAt, isSaid }: ResendOutcome, who: string): Said =>
  mailedAt === null
    ? { sentence: say('guestResend.notMailed', { who }), tone: 'warning' }
    : { sentence: say(isSaid ? 'guestResend.said' : 'guestResend.done', { who }), tone: 'good' };

const linkSaid = ({ redeemUrl }: ResendOutcome, who: string, id: string, { kind }: Place): Said =>
  redeemUrl === undefined
    ? { sentence: say('guestLink.none', { who }), tone: 'warning' }
    : { sentence: say(kind === 'personal' ? 'guestLink.done' : 'guestLink.doneHere', { who, id }), tone: 'good' };
