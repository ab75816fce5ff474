/**
 * Judges what was measured: whether every turn had its effect exactly once, and which goals were reached. Pure; must not
 * know how anything was measured.
 */
import { ascending, percentile } from './figures.ts';
import type { Goal, Measured, UpdateRow } from './report.ts';
import type { Count } from './standIn.ts';

/** What was said to a bot in one row of the table. */
export interface Said {
  readonly what: string;
  readonly text: string;
  /** Whether each turn asks for an invitation. */
  readonly invites: boolean;
  /** Whether the bot carries out what it accepts. */
  readonly flows: boolean;
  /** Turns in all runs, warm-up included. */
  turns: number;
  /** Answers other than 200. */
  readonly refused: Record<string, number>;
}

/** What the stand-in saw of a row, faults in capitals. `same`: all rows of the same bot. */
export function checked(
  row: Said,
  same: readonly Said[],
  count: Count,
): { readonly check: string; readonly isSound: boolean } {
  const refused = Object.entries(row.refused).map(([why, times]) => `${times}× ${why}`);
  const parts = [`${row.turns} turns`];
  const faults = refused.length > 0 ? [`NOT ALL ANSWERED 200: ${refused.join(', ')}`] : [];
  if (!row.invites) {
    const others = same.filter((one) => one !== row).reduce((sum, { turns }) => sum + turns, 0);
    const replies = count.posts - others;
    parts.push(`${replies} replies`);
    if (replies !== row.turns) faults.push('NOT ONE REPLY EACH');
    return { check: [...parts, ...faults].join(', '), isSound: faults.length === 0 };
  }
  parts.push(`${count.receipts} receipts`, `${count.receiptsTwice} twice`);
  if (count.receipts !== row.turns || count.receiptsTwice > 0) faults.push('NOT ONE RECEIPT EACH');
  if (row.flows) {
    parts.push(`${count.invited} invited`, `${count.invitedTwice} twice`, `${count.settled} updated`);
    if (count.invited !== row.turns || count.invitedTwice > 0) faults.push('NOT ONE INVITATION EACH');
    if (count.settled !== row.turns) faults.push('NOT EVERY CARD UPDATED');
  }
  return { check: [...parts, ...faults].join(', '), isSound: faults.length === 0 };
}

export function updateRow(what: string, waits: readonly number[]): UpdateRow {
  const sorted = ascending(waits);
  return { what, count: sorted.length, p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95) };
}

/** The first row and the first process are the peer's. */
export function withGoals(measured: Omit<Measured, 'facts' | 'goals'>): Omit<Measured, 'facts'> {
  const { turns, processes, updates } = measured;
  const [peer, ...ours] = turns;
  const [echo, ...ushers] = processes;
  const goals: Goal[] = [];
  const most = (what: string, reached: number, bound: number, unit: string): void => {
    goals.push({ what, reached, bound, unit, atLeast: false });
  };
  if (!peer || !echo) return { ...measured, goals };
  const durable = ours.filter(({ what }) => !what.endsWith('help'));
  // Turns that did not do what they should reach nothing, however fast they were.
  const sound = (row: { readonly isSound: boolean }, value: number): number => (row.isSound ? value : Number.NaN);
  // A whole invitation is five HTTP calls and seven writes: its rate is told, not judged beside an echo.
  for (const row of durable.filter(({ what }) => what.endsWith('accepted'))) {
    const reached = sound(row, row.rate.median);
    goals.push({ what: `${row.what}, rate`, reached, bound: peer.rate.median, unit: '/s', atLeast: true });
  }
  for (const row of durable) most(`${row.what}, p99`, sound(row, row.p99.median), peer.p99.median, ' ms');
  for (const { what, readyMs } of ushers)
    most(`${what}: ready, of the echo’s time`, readyMs.median / echo.readyMs.median, 1.15, '×');
  for (const { what, idle } of ushers) most(`${what}: idle memory, of the echo’s`, idle / echo.idle, 1.25, '×');
  for (const { what, p95 } of updates) most(`${what}, card p95`, p95, 20, ' ms');
  return { ...measured, goals };
}
