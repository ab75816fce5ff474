import assert from 'node:assert/strict';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { call, type Reached } from './fakeBot.ts';

describe('the sandbox as Graph', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox({ port: 0 });
  });
  beforeEach(() => sandbox.reset());
  after(() => sandbox.close());

  const graph = (path: string, method = 'GET', body?: unknown, headers?: Record<string, string>) =>
    call(`${sandbox.url}/graph/v1.0${path}`, method, body, headers);
  const find = (filter: string, select = 'id,mail', headers?: Record<string, string>) =>
    graph(`/users?$filter=${encodeURIComponent(filter)}&$select=${select}`, 'GET', undefined, headers);
  const mails = (found: Reached) => found.body.value.map((user: { mail: string }) => user.mail);
  const settings = (body: unknown) => call(`${sandbox.url}/control/settings`, 'POST', body);
  const invite = (address: string, more: Record<string, unknown> = {}) =>
    graph('/invitations', 'POST', {
      invitedUserEmailAddress: address,
      inviteRedirectUrl: 'https://usher.example/welcome',
      ...more,
    });
  const seeded = (mail: string) => {
    const user = sandbox.world.users.find((one) => one.mail === mail);
    assert.ok(user);
    return user;
  };

  describe('filters', () => {
    it('finds a guest by mail or other mail without case and with a doubled quote', async () => {
      const found = await find("mail eq 'O''BRIEN@fabrikam.example' or otherMails/any(m:m eq 'nobody@x.example')");
      assert.equal(found.status, 200);
      assert.deepEqual(mails(found), ["o'brien@fabrikam.example"]);
    });

    it('finds a member by another mail and by a proxy address', async () => {
      assert.deepEqual(mails(await find("otherMails/any(x:x eq 'dora@sidegig.example')")), ['dora@contoso.example']);
      const byProxy = await find("proxyAddresses/any(p:p eq 'smtp:dora.double@contoso.example')");
      assert.deepEqual(mails(byProxy), ['dora@contoso.example']);
    });

    it('binds and more tightly than or, and honours brackets and not', async () => {
      const tight = await find(
        "startswith(displayName,'Rita') or userType eq 'Guest' and externalUserState eq 'PendingAcceptance'",
      );
      assert.deepEqual(mails(tight), ['rita@contoso.example', 'pia@partner.example']);
      const bracketed = await find(
        "(startswith(displayName,'Rita') or userType eq 'Guest') and not(accountEnabled eq true)",
      );
      assert.deepEqual(mails(bracketed), ['bert@partner.example']);
      const inList = await find("mail in ('leo@partner.example','ada@contoso.example')");
      assert.deepEqual(mails(inList), ['ada@contoso.example', 'leo@partner.example']);
    });

    it('refuses what Graph refuses', async () => {
      const unknown = await find("shoeSize eq '44'");
      assert.equal(unknown.status, 400);
      assert.equal(unknown.body.error.code, 'Request_UnsupportedQuery');
      assert.equal((await find("mail eq 'o'brien@fabrikam.example'")).body.error.code, 'BadRequest');
      assert.equal((await find("endsWith(mail,'@partner.example')")).body.error.code, 'Request_UnsupportedQuery');
      assert.equal((await find("mail eq 'a'", 'id,shoeSize')).status, 400);
    });

    it('answers endsWith when the caller accepts eventual consistency', async () => {
      const found = await call(
        `${sandbox.url}/graph/v1.0/users?$count=true&$filter=${encodeURIComponent("endsWith(mail,'@partner.example')")}`,
        'GET',
        undefined,
        { ConsistencyLevel: 'eventual' },
      );
      assert.equal(found.body['@odata.count'], 3);
    });

    it('finds people by the beginning of a name, and searches names word by word', async () => {
      const bos = ['bo.berg@contoso.example', 'bo.brandt@contoso.example'];
      assert.deepEqual(mails(await find("startswith(displayName,'Bo')")), bos);
      const search = (terms: string, headers: Record<string, string> = { ConsistencyLevel: 'eventual' }) =>
        graph(`/users?$search=${encodeURIComponent(terms)}&$select=mail`, 'GET', undefined, headers);
      assert.deepEqual(mails(await search('"displayName:bo"')), bos);
      assert.deepEqual(mails(await search('"displayName:brandt bo"')), [bos[1]]);
      assert.deepEqual(mails(await search('"displayName:cleo" OR "mail:dan@"')), [
        'cleo@contoso.example',
        'dan@contoso.example',
      ]);
      assert.deepEqual(mails(await search('"displayName:bo" AND "mail:bo.br"')), [bos[1]]);
      assert.equal((await search('"displayName:bo"', {})).status, 400);
      assert.equal((await search('"shoeSize:44"')).status, 400);
      assert.equal((await search('displayName:bo')).status, 400);
    });

    it('shows the state of a guest only when it is selected', async () => {
      const byDefault = await graph(`/users/${seeded('pia@partner.example').id}`);
      assert.equal('externalUserState' in byDefault.body, false);
      const selected = await graph(`/users/${seeded('pia@partner.example').id}?$select=id,externalUserState`);
      assert.equal(selected.body.externalUserState, 'PendingAcceptance');
      assert.deepEqual(Object.keys(selected.body), ['@odata.context', 'id', 'externalUserState']);
    });

    it('pages a long list', async () => {
      const first = await graph('/users?$top=7&$select=id');
      assert.equal(first.body.value.length, 7);
      const second = await call(first.body['@odata.nextLink']);
      assert.equal(second.body.value.length, sandbox.world.users.length - 7);
    });

    it('finds teams by name and tells the two Zeniths apart', async () => {
      const filter = encodeURIComponent("displayName eq 'zenith' and resourceProvisioningOptions/Any(x:x eq 'Team')");
      const found = await graph(`/groups?$filter=${filter}&$select=id,displayName,description`);
      assert.deepEqual(
        found.body.value.map((group: { description: string }) => group.description),
        ['Sales', 'Engineering'],
      );
      const partners = await graph(`/groups?$filter=${encodeURIComponent("startswith(displayName,'Part')")}&$top=5`);
      assert.deepEqual(partners.body.value[0].resourceProvisioningOptions, []);
    });
  });

  describe('invitations', () => {
    it('creates a pending guest and mails only when asked to', async () => {
      const silent = await invite('ana@partner.example');
      assert.equal(silent.status, 201);
      assert.equal(silent.body.status, 'PendingAcceptance');
      assert.equal(silent.body.invitedUserDisplayName, null);
      assert.equal(silent.body.resetRedemption, false);
      assert.match(silent.body.inviteRedeemUrl, /^https:\/\/login\.microsoftonline\.com\/redeem\?rd=/);
      assert.deepEqual(silent.body.invitedUserMessageInfo.ccRecipients, [
        { emailAddress: { name: null, address: null } },
      ]);
      assert.equal(sandbox.world.mails.length, 0);
      const user = sandbox.world.users.find((one) => one.id === silent.body.invitedUser.id);
      assert.equal(user?.userPrincipalName, 'ana_partner.example#EXT#@contoso.onmicrosoft.example');

      const again = await invite('ANA@partner.example', { sendInvitationMessage: true });
      assert.equal(again.body.invitedUser.id, silent.body.invitedUser.id);
      assert.notEqual(again.body.inviteRedeemUrl, silent.body.inviteRedeemUrl);
      assert.equal(sandbox.world.mails.length, 1);
    });

    it('keeps the sponsors', async () => {
      const rita = seeded('rita@contoso.example').id;
      const made = await invite('ana@partner.example', {
        'invitedUserSponsors@odata.bind': [`https://graph.microsoft.com/v1.0/users/${rita}`],
      });
      const sponsors = await graph(`/users/${made.body.invitedUser.id}/sponsors`);
      assert.deepEqual(
        sponsors.body.value.map((user: { id: string }) => user.id),
        [rita],
      );
    });

    it('refuses addresses and messages that Graph refuses', async () => {
      for (const address of [
        'a+b@partner.example',
        'a b@partner.example',
        'nobody',
        '.a@partner.example',
        'a@b@c.example',
      ]) {
        assert.equal((await invite(address)).status, 400, address);
      }
      assert.equal((await invite("d'arcy@partner.example")).status, 201);
      const cc = { emailAddress: { address: 'x@partner.example' } };
      const two = await invite('ana@partner.example', { invitedUserMessageInfo: { ccRecipients: [cc, cc] } });
      assert.equal(two.status, 400);
      assert.equal((await graph('/invitations', 'POST', { invitedUserEmailAddress: 'a@b.example' })).status, 400);
    });

    it('refuses own domains, internal accounts and blocked ones in the reported words', async () => {
      const own = await invite('new@contoso.example');
      assert.match(own.body.error.message, /is a verified domain of this directory/);
      const internal = await invite('dora@sidegig.example');
      assert.equal(internal.status, 400);
      assert.match(internal.body.error.message, /objectID: 5a4db0c5-/);
      const blocked = await invite('bert@partner.example');
      assert.equal(blocked.status, 412);
      assert.match(blocked.body.error.message, /as object ID: .*blocked from signing in/);
    });

    it('refuses everybody when the tenant forbids invitations or consent is missing', async () => {
      await settings({ allowInvitesFrom: 'none' });
      const forbidden = await invite('ana@partner.example');
      assert.equal(forbidden.status, 403);
      assert.match(forbidden.body.error.message, /^Guest invitations not allowed for your company/);
      await settings({ consent: false });
      const unauthorized = await invite('ana@partner.example');
      assert.equal(unauthorized.body.error.code, 'Unauthorized');
      assert.match(unauthorized.body.error.message, /ActionName=CreateInvite/);
    });

    it('lets a guest redeem with another address and keeps the object', async () => {
      const leo = seeded('leo@partner.example').id;
      const made = await invite('leo@newjob.example', { resetRedemption: true, invitedUser: { id: leo } });
      assert.equal(made.status, 201);
      assert.equal(made.body.invitedUser.id, leo);
      assert.equal(made.body.resetRedemption, true);
      assert.deepEqual(mails(await find("mail eq 'leo@newjob.example'")), ['leo@newjob.example']);
      assert.equal((await invite('x@y.example', { resetRedemption: true })).status, 400);
    });

    it('says Completed for somebody who accepted long ago', async () => {
      assert.equal((await invite('leo@partner.example')).body.status, 'Completed');
    });

    it('shows the acceptance after the guest redeemed', async () => {
      await invite('ana@partner.example', { sendInvitationMessage: true });
      const redeemed = await call(`${sandbox.url}/control/redeem`, 'POST', { mailId: sandbox.world.mails[0]?.id });
      assert.equal(redeemed.status, 200);
      const found = await find("mail eq 'ana@partner.example'", 'externalUserState,externalUserStateChangeDateTime');
      assert.equal(found.body.value[0].externalUserState, 'Accepted');
      assert.ok(sandbox.world.mails[0]?.acceptedAt);
    });
  });

  describe('membership', () => {
    const apollo = '5a4db0c5-0000-4000-8000-000000002001';
    const partners = '5a4db0c5-0000-4000-8000-000000002005';
    const addToGroup = (group: string, user: string) =>
      graph(`/groups/${group}/members/$ref`, 'POST', {
        '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${user}`,
      });
    const addToTeam = (team: string, user: string) =>
      graph(`/teams/${team}/members`, 'POST', {
        '@odata.type': '#microsoft.graph.aadUserConversationMember',
        roles: [],
        'user@odata.bind': `https://graph.microsoft.com/v1.0/users('${user}')`,
      });

    it('adds to a group once and says so the second time', async () => {
      const pia = seeded('pia@partner.example').id;
      assert.equal((await addToGroup(partners, pia)).status, 204);
      const again = await addToGroup(partners, pia);
      assert.equal(again.status, 400);
      assert.match(again.body.error.message, /already exist .*'members'/);
      assert.equal((await addToGroup(partners, 'nobody')).status, 404);
    });

    it('adds to a team and answers the same membership again, or 409 when told to', async () => {
      const pia = seeded('pia@partner.example').id;
      const first = await addToTeam(apollo, pia);
      assert.equal(first.status, 201);
      assert.equal(first.body.userId, pia);
      assert.equal((await addToTeam(apollo, pia)).body.id, first.body.id);
      await settings({ teamMemberTwice: 409 });
      assert.equal((await addToTeam(apollo, pia)).status, 409);
      const members = await graph(`/teams/${apollo}/members`);
      assert.equal(members.body.value.filter((member: { userId: string }) => member.userId === pia).length, 1);
      assert.equal((await addToTeam(partners, pia)).status, 404);
    });

    it('hides a just invited guest until the directory has caught up', async () => {
      await settings({ directoryDelayMs: 3_600_000 });
      const made = await invite('ana@partner.example');
      const id = made.body.invitedUser.id;
      assert.deepEqual(mails(await find("mail eq 'ana@partner.example'")), []);
      assert.equal((await graph(`/users/${id}`)).body.error.code, 'Request_ResourceNotFound');
      assert.equal((await addToGroup(partners, id)).body.error.code, 'Request_ResourceNotFound');
      assert.equal((await addToTeam(apollo, id)).body.error.code, 'Directory_ObjectNotFound');
      assert.equal((await invite('ana@partner.example')).body.invitedUser.id, id);
      await settings({ directoryDelayMs: 0 });
      assert.equal((await addToTeam(apollo, id)).status, 201);
    });

    it('removes a guest from everywhere', async () => {
      const gus = seeded('gus@fabrikam.example').id;
      assert.equal((await graph(`/users/${gus}`, 'DELETE')).status, 204);
      assert.equal((await graph(`/users/${gus}`)).status, 404);
      assert.equal(sandbox.world.groups[0]?.members.includes(gus), false);
    });
  });

  it('answers an unknown path with the envelope and keeps the call', async () => {
    const lost = await graph('/shoes', 'GET', undefined, { 'client-request-id': 'mine' });
    assert.equal(lost.status, 404);
    assert.equal(lost.body.error.code, 'BadRequest');
    assert.equal(lost.body.error.innerError['client-request-id'], 'mine');
    assert.equal(lost.headers.get('request-id'), lost.body.error.innerError['request-id']);
    const { body } = await call(`${sandbox.url}/control/calls?remote=graph`);
    assert.equal(body.calls.at(-1).path, '/v1.0/shoes');
    assert.equal(body.calls.at(-1).status, 404);
  });
});
