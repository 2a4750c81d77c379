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
import type { ByteWriter } from './byte-writer.js';
import { columnForm, encodeColumn } from './column-codec.js';
import { Renumbering } from './renumbering.js';
import { EncodedTagBlocks } from './tag-block-cache.js';
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
  readonly #tuples: ByteDictionary;
  /** By tag. */
  readonly #cells: readonly ByteDictionary[];
  /** By handle and tag: the cell's code + 1, 0 = NULL. */
  #codes: Uint32Array;
  /** By handle: the handle that came after it + 1, 0 = none. */
  #followers: Uint32Array;
  readonly #encoded = new EncodedTagBlocks();
  /** What it shares with its successors: not a chain, or whoever holds the first would hold them all. */
  readonly #line: { latest: TupleMemory };

  /** `full`: the memory to succeed. What filled that one is likely to come again, so there is room for it from the start. */
  constructor(tagCount: number, full: TupleMemory | null = null) {
    const entries = full === null ? 16 : TUPLES_MAX;
    if (full === null) {
      this.#line = { latest: this };
      this.#tuples = new ByteDictionary();
      this.#cells = Array.from({ length: tagCount }, () => new ByteDictionary());
    } else {
      this.#line = full.#line;
      this.#tuples = full.#tuples.successor();
      this.#cells = full.#cells.map((cells) => cells.successor());
    }
    this.#codes = new Uint32Array(entries * tagCount);
    this.#followers = new Uint32Array(entries);
  }

  get count(): number {
    return this.#tuples.count;
  }

  get sizeBytes(): number {
    let size = this.#tuples.sizeBytes + this.#followers.byteLength + this.#codes.byteLength;
    size += this.#encoded.sizeBytes;
    for (const cells of this.#cells) size += cells.sizeBytes;
    return size;
  }

  get isFull(): boolean {
    return this.#tuples.count >= TUPLES_MAX || this.#tuples.dataBytes >= TUPLE_BYTES_MAX;
  }

  /** The memory to use from now on: the latest of the line, a new one when that is full. */
  current(): TupleMemory {
    const line = this.#line;
    if (line.latest.isFull) line.latest = new TupleMemory(this.#cells.length, this);
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

  /** Writes the tag columns over the tuples `handles[0..count)`, as a rows section has them. */
  writeTags(writer: ByteWriter, handles: Uint32Array, count: number): void {
    const known = this.#encoded.find(handles, count);
    if (known !== null) {
      writer.copy(known, 0, known.length);
      return;
    }
    const start = writer.length;
    for (let tag = 0; tag < this.#cells.length; tag++) {
      const column = this.#tagColumn(tag, handles, count);
      const form = columnForm(column);
      writer.uint8(form);
      encodeColumn(writer, column, form, 'fast');
    }
    this.#encoded.offer(handles, count, writer.bytes, start, writer.length);
  }

  /** The values of one tag over the tuples `handles[0..count)`, its dictionary in order of appearance. Good until the next call. */
  #tagColumn(tag: number, handles: Uint32Array, count: number): DictionaryVector {
    const codesOfTuples = this.#codes;
    const tagCount = this.#cells.length;
    const { starts, data } = this.#cells[tag]!.vector();
    if (codes.length < count) makeRoom(count);
    renumbering.clear();
    let nulls: Uint8Array | null = null;
    let entries = 0;
    let dataLength = 0;
    entryStarts[0] = 0;
    for (let index = 0; index < count; index++) {
      const code = codesOfTuples[handles[index]! * tagCount + tag]!;
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
    const cells = this.#cells;
    if (handle === this.#followers.length) this.#grow(handle * 2);
    let place = handle * cells.length;
    let at = start;
    for (let tag = 0; tag < cells.length; tag++, place++) {
      const end = cellEnd(source, at);
      this.#codes[place] =
        source[at] === 0 ? 0 : cells[tag]!.add(source, cellStart(source, at), end) + 1;
      at = end;
    }
  }

  #grow(tuples: number): void {
    const followers = new Uint32Array(tuples);
    followers.set(this.#followers);
    this.#followers = followers;
    const codesOfTuples = new Uint32Array(tuples * this.#cells.length);
    codesOfTuples.set(this.#codes);
    this.#codes = codesOfTuples;
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
