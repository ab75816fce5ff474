/**
 * Checks the bearer token that the Bot Framework channel puts on its activities: beside what every signed token needs, it
 * must be for the activity's serviceUrl, with a key endorsed for its channel.
 * Source: Bot Framework docs, "Authentication: connector to bot". Must not know activities beyond what it is told.
 */
import { openSignedTokens, type Verdict } from './signedTokens.ts';

export interface ChannelTokenSettings {
  readonly metadataUrl: string;
  readonly issuer: string;
  /** The bot's app id. */
  readonly audience: string;
  readonly timeoutMs: number;
}

export interface Bearer {
  /** The whole Authorization header. */
  readonly header: string;
  readonly serviceUrl: string;
  readonly channelId: string;
}

export type VerifyChannelToken = (bearer: Bearer) => Promise<Verdict>;

export function openChannelTokens({ issuer, ...settings }: ChannelTokenSettings): VerifyChannelToken {
  const check = openSignedTokens({ ...settings, issuers: [issuer], claims: ['serviceurl'] }, (claims, key) => {
    const { endorsements } = (key ?? {}) as { endorsements?: unknown };
    return {
      serviceUrl: String(claims['serviceurl']),
      endorsements: Array.isArray(endorsements) ? endorsements.map(String) : [],
    };
  });
  return async ({ header, serviceUrl, channelId }) => {
    const checked = await check(header);
    if (typeof checked === 'string') return checked;
    const { facts } = checked;
    return facts.serviceUrl === serviceUrl && facts.endorsements.includes(channelId) ? 'good' : 'refused';
  };
}
