/**
 * A value of an INSERT -> the type of its column, in MySQL's strict mode.
 *
 * One converter a column. It takes a value as it comes (bytes of a literal, a number, an evaluated value), checks
 * it, and writes it into the batch; what does not fit ends the statement with MySQL's number and words, the column's
 * name and the row. Literals, prepared parameters and defaults all come through here, so a value means the same whichever way it
 * was sent. The usual cases allocate nothing.
 *
 * Where we differ from MySQL on purpose: an integer into a TIMESTAMP or DATETIME is a count since the epoch in the column's own unit
 * (GreptimeDB), and text may end in `Z` or an offset.
 */

import type { SqlError } from '../../protocol/index.js';
import type { SqlType } from '../catalog/sql-type.js';
import { writeDate, writeDateTime } from '../exec/calendar.js';
import { formatDouble } from '../exec/number-text.js';
import type { TimeZone } from '../exec/time-zone.js';
import {
  incorrectInteger,
  incorrectTime,
  noDefault,
  nullNotAllowed,
  outOfRange,
  quotedValue,
  truncated,
} from './cell-error.js';
import { numberLiteralText } from './number-literal-text.js';
import { asciiText, NumberForm, NumberScan } from './number-scan.js';
import type { RowSink } from './row-sink.js';
import { writeBlob, writeText } from './text-cell.js';
import { TimeCell } from './time-cell.js';

/** What a statement's converters share. */
export interface ConversionContext {
  /** 1-based number of the row under construction, for error texts; whoever writes rows keeps it. */
  row: number;
  readonly timeZone: TimeZone;
}

/** A column that values are converted to. */
export interface ConvertedColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
  /** Index in the batch's schema. */
  readonly schemaIndex: number;
}

const FLOAT_MAX = 3.4028234663852886e38;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

const SECONDS_PER_DAY = 86_400;

const encoder = new TextEncoder();
/** Room for YYYY-MM-DD hh:mm:ss.123456789. */
const calendarText = new Uint8Array(32);

export class CellConverter {
  readonly name: string;
  readonly type: SqlType;
  /** Index in the batch's schema. */
  readonly column: number;
  readonly nullable: boolean;
  /** Least and greatest of an integer column's values; infinite for other types, and rounded beyond 2^53. */
  readonly min: number;
  readonly max: number;
  readonly time: TimeCell;
  readonly #context: ConversionContext;
  readonly #number = new NumberScan();

  constructor(column: ConvertedColumn, context: ConversionContext) {
    this.name = column.name;
    this.type = column.type;
    this.column = column.schemaIndex;
    this.nullable = column.nullable;
    this.#context = context;
    const [min, max] = rangeOf(column.type);
    this.min = min;
    this.max = max;
    this.time = new TimeCell(this, context.timeZone);
  }

  /** The row that errors name. */
  get row(): number {
    return this.#context.row;
  }

  /** NULL. Throws 1048. */
  null(sink: RowSink): void {
    if (!this.nullable) {
      throw nullNotAllowed(this);
    }
    sink.setNull(this.column);
  }

  /** TRUE and FALSE are 1 and 0, also in text. */
  boolean(sink: RowSink, value: boolean): void {
    this.integer(sink, value ? 1 : 0);
  }

  /** An integer that a double holds exactly. */
  integer(sink: RowSink, value: number): void {
    switch (this.type.kind) {
      case 'integer':
      case 'boolean':
        if (value < this.min || value > this.max) {
          throw outOfRange(this);
        }
        sink.setNumber(this.column, value);
        return;
      case 'float':
        sink.setNumber(this.column, Math.fround(value));
        return;
      case 'double':
        sink.setNumber(this.column, value);
        return;
      case 'timestamp':
      case 'datetime':
        this.time.count(sink, value);
        return;
      case 'date':
        // YYMMDD may have lost its zeros
        this.#asText(sink, String(value).padStart(6, '0'));
        return;
      default:
        this.#asText(sink, String(value));
    }
  }

