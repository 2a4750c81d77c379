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
import { DateTimeParse } from '../exec/calendar.js';
import { formatDouble } from '../exec/number-text.js';
import type { TimeZone } from '../exec/time-zone.js';
import {
  incorrectInteger,
  incorrectString,
  incorrectTime,
  noDefault,
  nullNotAllowed,
  outOfRange,
  quotedValue,
  tooLong,
  truncated,
} from './cell-error.js';
import { DateTimeScan } from './date-time-scan.js';
import { asciiText, NumberForm, NumberScan } from './number-scan.js';
import type { RowSink } from './row-sink.js';
import { byteLengthOf, countCharacters } from './utf8-scan.js';

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
/** 0000-01-01 00:00:00 and 9999-12-31 23:59:59, the ends of DATETIME. */
const SECONDS_MIN = -62_167_219_200;
const SECONDS_MAX = 253_402_300_799;

const encoder = new TextEncoder();

export class CellConverter {
  readonly name: string;
  readonly type: SqlType;
  /** Index in the batch's schema. */
  readonly column: number;
  readonly #nullable: boolean;
  readonly #context: ConversionContext;
  readonly #min: number;
  readonly #max: number;
  readonly #precision: number;
  readonly #unitsPerSecond: number;
  readonly #fixedOffsetSeconds: number | null;
  readonly #number = new NumberScan();
  readonly #dateTime = new DateTimeScan();

  constructor(column: ConvertedColumn, context: ConversionContext) {
    this.name = column.name;
    this.type = column.type;
    this.column = column.schemaIndex;
    this.#nullable = column.nullable;
    this.#context = context;
    const [min, max] = rangeOf(column.type);
    this.#min = min;
    this.#max = max;
    this.#precision =
      column.type.kind === 'datetime' || column.type.kind === 'timestamp'
        ? column.type.precision
        : 0;
    this.#unitsPerSecond = 10 ** this.#precision;
    this.#fixedOffsetSeconds = context.timeZone.fixedOffsetSeconds;
  }

  /** The row that errors name. */
  get row(): number {
    return this.#context.row;
  }

  /** NULL. Throws 1048. */
  null(sink: RowSink): void {
    if (!this.#nullable) {
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
        if (value < this.#min || value > this.#max) {
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
      case 'datetime': {
        const seconds = Math.floor(value / this.#unitsPerSecond);
        this.#count(sink, seconds, value - seconds * this.#unitsPerSecond);
        return;
      }
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
      case 'datetime': {
        const units = BigInt(this.#unitsPerSecond);
        const rest = ((value % units) + units) % units;
        this.#count(sink, Number((value - rest) / units), Number(rest));
        return;
      }
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
        this.#asText(sink, plainNumberText(asciiText(buf, scan.start, scan.end), scan.form));
    }
  }

  /** buf[start..end) of a string, escapes resolved. `isAscii` when no byte is above 0x7F. */
  text(sink: RowSink, buf: Uint8Array, start: number, end: number, isAscii: boolean): void {
    switch (this.type.kind) {
      case 'text':
        this.#textCell(sink, buf, start, end, isAscii);
        return;
      case 'blob':
        this.#blobCell(sink, buf, start, end);
        return;
      case 'timestamp':
      case 'datetime':
        this.#timeText(sink, buf, start, end);
        return;
      case 'date':
        this.#dateText(sink, buf, start, end);
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
        const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
        if (bytes.length > 8) {
          throw outOfRange(this);
        }
        this.bigint(sink, BigInt(`0x0${hex}`));
        return;
      }
      default:
        this.text(sink, bytes, 0, bytes.length, false);
    }
  }

  /** Days since 1970-01-01. */
  date(sink: RowSink, days: number): void {
    if (this.type.kind === 'date') {
      sink.setNumber(this.column, days);
    } else {
      this.localTime(sink, days * 86_400, 0, 0);
    }
  }

  /** A wall-clock reading without zone; `fraction` in units of 10^-precision seconds. */
  localTime(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    const isInstant = this.type.kind === 'timestamp';
    const offset = isInstant ? this.#context.timeZone.offsetSecondsAtLocal(seconds) : 0;
    this.#time(sink, seconds - offset, fraction, precision);
  }

  /** An instant; `fraction` in units of 10^-precision seconds. */
  instant(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    const isLocal = this.type.kind !== 'timestamp';
    const offset = isLocal ? this.#context.timeZone.offsetSecondsAt(seconds) : 0;
    this.#time(sink, seconds + offset, fraction, precision);
  }

  /** The column has no DEFAULT and got no value. */
  noDefault(): SqlError {
    return noDefault(this);
  }

  /** Rounds to the column's precision and writes; a DATE takes the day. */
  #time(sink: RowSink, seconds: number, fraction: number, precision: number): void {
    if (this.type.kind === 'date') {
      sink.setNumber(this.column, Math.floor(seconds / 86_400));
      return;
    }
    const digits = precision - this.#precision;
    if (digits <= 0) {
      this.#count(sink, seconds, fraction * 10 ** -digits);
      return;
    }
    const rounded = Math.floor(fraction / 10 ** digits + 0.5);
    const carries = rounded === this.#unitsPerSecond;
    this.#count(sink, carries ? seconds + 1 : seconds, carries ? 0 : rounded);
  }

  /** Seconds and fraction in the column's unit. */
  #count(sink: RowSink, seconds: number, fraction: number): void {
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) {
      throw incorrectTime(this, String(seconds * this.#unitsPerSecond + fraction));
    }
    sink.setTime(this.column, seconds, fraction);
  }

  #timeText(sink: RowSink, buf: Uint8Array, start: number, end: number): void {
    const scan = this.#dateTime;
    if (scan.read(buf, start, end, this.#precision) !== DateTimeParse.whole) {
      throw incorrectTime(this, quotedValue(buf, start, end));
    }
    let seconds = scan.localSeconds;
    const offset = scan.offsetSeconds;
    if (this.type.kind === 'timestamp') {
      if (!Number.isNaN(offset)) {
        seconds -= offset;
      } else if (this.#fixedOffsetSeconds !== null) {
        seconds -= this.#fixedOffsetSeconds;
      } else {
        seconds -= this.#context.timeZone.offsetSecondsAtLocal(seconds);
      }
    } else if (!Number.isNaN(offset)) {
      seconds -= offset;
      seconds += this.#context.timeZone.offsetSecondsAt(seconds);
    }
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) {
      throw incorrectTime(this, quotedValue(buf, start, end));
    }
    sink.setTime(this.column, seconds, scan.fraction);
  }

