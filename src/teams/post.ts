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
import type { Audience, Place, Request } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import type { Story } from '../requests/story.ts';
import { storyOf } from '../requests/storyOf.ts';
import type { Wire } from './adapter.ts';
import type { ConversationOf } from './chats.ts';

export const CARD = 'application/vnd.microsoft.card.adaptive';

/** A message activity that shows a view; `more` is what the card has besides what is seen. */
export function cardMessage(view: View, language: Words, more: object = {}): Record<string, unknown> {
  const { card, summary } = render(view, language);
  return { type: 'message', summary, attachments: [{ contentType: CARD, content: { ...card, ...more } }] };
}

/** By this press each client asks for its user's own card (Teams docs, Universal Actions, user-specific views). */
const lookAgain = ({ id }: Request) => ({
  refresh: { action: { type: 'Action.Execute', title: 'Look', verb: 'request.look', data: { requestId: id } } },
});

/** Who looks at a card: `others` are all who see it where many are, each of whom may ask for their own. */
export type Viewer = Audience | 'others';

/** The view of a request as seen at a place: its secret link only where the requester is alone with the bot. */
export function viewOf(
  request: Request,
  capability: AnyCapability,
  place: Place,
  language: Words,
  viewer: Viewer = 'asker',
): View {
  const { userId } = place;
  const alone =
    viewer === 'asker' &&
    place.kind === 'personal' &&
    (userId === request.place.userId || userId === request.requester.id);
  const isPersonal = viewer === 'others';
  const story = storyOf(request, capability, isPersonal ? 'asker' : viewer);
  return requestView(request, isPersonal ? withoutChoice(story) : story, language, { showLink: alone });
}

/** What everybody may read; who may do something presses for their own card, or their client does. */
function withoutChoice({ inputs: _inputs, ...story }: Story): Story {
  return { ...story, buttons: [{ title: say('button.look'), verb: 'request.look' }] };
}

/** Where many see a card that some may decide about, each sees their own. */
export function viewerAt(request: Request, place: Place, audience: Audience = 'asker'): Viewer {
  return request.state === 'awaiting approval' && place.kind !== 'personal' ? 'others' : audience;
}

export function openPoster(
  wire: Wire,
  capabilities: ReadonlyMap<string, AnyCapability>,
  conversationOf: ConversationOf,
): Poster {
  async function post(
    place: Place,
    conversationId: string,
    activity: Record<string, unknown>,
  ): Promise<{ activityId: string } | { problem: Problem }> {
    const path = `v3/conversations/${encodeURIComponent(conversationId)}/activities`;
    const answer = await wire.send('POST', place.serviceUrl, path, {
      ...activity,
      from: { id: place.botId },
      conversation: { id: conversationId },
      ...(place.userId === '' ? {} : { recipient: { id: place.userId } }),
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
      const { place, activityId, audience } = message;
      const language = words(request.requester.locale);
      const viewer = viewerAt(request, place, audience);
      const view = viewOf(request, capability, place, language, viewer);
      const activity = cardMessage(view, language, viewer === 'others' ? lookAgain(request) : {});
      const conversation = await conversationOf(place);
      if (!conversation.ok) return { problem: conversation.problem };
      const { value: conversationId } = conversation;
      if (activityId === null) return post(place, conversationId, activity);
      const path = `v3/conversations/${encodeURIComponent(conversationId)}/activities/${encodeURIComponent(activityId)}`;
      const answer = await wire.send('PUT', place.serviceUrl, path, { ...activity, id: activityId });
      if (answer.ok) return { activityId };
      return answer.problem.kind === 'gone' ? post(place, conversationId, activity) : { problem: answer.problem };
    },
  };
}
