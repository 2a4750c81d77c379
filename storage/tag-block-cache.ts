/**
 * Writers repeat themselves section after section: the same hosts report every ten seconds, so the tag columns of their sections
 * (the "tag block") are the same bytes again and again. Both who writes them and who applies them remembers the last few whole:
 * the writer copies the bytes instead of encoding ten columns over thousands of tuples, and the applier compares them in one go and
 * takes the series ids it found the last time.
 *
 * A block is remembered when it comes for the second time: sections that never repeat cost a checksum of a few samples and no copy.
 * Bounded in number and bytes; the one that was not used for longest goes.
 *
 * A writer that takes its tuples from the table's series knows their ids when it encodes them. It announces them, so that whoever applies the
 * section compares the bytes in one go in place of decoding them, at the first time. Such blocks need not come again; the last few are kept.
 *
 * Where it takes some of them from its own memory, because they are no series yet, it announces how it knows them: for a section that is prepared
 * (series-preparation.ts), once.
 *
 * A client that writes row by row sends one tuple a section, each time another host's: such blocks are small and many, so they have places of
 * their own, found by hash: the last two of a pair of places stay.
 */

import { hashBytes, viewOf } from './byte-hash.js';
import type { WrittenTuples } from './written-tuples.js';

/** A client that sends its hosts in groups goes round all of them before one comes again. */
const BLOCKS_MAX = 16;
const BYTES_MAX = 256 * 1024;
const SEEN_MAX = 32;
/** Sections on their way from their encoding to their application, as a rule. */
const ANNOUNCED_MAX = 16;
const ANNOUNCED_BYTES_MAX = 2 * 1024 * 1024;
/** Below this many tuples resolving them costs less than keeping a block. */
export const TAG_BLOCK_TUPLES_MIN = 16;
/** A power of two. */
const SINGLES = 1024;
/** Bytes or handles that tell one block from another at first glance. */
const SAMPLES = 64;

/** One kind of blocks, the latest used first. */
class Remembered<B extends { readonly sizeBytes: number }> {
  readonly blocks: B[] = [];
  #sizeBytes = 0;
  readonly #seen = new Int32Array(SEEN_MAX);
  #nextSeen = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  touch(index: number): B {
    const block = this.blocks[index]!;
    for (let place = index; place > 0; place--) this.blocks[place] = this.blocks[place - 1]!;
    this.blocks[0] = block;
    return block;
  }

  /** True when a block with this checksum came before; it is noted. */
  cameBefore(checksum: number): boolean {
    if (this.#seen.includes(checksum)) return true;
    this.#seen[this.#nextSeen] = checksum;
    this.#nextSeen = (this.#nextSeen + 1) % SEEN_MAX;
    return false;
  }

  add(block: B): void {
    if (block.sizeBytes > BYTES_MAX) return;
    this.blocks.unshift(block);
    this.#sizeBytes += block.sizeBytes;
    while (this.blocks.length > BLOCKS_MAX || this.#sizeBytes > BYTES_MAX) {
      this.#sizeBytes -= this.blocks.pop()!.sizeBytes;
    }
  }
}

/** The writer's side: handles of a tuple memory -> the bytes of their tag columns. */
export class EncodedTagBlocks {
  readonly #remembered = new Remembered<{
    readonly handles: Int32Array;
    readonly bytes: Uint8Array;
    readonly sizeBytes: number;
  }>();
  /** By the low bits of the handle. */
  readonly #singles: ({ readonly handle: number; readonly bytes: Uint8Array } | null)[] = [];
  #singleBytes = 0;

  get sizeBytes(): number {
    return this.#remembered.sizeBytes + this.#singleBytes;
  }

  /** Null when they are not remembered. */
  find(handles: Int32Array, count: number): Uint8Array | null {
    if (count === 1) {
      const handle = handles[0]!;
      const single = this.#singles[handle % SINGLES] ?? null;
      return single?.handle === handle ? single.bytes : null;
    }
    const { blocks } = this.#remembered;
    for (let index = 0; index < blocks.length; index++) {
      const block = blocks[index]!;
      if (block.handles.length !== count || !beginsWith(handles, block.handles)) continue;
      return this.#remembered.touch(index).bytes;
    }
    return null;
  }

  /** These handles were encoded as `bytes[start..end)`, which are copied if they are kept. */
  offer(handles: Int32Array, count: number, bytes: Uint8Array, start: number, end: number): void {
    if (count === 1) this.#keepSingle(handles[0]!, bytes, start, end);
    if (count < TAG_BLOCK_TUPLES_MIN) return;
    if (!this.#remembered.cameBefore(checksumOf(handles, 0, count))) return;
    const block = copyOf(bytes, start, end);
    const sizeBytes = block.length + count * 4;
    this.#remembered.add({ handles: handles.slice(0, count), bytes: block, sizeBytes });
  }

  #keepSingle(handle: number, source: Uint8Array, start: number, end: number): void {
    if (this.#singles.length === 0) fillWithNull(this.#singles);
    const place = handle % SINGLES;
    const sizeBytes = this.#singleBytes + end - start - (this.#singles[place]?.bytes.length ?? 0);
    if (sizeBytes > BYTES_MAX) return;
    this.#singleBytes = sizeBytes;
    this.#singles[place] = { handle, bytes: copyOf(source, start, end) };
  }
}

