/**
 * Choosing a codec for numbers and writing them (number-codec.ts has the bytes).
 *
 * 'fast' effort is for records, which are encoded on the way to the journal: constant, packed, decimal, multiple, raw. 'small' is for
 * blocks: it also weighs run-length, delta and delta-of-delta by their size.
 */

import type { ByteWriter } from './byte-writer.js';
import {
  DECIMALS_MAX as DECIMALS_MAX_SMALL,
  isLittleEndian,
  NESTING_MAX,
  NumberCodec as Codec,
  POWERS,
} from './number-codec.js';

export type Effort = 'fast' | 'small';

const DECIMALS_MAX_FAST = 4;
/** Divisors tried for integers of a wide range: whole seconds, milliseconds and microseconds in finer units. */
const DIVISORS = [1e9, 1e6, 1e3];

// Encoding is synchronous, so its working arrays can be shared; one set a nesting level.
const work: Float64Array[] = [];

function workArray(level: number, length: number): Float64Array {
  let array = work[level];
  if (array === undefined || array.length < length) {
    array = new Float64Array(Math.max(8192, length));
    work[level] = array;
  }
  return array;
}

/** Writes the first `count` values. */
export function encodeNumbers(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
): void {
  encodeAt(writer, values, count, effort, 0);
}

function encodeAt(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
): void {
  if (count === 0) {
    writer.uint8(Codec.raw64);
    return;
  }
  let min = values[0]!;
  let max = min;
  let at = 0;
  for (; at < count; at++) {
    const value = values[at]!;
    if (Math.floor(value) !== value || (value === 0 && 1 / value < 0)) break;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const areIntegers =
    at === count && min >= Number.MIN_SAFE_INTEGER && max <= Number.MAX_SAFE_INTEGER;
  if (areIntegers) encodeIntegers(writer, values, count, min, max, effort, level);
  else encodeReals(writer, values, count, effort, level);
}

function encodeIntegers(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  min: number,
  max: number,
  effort: Effort,
  level: number,
): void {
  const width = widthFor(min, max);
  if (width === 0) {
    writePackedCodec(writer, values, count, min, 0);
    return;
  }
  if (effort === 'small') {
    if (tryDeltaOrRuns(writer, values, count, width === -1 ? 8 : width, level)) return;
  }
  if ((width === -1 || (effort === 'small' && width === 4)) && level < NESTING_MAX) {
    const divisor = commonDivisor(values, count, max - min);
    if (divisor !== 1) {
      const quotients = workArray(level, count);
      for (let index = 0; index < count; index++) quotients[index] = values[index]! / divisor;
      writer.uint8(Codec.multiple);
      writer.varint(divisor);
      encodeAt(writer, quotients, count, effort, level + 1);
      return;
    }
  }
  if (width === -1) writeRaw64(writer, values, count);
  else writePackedCodec(writer, values, count, min, width);
}

/** Tries the block codecs and writes the smallest that beats `width` bytes a value. */
function tryDeltaOrRuns(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  width: number,
  level: number,
): boolean {
  if (count < 4 || level >= NESTING_MAX) return false;
  let runs = 1;
  let deltaMin = Infinity;
  let deltaMax = -Infinity;
  let delta2Min = Infinity;
  let delta2Max = -Infinity;
  let previous = values[0]!;
  let previousDelta = values[1]! - previous;
  for (let index = 1; index < count; index++) {
    const value = values[index]!;
    const delta = value - previous;
    if (delta !== 0) runs++;
    if (delta < deltaMin) deltaMin = delta;
    if (delta > deltaMax) deltaMax = delta;
    const delta2 = delta - previousDelta;
    // The first one is 0 by construction and is not written.
    if (delta2 < delta2Min && index > 1) delta2Min = delta2;
    if (delta2 > delta2Max && index > 1) delta2Max = delta2;
    previous = value;
    previousDelta = delta;
  }
  const plainBytes = width * count;
  const deltaWidth = safeWidth(deltaMin, deltaMax);
  const delta2Width =
    safeWidth(deltaMin, deltaMax, Infinity) === 8 ? 8 : safeWidth(delta2Min, delta2Max);
  const deltaBytes = deltaWidth * count + 8;
  const delta2Bytes = delta2Width * count + 16;
  const runBytes = runs * 6 + 16;
  const best = Math.min(deltaBytes, delta2Bytes, runBytes);
  if (best >= plainBytes * 0.9) return false;
  if (best === runBytes) writeRuns(writer, values, count, runs, level);
  else if (best === deltaBytes) writeDelta(writer, values, count, deltaMin, deltaWidth, level);
  else writeDelta2(writer, values, count, delta2Min, delta2Width, level);
  return true;
}

/** 8 = does not fit a width. `limit` bounds the range (2^32 unless only safety of the differences matters). */
function safeWidth(min: number, max: number, limit = 2 ** 32): number {
  if (min < Number.MIN_SAFE_INTEGER || max > Number.MAX_SAFE_INTEGER) return 8;
  if (limit === Infinity) return 0;
  const width = widthFor(min, max);
  return width === -1 ? 8 : width;
}

function encodeReals(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
): void {
  const first = values[0]!;
  let runs = 1;
  let areFloats = true;
  if (effort === 'small') {
    for (let index = 0; index < count; index++) {
      const value = values[index]!;
      if (index > 0 && !Object.is(value, values[index - 1]!)) runs++;
      if (areFloats && Math.fround(value) !== value && value === value) areFloats = false;
    }
  } else {
    let index = 1;
    while (index < count && Object.is(values[index]!, first)) index++;
    if (index < count) runs = count;
    areFloats = false;
  }
  if (runs === 1) {
    writer.uint8(Codec.constant);
    writer.float64(first);
    return;
  }
  if (level < NESTING_MAX) {
    if (runs * 10 < count && count >= 16) {
      writeRuns(writer, values, count, runs, level);
      return;
    }
    if (tryDecimal(writer, values, count, effort, level)) return;
  }
  if (areFloats) writeRaw32(writer, values, count);
  else writeRaw64(writer, values, count);
}

/** Writes values that are decimals of few digits as scaled integers, when these are narrow. */
function tryDecimal(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  effort: Effort,
  level: number,
): boolean {
  const decimalsMax = effort === 'fast' ? DECIMALS_MAX_FAST : DECIMALS_MAX_SMALL;
  const scaled = workArray(level, count);
  let exponent = 1;
  let power = 10;
  let min = Infinity;
  let max = -Infinity;
  for (let index = 0; index < count; index++) {
    const value = values[index]!;
    const integer = Math.round(value * power);
    if (integer / power !== value) {
      if (exponent === decimalsMax) return false;
      exponent++;
      power = POWERS[exponent]!;
      // From the start again: what is scaled so far is scaled too little.
      index = -1;
      min = Infinity;
      max = -Infinity;
      continue;
    }
    if (integer === 0 && Object.is(value, -0)) return false;
    // A value between -0.5 and 0 of the scale would have failed, so this zero is positive or was told apart.
    scaled[index] = integer;
    if (integer < min) min = integer;
    if (integer > max) max = integer;
  }
  // Wider than four bytes a value gains nothing over raw doubles.
  if (!(max - min < 2 ** 32)) return false;
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max)) return false;
  writer.uint8(Codec.decimal);
  writer.uint8(exponent);
  encodeAt(writer, scaled, count, effort, level + 1);
  return true;
}

