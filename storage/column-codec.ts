/**
 * One column of up to a few thousand rows <-> bytes: NULLs, the kind of its values, and their codec.
 *
 *   form    := u8: low half kind (number 1, integer64 2, time 3, split time 4, strings 5), high half NULLs (none 0, bitmap 1,
 *              all 2). Kept apart from the column's bytes: a section lists the forms first, a block column begins with it.
 *   column  := [bitmap] values        without the values of NULL rows; nothing at all when all rows are NULL
 *   number     numbers
 *   integer64  integers
 *   time       i64 base, numbers of the offsets
 *   split time numbers of whole seconds, numbers of fractions: instants too far apart for one base; only in records
 *   strings    strings
 */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import { decodeStrings, encodeCoded, encodeStrings } from './bytes-codec.js';
import type { ByteWriter } from './byte-writer.js';
import { decodeHalves, encodeHalves } from './integer64-codec.js';
import { countNulls, decodeNulls, encodeNulls } from './null-bitmap.js';
import { decodeNumbers } from './number-decoder.js';
import { type Effort, encodeNumbers } from './number-encoder.js';
import type { NumberSummary } from './number-scan.js';
import type { Vector } from './vector.js';
import type { VectorMemory } from './vector-memory.js';

/** Frozen: written to disk and wire. */
const Kind = { number: 1, integer64: 2, time: 3, splitTime: 4, strings: 5 } as const;
const Nulls = { none: 0, bitmap: 1, all: 2 } as const;

/** Instants as whole seconds since the epoch and fractions in 10^-precision s: what no single base can hold. */
export interface SplitTimeColumn {
  readonly kind: 'split-time';
  readonly length: number;
  readonly seconds: Float64Array;
  readonly fractions: Float64Array;
  readonly nulls: Uint8Array | null;
}

export type ColumnValues = Vector | SplitTimeColumn;

/** The form byte that goes with `encodeColumn`. */
export function columnForm(column: ColumnValues): number {
  const nullCount = column.nulls === null ? 0 : countNulls(column.nulls, column.length);
  const nulls =
    nullCount === 0 ? Nulls.none : nullCount === column.length ? Nulls.all : Nulls.bitmap;
  return kindOf(column) | (nulls << 4);
}

/** True for the form of a column of 64-bit halves. */
export function isWideForm(form: number): boolean {
  return (form & 0x0f) === Kind.integer64;
}

// Encoding is synchronous, so its working arrays can be shared. Sized by the largest column seen.
let denseNumbers = new Float64Array(0);
let denseHigh = new Int32Array(0);
let denseLow = new Int32Array(0);
let denseStarts = new Uint32Array(0);
let denseEnds = new Uint32Array(0);

/**
 * Writes everything but the form, which must be what `columnForm` says of the same column. Returns how far apart like bytes are in it.
 * `summary`, if given, receives what the values of a number column sum up to.
 */
export function encodeColumn(
  writer: ByteWriter,
  column: ColumnValues,
  form: number,
  effort: Effort,
  summary: NumberSummary | null = null,
): number {
  const mode = form >>> 4;
  if (mode === Nulls.all) return 1;
  const nulls = mode === Nulls.bitmap ? column.nulls : null;
  if (nulls !== null) encodeNulls(writer, nulls, column.length);
  const length = column.length;
  const count = nulls === null ? length : length - countNulls(nulls, length);
  switch (column.kind) {
    case 'number':
      return encodeNumbers(writer, denseOf(column.values, nulls, length), count, effort, summary);
    case 'time':
      writer.bigInt64(column.base);
      return encodeNumbers(writer, denseOf(column.offsets, nulls, length), count, effort);
    case 'split-time':
      encodeNumbers(writer, denseOf(column.seconds, nulls, length), count, effort);
      return encodeNumbers(writer, denseOf(column.fractions, nulls, length), count, effort);
    case 'integer64': {
      if (nulls === null) {
        return encodeHalves(writer, column, length);
      }
      if (denseHigh.length < length) {
        denseHigh = new Int32Array(length);
        denseLow = new Int32Array(length);
      }
      let at = 0;
      for (let row = 0; row < length; row++) {
        if (nulls[row] === 1) continue;
        denseHigh[at] = column.high[row]!;
        denseLow[at++] = column.low[row]!;
      }
      return encodeHalves(writer, { high: denseHigh, low: denseLow }, count);
    }
    case 'bytes': {
      if (denseStarts.length < length) {
        denseStarts = new Uint32Array(length);
        denseEnds = new Uint32Array(length);
      }
      let at = 0;
      for (let row = 0; row < length; row++) {
        if (nulls !== null && nulls[row] === 1) continue;
        denseStarts[at] = column.starts[row]!;
        denseEnds[at++] = column.starts[row + 1]!;
      }
      const strings = { data: column.data, starts: denseStarts, ends: denseEnds };
      return encodeStrings(writer, strings, count, effort);
    }
    case 'dictionary': {
      const { dictionary } = column;
      if (denseStarts.length < length) {
        denseStarts = new Uint32Array(length);
        denseEnds = new Uint32Array(length);
      }
      if (dictionary.length > count) {
        // Most entries are not used here: write the strings, the codec makes a dictionary of its own.
        let at = 0;
        for (let row = 0; row < length; row++) {
          if (nulls !== null && nulls[row] === 1) continue;
          denseStarts[at] = dictionary.starts[column.codes[row]!]!;
          denseEnds[at++] = dictionary.starts[column.codes[row]! + 1]!;
        }
        const strings = { data: dictionary.data, starts: denseStarts, ends: denseEnds };
        return encodeStrings(writer, strings, count, effort);
      }
      let codes = column.codes;
      if (nulls !== null) {
        let at = 0;
        for (let row = 0; row < length; row++) {
          if (nulls[row] === 0) denseStarts[at++] = column.codes[row]!;
        }
        codes = denseStarts;
      }
      const { starts, data, length: entries } = dictionary;
      return encodeCoded(writer, { count: entries, starts, data }, codes, count, effort);
    }
  }
}

