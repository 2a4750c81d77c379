/** The smallest table that has a column of each role: rows of a host at a time with a number. */

import { ColumnRole, ColumnType, type TableSchema } from '../../storage/table-schema.js';

export const HOST_TABLE: TableSchema = {
  tableId: 77,
  appendMode: false,
  partitionMs: 86_400_000,
  columns: [
    { id: 101, type: ColumnType.text, role: ColumnRole.tag, precision: 0 },
    { id: 102, type: ColumnType.timestamp, role: ColumnRole.time, precision: 3 },
    { id: 103, type: ColumnType.float64, role: ColumnRole.field, precision: 0 },
  ],
};
