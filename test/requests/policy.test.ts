/**
 * What a policy says, as a table of decisions, and what holds for any domains. One judge speaks everywhere, so it is
 * judged here alone.
 */
import assert from 'node:assert/strict';
import { domainToASCII } from 'node:url';
import fc from 'fast-check';
import type { z } from 'zod/v4';
import { domainOf, listedDomain } from '../../src/requests/policy/domains.ts';
import { type Asker, type Case, judge, refusals } from '../../src/requests/policy/judge.ts';
import { OPEN_POLICY, Policy } from '../../src/requests/policy/policy.ts';

const NOW = Date.parse('2026-11-20T09:00:00Z');
const RITA = 'a0000000-0000-4000-8000-000000000001';
const AXEL = { id: 'a0000000-0000-4000-8000-000000000002', name: 'Axel' };
const GROUP = { id: 'b0000000-0000-4000-8000-000000000001', name: 'Sales' };
const TEAM = { id: 'b0000000-0000-4000-8000-000000000002', name: 'Apollo' };

interface Row {
  readonly says: string;
  readonly policy: z.input<typeof Policy>;
  readonly case?: Partial<Case>;
  readonly asker?: Partial<Asker>;
  /** Kind of verdict, then the key of its rule, problem or need. */
  readonly is: readonly [string, string?, string?];
}

const rule = (more: object = {}) => ({ name: 'Partners', approvers: [AXEL], ...more });
const only = (more: object) => ({ askers: { everyone: false, ...more } });

