/** How a column type's values are held in vectors, and the numbers that hidden columns go by. */

import { ColumnRole, ColumnType, type StoredColumn, type TableSchema } from './table-schema.js';

/**
 * 'number': doubles. 'wide': 64-bit integers, doubles where all values fit 2^53, else two halves. 'time': base + offsets.
 * 'bytes': byte strings.
 */
export type ColumnKind = 'number' | 'wide' | 'time' | 'bytes';

export function columnKind(type: ColumnType): ColumnKind {
  switch (type) {
    case ColumnType.text:
    case ColumnType.blob:
      return 'bytes';
    case ColumnType.timestamp:
    case ColumnType.datetime:
      return 'time';
    case ColumnType.int64:
    case ColumnType.uint64:
      return 'wide';
    default:
      return 'number';
  }
}

/** Column ids from here on are hidden columns'. A user's id is a 48-bit hash; one that great (a chance of 2^-44) is refused. */
export const HIDDEN_COLUMN_IDS = 2 ** 48 - 16;

/** Frozen: written to disk. */
export const HiddenColumn = {
  series: HIDDEN_COLUMN_IDS,
  version: HIDDEN_COLUMN_IDS + 1,
  /** 1 = the row is a tombstone of its identity. */
  tombstone: HIDDEN_COLUMN_IDS + 2,
  ordinal: HIDDEN_COLUMN_IDS + 3,
  /** All columns of a tiny block in one value. */
  packed: HIDDEN_COLUMN_IDS + 4,
} as const;

/** The column with the role `time`. */
export function timeColumnOf(schema: TableSchema): StoredColumn {
  return schema.columns.find((column) => column.role === ColumnRole.time)!;
}

export function tagColumnsOf(schema: TableSchema): readonly StoredColumn[] {
  return schema.columns.filter((column) => column.role === ColumnRole.tag);
}

/** Columns whose values are stored row by row: all but the tags, which the series id stands for. */
export function rowColumnsOf(schema: TableSchema): readonly StoredColumn[] {
  return schema.columns.filter((column) => column.role !== ColumnRole.tag);
}
