/**
 * Where what is heard from outside becomes signals of the requests it is about: the calling service and Partner Center,
 * each believed by its door before. Must not know HTTP, or what a capability makes of a signal.
 */
import type { CallCallback, CallNotice } from './callNotices.ts';
import type { AnyCapability } from './capability.ts';
import type { DeskParts } from './desk.ts';
import { draftOf } from './filing.ts';
import type { ReferralCallback } from './referralNotices.ts';
import type { Request } from './request.ts';

export type HearingParts = Pick<DeskParts, 'store' | 'clock' | 'capabilities' | 'queued'>;

export class Hearing {
  readonly #parts: HearingParts;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  /**
   * What the calling service says, kept with the requests it is about. Durable when this answers; a notice about nothing
   * we know is dropped, since saying it again would not make it known.
   */
  async heard({ requestId, tenantId, notices }: CallCallback): Promise<void> {
    const { store, clock, queued, capabilities } = this.#parts;
    for (const notice of notices) {
      const request = await this.#about(notice, requestId);
      if (!request || request.tenantId !== tenantId || request.erasedAt !== null) continue;
      const signals = capabilityOf(capabilities, request).hears?.(request, notice) ?? [];
      if (await store.signal(request.id, signals, clock.now())) queued();
    }
  }

  /** What Partner Center says of a referral, kept with the request its address names; the same is true of it. */
  async heardReferral({ requestId, notice }: ReferralCallback): Promise<void> {
    const { store, clock, queued, capabilities } = this.#parts;
    const request = requestId === null ? null : await store.get(requestId);
    if (!request || request.erasedAt !== null) return;
    const heard = capabilityOf(capabilities, request).hearsReferral?.(request, notice);
    if (!heard) return;
    const drafts = (heard.files ?? []).map((filing) => draftOf(request, filing, capabilities));
    const accepted = await store.accept(drafts, clock.now(), 0);
    const isNews = await store.signal(request.id, heard.signals, clock.now());
    if (isNews || accepted.some(({ isNew }) => isNew)) queued();
  }

  /** How an invitation went concerns the request that its context names; all else, and one without, the one of the address. */
  async #about(notice: CallNotice, requestId: string | null): Promise<Request | null> {
    const { store } = this.#parts;
    const context = (notice.about === 'invite' && notice.clientContext?.split('.')[0]) || requestId;
    return context ? store.get(context) : null;
  }
}

function capabilityOf(capabilities: HearingParts['capabilities'], { capability: name }: Request): AnyCapability {
  const capability = capabilities.get(name);
  if (!capability) throw new Error(`no capability named ${name}`);
  return capability;
}
