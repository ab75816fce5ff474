/** A rule of approval as a line of text, and back: what is written reads as the same, whatever people are called. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { namesIn, readRule, writeRule, written } from '../../src/capabilities/rules/line.ts';
import { ApprovalRule } from '../../src/requests/policy/policy.ts';

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
