/**
 * Who may command the bot at all: members of an allowed tenant, and its guests and people of other tenants who share the
 * chat only where the policy says so. The activity does not say who is which; the conversation's roster does. What it says
 * is remembered for a while, what the policy says is not.
 * Must not know commands.
 */
import { z } from 'zod/v4';
import type { PolicyNow } from '../requests/policy/rules.ts';
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

type Kind = 'member' | 'guest' | 'other tenant';

export function openMembership(wire: Wire, allowedTenants: ReadonlySet<string>, policyNow: PolicyNow): CheckMember {
  const judged = async (kind: Kind, { tenantId }: Place): Promise<Result<true>> => {
    if (kind === 'member') return good(true);
    const { guestsMayCommand, otherTenantsMayCommand } = (await policyNow(tenantId)).policy;
    if (kind === 'guest') return guestsMayCommand ? good(true) : bad(problem('denied', 'problem.guestsMayNot'));
    return otherTenantsMayCommand ? good(true) : bad(problem('denied', 'problem.otherTenant'));
  };
  const known = new Map<string, { readonly until: number; readonly kind: Kind }>();
  return async (who, where) => {
    const key = `${where.tenantId} ${who.id}`;
    const before = known.get(key);
    if (before && before.until > Date.now()) return judged(before.kind, where);
    const path = `v3/conversations/${encodeURIComponent(where.conversationId.split(';')[0] ?? '')}/members/${encodeURIComponent(where.userId)}`;
    const answer = await wire.send('GET', where.serviceUrl, path);
    // Not knowing who asks is a reason to refuse, and to ask again next time.
    const member = Member.safeParse(answer.ok ? answer.body : {});
    if (!answer.ok || !member.success) {
      const detail = answer.ok ? 'no roster entry' : answer.problem.detail;
      return bad(problem('down', 'problem.whoAreYou', detail ? { detail } : {}));
    }
    const kind = kindOf(member.data, allowedTenants);
    if (known.size >= MOST) known.delete(known.keys().next().value ?? '');
    known.set(key, { until: Date.now() + REMEMBERED_MS, kind });
    return judged(kind, where);
  };
}

function kindOf(member: z.infer<typeof Member>, allowedTenants: ReadonlySet<string>): Kind {
  const isGuest = /^(?:guest|anonymous)$/i.test(member.userRole ?? '') || /#EXT#/i.test(member.userPrincipalName ?? '');
  if (isGuest) return 'guest';
  return member.tenantId && allowedTenants.has(member.tenantId) ? 'member' : 'other tenant';
}
