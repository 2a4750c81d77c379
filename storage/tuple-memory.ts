/**
 * The tag tuples that row batches of one schema have met: tuple bytes -> handle 0, 1, 2 ...
 *
 * Rows come from the same series batch after batch. So tuples are kept from one batch to the next, each with the codes of
 * its cells in a dictionary a tag: a batch notes a handle a row, and encoding its tags renumbers integers instead of hashing every
 * cell of every tuple again. All batches of a schema share one memory. It also knows which tuple came after which, because
 * the next time it will probably be the same.
 *
 * Bounded: a full memory still takes what it is given, but a batch leaves it for its successor, which is
 * empty, as soon as no row of the batch needs it any more. So it outgrows its bounds by no more than a section of each batch in use.
 */

import { ByteDictionary } from './byte-dictionary.js';
import { Renumbering } from './renumbering.js';
import { cellEnd, cellStart } from './tag-tuple.js';
import type { DictionaryVector } from './vector.js';

const TUPLES_MAX = 65_536;
const TUPLE_BYTES_MAX = 4 * 1024 * 1024;

// Encoding is synchronous, so its working memory can be shared.
const renumbering = new Renumbering();
let codes = new Uint32Array(1024);
let nullFlags = new Uint8Array(1024);
let entryStarts = new Uint32Array(1024);
let entryData = new Uint8Array(16_384);

export class TupleMemory {
  readonly #tuples = new ByteDictionary();
  /** By tag. */
  readonly #cells: readonly ByteDictionary[];
  /** By tag and handle: the cell's code + 1, 0 = NULL. */
  readonly #codes: Uint32Array[];
  /** By handle: the handle that came after it + 1, 0 = none. */
  #followers = new Uint32Array(16);
  /** What it shares with its successors: not a chain, or whoever holds the first would hold them all. */
  readonly #line: { latest: TupleMemory };

  constructor(tagCount: number, line: { latest: TupleMemory } | null = null) {
    this.#line = line ?? { latest: this };
    this.#cells = Array.from({ length: tagCount }, () => new ByteDictionary());
    this.#codes = Array.from({ length: tagCount }, () => new Uint32Array(16));
  }

  get count(): number {
    return this.#tuples.count;
  }

  get sizeBytes(): number {
    let size = this.#tuples.sizeBytes + this.#followers.byteLength;
    for (const cells of this.#cells) size += cells.sizeBytes;
    for (const codesOfTag of this.#codes) size += codesOfTag.byteLength;
    return size;
  }

  get isFull(): boolean {
    return this.#tuples.count >= TUPLES_MAX || this.#tuples.dataBytes >= TUPLE_BYTES_MAX;
  }

  /** The memory to use from now on: the latest of the line, a new one when that is full. */
  current(): TupleMemory {
    const line = this.#line;
    if (line.latest.isFull) line.latest = new TupleMemory(this.#cells.length, line);
    return line.latest;
  }

  /** Handle of the tuple `source[start..end)`; a new one when it is new. */
  add(source: Uint8Array, start: number, end: number): number {
    const known = this.#tuples.count;
    const handle = this.#tuples.add(source, start, end);
    if (handle === known) this.#addCells(handle, source, start);
    return handle;
  }

  /** The tuples' bytes, one after another; valid until the next tuple is added. */
  get data(): Uint8Array {
    return this.#tuples.data;
  }

  /** Where a tuple starts in `data`. */
  start(handle: number): number {
    return this.#tuples.starts[handle]!;
  }

  /** The tuple that last came after this one, -1 = none. */
  follower(handle: number): number {
    return this.#followers[handle]! - 1;
  }

  /** Notes that `next` came after `handle`, or with `isWeak` only if nothing is known to. */
  follow(handle: number, next: number, isWeak: boolean): void {
    if (!isWeak || this.#followers[handle] === 0) this.#followers[handle] = next + 1;
  }

  /** Length of the tuple's bytes. */
  bytesOf(handle: number): number {
    return this.#tuples.bytesOf(handle);
  }

  /** The values of one tag over the tuples `handles[0..count)`, its dictionary in order of appearance. Good until the next call. */
  tagColumn(tag: number, handles: Uint32Array, count: number): DictionaryVector {
    const codesOfTag = this.#codes[tag]!;
    const { starts, data } = this.#cells[tag]!.vector();
    if (codes.length < count) makeRoom(count);
    renumbering.clear();
    let nulls: Uint8Array | null = null;
    let entries = 0;
    let dataLength = 0;
    entryStarts[0] = 0;
    for (let index = 0; index < count; index++) {
      const code = codesOfTag[handles[index]!]!;
      if (code === 0) {
        nulls ??= nullFlags.fill(0, 0, count);
        nulls[index] = 1;
        codes[index] = 0;
        continue;
      }
      const number = renumbering.numberOf(code - 1);
      codes[index] = number;
      if (number < entries) continue;
      const start = starts[code - 1]!;
      const end = starts[code]!;
      if (dataLength + end - start > entryData.length) growData(dataLength + end - start);
      for (let from = start; from < end; from++) entryData[dataLength++] = data[from]!;
      entryStarts[++entries] = dataLength;
    }
    return {
      kind: 'dictionary',
      length: count,
      codes,
      dictionary: {
        kind: 'bytes',
        length: entries,
        starts: entryStarts,
        data: entryData,
        nulls: null,
      },
      nulls,
    };
  }

  #addCells(handle: number, source: Uint8Array, start: number): void {
    if (handle === this.#followers.length) {
      const followers = new Uint32Array(handle * 2);
      followers.set(this.#followers);
      this.#followers = followers;
    }
    let at = start;
    for (let tag = 0; tag < this.#cells.length; tag++) {
      let codesOfTag = this.#codes[tag]!;
      if (handle === codesOfTag.length) {
        codesOfTag = new Uint32Array(handle * 2);
        codesOfTag.set(this.#codes[tag]!);
        this.#codes[tag] = codesOfTag;
      }
      const end = cellEnd(source, at);
      codesOfTag[handle] =
        source[at] === 0 ? 0 : this.#cells[tag]!.add(source, cellStart(source, at), end) + 1;
      at = end;
    }
  }
}

function makeRoom(count: number): void {
  const size = Math.max(count, codes.length * 2);
  codes = new Uint32Array(size);
  nullFlags = new Uint8Array(size);
  entryStarts = new Uint32Array(size + 1);
}

/** Keeps the bytes so far. */
function growData(needed: number): void {
  const grown = new Uint8Array(Math.max(needed, entryData.length * 2));
  grown.set(entryData);
  entryData = grown;
}
