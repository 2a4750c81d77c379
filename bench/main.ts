/**
 * `npm run bench -- COMMAND`: measurements of a built Twintide on this machine.
 *
 *   ingest                  what it takes in, beside its peers (the default)
 *     --cells a,b           only these
 *     --quick               few rows and one repetition of the short cells: shows that they run
 *     --growth              also the growth cells, in their long form
 *     --repetitions N       3 without it
 *     --report FOLDER       adds what was found to the report there
 *   profile --cell NAME     what the threads are busy with while a cell runs
 *     --rows N --top N      rows at most; lines of each list
 *     --allocations         what the main thread allocates, in place of time
 *     --keep                keeps the profiles
 *   start-up                how long a killed node takes to serve again
 *     --cells a,b           only these cases
 *     --quick               small sizes and one start: shows that it runs
 *     --repetitions N       starts of each case, 3 without it
 *     --report FOLDER       adds what was found to the report there
 */

import { parseArgs } from 'node:util';
import { ingest } from './ingest.js';
import { profile } from './profile.js';
import { startUp } from './start-up.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cells: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    repetitions: { type: 'string' },
    report: { type: 'string' },
    cell: { type: 'string', default: 's100' },
    rows: { type: 'string' },
    top: { type: 'string', default: '25' },
    keep: { type: 'boolean', default: false },
    allocations: { type: 'boolean', default: false },
  },
});

const names = values.cells.split(',').filter((name) => name !== '');
const repetitions = Number(values.repetitions ?? (values.quick ? 1 : 3));

const command = positionals[0] ?? 'ingest';
switch (command) {
  case 'ingest':
    await ingest({
      cells: names,
      isQuick: values.quick,
      repetitions,
      isLong: values.growth,
      withGrowth: values.growth,
      report: values.report,
    });
    break;
  case 'profile':
    await profile({
      cell: values.cell,
      rows: values.rows === undefined ? undefined : Number(values.rows),
      top: Number(values.top),
      keep: values.keep,
      allocations: values.allocations,
    });
    break;
  case 'start-up':
    await startUp({
      cases: names,
      isQuick: values.quick,
      repetitions,
      report: values.report,
    });
    break;
  default:
    console.error(`no benchmark ${JSON.stringify(command)}; there are: ingest, profile, start-up`);
    process.exitCode = 1;
}
