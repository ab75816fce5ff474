/**
 * One turn: who says or presses what, once, and how its answer is shown. A turn only files and shows; work is done by the
 * runner. Exceptions end here as a sentence and a number. Must not know commands, HTTP or SQL.
 */
import type { TurnContext } from 'botbuilder';
import { z } from 'zod/v4';
import { render } from '../cards/render.ts';
import type { View } from '../cards/view.ts';
import { words } from '../cards/words.ts';
import { newId } from '../requests/ids.ts';
import type { Log } from '../requests/ports.ts';
import { problem } from '../requests/problem.ts';
import type { Request } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import { type Envelope, personOf, placeOf } from './activity.ts';
import { WireError } from './adapter.ts';
import type { InvokeAnswer, Turns } from './application.ts';
import { attachedFiles } from './files.ts';
import { typedIn } from './given.ts';
import type { CheckMember } from './membership.ts';
import { CARD, cardMessage } from './post.ts';
import type { Reply } from './replies.ts';
import { Seen } from './seen.ts';
import { broughtIn } from './signIn.ts';
import { readMentions, readText } from './text.ts';
import { type Instead, openWishes, type Shows, type Turn, type WishParts } from './wishes.ts';

export interface TurnParts extends WishParts {
  readonly mayCommand: CheckMember;
  readonly log: Log;
}

const Pressed = z.looseObject({ verb: z.string().max(100), data: z.record(z.string(), z.unknown()).optional() });
const Execute = z.looseObject({ action: Pressed });

