/**
 * Writers repeat themselves section after section: the same hosts report every ten seconds, so the tag columns of their sections
 * (the "tag block") are the same bytes again and again. Both who writes them and who applies them remembers the last few whole:
 * the writer copies the bytes instead of encoding ten columns over thousands of tuples, and the applier compares them in one go and
 * takes the series ids it found the last time.
 *
 * A block is remembered when it comes for the second time: sections that never repeat cost a checksum of a few samples and no copy.
 * Bounded in number and bytes; the one that was not used for longest goes.
 */

const BLOCKS_MAX = 4;
const BYTES_MAX = 256 * 1024;
const SEEN_MAX = 16;
/** Below this many tuples resolving them costs less than keeping a block. */
export const TAG_BLOCK_TUPLES_MIN = 16;
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
    readonly handles: Uint32Array;
    readonly bytes: Uint8Array;
    readonly sizeBytes: number;
  }>();

  get sizeBytes(): number {
    return this.#remembered.sizeBytes;
  }

  /** Null when they are not remembered. */
  find(handles: Uint32Array, count: number): Uint8Array | null {
    const { blocks } = this.#remembered;
    for (let index = 0; index < blocks.length; index++) {
      const block = blocks[index]!;
      if (block.handles.length !== count || !beginsWith(handles, block.handles)) continue;
      return this.#remembered.touch(index).bytes;
    }
    return null;
  }

  /** These handles were encoded as `bytes[start..end)`, which are copied if they are kept. */
  offer(handles: Uint32Array, count: number, bytes: Uint8Array, start: number, end: number): void {
    if (count < TAG_BLOCK_TUPLES_MIN) return;
    if (!this.#remembered.cameBefore(checksumOf(handles, 0, count))) return;
    const block = bytes.slice(start, end);
    const sizeBytes = block.length + count * 4;
    this.#remembered.add({ handles: handles.slice(0, count), bytes: block, sizeBytes });
  }
}

export interface ResolvedTagBlock {
  readonly bytes: Uint8Array;
  /** Series id of each tuple. */
  readonly series: Uint32Array;
  readonly sizeBytes: number;
}

/** The applier's side: the bytes of tag columns -> series ids of a table. Ids must stay good for as long as a block is here. */
export class ResolvedTagBlocks {
  readonly #remembered = new Remembered<ResolvedTagBlock>();

  get sizeBytes(): number {
    return this.#remembered.sizeBytes;
  }

  /** The block that `source[start..end)` begins with, for this many tuples; null when it is not remembered. */
  match(
    source: Uint8Array,
    start: number,
    end: number,
    tupleCount: number,
  ): ResolvedTagBlock | null {
    const { blocks } = this.#remembered;
    for (let index = 0; index < blocks.length; index++) {
      const { bytes, series } = blocks[index]!;
      const { length } = bytes;
      if (series.length !== tupleCount || end - start < length) continue;
      // The same number of tuples in the same bytes is the same tuples: decoding reads nothing else.
      if (source[start + length - 1] !== bytes[length - 1]) continue;
      if (Buffer.compare(bytes, source.subarray(start, start + length)) !== 0) continue;
      return this.#remembered.touch(index);
    }
    return null;
  }

  /** The tuples of `source[start..end)` have these series. Both are copied if they are kept. */
  offer(
    source: Uint8Array,
    start: number,
    end: number,
    tupleCount: number,
    series: Uint32Array,
  ): void {
    if (tupleCount < TAG_BLOCK_TUPLES_MIN) return;
    if (!this.#remembered.cameBefore(checksumOf(source, start, end))) return;
    const bytes = source.slice(start, end);
    const sizeBytes = bytes.length + tupleCount * 4;
    this.#remembered.add({ bytes, series: series.slice(0, tupleCount), sizeBytes });
  }
}

function beginsWith(handles: Uint32Array, prefix: Uint32Array): boolean {
  for (let index = 0; index < prefix.length; index++) {
    if (handles[index] !== prefix[index]) return false;
  }
  return true;
}

/** Of samples only: it says "perhaps again" and nothing depends on it. Never 0. */
function checksumOf(values: Uint8Array | Uint32Array, start: number, end: number): number {
  const step = Math.max(1, Math.floor((end - start) / SAMPLES));
  let sum = end - start;
  for (let at = start; at < end; at += step) sum = Math.imul(sum ^ values[at]!, 0x01000193);
  return sum | 1;
}
