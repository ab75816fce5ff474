/** The sandbox keeps to Microsoft's quota on invitations, and takes files the way OneDrive does. */
import assert from 'node:assert/strict';
import { Town } from '../support/usher.ts';

describe('the sandbox', () => {
  let town: Town;
  before(async () => {
    town = await Town.open();
  });
  after(() => town.close());

  const invite = (n: number) =>
    fetch(`${town.sandbox.url}/graph/v1.0/invitations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        invitedUserEmailAddress: `q${n}@partner.example`,
        inviteRedirectUrl: 'https://x.example',
      }),
    });

  it('refuses more than 150 requests on /invitations in 5 s, and says how long to wait', async () => {
    const answers = await Promise.all(Array.from({ length: 170 }, (_, n) => invite(n)));
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(refused.length, 20);
    for (const answer of refused) {
      const seconds = Number(answer.headers.get('retry-after'));
      assert.ok(seconds >= 1 && seconds <= 5, `${seconds}`);
      assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'TooManyRequests');
    }
    assert.equal(town.sandbox.world.invitations.length, 150);
  });

  it('takes any number when that is switched off, and begins anew after a reset', async () => {
    await town.control('settings', { invitationQuota: false });
    assert.equal((await invite(1000)).status, 201);
    await town.control('settings', { invitationQuota: true });
    assert.equal((await invite(1001)).status, 429);
    await town.control('reset', {});
    assert.equal((await invite(1002)).status, 201);
  });

  it('takes a file only in one whole piece, where room was made for it', async () => {
    town.sandbox.world.files.push({ id: 'f1', name: 'a.csv', content: Buffer.alloc(0) });
    const put = (id: string, range: string, body: string) =>
      fetch(`${town.sandbox.url}/files/${id}/a.csv`, { method: 'PUT', body, headers: { 'content-range': range } });
    assert.equal((await put('f1', 'bytes 0-3/9', 'abcd')).status, 400);
    assert.equal((await put('f2', 'bytes 0-3/4', 'abcd')).status, 404);
    assert.equal((await put('f1', 'bytes 0-3/4', 'abcd')).status, 201);
    assert.equal(await (await fetch(`${town.sandbox.url}/files/f1/a.csv`)).text(), 'abcd');
  });
});
