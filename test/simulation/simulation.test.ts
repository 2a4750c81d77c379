/**
 * The simulated pair under many seeds. A failing seed prints its number, what it drew, and its last events; `npm run sim -- --seed N`
 * runs it alone, `npm run sim -- --seeds N` runs more.
 */

import { simulate, type SimulationSummary } from './simulation.js';

const FIRST = Number(process.env['SIMULATION_FIRST'] ?? 1);
const COUNT = Number(process.env['SIMULATION_SEEDS'] ?? 200);
const SLOWEST_SHOWN = 3;

const runs: { readonly summary: SimulationSummary; readonly tookMs: number }[] = [];

describe('the pair keeps its promises', () => {
  test.each(Array.from({ length: COUNT }, (_, index) => FIRST + index))('seed %i', async (seed) => {
    const startMs = performance.now();
    const summary = await simulate(seed);
    runs.push({ summary, tookMs: performance.now() - startMs });
    expect(summary.comparisons).toBeGreaterThan(0);
  });
});

afterAll(() => {
  const total = (of: (summary: SimulationSummary) => number): number =>
    runs.reduce((sum, { summary }) => sum + of(summary), 0);
  const slowest = [...runs].sort((one, other) => other.tookMs - one.tookMs).slice(0, SLOWEST_SHOWN);
  process.stdout.write(
    [
      `${runs.length} seeds: ${total((run) => run.acknowledged)} acknowledged`,
      `${total((run) => run.warnings)} with a warning`,
      `${total((run) => run.unconfirmed)} unconfirmed`,
      `${total((run) => run.notApplied)} not applied`,
      `${total((run) => run.commits)} multi-part`,
      `${total((run) => run.deaths)} deaths`,
      `${total((run) => run.cuts)} cuts`,
      `${total((run) => run.links)} links`,
      `${total((run) => run.comparisons)} comparisons with the model`,
      `slowest: ${slowest.map(({ summary, tookMs }) => `seed ${summary.seed} ${tookMs.toFixed(0)} ms`).join(', ')}\n`,
    ].join(', '),
  );
});
