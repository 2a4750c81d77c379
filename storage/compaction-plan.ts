/**
 * Which runs of a partition are to be joined: pure, so that the promises below can be shown on tables of numbers.
 *
 * Runs are in tiers by size, each four times the one below. As soon as a tier has four runs they become one, which is of the next tier.
 * So a partition has at most three runs a tier, and a row is rewritten at most once a tier: with flushes of 1 MiB and runs that are full
 * at 128 MiB, five tiers, 15 runs beside the full ones, and each row is written six times at most, its flush included. A full run is left
 * alone: one job then never holds a thread for long, and old partitions come to rest.
 *
 * Runs whose times or series do not overlap are joined all the same: a reader of one series asks each run, and their number is what costs.
 * What is never done is to let a large run take part for the sake of a few small ones.
 */

/** What planning knows of a run. */
export interface PlannedRun {
  readonly id: number;
  readonly sizeBytes: number;
}

export interface CompactionJobPlan {
  readonly runIds: readonly number[];
}

/** Runs of this size are left alone. */
export const FULL_RUN_BYTES = 128 * 1024 * 1024;
/** Runs of a tier that are joined, and the ratio of one tier's sizes to the next one's. */
export const TIER_RUNS = 4;
/** The lowest tier holds everything up to this: small tables, and flushes by age. */
const SMALLEST_TIER_BYTES = 512 * 1024;
/** Inputs of one job: each costs memory for two of its blocks. */
const JOB_RUNS_MAX = 16;

/** Jobs for one partition, in the order in which they pay: cheapest first. Each run is in one at most. */
export function planCompaction(runs: readonly PlannedRun[]): CompactionJobPlan[] {
  const tiers = new Map<number, PlannedRun[]>();
  for (const run of runs) {
    if (run.sizeBytes >= FULL_RUN_BYTES) continue;
    const tier = tierOf(run.sizeBytes);
    const known = tiers.get(tier);
    if (known === undefined) tiers.set(tier, [run]);
    else known.push(run);
  }
  const jobs: CompactionJobPlan[] = [];
  for (const tier of [...tiers.keys()].sort((a, b) => a - b)) {
    const found = tiers.get(tier)!;
    if (found.length < TIER_RUNS) continue;
    // Oldest first: runs that were flushed one after another hold times that follow each other.
    const oldest = [...found].sort((a, b) => a.id - b.id).slice(0, JOB_RUNS_MAX);
    jobs.push({ runIds: oldest.map(({ id }) => id) });
  }
  return jobs;
}

/** 0 for the smallest runs, one more for each fourfold of size. */
export function tierOf(sizeBytes: number): number {
  if (sizeBytes <= SMALLEST_TIER_BYTES) return 0;
  return Math.floor(Math.log(sizeBytes / SMALLEST_TIER_BYTES) / Math.log(TIER_RUNS)) + 1;
}

/** Runs that count against the limits of a partition: those that joining could still make fewer. */
export function openRuns(runs: readonly PlannedRun[]): number {
  let count = 0;
  for (const { sizeBytes } of runs) if (sizeBytes < FULL_RUN_BYTES) count++;
  return count;
}
