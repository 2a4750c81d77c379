/**
 * The newest records of an incarnation, in memory: what the next journal writes take, what a live peer is sent, and what a
 * read of recent records gets without touching the disk.
 *
 * Records are encoded straight into chunks and stay where they are: a journal write and a read hand out ranges of the same bytes,
 * nothing is copied twice. Chunks are dropped oldest first once they are durable and the tail holds more than it may; bytes that
 * someone still holds live on until he lets go.
 *
 * The rolling hash after a record is worked out when someone asks for it, or for a stretch of records at once: behind a single small
 * record it would take a good part of the time that its client waits.
 *
 * Invariants: sequences are consecutive over all chunks; every record that is not durable is here.
 */

import assert from 'node:assert';

import type { IncarnationId, Position, RollingHash } from './position.js';
import { emptyHead, readHead } from './record.js';
import { digestTextOf, HASH_BYTES, nextDigest } from './rolling-hash.js';

const CHUNK_BYTES_MIN = 64 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
const RECORDS_START = 256;
/** Records after which their hashes are worked out together. */
const HASH_STRETCH = 128;

/** Of the record that is looked at: that is one synchronous step. */
const head = emptyHead();

/** Some consecutive records, back to back. `bytes` is never overwritten below `usedBytes`. */
export class TailChunk {
  readonly bytes: Uint8Array;
  readonly firstSequence: number;
  usedBytes = 0;
  count = 0;
  /** Where record i begins; record i ends where i + 1 begins, or at usedBytes. */
  #offsets: Uint32Array;
  /** Of the first #hashed records. */
  #hashes: Buffer;
  #hashed = 0;
  readonly #hashBefore: RollingHash;

  /** `hashBefore`: the rolling hash before the first record. `records`: so many are likely to come. */
  constructor(bytes: Uint8Array, firstSequence: number, hashBefore: RollingHash, records: number) {
    this.#offsets = new Uint32Array(records);
    this.#hashes = Buffer.allocUnsafeSlow(records * HASH_BYTES);
    this.bytes = bytes;
    this.firstSequence = firstSequence;
    this.#hashBefore = hashBefore;
  }

  get lastSequence(): number {
    return this.firstSequence + this.count - 1;
  }

  get freeBytes(): number {
    return this.bytes.length - this.usedBytes;
  }

