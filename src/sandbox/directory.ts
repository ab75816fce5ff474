/**
 * Graph's users and groups: lists with filter and select, single objects, membership of groups and teams. Sources: Graph
 * docs user-list, group-list, group-post-members, team-post-members. Must not know invitations or chat.
 */
import { userDeltas } from './deltas.ts';
import { type Answer, asObject, type Exchange, type Handler } from './exchange.ts';
import { compileFilter, type Filterable, FilterFault } from './filter.ts';
import {
  graphError,
  graphOk,
  graphRoot,
  type ListShape,
  listPage,
  notInDirectory,
  pick,
  selection,
  unknownProperty,
} from './graphAnswer.ts';
import type { Room } from './room.ts';
import { compileSearch, SearchFault } from './search.ts';
import { type DirectoryUser, type Group, isVisible, visibleUser } from './world.ts';

const userDefaults = ['businessPhones', 'displayName', 'givenName', 'jobTitle', 'mail', 'mobilePhone'];
const users: ListShape = {
  byDefault: [...userDefaults, 'officeLocation', 'preferredLanguage', 'surname', 'userPrincipalName', 'id'],
  selectable: [
    ...['id', 'displayName', 'givenName', 'surname', 'mail', 'mailNickname', 'otherMails', 'proxyAddresses'],
    ...['userPrincipalName', 'userType', 'accountEnabled', 'externalUserState', 'externalUserStateChangeDateTime'],
    ...['createdDateTime', 'creationType', 'jobTitle', 'companyName', 'department', 'officeLocation', 'identities'],
    ...[
      'businessPhones',
      'mobilePhone',
      'preferredLanguage',
      'usageLocation',
      'country',
      'signInSessionsValidFromDateTime',
    ],
  ],
};
const userFilters: Filterable = {
  id: 'value',
  displayName: 'value',
  givenName: 'value',
  surname: 'value',
  mail: 'value',
  userPrincipalName: 'value',
  userType: 'value',
  accountEnabled: 'value',
  externalUserState: 'value',
  createdDateTime: 'value',
  jobTitle: 'value',
  otherMails: 'collection',
  proxyAddresses: 'collection',
};
const groups: ListShape = {
  byDefault: [
    ...['id', 'createdDateTime', 'description', 'displayName', 'groupTypes', 'mail', 'mailEnabled', 'mailNickname'],
    ...['resourceProvisioningOptions', 'securityEnabled', 'visibility'],
  ],
  selectable: [
    ...['id', 'createdDateTime', 'description', 'displayName', 'groupTypes', 'mail', 'mailEnabled', 'mailNickname'],
    ...['resourceProvisioningOptions', 'securityEnabled', 'visibility', 'isAssignableToRole', 'proxyAddresses'],
    ...['membershipRule', 'classification', 'renewedDateTime', 'onPremisesSyncEnabled', 'assignedLabels'],
  ],
};
const groupFilters: Filterable = {
  id: 'value',
  displayName: 'value',
  mail: 'value',
  mailNickname: 'value',
  mailEnabled: 'value',
  securityEnabled: 'value',
  visibility: 'value',
  groupTypes: 'collection',
  resourceProvisioningOptions: 'collection',
};

const searchable = ['displayName', 'description', 'givenName', 'surname', 'mail', 'mailNickname', 'userPrincipalName'];

