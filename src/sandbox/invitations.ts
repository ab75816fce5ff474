/**
 * `POST /invitations`: the rules under which Graph invites a guest, and the mail that goes out. Sources: Graph docs
 * invitation-post and resources/invitation; the texts of refusals come from public reports. Must not know chat.
 */
import { randomUUID } from 'node:crypto';
import { boundId } from './directory.ts';
import { type Answer, asObject, type Exchange, type Handler } from './exchange.ts';
import { graphError, graphOk, graphRoot, notInDirectory } from './graphAnswer.ts';
import type { Room } from './room.ts';
import { makeGuest } from './seed.ts';
import { type DirectoryUser, type Mail, userByAddress } from './world.ts';

/** Characters Graph refuses in an invited address (Graph docs, resources/invitation). */
const banned = /[~!#$%^&*()+=[\]{}\\/|;:"<>?,\s]/;

function addressFault(address: string): string | undefined {
  const [name = '', domain = '', ...rest] = address.split('@');
  if (banned.test(address)) return 'contains characters that are not allowed';
  if (rest.length > 0 || name === '' || !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(domain)) return 'is not an e-mail address';
  if (/^[.-]|[.-]$/.test(name)) return "may not begin or end its name with '.' or '-'";
  return undefined;
}

interface Wanted {
  address: string;
  redirectUrl: string;
  displayName: string | null;
  userType: 'Guest' | 'Member';
  sendMail: boolean;
  language: string | null;
  message: string | null;
  cc: { name: string | null; address: string | null }[];
  sponsorIds: string[];
  resetOf: string | null;
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);

function read(body: Record<string, unknown>): Wanted | { fault: string } {
  for (const name of ['invitedUserEmailAddress', 'inviteRedirectUrl']) {
    if (textOf(body[name]) === null)
      return { fault: `A value is required for property '${name}' of resource 'Invitation'.` };
  }
  const address = String(body['invitedUserEmailAddress']);
  const fault = addressFault(address);
  if (fault) return { fault: `Invalid value specified for property 'invitedUserEmailAddress': the address ${fault}.` };
  const redirectUrl = String(body['inviteRedirectUrl']);
  if (!URL.canParse(redirectUrl)) return { fault: "Invalid value specified for property 'inviteRedirectUrl'." };
  const userType = body['invitedUserType'] ?? 'Guest';
  if (userType !== 'Guest' && userType !== 'Member') return { fault: "Invalid value for property 'invitedUserType'." };
  const info = asObject(body['invitedUserMessageInfo']) ?? {};
  const recipients = Array.isArray(info['ccRecipients']) ? info['ccRecipients'] : [];
  if (recipients.length > 1) return { fault: 'Only one CC recipient is supported.' };
  const cc = recipients.map((one) => {
    const email = asObject(asObject(one)?.['emailAddress']) ?? {};
    return { name: textOf(email['name']), address: textOf(email['address']) };
  });
  const bound = body['invitedUserSponsors@odata.bind'] ?? body['invitedUserSponsors'];
  const sponsors = Array.isArray(bound) ? bound : [];
  const sponsorIds = sponsors
    .map((one) => boundId(one) ?? boundId(asObject(one)?.['@odata.id']) ?? textOf(asObject(one)?.['id']))
    .filter((id): id is string => typeof id === 'string');
  const resetOf = body['resetRedemption'] === true ? (textOf(asObject(body['invitedUser'])?.['id']) ?? '') : null;
  return {
    address,
    redirectUrl,
    displayName: textOf(body['invitedUserDisplayName']),
    userType,
    sendMail: body['sendInvitationMessage'] === true,
    language: textOf(info['messageLanguage']),
    message: textOf(info['customizedMessageBody']),
    cc,
    sponsorIds,
    resetOf,
  };
}

/** The invitation route. */
export function invitationRoutes(room: Room): Record<string, Handler> {
  return { 'POST /v1.0/invitations': (exchange) => invite(room, exchange) };
}

/** The quota of a tenant on /invitations, for all apps together (Graph docs, throttling-limits). */
const quota = { limit: 150, windowMs: 5_000 };

/** How long until one more request is taken, in ms; 0: it is taken now. What is refused does not count. */
function overQuota({ world }: Room): number {
  const now = Date.now();
  const { invitationsTaken: taken } = world;
  while (taken[0] !== undefined && taken[0] <= now - quota.windowMs) taken.shift();
  const [oldest] = taken;
  if (world.settings.invitationQuota && oldest !== undefined && taken.length >= quota.limit)
    return oldest + quota.windowMs - now;
  taken.push(now);
  return 0;
}

function invite(room: Room, exchange: Exchange): Answer {
  const { world } = room;
  const refuse = (status: number, code: string, message: string) => graphError(exchange, status, code, message);
  if (!world.settings.consent) {
    const what = 'ControllerName=MSGraphInviteAPI, ActionName=CreateInvite';
    const message = `Insufficient privileges to perform requested operation by the application '00000003-0000-0000-c000-000000000000'. ${what}, URL absolute path=/api/${world.tenantId}/invites`;
    return refuse(401, 'Unauthorized', message);
  }
  const waitMs = overQuota(room);
  if (waitMs > 0) {
    const answer = refuse(429, 'TooManyRequests', 'Too many requests.');
    return { ...answer, headers: { ...answer.headers, 'retry-after': String(Math.ceil(waitMs / 1000)) } };
  }
  const body = asObject(exchange.body);
  if (!body) return refuse(400, 'BadRequest', 'Unable to read JSON request payload.');
  if (world.settings.allowInvitesFrom === 'none') {
    const message =
      'Guest invitations not allowed for your company. Contact your company administrator for more details.';
    return refuse(403, 'Forbidden', message);
  }
  const wanted = read(body);
  if ('fault' in wanted) return refuse(400, 'BadRequest', wanted.fault);
  const domain = wanted.address.split('@')[1]?.toLowerCase() ?? '';
  if (world.verifiedDomains.some((own) => domain === own || domain.endsWith(`.${own}`))) {
    const message =
      "This user cannot be invited because the domain of the user's email address is a verified domain of this directory.";
    return refuse(400, 'BadRequest', message);
  }
  const unknownSponsor = wanted.sponsorIds.find(
    (id) => ![...world.users, ...world.groups].some((record) => record.id === id),
  );
  if (unknownSponsor) return notInDirectory(exchange, unknownSponsor);

  const owner = userByAddress(world, wanted.address);
  const invited = wanted.resetOf === null ? owner : world.users.find((user) => user.id === wanted.resetOf);
  if (wanted.resetOf !== null && !invited) {
    if (wanted.resetOf !== '') return notInDirectory(exchange, wanted.resetOf);
    return refuse(400, 'BadRequest', "Property 'invitedUser' with an id is required to reset redemption.");
  }
  const taken = owner && (owner !== invited || owner.userType === 'Member') ? owner : undefined;
  if (taken?.accountEnabled) {
    const message = `The invited user already exists in the directory as objectID: ${taken.id}. They can use that account to sign in to shared apps and resources.`;
    return refuse(400, 'BadRequest', message);
  }
  const blocked = [taken, invited].find((user) => user?.accountEnabled === false);
  if (blocked) {
    const message = `The invited user already exists in the directory as object ID: ${blocked.id}, but the account is blocked from signing in. Unblock the account before inviting the user again.`;
    return refuse(412, 'PreconditionFailed', message);
  }
  return create(room, exchange, wanted, invited);
}

function create(room: Room, exchange: Exchange, wanted: Wanted, existing: DirectoryUser | undefined): Answer {
  const { world } = room;
  const at = new Date().toISOString();
  let user = existing;
  if (!user) {
    user = makeGuest({
      id: randomUUID(),
      displayName: wanted.displayName ?? wanted.address.split('@')[0] ?? wanted.address,
      mail: wanted.address,
      userType: wanted.userType,
      userPrincipalName: `${wanted.address.replace('@', '_')}#EXT#@${world.verifiedDomains.at(-1)}`,
      externalUserState: 'PendingAcceptance',
      externalUserStateChangeDateTime: at,
      createdDateTime: at,
      invitedAt: Date.now(),
    });
    world.users.push(user);
  } else if (wanted.resetOf !== null) {
    user.mail = wanted.address;
    user.otherMails = [wanted.address];
    user.proxyAddresses = [`SMTP:${wanted.address}`];
    user.externalUserState = 'PendingAcceptance';
    user.externalUserStateChangeDateTime = at;
  }
  user.sponsors = [...new Set([...user.sponsors, ...wanted.sponsorIds])];

  const id = randomUUID();
  const ticket = Buffer.from(`${id}:${user.id}`).toString('base64url');
  const redeemUrl = `https://login.microsoftonline.com/redeem?rd=${ticket}`;
  world.invitations.push({ id, userId: user.id, address: wanted.address, redeemUrl, at });
  if (wanted.sendMail) {
    const mail: Mail = {
      id: `mail-${world.mails.length + 1}`,
      to: wanted.address,
      cc: wanted.cc.map((one) => one.address).filter((address) => address !== null),
      subject: `${world.tenantName} invited you to access applications within their organization`,
      body: wanted.message ?? 'Please accept the invitation to get access.',
      language: wanted.language ?? 'en-US',
      redeemUrl,
      userId: user.id,
      invitationId: id,
      at,
      acceptedAt: null,
    };
    world.mails.push(mail);
    room.happenings.tell('mail', mail);
  }
  room.happenings.tell('directory', {});
  const nobody = [{ name: null, address: null }];
  return graphOk(exchange, 201, {
    '@odata.context': `${graphRoot}/$metadata#invitations/$entity`,
    id,
    inviteRedeemUrl: redeemUrl,
    invitedUserDisplayName: wanted.displayName,
    invitedUserEmailAddress: wanted.address,
    invitedUserType: wanted.userType,
    resetRedemption: wanted.resetOf !== null,
    sendInvitationMessage: wanted.sendMail,
    invitedUserMessageInfo: {
      messageLanguage: wanted.language,
      ccRecipients: (wanted.cc.length > 0 ? wanted.cc : nobody).map((emailAddress) => ({ emailAddress })),
      customizedMessageBody: wanted.message,
    },
    inviteRedirectUrl: wanted.redirectUrl,
    status: user.externalUserState === 'Accepted' ? 'Completed' : 'PendingAcceptance',
    invitedUser: { id: user.id },
  });
}
