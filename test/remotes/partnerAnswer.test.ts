import assert from 'node:assert/strict';
import fc from 'fast-check';
import { words } from '../../src/cards/words.ts';
import type { Wired } from '../../src/remotes/answer.ts';
import { needsSignIn, readPartnerAnswer } from '../../src/remotes/partnerAnswer.ts';

const NOW = Date.parse('2026-11-20T09:00:00Z');
/** What the service says to its callers; nobody else is to read it. */
const MESSAGE = 'Referral 4111fffc of tenant contoso is not for user 29:r, see /subscriptions/9.';
const wired = (status: number, body?: unknown, retryAfter: string | null = null): Wired => ({
  status,
  retryAfter,
  contentType: 'application/json',
  text: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
});
const error = (code: string, more: Record<string, unknown> = {}) => ({ error: { code, message: MESSAGE, ...more } });

/** "denied role", "busy 40000", "ok". */
function meaning(answer: Wired): string {
  const reply = readPartnerAnswer(answer, NOW);
  if (reply.ok) return 'ok';
  const { kind, reason, retryAfterMs, at } = reply.problem;
  return [kind, reason, retryAfterMs, at].filter((one) => one !== undefined).join(' ');
}

describe('what Partner Center answers', () => {
  const HTML = '<!DOCTYPE html><html><body>Bad gateway</body></html>';
  const cases: readonly [string, Wired, string][] = [
    ['200 with a body', wired(200, { id: 'x' }), 'ok'],
    ['204 without one', wired(204), 'ok'],
    ['200 with a page', wired(200, HTML), 'down'],
    ['200 cut short', wired(200, '{"id":"41'), 'down'],
    ['302', wired(302), 'down'],
    ['307 that says something', wired(307, error('invalidRequest')), 'down'],
    ['400 without a body', wired(400), 'refused rejected'],
    ['400 with a code', wired(400, error('invalidRequest')), 'refused rejected'],
    [
      '400 that names a place',
      wired(400, error('invalidRequest', { target: 'details.dealValue' })),
      'refused rejected details.dealValue',
    ],
    [
      '400 that names it three errors deep',
      wired(
        400,
        error('badArgument', {
          target: 'referral',
          innerError: { code: 'a', innererror: { code: 'b', target: 'target[0].id' } },
        }),
      ),
      'refused rejected target[0].id',
    ],
    [
      '400 whose inner error is a matter of roles',
      wired(400, error('invalidRequest', { innerError: { code: 'ACCESSDENIED' } })),
      'denied role',
    ],
    ['400 with an unknown code', wired(400, error('somethingNew')), 'refused rejected'],
    ['400 with a sentence for a code', wired(400, error(MESSAGE)), 'refused rejected'],
    ['400 with a place that is no path', wired(400, error('invalidRequest', { target: MESSAGE })), 'refused rejected'],
    ['400 with a page', wired(400, HTML), 'down'],
    ['400 cut short', wired(400, '{"error":{"code":"inva'), 'refused rejected'],
    ['400 with a list', wired(400, []), 'refused rejected'],
    ['403', wired(403), 'denied role'],
    ['403 with a code', wired(403, error('accessDenied')), 'denied role'],
    ['403 in other capitals', wired(403, error('AccessDenied')), 'denied role'],
    ['403 with a page', wired(403, HTML), 'down'],
    ['404', wired(404, error('itemNotFound')), 'gone notFound'],
    ['404 without a body', wired(404), 'gone notFound'],
    ['404 with a page', wired(404, HTML), 'down'],
    ['405', wired(405), 'refused rejected'],
    ['408', wired(408, error('requestTimeout')), 'down'],
    ['409', wired(409, error('conflict')), 'clash conflict'],
    ['409 that says the deal was changed', wired(409, error('ResourceModified')), 'clash precondition'],
    ['410', wired(410), 'gone notFound'],
    ['412', wired(412, error('preconditionFailed')), 'clash precondition'],
    ['412 without a body', wired(412), 'clash precondition'],
    ['415', wired(415, error('invalidRequest')), 'refused rejected'],
    ['422', wired(422, error('invalidRequest', { target: '/status' })), 'refused rejected /status'],
    ['423', wired(423, error('locked')), 'clash locked'],
    ['429', wired(429, error('tooManyRequests')), 'busy'],
    ['429 with seconds', wired(429, error('tooManyRequests'), '40'), 'busy 40000'],
    ['429 with a date', wired(429, '', 'Fri, 20 Nov 2026 09:01:00 GMT'), 'busy 60000'],
    ['429 with nonsense', wired(429, '', 'soon'), 'busy'],
    ['429 with a page', wired(429, HTML, '5'), 'busy 5000'],
    ['500', wired(500, error('generalException')), 'down'],
    ['500 with a page', wired(500, HTML), 'down'],
    ['501', wired(501), 'down'],
    ['503', wired(503, error('serviceNotAvailable')), 'down'],
    ['503 with seconds', wired(503, error('serviceNotAvailable'), '7'), 'down 7000'],
    ['504', wired(504), 'down'],
    ['507', wired(507), 'down'],
    ['509', wired(509), 'down'],
  ];
  for (const [name, answer, meant] of cases) it(`${name} is ${meant}`, () => assert.equal(meaning(answer), meant));

  it('a code means the same under any status that refuses, and however it is spelt', () => {
    const spelt = fc.constantFrom(...['accessDenied', 'ACCESSDENIED', 'AccessDenied', 'accessdenied']);
    const status = fc.constantFrom(400, 403, 404, 405, 409, 412, 422, 423);
    const depth = fc.integer({ min: 0, max: 6 });
    fc.assert(
      fc.property(spelt, status, depth, (code, refused, deep) => {
        let inner: Record<string, unknown> = { code, message: MESSAGE };
        for (let n = 0; n < deep; n++) inner = { code: `outer${n}`, message: MESSAGE, innerError: inner };
        assert.equal(meaning(wired(refused, { error: inner })), 'denied role');
      }),
    );
  });

  it('nothing of its message is shown to a person, or kept in the log', () => {
    const english = words('en');
    const statuses = fc.constantFrom(400, 401, 403, 404, 408, 409, 410, 412, 422, 423, 429, 500, 503, 504);
    const codes = fc.constantFrom('accessDenied', 'invalidRequest', MESSAGE, '', 'unAuthorized', 'somethingNew');
    const targets = fc.constantFrom(undefined, 'details.dealValue', MESSAGE);
    fc.assert(
      fc.property(statuses, codes, targets, fc.boolean(), (status, code, target, isNested) => {
        const inner = { code, message: MESSAGE, target };
        const reply = readPartnerAnswer(
          wired(status, { error: isNested ? { ...inner, innerError: inner } : inner }),
          NOW,
        );
        assert.ok(!reply.ok);
        for (const word of ['4111fffc', 'contoso', 'subscriptions']) {
          assert.ok(!english.say(reply.problem.say).includes(word), word);
          assert.ok(!JSON.stringify(reply.problem).includes(word), `${word} in ${JSON.stringify(reply.problem)}`);
        }
      }),
    );
  });

  it('no body makes it throw', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), fc.oneof(fc.json(), fc.string()), (status, text) => {
        readPartnerAnswer(wired(status, text), NOW);
        needsSignIn(wired(status, text), text);
      }),
    );
  });

  it('a chain of errors without end is not followed to it', () => {
    const deep = `${'{"innerError":'.repeat(5000)}{"code":"accessDenied"}${'}'.repeat(5000)}`;
    assert.equal(meaning(wired(400, `{"error":${deep}}`)), 'refused rejected');
  });
});

