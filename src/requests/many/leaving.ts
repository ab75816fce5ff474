/**
 * How those of a list leave: whose last day was asked about, who was removed at its end, who could not be. Read in pages,
 * counted here, since what a last day is only their capability knows. Must not know SQL, or who is told of it.
 */
import { LIVE, type Request } from '../request.ts';
import { type AskedDays, type Ends, type Leaves, MOST_AT_ONCE, type RowStore } from './rows.ts';

/** Rows that are read in one go; between them others have a turn. */
const IN_ONE_GO = 500;

type Silent = Awaited<ReturnType<RowStore['silent']>>[number];

/** Null: nobody of whom only the list tells has a last day. `stuck`: the first who need somebody. */
export async function leaving(
  rows: Pick<RowStore, 'silent'>,
  batchId: string,
  { words, lastDay, isStuck }: Leaves<unknown>,
  asOf: number,
  most: number,
): Promise<{ readonly ends: Ends; readonly stuck: readonly Silent[] } | null> {
  const counts = { open: 0, busy: 0, removed: 0, purged: 0, removedAt: 0, askedAt: 0, stuck: 0 };
  const near = new Map<string, number>();
  const over = new Map<string, number>();
  const stuck: Silent[] = [];
  const asked: string[] = [];
  let nextAt: number | null = null;
  let isAny = false;
  // What happened after this moment is news of the next look: of what happened before, nothing is still to come.
  const latest = (before: number, at: number): number => (at > asOf ? before : Math.max(before, at));
  for (let after = -1; ; ) {
    const page = await rows.silent(batchId, words, after, IN_ONE_GO);
    const last = page.at(-1);
    if (!last) break;
    after = last.n;
    for (const one of page) {
      const { request } = one;
      const day = lastDay(request.outcome);
      const isLive = LIVE.includes(request.state);
      const isIn = day?.day !== undefined && !day.removed;
      // Nobody follows them any more, and nobody said that this is well.
      const isLost = isIn && (request.state === 'failed' || request.state === 'unsure');
      if (isStuck(request.outcome) || isLost) {
        counts.stuck += 1;
        if (stuck.length < most) stuck.push(one);
      }
      if (!day) continue;
      isAny = true;
      if (day.removed) {
        counts[day.removed.why === 'ended' ? 'removed' : 'purged'] += 1;
        counts.removedAt = latest(counts.removedAt, day.removed.at);
      }
      if (!isIn || !isLive) continue;
      counts.open += 1;
      if (isDue(request, asOf)) counts.busy += 1;
      else nextAt = Math.min(nextAt ?? request.nextAt, request.nextAt);
      if (!day.asked) continue;
      counts.askedAt = latest(counts.askedAt, day.asked.at);
      if (isStuck(request.outcome)) continue;
      count(day.asked.times > 1 ? over : near, day.day);
      if (asked.length <= MOST_AT_ONCE) asked.push(request.subject);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!isAny && counts.stuck === 0) return null;
  const days = { ...daysOf('near', near), ...daysOf('over', over) };
  const few = asked.length > 0 && asked.length <= MOST_AT_ONCE ? { asked } : {};
  return { ends: { ...counts, nextAt, ...days, ...few }, stuck };
}

const isDue = ({ nextAt }: Request, asOf: number): boolean => nextAt <= asOf;

function count(days: Map<string, number>, day = ''): void {
  days.set(day, (days.get(day) ?? 0) + 1);
}

function daysOf(which: 'near' | 'over', days: ReadonlyMap<string, number>): { [one in typeof which]?: AskedDays } {
  const [first] = [...days.keys()].sort();
  if (first === undefined) return {};
  const sum = [...days.values()].reduce((all, one) => all + one, 0);
  return { [which]: { count: sum, first, days: days.size } };
}
