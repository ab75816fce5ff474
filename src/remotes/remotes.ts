/**
 * All remotes behind the one door the spine knows: a call names its remote, the answer is a Reply.
 * Must not know capabilities.
 */
import type { Remotes } from '../requests/ports.ts';
import type { Send } from './graph.ts';

export function openRemotes(graph: Send): Remotes {
  const byName: Readonly<Record<string, Send>> = { graph };
  return {
    send(call, about) {
      const send = byName[call.to];
      if (!send) throw new Error(`no remote named ${call.to}`);
      return send(call, about);
    },
  };
}
