/**
 * The spine on a real store with a clock that is data, and remotes that answer from a script: an unplanned call throws.
 */

import type { z } from 'zod/v4';
import { capabilities } from '../../src/capabilities/index.ts';
import { Approvals } from '../../src/requests/approvals.ts';
import type { Call, Reply } from '../../src/requests/capability.ts';
import { Desk, type Wish } from '../../src/requests/desk.ts';
import { Policy } from '../../src/requests/policy/policy.ts';
import { openRules } from '../../src/requests/policy/rules.ts';
import type { Log, Remotes, Store } from '../../src/requests/ports.ts';
import type { Person, Place, Request } from '../../src/requests/request.ts';
import { Runner, type RunnerSettings } from '../../src/requests/runner.ts';
import { SETTINGS as OF_CAPABILITIES } from './settings.ts';

export const RITA: Person = { id: 'rita', name: 'Rita Requester', locale: 'en' };
export const AXEL: Person = { id: 'axel', name: 'Axel Approver', locale: 'en' };
export const CHAT: Place = {
  kind: 'personal',
  conversationId: 'a:1',
  serviceUrl: 'http://127.0.0.1/',
  tenantId: 't1',
  botId: '28:b',
  userId: '29:r',
};

const SETTINGS: RunnerSettings = {
  concurrency: 4,
  leaseMs: 60_000,
  retryBaseMs: 1000,
  retryMaxMs: 60_000,
  maxAttempts: 3,
  giveUpMs: 24 * 3600_000,
  settleMs: 20_000,
};
const SILENT: Log = { info() {}, warn() {}, error() {} };

export class Spine {
  now = Date.parse('2026-11-20T09:00:00Z');
  readonly sent: Call[] = [];
  readonly errors: unknown[] = [];
  readonly store: Store;
  readonly desk: Desk;
  readonly #runner: Runner;
  #script: ((call: Call) => Reply | Promise<Reply>)[] = [];
  #intents = 0;

  readonly approvals: Approvals;

  constructor(store: Store, settings: Partial<RunnerSettings> = {}, policy?: z.input<typeof Policy>) {
    this.store = store;
    const all = capabilities(OF_CAPABILITIES);
    const clock = { now: () => this.now };
    const policyNow = openRules(store, policy && Policy.parse(policy));
    const remotes: Remotes = {
      send: async (call) => {
        // The sweep looks beside what is scripted: nobody has accepted, and nothing changes.
        if (call.path.startsWith('/users/delta'))
          return ok({ '@odata.deltaLink': 'https://x/?$deltatoken=d', value: [] });
        if (call.name === 'accepted') return nobody;
        this.sent.push(call);
        const answer = this.#script.shift();
        if (!answer) throw new Error(`an unplanned call: ${call.name}`);
        return answer(call);
      },
    };
    const log: Log = { ...SILENT, error: (event, fields) => this.errors.push({ event, ...fields }) };
    this.#runner = new Runner({
      store,
      remotes,
      capabilities: all,
      policyNow,
      clock,
      log,
      admins: new Set(['ada']),
      changed: () => {},
      settings: { ...SETTINGS, ...settings },
    });
    this.approvals = new Approvals({ store, clock, capabilities: all, policyNow, queued: () => {}, changed: () => {} });
    this.desk = new Desk({
      store,
      clock,
      capabilities: all,
      policyNow,
      maxAtOnce: 20,
      queued: () => {},
      changed: () => {},
      messageLeaseEnd: () => this.now + 60_000,
    });
  }

  /** What the remotes answer next, in order. */
  answers(...replies: (Reply | ((call: Call) => Reply | Promise<Reply>))[]): void {
    this.#script = replies.map((reply) => (typeof reply === 'function' ? reply : () => reply));
  }

  async invite(
    raw: Record<string, string> = { people: 'ana@partner.example' },
    more: Partial<Wish> = {},
  ): Promise<Request> {
    const filed = await this.desk.submit({
      capability: 'guest',
      raw,
      who: RITA,
      where: CHAT,
      key: `chat:${this.#intents++}`,
      activityId: null,
      ...more,
    });
    if (!filed.ok) throw new Error(filed.problem.map((fault) => fault.say.key).join());
    const [request] = filed.value.requests;
    if (!request) throw new Error('nothing was filed');
    return request;
  }

  /** Carries out everything that is due now, once; answers how many were claimed. */
  async runDue(): Promise<number> {
    const claims = await this.store.claim(10, this.now, this.now + SETTINGS.leaseMs);
    await Promise.all(claims.map((claim) => this.#runner.work(claim)));
    return claims.length;
  }

  /** Lets time pass to the next due moment and carries out what is due. False: nothing is due any more. */
  async runNext(): Promise<boolean> {
    const due = await this.store.nextRequestAt(this.now);
    if (due === null) return false;
    this.now = Math.max(this.now, due);
    await this.runDue();
    return true;
  }

  async end(id: string): Promise<Request> {
    for (let n = 0; n < 100; n++) {
      const request = await this.store.get(id);
      if (request && !['queued', 'sending'].includes(request.state)) return request;
      if (!(await this.runNext())) break;
    }
    const request = await this.store.get(id);
    if (!request) throw new Error('no such request');
    return request;
  }
}

export const ok = (body: Record<string, unknown> = {}): Reply => ({ ok: true, body });
export const nobody = ok({ value: [] });
export const invited = ok({
  invitedUser: { id: 'u1' },
  inviteRedeemUrl: 'https://login.microsoftonline.com/redeem?rd=x',
  status: 'PendingAcceptance',
});
export const pending = ok({
  value: [
    {
      id: 'u1',
      displayName: 'Ana',
      mail: 'ana@partner.example',
      userType: 'Guest',
      externalUserState: 'PendingAcceptance',
    },
  ],
});
export const fails = (kind: 'busy' | 'down' | 'refused' | 'denied' | 'gone', retryAfterMs?: number): Reply => ({
  ok: false,
  problem: { kind, say: { key: `problem.${kind}` }, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
});
