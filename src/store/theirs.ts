/**
 * Learns who a person is from all that is kept, and finds the requests about them. Must not know what is done with these,
 * or what a request says whom it is about: its capability does (`Ways`).
 */
import type { Ways } from '../requests/proof/keeping.ts';
import { type AboutAt, type Identity, identityOf, isAbout, type Traces, tracesIn } from '../requests/proof/person.ts';
import { turn } from '../requests/proof/verifying.ts';
import type { RequestState } from '../requests/request.ts';
import type { Engine } from './engine.ts';
import { isTheirs, speaksOf, type Wanted } from './erasers.ts';
import { toRequest } from './rows.ts';
import type { RequestRow } from './schema.ts';

/** Requests per page: a few milliseconds. */
const PAGE = 500;

export interface Learnt {
  readonly identity: Identity;
  readonly traces: Traces;
}

/** Who somebody with this address is, and what they go by. `except`: the request that asks. */
export async function learn(
  engine: Engine,
  tenantId: string,
  address: string,
  except: string,
  { about }: Pick<Ways, 'about'>,
): Promise<Learnt> {
  const told = new Map<string, AboutAt>();
  // Wide enough to see whatever may matter: who is who is decided afterwards.
  let wide: Identity = { addresses: [address.toLowerCase()], ids: [] };
  for (let isNew = true; isNew; ) {
    isNew = false;
    for await (const page of pagesOf(engine, tenantId)) {
      for (const row of page) {
        if (row.id === except || told.has(row.id) || !speaksOf(row, wide)) continue;
        told.set(row.id, { ...about(toRequest(row)), at: row.created_at });
        isNew = true;
      }
    }
    const all = [...told.values()];
    const addresses = all.flatMap((one) => one.addresses.map(low));
    wide = {
      addresses: [...new Set([...wide.addresses, ...addresses])],
      ids: [...new Set(all.flatMap((one) => one.ids.map(low)))],
    };
  }
  const identity = identityOf(address, [...told.values()]);
  const theirs = [...told].filter(([, one]) => isAbout(one, identity)).map(([id]) => id);
  return { identity, traces: tracesIn(identity, await saidIn(engine, theirs)) };
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
  for await (const page of pagesOf(engine, wanted.tenantId, states))
    found.push(...page.filter((row) => row.id !== wanted.except && isTheirs(row, wanted)));
  return found
    .filter((row) => row.created_at <= wanted.until)
    .toSorted((a, b) => a.created_at - b.created_at)
    .map(({ id, capability, version, state }) => ({ id, capability, version, state: state as RequestState }));
}

async function* pagesOf(engine: Engine, tenantId: string, states?: readonly RequestState[]) {
  for (let after = ''; ; ) {
    const page = await engine.db
      .selectFrom('requests')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('erased_at', 'is', null)
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
