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
 *
 * A table whose series do not fit has them in its own dictionary, with bytes, codes and followers, so there is no need to have them twice:
 * a successor is only for tuples that are no series yet, and all others go by the handles of their series (tuple-handle.ts).
 */

import { ByteDictionary } from './byte-dictionary.js';
import { hashBytes } from './byte-hash.js';
import type { ByteWriter } from './byte-writer.js';
import { columnForm, encodeColumn } from './column-codec.js';
import type { SeriesDictionary } from './series-dictionary.js';
import { EncodedTagBlocks, type ResolvedTagBlocks } from './tag-block-cache.js';
import { NULL_CODE, type TagColumn, UNKNOWN_CODE } from './tag-column.js';
import { codesOfCells, tagColumnOf } from './tag-encoding.js';
import { handleOfSeries, isSeriesHandle, seriesOfHandle } from './tuple-handle.js';
import { cellEnd, cellStart, type TagTupleWriter } from './tag-tuple.js';
import type { BytesVector } from './vector.js';

const TUPLES_MAX = 65_536;
const TUPLE_BYTES_MAX = 4 * 1024 * 1024;

/** What a table knows of its series. */
export interface TableSeries {
  readonly series: SeriesDictionary;
  readonly tagBlocks: ResolvedTagBlocks;
}

export interface TupleMemoryOptions {
  /** The table's, which must be asked for anew for each batch: null once it was dropped. */
  readonly seriesOfTable?: (() => TableSeries | null) | undefined;
  readonly tuplesMax?: number;
}

/** By tag and code of a cell in a memory: the code + 1 that the cell has in a table, 0 = not known. */
export type CellsOfTable = Uint32Array[];

/** What a memory shares with its successors: not a chain, or whoever holds the first would hold them all. */
interface Line {
  latest: TupleMemory;
  readonly options: TupleMemoryOptions;
  readonly tuplesMax: number;
}

export class TupleMemory {
  readonly #tuples: ByteDictionary;
  /** By tag. */
  readonly #cells: readonly ByteDictionary[];
  /** By handle and tag: the cell's code + 1, 0 = NULL. */
  #codes: Uint32Array;
  /** By handle: the handle that came after it, that of a tuple here + 1; 0 = none. */
  #followers: Int32Array;
  /** By handle: `hashBytes` of the tuple. */
  #hashes: Int32Array;
  readonly #cellsOfTables = new WeakMap<SeriesDictionary, CellsOfTable>();
  #longestBytes = 0;
  readonly #encoded = new EncodedTagBlocks();
  readonly #line: Line;
  readonly #isSuccessor: boolean;

  /** `full`: the memory to succeed. What filled that one is likely to come again, so there is room for it from the start. */
  constructor(tagCount: number, options: TupleMemoryOptions = {}, full: TupleMemory | null = null) {
    const entries = full === null ? 16 : full.#line.tuplesMax;
    this.#isSuccessor = full !== null;
    if (full === null) {
      this.#line = { latest: this, options, tuplesMax: options.tuplesMax ?? TUPLES_MAX };
      this.#tuples = new ByteDictionary();
      this.#cells = Array.from({ length: tagCount }, () => new ByteDictionary());
    } else {
      this.#line = full.#line;
      this.#tuples = full.#tuples.successor();
      this.#cells = full.#cells.map((cells) => cells.successor());
    }
    this.#codes = new Uint32Array(entries * tagCount);
    this.#followers = new Int32Array(entries);
    this.#hashes = new Int32Array(entries);
  }

  /** Of the table, for tuples that go by the handles of their series; null = all tuples are to be added here. */
  seriesOfTable(): TableSeries | null {
    return this.#isSuccessor ? this.tableOfRows() : null;
  }

  /** Of the table, whether its series have handles here or not; null = it has none any more. */
  tableOfRows(): TableSeries | null {
    return this.#line.options.seriesOfTable?.() ?? null;
  }

  get count(): number {
    return this.#tuples.count;
  }

