/**
 * Evaluated values -> cells: what an expression in VALUES, a DEFAULT or a prepared parameter came to.
 *
 * The edge of the write path: values arrive as JavaScript values with their SQL type (src/exec/sql-value.ts), one by one.
 */

import type { TypedValue } from '../exec/sql-value.js';
import type { CellConverter } from './cell-conversion.js';
import { NumberScan } from './number-scan.js';
import type { RowSink } from './row-sink.js';

const MICROSECONDS_PER_SECOND = 1_000_000;

const encoder = new TextEncoder();
const scan = new NumberScan();

/** Writes `typed` as a cell of the converter's column. Throws what the converter throws. */
export function writeTypedValue(converter: CellConverter, sink: RowSink, typed: TypedValue): void {
  const { type, value } = typed;
  if (value === null) {
    converter.null(sink);
    return;
  }
  if (value instanceof Uint8Array) {
    if (type.kind === 'blob') {
      converter.bytes(sink, value);
    } else {
      converter.text(sink, value, 0, value.length, false);
    }
    return;
  }
  switch (type.kind) {
    case 'float':
    case 'double':
      converter.double(sink, Number(value));
      return;
    case 'date':
      converter.date(sink, Number(value));
      return;
    case 'datetime':
    case 'timestamp':
      writeCount(converter, sink, BigInt(value), type.kind === 'timestamp', type.precision);
      return;
    case 'decimal':
      writeDecimal(converter, sink, BigInt(value), type.scale);
      return;
    case 'time': {
      const text = timeText(Number(value), type.precision);
      const bytes = encoder.encode(text);
      converter.text(sink, bytes, 0, bytes.length, true);
      return;
    }
    default:
      if (typeof value === 'bigint') {
        converter.bigint(sink, value);
      } else {
        converter.integer(sink, value);
      }
  }
}

function writeCount(
  converter: CellConverter,
  sink: RowSink,
  count: bigint,
  isInstant: boolean,
  precision: number,
): void {
  const units = 10n ** BigInt(precision);
  const rest = ((count % units) + units) % units;
  const seconds = Number((count - rest) / units);
  if (isInstant) {
    converter.instant(sink, seconds, Number(rest), precision);
  } else {
    converter.localTime(sink, seconds, Number(rest), precision);
  }
}

/** Through its digits, so that no precision is lost on the way to whatever the column is. */
function writeDecimal(converter: CellConverter, sink: RowSink, value: bigint, scale: number): void {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = `${value < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? '.' : ''}${digits.slice(point)}`;
  const bytes = encoder.encode(text);
  scan.read(bytes, 0, bytes.length);
  converter.number(sink, bytes, scan);
}

/** [-]hh:mm:ss[.fraction] */
function timeText(micros: number, precision: number): string {
  const total = Math.abs(micros);
  const seconds = Math.floor(total / MICROSECONDS_PER_SECOND);
  const fraction = String(total % MICROSECONDS_PER_SECOND)
    .padStart(6, '0')
    .slice(0, precision);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${micros < 0 ? '-' : ''}${clock}${fraction === '' ? '' : `.${fraction}`}`;
}
