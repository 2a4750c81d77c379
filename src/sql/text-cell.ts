/** Strings into text and binary columns: valid UTF-8, lengths in characters or bytes, MySQL's rules for blanks. */

import { incorrectString, tooLong } from './cell-error.js';
import type { CellPlace } from './cell-error.js';
import type { RowSink } from './row-sink.js';
import { badByteAt, byteLengthOf, countCharacters } from './utf8-scan.js';

/** UTF-8 takes no more for one. */
const CHARACTER_BYTES_MAX = 4;

const SPACE = 0x20;

/** A cell and where it goes. */
export interface TextCell extends CellPlace {
  /** Index in the batch's schema. */
  readonly column: number;
}

/**
 * buf[start..end) into a text column. Blanks that are too many are cut off; CHAR loses its trailing blanks, as MySQL never gives
 * them back either. Throws 1366 for what is no UTF-8 and 1406 for too many characters.
 */
export function writeText(
  cell: TextCell,
  sink: RowSink,
  buf: Uint8Array,
  start: number,
  end: number,
  isAscii: boolean,
): void {
  const { type } = cell;
  if (type.kind !== 'text' || type.length === null) {
    const badAt = isAscii ? -1 : badByteAt(buf, start, end);
    if (badAt >= 0) throw incorrectString(cell, buf, badAt, end);
    sink.setBytes(cell.column, buf, start, end);
    return;
  }
  const characters = isAscii
    ? end - start
    : charactersUpTo(buf, start, end, type.length * CHARACTER_BYTES_MAX);
  if (characters < 0) {
    throw incorrectString(cell, buf, -1 - characters, end);
  }
  let last = end;
  if (type.spelling === 'char') {
    while (last > start && buf[last - 1] === SPACE) last -= 1;
  }
  if (characters > type.length) {
    const kept = start + byteLengthOf(buf, start, end, type.length);
    if (!isBlankOnly(buf, kept, last)) {
      throw tooLong(cell);
    }
    last = Math.min(last, kept);
  }
  sink.setBytes(cell.column, buf, start, last);
}

/** buf[start..end) into a binary column; BINARY(n) is filled up with zero bytes. Throws 1406. */
export function writeBlob(
  cell: TextCell,
  sink: RowSink,
  buf: Uint8Array,
  start: number,
  end: number,
): void {
  const { type } = cell;
  const length = type.kind === 'blob' ? type.length : null;
  if (type.kind !== 'blob' || length === null) {
    sink.setBytes(cell.column, buf, start, end);
    return;
  }
  if (end - start > length) {
    throw tooLong(cell);
  }
  if (type.spelling !== 'binary') {
    sink.setBytes(cell.column, buf, start, end);
    return;
  }
  const filled = new Uint8Array(length);
  filled.set(buf.subarray(start, end));
  sink.setBytes(cell.column, filled, 0, length);
}

/** As countCharacters; Infinity when they are too many to be counted: more than `bytesMax` bytes. */
function charactersUpTo(buf: Uint8Array, start: number, end: number, bytesMax: number): number {
  if (end - start <= bytesMax) return countCharacters(buf, start, end);
  const badAt = badByteAt(buf, start, end);
  return badAt < 0 ? Infinity : -1 - badAt;
}

function isBlankOnly(buf: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (buf[at] !== SPACE) return false;
  }
  return true;
}
