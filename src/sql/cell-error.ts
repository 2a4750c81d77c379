/** What is wrong with a value for its column, in MySQL's numbers and words. */

import { SqlError } from '../../protocol/index.js';
import type { SqlType } from '../catalog/sql-type.js';

/** How much of a wrong value an error text quotes. */
const QUOTED_BYTES_MAX = 128;
const QUOTED_STRING_BYTES_MAX = 6;

const decoder = new TextDecoder();

/** The cell that an error is about. */
export interface CellPlace {
  /** The column's name. */
  readonly name: string;
  readonly type: SqlType;
  /** 1-based. */
  readonly row: number;
}

/** 1048 */
export function nullNotAllowed(cell: CellPlace): SqlError {
  return new SqlError('ER_BAD_NULL_ERROR', { column: cell.name });
}

/** 1364 */
export function noDefault(cell: CellPlace): SqlError {
  return new SqlError('ER_NO_DEFAULT_FOR_FIELD', { column: cell.name });
}

/** 1264 */
export function outOfRange(cell: CellPlace): SqlError {
  return new SqlError('ER_WARN_DATA_OUT_OF_RANGE', { column: cell.name, row: cell.row });
}

/** 1265: a number with something behind it. */
export function truncated(cell: CellPlace): SqlError {
  return new SqlError('WARN_DATA_TRUNCATED', { column: cell.name, row: cell.row });
}

/** 1406 */
export function tooLong(cell: CellPlace): SqlError {
  return new SqlError('ER_DATA_TOO_LONG', { column: cell.name, row: cell.row });
}

/** 1366 */
export function incorrectInteger(cell: CellPlace, value: string): SqlError {
  return incorrect(cell, 'integer', value);
}

/** 1292, as a date or a datetime after the column's type. */
export function incorrectTime(cell: CellPlace, value: string): SqlError {
  const type = cell.type.kind === 'date' ? 'date' : 'datetime';
  const words = { type, value, column: cell.name, row: cell.row };
  return new SqlError('ER_INCORRECT_VALUE_FOR_COLUMN', words);
}

/** 1366 for text that is no UTF-8: MySQL quotes up to six bytes from the first bad one, as in '\xE4\xF6...'. */
export function incorrectString(
  cell: CellPlace,
  buf: Uint8Array,
  bad: number,
  end: number,
): SqlError {
  let value = '';
  for (const byte of buf.subarray(bad, Math.min(bad + QUOTED_STRING_BYTES_MAX, end))) {
    const isPlain = byte >= 0x20 && byte < 0x7f;
    const code = byte.toString(16).toUpperCase().padStart(2, '0');
    value += isPlain ? String.fromCharCode(byte) : `\\x${code}`;
  }
  return incorrect(cell, 'string', end - bad > QUOTED_STRING_BYTES_MAX ? `${value}...` : value);
}

function incorrect(cell: CellPlace, type: string, value: string): SqlError {
  const words = { type, value, column: cell.name, row: cell.row };
  return new SqlError('ER_TRUNCATED_WRONG_VALUE_FOR_FIELD', words);
}

/** The beginning of a value, for an error text. */
export function quotedValue(buf: Uint8Array, start: number, end: number): string {
  return decoder.decode(buf.subarray(start, Math.min(end, start + QUOTED_BYTES_MAX)));
}
