import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { assertShape, Deals, examples } from './deals.ts';
import type { Loose, Reached } from './fakeBot.ts';

describe('the sandbox as Partner Center', () => {
  let deals: Deals;
  let rita: string;
  before(async () => {
    deals = await Deals.open();
  });
  beforeEach(async () => {
    deals.sandbox.reset();
    rita = await deals.signIn('rita');
  });
  after(() => deals.close());

  const create = (body: unknown) => deals.referrals(rita, '', 'POST', body);
  const get = (id: string) => deals.referrals(rita, `/${id}`);
  const list = (query: Record<string, string> = {}) => deals.referrals(rita, `?${new URLSearchParams(query)}`);
  const names = (found: Reached) => found.body.value.map((one: Loose) => one.customerProfile.name);
  const patch = (id: string, operations: unknown, headers?: Record<string, string>) =>
    deals.referrals(rita, `/${id}`, 'PATCH', operations, headers);
  const set = (path: string, value: unknown) => ({ op: 'replace', path, value });
  const move = (status: string, substatus: string) => [set('/status', status), set('/substatus', substatus)];
  const seeded = (customer: string): Loose => {
    const found = deals.sandbox.world.partner.referrals.find((one) => (one as Loose).customerProfile.name === customer);
    assert.ok(found, customer);
    return found;
  };
  const fault = (reached: Reached, target: string, code?: string) => {
    assert.equal(reached.status, 400, JSON.stringify(reached.body));
    assert.equal(reached.body.error.code, 'invalidRequest');
    assert.equal(reached.body.error.target, target);
    if (code) assert.equal(reached.body.error.innerError.innerError.code, code);
  };
  /** The private example with something of it replaced. */
  const deal = (more: Record<string, unknown> = {}) => ({ ...structuredClone(examples.privateRequest), ...more });

  describe('who may', () => {
    it('is nobody without a token, with a made up one, or with one that is over', async () => {
      const without = await deals.referrals('', '', 'GET', undefined, { authorization: '' });
      assert.equal(without.status, 401);
      assertShape(examples.error, without.body);
      assert.equal(without.body.error.code, 'unauthenticated');
      const madeUp = await deals.referrals('made-up');
      assert.deepEqual([madeUp.status, madeUp.body.error.code], [401, 'unAuthorized']);
      await deals.control('access', { user: 'rita', action: 'expire' });
      assert.equal((await list()).status, 401);
    });

    it('is whoever has a role for referrals, and others are told', async () => {
      const ada = await deals.signIn('ada');
      const refused = await deals.referrals(ada);
      assert.deepEqual([refused.status, refused.body.error.code], [403, 'accessDenied']);
      assert.equal(refused.body.error.innerError.code, 'forbidden');
      await deals.control('roles', { user: 'ada', roles: ['Referrals User'] });
      assert.equal((await deals.referrals(ada)).status, 200);
    });

    it('names each call by a GUID', async () => {
      const unnamed = await deals.referrals(rita, '', 'GET', undefined, { 'client-request-id': '' });
      assert.deepEqual([unnamed.status, unnamed.body.error.target], [400, 'client-request-id']);
      assert.equal((await deals.referrals(rita, '', 'GET', undefined, { 'client-request-id': '7' })).status, 400);
      assert.ok((await list()).headers.get('request-id'));
    });
  });

  describe('a new referral', () => {
    it('is New and Pending when it is private, whatever the case of the names', async () => {
      const made = await create(examples.privateRequest);
      assert.equal(made.status, 200);
      const { body } = made;
      assert.deepEqual([body.status, body.substatus, body.direction], ['New', 'Pending', 'Outgoing']);
      assert.equal(made.headers.get('etag'), body.eTag);
      assert.match(body.eTag, /^".+"$/);
      assert.equal(body.consent.consentToContact, true);
      assert.equal('ConsentToContact' in body.consent, false);
      assert.deepEqual((await get(body.id)).body, body);
    });

    it('comes back Active and Accepted when it is shared, in the shape of the documentation', async () => {
      const made = await create(examples.sharedRequest);
      assertShape(examples.createResponse, made.body);
      assert.deepEqual([made.body.status, made.body.substatus], ['Active', 'Accepted']);
      assert.match(made.body.links.self.uri, /\/engagments\/referrals\//);
      assert.match(made.body.links.relatedReferrals.uri, new RegExp(`engagementId eq '${made.body.engagementId}'`));
    });

    it('invites Microsoft when it is the second in an engagement, once', async () => {
      const { engagementId } = (await create(examples.sharedRequest)).body;
      const second = { ...examples.microsoftRequest, engagementId };
      const { organizationId: _id, organizationName: _name, ...bare } = second;
      const made = await create(bare);
      assert.equal(made.status, 200);
      const { organizationId, organizationName, status, substatus } = made.body;
      assert.deepEqual([organizationId, organizationName, status, substatus], ['msft', 'Microsoft', 'New', 'Pending']);
      const again = await create(second);
      assert.deepEqual([again.status, again.body.error.innerError.code], [409, 'referralAlreadyExists']);
      const both = await list({ $filter: `engagementId eq '${engagementId}'` });
      assert.deepEqual(
        both.body.value.map((one: Loose) => one.organizationName),
        ['Contoso', 'Microsoft'],
      );
      const mine = await list({ $filter: "direction eq 'Outgoing'" });
      assert.equal(mine.body.value.filter((one: Loose) => one.engagementId === engagementId).length, 1);
    });

    it('invites another partner by its organization, and nobody into an unknown engagement', async () => {
      const { engagementId } = (await create(examples.sharedRequest)).body;
      const other = deal({ engagementId, organizationId: randomUUID(), organizationName: 'Fabrikam', type: 'Shared' });
      const made = await create(other);
      assert.deepEqual([made.body.organizationName, made.body.substatus], ['Fabrikam', 'Pending']);
      const own = await create(deal({ engagementId }));
      assert.equal(own.status, 409);
      const lost = await create(deal({ engagementId: randomUUID() }));
      assert.deepEqual([lost.status, lost.body.error.code], [404, 'itemNotFound']);
    });

    it('needs type, customer, consent and details', async () => {
      for (const name of ['type', 'customerProfile', 'consent', 'details']) {
        fault(await create(deal({ [name]: undefined })), name, 'requiredPropertyMissing');
      }
      const nameless = deal();
      nameless.customerProfile.name = '';
      fault(await create(nameless), 'customerProfile.name');
      const nowhere = deal();
      delete nowhere.customerProfile.address.country;
      fault(await create(nowhere), 'customerProfile.address.country', 'requiredPropertyMissing');
    });

    it('takes exact words only, and says where another one stands', async () => {
      const wrong: [string, (body: Loose) => void][] = [
        ['type', (body) => Object.assign(body, { type: 'CoSell' })],
        ['status', (body) => Object.assign(body, { status: 'Error' })],
        ['qualification', (body) => Object.assign(body, { qualification: 'salesQualified' })],
        ['customerProfile.size', (body) => Object.assign(body.customerProfile, { size: 'big' })],
        ['target[0].type', (body) => Object.assign(body, { target: [{ type: 'Partner', id: 'msft' }] })],
        [
          'details.requirements.products[0].id',
          (body) => Object.assign(body.details.requirements, { products: [{ id: 'azure' }] }),
        ],
        [
          'details.requirements.industries[0].id',
          (body) => Object.assign(body.details.requirements, { industries: [{ id: 'Farming' }] }),
        ],
        [
          'details.requirements.solutions[0].id',
          (body) => Object.assign(body.details.requirements.solutions[0], { type: 'Category' }),
        ],
        [
          'inviteContext.assistanceRequestCode',
          (body) => Object.assign(body, { inviteContext: { assistanceRequestCode: 'Help' } }),
        ],
      ];
      for (const [target, spoil] of wrong) {
        const body = deal();
        spoil(body);
        fault(
          await create(body),
          target,
          target.endsWith('solutions[0].id') ? 'invalidPropertyValue' : 'invalidEnumValue',
        );
      }
      const industry = deal();
      industry.details.requirements.industries = [{ id: 'Agriculture, Forestry, & Fishing' }];
      assert.equal((await create(industry)).status, 200);
    });

    it('takes right types only', async () => {
      const consent = deal();
      consent.consent.ConsentToContact = 'true';
      fault(await create(consent), 'consent.consentToContact', 'invalidPropertyType');
      const value = deal();
      value.details.dealValue = '50000';
      fault(await create(value), 'details.dealValue', 'invalidPropertyType');
      const date = deal();
      date.details.closingDateTime = '15 March';
      fault(await create(date), 'details.closingDateTime');
      const currency = deal();
      currency.details.currency = 'dollars';
      fault(await create(currency), 'details.currency');
      const country = deal();
      country.customerProfile.address.country = 'Portugal';
      fault(await create(country), 'customerProfile.address.country');
      const mail = deal();
      mail.team[0].email = 'nobody';
      fault(await create(mail), 'team[0].email');
      const sentence = await fetch(`${deals.sandbox.url}/partner/v1.0/engagements/referrals`, {
        method: 'POST',
        headers: { authorization: `Bearer ${rita}`, 'client-request-id': randomUUID() },
        body: 'no JSON',
      });
      assert.equal(sentence.status, 400);
    });

    it('does not begin closed, or received by its sender', async () => {
      fault(await create(deal({ status: 'Closed', substatus: 'Won' })), 'status');
      fault(await create(deal({ status: 'New', substatus: 'Received' })), 'substatus');
      fault(await create(deal({ status: 'Active', substatus: 'Pending' })), 'substatus');
      assert.equal((await create(deal({ status: 'Active', substatus: 'Accepted' }))).body.status, 'Active');
    });
  });

  describe('the list', () => {
    it('has the seeded deals in the shape of the documentation, without eTags', async () => {
      const found = await list();
      assertShape(examples.listResponse['@odata.context'], found.body['@odata.context']);
      assert.equal(found.body['@odata.count'], 5);
      const { inviteContext: _context, ...example } = examples.listResponse.value[0];
      for (const one of found.body.value) assertShape(example, one);
      assert.equal('eTag' in found.body.value[0], false);
      const waiting = found.body.value[0];
      assert.deepEqual([waiting.status, waiting.substatus, waiting.direction], ['New', 'Received', 'Incoming']);
      assert.ok(Date.parse(waiting.expirationDateTime) > Date.now());
    });

    it('is filtered, sorted and cut down', async () => {
      assert.deepEqual(names(await list({ $filter: "status eq 'Active' and substatus eq 'Accepted'" })), [
        'Tailspin Toys',
        'Litware Insurance',
      ]);
      assert.deepEqual(names(await list({ $filter: "direction eq 'Incoming' and status ne 'Closed'" })), [
        'Woodgrove Bank',
      ]);
      assert.deepEqual(names(await list({ $filter: "customerProfile/address/country eq 'PT'" })), ['Adventure Works']);
      assert.deepEqual(names(await list({ $orderby: 'createdDateTime desc', $filter: "status ne 'New'" })), [
        'Litware Insurance',
        'Adventure Works',
        'Tailspin Toys',
      ]);
      const cut = await list({ $select: 'id,status' });
      assert.deepEqual(Object.keys(cut.body.value[0]), ['id', 'status']);
    });

    it('knows what changed since a moment, to the last digit', async () => {
      const { body } = await create(deal());
      const since = (operator: string) => list({ $filter: `updatedDateTime ${operator} ${body.updatedDateTime}` });
      assert.equal((await since('gt')).body.value.length, 0);
      assert.equal((await since('ge')).body.value.length, 1);
      assert.equal((await since('lt')).body.value.length, 5);
      assert.equal((await since('le')).body.value.length, 6);
      await patch(body.id, [set('/details/notes', 'more')]);
      assert.equal((await since('gt')).body.value.length, 1);
    });

    it('reads a doubled quote, and refuses what the service refuses', async () => {
      assert.equal((await list({ $filter: "engagementId eq 'it''s'" })).status, 200);
      for (const $filter of [
        "name eq 'x'",
        'status eq Active',
        "status eq 'New' or status eq 'Active'",
        "status like 'A'",
        'status',
        "updatedDateTime gt 'soon'",
      ]) {
        fault(await list({ $filter }), '$filter', 'invalidQueryOption');
      }
      assert.equal((await list({ $orderby: 'name' })).status, 400);
    });

    it('goes on behind a next link that cannot be followed as it is', async () => {
      await deals.control('settings', { referralPageSize: 2 });
      const seen: string[] = [];
      let page = await list({ $filter: "direction eq 'Outgoing'", $orderby: 'updatedDateTime desc' });
      for (;;) {
        seen.push(...names(page));
        const next = page.body['@odata.nextLink'];
        if (!next) break;
        assert.match(next, /^http:\/\/api\.partner\.microsoft\.com\/v1\.0\/referrals\?\$skiptoken=/);
        page = await list({ $skiptoken: new URL(next).searchParams.get('$skiptoken') ?? '' });
      }
      assert.deepEqual(seen, ['Litware Insurance', 'Litware Inc', 'Adventure Works', 'Tailspin Toys']);
      fault(await list({ $skiptoken: 'x' }), '$skiptoken');
      await deals.control('settings', { nextLink: 'foreign' });
      assert.match((await list()).body['@odata.nextLink'], /^https:\/\/partner-api\.attacker\.example\//);
    });
  });

  describe('a change', () => {
    it('answers nothing, or the referral when it is asked for', async () => {
      const { id, eTag } = seeded('Litware Inc');
      const quiet = await patch(id, [set('/details/notes', 'calls back')]);
      assert.deepEqual([quiet.status, quiet.body], [204, null]);
      const told = await patch(id, examples.patchRequest, { prefer: 'return=representation' });
      assert.equal(told.status, 200);
      assert.equal(told.body.details.dealValue, 10_000);
      assert.equal(told.body.details.notes, 'calls back');
      assert.equal(told.body.team[0].firstName, 'Jane');
      assert.notEqual(told.body.eTag, eTag);
    });

    it('minds the eTag when one is named', async () => {
      const { id, eTag } = seeded('Litware Inc');
      assert.equal((await patch(id, [set('/salesStage', 'Propose')], { 'if-match': eTag })).status, 204);
      const late = await patch(id, [set('/salesStage', 'Close')], { 'if-match': eTag });
      assert.deepEqual([late.status, late.body.error.code], [412, 'preconditionFailed']);
    });

    it('touches known paths by known operations only, all or none', async () => {
      const { id, details } = seeded('Litware Inc');
      fault(await patch(id, [set('/name', 'x')]), '[0].path', 'invalidPath');
      fault(await patch(id, [{ op: 'remove', path: '/team' }]), '[0].op', 'invalidOperation');
      fault(await patch(id, [{ op: 'replace', path: '/salesStage' }]), '[0].value');
      fault(await patch(id, { details: { notes: 'x' } }), 'referral', 'invalidPatch');
      fault(
        await patch(id, [set('/details/dealValue', 7), set('/salesStage', 'Talk')]),
        'salesStage',
        'invalidEnumValue',
      );
      fault(await patch(id, [set('/details/dealValue', 'much')]), 'details.dealValue', 'invalidPropertyType');
      assert.equal((await get(id)).body.details.dealValue, details.dealValue);
      assert.equal((await patch(randomUUID(), [set('/salesStage', 'Close')])).status, 404);
    });

    it('moves status and substatus together, and never back', async () => {
      const { id } = seeded('Woodgrove Bank');
      fault(await patch(id, [set('/status', 'Active')]), 'substatus', 'invalidSubstatusTransition');
      fault(await patch(id, [set('/substatus', 'Accepted')]), 'substatus');
      fault(await patch(id, move('Active', 'Won')), 'substatus');
      assert.equal((await patch(id, move('Active', 'Accepted'))).status, 204);
      const { body } = await get(id);
      assert.ok(body.acceptedDateTime);
      assert.equal(body.expirationDateTime, null);
      fault(await patch(id, move('New', 'Received')), 'status', 'invalidStatusTransition');
      assert.equal((await patch(id, move('Closed', 'Won'))).status, 204);
      assert.ok((await get(id)).body.closedDateTime);
    });

    it('does not reach a closed referral, or another organization’s', async () => {
      const { id } = seeded('Adventure Works');
      fault(await patch(id, [set('/details/notes', 'x')]), 'status', 'referralClosed');
      const theirs = deals.sandbox.world.partner.referrals.find((one) => one.organizationId === 'msft');
      assert.equal((await get(theirs?.id ?? '')).status, 200);
      assert.equal((await patch(theirs?.id ?? '', [set('/details/notes', 'x')])).status, 403);
    });

    it('of the whole needs the eTag, and lets the links go', async () => {
      const before = (await get(seeded('Litware Inc').id)).body;
      const next = { ...before, details: { ...before.details, dealValue: 1 } };
      const put = (headers?: Record<string, string>) => deals.referrals(rita, `/${before.id}`, 'PUT', next, headers);
      fault(await put(), 'If-Match');
      assert.equal((await put({ 'if-match': '"old"' })).status, 412);
      const changed = await put({ 'if-match': before.eTag });
      assert.deepEqual([changed.status, changed.body.details.dealValue], [200, 1]);
      assert.equal('links' in seeded('Litware Inc'), false);
    });
  });

  describe('other people', () => {
    it('accept, decline and change at the portal, so that an eTag is old', async () => {
      const lead = seeded('Woodgrove Bank');
      const { eTag } = structuredClone(lead);
      await deals.control('referral-change', { id: lead.id, action: 'accept' });
      assert.equal((await patch(lead.id, move('Active', 'Accepted'), { 'if-match': eTag })).status, 412);
      const { details } = await deals.control('referral-change', { id: lead.id, action: 'change' });
      assert.equal(details.dealValue, 132_000);
      await deals.control('referral-change', { id: lead.id, action: 'decline' });
      await assert.rejects(deals.control('referral-change', { id: lead.id, action: 'win' }), /closed referral/);
    });

    it('send deals of their own', async () => {
      const sent = { customer: 'Wingtip', value: 10, currency: 'EUR', from: 'fabrikam', fromName: 'Fabrikam' };
      const { id } = await deals.control('referral', sent);
      const { body } = await get(id);
      assert.deepEqual([body.direction, body.substatus, body.type], ['Incoming', 'Received', 'Shared']);
      assert.deepEqual(body.inviteContext.invitedBy, { organizationId: 'fabrikam', organizationName: 'Fabrikam' });
      const { referrals, users } = await deals.control('partner');
      assert.equal(referrals.at(-1).id, id);
      assert.equal(users.find((one: Loose) => one.key === 'rita').signedIn, true);
    });
  });

  describe('faults', () => {
    it('hit a path as often as they are told, in the words of the service', async () => {
      await deals.control('faults', {
        remote: 'partner',
        kind: 'status',
        status: 503,
        path: '/referrals$',
        method: 'POST',
        retryAfter: 3,
      });
      const failed = await create(deal());
      assert.equal(failed.status, 503);
      assert.equal(failed.headers.get('retry-after'), '3');
      assertShape(examples.error, failed.body);
      assert.equal((await create(deal())).status, 200);
    });

    it('can lose the answer to a create that was done', async () => {
      await deals.control('faults', { remote: 'partner', kind: 'dropAfter', method: 'POST' });
      await assert.rejects(create(deal({ externalReferenceId: 'r-1' })));
      assert.equal(deals.sandbox.world.partner.referrals.at(-1)?.['externalReferenceId'], 'r-1');
      const [last] = (await deals.control('calls?remote=partner')).calls.slice(-1);
      assert.deepEqual([last.method, last.status, last.fault], ['POST', 0, 'dropAfter']);
    });
  });
});
