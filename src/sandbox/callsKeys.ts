/**
 * The keys with which the calling service signs its callbacks: another set than the channel's, as in
 * api.aps.skype.com (Teams docs, call-notifications). Must not know calls or routes.
 */
import { randomUUID } from 'node:crypto';
import { botFrameworkIssuer, commonForgeries, createTokenKeys, type Sign, type TokenKeys } from './tokenKeys.ts';

/** Both issuers the calling service may name (Teams docs, call-notifications). */
export const callsIssuers = [botFrameworkIssuer, 'https://graph.microsoft.com'] as const;

/**
 * The ready-made wrong tokens of a callback. `wrongTid` names a tenant that is not the call's; `channelKey` is right in
 * all it says, but signed with the channel's key.
 */
export const callForgeries = [...commonForgeries, 'noTid', 'wrongTid', 'channelKey'] as const;
/** Name of a ready-made wrong token of a callback. */
export type CallForgery = (typeof callForgeries)[number];

/** The calling service's signing key and what can be made with it. */
export interface CallsKeys extends Omit<TokenKeys, 'forge'> {
  /** The JWKS document that the login host serves. */
  jwks(): { keys: unknown[] };
  forge(kind: CallForgery): Promise<string>;
}

/** Makes a key pair for one sandbox. `issuer` and `tenantId` are asked for at signing time. */
export async function createCallsKeys(
  audience: string,
  told: { issuer: () => string; tenantId: () => string; signAsChannel: Sign },
): Promise<CallsKeys> {
  const good = () => ({ iss: told.issuer(), aud: audience, tid: told.tenantId() });
  const keys = await createTokenKeys(good);
  return {
    ...keys,
    jwks: () => ({ keys: [{ ...keys.publicJwk, use: 'sig', x5t: keys.kid }] }),
    forge: async (kind) => {
      if (kind === 'noTid') return keys.sign({ tid: undefined });
      if (kind === 'wrongTid') return keys.sign({ tid: randomUUID() });
      if (kind === 'channelKey') return told.signAsChannel({ ...good(), serviceurl: undefined });
      return keys.forge(kind);
    },
  };
}
