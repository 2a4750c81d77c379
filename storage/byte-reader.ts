/**
 * Reads little-endian bytes with every bound checked. Bytes that do not make sense are damage, never an out-of-range read:
 * `DamagedBytesError` says what was expected and where; callers that know the file or key wrap it.
 */

import { readUint32 } from './little-endian.js';

export class DamagedBytesError extends Error {
  readonly code = 'DAMAGED_BYTES';
}

export class ByteReader {
  readonly bytes: Uint8Array;
  /** Made when it is first needed: most of what is read are bytes and varints. */
  #lazyView: DataView | null = null;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Moves past `count` bytes and returns where they start. */
  skip(count: number): number {
    const start = this.offset;
    if (count > this.end - start) {
      throw new DamagedBytesError(
        `${count} bytes expected at ${start}, ${this.end - start} are left`,
      );
    }
    this.offset = start + count;
    return start;
  }

  uint8(): number {
    return this.bytes[this.skip(1)]!;
  }

  uint16(): number {
    const at = this.skip(2);
    const { bytes } = this;
    return bytes[at]! | (bytes[at + 1]! << 8);
  }

  uint32(): number {
    return readUint32(this.bytes, this.skip(4));
  }

  /** Eight bytes that must hold a safe integer. */
  uint64(): number {
    const at = this.skip(8);
    const high = readUint32(this.bytes, at + 4);
    if (high >= 2 ** 21) throw new DamagedBytesError(`integer at ${at} is beyond 2^53`);
    return high * 2 ** 32 + readUint32(this.bytes, at);
  }

  bigInt64(): bigint {
    return this.#view().getBigInt64(this.skip(8), true);
  }

  float64(): number {
    return this.#view().getFloat64(this.skip(8), true);
  }

  #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    return (this.#lazyView ??= new DataView(buffer, byteOffset, byteLength));
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.bytes[this.skip(1)]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new DamagedBytesError(`varint before ${this.offset} is too long`);
  }

  zigzag(): number {
    const first = this.uint8();
    let magnitude = (first & 0x7e) / 2;
    if (first >= 0x80) magnitude += this.varint() * 0x40;
    return (first & 1) === 1 ? -magnitude - 1 : magnitude;
  }

  /** A view of the next `count` bytes. */
  view(count: number): Uint8Array {
    const start = this.skip(count);
    return this.bytes.subarray(start, start + count);
  }

  expectEnd(): void {
    if (this.offset !== this.end) {
      throw new DamagedBytesError(`${this.end - this.offset} bytes too many at ${this.offset}`);
    }
  }
}
