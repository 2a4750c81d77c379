/**
 * Vectors to cells of the wire, in both protocols: one CellEncoder per column, made per batch, nothing allocated per row.
 *
 * TIMESTAMP is shown at the wall clock of the session's zone. Of 7 to 9 fraction digits the wire carries 6.
 */

import type { CellEncoder, PacketWriter, RowEncoder } from '../../protocol/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import { civilFromDays, SECONDS_PER_DAY } from './calendar.js';
import { toText } from './cast-text.js';
import { bytesAt, isUnsigned, splitTime, unitOf, type ExecVector } from './exec-vector.js';
import type { ResultBatch } from './execute-select.js';
import { WIRE_DIGITS_MAX, type ResultColumn } from './result-column.js';
import { UTC, type TimeZone } from './time-zone.js';

type WriteCell = (row: number, out: PacketWriter) => void;

interface CellForms {
  readonly text: WriteCell;
  readonly binary: WriteCell;
}

/** The batch must stay unchanged while the encoder is in use. */
export function encodeBatch(
  columns: readonly ResultColumn[],
  batch: ResultBatch,
  timeZone: TimeZone,
): RowEncoder {
  return {
    rowCount: batch.length,
    columns: columns.map(({ type }, i) => cellEncoder(batch.vectors[i]!, type, timeZone)),
  };
}

export function cellEncoder(vector: ExecVector, type: SqlType, timeZone: TimeZone): CellEncoder {
  const { nulls } = vector;
  const { text, binary } = cellForms(vector, type, timeZone);
  return {
    isNull: nulls === null ? () => false : (row) => nulls[row] === 1,
    text,
    binary,
  };
}

function cellForms(vector: ExecVector, type: SqlType, timeZone: TimeZone): CellForms {
  switch (vector.kind) {
    case 'number':
      return numberCells(vector.values, type);
    case 'integer64': {
      const { high, low } = vector;
      const unsigned = isUnsigned(type);
      return {
        text: (row, out) => out.textInteger64(high[row]!, low[row]!, unsigned),
        binary: (row, out) => out.int64(high[row]!, low[row]!),
      };
    }
    case 'time':
    case 'instant':
      return momentCells(vector, type, timeZone);
    case 'decimal':
      return decimalCells(vector, type);
    case 'bytes': {
      const { starts, data } = vector;
      return both((row, out) => out.lenencBytes(data, starts[row]!, starts[row + 1]!));
    }
    case 'dictionary': {
      const { codes } = vector;
      const { starts, data } = vector.dictionary;
      return both((row, out) => {
        const code = codes[row]!;
        out.lenencBytes(data, starts[code]!, starts[code + 1]!);
      });
    }
  }
}

const both = (write: WriteCell): CellForms => ({ text: write, binary: write });

function numberCells(values: Float64Array, type: SqlType): CellForms {
  switch (type.kind) {
    case 'double':
      return {
        text: (row, out) => out.textDouble(values[row]!),
        binary: (row, out) => out.float64(values[row]!),
      };
    case 'float':
      return {
        text: (row, out) => out.textFloat(values[row]!),
        binary: (row, out) => out.float32(values[row]!),
      };
    case 'date':
      return dateCells(values);
    case 'time':
      return clockCells(values, Math.min(type.precision, WIRE_DIGITS_MAX));
    default:
      return {
        text: (row, out) => out.textInteger(values[row]!),
        binary: integerBinary(values, type),
      };
  }
}

function integerBinary(values: Float64Array, type: SqlType): WriteCell {
  const bits = type.kind === 'integer' ? type.bits : 8;
  switch (bits) {
    case 8:
      return (row, out) => out.int8(values[row]!);
    case 16:
      return (row, out) => out.int16(values[row]!);
    case 24:
    case 32:
      return (row, out) => out.int32(values[row]!);
    case 64:
      return (row, out) => out.int64FromNumber(values[row]!);
  }
}

const civil = { year: 0, month: 0, day: 0 };

function dateCells(values: Float64Array): CellForms {
  return {
    text: (row, out) => {
      civilFromDays(values[row]!, civil);
      out.textDate(civil.year, civil.month, civil.day);
    },
    binary: (row, out) => {
      civilFromDays(values[row]!, civil);
      out.date(civil.year, civil.month, civil.day);
    },
  };
}

function clockCells(values: Float64Array, digits: number): CellForms {
  return {
    text: (row, out) => {
      const value = values[row]!;
      const micros = Math.abs(value);
      const seconds = Math.floor(micros / 1e6);
      const hours = Math.floor(seconds / 3600);
      const minutes = Math.floor(seconds / 60) % 60;
      out.textTime(value < 0, hours, minutes, seconds % 60, micros - seconds * 1e6, digits);
    },
    binary: (row, out) => {
      const value = values[row]!;
      const micros = Math.abs(value);
      const seconds = Math.floor(micros / 1e6);
      const days = Math.floor(seconds / SECONDS_PER_DAY);
      const hours = Math.floor(seconds / 3600) % 24;
      const minutes = Math.floor(seconds / 60) % 60;
      out.time(value < 0, days, hours, minutes, seconds % 60, micros - seconds * 1e6);
    },
  };
}

function momentCells(vector: ExecVector, type: SqlType, timeZone: TimeZone): CellForms {
  const unit = unitOf(type);
  const { seconds, fractions } = splitTime(vector, unit);
  const perUnit = 1e6 / unit;
  const digits =
    type.kind === 'datetime' || type.kind === 'timestamp'
      ? Math.min(type.precision, WIRE_DIGITS_MAX)
      : 0;
  const zone = type.kind === 'timestamp' ? timeZone : UTC;
  const fixed = zone.fixedOffsetSeconds;
  const write = (row: number, out: PacketWriter, isText: boolean): void => {
    const second = seconds[row]!;
    const local = second + (fixed ?? zone.offsetSecondsAt(second));
    const days = Math.floor(local / SECONDS_PER_DAY);
    const rest = local - days * SECONDS_PER_DAY;
    const hour = Math.floor(rest / 3600);
    const minute = Math.floor(rest / 60) % 60;
    const micros = Math.floor(fractions[row]! * perUnit);
    civilFromDays(days, civil);
    const { year, month, day } = civil;
    if (isText) out.textDateTime(year, month, day, hour, minute, rest % 60, micros, digits);
    else out.dateTime(year, month, day, hour, minute, rest % 60, micros);
  };
  return {
    text: (row, out) => write(row, out, true),
    binary: (row, out) => write(row, out, false),
  };
}

/** Decimals go as text in both protocols. */
function decimalCells(vector: ExecVector, type: SqlType): CellForms {
  const texts = toText(vector, type, TEXT_ENVIRONMENT);
  if (texts.kind === 'bytes') {
    const { starts, data } = texts;
    return both((row, out) => out.lenencBytes(data, starts[row]!, starts[row + 1]!));
  }
  return both((row, out) => {
    const bytes = bytesAt(texts, row);
    out.lenencBytes(bytes, 0, bytes.length);
  });
}

/** Writing a decimal out neither warns nor asks for the zone. */
const TEXT_ENVIRONMENT = {
  timeZone: UTC,
  nowMs: 0,
  warnings: {
    add: (): void => {
      throw new Error('a decimal as text can not warn');
    },
  },
};
