/**
 * Keeps every message up to date with its request: posts what was never posted, updates what is behind, and lets the
 * last change always land, whoever dies meanwhile. The messages table is the outbox.
 * Must not know cards, channels or SQL.
 */
import type { Clock, Log, Message, Poster, Store } from './ports.ts';
import { Pump } from './pump.ts';
import { ENDED, type Request } from './request.ts';

export interface TellerParts {
  readonly store: Store;
  readonly poster: Poster;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: TellerSettings;
  /** Those who are to approve a request cannot be told of it there. */
  readonly unreached?: (message: Message, request: Request) => Promise<void>;
}

/** Times in milliseconds. */
export interface TellerSettings {
  readonly concurrency: number;
  /** How long a message is leased while it is posted; must outlast the slowest post. */
  readonly leaseMs: number;
  /** A message that was edited is left alone for this long; what changes meanwhile is shown together. */
  readonly editGapMs: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** Tries before a message is given up (the request itself stays readable through `request <id>`). */
  readonly maxTries: number;
}

type Piece = { readonly message: Message; readonly request: Request };

export class Teller {
  readonly #parts: TellerParts;
  readonly #pump: Pump<Piece>;

  constructor(parts: TellerParts) {
    this.#parts = parts;
    const { store, clock, settings, log } = parts;
    this.#pump = new Pump({
      name: 'teller',
      concurrency: settings.concurrency,
      take: (limit) => store.claimMessages(limit, clock.now(), clock.now() + settings.leaseMs),
      work: (piece) => this.tell(piece),
      dueAt: () => store.nextMessageAt(clock.now()),
      clock,
      log,
    });
  }

  start(): void {
    this.#pump.start();
  }

  wake(): void {
    this.#pump.wake();
  }

  /** Stops taking, gives posts under way `graceMs`, then calls `hurry`, which ends them: they are given back at once. */
  stop(graceMs: number, hurry?: () => void): Promise<void> {
    return this.#pump.stop(graceMs, hurry);
  }

  /** When a message leased now would be free for others again, epoch ms. */
  leaseEnd(): number {
    return this.#parts.clock.now() + this.#parts.settings.leaseMs;
  }

  /** Shows one leased message. What goes wrong is written down with the message and tried again later. */
  async tell({ message, request }: Piece): Promise<void> {
    const { store, poster, clock, settings, log } = this.#parts;
    const { requestId } = message;
    const { conversationId } = message.place;
    try {
      const shown = await poster.show(message, request);
      if ('activityId' in shown) {
        // After a post the first edit comes at once: it is nearly always the result.
        const quietUntil = message.activityId !== null ? clock.now() + settings.editGapMs : 0;
        if (await store.messageShown(requestId, conversationId, shown.activityId, request.version, quietUntil))
          this.wake();
        return;
      }
      const { kind, retryAfterMs, detail } = shown.problem;
      const again = (kind === 'busy' || kind === 'down') && message.tries < settings.maxTries;
      const wait = retryAfterMs ?? Math.min(settings.retryBaseMs * 2 ** message.tries, settings.retryMaxMs);
      log.warn('message.not.shown', { requestId, kind, tries: message.tries, again, detail });
      await store.messageFailed(requestId, conversationId, again ? clock.now() + wait : null);
      if (!again && message.audience === 'approvers') await this.#parts.unreached?.(message, request);
      if (again) this.wake();
    } catch (cause) {
      log.error('message.bug', { requestId, ended: ENDED.has(request.state), cause });
      await store
        .messageFailed(
          requestId,
          conversationId,
          message.tries < settings.maxTries ? clock.now() + settings.retryMaxMs : null,
        )
        .catch((again) => log.error('message.bug.unsaved', { requestId, cause: again }));
    }
  }
}
