/** Rows of the smallest table (host-table.ts), as tests spell, write and print them. */

import type { TableStore } from '../../storage/table-store.js';
import { HOST_TABLE } from './host-table.js';
import { bodyOf, type ModelRow, printRow } from './table-model.js';

/** Host, milliseconds, value. */
export type Cells = readonly [string | null, number, number | null];

export const rowOf = ([host, time, value]: Cells): ModelRow => ({
  cells: [host, BigInt(time), value],
});

export const printed = (cells: Cells): string => printRow(rowOf(cells).cells);

/** Defines the table where it is new, and applies a write of these rows. */
export function write(
  store: TableStore,
  version: number,
  rows: readonly Cells[],
  to = HOST_TABLE,
): void {
  store.defineTable(to);
  const body = bodyOf(to, { version, operations: [{ kind: 'rows', rows: rows.map(rowOf) }] });
  store.applyWrite(version, body, 0);
}
