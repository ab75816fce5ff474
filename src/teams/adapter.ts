/**
 * The Teams adapter of teams-ai with three links exchanged, each for a measured defect (README, Decisions): tokens are
 * checked before it is reached, activities go out through our own connector client, and no client is built per turn.
 * Must not know commands, cards or requests.
 */
import { TeamsAdapter } from '@microsoft/teams-ai/lib/TeamsAdapter.js';
import {
  type Activity,
  ActivityTypes,
  type ConversationReference,
  INVOKE_RESPONSE_KEY,
  type ResourceResponse,
  TurnContext,
} from 'botbuilder';
import { PasswordServiceClientCredentialFactory } from 'botframework-connector';
import type { Problem } from '../requests/problem.ts';
import type { Envelope } from './activity.ts';

/** The connector client the adapter sends through (remotes/connector.ts fills it). */
export interface Wire {
  send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    serviceUrl: string,
    path: string,
    body?: unknown,
  ): Promise<
    | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
    | { readonly ok: false; readonly problem: Problem }
  >;
}

/** A problem of the connector, thrown through the SDK, whose interfaces know no other way. */
export class WireError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.kind);
    this.name = 'WireError';
    this.problem = problem;
  }
}

/** What an HTTP edge answers to an activity. */
export interface TurnAnswer {
  readonly status: number;
  readonly body?: unknown;
}

export class UsherAdapter extends TeamsAdapter {
  readonly #wire: Wire;

  constructor(wire: Wire, botId: string, tenantId: string) {
    // The SDK's own credentials are never used: outgoing tokens are the wire's business.
    super({ MicrosoftAppId: botId }, new PasswordServiceClientCredentialFactory(botId, '', tenantId));
    this.#wire = wire;
  }

  /** Runs one verified activity through `logic`. The answer matters to invokes; a message is answered with 200. */
  async receive(activity: Envelope, logic: (context: TurnContext) => Promise<unknown>): Promise<TurnAnswer> {
    const context = new TurnContext(this, activity as unknown as Activity);
    try {
      await this.runMiddleware(context, async (turn) => {
        await logic(turn);
      });
    } catch (cause) {
      // The channel did not take our answer: it may send the activity again.
      if (cause instanceof WireError)
        return {
          status: 503,
          body: { error: { code: 'ConnectorUnavailable', message: 'The answer could not be posted.' } },
        };
      throw cause;
    }
    if (activity.type !== ActivityTypes.Invoke) return { status: 200 };
    const answer = context.turnState.get<{ value?: { status: number; body?: unknown } }>(INVOKE_RESPONSE_KEY)?.value;
    return answer ?? { status: 501 };
  }

  override async sendActivities(context: TurnContext, activities: Partial<Activity>[]): Promise<ResourceResponse[]> {
    const sent: ResourceResponse[] = [];
    for (const activity of activities) {
      if (activity.type === ActivityTypes.InvokeResponse) {
        context.turnState.set(INVOKE_RESPONSE_KEY, activity);
        sent.push({ id: '' });
        continue;
      }
      if (activity.type === ActivityTypes.Trace) {
        sent.push({ id: '' });
        continue;
      }
      const conversation = encodeURIComponent(activity.conversation?.id ?? '');
      const reply = activity.replyToId ? `/${encodeURIComponent(activity.replyToId)}` : '';
      const answer = await this.#wire.send(
        'POST',
        activity.serviceUrl ?? '',
        `v3/conversations/${conversation}/activities${reply}`,
        activity,
      );
      if (!answer.ok) throw new WireError(answer.problem);
      sent.push({ id: String(answer.body['id'] ?? '') });
    }
    return sent;
  }

  override async updateActivity(
    _context: TurnContext,
    activity: Partial<Activity>,
  ): Promise<ResourceResponse | undefined> {
    const conversation = encodeURIComponent(activity.conversation?.id ?? '');
    const id = activity.id ?? '';
    const answer = await this.#wire.send(
      'PUT',
      activity.serviceUrl ?? '',
      `v3/conversations/${conversation}/activities/${encodeURIComponent(id)}`,
      activity,
    );
    if (!answer.ok) throw new WireError(answer.problem);
    return { id };
  }

  override async deleteActivity(_context: TurnContext, reference: Partial<ConversationReference>): Promise<void> {
    const conversation = encodeURIComponent(reference.conversation?.id ?? '');
    const answer = await this.#wire.send(
      'DELETE',
      reference.serviceUrl ?? '',
      `v3/conversations/${conversation}/activities/${encodeURIComponent(reference.activityId ?? '')}`,
    );
    if (!answer.ok) throw new WireError(answer.problem);
  }
}
