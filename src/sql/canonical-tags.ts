/**
 * The tags of a row, compared with the canonical bytes of a series (storage/tag-tuple.ts) as they would be written as usual:
 *
 *   ('host_1','eu-west-1',12,NULL, '2026-01-01 00:00:00',3,4)
 *    \___ 'text', digits, NULL __/
 *
 * So a table of very many series needs no second copy of their tags as text. Only for cells that stand in a text as they are, in a row that
 * begins with all tags in the order of the identity.
 */

import type { TagLayout } from './tag-texts.js';

const QUOTE = 0x27;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
/** NULL, little-endian. */
const NULL_WORD = 0x4c4c_554e;
const NULL_BYTES = 4;
/** Cells with a longer length field are left to others. */
const CELL_BYTES_MAX = 0x7e;
const WORD_BYTES = 4;

export class CanonicalTags {
  /** By tag: the most bytes of a text, -1 = an integer. */
  readonly #textBytesMax: Int32Array;

  private constructor(textBytesMax: Int32Array) {
    this.#textBytesMax = textBytesMax;
  }

  /** Null when a tag may be written in another way as usual. */
  static of({ tags }: TagLayout): CanonicalTags | null {
    const textBytesMax = new Int32Array(tags.length);
    for (const [place, { column, type }] of tags.entries()) {
      if (column !== place) return null;
      if (type.kind === 'text') {
        textBytesMax[place] = Math.min(type.length ?? Infinity, CELL_BYTES_MAX);
      } else if (type.kind === 'integer') textBytesMax[place] = -1;
      else return null;
    }
    return new CanonicalTags(textBytesMax);
  }

  /**
   * Offset behind the comma behind the last tag, if what stands at `start` in `chunk`, which ends at `end`, are the cells of the tuple at
   * `tupleStart` in `tuples`, none of which has a quote, a backslash or a byte above 0x7f; else -1.
   */
  match(tuples: DataView, tupleStart: number, chunk: DataView, start: number, end: number): number {
    const textBytesMax = this.#textBytesMax;
    let from = tupleStart;
    let at = start;
    for (let tag = 0; tag < textBytesMax.length; tag += 1) {
      const length = tuples.getUint8(from) - 1;
      from += 1;
      // What is beyond the end of a cell is looked at, too: two quotes and a comma.
      if (at + Math.max(length, NULL_BYTES) + 3 > end || length > CELL_BYTES_MAX) return -1;
      if (length === -1) {
        if (chunk.getInt32(at, true) !== NULL_WORD) return -1;
        at += NULL_BYTES;
      } else if (textBytesMax[tag]! >= 0) {
        if (length > textBytesMax[tag]! || chunk.getUint8(at) !== QUOTE) return -1;
        at += 1;
        if (!isSame(tuples, from, chunk, at, length)) return -1;
        at += length;
        if (chunk.getUint8(at) !== QUOTE) return -1;
        at += 1;
      } else {
        const first = tuples.getUint8(from);
        if (first < ZERO || first > NINE || !isSame(tuples, from, chunk, at, length)) return -1;
        at += length;
      }
      if (chunk.getUint8(at) !== COMMA) return -1;
      at += 1;
      if (length > 0) from += length;
    }
    return at;
  }
}

/** Four bytes at a time; the last step overlaps the one before it. */
function isSame(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  if (length < WORD_BYTES) {
    for (let at = 0; at < length; at += 1) {
      if (a.getUint8(aStart + at) !== b.getUint8(bStart + at)) return false;
    }
    return true;
  }
  const last = length - WORD_BYTES;
  for (let at = 0; at < last; at += WORD_BYTES) {
    if (a.getInt32(aStart + at, true) !== b.getInt32(bStart + at, true)) return false;
  }
  return a.getInt32(aStart + last, true) === b.getInt32(bStart + last, true);
}
