/**
 * The tables of the simulated pair, and changes to them as both the store and the model understand them.
 *
 *   log      append mode: a record applied twice shows as rows that are there twice
 *   state    last write wins: a few keys that everybody writes, so that the order of versions decides
 *   patched  merged fields: as state, but of each field the newest value that is not NULL counts
 *   doomed   last write wins, until a DDL record drops it: rows that arrive later for it must not come back
 */

import {
  ColumnRole,
  ColumnType,
  encodeWriteBody,
  type ReadView,
  type TableSchema,
} from '../../storage/index.js';
import { bodyOf, printRow, type ModelOperation } from '../support/table-model.js';
import { valueAt } from '../support/vector-values.js';

export const TABLE_NAMES = ['log', 'state', 'patched', 'doomed'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** Six hours: the times of a run lie in a handful of partitions. */
const PARTITION_MS = 21_600_000;

export const SCHEMAS: Readonly<Record<TableName, TableSchema>> = {
  log: { ...schemaOf(101), appendMode: true },
  state: schemaOf(202),
  patched: { ...schemaOf(404), mergeFields: true },
  doomed: schemaOf(303),
};

function schemaOf(tableId: number): TableSchema {
  return {
    tableId,
    appendMode: false,
    partitionMs: PARTITION_MS,
    columns: [
      { id: tableId + 1, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
      { id: tableId + 2, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
      { id: tableId + 3, type: ColumnType.int64, role: ColumnRole.field, precision: 0 },
      { id: tableId + 4, type: ColumnType.text, role: ColumnRole.field, precision: 0 },
    ],
  };
}

/** One section of a write. */
export interface Change {
  readonly table: TableName;
  readonly operation: ModelOperation;
}

/** Printed rows of each table, sorted. */
export type TableRows = Readonly<Record<TableName, readonly string[]>>;

const SECTION_COUNT_BYTES = 2;

/** The body parts of a record with these changes; the last part belongs to no other body. */
export function bodyOfChanges(changes: readonly Change[]): Uint8Array[] {
  return encodeWriteBody(
    changes.map(({ table, operation }) =>
      bodyOf(SCHEMAS[table], { version: 0, operations: [operation] }).subarray(SECTION_COUNT_BYTES),
    ),
  );
}

export function schemasOf(changes: readonly Change[]): readonly TableSchema[] {
  return [...new Set(changes.map(({ table }) => SCHEMAS[table]))];
}

/** Everything that a reader sees. The view is released. */
export async function rowsIn(view: ReadView): Promise<TableRows> {
  const rows: Record<TableName, string[]> = { log: [], state: [], patched: [], doomed: [] };
  for (const table of TABLE_NAMES) {
    const { tableId, columns } = SCHEMAS[table];
    const ids = columns.map((column) => column.id);
    const scan = view.scan({
      parts: [{ tableId, columns: ids }],
      columns: ids,
      timeMin: null,
      timeMax: null,
      seriesMask: null,
      order: 'any',
    });
    for await (const batch of scan) {
      for (let row = 0; row < batch.length; row += 1) {
        rows[table].push(printRow(batch.columns.map((column) => valueAt(column, row))));
      }
    }
    rows[table].sort();
  }
  view.release();
  return rows;
}
