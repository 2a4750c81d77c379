/**
 * The canonical bytes of a row's tags: the name of its series, the same on both nodes.
 *
 *   tuple := cell*                        one a tag column, in PRIMARY KEY order
 *   cell  := varint 0                     NULL
 *          | varint (length + 1), bytes   text and blob as they are; everything else as decimal text (-0 is 0)
 */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';

const ZERO = 0x30;
const MINUS = 0x2d;
const SHORT_CELL_BYTES = 64;

/** Builds one tuple after another in a buffer of its own. */
export class TagTupleWriter {
  bytes = new Uint8Array(256);
  /** The same bytes. */
  view = new DataView(this.bytes.buffer);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  nullCell(): void {
    this.#makeRoom(1);
    this.bytes[this.length++] = 0;
  }

  bytesCell(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.#makeRoom(count + 6);
    this.#varint(count + 1);
    this.#copy(source, start, end);
  }

  /** A number's decimal text. */
  numberCell(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.textCell(String(value));
      return;
    }
    let rest = Math.abs(value);
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits++;
    const isNegative = value < 0;
    const count = digits + (isNegative ? 1 : 0);
    this.#makeRoom(count + 1);
    this.bytes[this.length++] = count + 1;
    if (isNegative) this.bytes[this.length] = MINUS;
    this.length += count;
    for (let at = this.length - 1; digits > 0; digits--, at--) {
      const next = Math.floor(rest / 10);
      this.bytes[at] = ZERO + (rest - next * 10);
      rest = next;
    }
  }

  /** ASCII text. */
  textCell(text: string): void {
    this.#makeRoom(text.length + 6);
    this.#varint(text.length + 1);
    for (let index = 0; index < text.length; index++) {
      this.bytes[this.length++] = text.charCodeAt(index);
    }
  }

  /** A cell as it stands in another tuple, its varint included. */
  rawCell(source: Uint8Array, start: number, end: number): void {
    this.#makeRoom(end - start);
    this.#copy(source, start, end);
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let at = this.length;
    // Cells come from many buffers in turn; for a short one, a view of its buffer costs more than it saves.
    if (end - start < SHORT_CELL_BYTES) {
      for (let from = start; from < end; from++) bytes[at++] = source[from]!;
    } else {
      bytes.set(source.subarray(start, end), at);
      at += end - start;
    }
    this.length = at;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  #makeRoom(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    let size = this.bytes.length * 2;
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Reads the cell under the reader: the length of its bytes, which start at `reader.offset` afterwards skipped over; -1 = NULL. */
export function readCell(reader: ByteReader): { start: number; end: number } | null {
  const length = reader.varint();
  if (length === 0) return null;
  const start = reader.skip(length - 1);
  return { start, end: start + length - 1 };
}

/** Moves over one cell of well-formed tuple bytes; returns the offset after it. */
export function cellEnd(bytes: Uint8Array, offset: number): number {
  let at = offset;
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[at++];
    if (byte === undefined) throw new DamagedBytesError('a tag tuple is cut off');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 0x80;
  }
  return value === 0 ? at : at + value - 1;
}

/** Where the bytes of the (not NULL) cell at `offset` start. */
export function cellStart(bytes: Uint8Array, offset: number): number {
  let at = offset;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}
