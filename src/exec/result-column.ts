/**
 * One column of a result: its heading, type and origin, and what the protocol says of it.
 *
 * Wire types are MySQL 8's, with honest lengths: clients size buffers and pick their own types from them. Text is utf8mb4, so a
 * VARCHAR(n) has 4 n bytes; numbers and times carry the binary character set and flag.
 */

import {
  CHARACTER_SET,
  COLUMN_FLAG,
  COLUMN_TYPE,
  DECIMALS_NOT_FIXED,
  type ColumnDefinition,
  type ColumnType,
} from '../../protocol/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import type { ColumnOrigin } from '../plan/bound-expression.js';

export interface ResultColumn {
  /** Heading: the alias, or the expression as typed. */
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
  /** null for anything but a bare column. */
  readonly origin: ColumnOrigin | null;
}

/** Digits after the second that MySQL's protocol and clients know. */
export const WIRE_DIGITS_MAX = 6;

interface WireForm {
  readonly type: ColumnType;
  readonly length: number;
  readonly decimals: number;
  readonly flags: number;
  readonly characterSet: number;
}

const number = (type: ColumnType, length: number, decimals = 0, flags = 0): WireForm => ({
  type,
  length,
  decimals,
  flags: flags | COLUMN_FLAG.binary,
  characterSet: CHARACTER_SET.binary,
});

const INTEGERS: Readonly<
  Record<8 | 16 | 24 | 32 | 64, { readonly type: ColumnType; readonly length: number }>
> = {
  8: { type: COLUMN_TYPE.tiny, length: 4 },
  16: { type: COLUMN_TYPE.short, length: 6 },
  24: { type: COLUMN_TYPE.int24, length: 9 },
  32: { type: COLUMN_TYPE.long, length: 11 },
  64: { type: COLUMN_TYPE.longlong, length: 20 },
};

/** Most bytes of the types that have no length of their own. */
const TEXT_BYTES: Readonly<Record<string, number>> = {
  tinytext: 255,
  text: 65_535,
  mediumtext: 16_777_215,
  tinyblob: 255,
  blob: 65_535,
  mediumblob: 16_777_215,
};
const LONG_BYTES = 4_294_967_295;
const UTF8_BYTES_MAX = 4;

function wireForm(type: SqlType): WireForm {
  switch (type.kind) {
    case 'null':
      return number(COLUMN_TYPE.null, 0);
    case 'boolean':
      return number(COLUMN_TYPE.tiny, 1);
    case 'integer': {
      const { type: wire, length } = INTEGERS[type.bits];
      if (!type.unsigned) return number(wire, length);
      return number(wire, type.bits === 64 ? 20 : length - 1, 0, COLUMN_FLAG.unsigned);
    }
    case 'float':
      return number(COLUMN_TYPE.float, 12, DECIMALS_NOT_FIXED);
    case 'double':
      return number(COLUMN_TYPE.double, 22, DECIMALS_NOT_FIXED);
    case 'decimal':
      // A sign, and a point if there are digits after it.
      return number(COLUMN_TYPE.newdecimal, type.precision + (type.scale > 0 ? 2 : 1), type.scale);
    case 'date':
      return number(COLUMN_TYPE.date, 10);
    case 'time':
      return timeForm(COLUMN_TYPE.time, 10, type.precision);
    case 'datetime':
      return timeForm(COLUMN_TYPE.datetime, 19, type.precision);
    case 'timestamp':
      return timeForm(COLUMN_TYPE.timestamp, 19, type.precision);
    case 'json':
      return text(COLUMN_TYPE.json, LONG_BYTES, COLUMN_FLAG.blob);
    case 'text':
      return textForm(type);
    case 'blob':
      return blobForm(type);
  }
}

function timeForm(type: ColumnType, length: number, precision: number): WireForm {
  const digits = Math.min(precision, WIRE_DIGITS_MAX);
  return number(type, length + (digits === 0 ? 0 : digits + 1), digits);
}

const text = (type: ColumnType, length: number, flags: number): WireForm => ({
  type,
  length: Math.min(length, LONG_BYTES),
  decimals: 0,
  flags,
  characterSet: CHARACTER_SET.utf8mb4_bin,
});

function textForm(type: Extract<SqlType, { kind: 'text' }>): WireForm {
  if (type.spelling === 'varchar' || type.spelling === 'char') {
    if (type.length === null) return text(COLUMN_TYPE.blob, LONG_BYTES, COLUMN_FLAG.blob);
    const wire = type.spelling === 'char' ? COLUMN_TYPE.string : COLUMN_TYPE.varString;
    return text(wire, type.length * UTF8_BYTES_MAX, 0);
  }
  return text(COLUMN_TYPE.blob, TEXT_BYTES[type.spelling] ?? LONG_BYTES, COLUMN_FLAG.blob);
}

function blobForm(type: Extract<SqlType, { kind: 'blob' }>): WireForm {
  if (type.spelling === 'binary' || type.spelling === 'varbinary') {
    const wire = type.spelling === 'binary' ? COLUMN_TYPE.string : COLUMN_TYPE.varString;
    return number(wire, type.length ?? LONG_BYTES);
  }
  return number(COLUMN_TYPE.blob, TEXT_BYTES[type.spelling] ?? LONG_BYTES, 0, COLUMN_FLAG.blob);
}

export function columnDefinitionOf({
  name,
  type,
  nullable,
  origin,
}: ResultColumn): ColumnDefinition {
  const form = wireForm(type);
  const key = origin?.isKey === true ? COLUMN_FLAG.primaryKey : 0;
  const flags = form.flags | (nullable ? 0 : COLUMN_FLAG.notNull) | key;
  const base = { name, ...form, flags };
  if (origin === null) return base;
  const { database, table, originalTable, originalName } = origin;
  return { ...base, schema: database, table, originalTable, originalName };
}
