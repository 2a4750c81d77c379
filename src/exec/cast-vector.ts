/** The one door to conversions: any vector of one SQL type to another. */

import type { SqlType } from '../catalog/sql-type.js';
import { clampDecimal, toDecimal, toDouble, toInteger } from './cast-number.js';
import { toText } from './cast-text.js';
import { toClock, toDate, toMoment } from './cast-time.js';
import {
  bytesAt,
  constantVector,
  isNullAt,
  numberVector,
  valueAt,
  type ExecVector,
} from './exec-vector.js';
import { BytesSink } from './bytes-sink.js';
import { warnTruncated, type EvaluationEnvironment } from './evaluation-environment.js';
import { bytesText, type SqlValue } from './sql-value.js';

export function castVector(
  vector: ExecVector,
  from: SqlType,
  to: SqlType,
  env: EvaluationEnvironment,
): ExecVector {
  if (from.kind === 'null') return vector;
  switch (to.kind) {
    case 'null':
      return vector;
    case 'boolean':
      return from.kind === 'boolean' ? vector : booleanOf(toDouble(vector, from, env));
    case 'integer':
      return toInteger(vector, from, to.unsigned, env);
    case 'double':
      return toDouble(vector, from, env);
    case 'float':
      return from.kind === 'float' ? vector : singlePrecision(toDouble(vector, from, env));
    case 'decimal':
      return clampDecimal(toDecimal(vector, from, to.scale, env), to.precision, env);
    case 'text':
      return shortenText(toText(vector, from, env), to.length, env);
    case 'blob':
      return fitBinary(toText(vector, from, env), to, env);
    case 'json':
      return toText(vector, from, env);
    case 'date':
      return toDate(vector, from, env);
    case 'time':
      return roundClock(toClock(vector, from, env), to.precision);
    case 'datetime':
    case 'timestamp':
      return toMoment(vector, from, to, env);
  }
}

/** One value converted; the type of the result is `to`. */
export function castValue(
  value: SqlValue,
  from: SqlType,
  to: SqlType,
  env: EvaluationEnvironment,
): SqlValue {
  if (value === null) return null;
  return valueAt(castVector(constantVector(value, from, 1), from, to, env), to, 0);
}

/** 1 for anything but 0. */
function booleanOf(vector: ExecVector): ExecVector {
  if (vector.kind !== 'number') return vector;
  const { length, nulls, values } = vector;
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) result[i] = values[i] === 0 ? 0 : 1;
  return numberVector(result, nulls, length);
}

function singlePrecision(vector: ExecVector): ExecVector {
  if (vector.kind !== 'number') return vector;
  const { length, nulls, values } = vector;
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) result[i] = Math.fround(values[i]!);
  return numberVector(result, nulls, length);
}

function roundClock(vector: ExecVector, precision: number): ExecVector {
  if (vector.kind !== 'number' || precision >= 6) return vector;
  const { length, nulls, values } = vector;
  const step = 10 ** (6 - precision);
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    result[i] = Math.sign(value) * Math.round(Math.abs(value) / step) * step;
  }
  return numberVector(result, nulls, length);
}

function shortenText(
  vector: ExecVector,
  charactersMax: number | null,
  env: EvaluationEnvironment,
): ExecVector {
  if (charactersMax === null || !someLonger(vector, charactersMax)) return vector;
  const sink = new BytesSink(vector.length);
  for (let i = 0; i < vector.length; i++) {
    if (!isNullAt(vector, i)) {
      const text = bytesText(bytesAt(vector, i));
      const characters = [...text];
      if (characters.length > charactersMax) warnTruncated(env, `CHAR(${charactersMax})`, text);
      sink.text(characters.slice(0, charactersMax).join(''));
    }
    sink.endRow();
  }
  return sink.finish(vector.nulls);
}

function someLonger(vector: ExecVector, bytesMax: number): boolean {
  for (let i = 0; i < vector.length; i++) {
    if (!isNullAt(vector, i) && bytesAt(vector, i).length > bytesMax) return true;
  }
  return false;
}

/** BINARY(n) pads with zero bytes; both kinds are cut at n. */
function fitBinary(
  vector: ExecVector,
  to: Extract<SqlType, { kind: 'blob' }>,
  env: EvaluationEnvironment,
): ExecVector {
  const bytesMax = to.length;
  if (bytesMax === null) return vector;
  const sink = new BytesSink(vector.length);
  for (let i = 0; i < vector.length; i++) {
    if (!isNullAt(vector, i)) {
      const bytes = bytesAt(vector, i);
      if (bytes.length > bytesMax) warnTruncated(env, `BINARY(${bytesMax})`, bytesText(bytes));
      const kept = Math.min(bytes.length, bytesMax);
      sink.bytes(bytes, 0, kept);
      if (to.spelling === 'binary') {
        sink.reserve(bytesMax - kept);
        sink.data.fill(0, sink.at, sink.at + bytesMax - kept);
        sink.at += bytesMax - kept;
      }
    }
    sink.endRow();
  }
  return sink.finish(vector.nulls);
}