interface TagBlock {
  readonly bytes: Uint8Array;
  /** Tuples. */
  readonly length: number;
  readonly sizeBytes: number;
}

export interface ResolvedTagBlock extends TagBlock {
  /** Series id of each tuple. */
  readonly series: Uint32Array;
}

export interface WrittenTagBlock extends TagBlock {
  readonly tuples: WrittenTuples;
}

/** Blocks of sections on their way, the oldest first: the last few. */
class Announced<B extends TagBlock> {
  readonly #blocks: B[] = [];
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(block: B): void {
    this.#blocks.push(block);
    this.#sizeBytes += block.sizeBytes;
    while (this.#blocks.length > ANNOUNCED_MAX || this.#sizeBytes > ANNOUNCED_BYTES_MAX) {
      this.remove(this.#blocks[0]!);
    }
  }

  find(source: Uint8Array, start: number, end: number, tupleCount: number): B | null {
    for (const block of this.#blocks) {
      if (hasTuples(block, source, start, end, tupleCount)) return block;
    }
    return null;
  }

  remove(block: B): void {
    this.#blocks.splice(this.#blocks.indexOf(block), 1);
    this.#sizeBytes -= block.sizeBytes;
  }
}

/** The applier's side: the bytes of tag columns -> series ids of a table. Ids must stay good for as long as a block is here. */
export class ResolvedTagBlocks {
  readonly #remembered = new Remembered<ResolvedTagBlock>();
  /** By the low bits of the hash of the first `#singleLength` bytes. */
  readonly #singles: (ResolvedTagBlock | null)[] = [];
  #singleBytes = 0;
  /** Of the shortest that came: where a block ends is not known before it is found, so no more bytes can tell where to look. */
  #singleLength = Infinity;
  /** Of a record that is about to be applied, in its order. */
  readonly #prepared: ResolvedTagBlock[] = [];
  /** The oldest first. */
  readonly #announced = new Announced<ResolvedTagBlock>();
  /** The same of tuples that are no series yet, or not all of them. */
  readonly #written = new Announced<WrittenTagBlock>();

  get sizeBytes(): number {
    const announcedBytes = this.#announced.sizeBytes + this.#written.sizeBytes;
    return this.#remembered.sizeBytes + this.#singleBytes + announcedBytes;
  }

  /** The block that `source[start..end)` begins with, for this many tuples; null when it is not remembered. */
  match(
    source: Uint8Array,
    start: number,
    end: number,
    tupleCount: number,
  ): ResolvedTagBlock | null {
    if (tupleCount === 1) return this.#matchSingle(source, start, end);
    const prepared = this.#takePrepared(source, start, end, tupleCount);
    if (prepared !== null) return prepared;
    const { blocks } = this.#remembered;
    for (let index = 0; index < blocks.length; index++) {
      if (hasTuples(blocks[index]!, source, start, end, tupleCount)) {
        return this.#remembered.touch(index);
      }
    }
    return this.#announced.find(source, start, end, tupleCount);
  }

  /** The tuples of `source[start..end)`, of a section that is likely to be applied soon, have these series. `series` is kept. */
  announce(source: Uint8Array, start: number, end: number, series: Uint32Array): void {
    const sizeBytes = end - start + series.byteLength;
    if (sizeBytes > ANNOUNCED_BYTES_MAX) return;
    const { length } = series;
    this.#announced.add({ bytes: copyOf(source, start, end), length, series, sizeBytes });
  }

  /** The same where some of them are no series yet. */
  announceWritten(source: Uint8Array, start: number, end: number, tuples: WrittenTuples): void {
    const { length, byteLength } = tuples.handles;
    const sizeBytes = end - start + byteLength;
    if (sizeBytes > ANNOUNCED_BYTES_MAX) return;
    this.#written.add({ bytes: copyOf(source, start, end), length, tuples, sizeBytes });
  }

  /** How the writer knows the tuples that `source[start..end)` begins with, if it said so: it is forgotten here. */
  takeWritten(
    source: Uint8Array,
    start: number,
    end: number,
    tupleCount: number,
  ): WrittenTagBlock | null {
    const block = this.#written.find(source, start, end, tupleCount);
    if (block !== null) this.#written.remove(block);
    return block;
  }

