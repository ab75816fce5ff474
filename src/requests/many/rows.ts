/**
 * The rows of a list: what each says, whether it can be sent, and how far it has come. Their shapes, and what is asked of a
 * store that keeps them. Must not know SQL, files or any capability.
 */
import type { Raw } from '../capability.ts';
import type { Draft } from '../ports.ts';
import type { Request } from '../request.ts';
import type { Say } from '../say.ts';

/** Most rows of one list, and most bytes of one file. */
export const MOST_ROWS = 10_000;
export const MOST_BYTES = 5 * 1024 * 1024;
/** More people than this are a list: fewer have a card each. */
export const FEW = 5;
/** Most people of one command or form that is no list. */
export const MOST_AT_ONCE = 20;

/** The key under which a row is filed, and the list that a key tells of; null: it is no row's. */
export const rowKey = (batchId: string, n: number): string => `row:${batchId}:${n}`;
export const listOfRow = (key: string): string | null => /^row:([^:]+):\d+$/.exec(key)?.[1] ?? null;

/** The standing of a list all of whose rows have gone: from then on it tells of its people. */
export const LIST_SENT = 'sent';

/** One row as it was read, before anybody judged it. */
export interface RawRow {
  /** Where it stands: the line of a file, or which person of a pasted text it is. The first is 1. */
  readonly line: number;
  readonly raw: Raw;
}

/** What is to become of a row. Only what is ready is sent. */
export const VERDICTS = ['ready', 'known', 'blocked', 'unreadable', 'duplicate'] as const;
export type Verdict = (typeof VERDICTS)[number];

/**
 * How far a row has come. `kept`: it is not sent at all. `waits`: nothing was filed for it yet (or it is to be tried
 * again). `filed`: its request is under way, or waits for somebody. `found`: somebody sent for them before, and they are
 * awaited; `here`: they had come before. `erased`: what it said is gone, so it is never sent.
 * The others are ends.
 */
export const STAGES = [
  'kept',
  'waits',
  'filed',
  'sent',
  'found',
  'here',
  'failed',
  'refused',
  'unsure',
  'stopped',
  'erased',
] as const;
export type Stage = (typeof STAGES)[number];

/** How the request of a row ended. */
export type RowEnd = Exclude<Stage, 'kept' | 'waits' | 'filed' | 'erased'>;

/** A row with its verdict. */
export interface Row {
  readonly n: number;
  readonly line: number;
  readonly verdict: Verdict;
  /** What it says: the input of its request when it is ready, else the text by field. */
  readonly content: unknown;
  /** What it is about, as far as that could be read. */
  readonly subject: string | null;
  /** Why it is not sent. */
  readonly why: Say | null;
}

/** A row as it is kept. */
export interface KeptRow extends Row {
  readonly stage: Stage;
  readonly requestId: string | null;
}

/** How many rows are at each stage; a stage nobody is at is left out. */
export type Stages = Readonly<Partial<Record<Stage, number>>>;

/** A row that needs somebody: its request failed, was refused, is unsure, or waits for an answer. */
export interface Trouble {
  readonly line: number;
  readonly request: Request;
}

/** Who is awaited after their row has ended, and who has come, by the standing of their requests. */
export interface Follows {
  readonly awaited: string;
  readonly accepted: string;
  /** The capability whose requests bring it to the mind of one who is awaited. */
  readonly by: string;
}

/** How many of those who were sent for, now or before, have come since. */
export interface Followed {
  readonly accepted: number;
  /** Their requests go on until they have. */
  readonly awaited: number;
  /** Of those awaited: how many have no card of their own, so that only the list tells of them. */
  readonly silent: number;
  /** Who was sent for and is neither awaited any more nor has come. */
  readonly gone: number;
}

/** How the stay of somebody is to end, or has ended, as their request knows it. Times in epoch ms. */
export interface LastDay {
  /** ISO date (no time); absent: they have none. */
  readonly day?: string;
  /** How often was asked about just this day, and when last. */
  readonly asked?: { readonly times: number; readonly at: number };
  /** Usher removed them by itself: their day was over, or they never accepted. */
  readonly removed?: { readonly at: number; readonly why: 'ended' | 'never accepted' };
}

/** How a list hears of the last days of its people. */
export interface Leaves<O> {
  /** An outcome without any of these words says nothing of a last day; the others are read. */
  readonly words: readonly string[];
  /** Null: there is nothing to say of it. */
  lastDay(outcome: O): LastDay | null;
  /** They should be removed, and cannot be. */
  isStuck(outcome: O): boolean;
  /** What a row says otherwise than it was sent, by field. */
  since(outcome: O): Raw;
}

/** Last days that were asked about: of how many people, the first of these days, and how many days. */
export interface AskedDays {
  readonly count: number;
  readonly first: string;
  readonly days: number;
}