const ROWS: readonly Row[] = [
  { says: 'an open policy allows everybody', policy: {}, is: ['allowed', 'policy.rule.everyone'] },
  {
    says: 'a blocked domain is refused, beside its field',
    policy: { blockedDomains: ['partner.example'] },
    is: ['refused', 'policy.refused.blocked', 'people'],
  },
  {
    says: 'so is a domain below it',
    policy: { blockedDomains: ['partner.example'] },
    case: { address: 'ana@eu.partner.example' },
    is: ['refused', 'policy.refused.blocked'],
  },
  {
    says: 'case does not matter',
    policy: { blockedDomains: ['PARTNER.example'] },
    case: { address: 'ana@Partner.EXAMPLE' },
    is: ['refused', 'policy.refused.blocked'],
  },
  { says: 'a domain that only ends alike is another', policy: { blockedDomains: ['ner.example'] }, is: ['allowed'] },
  {
    says: 'an international domain is known in either form',
    policy: { blockedDomains: ['bücher.example'] },
    case: { address: 'ana@xn--bcher-kva.example' },
    is: ['refused', 'policy.refused.blocked'],
  },
  {
    says: 'what is not listed is refused where only some may come',
    policy: { allowedDomains: ['fabrikam.example'] },
    is: ['refused', 'policy.refused.notAllowed', 'people'],
  },
  {
    says: 'what is listed may come',
    policy: { allowedDomains: ['fabrikam.example', 'partner.example'] },
    is: ['allowed'],
  },
  {
    says: 'blocked beats allowed',
    policy: { allowedDomains: ['example'.concat('.example')], blockedDomains: ['eu.example.example'] },
    case: { address: 'a@eu.example.example' },
    is: ['refused', 'policy.refused.blocked'],
  },
  {
    says: 'a stay without an end is refused where there is a longest',
    policy: { longestStayDays: 30 },
    is: ['refused', 'policy.refused.noEnd', 'until'],
  },
  {
    says: 'the longest stay itself is allowed',
    policy: { longestStayDays: 30 },
    case: { until: '2026-12-20' },
    is: ['allowed'],
  },
  {
    says: 'longer is refused',
    policy: { longestStayDays: 30 },
    case: { until: '2026-12-22' },
    is: ['refused', 'policy.refused.stay', 'until'],
  },
  {
    says: 'extending is held to the longest stay as well',
    policy: { longestStayDays: 30 },
    case: { what: 'extend', until: '2027-12-22' },
    is: ['refused', 'policy.refused.stay'],
  },
  {
    says: 'removing is not held to domains or stays',
    policy: { blockedDomains: ['partner.example'], longestStayDays: 1 },
    case: { what: 'remove' },
    is: ['allowed'],
  },
  {
    says: 'resending to a blocked domain is refused',
    policy: { blockedDomains: ['partner.example'] },
    case: { what: 'resend' },
    is: ['refused', 'policy.refused.blocked'],
  },
  {
    says: 'a language that is not used is refused',
    policy: { languages: ['en', 'pt-BR'] },
    case: { language: 'de' },
    is: ['refused', 'policy.refused.language', 'language'],
  },
  {
    says: 'one that is used is not, in any case',
    policy: { languages: ['en', 'pt-BR'] },
    case: { language: 'PT-br' },
    is: ['allowed'],
  },
  {
    says: 'more at once than may be is refused',
    policy: { bulkLimit: 5 },
    case: { count: 6 },
    is: ['refused', 'policy.refused.bulk', 'people'],
  },
  { says: 'as many as may be is not', policy: { bulkLimit: 5 }, case: { count: 5 }, is: ['allowed'] },
  { says: 'who is not listed may not ask', policy: only({ people: [AXEL] }), is: ['refused', 'policy.refused.asker'] },
  {
    says: 'who is listed may',
    policy: only({ people: [{ id: RITA, name: 'Rita' }] }),
    is: ['allowed', 'policy.rule.listed'],
  },
  { says: 'a group has to be looked up first', policy: only({ groups: [GROUP] }), is: ['unknown', 'groups'] },
  {
    says: 'who is in the group may',
    policy: only({ groups: [GROUP] }),
    asker: { groups: new Set([GROUP.id]) },
    is: ['allowed', 'policy.rule.group'],
  },
  {
    says: 'who is not may not',
    policy: only({ groups: [GROUP] }),
    asker: { groups: new Set() },
    is: ['refused', 'policy.refused.asker'],
  },
  {
    says: 'an owner has to be looked up first',
    policy: only({ teamOwners: true }),
    case: { team: TEAM },
    is: ['unknown', 'owner'],
  },
  {
    says: 'the owner of the team may',
    policy: only({ teamOwners: true }),
    case: { team: TEAM },
    asker: { ownsTeam: true },
    is: ['allowed', 'policy.rule.owner'],
  },
  {
    says: 'an owner may not without a team',
    policy: only({ teamOwners: true }),
    asker: { ownsTeam: true },
    is: ['refused', 'policy.refused.asker'],
  },
  {
    says: 'who owns no team may still be in a group',
    policy: only({ teamOwners: true, groups: [GROUP] }),
    case: { team: TEAM },
    asker: { ownsTeam: false },
    is: ['unknown', 'groups'],
  },
  {
    says: 'a rule without conditions holds for everybody',
    policy: { approvals: [rule()] },
    is: ['needs approval', 'policy.rule.approval'],
  },
  {
    says: 'a rule for a domain holds below it',
    policy: { approvals: [rule({ domains: ['example.org'] })] },
    case: { address: 'a@b.example.org' },
    is: ['needs approval'],
  },
  { says: 'and for no other', policy: { approvals: [rule({ domains: ['example.org'] })] }, is: ['allowed'] },
  {
    says: 'a rule for a team holds for it, by id',
    policy: { approvals: [rule({ teams: [TEAM] })] },
    case: { team: { id: TEAM.id, name: 'renamed' } },
    is: ['needs approval'],
  },
  {
    says: 'and by name while the id is not known',
    policy: { approvals: [rule({ teams: [TEAM] })] },
    case: { team: { name: 'apollo' } },
    is: ['needs approval'],
  },
  {
    says: 'not for a team of that name with another id',
    policy: { approvals: [rule({ teams: [TEAM] })] },
    case: { team: { id: GROUP.id, name: 'Apollo' } },
    is: ['allowed'],
  },
  {
    says: 'who may not ask is not sent to an approver',
    policy: { ...only({ people: [AXEL] }), approvals: [rule()] },
    is: ['refused', 'policy.refused.asker'],
  },
  {
    says: 'resending needs nobody’s approval again',
    policy: { approvals: [rule()] },
    case: { what: 'resend' },
    is: ['allowed'],
  },
  {
    says: 'a few guests are removed alone',
    policy: {},
    case: { what: 'remove', count: 5 },
    is: ['allowed', 'policy.rule.removeFew'],
  },
  {
    says: 'whoever may not ask may still send away whom they answer for',
    policy: only({}),
    case: { what: 'remove' },
    is: ['allowed', 'policy.rule.removeFew'],
  },
  {
    says: 'more than that need a second person',
    policy: {},
    case: { what: 'remove', count: 6 },
    is: ['needs approval', 'policy.rule.removeMany'],
  },
  {
    says: 'also when an admin removes them',
    policy: { removeAlone: 0 },
    case: { what: 'remove', count: 1 },
    asker: { admins: [RITA] },
    is: ['needs approval', 'policy.rule.removeMany'],
  },
  {
    says: 'another last day is held to the longest stay',
    policy: { longestStayDays: 30 },
    case: { what: 'extend', until: '2027-06-30' },
    is: ['refused', 'policy.refused.stay', 'until'],
  },
  {
    says: 'a list is asked about with any of its teams',
    policy: only({ teamOwners: true }),
    case: { teams: [TEAM, { name: 'Borealis' }] },
    is: ['unknown', 'owner'],
  },
  {
    says: 'whoever owns one of them may ask for the list',
    policy: only({ teamOwners: true }),
    case: { teams: [TEAM, { name: 'Borealis' }] },
    asker: { ownsTeam: true },
    is: ['allowed', 'policy.rule.owner'],
  },
  {
    says: 'whoever owns none of them may not',
    policy: only({ teamOwners: true }),
    case: { teams: [TEAM] },
    asker: { ownsTeam: false },
    is: ['refused', 'policy.refused.asker'],
  },
  { says: 'another address does', policy: { approvals: [rule()] }, case: { what: 'reset' }, is: ['needs approval'] },
];

