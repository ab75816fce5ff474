/** Colleagues found by address: who counts as one, and what is asked of the directory. Must not know why they are looked for. */
import assert from 'node:assert/strict';
import { openColleagues } from '../../src/remotes/people.ts';
import type { Call, Reply } from '../../src/requests/capability.ts';
import { problem } from '../../src/requests/problem.ts';

const ID = (n: number) => `5a4db0c5-0000-4000-8000-00000000000${n}`;

async function found(reply: Reply, address = 'dora@contoso.example') {
  const calls: Call[] = [];
  const find = openColleagues(async (call) => {
    calls.push(call);
    return reply;
  });
  return { result: await find(address, { requestId: 'r' }), calls };
}
const users = (...value: readonly Record<string, unknown>[]): Reply => ({ ok: true, body: { value } });

describe('colleagues with an address', () => {
  it('are those who are no guests, also when they are switched off', async () => {
    const { result } = await found(
      users(
        { id: ID(1), userType: 'Member', accountEnabled: true },
        { id: ID(2), userType: 'Member', accountEnabled: false },
        { id: ID(3), userType: null },
        { id: ID(4), userType: 'Guest' },
        { id: ID(5), userType: 'Member', externalUserState: 'Accepted' },
      ),
    );
    assert.deepEqual(result, { ok: true, value: [ID(1), ID(2), ID(3)] });
  });

  it('may be nobody', async () => assert.deepEqual((await found(users())).result, { ok: true, value: [] }));

  it('are asked for by mail and sign-in name, with quotes as OData has them', async () => {
    const { calls } = await found(users(), "o'neil@contoso.example");
    assert.deepEqual(
      calls.map(({ to, method, path }) => [to, method, decodeURIComponent(path).split('&')[0]]),
      [
        [
          'graph',
          'GET',
          "/users?$filter=mail eq 'o''neil@contoso.example' or userPrincipalName eq 'o''neil@contoso.example'",
        ],
      ],
    );
  });

  it('are not nobody because the directory does not answer, or answers something else', async () => {
    const why = problem('down', 'problem.down');
    assert.deepEqual((await found({ ok: false, problem: why })).result, { ok: false, problem: why });
    assert.equal((await found({ ok: true, body: { value: [{ id: 'no id' }] } })).result.ok, false);
  });
});
