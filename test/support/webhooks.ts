/**
 * Partner Center as it stands before the bot's door: where its certificate lies, its webhooks, and the ways to be refused.
 * Nothing may ever be asked of the host that nobody trusts; that is checked after every test. Must not know how a
 * signature is judged.
 */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { sandboxTrust, type WebhookTrust } from '../../src/config/webhookTrust.ts';
import { openWebhookSignatures, type VerifyWebhook } from '../../src/remotes/webhookSignatures.ts';
import { type Chain, type Made, makeChain, makeChainKeys, REFERRAL, signed, telling } from './chains.ts';
import { type Answered, type Edge, openEdgeHere, overheard, sendRaw } from './edge.ts';
import { type Listener, listenHere, reply } from './listener.ts';

/** The request that webhooks name in their address, unless told otherwise. */
export const REQUEST = '7k3q9xwa';
const REFUSED = { error: { code: 'Unauthorized', message: 'The request is not authenticated.' } };
const TIMEOUT_MS = 300;

/** Where certificates lie: files by path, and all that was asked for. */
export interface Shelf {
  readonly listener: Listener;
  readonly files: Map<string, string | Buffer>;
  /** Paths that were asked for since it was last looked at. */
  asked(): string[];
  /** Of the certificate that signs. */
  readonly url: string;
}

export interface Sent {
  readonly by?: Pick<Made, 'keys'>;
  readonly url?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly query?: string;
  readonly to?: Edge;
  /** Sent instead of what was signed. */
  readonly body?: string | Buffer;
}

type ChainKeys = Awaited<ReturnType<typeof makeChainKeys>>;

/** What a test finds ready; made afresh for each, keys and chain apart. */
export interface Scene {
  keys: ChainKeys;
  chain: Chain;
  shelf: Shelf;
  /** A host that nobody trusts; it has the same files. */
  foreign: Shelf;
  edge: Edge;
}

async function openShelf({ root, issuer, leaf }: Chain): Promise<Shelf> {
  const listener = await listenHere();
  const files = new Map<string, string | Buffer>([
    ['/certificates/webhook.cer', leaf.pem + issuer.pem],
    ['/certificates/root.pem', root.pem],
  ]);
  listener.answer = ({ url }, response) => {
    const file = files.get(url);
    if (file === undefined) reply(response, 404, {});
    else response.end(file);
  };
  return {
    listener,
    files,
    url: `${listener.url}/certificates/webhook.cer`,
    asked: () => listener.heard.splice(0).map(({ url }) => url),
  };
}

/** Sets the scene for the tests of the describe (or file) it is called in. */
export function setScene(): Scene {
  const scene = {} as Scene;
  before(async () => {
    scene.keys = await makeChainKeys();
    scene.chain = await makeChain({}, scene.keys);
  });
  beforeEach(async () => {
    [scene.shelf, scene.foreign] = await Promise.all([openShelf(scene.chain), openShelf(scene.chain)]);
    scene.edge = await openEdgeHere({ mode: 'sandbox' }, { verifyWebhook: verifier(scene) });
  });
  afterEach(async () => {
    const asked = scene.foreign.asked();
    await Promise.all([scene.edge.close(), scene.shelf.listener.close(), scene.foreign.listener.close()]);
    assert.deepEqual(asked, [], 'a host that nobody knows was asked');
  });
  return scene;
}

/** Trusts the scene's shelf as a sandbox's is trusted, except where told otherwise. */
export const verifier = ({ shelf }: Scene, trust: Partial<WebhookTrust> = {}): VerifyWebhook =>
  openWebhookSignatures({ ...sandboxTrust(shelf.listener.url), timeoutMs: TIMEOUT_MS, ...trust });

/** Signs a webhook and sends it. */
export function sendWebhook(scene: Scene, what: unknown = telling(), sent: Sent = {}): Promise<Answered> {
  const { by = scene.chain.leaf, url = scene.shelf.url, to = scene.edge, query = `?request=${REQUEST}` } = sent;
  const body = typeof what === 'string' || Buffer.isBuffer(what) ? what : JSON.stringify(what);
  return sendRaw(`${to.url}/api/referrals${query}`, {
    body: sent.body ?? body,
    headers: { ...signed(body, by, url), ...sent.headers },
  });
}

export function assertGuarded({ headers, text }: Answered): void {
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['cache-control'], 'no-store');
  assert.match(String(headers['x-request-id']), /^[\w.-]{1,64}$/);
  assert.doesNotMatch(text, /\bat \S+ \(|node_modules|\/src\/|\.ts:|Error:|restify|zod|x509|stack|certificate-url/i);
}

/** Refused without a word of why; the log has one line with the reason, and nothing of what was sent. */
export async function assertRefused({ edge }: Scene, reason: string, answer: () => Promise<Answered>): Promise<void> {
  edge.log.lines.length = 0;
  let answered: Answered | undefined;
  const said = await overheard(async () => {
    answered = await answer();
  });
  assert.equal(answered?.status, 401, `${reason}: ${answered?.text}`);
  assert.deepEqual(answered?.json, REFUSED);
  assertGuarded(answered as Answered);
  assert.equal(said, '');
  assert.deepEqual(edge.heardOfReferrals, []);
  const lines = edge.log.lines.join('\n');
  assert.equal(edge.log.lines.length, 1, lines);
  assert.match(lines, new RegExp(`webhook\\.refused.*"reason":"${reason}"`));
  assert.doesNotMatch(lines, /Signature |referral-created|webhook\.cer|rsa-/);
  assert.ok(!lines.includes(REFERRAL), lines);
}

/** Asked to come again later. */
export async function assertUnavailable(
  { edge }: Scene,
  reason: string,
  answer: () => Promise<Answered>,
): Promise<void> {
  edge.log.lines.length = 0;
  const answered = await answer();
  assert.equal(answered.status, 503, answered.text);
  assert.equal(answered.json.error.code, 'CertificateUnavailable');
  assert.equal(answered.headers['retry-after'], '1');
  assertGuarded(answered);
  assert.deepEqual(edge.heardOfReferrals, []);
  assert.match(edge.log.lines.join('\n'), new RegExp(`webhook\\.unavailable.*"reason":"${reason}"`));
}
