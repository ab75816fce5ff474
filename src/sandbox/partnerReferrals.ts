/**
 * How referrals come about and change: two of them make an engagement with another organization, status and substatus move
 * together, a closed one stays as it is. Works on plain data; it must not know HTTP, tokens or webhooks.
 */
import { randomUUID } from 'node:crypto';
import type { Fault } from './partnerAnswer.ts';
import { nextStatuses, patchPaths, substatusesOf } from './partnerEnums.ts';
import { type ReferralBody, readBody } from './partnerShapes.ts';
import { longTime, microsoft, newETag, type PartnerWorld, partnerTime, type Referral } from './partnerWorld.ts';

/** Why something did not happen. */
export type Refusal =
  | { kind: 'invalid'; fault: Fault }
  | { kind: 'noEngagement'; engagementId: string }
  | { kind: 'alreadyThere'; organizationId: string };

/** How long an invitation stands before it expires, in ms. Seen in the portal: 14 days. */
export const invitationMs = 14 * 24 * 60 * 60_000;

const invalid = (target: string, code: string, message: string): Refusal => ({
  kind: 'invalid',
  fault: { target, code, message },
});

/** Organizations the sandbox can name; any other id is a partner nobody has heard of. */
const known: Record<string, string> = { [microsoft.id]: microsoft.name, fabrikam: 'Fabrikam', northwind: 'Northwind' };

/** The organization a create call is for: the one it targets, the one it names, or the caller's own. */
function organizationFor(partner: PartnerWorld, body: ReferralBody): { id: string; name: string } {
  const target = body.target?.find((one) => one.type === 'BusinessProfileLocation')?.id;
  const id = body.engagementId ? (target ?? body.organizationId ?? partner.organization.id) : partner.organization.id;
  if (id === partner.organization.id) return partner.organization;
  return { id, name: known[id.toLowerCase()] ?? body.organizationName ?? id };
}

/** Status and substatus of a new referral. An own shared one comes back accepted (Partner Center docs, sample). */
function firstStatus(body: ReferralBody, isOwn: boolean): { status: string; substatus: string } | Refusal {
  const status = body.status ?? 'New';
  const substatus = body.substatus ?? (status === 'Active' ? 'Accepted' : 'Pending');
  if (status !== 'New' && status !== 'Active') {
    return invalid('status', 'invalidStatus', `a referral cannot begin as '${status}'`);
  }
  if (substatus === 'Received' || !substatusesOf[status]?.includes(substatus)) {
    return invalid('substatus', 'invalidSubstatus', `'${substatus}' does not fit status '${status}'`);
  }
  return body.type === 'Shared' && isOwn ? { status: 'Active', substatus: 'Accepted' } : { status, substatus };
}

/** What every referral has, whoever makes it. */
export function makeReferral(
  given: Partial<Referral> & Pick<Referral, 'organizationId' | 'organizationName' | 'type' | 'direction' | 'name'>,
): Referral {
  const at = partnerTime();
  return {
    id: randomUUID(),
    engagementId: randomUUID(),
    externalReferenceId: null,
    createdDateTime: at,
    updatedDateTime: at,
    expirationDateTime: null,
    acceptedDateTime: given.status === 'Active' ? at : null,
    closedDateTime: null,
    statusReason: null,
    eTag: newETag(),
    status: 'New',
    substatus: 'Pending',
    qualification: 'SalesQualified',
    ...given,
  };
}

/** Creates a referral for the partner, or for the organization that it invites into an engagement. */
export function createReferral(partner: PartnerWorld, given: unknown): { referral: Referral } | { refused: Refusal } {
  const read = readBody(given);
  if ('fault' in read) return { refused: { kind: 'invalid', fault: read.fault } };
  const { body } = read;
  const { engagementId } = body;
  const others = partner.referrals.filter((one) => one.engagementId === engagementId?.toLowerCase());
  if (engagementId && others.length === 0) return { refused: { kind: 'noEngagement', engagementId } };
  const organization = organizationFor(partner, body);
  if (others.some((one) => one.organizationId === organization.id)) {
    return { refused: { kind: 'alreadyThere', organizationId: organization.id } };
  }
  const isOwn = organization.id === partner.organization.id;
  const first = firstStatus(body, isOwn);
  if ('kind' in first) return { refused: first };
  const { links: _links, eTag: _eTag, id: _id, ...sent } = body;
  const referral = makeReferral({
    ...sent,
    name: body.name ?? null,
    engagementId: engagementId?.toLowerCase() ?? randomUUID(),
    organizationId: organization.id,
    organizationName: organization.name,
    externalReferenceId: body.externalReferenceId ?? null,
    statusReason: body.statusReason ?? null,
    target: body.target ?? [],
    team: body.team ?? [],
    direction: 'Outgoing',
    expirationDateTime: isOwn ? null : longTime(Date.now() + invitationMs),
    ...first,
  });
  partner.referrals.push(referral);
  return { referral };
}

