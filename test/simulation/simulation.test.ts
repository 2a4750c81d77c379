/**
 * The simulated pair under many seeds. A failing seed prints its number, what it drew, and its last events; `npm run sim -- --seed N`
 * runs it alone, `npm run sim -- --seeds N` runs more.
 */

import { simulate, type SimulationSummary } from './simulation.js';

const FIRST = Number(process.env['SIMULATION_FIRST'] ?? 1);
const COUNT = Number(process.env['SIMULATION_SEEDS'] ?? 200);
/** Fewer seeds than this need not reach everything. */
const ENOUGH = 100;
const SLOWEST_SHOWN = 3;

const COUNTED = [
  'acknowledged',
  'warnings',
  'notApplied',
  'unconfirmed',
  'commits',
  'expiries',
  'deaths',
  'cuts',
  'links',
  'returned',
  'released',
  'comparisons',
  'onTheSpot',
] as const;

const runs: { readonly summary: SimulationSummary; readonly tookMs: number }[] = [];

function total(name: (typeof COUNTED)[number]): number {
  return runs.reduce((sum, { summary }) => sum + summary[name], 0);
}

describe('the pair keeps its promises', () => {
  test.each(Array.from({ length: COUNT }, (_, index) => FIRST + index))('seed %i', async (seed) => {
    const startMs = performance.now();
    const summary = await simulate(seed);
    runs.push({ summary, tookMs: performance.now() - startMs });
    expect(summary.comparisons).toBeGreaterThan(0);
    if (COUNT === 1) process.stdout.write(`${summary.events.join('\n')}\n`);
  });

  test('and these runs had to keep them: everything happened', () => {
    if (runs.length >= ENOUGH) {
      expect(COUNTED.filter((name) => total(name) === 0)).toEqual([]);
      const endings = new Set(runs.map(({ summary }) => summary.ending));
      expect([...endings].sort()).toEqual(['heal', 'lose-a', 'lose-b']);
    }
    const slowest = [...runs].sort((one, other) => other.tookMs - one.tookMs);
    const shown = slowest
      .slice(0, SLOWEST_SHOWN)
      .map(({ summary, tookMs }) => `seed ${summary.seed} ${tookMs.toFixed(0)} ms`);
    const counts = COUNTED.map((name) => `${name} ${total(name)}`);
    process.stdout.write(
      `${runs.length} seeds: ${counts.join(', ')}; slowest ${shown.join(', ')}\n`,
    );
    expect(runs.length).toBeGreaterThan(0);
  });
});

test('the same seed is the same run, event by event', async () => {
  const first = await simulate(FIRST);
  const second = await simulate(FIRST);
  expect(second).toEqual(first);
});
