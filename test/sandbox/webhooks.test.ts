import assert from 'node:assert/strict';
import { verify, X509Certificate } from 'node:crypto';
import { referralForgeries } from '../../src/sandbox/certificates.ts';
import { type Heard, type Listener, listenHere } from '../support/listener.ts';
import { assertShape, Deals, examples } from './deals.ts';
import type { Loose, Reached } from './fakeBot.ts';

describe('the events of Partner Center in the sandbox', () => {
  let deals: Deals;
  let listener: Listener;
  let rita: string;
  /** What the listener answers; a number is its status. */
  let onEvent: (body: Loose) => number;

  before(async () => {
    deals = await Deals.open();
    listener = await listenHere();
    listener.answer = ({ body }, response) => {
      response.writeHead(onEvent(JSON.parse(body)));
      response.end();
    };
  });
  beforeEach(async () => {
    deals.sandbox.reset();
    listener.heard.length = 0;
    onEvent = () => 200;
    await deals.control('settings', { webhookPauseMs: 5 });
    rita = await deals.signIn('rita');
  });
  after(async () => {
    await deals.close();
    await listener.close();
  });

  const registration = (method = 'GET', body?: unknown, path = ''): Promise<Reached> =>
    deals.partner(rita, `/webhooks/v1/registration${path}`, method, body, { 'client-request-id': '' });
  const wanted = (more: Record<string, unknown> = {}) => ({
    WebhookUrl: `${listener.url}/api/partner-events`,
    WebhookEvents: ['referral-created', 'referral-updated', 'test-created'],
    ...more,
  });
  const register = async (more?: Record<string, unknown>) =>
    assert.equal((await registration('POST', wanted(more))).status, 200);
  const until = (line: string, count = 1) =>
    deals.control(`wait?webhooks=${encodeURIComponent(line)}&count=${count}&timeoutMs=5000`);
  const arrive = (customer: string) => deals.control('referral', { customer });
  const change = (id: string) => deals.control('referral-change', { id, action: 'change' });
  const heard = (): Loose[] => listener.heard.map(({ body }) => JSON.parse(body));

  /** Checks an event as a careful bot does; a text says why it must not be believed. */
  async function doubt({ headers, body }: Pick<Heard, 'headers' | 'body'>): Promise<string | null> {
    const own = headers['x-ms-signature'];
    const [, inAuthorization] = /^Signature (\S+)$/.exec(headers.authorization ?? '') ?? [];
    const signature = typeof own === 'string' ? own : inAuthorization;
    if (!signature) return 'no signature';
    if (headers['x-ms-signature-algorithm'] !== 'rsa-sha256') return 'algorithm';
    const address = new URL(String(headers['x-ms-certificate-url']));
    if (address.origin !== deals.sandbox.url) return `host ${address.protocol}`;
    const read = async (url: string | URL) => (await fetch(url)).text();
    const chain = ((await read(address)).match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
    const root = new X509Certificate(await read(`${deals.sandbox.url}/certificates/root.pem`));
    const [leaf] = chain;
    if (!leaf) return 'no certificate';
    for (const [index, certificate] of chain.entries()) {
      const issuer = chain[index + 1] ?? root;
      if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey) || !issuer.ca) return 'chain';
      if (Date.parse(certificate.validTo) < Date.now()) return 'time';
    }
    if (!/^O=Microsoft Corporation$/m.test(leaf.issuer)) return 'organisation';
    const isGood = verify('RSA-SHA256', Buffer.from(body), leaf.publicKey, Buffer.from(signature, 'base64'));
    return isGood ? null : 'signature';
  }

  describe('a registration', () => {
    it('is made once, changed, read and taken away', async () => {
      assert.equal((await registration()).status, 404);
      assert.equal((await registration('PUT', wanted())).status, 404);
      const made = await registration('POST', { ...examples.registerRequest, WebhookUrl: listener.url });
      assert.equal(made.status, 200);
      assert.deepEqual(made.body.WebhookEvents, examples.registerRequest.WebhookEvents);
      assert.equal((await registration('POST', wanted())).status, 409);
      assert.equal((await registration('PUT', wanted({ WebhookEvents: ['referral-created'] }))).status, 200);
      const read = await registration();
      assert.deepEqual(read.body.WebhookEvents, ['referral-created']);
      assert.equal(read.body.SubscriberId, made.body.SubscriberId);
      assert.equal((await registration('DELETE')).status, 204);
      assert.equal((await registration()).status, 404);
    });

    it('needs a user with a role, an address on loopback and events that exist', async () => {
      const without = await deals.partner('nobody', '/webhooks/v1/registration');
      assert.equal(without.status, 401);
      assert.equal((await deals.partner(await deals.signIn('ada'), '/webhooks/v1/registration')).status, 403);
      const refused = async (more: Record<string, unknown>) =>
        (await registration('POST', wanted(more))).body.error.target;
      assert.equal(await refused({ WebhookUrl: 'https://bot.contoso.example/api' }), 'WebhookUrl');
      assert.equal(await refused({ WebhookEvents: ['invoice-ready'] }), 'WebhookEvents');
      assert.equal(await refused({ WebhookEvents: [] }), 'WebhookEvents');
      assert.deepEqual((await registration('GET', undefined, '/events')).body, [
        'referral-created',
        'referral-updated',
        'test-created',
      ]);
    });

    it('is tried out twice a minute', async () => {
      const trial = () => registration('POST', {}, '/validationEvents');
      await register({ WebhookEvents: ['referral-created'] });
      assert.equal((await trial()).status, 400);
      await registration('PUT', wanted());
      const { correlationId } = (await trial()).body;
      await until('^sent 200 .*test-created');
      const seen = (await registration('GET', undefined, `/validationEvents/${correlationId}`)).body;
      assert.deepEqual([seen.status, seen.results.length], ['completed', 1]);
      assert.equal((await trial()).status, 200);
      assert.equal((await trial()).status, 429);
    });
  });

  describe('an event', () => {
    it('tells of a deal that came in, signed, at an address of another host', async () => {
      await register();
      const { id } = await arrive('Wingtip Toys');
      await until('^sent 200 .*referral-created');
      const [event] = listener.heard;
      assert.ok(event);
      const body = JSON.parse(event.body);
      assertShape(examples.webhook, body);
      assert.deepEqual(Object.keys(body), Object.keys(examples.webhook));
      assert.equal(body.EventName, 'referral-created');
      assert.equal(body.ResourceUri, `https://api.partnercenter.microsoft.com/engagements/v1/referrals/${id}`);
      assert.equal(event.headers['content-type'], 'application/json');
      assert.equal(await doubt(event), null);
      assert.equal(await doubt({ ...event, body: `${event.body} ` }), 'signature');
    });

    it('tells of a change, whoever made it, and of no deal the bot created', async () => {
      await register();
      const made = await deals.referrals(rita, '', 'POST', examples.sharedRequest);
      await deals.referrals(rita, `/${made.body.id}`, 'PATCH', [
        { op: 'replace', path: '/salesStage', value: 'Close' },
      ]);
      await until(`^sent 200 .*referral-updated.*${made.body.id}`);
      await change(made.body.id);
      await until(`^sent 200 .*referral-updated.*${made.body.id}`, 2);
      assert.equal(heard().length, 2);
    });

    it('is for those registered for it, and for nobody when nobody is', async () => {
      await arrive('Early');
      await register({ WebhookEvents: ['referral-updated'] });
      const { id } = await arrive('Late');
      await change(id);
      await until('^sent 200 .*referral-updated');
      assert.equal(heard().length, 1);
    });

    it('carries its signature in a header of its own when the registration asks', async () => {
      await register({ SignatureTokenToMsSignatureHeader: true });
      await arrive('Wingtip Toys');
      await until('^sent 200');
      const [event] = listener.heard;
      assert.ok(event);
      assert.equal(event.headers.authorization, undefined);
      assert.equal(await doubt(event), null);
    });

    it('is tried again until it is taken, before the next one of the same deal', async () => {
      await register();
      let times = 0;
      onEvent = () => {
        times += 1;
        return times < 3 ? 500 : 200;
      };
      const { id } = await arrive('Wingtip Toys');
      await change(id);
      await until('^sent 200', 2);
      assert.deepEqual(
        heard().map((one) => one.EventName),
        ['referral-created', 'referral-created', 'referral-created', 'referral-updated'],
      );
      const { events } = await deals.control('partner');
      assert.deepEqual(
        events[0].tries.map((one: Loose) => one.status),
        [500, 500, 200],
      );
    });

    it('is given up after the last try', async () => {
      await deals.control('settings', { webhookTries: 2 });
      await register();
      onEvent = ({ EventName }) => (EventName === 'referral-created' ? 401 : 200);
      const { id } = await arrive('Wingtip Toys');
      await change(id);
      await until('^sent 200 .*referral-updated');
      const { events } = await deals.control('partner');
      assert.deepEqual(
        events[0].tries.map((one: Loose) => one.status),
        [401, 401],
      );
    });

    it('does not wait for one from before a reset', async () => {
      const { id } = deals.sandbox.world.partner.referrals[0] ?? { id: '' };
      await deals.control('settings', { webhookPauseMs: 60_000 });
      await register();
      onEvent = () => 500;
      await change(id);
      await until('^sent 500');
      deals.sandbox.reset();
      onEvent = () => 200;
      rita = await deals.signIn('rita');
      await register();
      await change(id);
      await until('^sent 200');
    });

    it('can be held back and come in another order, or never', async () => {
      await register();
      await deals.control('hold-webhooks', { on: true });
      const first = await arrive('First');
      const second = await arrive('Second');
      assert.equal(heard().length, 0);
      const { statuses } = await deals.control('hold-webhooks', { on: false, reversed: true });
      assert.deepEqual(statuses, [200, 200]);
      assert.deepEqual(
        heard().map(({ ResourceUri }) => ResourceUri.split('/').at(-1)),
        [second.id, first.id],
      );
      await deals.control('settings', { webhooksOff: true });
      await arrive('Third');
      assert.equal((await deals.control('partner')).events.at(-1).state, 'off');
      assert.equal(heard().length, 2);
    });

    it('can come again by hand, several times', async () => {
      await register();
      await arrive('Wingtip Toys');
      await until('^sent 200');
      const { statuses } = await deals.control('webhook', { replay: [1], copies: 3 });
      assert.deepEqual(statuses, [200, 200, 200]);
      assert.equal(new Set(listener.heard.map(({ body }) => body)).size, 1);
      for (const event of listener.heard) assert.equal(await doubt(event), null);
    });
  });

  describe('a forgery', () => {
    const why: Record<string, string> = {
      selfSigned: 'chain',
      foreignRoot: 'chain',
      foreignOrganisation: 'organisation',
      expiredLeaf: 'time',
      foreignHost: 'host https:',
      plainHttpHost: 'host http:',
      wrongKey: 'signature',
      noSignature: 'no signature',
      otherAlgorithm: 'algorithm',
    };
    for (const kind of referralForgeries) {
      it(`by ${kind} is wrong in that and in nothing else`, async () => {
        const body = JSON.stringify(examples.webhook);
        assert.equal(await doubt({ headers: await deals.sandbox.signReferralEvent(body), body }), null);
        assert.equal(await doubt({ headers: await deals.sandbox.forgeReferralEvent(kind, body), body }), why[kind]);
      });
    }

    it('of another algorithm is signed well by that', async () => {
      const headers = await deals.sandbox.forgeReferralEvent('otherAlgorithm', 'x');
      const leaf = new X509Certificate(await (await fetch(`${deals.sandbox.url}/certificates/webhook.cer`)).text());
      const signature = Buffer.from((headers['authorization'] ?? '').replace('Signature ', ''), 'base64');
      assert.equal(headers['x-ms-signature-algorithm'], 'rsa-sha1');
      assert.ok(verify('RSA-SHA1', Buffer.from('x'), leaf.publicKey, signature));
    });

    it('can be posted to the bot', async () => {
      await register();
      const { statuses } = await deals.control('webhook', { forge: 'wrongKey' });
      assert.deepEqual(statuses, [200]);
      const [event] = listener.heard;
      assert.ok(event);
      assert.equal(await doubt(event), 'signature');
    });
  });

  it('has no other certificates', async () => {
    assert.equal((await fetch(`${deals.sandbox.url}/certificates/key.pem`)).status, 404);
  });
});
