/**
 * The desk: where people's wishes become requests and where a person's choice about one is taken. Decides who may do
 * what with a request; the store decides who was first.
 * Must not know how the wish was expressed (text, form, HTTP) or how the answer is shown.
 */
import { isApprover } from './approval.ts';
import type { AnyCapability, Raw, Surroundings } from './capability.ts';
import { newId } from './ids.ts';
import { fileList, type ListWish } from './many/fileList.ts';
import { refusals } from './policy/judge.ts';
import type { PolicyNow } from './policy/rules.ts';
import type { AuditLine, Behind, Change, Clock, RequestFilter, Store } from './ports.ts';
import { bad, good, isSignIn, type Problem, problem, REPLACED, type Result } from './problem.ts';
import { answerSignal, optionOf } from './question.ts';
import { chatOf, ENDED, LIVE, type Person, type Place, type Request } from './request.ts';
import { type Say, say } from './say.ts';
import { calledOff, isTouched } from './withdraw.ts';
import { lineOf } from './work.ts';

export interface DeskParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
  readonly policyNow: PolicyNow;
  /** Most requests one command or form may file. */
  readonly maxAtOnce: number;
  /** Called when something was queued. */
  readonly queued: () => void;
  /** Called after a change a person can see. */
  readonly changed: (request: Request) => void;
  /** When a message leased now would be free for others again, epoch ms. */
  readonly messageLeaseEnd: () => number;
}

export interface Wish {
  readonly capability: string;
  readonly raw: Raw;
  readonly who: Person;
  readonly where: Place;
  /** One effect per intent: the same key is never carried out twice. */
  readonly key: string;
  /** The message that already stands for it (a submitted form), or null. */
  readonly activityId: string | null;
  /** Nobody is there who posts its first message at once: it is the teller's. */
  readonly unattended?: true;
  /** Only what would be done is wanted. */
  readonly isDry?: true;
  /** Who asks in the requester's name. */
  readonly behind?: Behind;
}

export interface Filed {
  readonly requests: readonly Request[];
  /** False when all of them had been filed before (a resent activity, a second click). */
  readonly isNew: boolean;
  /** Whether what had been filed before under this key is what was wished for now. */
  readonly isSame: boolean;
}

/** What a person may do with a request that rests. */
export type Choice =
  | { readonly kind: 'cancel' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'answer'; readonly value: string }
  | { readonly kind: 'arrived' }
  | { readonly kind: 'again' };

/** Most requests that go on when somebody signs in; nobody has so many that wait. */
const MOST_RESUMED = 1_000;

