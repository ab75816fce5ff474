/**
 * Who may command the bot at all: members of an allowed tenant, not its guests and not people of other tenants who share
 * the chat. The activity does not say; the conversation's roster does. Answers are remembered for a while.
 * Must not know commands.
 */
import { z } from 'zod/v4';
import { bad, good, problem, type Result } from '../requests/problem.ts';
import type { Person, Place } from '../requests/request.ts';
import type { Wire } from './adapter.ts';

/** A roster entry (Bot Framework, get conversation member; Teams adds tenantId and userRole). */
const Member = z.looseObject({
  id: z.string().min(1),
  tenantId: z.string().optional(),
  userRole: z.string().optional(),
  userPrincipalName: z.string().optional(),
});

const REMEMBERED_MS = 15 * 60_000;
const MOST = 10_000;

export type CheckMember = (who: Person, where: Place) => Promise<Result<true>>;

export function openMembership(wire: Wire, allowedTenants: ReadonlySet<string>): CheckMember {
  const known = new Map<string, { readonly until: number; readonly result: Result<true> }>();
  return async (who, where) => {
    const key = `${where.tenantId} ${who.id}`;
    const before = known.get(key);
    if (before && before.until > Date.now()) return before.result;
    const path = `v3/conversations/${encodeURIComponent(where.conversationId.split(';')[0] ?? '')}/members/${encodeURIComponent(where.userId)}`;
    const answer = await wire.send('GET', where.serviceUrl, path);
    // Not knowing who asks is a reason to refuse, and to ask again next time.
    const member = Member.safeParse(answer.ok ? answer.body : {});
    if (!answer.ok || !member.success) {
      const detail = answer.ok ? 'no roster entry' : answer.problem.detail;
      return bad(problem('down', 'problem.whoAreYou', detail ? { detail } : {}));
    }
    const result = judge(member.data, allowedTenants);
    if (known.size >= MOST) known.delete(known.keys().next().value ?? '');
    known.set(key, { until: Date.now() + REMEMBERED_MS, result });
    return result;
  };
}

function judge(member: z.infer<typeof Member>, allowedTenants: ReadonlySet<string>): Result<true> {
  const isGuest = /^(?:guest|anonymous)$/i.test(member.userRole ?? '') || /#EXT#/i.test(member.userPrincipalName ?? '');
  if (isGuest) return bad(problem('denied', 'problem.guestsMayNot'));
  if (!member.tenantId || !allowedTenants.has(member.tenantId)) return bad(problem('denied', 'problem.otherTenant'));
  return good(true);
}
