/**
 * `why <address>`, `why not <address>` and `policy try <address>`: who asked for somebody, by which rule and with whose
 * approval; or what the rules would say of them now. From the store, in the turn; nothing is sent anywhere.
 * Must not know activities or invokes.
 */
import type { View } from '../cards/view.ts';
import { listView, noticeView, STATE_WORDS } from '../cards/views.ts';
import { readArguments } from '../requests/arguments.ts';
import type { AnyCapability } from '../requests/capability.ts';
import type { Desk } from '../requests/desk.ts';
import { type Case, judge, type Verdict } from '../requests/policy/judge.ts';
import type { PolicyNow } from '../requests/policy/rules.ts';
import type { Clock } from '../requests/ports.ts';
import { problem } from '../requests/problem.ts';
import type { Request } from '../requests/request.ts';
import { type Say, say } from '../requests/say.ts';
import type { Button } from '../requests/story.ts';
import type { Asker, Replies } from './replies.ts';

export interface WhyParts {
  readonly desk: Desk;
  readonly replies: Replies;
  readonly policyNow: PolicyNow;
  readonly clock: Clock;
  readonly isAdmin: (personId: string) => boolean;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
}

/** Most requests about one person that are told. */
const MOST = 10;
const ADDRESS = /[^\s<>,;"]+@[^\s<>,;"]+/;

export class Whys {
  readonly #parts: WhyParts;

  constructor(parts: WhyParts) {
    this.#parts = parts;
  }

  /** Everything that was asked about this person, newest first, each with its rule and who approved. */
  async why(typed: string, asker: Asker): Promise<View> {
    const { desk, replies } = this.#parts;
    const { where, language } = asker;
    const address = ADDRESS.exec(typed)?.[0]?.toLowerCase();
    if (!address) return replies.problem(problem('input', 'problem.whichGuest'), asker);
    const found = await desk.list({ tenantId: where.tenantId, subject: address, limit: MOST });
    return listView(
      {
        title: say('why.title', { address }),
        empty: say('why.nobody', { address }),
        rows: found.map((request) => ({
          title: this.#titleOf(request),
          sub: reasonOf(request, language.dateTime(request.createdAt, request.requester.timeZone)),
          state: say(STATE_WORDS[request.state]),
          requestId: request.id,
        })),
      },
      language,
    );
  }

  /** What the rules say of inviting this person now; admins hear it of anybody who may ask. */
  async whyNot(typed: string, asker: Asker): Promise<View> {
    const { replies, policyNow, isAdmin, clock } = this.#parts;
    const { who, where, language } = asker;
    const address = ADDRESS.exec(typed)?.[0]?.toLowerCase();
    if (!address) return replies.problem(problem('input', 'problem.whichGuest'), asker);
    const inForce = await policyNow(where.tenantId);
    const { defaultStayDays, longestStayDays } = inForce.policy;
    // Nobody said until when: the last day is the one that would be put in.
    const days = defaultStayDays ?? longestStayDays;
    const until = days === null ? undefined : new Date(clock.now() + days * DAY_MS).toISOString().slice(0, 10);
    const mayChange = isAdmin(who.id);
    const { team } = readArguments(typed, this.#parts.capabilities.get('guest')?.fields ?? []);
    const asked: Case = { what: 'invite', address, until, ...(team ? { team: { name: team } } : {}) };
    const known = { id: who.id, groups: null, ownsTeam: null };
    const verdict = judge(inForce, asked, known, clock.now());
    // Without a team nobody owns it; of their own team they may ask all the same.
    const ofAnyTeam = { ...asked, team: asked.team ?? { name: '' } };
    const withTeam = team ? verdict : judge(inForce, ofAnyTeam, known, clock.now());
    const isRefused = verdict.kind === 'refused' && withTeam.kind !== 'unknown';
    const isOwnTeam = verdict.kind === 'refused' && withTeam.kind === 'unknown';
    const invite: Button = {
      title: say('guest.form.title'),
      verb: 'form.open',
      data: { capability: 'guest', people: address, ...(team ? { team } : {}) },
    };
    const change: Button = { title: say('policy.form.title'), verb: 'form.open', data: { capability: 'policy' } };
    return noticeView(
      {
        title: say('why.notTitle', { address }),
        sentence: isOwnTeam ? say('why.depends.ownTeam') : sentenceOf(verdict, inForce.version),
        tone: isRefused ? 'attention' : 'neutral',
        buttons: [...(isRefused ? [] : [invite]), ...(mayChange ? [change] : [])],
      },
      language,
    );
  }

  #titleOf(request: Request): string | Say {
    return this.#parts.capabilities.get(request.capability)?.story(request).title ?? request.subject;
  }
}

const DAY_MS = 24 * 3600_000;

function reasonOf({ requester, approval }: Request, when: string): Say {
  const first = say('list.asked', { name: requester.name, when });
  if (!approval) return first;
  const decision = approval.asked?.decision;
  const rule = say('approval.rule', { rule: approval.rule, version: approval.version });
  const second = decision ? say('two', { first: rule, second: decided(decision) }) : rule;
  return say('two', { first, second });
}

function decided({
  kind,
  by,
  until,
}: NonNullable<NonNullable<NonNullable<Request['approval']>['asked']>['decision']>): Say {
  return say(`approval.was.${kind}`, { name: by.name, ...(until ? { until: say('date', { date: until }) } : {}) });
}

function sentenceOf(verdict: Verdict, version: number): Say {
  if (verdict.kind === 'unknown') return say(`why.depends.${verdict.needs}`);
  const rule = say('approval.rule', { rule: verdict.rule, version });
  if (verdict.kind === 'refused') return say('two', { first: verdict.problem.say, second: say('why.rule', { rule }) });
  if (verdict.kind === 'allowed') return say('two', { first: say('why.allowed'), second: say('why.rule', { rule }) });
  const { approvers, approverGroups } = verdict.by;
  const names = [...approvers, ...approverGroups].map(({ name }) => name).join(', ');
  return say('two', { first: say('why.needsApproval', { names }), second: say('why.rule', { rule }) });
}
