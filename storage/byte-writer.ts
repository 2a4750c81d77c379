/**
 * A growing little-endian byte buffer that is kept and reused from one encoding to the next.
 *
 * Unsigned integers of unknown size are varints: seven bits a byte, lowest first, the high bit says "more follows". Signed
 * ones are zigzag varints (0, -1, 1, -2 ... become 0, 1, 2, 3 ...). Both hold safe integers only.
 */

import assert from 'node:assert';
import { type LentBytes, UnjoinedBytes } from './unjoined-bytes.js';

/** Half of Buffer's pool is the most that it gives away in parts. */
const POOLED_BYTES_MAX = 2048;

/** What is shorter is copied at once. */
const LENT_BYTES_MIN = 256 * 1024;

export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  /** Bytes written so far, those that were lent apart. */
  length = 0;
  /** Null: all that is lent is copied. */
  #lent: LentBytes[] | null = null;
  #lentBytes = 0;

  constructor(sizeBytes = 256) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** The buffer itself; valid up to `length`, and only until the next call that writes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  get capacityBytes(): number {
    return this.#bytes.length;
  }

  /** With those that were lent. */
  get totalBytes(): number {
    return this.length + this.#lentBytes;
  }

  clear(): void {
    this.length = 0;
    this.#lent = null;
    this.#lentBytes = 0;
  }

  /** From now until `clear`, long stretches that `lend` is given stay where they are; what was written is taken by `takeUnjoined`. */
  borrow(): void {
    this.#lent = [];
  }

  /** As `copy`, of bytes that do not change before what was written is put together. */
  lend(source: Uint8Array, start: number, end: number): void {
    if (this.#lent === null || end - start < LENT_BYTES_MIN) {
      this.copy(source, start, end);
      return;
    }
    this.#lent.push({ at: this.length, source, start, end });
    this.#lentBytes += end - start;
  }

  /** Makes room for `count` more bytes and returns where they start; `length` moves past them. */
  reserve(count: number): number {
    const start = this.length;
    const end = start + count;
    if (end > this.#bytes.length) this.#grow(end);
    this.length = end;
    return start;
  }

  uint8(value: number): void {
    const at = this.reserve(1);
    this.#bytes[at] = value;
  }

  uint16(value: number): void {
    const at = this.reserve(2);
    this.#view.setUint16(at, value, true);
  }

  uint32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** A safe integer >= 0 in eight bytes. */
  uint64(value: number): void {
    const at = this.reserve(8);
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  bigInt64(value: bigint): void {
    const at = this.reserve(8);
    this.#view.setBigInt64(at, value, true);
  }

  float64(value: number): void {
    const at = this.reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  varint(value: number): void {
    let at = this.reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[at++] = rest;
    this.length = at;
  }

  /** A safe integer of either sign. Magnitudes up to 2^52 double without loss; above, the sign takes a byte of its own. */
  zigzag(value: number): void {
    assert(Number.isSafeInteger(value), 'zigzag holds safe integers');
    const isNegative = value < 0;
    const magnitude = isNegative ? -value - 1 : value;
    // magnitude * 2 + sign may pass 2^53, so the lowest seven bits are split off by hand.
    let at = this.reserve(10);
    const low = (magnitude % 0x40) * 2 + (isNegative ? 1 : 0);
    let rest = Math.floor(magnitude / 0x40);
    this.#bytes[at++] = rest > 0 ? low | 0x80 : low;
    while (rest > 0) {
      const seven = rest % 0x80;
      rest = Math.floor(rest / 0x80);
      this.#bytes[at++] = rest > 0 ? seven | 0x80 : seven;
    }
    this.length = at;
  }

  /** Copies `source[start..end)`. */
  copy(source: Uint8Array, start: number, end: number): void {
    const at = this.reserve(end - start);
    if (end - start < 32) {
      const bytes = this.#bytes;
      for (let from = start, to = at; from < end; from++, to++) bytes[to] = source[from]!;
    } else {
      this.#bytes.set(
        start === 0 && end === source.length ? source : source.subarray(start, end),
        at,
      );
    }
  }

  /** Overwrites four bytes written before. */
  putUint32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** A copy of what was written. */
  take(): Uint8Array<ArrayBuffer> {
    if (this.length > POOLED_BYTES_MAX) return this.#bytes.slice(0, this.length);
    // From the pool of Buffer: memory of its own costs more than the row that is copied.
    const copy = Buffer.allocUnsafe(this.length);
    copy.set(this.#bytes.subarray(0, this.length));
    return copy;
  }

  /** A copy of what was written, with what was lent still where it is. */
  takeUnjoined(): UnjoinedBytes {
    return new UnjoinedBytes(this.#bytes.slice(0, this.length), this.#lent ?? []);
  }

  #grow(needed: number): void {
    let size = this.#bytes.length * 2;
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