export class Desk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Checks the wish and files it durably. When this answers with requests, they are committed and queued. */
  async submit(wish: Wish): Promise<Result<Filed, readonly Problem[]>> {
    const { store, clock, maxAtOnce, messageLeaseEnd, queued } = this.#parts;
    const capability = this.#capability(wish.capability);
    const denied = capability.denies?.(wish.who, wish.where);
    if (denied) return bad([denied]);
    const now = clock.now();
    const inputs = capability.read(wish.raw, await this.#around(wish.who, wish.where, now));
    if (!inputs.ok) return inputs;
    const refused = wish.isDry ? [] : await this.#refusals(capability, inputs.value, wish, now);
    if (refused.length > 0) return bad(refused);
    if (inputs.value.length > maxAtOnce) {
      return bad([problem('input', say('problem.tooManyAtOnce', { count: inputs.value.length, most: maxAtOnce }))]);
    }
    const accepted = await store.accept(
      inputs.value.map((input, n) => ({
        id: newId(),
        key: `${wish.key}:${n}`,
        capability: capability.name,
        subject: capability.subject(input),
        requester: wish.who,
        place: wish.where,
        input,
        activityId: inputs.value.length === 1 ? wish.activityId : null,
        ...(capability.remote ? { remote: capability.remote } : {}),
        ...(wish.isDry ? { isDry: true as const } : {}),
        ...(wish.behind ? { behind: wish.behind } : {}),
      })),
      now,
      // A message that is on screen already is updated by the teller; a new one is posted by who asked us, at once.
      wish.activityId === null && !wish.unattended ? messageLeaseEnd() : 0,
    );
    const isNew = accepted.some((one) => one.isNew);
    if (isNew) queued();
    const isSame = accepted.every(({ request }, n) => isSameWish(capability, request, inputs.value[n]));
    return good({ requests: accepted.map((one) => one.request), isNew, isSame });
  }

  /** The same of a list: one request about all its rows. Nothing is sent before whoever asked has seen it and says so. */
  async submitList(wish: ListWish): Promise<Result<Filed, readonly Problem[]>> {
    const filed = await fileList(wish, this.#capability(wish.capability), this.#parts);
    if (filed.ok && filed.value.isNew) this.#parts.queued();
    return filed;
  }

  /** What the policy refuses whatever the directory may say: each sentence once. */
  async #refusals(
    capability: AnyCapability,
    inputs: readonly unknown[],
    { who, where }: Pick<Wish, 'who' | 'where'>,
    now: number,
  ): Promise<readonly Problem[]> {
    const cases = inputs.flatMap((input) => capability.judged?.(input, []) ?? []);
    const asker = { id: who.id, groups: null, ownsTeam: null };
    return refusals(await this.#parts.policyNow(where.tenantId), cases, asker, now);
  }

  /** What was typed, field by field, as the capability would have it. */
  async arrange(capability: AnyCapability, raw: Raw, requester: Person, place: Place): Promise<Raw> {
    return capability.arrange?.(raw, await this.#around(requester, place)) ?? raw;
  }

  async #around(requester: Person, place: Place, now = this.#parts.clock.now()): Promise<Surroundings> {
    const { policy, version: policyVersion } = await this.#parts.policyNow(place.tenantId);
    return { requester, place, policy, policyVersion, now };
  }

  /** What would be done, without doing it: sentences, or the faults. */
  async check(
    capability: AnyCapability,
    raw: Raw,
    requester: Person,
    place: Place,
  ): Promise<Result<readonly Say[], readonly Problem[]>> {
    const inputs = capability.read(raw, await this.#around(requester, place));
    return inputs.ok ? good(inputs.value.flatMap((input) => capability.preview?.(input) ?? [])) : inputs;
  }

  /** A person's choice about a request. Only the one who asked may choose; first come, first served. */
  async choose(id: string, choice: Choice, who: Person, where: Place): Promise<Result<Request>> {
    const request = await this.find(id, where);
    if (!request) return bad(problem('gone', say('problem.noSuchRequest', { id })));
    if (request.requester.id !== who.id) {
      return bad(problem('denied', say('problem.notYours', { name: request.requester.name })));
    }
    if (request.erasedAt !== null) return bad(problem('gone', 'problem.erased'));
    if (choice.kind === 'answer') return this.#answer(request, choice.value, who);
    const change = await this.#change(request, choice, who);
    if (!change.ok) return change;
    const moved = await this.#decide(request, change.value);
    return moved ? good(moved) : bad(problem('clash', 'problem.movedOn'));
  }

  /** The answer to a question that stands; of a request in somebody's hands it is kept until they let go of their step. */
  async #answer(request: Request, value: string, who: Person): Promise<Result<Request>> {
    const { store, clock, queued } = this.#parts;
    const { question } = request;
    if (!question || ENDED.has(request.state)) return bad(notNow(request));
    const option = optionOf(question, value);
    if (!option) return bad(problem('input', 'problem.chooseOne', { field: question.field }));
    const now = clock.now();
    if (request.state === 'waiting') {
      const { field } = question;
      const input = this.#capability(request.capability).choose(request.input, field, option);
      const audit = [lineOf(request, who, now, 'chose', { field, value: option.value })];
      const moved = await this.#decide(request, { ...queuedAt(now), question: null, input, audit });
      if (moved) return good(moved);
    }
    const latest = await store.get(request.id);
    if (!latest || ENDED.has(latest.state) || latest.question?.until !== question.until)
      return bad(problem('clash', 'problem.movedOn'));
    if (await store.signal(request.id, [answerSignal(question, option, who)], now)) queued();
    return good({ ...latest, question: null });
  }

  async #decide(request: Request, change: Change): Promise<Request | null> {
    const { store, changed, queued } = this.#parts;
    const moved = await store.decide(request.id, request.version, request.state, change);
    if (!moved) return null;
    changed(moved);
    if (moved.state === 'queued') queued();
    return moved;
  }

  /**
   * Something done to a request that lives on (a press, a typed command). Whoever is in its conversation may; where it
   * matters who it is (`denies`), whoever asked may in their own chat as well. The request hears of it, whatever it is doing;
   * one that was done is taken up again.
   */
  async act(id: string, act: string, data: Raw, who: Person, where: Place): Promise<Result<Request>> {
    const { store, clock, queued, changed } = this.#parts;
    const request = await this.find(id, where);
    if (!request) return bad(problem('gone', say('problem.noSuchRequest', { id })));
    const does = this.#capability(request.capability).acts?.[act];
    const isTheirs = where.kind === 'personal' && request.requester.id === who.id && does?.denies !== undefined;
    if (chatOf(request.place) !== chatOf(where) && !isTheirs)
      return bad(problem('gone', say('problem.noSuchRequest', { id })));
    if (request.erasedAt !== null) return bad(problem('gone', 'problem.erased'));
    // Only who writes their own presses asks for what a request does not know.
    if (!does) return bad(problem('gone', say('problem.noSuchRequest', { id })));
    const denied = does.denies?.(who, request);
    if (denied) return bad(denied);
    const read = does.read(request, data);
    if (!read.ok) return read;
    const now = clock.now();
    const isNew = await store.signal(id, read.value, now);
    if (!isNew) return good(request);
    const change: Change = { at: now, state: 'queued', nextAt: now, visible: false, audit: [] };
    // It may have ended between the look and the signal.
    const latest = await store.get(id);
    const resumed = latest?.state === 'done' ? await store.decide(id, latest.version, 'done', change) : null;
    if (resumed) changed(resumed);
    queued();
    return good(resumed ?? latest ?? request);
  }

  /** Another request was sent in the place of one that failed: it cannot be tried again beside it. */
  async replaced(id: string, by: Request): Promise<void> {
    const { store, clock, changed } = this.#parts;
    const request = await this.find(id, by.place);
    if (!request || request.requester.id !== by.requester.id || request.capability !== by.capability) return;
    if (request.state !== 'failed' || request.id === by.id) return;
    const at = clock.now();
    const why = problem('gone', say('request.replaced', { id: by.id }), { reason: REPLACED });
    const moved = await store.decide(id, request.version, 'failed', {
      at,
      state: 'cancelled',
      problem: why,
      visible: true,
      audit: [lineOf(request, by.requester, at, 'replaced', { by: by.id })],
    });
    if (moved) changed(moved);
  }

  /** This person has signed in: whatever of theirs waited for it goes on. Answers how much that is. */
  async signedIn(who: Person, { tenantId }: Place): Promise<number> {
    const { store, clock, queued, changed } = this.#parts;
    const waiting = await store.list({ tenantId, requesterId: who.id, states: ['waiting'], limit: MOST_RESUMED });
    const theirs = waiting.filter(({ problem: why }) => isSignIn(why));
    for (const { id, version } of theirs) {
      const at = clock.now();
      const change: Change = { at, state: 'queued', nextAt: at, attempts: 0, problem: null, visible: true, audit: [] };
      const moved = await store.decide(id, version, 'waiting', change);
      if (moved) changed(moved);
    }
    if (theirs.length > 0) queued();
    return theirs.length;
  }

  /** The request that typed acts here are about: the newest that has not ended, else the newest; null when there is none. */
  async here(capability: AnyCapability, where: Place): Promise<Request | null> {
    if (!capability.subjectAt) return null;
    const subject = capability.subjectAt(where);
    const about = { tenantId: where.tenantId, capability: capability.name, subject, limit: 1 };
    const [live] = await this.list({ ...about, states: LIVE });
    return live ?? (await this.list(about))[0] ?? null;
  }

  /** The request with this id, if it belongs to the place's tenant. */
  async find(id: string, where: Pick<Place, 'tenantId'>): Promise<Request | null> {
    const request = await this.#parts.store.get(id);
    return request && request.tenantId === where.tenantId ? request : null;
  }

  /** The card of a request was shown (or pressed) here: this message follows it from now on. Answers the one before. */
  async follow(request: Request, where: Place, activityId: string, who: Person): Promise<string | null> {
    const { id, version, approval, requester } = request;
    // In a chat of their own it is the card of whoever looks; elsewhere that of whoever asked, and each asks for their own.
    const isTheirs = where.kind === 'personal' && isApprover(approval, who.id, requester.id);
    const audience = isTheirs ? 'approvers' : 'asker';
    const before = await this.#parts.store.followAt(id, where, activityId, version, audience);
    return before === activityId ? null : before;
  }

  list(filter: RequestFilter): Promise<readonly Request[]> {
    return this.#parts.store.list(filter);
  }

  async #change(request: Request, choice: Exclude<Choice, { kind: 'answer' }>, who: Person): Promise<Result<Change>> {
    const { clock } = this.#parts;
    const now = clock.now();
    const line = (what: string, detail: AuditLine['detail'] = {}): AuditLine[] => [
      lineOf(request, who, now, what, detail),
    ];
    const queue = queuedAt(now);
    const { state } = request;
    switch (choice.kind) {
      case 'cancel':
        if (state === 'sending') return bad(problem('clash', 'problem.tooLateToCancel'));
        if (state !== 'queued' && state !== 'waiting' && state !== 'awaiting approval') break;
        if (await isTouched(this.#parts.store, request)) return bad(problem('clash', 'problem.tooLateToCancel'));
        return good(calledOff(now, line('cancelled')));
      case 'retry':
        if (state !== 'failed') break;
        return good({ ...queue, forget: 'failed', audit: line('retried') });
      case 'arrived': {
        if (state !== 'unsure') break;
        const unheard = (await this.#parts.store.answers(request.id)).find((answer) => answer.reply === null);
        const lost = request.lost.at(-1);
        const call = unheard?.call ?? lost?.call;
        if (!call) return bad(problem('clash', 'problem.movedOn'));
        const reply = { ok: true, body: {}, assumed: true } as const;
        return good({
          ...queue,
          heard: { n: unheard?.n ?? 0, call, sentAt: unheard?.sentAt ?? lost?.at ?? now, reply },
          audit: line('said it arrived', { call: call.name }),
        });
      }
      case 'again':
        if (state !== 'unsure') break;
        return good({ ...queue, forget: 'all', audit: line('said send again') });
    }
    return bad(notNow(request));
  }

  #capability(name: string): AnyCapability {
    const capability = this.#parts.capabilities.get(name);
    if (!capability) throw new Error(`no capability named ${name}`);
    return capability;
  }
}

/** Whether a request is what is wished for now, whatever was chosen on its card or shortened by an approver since. */
function isSameWish(capability: AnyCapability, { input, approval }: Request, wished: unknown): boolean {
  const until = approval?.asked?.decision?.until;
  const wanted = until === undefined ? wished : (capability.shorten?.(wished, until) ?? wished);
  return JSON.stringify(capability.write(input)) === JSON.stringify(capability.write(wanted));
}

/** What lets a request go on at once, as somebody wants it. */
const queuedAt = (now: number) =>
  ({ at: now, state: 'queued', nextAt: now, attempts: 0, note: null, problem: null, visible: true }) as const;

const notNow = ({ state }: Request): Problem =>
  problem('clash', say('problem.notNow', { state: say(`state.${stateWord(state)}`) }));

/** The state as a catalogue key: `awaiting approval` → `awaitingApproval`. */
export function stateWord(state: Request['state']): string {
  return state === 'awaiting approval' ? 'awaitingApproval' : state;
}
