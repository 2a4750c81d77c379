/**
 * Cells to and from Parquet's values, and the schema that says what they are.
 *
 *   integers    INT32 or INT64 with INTEGER(bits, signed); BOOLEAN columns as BOOLEAN
 *   FLOAT, DOUBLE      FLOAT, DOUBLE
 *   text, binary       BYTE_ARRAY, as STRING or plain
 *   DATE               DATE
 *   TIMESTAMP(p)       TIMESTAMP in the unit that holds p digits, adjusted to UTC
 *   DATETIME(p)        the same, not adjusted
 *
 * Nanoseconds in 64 bits reach from 1677 to 2262; an instant of 7 to 9 digits beyond that is refused, never cut.
 */
import type { SchemaElement } from 'hyparquet';
import { TransferError } from './transfer-error.js';
import { floatText, type Cell, type TransferColumn } from './transfer-column.js';

export type ParquetValue = number | bigint | boolean | string | Uint8Array | null;

const DAY_MS = 86_400_000;
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?)?$/;

/** Digits of a second that a unit counts. */
const UNIT_DIGITS: Readonly<Record<string, number>> = { MILLIS: 3, MICROS: 6, NANOS: 9 };

function unitOf(precision: number): 'MILLIS' | 'MICROS' | 'NANOS' {
  if (precision <= 3) return 'MILLIS';
  return precision <= 6 ? 'MICROS' : 'NANOS';
}

export function schemaElement(column: TransferColumn): SchemaElement {
  const { name } = column;
  const optional = { name, repetition_type: 'OPTIONAL' } as const;
  switch (column.kind) {
    case 'integer': {
      if (column.isBoolean) return { ...optional, type: 'BOOLEAN' };
      const bits = column.bits as 8 | 16 | 32 | 64;
      return {
        ...optional,
        type: bits === 64 ? 'INT64' : 'INT32',
        converted_type: `${column.isUnsigned ? 'UINT' : 'INT'}_${bits}`,
        logical_type: { type: 'INTEGER', bitWidth: bits, isSigned: !column.isUnsigned },
      };
    }
    case 'float':
      return { ...optional, type: 'FLOAT' };
    case 'double':
      return { ...optional, type: 'DOUBLE' };
    case 'text':
      return {
        ...optional,
        type: 'BYTE_ARRAY',
        converted_type: 'UTF8',
        logical_type: { type: 'STRING' },
      };
    case 'bytes':
      return { ...optional, type: 'BYTE_ARRAY' };
    case 'date':
      return {
        ...optional,
        type: 'INT32',
        converted_type: 'DATE',
        logical_type: { type: 'DATE' },
      };
    case 'timestamp':
    case 'datetime':
      return {
        ...optional,
        type: 'INT64',
        logical_type: {
          type: 'TIMESTAMP',
          isAdjustedToUTC: column.kind === 'timestamp',
          unit: unitOf(column.precision),
        },
      };
  }
}

/** Throws TransferError for an instant that Parquet's unit does not reach. */
export function toParquet(column: TransferColumn, cell: Cell): ParquetValue {
  if (cell === null || typeof cell !== 'string') return cell;
  switch (column.kind) {
    case 'integer':
      if (column.isBoolean) return cell !== '0';
      return column.bits === 64 ? BigInt(cell) : Number(cell);
    case 'float':
    case 'double':
      return Number(cell);
    case 'date':
      return Number(secondsOf(cell) / 86_400n);
    case 'timestamp':
    case 'datetime':
      return instantOf(column, cell);
    default:
      return cell;
  }
}

function instantOf(column: TransferColumn, cell: string): bigint {
  const digits = UNIT_DIGITS[unitOf(column.precision)]!;
  const fraction = DATE_TIME.exec(cell)?.[7] ?? '';
  const count = secondsOf(cell) * 10n ** BigInt(digits) + BigInt(fraction.padEnd(digits, '0'));
  if (count !== BigInt.asIntN(64, count)) {
    throw new TransferError(
      `column ${column.name}: ${cell} is beyond what Parquet's nanoseconds reach (1677 to 2262); use CSV or SQL`,
    );
  }
  return count;
}

/** Whole seconds since the epoch. */
function secondsOf(cell: string): bigint {
  const parts = DATE_TIME.exec(cell);
  if (parts === null) throw new TransferError(`"${cell}" is no date or time`);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  // setUTCFullYear, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return BigInt((date.getTime() / DAY_MS) * 86_400 + hour * 3600 + minute * 60 + second);
}

/**
 * What the reader gives, as the cell of this column. `element` is the file's own: its values keep its unit. Throws TransferError
 * for what no column of this kind can come from.
 */
export function fromParquet(column: TransferColumn, element: SchemaElement, value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) {
    // Older writers leave the mark of text away.
    return column.kind === 'bytes' ? value : Buffer.from(value).toString('utf8');
  }
  if (typeof value === 'string') return column.kind === 'bytes' ? Buffer.from(value) : value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  const unit = instantUnit(element);
  if (unit !== null && typeof value === 'bigint') return instantText(value, unit, column);
  if (typeof value === 'number' && element.converted_type === 'DATE') {
    return new Date(value * DAY_MS).toISOString().slice(0, 10);
  }
  if (typeof value === 'bigint') {
    const isUnsigned = element.converted_type === 'UINT_64' || isUnsigned64(element);
    return String(isUnsigned ? BigInt.asUintN(64, value) : value);
  }
  if (typeof value === 'number') {
    if (element.type === 'FLOAT' && Number.isFinite(value)) return floatText(value);
    return Object.is(value, -0) ? '-0' : String(value);
  }
  throw new TransferError(`column ${column.name}: nested values cannot be imported`);
}

function isUnsigned64({ logical_type: logical }: SchemaElement): boolean {
  return logical?.type === 'INTEGER' && logical.bitWidth === 64 && !logical.isSigned;
}

/** Digits that the file's values count; null = no instant. */
function instantUnit(element: SchemaElement): number | null {
  if (element.converted_type === 'TIMESTAMP_MILLIS') return 3;
  if (element.converted_type === 'TIMESTAMP_MICROS') return 6;
  if (element.logical_type?.type === 'TIMESTAMP') return UNIT_DIGITS[element.logical_type.unit]!;
  return element.type === 'INT96' ? 9 : null;
}

/** With the column's digits; more of them in the value are an error, because a row must come back as it was. */
function instantText(value: bigint, digits: number, column: TransferColumn): string {
  const scale = 10n ** BigInt(digits);
  const fraction = ((value % scale) + scale) % scale;
  const seconds = (value - fraction) / scale;
  const days = Number((seconds - (((seconds % 86_400n) + 86_400n) % 86_400n)) / 86_400n);
  const ofDay = Number(seconds) - days * 86_400;
  const date = dayText(days);
  const clock = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60, ofDay % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const kept = column.kind === 'date' ? 0 : column.precision;
  const text = String(fraction).padStart(digits, '0');
  if (/[^0]/.test(text.slice(kept))) {
    throw new TransferError(
      `column ${column.name}: ${date} ${clock}.${text} has more digits than the column's ${kept}`,
    );
  }
  if (kept === 0) return `${date} ${clock}`;
  return `${date} ${clock}.${text.slice(0, kept).padEnd(kept, '0')}`;
}

function dayText(days: number): string {
  const date = new Date(days * DAY_MS);
  if (Number.isNaN(date.getTime())) throw new TransferError(`day ${days} is beyond all calendars`);
  const year = date.getUTCFullYear();
  if (year < 0 || year > 9999) throw new TransferError(`the year ${year} is out of range`);
  return date.toISOString().slice(0, 10);
}
