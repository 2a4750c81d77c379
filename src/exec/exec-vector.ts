/**
 * Vectors inside the executor: storage's kinds and two more that only expressions produce.
 *
 * - `decimal`: value = unscaled / 10^scale. `small` holds the unscaled values as exact doubles (all within 2^53);
 *   when one does not fit, `large` holds all of them as bigint instead. Exactly one of the two is set.
 * - `instant`: datetimes and timestamps of more than 3 digits that were computed or brought together from several
 *   partitions: whole seconds since the epoch (floor) and the fraction in the type's own unit, 0 <= fraction < 10^precision.
 *
 * What a vector means is said by the SqlType beside it; see sql-value.ts for the forms.
 */

import { VECTOR_ROWS_MAX, type Vector } from '../../storage/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import { integerValue, type SqlValue } from './sql-value.js';

export interface DecimalVector {
  readonly kind: 'decimal';
  readonly length: number;
  readonly scale: number;
  readonly small: Float64Array | null;
  readonly large: readonly bigint[] | null;
  readonly nulls: Uint8Array | null;
}

export interface InstantVector {
  readonly kind: 'instant';
  readonly length: number;
  readonly seconds: Float64Array;
  readonly fractions: Float64Array;
  readonly nulls: Uint8Array | null;
}

export type ExecVector = Vector | DecimalVector | InstantVector;

export type Nulls = Uint8Array | null;

/** 1 where either is NULL. Returns one of its arguments when the other has none. */
export function unionNulls(a: Nulls, b: Nulls, length: number): Nulls {
  if (a === null || a === b) return b;
  if (b === null) return a;
  const result = new Uint8Array(length);
  for (let i = 0; i < length; i++) result[i] = a[i]! | b[i]!;
  return result;
}

export const isNullAt = (vector: ExecVector, row: number): boolean =>
  vector.nulls !== null && vector.nulls[row] === 1;

export function numberVector(values: Float64Array, nulls: Nulls, length: number): ExecVector {
  return { kind: 'number', length, values, nulls };
}

/** Digits 0..9 -> 10^digits. */
export const UNITS: readonly number[] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** 10^digits for the precision of a time type. */
export function unitOf(type: SqlType): number {
  return type.kind === 'datetime' || type.kind === 'timestamp' ? (UNITS[type.precision] ?? 1) : 1;
}

export function precisionOf(type: SqlType): number {
  return type.kind === 'datetime' || type.kind === 'timestamp' || type.kind === 'time'
    ? type.precision
    : 0;
}

export interface SplitTime {
  readonly seconds: Float64Array;
  readonly fractions: Float64Array;
}

/** Whole seconds (floor) and fractions of a datetime or timestamp vector with 10^digits = `unit`. */
export function splitTime(vector: ExecVector, unit: number): SplitTime {
  if (vector.kind === 'instant') return vector;
  if (vector.kind !== 'time') {
    // Only the NULL vector has another kind here.
    return { seconds: new Float64Array(vector.length), fractions: new Float64Array(vector.length) };
  }
  const { offsets, length, base } = vector;
  const seconds = new Float64Array(length);
  const fractions = new Float64Array(length);
  const baseFraction = Number(((base % BigInt(unit)) + BigInt(unit)) % BigInt(unit));
  const baseSeconds = Number((base - BigInt(baseFraction)) / BigInt(unit));
  for (let i = 0; i < length; i++) {
    const offset = offsets[i]!;
    let second = Math.floor(offset / unit);
    let fraction = offset - second * unit + baseFraction;
    if (fraction >= unit) {
      second += 1;
      fraction -= unit;
    }
    seconds[i] = second + baseSeconds;
    fractions[i] = fraction;
  }
  return { seconds, fractions };
}

/** The counterpart of splitTime: the plain form where a double holds the counts, else `instant`. */
export function joinTime(split: SplitTime, unit: number, nulls: Nulls, length: number): ExecVector {
  if (unit > 1000) return { kind: 'instant', length, ...split, nulls };
  if (unit === 1) return { kind: 'time', length, base: 0n, offsets: split.seconds, nulls };
  const offsets = new Float64Array(length);
  const { seconds, fractions } = split;
  for (let i = 0; i < length; i++) offsets[i] = seconds[i]! * unit + fractions[i]!;
  return { kind: 'time', length, base: 0n, offsets, nulls };
}

/** The count since the epoch of one row. */
export function timeCountAt(vector: ExecVector, row: number, unit: number): bigint {
  if (vector.kind === 'time') return vector.base + BigInt(vector.offsets[row]!);
  if (vector.kind === 'instant') {
    return BigInt(vector.seconds[row]!) * BigInt(unit) + BigInt(vector.fractions[row]!);
  }
  return 0n;
}

/** An integer of one row, exactly. */
export function bigintAt(vector: ExecVector, row: number, unsigned: boolean): bigint {
  if (vector.kind === 'number') return BigInt(vector.values[row]!);
  if (vector.kind === 'integer64') {
    const high = vector.high[row]!;
    return (BigInt(unsigned ? high >>> 0 : high) << 32n) | BigInt(vector.low[row]! >>> 0);
  }
  return 0n;
}

export function decimalAt(vector: ExecVector, row: number): bigint {
  if (vector.kind !== 'decimal') return 0n;
  return vector.large === null ? BigInt(vector.small![row]!) : vector.large[row]!;
}

