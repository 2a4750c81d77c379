/** The planner on tables of numbers, and its promises over whole lives of a partition. */

import fc from 'fast-check';
import {
  FULL_RUN_BYTES,
  openRuns,
  planCompaction,
  TIER_RUNS,
  tierOf,
} from '../../storage/compaction-plan.js';

const KiB = 1024;
const MiB = 1024 * KiB;

const runsOf = (sizes: readonly number[]): { id: number; sizeBytes: number }[] =>
  sizes.map((sizeBytes, index) => ({ id: index + 1, sizeBytes }));

test.each([
  // Nothing to do.
  ['no run', [], []],
  ['fewer than a tier takes', [MiB, MiB, MiB], []],
  ['sizes too far apart', [100 * KiB, MiB, 5 * MiB, 20 * MiB, 90 * MiB], []],
  // A full tier.
  ['flushes of one size', [MiB, MiB, MiB, MiB], [[1, 2, 3, 4]]],
  ['flushes by age of a table that hardly anyone writes to', [9, 900, 90 * KiB, 1], [[1, 2, 3, 4]]],
  ['more than enough', [MiB, MiB, MiB, MiB, MiB, MiB], [[1, 2, 3, 4, 5, 6]]],
  ['a large run among small ones stays out', [60 * MiB, MiB, MiB, MiB, MiB], [[2, 3, 4, 5]]],
  // Two of them: the cheaper one first.
  [
    'two full tiers',
    [20 * MiB, 20 * MiB, MiB, 20 * MiB, MiB, 20 * MiB, MiB, MiB],
    [
      [3, 5, 7, 8],
      [1, 2, 4, 6],
    ],
  ],
  // Full runs are done with.
  ['full runs', [FULL_RUN_BYTES, FULL_RUN_BYTES, 2 * FULL_RUN_BYTES, 4 * FULL_RUN_BYTES], []],
  ['full runs beside small ones', [FULL_RUN_BYTES, MiB, MiB, MiB, MiB], [[2, 3, 4, 5]]],
  // One job reads a bounded number of runs.
  ['very many', Array<number>(40).fill(MiB), [Array.from({ length: 16 }, (_, index) => index + 1)]],
])('%s', (_, sizes, jobs) => {
  expect(planCompaction(runsOf(sizes)).map(({ runIds }) => runIds)).toEqual(jobs);
});

test.each([
  [0, 0],
  [512 * KiB, 0],
  [512 * KiB + 1, 1],
  [2 * MiB - 1, 1],
  [2 * MiB, 2],
  [8 * MiB, 3],
])('%d bytes are in tier %d', (sizeBytes, tier) => {
  expect(tierOf(sizeBytes)).toBe(tier);
});

/** Flushes one after another, each followed by all the compactions that are planned then. `kept`: share of bytes that a join keeps. */
function live(
  flushes: readonly number[],
  kept: number,
): { runs: { id: number; sizeBytes: number }[]; written: number; mostOpen: number } {
  let runs: { id: number; sizeBytes: number }[] = [];
  let written = 0;
  let mostOpen = 0;
  let id = 0;
  for (const sizeBytes of flushes) {
    runs.push({ id: ++id, sizeBytes });
    written += sizeBytes;
    for (let [job] = planCompaction(runs); job !== undefined; [job] = planCompaction(runs)) {
      const inputs = new Set(job.runIds);
      const joined = runs.filter((run) => inputs.has(run.id));
      const size = Math.ceil(joined.reduce((sum, run) => sum + run.sizeBytes, 0) * kept);
      runs = runs.filter((run) => !inputs.has(run.id));
      runs.push({ id: ++id, sizeBytes: size });
      written += size;
    }
    mostOpen = Math.max(mostOpen, openRuns(runs));
  }
  return { runs, written, mostOpen };
}

/** Tiers that are not full. */
const TIERS = tierOf(FULL_RUN_BYTES - 1) + 1;

test('whatever is flushed, the open runs of a partition stay few', () => {
  const flushes = fc.array(fc.integer({ min: 1, max: 40 * MiB }), { minLength: 1, maxLength: 300 });
  const kept = fc.constantFrom(1, 0.7, 0.25);
  fc.assert(
    fc.property(flushes, kept, (sizes, share) => {
      expect(live(sizes, share).mostOpen).toBeLessThanOrEqual((TIER_RUNS - 1) * TIERS);
    }),
  );
});

test('whatever is flushed, a byte is written at most once a tier, flush included', () => {
  const flushes = fc.array(fc.integer({ min: 1, max: 40 * MiB }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(flushes, (sizes) => {
      const flushed = sizes.reduce((sum, size) => sum + size, 0);
      // Joining four runs of a tier leaves it, except in the lowest, which holds everything small: there it takes a few joins.
      const small = sizes.filter((size) => tierOf(size) === 0).reduce((sum, size) => sum + size, 0);
      const { written } = live(sizes, 1);
      expect(written).toBeLessThanOrEqual(flushed * (TIERS + 1) + small * sizes.length);
    }),
  );
});

test('a steady writer pays about one rewrite for each fourfold', () => {
  const { written, runs } = live(Array<number>(1024).fill(MiB), 1);
  expect(written / (1024 * MiB)).toBeLessThanOrEqual(5);
  expect(openRuns(runs)).toBeLessThanOrEqual((TIER_RUNS - 1) * TIERS);
});
