/**
 * `npm run sim -- --seed N`             one seed, with its whole event log
 * `npm run sim -- --seeds N [--from M]` many seeds; a failing one prints its number, what it drew and its last events
 *
 * The runs are those of simulation.test.ts; this only says which.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
  },
});

function numberOf(name, text) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  process.stderr.write(`--${name} takes a number from 1 on, not "${text}"\n`);
  process.exit(2);
}

const first = numberOf('seed', values.seed ?? values.from);
const count = values.seed === undefined ? numberOf('seeds', values.seeds) : 1;
const jest = join(import.meta.dirname, '../../node_modules/jest/bin/jest.js');
const { status } = spawnSync(
  process.execPath,
  [
    jest,
    '--runInBand',
    '--verbose=false',
    '--testPathPatterns=test/simulation/simulation',
    '--testNamePattern=the pair keeps its promises',
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, SIMULATION_FIRST: String(first), SIMULATION_SEEDS: String(count) },
  },
);
process.exitCode = status ?? 1;
