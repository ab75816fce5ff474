/**
 * The channel's side of a conversation, as Teams writes it: who talks to the bot, with what token, in which words.
 * Must not know how anything is sent or measured.
 */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

export const CONVERSATIONS = 100;
/** Teams uses one token for many activities, and changes it now and then. */
const TOKENS = 4;

export interface ChannelKey {
  /** The JWKS document. */
  readonly jwks: unknown;
  /** Authorization headers for one bot; a token is good for one serviceUrl only. */
  headers(audience: string, serviceUrl: string): string[];
}

/** A signing key of this run (Bot Framework docs, connector authentication). */
export function makeKey(): ChannelKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, x5t: kid, use: 'sig', endorsements: ['msteams'] }] },
    headers: (audience, serviceUrl) =>
      Array.from({ length: TOKENS }, (_, n) => {
        const now = Math.floor(Date.now() / 1000);
        const times = { nbf: now - 60, iat: now - 60, exp: now + 3600 + n };
        const claims = { iss: 'https://api.botframework.com', aud: audience, serviceurl: serviceUrl, ...times };
        const signed = `${text({ alg: 'RS256', typ: 'JWT', kid })}.${text(claims)}`;
        return `Bearer ${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`;
      }),
  };
}

export interface Said {
  readonly serviceUrl: string;
  readonly botId: string;
  readonly tenantId: string;
  /** Which of the conversations, each with a person of its own. */
  readonly conversation: number;
  /** A fresh id per activity: one seen before would be a repetition. */
  readonly id: string;
  readonly text: string;
}

/** A message in a personal chat, with all that Teams puts around it. */
export function messageJson({ serviceUrl, botId, tenantId, conversation, id, text }: Said): string {
  const n = String(conversation).padStart(12, '0');
  const now = new Date().toISOString();
  return JSON.stringify({
    type: 'message',
    id,
    timestamp: now,
    localTimestamp: now,
    localTimezone: 'Europe/Lisbon',
    channelId: 'msteams',
    serviceUrl,
    from: { id: `29:${n}`, name: `Person ${conversation}`, aadObjectId: `00000000-0000-4000-8000-${n}` },
    conversation: { conversationType: 'personal', tenantId, id: `a:${n}` },
    recipient: { id: `28:${botId}`, name: 'Usher' },
    entities: [{ locale: 'en-US', country: 'US', platform: 'Web', timezone: 'Europe/Lisbon', type: 'clientInfo' }],
    channelData: { tenant: { id: tenantId }, source: { name: 'text' } },
    locale: 'en-US',
    text,
    textFormat: 'plain',
  });
}
