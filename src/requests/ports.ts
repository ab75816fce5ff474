/**
 * What the spine needs from outside: a store, the remotes, a poster, a clock. The spine calls these and nothing else.
 * Must not know SQL, HTTP, Teams or cards.
 */
import type { Approval } from './approval.ts';
import type { Answer, Call, Earlier, Reply, Signal, Wake } from './capability.ts';
import type { Row, RowStore } from './many/rows.ts';
import type { PaceStore } from './pace.ts';
import type { Policy, PolicyInForce } from './policy/policy.ts';
import type { Problem } from './problem.ts';
import type { Keeping } from './proof/keeping.ts';
import type { Audience, LostCall, Person, Place, Question, Request, RequestState } from './request.ts';
import type { Say } from './say.ts';

export interface Clock {
  /** Epoch ms. */
  now(): number;
}

/** A request about to be accepted. */
export interface Draft {
  readonly id: string;
  readonly key: string;
  readonly capability: string;
  readonly subject: string;
  readonly requester: Person;
  readonly place: Place;
  readonly input: unknown;
  /** The message that will show it, when it is already on screen (a submitted form); else one will be posted. */
  readonly activityId: string | null;
  /** No card of its own: the request it serves shows what there is to see. */
  readonly silent?: true;
  /** Only looked at: nothing is changed, what would be done is said. */
  readonly isDry?: true;
  /** The approval of the list it is a row of: what was approved there needs nobody here. */
  readonly approval?: Approval | null;
  /** When it may first be claimed, epoch ms; at once when it does not say. */
  readonly dueAt?: number;
  /** The rows of a list, kept with the request that is about all of them. */
  readonly rows?: readonly Row[];
  /** Whose gate holds it back; Graph's when it does not say. */
  readonly remote?: Call['to'];
  /** Who else stands behind it, beside the requester: a line of the audit that is there if and only if the request is. */
  readonly behind?: Behind;
}

/** Somebody whose wish it was, as the audit names them: a word and who. */
export type Behind = Pick<AuditLine, 'who' | 'what'>;

export interface Accepted {
  readonly request: Request;
  /** False: the same intent was accepted before; nothing was written. */
  readonly isNew: boolean;
}

/** A line of the audit. `what` is a short word (`accepted`, `call sent`, `done`); `detail` holds no secret and no link. */
export interface AuditLine {
  readonly at: number;
  readonly tenantId: string;
  readonly requestId: string | null;
  /** Entra object id, or `usher`; empty: erased. */
  readonly who: string;
  readonly what: string;
  readonly detail?: Readonly<Record<string, string | number | null>>;
}

/** A claimed request and its answers; `request.fence` is ours until the lease ends. */
export interface Claim {
  readonly request: Request;
  readonly answers: readonly Answer[];
  readonly earlier: Earlier | null;
  readonly signals: readonly Signal[];
}

/** One committed transaction of the life of a claimed (or, by the desk, resting) request. */
export interface Change {
  /** When it happened, epoch ms, by the caller's clock. */
  readonly at: number;
  readonly state: RequestState;
  /** Save this reply to answer `n` (inserting the answer when the call was not marked before). */
  readonly heard?: { readonly n: number; readonly call: Call; readonly sentAt: number; readonly reply: Reply };
  /** Mark call `n` as sent. */
  readonly sends?: { readonly n: number; readonly call: Call; readonly sentAt: number };
  /** Drop answers: all, only the unheard one, only the failed ones. */
  readonly forget?: 'all' | 'unheard' | 'failed';
  readonly lost?: readonly LostCall[];
  readonly nextAt?: number;
  /** `signals` as whoever decided this knew it: when more was heard since, the request does not rest until `nextAt`. */
  readonly signals?: number;
  /** These requests may go on now; what they are to hear is kept with them like any signal. */
  readonly wakes?: readonly Wake[];
  readonly attempts?: number;
  readonly note?: Say | null;
  readonly outcome?: unknown;
  readonly standing?: string | null;
  readonly subject?: string;
  readonly problem?: Problem | null;
  readonly question?: Question | null;
  readonly input?: unknown;
  /** Lease to hold after the change, epoch ms; 0 or absent lets go. */
  readonly leaseUntil?: number;
  /** What is known of its approval. */
  readonly approval?: Approval | null;
  /** Further messages that are to show the request from `at` on (epoch ms; absent: now). One per place. */
  readonly shows?: readonly {
    readonly place: Place;
    readonly audience: Audience;
    readonly at?: number;
    /** Also where it has no card of its own, unless it is a row of a list that tells of it. */
    readonly always?: true;
  }[];
  /** Messages for this audience that were not posted yet are not posted any more. */
  readonly hides?: Audience;
  /** True when a person can see the difference: the version grows and every message is due. */
  readonly visible: boolean;
  readonly audit: readonly AuditLine[];
}

/** A message that shows a request and may be behind it. */
export interface Message {
  readonly requestId: string;
  readonly place: Place;
  /** Whom it is for; whoever asked when it does not say. */
  readonly audience?: Audience;
  /** Null: not posted yet. */
  readonly activityId: string | null;
  readonly shownVersion: number;
  readonly tries: number;
}

export interface RequestFilter {
  readonly tenantId: string;
  readonly capability?: string;
  readonly requesterId?: string;
  readonly subject?: string;
  /** Subjects ending in this, e.g. `@partner.example`. */
  readonly subjectEnd?: string;
  readonly standing?: string;
  readonly states?: readonly RequestState[];
  /** Without the rows of lists: the list stands for them. */
  readonly outsideLists?: true;
  /** Newest first; at most this many. */
  readonly limit: number;
}

