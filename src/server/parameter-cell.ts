/**
 * Prepared parameters, two ways: as cells of an INSERT, straight from the packet's bytes, and as values for expressions.
 *
 * A DATETIME parameter is a wall-clock reading without zone, as MySQL's drivers send it: into a TIMESTAMP column it is
 * read in the session's zone.
 */

import { newDateTimeFields, SqlError } from '../../protocol/index.js';
import type { DateTimeFields, ParameterReader, ParameterValue } from '../../protocol/index.js';
import { daysFromCivil, daysInMonth, SECONDS_PER_DAY } from '../exec/calendar.js';
import {
  BIGINT,
  BIGINT_UNSIGNED,
  DATE,
  DOUBLE,
  LONG_BLOB,
  NULL_VALUE,
  datetimeType,
  timeType,
  varcharType,
} from '../exec/sql-value.js';
import type { TypedValue } from '../exec/sql-value.js';
import type { CellConverter } from '../sql/cell-conversion.js';
import { PIECE_BYTES, takesPieces, writeInPieces } from '../sql/cell-pieces.js';
import type { RowSink } from '../sql/row-sink.js';
import { writeTypedValue } from '../sql/typed-cell.js';

/** The protocol carries microseconds. */
const MICROSECOND_DIGITS = 6;
const MICROSECONDS_PER_SECOND = 1_000_000;

/** Read and converted in one step, so that all share it. */
const dateTimeFields = newDateTimeFields();

/**
 * Writes parameter `index` as a cell. Null when it is written; else it is text or bytes so long that they are better written in several turns
 * of the event loop: in these pieces, none of which is written yet. Throws what the converter throws.
 */
export function writeParameter(
  parameters: ParameterReader,
  index: number,
  converter: CellConverter,
  sink: RowSink,
): Iterator<undefined> | null {
  switch (parameters.kind(index)) {
    case 'null':
      converter.null(sink);
      return null;
    case 'integer':
      writeInteger(parameters, index, converter, sink);
      return null;
    case 'double':
      converter.double(sink, parameters.number(index));
      return null;
    case 'string':
      return writeString(parameters, index, converter, sink);
    case 'datetime':
      writeDateTime(parameters.dateTime(index, dateTimeFields), converter, sink);
      return null;
    case 'time':
      writeTypedValue(converter, sink, typedValueOf(parameters.value(index)));
      return null;
  }
}

function writeInteger(
  parameters: ParameterReader,
  index: number,
  converter: CellConverter,
  sink: RowSink,
): void {
  const value = parameters.number(index);
  if (Number.isSafeInteger(value)) {
    converter.integer(sink, value);
    return;
  }
  const high = BigInt(parameters.high(index));
  converter.bigint(sink, high * 2n ** 32n + BigInt(parameters.low(index)));
}

function writeString(
  parameters: ParameterReader,
  index: number,
  converter: CellConverter,
  sink: RowSink,
): Iterator<undefined> | null {
  const source = parameters.source(index);
  const start = parameters.start(index);
  const end = parameters.end(index);
  if (end - start > PIECE_BYTES && takesPieces(converter, sink)) {
    return writeInPieces(converter, sink, source, start, end);
  }
  // Connector/J sends every string of a BLOB setter as binary: text for a text column all the same.
  if (parameters.isBinary(index) && converter.type.kind === 'blob') {
    converter.bytes(sink, source.subarray(start, end));
  } else {
    converter.text(sink, source, start, end, false);
  }
  return null;
}

function writeDateTime(
  value: Readonly<DateTimeFields>,
  converter: CellConverter,
  sink: RowSink,
): void {
  const days = daysOf(value);
  if (value.isDate) converter.date(sink, days);
  else converter.localTime(sink, secondsOf(value, days), value.microsecond, MICROSECOND_DIGITS);
}

/**
 * All parameters, as expressions take them. Bytes are copied out of a packet that is overwritten by the next, which is a small one; others
 * stay where they are.
 */
export function typedParameters(parameters: ParameterReader): TypedValue[] {
  return Array.from({ length: parameters.count }, (_, index) => {
    const value = parameters.value(index);
    if (value.kind !== 'string' || parameters.isLasting(index)) return typedValueOf(value);
    return typedValueOf({ ...value, bytes: new Uint8Array(value.bytes) });
  });
}

/** The bytes of a string are those given. */
function typedValueOf(value: ParameterValue): TypedValue {
  switch (value.kind) {
    case 'null':
      return NULL_VALUE;
    case 'integer':
      return { type: value.unsigned ? BIGINT_UNSIGNED : BIGINT, value: value.value };
    case 'double':
      return { type: DOUBLE, value: value.value };
    case 'string':
      return {
        type: value.binary ? LONG_BLOB : varcharType(value.bytes.length),
        value: value.bytes,
      };
    case 'datetime': {
      const days = daysOf(value);
      if (value.isDate) return { type: DATE, value: days };
      const micros =
        BigInt(secondsOf(value, days)) * BigInt(MICROSECONDS_PER_SECOND) +
        BigInt(value.microsecond);
      return { type: datetimeType(MICROSECOND_DIGITS), value: micros };
    }
    case 'time': {
      const hours = value.days * 24 + value.hours;
      const seconds = (hours * 60 + value.minutes) * 60 + value.seconds;
      const micros = seconds * MICROSECONDS_PER_SECOND + value.microseconds;
      return { type: timeType(MICROSECOND_DIGITS), value: value.negative ? -micros : micros };
    }
  }
}

function secondsOf(value: Readonly<DateTimeFields>, days: number): number {
  return days * SECONDS_PER_DAY + (value.hour * 60 + value.minute) * 60 + value.second;
}

/** Throws 1292 for a date that is none, zero dates included. */
function daysOf(value: Readonly<DateTimeFields>): number {
  const { year, month, day, hour, minute, second } = value;
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  if (!isDate || hour > 23 || minute > 59 || second > 59) {
    const text = `${year}-${month}-${day} ${hour}:${minute}:${second}`;
    throw new SqlError('ER_TRUNCATED_WRONG_VALUE', { type: 'datetime', value: text });
  }
  return daysFromCivil(year, month, day);
}