/** The bytes of one row, without copying. */
export function bytesAt(vector: ExecVector, row: number): Uint8Array {
  if (vector.kind === 'dictionary') return bytesAt(vector.dictionary, vector.codes[row]!);
  if (vector.kind === 'bytes') {
    return vector.data.subarray(vector.starts[row], vector.starts[row + 1]);
  }
  return EMPTY_BYTES;
}

const EMPTY_BYTES = new Uint8Array(0);

export const isUnsigned = (type: SqlType): boolean => type.kind === 'integer' && type.unsigned;

/** One row as an SqlValue; bytes are not copied. */
export function valueAt(vector: ExecVector, type: SqlType, row: number): SqlValue {
  if (isNullAt(vector, row)) return null;
  switch (vector.kind) {
    case 'number':
      return vector.values[row]!;
    case 'integer64':
      return integerValue(bigintAt(vector, row, isUnsigned(type)));
    case 'decimal':
      return decimalAt(vector, row);
    case 'bytes':
    case 'dictionary':
      return bytesAt(vector, row);
    case 'time':
    case 'instant':
      return timeCountAt(vector, row, unitOf(type));
  }
}

/** A vector that holds `value` in every row; relabel it with withLength. */
export function constantVector(value: SqlValue, type: SqlType, rows = VECTOR_ROWS_MAX): ExecVector {
  const length = rows;
  if (value === null) return nullVector(length);
  if (value instanceof Uint8Array) {
    const dictionary = {
      kind: 'bytes',
      length: 1,
      starts: new Uint32Array([0, value.length]),
      data: value,
      nulls: null,
    } as const;
    return { kind: 'dictionary', length, codes: new Uint32Array(length), dictionary, nulls: null };
  }
  switch (type.kind) {
    case 'datetime':
    case 'timestamp':
      return constantTime(BigInt(value), type.precision, length);
    case 'decimal': {
      const unscaled = BigInt(value);
      const isSmall = typeof integerValue(unscaled) === 'number';
      return {
        kind: 'decimal',
        length,
        scale: type.scale,
        small: isSmall ? new Float64Array(length).fill(Number(unscaled)) : null,
        large: isSmall ? null : new Array<bigint>(length).fill(unscaled),
        nulls: null,
      };
    }
    default:
      if (typeof value === 'number') {
        return numberVector(new Float64Array(length).fill(value), null, length);
      }
      return {
        kind: 'integer64',
        length,
        high: new Int32Array(length).fill(Number(BigInt.asIntN(32, value >> 32n))),
        low: new Int32Array(length).fill(Number(BigInt.asIntN(32, value))),
        nulls: null,
      };
  }
}

function constantTime(count: bigint, precision: number, length: number): ExecVector {
  if (precision <= 3) {
    const offsets = new Float64Array(length).fill(Number(count));
    return { kind: 'time', length, base: 0n, offsets, nulls: null };
  }
  return { kind: 'time', length, base: count, offsets: new Float64Array(length), nulls: null };
}

/** NULL in every row. Any kernel takes it, whatever kind it expects. */
export function nullVector(length: number): ExecVector {
  return numberVector(new Float64Array(length), new Uint8Array(length).fill(1), length);
}

/** The same arrays with fewer rows. Requires: `length` <= the arrays' own. */
export function withLength(vector: ExecVector, length: number): ExecVector {
  return vector.length === length ? vector : { ...vector, length };
}

/** The same vector with other NULLs; 1 where the row shall be NULL. */
export function withNulls(vector: ExecVector, nulls: Nulls): ExecVector {
  return { ...vector, nulls };
}

/** Rows from..to without copying values. */
export function sliceVector(vector: ExecVector, from: number, to: number): ExecVector {
  const length = to - from;
  const nulls = vector.nulls === null ? null : vector.nulls.subarray(from, to);
  switch (vector.kind) {
    case 'number':
      return { ...vector, length, values: vector.values.subarray(from, to), nulls };
    case 'integer64': {
      const high = vector.high.subarray(from, to);
      return { ...vector, length, high, low: vector.low.subarray(from, to), nulls };
    }
    case 'time':
      return { ...vector, length, offsets: vector.offsets.subarray(from, to), nulls };
    case 'instant': {
      const seconds = vector.seconds.subarray(from, to);
      return { ...vector, length, seconds, fractions: vector.fractions.subarray(from, to), nulls };
    }
    case 'bytes':
      return { ...vector, length, starts: vector.starts.subarray(from, to + 1), nulls };
    case 'dictionary':
      return { ...vector, length, codes: vector.codes.subarray(from, to), nulls };
    case 'decimal': {
      const small = vector.small === null ? null : vector.small.subarray(from, to);
      const large = vector.large === null ? null : vector.large.slice(from, to);
      return { ...vector, length, small, large, nulls };
    }
  }
}

/** Bytes that the vector keeps alive, roughly: what the memory limit counts. */
export function vectorSizeBytes(vector: ExecVector): number {
  const nulls = vector.nulls === null ? 0 : vector.length;
  switch (vector.kind) {
    case 'bytes':
      return nulls + 4 * vector.length + vector.starts[vector.length]! - vector.starts[0]!;
    case 'dictionary':
      return nulls + 4 * vector.length;
    case 'decimal':
      return nulls + vector.length * (vector.large === null ? 8 : 32);
    case 'instant':
      return nulls + 16 * vector.length;
    default:
      return nulls + 8 * vector.length;
  }
}
