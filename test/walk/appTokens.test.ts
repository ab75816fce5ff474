/**
 * The door for apps, token by token: only one that Entra signed, for an app of an allowed tenant, for Usher and with the
 * role, comes in, in sandbox mode neither; nobody learns why; and keys that cannot be read are nobody's fault.
 */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { useFakeTimers } from 'sinon';
import { forgeries } from '../../src/sandbox/channelKeys.ts';
import {
  type Answered,
  APP_ID,
  activity,
  BOT_ID,
  createAppKeys,
  type Edge,
  openEdgeHere,
  overheard,
  sendRaw,
  TENANT_ID,
} from '../support/edge.ts';
import { BROKEN } from '../support/listener.ts';

const KB = 1024;
const REFUSED = { error: { code: 'Unauthorized', message: 'The request is not authenticated.' } };
const BODY = { invitedUserEmailAddress: 'john.doe@gmail.com', requestedBy: 'nobody@mycompany.com' };
const OTHER_TENANT = '5a4db0c5-0000-4000-8000-00000000feed';
const OTHER = '5a4db0c5-0000-4000-8000-0000000000ad';
const V1 = {
  ver: '1.0',
  iss: `https://sts.windows.net/${TENANT_ID}/`,
  aud: `api://${BOT_ID}`,
  azp: undefined,
  appid: APP_ID,
};

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const post = (
  edge: Edge,
  authorization?: string | string[],
  body: unknown = BODY,
  headers: Record<string, string> = {},
): Promise<Answered> =>
  sendRaw(`${edge.url}/api/InviteGuest`, {
    body,
    headers: { ...(authorization === undefined ? {} : { authorization }), ...headers } as OutgoingHttpHeaders,
  });

/** Whoever is let in is asked for a colleague, whom nobody here knows. */
function assertLetIn(edge: Edge, answered: Answered): void {
  assert.equal(answered.status, 400, answered.text);
  assert.deepEqual(edge.askedFor.splice(0), [BODY.requestedBy]);
}

