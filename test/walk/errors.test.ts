/**
 * Every refusal that Microsoft Graph is known to give, in its own words, at each call of an invitation: the card says
 * in ours whose move is next, the audit knows the kind, and nothing of the service's text goes any further.
 */
import assert from 'node:assert/strict';
import type { Message } from '../support/usher.ts';
import {
  assertForPeople,
  assertNothingLeaked,
  buttonsOf,
  cardOf,
  everShown,
  type Lane,
  openLane,
  sqlite,
  textOf,
} from '../support/walk.ts';

const GUID = 'd3b07384-d113-4ec6-a7d6-1f0c3b1d2e4f';
const PAGE = '<!DOCTYPE html><html><head><title>404</title></head><body><h1>Resource not found</h1></body></html>';

interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly kind: string;
  readonly says: RegExp;
}

/** At `POST /invitations`: facts of public reports, since the documentation names almost none. */
const AT_INVITING: readonly Refusal[] = [
  {
    name: 'the app lacks consent',
    status: 401,
    code: 'Unauthorized',
    message: `Insufficient privileges to perform requested operation by the application '${GUID}'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite`,
    kind: 'denied',
    says: /I am not yet allowed to invite guests here\. Your admin has to consent to my permissions first\./,
  },
  {
    name: 'the tenant forbids invitations',
    status: 403,
    code: 'Forbidden',
    message: 'Guest invitations not allowed for your company. Contact your company administrator for more details.',
    kind: 'refused',
    says: /Your organisation does not let guests be invited\. Your admin can change that in Entra/,
  },
  {
    name: 'the domain is on the deny list',
    status: 400,
    code: 'BadRequest',
    message: `The domain of the invited user is blocked by policy ${GUID}: it is on the deny list.`,
    kind: 'refused',
    says: /Your organisation does not allow guests from this domain\. Your admin can change that\./,
  },
  {
    name: 'the domain is not on the allow list',
    status: 403,
    code: 'Forbidden',
    message: 'This domain is not in the allow list of your company.',
    kind: 'refused',
    says: /does not allow guests from this domain/,
  },
  {
    name: 'cross-tenant settings block it',
    status: 403,
    code: 'Forbidden',
    message: `This invitation is blocked by cross-tenant access settings. Admins in both organizations must configure cross-tenant access settings to allow the invitation. ${GUID}`,
    kind: 'refused',
    says: /The settings between your organisation and theirs do not allow this invitation\./,
  },
  {
    name: 'the domain is one of our own',
    status: 400,
    code: 'BadRequest',
    message:
      "This user cannot be invited because the domain of the user's email address is a verified domain of this directory.",
    kind: 'refused',
    says: /This address belongs to your own organisation/,
  },
  {
    name: 'an inside account exists',
    status: 400,
    code: 'BadRequest',
    message: `The invited user already exists in the directory as objectID: ${GUID}. They can use that account to sign in to shared apps and resources.`,
    kind: 'clash',
    says: /There is already an account for this person, but not as a guest\./,
  },
  {
    name: 'the account is blocked',
    status: 412,
    code: 'PreconditionFailed',
    message: `The invited user already exists in the directory as object ID: ${GUID}, but the account is blocked from signing in. Unblock the account before inviting the user again.`,
    kind: 'refused',
    says: /already has an account here, but it is blocked\. Your admin can unblock it\./,
  },
  {
    name: 'the target cannot be found, which comes as a 500 and stays',
    status: 500,
    code: 'InternalServerError',
    message: 'Unable to find target address',
    kind: 'refused',
    says: /Microsoft could not find where to send this invitation\. Please check the address\./,
  },
  {
    name: 'the address is malformed',
    status: 400,
    code: 'BadRequest',
    message: "Invalid value specified for property 'invitedUserEmailAddress' of resource 'Invitation'.",
    kind: 'refused',
    says: /Microsoft could not use what I sent\. Please check what you typed/,
  },
  {
    name: 'the sign-in is not accepted',
    status: 401,
    code: 'InvalidAuthenticationToken',
    message: 'Lifetime validation failed, the token is expired. eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.c2ln',
    kind: 'denied',
    says: /Microsoft does not accept my sign-in\. Your admin has to look at my settings\./,
  },
  {
    name: 'it is forbidden without a reason',
    status: 403,
    code: 'AccessDenied',
    message: `Access denied. RequestId: ${GUID}`,
    kind: 'denied',
    says: /Microsoft does not let me do this here\. Your admin can find out which setting refuses it\./,
  },
  {
    name: 'something it names is gone',
    status: 404,
    code: 'Request_ResourceNotFound',
    message: `Resource '${GUID}' does not exist or one of its queried reference-property objects are not present.`,
    kind: 'gone',
    says: /Microsoft does not know this any more\./,
  },
  {
    name: 'it conflicts',
    status: 409,
    code: 'Conflict',
    message: 'Another object with the same value for property proxyAddresses already exists.',
    kind: 'clash',
    says: /Microsoft says this is in place already, or has changed in the meantime\./,
  },
  {
    name: 'the status is one nobody has heard of',
    status: 418,
    code: 'Teapot',
    message: 'I cannot brew coffee.',
    kind: 'refused',
    says: /Microsoft could not use what I sent\./,
  },
];