  /** The bytes behind usedBytes have become a record; `hash` is the rolling hash after it, null when nobody has worked it out. */
  push(sizeBytes: number, hash: RollingHash | null): void {
    if (this.count === this.#offsets.length) this.#grow();
    this.#offsets[this.count] = this.usedBytes;
    if (hash !== null && this.#hashed === this.count) {
      this.#hashes.write(hash, this.count * HASH_BYTES, HASH_BYTES, 'hex');
      this.#hashed += 1;
    }
    this.count += 1;
    this.usedBytes += sizeBytes;
    if (this.count - this.#hashed >= HASH_STRETCH) this.#hashThrough(this.count - 1);
  }

  /** Where record `index` begins; usedBytes for index = count. */
  offsetOf(index: number): number {
    return index < this.count ? (this.#offsets[index] as number) : this.usedBytes;
  }

  hashOf(index: number): RollingHash {
    assert(index < this.count, 'the record is in this chunk');
    if (index >= this.#hashed) this.#hashThrough(index);
    return this.#hashes.toString('hex', index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  /** The rolling hash before a record. */
  hashBefore(index: number): RollingHash {
    return index === 0 ? this.#hashBefore : this.hashOf(index - 1);
  }

  #hashThrough(last: number): void {
    let digest = digestTextOf(this.hashBefore(this.#hashed));
    for (let index = this.#hashed; index <= last; index += 1) {
      readHead(this.bytes, this.#offsets[index] as number, head);
      digest = nextDigest(digest, head);
      this.#hashes.write(digest, index * HASH_BYTES, HASH_BYTES, 'latin1');
    }
    this.#hashed = last + 1;
  }

  #grow(): void {
    const offsets = new Uint32Array(this.#offsets.length * 2);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const hashes = Buffer.allocUnsafeSlow(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }
}

/** The position behind a record of a chunk. Most are never asked for their hash. */
export class TailPosition implements Position {
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  readonly #chunk: TailChunk;

  constructor(incarnation: IncarnationId, chunk: TailChunk, sequence: number) {
    this.incarnation = incarnation;
    this.sequence = sequence;
    this.#chunk = chunk;
  }

  get hash(): RollingHash {
    return this.#chunk.hashOf(this.sequence - this.#chunk.firstSequence);
  }
}

export interface TailRead {
  readonly bytes: Uint8Array;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly lastHash: RollingHash;
}

export class RecordTail {
  #chunks: TailChunk[] = [];
  #heldBytes = 0;
  /** Size of the newest chunk when it is one for several records; they double. */
  #sharedBytes = 0;

  /** Chunks at their capacity. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Lowest sequence held; null when there is none. */
  get firstSequence(): number | null {
    return this.#chunks[0]?.firstSequence ?? null;
  }

  /** A chunk with room for the next record, of this size, behind `before`. Encode at usedBytes, then push. */
  reserve(sizeBytes: number, before: Position): TailChunk {
    const newest = this.#chunks.at(-1);
    if (newest !== undefined && newest.freeBytes >= sizeBytes) return newest;
    const usual = Math.max(CHUNK_BYTES_MIN, Math.min(CHUNK_BYTES_MAX, this.#sharedBytes * 2));
    const chunkBytes = Math.max(sizeBytes, usual);
    this.#sharedBytes = chunkBytes;
    return this.#add(Buffer.allocUnsafeSlow(chunkBytes), before, RECORDS_START);
  }

  /** A chunk over these bytes, which the next record is to fill. They are the tail's from now on. */
  adopt(bytes: Uint8Array, before: Position): TailChunk {
    this.#sharedBytes = 0;
    return this.#add(bytes, before, 1);
  }

  #add(bytes: Uint8Array, before: Position, records: number): TailChunk {
    const chunk = new TailChunk(bytes, before.sequence + 1, before.hash, records);
    this.#chunks.push(chunk);
    this.#heldBytes += bytes.length;
    return chunk;
  }

  /** Drops durable chunks, oldest first, until at most `limitBytes` are held. */
  trim(durableSequence: number, limitBytes: number): void {
    this.#dropWhile(
      (chunk) => this.#heldBytes > limitBytes && chunk.lastSequence <= durableSequence,
    );
  }

  /** Drops whatever is durable: for an incarnation that takes no more. */
  shrink(durableSequence: number): void {
    this.#dropWhile((chunk) => chunk.lastSequence <= durableSequence);
  }

  /**
   * Records after `afterSequence`, none above `limitSequence`: at least one, at most `maxBytes` beyond the first. Null when the
   * first of them is not held. Requires: afterSequence < limitSequence <= the newest sequence.
   */
  read(afterSequence: number, limitSequence: number, maxBytes: number): TailRead | null {
    const firstSequence = afterSequence + 1;
    const chunk = this.#chunkOf(firstSequence);
    if (chunk === null) return null;
    const from = firstSequence - chunk.firstSequence;
    const bound = Math.min(chunk.count, limitSequence - chunk.firstSequence + 1);
    const start = chunk.offsetOf(from);
    const end = lastFitting(chunk, from, bound, start + maxBytes);
    return {
      bytes: chunk.bytes.subarray(start, chunk.offsetOf(end)),
      firstSequence,
      lastSequence: chunk.firstSequence + end - 1,
      lastHash: chunk.hashOf(end - 1),
    };
  }

  /** The rolling hash after a record, or null when it is not held. */
  hashAt(sequence: number): RollingHash | null {
    const chunk = this.#chunkOf(sequence);
    return chunk === null ? null : chunk.hashOf(sequence - chunk.firstSequence);
  }

  #chunkOf(sequence: number): TailChunk | null {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#chunks[middle] as TailChunk;
      if (sequence < chunk.firstSequence) high = middle - 1;
      else if (sequence > chunk.lastSequence) low = middle + 1;
      else return chunk;
    }
    return null;
  }

  #dropWhile(isDroppable: (chunk: TailChunk) => boolean): void {
    let dropped = 0;
    for (const chunk of this.#chunks) {
      if (!isDroppable(chunk)) break;
      this.#heldBytes -= chunk.bytes.length;
      dropped += 1;
    }
    if (dropped > 0) this.#chunks = this.#chunks.slice(dropped);
  }
}

/** The highest end index in (from, bound] whose records end at or before `limitOffset`; from + 1 when even one is too much. */
function lastFitting(chunk: TailChunk, from: number, bound: number, limitOffset: number): number {
  let low = from + 1;
  let high = bound;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (chunk.offsetOf(middle) <= limitOffset) low = middle;
    else high = middle - 1;
  }
  return low;
}
