/**
 * The parameters of one COM_STMT_EXECUTE, decoded in place.
 *
 *   0x17 | u32 statement id | u8 cursor flags | u32 iterations (1)
 *   with parameters: NULL bitmap (count + 7) / 8 bytes, bit i = parameter i | u8 new parameters bound
 *                    if 1: count * (u8 type | u8 flags, 0x80 = unsigned)
 *                    values of the parameters that are neither NULL nor sent as long data, one after another:
 *                    integers of 1, 2, 4, 8 bytes | float 4 | double 8 | lenenc bytes
 *                    dates: u8 length 0, 4, 7, 11: u16 year, u8 month, u8 day, u8 hour, u8 minute, u8 second, u32 microsecond
 *                    times: u8 length 0, 8, 12: u8 negative, u32 days, u8 hour, u8 minute, u8 second, u32 microsecond
 *
 * Types stay bound: a client that sends "new parameters bound" 0 means those of its previous execute (Connector/J and libmysql
 * rely on it). A statement owns one reader, and each execute overwrites it: a batch of thousands of executes allocates nothing here.
 */

import { COLUMN_TYPE, PARAMETER_LAYOUT_BY_BYTE } from './column-types.js';
import type { ParameterLayout } from './column-types.js';
import { PacketReader } from './packet-reader.js';
import { KEPT_BYTES_MAX } from './payload-collector.js';
import { SqlError } from './sql-error.js';

export type ParameterValue =
  | { readonly kind: 'null' }
  /** A number where it is a safe integer, else a bigint. */
  | { readonly kind: 'integer'; readonly value: number | bigint; readonly unsigned: boolean }
  /** FLOAT and DOUBLE. */
  | { readonly kind: 'double'; readonly value: number }
  /** Text (UTF-8), decimals, JSON; `binary` for BLOB types. A view of the packet: see `isLasting`. */
  | { readonly kind: 'string'; readonly bytes: Uint8Array; readonly binary: boolean }
  /** DATE, DATETIME and TIMESTAMP as sent; fields are not checked against the calendar. */
  | {
      readonly kind: 'datetime';
      readonly year: number;
      readonly month: number;
      readonly day: number;
      readonly hour: number;
      readonly minute: number;
      readonly second: number;
      readonly microsecond: number;
      /** The type was DATE. */
      readonly isDate: boolean;
    }
  | {
      readonly kind: 'time';
      readonly negative: boolean;
      readonly days: number;
      readonly hours: number;
      readonly minutes: number;
      readonly seconds: number;
      readonly microseconds: number;
    };

export type ParameterKind = ParameterValue['kind'];

/** Parameter flag: the integer is unsigned. */
const UNSIGNED = 0x80;
const EMPTY = new Uint8Array(0);
/** Bytes before the NULL bitmap: command, id, flags, iterations. */
const EXECUTE_HEADER_BYTES = 10;

const KIND_BY_LAYOUT: Readonly<Record<Exclude<ParameterLayout, 'refused'>, ParameterKind>> = {
  null: 'null',
  int8: 'integer',
  int16: 'integer',
  int32: 'integer',
  int64: 'integer',
  float32: 'double',
  float64: 'double',
  text: 'string',
  binary: 'string',
  datetime: 'datetime',
  time: 'time',
};

/** Layouts as numbers, for the loops over parameters. */
const Layout = {
  null: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float32: 5,
  float64: 6,
  text: 7,
  binary: 8,
  datetime: 9,
  time: 10,
} as const satisfies Record<Exclude<ParameterLayout, 'refused'>, number>;

/** By layout: bytes of values of fixed size; those from text on begin with their length. */
const FIXED_BYTES = Uint8Array.of(0, 1, 2, 4, 8, 4, 8);

/** By layout. */
const KINDS: readonly ParameterKind[] = Object.keys(Layout).map(
  (layout) => KIND_BY_LAYOUT[layout as keyof typeof Layout],
);

/** By type byte: the layout; UNKNOWN for types that are none, or refused. */
const UNKNOWN = 0xff;
const LAYOUT_BY_TYPE = Uint8Array.from(PARAMETER_LAYOUT_BY_BYTE, (layout) =>
  layout === undefined || layout === 'refused' ? UNKNOWN : Layout[layout],
);

/** Bit b = a DATE, DATETIME or TIMESTAMP may have b bytes; the same for TIME. */
const DATETIME_LENGTHS = (1 << 0) | (1 << 4) | (1 << 7) | (1 << 11);
const TIME_LENGTHS = (1 << 0) | (1 << 8) | (1 << 12);

/** A DATE, DATETIME or TIMESTAMP as sent, in an object that is used again for the next one. */
export interface DateTimeFields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  microsecond: number;
  /** The type was DATE. */
  isDate: boolean;
}