const AT_LOOKING: readonly Refusal[] = [
  {
    name: 'the app lacks consent',
    status: 403,
    code: 'Authorization_RequestDenied',
    message: 'Insufficient privileges to complete the operation.',
    kind: 'denied',
    says: /I am not yet allowed to do this here\. Your admin has to consent to my permissions first\./,
  },
  {
    name: 'the sign-in is not accepted',
    status: 401,
    code: 'InvalidAuthenticationToken',
    message: 'Access token validation failure. Invalid audience.',
    kind: 'denied',
    says: /Microsoft does not accept my sign-in\./,
  },
  {
    name: 'the query is not understood',
    status: 400,
    code: 'Request_UnsupportedQuery',
    message: "Unsupported or invalid query filter clause specified for property 'otherMails' of resource 'User'.",
    kind: 'refused',
    says: /Microsoft could not use what I sent\./,
  },
];

const AT_JOINING: readonly Refusal[] = [
  {
    name: 'the app may not add members',
    status: 403,
    code: 'Forbidden',
    message: `User or application '${GUID}' is not allowed to add members to this team.`,
    kind: 'denied',
    says: /The invitation is sent, but Microsoft did not let me add the guest to Apollo\. An owner of the team can add them\./,
  },
  {
    name: 'the team takes no guests',
    status: 400,
    code: 'BadRequest',
    message: 'Guests are not allowed to be added to this group by policy.',
    kind: 'refused',
    says: /The invitation is sent, but Microsoft did not let me add the guest to Apollo\./,
  },
];

