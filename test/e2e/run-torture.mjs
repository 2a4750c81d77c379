/**
 * `npm run torture -- --seeds N [--from M] [--nodes]`   kills stores, or with --nodes whole nodes, in the middle of flushes and compactions;
 * a failing seed prints its number
 *
 * The runs are those of kill-store.test.ts and kill-in-flush.test.ts; this only says which. A store takes about a second a seed, a node ten.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    nodes: { type: 'boolean', default: false },
  },
});

function numberOf(name, text) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  process.stderr.write(`--${name} takes a number from 1 on, not "${text}"\n`);
  process.exit(2);
}

const jest = join(import.meta.dirname, '../../node_modules/jest/bin/jest.js');
const { status } = spawnSync(
  process.execPath,
  [jest, `--testPathPatterns=test/e2e/${values.nodes ? 'kill-in-flush' : 'kill-store'}`],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      TORTURE_FIRST: String(numberOf('from', values.from)),
      TORTURE_SEEDS: String(numberOf('seeds', values.seeds)),
    },
  },
);
process.exitCode = status ?? 1;
