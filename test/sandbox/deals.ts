/**
 * A bot that shares deals, small enough to read at a glance: it signs people in at the sandbox's token service and calls its
 * Partner Center. For the sandbox's own tests.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../src/root.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { call, type Loose, type Reached } from './fakeBot.ts';

/** Messages of Partner Center as its documentation shows them. */
export const examples: Loose = JSON.parse(readFileSync(join(root, 'test', 'sandbox', 'partnerExamples.json'), 'utf8'));

/** The connection the bot signs people in through. */
export const connectionName = 'PartnerCenter';

export class Deals {
  readonly sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  static async open(): Promise<Deals> {
    return new Deals(await startSandbox({ port: 0 }));
  }

  close(): Promise<void> {
    return this.sandbox.close();
  }

  async control(path: string, body?: unknown): Promise<Loose> {
    const reached = await call(`${this.sandbox.url}/control/${path}`, body === undefined ? 'GET' : 'POST', body);
    assert.ok(reached.status < 300, `${path}: ${JSON.stringify(reached.body)}`);
    return reached.body;
  }

  /** The id Teams gives a person. */
  teamsId(user: string): string {
    const found = this.sandbox.world.people.find((person) => person.key === user);
    assert.ok(found, user);
    return found.teamsId;
  }

  /** A call of the token service about one user. */
  tokens(
    path: string,
    user: string,
    more: Record<string, string> = {},
    method = 'GET',
    body?: unknown,
  ): Promise<Reached> {
    const query = new URLSearchParams({ userId: this.teamsId(user), connectionName, channelId: 'msteams', ...more });
    return call(`${this.sandbox.url}/tokens/api/usertoken/${path}?${query}`, method, body);
  }

  /** What a bot asks for to show a sign-in button. */
  signInResource(user: string): Promise<Reached> {
    const Conversation = { User: { Id: this.teamsId(user) }, ChannelId: 'msteams' };
    const state = { ConnectionName: connectionName, Conversation, MsAppId: this.sandbox.botId };
    const query = new URLSearchParams({ state: Buffer.from(JSON.stringify(state)).toString('base64') });
    return call(`${this.sandbox.url}/tokens/api/botsignin/GetSignInResource?${query}`);
  }

  /** Signs somebody in the way people do, up to the code. */
  async code(user: string, more: Record<string, unknown> = {}): Promise<string> {
    assert.equal((await this.signInResource(user)).status, 200);
    return (await this.control('sign-in', { user, ...more })).code;
  }

  /** Signs somebody in; their access token. */
  async signIn(user: string, more: Record<string, unknown> = {}): Promise<string> {
    const got = await this.tokens('GetToken', user, { code: await this.code(user, more) });
    assert.equal(got.status, 200);
    return got.body.token;
  }

  /** A call of Partner Center. A header set to an empty text is left out. */
  partner(
    token: string,
    path: string,
    method = 'GET',
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reached> {
    const all = { authorization: `Bearer ${token}`, 'client-request-id': randomUUID(), ...headers };
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    return call(`${this.sandbox.url}/partner${path}`, method, body, sent);
  }

  /** A call about referrals. */
  referrals(
    token: string,
    path = '',
    method = 'GET',
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Reached> {
    return this.partner(token, `/v1.0/engagements/referrals${path}`, method, body, headers);
  }
}

/** Asserts that everything an example has is there, and is of the same kind. */
export function assertShape(example: Loose, actual: Loose, path = ''): void {
  if (example === null) return;
  if (Array.isArray(example)) {
    assert.ok(Array.isArray(actual), `${path} is a list`);
    if (example.length > 0 && actual.length > 0) assertShape(example[0], actual[0], `${path}[0]`);
    return;
  }
  assert.equal(typeof actual, typeof example, path);
  if (typeof example !== 'object') return;
  for (const [name, value] of Object.entries(example)) assertShape(value, actual[name], `${path}.${name}`);
}