for (const mode of ['live', 'sandbox'] as const) {
  describe(`an app’s token in ${mode} mode`, () => {
    let edge: Edge;
    before(async () => {
      edge = await openEdgeHere({ mode });
    });
    beforeEach(() => {
      edge.log.lines.length = 0;
      edge.askedFor.length = 0;
    });
    after(() => edge.close());

    async function assertRefused(authorization?: string | string[]): Promise<void> {
      for (const ask of [
        () => post(edge, authorization),
        () =>
          sendRaw(`${edge.url}/api/InviteGuest/7k3q9xwa`, {
            method: 'GET',
            headers: (authorization === undefined ? {} : { authorization }) as OutgoingHttpHeaders,
          }),
      ]) {
        let answered: Answered | undefined;
        const said = await overheard(async () => {
          answered = await ask();
        });
        assert.equal(answered?.status, 401, answered?.text);
        assert.deepEqual(answered?.json, REFUSED);
        assert.equal(said, '');
        assert.deepEqual(edge.log.lines, []);
        assert.deepEqual(edge.askedFor, []);
      }
    }

    it('lets the app in, whichever version and name of the audience it has', async () => {
      for (const claims of [{}, { aud: `api://${BOT_ID}` }, V1, { ...V1, aud: BOT_ID }, { idtyp: undefined }])
        assertLetIn(edge, await post(edge, `Bearer ${await edge.app.sign(claims)}`));
      assertLetIn(edge, await post(edge, `bearer ${await edge.app.sign({ roles: ['A.B', 'Guests.Invite'] })}`));
    });

    it('that is missing is refused', async () => {
      await assertRefused();
      await assertRefused('');
    });

    for (const kind of forgeries) {
      // These two are about a claim that only the channel's tokens have.
      if (kind === 'wrongServiceUrl' || kind === 'noServiceUrl') continue;
      it(`that is forged (${kind}) is refused`, async () => {
        const forged: Record<string, () => Promise<string>> = {
          wrongAudience: () => edge.app.sign({ aud: OTHER }),
          wrongIssuer: () => edge.app.sign({ iss: 'https://sts.windows.net/somebody-else/' }),
          expired: () => edge.app.sign({ nbf: inSeconds(-7200), exp: inSeconds(-3600) }),
          notYetValid: () => edge.app.sign({ nbf: inSeconds(3600), exp: inSeconds(7200) }),
          unknownKid: () => edge.app.sign({}, { kid: 'never-published' }),
          otherKey: async () => (await createAppKeys()).sign({}, { kid: edge.app.kid }),
          algNone: () => edge.app.sign({}, { alg: 'none' }),
          hs256PublicKey: () => edge.app.sign({}, { alg: 'HS256' }),
        };
        const make = forged[kind];
        assert.ok(make, `there is a forgery that is not tried here: ${kind}`);
        await assertRefused(`Bearer ${await make()}`);
      });
    }

    const claims: Record<string, Record<string, unknown> | (() => Record<string, unknown>)> = {
      'of a person (it says scp)': { scp: 'Guests.Invite' },
      'of a person, scp empty': { scp: '' },
      'of a person by its kind': { idtyp: 'user' },
      'that signs a person in': { idtyp: undefined, sub: 'pairwise', azp: undefined },
      'of a person without scp': { idtyp: undefined, sub: 'pairwise' },
      'whose kind is a list with app': { idtyp: ['app'] },
      'without a subject': { sub: undefined },
      'without subject and object': { sub: undefined, oid: undefined, idtyp: undefined },
      'without an app': { azp: undefined },
      'whose app is none': { azp: 'app' },
      'whose app is a list': { azp: [APP_ID] },
      'of another tenant': { tid: OTHER_TENANT },
      'of another tenant that signs for ours': { tid: OTHER_TENANT, iss: `https://sts.windows.net/${TENANT_ID}/` },
      'of ours, issued for another tenant': { iss: `https://login.microsoftonline.com/${OTHER_TENANT}/v2.0` },
      'without a tenant': { tid: undefined },
      'whose tenant is a list with ours': { tid: [TENANT_ID] },
      'whose tenant leads elsewhere': { tid: `${TENANT_ID}/../${OTHER_TENANT}` },
      'without an expiry': { exp: undefined },
      'whose expiry is text': { exp: 'tomorrow' },
      'without a beginning': { nbf: undefined },
      'without an audience': { aud: undefined },
      'for another API of the same tenant': { aud: `api://${OTHER}` },
      'for Graph': { aud: 'https://graph.microsoft.com' },
      'for several audiences': { aud: [BOT_ID, 'https://graph.microsoft.com'] },
      'without an issuer': { iss: undefined },
      'of the common issuer': { iss: 'https://login.microsoftonline.com/common/v2.0' },
      'whose issuer lacks its slash': { ...V1, iss: `https://sts.windows.net/${TENANT_ID}` },
      'of the channel': { iss: 'https://api.botframework.com' },
      'that expired just outside the tolerance': () => ({ nbf: inSeconds(-7200), exp: inSeconds(-330) }),
      'that is valid only after the tolerance': () => ({ nbf: inSeconds(330) }),
    };
    for (const [name, some] of Object.entries(claims))
      it(`${name} is refused`, async () =>
        assertRefused(`Bearer ${await edge.app.sign(typeof some === 'function' ? some() : some)}`));

    const roles: Record<string, unknown> = {
      'without roles': undefined,
      'with none': [],
      'with another': ['Guests.Read'],
      'with one that is spelt otherwise': ['guests.invite', 'Guests.Invite.All'],
      'with the role as text': 'Guests.Invite',
      'with a list in the list': [['Guests.Invite']],
    };
    for (const [name, value] of Object.entries(roles))
      it(`${name} is good and opens nothing: the admin hears which role is missing`, async () => {
        const answered = await post(edge, `Bearer ${await edge.app.sign({ roles: value })}`);
        assert.equal(answered.status, 403);
        assert.equal(answered.json.error.code, 'RoleMissing');
        assert.match(answered.json.error.message, /Guests\.Invite/);
        assert.deepEqual(edge.askedFor, []);
        assert.match(edge.log.lines.join(), new RegExp(`invite\\.roleless.*${APP_ID}`));
      });

    it('within five minutes of its times is taken, since clocks differ', async () => {
      for (const times of [{ nbf: inSeconds(-7200), exp: inSeconds(-200) }, { nbf: inSeconds(200) }])
        assertLetIn(edge, await post(edge, `Bearer ${await edge.app.sign(times)}`));
    });

    it('of another door is refused here, under the name of our key too, and ours opens no other', async () => {
      const alike = { tid: TENANT_ID, serviceurl: undefined };
      await assertRefused(`Bearer ${await edge.channel.sign(alike)}`);
      await assertRefused(`Bearer ${await edge.channel.sign(alike, { kid: edge.app.kid })}`);
      await assertRefused(`Bearer ${await edge.caller.sign({}, { kid: edge.app.kid })}`);
      const authorization = `Bearer ${await edge.app.sign({ serviceurl: activity()['serviceUrl'] })}`;
      for (const [path, body] of [
        ['messages', activity()],
        ['calls', { value: [] }],
      ] as const)
        assert.equal((await sendRaw(`${edge.url}/api/${path}`, { body, headers: { authorization } })).status, 401);
      assert.deepEqual([...edge.received, ...edge.heard], []);
    });

    it('that is signed otherwise than agreed is refused', async () => {
      for (const alg of ['RS512', 'RS384'] as const) await assertRefused(`Bearer ${await edge.app.sign({}, { alg })}`);
      const [, payload] = (await edge.app.sign()).split('.');
      await assertRefused(`Bearer ${encode({ alg: 'NONE', typ: 'JWT' })}.${payload}.`);
    });

    it('whose payload was exchanged is refused', async () => {
      const [header, payload = '', signature] = (await edge.app.sign({ roles: [] })).split('.');
      const good = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), roles: ['Guests.Invite'] };
      await assertRefused(`Bearer ${header}.${encode(good)}.${signature}`);
      await assertRefused(`Bearer ${header}.${encode(good)}.`);
    });

    it('in a header of another shape is refused', async () => {
      const good = await edge.app.sign();
      for (const header of [
        `Basic ${good}`,
        good,
        'Bearer',
        `Bearer  ${good}`,
        'Bearer garbage',
        'Bearer a.b.c',
        'Bearer ..',
        `Bearer ${good} ${good}`,
        `Bearer ${good}, Bearer ${good}`,
        `Bearer "${good}"`,
        `Bearer ${encode([])}.${encode({ tid: TENANT_ID })}.c2ln`,
        `Bearer ${encode({})}.${encode(null)}.c2ln`,
      ])
        await assertRefused(header);
      await assertRefused([`Bearer ${good}`, `Bearer ${good}`]);
    });

    it('that is none is refused before anything of the body is looked at', async () => {
      for (const body of ['{', '[]', '', 'x'.repeat(100 * KB)]) {
        const answered = await post(edge, 'Bearer garbage', body);
        assert.equal(answered.status, 401);
        assert.deepEqual(answered.json, REFUSED);
      }
    });
  });
}

