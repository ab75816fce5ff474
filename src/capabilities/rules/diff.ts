/**
 * What changes from one policy to another, field by field, as a person reads it. Pure; must not know cards.
 */

import type { Policy } from '../../requests/policy/policy.ts';
import { say } from '../../requests/say.ts';
import type { Story } from '../../requests/story.ts';
import { POLICY_FIELDS, type PolicyDraft, writePolicy } from './input.ts';
import { forerunners } from './line.ts';

export type Change = Story['rows'][number] & { readonly name: string };

/** The fields that differ; long lists say what came and what went. */
export function changesOf(before: Policy, after: PolicyDraft): readonly Change[] {
  const was = writePolicy(before, 0);
  const will = writePolicy(after, 0);
  const changes = POLICY_FIELDS.flatMap(({ name, kind, words }): Change[] => {
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
  return [...changes, ...channelsOf(before, after)];
}

/** A channel stands on no line: that a rule is asked about elsewhere from now on is seen here, or nowhere. */
function channelsOf(before: Policy, after: PolicyDraft): readonly Change[] {
  const were = forerunners(after.approvals, before.approvals);
  const change = (rule: string, from: Channel, to: Channel): Change[] => {
    if (from?.conversationId === to?.conversationId) return [];
    const lost = from?.name ? say('policy.channelLost', { channel: from.name }) : say('policy.channelLostUnnamed');
    const moved = say('policy.change', { from: shown(from?.name ?? ''), to: shown(to?.name ?? '') });
    return [{ name: 'channel', label: say('policy.channelOf', { rule }), text: to ? moved : lost }];
  };
  // A rule of which nothing is left may be one of the new ones, changed so much that nobody can tell.
  const gone = were.includes(null) ? before.approvals.filter((one) => !were.includes(one)) : [];
  return [
    ...after.approvals.flatMap(({ name, channel }, n) => {
      const was = were[n];
      return was ? change(name, was.channel, channel) : [];
    }),
    ...gone.flatMap(({ name, channel }) => change(name, channel, null)),
  ];
}

type Channel = PolicyDraft['approvals'][number]['channel'];

const shown = (text: string): string => (text === '' ? '–' : text);
