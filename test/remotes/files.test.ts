/** Files in OneDrive: only addresses of the hosts they lie on are asked, no redirect is followed, nothing of ours goes along. */
import assert from 'node:assert/strict';
import { openFiles } from '../../src/remotes/files.ts';
import { type Listener, listenHere, reply } from '../support/listener.ts';

describe('files in OneDrive', () => {
  let listener: Listener;
  before(async () => {
    listener = await listenHere();
  });
  after(() => listener.close());
  beforeEach(() => {
    listener.heard.length = 0;
    listener.answer = (_heard, response) => reply(response, 201, {});
  });
  const files = (timeoutMs = 2_000) => openFiles({ isSandbox: true, timeoutMs });
  const live = openFiles({ isSandbox: false, timeoutMs: 300 });

  it('in live mode lie on SharePoint’s hosts, over https, and nowhere else', async () => {
    for (const url of [
      listener.url,
      'http://contoso-my.sharepoint.com/x',
      'https://sharepoint.com.evil.example/x',
      'https://evilsharepoint.com/x',
      'https://user:pass@contoso.sharepoint.com/x',
      'https://contoso.sharepoint.com:8443/x',
      'file:///etc/passwd',
      'nonsense',
    ]) {
      const read = await live.read(url, 10);
      assert.ok(!read.ok && read.problem.kind === 'refused', url);
      assert.equal((await live.write(url, Buffer.from('x')))?.kind, 'refused', url);
    }
    assert.equal(listener.heard.length, 0);
  });

  it('in sandbox mode lie on this machine', async () => {
    const read = await files().read('https://contoso-my.sharepoint.com/x', 10);
    assert.ok(!read.ok && read.problem.kind === 'refused');
  });

  it('are put in one piece, without a token', async () => {
    assert.equal(await files().write(`${listener.url}/up`, Buffer.from('abcd')), null);
    const [heard] = listener.heard;
    assert.deepEqual([heard?.method, heard?.headers['content-range'], heard?.body], ['PUT', 'bytes 0-3/4', 'abcd']);
    assert.equal(heard?.headers.authorization, undefined);
  });

  it('that cannot be put are a problem, whatever the answer', async () => {
    for (const status of [202, 302, 403, 404, 500]) {
      listener.answer = (_heard, response) => reply(response, status, '', { location: `${listener.url}/elsewhere` });
      assert.equal((await files().write(`${listener.url}/up`, Buffer.from('a')))?.say.key, 'file.notUploaded');
    }
    assert.ok(
      listener.heard.every(({ url }) => url === '/up'),
      'no redirect is followed',
    );
    listener.answer = () => {};
    assert.equal((await files(100).write(`${listener.url}/up`, Buffer.from('a')))?.kind, 'down');
  });

  it('are read up to a size, and not by way of elsewhere', async () => {
    listener.answer = (_heard, response) => reply(response, 200, 'abcdef');
    const whole = await files().read(`${listener.url}/x`, 6);
    assert.ok(whole.ok && Buffer.from(whole.value).toString() === 'abcdef');
    const long = await files().read(`${listener.url}/x`, 5);
    assert.ok(!long.ok && long.problem.say.key === 'many.file.tooBig');
    listener.answer = (_heard, response) => reply(response, 302, '', { location: `${listener.url}/elsewhere` });
    const moved = await files().read(`${listener.url}/x`, 5);
    assert.ok(!moved.ok && moved.problem.say.key === 'many.file.unreachable');
    assert.ok(listener.heard.every(({ url }) => url === '/x'));
  });
});
