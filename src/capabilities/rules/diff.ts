/**
 * What changes from one policy to another, field by field, as a person reads it. Pure; must not know cards.
 */
import type { Story } from '../../requests/capability.ts';
import type { Policy } from '../../requests/policy/policy.ts';
import { say } from '../../requests/say.ts';
import { POLICY_FIELDS, type PolicyDraft, writePolicy } from './input.ts';

export type Change = Story['rows'][number] & { readonly name: string };

/** The fields that differ; long lists say what came and what went. */
export function changesOf(before: Policy, after: PolicyDraft): readonly Change[] {
  const was = writePolicy(before, 0);
  const will = writePolicy(after, 0);
  return POLICY_FIELDS.flatMap(({ name, kind, words }): Change[] => {
    const from = was[name] ?? '';
    const to = will[name] ?? '';
    if (kind === 'hidden' || from === to) return [];
    const label = say(`${words}.label`);
    const isList = /[\n,]/.test(from + to);
    if (!isList) return [{ name, label, text: say('policy.change', { from: shown(from), to: shown(to) }) }];
    const old = new Set(from.split('\n'));
    const now = new Set(to.split('\n'));
    const came = [...now].filter((one) => one !== '' && !old.has(one));
    const went = [...old].filter((one) => one !== '' && !now.has(one));
    const parts = [...went.map((one) => `− ${one}`), ...came.map((one) => `+ ${one}`)];
    return [{ name, label, text: parts.join('\n') }];
  });
}

const shown = (text: string): string => (text === '' ? '–' : text);