  get sizeBytes(): number {
    let size = this.#tuples.sizeBytes + this.#followers.byteLength + this.#hashes.byteLength;
    size += this.#codes.byteLength;
    size += this.#encoded.sizeBytes;
    for (const cells of this.#cells) size += cells.sizeBytes;
    return size;
  }

  get isFull(): boolean {
    return this.#tuples.count >= this.#line.tuplesMax || this.#tuples.dataBytes >= TUPLE_BYTES_MAX;
  }

  /** The memory to use from now on: the latest of the line, a new one when that is full. */
  current(): TupleMemory {
    const line = this.#line;
    if (line.latest.isFull) {
      line.latest = new TupleMemory(this.#cells.length, line.options, line.latest);
    }
    return line.latest;
  }

  /**
   * Handle of the tuple that is there; a new one when it is new, that of its series when it is one of `series`. One that is there and has become
   * a series since has both: a batch that meets both has its tags twice, which costs some bytes and changes nothing.
   */
  handleOf(tuple: TagTupleWriter, series: SeriesDictionary | null): number {
    const { bytes, view, length } = tuple;
    return this.handleOfHashed(hashBytes(view, 0, length), bytes, view, 0, length, series);
  }

  /** The same of the tuple bytes[start..end), which `view` has as well and whose `hashBytes` is known. */
  handleOfHashed(
    hash: number,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    series: SeriesDictionary | null,
  ): number {
    const known = this.#tuples.findHashed(hash, view, start, end);
    if (known !== -1) return known;
    const id = series?.findHashed(hash, view, start, end) ?? -1;
    if (id !== -1) return handleOfSeries(id);
    const handle = this.#tuples.insertHashed(hash, view, start, end);
    if (end - start > this.#longestBytes) this.#longestBytes = end - start;
    this.#addCells(handle, bytes, start);
    this.#hashes[handle] = hash;
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

  /** The tuple that last came after this one, NO_TUPLE = none. */
  follower(handle: number): number {
    const follower = this.#followers[handle]!;
    return isSeriesHandle(follower) ? follower : follower - 1;
  }

  /**
   * Into `handles` goes what last came after the tuple `handle`, and what after that, and so on: at most `count` of them, and none from the first
   * on that is not known or not a tuple of this memory. Returns how many. Of NO_TUPLE and of a series nothing is known.
   */
  followersOf(handle: number, handles: Int32Array, count: number): number {
    const followers = this.#followers;
    let last = handle;
    let found = 0;
    while (found < count && last >= 0) {
      last = followers[last]! - 1;
      if (last < 0) break;
      handles[found++] = last;
    }
    return found;
  }

  /** Notes that `next` came after `handle`, or with `isWeak` only if nothing is known to. */
  follow(handle: number, next: number, isWeak: boolean): void {
    if (isWeak && this.#followers[handle] !== 0) return;
    this.#followers[handle] = isSeriesHandle(next) ? next : next + 1;
  }

  /** Length of the longest tuple's bytes. */
  get longestBytes(): number {
    return this.#longestBytes;
  }

  /** Length of the tuple's bytes. */
  bytesOf(handle: number): number {
    return this.#tuples.bytesOf(handle);
  }

  /** `hashBytes` of the tuple. */
  hashOf(handle: number): number {
    return this.#hashes[handle]!;
  }

  /** What was learned of the codes that cells have in the table; there is room for those of all tuples of now. */
  cellsOfTable(series: SeriesDictionary): CellsOfTable {
    let cells = this.#cellsOfTables.get(series);
    if (cells === undefined) {
      cells = this.#cells.map(() => new Uint32Array(0));
      this.#cellsOfTables.set(series, cells);
    }
    for (const [tag, { count, starts }] of this.#cells.entries()) {
      const known = cells[tag]!;
      if (known.length >= count) continue;
      cells[tag] = new Uint32Array(starts.length);
      cells[tag].set(known);
    }
    return cells;
  }

  /** Into codes[tag][at] go the table's codes of a tuple's cells: NULL_CODE, or UNKNOWN_CODE as long as nothing was learned of that cell. */
  codesIn(ofTable: CellsOfTable, handle: number, codes: readonly Uint32Array[], at: number): void {
    let place = handle * ofTable.length;
    for (let tag = 0; tag < ofTable.length; tag++, place++) {
      const cell = this.#codes[place]! - 1;
      // NULL is 0, and so becomes NULL_CODE; what is not known is 0 in the table's.
      const known = cell < 0 ? 0 : ofTable[tag]![cell]!;
      codes[tag]![at] = cell < 0 ? NULL_CODE : known === 0 ? UNKNOWN_CODE : known - 1;
    }
  }

  /** The cell of this tag, which is not NULL, has this code in the table. */
  learnCode(ofTable: CellsOfTable, handle: number, tag: number, code: number): void {
    ofTable[tag]![this.#codes[handle * ofTable.length + tag]! - 1] = code + 1;
  }

  /** Writes the tag columns over the tuples `handles[0..count)`, all of them in this memory, as a rows section has them. */
  writeTags(writer: ByteWriter, handles: Int32Array, count: number): void {
    const known = this.#encoded.find(handles, count);
    if (known !== null) {
      writer.copy(known, 0, known.length);
      return;
    }
    const start = writer.length;
    const codesOfTuples = this.#codes;
    const tagCount = this.#cells.length;
    for (let tag = 0; tag < tagCount; tag++) {
      const codes = codesOfCells(count);
      // NULL is 0, and so becomes NULL_CODE.
      for (let index = 0; index < count; index++) {
        codes[index] = codesOfTuples[handles[index]! * tagCount + tag]! - 1;
      }
      writeTagColumn(writer, count, this.#cells[tag]!.vector(), null);
    }
    this.#encoded.offer(handles, count, writer.bytes, start, writer.length);
  }

  /** The same where some or all of them are series of the table. */
  writeTagsOfSeries(
    writer: ByteWriter,
    handles: Int32Array,
    count: number,
    { tags }: SeriesDictionary,
  ): void {
    const areAllSeries = seriesOfAll(handles, count);
    for (let tag = 0; tag < this.#cells.length; tag++) {
      const ofTable = tags[tag]!;
      const entries = ofTable.entries();
      const codes = codesOfCells(count);
      if (areAllSeries) ofTable.gatherCodes(seriesIds, count, codes);
      for (let index = 0; index < count && !areAllSeries; index++) {
        const handle = handles[index]!;
        codes[index] = isSeriesHandle(handle)
          ? ofTable.codeOrNull(seriesOfHandle(handle))
          : this.#codeOf(handle, tag, ofTable, entries.length);
      }
      writeTagColumn(writer, count, entries, this.#cells[tag]!.vector());
    }
  }

  /** Code of a tuple's cell in the table's dictionary, or behind its entries in the one here. */
  #codeOf(handle: number, tag: number, ofTable: TagColumn, entryCount: number): number {
    const code = this.#codes[handle * this.#cells.length + tag]! - 1;
    if (code < 0) return NULL_CODE;
    const { starts, data } = this.#cells[tag]!;
    const known = ofTable.codeOf(data.subarray(starts[code], starts[code + 1]));
    return known === -1 ? entryCount + code : known;
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
    const followers = new Int32Array(tuples);
    followers.set(this.#followers);
    this.#followers = followers;
    const hashes = new Int32Array(tuples);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const codesOfTuples = new Uint32Array(tuples * this.#cells.length);
    codesOfTuples.set(this.#codes);
    this.#codes = codesOfTuples;
  }
}

function writeTagColumn(
  writer: ByteWriter,
  count: number,
  entries: BytesVector,
  moreEntries: BytesVector | null,
): void {
  const column = tagColumnOf(count, entries, moreEntries);
  const form = columnForm(column);
  writer.uint8(form);
  encodeColumn(writer, column, form, 'fast');
}

// Encoding is synchronous, so its working memory can be shared.
let seriesIds = new Uint32Array(1024);

/** Fills `seriesIds`; false: not all of them are handles of series. */
function seriesOfAll(handles: Int32Array, count: number): boolean {
  if (seriesIds.length < count) seriesIds = new Uint32Array(Math.max(count, seriesIds.length * 2));
  for (let index = 0; index < count; index++) {
    const handle = handles[index]!;
    if (!isSeriesHandle(handle)) return false;
    seriesIds[index] = seriesOfHandle(handle);
  }
  return true;
}
