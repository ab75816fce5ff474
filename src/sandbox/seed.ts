/**
 * The Contoso tenant as it is on the first morning: who is there, which teams, which chats. The same every time, so that
 * a test may name an id. Must not know anything that happens later.
 */
import { callDefaults } from './callSettings.ts';
import { newParticipant } from './meetings.ts';
import { seedPartner } from './partnerSeed.ts';
import { partnerDefaults } from './partnerWorld.ts';
import { noTokens, tokenDefaults } from './userTokens.ts';
import { type DirectoryUser, type Group, type Person, personalConversation, teamsIdOf, type World } from './world.ts';

/** Tenant id of the sandbox unless another is asked for. */
export const defaultTenantId = '5a4db0c5-0000-4000-8000-00000000c0de';
/** Tenant id of Northwind, the company Tess works for. */
export const otherTenantId = '5a4db0c5-0000-4000-8000-00000000feed';
/** App id of the bot unless another is asked for. */
export const defaultBotId = '5a4db0c5-0000-4000-8000-000000000b07';

const since = '2026-01-05T09:00:00Z';
const userId = (n: number) => `5a4db0c5-0000-4000-8000-0000000010${String(n).padStart(2, '0')}`;
const groupId = (n: number) => `5a4db0c5-0000-4000-8000-0000000020${String(n).padStart(2, '0')}`;

/** Fills in what a test or the seed does not care about. */
export function makeUser(given: Partial<DirectoryUser> & { id: string; displayName: string }): DirectoryUser {
  const [givenName = null, ...rest] = given.displayName.split(' ');
  const mail = given.mail ?? null;
  return {
    givenName,
    surname: rest.join(' ') || null,
    mail,
    otherMails: [],
    proxyAddresses: mail ? [`SMTP:${mail}`] : [],
    userPrincipalName: mail ?? `${given.id}@contoso.onmicrosoft.example`,
    userType: 'Member',
    accountEnabled: true,
    externalUserState: null,
    externalUserStateChangeDateTime: null,
    createdDateTime: since,
    creationType: null,
    jobTitle: null,
    preferredLanguage: null,
    sponsors: [],
    invitedAt: null,
    ...given,
  };
}

/** A guest the way an invitation leaves one behind: the address in mail, otherMails and inside the principal name. */
export function makeGuest(
  given: Partial<DirectoryUser> & { id: string; displayName: string; mail: string },
): DirectoryUser {
  return makeUser({
    otherMails: [given.mail],
    userPrincipalName: `${given.mail.replace('@', '_')}#EXT#@contoso.onmicrosoft.example`,
    userType: 'Guest',
    externalUserState: 'Accepted',
    externalUserStateChangeDateTime: since,
    creationType: 'Invitation',
    ...given,
  });
}

/** Fills in what a test or the seed does not care about; `team: true` makes it a team. */
export function makeGroup(given: Partial<Group> & { id: string; displayName: string; team?: boolean }): Group {
  const { team = false, ...rest } = given;
  const nickname = given.displayName.toLowerCase().replace(/[^a-z0-9]/g, '');
  return {
    description: null,
    mail: team ? `${nickname}@contoso.example` : null,
    mailEnabled: team,
    mailNickname: nickname,
    securityEnabled: !team,
    groupTypes: team ? ['Unified'] : [],
    visibility: team ? 'Private' : null,
    resourceProvisioningOptions: team ? ['Team'] : [],
    createdDateTime: since,
    members: [],
    owners: [],
    ...rest,
  };
}

