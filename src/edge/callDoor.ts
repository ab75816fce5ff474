/**
 * The door through which Microsoft's calling service reports back. Nobody comes in without its token, in sandbox mode
 * neither; what it brings is stored before it is answered, and worked on afterwards.
 * Source: Teams docs, "call-notifications". Must not know what is done with a notice.
 */
import type { IncomingMessage } from 'node:http';
import type { VerifyCallToken } from '../remotes/callTokens.ts';
import { type CallCallback, readNotices } from '../requests/callNotices.ts';
import type { AuditLine, Log } from '../requests/ports.ts';
import { bearerOf, checkType, Refusal, readJson, requestIn, unauthorized } from './guards.ts';

export interface CallDoorParts {
  readonly settings: { readonly allowedTenants: ReadonlySet<string> };
  readonly verifyCalls: VerifyCallToken;
  /** Stores what was told, so that it is not lost; resolves as soon as it is. */
  readonly heard: (callback: CallCallback) => Promise<void>;
  readonly audit: (line: AuditLine) => Promise<void>;
  readonly log: Log;
}

/** Lets in, reads, stores: 202 when it is stored (or says nothing we know), 204 to have it sent again in Graph's form. */
export async function takeCallback(req: IncomingMessage, parts: CallDoorParts): Promise<{ status: number }> {
  checkType(req);
  const tenantId = await admit(req, parts);
  const notices = readNotices(await readJson(req));
  if (notices === null) throw new Refusal(400, 'BadCallback', 'The body has no notifications.');
  if (notices === 'legacy') return { status: 204 };
  if (notices.length === 0) return { status: 202 };
  const requestId = requestIn(req.url ?? '');
  try {
    await parts.heard({ requestId, tenantId, notices });
  } catch (cause) {
    parts.log.error('callback.lost', { requestId, tenantId, cause });
    throw new Refusal(503, 'NotStored', 'This cannot be stored just now; send it again later.');
  }
  return { status: 202 };
}

/** The tenant that the token speaks for. Judged before the body is read: the token needs nothing of it. */
async function admit(req: IncomingMessage, { settings, verifyCalls, audit, log }: CallDoorParts): Promise<string> {
  const checked = await verifyCalls(bearerOf(req));
  if (checked.verdict === 'unavailable')
    throw new Refusal(
      503,
      'KeysUnavailable',
      'The calling service’s keys cannot be read just now; send it again later.',
    );
  if (checked.verdict === 'refused') throw unauthorized();
  const { tenantId } = checked;
  if (!settings.allowedTenants.has(tenantId)) {
    log.warn('tenant.refused', { tenantId });
    await audit({
      at: Date.now(),
      tenantId: tenantId.slice(0, 100),
      requestId: null,
      who: 'calling service',
      what: 'tenant refused',
    });
    throw new Refusal(403, 'TenantNotAllowed', 'This tenant may not use this bot.');
  }
  return tenantId;
}
