/**
 * UTF-8 as MySQL's utf8mb4 accepts it: shortest forms only, no surrogates, nothing above U+10FFFF.
 *
 * Stored text must be valid, or it could not be shown, compared and joined later; a client that sends latin1 by mistake learns
 * it at the INSERT.
 */

import { isUtf8 } from 'node:buffer';

/** Bytes of a character behind its first, at most. */
const FOLLOWING_BYTES_MAX = 3;

/** A loop is faster for what is shorter. */
const LONG_TEXT_BYTES = 64;

/** Offset of the first byte of buf[start..end) that is no UTF-8; -1 when all of it is. */
export function badByteAt(buf: Uint8Array, start: number, end: number): number {
  if (end - start >= LONG_TEXT_BYTES && isUtf8(buf.subarray(start, end))) return -1;
  const characters = countCharacters(buf, start, end);
  return characters < 0 ? -1 - characters : -1;
}

/** How many characters buf[start..end) holds; -1 - offset of the first bad byte when it is no UTF-8. */
export function countCharacters(buf: Uint8Array, start: number, end: number): number {
  let count = 0;
  let at = start;
  while (at < end) {
    const lead = buf[at]!;
    const length = lead < 0x80 ? 1 : sequenceLength(buf, at, end);
    if (length === 0) {
      return -1 - at;
    }
    at += length;
    count += 1;
  }
  return count;
}

/** Length of the sequence whose lead byte, not ASCII, is at `at`; 0 when it is none. */
function sequenceLength(buf: Uint8Array, at: number, end: number): number {
  const lead = buf[at]!;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > end) {
    return 0;
  }
  const second = buf[at + 1]!;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) {
    return 0;
  }
  for (let next = 2; next < length; next += 1) {
    if ((buf[at + next]! & 0xc0) !== 0x80) {
      return 0;
    }
  }
  return length;
}

/** Where character number `characters` of valid text starts: the byte length of the first so many. */
export function byteLengthOf(
  buf: Uint8Array,
  start: number,
  end: number,
  characters: number,
): number {
  let at = start;
  for (let count = 0; count < characters && at < end; count += 1) {
    at += 1;
    while (at < end && (buf[at]! & 0xc0) === 0x80) at += 1;
  }
  return at - start;
}

/** The beginning of the character at `at`; less than 0 before the first byte. In what is no UTF-8, somewhere near. */
export function characterAt(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && at - start < FOLLOWING_BYTES_MAX && (bytes[start]! & 0xc0) === 0x80)
    start -= 1;
  return start;
}