export interface Store extends PaceStore {
  readonly rows: RowStore;

  /**
   * Writes requests, their audit lines and their messages in one committed transaction. A draft whose key exists is
   * answered with the request that holds it. The messages of new requests are leased to the caller until
   * `messageLeaseUntil`, so that nobody else posts them meanwhile.
   */
  accept(drafts: readonly Draft[], now: number, messageLeaseUntil: number): Promise<readonly Accepted[]>;

  /**
   * Takes up to `limit` due requests (or ones whose lease ran out) whose remote's gate is open: state `sending`, fence + 1.
   * Of those about one subject only one is ever being sent; the others wait for it.
   */
  claim(limit: number, now: number, leaseUntil: number): Promise<readonly Claim[]>;

  /**
   * Keeps what was heard from outside, and lets the request go on at once when any of it is new. False: nothing was (or
   * there is no such request).
   */
  signal(id: string, signals: readonly Omit<Signal, 'at'>[], now: number): Promise<boolean>;

  /** Extends the leases of claims whose fences are still the newest. */
  hold(claims: readonly Pick<Request, 'id' | 'fence'>[], leaseUntil: number): Promise<void>;

  /**
   * Moves a claimed request on, if `fence` is still the newest and it is `sending`. Null: ownership was lost, nothing written.
   */
  move(id: string, fence: number, change: Change): Promise<Request | null>;

  /** Moves a resting request from exactly this version and state (a person's choice). Null: it has moved on meanwhile. */
  decide(id: string, version: number, from: RequestState, change: Change): Promise<Request | null>;

  /** Epoch ms of the earliest moment at which a request could be claimed (its gate considered), or null. */
  nextRequestAt(now: number): Promise<number | null>;

  get(id: string): Promise<Request | null>;
  answers(id: string): Promise<readonly Answer[]>;
  list(filter: RequestFilter): Promise<readonly Request[]>;

  /** When a remote's gate opens, epoch ms; 0 when it was never closed. */
  gateOpensAt(remote: string): Promise<number>;
  /** Closes a remote's gate for every request of every process until `until` (epoch ms); never shortens it. */
  closeGate(remote: string, until: number): Promise<void>;

  /** Takes messages that are behind their request (or not posted) and not leased. */
  claimMessages(
    limit: number,
    now: number,
    leaseUntil: number,
  ): Promise<readonly { message: Message; request: Request }[]>;
  /** Epoch ms of the earliest moment at which a message could be claimed, or null. */
  nextMessageAt(now: number): Promise<number | null>;
  /**
   * The message now shows `version`; `activityId` is where. Lets go of it, and leaves it alone until `quietUntil` (epoch
   * ms). True when the request has moved on meanwhile.
   */
  messageShown(
    requestId: string,
    conversationId: string,
    activityId: string,
    version: number,
    quietUntil?: number,
  ): Promise<boolean>;
  /**
   * From now on this message is the one in its conversation that shows the request (a person asked for it again further
   * down). Answers the message that did so before, or null. `version` is what it shows already.
   */
  followAt(
    requestId: string,
    place: Place,
    activityId: string,
    version: number,
    audience?: Audience,
  ): Promise<string | null>;
  /** The message could not be shown now; try again at `nextAt`, or give up (null). */
  messageFailed(requestId: string, conversationId: string, nextAt: number | null): Promise<void>;

  audit(lines: readonly AuditLine[]): Promise<void>;
  auditOf(requestId: string): Promise<readonly AuditLine[]>;

  /** Guests asked for so far from a domain (without its subdomains), by address; when one was last refused, epoch ms. */
  guestsFrom(
    tenantId: string,
    domain: string,
  ): Promise<{ readonly known: number; readonly accepted: number; readonly refusedAt: number | null }>;

  /** The policy kept last for this tenant, or null. */
  policy(tenantId: string): Promise<PolicyInForce | null>;
  /** All versions kept, newest first. */
  policies(tenantId: string, limit: number): Promise<readonly PolicyInForce[]>;
  /** Keeps a policy as version `follows + 1`, with its audit line. False: another has that version already. */
  keepPolicy(tenantId: string, follows: number, policy: Policy, by: string, line: AuditLine): Promise<boolean>;

  /** What is needed to prove and to forget. */
  readonly keeping: Keeping;

  /** Calls back when another process queued something (PostgreSQL); on SQLite never. */
  onWake(wake: () => void): void;
  /** Throws when the store cannot be reached or is not migrated. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** What a remote may know of the request a call is made for. */
export interface Sending {
  readonly requestId: string;
  /** Where it was asked, and as whom Teams knows who asked: some remotes are called in that person's name. */
  readonly place: Pick<Place, 'serviceUrl' | 'userId'>;
  readonly signal: AbortSignal;
}

export interface Remotes {
  /** Sends one call. Never throws for what remotes do; `signal` ends it early (then: kind `down`). */
  send(call: Call, about: Sending): Promise<Reply>;
}

export interface Poster {
  /**
   * Shows the request at its place: updates the message, or posts a new one when there is none or it is gone.
   * Answers where it now is, or the problem (kind `busy` or `down`: try again; else give up).
   */
  show(message: Message, request: Request): Promise<{ activityId: string } | { problem: Problem }>;
}

export interface Log {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}