  #dateText(sink: RowSink, buf: Uint8Array, start: number, end: number): void {
    const scan = this.#dateTime;
    if (scan.read(buf, start, end, 0) !== DateTimeParse.whole) {
      throw incorrectTime(this, quotedValue(buf, start, end));
    }
    sink.setNumber(this.column, scan.days);
  }

  /** Counts for TIMESTAMP and DATETIME; YYYYMMDD for DATE, which has no unit of its own. */
  #numberAsTime(sink: RowSink, buf: Uint8Array, scan: NumberScan): void {
    if (scan.form !== NumberForm.integer && scan.form !== NumberForm.double) {
      throw incorrectTime(this, quotedValue(buf, scan.start, scan.end));
    }
    if (this.type.kind === 'date' && scan.form === NumberForm.integer) {
      this.#dateText(sink, buf, scan.start, scan.end);
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

  #asText(sink: RowSink, text: string): void {
    const bytes = encoder.encode(text);
    this.text(sink, bytes, 0, bytes.length, true);
  }

  #textCell(sink: RowSink, buf: Uint8Array, start: number, end: number, isAscii: boolean): void {
    const characters = isAscii ? end - start : countCharacters(buf, start, end);
    if (characters < 0) {
      throw incorrectString(this, buf, -1 - characters, end);
    }
    const type = this.type;
    if (type.kind !== 'text' || type.length === null) {
      sink.setBytes(this.column, buf, start, end);
      return;
    }
    let last = end;
    if (type.spelling === 'char') {
      while (last > start && buf[last - 1] === 0x20) last -= 1;
    }
    if (characters > type.length) {
      const kept = start + byteLengthOf(buf, start, end, type.length);
      if (!isBlankOnly(buf, kept, last)) {
        throw tooLong(this);
      }
      last = Math.min(last, kept);
    }
    sink.setBytes(this.column, buf, start, last);
  }

  /** BINARY(n) is filled up with zero bytes. */
  #blobCell(sink: RowSink, buf: Uint8Array, start: number, end: number): void {
    const type = this.type;
    const length = type.kind === 'blob' ? type.length : null;
    if (length !== null && end - start > length) {
      throw tooLong(this);
    }
    if (length !== null && end - start < length && type.kind === 'blob' && type.spelling === 'binary') {
      const filled = new Uint8Array(length);
      filled.set(buf.subarray(start, end));
      sink.setBytes(this.column, filled, 0, length);
      return;
    }
    sink.setBytes(this.column, buf, start, end);
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

function isBlankOnly(buf: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (buf[at] !== 0x20) return false;
  }
  return true;
}

/** 'true' and 'false' in any case. */
function truthOf(buf: Uint8Array, start: number, end: number): boolean | null {
  const text = end - start <= 5 ? asciiText(buf, start, end).toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : null;
}

/** A number literal as MySQL writes it into text: no needless zeros in front, and doubles in their shortest form. */
function plainNumberText(text: string, form: NumberForm): string {
  if (form === NumberForm.double) {
    return formatDouble(Number(text));
  }
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)0*(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
  return sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits;
}
