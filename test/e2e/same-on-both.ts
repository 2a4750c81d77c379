/** Asks both nodes the same and expects the same answer, cell by cell. */

import type { PairProcesses } from '../support/pair-processes.js';
import { cellsOf } from '../support/typed-query.js';

/** The rows, equal on both nodes. */
export async function sameOnBoth(pair: PairProcesses, sql: string): Promise<unknown[][]> {
  const [a, b] = await Promise.all(
    pair.nodes.map(async (node) => {
      const connection = await node.connect();
      try {
        return await cellsOf(connection, sql);
      } finally {
        await connection.end();
      }
    }),
  );
  expect({ sql, rows: b }).toEqual({ sql, rows: a });
  return a!;
}
