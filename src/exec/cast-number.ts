/** Conversions of vectors to DOUBLE, BIGINT and DECIMAL, as MySQL converts implicitly and in CAST. */

import type { SqlType } from '../catalog/sql-type.js';
import {
  bigintAt,
  bytesAt,
  decimalAt,
  isNullAt,
  isUnsigned,
  nullVector,
  numberVector,
  timeCountAt,
  unitOf,
  type ExecVector,
  type Nulls,
} from './exec-vector.js';
import { civilFromDays, SECONDS_PER_DAY } from './calendar.js';
import { decimalToDouble, parseDecimal, powerOfTen, rescale } from './decimal.js';
import {
  WARNING_OUT_OF_RANGE,
  warnTruncated,
  type EvaluationEnvironment,
} from './evaluation-environment.js';
import { parseDouble } from './number-text.js';
import { bytesText } from './sql-value.js';
import { integer64Vector } from './vector-builder.js';

/** The scale a value has as a decimal: of datetimes their fraction digits, of integers 0. */
export function decimalScaleOf(type: SqlType): number {
  switch (type.kind) {
    case 'decimal':
      return type.scale;
    case 'datetime':
    case 'timestamp':
    case 'time':
      return type.precision;
    default:
      return 0;
  }
}

const date = { year: 0, month: 0, day: 0 };

const dateNumber = (days: number): number => {
  civilFromDays(days, date);
  return date.year * 10_000 + date.month * 100 + date.day;
};

const clockNumber = (second: number): number =>
  Math.floor(second / 3600) * 10_000 + (Math.floor(second / 60) % 60) * 100 + (second % 60);

/**
 * Dates and times as the numbers MySQL makes of them: YYYYMMDD, YYYYMMDDhhmmss[.fraction], hhmmss[.fraction];
 * unscaled at the type's own fraction digits.
 */
function temporalNumberAt(
  vector: ExecVector,
  type: SqlType,
  row: number,
  env: EvaluationEnvironment,
): bigint {
  if (vector.kind === 'number') {
    const value = vector.values[row]!;
    if (type.kind !== 'time') return BigInt(dateNumber(value));
    const size = Math.abs(value);
    const unit = 10 ** type.precision;
    const fraction = Math.floor(((size % 1e6) * unit) / 1e6);
    const clock = BigInt(clockNumber(Math.floor(size / 1e6))) * BigInt(unit) + BigInt(fraction);
    return value < 0 ? -clock : clock;
  }
  const unit = unitOf(type);
  const total = timeCountAt(vector, row, unit);
  const bigUnit = BigInt(unit);
  const fraction = ((total % bigUnit) + bigUnit) % bigUnit;
  const seconds = Number((total - fraction) / bigUnit);
  const local =
    type.kind === 'timestamp' ? seconds + env.timeZone.offsetSecondsAt(seconds) : seconds;
  const days = Math.floor(local / SECONDS_PER_DAY);
  const number =
    BigInt(dateNumber(days)) * 1_000_000n + BigInt(clockNumber(local - days * SECONDS_PER_DAY));
  return number * bigUnit + fraction;
}

export function toDouble(
  vector: ExecVector,
  from: SqlType,
  env: EvaluationEnvironment,
): ExecVector {
  const { length, nulls } = vector;
  if (vector.kind === 'number' && !isClock(from)) return vector;
  const values = new Float64Array(length);
  switch (vector.kind) {
    case 'integer64': {
      const unsigned = isUnsigned(from);
      for (let i = 0; i < length; i++) {
        const high = vector.high[i]!;
        values[i] = (unsigned ? high >>> 0 : high) * 4_294_967_296 + (vector.low[i]! >>> 0);
      }
      break;
    }
    case 'decimal': {
      const { small, scale } = vector;
      const divisor = 10 ** scale;
      for (let i = 0; i < length; i++) {
        values[i] =
          small !== null && scale <= 22
            ? small[i]! / divisor
            : decimalToDouble(decimalAt(vector, i), scale);
      }
      break;
    }
    case 'bytes':
    case 'dictionary':
      for (let i = 0; i < length; i++) {
        if (!isNullAt(vector, i)) values[i] = doubleOfText(bytesAt(vector, i), env);
      }
      break;
    default: {
      const scale = decimalScaleOf(from);
      for (let i = 0; i < length; i++) {
        if (isNullAt(vector, i)) continue;
        values[i] = decimalToDouble(temporalNumberAt(vector, from, i, env), scale);
      }
    }
  }
  return numberVector(values, nulls, length);
}

