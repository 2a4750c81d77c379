/**
 * How long a writer waits when the store cannot keep up: pure, and gradual, so that a burst slows writers down a little instead of
 * stopping all of them at once.
 *
 * Two things pile up: generations that wait for their flush (memory), and runs that wait to be joined (every read asks each of
 * them). Below the soft limit nobody waits. Between the limits every write waits in proportion to the excess. At the hard limit
 * writes wait until there is room.
 */

export interface Backlog {
  /** Frozen generations, the one that is being flushed included. */
  readonly frozenGenerations: number;
  /** The active generation's size as a share of what it may be; above 1 when it could not be frozen in time. */
  readonly activeShare: number;
  /** Of the partition that has most. */
  readonly openRuns: number;
}

/** So many generations wait at most: one is flushed, one is behind it. */
export const FROZEN_GENERATIONS_MAX = 2;
/** Compaction at rest leaves 15 (compaction-plan.ts); a backlog begins well above. */
export const OPEN_RUNS_SOFT = 24;
export const OPEN_RUNS_HARD = 64;
/** Longest delay of one write below the hard limit. */
export const DELAY_MS_MAX = 100;

/** Milliseconds that the next write waits; Infinity = until something changed. */
export function stallMs({ frozenGenerations, activeShare, openRuns }: Backlog): number {
  const memory = frozenGenerations < FROZEN_GENERATIONS_MAX ? 0 : activeShare;
  const runs = (openRuns - OPEN_RUNS_SOFT) / (OPEN_RUNS_HARD - OPEN_RUNS_SOFT);
  const excess = Math.max(0, memory, runs);
  return excess >= 1 ? Infinity : Math.round(excess * DELAY_MS_MAX);
}
