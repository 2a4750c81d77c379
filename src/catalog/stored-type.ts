/**
 * From SQL types to the forms that storage holds.
 *
 * MEDIUMINT is held as 32 bits. A type without a stored form can't be a column's type.
 */

import { ColumnType } from '../../storage/index.js';
import type { SqlType } from './sql-type.js';

const SIGNED: Readonly<Record<8 | 16 | 24 | 32 | 64, ColumnType>> = {
  8: ColumnType.int8,
  16: ColumnType.int16,
  24: ColumnType.int32,
  32: ColumnType.int32,
  64: ColumnType.int64,
};

const UNSIGNED: Readonly<Record<8 | 16 | 24 | 32 | 64, ColumnType>> = {
  8: ColumnType.uint8,
  16: ColumnType.uint16,
  24: ColumnType.uint32,
  32: ColumnType.uint32,
  64: ColumnType.uint64,
};

/** null: this type can't be stored (DECIMAL, TIME, JSON and the type of a bare NULL). */
export function storedTypeOf(type: SqlType): ColumnType | null {
  switch (type.kind) {
    case 'boolean':
      return ColumnType.boolean;
    case 'integer':
      return (type.unsigned ? UNSIGNED : SIGNED)[type.bits];
    case 'float':
      return ColumnType.float32;
    case 'double':
      return ColumnType.float64;
    case 'text':
      return ColumnType.text;
    case 'blob':
      return ColumnType.blob;
    case 'date':
      return ColumnType.date;
    case 'datetime':
      return ColumnType.datetime;
    case 'timestamp':
      return ColumnType.timestamp;
    case 'decimal':
    case 'time':
    case 'json':
    case 'null':
      return null;
  }
}

/** Fraction digits as a stored column has them. */
export function storedPrecisionOf(type: SqlType): number {
  return type.kind === 'datetime' || type.kind === 'timestamp' ? type.precision : 0;
}
