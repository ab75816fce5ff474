/**
 * A request: what someone asked Usher for, with one id from the card to every API. Its states and legal moves.
 * Pure; must not know how requests are stored, shown or carried out.
 */

import type { Approval } from './approval.ts';
import type { Call } from './capability.ts';
import type { Problem } from './problem.ts';
import type { Say } from './say.ts';

export const REQUEST_STATES = [
  'awaiting approval',
  'queued',
  'sending',
  'waiting',
  'done',
  'failed',
  'unsure',
  'declined',
  'cancelled',
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** States in which nothing more happens by itself. */
export const ENDED: ReadonlySet<RequestState> = new Set(['done', 'failed', 'unsure', 'declined', 'cancelled']);

/** States in which something may still happen by itself. */
export const LIVE: readonly RequestState[] = REQUEST_STATES.filter((state) => !ENDED.has(state));

/** Which state may follow which; the store refuses every other move. */
export const MOVES: Readonly<Record<RequestState, readonly RequestState[]>> = {
  // Asking back keeps it waiting.
  'awaiting approval': ['awaiting approval', 'queued', 'declined', 'cancelled'],
  queued: ['sending', 'cancelled'],
  sending: ['sending', 'queued', 'waiting', 'awaiting approval', 'done', 'failed', 'unsure', 'declined', 'cancelled'],
  waiting: ['queued', 'sending', 'cancelled'],
  // Only what lives on after it was done is taken up again (somebody who did not answer is rung again).
  done: ['queued'],
  failed: ['queued', 'cancelled'],
  unsure: ['queued'],
  declined: [],
  cancelled: [],
};

/** Who asked, from the verified activity. `id` is the Entra object id; `locale` is BCP 47. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly locale: string;
  /** IANA time zone, when the client told it. */
  readonly timeZone?: string;
}

/** Where it was asked: what is needed to post there again. Never taken from card data. */
export interface Place {
  readonly kind: 'personal' | 'group' | 'channel' | 'meeting';
  readonly conversationId: string;
  readonly serviceUrl: string;
  readonly tenantId: string;
  /** The bot's and the person's ids on the channel (`28:…`, `29:…`). */
  readonly botId: string;
  readonly userId: string;
  /** The meeting whose chat it is, as Teams calls it towards bots. */
  readonly meetingId?: string;
  /** Entra id and name of the team, when asked in one of its channels. */
  readonly teamId?: string;
  readonly teamName?: string;
}

/** The conversation without the thread: a channel's posts are all in one place. */
export const chatOf = ({ conversationId }: Pick<Place, 'conversationId'>): string => conversationId.split(';')[0] ?? '';

/**
 * A person's own chat with Usher, by their Entra id: it is opened when something is first posted there. `what` tells
 * several messages of one request apart.
 */
export function chatWith(personId: string, like: Pick<Place, 'serviceUrl' | 'tenantId' | 'botId'>, what = ''): Place {
  const { serviceUrl, tenantId, botId } = like;
  const conversationId = `person:${personId}${what === '' ? '' : `#${what}`}`;
  return { kind: 'personal', conversationId, serviceUrl, tenantId, botId, userId: personId };
}

/** Whose chat it is that has to be opened first (see {@link chatWith}); null: a conversation that is there. */
export const personIn = ({ conversationId }: Pick<Place, 'conversationId'>): string | null =>
  /^person:([^#]+)/.exec(conversationId)?.[1] ?? null;

/** A question only a person can answer ("which Apollo?"); the answer becomes `input[field]`. */
export interface Question {
  readonly say: Say;
  readonly field: string;
  /** A plain title is a name; a Say is put into words. */
  readonly options: readonly { readonly title: string | Say; readonly value: string }[];
  /** Beyond the options anybody of the organisation may be searched for; the answer is then an Entra object id. */
  readonly search?: 'people';
  /** Until when it waits for its answer, epoch ms; set when it is asked. */
  readonly until?: number;
}

/** A call that was sent and whose answer never came; kept so that the look-up afterwards can be understood. */
export interface LostCall {
  readonly call: Call;
  /** When it was sent, epoch ms. */
  readonly at: number;
}

/** Whom a message is for: whoever asked, or those who are to approve it. */
export type Audience = 'asker' | 'approvers';

export interface Request<I = unknown, O = unknown> {
  readonly id: string;
  /** One effect per intent: `chat:<conversation>:<activity>:<n>` or `form:<conversation>:<form>:<n>`. */
  readonly key: string;
  readonly capability: string;
  /** What the request is about in one word (a guest's address), for `guest <address>` and the like. */
  readonly subject: string;
  /** How the subject stands by what we last learnt, in the capability's own words (guest: pending, accepted, …). */
  readonly standing: string | null;
  readonly tenantId: string;
  readonly requester: Person;
  readonly place: Place;
  readonly input: I;
  readonly state: RequestState;
  /** Grows with every change a person can see; a message shows one version. */
  readonly version: number;
  /** Grows with every claim; only the holder of the newest fence may write. */
  readonly fence: number;
  /** When the request may next be claimed, epoch ms. */
  readonly nextAt: number;
  /** How often something was heard from outside; whoever rests must have heard it all. */
  readonly signals: number;
  /** Failed tries in a row of the present step. */
  readonly attempts: number;
  readonly lost: readonly LostCall[];
  /** What is going on, for the card ("slowed down by Microsoft, continues at …"). */
  readonly note: Say | null;
  readonly outcome: O | null;
  readonly problem: Problem | null;
  readonly question: Question | null;
  /** What the policy said of it, and who decided; null: nothing that needs the policy came up yet. */
  readonly approval: Approval | null;
  /** Only looked at: it ends where the first change would be made. */
  readonly isDry: boolean;
  /** When what it said of a person was erased, epoch ms; null: never. `note` then says at whose wish. */
  readonly erasedAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}
