/**
 * Learns who a person is from all that is kept, and finds the requests about them. Must not know what is done with these,
 * or what a request says whom it is about: its capability does (`Ways`).
 */
import type { Deeds, Ways } from '../requests/proof/keeping.ts';
import {
  type AboutAt,
  type Identity,
  identityOf,
  isAbout,
  type Traces,
  tracesIn,
  widestOf,
} from '../requests/proof/person.ts';
import { turn } from '../requests/proof/verifying.ts';
import type { RequestState } from '../requests/request.ts';
import type { Engine } from './engine.ts';
import { isTheirs, JSON_COLUMNS, speaksOf, type Wanted } from './erasers.ts';
import { toRequest } from './rows.ts';
import type { RequestRow } from './schema.ts';

/** Requests per page: a few milliseconds. */
const PAGE = 500;
const LINES = 2_000;

export interface Learnt {
  readonly identity: Identity;
  /** Without the ids under which they did something: these stand in what is proof, and find nothing. */
  readonly traces: Traces;
  readonly deeds: Deeds;
}

/** Who somebody with this address is, and what they go by. `except`: the request that asks. */
export async function learn(
  engine: Engine,
  tenantId: string,
  address: string,
  except: string,
  ways: Ways,
): Promise<Learnt> {
  const told = new Map<string, AboutAt>();
  for (let wide = widestOf(address, []), isNew = true; isNew; wide = widestOf(address, [...told.values()])) {
    isNew = false;
    for await (const page of pagesOf(engine, tenantId)) {
      for (const row of page) {
        if (row.id === except || told.has(row.id) || !speaksOf(row, wide)) continue;
        told.set(row.id, { ...ways.about(toRequest(row)), at: row.created_at });
        isNew = true;
      }
    }
  }
  const identity = identityOf(address, [...told.values()]);
  const theirs = [...told].filter(([, one]) => isAbout(one, identity)).map(([id]) => id);
  const traces = tracesIn(identity, await saidIn(engine, theirs));
  const lookedUp = await ways.colleagues(address);
  const ids = [...new Set([...traces.ids, ...(lookedUp ?? []).map(low)])];
  const doers = new Set([...(lookedUp ?? []).map(low), ...(await doersAmong(engine, tenantId, ids))]);
  const isStaying = (row: RequestRow) => row.id !== except && !isTheirs(row, { identity, ways });
  const deeds = await deedsOf(engine, tenantId, doers, isStaying);
  return {
    identity,
    // The name stays with the id: it stands beside it wherever they approved something or answer for a guest.
    traces: {
      ...traces,
      ids: traces.ids.filter((id) => !doers.has(id)),
      names: doers.size > 0 ? [] : traces.names,
    },
    deeds: { ...deeds, isLookedUp: lookedUp !== null },
  };
}

/** Those of some ids under which somebody asked for something, or did it, as far as the audit tells. */
async function doersAmong(engine: Engine, tenantId: string, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const rows = await engine.db
    .selectFrom('requests')
    .select('requester_id')
    .distinct()
    .where('tenant_id', '=', tenantId)
    .where('requester_id', 'in', ids)
    .execute();
  const found = new Set(rows.map(({ requester_id }) => requester_id));
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const page = await engine.db
      .selectFrom('audit')
      .select(['seq', 'tenant_id', 'who'])
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(LINES)
      .execute();
    for (const { tenant_id, who } of page) if (who !== null && tenant_id === tenantId) found.add(low(who));
    if (page.length < LINES) break;
    after = page.at(-1)?.seq ?? after;
    await turn();
  }
  return ids.filter((id) => found.has(id));
}

/** What is kept as proof under some ids, also by requests of which only stays who asked; `isStaying`: but for the others. */
async function deedsOf(
  engine: Engine,
  tenantId: string,
  doers: ReadonlySet<string>,
  isStaying: (row: RequestRow) => boolean,
): Promise<Pick<Deeds, 'asked' | 'named'>> {
  const ids = [...doers];
  let [asked, named] = [0, 0];
  if (ids.length === 0) return { asked, named };
  const isNamed = (row: RequestRow): boolean =>
    JSON_COLUMNS.some((column) => ids.some((id) => low(row[column] ?? '').includes(id)));
  for await (const page of pagesOf(engine, tenantId, { also: 'erased' })) {
    asked += page.filter((row) => doers.has(row.requester_id)).length;
    named += page.filter((row) => !doers.has(row.requester_id) && isNamed(row) && isStaying(row)).length;
  }
  return { asked, named };
}

const low = (text: string): string => text.toLowerCase();

/** All that requests about somebody say of them. */
async function saidIn(engine: Engine, ids: readonly string[]): Promise<readonly unknown[]> {
  const values: unknown[] = [];
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE);
    const rows = await engine.db.selectFrom('requests').select(['input', 'outcome']).where('id', 'in', page).execute();
    for (const { input, outcome } of rows) values.push(JSON.parse(input), JSON.parse(outcome ?? 'null'));
    const answers = await engine.db.selectFrom('answers').select('reply').where('request_id', 'in', page).execute();
    for (const { reply } of answers) {
      const body = reply === null ? undefined : JSON.parse(reply).body;
      // What was found under a name is not theirs: only what names an address, or the invitation's own answer.
      if (body)
        values.push({ body, ...(body.invitedUser ? { invitedUserDisplayName: body.invitedUserDisplayName } : {}) });
    }
    await turn();
  }
  return values;
}

/** Requests about the person in some states, oldest first. */
export async function theirsIn(
  engine: Engine,
  wanted: Wanted,
  states: readonly RequestState[],
): Promise<readonly (Pick<RequestRow, 'id' | 'capability' | 'version'> & { readonly state: RequestState })[]> {
  const found: RequestRow[] = [];
  for await (const page of pagesOf(engine, wanted.tenantId, { states }))
    found.push(...page.filter((row) => row.id !== wanted.except && isTheirs(row, wanted)));
  return found
    .filter((row) => row.created_at <= wanted.until)
    .toSorted((a, b) => a.created_at - b.created_at)
    .map(({ id, capability, version, state }) => ({ id, capability, version, state: state as RequestState }));
}

interface Which {
  readonly states?: readonly RequestState[];
  /** Of what was erased it is kept who asked. */
  readonly also?: 'erased';
}

async function* pagesOf(engine: Engine, tenantId: string, { states, also }: Which = {}) {
  for (let after = ''; ; ) {
    const page = await engine.db
      .selectFrom('requests')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .$if(also !== 'erased', (query) => query.where('erased_at', 'is', null))
      .where('id', '>', after)
      .$if(states !== undefined, (query) => query.where('state', 'in', states ?? []))
      .orderBy('id')
      .limit(PAGE)
      .execute();
    if (page.length === 0) return;
    yield page;
    after = page.at(-1)?.id ?? after;
    await turn();
  }
}
