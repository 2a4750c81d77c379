/** A table of a million rows, to be read back by each client as a stream; and what its sums must be. */

import type { Connection } from 'mysql2/promise';
import { run } from '../support/typed-query.js';

export const MILLION = 1_000_000;
/** Of column n: 0 to 999,999. */
export const MILLION_SUM = (MILLION * (MILLION - 1)) / 2;
const ROWS_PER_INSERT = 10_000;

/** Fills `million` in the current database. */
export async function loadMillion(client: Connection): Promise<void> {
  await run(
    client,
    'CREATE TABLE million (sensor VARCHAR(8), ts TIMESTAMP(3) NOT NULL, n INT, level DOUBLE, TIME INDEX (ts), PRIMARY KEY (sensor))',
  );
  for (let from = 0; from < MILLION; from += ROWS_PER_INSERT) {
    const rows = Array.from({ length: ROWS_PER_INSERT }, (_, index) => {
      const n = from + index;
      return `('s${n % 50}',${1_700_000_000_000 + n},${n},${n / 4})`;
    });
    await run(client, `INSERT INTO million VALUES ${rows.join(',')}`);
  }
}
