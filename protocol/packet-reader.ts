/**
 * A cursor over one complete payload: small packets only (handshake, prepared statements), never query text.
 *
 * Every read checks the end of the payload and throws SqlError 1835 past it, so a truncated or hostile packet can
 * neither read beyond its bytes nor bring the server down.
 */

import { SqlError } from './sql-error.js';

export class PacketReader {
  readonly payload: Buffer;
  #offset: number;
  readonly #end: number;

  /** Reads payload[offset..end). The bytes are not copied. */
  constructor(payload: Uint8Array, offset = 0, end = payload.length) {
    this.payload = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#offset = offset;
    this.#end = end;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  skip(count: number): void {
    this.#take(count);
  }

  int8(): number {
    return this.payload.readUInt8(this.#take(1));
  }

  int16(): number {
    return this.payload.readUInt16LE(this.#take(2));
  }

  int24(): number {
    return this.payload.readUIntLE(this.#take(3), 3);
  }

  int32(): number {
    return this.payload.readUInt32LE(this.#take(4));
  }

  /** A length-encoded integer; null for the NULL marker. Beyond 2^53 the packet is malformed: nothing here is that long. */
  lenencInteger(): number | null {
    const first = this.int8();
    if (first < 0xfb) return first;
    if (first === 0xfb) return null;
    if (first === 0xfc) return this.int16();
    if (first === 0xfd) return this.int24();
    if (first === 0xfe) {
      const low = this.int32();
      const value = this.int32() * 0x1_0000_0000 + low;
      if (Number.isSafeInteger(value)) return value;
    }
    throw malformed();
  }

  /** A view of the next `count` bytes, valid as long as the payload is. */
  bytes(count: number): Buffer {
    const at = this.#take(count);
    return this.payload.subarray(at, at + count);
  }

  lenencBytes(): Buffer {
    const length = this.lenencInteger();
    if (length === null) throw malformed();
    return this.bytes(length);
  }

  lenencString(): string {
    return this.lenencBytes().toString('utf8');
  }

  /** Bytes up to a zero byte (which is skipped), or up to the end if there is none: some clients leave the last one out. */
  zeroEndedBytes(): Buffer {
    const zero = this.payload.indexOf(0, this.#offset);
    if (zero < 0 || zero >= this.#end) return this.bytes(this.remaining);
    const bytes = this.bytes(zero - this.#offset);
    this.#offset++;
    return bytes;
  }

  zeroEndedString(): string {
    return this.zeroEndedBytes().toString('utf8');
  }

  restBytes(): Buffer {
    return this.bytes(this.remaining);
  }

  restString(): string {
    return this.restBytes().toString('utf8');
  }

  #take(count: number): number {
    const at = this.#offset;
    if (count > this.#end - at) throw malformed();
    this.#offset = at + count;
    return at;
  }
}

function malformed(): SqlError {
  return new SqlError('ER_MALFORMED_PACKET');
}
