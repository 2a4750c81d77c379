/**
 * `npm run bench -- COMMAND`: measurements of a built Twintide on this machine.
 *
 *   ingest [--quick]                          what it takes in, beside its peers (the default)
 *   profile --cell NAME [--rows N] [--top N]  what its threads are busy with while a cell runs; --keep keeps the profiles
 */

import { parseArgs } from 'node:util';
import { ingest } from './ingest.js';
import { profile } from './profile.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    cell: { type: 'string', default: 's100' },
    rows: { type: 'string' },
    top: { type: 'string', default: '25' },
    keep: { type: 'boolean', default: false },
  },
});

const command = positionals[0] ?? 'ingest';
switch (command) {
  case 'ingest':
    await ingest(values.quick);
    break;
  case 'profile':
    await profile({
      cell: values.cell,
      rows: values.rows === undefined ? undefined : Number(values.rows),
      top: Number(values.top),
      keep: values.keep,
    });
    break;
  default:
    console.error(`no benchmark ${JSON.stringify(command)}; there are: ingest, profile`);
    process.exitCode = 1;
}
