/**
 * The teams-ai application: which activity goes to which part of the turn. Two of its habits are exchanged: the typing
 * timer (it has one for all conversations and cannot be switched off) and `actionExecute` (once a card with a refresh
 * was returned, it shows personal cards to everybody). Must not know commands or cards.
 */
import { Application } from '@microsoft/teams-ai/lib/Application.js';
import type { TurnContext as Context, TurnContext } from 'botbuilder';
import type { Envelope } from './activity.ts';

/** What a turn can be; each handler answers when everything it promises is done. */
export interface Turns {
  /** Somebody typed something (or attached files). */
  said(activity: Envelope, context: TurnContext): Promise<void>;
  /** A card's Action.Submit: a message without text. */
  submitted(activity: Envelope, value: unknown, context: TurnContext): Promise<void>;
  /** A card's Action.Execute; answers the invoke's body. */
  executed(activity: Envelope, value: unknown, context: TurnContext): Promise<InvokeAnswer>;
  /** Somebody allowed the bot to put a file into their OneDrive, or did not. */
  consented(activity: Envelope, context: TurnContext): Promise<void>;
  /** The bot was installed or added. */
  added(activity: Envelope, context: TurnContext): Promise<void>;
  /** The bot was taken out; nothing can be sent there any more. */
  removed(activity: Envelope): void;
}

/** Body of the answer to `adaptiveCard/action` (Teams docs, Universal Actions: response format). */
export interface InvokeAnswer {
  readonly statusCode: number;
  readonly type:
    | 'application/vnd.microsoft.card.adaptive'
    | 'application/vnd.microsoft.activity.message'
    | 'application/vnd.microsoft.activity.loginRequest'
    | 'application/vnd.microsoft.error.preconditionFailed'
    | 'application/vnd.microsoft.error.incorrectAuthCode'
    | 'application/vnd.microsoft.error';
  readonly value: unknown;
}

/** A turn that takes longer than this shows that somebody is typing. */
const TYPING_AFTER_MS = 500;

class QuietApplication extends Application {
  override startTypingTimer(): void {}
}

export function openApplication(turns: Turns): { run(context: Context): Promise<boolean> } {
  const app = new QuietApplication({ removeRecipientMention: false, startTypingTimer: false });
  const activityOf = (context: TurnContext): Envelope => context.activity as unknown as Envelope;

  app.activity('message', (context) =>
    typing(context, () => {
      const { text, value } = context.activity;
      const isSubmit = value !== undefined && value !== null && !text;
      return isSubmit ? turns.submitted(activityOf(context), value, context) : turns.said(activityOf(context), context);
    }),
  );
  app.addRoute(
    async (context) => context.activity.type === 'invoke' && context.activity.name === 'adaptiveCard/action',
    async (context) => {
      const body = await turns.executed(activityOf(context), context.activity.value, context);
      await context.sendActivity({ type: 'invokeResponse', value: { status: 200, body } });
    },
    true,
  );
  app.addRoute(
    async (context) => context.activity.type === 'invoke' && context.activity.name === 'fileConsent/invoke',
    async (context) => {
      await turns.consented(activityOf(context), context);
      await context.sendActivity({ type: 'invokeResponse', value: { status: 200 } });
    },
    true,
  );
  app.activity(['installationUpdate', 'conversationUpdate'], (context) => {
    const { action, membersAdded, membersRemoved, recipient } = context.activity;
    const isAdded =
      action === 'add' || action === 'add-upgrade' || membersAdded?.some((member) => member.id === recipient.id);
    const isRemoved = action?.startsWith('remove') || membersRemoved?.some((member) => member.id === recipient.id);
    if (isRemoved) turns.removed(activityOf(context));
    return isAdded ? turns.added(activityOf(context), context) : Promise.resolve();
  });
  return app;
}

/** Shows the typing indicator while a slow turn goes on. */
async function typing(context: TurnContext, turn: () => Promise<void>): Promise<void> {
  const timer = setTimeout(() => {
    context.sendActivity({ type: 'typing' }).catch(() => {});
  }, TYPING_AFTER_MS);
  try {
    await turn();
  } finally {
    clearTimeout(timer);
  }
}