const asked = (more: Partial<Case> = {}): Case => ({ what: 'invite', address: 'ana@partner.example', ...more });
const asker = (more: Partial<Asker> = {}): Asker => ({
  id: RITA,
  groups: null,
  ownsTeam: null,
  ...more,
});

describe('what a policy says', () => {
  for (const row of ROWS)
    it(row.says, () => {
      const inForce = { policy: Policy.parse(row.policy), version: 7, since: 0, by: null };
      const verdict = judge(inForce, asked(row.case), asker(row.asker), NOW);
      const [kind, what, field] = row.is;
      assert.equal(verdict.kind, kind);
      if (verdict.kind !== 'unknown') assert.equal(verdict.version, 7);
      const said =
        verdict.kind === 'unknown'
          ? verdict.needs
          : verdict.kind === 'refused'
            ? verdict.problem.say.key
            : verdict.rule.key;
      if (what) assert.equal(said, what);
      if (field) assert.equal(verdict.kind === 'refused' && verdict.problem.field, field);
    });

  it('is the first rule that fits', () => {
    const approvals = [rule({ name: 'first', domains: ['partner.example'] }), rule({ name: 'second' })];
    const inForce = { policy: Policy.parse({ approvals }), version: 1, since: 0, by: null };
    const verdict = judge(inForce, asked(), asker(), NOW);
    assert.equal(verdict.kind === 'needs approval' && verdict.by.name, 'first');
  });

  it('asks the first rule for everybody about many removals, and the admins where there is none', () => {
    const approvals = [rule({ name: 'some', domains: ['partner.example'] }), rule({ name: 'all' })];
    const verdictOf = (policy: z.input<typeof Policy>) => {
      const inForce = { policy: Policy.parse(policy), version: 1, since: 0, by: null };
      const verdict = judge(inForce, asked({ what: 'remove', count: 9 }), asker({ admins: ['ada'] }), NOW);
      return verdict.kind === 'needs approval' ? [verdict.by.name, verdict.by.approvers.map(({ id }) => id)] : verdict;
    };
    assert.deepEqual(verdictOf({ approvals }), ['all', [AXEL.id]]);
    assert.deepEqual(verdictOf({}), ['Admins', ['ada']]);
  });

  it('is said once for several of whom the same is true, each domain for itself', () => {
    const inForce = {
      policy: Policy.parse({ blockedDomains: ['partner.example', 'mail.example'] }),
      version: 1,
      since: 0,
      by: null,
    };
    const all = ['a@partner.example', 'b@partner.example', 'c@mail.example', 'd@fine.example'];
    const said = refusals(
      inForce,
      all.map((address) => asked({ address })),
      asker(),
      NOW,
    );
    assert.deepEqual(
      said.map(({ say }) => say.with?.['domain']),
      ['partner.example', 'mail.example'],
    );
  });

  it('never throws, whatever is asked', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.webUrl(), fc.emailAddress());
    fc.assert(
      fc.property(
        text,
        fc.option(text, { nil: undefined }),
        fc.option(text, { nil: undefined }),
        (address, until, language) => {
          const policy = { ...OPEN_POLICY, longestStayDays: 30, languages: ['en'], blockedDomains: ['x.example'] };
          const one: Case = { what: 'invite', address, until, ...(language === undefined ? {} : { language }) };
          assert.ok(judge({ policy, version: 1, since: 0, by: null }, one, asker(), NOW).kind);
        },
      ),
    );
  });
});

describe('a listed domain', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
  const domain = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));

  it('holds for itself and all below it, in any case, with or without a star', () => {
    fc.assert(
      fc.property(domain, label, fc.boolean(), (base, sub, star) => {
        const listed = [star ? `*.${base}` : base];
        for (const one of [base, base.toUpperCase(), `${sub}.${base}`, `${base}.`])
          assert.equal(listedDomain(one, listed), listed[0]);
      }),
    );
  });

  it('holds for nothing else', () => {
    fc.assert(
      fc.property(domain, domain, label, (base, other, letters) => {
        if (`.${other}`.endsWith(`.${base}`)) return;
        assert.equal(listedDomain(other, [base]), null);
        assert.equal(listedDomain(`${letters}${base}`, [base]), null, 'without a dot between it is another');
        assert.equal(listedDomain(base, [`${letters}.${base}`]), null, 'what lies above is not listed');
      }),
    );
  });

  it('is the same in its international and its ASCII form', () => {
    const letters = fc.stringMatching(/^[äöüßéñç]{1,6}$/);
    fc.assert(
      fc.property(letters, (word) => {
        const name = `${word}.example`;
        const ascii = domainToASCII(name);
        fc.pre(ascii !== '');
        assert.equal(listedDomain(ascii, [name]), name);
        assert.equal(listedDomain(name, [ascii]), ascii);
        assert.equal(domainOf(`ana@${name}`), ascii);
      }),
    );
  });

  it('holds for no text that is no domain', () => {
    for (const text of ['', '@', 'a@', '...', ' ', 'x y'])
      assert.equal(listedDomain(domainOf(text), ['partner.example']), null);
  });
});
