/**
 * Frame of reference: integers of a small range as unsigned rests above the least one, in as few whole bytes as is cheap.
 *
 *   packed := zigzag base, u8 width, rests          value = base + rest
 *   width     0 all rests are 0; 1, 2, 4 bytes a rest, little endian;
 *             16 + r, r = 2..16: rests below r are digits of base r, as many whole ones a byte as fit, the first the lowest
 *
 * Digits pay for what a metric does from one reading to the next: -1, 0 and +1 take five to a byte, 1.6 bits each, which no entropy coder
 * betters by much, and a byte is still read by itself.
 */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import {
  packDigits,
  packRests,
  READ_VALUES_MIN,
  unpackDigits,
  unpackRests,
  WRITTEN_VALUES_MIN,
} from './number-kernels.js';

/** Widths from here on are digits. Frozen, as all widths are: written to disk and wire. */
const DIGITS = 16;
const RADIX_MAX = 16;
/** Fewer values are not worth it. */
const DIGIT_VALUES_MIN = 16;

/** Digits a byte holds, by radix. */
const DIGITS_OF: readonly number[] = Array.from({ length: RADIX_MAX + 1 }, (_, radix) => {
  let digits = 0;
  for (let span = radix; radix > 1 && span <= 256; span *= radix) digits++;
  return digits;
});

/** The width for rests up to `range`; -1 when four bytes do not hold them. */
export function packedWidth(range: number, count: number): number {
  if (range === 0) return 0;
  if (range < RADIX_MAX && count >= DIGIT_VALUES_MIN) return DIGITS + range + 1;
  if (range < 0x100) return 1;
  if (range < 0x10000) return 2;
  return range < 2 ** 32 ? 4 : -1;
}

/** What `count` rests take; -1 is eight bytes each. */
export function packedBytes(width: number, count: number): number {
  if (width > DIGITS) return Math.ceil(count / DIGITS_OF[width - DIGITS]!);
  return count * (width === -1 ? 8 : width);
}

/** The greatest rest that takes no more bytes than `width`. */
export function packedReach(width: number): number {
  return width > DIGITS ? reachOfDigits(width - DIGITS) : 2 ** (8 * width) - 1;
}

function reachOfDigits(radix: number): number {
  let reach = radix;
  while (reach < RADIX_MAX && DIGITS_OF[reach + 1] === DIGITS_OF[radix]) reach++;
  return reach - 1;
}

/** How far apart like bytes of the rests are. */
export function packedStride(width: number): number {
  return width === 2 || width === 4 ? width : 1;
}

/** Writes the first `count` values; `width` is what `packedWidth` says of them. */
export function writePacked(
  writer: ByteWriter,
  values: Float64Array,
  count: number,
  base: number,
  width: number,
): void {
  writer.zigzag(count === 0 ? 0 : base);
  writer.uint8(width);
  if (width === 0) return;
  const at = writer.reserve(packedBytes(width, count));
  const { bytes } = writer;
  const isFew = count < WRITTEN_VALUES_MIN;
  if (width > DIGITS) {
    const radix = width - DIGITS;
    const write = isFew ? writeFewDigits : packDigits;
    write(bytes, at, values, count, base, radix, DIGITS_OF[radix]!);
  } else {
    const write = isFew ? writeFewRests : packRests;
    write(bytes, at, values, count, base, width);
  }
}

function writeFewRests(
  bytes: Uint8Array,
  start: number,
  values: Float64Array,
  count: number,
  base: number,
  width: number,
): void {
  let at = start;
  for (let index = 0; index < count; index++) {
    const rest = values[index]! - base;
    bytes[at++] = rest;
    if (width === 1) continue;
    bytes[at++] = rest >>> 8;
    if (width === 2) continue;
    bytes[at++] = rest >>> 16;
    bytes[at++] = rest >>> 24;
  }
}

function writeFewDigits(
  bytes: Uint8Array,
  start: number,
  values: Float64Array,
  count: number,
  base: number,
  radix: number,
  digits: number,
): void {
  let at = start;
  for (let index = 0; index < count; at++) {
    const end = Math.min(count, index + digits);
    let byte = 0;
    let scale = 1;
    for (; index < end; index++) {
      byte += ((values[index]! - base) | 0) * scale;
      scale *= radix;
    }
    bytes[at] = byte;
  }
}

/** Reads into target[from .. from + count). */
export function readPacked(
  reader: ByteReader,
  target: Float64Array,
  from: number,
  count: number,
): void {
  if (count < 0) throw new DamagedBytesError('a delta codec needs two values');
  const base = reader.zigzag();
  const width = reader.uint8();
  if (width === 0) {
    // A row by itself: fill is a call out of JavaScript.
    if (count === 1) target[from] = base;
    else target.fill(base, from, from + count);
    return;
  }
  const isFew = count < READ_VALUES_MIN;
  if (width > DIGITS && width <= DIGITS + RADIX_MAX && DIGITS_OF[width - DIGITS]! > 0) {
    const digits = DIGITS_OF[width - DIGITS]!;
    const at = reader.skip(Math.ceil(count / digits));
    const read = isFew ? readFewDigits : unpackDigits;
    read(reader.bytes, at, target, from, count, base, width - DIGITS, digits);
    return;
  }
  if (width !== 1 && width !== 2 && width !== 4) {
    throw new DamagedBytesError(`packed width ${width} is unknown`);
  }
  const at = reader.skip(count * width);
  const read = isFew ? readFewRests : unpackRests;
  read(reader.bytes, at, target, from, count, base, width);
}

function readFewRests(
  bytes: Uint8Array,
  start: number,
  target: Float64Array,
  from: number,
  count: number,
  base: number,
  width: number,
): void {
  const end = from + count;
  let at = start;
  if (width === 1) {
    for (let index = from; index < end; index++) target[index] = base + bytes[at++]!;
  } else if (width === 2) {
    for (let index = from; index < end; index++, at += 2) {
      target[index] = base + (bytes[at]! | (bytes[at + 1]! << 8));
    }
  } else {
    for (let index = from; index < end; index++, at += 4) {
      const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      target[index] = base + low + bytes[at + 3]! * 0x1000000;
    }
  }
}

function readFewDigits(
  bytes: Uint8Array,
  start: number,
  target: Float64Array,
  from: number,
  count: number,
  base: number,
  radix: number,
  digits: number,
): void {
  const end = from + count;
  let at = start;
  for (let index = from; index < end;) {
    let byte = bytes[at++]!;
    for (const last = Math.min(end, index + digits); index < last; index++) {
      target[index] = base + (byte % radix);
      byte = (byte / radix) | 0;
    }
  }
}