const isClock = (type: SqlType): boolean => type.kind === 'date' || type.kind === 'time';

function doubleOfText(bytes: Uint8Array, env: EvaluationEnvironment): number {
  const text = bytesText(bytes);
  const { value, whole } = parseDouble(text);
  if (!whole) warnTruncated(env, 'DOUBLE', text);
  return value;
}

const INT64_MIN = -(1n << 63n);
const INT64_MAX = (1n << 63n) - 1n;
const UINT64_MAX = (1n << 64n) - 1n;

export const fitsInteger64 = (value: bigint, unsigned: boolean): boolean =>
  unsigned ? value >= 0n && value <= UINT64_MAX : value >= INT64_MIN && value <= INT64_MAX;

/** Nearest even for ties, as C's rint. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * BIGINT [UNSIGNED]: a number vector where all values are safe integers, else integer64. Out of range: clamped, with a
 * warning; a negative value as UNSIGNED wraps when `from` is an integer (MySQL's CAST), else clamps to 0.
 */
export function toInteger(
  vector: ExecVector,
  from: SqlType,
  unsigned: boolean,
  env: EvaluationEnvironment,
): ExecVector {
  if (from.kind === 'null') return nullVector(vector.length);
  if (from.kind === 'boolean') return vector;
  if (from.kind === 'integer') {
    if (isUnsigned(from) === unsigned) return vector;
    if (vector.kind === 'number' && (!unsigned || vector.values.every((value) => value >= 0))) {
      return vector;
    }
    return mapToIntegers(vector, (row) =>
      unsigned
        ? BigInt.asUintN(64, bigintAt(vector, row, false))
        : BigInt.asIntN(64, bigintAt(vector, row, true)),
    );
  }
  return mapToIntegers(vector, (row) => {
    const exact = exactIntegerAt(vector, from, row, env);
    if (fitsInteger64(exact, unsigned)) return exact;
    warnTruncated(env, 'INTEGER', exact.toString());
    return unsigned
      ? exact < 0n
        ? BigInt.asUintN(64, exact)
        : UINT64_MAX
      : exact < 0n
        ? INT64_MIN
        : INT64_MAX;
  });
}

function exactIntegerAt(
  vector: ExecVector,
  from: SqlType,
  row: number,
  env: EvaluationEnvironment,
): bigint {
  switch (vector.kind) {
    case 'decimal':
      return rescale(decimalAt(vector, row), vector.scale, 0);
    case 'bytes':
    case 'dictionary': {
      const text = bytesText(bytesAt(vector, row));
      const match = /^\s*([+-]?\d+)\s*/.exec(text);
      if (match === null || match[0].length !== text.length) warnTruncated(env, 'INTEGER', text);
      return match === null ? 0n : BigInt(match[1]!.replace('+', ''));
    }
    case 'number':
      if (!isClock(from)) return BigInt(roundHalfEven(vector.values[row]!));
      return rescale(temporalNumberAt(vector, from, row, env), decimalScaleOf(from), 0);
    default:
      return rescale(temporalNumberAt(vector, from, row, env), decimalScaleOf(from), 0);
  }
}

function mapToIntegers(vector: ExecVector, at: (row: number) => bigint): ExecVector {
  const values = new Array<bigint>(vector.length);
  for (let i = 0; i < vector.length; i++) values[i] = isNullAt(vector, i) ? 0n : at(i);
  return integerVector(values, vector.nulls);
}

const SAFE_MAX = 9_007_199_254_740_991n;

/** The number form where it is exact, else integer64. */
export function integerVector(values: readonly bigint[], nulls: Nulls): ExecVector {
  if (values.some((value) => value > SAFE_MAX || value < -SAFE_MAX)) {
    return integer64Vector(values, nulls);
  }
  return numberVector(Float64Array.from(values, Number), nulls, values.length);
}

