/** A rule of approval as a line of text, and back: what is written reads as the same, whatever people are called. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { changesOf } from '../../src/capabilities/rules/diff.ts';
import { readPolicy, writePolicy } from '../../src/capabilities/rules/input.ts';
import { namesIn, readRule, writeRule, written } from '../../src/capabilities/rules/line.ts';
import { ApprovalRule, Policy } from '../../src/requests/policy/policy.ts';
import { CHAT, RITA } from '../support/spine.ts';

const ref = (n: number, name: string) => ({
  id: `a0000000-0000-4000-8000-0000000000${String(n).padStart(2, '0')}`,
  name,
});

describe('a rule as a line', () => {
  it('that nobody touched means whom it meant, though two have one name', () => {
    const rules = [1, 2].map((n) => ApprovalRule.parse({ name: `rule ${n}`, approvers: [ref(n, 'Alex Kim')] }));
    for (const rule of rules) assert.deepEqual(readRule(writeRule(rule), rules), rule);
    // Whoever writes it anew has to say which.
    const written = readRule('Alex Kim called new', rules);
    assert.ok(!('wrong' in written));
    assert.deepEqual(written.approvers, [{ name: 'Alex Kim' }]);
  });

  it('keeps names with commas, with an and of their own, or that look like words of the line', () => {
    const rule = ApprovalRule.parse({
      name: 'Every guest',
      approvers: [ref(1, 'Smith, Axel')],
      approverGroups: [ref(2, 'Research and Development')],
      deputies: [ref(3, 'Or Cohen'), ref(4, 'Andrea Fromm')],
    });
    const read = readRule(`${writeRule(rule)} `, [rule]);
    assert.ok(!('wrong' in read));
    const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);
    assert.deepEqual(names(read.approvers), ['Smith, Axel']);
    assert.deepEqual(names(read.approverGroups), ['Research and Development']);
    assert.deepEqual(names(read.deputies), ['Or Cohen', 'Andrea Fromm']);
  });

  it('has names that read back as they were, any of them', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z ,;.-]{0,20}[A-Za-z]$/).map((one) => one.replace(/\s+/g, ' '));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        assert.deepEqual(namesIn(names.map(written).join(', ')), names);
      }),
    );
  });
});

describe('the channel of a rule', () => {
  const channel = {
    conversationId: '19:a@thread.tacv2',
    serviceUrl: 'https://smba.example/',
    botId: '28:b',
    name: 'Sales',
  };
  const other = { ...channel, conversationId: '19:b@thread.tacv2', name: 'Security' };
  const [axel, ada] = [ref(2, 'Axel Approver'), ref(3, 'Ada Admin')];
  const partners = { name: 'Partners', domains: ['partner.example'], approvers: [axel], channel };
  const rivals = { name: 'Rivals', domains: ['rival.example'], approvers: [ada], channel: other };
  const policyOf = (...approvals: object[]) => Policy.parse({ approvals });

  /** What the form holds, with its lines changed, as a policy; and what it says of channels. */
  function edited(before: Policy, change: (lines: string) => string) {
    const raw = writePolicy(before, 1);
    const around = { requester: RITA, place: CHAT, policy: before, policyVersion: 1, now: 0 };
    const read = readPolicy({ ...raw, approvals: change(raw['approvals'] ?? '') }, around);
    assert.ok(read.ok);
    const [input] = read.value;
    assert.ok(input);
    const said = changesOf(before, input.after).filter(({ name }) => name === 'channel');
    return {
      channels: input.after.approvals.map((rule) => [rule.name, rule.channel?.name ?? null]),
      said: said.map(({ label, text }) => [
        typeof label === 'object' && label.with?.['rule'],
        typeof text === 'object' && text.key,
      ]),
    };
  }

  it('stays with a rule that is only called something else', () => {
    const { channels, said } = edited(policyOf(partners, rivals), (lines) =>
      lines.replace('called Partners', 'called Our partners'),
    );
    assert.deepEqual(channels, [
      ['Our partners', 'Sales'],
      ['Rivals', 'Security'],
    ]);
    assert.deepEqual(said, []);
  });

  it('stays with its rule when rules change their order, their names or their deputies', () => {
    const swapped = edited(policyOf(partners, rivals), (lines) =>
      lines.split('\n').reverse().join('\n').replace('called Rivals', 'called Competitors'),
    );
    assert.deepEqual(swapped.channels, [
      ['Competitors', 'Security'],
      ['Partners', 'Sales'],
    ]);
    const later = edited(policyOf(partners), (lines) =>
      lines.replace('within 14 days called Partners', 'deputy Ada Admin after 4 hours within 7 days called Friends'),
    );
    assert.deepEqual([later.channels, later.said], [[['Friends', 'Sales']], []]);
  });

  it('is not taken by a copy of a rule that is still there, nor by one of two that could be it', () => {
    const copied = edited(
      policyOf(partners),
      (lines) => `${lines}\n${lines.replace('called Partners', 'called Copy')}`,
    );
    assert.deepEqual(copied.channels, [
      ['Partners', 'Sales'],
      ['Copy', null],
    ]);
    assert.deepEqual(copied.said, []);
    const twice = edited(policyOf(partners), (lines) =>
      ['One', 'Two'].map((name) => lines.replace('called Partners', `called ${name}`)).join('\n'),
    );
    assert.deepEqual(twice.channels, [
      ['One', null],
      ['Two', null],
    ]);
    assert.deepEqual(twice.said, [['Partners', 'policy.channelLost']]);
  });

  it('is said to be lost, before it is saved, with a rule that is another now', () => {
    const { channels, said } = edited(policyOf(partners), () => 'Ada Admin from partner.example called Friends');
    assert.deepEqual(channels, [['Friends', null]]);
    assert.deepEqual(said, [['Partners', 'policy.channelLost']]);
  });

  it('is not spoken of when its rule is taken out', () => {
    assert.deepEqual(edited(policyOf(partners, rivals), (lines) => lines.split('\n')[0] ?? '').said, []);
  });

  it('is spoken of when an undoing takes it away or brings it back', () => {
    const [with_, without] = [policyOf(partners), policyOf({ ...partners, channel: null })];
    const said = (before: Policy, after: Policy) =>
      changesOf(before, after).map(({ name, text }) => [name, typeof text === 'object' && text.key]);
    assert.deepEqual(said(with_, without), [['channel', 'policy.channelLost']]);
    assert.deepEqual(said(without, with_), [['channel', 'policy.change']]);
  });
});