describe('a sign-in', () => {
  const claims = 'Bearer realm="", error="insufficient_claims", claims="eyJ4IjoxfQ=="';
  const cases: readonly [string, Wired, string | null, boolean][] = [
    ['401', wired(401), null, true],
    ['401 with an error', wired(401, error('unAuthorized')), null, true],
    ['401 with a page', wired(401, '<html></html>'), null, true],
    ['403', wired(403, error('accessDenied')), null, false],
    ['403 that names claims', wired(403), claims, true],
    ['403 that finds the token no good', wired(403), 'Bearer error="invalid_token"', true],
    ['403 with another challenge', wired(403), 'Bearer realm="x"', false],
    ['403 whose error lacks claims', wired(403, error('InsufficientClaims')), null, true],
    [
      '403 whose inner error lacks claims',
      wired(403, error('accessDenied', { innerError: { code: 'insufficient_claims' } })),
      null,
      true,
    ],
    ['403 with a page', wired(403, '<html></html>'), null, false],
    ['400 that names claims', wired(400), claims, false],
    ['200', wired(200), null, false],
  ];
  for (const [name, answer, challenge, needs] of cases)
    it(`is ${needs ? '' : 'not '}asked for by ${name}`, () => assert.equal(needsSignIn(answer, challenge), needs));
});
