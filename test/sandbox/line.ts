/**
 * A bot on the telephone, small enough to read at a glance: it listens for callbacks, checks their tokens as a careful bot
 * does, and calls the sandbox's Graph. For the sandbox's own tests.
 */
import assert from 'node:assert/strict';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { type Listener, listenHere } from '../support/listener.ts';
import { call, type Loose, type Reached } from './fakeBot.ts';

export const meetingThread = '19:meeting_NWE0ZGIwYzUtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDA0MDAx@thread.v2';

/** One callback as it came in. */
export interface Heard {
  url: string;
  token: string;
  body: Loose;
}

export class Line {
  readonly sandbox: Sandbox;
  readonly listener: Listener;
  /** Answers one callback; a number is its status. */
  onCallback: (body: Loose) => number = () => 202;

  constructor(sandbox: Sandbox, listener: Listener) {
    this.sandbox = sandbox;
    this.listener = listener;
    listener.answer = ({ body }, response) => {
      response.writeHead(this.onCallback(JSON.parse(body)));
      response.end();
    };
  }

  static async open(): Promise<Line> {
    return new Line(await startSandbox({ port: 0 }), await listenHere());
  }

  /** As new, with people who answer at once. */
  async reset(): Promise<void> {
    this.sandbox.reset();
    this.listener.heard.length = 0;
    this.onCallback = () => 202;
    await this.control('settings', { ringMs: 5, joinMs: 1, rosterDelayMs: 1, callbackPauseMs: 5 });
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    await this.listener.close();
  }

  async control(path: string, body?: unknown): Promise<Loose> {
    const reached = await call(`${this.sandbox.url}/control/${path}`, body === undefined ? 'GET' : 'POST', body);
    assert.ok(reached.status < 300, `${path}: ${JSON.stringify(reached.body).slice(0, 500)}`);
    return reached.body;
  }

  graph(path: string, method = 'GET', body?: unknown): Promise<Reached> {
    return call(`${this.sandbox.url}/graph/v1.0/communications/calls${path}`, method, body);
  }

  userId(name: string): string {
    const found = this.sandbox.world.users.find((user) => user.displayName.startsWith(name));
    assert.ok(found, name);
    return found.id;
  }

  /** What a bot sends to come into the seeded meeting. */
  joinBody(more: Record<string, unknown> = {}): Record<string, unknown> {
    const { tenantId } = this.sandbox;
    return {
      '@odata.type': '#microsoft.graph.call',
      callbackUri: `${this.listener.url}/api/calls?request=r-1`,
      requestedModalities: ['audio'],
      mediaConfig: { '@odata.type': '#microsoft.graph.serviceHostedMediaConfig' },
      chatInfo: { '@odata.type': '#microsoft.graph.chatInfo', threadId: meetingThread, messageId: '0' },
      meetingInfo: {
        '@odata.type': '#microsoft.graph.organizerMeetingInfo',
        organizer: { user: { id: this.userId('Rita'), tenantId } },
        allowConversationWithoutHost: true,
      },
      tenantId,
      ...more,
    };
  }

  /** Joins the seeded meeting and waits until the call is up. */
  async join(): Promise<string> {
    const joined = await this.graph('', 'POST', this.joinBody());
    assert.equal(joined.status, 201);
    await this.until('"state":"established"');
    return joined.body.id;
  }

  /** A person by the beginning of their name, or a phone number, as an invitation names them. */
  invitee(who: string): Record<string, unknown> {
    const identity = who.startsWith('+') ? { phone: { id: who } } : { user: { id: this.userId(who) } };
    return { '@odata.type': '#microsoft.graph.invitationParticipantInfo', identity };
  }

  invite(id: string, who: string[], more: Record<string, unknown> = {}): Promise<Reached> {
    const participants = who.map((one) => this.invitee(one));
    return this.graph(`/${id}/participants/invite`, 'POST', { participants, clientContext: 'request-1', ...more });
  }

  /** Waits until so many callbacks match. */
  async until(matches: string, count = 1): Promise<void> {
    await this.control(`wait?callbacks=${encodeURIComponent(`^sent 202 .*${matches}`)}&count=${count}&timeoutMs=5000`);
  }

  /** Every callback, oldest first. */
  heard(): Heard[] {
    return this.listener.heard.map(({ url, headers, body }) => ({
      url,
      token: (headers.authorization ?? '').replace('Bearer ', ''),
      body: JSON.parse(body),
    }));
  }

  /** What the callbacks said, one by one. */
  said(): Loose[] {
    return this.heard().flatMap(({ body }) => body.value);
  }

  /** What became of invitations. */
  outcomes(): Loose[] {
    return this.said().filter((one) => /\/operations\//.test(one.resourceUrl));
  }

  /** Names of who is in, as the last roster told. */
  roster(): string[] {
    const last = this.said().findLast((one) => /\/participants$/.test(one.resourceUrl) && one.changeType === 'updated');
    return namesIn(last?.resourceData ?? []);
  }

  /** Checks a token against the keys that the sandbox publishes for the calling service. */
  async verify(token: string): Promise<JWTPayload> {
    const { body } = await call(`${this.sandbox.url}/login/calls/v1/.well-known/OpenIdConfiguration`);
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(body.jwks_uri)), {
      issuer: ['https://api.botframework.com', 'https://graph.microsoft.com'],
      audience: this.sandbox.botId,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'nbf', 'tid'],
    });
    assert.equal(payload['tid'], this.sandbox.tenantId);
    return payload;
  }
}

/** The names in a list of participants; a phone goes by its number. */
export function namesIn(participants: Loose[]): string[] {
  return participants.map(({ info }) => {
    const { user, phone, application, guest } = info.identity;
    return (user ?? application ?? guest)?.displayName ?? phone?.id;
  });
}
