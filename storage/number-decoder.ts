/** Reading numbers back (number-codec.ts has the bytes). Every count and width is checked: damage throws, it never reads past the end. */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import { isLittleEndian, NESTING_MAX, NumberCodec as Codec, POWERS } from './number-codec.js';
import {
  accumulate,
  divide,
  isKernelColumn,
  KERNEL_VALUES_MAX,
  kernelColumn,
  multiply,
  READ_VALUES_MIN,
} from './number-kernels.js';
import { readPacked } from './packed-integers.js';
import type { VectorMemory } from './vector-memory.js';

const FILLED_RUN_MIN = 32;

/** Reads `count` numbers into memory of the caller's choice. */
export function decodeNumbers(
  reader: ByteReader,
  count: number,
  memory: VectorMemory,
): Float64Array {
  const target = memory.float64(count);
  const isRaw = reader.bytes[reader.offset] === Codec.raw64;
  if (isRaw || count < READ_VALUES_MIN || count > KERNEL_VALUES_MAX) {
    decodeInto(reader, target, count, memory, 0);
  } else {
    // What is read in the kernels' own memory is copied once, whatever is made of it.
    const column = kernelColumn(0);
    decodeInto(reader, column, count, memory, 0);
    target.set(column.subarray(0, count));
  }
  return target;
}

function decodeInto(
  reader: ByteReader,
  target: Float64Array,
  count: number,
  memory: VectorMemory,
  level: number,
): void {
  if (level > NESTING_MAX + 1) throw new DamagedBytesError('codecs are nested too deep');
  const codec = reader.uint8();
  switch (codec) {
    case Codec.raw64:
      readRaw64(reader, target, count);
      return;
    case Codec.raw32: {
      const bytes = reader.view(count * 4);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let index = 0; index < count; index++) target[index] = view.getFloat32(index * 4, true);
      return;
    }
    case Codec.packed:
      readPacked(reader, target, 0, count);
      return;
    case Codec.delta: {
      const first = reader.zigzag();
      readPacked(reader, target, 0, count - 1);
      sumUp(target, count, first);
      return;
    }
    case Codec.delta2: {
      let value = reader.zigzag();
      let delta = reader.zigzag();
      readPacked(reader, target, 2, count - 2);
      target[0] = value;
      value += delta;
      target[1] = value;
      for (let index = 2; index < count; index++) {
        delta += target[index]!;
        value += delta;
        target[index] = value;
      }
      return;
    }
    case Codec.runs:
      readRuns(reader, target, count, memory, level);
      return;
    case Codec.decimal: {
      const power = POWERS[reader.uint8()];
      if (power === undefined) throw new DamagedBytesError('decimal exponent out of range');
      decodeInto(reader, target, count, memory, level + 1);
      if (isKernelColumn(target)) divide(target, count, power);
      else for (let index = 0; index < count; index++) target[index]! /= power;
      return;
    }
    case Codec.multiple: {
      const divisor = reader.varint();
      decodeInto(reader, target, count, memory, level + 1);
      if (isKernelColumn(target)) multiply(target, count, divisor);
      else for (let index = 0; index < count; index++) target[index]! *= divisor;
      return;
    }
    case Codec.deltas: {
      const first = reader.zigzag();
      if (count < 2) throw new DamagedBytesError('a delta codec needs two values');
      decodeInto(reader, target, count - 1, memory, level + 1);
      sumUp(target, count, first);
      return;
    }
    case Codec.patched:
      readPatched(reader, target, count, memory, level);
      return;
    case Codec.dictionary:
      readDictionary(reader, target, count, memory, level);
      return;
    case Codec.constant:
      target.fill(reader.float64(), 0, count);
      return;
    default:
      throw new DamagedBytesError(`number codec ${codec} is unknown`);
  }
}

/** Replaces differences by the values they lead to, the first of which is given. */
function sumUp(target: Float64Array, count: number, first: number): void {
  if (isKernelColumn(target)) {
    accumulate(target, count, first);
    return;
  }
  let value = first;
  for (let index = 0; index < count; index++) {
    const delta = target[index]!;
    target[index] = value;
    value += delta;
  }
}

function readRaw64(reader: ByteReader, target: Float64Array, count: number): void {
  const bytes = reader.view(count * 8);
  if (isLittleEndian) {
    new Uint8Array(target.buffer, target.byteOffset, count * 8).set(bytes);
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let index = 0; index < count; index++) target[index] = view.getFloat64(index * 8, true);
  }
}

function readRuns(
  reader: ByteReader,
  target: Float64Array,
  count: number,
  memory: VectorMemory,
  level: number,
): void {
  const runs = reader.varint();
  if (runs > count) throw new DamagedBytesError('more runs than values');
  const lengths = memory.float64(runs);
  decodeInto(reader, lengths, runs, memory, level + 1);
  const heads = memory.float64(runs);
  decodeInto(reader, heads, runs, memory, level + 1);
  let at = 0;
  for (let run = 0; run < runs; run++) {
    const length = lengths[run]!;
    const end = at + length;
    if (!(end <= count)) throw new DamagedBytesError('runs are longer than the column');
    // With others, values between two runs would stay what they were in some other column.
    if (length < 0 || length !== Math.floor(length)) {
      throw new DamagedBytesError('the length of a run is no count');
    }
    const head = heads[run]!;
    // A call of `fill` costs as much as some thirty values.
    if (end - at > FILLED_RUN_MIN) target.fill(head, at, end);
    else for (let index = at; index < end; index++) target[index] = head;
    at = end;
  }
  if (at !== count) throw new DamagedBytesError('runs are shorter than the column');
}

function readPatched(
  reader: ByteReader,
  target: Float64Array,
  count: number,
  memory: VectorMemory,
  level: number,
): void {
  const exceptions = reader.varint();
  if (exceptions > count) throw new DamagedBytesError('more exceptions than values');
  const places = memory.float64(exceptions);
  decodeInto(reader, places, exceptions, memory, level + 1);
  const values = memory.float64(exceptions);
  decodeInto(reader, values, exceptions, memory, level + 1);
  readPacked(reader, target, 0, count);
  let at = 0;
  for (let exception = 0; exception < exceptions; exception++) {
    at += places[exception]!;
    if (!(at >= 0 && at < count)) throw new DamagedBytesError('an exception is not in its column');
    target[at] = values[exception]!;
  }
}

function readDictionary(
  reader: ByteReader,
  target: Float64Array,
  count: number,
  memory: VectorMemory,
  level: number,
): void {
  const entryCount = reader.varint();
  if (entryCount > count) throw new DamagedBytesError('a dictionary is larger than its column');
  decodeInto(reader, target, count, memory, level + 1);
  const entries = memory.float64(entryCount);
  decodeInto(reader, entries, entryCount, memory, level + 1);
  for (let index = 0; index < count; index++) {
    const code = target[index]!;
    if (!(code >= 0 && code < entryCount)) {
      throw new DamagedBytesError('a code is not in its dictionary');
    }
    target[index] = entries[code]!;
  }
}