/** The small form where it is exact, else the large one. */
export function decimalVector(values: bigint[], scale: number, nulls: Nulls): ExecVector {
  const length = values.length;
  if (values.some((value) => value > SAFE_MAX || value < -SAFE_MAX)) {
    return { kind: 'decimal', length, scale, small: null, large: values, nulls };
  }
  return {
    kind: 'decimal',
    length,
    scale,
    small: Float64Array.from(values, Number),
    large: null,
    nulls,
  };
}

/** DECIMAL of a given scale, rounded half away from zero; any number of digits before the point. */
export function toDecimal(
  vector: ExecVector,
  from: SqlType,
  scale: number,
  env: EvaluationEnvironment,
): ExecVector {
  const { length, nulls } = vector;
  if (from.kind === 'null') return nullVector(length);
  if (vector.kind === 'decimal' && vector.scale === scale) return vector;
  const isExactNumber =
    vector.kind === 'number' && (from.kind === 'integer' || from.kind === 'boolean');
  if (
    isExactNumber ||
    (vector.kind === 'decimal' && vector.small !== null && vector.scale < scale)
  ) {
    const source = vector.kind === 'decimal' ? vector.small! : vector.values;
    const small = scaledUp(
      source,
      length,
      10 ** (scale - (vector.kind === 'decimal' ? vector.scale : 0)),
    );
    if (small !== null) return { kind: 'decimal', length, scale, small, large: null, nulls };
  }
  const values = new Array<bigint>(length);
  for (let i = 0; i < length; i++) {
    values[i] = isNullAt(vector, i) ? 0n : unscaledAt(vector, from, i, scale, env);
  }
  return decimalVector(values, scale, nulls);
}

/** null when a product is not a safe integer. */
function scaledUp(source: Float64Array, length: number, factor: number): Float64Array | null {
  if (factor > 1e15) return null;
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const product = source[i]! * factor;
    if (!Number.isSafeInteger(product)) return null;
    result[i] = product;
  }
  return result;
}

function unscaledAt(
  vector: ExecVector,
  from: SqlType,
  row: number,
  scale: number,
  env: EvaluationEnvironment,
): bigint {
  switch (vector.kind) {
    case 'decimal':
      return rescale(decimalAt(vector, row), vector.scale, scale);
    case 'integer64':
      return bigintAt(vector, row, isUnsigned(from)) * powerOfTen(scale);
    case 'bytes':
    case 'dictionary': {
      const text = bytesText(bytesAt(vector, row));
      const parsed = parseDecimal(text);
      if (!parsed.whole) warnTruncated(env, 'DECIMAL', text);
      return rescale(parsed.unscaled, parsed.scale, scale);
    }
    case 'number': {
      if (isClock(from)) break;
      const value = vector.values[row]!;
      if (Number.isSafeInteger(value)) return BigInt(value) * powerOfTen(scale);
      const parsed = parseDecimal(String(value));
      return rescale(parsed.unscaled, parsed.scale, scale);
    }
    default:
  }
  return rescale(temporalNumberAt(vector, from, row, env), decimalScaleOf(from), scale);
}

/** Brings values into DECIMAL(precision, scale): too large ones become the largest, with a warning. */
export function clampDecimal(
  vector: ExecVector,
  precision: number,
  env: EvaluationEnvironment,
): ExecVector {
  if (vector.kind !== 'decimal') return vector;
  const limit = powerOfTen(precision) - 1n;
  const values = new Array<bigint>(vector.length);
  let isClamped = false;
  for (let i = 0; i < vector.length; i++) {
    const value = decimalAt(vector, i);
    const kept = value > limit ? limit : value < -limit ? -limit : value;
    if (kept !== value) {
      isClamped = true;
      const message = `Out of range value for column 'cast' at row ${i + 1}`;
      env.warnings.add('Warning', WARNING_OUT_OF_RANGE, message);
    }
    values[i] = kept;
  }
  return isClamped ? decimalVector(values, vector.scale, vector.nulls) : vector;
}
