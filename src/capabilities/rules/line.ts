/**
 * A rule of approval as one line of text, and back: `Axel Approver or group Security from partner.example to team Apollo,
 * deputy Ada Admin after 8 hours, within 7 days, called Partners`. Pure; must not know forms or the directory.
 */
import { readArguments } from '../../requests/arguments.ts';
import type { Field } from '../../requests/capability.ts';
import { ApprovalRule, type Ref } from '../../requests/policy/policy.ts';
import { type Say, say } from '../../requests/say.ts';

/** A name that is not known to be anybody yet. */
export type Named = { readonly name: string; readonly id?: string | undefined };

/** A rule whose people, groups and teams may still be names only. */
export type RuleDraft = Omit<ApprovalRule, 'approvers' | 'approverGroups' | 'deputies' | 'teams'> & {
  readonly [K in 'approvers' | 'approverGroups' | 'deputies' | 'teams']: readonly Named[];
};

const part = (name: string, phrases: readonly string[]): Field => ({ name, kind: 'text', words: '', phrases });
const PARTS: readonly Field[] = [
  part('approvers', []),
  part('domains', ['for guests from', 'guests from', 'from']),
  part('teams', ['to team', 'to teams', 'into team', 'to']),
  part('deputies', ['deputy', 'deputies']),
  part('after', ['after']),
  part('within', ['within', 'expires after']),
  part('name', ['called']),
];

const NO_NAME = 'Every guest';

/** The rule of a line; `known` is what the names meant in the rules so far. */
export function readRule(line: string, before: readonly ApprovalRule[]): RuleDraft | { readonly wrong: Say } {
  // A line nobody touched means what it meant: two people may have one name.
  const same = before.find((rule) => writeRule(rule) === line);
  if (same) return same;
  const raw = readArguments(line, PARTS);
  const wrong = (key: string) => ({ wrong: say(key, { line: line.slice(0, 80) }) });
  const approvers = namesIn(raw['approvers']);
  if (approvers.length === 0) return wrong('policy.line.nobody');
  const after = amount(raw['after'], { hour: 1, day: 24 });
  const within = amount(raw['within'], { day: 1, week: 7 });
  if (after === null || within === null) return wrong('policy.line.when');
  const domains = namesIn(raw['domains']).map((one) => one.toLowerCase());
  const teams = namesIn(raw['teams']);
  const name = raw['name'] ?? ([...domains, ...teams].join(', ').slice(0, 100) || NO_NAME);
  const meant = (names: readonly string[], of: (rule: ApprovalRule) => readonly Ref[]): Named[] =>
    names.map((one) => known(before.flatMap(of), one));
  const people = (rule: ApprovalRule) => [...rule.approvers, ...rule.deputies];
  const groups = approvers.flatMap((one) => (/^group\s+/i.test(one) ? [one.replace(/^group\s+/i, '')] : []));
  const persons = approvers.filter((one) => !/^group\s+/i.test(one));
  const shape = {
    name,
    domains,
    ...(after === undefined ? {} : { deputyAfterHours: after }),
    ...(within === undefined ? {} : { expiresAfterDays: within }),
  };
  const read = ApprovalRule.safeParse(shape);
  if (!read.success)
    return wrong(
      read.error.issues.some(({ path }) => path[0] === 'domains') ? 'policy.line.domain' : 'policy.line.when',
    );
  return {
    ...read.data,
    approvers: meant(persons, people),
    approverGroups: meant(groups, (rule) => rule.approverGroups),
    deputies: meant(namesIn(raw['deputies']), people),
    teams: meant(teams, (rule) => rule.teams),
  };
}

/**
 * What each rule was before: the one of its name, else one whose name is gone and which is about the same guests and asks the
 * same people, if only one is so and no other rule claims it. In the order of the rules; null: it is new.
 */
export function forerunners(
  rules: readonly RuleDraft[],
  before: readonly ApprovalRule[],
): readonly (ApprovalRule | null)[] {
  const named = (rule: RuleDraft) =>
    before.find((one) => writeRule(one) === writeRule(rule)) ?? before.find(({ name }) => isSame(name, rule.name));
  const left = before.filter(({ name }) => !rules.some((rule) => isSame(rule.name, name)));
  const meant = rules.filter((rule) => !named(rule)).map(meaning);
  return rules.map((rule) => {
    const is = meaning(rule);
    const [same, ...others] = left.filter((one) => meaning(one) === is);
    const isOnly = others.length === 0 && meant.filter((one) => one === is).length === 1;
    return named(rule) ?? (isOnly ? same : undefined) ?? null;
  });
}

/** Whom a rule is about and who approves, whatever it is called. */
function meaning({ domains, teams, approvers, approverGroups }: RuleDraft): string {
  const all = (names: readonly Named[]) => names.map(({ name }) => name.toLowerCase()).sort();
  return JSON.stringify([[...domains].sort(), all(teams), all(approvers), all(approverGroups)]);
}

/** The line of a rule, which reads back as the same rule. */
export function writeRule(rule: RuleDraft): string {
  const { approvers, approverGroups, domains, teams, deputies, deputyAfterHours, expiresAfterDays, name } = rule;
  const names = (all: readonly Named[]): string => all.map((one) => written(one.name)).join(', ');
  return [
    [names(approvers), ...approverGroups.map((one) => written(`group ${one.name}`))].filter(Boolean).join(', '),
    domains.length > 0 ? `from ${domains.join(', ')}` : '',
    teams.length > 0 ? `to team ${names(teams)}` : '',
    deputies.length > 0 ? `deputy ${names(deputies)} after ${deputyAfterHours} hours` : '',
    `within ${expiresAfterDays} days`,
    `called ${name}`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** Names with commas, or with an "and" or "or" of their own, stand in quotes. */
export function namesIn(text = ''): string[] {
  return [...text.matchAll(/"([^"]*)"|((?:(?!\s+(?:or|and)\s+)[^,;\n"])+)/gi)]
    .map(([, quoted, plain = '']) => (quoted ?? plain.replace(/^\s*(?:or|and)\s+/i, '')).trim())
    .filter((one) => one !== '');
}

/** A name so that `namesIn` reads it back. */
export const written = (name: string): string =>
  /[,;\n]|(?:^|\s)(?:or|and)(?:\s|$)/i.test(name) ? `"${name.replaceAll('"', "'")}"` : name;

/** `8 hours` in the smallest unit; undefined when nothing was said, null when it cannot be read. */
function amount(text: string | undefined, units: Readonly<Record<string, number>>): number | undefined | null {
  if (text === undefined) return undefined;
  const [, number, unit = ''] = /^(\d{1,4})\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const named = Object.entries(units).find(([name]) => unit.toLowerCase().replace(/s$/, '') === name || unit === '');
  return number !== undefined && named ? Number(number) * named[1] : null;
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Whom the rules meant by a name so far, if that is one person. */
export function known(refs: readonly Ref[], name: string): Named {
  const found = refs.filter((ref) => isSame(ref.name, name));
  const [first] = found;
  return first && found.every(({ id }) => id === first.id) ? first : { name };
}
