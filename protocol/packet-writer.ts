/**
 * Packets under construction, and their way to the socket.
 *
 *   packet := u24 payload length | u8 sequence id | payload        (little endian, as everything here)
 *   lenenc integer := u8 < 251 | fc u16 | fd u24 | fe u64;  NULL in a text row := fb
 *
 * Callers write a payload with the primitives below between `beginPacket()` and `endPacket()`. Bytes go into a chunk of the pool;
 * full chunks are handed to the output and come back to the pool when the socket has taken them. An open packet is
 * always contiguous: when it outgrows its chunk, only its own bytes move to a larger one. A payload of 2^24 - 1 bytes or
 * more leaves as a chain of packets, the last one shorter (empty, if need be).
 *
 * Back-pressure: `isBlocked` is true from HIGH_WATER_BYTES of bytes that the socket has not taken until `drained()` resolves at
 * LOW_WATER_BYTES. Whoever writes rows must stop while it is blocked; that is what bounds memory against a reader that
 * does not read. Single packets (OK, ERR, column definitions) are not held up.
 *
 * Values from LENT_BYTES_MIN on are only noted while their packet is open, and copied by `endPacketInSlices()`: chunk by chunk, as fast as
 * the socket takes them. So a value of megabytes neither holds up the event loop nor is in memory twice.
 *
 * Nothing is allocated per value or per row, but for such values; one closure is per chunk.
 */

import type { ChunkPool } from './chunk-pool.js';
import { LARGE_CHUNK_BYTES, SMALL_CHUNK_BYTES } from './chunk-pool.js';
import { piecesOf, type LentBytes } from './lent-bytes.js';
import {
  NUMBER_TEXT_BYTES_MAX,
  writeDouble,
  writeFloat,
  writeInteger,
  writeInteger64,
  writePadded,
  writeUnsigned,
} from './number-text.js';
import { PACKET_HEADER_BYTES, PACKET_PAYLOAD_BYTES_MAX, PacketChain } from './packet-chain.js';

export const HIGH_WATER_BYTES = 256 * 1024;
export const LOW_WATER_BYTES = 64 * 1024;

/** Length-encoded bytes of this length are lent, not copied, until their packet ends. */
export const LENT_BYTES_MIN = 256 * 1024;
/** What `endPacketInSlices` copies in one go: about a quarter of a millisecond. */
export const SLICE_BYTES = 256 * 1024;

const NULL_TEXT = 0xfb;
const MINUS = 45;
const COLON = 58;
const DASH = 45;
const SPACE = 32;
const POINT = 46;
const COPY_LOOP_BYTES_MAX = 48;

/** The socket's side. `onWritten` must be called once, also when the bytes could not be sent. */
export interface PacketOutput {
  write(bytes: Uint8Array, onWritten: () => void): void;
}

export class PacketWriter {
  readonly #output: PacketOutput;
  readonly #pool: ChunkPool;
  #chunk: Buffer = EMPTY;
  /** Next free byte of #chunk. */
  #offset = 0;
  /** Header of the open packet in #chunk, or -1. */
  #packetStart = -1;
  /** Of the open packet, in the order of their places. */
  #lent: LentBytes[] = [];
  #sequenceId = 0;
  #nextChunkBytes = SMALL_CHUNK_BYTES;
  #handedBytes = 0;
  #handedBytesPeak = 0;
  #writtenBytesTotal = 0;
  #blocked = false;
  #waiting: { resolve: () => void; reject: (reason: Error) => void } | null = null;
  #waitingPromise: Promise<void> | null = null;
  #failure: Error | null = null;

  constructor(output: PacketOutput, pool: ChunkPool) {
    this.#output = output;
    this.#pool = pool;
  }

  /** Id of the next packet, 0..255. */
  get sequenceId(): number {
    return this.#sequenceId;
  }

  set sequenceId(id: number) {
    this.#sequenceId = id & 0xff;
  }

  /** Bytes written by callers that the socket has not taken yet. */
  get bufferedBytes(): number {
    return this.#handedBytes + this.#offset;
  }

  /**
   * Highest value of bytes handed to the socket and not taken. Bounded by HIGH_WATER_BYTES and one chunk, or by one row without what
   * was lent if that is larger.
   */
  get bufferedBytesPeak(): number {
    return this.#handedBytesPeak;
  }

