/** An app that asks Usher for guests over HTTP, as one that asked Governance Toolkit 365 would. Must not know any case. */
import assert from 'node:assert/strict';
import { flowAppId } from '../../src/sandbox/entra.ts';
import type { Lane } from './walk.ts';

/** The documented sample, trailing comma taken out (GT365, API-invite-guest), asked for by somebody who is here. */
export const SAMPLE = {
  invitedUserDisplayName: 'John Doe',
  invitedUserEmailAddress: 'john.doe@gmail.com',
  inviteRedirectUrl: 'https://mycompany.com/guestinfo',
  sendInvitationMessage: true,
  requestedBy: 'rita@contoso.example',
  more: { somecustomkey1: 'some custom data1', somecustomkey2: 'some custom data2' },
};
export const ID = /^[0-9a-hjkmnp-tv-z]{8}$/;

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: JSON from the wire, which the assertions themselves check
  readonly body: any;
}

/** Asks the sandbox's Entra for a token, as the README's curl does. */
export async function tokenOf(lane: Lane, clientId = flowAppId, scope?: string): Promise<string> {
  const { sandbox } = lane.town;
  const answer = await fetch(`${sandbox.url}/login/${sandbox.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: 'sandbox-only',
      scope: scope ?? `api://${sandbox.botId}/.default`,
    }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  assert.equal(answer.status, 200);
  return token;
}

export class App {
  readonly lane: Lane;
  readonly token: string;
  constructor(lane: Lane, token: string) {
    this.lane = lane;
    this.token = token;
  }

  async #send(path: string, init: RequestInit): Promise<Answered> {
    const answer = await fetch(`${this.lane.bot.url}${path}`, init);
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  }

  ask(body: unknown = SAMPLE, headers: Record<string, string> = {}, path = '/api/InviteGuest'): Promise<Answered> {
    return this.#send(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  look(id: string): Promise<Answered> {
    return this.#send(`/api/InviteGuest/${id}`, { headers: { authorization: `Bearer ${this.token}` } });
  }
}

export async function openApp(lane: Lane): Promise<App> {
  return new App(lane, await tokenOf(lane));
}
