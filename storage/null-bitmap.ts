/**
 * NULLs on disk: one bit a row, lowest bit first, 1 = NULL; values of NULL rows are left out of the values that follow, so a
 * sparse column costs little more than what it holds. In memory: one byte a row.
 */

import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

export function countNulls(nulls: Uint8Array, length: number): number {
  let count = 0;
  for (let row = 0; row < length; row++) count += nulls[row]!;
  return count;
}

export function encodeNulls(writer: ByteWriter, nulls: Uint8Array, length: number): void {
  const start = writer.reserve((length + 7) >>> 3);
  const bytes = writer.bytes;
  for (let row = 0; row < length; row += 8) {
    let bits = 0;
    const end = Math.min(8, length - row);
    for (let bit = 0; bit < end; bit++) bits |= nulls[row + bit]! << bit;
    bytes[start + (row >>> 3)] = bits;
  }
}

/** Fills `nulls` and returns how many there are. */
export function decodeNulls(reader: ByteReader, nulls: Uint8Array, length: number): number {
  const start = reader.skip((length + 7) >>> 3);
  const bytes = reader.bytes;
  let count = 0;
  for (let row = 0; row < length; row++) {
    const bit = (bytes[start + (row >>> 3)]! >>> (row & 7)) & 1;
    nulls[row] = bit;
    count += bit;
  }
  return count;
}
