/**
 * One SQL value as a JavaScript value, for the edge: constants, parameters, defaults, virtual tables, rare functions.
 * Columns of rows never take this form; they stay vectors.
 *
 * | type                                   | value                                                        |
 * | -------------------------------------- | ------------------------------------------------------------ |
 * | boolean, integers                      | number when a safe integer, else bigint                      |
 * | float, double                          | number                                                       |
 * | decimal(p, s)                          | bigint, the value times 10^s                                 |
 * | text, blob, json                       | Uint8Array (UTF-8 for text and json)                         |
 * | date                                   | number, days since 1970-01-01                                |
 * | time(p)                                | number, microseconds, negative allowed                       |
 * | datetime(p), timestamp(p)              | bigint, count since the epoch in 10^-p seconds; a datetime's |
 * |                                        | wall clock is counted as if it were UTC                      |
 * | NULL of any type                       | null                                                         |
 */

import type { SqlType } from '../catalog/sql-type.js';

export type SqlValue = null | number | bigint | Uint8Array;

export interface TypedValue {
  readonly type: SqlType;
  readonly value: SqlValue;
}

export const NULL_TYPE: SqlType = { kind: 'null' };
export const BOOLEAN: SqlType = { kind: 'boolean' };
export const INT32: SqlType = { kind: 'integer', bits: 32, unsigned: false };
export const BIGINT: SqlType = { kind: 'integer', bits: 64, unsigned: false };
export const BIGINT_UNSIGNED: SqlType = { kind: 'integer', bits: 64, unsigned: true };
export const DOUBLE: SqlType = { kind: 'double' };
export const DATE: SqlType = { kind: 'date' };
export const LONG_TEXT: SqlType = { kind: 'text', spelling: 'longtext', length: null };
export const LONG_BLOB: SqlType = { kind: 'blob', spelling: 'longblob', length: null };

export const varcharType = (length: number): SqlType => ({
  kind: 'text',
  spelling: 'varchar',
  length,
});
export const decimalType = (precision: number, scale: number): SqlType => ({
  kind: 'decimal',
  precision,
  scale,
});
export const datetimeType = (precision: number): SqlType => ({
  kind: 'datetime',
  precision,
  precisionGiven: true,
});
export const timestampType = (precision: number): SqlType => ({
  kind: 'timestamp',
  precision,
  precisionGiven: true,
});
export const timeType = (precision: number): SqlType => ({ kind: 'time', precision });

export const NULL_VALUE: TypedValue = { type: NULL_TYPE, value: null };

/** The canonical form of an integer: a number when it is exact, else a bigint. */
export function integerValue(value: bigint): number | bigint {
  return value >= -9_007_199_254_740_991n && value <= 9_007_199_254_740_991n
    ? Number(value)
    : value;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const textBytes = (text: string): Uint8Array => encoder.encode(text);
/** Bytes that are not UTF-8 become U+FFFD. */
export const bytesText = (bytes: Uint8Array): string => decoder.decode(bytes);

export function textConstant(text: string): TypedValue {
  const value = textBytes(text);
  return { type: varcharType(characterCount(text, value.length)), value };
}

/** `byteCount` is the length of the text in UTF-8: a text of ASCII, however long, is not looked at. */
function characterCount(text: string, byteCount: number): number {
  if (byteCount === text.length) return byteCount;
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    // Two units that make a character are counted at the second, if both are there.
    const isSecond = (text.charCodeAt(at) & 0xfc00) === 0xdc00;
    if (!isSecond || at === 0 || (text.charCodeAt(at - 1) & 0xfc00) !== 0xd800) count += 1;
  }
  return count;
}

export function integerConstant(value: bigint | number): TypedValue {
  return {
    type: value > 9_223_372_036_854_775_807n ? BIGINT_UNSIGNED : BIGINT,
    value: typeof value === 'bigint' ? integerValue(value) : value,
  };
}

export const isText = (type: SqlType): boolean => type.kind === 'text' || type.kind === 'json';
export const isBytes = (type: SqlType): boolean => isText(type) || type.kind === 'blob';
export const isInteger = (type: SqlType): boolean =>
  type.kind === 'integer' || type.kind === 'boolean';
export const isReal = (type: SqlType): boolean => type.kind === 'double' || type.kind === 'float';
export const isTemporal = (type: SqlType): boolean =>
  type.kind === 'date' || type.kind === 'datetime' || type.kind === 'timestamp';
