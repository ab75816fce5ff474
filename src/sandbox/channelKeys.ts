/**
 * The keys with which the channel signs its calls to the bot, and every way to get such a token wrong. Stands in for
 * login.botframework.com (Bot Framework docs, connector authentication). Must not know conversations or routes.
 */
import { botFrameworkIssuer, commonForgeries, createTokenKeys, type TokenKeys } from './tokenKeys.ts';

/** The ready-made wrong tokens; each differs from a good one in just the named thing. */
export const forgeries = [...commonForgeries, 'wrongServiceUrl', 'noServiceUrl'] as const;
/** Name of a ready-made wrong token. */
export type Forgery = (typeof forgeries)[number];

/** The channel's signing key and what can be made with it. */
export interface ChannelKeys extends Omit<TokenKeys, 'forge'> {
  /** The JWKS document that the login host serves. */
  jwks(): { keys: unknown[] };
  forge(kind: Forgery): Promise<string>;
}

/** Makes a key pair for one sandbox. `audience` is the bot's app id; `serviceUrl` is asked for at signing time. */
export async function createChannelKeys(audience: string, serviceUrl: () => string): Promise<ChannelKeys> {
  const keys = await createTokenKeys(() => ({ iss: botFrameworkIssuer, aud: audience, serviceurl: serviceUrl() }));
  return {
    ...keys,
    jwks: () => ({ keys: [{ ...keys.publicJwk, use: 'sig', x5t: keys.kid, endorsements: ['msteams'] }] }),
    forge: async (kind) => {
      if (kind === 'wrongServiceUrl') {
        return keys.sign({ serviceurl: 'https://smba.trafficmanager.net/elsewhere/' });
      }
      if (kind === 'noServiceUrl') return keys.sign({ serviceurl: undefined });
      return keys.forge(kind);
    },
  };
}
