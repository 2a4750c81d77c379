/** How long writers wait for flushes and compactions. */

import {
  DELAY_MS_MAX,
  OPEN_RUNS_HARD,
  OPEN_RUNS_SOFT,
  stallMs,
} from '../../storage/write-stall.js';

const between = OPEN_RUNS_SOFT + (OPEN_RUNS_HARD - OPEN_RUNS_SOFT) / 2;

test.each([
  // Nobody waits for the flush that is under way, however full the next memtable is.
  [{ frozenGenerations: 0, activeShare: 0.9, openRuns: 0 }, 0],
  [{ frozenGenerations: 1, activeShare: 0.9, openRuns: 15 }, 0],
  // One is behind it: the fuller the third, the longer.
  [{ frozenGenerations: 2, activeShare: 0, openRuns: 0 }, 0],
  [{ frozenGenerations: 2, activeShare: 0.25, openRuns: 0 }, DELAY_MS_MAX / 4],
  [{ frozenGenerations: 2, activeShare: 0.5, openRuns: 0 }, DELAY_MS_MAX / 2],
  [{ frozenGenerations: 2, activeShare: 1, openRuns: 0 }, Infinity],
  [{ frozenGenerations: 2, activeShare: 1.5, openRuns: 0 }, Infinity],
  // Runs.
  [{ frozenGenerations: 0, activeShare: 0, openRuns: OPEN_RUNS_SOFT }, 0],
  [{ frozenGenerations: 0, activeShare: 0, openRuns: between }, DELAY_MS_MAX / 2],
  [{ frozenGenerations: 0, activeShare: 0, openRuns: OPEN_RUNS_HARD }, Infinity],
  // The worse of the two.
  [{ frozenGenerations: 2, activeShare: 0.25, openRuns: between }, DELAY_MS_MAX / 2],
])('%j: %d ms', (backlog, delayMs) => {
  expect(stallMs(backlog)).toBe(delayMs);
});
