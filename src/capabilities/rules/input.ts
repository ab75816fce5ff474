/**
 * The policy as a form: its fields, how what was typed becomes a policy (people, groups and teams by name, until they are
 * looked up), and how a policy becomes text again. Pure; must not know the directory or how a policy is kept.
 */
import type { Field, Raw, Surroundings } from '../../requests/capability.ts';
import { MOST_RULES, Policy, type Ref } from '../../requests/policy/policy.ts';
import { bad, good, type Problem, type Result } from '../../requests/problem.ts';
import { say } from '../../requests/say.ts';
import { readerOf } from '../reader.ts';
import {
  forerunners,
  known as knownBy,
  type Named,
  namesIn,
  type RuleDraft,
  readRule,
  writeRule,
  written,
} from './line.ts';

/** A policy whose people, groups and teams may still be names only. */
export type PolicyDraft = Omit<Policy, 'askers' | 'approvals'> & {
  readonly askers: Omit<Policy['askers'], 'people' | 'groups'> & {
    readonly people: readonly Named[];
    readonly groups: readonly Named[];
  };
  readonly approvals: readonly RuleDraft[];
};

export interface PolicyInput {
  /** The version it was made from; another that came between is not overwritten. */
  readonly follows: number;
  readonly before: Policy;
  readonly after: PolicyDraft;
}

const field = (name: string, kind: Field['kind'], more: Partial<Field> = {}): Field => ({
  name,
  kind,
  words: `policy.field.${name}`,
  ...more,
});

export const POLICY_FIELDS: readonly Field[] = [
  field('askers', 'choice', {
    choices: [
      { value: 'everyone', words: 'policy.askers.everyone' },
      { value: 'listed', words: 'policy.askers.listed' },
    ],
  }),
  field('people', 'text', { max: 2000 }),
  field('groups', 'text', { max: 2000 }),
  field('teamOwners', 'toggle'),
  field('approvals', 'lines', { max: 4000 }),
  field('allowedDomains', 'lines', { max: 4000 }),
  field('blockedDomains', 'lines', { max: 4000 }),
  field('longestStayDays', 'text', { max: 10 }),
  field('defaultStayDays', 'text', { max: 10 }),
  field('bulkLimit', 'text', { max: 10, more: true }),
  field('resendCoolDownHours', 'text', { max: 10, more: true }),
  field('languages', 'text', { max: 400, more: true }),
  field('remindAfterDays', 'text', { max: 10, more: true }),
  field('reminders', 'text', { max: 10, more: true }),
  field('purgeAfterDays', 'text', { max: 10, more: true }),
  field('warnBeforeEndDays', 'text', { max: 10, more: true }),
  field('removeAtEnd', 'toggle', { more: true }),
  field('removeAlone', 'text', { max: 10, more: true }),
  field('retentionDays', 'text', { max: 10, more: true }),
  field('guestsMayCommand', 'toggle', { more: true }),
  field('otherTenantsMayCommand', 'toggle', { more: true }),
  field('follows', 'hidden'),
];

/** Numbers; those of the second kind may be left empty, for "no limit" or "never". */
export const NUMBERS = [
  'bulkLimit',
  'resendCoolDownHours',
  'remindAfterDays',
  'reminders',
  'warnBeforeEndDays',
  'removeAlone',
] as const;
export const LIMITS = ['longestStayDays', 'defaultStayDays', 'purgeAfterDays', 'retentionDays'] as const;
export const SWITCHES = ['removeAtEnd', 'guestsMayCommand', 'otherTenantsMayCommand'] as const;
export const LISTS = ['allowedDomains', 'blockedDomains', 'languages'] as const;

/** What a form holds, as a policy; or every fault beside its field. */
export function readPolicy(raw: Raw, around: Surroundings): Result<readonly PolicyInput[], readonly Problem[]> {
  const reader = readerOf(raw, POLICY_FIELDS);
  const { policy: before } = around;
  const follows = raw['follows'] === undefined ? around.policyVersion : Number(raw['follows']);
  const names = (name: string, known: readonly Ref[]): Named[] =>
    namesIn(reader.text(name)).map((one) => knownBy(known, one));
  const lines: RuleDraft[] = [];
  for (const line of (reader.text('approvals') ?? '').split('\n').filter((one) => one.trim() !== '')) {
    const rule = readRule(line.trim(), before.approvals);
    if ('wrong' in rule) reader.fault('approvals', rule.wrong);
    else lines.push(rule);
  }
  // A rule that is only called something else is still asked about in its channel.
  const were = forerunners(lines, before.approvals);
  const approvals = lines.map((rule, n): RuleDraft => ({ ...rule, channel: were[n]?.channel ?? null }));
  const shape = {
    ...Object.fromEntries(NUMBERS.map((name) => [name, number(reader.text(name)) ?? before[name]])),
    ...Object.fromEntries(LIMITS.map((name) => [name, number(reader.text(name)) ?? null])),
    ...Object.fromEntries(SWITCHES.map((name) => [name, reader.isTicked(name)])),
    ...Object.fromEntries(LISTS.map((name) => [name, pieces(reader.text(name))])),
  };
  const read = Policy.safeParse(shape);
  for (const { path } of read.error?.issues ?? []) {
    const name = String(path[0]);
    const isList = LISTS.some((one) => one === name);
    reader.fault(
      name,
      say(
        isList ? 'policy.wrong.list' : 'policy.wrong.number',
        isList ? { text: pieces(raw[name])[Number(path[1])] ?? '' } : {},
      ),
    );
  }
  if (approvals.length > MOST_RULES) reader.fault('approvals', say('policy.wrong.tooMany', { most: MOST_RULES }));
  // Nothing chosen is no reason to open the door.
  const isListed =
    raw['askers'] === undefined || raw['askers'] === '' ? !before.askers.everyone : raw['askers'] === 'listed';
  const people = names('people', before.askers.people);
  const groups = names('groups', before.askers.groups);
  const teamOwners = reader.isTicked('teamOwners');
  if (isListed && people.length + groups.length === 0 && !teamOwners) reader.fault('people', 'policy.wrong.nobody');
  if (reader.faults.length > 0 || !read.success) return bad(reader.faults);
  const after: PolicyDraft = { ...read.data, askers: { everyone: !isListed, people, groups, teamOwners }, approvals };
  return good([{ follows, before, after }]);
}

/** A policy as text, field by field. */
export function writePolicy(policy: PolicyDraft, follows: number): Raw {
  const { askers, approvals } = policy;
  return {
    askers: askers.everyone ? 'everyone' : 'listed',
    people: askers.people.map(({ name }) => written(name)).join(', '),
    groups: askers.groups.map(({ name }) => written(name)).join(', '),
    teamOwners: String(askers.teamOwners),
    approvals: approvals.map(writeRule).join('\n'),
    allowedDomains: policy.allowedDomains.join('\n'),
    blockedDomains: policy.blockedDomains.join('\n'),
    languages: policy.languages.join(', '),
    ...Object.fromEntries([...NUMBERS, ...LIMITS].map((name) => [name, String(policy[name] ?? '')])),
    ...Object.fromEntries(SWITCHES.map((name) => [name, String(policy[name])])),
    follows: String(follows),
  };
}

function pieces(text = ''): string[] {
  return text
    .split(/[\n,;]+/)
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** Undefined: nothing was typed. What is no number is left for the policy's shape to refuse. */
function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