export class ParameterReader {
  readonly count: number;
  /** Type and flag bytes of the last binding, two per parameter; null = never bound. */
  #types: Uint8Array | null = null;
  /** By parameter. */
  readonly #layouts: Uint8Array;
  #payload: Uint8Array = EMPTY;
  /** Over `#payload`. */
  #view: DataView = new DataView(EMPTY.buffer);
  /** Value i is #payload[#starts[i] .. #ends[i]); start -1 = NULL, -2 = long data. Length bytes are not included. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #longData = new Map<number, Uint8Array>();

  constructor(count: number) {
    this.count = count;
    this.#starts = new Int32Array(count);
    this.#ends = new Int32Array(count);
    this.#layouts = new Uint8Array(count);
  }

  /**
   * Whether the bytes of a string stay as they are when the execute is over. Those of a small packet do not: the next one
   * comes to the same place.
   */
  isLasting(index: number): boolean {
    return this.#starts[index] === LONG_DATA_START || this.#payload.length > KEPT_BYTES_MAX;
  }

  kind(index: number): ParameterKind {
    const start = this.#start(index);
    if (start === NULL_START) return 'null';
    if (start === LONG_DATA_START) return 'string';
    return KINDS[this.#layouts[index]!]!;
  }

  /** The value as an object. Strings are views of the packet. */
  value(index: number): ParameterValue {
    const start = this.#start(index);
    if (start === NULL_START) return NULL_VALUE;
    if (start === LONG_DATA_START) {
      return { kind: 'string', bytes: this.source(index), binary: this.isBinary(index) };
    }
    switch (this.kind(index)) {
      case 'null':
        return NULL_VALUE;
      case 'integer':
        return { kind: 'integer', value: this.#integer(index), unsigned: this.isUnsigned(index) };
      case 'double':
        return { kind: 'double', value: this.number(index) };
      case 'string':
        return {
          kind: 'string',
          bytes: this.#payload.subarray(start, this.end(index)),
          binary: this.isBinary(index),
        };
      case 'datetime':
        return { kind: 'datetime', ...this.dateTime(index, newDateTimeFields()) };
      case 'time':
        return this.#time(start, this.end(index));
    }
  }

  /** Requires kind 'integer' or 'double'. Exact for integers of at most 53 bits: see `high` and `low` for all. */
  number(index: number): number {
    const start = this.#start(index);
    switch (this.#layouts[index]) {
      case Layout.float32:
        return this.#view.getFloat32(start, true);
      case Layout.float64:
        return this.#view.getFloat64(start, true);
      case Layout.int64:
        return this.high(index) * 0x1_0000_0000 + this.#view.getUint32(start, true);
      default:
        return this.isUnsigned(index) ? this.low(index) : this.low(index) | 0;
    }
  }

  /** Requires kind 'integer'. Upper 32 bits: sign-extended for signed types, 0..2^32-1 for unsigned ones. */
  high(index: number): number {
    const start = this.#start(index);
    const unsigned = this.isUnsigned(index);
    if (this.#layouts[index] === Layout.int64) {
      return unsigned
        ? this.#view.getUint32(start + 4, true)
        : this.#view.getInt32(start + 4, true);
    }
    return !unsigned && (this.low(index) | 0) < 0 ? -1 : 0;
  }

  /** Requires kind 'integer'. Lower 32 bits, 0..2^32-1. */
  low(index: number): number {
    const start = this.#start(index);
    const unsigned = this.isUnsigned(index);
    switch (this.#layouts[index]) {
      case Layout.int8:
        return unsigned ? this.#view.getUint8(start) : this.#view.getInt8(start) >>> 0;
      case Layout.int16:
        return unsigned
          ? this.#view.getUint16(start, true)
          : this.#view.getInt16(start, true) >>> 0;
      default:
        return this.#view.getUint32(start, true);
    }
  }

  /** Requires kind 'datetime'. Fills and returns `into`. */
  dateTime(index: number, into: DateTimeFields): DateTimeFields {
    const start = this.#start(index);
    const length = this.end(index) - start;
    const payload = this.#payload;
    const hasDate = length >= 4;
    const hasTime = length >= 7;
    into.year = hasDate ? this.#view.getUint16(start, true) : 0;
    into.month = hasDate ? payload[start + 2]! : 0;
    into.day = hasDate ? payload[start + 3]! : 0;
    into.hour = hasTime ? payload[start + 4]! : 0;
    into.minute = hasTime ? payload[start + 5]! : 0;
    into.second = hasTime ? payload[start + 6]! : 0;
    into.microsecond = length >= 11 ? this.#view.getUint32(start + 7, true) : 0;
    into.isDate = this.#types?.[2 * index] === COLUMN_TYPE.date;
    return into;
  }

  isUnsigned(index: number): boolean {
    return ((this.#types?.[2 * index + 1] ?? 0) & UNSIGNED) !== 0;
  }

  /** Requires kind 'string': bytes rather than text. */
  isBinary(index: number): boolean {
    return this.#layouts[index] === Layout.binary;
  }

  /** Requires kind 'string': the value is source(i)[start(i)..end(i)). */
  source(index: number): Uint8Array {
    if (this.#starts[index] !== LONG_DATA_START) return this.#payload;
    return this.#longData.get(index) ?? EMPTY;
  }

  start(index: number): number {
    const start = this.#start(index);
    return start === LONG_DATA_START ? 0 : start;
  }

  end(index: number): number {
    if (this.#starts[index] === LONG_DATA_START) return this.#longData.get(index)?.length ?? 0;
    return this.#ends[index] ?? 0;
  }

  /**
   * Reads the packet of an execute. `longData` are the values sent ahead, by parameter. `payload` is used until the next call.
   * Throws SqlError: 1210 when types were never bound or a type is unknown, 1835 when the packet is malformed.
   */
  read(payload: Uint8Array, longData: ReadonlyMap<number, Uint8Array>): void {
    if (this.#longData.size > 0) this.#longData.clear();
    this.#payload = payload;
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    if (payload.length < EXECUTE_HEADER_BYTES) throw malformed();
    if (this.count === 0) return;
    const bitmapAt = EXECUTE_HEADER_BYTES;
    let at = bitmapAt + ((this.count + 7) >>> 3);
    if (at >= payload.length) throw malformed();
    const hasTypes = payload[at++] === 1;
    if (hasTypes) {
      const typesAt = at;
      at += 2 * this.count;
      if (at > payload.length) throw malformed();
      this.#bind(payload.subarray(typesAt, at));
    }
    if (this.#types === null) {
      throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'mysqld_stmt_execute' });
    }
    const hasLongData = longData.size > 0;
    for (let index = 0; index < this.count; index++) {
      const long = hasLongData ? longData.get(index) : undefined;
      if (long !== undefined) {
        this.#longData.set(index, long);
        this.#starts[index] = LONG_DATA_START;
      } else if ((payload[bitmapAt + (index >>> 3)]! & (1 << (index & 7))) !== 0) {
        this.#starts[index] = NULL_START;
      } else {
        at = this.#readValue(index, at);
      }
    }
  }

  /** Notes where the value of a parameter lies, which begins at `start`; returns where the next one begins. */
  #readValue(index: number, start: number): number {
    const layout = this.#layouts[index]!;
    if (layout === Layout.null) {
      this.#starts[index] = NULL_START;
      return start;
    }
    const payload = this.#payload;
    let at = start;
    let length: number;
    if (layout < Layout.text) {
      length = FIXED_BYTES[layout]!;
    } else {
      if (at >= payload.length) throw malformed();
      length = payload[at++]!;
      if (layout === Layout.datetime || layout === Layout.time) {
        const lengths = layout === Layout.time ? TIME_LENGTHS : DATETIME_LENGTHS;
        if (length > 12 || (lengths & (1 << length)) === 0) throw malformed();
      } else if (length >= 0xfb) {
        const reader = new PacketReader(payload, at - 1);
        const announced = reader.lenencInteger();
        if (announced === null) throw malformed();
        length = announced;
        at = reader.offset;
      }
    }
    if (length > payload.length - at) throw malformed();
    this.#starts[index] = at;
    this.#ends[index] = at + length;
    return at + length;
  }

  /** Remembers the types beyond this packet; they must all be known. */
  #bind(types: Uint8Array): void {
    for (let index = 0; index < this.count; index++) {
      if (LAYOUT_BY_TYPE[types[2 * index]!] === UNKNOWN) {
        throw new SqlError(
          'ER_WRONG_ARGUMENTS',
          `Incorrect arguments to mysqld_stmt_execute: parameter ${index + 1} has the unknown type ${types[2 * index]!}`,
        );
      }
    }
    if (this.#types === null) this.#types = new Uint8Array(2 * this.count);
    this.#types.set(types);
    for (let index = 0; index < this.count; index++) {
      this.#layouts[index] = LAYOUT_BY_TYPE[types[2 * index]!]!;
    }
  }

  #start(index: number): number {
    const start = this.#starts[index];
    if (start === undefined) throw new RangeError(`parameter ${index} of ${this.count}`);
    return start;
  }

  #integer(index: number): number | bigint {
    const value = this.number(index);
    if (Number.isSafeInteger(value)) return value;
    return (BigInt(this.high(index)) << 32n) | BigInt(this.low(index));
  }

  #time(start: number, end: number): ParameterValue {
    const payload = this.#payload;
    const length = end - start;
    return {
      kind: 'time',
      negative: length >= 8 && payload[start] !== 0,
      days: length >= 8 ? this.#view.getUint32(start + 1, true) : 0,
      hours: length >= 8 ? payload[start + 5]! : 0,
      minutes: length >= 8 ? payload[start + 6]! : 0,
      seconds: length >= 8 ? payload[start + 7]! : 0,
      microseconds: length >= 12 ? this.#view.getUint32(start + 8, true) : 0,
    };
  }
}

/** All fields zero. */
export function newDateTimeFields(): DateTimeFields {
  return {
    year: 0,
    month: 0,
    day: 0,
    hour: 0,
    minute: 0,
    second: 0,
    microsecond: 0,
    isDate: false,
  };
}

function malformed(): SqlError {
  return new SqlError('ER_MALFORMED_PACKET');
}

const NULL_START = -1;
const LONG_DATA_START = -2;
const NULL_VALUE: ParameterValue = { kind: 'null' };
