/** The sandbox's lists of changes among users: from now on, page by page, and no longer than a token lives. */
import assert from 'node:assert/strict';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { call } from './fakeBot.ts';

describe('changes of users in the sandbox', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox({ port: 0 });
  });
  beforeEach(() => sandbox.reset());
  after(() => sandbox.close());

  const read = (query: string) => call(`${sandbox.url}/graph/v1.0/users/delta?${query}`, 'GET');
  const control = (path: string, body: unknown) => call(`${sandbox.url}/control/${path}`, 'POST', body);
  const SELECT = '$select=id,mail,externalUserState';
  const tokenIn = (link: string, name: string): string => new URL(link).searchParams.get(name) ?? assert.fail();
  const now = async (): Promise<string> => {
    const { body } = await read(`${SELECT}&$deltatoken=latest`);
    assert.deepEqual(body.value, []);
    return tokenIn(body['@odata.deltaLink'], '$deltatoken');
  };

  it('are told from now on, as they were selected, each once', async () => {
    const token = await now();
    await control('redeem', { address: 'pia@partner.example' });
    const { status, body } = await read(`$deltatoken=${token}`);
    assert.equal(status, 200);
    assert.deepEqual(
      body.value.map((one: Record<string, unknown>) => [
        Object.keys(one).sort(),
        one['mail'],
        one['externalUserState'],
      ]),
      [[['externalUserState', 'id', 'mail'], 'pia@partner.example', 'Accepted']],
    );
    const again = await read(`$deltatoken=${tokenIn(body['@odata.deltaLink'], '$deltatoken')}`);
    assert.deepEqual(again.body.value, []);
  });

  it('do not tell of what was not selected, and name who is gone by id alone', async () => {
    const token = await now();
    const [rita, gus] = ['rita@contoso.example', 'gus@fabrikam.example'].map((mail) =>
      sandbox.world.users.find((one) => one.mail === mail),
    );
    assert.ok(rita && gus);
    rita.jobTitle = 'Something else';
    await call(`${sandbox.url}/graph/v1.0/users/${gus.id}`, 'DELETE');
    const { body } = await read(`$deltatoken=${token}`);
    assert.deepEqual(body.value, [{ id: gus.id, '@removed': { reason: 'changed' } }]);
  });

  it('come page by page', async () => {
    await control('settings', { deltaPageSize: 5 });
    let { body } = await read(SELECT);
    let pages = 1;
    let found = body.value.length;
    while (body['@odata.nextLink']) {
      ({ body } = await read(`$skiptoken=${tokenIn(body['@odata.nextLink'], '$skiptoken')}`));
      pages++;
      found += body.value.length;
    }
    assert.equal(found, sandbox.world.users.length);
    assert.equal(pages, Math.ceil(found / 5));
    assert.ok(body['@odata.deltaLink']);
  });

  it('are gone with the token, which says where to begin anew', async () => {
    const token = await now();
    await control('settings', { deltaLifetimeMs: 0 });
    const { status, body, headers } = await read(`$deltatoken=${token}`);
    assert.deepEqual([status, body.error.code], [410, 'syncStateNotFound']);
    assert.match(headers.get('location') ?? '', /\/users\/delta\?\$deltatoken=$/);
    assert.equal((await read('$deltatoken=invented')).status, 410);
  });

  it('may not be sorted or cut, as Graph does not', async () => {
    for (const query of ['$top=5', '$orderby=displayName', '$expand=manager'])
      assert.equal((await read(`${SELECT}&${query}`)).body.error.code, 'Request_UnsupportedQuery', query);
    assert.equal((await read('$select=shoes')).status, 400);
  });
});
