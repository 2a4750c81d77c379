/**
 * 64-bit integers that doubles cannot hold, as two halves a value (see Integer64Vector).
 *
 *   integers := u8 codec, payload
 *   raw      0  i32 low * count, i32 high * count
 *   packed   1  i64 base, u8 width 0|1|2|4, unsigned integers of that width; value = base + integer
 *
 * The base is the least value read as signed; unsigned values on both sides of 2^63 are simply too far apart for `packed`.
 */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import type { VectorMemory } from './vector-memory.js';

/** Frozen: written to disk and wire. */
const Codec = { raw: 0, packed: 1 } as const;

export interface Halves {
  readonly high: Int32Array;
  readonly low: Int32Array;
}

/** Returns how far apart like bytes are in what was written. */
export function encodeHalves(writer: ByteWriter, halves: Halves, count: number): number {
  const { high, low } = halves;
  let least = 0;
  let most = 0;
  for (let index = 1; index < count; index++) {
    if (isLess(high, low, index, least)) least = index;
    else if (isLess(high, low, most, index)) most = index;
  }
  const range = count === 0 ? 0 : difference(high, low, most, least);
  if (range >= 2 ** 32) {
    writeRaw(writer, low, high, count);
    return 4;
  }
  const width = range === 0 ? 0 : range < 0x100 ? 1 : range < 0x10000 ? 2 : 4;
  writer.uint8(Codec.packed);
  writer.uint32(count === 0 ? 0 : low[least]! >>> 0);
  writer.uint32(count === 0 ? 0 : high[least]! >>> 0);
  writer.uint8(width);
  let at = writer.reserve(count * width);
  const bytes = writer.bytes;
  for (let index = 0; width > 0 && index < count; index++) {
    const rest = difference(high, low, index, least);
    for (let byte = 0; byte < width; byte++) bytes[at++] = rest >>> (8 * byte);
  }
  return Math.max(1, width);
}

export function decodeHalves(reader: ByteReader, count: number, memory: VectorMemory): Halves {
  const high = memory.int32(count);
  const low = memory.int32(count);
  const codec = reader.uint8();
  if (codec === Codec.raw) {
    for (const half of [low, high]) {
      const bytes = reader.view(count * 4);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let index = 0; index < count; index++) half[index] = view.getInt32(index * 4, true);
    }
  } else if (codec === Codec.packed) {
    const baseLow = reader.uint32();
    const baseHigh = reader.uint32() | 0;
    const width = reader.uint8();
    if (width > 4 || width === 3) throw new DamagedBytesError(`width ${width} is unknown`);
    let at = reader.skip(count * width);
    for (let index = 0; index < count; index++) {
      let rest = 0;
      for (let byte = 0; byte < width; byte++) rest += reader.bytes[at++]! * 2 ** (8 * byte);
      const sum = baseLow + rest;
      low[index] = sum | 0;
      high[index] = sum >= 2 ** 32 ? baseHigh + 1 : baseHigh;
    }
  } else {
    throw new DamagedBytesError(`integer codec ${codec} is unknown`);
  }
  return { high, low };
}

function isLess(high: Int32Array, low: Int32Array, a: number, b: number): boolean {
  return high[a] !== high[b] ? high[a]! < high[b]! : low[a]! >>> 0 < low[b]! >>> 0;
}

/** value[a] - value[b], exact below 2^53. */
function difference(high: Int32Array, low: Int32Array, a: number, b: number): number {
  return (high[a]! - high[b]!) * 2 ** 32 + ((low[a]! >>> 0) - (low[b]! >>> 0));
}

function writeRaw(writer: ByteWriter, low: Int32Array, high: Int32Array, count: number): void {
  writer.uint8(Codec.raw);
  for (const half of [low, high]) {
    const at = writer.reserve(count * 4);
    const view = new DataView(writer.bytes.buffer);
    for (let index = 0; index < count; index++) view.setInt32(at + index * 4, half[index]!, true);
  }
}
