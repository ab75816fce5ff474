/**
 * The arithmetic of the bench: percentiles of one run, and the spread over several. Must not know what was measured.
 */

/** The value below which `share` of the sorted values lie (nearest rank); NaN of none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

export const median = (values: readonly number[]): number => percentile(ascending(values), 0.5);

/** Smallest, middle and largest of some runs: how far to trust the middle one. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { min: sorted[0] ?? Number.NaN, median: median(sorted), max: sorted.at(-1) ?? Number.NaN };
}