  /** An integer of any size. */
  bigint(sink: RowSink, value: bigint): void {
    if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.integer(sink, Number(value));
      return;
    }
    switch (this.type.kind) {
      case 'integer':
      case 'boolean':
        this.#wideInteger(sink, value);
        return;
      case 'float':
      case 'double':
        this.double(sink, Number(value));
        return;
      case 'timestamp':
      case 'datetime':
        this.time.wideCount(sink, value);
        return;
      default:
        this.#asText(sink, String(value));
    }
  }

  /** A floating-point value: an evaluated one, or a parameter sent as DOUBLE. */
  double(sink: RowSink, value: number): void {
    switch (this.type.kind) {
      case 'double':
        if (!Number.isFinite(value)) {
          throw outOfRange(this);
        }
        sink.setNumber(this.column, value);
        return;
      case 'float':
        if (!(Math.abs(value) <= FLOAT_MAX)) {
          throw outOfRange(this);
        }
        sink.setNumber(this.column, Math.fround(value));
        return;
      case 'integer':
      case 'boolean': {
        const rounded = roundHalfEven(value);
        if (Number.isSafeInteger(rounded)) {
          this.integer(sink, rounded);
        } else if (Number.isFinite(rounded)) {
          this.#wideInteger(sink, BigInt(rounded));
        } else {
          throw outOfRange(this);
        }
        return;
      }
      case 'timestamp':
      case 'datetime':
      case 'date':
        if (!Number.isInteger(value)) {
          throw incorrectTime(this, String(value));
        }
        this.bigint(sink, BigInt(value));
        return;
      default:
        this.#asText(sink, formatDouble(value));
    }
  }

  /** A number as it was written, in `scan`, which has just read it from `buf`. */
  number(sink: RowSink, buf: Uint8Array, scan: NumberScan): void {
    switch (this.type.kind) {
      case 'double':
      case 'float':
        this.double(sink, scan.toDouble(buf));
        return;
      case 'integer':
      case 'boolean':
        if (scan.form === NumberForm.double) {
          this.double(sink, scan.toDouble(buf));
        } else {
          this.#roundedInteger(sink, buf, scan);
        }
        return;
      case 'timestamp':
      case 'datetime':
      case 'date':
        this.#numberAsTime(sink, buf, scan);
        return;
      default:
        this.#asText(sink, numberLiteralText(asciiText(buf, scan.start, scan.end), scan.form));
    }
  }

  /** buf[start..end) of a string, escapes resolved. `isAscii` when no byte is above 0x7F. */
  text(sink: RowSink, buf: Uint8Array, start: number, end: number, isAscii: boolean): void {
    switch (this.type.kind) {
      case 'text':
        writeText(this, sink, buf, start, end, isAscii);
        return;
      case 'blob':
        writeBlob(this, sink, buf, start, end);
        return;
      case 'timestamp':
      case 'datetime':
      case 'date':
        this.time.text(sink, buf, start, end);
        return;
      default:
        this.#numberText(sink, buf, start, end);
    }
  }

  /** A binary string (X'..', 0x.., a BLOB parameter): a number, most significant byte first, where a number is wanted. */
  bytes(sink: RowSink, bytes: Uint8Array): void {
    switch (this.type.kind) {
      case 'integer':
      case 'boolean':
      case 'float':
      case 'double': {
        if (bytes.length > 8) {
          throw outOfRange(this);
        }
        const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
        this.bigint(sink, BigInt(`0x0${hex}`));
        return;
      }
      default:
        this.text(sink, bytes, 0, bytes.length, false);
    }
  }

  /** Days since 1970-01-01. */
  date(sink: RowSink, days: number): void {
    if (this.#isTemporal()) {
      this.time.localTime(sink, days * SECONDS_PER_DAY, 0, 0);
    } else {
      const length = writeDate(calendarText, 0, days);
      this.#asCalendarText(sink, length);
    }
  }

  /** A wall-clock reading without zone; `fraction` in units of 10^-precision seconds. */
  localTime(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    if (this.#isTemporal()) {
      this.time.localTime(sink, seconds, fraction, precision);
    } else {
      const length = writeDateTime(calendarText, 0, seconds, fraction, precision);
      this.#asCalendarText(sink, length);
    }
  }

  /** An instant; `fraction` in units of 10^-precision seconds. */
  instant(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    if (this.#isTemporal()) {
      this.time.instant(sink, seconds, fraction, precision);
    } else {
      const offset = this.#context.timeZone.offsetSecondsAt(seconds);
      this.localTime(sink, seconds + offset, fraction, precision);
    }
  }

  /** The column has no DEFAULT and got no value. */
  noDefault(): SqlError {
    return noDefault(this);
  }

  /** Counts for TIMESTAMP and DATETIME; YYYYMMDD for DATE, which has no unit of its own. */
  #numberAsTime(sink: RowSink, buf: Uint8Array, scan: NumberScan): void {
    if (scan.form !== NumberForm.integer && scan.form !== NumberForm.double) {
      throw incorrectTime(this, quotedValue(buf, scan.start, scan.end));
    }
    if (this.type.kind === 'date' && scan.form === NumberForm.integer) {
      this.time.text(sink, buf, scan.start, scan.end);
    } else if (scan.form === NumberForm.double) {
      this.double(sink, scan.toDouble(buf));
    } else {
      this.#roundedInteger(sink, buf, scan);
    }
  }

  #roundedInteger(sink: RowSink, buf: Uint8Array, scan: NumberScan): void {
    if (scan.roundsExactly) {
      this.integer(sink, scan.toRoundedInteger());
      return;
    }
    const value = scan.toRoundedBigint(buf);
    if (value === null) {
      throw this.type.kind === 'integer' || this.type.kind === 'boolean'
        ? outOfRange(this)
        : incorrectTime(this, quotedValue(buf, scan.start, scan.end));
    }
    this.bigint(sink, value);
  }

  /** Beyond 2^53: only BIGINT can hold it. */
  #wideInteger(sink: RowSink, value: bigint): void {
    const type = this.type;
    const isBigint = type.kind === 'integer' && type.bits === 64;
    const fits =
      isBigint &&
      (type.unsigned
        ? value >= 0n && value <= UINT64_MAX
        : value >= INT64_MIN && value <= INT64_MAX);
    if (!fits) {
      throw outOfRange(this);
    }
    const low = Number(BigInt.asUintN(32, value));
    const high = Number(BigInt.asIntN(32, value >> 32n));
    sink.setInteger64(this.column, high, low);
  }

  /** A string where a number is wanted: leading and trailing blanks are ignored, anything else must be number. */
  #numberText(sink: RowSink, buf: Uint8Array, start: number, end: number): void {
    let from = start;
    let to = end;
    while (from < to && isBlank(buf[from]!)) from += 1;
    while (to > from && isBlank(buf[to - 1]!)) to -= 1;
    const scan = this.#number;
    scan.read(buf, from, to);
    const isReal = this.type.kind === 'double' || this.type.kind === 'float';
    if (scan.form === NumberForm.none) {
      const isTruth = this.type.kind === 'boolean' ? truthOf(buf, from, to) : null;
      if (isTruth !== null) {
        this.boolean(sink, isTruth);
        return;
      }
      throw isReal ? truncated(this) : incorrectInteger(this, quotedValue(buf, start, end));
    }
    if (scan.end !== to) {
      throw truncated(this);
    }
    if (isReal) {
      this.double(sink, scan.toDouble(buf));
    } else {
      this.#roundedInteger(sink, buf, scan);
    }
  }

  #isTemporal(): boolean {
    const { kind } = this.type;
    return kind === 'timestamp' || kind === 'datetime' || kind === 'date';
  }

  /** The first `length` bytes of `calendarText`: text where text is wanted, else MySQL's number of the digits, YYYYMMDDhhmmss. */
  #asCalendarText(sink: RowSink, length: number): void {
    const { kind } = this.type;
    if (kind === 'text' || kind === 'blob') {
      this.text(sink, calendarText, 0, length, true);
    } else {
      this.#asText(sink, asciiText(calendarText, 0, length).replace(/[-: ]/g, ''));
    }
  }

  #asText(sink: RowSink, text: string): void {
    const bytes = encoder.encode(text);
    this.text(sink, bytes, 0, bytes.length, true);
  }
}

/** Least and greatest value of integer columns; beyond 2^53 the wide path looks again. */
function rangeOf(type: SqlType): readonly [min: number, max: number] {
  switch (type.kind) {
    case 'boolean':
      return [0, 1];
    case 'integer':
      return type.unsigned
        ? [0, 2 ** type.bits - 1]
        : [-(2 ** (type.bits - 1)), 2 ** (type.bits - 1) - 1];
    default:
      return [-Infinity, Infinity];
  }
}

/** As rint() does it, and so MySQL for doubles: 2.5 -> 2, 3.5 -> 4. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  const even = rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
  // -0 becomes 0
  return even + 0;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** 'true' and 'false' in any case. */
function truthOf(buf: Uint8Array, start: number, end: number): boolean | null {
  const text = end - start <= 5 ? asciiText(buf, start, end).toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : null;
}
