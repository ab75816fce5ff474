/**
 * The sweep: one request per tenant that asks the directory what changed, and tells the requests of the guests who have
 * accepted. One question for all guests, however many are awaited; none while nobody is. Filed by guests' requests, seen by
 * nobody. No I/O. Sources: Microsoft Graph v1.0, user-delta, delta-query-overview, user-list.
 */
import { z } from 'zod/v4';
import type { Answer, Call, Capability, Facts, Filing, Sought, Step, Wake } from '../../requests/capability.ts';
import { good, type Problem } from '../../requests/problem.ts';
import { ENDED, LIVE, type Request } from '../../requests/request.ts';
import { say } from '../../requests/say.ts';
import type { Heard } from './stay.ts';

export interface SweepSettings {
  /** Between two looks. */
  readonly followUpMs: number;
}

export interface SweepInput {
  readonly tenantId: string;
}

export interface SweepOutcome {
  /** From where changes are read on. */
  readonly token: string;
  /** Where in this round it stands: the next page of the changes, or of all who have accepted. */
  readonly page?: { readonly of: 'changes' | 'accepted'; readonly token: string | null };
  /** When changes were last read to their end; who accepted before is known, epoch ms. */
  readonly lookedAt: number;
  /** When somebody was last awaited. */
  readonly awaitedAt: number;
}

const SUBJECT = 'guests';
const HOUR_MS = 3600_000;
/** As many of those who are awaited are seen from here. */
const SHOWN = 20;
/** Clocks differ, and a directory tells late. */
const LAG_MS = 24 * HOUR_MS;

const SELECT = 'id,mail,otherMails,userPrincipalName,userType,externalUserState,externalUserStateChangeDateTime';

const Guest = z.object({
  mail: z.string().nullish(),
  otherMails: z.array(z.string()).nullish(),
  userPrincipalName: z.string().nullish(),
  externalUserState: z.string().nullish(),
  externalUserStateChangeDateTime: z.string().nullish(),
});

/** Of a page: who has accepted, and the tokens of its links. The links themselves may point anywhere. */
const Page = z
  .looseObject({ value: z.array(Guest.loose()).default([]) })
  .transform(({ value, '@odata.nextLink': next, '@odata.deltaLink': delta }) => ({
    accepted: value
      .filter(({ externalUserState }) => externalUserState === 'Accepted')
      .map((one) => ({ addresses: addressesOf(one), since: one.externalUserStateChangeDateTime ?? null })),
    next: tokenIn(next, 'skiptoken'),
    delta: tokenIn(delta, 'deltatoken'),
  }));
/** A page as it is kept. */
const Read = z.object({
  accepted: z.array(z.object({ addresses: z.array(z.string()), since: z.string().nullable() })),
  next: z.string().nullable(),
  delta: z.string().nullable(),
});
type Page = z.infer<typeof Read>;

function tokenIn(link: unknown, name: string): string | null {
  const found =
    typeof link === 'string' ? new RegExp(`[?&](?:\\$|%24)${name}=([^&]+)`, 'i').exec(link)?.[1] : undefined;
  return found === undefined ? null : decodeURIComponent(found);
}

/** Every address by which somebody may have asked for them; a guest's own is in their name here when nowhere else. */
function addressesOf({ mail, otherMails, userPrincipalName }: z.infer<typeof Guest>): readonly string[] {
  const [, name, domain] = /^(.+)_([^_]+)#EXT#@/i.exec(userPrincipalName ?? '') ?? [];
  const all = [mail, ...(otherMails ?? []), name && domain ? `${name}@${domain}` : null];
  return [...new Set(all.flatMap((one) => (one ? [one.toLowerCase()] : [])))];
}

export function guestSweep({ followUpMs }: SweepSettings): Capability<SweepInput, SweepOutcome> {
  return {
    name: 'guestSweep',
    topic: 'guests',
    isAside: true,
    looks: true,
    commands: [],
    fields: [],
    read: () => good([]),
    write: () => ({}),
    choose: (input) => input,
    subject: () => SUBJECT,
    answers: { start: Page, changes: Page, accepted: Page },
    beside: (): readonly Sought[] => [
      { capability: 'guestSweep', subject: SUBJECT },
      { capability: 'guest', standing: 'pending' },
    ],
    step: (_input, answers, facts) => stepSweep(answers, facts, followUpMs),
    story: ({ outcome }) => ({
      title: say('guestSweep.title'),
      rows: [],
      ...(outcome ? { ending: { sentence: say('guestSweep.over'), tone: 'neutral', buttons: [] } } : {}),
    }),
  };
}

/**
 * Whoever awaits a guest files this: at most one an hour, which ends at once when another is at work. So a sweep that came
 * to an end, whatever it was, is followed by the next as soon as a guest is invited or thought of.
 */
export const sweepFor = (tenantId: string, now: number): Filing => ({
  capability: 'guestSweep',
  subject: SUBJECT,
  input: { tenantId } satisfies SweepInput,
  key: `sweep:${tenantId}:${Math.floor(now / HOUR_MS)}`,
});

