/**
 * What the store offers to prove and to forget: the audit in pages, its chain, and erasing in chunks that survive a
 * kill -9. Must not know SQL, or who may ask for any of it.
 */
import type { Person, Request } from '../request.ts';
import type { Anchor, ChainLine, Cut, Link } from './chain.ts';
import type { About } from './person.ts';

/** A stretch of time in a tenant, epoch ms; `until` itself is not in it. */
export interface Span {
  readonly tenantId: string;
  readonly from: number;
  readonly until: number;
}

/** A line of the audit with what its request is about. */
export interface AuditEntry {
  readonly seq: number;
  readonly at: number;
  /** Entra object id, or `usher`; null: erased. */
  readonly who: string | null;
  /** Their name, where a request of theirs tells it. */
  readonly name: string | null;
  readonly what: string;
  readonly detail: Readonly<Record<string, string | number | null>> | null;
  readonly requestId: string | null;
  readonly capability: string | null;
  readonly subject: string | null;
}

/** What was erased of somebody. */
export interface Erased {
  /** Requests about the person: everything they said is gone. */
  readonly requests: number;
  /** Requests about others that mentioned the person: only the mention is gone. */
  readonly mentions: number;
  /** Rows of lists. */
  readonly rows: number;
  readonly answers: number;
  readonly signals: number;
  /** Lines of the audit whose details are gone. */
  readonly lines: number;
}

/** What somebody did themselves is proof of who did what: it is not erased before its time. */
export interface Deeds {
  /** Requests they asked for. */
  readonly asked: number;
  /** Requests of others that name them by id: who approved, who answers for a guest, whom a call was for. */
  readonly named: number;
  /** Whether the directory told who they are; else only requests did. */
  readonly isLookedUp: boolean;
}

/** Entra object ids of colleagues with an address; null: the directory cannot be asked. */
export type Colleagues = (address: string) => Promise<readonly string[] | null>;

/** What is kept about somebody, before it is erased. */
export interface Kept extends Erased {
  readonly deeds: Deeds;
  /** How many addresses they are known by. */
  readonly addresses: number;
  /** Requests about the person that have not ended: they are stopped first. */
  readonly live: readonly Pick<Request, 'id' | 'capability' | 'state'>[];
}

/** How far erasing has come. `waitsFor`: requests that mention the person and are not over. */
export interface Erasing extends Erased {
  readonly deeds: Deeds;
  readonly isDone: boolean;
  readonly waitsFor: readonly string[];
}

/** What a store cannot know by itself of requests and people. */
export interface Ways {
  colleagues: Colleagues;
  about(request: Request): About;
  /** The input of a live request that goes on without a person it mentions; undefined: it has to end first. */
  goesOn(request: Request, without: (text: string) => string): unknown;
}

/** What retention may remove, and what of it stays in any case. */
export interface Retention {
  readonly tenantId: string;
  /** What ended before this moment (epoch ms) goes. */
  readonly before: number;
  /** A newest request about its subject that says so is the record of how that stands: it stays. */
  readonly records: { readonly capability: string; readonly standings: readonly string[] };
}

/** Whoever removes holds the turn until `leaseUntil`; the next is due at `nextAt`. Epoch ms. */
export interface Turn {
  readonly leaseUntil: number;
  readonly nextAt: number;
}

export interface Keeping {
  /**
   * Puts up to `limit` lines that are in no link yet into the chain. Answers how many; 0 also when another process is at
   * it. `all`: looks at every line, not only at those written lately.
   */
  seal(limit: number, all?: boolean): Promise<number>;
  chain(): Promise<{ readonly cut: Cut; readonly head: Anchor }>;
  /** Links after the n-th, with their lines. */
  links(after: number, limit: number): Promise<readonly Link[]>;
  /** Of so many lines after this seq, those that are in no link; `last`: the seq looked at last, null: there are none. */
  unsealed(
    after: number,
    limit: number,
  ): Promise<{ readonly lines: readonly ChainLine[]; readonly last: number | null }>;
  /** Lines of a span in the order in which they were written. */
  entries(span: Span, after: number, limit: number): Promise<readonly AuditEntry[]>;
  countEntries(span: Span): Promise<number>;

  /** What is kept about the person with this address. `except`: the request that asks. */
  kept(tenantId: string, address: string, except: string, ways: Ways): Promise<Kept>;
  /**
   * Erases all there is about the person a request asks to forget, in short transactions, and last what that request
   * itself says. Begun again after a crash it goes on, and its counts are those of the whole. Null: `signal` ended it early.
   */
  erase(request: Request, by: Person, now: number, signal: AbortSignal, ways: Ways): Promise<Erasing | null>;

  /** Tenants of which anything is kept. */
  tenants(): Promise<readonly string[]>;
  /**
   * Takes the turn of removing what is over its time, until `leaseUntil`. False: it is not due, or another process has it.
   */
  takeTurn(tenantId: string, now: number, leaseUntil: number): Promise<boolean>;
  /** Removes one chunk and keeps the turn. False: nothing is left, what was removed is told in the audit, the turn is over. */
  retain(retention: Retention, now: number, turn: Turn): Promise<boolean>;
}
