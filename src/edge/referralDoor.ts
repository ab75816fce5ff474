/**
 * The door through which Partner Center tells of referrals. Nobody comes in without a signature of Microsoft over the very
 * bytes of the body, in sandbox mode neither (there the sandbox signs); what it brings is stored before it is answered, and
 * worked on afterwards. Nothing a webhook names is fetched, except a certificate from a host that is known.
 * Source: Partner Center docs, "partner-center-webhooks". Must not know what is done with a notice.
 */
import type { IncomingMessage } from 'node:http';
import type { VerifyWebhook } from '../remotes/webhookSignatures.ts';
import type { Log } from '../requests/ports.ts';
import { type ReferralCallback, readReferralNotice } from '../requests/referralNotices.ts';
import { checkSize, checkType, parseJson, Refusal, readBody, requestIn, unauthorized } from './guards.ts';

export interface ReferralDoorParts {
  readonly verifyWebhook: VerifyWebhook;
  /** Stores what was told, so that it is not lost; resolves as soon as it is. The same told again changes nothing. */
  readonly heardReferral: (callback: ReferralCallback) => Promise<void>;
  readonly log: Log;
}

/**
 * A webhook is believed for so long after the change it tells of: it is sent up to ten times, at intervals that are not
 * documented. One that comes twice is kept once; an older one is missed, and the deal is found when it is looked at next.
 */
const OLDEST_MS = 24 * 3600_000;
/** Clocks may differ by this much (nothing is documented; the same as for tokens). */
const AHEAD_MS = 300_000;

/** Lets in, reads, stores: 202 when it is stored, or says nothing we care for. */
export async function takeReferral(req: IncomingMessage, parts: ReferralDoorParts): Promise<{ status: number }> {
  const { log } = parts;
  checkType(req);
  checkSize(req);
  const body = await admit(req, parts);
  const notice = readReferralNotice(parseJson(body));
  if (notice === null) throw new Refusal(400, 'BadWebhook', 'The body tells of no change that can be understood.');
  const requestId = requestIn(req.url ?? '');
  if (notice === 'unknown') {
    log.info('webhook.ignored', { requestId });
    return { status: 202 };
  }
  const age = Date.now() - notice.changedAt;
  if (age > OLDEST_MS || age < -AHEAD_MS) {
    log.warn('webhook.refused', { reason: age > 0 ? 'old' : 'ahead', requestId });
    throw unauthorized();
  }
  try {
    await parts.heardReferral({ requestId, notice });
  } catch (cause) {
    log.error('webhook.lost', { requestId, cause });
    throw new Refusal(503, 'NotStored', 'This cannot be stored just now; send it again later.');
  }
  return { status: 202 };
}

/** The body, whose signature is good. The log is told why another is not; whoever sent it is not. */
async function admit(req: IncomingMessage, { verifyWebhook, log }: ReferralDoorParts): Promise<Buffer> {
  const judged = await verifyWebhook(req.headersDistinct, () => readBody(req));
  if (judged.verdict === 'good') return judged.body;
  const { verdict, reason, host } = judged;
  log.warn(`webhook.${verdict}`, { reason, host: host?.slice(0, 100) });
  if (verdict === 'refused') throw unauthorized();
  throw new Refusal(503, 'CertificateUnavailable', 'The certificate cannot be checked just now; send it again later.');
}
