/**
 * What becomes of a request that does not pass its gate: refused, or asked about and waiting. Who is told, when the
 * deputies are, and what approvers want to know besides. Must not know SQL, cards or any capability.
 */
import type { Approval } from './approval.ts';
import type { AtGate, Gate } from './gate.ts';
import { domainOf } from './policy/domains.ts';
import type { Store } from './ports.ts';
import { chatWith, type Request } from './request.ts';
import { type Say, say } from './say.ts';
import type { Line, Undated } from './work.ts';

type Held = Exclude<Gate, { kind: 'passes' | 'looks' }>;

/** How the request rests, or ends. */
export function heldAtGate({ request }: AtGate, gate: Held, known: readonly Say[], line: Line): Undated {
  if (gate.kind === 'waits')
    return {
      state: 'awaiting approval',
      nextAt: gate.until,
      signals: request.signals,
      visible: false,
      audit: [],
    };
  if (gate.kind === 'refused') {
    return {
      // Nobody decided in time, or the rules say no.
      state: gate.approval.asked ? 'declined' : 'failed',
      approval: gate.approval,
      problem: gate.problem,
      note: null,
      hides: 'approvers',
      visible: true,
      audit: [line(request, 'refused', ruleOf(gate.approval))],
    };
  }
  const { asked, rule, approval } = gate;
  const { place } = request;
  const isToAsk = ({ id }: { readonly id: string }) => id !== request.requester.id;
  const channel = rule.channel && {
    ...chatWith('', place),
    kind: 'channel' as const,
    conversationId: rule.channel.conversationId,
    serviceUrl: rule.channel.serviceUrl,
    botId: rule.channel.botId,
  };
  return {
    state: 'awaiting approval',
    approval: { ...approval, asked: { ...asked, facts: known } },
    nextAt: asked.expiresAt,
    signals: request.signals,
    note: null,
    problem: null,
    shows: [
      ...asked.approvers
        .filter(isToAsk)
        .map(({ id }) => ({ place: chatWith(id, place), audience: 'approvers' as const })),
      ...(channel ? [{ place: channel, audience: 'approvers' as const }] : []),
      ...asked.deputies
        .filter(isToAsk)
        .map(({ id }) => ({ place: chatWith(id, place), audience: 'approvers' as const, at: asked.deputiesAt })),
    ],
    visible: true,
    audit: [line(request, 'asked for approval', { ...ruleOf(approval), approvers: asked.approvers.length })],
  };
}

export const allowedLine = (request: Request, approval: Approval, line: Line) =>
  line(request, approval.asked ? 'passed as approved' : 'allowed', ruleOf(approval));

function ruleOf({ rule, version }: Approval): Record<string, string | number> {
  const name = rule.with?.['rule'];
  return { rule: typeof name === 'string' ? name : rule.key, policy: version };
}

/** Guests who came from the same domain before, and whether one was refused. */
export async function factsFor(
  store: Pick<Store, 'guestsFrom'>,
  { capability, request, answers }: AtGate,
): Promise<readonly Say[]> {
  const address = capability.judged?.(request.input, answers)?.address;
  if (!address) return [];
  const domain = domainOf(address);
  const { known, accepted, refusedAt } = await store.guestsFrom(request.tenantId, domain);
  return [
    known === 0 ? say('approval.fact.first', { domain }) : say('approval.fact.guests', { domain, count: known }),
    ...(known > 0 ? [say('approval.fact.accepted', { percent: Math.round((100 * accepted) / known) })] : []),
    ...(refusedAt === null ? [] : [say('approval.fact.refused', { at: refusedAt })]),
  ];
}
