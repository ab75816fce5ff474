/**
 * The decision: what a policy says of a case. A pure function of the policy, the case and what the directory said of
 * whoever asks; the same one speaks on the form, at the gate, in `check`, `why`, `why not` and `policy try`.
 * Must not know how facts are looked up, or what is done with a verdict.
 */
import { type Problem, problem } from '../problem.ts';
import { type Say, say } from '../say.ts';
import { domainOf, listedDomain } from './domains.ts';
import type { ApprovalRule, PolicyInForce } from './policy.ts';

/** A team or group; by its name only while it is not known which that is. */
export interface TeamRef {
  readonly id?: string;
  readonly name: string;
}

/** What is asked of the policy. */
export interface Case {
  readonly what: 'invite' | 'resend' | 'extend' | 'reset' | 'remove' | 'hand over';
  readonly address: string;
  readonly team?: TeamRef;
  /** Of a list: the teams its rows name. Who owns one of them may ask for the list; each row is judged again by its own. */
  readonly teams?: readonly TeamRef[];
  /** The guest's last day, ISO date; absent: no end. */
  readonly until?: string | undefined;
  /** BCP 47. */
  readonly language?: string;
  /** The last day that an approver chose for this guest, ISO date. */
  readonly shortenedTo?: string | undefined;
  /** How many are asked for in one go. */
  readonly count?: number;
  /** How many guests whoever asks has removed alone within the last day besides, or is removing. */
  readonly lately?: number;
}

/** What is known of whoever asks; null: not looked up yet. */
export interface Asker {
  readonly id: string;
  /** Of the groups the policy names, those they are in. */
  readonly groups: ReadonlySet<string> | null;
  /** Everybody who may set Usher up, by Entra object id. */
  readonly admins?: readonly string[];
  /** Whether they own the team the guest is to join; of a list, one of its teams. */
  readonly ownsTeam: boolean | null;
}

export type Verdict =
  | { readonly kind: 'allowed'; readonly rule: Say; readonly version: number }
  | { readonly kind: 'needs approval'; readonly rule: Say; readonly version: number; readonly by: ApprovalRule }
  | { readonly kind: 'refused'; readonly rule: Say; readonly version: number; readonly problem: Problem }
  /** It depends on what is not known yet. */
  | { readonly kind: 'unknown'; readonly needs: 'groups' | 'owner' };

/** The policy's word on a case. What cannot be right in any case is said before who asks is looked at. */
export function judge({ policy, version }: PolicyInForce, asked: Case, asker: Asker, now: number): Verdict {
  const refused = (rule: Say, sentence: Say, field?: string): Verdict => ({
    kind: 'refused',
    rule,
    version,
    problem: problem('denied', sentence, field ? { field } : {}),
  });
  const domain = domainOf(asked.address);
  const brings = asked.what === 'invite' || asked.what === 'resend' || asked.what === 'reset';

  const blocked = brings ? listedDomain(domain, policy.blockedDomains) : null;
  if (blocked !== null)
    return refused(
      say('policy.rule.blocked', { domain: blocked }),
      say('policy.refused.blocked', { domain, listed: blocked }),
      'people',
    );
  if (brings && policy.allowedDomains.length > 0 && listedDomain(domain, policy.allowedDomains) === null)
    return refused(say('policy.rule.allowed'), say('policy.refused.notAllowed', { domain }), 'people');
  const { longestStayDays: longest } = policy;
  const stay = asked.until === undefined ? null : daysUntil(asked.until, now);
  if (longest !== null && (asked.what === 'invite' || asked.what === 'extend')) {
    if (stay === null || !(stay <= longest))
      return refused(
        say('policy.rule.longestStay', { count: longest }),
        say(stay === null ? 'policy.refused.noEnd' : 'policy.refused.stay', { count: longest }),
        'until',
      );
  }
  if (asked.what === 'invite' && asked.language && policy.languages.length > 0) {
    const speaks = policy.languages.some((one) => one.toLowerCase() === asked.language?.toLowerCase());
    if (!speaks)
      return refused(
        say('policy.rule.languages'),
        say('policy.refused.language', { language: asked.language, languages: policy.languages.join(', ') }),
        'language',
      );
  }
  if (asked.what === 'invite' && (asked.count ?? 1) > policy.bulkLimit)
    return refused(
      say('policy.rule.bulk', { count: policy.bulkLimit }),
      say('policy.refused.bulk', { count: asked.count ?? 1, most: policy.bulkLimit }),
      'people',
    );

  // Whoever is answerable for a guest may always send them away: few a day alone, more with a second person.
  if (asked.what === 'remove') {
    const count = policy.removeAlone;
    const { count: many = 1, lately = 0 } = asked;
    if (many + lately <= count) return { kind: 'allowed', rule: say('policy.rule.removeFew', { count }), version };
    const second = policy.approvals.find(({ domains, teams }) => domains.length === 0 && teams.length === 0);
    const by = second ?? byAdmins(asker.admins ?? []);
    const rule = say(many <= count ? 'policy.rule.removeLately' : 'policy.rule.removeMany', { count });
    return { kind: 'needs approval', rule, version, by };
  }

  const may = mayAsk(policy.askers, asked, asker);
  if (may === 'groups' || may === 'owner') return { kind: 'unknown', needs: may };
  if (may === null) return refused(say('policy.rule.askers'), say('policy.refused.asker'));

  const by = approvalFor(policy.approvals, asked, domain);
  if (by) return { kind: 'needs approval', rule: say('policy.rule.approval', { rule: by.name }), version, by };
  return { kind: 'allowed', rule: may, version };
}