function list(exchange: Exchange, type: 'user' | 'group', records: readonly object[]): Answer {
  const shape = type === 'user' ? users : groups;
  const names = selection(exchange, shape);
  if ('unknown' in names) return unknownProperty(exchange, names.unknown, type);
  const eventual = exchange.headers['consistencylevel']?.toString().toLowerCase() === 'eventual';
  const search = exchange.query.get('$search');
  const advanced = eventual && (exchange.query.get('$count') === 'true' || search !== null);
  const filter = exchange.query.get('$filter');
  let found = [...records];
  if (search !== null && !eventual) {
    const message = "$search works only with the request header 'ConsistencyLevel: eventual'.";
    return graphError(exchange, 400, 'Request_UnsupportedQuery', message);
  }
  try {
    const tests = [
      ...(search === null ? [] : [compileSearch(search, searchable)]),
      ...(filter === null ? [] : [compileFilter(filter, type === 'user' ? userFilters : groupFilters, advanced)]),
    ];
    found = found.filter((record) => tests.every((fits) => fits(record as Record<string, unknown>)));
  } catch (error) {
    if (error instanceof SearchFault) return graphError(exchange, 400, 'Request_BadRequest', error.message);
    if (!(error instanceof FilterFault)) throw error;
    return graphError(exchange, 400, error.code, error.message);
  }
  const order = exchange.query.get('$orderby');
  if (order !== null) {
    const [key = '', direction = 'asc'] = order.split(' ');
    if (key !== 'displayName' || (filter !== null && !advanced)) {
      const message = 'Sorting not supported for current query.';
      return graphError(exchange, 400, 'Request_UnsupportedQuery', message);
    }
    const sign = direction === 'desc' ? -1 : 1;
    const nameOf = (record: object) => String((record as Record<string, unknown>)[key]);
    found.sort((a, b) => sign * nameOf(a).localeCompare(nameOf(b)));
  }
  return listPage(exchange, type === 'user' ? 'users' : 'groups', names, found);
}

function one(exchange: Exchange, type: 'user' | 'group', record: object): Answer {
  const names = selection(exchange, type === 'user' ? users : groups);
  if ('unknown' in names) return unknownProperty(exchange, names.unknown, type);
  const columns = exchange.query.has('$select') ? `(${names.join(',')})` : '';
  const context = { '@odata.context': `${graphRoot}/$metadata#${type}s${columns}/$entity` };
  return graphOk(exchange, 200, { ...context, ...pick(record, names) });
}

