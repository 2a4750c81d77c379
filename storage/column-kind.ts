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

/** Column ids below 16 are never a user's: a column id is a 48-bit hash, and the catalog skips these. */
export const HiddenColumn = {
  series: 0,
  version: 1,
  /** 1 = the row is a tombstone of its identity. */
  tombstone: 2,
  ordinal: 3,
  /** All columns of a tiny block in one value. */
  packed: 4,
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
