/**
 * The desk of those who approve: approve, approve with an earlier last day, refuse, ask back; and the answer of whoever
 * asked. Who may is read from the request as it stands in the store, never from a card; the first decision wins.
 * Must not know how a choice was expressed, or cards.
 */
import { type Approval, type Asked, approversAt, type Decision, digest, type Shown, shownOf } from './approval.ts';
import type { AnyCapability, Facts } from './capability.ts';
import type { PolicyNow } from './policy/rules.ts';
import type { Change, Clock, Message, Store } from './ports.ts';
import { bad, good, type Problem, problem, type Result } from './problem.ts';
import { chatWith, type Person, type Request } from './request.ts';
import { say } from './say.ts';
import { lineOf } from './work.ts';

/** What somebody who may approve says. `until`: ISO date. */
export type Ruling =
  | { readonly kind: 'approve' }
  | { readonly kind: 'shorten'; readonly until: string }
  | { readonly kind: 'refuse'; readonly words: string }
  | { readonly kind: 'ask'; readonly words: string };

export interface ApprovalsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
  readonly policyNow: PolicyNow;
  readonly queued: () => void;
  readonly changed: (request: Request) => void;
}

/** Longest reason, question or answer, in characters. */
export const MOST_WORDS = 500;

/** How often may be asked back and answered; who needs more talks to the other. */
const MOST_TALK = 20;

/** What tells one asking from another on a card; a card of an earlier one is stale. */
export const askingOf = ({ shown, at }: Asked): string => digest({ shown, at }).slice(0, 16);

export class Approvals {
  readonly #parts: ApprovalsParts;

  constructor(parts: ApprovalsParts) {
    this.#parts = parts;
  }