export function openTurns(parts: TurnParts): Turns {
  const { desk, teller, replies, mayCommand, files, log } = parts;
  const wishes = openWishes(parts);
  const seen = new Seen();
  const greeted = new Seen(50_000);

  const turnOf = (activity: Envelope): Turn => {
    const who = personOf(activity);
    const where = placeOf(activity);
    const pressed = activity['replyToId'];
    return {
      who,
      where,
      language: words(who.locale),
      key: `chat:${where.conversationId}:${activity.id ?? newId()}`,
      pressed: typeof pressed === 'string' && pressed !== '' ? pressed : null,
      mentions: readMentions(activity['entities'], activity.recipient.id),
      brought: broughtIn(activity['value']),
      activity,
    };
  };
  const send = async (context: TurnContext, view: View, turn: Turn): Promise<string> =>
    (await context.sendActivity(cardMessage(view, turn.language) as never))?.id ?? '';

  const edit = (context: TurnContext, id: string, view: View, turn: Turn): Promise<unknown> =>
    context.updateActivity({ ...cardMessage(view, turn.language), id } as never);

  /** A request is told on one message: the card shown last is it, and the one before says so. */
  async function follow(context: TurnContext, request: Request, activityId: string, turn: Turn): Promise<void> {
    if (activityId === '') return;
    const before = await desk.follow(request, turn.where, activityId, turn.who);
    teller.wake();
    if (before === null) return;
    await edit(context, before, replies.notice(say('request.moved'), turn), turn).catch((cause) =>
      log.warn('message.not.moved', { requestId: request.id, cause }),
    );
  }

  /** Posts what belongs below, and lets it follow its request. */
  async function post(context: TurnContext, { below, follows }: Reply, turn: Turn): Promise<void> {
    const id = await send(context, below, turn);
    if (follows) await follow(context, follows, id, turn);
  }

  /** Puts a card in the place of the one that was pressed, or below when that is not known. */
  async function replace(context: TurnContext, { instead, follows }: Instead, turn: Turn): Promise<void> {
    const { pressed } = turn;
    if (pressed === null) return post(context, { below: instead, ...(follows ? { follows } : {}) }, turn);
    try {
      await edit(context, pressed, instead, turn);
    } catch (cause) {
      if (!(cause instanceof WireError) || cause.problem.kind !== 'gone') throw cause;
      // Somebody deleted it meanwhile.
      return post(context, { below: instead, ...(follows ? { follows } : {}) }, turn);
    }
    if (follows) await follow(context, follows, pressed, turn);
  }

  /** Shows what came of a turn. When Teams does not take it, the activity may come again and is answered then. */
  async function show(activity: Envelope, context: TurnContext, shows: Shows, turn: Turn): Promise<void> {
    try {
      if ('below' in shows) await post(context, shows, turn);
      if ('said' in shows) await send(context, replies.problem(shows.said, turn), turn);
      if ('instead' in shows) await replace(context, shows, turn);
      // Only an invoke can be answered so; whoever pressed otherwise is shown the button that can.
      if ('answer' in shows) await send(context, replies.askToSignIn(turn), turn);
    } catch (cause) {
      seen.forget(keyOf(activity, turn));
      throw cause;
    }
  }

  const keyOf = (activity: Envelope, turn: Turn): string => `${turn.where.conversationId} ${activity.id}`;

  /** Runs a turn once per activity; what goes wrong unexpectedly becomes a number in the log and a sentence. */
  async function once(activity: Envelope, turn: Turn, work: () => Promise<Shows>): Promise<Shows> {
    const key = keyOf(activity, turn);
    if (activity.type !== 'invoke' && activity.id && !seen.first(key)) return { nothing: true };
    try {
      const allowed = await mayCommand(turn.who, turn.where);
      return allowed.ok ? await work() : { said: allowed.problem };
    } catch (cause) {
      seen.forget(key);
      const ref = newId();
      log.error('turn.bug', { ref, type: activity.type, cause });
      return { said: problem('bug', say('bot.bug', { ref })) };
    }
  }

  return {
    async said(activity, context) {
      const turn = turnOf(activity);
      const shows = await once(activity, turn, async () => {
        const text = readText(typedIn(activity), activity['entities'], activity.recipient.id);
        const files = attachedFiles(activity);
        if (files.length > 0) return wishes.attached(files, text, turn);
        return text === '' ? { below: replies.help(turn) } : wishes.typed(text, turn);
      });
      await show(activity, context, shows, turn);
    },

    async submitted(activity, value, context) {
      const turn = turnOf(activity);
      const read = Pressed.safeParse(value);
      const shows = await once(activity, turn, () =>
        read.success
          ? wishes.pressed(read.data.verb, { ...read.data, ...read.data.data }, turn)
          : Promise.resolve({ said: problem('gone', 'bot.oldButton') }),
      );
      await show(activity, context, shows, turn);
    },

    async executed(activity, value, context): Promise<InvokeAnswer> {
      const turn = turnOf(activity);
      const read = Execute.safeParse(value);
      if (!read.success)
        return {
          statusCode: 400,
          type: 'application/vnd.microsoft.error',
          value: { code: 'BadRequest', message: turn.language.say(say('bot.oldButton')) },
        };
      const { verb, data = {} } = read.data.action;
      const shows = await once(activity, turn, () => wishes.pressed(verb, data, turn));
      const message = (text: string): InvokeAnswer => ({
        statusCode: 200,
        type: 'application/vnd.microsoft.activity.message',
        value: text,
      });
      if ('instead' in shows) {
        const { instead, follows } = shows;
        // Only the one who pressed sees the answer of an invoke: the message itself is still to be edited.
        const behind = follows && { ...follows, version: follows.version - 1 };
        if (behind && turn.pressed !== null) await follow(context, behind, turn.pressed, turn);
        return { statusCode: 200, type: CARD, value: render(instead, turn.language).card };
      }
      if ('answer' in shows) return shows.answer;
      if ('said' in shows) return message(turn.language.say(shows.said.say));
      if ('below' in shows) await post(context, shows, turn);
      return message(turn.language.say(say('bot.below')));
    },

    async consented(activity, context) {
      const turn = turnOf(activity);
      const shows = await once(activity, turn, async () => {
        const said = await files.consented(activity, turn.who, turn.where);
        if (said === null) return { nothing: true };
        return 'kind' in said ? { said } : { below: replies.notice(said, turn) };
      });
      // The card has been answered; whoever wants the file again has the button for it.
      if (turn.pressed !== null && !('said' in shows))
        await context.deleteActivity(turn.pressed).catch((cause) => log.warn('consent.not.deleted', { cause }));
      await show(activity, context, shows, turn);
    },

    async added(activity, context) {
      const turn = turnOf(activity);
      if (!greeted.first(turn.where.conversationId)) return;
      await send(context, replies.welcome(turn), turn).catch((cause) => {
        greeted.forget(turn.where.conversationId);
        throw cause;
      });
    },

    removed(activity) {
      greeted.forget(activity.conversation.id);
    },
  };
}
