/**
 * What was measured as one page of text, each goal with whether it was met. Must not know how anything was measured.
 */
import type { Spread } from './figures.ts';

/** One kind of turn with one bot. */
export interface TurnRow {
  readonly what: string;
  readonly rate: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
  /** Processor time of the bot per turn, in ms: steadier than the rest on a busy machine. */
  readonly cpuMs: Spread;
  /** What the stand-in saw of it. */
  readonly check: string;
  /** Whether each turn had its effect exactly once. */
  readonly isSound: boolean;
}

export interface ProcessRow {
  readonly what: string;
  readonly readyMs: Spread;
  /** MiB, each of one process. */
  readonly idle: number;
  /** After all turns of the table; of the process that carries out: after all that. NaN where there is none. */
  readonly afterTurns: number;
  readonly afterFlow: number;
}

/** From Graph's answer to the card, in milliseconds. */
export interface UpdateRow {
  readonly what: string;
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
}

export interface Goal {
  readonly what: string;
  readonly reached: number;
  readonly bound: number;
  readonly unit: string;
  /** Whether more is better. */
  readonly atLeast: boolean;
}

export interface Measured {
  readonly facts: readonly string[];
  readonly turns: readonly TurnRow[];
  readonly processes: readonly ProcessRow[];
  readonly updates: readonly UpdateRow[];
  readonly goals: readonly Goal[];
}

export function report({ facts, turns, processes, updates, goals }: Measured): string {
  return [
    ...facts,
    '',
    ...table(
      ['turns', 'per second', 'p50 ms', 'p99 ms', 'CPU ms each'],
      turns.map(({ what, rate, p50, p99, cpuMs }) => [what, three(rate), three(p50), three(p99), three(cpuMs)]),
    ),
    '',
    'Seen by the stand-in:',
    ...turns.map(({ what, check }) => `  ${what}: ${check}`),
    '',
    ...table(
      ['process', 'ready ms', 'MiB idle', 'after turns', 'after carrying out'],
      processes.map(({ what, readyMs, idle, afterTurns, afterFlow }) => [
        what,
        three(readyMs),
        figure(idle),
        figure(afterTurns),
        figure(afterFlow),
      ]),
    ),
    '',
    ...table(
      ['from Graph’s answer to the card', 'cards', 'p50 ms', 'p95 ms'],
      updates.map(({ what, count, p50, p95 }) => [what, String(count), figure(p50), figure(p95)]),
    ),
    '',
    ...table(
      ['goal', 'reached', 'wanted', ''],
      goals.map(({ what, reached, bound, unit, atLeast }) => [
        what,
        `${figure(reached)}${unit}`,
        `${atLeast ? '≥' : '≤'} ${figure(bound)}${unit}`,
        (atLeast ? reached >= bound : reached <= bound) ? 'met' : 'missed',
      ]),
    ),
    '',
  ].join('\n');
}

/** Smallest / middle / largest. */
const three = ({ min, median, max }: Spread): string => [min, median, max].map(figure).join(' / ');

function figure(value: number): string {
  if (Number.isNaN(value)) return '–';
  return value >= 100 ? String(Math.round(value)) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((name, n) => Math.max(name.length, ...rows.map((row) => row[n]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)];
}