describe('the keys of Entra', () => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await openEdgeHere();
  });
  afterEach(() => edge.close());

  it('are read once for many tokens, and never for a tenant that is not allowed', async () => {
    for (let n = 0; n < 5; n++) await post(edge, `Bearer ${await edge.app.sign({ uti: String(n) })}`);
    for (let n = 0; n < 5; n++)
      await post(edge, `Bearer ${await edge.app.sign({ tid: OTHER_TENANT, uti: String(n) })}`);
    assert.deepEqual(
      edge.entraLogin.listener.heard.map((heard) => heard.url),
      [`/${TENANT_ID}/v2.0/.well-known/openid-configuration`, '/keys'],
    );
  });

  it('may change: a new key is known without a restart', async () => {
    const clock = useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    try {
      assertLetIn(edge, await post(edge, `Bearer ${await edge.app.sign()}`));
      const fresh = await createAppKeys();
      edge.entraLogin.keys = fresh.jwks().keys;
      clock.setSystemTime(Date.now() + 31_000);
      assertLetIn(edge, await post(edge, `Bearer ${await fresh.sign()}`));
    } finally {
      clock.restore();
    }
  });

  it('are not read again and again for keys that nobody knows', async () => {
    await post(edge, `Bearer ${await edge.app.sign()}`);
    for (let n = 0; n < 20; n++)
      assert.equal((await post(edge, `Bearer ${await edge.app.sign({ n }, { kid: `k${n}` })}`)).status, 401);
    assert.equal(edge.entraLogin.listener.heard.filter((heard) => heard.url === '/keys').length, 1);
  });

  for (const at of ['metadata', 'keys'] as const)
    for (const [name, answer] of Object.entries(BROKEN))
      it(`are out of reach while the address of the ${at} ${name}: the app may come again, and is let in`, async () => {
        edge.entraLogin.trouble = { at, answer };
        const token = `Bearer ${await edge.app.sign()}`;
        const answered = await post(edge, token);
        assert.equal(answered.status, 503);
        assert.equal(answered.json.error.code, 'KeysUnavailable');
        assert.match(String(answered.headers['retry-after']), /^[1-9]\d*$/);
        assert.deepEqual(edge.askedFor, []);
        edge.entraLogin.trouble = null;
        assertLetIn(edge, await post(edge, token));
      });
});
