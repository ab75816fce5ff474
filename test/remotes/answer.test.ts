/** Status codes and service texts become problems of ours, and nothing of the service's words goes any further. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lineOf, noAnswer, noToken, readAnswer, readRetryAfter, type Wired } from '../../src/remotes/answer.ts';
import type { Problem } from '../../src/requests/problem.ts';

const NOW = Date.parse('2026-11-20T17:00:00Z');
const wired = (status: number, body: unknown, more: Partial<Wired> = {}): Wired => ({
  status,
  retryAfter: null,
  contentType: 'application/json',
  text: typeof body === 'string' ? body : JSON.stringify(body),
  ...more,
});
const error = (code: string, message: string) => ({ error: { code, message, innerError: { 'request-id': 'r-1' } } });

function problemOf(one: Wired): Problem {
  const reply = readAnswer(one, NOW);
  assert.ok(!reply.ok, JSON.stringify(reply));
  return reply.problem;
}

describe('Retry-After', () => {
  const cases: readonly [string | null, number | undefined][] = [
    [null, undefined],
    ['', undefined],
    ['soon', undefined],
    ['0', 0],
    ['1', 1000],
    [' 40 ', 40_000],
    ['1.5', 1500],
    ['-5', undefined],
    ['5 s', undefined],
    ['2026', 2026_000],
    ['Fri, 20 Nov 2026 17:00:40 GMT', 40_000],
    ['Friday, 20-Nov-26 17:00:40 GMT', 40_000],
    ['Fri Nov 20 17:00:40 2026 GMT', 40_000],
    ['Fri, 20 Nov 2026 16:59:00 GMT', 0],
    ['Fri, 20 Nov 2099 17:00:00 GMT', 24 * 3600_000],
    ['999999999', 24 * 3600_000],
  ];
  for (const [header, ms] of cases) {
    it(`${JSON.stringify(header)} means ${ms} ms`, () => assert.equal(readRetryAfter(header, NOW), ms));
  }

  it('never gives a wait that is negative, endless or no number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date().map(String), fc.double().map(String)), (header) => {
        const ms = readRetryAfter(header, NOW);
        assert.ok(ms === undefined || (ms >= 0 && ms <= 24 * 3600_000), `${header}: ${ms}`);
      }),
    );
  });
});

describe('an answer', () => {
  it('that is good is its JSON object', () => {
    assert.deepEqual(readAnswer(wired(200, { value: [] }), NOW), { ok: true, body: { value: [] } });
    assert.deepEqual(readAnswer(wired(201, { id: '1' }), NOW), { ok: true, body: { id: '1' } });
    assert.deepEqual(readAnswer(wired(204, ''), NOW), { ok: true, body: {} });
  });

  for (const body of ['<!DOCTYPE html><html></html>', '{"value":[', '[]', '"text"', 'null', '7', '\u0000\u00ff']) {
    it(`that is good by its status but reads ${JSON.stringify(body)} says nothing of what was done`, () => {
      assert.equal(problemOf(wired(200, body)).kind, 'down');
      assert.equal(problemOf(wired(201, body)).kind, 'down');
    });
  }

  const kinds: readonly [number, unknown, string, string?][] = [
    [429, error('TooManyRequests', 'wait'), 'busy'],
    [429, error('activityLimitReached', 'wait'), 'busy'],
    [429, '<html>slow down</html>', 'busy'],
    [429, '', 'busy'],
    [500, error('InternalServerError', 'boom'), 'down'],
    [500, error('InternalServerError', 'Unable to find target address'), 'refused', 'noTarget'],
    [502, '<html>bad gateway</html>', 'down'],
    [503, error('ServiceUnavailable', 'later'), 'down'],
    [504, '', 'down'],
    [599, '', 'down'],
    [302, '', 'down'],
    [304, '', 'down'],
    [400, error('BadRequest', 'nonsense'), 'refused', 'rejected'],
    [400, '<html></html>', 'down'],
    [
      400,
      error('Request_BadRequest', "added object references already exist for: 'members'."),
      'clash',
      'alreadyMember',
    ],
    [401, error('Unauthorized', 'Insufficient privileges'), 'denied', 'consentMissing'],
    [401, error('Unauthorized', ''), 'denied', 'consentMissing'],
    [401, error('InvalidAuthenticationToken', 'expired'), 'denied', 'credentials'],
    [403, error('Authorization_RequestDenied', ''), 'denied', 'consentMissing'],
    [403, error('Forbidden', ''), 'denied', 'forbidden'],
    [404, error('Directory_ObjectNotFound', ''), 'gone', 'notFound'],
    [404, error('UnknownError', '<html>page</html>'), 'down'],
    [404, error('UnknownError', '\n<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">'), 'down'],
    [409, error('Conflict', ''), 'clash', 'conflict'],
    [412, error('PreconditionFailed', ''), 'clash', 'precondition'],
    [412, error('', 'as object ID: 1, but the account is blocked from signing in'), 'refused', 'accountBlocked'],
    [400, error('', 'already exists in the directory as objectID: 1.'), 'clash', 'alreadyExists'],
    [400, error('', 'already exists in the directory as object ID: 1.'), 'clash', 'alreadyExists'],
    [418, error('Teapot', ''), 'refused', 'rejected'],
    [400, { error: 'invalid_request', error_description: 'nonsense' }, 'refused', 'rejected'],
    [400, { error: null }, 'refused', 'rejected'],
    [400, { error: { code: 7, message: { deep: true } } }, 'refused', 'rejected'],
    [400, {}, 'refused', 'rejected'],
  ];
  for (const [status, body, kind, reason] of kinds) {
    it(`${status} ${JSON.stringify(body).slice(0, 90)} is ${kind}${reason ? ` (${reason})` : ''}`, () => {
      const why = problemOf(wired(status, body));
      assert.equal(why.kind, kind);
      assert.equal(why.reason, reason);
    });
  }

  it('keeps the time that a 429 or a 503 names, and only theirs', () => {
    const told = (status: number) => problemOf(wired(status, error('x', 'y'), { retryAfter: '7' })).retryAfterMs;
    assert.equal(told(429), 7000);
    assert.equal(told(503), 7000);
    assert.equal(told(403), undefined);
  });

  it('gives away none of its words, whatever it says', () => {
    const text = fc.stringMatching(/^[ -~]{12,80}$/).map((words) => `secret words ${words}`);
    const body = fc.oneof(
      text,
      fc.record({ code: fc.oneof(text, fc.constant('BadRequest')), message: text }).map((one) => ({ error: one })),
      fc.record({ error: text, error_description: text }),
      fc
        .object()
        .map((one) => ({ ...one, error: { message: 'secret words', code: `secret words ${Object.keys(one)}` } })),
    );
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), body, (status, said) => {
        const why = problemOf(wired(status, said));
        assert.ok(!JSON.stringify(why).includes('secret words'), JSON.stringify(why));
        assert.deepEqual(Object.keys(why.say), ['key']);
      }),
    );
  });
});

describe('no answer', () => {
  it('is down, with what is known for the log', () => {
    const cause = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
    assert.deepEqual(noAnswer(cause), {
      ok: false,
      problem: {
        kind: 'down',
        say: { key: 'problem.down' },
        detail: 'TypeError ECONNRESET fetch failed',
      },
    });
    assert.equal(lineOf(new Error('TimeoutError The operation was aborted')), 'TimeoutError The operation was aborted');
    assert.equal(lineOf('text'), 'text');
    assert.equal(lineOf(undefined), 'undefined');
    assert.equal(lineOf(new Error('x'.repeat(1000))).length, 200);
  });

  it('because Entra refused the app is the admin’s to mend', () => {
    const message =
      'invalid_client: 7000215 - [2026-11-20]: AADSTS7000215: Invalid client secret provided. Trace ID: d3b07384';
    const { problem } = noToken(new Error(message));
    assert.equal(problem.kind, 'denied');
    assert.equal(problem.say.key, 'problem.credentials');
    assert.equal(problem.detail, 'no token: invalid_client AADSTS7000215');
  });

  it('because Entra could not be asked may pass', () => {
    for (const cause of [
      new Error('network_error: Network request failed'),
      Object.assign(new Error('temporarily_unavailable: AADSTS90033: A transient error'), {
        name: 'AuthenticationRequiredError',
      }),
      new Error('no token within 20000 ms'),
    ])
      assert.equal(noToken(cause).problem.kind, 'down');
  });

  it('because the certificate cannot be read is the admin’s to mend', () => {
    const missing = Object.assign(new Error("ENOENT: no such file or directory, open '/x.pem'"), { code: 'ENOENT' });
    const empty = new Error('The file at the specified path does not contain a PEM-encoded certificate.');
    for (const cause of [missing, empty]) assert.equal(noToken(cause).problem.kind, 'denied');
  });
});
