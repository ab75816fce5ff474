/**
 * Carries requests out: claim → step → send → save the answer → step … → finish. Every HTTP call that changes something
 * is committed as sent before it leaves; what happens when its answer is lost is decided here and nowhere else.
 * Must not know any capability, remote, card or SQL: it sees steps, calls and replies.
 */

import type { Approval } from './approval.ts';
import { besideOf } from './beside.ts';
import type { AnyCapability, Call, Facts, Filing, Step } from './capability.ts';
import { endAtGate, isPause, lookedAt } from './dryRun.ts';
import { draftOf } from './filing.ts';
import { type AtGate, changes, gateOf } from './gate.ts';
import { shapeAtGate } from './gateLooks.ts';
import { allowedLine, factsFor, heldAtGate } from './heldAtGate.ts';
import { openRows } from './many/fileRows.ts';
import { takeTurn } from './pace.ts';
import type { PolicyNow } from './policy/rules.ts';
import type { AuditLine, Change, Claim, Clock, Log, Remotes, Store } from './ports.ts';
import { isSignIn, type Problem, problem } from './problem.ts';
import { Pump } from './pump.ts';
import { answerIn, asking, chosen } from './question.ts';
import type { Request } from './request.ts';
import { heldBy, isSetback, type Patience, setbackOf, type Unanswered } from './setback.ts';
import {
  after,
  done,
  type Heard,
  heardOf,
  isNews,
  isSeen,
  type Line,
  later,
  type Next,
  nextN,
  shaped,
  soFar,
  type Undated,
  type Work,
} from './work.ts';

/** Times in milliseconds. */
export interface RunnerSettings extends Patience {
  /** Requests worked on at once by this process. */
  readonly concurrency: number;
  /** How long a claim outlives its process: it is extended thrice as often while somebody works on it. */
  readonly leaseMs: number;
}

export interface RunnerParts {
  readonly store: Store;
  readonly remotes: Remotes;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
  readonly policyNow: PolicyNow;
  readonly clock: Clock;
  readonly log: Log;
  /** Entra object ids of those who may set Usher up. */
  readonly admins: ReadonlySet<string>;
  readonly settings: RunnerSettings;
  /** Called after each change a person can see. */
  readonly changed: (request: Request) => void;
}

/** Keys that are remembered. */
const MOST_FILED = 1_000;

/** The store failed: the request is as sound as before. Its lease runs out, and whoever comes next goes on. */
class StoreTrouble extends Error {
  constructor(cause: unknown) {
    super('the store failed', { cause });
  }
}

const trouble = (cause: unknown): never => {
  throw new StoreTrouble(cause);
};

