/**
 * How a meeting is named: the parts of its join link, or its id and passcode. Pure; must not know Teams or Graph calls.
 */

/** A meeting as Graph's calls want it named (Graph docs, resources/call, "join scheduled meeting"). */
export type Meeting =
  | {
      readonly threadId: string;
      readonly messageId: string;
      readonly organizerId: string;
      readonly tenantId: string;
    }
  | { readonly joinMeetingId: string; readonly passcode?: string };

/** The meeting behind a join link, or null: short links (`teams.microsoft.com/meet/…`) do not say. */
export function meetingOf(link: string): Meeting | null {
  const url = URL.parse?.(link) ?? (URL.canParse(link) ? new URL(link) : null);
  if (!url) return null;
  const [, thread, message] = /\/l\/meetup-join\/([^/]+)\/([^/?]+)/.exec(url.pathname) ?? [];
  const context = url.searchParams.get('context');
  if (!thread || !message || !context) return null;
  try {
    const { Tid, Oid } = JSON.parse(context) as { Tid?: unknown; Oid?: unknown };
    if (typeof Tid !== 'string' || typeof Oid !== 'string') return null;
    return {
      threadId: decodeURIComponent(thread),
      messageId: decodeURIComponent(message),
      organizerId: Oid,
      tenantId: Tid,
    };
  } catch {
    return null;
  }
}

/** `123 456 789 012 passcode aB3x` as an id and a passcode, or null. */
export function meetingIdOf(typed: string): Meeting | null {
  const [, id, passcode] =
    /^((?:\d[\s-]?){9,15})(?:\s*(?:passcode|code|pin)?[:\s]*([A-Za-z0-9]{4,12}))?$/i.exec(typed.trim()) ?? [];
  if (!id) return null;
  return { joinMeetingId: id.replace(/\D/g, ''), ...(passcode ? { passcode } : {}) };
}