/** Largest tried divisor of all values, or 1. */
function commonDivisor(values: Float64Array, count: number, range: number): number {
  for (const divisor of DIVISORS) {
    if (range < divisor) continue;
    let index = 0;
    while (index < count && values[index]! % divisor === 0) index++;
    if (index === count) return divisor;
  }
  return 1;
}

/** Bytes for a frame of reference: 0, 1, 2 or 4; -1 when the range needs more. */
function widthFor(min: number, max: number): number {
  const range = max - min;
  if (range === 0) return 0;
  if (range < 0x100) return 1;
  if (range < 0x10000) return 2;
  return range < 2 ** 32 ? 4 : -1;
}

function writeRaw64(writer: ByteWriter, values: Float64Array, count: number): void {
  writer.uint8(Codec.raw64);
  const at = writer.reserve(count * 8);
  if (isLittleEndian) {
    writer.bytes.set(new Uint8Array(values.buffer, values.byteOffset, count * 8), at);
  } else {
    const view = new DataView(writer.bytes.buffer);
    for (let index = 0; index < count; index++)
      view.setFloat64(at + index * 8, values[index]!, true);
  }
}

function writeRaw32(writer: ByteWriter, values: Float64Array, count: number): void {
  writer.uint8(Codec.raw32);
  const at = writer.reserve(count * 4);
  const view = new DataView(writer.bytes.buffer);
  for (let index = 0; index < count; index++) view.setFloat32(at + index * 4, values[index]!, true);
}

function writePackedCodec(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  base: number,
  width: number,
): void {
  writer.uint8(Codec.packed);
  writePacked(writer, values, count, base, width);
}

function writePacked(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  base: number,
  width: number,
): void {
  writer.zigzag(count === 0 ? 0 : base);
  writer.uint8(width);
  let at = writer.reserve(count * width);
  const bytes = writer.bytes;
  if (width === 1) {
    for (let index = 0; index < count; index++) bytes[at++] = values[index]! - base;
  } else if (width === 2) {
    for (let index = 0; index < count; index++) {
      const rest = values[index]! - base;
      bytes[at] = rest;
      bytes[at + 1] = rest >>> 8;
      at += 2;
    }
  } else if (width === 4) {
    for (let index = 0; index < count; index++) {
      const rest = (values[index]! - base) >>> 0;
      bytes[at] = rest;
      bytes[at + 1] = rest >>> 8;
      bytes[at + 2] = rest >>> 16;
      bytes[at + 3] = rest >>> 24;
      at += 4;
    }
  }
}

function writeDelta(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  base: number,
  width: number,
  level: number,
): void {
  const deltas = workArray(level, count);
  for (let index = 1; index < count; index++)
    deltas[index - 1] = values[index]! - values[index - 1]!;
  writer.uint8(Codec.delta);
  writer.zigzag(values[0]!);
  writePacked(writer, deltas, count - 1, base, width);
}

function writeDelta2(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  base: number,
  width: number,
  level: number,
): void {
  const deltas = workArray(level, count);
  let delta = values[1]! - values[0]!;
  for (let index = 2; index < count; index++) {
    const next = values[index]! - values[index - 1]!;
    deltas[index - 2] = next - delta;
    delta = next;
  }
  writer.uint8(Codec.delta2);
  writer.zigzag(values[0]!);
  writer.zigzag(values[1]! - values[0]!);
  writePacked(writer, deltas, count - 2, base, width);
}

function writeRuns(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  runs: number,
  level: number,
): void {
  const heads = new Float64Array(runs);
  const lengths = new Float64Array(runs);
  let run = 0;
  let start = 0;
  for (let index = 1; index <= count; index++) {
    if (index < count && Object.is(values[index]!, values[start]!)) continue;
    heads[run] = values[start]!;
    lengths[run++] = index - start;
    start = index;
  }
  writer.uint8(Codec.runs);
  writer.varint(runs);
  encodeAt(writer, lengths, runs, 'fast', level + 1);
  encodeAt(writer, heads, runs, 'fast', level + 1);
}