  /** The ruling of this person about what a card showed (`asking`). */
  async rule(id: string, ruling: Ruling, asking: string, who: Person, tenantId: string): Promise<Result<Request>> {
    const request = await this.#find(id, tenantId);
    if (!request) return bad(problem('gone', say('problem.noSuchRequest', { id })));
    const asked = request.approval?.asked;
    // Whose own request it is hears that first, whatever its state.
    if (asked && request.requester.id === who.id) return bad(problem('denied', 'approval.notOneself'));
    if (asked?.decision) return bad(decidedAlready(asked.decision));
    if (request.state !== 'awaiting approval' || !asked) return bad(problem('clash', 'problem.movedOn'));
    const now = this.#parts.clock.now();
    if (!approversAt(asked, now, request.requester.id).some((one) => one.id === who.id))
      return bad(problem('denied', 'approval.notApprover'));
    if (asking !== askingOf(asked)) return bad(problem('clash', 'approval.stale'));
    if (!(await this.#isRuleStill(request, asked))) {
      // The gate says whom the rules name now.
      const again: Change = { at: now, state: 'queued', nextAt: now, visible: true, hides: 'approvers', audit: [] };
      await this.#decide(request, again);
      return bad(problem('clash', 'approval.rulesChanged'));
    }
    const change = await this.#change(request, asked, ruling, who, now);
    return change.ok ? this.#decide(request, change.value) : change;
  }

  /** What whoever asked answers to a question of an approver. */
  async reply(id: string, words: string, who: Person, tenantId: string): Promise<Result<Request>> {
    const request = await this.#find(id, tenantId);
    if (!request) return bad(problem('gone', say('problem.noSuchRequest', { id })));
    if (request.requester.id !== who.id)
      return bad(problem('denied', say('problem.notYours', { name: request.requester.name })));
    const asked = request.approval?.asked;
    if (request.state !== 'awaiting approval' || !asked) return bad(problem('clash', 'problem.movedOn'));
    const said = this.#said(request, asked, who, words, this.#parts.clock.now());
    return said.ok ? this.#decide(request, said.value) : said;
  }

  /**
   * An approver cannot be written to (the app is not installed for them). Whoever asked sees it; when nobody else of them
   * is left, the deputies are asked now.
   */
  async unreached({ place }: Pick<Message, 'place'>, { id, tenantId }: Request): Promise<void> {
    const request = await this.#find(id, tenantId);
    const asked = request?.approval?.asked;
    if (request?.state !== 'awaiting approval' || !asked || asked.decision) return;
    const found = [...asked.approvers, ...asked.deputies].find((one) => one.id === place.userId);
    const name = found?.name ?? '';
    if (name === '' || asked.unreached?.includes(name)) return;
    const now = this.#parts.clock.now();
    const unreached = [...(asked.unreached ?? []), name];
    const isNobodyLeft = approversAt(asked, asked.at, request.requester.id).every((one) =>
      unreached.includes(one.name),
    );
    const deputiesAt = isNobodyLeft ? Math.min(asked.deputiesAt, now) : asked.deputiesAt;
    const shows = asked.deputies
      .filter((one) => one.id !== request.requester.id)
      .map((one) => ({ place: chatWith(one.id, request.place), audience: 'approvers' as const, at: deputiesAt }));
    await this.#decide(request, {
      at: now,
      state: 'awaiting approval',
      approval: { ...approvalOf(request), asked: { ...asked, unreached, deputiesAt } },
      ...(isNobodyLeft ? { shows } : {}),
      visible: true,
      audit: [{ at: now, tenantId, requestId: id, who: 'usher', what: 'approver not reached', detail: {} }],
    });
  }

  async #find(id: string, tenantId: string): Promise<Request | null> {
    const request = await this.#parts.store.get(id);
    return request?.tenantId === tenantId ? request : null;
  }

  async #decide(request: Request, change: Change): Promise<Result<Request>> {
    const { store, changed, queued } = this.#parts;
    const moved = await store.decide(request.id, request.version, 'awaiting approval', change);
    if (moved) {
      changed(moved);
      if (moved.state === 'queued') queued();
      return good(moved);
    }
    const decision = (await store.get(request.id))?.approval?.asked?.decision;
    return bad(decision ? decidedAlready(decision) : problem('clash', 'problem.movedOn'));
  }

  /** Whether the rule by which they were asked stands as it stood; that of a removal names the admins. */
  async #isRuleStill({ tenantId, approval }: Request, { rule }: Asked): Promise<boolean> {
    const { policy, version } = await this.#parts.policyNow(tenantId);
    return version === approval?.version || policy.approvals.some((one) => digest(one) === rule);
  }

  /** What would be done with this input, by digest. */
  async #shown(request: Request, input: unknown, now: number): Promise<Shown> {
    const { store, policyNow, capabilities } = this.#parts;
    const { id: requestId, requester, place, createdAt, lost, outcome: soFar } = request;
    const { policy } = await policyNow(request.tenantId);
    const answers = await store.answers(requestId);
    const facts: Facts = {
      ...{ requestId, now, createdAt, requester, place, policy, lost, soFar },
      ...{ earlier: null, signals: [], beside: [], rows: null },
    };
    return shownOf(input, capabilities.get(request.capability)?.plan?.(input, answers, facts) ?? []);
  }

  async #change(request: Request, asked: Asked, ruling: Ruling, who: Person, now: number): Promise<Result<Change>> {
    if (ruling.kind === 'ask') return this.#said(request, asked, who, ruling.words, now);
    const by = { id: who.id, name: who.name };
    const decided = (decision: Decision, more: Partial<Asked> = {}): Approval => ({
      ...approvalOf(request),
      asked: { ...asked, ...more, decision },
    });
    const base = { at: now, nextAt: now, note: null, visible: true, hides: 'approvers' } as const;
    if (ruling.kind === 'approve')
      return good({
        ...base,
        state: 'queued',
        approval: decided({ kind: 'approved', by, at: now }),
        audit: [lineOf(request, who, now, 'approved')],
      });
    if (ruling.kind === 'refuse') {
      const reason = ruling.words.trim().slice(0, MOST_WORDS);
      if (reason === '') return bad(problem('input', 'approval.whyNot', { field: 'words' }));
      return good({
        ...base,
        state: 'declined',
        approval: decided({ kind: 'refused', by, at: now, reason }),
        problem: problem('denied', say('approval.refusedBy', { name: who.name, reason })),
        audit: [lineOf(request, who, now, 'refused')],
      });
    }
    const capability = this.#parts.capabilities.get(request.capability);
    if (!capability?.shorten) return bad(problem('input', 'approval.noEnd'));
    const had = capability.judged?.(request.input, [])?.until;
    const { until } = ruling;
    if (!isDay(until, now)) return bad(problem('input', 'approval.whichDay', { field: 'until' }));
    if (had !== undefined && until >= had) return bad(problem('input', 'approval.notShorter', { field: 'until' }));
    const input = capability.shorten(request.input, until);
    return good({
      ...base,
      state: 'queued',
      input,
      // What is carried out is what was shown, with the day that was approved.
      approval: decided({ kind: 'shortened', by, at: now, until }, { shown: await this.#shown(request, input, now) }),
      audit: [lineOf(request, who, now, 'approved for shorter', { until })],
    });
  }

  #said(request: Request, asked: Asked, who: Person, words: string, at: number): Result<Change> {
    const text = words.trim().slice(0, MOST_WORDS);
    if (text === '') return bad(problem('input', 'approval.noWords', { field: 'words' }));
    if (asked.talk.length >= MOST_TALK) return bad(problem('input', 'approval.talkedEnough'));
    const talk = [...asked.talk, { by: { id: who.id, name: who.name }, at, text }];
    const what = who.id === request.requester.id ? 'answered the approver' : 'asked back';
    return good({
      at,
      state: 'awaiting approval',
      approval: { ...approvalOf(request), asked: { ...asked, talk } },
      visible: true,
      audit: [lineOf(request, who, at, what)],
    });
  }
}

/** A day that is not over anywhere, as an ISO date. */
function isDay(text: string, now: number): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return at > now - 2 * 24 * 3600_000;
}

function approvalOf({ approval }: Request): Approval {
  if (!approval) throw new Error('nobody was asked to approve this');
  return approval;
}

/** Too late: who decided, and how. */
const decidedAlready = ({ kind, by }: Decision): Problem =>
  problem(
    'clash',
    say(kind === 'refused' ? 'approval.already.refused' : 'approval.already.approved', { name: by.name }),
  );
