/**
 * Carries a list out: looks what has become of its rows, and files the next ones as requests, only a little ahead of the
 * pace at which they can be sent. So a list of ten thousand keeps no more in the queue than a list of a hundred, and
 * whatever else falls due goes between its rows. A row is filed under a key of its own: whoever dies meanwhile and files it
 * again files nothing. Must not know any capability, when a list is sent, or SQL.
 */
import { type Approval, digest } from '../approval.ts';
import type { AnyCapability } from '../capability.ts';
import { newId } from '../ids.ts';
import { everyUs } from '../pace.ts';
import { judge } from '../policy/judge.ts';
import type { PolicyInForce } from '../policy/policy.ts';
import type { PolicyNow } from '../policy/rules.ts';
import type { Clock, Store } from '../ports.ts';
import { chatWith, LIVE, type Request } from '../request.ts';
import { storyOf } from '../storyOf.ts';
import { calledOff, isTouched } from '../withdraw.ts';
import { askerWhoMay, BATCH, type BatchInput, fileList } from './fileList.ts';
import { leaving } from './leaving.ts';
import { type KeptRow, type RawRow, type RowEnd, rowKey, type Tally } from './rows.ts';

/**
 * Most requests of one list that are under way: two and a half seconds of invitations. Somebody looks about every second
 * (`LOOK_MS` in capabilities/many/batch.ts) and fills it up again; with 60, filled up at 30, the line stood empty for 250 ms of
 * every 2 s, and a thousand rows took 37 s instead of 34. Few enough for Stop to be felt.
 */
const UNDER_WAY = 75;
/** Most rows of one list that wait to be approved one by one: nobody is sent hundreds of cards at once. */
const MOST_ASKED = 20;
/** Most rows that are looked at in one go. */
const LOOKED_AT = 500;
/** The newest lists of one person among which one is looked for that waits for Send: it waits for a day. */
const MOST_OFFERED = 50;
/** Rows in trouble that a card can tell of. */
const TOLD = 4;

export interface RowParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
  readonly policyNow: PolicyNow;
  /** Called after each change a person can see. */
  readonly changed: (request: Request) => void;
}

/** The part of a list's input that is needed here. */
interface ListInput {
  /** The capability its rows are requests of. */
  readonly of: string;
  readonly name: string | null;
}

