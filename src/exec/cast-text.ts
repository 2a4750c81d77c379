/** Conversion of vectors to text, as CAST(.. AS CHAR), CONCAT and the text protocol show values. */

import type { SqlType } from '../catalog/sql-type.js';
import { writeDate, writeDateTime, writeTimeOfDay } from './calendar.js';
import { formatDecimal } from './decimal.js';
import {
  bigintAt,
  bytesAt,
  decimalAt,
  isNullAt,
  isUnsigned,
  precisionOf,
  splitTime,
  constantVector,
  unitOf,
  type ExecVector,
} from './exec-vector.js';
import { BytesSink } from './bytes-sink.js';
import type { EvaluationEnvironment } from './evaluation-environment.js';
import { formatDouble, formatFloat } from './number-text.js';
import { bytesText, isBytes, type SqlValue } from './sql-value.js';

/** `bytes` or `dictionary`; text and blobs are returned as they are. */
export function toText(vector: ExecVector, from: SqlType, env: EvaluationEnvironment): ExecVector {
  if (vector.kind === 'bytes' || vector.kind === 'dictionary') return vector;
  const sink = new BytesSink(vector.length);
  const write = rowWriter(vector, from, sink, env);
  for (let i = 0; i < vector.length; i++) {
    if (!isNullAt(vector, i)) write(i);
    sink.endRow();
  }
  return sink.finish(vector.nulls);
}

function rowWriter(
  vector: ExecVector,
  type: SqlType,
  sink: BytesSink,
  env: EvaluationEnvironment,
): (row: number) => void {
  switch (vector.kind) {
    case 'integer64': {
      const unsigned = isUnsigned(type);
      return (row) => sink.text(bigintAt(vector, row, unsigned).toString());
    }
    case 'decimal':
      return (row) => sink.text(formatDecimal(decimalAt(vector, row), vector.scale));
    case 'time':
    case 'instant': {
      const { seconds, fractions } = splitTime(vector, unitOf(type));
      const digits = precisionOf(type);
      const zone = type.kind === 'timestamp' ? env.timeZone : null;
      return (row) => {
        const second = seconds[row]!;
        const local = zone === null ? second : second + zone.offsetSecondsAt(second);
        sink.reserve(32);
        sink.at = writeDateTime(sink.data, sink.at, local, fractions[row]!, digits);
      };
    }
    case 'number':
      return numberWriter(vector.values, type, sink);
    default:
      return (row) => {
        const bytes = bytesAt(vector, row);
        sink.bytes(bytes, 0, bytes.length);
      };
  }
}

function numberWriter(values: Float64Array, type: SqlType, sink: BytesSink): (row: number) => void {
  switch (type.kind) {
    case 'double':
      return (row) => sink.text(formatDouble(values[row]!));
    case 'float':
      return (row) => sink.text(formatFloat(values[row]!));
    case 'date':
      return (row) => {
        sink.reserve(16);
        sink.at = writeDate(sink.data, sink.at, values[row]!);
      };
    case 'time': {
      const digits = type.precision;
      return (row) => {
        sink.reserve(32);
        sink.at = writeTime(sink.data, sink.at, values[row]!, digits);
      };
    }
    default:
      return (row) => sink.text(String(values[row]!));
  }
}

/** `[-]hh:mm:ss[.fraction]` of microseconds; hours may have three digits. */
export function writeTime(
  target: Uint8Array,
  start: number,
  microseconds: number,
  digits: number,
): number {
  let at = start;
  if (microseconds < 0) target[at++] = 45;
  const size = Math.abs(microseconds);
  const seconds = Math.floor(size / 1e6);
  const fraction = Math.floor((size - seconds * 1e6) / 10 ** (6 - Math.min(digits, 6)));
  const hours = Math.floor(seconds / 3600);
  if (hours >= 100) target[at++] = 48 + Math.floor(hours / 100);
  const rest = seconds - Math.floor(hours / 100) * 360_000;
  return writeTimeOfDay(target, at, rest, fraction, Math.min(digits, 6));
}

/** One value as text; null stays null. */
export function valueText(
  value: SqlValue,
  type: SqlType,
  env: EvaluationEnvironment,
): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return bytesText(value);
  if (isBytes(type)) return String(value);
  const text = toText(constantVector(value, type, 1), type, env);
  return bytesText(bytesAt(text, 0));
}
