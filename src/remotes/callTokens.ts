/**
 * Checks the bearer token that Microsoft's calling service puts on its callbacks. It has keys of its own and two issuers,
 * and says for which tenant it speaks: a token of the Bot Framework channel is none of these, though it looks alike.
 * Source: Teams docs, "call-notifications", and the validation in Microsoft's own samples of Graph communications.
 * Must not know what a callback says.
 */
import { openSignedTokens } from './signedTokens.ts';

export interface CallTokenSettings {
  readonly metadataUrl: string;
  /** The bot's app id. */
  readonly audience: string;
  readonly timeoutMs: number;
}

/** `unavailable`: the keys cannot be read just now, so nothing can be said about the token. */
export type CallVerdict =
  | { readonly verdict: 'good'; readonly tenantId: string }
  | { readonly verdict: 'refused' }
  | { readonly verdict: 'unavailable' };

/** Judges the whole Authorization header. */
export type VerifyCallToken = (header: string) => Promise<CallVerdict>;

/** Either of them signs, depending on what is told (the same docs). */
const ISSUERS = ['https://api.botframework.com', 'https://graph.microsoft.com'];

export function openCallTokens(settings: CallTokenSettings): VerifyCallToken {
  const check = openSignedTokens({ ...settings, issuers: ISSUERS, claims: ['nbf', 'tid'] }, ({ tid }) =>
    typeof tid === 'string' ? tid : '',
  );
  return async (header) => {
    const checked = await check(header);
    if (typeof checked === 'string') return { verdict: checked };
    return checked.facts === '' ? { verdict: 'refused' } : { verdict: 'good', tenantId: checked.facts };
  };
}
