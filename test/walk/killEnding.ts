/**
 * What must be true of every request in the end, however often its process was killed. For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { SeenCall } from '../support/usher.ts';

export interface MadeCall extends SeenCall {
  readonly answer?: { readonly value?: readonly unknown[] } | null;
}

/** All there is to know about what was asked for one address. */
export interface Ending {
  /** Of its requests; there is one. */
  readonly states: readonly string[];
  /** `accepted`, `call sent`, … in order. */
  readonly audit: readonly string[];
  /** The calls about this address, in the order in which they were answered. */
  readonly calls: readonly MadeCall[];
  readonly invitations: number;
  readonly mails: number;
  /** How often the guest is among the members, by team. */
  readonly teams: Readonly<Record<string, number>>;
  /** What the messages about it say now: the one that is kept up to date, and the ones nobody knew of any more. */
  readonly cards: readonly string[];
  readonly orphans: readonly string[];
}

/** How it ended for everybody who was to be invited, and what there is to say about the way there. */
export interface Outcome {
  readonly endings: ReadonlyMap<string, Ending>;
  readonly facts: Readonly<Record<string, number>>;
}

export const isInvitation = (call: MadeCall): boolean => call.method === 'POST' && /\/invitations$/.test(call.path);

const foundNobody = (call: MadeCall): boolean =>
  call.method === 'GET' && /\/users$/.test(call.path) && call.status === 200 && call.answer?.value?.length === 0;

/** Accepted, done, sent once, told on one card. */
export function assertOnce(ending: Ending, teams: readonly string[]): void {
  const { states, audit, calls, invitations, mails, cards } = ending;
  assert.deepEqual(states, ['waiting']);
  assert.deepEqual([mails, invitations], [1, 1], 'mails and invitations');
  assert.deepEqual(ending.teams, Object.fromEntries(teams.map((team) => [team, 1])));
  assert.equal(cards.length, 1, `not one card but: ${cards.join(' | ')}`);
  assert.match(cards[0] ?? '', /^Invited: /);
  assert.match(audit.join(', '), /^accepted, allowed(, call sent, call (answered|lost))*$/);
  const posts = calls.filter(isInvitation);
  const marks = audit.filter((what) => what === 'call sent');
  assert.ok(posts.length <= marks.length, 'an invitation left without being marked as sent');
  posts.forEach((post, i) => {
    const before = posts[i - 1];
    if (!before) return;
    const looks = calls.slice(calls.indexOf(before), calls.indexOf(post));
    assert.ok(
      looks.some((look) => look.at >= before.at && foundNobody(look)),
      'an invitation was sent again although no look had shown that the first never arrived',
    );
  });
}
