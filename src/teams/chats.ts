/**
 * People's own chats with Usher: opened when something is first posted there (Teams docs, proactive messages; connector
 * docs, create conversation), and remembered. Must not know what is posted.
 */
import { bad, good, problem, type Result } from '../requests/problem.ts';
import { type Place, personIn } from '../requests/request.ts';
import type { Wire } from './adapter.ts';

/** The id of a place's conversation, or why there is none. */
export type ConversationOf = (place: Place) => Promise<Result<string>>;

/** Most chats that are remembered; opening one again gives the same. */
const MOST_CHATS = 10_000;

export function openChats(wire: Wire): ConversationOf {
  const chats = new Map<string, string>();
  return async (place) => {
    const { conversationId, serviceUrl, tenantId, botId } = place;
    const personId = personIn(place);
    if (personId === null) return good(conversationId);
    const key = `${tenantId} ${botId} ${personId}`;
    const known = chats.get(key);
    if (known) return good(known);
    const answer = await wire.send('POST', serviceUrl, 'v3/conversations', {
      bot: { id: botId },
      members: [{ id: personId }],
      isGroup: false,
      tenantId,
      channelData: { tenant: { id: tenantId } },
    });
    if (!answer.ok) return bad(answer.problem);
    const { id } = answer.body;
    if (typeof id !== 'string' || id === '')
      return bad(problem('down', 'problem.down', { detail: 'no conversation id' }));
    if (chats.size >= MOST_CHATS) chats.clear();
    chats.set(key, id);
    return good(id);
  };
}