  /** All bytes that the socket has taken. */
  get writtenBytesTotal(): number {
    return this.#writtenBytesTotal;
  }

  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** Resolves when the socket has taken enough; rejects with the reason given to `fail`. */
  drained(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (!this.#blocked) return Promise.resolve();
    this.#waitingPromise ??= new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    return this.#waitingPromise;
  }

  /** The connection is gone: what is written from now on is thrown away, and whoever waits is told. */
  fail(reason: Error): void {
    if (this.#failure !== null) return;
    this.#failure = reason;
    if (this.#chunk !== EMPTY && this.#packetStart < 0) this.#dropChunk();
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#waitingPromise = null;
    waiting?.reject(reason);
  }

  // Packets

  beginPacket(): void {
    this.#packetStart = this.#room(PACKET_HEADER_BYTES);
    this.#offset += PACKET_HEADER_BYTES;
  }

  /** The open packet has values that were not copied yet: `endPacketInSlices` is for it. */
  get hasLentBytes(): boolean {
    return this.#lent.length > 0;
  }

  /** Ends a packet with lent values in one go; see `endPacketInSlices`. */
  endPacket(): void {
    if (this.#lent.length > 0) {
      const slices = this.endPacketInSlices();
      while (slices.next().done !== true);
      return;
    }
    const start = this.#packetStart;
    const length = this.#offset - start - PACKET_HEADER_BYTES;
    if (length >= PACKET_PAYLOAD_BYTES_MAX) {
      this.#endLongPacket(start, length);
      return;
    }
    this.#writeHeader(this.#chunk, start, length);
    this.#packetStart = -1;
  }

  /**
   * Ends the open packet, and yields whenever SLICE_BYTES were copied or the socket has enough. What was lent must not change before it is
   * done, nor may anything else be written.
   */
  *endPacketInSlices(): Generator<undefined, void> {
    const lent = this.#lent;
    const own = this.#chunk;
    const start = this.#packetStart;
    const end = this.#offset;
    this.#lent = [];
    this.#packetStart = -1;
    this.#chunk = EMPTY;
    this.#offset = 0;
    // The chunk is left to the garbage collector: it is read from while what stands before the packet is on its way.
    if (start > 0) this.#hand(own, own.subarray(0, start), false);
    const from = start + PACKET_HEADER_BYTES;
    const length = lent.reduce((sum, one) => sum + one.end - one.start, end - from);
    const packets = new PacketChain(length);
    let sliceBytes = 0;
    for (const piece of piecesOf(own, start, end, lent)) {
      for (let at = piece.start; at < piece.end;) {
        if (packets.isHeaderDue) this.#beginPiece(packets.nextLength());
        if (this.#offset === this.#chunk.length) this.#changeChunk(1);
        const count = Math.min(
          piece.end - at,
          packets.restBytes,
          this.#chunk.length - this.#offset,
          SLICE_BYTES - sliceBytes,
        );
        this.#chunk.set(piece.source.subarray(at, at + count), this.#offset);
        this.#offset += count;
        at += count;
        packets.take(count);
        sliceBytes += count;
        if (sliceBytes < SLICE_BYTES && !this.#blocked) continue;
        sliceBytes = 0;
        yield;
      }
    }
    if (packets.isHeaderDue) this.#beginPiece(packets.nextLength());
  }

  /** Forgets the open packet, if there is one: an encoder failed in the middle of a row. */
  abandonPacket(): void {
    this.#lent = [];
    if (this.#packetStart < 0) return;
    this.#offset = this.#packetStart;
    this.#packetStart = -1;
  }

  /** Hands everything written so far to the socket. Requires: no open packet. */
  flush(): void {
    this.#nextChunkBytes = SMALL_CHUNK_BYTES;
    if (this.#offset === 0) return;
    const chunk = this.#chunk;
    const length = this.#offset;
    this.#chunk = EMPTY;
    this.#offset = 0;
    this.#hand(chunk, chunk.subarray(0, length), true);
  }

  // Integers and bytes

  int8(value: number): void {
    const at = this.#room(1);
    this.#chunk[at] = value;
    this.#offset = at + 1;
  }

  int16(value: number): void {
    const at = this.#room(2);
    const chunk = this.#chunk;
    chunk[at] = value;
    chunk[at + 1] = value >>> 8;
    this.#offset = at + 2;
  }

  int24(value: number): void {
    const at = this.#room(3);
    const chunk = this.#chunk;
    chunk[at] = value;
    chunk[at + 1] = value >>> 8;
    chunk[at + 2] = value >>> 16;
    this.#offset = at + 3;
  }

  /** Signed or unsigned 32 bits. */
  int32(value: number): void {
    const at = this.#room(4);
    putInt32(this.#chunk, at, value);
    this.#offset = at + 4;
  }

  int64(high: number, low: number): void {
    const at = this.#room(8);
    putInt32(this.#chunk, at, low);
    putInt32(this.#chunk, at + 4, high);
    this.#offset = at + 8;
  }

  /** A safe integer, signed, in 8 bytes. */
  int64FromNumber(value: number): void {
    this.int64(Math.floor(value / 0x1_0000_0000), value % 0x1_0000_0000);
  }

  float32(value: number): void {
    const at = this.#room(4);
    this.#chunk.writeFloatLE(value, at);
    this.#offset = at + 4;
  }

  float64(value: number): void {
    const at = this.#room(8);
    this.#chunk.writeDoubleLE(value, at);
    this.#offset = at + 8;
  }

  /** A safe integer that is not negative, or a bigint below 2^64. */
  lenencInteger(value: number | bigint): void {
    if (typeof value === 'bigint') {
      if (value <= 0xffffffn) {
        this.lenencInteger(Number(value));
        return;
      }
      this.int8(0xfe);
      this.int64(Number(value >> 32n), Number(value & 0xffffffffn));
      return;
    }
    if (value < 251) {
      this.int8(value);
    } else if (value < 0x10000) {
      this.int8(0xfc);
      this.int16(value);
    } else if (value < 0x1000000) {
      this.int8(0xfd);
      this.int24(value);
    } else {
      this.int8(0xfe);
      this.int64FromNumber(value);
    }
  }

  /** Copies source[start..end) as it is. */
  bytes(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const at = this.#room(length);
    const chunk = this.#chunk;
    if (length <= COPY_LOOP_BYTES_MAX) {
      for (let index = 0; index < length; index++) chunk[at + index] = source[start + index] ?? 0;
    } else {
      chunk.set(source.subarray(start, end), at);
    }
    this.#offset = at + length;
  }

  zeros(count: number): void {
    const at = this.#room(count);
    this.#chunk.fill(0, at, at + count);
    this.#offset = at + count;
  }

  /** Length-encoded source[start..end): every text and blob cell, in both protocols. A long one is lent until the packet ends. */
  lenencBytes(source: Uint8Array, start: number, end: number): void {
    this.lenencInteger(end - start);
    if (end - start < LENT_BYTES_MIN) this.bytes(source, start, end);
    else this.#lent.push({ at: this.#offset - this.#packetStart, source, start, end });
  }

  /** Length-encoded UTF-8. For names and rare values; row data comes as bytes. */
  lenencString(text: string): void {
    const length = Buffer.byteLength(text);
    this.lenencInteger(length);
    const at = this.#room(length);
    this.#chunk.write(text, at, 'utf8');
    this.#offset = at + length;
  }

  /** UTF-8 without length or end. */
  string(text: string): void {
    const length = Buffer.byteLength(text);
    const at = this.#room(length);
    this.#chunk.write(text, at, 'utf8');
    this.#offset = at + length;
  }

  /** UTF-8 ended by a zero byte. */
  zeroEndedString(text: string): void {
    this.string(text);
    this.int8(0);
  }

  // Cells of a text row

  nullText(): void {
    this.int8(NULL_TEXT);
  }

  /** A safe integer. */
  textInteger(value: number): void {
    const at = this.#room(1 + NUMBER_TEXT_BYTES_MAX);
    this.#endShortText(at, writeInteger(this.#chunk, at + 1, value));
  }

  textInteger64(high: number, low: number, unsigned: boolean): void {
    const at = this.#room(1 + NUMBER_TEXT_BYTES_MAX);
    this.#endShortText(at, writeInteger64(this.#chunk, at + 1, high, low, unsigned));
  }

  textDouble(value: number): void {
    const at = this.#room(1 + NUMBER_TEXT_BYTES_MAX);
    this.#endShortText(at, writeDouble(this.#chunk, at + 1, value));
  }

  /** A 32-bit float widened to a double. */
  textFloat(value: number): void {
    const at = this.#room(1 + NUMBER_TEXT_BYTES_MAX);
    this.#endShortText(at, writeFloat(this.#chunk, at + 1, value));
  }

  /** YYYY-MM-DD hh:mm:ss and `digits` (0..6) digits of the microseconds, the rest cut off. */
  textDateTime(
    year: number,
    month: number,
    day: number,
    hour: number,
    minute: number,
    second: number,
    microsecond: number,
    digits: number,
  ): void {
    const at = this.#room(1 + NUMBER_TEXT_BYTES_MAX);
    const chunk = this.#chunk;
    let next = putDate(chunk, at + 1, year, month, day);
    chunk[next++] = SPACE;
    next = putTwo(chunk, next, hour);
    this.#endShortText(at, putMinutes(chunk, next, minute, second, microsecond, digits));
  }

  /** YYYY-MM-DD. */
  textDate(year: number, month: number, day: number): void {
    const at = this.#room(1 + NUMBER_TEXT_BYTES_MAX);
    this.#endShortText(at, putDate(this.#chunk, at + 1, year, month, day));
  }

  /** [-]hh:mm:ss[.f]; hours may have three digits. */
  textTime(
    negative: boolean,
    hours: number,
    minute: number,
    second: number,
    microsecond: number,
    digits: number,
  ): void {
    const at = this.#room(1 + NUMBER_TEXT_BYTES_MAX);
    const chunk = this.#chunk;
    let next = at + 1;
    if (negative) chunk[next++] = MINUS;
    next = hours < 100 ? putTwo(chunk, next, hours) : writeUnsigned(chunk, next, hours);
    this.#endShortText(at, putMinutes(chunk, next, minute, second, microsecond, digits));
  }

  // Cells of a binary row: also int8..int64, float32, float64 and lenencBytes

  /** Length byte 0, 4, 7 or 11, as short as the value allows. */
  dateTime(
    year: number,
    month: number,
    day: number,
    hour: number,
    minute: number,
    second: number,
    microsecond: number,
  ): void {
    const at = this.#room(12);
    const chunk = this.#chunk;
    const length =
      microsecond !== 0
        ? 11
        : hour !== 0 || minute !== 0 || second !== 0
          ? 7
          : year !== 0 || month !== 0 || day !== 0
            ? 4
            : 0;
    chunk[at] = length;
    chunk[at + 1] = year;
    chunk[at + 2] = year >>> 8;
    chunk[at + 3] = month;
    chunk[at + 4] = day;
    chunk[at + 5] = hour;
    chunk[at + 6] = minute;
    chunk[at + 7] = second;
    putInt32(chunk, at + 8, microsecond);
    this.#offset = at + 1 + length;
  }

  date(year: number, month: number, day: number): void {
    this.dateTime(year, month, day, 0, 0, 0, 0);
  }

  /** Length byte 0, 8 or 12. `hours` is 0..23: whole days go into `days`. */
  time(
    negative: boolean,
    days: number,
    hours: number,
    minute: number,
    second: number,
    microsecond: number,
  ): void {
    const at = this.#room(13);
    const chunk = this.#chunk;
    const length =
      microsecond !== 0 ? 12 : days !== 0 || hours !== 0 || minute !== 0 || second !== 0 ? 8 : 0;
    chunk[at] = length;
    chunk[at + 1] = negative ? 1 : 0;
    putInt32(chunk, at + 2, days);
    chunk[at + 6] = hours;
    chunk[at + 7] = minute;
    chunk[at + 8] = second;
    putInt32(chunk, at + 9, microsecond);
    this.#offset = at + 1 + length;
  }

  // The NULL bitmap of a binary row is written before the cells are known

  /** Reserves `count` zero bytes and returns their place in the open packet, for `setBit`. */
  reserve(count: number): number {
    this.zeros(count);
    return this.#offset - count - this.#packetStart;
  }

  /** Sets bit `bit` of the bytes that `reserve` returned `place` for. */
  setBit(place: number, bit: number): void {
    const at = this.#packetStart + place + (bit >>> 3);
    this.#chunk[at] = (this.#chunk[at] ?? 0) | (1 << (bit & 7));
  }

  // Inside

  #endShortText(at: number, end: number): void {
    this.#chunk[at] = end - at - 1;
    this.#offset = end;
  }

  /** Makes room for `count` more bytes and returns where they begin. */
  #room(count: number): number {
    if (this.#offset + count > this.#chunk.length) this.#changeChunk(count);
    return this.#offset;
  }

  #changeChunk(count: number): void {
    const old = this.#chunk;
    const packetStart = this.#packetStart;
    const keepFrom = packetStart < 0 ? this.#offset : packetStart;
    const keptBytes = this.#offset - keepFrom;
    const needed = keptBytes + count;
    // A packet that grows past a large chunk doubles, so that a long one is copied a bounded number of times.
    const next = this.#pool.take(
      needed <= this.#nextChunkBytes
        ? this.#nextChunkBytes
        : Math.max(LARGE_CHUNK_BYTES, needed * 2),
    );
    this.#nextChunkBytes = LARGE_CHUNK_BYTES;
    if (keptBytes > 0) old.copy(next, 0, keepFrom, this.#offset);
    this.#chunk = next;
    this.#offset = keptBytes;
    if (packetStart >= 0) this.#packetStart = 0;
    if (old === EMPTY) return;
    if (keepFrom > 0) this.#hand(old, old.subarray(0, keepFrom), true);
    else this.#pool.give(old);
  }

  #writeHeader(target: Uint8Array, at: number, length: number): void {
    target[at] = length;
    target[at + 1] = length >>> 8;
    target[at + 2] = length >>> 16;
    target[at + 3] = this.#sequenceId;
    this.#sequenceId = (this.#sequenceId + 1) & 0xff;
  }

  /** Writes the header of a packet whose payload of `length` bytes follows as it comes. */
  #beginPiece(length: number): void {
    const at = this.#room(PACKET_HEADER_BYTES);
    this.#writeHeader(this.#chunk, at, length);
    this.#offset = at + PACKET_HEADER_BYTES;
  }

  /** The chunk leaves whole: what was before the packet, then the packet cut into pieces with headers of their own. */
  #endLongPacket(start: number, length: number): void {
    const chunk = this.#chunk;
    const end = this.#offset;
    this.#chunk = EMPTY;
    this.#offset = 0;
    this.#packetStart = -1;
    this.#writeHeader(chunk, start, PACKET_PAYLOAD_BYTES_MAX);
    let from = start + PACKET_HEADER_BYTES + PACKET_PAYLOAD_BYTES_MAX;
    this.#hand(chunk, chunk.subarray(0, from), false);
    let rest = length - PACKET_PAYLOAD_BYTES_MAX;
    for (;;) {
      const piece = Math.min(rest, PACKET_PAYLOAD_BYTES_MAX);
      const header = Buffer.allocUnsafe(PACKET_HEADER_BYTES);
      this.#writeHeader(header, 0, piece);
      this.#hand(header, header, false);
      if (piece > 0) this.#hand(chunk, chunk.subarray(from, from + piece), false);
      from += piece;
      rest -= piece;
      if (piece < PACKET_PAYLOAD_BYTES_MAX) break;
    }
    assert(from === end, 'every byte of a long packet is sent once');
  }

  #dropChunk(): void {
    this.#pool.give(this.#chunk);
    this.#chunk = EMPTY;
    this.#offset = 0;
  }

  #hand(chunk: Buffer, bytes: Uint8Array, giveBack: boolean): void {
    const length = bytes.length;
    if (this.#failure !== null) {
      if (giveBack) this.#pool.give(chunk);
      return;
    }
    this.#handedBytes += length;
    if (this.#handedBytes > this.#handedBytesPeak) this.#handedBytesPeak = this.#handedBytes;
    if (this.#handedBytes >= HIGH_WATER_BYTES) this.#blocked = true;
    this.#output.write(bytes, () => {
      if (giveBack) this.#pool.give(chunk);
      this.#handedBytes -= length;
      this.#writtenBytesTotal += length;
      if (this.#blocked && this.#handedBytes <= LOW_WATER_BYTES) this.#unblock();
    });
  }

  #unblock(): void {
    this.#blocked = false;
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#waitingPromise = null;
    waiting?.resolve();
  }
}

const EMPTY = Buffer.alloc(0);

function assert(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Error(`broken rule of the packet writer: ${rule}`);
}

function putInt32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

function putTwo(target: Uint8Array, at: number, value: number): number {
  const tens = (value / 10) | 0;
  target[at] = 48 + tens;
  target[at + 1] = 48 + (value - tens * 10);
  return at + 2;
}

function putDate(target: Uint8Array, at: number, year: number, month: number, day: number): number {
  let next = putTwo(target, at, (year / 100) | 0);
  next = putTwo(target, next, year % 100);
  target[next++] = DASH;
  next = putTwo(target, next, month);
  target[next++] = DASH;
  return putTwo(target, next, day);
}

/** :mm:ss[.fraction] */
function putMinutes(
  target: Uint8Array,
  at: number,
  minute: number,
  second: number,
  microsecond: number,
  digits: number,
): number {
  let next = at;
  target[next++] = COLON;
  next = putTwo(target, next, minute);
  target[next++] = COLON;
  next = putTwo(target, next, second);
  if (digits === 0) return next;
  target[next++] = POINT;
  writePadded(target, next, microsecond, 6);
  return next + digits;
}