export function openRows({ store, clock, capabilities, policyNow, changed }: RowParts) {
  const { rows } = store;
  const named = (name: string): AnyCapability => {
    const capability = capabilities.get(name);
    if (!capability) throw new Error(`no capability named ${name}`);
    return capability;
  };
  const listOf = (batch: Request) => {
    const capability = named((batch.input as ListInput).of);
    if (!capability.list) throw new Error(`${capability.name} knows no lists`);
    return { capability, list: capability.list };
  };

  function draftOf(batch: Request, row: KeptRow, capability: AnyCapability, dueAt: number, approval: Approval | null) {
    return {
      id: newId(),
      key: rowKey(batch.id, row.n),
      capability: capability.name,
      subject: row.subject ?? '',
      requester: batch.requester,
      place: batch.place,
      input: row.content,
      activityId: null,
      silent: true as const,
      dueAt,
      approval,
      ...(capability.remote ? { remote: capability.remote } : {}),
    };
  }

  /** Part of the key of every list that was made of those who are awaited of this one. */
  const madeOf = ({ id }: Request): string => `:${id}`;
  /** Such a list waits for Send, or for an approval after it; one in which nobody can get a mail waits for nothing. */
  async function isOffered(batch: Request): Promise<boolean> {
    const { tenantId, requester } = batch;
    const wanted = { tenantId, capability: BATCH, requesterId: requester.id, states: LIVE, limit: MOST_OFFERED };
    const theirs = await store.list(wanted);
    return theirs.some(
      ({ key, outcome, input }) =>
        outcome === null && key.includes(`${madeOf(batch)}:`) && (input as BatchInput).counts.ready > 0,
    );
  }

  return {
    /** What the rows have come to; notes which of them have ended. */
    async look(batch: Request): Promise<Tally> {
      const { list } = listOf(batch);
      const note = async (found: Awaited<ReturnType<typeof rows.resting>>): Promise<void> => {
        const ends = new Map<RowEnd, number[]>();
        for (const { n, request } of found) {
          const end = list.ended(request);
          if (end) ends.set(end, [...(ends.get(end) ?? []), n]);
        }
        for (const [end, ns] of ends) await rows.stage(batch.id, ns, end);
      };
      await note(await rows.resting(batch.id, LOOKED_AT));
      let stages = await rows.stages(batch.id);
      const isFollowed = list.follows !== undefined && !stages.filed;
      // Whoever opened a row that did not work may have seen to it since.
      if (isFollowed && (stages.failed || stages.unsure)) {
        await note(await rows.movedOn(batch.id, LOOKED_AT));
        stages = await rows.stages(batch.id);
      }
      const isRead = isFollowed && (stages.sent || stages.found || stages.here);
      const leaves = isRead && list.leaves ? await leaving(rows, batch.id, list.leaves, clock.now(), TOLD) : null;
      const trouble = [...(leaves?.stuck ?? []), ...(await rows.trouble(batch.id, TOLD))].slice(0, TOLD);
      const followed = isRead && list.follows ? await rows.followed(batch.id, list.follows) : undefined;
      return {
        stages,
        ...(followed ? { followed } : {}),
        ...(leaves ? { ends: leaves.ends } : {}),
        ...(followed?.awaited && (await isOffered(batch)) ? { offered: true } : {}),
        held: (await rows.held(batch.id)).inAll,
        trouble: trouble.map(({ line, request }) => ({
          line,
          subject: request.subject,
          id: request.id,
          say: storyOf(request, named(request.capability)).sentence,
        })),
      };
    },

    /** Files the next rows, each due when its turn comes. */
    async file(batch: Request): Promise<void> {
      const { capability, list } = listOf(batch);
      const { filed = 0 } = await rows.stages(batch.id);
      // Who waits for somebody takes up no pace: whoever comes after them does not wait along.
      const { inAll, toApprove } = await rows.held(batch.id);
      const moving = filed - inAll;
      const now = clock.now();
      const inForce = await policyNow(batch.tenantId);
      let room = MOST_ASKED - toApprove - moving;
      const next = (await rows.waiting(batch.id, Math.max(0, UNDER_WAY - moving)))
        .map((row) => ({ row, ...approvedFor(batch, row, capability, inForce, now) }))
        .filter(({ asks }) => !asks || room-- > 0);
      if (next.length === 0) return;
      const every = everyUs(list.pace);
      const first = await store.takeSlots(`${list.pace} rows`, next.length, now, every);
      const filings = next.map(({ row, approval }, at) => {
        const dueAt = Math.max(now, Math.floor((first + at * every) / 1000));
        return { n: row.n, dueAt, draft: draftOf(batch, row, capability, dueAt, approval) };
      });
      await rows.file(batch.id, filings, now);
    },

    /**
     * Makes a list of those who are awaited, in the own chat of whoever asked: they see it before anything is sent. Under the
     * same key there is one.
     */
    async remind(batch: Request, key: string): Promise<void> {
      const { follows } = listOf(batch).list;
      if (!follows) throw new Error('nobody is awaited of such a list');
      const capability = named(follows.by);
      const people = capability.fields.find(({ kind }) => kind === 'people');
      if (!people) throw new Error(`${follows.by} is about nobody`);
      const awaited: RawRow[] = [];
      for (let after = -1; ; ) {
        const page = await rows.awaited(batch.id, follows, after, LOOKED_AT);
        const last = page.at(-1);
        if (!last) break;
        after = last.n;
        awaited.push(...page.map(({ line, subject }) => ({ line, raw: { [people.name]: subject } })));
      }
      // Meanwhile all have come.
      if (awaited.length === 0) return;
      const { requester: who, place, input } = batch;
      const wish = {
        capability: capability.name,
        raw: {},
        who,
        where: chatWith(who.id, place),
        key: `${key}${madeOf(batch)}`,
        activityId: null,
        name: (input as ListInput).name,
        rows: awaited,
        unused: [],
        isAgain: true as const,
      };
      // Nobody posts it at once: it is the teller's.
      const filed = await fileList(wish, capability, { store, clock, policyNow, messageLeaseEnd: () => 0 });
      if (!filed.ok) throw new Error(`a list of those who are awaited: ${filed.problem.map(({ say }) => say.key)}`);
      for (const request of filed.value.requests) changed(request);
    },

    /** Whatever failed waits to be filed once more. */
    again: (batch: Request): Promise<void> => rows.restage(batch.id, 'failed', 'waits'),

    /** Calls off whatever waits for somebody and has not changed anything; who was to approve it sees that it is over. */
    async withdraw(batch: Request): Promise<void> {
      for (let after = -1; ; ) {
        const page = await rows.heldAfter(batch.id, after, LOOKED_AT);
        const last = page.at(-1);
        if (!last) return;
        after = last.n;
        for (const { request } of page) {
          if (await isTouched(store, request)) continue;
          const at = clock.now();
          const { id, tenantId, version, state } = request;
          const line = { at, tenantId, requestId: id, who: batch.requester.id, what: 'cancelled' };
          // One that has moved on meanwhile is met again at the next look.
          const moved = await store.decide(id, version, state, calledOff(at, [line]));
          if (moved) changed(moved);
        }
      }
    },
  };
}

/**
 * What an approval of the list is to one of its rows: an approval of just what the row says, if the rule that asks for one
 * is the same. Where another rule does, or somebody has changed the row since (chosen a team), others are asked (`asks`).
 */
function approvedFor(
  { approval, requester }: Request,
  { content }: KeptRow,
  capability: AnyCapability,
  inForce: PolicyInForce,
  now: number,
): { readonly approval: Approval | null; readonly asks: boolean } {
  const { asked } = approval ?? {};
  const judged = capability.judged?.(content as never, []);
  const asker = askerWhoMay(inForce, { id: requester.id });
  const verdict = judged && judge(inForce, judged, asker, now);
  if (verdict?.kind !== 'needs approval') return { approval: null, asks: false };
  const isDecided = asked?.decision && asked.decision.kind !== 'refused';
  if (!approval || !isDecided || digest(verdict.rule) !== digest(approval.rule)) return { approval: null, asks: true };
  return {
    approval: { ...approval, asked: { ...asked, shown: { input: digest(content), calls: null } } },
    asks: false,
  };
}