/** The id at the end of `…/directoryObjects/{id}`, `…/users/{id}` or `…/users('{id}')`. */
export function boundId(reference: unknown): string | undefined {
  if (typeof reference !== 'string') return undefined;
  const match = /\/(?:directoryObjects|users)(?:\/([^/()']+)|\('([^']+)'\))$/.exec(reference);
  return match?.[1] ?? match?.[2];
}

function membership(room: Room, team: Group, user: DirectoryUser): Record<string, unknown> {
  const key = Buffer.from(`${room.world.tenantId}##${team.id}##${user.id}`).toString('base64');
  return {
    '@odata.type': '#microsoft.graph.aadUserConversationMember',
    id: key,
    roles: team.owners.includes(user.id) ? ['owner'] : user.userType === 'Guest' ? ['guest'] : [],
    displayName: user.displayName,
    visibleHistoryStartDateTime: '0001-01-01T00:00:00Z',
    userId: user.id,
    email: user.mail,
    tenantId: room.world.tenantId,
  };
}

/** The user and group routes. */
export function directoryRoutes(room: Room): Record<string, Handler> {
  const { world } = room;
  const group = (id: string | undefined) => world.groups.find((record) => record.id === id);
  const team = (id: string | undefined) =>
    world.groups.find((record) => record.id === id && record.resourceProvisioningOptions.includes('Team'));
  const missing = (exchange: Exchange, id: string | undefined) => notInDirectory(exchange, id ?? '');
  const noTeam = (exchange: Exchange, id: string | undefined) =>
    graphError(exchange, 404, 'NotFound', `No team found with Group Id ${id}`);
  const changed = () => room.happenings.tell('directory', {});
  const membersOf = (record: Group) => world.users.filter((user) => record.members.includes(user.id));

  return {
    'GET /v1.0/users': (exchange) =>
      list(
        exchange,
        'user',
        world.users.filter((user) => isVisible(world, user)),
      ),
    'GET /v1.0/users/delta': userDeltas(room, users),
    'GET /v1.0/users/:id': (exchange, { id }) => {
      const user = visibleUser(world, id ?? '');
      return user ? one(exchange, 'user', user) : missing(exchange, id);
    },
    'GET /v1.0/users/:id/sponsors': (exchange, { id }) => {
      const user = visibleUser(world, id ?? '');
      if (!user) return missing(exchange, id);
      return list(
        exchange,
        'user',
        world.users.filter((other) => user.sponsors.includes(other.id)),
      );
    },
    'POST /v1.0/users/:id/sponsors/$ref': (exchange, { id }) => {
      const user = visibleUser(world, id ?? '');
      if (!user) return missing(exchange, id);
      const sponsorId = boundId(asObject(exchange.body)?.['@odata.id']) ?? '';
      if (![...world.users, ...world.groups].some((record) => record.id === sponsorId))
        return missing(exchange, sponsorId);
      if (user.sponsors.includes(sponsorId)) {
        const message =
          "One or more added object references already exist for the following modified properties: 'sponsors'.";
        return graphError(exchange, 400, 'Request_BadRequest', message);
      }
      user.sponsors.push(sponsorId);
      changed();
      return graphOk(exchange, 204);
    },
    'DELETE /v1.0/users/:id/sponsors/:sponsorId/$ref': (exchange, { id, sponsorId }) => {
      const user = visibleUser(world, id ?? '');
      if (!user?.sponsors.includes(sponsorId ?? '')) return missing(exchange, user ? sponsorId : id);
      user.sponsors = user.sponsors.filter((one) => one !== sponsorId);
      changed();
      return graphOk(exchange, 204);
    },
    'GET /v1.0/users/:id/memberOf': (exchange, { id }) => {
      const user = visibleUser(world, id ?? '');
      if (!user) return missing(exchange, id);
      return list(
        exchange,
        'group',
        world.groups.filter((record) => record.members.includes(user.id)),
      );
    },
    'DELETE /v1.0/users/:id': (exchange, { id }) => {
      const user = visibleUser(world, id ?? '');
      if (!user) return missing(exchange, id);
      world.users.splice(world.users.indexOf(user), 1);
      for (const record of world.groups) {
        record.members = record.members.filter((member) => member !== user.id);
        record.owners = record.owners.filter((owner) => owner !== user.id);
      }
      changed();
      return graphOk(exchange, 204);
    },
    'GET /v1.0/groups': (exchange) => list(exchange, 'group', world.groups),
    'GET /v1.0/groups/:id': (exchange, { id }) => {
      const record = group(id);
      return record ? one(exchange, 'group', record) : missing(exchange, id);
    },
    'GET /v1.0/groups/:id/members': (exchange, { id }) => {
      const record = group(id);
      return record ? list(exchange, 'user', membersOf(record)) : missing(exchange, id);
    },
    'GET /v1.0/groups/:id/transitiveMembers/microsoft.graph.user': (exchange, { id }) => {
      const record = group(id);
      return record ? list(exchange, 'user', membersOf(record)) : missing(exchange, id);
    },
    'GET /v1.0/groups/:id/owners': (exchange, { id }) => {
      const record = group(id);
      if (!record) return missing(exchange, id);
      return list(
        exchange,
        'user',
        world.users.filter((user) => record.owners.includes(user.id)),
      );
    },
    'POST /v1.0/users/:id/checkMemberGroups': (exchange, { id }) => {
      const user = visibleUser(world, id ?? '');
      if (!user) return missing(exchange, id);
      const asked = asObject(exchange.body)?.['groupIds'];
      // At most 20 at once (Graph docs, directoryobject-checkmembergroups).
      if (!Array.isArray(asked) || asked.length === 0 || asked.length > 20)
        return graphError(exchange, 400, 'Request_BadRequest', 'Invalid value specified for property groupIds.');
      const value = asked.filter((one) => group(String(one))?.members.includes(user.id));
      return graphOk(exchange, 200, { '@odata.context': `${graphRoot}/$metadata#Collection(Edm.String)`, value });
    },
    'POST /v1.0/groups/:id/members/$ref': (exchange, { id }) => {
      const record = group(id);
      if (!record) return missing(exchange, id);
      const memberId = boundId(asObject(exchange.body)?.['@odata.id']);
      if (!memberId) {
        return graphError(exchange, 400, 'Request_BadRequest', "Property '@odata.id' is missing or not a reference.");
      }
      const user = visibleUser(world, memberId);
      if (!user) return missing(exchange, memberId);
      if (record.members.includes(user.id)) {
        const message =
          "One or more added object references already exist for the following modified properties: 'members'.";
        return graphError(exchange, 400, 'Request_BadRequest', message);
      }
      record.members.push(user.id);
      changed();
      return graphOk(exchange, 204);
    },
    'DELETE /v1.0/groups/:id/members/:userId/$ref': (exchange, { id, userId }) => {
      const record = group(id);
      if (!record?.members.includes(userId ?? '')) return missing(exchange, record ? userId : id);
      record.members = record.members.filter((member) => member !== userId);
      changed();
      return graphOk(exchange, 204);
    },
    'GET /v1.0/teams/:id': (exchange, { id }) => {
      const record = team(id);
      if (!record) return noTeam(exchange, id);
      const { displayName, description, visibility } = record;
      const channel = world.conversations.find((one) => one.team?.aadGroupId === record.id);
      return graphOk(exchange, 200, {
        '@odata.context': `${graphRoot}/$metadata#teams/$entity`,
        id: record.id,
        displayName,
        description,
        visibility: visibility?.toLowerCase() ?? null,
        internalId: channel?.id ?? null,
        isArchived: false,
      });
    },
    'GET /v1.0/teams/:id/members': (exchange, { id }) => {
      const record = team(id);
      if (!record) return noTeam(exchange, id);
      return graphOk(exchange, 200, {
        '@odata.context': `${graphRoot}/$metadata#teams('${record.id}')/members`,
        '@odata.count': record.members.length,
        value: membersOf(record).map((user) => membership(room, record, user)),
      });
    },
    'POST /v1.0/teams/:id/members': (exchange, { id }) => {
      const record = team(id);
      if (!record) return noTeam(exchange, id);
      const body = asObject(exchange.body) ?? {};
      const memberId = boundId(body['user@odata.bind']);
      if (!memberId || body['@odata.type'] !== '#microsoft.graph.aadUserConversationMember') {
        return graphError(exchange, 400, 'BadRequest', "Invalid bind property name 'user' in request.");
      }
      const user = visibleUser(world, memberId);
      if (!user) {
        const message = `Unable to find the object with id '${memberId}' in the directory.`;
        return graphError(exchange, 404, 'Directory_ObjectNotFound', message);
      }
      const already = record.members.includes(user.id);
      if (already && world.settings.teamMemberTwice === 409) {
        return graphError(exchange, 409, 'Conflict', 'The user is already a member of the team.');
      }
      if (!already) record.members.push(user.id);
      const roles = Array.isArray(body['roles']) ? body['roles'] : [];
      if (roles.includes('owner') && !record.owners.includes(user.id)) record.owners.push(user.id);
      changed();
      return graphOk(exchange, 201, {
        '@odata.context': `${graphRoot}/$metadata#teams('${record.id}')/members/$entity`,
        ...membership(room, record, user),
      });
    },
    'DELETE /v1.0/teams/:id/members/:membershipId': (exchange, { id, membershipId }) => {
      const record = team(id);
      if (!record) return noTeam(exchange, id);
      const user = membersOf(record).find((member) => membership(room, record, member)['id'] === membershipId);
      if (!user) return graphError(exchange, 404, 'NotFound', 'The member was not found.');
      record.members = record.members.filter((member) => member !== user.id);
      changed();
      return graphOk(exchange, 204);
    },
  };
}