export class Runner {
  readonly #parts: RunnerParts;
  readonly #pump: Pump<Claim>;
  readonly #stopping = new AbortController();
  /** Keys of what was filed from here lately. */
  readonly #filed = new Set<string>();
  /** What is worked on here, so that its leases can be extended. */
  readonly #inHand = new Set<Request>();
  readonly #rows: ReturnType<typeof openRows>;
  #holding: NodeJS.Timeout | null = null;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    const { store, clock, settings, log } = parts;
    this.#rows = openRows(parts);
    this.#pump = new Pump({
      name: 'runner',
      concurrency: settings.concurrency,
      take: (limit) => store.claim(limit, clock.now(), clock.now() + settings.leaseMs),
      work: (claim) => this.work(claim),
      dueAt: () => store.nextRequestAt(clock.now()),
      clock,
      log,
    });
  }

  /** Starts taking requests; answers at once. */
  start(): void {
    const { store, clock, settings, log } = this.#parts;
    this.#holding = setInterval(() => {
      store
        .hold([...this.#inHand], clock.now() + settings.leaseMs)
        .catch((cause) => log.warn('leases.not.extended', { cause }));
    }, settings.leaseMs / 3);
    this.#pump.start();
  }

  /** Something was queued: look now. */
  wake(): void {
    this.#pump.wake();
  }

  /**
   * Stops taking, gives calls under way `graceMs` to answer, then lets go of the rest: their leases run out and
   * whoever comes next looks before repeating.
   */
  async stop(graceMs: number): Promise<void> {
    await this.#pump.stop(graceMs, () => this.#stopping.abort());
    if (this.#holding) clearInterval(this.#holding);
  }

  /** Works on one claimed request until it ends or must wait. Exceptions here are bugs and end the request as such. */
  async work(claim: Claim): Promise<void> {
    this.#inHand.add(claim.request);
    await this.#work(claim);
    this.#inHand.delete(claim.request);
  }

  async #work(claim: Claim): Promise<void> {
    const { log } = this.#parts;
    let latest: Work = claim;
    try {
      while (!this.#stopping.signal.aborted) {
        const next = await this.#once(latest);
        if ('rest' in next) return;
        latest = next.go;
      }
      // Stopping: hand the request back at once instead of letting its lease run out.
      await this.#save(latest, { state: 'queued', nextAt: this.#parts.clock.now(), visible: false, audit: [] });
    } catch (cause) {
      if (cause instanceof StoreTrouble)
        return log.error('store.failed', { requestId: claim.request.id, cause: cause.cause });
      log.error('request.bug', { requestId: claim.request.id, cause });
      await this.#fail(latest, problem('bug', 'problem.bug')).catch((again) =>
        log.error('request.bug.unsaved', { requestId: claim.request.id, cause: again }),
      );
    }
  }

  async #once(claim: Work): Promise<Next> {
    const { request, answers } = claim;
    const capability = this.#parts.capabilities.get(request.capability);
    if (!capability) throw new Error(`no capability named ${request.capability}`);
    const unheard = answers.find((answer) => answer.reply === null);
    if (unheard) return this.#setBack(claim, { ...unheard, why: problem('down', 'problem.lost') });

    const { clock, store, policyNow } = this.#parts;
    const given = answerIn(request, claim.signals);
    if (given) {
      const leaseUntil = clock.now() + this.#parts.settings.leaseMs;
      const chose = await this.#move(claim, chosen(request, capability, given, leaseUntil, this.#line));
      return chose ? { go: chose } : { rest: true };
    }
    const inForce = await policyNow(request.tenantId).catch(trouble);
    const facts: Facts = {
      requestId: request.id,
      now: clock.now(),
      createdAt: request.createdAt,
      requester: request.requester,
      place: request.place,
      policy: inForce.policy,
      lost: request.lost,
      earlier: claim.earlier,
      soFar: request.outcome,
      signals: claim.signals,
      beside: await besideOf(store, capability, request).catch(trouble),
      rows: capability.hasRows ? await this.#rows.look(request).catch(trouble) : null,
    };
    const step: Step<unknown> = capability.step(request.input, answers, facts);
    const at = { capability, request, answers, facts, inForce, admins: [...this.#parts.admins] };
    const gateAt = (call: Call): AtGate => ({ ...at, call });
    const toChange = step.kind === 'call' && changes(step.call);
    if (request.isDry && (step.kind !== 'call' || (toChange && !capability.judged)) && !isPause(step)) {
      const looked = lookedAt(step, at, this.#line);
      return 'call' in looked ? this.#call(claim, looked, capability) : this.#save(claim, looked);
    }
    if ('files' in step && step.files) await this.#file(request, step.files);
    switch (step.kind) {
      case 'call': {
        if (!toChange) return this.#call(claim, step, capability);
        return this.#pass(claim, step, gateAt(step.call));
      }
      case 'file': {
        await this.#file(request, step.filing);
        return { go: claim };
      }
      case 'rows': {
        const [call] = step.what === 'file' ? (capability.plan?.(request.input, answers, facts) ?? []) : [];
        if (!call) return this.#fileRows(claim, step, null);
        return this.#pass(claim, step, gateAt(call));
      }
      case 'done':
        return this.#save(claim, done(request, step, facts.now, this.#line));
      case 'fail':
        return this.#fail(claim, step.problem, { ...soFar(step), ...(step.fresh ? { forget: 'all' } : {}) });
      case 'later':
        return this.#save(claim, later(request, step, facts.now, isSeen(capability, request, step.outcome)));
      case 'ask': {
        const isNew = isSeen(capability, request, step.outcome);
        return this.#save(claim, asking(request, step, facts.now, isNew, this.#line));
      }
    }
  }

  /** A call that changes something passes the gate first. */
  async #pass(work: Work, step: Extract<Step<unknown>, { kind: 'call' | 'rows' }>, at: AtGate): Promise<Next> {
    const { store } = this.#parts;
    const gate = gateOf(at);
    if (gate.kind === 'looks') return this.#call(work, { kind: 'call', call: gate.call }, at.capability);
    if (work.request.isDry) return this.#save(work, endAtGate(at, gate, this.#line));
    if (gate.kind === 'passes')
      return step.kind === 'rows'
        ? this.#fileRows(work, step, gate.approval)
        : this.#call(work, step, at.capability, gate.approval);
    const known = gate.kind === 'asks' ? await factsFor(store, at).catch(trouble) : [];
    // Of a list nothing has been achieved before its first rows are filed.
    return this.#save(work, {
      ...(step.kind === 'call' ? soFar(step) : {}),
      ...heldAtGate(at, gate, known, this.#line),
    });
  }

  /** On behalf of whoever asked, and where. */
  async #file(request: Request, filing: Filing): Promise<void> {
    // What is filed once for all (the sweep, by every row of a list) need not be offered to the store again.
    if (this.#filed.has(filing.key)) return;
    const { store, clock, capabilities, changed } = this.#parts;
    await store.accept([draftOf(request, filing, capabilities)], clock.now(), 0).catch(trouble);
    if (this.#filed.size >= MOST_FILED) this.#filed.clear();
    this.#filed.add(filing.key);
    this.wake();
    if (filing.shown) changed(request);
  }

  /** Sends one call. A safe one needs no mark: repeating it harms nobody, so its commit is spared. */
  async #call(
    work: Work,
    { call, outcome }: Extract<Step<unknown>, { kind: 'call' }>,
    capability: AnyCapability,
    approval: Approval | null = null,
  ): Promise<Next> {
    const { store, clock, settings, remotes } = this.#parts;
    // Somebody may have closed the gate since this request was claimed.
    const opensAt = await store.gateOpensAt(call.to).catch(trouble);
    if (opensAt > clock.now()) return this.#save(work, heldBy(work, opensAt, clock.now()));
    const turn = await takeTurn(work, call, store, clock).catch(trouble);
    if ('rests' in turn) return this.#save(work, turn.rests);
    const n = nextN(work);
    const sentAt = clock.now();
    const mark = call.repeat !== 'safe';
    const isJudged = approval !== null && isNews(approval, work.request.approval);
    let current: Work | null = work;
    if (mark || work.unsaved || isJudged) {
      current = await this.#move(work, {
        state: 'sending',
        ...(mark ? { sends: { n, call, sentAt } } : {}),
        ...(isJudged ? { approval } : {}),
        leaseUntil: sentAt + settings.leaseMs,
        ...(isNews(outcome, work.request.outcome) ? { outcome, note: null } : {}),
        visible: isSeen(capability, work.request, outcome),
        audit: [
          ...(isJudged ? [allowedLine(work.request, approval, this.#line)] : []),
          ...(mark ? [this.#line(work.request, 'call sent', { call: call.name, method: call.method })] : []),
        ],
      });
      if (!current) return { rest: true };
    }
    const reply = shaped(
      await remotes.send(call, {
        requestId: work.request.id,
        place: work.request.place,
        signal: this.#stopping.signal,
      }),
      capability.answers[call.name] ?? shapeAtGate(call.name),
    );
    if (reply.ok || !isSetback(reply.problem)) return heardOf(current, call, sentAt, reply);
    return this.#setBack(current, { call, sentAt, why: reply.problem });
  }

  /** Not answered as hoped: what may happen now is decided in one place, here it is done. */
  async #setBack(work: Work, unanswered: Unanswered): Promise<Next> {
    const { store, clock, settings, log, capabilities } = this.#parts;
    const { call, sentAt, why } = unanswered;
    if (why.kind === 'down') log.warn('call.lost', { requestId: work.request.id, call: call.name, detail: why.detail });
    const setback = setbackOf(work, unanswered, clock.now(), settings, this.#line);
    if ('reply' in setback) return heardOf(work, call, sentAt, setback.reply);
    if ('unsure' in setback) return this.#unsure(work, call, sentAt);
    if ('fails' in setback) return this.#fail(work, setback.fails, setback.achieved);
    if (setback.gateUntil !== undefined) await store.closeGate(call.to, setback.gateUntil).catch(trouble);
    // Who has no card of its own has another ask for the sign-in.
    const isNews = isSignIn(why) && !isSignIn(work.request.problem);
    const wakes = isNews ? capabilities.get(work.request.capability)?.signedOut?.(work.request) : undefined;
    return this.#save(work, { ...setback.rests, ...(wakes ? { wakes } : {}) });
  }

  /** Whoever says to send it again has it looked for first, where it can be. */
  #unsure(claim: Work, call: Call, sentAt: number): Promise<Next> {
    const { lost } = claim.request;
    return this.#save(claim, {
      state: 'unsure',
      ...(call.repeat === 'restart' ? { lost: [...lost, { call, at: sentAt }] } : {}),
      problem: problem('unsure', 'problem.unsure'),
      note: null,
      visible: true,
      audit: [this.#line(claim.request, 'unsure', { call: call.name })],
    });
  }

  #fail(work: Work, why: Problem, achieved: Partial<Undated> = {}): Promise<Next> {
    return this.#save(work, {
      ...achieved,
      state: 'failed',
      problem: why,
      note: null,
      question: null,
      visible: true,
      audit: [this.#line(work.request, 'failed', { kind: why.kind, sentence: why.say.key })],
    });
  }

  /** The next rows of a list are filed, under what was found at its gate; then its step is asked again. */
  async #fileRows(work: Work, step: Extract<Step<unknown>, { kind: 'rows' }>, found: Approval | null): Promise<Next> {
    const { clock, settings } = this.#parts;
    const approval = found ?? work.request.approval;
    const list = { ...work.request, approval };
    await (step.what === 'remind' ? this.#rows.remind(list, step.key) : this.#rows[step.what](list)).catch(trouble);
    this.wake();
    const isNew = found !== null && work.request.approval === null;
    const moved = await this.#move(work, {
      state: 'sending',
      outcome: step.outcome,
      approval,
      leaseUntil: clock.now() + settings.leaseMs,
      // Rows are told of once they have moved; a list that was made is to be looked for.
      visible: step.what === 'remind',
      audit: isNew ? [allowedLine(work.request, found, this.#line)] : [],
    });
    return moved ? { go: moved } : { rest: true };
  }

  /** Saves a change after which this worker lets go. */
  async #save(work: Work, change: Undated): Promise<Next> {
    await this.#move(work, change);
    return { rest: true };
  }

  /** Commits a change together with the reply in hand; null when somebody else owns the request by now. */
  async #move(work: Work, change: Undated): Promise<Work | null> {
    const { store, clock, log, changed } = this.#parts;
    const { request, unsaved } = work;
    const at = clock.now();
    const whole: Change = unsaved
      ? {
          at,
          // Something outside was changed as asked: what failed before no longer counts.
          ...(unsaved.call.repeat !== 'safe' && unsaved.reply.ok ? { attempts: 0 } : {}),
          ...change,
          heard: unsaved,
          audit: unsaved.call.repeat === 'safe' ? change.audit : [this.#answered(request, unsaved), ...change.audit],
        }
      : { at, ...change };
    const moved = await store.move(request.id, request.fence, whole).catch(trouble);
    if (!moved) {
      log.warn('request.ownership.lost', { requestId: request.id });
      return null;
    }
    if (change.visible) changed(moved);
    const { earlier, signals } = work;
    return { request: moved, answers: after(work, change), earlier, signals };
  }

  #answered(request: Request, { call, reply }: Heard): AuditLine {
    return this.#line(request, 'call answered', { call: call.name, answer: reply.ok ? 'ok' : reply.problem.kind });
  }

  readonly #line: Line = (request, what, detail = {}) => {
    const at = this.#parts.clock.now();
    return { at, tenantId: request.tenantId, requestId: request.id, who: 'usher', what, detail };
  };
}