function stepSweep(answers: readonly Answer[], facts: Facts<SweepOutcome>, followUpMs: number): Step<SweepOutcome> {
  const { now, soFar, beside } = facts;
  if (beside.some((one) => isBefore(one, facts))) return makeWay(soFar ?? none(now), now);
  const isAwaited = beside.some(({ capability, state }) => capability === 'guest' && !ENDED.has(state));
  const wanted = facts.signals.find(({ key }) => key === 'wanted')?.at ?? 0;
  const awaitedAt = Math.max(isAwaited ? now : (soFar?.awaitedAt ?? facts.createdAt), wanted);

  const last = answers.at(-1);
  const read = last?.reply?.ok ? Read.parse(last.reply.body) : null;
  const failed = last?.reply?.ok === false ? last.reply.problem : null;
  const rest = (outcome: SweepOutcome, forMs: number, wakes: readonly Wake[] = []) =>
    ({
      kind: 'later',
      waits: true,
      fresh: true,
      forMs,
      outcome: { ...outcome, awaitedAt },
      standing: 'watching',
      ...(wakes.length > 0 ? { wakes } : {}),
    }) as const;

  const known = soFar ?? none(awaitedSince(beside, now));
  if (known.token === '') {
    if (!last) return { kind: 'call', call: page('start', `/users/delta?$select=${SELECT}&$deltatoken=latest`) };
    const { delta = null } = read ?? {};
    // Whoever accepted before anybody looked is found in the list of all.
    return delta === null
      ? rest(known, followUpMs)
      : rest({ ...known, token: delta, page: { of: 'accepted', token: null } }, 0);
  }
  const { page: at, ...between } = known;
  const isList = at?.of === 'accepted';
  if (!at) {
    if (now - awaitedAt > HOUR_MS + followUpMs) return { kind: 'done', outcome: known, standing: 'over' };
    const due = known.lookedAt + followUpMs;
    if (now < due && !last) return rest(known, due - now);
  }
  if (!last) return { kind: 'call', call: isList ? acceptedPage(at.token) : changesPage(at?.token, known.token) };
  if (failed) {
    if (!isTooOld(failed)) return rest(known, followUpMs);
    // Without its list it goes by the changes alone; without their token it begins anew.
    if (isList)
      return rest(at.token === null ? between : { ...between, page: { of: 'accepted', token: null } }, followUpMs);
    return rest({ ...between, token: '' }, 0);
  }
  if (!read) return rest(known, followUpMs);
  const wakes = told(read, isList ? known.lookedAt - LAG_MS : 0);
  if (read.next !== null)
    return rest({ ...between, page: { of: isList ? 'accepted' : 'changes', token: read.next } }, 0, wakes);
  return rest({ ...between, token: read.delta ?? known.token, lookedAt: now }, followUpMs, wakes);
}

/** Nobody who is awaited accepted before this; more than are shown may be awaited for ever so long. */
function awaitedSince(beside: readonly Request[], now: number): number {
  const guests = beside.filter(({ capability }) => capability === 'guest');
  return guests.length < SHOWN ? Math.min(now, ...guests.map(({ createdAt }) => createdAt)) : 0;
}

const none = (lookedAt: number): SweepOutcome => ({ token: '', lookedAt, awaitedAt: 0 });

/** Another was here first and is still at work. */
function isBefore({ capability, id, state, createdAt }: Request, mine: Facts<SweepOutcome>): boolean {
  if (capability !== 'guestSweep' || !LIVE.includes(state)) return false;
  return createdAt < mine.createdAt || (createdAt === mine.createdAt && id < mine.requestId);
}

/** That somebody wanted one tells the other that it is still needed. */
const makeWay = (outcome: SweepOutcome, now: number): Step<SweepOutcome> => ({
  kind: 'done',
  outcome,
  standing: 'over',
  wakes: [{ capability: 'guestSweep', subject: SUBJECT, says: { key: 'wanted', body: { at: now } } }],
});

/** A token lives for days only, and a page no longer than its list: then all is read anew. */
const isTooOld = ({ kind }: Problem): boolean => kind === 'gone' || kind === 'refused';

const page = (name: string, path: string): Call => ({ name, to: 'graph', method: 'GET', path, repeat: 'safe' });

const changesPage = (skip: string | null | undefined, token: string): Call =>
  page(
    'changes',
    `/users/delta?${skip ? `$skiptoken=${encodeURIComponent(skip)}` : `$deltatoken=${encodeURIComponent(token)}`}`,
  );

function acceptedPage(skip: string | null): Call {
  const from = skip === null ? '' : `&$skiptoken=${encodeURIComponent(skip)}`;
  return page('accepted', `/users?$filter=externalUserState%20eq%20'Accepted'&$select=${SELECT}&$top=200${from}`);
}

/** Whoever accepted since then; also when the directory does not say since when. */
function told({ accepted }: Page, since: number): readonly Wake[] {
  return accepted
    .filter((one) => one.since === null || !(Date.parse(one.since) < since))
    .flatMap(({ addresses, since: acceptedAt }) =>
      addresses.map((subject): Wake => {
        const says: Heard = { key: 'accepted', body: { since: acceptedAt } };
        return { capability: 'guest', subject, says };
      }),
    );
}