describe('a refusal of Microsoft Graph', function () {
  this.timeout(30_000);
  let lane: Lane;
  let people = 0;

  before(async () => {
    lane = await openLane(await sqlite());
  });
  afterEach(() => lane.town.heal());
  after(async () => {
    await lane.close();
  });

  /** Asks for an invitation while the call fails so, and gives the card it ends with. */
  async function refused(path: string, { status, code, message }: Refusal, team = true): Promise<[string, Message]> {
    const address = `refused${++people}@partner.example`;
    await lane.town.fault({ kind: 'status', path, status, code, message, times: -1 });
    await lane.town.say(`invite ${address}${team ? ' to team Apollo' : ''}`);
    return [address, await lane.shows(address, /"text":"(?:Invited|Not done|Unsure)"/)];
  }

  async function check([address, message]: [string, Message], refusal: Refusal, posts: number): Promise<void> {
    assert.match(textOf(cardOf(message)), /^Not done$/m);
    assert.match(textOf(cardOf(message)), refusal.says);
    assert.deepEqual(buttonsOf(message), ['request.retry', 'request.fix']);
    assertForPeople(message);
    for (const words of refusal.message.split(/[.:'] /)) assert.ok(!everShown(message).includes(words), words);
    const sent = (await lane.town.invitations()).filter((call) => call.body?.['invitedUserEmailAddress'] === address);
    assert.equal(sent.length, posts, 'a refusal is not asked for twice');
    const [line] = await lane.database.run(
      `select detail from audit join requests on requests.id = request_id where what = 'failed' and subject = '${address}'`,
    );
    assert.equal(JSON.parse(String(line?.['detail'])).kind, refusal.kind);
    await assertNothingLeaked(lane);
  }

  for (const refusal of AT_INVITING) {
    it(`of an invitation because ${refusal.name} is told in our words`, async () => {
      await check(await refused('/invitations$', refusal), refusal, 1);
    });
  }
  for (const refusal of AT_LOOKING) {
    it(`of a look-up because ${refusal.name} is told in our words`, async () => {
      await check(await refused('/users$', refusal), refusal, 0);
      await lane.town.heal();
      await check(await refused('/groups$', refusal), refusal, 0);
    });
  }
  for (const refusal of AT_JOINING) {
    it(`of a joining because ${refusal.name} is told together with what was done`, async () => {
      await check(await refused('/members$', refusal), refusal, 1);
    });
  }

  it('of somebody who is a guest already does not speak of an invitation', async () => {
    const [refusal] = AT_JOINING;
    assert.ok(refusal);
    const { status, code, message } = refusal;
    await lane.town.fault({ kind: 'status', path: '/members$', status, code, message, times: -1 });
    await lane.town.say('invite leo@partner.example to team Apollo');
    const ended = await lane.shows('leo@partner.example', /"text":"Not done"/);
    assert.match(textOf(cardOf(ended)), /No invitation was needed, but Microsoft did not let me add them to Apollo\./);
  });

  it('that is a page of a router inside a 404 is no refusal: it is tried again', async () => {
    const address = 'routed@partner.example';
    await lane.town.fault({ kind: 'status', path: '/invitations$', status: 404, code: 'UnknownError', message: PAGE });
    await lane.town.say(`invite ${address}`);
    const done = await lane.shows(address, /is invited\. The mail is on its way/);
    assertForPeople(done);
    assert.equal(lane.town.sandbox.world.mails.filter((mail) => mail.to === address).length, 1);
    await assertNothingLeaked(lane);
  });

  for (const code of ['TooManyRequests', 'activityLimitReached']) {
    it(`that is a 429 named ${code} is waited for`, async () => {
      const address = `${code.toLowerCase()}@partner.example`;
      const message = 'Too many requests from tenant. Please retry after 1 second.';
      await lane.town.fault({ kind: 'status', path: '/invitations$', status: 429, code, message });
      await lane.town.say(`invite ${address}`);
      const done = await lane.shows(address, /is invited\. The mail is on its way/);
      assert.match(everShown(done), /Microsoft asked me to slow down/);
      assertForPeople(done);
    });
  }

  it('can be mended by the admin, and Try again then works', async () => {
    const address = 'mended@partner.example';
    await lane.town.control('settings', { allowInvitesFrom: 'none' });
    await lane.town.say(`invite ${address}`);
    const failed = await lane.shows(address, /Your organisation does not let guests be invited/);
    await lane.town.control('settings', { allowInvitesFrom: 'everyone' });
    const requestId = cardOf(failed).actions?.[0]?.data?.['requestId'] ?? '';
    await lane.town.press(failed.activityId, 'request.retry', { requestId });
    const done = await lane.shows(address, /is invited\. The mail is on its way/);
    assert.equal(done.activityId, failed.activityId);
  });

  it('does not hide what the sandbox refuses by its own rules', async () => {
    await lane.town.control('settings', { consent: false });
    await lane.town.say('invite consent@partner.example');
    await lane.shows('consent@partner.example', /Your admin has to consent to my permissions first/);
    await lane.town.control('settings', { consent: true });
    await lane.town.say('invite ana@contoso.example');
    await lane.shows('ana@contoso.example', /This address belongs to your own organisation/);
    await lane.town.say('invite bert@partner.example');
    await lane.shows('bert@partner.example', /already has an account here, but it is blocked/);
  });
});