/** How those of a list leave of whom nobody else is told. Times in epoch ms; 0: never. */
export interface Ends {
  /** Their last day is not dealt with: their requests go on. */
  readonly open: number;
  /** Of these, how many are being asked about or removed just now. */
  readonly busy: number;
  /** When the next of them is. */
  readonly nextAt: number | null;
  /** Whose last day was asked about once, before it; and again, since it is over. */
  readonly near?: AskedDays;
  readonly over?: AskedDays;
  /** Who they are, when one form has room for all of them. */
  readonly asked?: readonly string[];
  /** When last somebody's day was asked about. */
  readonly askedAt: number;
  /** How many were removed because their day was over, or had never accepted, and when the last of all. */
  readonly removed: number;
  readonly purged: number;
  readonly removedAt: number;
  /** How many could not be removed, or are not followed any more. */
  readonly stuck: number;
}

/** A row that needs somebody, as a card tells it. */
export interface Told {
  readonly line: number;
  readonly subject: string;
  readonly id: string;
  readonly say: Say;
}

/** What the rows of a list have come to. */
export interface Tally {
  readonly stages: Stages;
  /** Counted once no row is under way, of lists whose guests are awaited afterwards. */
  readonly followed?: Followed;
  /** A list was made of those who are awaited, and nothing of it has gone yet. */
  readonly offered?: true;
  /** Of those that are filed, how many wait for somebody: to be approved, or for an answer. None when it does not say. */
  readonly held?: number;
  /** Counted with `followed`; absent while nobody has a last day. */
  readonly ends?: Ends;
  /** The first rows that need somebody. */
  readonly trouble: readonly Told[];
}

/** A row to be filed now: for the first time, or once more. Due at epoch ms. */
export interface RowFiling {
  readonly n: number;
  readonly dueAt: number;
  readonly draft: Draft;
}

export interface RowStore {
  stages(batchId: string): Promise<Stages>;
  /** The first rows that wait, in order. */
  waiting(batchId: string, limit: number): Promise<readonly KeptRow[]>;
  /**
   * Files the requests of rows and notes it with them, in one transaction. The request of a row that failed before is taken
   * up again; one that has gone on by itself meanwhile is left alone.
   */
  file(batchId: string, filings: readonly RowFiling[], now: number): Promise<void>;
  /** How many rows were filed and wait for somebody (to be approved, or for an answer or a sign-in), and for approval alone. */
  held(batchId: string): Promise<{ readonly inAll: number; readonly toApprove: number }>;
  /** Their requests in order, after the nth row. */
  heldAfter(
    batchId: string,
    after: number,
    limit: number,
  ): Promise<readonly { readonly n: number; readonly request: Request }[]>;
  /** Rows that were filed and whose requests neither are on their way nor wait for somebody. */
  resting(batchId: string, limit: number): Promise<readonly { readonly n: number; readonly request: Request }[]>;
  /** These rows are at that stage now. */
  stage(batchId: string, rows: readonly number[], stage: Stage): Promise<void>;
  /** All rows of one stage go to another. */
  restage(batchId: string, from: Stage, to: Stage): Promise<void>;
  /** Rows that did not work, or whose answer was lost, and whose requests came to something since: somebody saw to them. */
  movedOn(batchId: string, limit: number): Promise<readonly { readonly n: number; readonly request: Request }[]>;
  /** How those stand who were sent for, now or before. One statement that reads no more than standings and states. */
  followed(batchId: string, follows: Follows): Promise<Followed>;
  /** Those of them who are awaited, by what their requests are about now; in order, after the nth row. */
  awaited(
    batchId: string,
    follows: Follows,
    after: number,
    limit: number,
  ): Promise<readonly { readonly n: number; readonly line: number; readonly subject: string }[]>;
  /**
   * Those who were sent for or found to be there, whose outcome holds one of these words, and who have no card of their own;
   * in order, after the nth row.
   */
  silent(
    batchId: string,
    words: readonly string[],
    after: number,
    limit: number,
  ): Promise<readonly { readonly n: number; readonly line: number; readonly request: Request }[]>;
  trouble(batchId: string, limit: number): Promise<readonly Trouble[]>;
  /** Rows in order, after the nth, each with its request as it is now. */
  page(
    batchId: string,
    after: number,
    limit: number,
  ): Promise<readonly { readonly row: KeptRow; readonly request: Request | null }[]>;
  /** How the newest request about each of these subjects left it; those nobody asked about are left out. */
  standings(tenantId: string, capability: string, subjects: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** All that these capabilities were asked about these subjects; those that only looked are left out. */
  about(tenantId: string, capabilities: readonly string[], subjects: readonly string[]): Promise<readonly Request[]>;
}