/** Reads what `encodeColumn` wrote. Values under a NULL are 0, code 0 or an empty range. */
export function decodeColumn(
  reader: ByteReader,
  form: number,
  length: number,
  memory: VectorMemory,
): ColumnValues {
  const kind = form & 0x0f;
  const mode = form >>> 4;
  let nulls: Uint8Array | null = null;
  let count = length;
  if (mode === Nulls.bitmap) {
    nulls = memory.uint8(length);
    count -= decodeNulls(reader, nulls, length);
  } else if (mode === Nulls.all) {
    return allNull(kind, length, memory);
  } else if (mode !== Nulls.none) {
    throw new DamagedBytesError(`column form ${form} is unknown`);
  }
  switch (kind) {
    case Kind.number: {
      const values = decodeSpread(reader, count, nulls, length, memory);
      return { kind: 'number', length, values, nulls };
    }
    case Kind.time: {
      const base = reader.bigInt64();
      const offsets = decodeSpread(reader, count, nulls, length, memory);
      return { kind: 'time', length, base, offsets, nulls };
    }
    case Kind.splitTime: {
      const seconds = decodeSpread(reader, count, nulls, length, memory);
      const fractions = decodeSpread(reader, count, nulls, length, memory);
      return { kind: 'split-time', length, seconds, fractions, nulls };
    }
    case Kind.integer64: {
      const halves = decodeHalves(reader, count, memory);
      if (nulls === null) return { kind: 'integer64', length, ...halves, nulls };
      const high = memory.int32(length);
      const low = memory.int32(length);
      for (let row = 0, at = 0; row < length; row++) {
        const isNull = nulls[row] === 1;
        high[row] = isNull ? 0 : halves.high[at]!;
        low[row] = isNull ? 0 : halves.low[at]!;
        if (!isNull) at++;
      }
      return { kind: 'integer64', length, high, low, nulls };
    }
    case Kind.strings:
      return decodeStringColumn(reader, count, nulls, length, memory);
    default:
      throw new DamagedBytesError(`column kind ${kind} is unknown`);
  }
}

function decodeStringColumn(
  reader: ByteReader,
  count: number,
  nulls: Uint8Array | null,
  length: number,
  memory: VectorMemory,
): Vector {
  const strings = decodeStrings(reader, count, memory);
  const { data, starts, codes, entries } = strings;
  if (codes === null) {
    if (nulls === null) return { kind: 'bytes', length, starts, data, nulls };
    const spread = memory.uint32(length + 1);
    spread[0] = 0;
    for (let row = 0, at = 0; row < length; row++) {
      if (nulls[row] === 0) at++;
      spread[row + 1] = starts[at]!;
    }
    return { kind: 'bytes', length, starts: spread, data, nulls };
  }
  const dictionary = { kind: 'bytes', length: entries, starts, data, nulls: null } as const;
  if (nulls === null) return { kind: 'dictionary', length, codes, dictionary, nulls };
  const spread = memory.uint32(length);
  for (let row = 0, at = 0; row < length; row++) spread[row] = nulls[row] === 1 ? 0 : codes[at++]!;
  return { kind: 'dictionary', length, codes: spread, dictionary, nulls };
}

function allNull(kind: number, length: number, memory: VectorMemory): ColumnValues {
  const nulls = memory.uint8(length).fill(1, 0, length);
  const zeros = (): Float64Array => memory.float64(length).fill(0, 0, length);
  switch (kind) {
    case Kind.number:
      return { kind: 'number', length, values: zeros(), nulls };
    case Kind.time:
    case Kind.splitTime:
      return { kind: 'time', length, base: 0n, offsets: zeros(), nulls };
    case Kind.integer64: {
      const high = memory.int32(length).fill(0, 0, length);
      return { kind: 'integer64', length, high, low: high, nulls };
    }
    case Kind.strings: {
      const starts = memory.uint32(length + 1).fill(0, 0, length + 1);
      return { kind: 'bytes', length, starts, data: new Uint8Array(0), nulls };
    }
    default:
      throw new DamagedBytesError(`column kind ${kind} is unknown`);
  }
}

function kindOf(column: ColumnValues): number {
  switch (column.kind) {
    case 'number':
      return Kind.number;
    case 'integer64':
      return Kind.integer64;
    case 'time':
      return Kind.time;
    case 'split-time':
      return Kind.splitTime;
    default:
      return Kind.strings;
  }
}

function denseOf(values: Float64Array, nulls: Uint8Array | null, length: number): Float64Array {
  if (nulls === null) return values;
  if (denseNumbers.length < length) denseNumbers = new Float64Array(length);
  let at = 0;
  for (let row = 0; row < length; row++) {
    if (nulls[row] === 0) denseNumbers[at++] = values[row]!;
  }
  return denseNumbers;
}

function decodeSpread(
  reader: ByteReader,
  count: number,
  nulls: Uint8Array | null,
  length: number,
  memory: VectorMemory,
): Float64Array {
  if (nulls === null) return decodeNumbers(reader, length, memory);
  const dense = decodeNumbers(reader, count, memory);
  const values = memory.float64(length);
  for (let row = 0, at = 0; row < length; row++) values[row] = nulls[row] === 1 ? 0 : dense[at++]!;
  return values;
}
