/**
 * Puts cards into conversations: shows a request where it belongs (updating its message, or posting a new one when that
 * is gone), and sends cards as answers. Must not know how requests are carried out.
 */
import { render } from '../cards/render.ts';
import type { View } from '../cards/view.ts';
import { requestView } from '../cards/views.ts';
import { type Words, words } from '../cards/words.ts';
import type { AnyCapability } from '../requests/capability.ts';
import type { Message, Poster } from '../requests/ports.ts';
import { type Problem, problem } from '../requests/problem.ts';
import type { Place, Request } from '../requests/request.ts';
import { storyOf } from '../requests/storyOf.ts';
import type { Wire } from './adapter.ts';

export const CARD = 'application/vnd.microsoft.card.adaptive';

/** A message activity that shows a view. */
export function cardMessage(view: View, language: Words): Record<string, unknown> {
  const { card, summary } = render(view, language);
  return { type: 'message', summary, attachments: [{ contentType: CARD, content: card }] };
}

/** The view of a request as seen at a place: its secret link only where the requester is alone with the bot. */
export function viewOf(request: Request, capability: AnyCapability, place: Place, language: Words): View {
  const alone = place.kind === 'personal' && place.userId === request.place.userId;
  return requestView(request, storyOf(request, capability), language, { showLink: alone });
}

export function openPoster(wire: Wire, capabilities: ReadonlyMap<string, AnyCapability>): Poster {
  async function post(
    place: Place,
    activity: Record<string, unknown>,
  ): Promise<{ activityId: string } | { problem: Problem }> {
    const conversation = encodeURIComponent(place.conversationId);
    const answer = await wire.send('POST', place.serviceUrl, `v3/conversations/${conversation}/activities`, {
      ...activity,
      from: { id: place.botId },
      conversation: { id: place.conversationId },
      recipient: { id: place.userId },
    });
    if (!answer.ok) return { problem: answer.problem };
    const { id } = answer.body;
    return typeof id === 'string' && id !== ''
      ? { activityId: id }
      : { problem: problem('down', 'problem.down', { detail: 'no activity id' }) };
  }

  return {
    async show(message: Message, request: Request) {
      const capability = capabilities.get(request.capability);
      if (!capability) throw new Error(`no capability named ${request.capability}`);
      const { place, activityId } = message;
      const language = words(request.requester.locale);
      const activity = cardMessage(viewOf(request, capability, place, language), language);
      if (activityId === null) return post(place, activity);
      const path = `v3/conversations/${encodeURIComponent(place.conversationId)}/activities/${encodeURIComponent(activityId)}`;
      const answer = await wire.send('PUT', place.serviceUrl, path, { ...activity, id: activityId });
      if (answer.ok) return { activityId };
      return answer.problem.kind === 'gone' ? post(place, activity) : { problem: answer.problem };
    },
  };
}