  /** The tuples of `source[start..end)` have these series. Both are copied if they are kept. */
  offer(
    source: Uint8Array,
    start: number,
    end: number,
    tupleCount: number,
    series: Uint32Array,
  ): void {
    if (tupleCount === 1) this.#keepSingle(source, start, end, series[0]!);
    if (tupleCount < TAG_BLOCK_TUPLES_MIN) return;
    if (!this.#remembered.cameBefore(checksumOf(source, start, end))) return;
    const bytes = copyOf(source, start, end);
    const sizeBytes = bytes.length + tupleCount * 4;
    const copied = series.slice(0, tupleCount);
    this.#remembered.add({ bytes, length: tupleCount, series: copied, sizeBytes });
  }

  /** These tuples were resolved ahead: who asks for this very place in memory gets their series, once, until they are forgotten. */
  prepare(source: Uint8Array, start: number, end: number, series: Uint32Array): void {
    const bytes = source.subarray(start, end);
    const { length, byteLength } = series;
    this.#prepared.push({ bytes, length, series, sizeBytes: byteLength });
  }

  forgetPrepared(): void {
    this.#prepared.length = 0;
  }

  #takePrepared(
    source: Uint8Array,
    start: number,
    end: number,
    tupleCount: number,
  ): ResolvedTagBlock | null {
    const index = this.#prepared.findIndex(
      ({ bytes, series }) =>
        bytes.buffer === source.buffer &&
        bytes.byteOffset === source.byteOffset + start &&
        bytes.length <= end - start &&
        series.length === tupleCount,
    );
    return index === -1 ? null : this.#prepared.splice(index, 1)[0]!;
  }

  #matchSingle(source: Uint8Array, start: number, end: number): ResolvedTagBlock | null {
    if (end - start < this.#singleLength) return null;
    const place = this.#placeOf(source, start);
    return (
      this.#singleAt(place, source, start, end) ?? this.#singleAt(place ^ 1, source, start, end)
    );
  }

  #singleAt(
    place: number,
    source: Uint8Array,
    start: number,
    end: number,
  ): ResolvedTagBlock | null {
    const block = this.#singles[place] ?? null;
    const isFound = block !== null && end - start >= block.bytes.length;
    return isFound && isAt(source, start, block.bytes) ? block : null;
  }

  #keepSingle(source: Uint8Array, start: number, end: number, series: number): void {
    const length = end - start;
    if (length < this.#singleLength) {
      this.#singleLength = length;
      this.#singles.length = 0;
      fillWithNull(this.#singles);
      this.#singleBytes = 0;
    }
    const place = this.#placeOf(source, start);
    const added = length + 4;
    // The one that was there moves next door: two hosts of one place must not drive each other out for ever.
    const neighbour = this.#singles[place] === null ? place : place ^ 1;
    const sizeBytes = this.#singleBytes + added - (this.#singles[neighbour]?.sizeBytes ?? 0);
    if (sizeBytes > BYTES_MAX) return;
    this.#singleBytes = sizeBytes;
    const bytes = copyOf(source, start, end);
    this.#singles[neighbour] = this.#singles[place] ?? null;
    const of = Uint32Array.of(series);
    this.#singles[place] = { bytes, length: 1, series: of, sizeBytes: added };
  }

  #placeOf(source: Uint8Array, start: number): number {
    return hashBytes(viewOf(source), start, start + this.#singleLength) & (SINGLES - 1);
  }
}

function fillWithNull(places: unknown[]): void {
  for (let place = 0; place < SINGLES; place++) places.push(null);
}

function isAt(source: Uint8Array, start: number, bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (source[start + index] !== bytes[index]) return false;
  }
  return true;
}

/** The same number of tuples in the same bytes is the same tuples: decoding reads nothing else. */
function hasTuples(
  { bytes, length: tuples }: TagBlock,
  source: Uint8Array,
  start: number,
  end: number,
  tupleCount: number,
): boolean {
  const { length } = bytes;
  if (tuples !== tupleCount || end - start < length) return false;
  if (source[start + length - 1] !== bytes[length - 1]) return false;
  return Buffer.compare(bytes, source.subarray(start, start + length)) === 0;
}

/** A Buffer's own `slice` would hold the whole chunk that it looks into. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

function beginsWith(handles: Int32Array, prefix: Int32Array): boolean {
  for (let index = 0; index < prefix.length; index++) {
    if (handles[index] !== prefix[index]) return false;
  }
  return true;
}

/** Of samples only: it says "perhaps again" and nothing depends on it. Never 0. */
function checksumOf(values: Uint8Array | Int32Array, start: number, end: number): number {
  const step = Math.max(1, Math.floor((end - start) / SAMPLES));
  let sum = end - start;
  for (let at = start; at < end; at += step) sum = Math.imul(sum ^ values[at]!, 0x01000193);
  return sum | 1;
}
