/**
 * The approval of a request: what the policy said, who was asked, what exactly they were shown, and who decided. Pure.
 * Must not know how a policy is judged, where cards are shown, or any capability.
 */
import { createHash } from 'node:crypto';
import type { Call } from './capability.ts';
import type { Ref } from './policy/policy.ts';
import type { Say } from './say.ts';

/** What the policy said, and where it says so. */
export interface Approval {
  readonly verdict: 'allowed' | 'needs approval' | 'refused';
  /** The rule that decided, in words. */
  readonly rule: Say;
  /** Version of the policy. */
  readonly version: number;
  readonly asked: Asked | null;
  /** Of a request that only looks: what it would do, as method and path. */
  readonly plan?: readonly string[];
  /** Who would be asked, by name. */
  readonly by?: readonly string[];
}

/** What approvers were shown, and what came of it. Times in epoch ms. */
export interface Asked {
  readonly at: number;
  readonly approvers: readonly Ref[];
  /** Groups with more people than are asked, by name. */
  readonly crowded?: readonly string[];
  readonly deputies: readonly Ref[];
  readonly deputiesAt: number;
  readonly expiresAt: number;
  /** Digest of the rule by which they were asked: another rule, or the same with other people, asks anew. */
  readonly rule: string;
  /** Who could not be written to, by name. */
  readonly unreached?: readonly string[];
  /** What approvers want to know besides. */
  readonly facts: readonly Say[];
  /** The whole intent as it was shown: only what has this digest is carried out. */
  readonly shown: Shown;
  readonly talk: readonly Remark[];
  readonly decision: Decision | null;
}

export interface Shown {
  readonly input: string;
  /** One digest per call that changes something; null: whatever the intent comes to (a row of a list that was shown). */
  readonly calls: readonly string[] | null;
}

/** A question of an approver, or an answer of whoever asked. */
export interface Remark {
  readonly by: Ref;
  readonly at: number;
  readonly text: string;
}

export interface Decision {
  readonly kind: 'approved' | 'shortened' | 'refused';
  readonly by: Ref;
  readonly at: number;
  /** Why it was refused, as typed. */
  readonly reason?: string;
  /** The last day that was approved instead, ISO date. */
  readonly until?: string;
}

/** SHA-256 of a value as JSON whose keys are in order: two of the same meaning have one digest. */
export function digest(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join()}}`;
}

export const shownOf = (input: unknown, plan: readonly Call[]): Shown => ({
  input: digest(input),
  calls: plan.map(({ to, method, path, body }) => digest({ to, method, path, body })),
});

/** Stands in a plan for what only a call on the way will tell: the id of a guest who is not here yet. */
export const TOLD_LATER = '{guest}';

/** Whether a call is among what is planned; what was to be told later has been put in. */
export function isPlanned(call: Call, plan: readonly Call[]): boolean {
  const text = ({ to, method, path, body }: Call): string =>
    JSON.stringify({ to, method, path, body }).replaceAll(encodeURIComponent(TOLD_LATER), TOLD_LATER);
  const made = text(call);
  return plan.some((one) => {
    const pieces = text(one)
      .split(TOLD_LATER)
      .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${pieces.join(`[^"'/\\\\]+`)}$`).test(made);
  });
}

/** Whether what is about to be done is all within what was shown. Less than that is within it too. */
export function isWithin(now: Shown, shown: Shown): boolean {
  return (
    now.input === shown.input &&
    (shown.calls === null || (now.calls?.every((one) => shown.calls?.includes(one)) ?? false))
  );
}

/** Whether somebody was or will be asked; never whoever asked for it. */
export function isApprover(approval: Approval | null, personId: string, askerId: string): boolean {
  const asked = approval?.asked;
  return !!asked && personId !== askerId && [...asked.approvers, ...asked.deputies].some(({ id }) => id === personId);
}

/** Who may decide at this moment; never whoever asked. */
export function approversAt({ approvers, deputies, deputiesAt }: Asked, now: number, askerId: string): readonly Ref[] {
  const all = now >= deputiesAt ? [...approvers, ...deputies] : approvers;
  return all.filter(({ id }, n) => id !== askerId && all.findIndex((one) => one.id === id) === n);
}