/** What is refused of several cases that are asked for together; each sentence once. */
export function refusals(
  inForce: PolicyInForce,
  cases: readonly Case[],
  asker: Asker,
  now: number,
): readonly Problem[] {
  const said = cases.flatMap((one) => {
    const verdict = judge(inForce, { count: cases.length, ...one }, asker, now);
    return verdict.kind === 'refused' ? [verdict.problem] : [];
  });
  return [...new Map(said.map((one) => [JSON.stringify(one), one])).values()];
}

const DAY_MS = 24 * 3600_000;

/** Days from today to that day; today is whatever day it is anywhere, so nobody is refused for their time zone. */
function daysUntil(day: string, now: number): number {
  return Math.floor((Date.parse(day) - now) / DAY_MS);
}

/** The rule by which they may ask, what has to be known first, or null. */
function mayAsk(
  { everyone, people, groups, teamOwners }: PolicyInForce['policy']['askers'],
  { team, teams = team ? [team] : [] }: Case,
  asker: Asker,
): Say | 'groups' | 'owner' | null {
  if (everyone) return say('policy.rule.everyone');
  if (people.some(({ id }) => id === asker.id)) return say('policy.rule.listed');
  if (teamOwners && teams.length > 0) {
    if (asker.ownsTeam)
      return say('policy.rule.owner', {
        team: teams
          .map(({ name }) => name)
          .join(', ')
          .slice(0, 200),
      });
    if (asker.ownsTeam === null) return 'owner';
  }
  if (groups.length === 0) return null;
  if (asker.groups === null) return 'groups';
  const group = groups.find(({ id }) => asker.groups?.has(id));
  return group ? say('policy.rule.group', { group: group.name }) : null;
}

/**
 * The first rule that fits. Resending and handing over bring nobody new, so nobody approves them again; nor does extending,
 * but beyond a day that an approver chose.
 */
function approvalFor(rules: readonly ApprovalRule[], asked: Case, domain: string): ApprovalRule | undefined {
  const { what, team, until, shortenedTo } = asked;
  const isBeyond = what === 'extend' && shortenedTo !== undefined && (until === undefined || until > shortenedTo);
  if (what !== 'invite' && what !== 'reset' && !isBeyond) return undefined;
  return rules.find(
    ({ domains, teams }) =>
      (domains.length === 0 || listedDomain(domain, domains) !== null) &&
      (teams.length === 0 || (team !== undefined && teams.some((one) => isTeam(one, team)))),
  );
}

/** Where no rule says who, it is the admins. What they are called is not known here. */
const byAdmins = (admins: readonly string[]): ApprovalRule => ({
  name: 'Admins',
  domains: [],
  teams: [],
  approvers: admins.map((id) => ({ id, name: 'an admin' })),
  approverGroups: [],
  channel: null,
  deputies: [],
  deputyAfterHours: 24,
  expiresAfterDays: 14,
});

const isTeam = (one: Required<TeamRef>, team: TeamRef): boolean =>
  team.id === undefined ? one.name.toLowerCase() === team.name.toLowerCase() : one.id === team.id;
