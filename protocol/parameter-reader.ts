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
import { SqlError } from './sql-error.js';

export type ParameterValue =
  | { readonly kind: 'null' }
  /** A number where it is a safe integer, else a bigint. */
  | { readonly kind: 'integer'; readonly value: number | bigint; readonly unsigned: boolean }
  /** FLOAT and DOUBLE. */
  | { readonly kind: 'double'; readonly value: number }
  /** Text (UTF-8), decimals, JSON; `binary` for BLOB types. A view of the packet: copy what is kept. */
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

/** Bytes of values of fixed size; others begin with their length. */
const FIXED_BYTES: Readonly<Partial<Record<ParameterLayout, number>>> = {
  null: 0,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
};

export class ParameterReader {
  readonly count: number;
  /** Type and flag bytes of the last binding, two per parameter; null = never bound. */
  #types: Uint8Array | null = null;
  #payload: Buffer = Buffer.alloc(0);
  /** Value i is #payload[#starts[i] .. #ends[i]); start -1 = NULL, -2 = long data. Length bytes are not included. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #longData = new Map<number, Uint8Array>();

  constructor(count: number) {
    this.count = count;
    this.#starts = new Int32Array(count);
    this.#ends = new Int32Array(count);
  }

  kind(index: number): ParameterKind {
    const start = this.#start(index);
    if (start === NULL_START) return 'null';
    if (start === LONG_DATA_START) return 'string';
    return KIND_BY_LAYOUT[this.#layout(index)];
  }

  /** The value as an object. Strings are views of the packet. */
  value(index: number): ParameterValue {
    const start = this.#start(index);
    if (start === NULL_START) return NULL_VALUE;
    if (start === LONG_DATA_START) {
      return { kind: 'string', bytes: this.source(index), binary: this.isBinary(index) };
    }
    switch (KIND_BY_LAYOUT[this.#layout(index)]) {
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
        return this.#dateTime(index, start, this.end(index));
      case 'time':
        return this.#time(start, this.end(index));
    }
  }

  /** Requires kind 'integer' or 'double'. Exact for integers of at most 53 bits: see `high` and `low` for all. */
  number(index: number): number {
    const start = this.#start(index);
    switch (this.#layout(index)) {
      case 'float32':
        return this.#payload.readFloatLE(start);
      case 'float64':
        return this.#payload.readDoubleLE(start);
      case 'int64': {
        const high = this.high(index);
        return high * 0x1_0000_0000 + this.low(index);
      }
      default:
        return this.isUnsigned(index) ? this.low(index) : this.low(index) | 0;
    }
  }

  /** Requires kind 'integer'. Upper 32 bits: sign-extended for signed types, 0..2^32-1 for unsigned ones. */
  high(index: number): number {
    const start = this.#start(index);
    const unsigned = this.isUnsigned(index);
    if (this.#layout(index) === 'int64') {
      return unsigned
        ? this.#payload.readUInt32LE(start + 4)
        : this.#payload.readInt32LE(start + 4);
    }
    return !unsigned && (this.low(index) | 0) < 0 ? -1 : 0;
  }

  /** Requires kind 'integer'. Lower 32 bits, 0..2^32-1. */
  low(index: number): number {
    const start = this.#start(index);
    const unsigned = this.isUnsigned(index);
    switch (this.#layout(index)) {
      case 'int8':
        return unsigned ? this.#payload.readUInt8(start) : this.#payload.readInt8(start) >>> 0;
      case 'int16':
        return unsigned
          ? this.#payload.readUInt16LE(start)
          : this.#payload.readInt16LE(start) >>> 0;
      default:
        return this.#payload.readUInt32LE(start);
    }
  }

  isUnsigned(index: number): boolean {
    return ((this.#types?.[2 * index + 1] ?? 0) & UNSIGNED) !== 0;
  }

  /** Requires kind 'string': bytes rather than text. */
  isBinary(index: number): boolean {
    return this.#layout(index) === 'binary';
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
    this.#longData.clear();
    const reader = new PacketReader(payload);
    this.#payload = reader.payload;
    reader.skip(EXECUTE_HEADER_BYTES);
    if (this.count === 0) return;
    const bitmap = reader.bytes((this.count + 7) >>> 3);
    if (reader.int8() === 1) this.#bind(reader.bytes(2 * this.count));
    if (this.#types === null) {
      throw new SqlError('ER_WRONG_ARGUMENTS', { what: 'mysqld_stmt_execute' });
    }
    for (let index = 0; index < this.count; index++) {
      const long = longData.get(index);
      if (long !== undefined) {
        this.#longData.set(index, long);
        this.#starts[index] = LONG_DATA_START;
      } else if (((bitmap[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0) {
        this.#starts[index] = NULL_START;
      } else {
        this.#readValue(reader, index);
      }
    }
  }

  #readValue(reader: PacketReader, index: number): void {
    const layout = this.#layout(index);
    if (layout === 'null') {
      this.#starts[index] = NULL_START;
      return;
    }
    let length = FIXED_BYTES[layout];
    if (length === undefined) {
      if (layout === 'text' || layout === 'binary') {
        const announced = reader.lenencInteger();
        if (announced === null) throw new SqlError('ER_MALFORMED_PACKET');
        length = announced;
      } else {
        length = reader.int8();
        const right =
          layout === 'time'
            ? length === 0 || length === 8 || length === 12
            : length === 0 || length === 4 || length === 7 || length === 11;
        if (!right) throw new SqlError('ER_MALFORMED_PACKET');
      }
    }
    const start = reader.offset;
    reader.skip(length);
    this.#starts[index] = start;
    this.#ends[index] = start + length;
  }

  /** Remembers the types beyond this packet; they must all be known. */
  #bind(types: Uint8Array): void {
    for (let index = 0; index < this.count; index++) {
      const layout = PARAMETER_LAYOUT_BY_BYTE[types[2 * index] ?? 0];
      if (layout === undefined || layout === 'refused') {
        throw new SqlError(
          'ER_WRONG_ARGUMENTS',
          `Incorrect arguments to mysqld_stmt_execute: parameter ${index + 1} has the unknown type ${types[2 * index] ?? 0}`,
        );
      }
    }
    if (this.#types === null) this.#types = new Uint8Array(2 * this.count);
    this.#types.set(types);
  }

  #start(index: number): number {
    const start = this.#starts[index];
    if (start === undefined) throw new RangeError(`parameter ${index} of ${this.count}`);
    return start;
  }

  #layout(index: number): Exclude<ParameterLayout, 'refused'> {
    const layout = PARAMETER_LAYOUT_BY_BYTE[this.#types?.[2 * index] ?? COLUMN_TYPE.null];
    return layout === undefined || layout === 'refused' ? 'null' : layout;
  }

  #integer(index: number): number | bigint {
    const value = this.number(index);
    if (Number.isSafeInteger(value)) return value;
    return (BigInt(this.high(index)) << 32n) | BigInt(this.low(index));
  }

  #dateTime(index: number, start: number, end: number): ParameterValue {
    const payload = this.#payload;
    const length = end - start;
    const isDate = this.#types?.[2 * index] === COLUMN_TYPE.date;
    return {
      kind: 'datetime',
      year: length >= 4 ? payload.readUInt16LE(start) : 0,
      month: length >= 4 ? payload.readUInt8(start + 2) : 0,
      day: length >= 4 ? payload.readUInt8(start + 3) : 0,
      hour: length >= 7 ? payload.readUInt8(start + 4) : 0,
      minute: length >= 7 ? payload.readUInt8(start + 5) : 0,
      second: length >= 7 ? payload.readUInt8(start + 6) : 0,
      microsecond: length >= 11 ? payload.readUInt32LE(start + 7) : 0,
      isDate,
    };
  }

  #time(start: number, end: number): ParameterValue {
    const payload = this.#payload;
    const length = end - start;
    return {
      kind: 'time',
      negative: length >= 8 && payload.readUInt8(start) !== 0,
      days: length >= 8 ? payload.readUInt32LE(start + 1) : 0,
      hours: length >= 8 ? payload.readUInt8(start + 5) : 0,
      minutes: length >= 8 ? payload.readUInt8(start + 6) : 0,
      seconds: length >= 8 ? payload.readUInt8(start + 7) : 0,
      microseconds: length >= 12 ? payload.readUInt32LE(start + 8) : 0,
    };
  }
}

const NULL_START = -1;
const LONG_DATA_START = -2;
const NULL_VALUE: ParameterValue = { kind: 'null' };
const EMPTY = new Uint8Array(0);
