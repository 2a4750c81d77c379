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
  let at = writer.reserve(packedBytes(width, count));
  const { bytes } = writer;
  if (width > DIGITS) {
    writeDigits(bytes, at, values, count, base, width - DIGITS);
  } else if (width === 1) {
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

function writeDigits(
  bytes: Uint8Array,
  start: number,
  values: Float64Array,
  count: number,
  base: number,
  radix: number,
): void {
  const digits = DIGITS_OF[radix]!;
  let at = start;
  let index = 0;
  if (digits === 5) {
    for (; index + 5 <= count; index += 5) {
      const first = (values[index]! - base) | 0;
      const second = (values[index + 1]! - base) | 0;
      const third = (values[index + 2]! - base) | 0;
      const fourth = (values[index + 3]! - base) | 0;
      const fifth = (values[index + 4]! - base) | 0;
      bytes[at++] = first + 3 * second + 9 * third + 27 * fourth + 81 * fifth;
    }
  }
  while (index < count) {
    const end = Math.min(count, index + digits);
    let byte = 0;
    let scale = 1;
    for (; index < end; index++) {
      byte += ((values[index]! - base) | 0) * scale;
      scale *= radix;
    }
    bytes[at++] = byte;
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
  const end = from + count;
  if (width === 0) {
    // A row by itself: fill is a call out of JavaScript.
    if (count === 1) target[from] = base;
    else target.fill(base, from, end);
    return;
  }
  if (width > DIGITS && width <= DIGITS + RADIX_MAX && DIGITS_OF[width - DIGITS]! > 0) {
    readDigits(reader, target, from, end, base, width - DIGITS);
    return;
  }
  if (width !== 1 && width !== 2 && width !== 4) {
    throw new DamagedBytesError(`packed width ${width} is unknown`);
  }
  let at = reader.skip(count * width);
  const { bytes } = reader;
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

/** By radix: the digits of each byte, one after another. Made when first needed. */
const digitTables: (Uint8Array | undefined)[] = [];

function digitTable(radix: number): Uint8Array {
  const known = digitTables[radix];
  if (known !== undefined) return known;
  const digits = DIGITS_OF[radix]!;
  const table = new Uint8Array(256 * digits);
  for (let byte = 0; byte < 256; byte++) {
    for (let digit = 0, rest = byte; digit < digits; digit++) {
      table[byte * digits + digit] = rest % radix;
      rest = Math.floor(rest / radix);
    }
  }
  digitTables[radix] = table;
  return table;
}

function readDigits(
  reader: ByteReader,
  target: Float64Array,
  from: number,
  end: number,
  base: number,
  radix: number,
): void {
  const digits = DIGITS_OF[radix]!;
  const table = digitTable(radix);
  let at = reader.skip(Math.ceil((end - from) / digits));
  const { bytes } = reader;
  let index = from;
  if (digits === 5) {
    for (; index + 5 <= end; index += 5) {
      const place = bytes[at++]! * 5;
      target[index] = base + table[place]!;
      target[index + 1] = base + table[place + 1]!;
      target[index + 2] = base + table[place + 2]!;
      target[index + 3] = base + table[place + 3]!;
      target[index + 4] = base + table[place + 4]!;
    }
  }
  while (index + digits <= end) {
    const place = bytes[at++]! * digits;
    for (let digit = 0; digit < digits; digit++) target[index++] = base + table[place + digit]!;
  }
  for (let place = index < end ? bytes[at]! * digits : 0; index < end;) {
    target[index++] = base + table[place++]!;
  }
}
