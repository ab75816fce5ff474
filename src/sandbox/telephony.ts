/**
 * What the calling service remembers: the bot's calls, who rings, how each person behaves when called, and the timers
 * that let things happen. Data and look-ups; it must not know HTTP, or what follows when somebody answers.
 */
import type { CallbackRecord } from './callbacks.ts';
import { type Identity, identityKey } from './identities.ts';
import type { Session } from './meetings.ts';

/** How a person, or a phone, behaves when called. */
export const behaviours = [
  'answers',
  'declines',
  'silent',
  'lobby',
  'unreachable',
  'mediaError',
  'serverError',
] as const;
/** Name of a behaviour. */
export type Behaviour = (typeof behaviours)[number];

/** What somebody does when called, after ringing this long; `ringMs` null goes by the setting. */
export interface Script {
  behaviour: Behaviour;
  ringMs: number | null;
}

/** How something ended, as Graph says it (Graph docs, resources/resultinfo). */
export interface Result {
  code: number;
  subcode: number;
  message: string;
}

/** An invitation into a call that goes to one or several. */
export interface Operation {
  id: string;
  clientContext: string | null;
  participants: Identity[];
  /** Several at once are told of one by one, without the operation's id. */
  several: boolean;
  status: 'Running' | 'Completed' | 'Failed';
  outcomes: { who: Identity; result: Result | null; at: string }[];
}

/** Somebody whose device rings. */
export interface Ring {
  who: Identity;
  /** Null for the first targets of a call the bot made. */
  operation: Operation | null;
  behaviour: Behaviour;
  since: string;
}

/** One call of the bot: its own leg in a meeting or a group call. */
export interface GraphCall {
  id: string;
  kind: 'meeting' | 'group' | 'p2p';
  state: 'establishing' | 'established' | 'terminating' | 'terminated';
  callbackUri: string;
  tenantId: string;
  subject: string | null;
  callChainId: string;
  myParticipantId: string;
  chatInfo: Record<string, unknown> | null;
  meetingInfo: Record<string, unknown> | null;
  mediaConfig: Record<string, unknown>;
  requestedModalities: string[];
  source: Record<string, unknown> | null;
  targets: Identity[];
  session: Session;
  ringing: Ring[];
  operations: Operation[];
  result: Result | null;
  createdAt: string;
  keptAliveAt: string;
  /** Stops the timer that ends a call nobody keeps alive. */
  forget: () => void;
}

/** The memory of the calling service of one sandbox. */
export class Telephony {
  calls: GraphCall[] = [];
  callbacks: CallbackRecord[] = [];
  /** Whether callbacks are held back instead of sent. */
  holding = false;
  #scripts = new Map<string, Script>();
  #timers = new Set<NodeJS.Timeout>();
  /** Grows with every reset, so that what is still on its way can see that it belongs to the past. */
  era = 0;

  /** Does something later, unless a reset or the end comes first. The returned function calls it off. */
  after(ms: number, act: () => void): () => void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  /** A call that has not ended. */
  live(id: string): GraphCall | undefined {
    return this.calls.find((call) => call.id === id && call.state !== 'terminated');
  }

  /** The calls of the bot in one meeting or group call. */
  callsIn(session: Session): GraphCall[] {
    return this.calls.filter((call) => call.session === session && call.state !== 'terminated');
  }

  script(who: Identity): Script | undefined {
    return this.#scripts.get(identityKey(who));
  }

  setScript(who: Identity, script: Script): void {
    this.#scripts.set(identityKey(who), script);
  }

  /** Every script, by the identity's key. */
  scripts(): Record<string, Script> {
    return Object.fromEntries(this.#scripts);
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#scripts.clear();
    this.calls = [];
    this.callbacks = [];
    this.holding = false;
    this.era += 1;
  }
}