/** A fresh Contoso. */
export function seedWorld(tenantId: string): World {
  const users: DirectoryUser[] = [
    makeUser({
      id: userId(1),
      displayName: 'Rita Requester',
      mail: 'rita@contoso.example',
      jobTitle: 'Partner Manager',
    }),
    makeUser({ id: userId(2), displayName: 'Axel Approver', mail: 'axel@contoso.example', jobTitle: 'Head of Sales' }),
    makeUser({ id: userId(3), displayName: 'Ada Admin', mail: 'ada@contoso.example', jobTitle: 'IT Administrator' }),
    makeGuest({ id: userId(4), displayName: 'Gus Guest', mail: 'gus@fabrikam.example', sponsors: [userId(1)] }),
    makeGuest({
      id: userId(5),
      displayName: 'Pia Pending',
      mail: 'pia@partner.example',
      externalUserState: 'PendingAcceptance',
      externalUserStateChangeDateTime: '2026-11-12T10:20:00Z',
      createdDateTime: '2026-11-12T10:20:00Z',
      sponsors: [userId(1)],
    }),
    makeGuest({ id: userId(6), displayName: 'Leo Longstanding', mail: 'leo@partner.example', sponsors: [userId(2)] }),
    makeUser({
      id: userId(7),
      displayName: 'Dora Double',
      mail: 'dora@contoso.example',
      otherMails: ['dora@sidegig.example'],
      proxyAddresses: ['SMTP:dora@contoso.example', 'smtp:dora.double@contoso.example'],
    }),
    makeGuest({ id: userId(8), displayName: 'Bert Blocked', mail: 'bert@partner.example', accountEnabled: false }),
    makeGuest({ id: userId(9), displayName: "Orla O'Brien", mail: "o'brien@fabrikam.example", sponsors: [userId(1)] }),
    makeUser({ id: userId(10), displayName: 'Bo Berg', mail: 'bo.berg@contoso.example', jobTitle: 'Engineer' }),
    makeUser({ id: userId(11), displayName: 'Bo Brandt', mail: 'bo.brandt@contoso.example', jobTitle: 'Designer' }),
    makeUser({ id: userId(12), displayName: 'Cleo Costa', mail: 'cleo@contoso.example', jobTitle: 'Sales Manager' }),
    makeUser({ id: userId(13), displayName: 'Dan Dale', mail: 'dan@contoso.example', jobTitle: 'Solution Architect' }),
    // Whom the sample of Governance Toolkit 365 names as the requester, so that it can be sent as it stands.
    makeUser({
      id: userId(14),
      displayName: 'Adele Vance',
      mail: 'adele.vance@mycompany.com',
      jobTitle: 'Retail Manager',
    }),
  ];

  const owners = [userId(1)];
  const groups: Group[] = [
    makeGroup({
      id: groupId(1),
      displayName: 'Apollo',
      description: 'Joint proof of concept',
      team: true,
      owners,
      members: [userId(1), userId(2), userId(3), userId(4)],
    }),
    makeGroup({ id: groupId(2), displayName: 'Borealis', team: true, owners: [userId(2)], members: [userId(2)] }),
    makeGroup({ id: groupId(3), displayName: 'Zenith', description: 'Sales', team: true, owners, members: owners }),
    makeGroup({
      id: groupId(4),
      displayName: 'Zenith',
      description: 'Engineering',
      team: true,
      owners: [userId(2)],
      members: [userId(2)],
    }),
    makeGroup({ id: groupId(5), displayName: 'Partners', members: [userId(6)] }),
  ];

  const person = (key: string, n: number): Person => {
    const user = users[n - 1];
    if (!user?.mail) throw new Error(`no seeded user ${n}`);
    return {
      key,
      name: user.displayName,
      mail: user.mail,
      teamsId: teamsIdOf(user.id),
      userId: user.id,
      tenantId,
      guest: user.userType === 'Guest',
    };
  };
  const tessId = '5a4db0c5-0000-4000-8000-000000003001';
  const people: Person[] = [
    person('rita', 1),
    person('axel', 2),
    person('ada', 3),
    person('gus', 4),
    {
      key: 'tess',
      name: 'Tess Tenant',
      mail: 'tess@northwind.example',
      teamsId: teamsIdOf(tessId),
      userId: tessId,
      tenantId: otherTenantId,
      guest: false,
    },
  ];

  const general = '19:5a4db0c5apollogeneral0000000000@thread.tacv2';
  const meetingThread = '19:meeting_NWE0ZGIwYzUtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDA0MDAx@thread.v2';
  const everyone = people.map((one) => one.key);
  const world: World = {
    tenantId,
    tenantName: 'Contoso',
    verifiedDomains: ['contoso.example', 'mycompany.com', 'contoso.onmicrosoft.example'],
    settings: {
      directoryDelayMs: 0,
      allowInvitesFrom: 'everyone',
      consent: true,
      latencyMs: 0,
      invitationQuota: true,
      teamMemberTwice: 201,
      deltaPageSize: 100,
      deltaLifetimeMs: 7 * 24 * 3600_000,
      ...callDefaults,
      ...partnerDefaults,
      ...tokenDefaults,
    },
    users,
    groups,
    people,
    conversations: [],
    meetings: [],
    messages: [],
    invitations: [],
    invitationsTaken: [],
    mails: [],
    files: [],
    partner: seedPartner(userId),
    tokens: noTokens(),
  };
  for (const one of people) personalConversation(world, one);
  world.conversations.push(
    {
      id: '19:5a4db0c5groupchat00000000000000@thread.v2',
      key: 'group',
      type: 'groupChat',
      name: 'Partner onboarding',
      members: everyone,
      team: null,
      meetingId: null,
      bot: 'never',
    },
    {
      id: general,
      key: 'general',
      type: 'channel',
      name: 'General',
      members: everyone,
      team: { id: general, name: 'Apollo', aadGroupId: groupId(1) },
      meetingId: null,
      bot: 'never',
    },
    {
      id: meetingThread,
      key: 'meeting',
      type: 'groupChat',
      name: 'Apollo weekly',
      members: everyone,
      team: null,
      meetingId: 'MCMxOTptZWV0aW5nX05XRTBaR0l3WXpVdE1EQXdNQzAwTURBd0xUZ3dNREF0TURBd01EQXdNREEwTURBeEB0aHJlYWQudjIjMA==',
      bot: 'never',
    },
  );
  // Rita is in her weekly meeting already; the others can be called.
  const rita = { kind: 'user' as const, id: userId(1), displayName: 'Rita Requester', tenantId };
  world.meetings.push({
    threadId: meetingThread,
    title: 'Apollo weekly',
    organizer: 'rita',
    msGraphResourceId: Buffer.from(`1*${userId(1)}*0**${meetingThread}`).toString('base64'),
    joinMeetingId: '320004000137',
    passcode: 'Ap0llo',
    running: true,
    participants: [newParticipant(rita)],
  });
  return world;
}