const detailPaths = ['customerAction', 'requirements/industries', 'requirements/products', 'requirements/services'];
const patchable = new Set<string>([
  ...patchPaths,
  ...detailPaths.map((path) => `/details/${path}`),
  ...['industries', 'products', 'services'].map((name) => `/details/requirements/${name}/-`),
]);

type Operation = { op: 'replace' | 'add'; path: string; value: unknown };

/** Reads a JSON Patch, of which the service takes two operations and a list of paths. */
export function readPatch(given: unknown): Operation[] | Refusal {
  if (!Array.isArray(given) || given.length === 0) {
    return invalid('referral', 'invalidPatch', 'the body is not a JSON Patch with operations');
  }
  const operations: Operation[] = [];
  for (const [index, one] of given.entries()) {
    const { op, path, value } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>;
    if (op !== 'replace' && op !== 'add') {
      return invalid(`[${index}].op`, 'invalidOperation', `'${String(op)}' is not supported`);
    }
    if (typeof path !== 'string' || !patchable.has(path)) {
      return invalid(`[${index}].path`, 'invalidPath', `'${String(path)}' cannot be changed`);
    }
    if (value === undefined) return invalid(`[${index}].value`, 'requiredPropertyMissing', 'is required');
    operations.push({ op, path, value });
  }
  return operations;
}

/** Lays operations over a copy of a referral. The documented sample sends the value of a deal as text. */
function patched(referral: Referral, operations: readonly Operation[]): Record<string, unknown> {
  const next = structuredClone(referral) as Record<string, unknown>;
  for (const { path, value } of operations) {
    const parts = path.slice(1).split('/');
    const last = parts.pop() ?? '';
    let holder = next;
    for (const [index, part] of parts.entries()) {
      holder[part] ??= last === '-' && index === parts.length - 1 ? [] : {};
      holder = holder[part] as Record<string, unknown>;
    }
    if (Array.isArray(holder)) holder.push(value);
    else if (path === '/details/dealValue' && typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)) {
      holder[last] = Number(value);
    } else holder[last] = value;
  }
  return next;
}

/** What a move from one status to the next lacks; undefined when it may be made. */
function moveFault(from: Referral, status: string, substatus: string): Fault | undefined {
  const move = `from '${from.status}/${from.substatus}' to '${status}/${substatus}'`;
  if (!nextStatuses[from.status]?.includes(status)) {
    return { target: 'status', code: 'invalidStatusTransition', message: `${move} is not allowed` };
  }
  const waiting = from.direction === 'Incoming' ? 'Received' : 'Pending';
  if (!substatusesOf[status]?.includes(substatus) || (status === 'New' && substatus !== waiting)) {
    return { target: 'substatus', code: 'invalidSubstatusTransition', message: `${move} is not allowed` };
  }
  return undefined;
}

/** Puts the next state in place of the referral's, when all of it fits. */
function put(referral: Referral, next: Record<string, unknown>): Refusal | undefined {
  const read = readBody(next);
  if ('fault' in read) return { kind: 'invalid', fault: read.fault };
  if (referral.status === 'Closed') return invalid('status', 'referralClosed', 'a closed referral cannot be changed');
  const status = read.body.status ?? referral.status;
  const substatus = read.body.substatus ?? referral.substatus;
  const fault = moveFault(referral, status, substatus);
  if (fault) return { kind: 'invalid', fault };
  const { id, engagementId, organizationId, organizationName, direction, createdDateTime } = referral;
  const at = partnerTime();
  Object.assign(referral, read.body, {
    ...{ id, engagementId, organizationId, organizationName, direction, createdDateTime, status, substatus },
    acceptedDateTime: referral.acceptedDateTime ?? (status === 'Active' ? at : null),
    closedDateTime: status === 'Closed' ? at : null,
    expirationDateTime: status === 'New' ? referral.expirationDateTime : null,
    updatedDateTime: at,
    eTag: newETag(),
  });
  delete referral['links'];
  return undefined;
}

/** Changes a referral by operations; all of them or none. */
export function patchReferral(referral: Referral, operations: readonly Operation[]): Refusal | undefined {
  return put(referral, patched(referral, operations));
}

/** Replaces what a caller may say of a referral; what was left out stays. */
export function replaceReferral(referral: Referral, given: Record<string, unknown>): Refusal | undefined {
  return put(referral, { ...structuredClone(referral), ...given });
}
