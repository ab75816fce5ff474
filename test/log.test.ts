/**
 * What the log writes, line by line, as another process sees it: one JSON object per event, whatever is in it, and never
 * a secret.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LOG = fileURLToPath(new URL('../src/log.ts', import.meta.url));
const CONFIG = fileURLToPath(new URL('../src/config/config.ts', import.meta.url));
const TOKEN = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJoaWRkZW4ifQ.c2lnbmF0dXJl';

/** The lines a process writes that runs `body` with `log` open at the level. */
function lines(level: string, body: string): Record<string, unknown>[] {
  const program = `
    const { openLog } = await import(${JSON.stringify(LOG)});
    const { Secret } = await import(${JSON.stringify(CONFIG)});
    const log = openLog(${JSON.stringify(level)});
    const TOKEN = ${JSON.stringify(TOKEN)};
    ${body}`;
  const text = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe('the log', function () {
  this.timeout(30_000);

  it('is one JSON object per line, with the event and the time', () => {
    const written = lines(
      'info',
      `log.info('started', { port: 3978 });
       log.warn('two\\nlines', { text: 'with "quotes", a\\nbreak and \\u2028' });
       log.error('bare');`,
    );
    assert.deepEqual(
      written.map(({ event, level }) => [event, level]),
      [
        ['started', 30],
        ['two\nlines', 40],
        ['bare', 50],
      ],
    );
    assert.equal(written[0]?.['port'], 3978);
    for (const { time } of written) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('writes what is asked for and above, or nothing', () => {
    const levels = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'];
    const written = lines(
      'silent',
      `for (const level of ${JSON.stringify(levels)}) {
         const log = openLog(level);
         log.info(level, { wrote: 'a' });
         log.warn(level, { wrote: 'b' });
         log.error(level, { wrote: 'c' });
       }`,
    );
    const wrote = levels.map((level) => written.filter(({ event }) => event === level).map((one) => one['wrote']));
    assert.deepEqual(
      wrote.map((letters) => letters.join('')),
      ['abc', 'abc', 'bc', 'c', '', ''],
    );
  });

  it('tells an exception by name, message and stack', () => {
    const [line] = lines('info', `log.error('bug', { cause: new TypeError('it broke') });`);
    const { name, message, stack } = (line?.['cause'] ?? {}) as Record<string, string>;
    assert.equal(name, 'TypeError');
    assert.equal(message, 'it broke');
    assert.match(stack ?? '', /TypeError: it broke\n +at /);
  });

  it('holds no secret, wherever it hides', () => {
    const written = lines(
      'info',
      `const link = 'https://login.microsoftonline.com/redeem?rd=hidden';
       const links = ['https://invitations.microsoft.com/redeem/?tenant=hidden', 'https://login.microsoftonline.us/redeem?rd=hidden', link];
       log.info('text', { one: 'Authorization: Bearer ' + TOKEN, two: TOKEN, three: 'see ' + link + ' now', four: 'bearer hidden' });
       log.info('deep', { list: links, deep: { er: [{ text: link, and: { token: 'x ' + TOKEN } }] } });
       log.info('named', { authorization: 'hidden', password: 'hidden', client_secret: 'hidden', accessToken: 'hidden', redeemUrl: 'hidden', Token: 'hidden' });
       log.info('form', { body: 'grant_type=client_credentials&client_secret=hidden&client_assertion=hidden&scope=x' });
       log.info('secret', { secret: new Secret('hidden'), inside: { one: new Secret('hidden') } });
       const cause = new Error('fetch ' + link + ' with Bearer ' + TOKEN);
       log.error('cause', { cause, causes: [cause] });`,
    );
    assert.equal(written.length, 6);
    const text = JSON.stringify(written);
    assert.doesNotMatch(text, /hidden|eyJ|aGlkZGVu/);
    assert.match(text, /https:\/\/login\.microsoftonline\.com\/redeem\[secret\] now/);
    assert.match(text, /client_secret=\[secret\]&client_assertion=\[secret\]&scope=x/);
  });

  it('leaves what is no secret as it is', () => {
    const fields = {
      requestId: '7k3q9xwa',
      call: 'invite',
      attempts: 3,
      again: true,
      none: null,
      detail: 'status 503 ServiceUnavailable',
      list: [1, 'two'],
      tokens: 5,
      path: '/redeemed',
    };
    const [line] = lines('info', `log.info('plain', ${JSON.stringify(fields)});`);
    const { event, level, time, ...rest } = line as Record<string, unknown>;
    assert.deepEqual(rest, fields);
  });

  it('is not put out by what cannot be written', () => {
    const written = lines(
      'info',
      `const round = { name: 'round' }; round.self = round;
       log.info('round', { round });
       log.info('big', { big: 10n, fn() {}, symbol: Symbol('x'), undefined: undefined, date: new Date(0) });
       log.info('thrown', { cause: 'only text', other: undefined });`,
    );
    assert.deepEqual(
      written.map(({ event }) => event),
      ['round', 'big', 'thrown'],
    );
    assert.equal(written[1]?.['date'], '1970-01-01T00:00:00.000Z');
  });
});
