/**
 * All remotes behind the one door the spine knows: a call names its remote, the answer is a Reply.
 * Must not know capabilities.
 */
import type { Call, Reply } from '../requests/capability.ts';
import type { Remotes, Sending } from '../requests/ports.ts';
import type { Connector } from './connector.ts';
import type { Send } from './graph.ts';
import type { SendPartner } from './partnerCenter.ts';

export interface RemoteParts {
  readonly graph: Send;
  readonly connector: Connector;
  readonly partnerCenter: SendPartner;
  readonly partnerWebhooks: SendPartner;
  readonly gt365: Send;
  /** What is kept here, asked like a remote. */
  readonly store: (call: Call, about: Sending) => Promise<Reply>;
}

export function openRemotes({ graph, connector, partnerCenter, partnerWebhooks, gt365, store }: RemoteParts): Remotes {
  const byName: Readonly<Record<Call['to'], (call: Call, about: Sending) => Promise<Reply>>> = {
    graph,
    partnerCenter,
    partnerWebhooks,
    gt365,
    store,
    teams: (call, about) => askTeams(connector, call, about),
  };
  return { send: (call, about) => byName[call.to](call, about) };
}

/** What Teams tells a bot of a conversation: only reading, since what is said there is the poster's. */
async function askTeams(connector: Connector, { method, path }: Call, { place }: Sending): Promise<Reply> {
  if (method !== 'GET') throw new Error('Teams is only asked, never told');
  return connector.send(method, place.serviceUrl, path);
}
