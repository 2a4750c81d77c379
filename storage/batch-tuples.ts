/**
 * The tag tuples of a batch's rows: a row notes a number, and each number stands for the handle of a tuple (tuple-handle.ts), in a memory that
 * outlives the batch (tuple-memory.ts) or among the series of the table. So a batch of 100 hosts and 10,000 rows carries every tag once and a
 * byte a row.
 *
 * The memory and the table know which tuple came after which. Writers repeat themselves, so the one that came after the last row's tuple is
 * likely to be the next row's.
 */

import { hashBytes, viewOf } from './byte-hash.js';
import type { ByteWriter } from './byte-writer.js';
import { Renumbering } from './renumbering.js';
import { PREPARED_TUPLES_MIN } from './series-preparation.js';
import { TAG_BLOCK_TUPLES_MIN } from './tag-block-cache.js';
import type { TagTupleWriter } from './tag-tuple.js';
import { handleOfSeries, isSeriesHandle, NO_TUPLE, seriesOfHandle } from './tuple-handle.js';
import { type TableSeries, TupleMemory } from './tuple-memory.js';
import { WrittenTuples } from './written-tuples.js';

const TUPLE_CELL_BYTES = 9;
/** Tuples that may be longer than this together are counted one by one. */
const LIKELY_BYTES_EXACT = 64 * 1024;

/** Sorting the handles of a batch looks at all of its memory, so it must have a good part of them. */
const HANDLES_PER_TUPLE_MAX = 4;

// Filled and encoded in one synchronous step, so all batches can share it.
let sortedHandles = new Int32Array(1024);
let placeOfNumber = new Uint32Array(1024);
let sortedTupleOf = new Float64Array(8192);

/** Tuples of rows (tag-tuple.ts), one after another. */
export interface SpelledTuples {
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  /** Where each one ends there; the first begins at 0. */
  readonly ends: Uint32Array;
  /** `hashBytes` of the first `count` of them. */
  hashes(count: number): Int32Array;
}

export class BatchTuples {
  readonly #tagCount: number;
  #memory: TupleMemory;
  /** Tuples that it had when the batch began. */
  #knownBefore: number;
  /** Of the table, asked for once a batch: `#isTableAsked`. Not kept between batches. */
  #table: TableSeries | null = null;
  #isTableAsked = false;

  /** Handles of the distinct tuples, numbered in order of appearance. */
  readonly #numbers = new Renumbering();
  #handles = new Int32Array(16);
  /** So many of them are of series. */
  #seriesHandles = 0;
  /** So many of them are of tuples that the memory did not have when the batch began. */
  #newHandles = 0;
  #bytes = 0;
  /** Of these, bytes of tuples that the memory did not have when the batch began: those of series are not in it. */
  #newBytes = 0;
  /** Each row's tuple, by its number. */
  #tupleOf: Float64Array;
  #last = NO_TUPLE;

  /** The tuples of the section that is encoded, or was last, as they are numbered there. */
  #sectionHandles: Int32Array = this.#handles;
  /** Where in that section its tags are. */
  #tagsStart = 0;
  #tagsEnd = 0;

  /** There is room for so many rows. `memory` may be shared with other batches of the schema. */
  constructor(tagCount: number, memory: TupleMemory | null, rows: number) {
    this.#tagCount = tagCount;
    this.#memory = memory?.current() ?? new TupleMemory(tagCount);
    this.#knownBefore = this.#memory.count;
    this.#tupleOf = new Float64Array(rows);
  }

  /** Where tuples have their handles, those of series apart. Another one after `clear` once it is full. */
  get memory(): TupleMemory {
    return this.#memory;
  }

  /** Distinct tuples of the rows. */
  get count(): number {
    return this.#numbers.count;
  }

  /** They take at most so many bytes in a section. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The same without those that the memory had when the batch began. */
  get newBytes(): number {
    return this.#newBytes;
  }

  /** Memory held, in bytes, the tuple memory apart. */
  get sizeBytes(): number {
    return this.#numbers.sizeBytes + this.#handles.byteLength + this.#tupleOf.byteLength;
  }

  // ---- what the next row is likely to have ----

  /** Handle of the last row's tuple; NO_TUPLE when it is not known any more. */
  get last(): number {
    return this.#last;
  }

  /** Handle of the tuple that the next row is likely to have, NO_TUPLE when nothing is known. */
  get likely(): number {
    const last = this.#last;
    if (last === NO_TUPLE) return NO_TUPLE;
    if (isSeriesHandle(last)) return this.#seriesAfter(last);
    const likely = this.#memory.follower(last);
    return isSeriesHandle(likely) && !this.#isSeries(likely) ? NO_TUPLE : likely;
  }

  /**
   * The last row's tuple is of the memory and may be asked for by its handle again: not when it came up just now in a table of very many
   * series, where the others come first.
   */
  get mayRepeat(): boolean {
    const last = this.#last;
    return last >= 0 && (last < this.#knownBefore || this.#table === null);
  }

  /**
   * The table has more series than are remembered by their texts, and the next row's is likely to be one of them or to be as new, or nothing is
   * known of it.
   */
  get areBetterSpelled(): boolean {
    if (this.#tableSeries() === null) return false;
    const { likely } = this;
    return likely <= NO_TUPLE || likely >= this.#knownBefore;
  }

  /**
   * Into `handles` goes which tuples the next rows are likely to have, one after another; returns how many: at most `count`, and none from the
   * first on that is of a series.
   */
  likelyNext(handles: Int32Array, count: number): number {
    return this.#memory.followersOf(this.#last, handles, count);
  }

  /** What a likely tuple lies in, from `startOf` on; valid until a tuple is added. */
  bytesOf(handle: number): Uint8Array {
    if (!isSeriesHandle(handle)) return this.#memory.data;
    return this.#table!.series.tupleBytes(seriesOfHandle(handle));
  }

  startOf(handle: number): number {
    if (!isSeriesHandle(handle)) return this.#memory.start(handle);
    return this.#table!.series.tupleStart(seriesOfHandle(handle));
  }

  /** What the tuple of a likely series lies in, from `startOf` on, when all its cells stand in a text as they are; else null. */
  plainSeries(handle: number): DataView | null {
    const { series } = this.#table!;
    const id = seriesOfHandle(handle);
    return series.isPlain(id) ? series.tupleView(id) : null;
  }

  /** By at most so much does `bytes` grow with `count` rows whose tuples have so many bytes together. */
  mostBytes(count: number, tupleBytes: number): number {
    return count * this.#tagCount * TUPLE_CELL_BYTES + tupleBytes;
  }

  /** The same with rows of the tuples handles[0..count), all of them in the memory. */
  mostBytesOf(handles: Int32Array, count: number): number {
    const memory = this.#memory;
    let tupleBytes = count * memory.longestBytes;
    // One long tag of the table would stand for all of them.
    if (tupleBytes > LIKELY_BYTES_EXACT) {
      tupleBytes = 0;
      for (let row = 0; row < count; row++) tupleBytes += memory.bytesOf(handles[row]!);
    }
    return this.mostBytes(count, tupleBytes);
  }

  // ---- rows ----

  /** Makes room for so many rows. */
  grow(rows: number): void {
    const tupleOf = new Float64Array(rows);
    tupleOf.set(this.#tupleOf);
    this.#tupleOf = tupleOf;
  }

  /** Handle of this tuple, which is added to the memory when it is new. */
  handleOf(tuple: TagTupleWriter): number {
    return this.#memory.handleOf(tuple, this.#tableSeries()?.series ?? null);
  }

  /** Row `row`, the next one, has this tuple. */
  add(row: number, handle: number): void {
    this.#tupleOf[row] = this.#numberOf(handle);
    this.#follow(this.#last, handle, row === 0);
    this.#last = handle;
  }

  /** The rows from `row` on have the tuples handles[0..count) that `likelyNext` found: each already is known as the follower of the one before. */
  addLikely(row: number, handles: Int32Array, count: number): void {
    const known = this.#numbers.count;
    this.#reserveHandles(known + count);
    this.#numbers.numbersOf(handles, count, this.#tupleOf, row, this.#handles);
    if (this.#numbers.count > known) this.#countTuples(known);
    this.#last = handles[count - 1]!;
  }

  /** The `count` rows from `first` on have these tuples. Requires: `areBetterSpelled`. */
  addSpelled(first: number, tuples: SpelledTuples, count: number): void {
    const { bytes, view, ends } = tuples;
    const { series } = this.#table!;
    let hashes: Int32Array | null = null;
    for (let index = 0, start = 0; index < count; index++) {
      const end = ends[index]!;
      let handle = this.likely;
      const isLikely =
        isSeriesHandle(handle) && series.isTuple(seriesOfHandle(handle), view, start, end);
      if (!isLikely) {
        hashes ??= tuples.hashes(count);
        handle = this.#memory.handleOfHashed(hashes[index]!, bytes, view, start, end, series);
      }
      this.add(first + index, handle);
      start = end;
    }
  }

  /** The rows from `row` on have the tuples of rows[from..to) of another batch, which may have their handles elsewhere. */
  absorb(row: number, source: BatchTuples, from: number, to: number): void {
    for (let index = from, at = row; index < to; index++, at++) {
      const handle = this.#ownHandle(source, source.#handles[source.#tupleOf[index]!]!);
      this.#tupleOf[at] = this.#numberOf(handle);
      this.#last = handle;
    }
  }

  /** Forgets all rows. */
  clear(): void {
    this.#numbers.clear();
    this.#seriesHandles = 0;
    this.#newHandles = 0;
    this.#table = null;
    this.#isTableAsked = false;
    this.#bytes = 0;
    this.#newBytes = 0;
    if (this.#memory.isFull) {
      this.#memory = this.#memory.current();
      this.#last = NO_TUPLE;
    }
    this.#knownBefore = this.#memory.count;
  }

  // ---- into a section ----

  /**
   * Numbers the tuples as a section of the first `rowCount` rows, all there are, is to have them; returns each row's number. A batch that has
   * most of the tuples of its memory has them in the order of their handles, wherever in the round of its series it began: so its tag
   * columns are those of the batch before, byte by byte.
   */
  arrange(rowCount: number): Float64Array {
    const { count } = this.#numbers;
    const handles = this.#handles;
    this.#sectionHandles = handles;
    if (this.#seriesHandles > 0 || count * HANDLES_PER_TUPLE_MAX < this.#memory.count) {
      return this.#tupleOf;
    }
    let ascending = 1;
    while (ascending < count && handles[ascending]! > handles[ascending - 1]!) ascending++;
    if (ascending >= count) return this.#tupleOf;
    if (sortedHandles.length < count) {
      sortedHandles = new Int32Array(count * 2);
      placeOfNumber = new Uint32Array(count * 2);
    }
    if (sortedTupleOf.length < rowCount) sortedTupleOf = new Float64Array(rowCount * 2);
    this.#numbers.rank(this.#memory.count, sortedHandles, placeOfNumber);
    const tupleOf = this.#tupleOf;
    for (let row = 0; row < rowCount; row++) sortedTupleOf[row] = placeOfNumber[tupleOf[row]!]!;
    this.#sectionHandles = sortedHandles;
    return sortedTupleOf;
  }

  /** Writes the tag columns over the tuples, as they were arranged. */
  write(writer: ByteWriter): void {
    const { count } = this.#numbers;
    const handles = this.#sectionHandles;
    this.#tagsStart = writer.length;
    if (this.#seriesHandles === 0) this.#memory.writeTags(writer, handles, count);
    else this.#memory.writeTagsOfSeries(writer, handles, count, this.#table!.series);
    this.#tagsEnd = writer.length;
  }

  /** Tells the table what is known of the tags of the section that was written last, if whoever applies it is spared much by that. */
  announce(section: Uint8Array): void {
    const { count } = this.#numbers;
    const handles = this.#sectionHandles;
    if (this.#seriesHandles === count && count >= TAG_BLOCK_TUPLES_MIN) {
      const ids = new Uint32Array(count);
      for (let place = 0; place < count; place++) ids[place] = seriesOfHandle(handles[place]!);
      this.#table!.tagBlocks.announce(section, this.#tagsStart, this.#tagsEnd, ids);
    } else if (this.#newHandles >= PREPARED_TUPLES_MIN) {
      const table = this.#table ?? this.#memory.tableOfRows();
      const tuples = new WrittenTuples(this.#memory, handles.slice(0, count));
      table?.tagBlocks.announceWritten(section, this.#tagsStart, this.#tagsEnd, tuples);
    }
  }

  // ---- inside ----

  #tableSeries(): TableSeries | null {
    if (!this.#isTableAsked) {
      this.#isTableAsked = true;
      this.#table = this.#memory.seriesOfTable();
    }
    return this.#table;
  }

  /** There is such a series now: one that was met long ago may be forgotten. */
  #isSeries(handle: number): boolean {
    const series = this.#tableSeries()?.series ?? null;
    const id = seriesOfHandle(handle);
    return series !== null && id < series.count && !series.isVacant(id);
  }

  #seriesAfter(handle: number): number {
    if (!this.#isSeries(handle)) return NO_TUPLE;
    const id = this.#table!.series.follower(seriesOfHandle(handle));
    return id === -1 ? NO_TUPLE : handleOfSeries(id);
  }

  #follow(last: number, handle: number, isWeak: boolean): void {
    if (last === NO_TUPLE) return;
    if (!isSeriesHandle(last)) this.#memory.follow(last, handle, isWeak);
    else if (isSeriesHandle(handle) && this.#isSeries(last)) {
      this.#table!.series.follow(seriesOfHandle(last), seriesOfHandle(handle), isWeak);
    }
  }

  /** What this batch calls a tuple of another one. */
  #ownHandle(source: BatchTuples, handle: number): number {
    const table = this.#tableSeries();
    const isSame = isSeriesHandle(handle)
      ? table !== null && table === source.#table
      : source.#memory === this.#memory;
    if (isSame) return handle;
    const bytes = source.bytesOf(handle);
    const view = viewOf(bytes);
    const start = source.startOf(handle);
    const end = start + source.#lengthOf(handle);
    const hash = hashBytes(view, start, end);
    return this.#memory.handleOfHashed(hash, bytes, view, start, end, table?.series ?? null);
  }

  #lengthOf(handle: number): number {
    if (!isSeriesHandle(handle)) return this.#memory.bytesOf(handle);
    return this.#table!.series.tupleLength(seriesOfHandle(handle));
  }

  #numberOf(handle: number): number {
    const known = this.#numbers.count;
    const number = this.#numbers.numberOf(handle);
    if (number === known) this.#countTuple(number, handle);
    return number;
  }

  #countTuple(number: number, handle: number): void {
    this.#reserveHandles(number + 1);
    this.#handles[number] = handle;
    const bytes = this.#tagCount * TUPLE_CELL_BYTES + this.#lengthOf(handle);
    this.#bytes += bytes;
    if (isSeriesHandle(handle)) {
      this.#seriesHandles += 1;
      this.#newBytes += bytes;
    } else if (handle >= this.#knownBefore) {
      this.#newHandles += 1;
      this.#newBytes += bytes;
    }
  }

  /** The tuples from number `first` on are new in the batch; they are in `#handles`, and all of them in the memory. */
  #countTuples(first: number): void {
    const cellBytes = this.#tagCount * TUPLE_CELL_BYTES;
    const memory = this.#memory;
    const before = this.#knownBefore;
    const handles = this.#handles;
    const { count } = this.#numbers;
    let newHandles = 0;
    let bytes = 0;
    let newBytes = 0;
    for (let number = first; number < count; number++) {
      const handle = handles[number]!;
      const ofTuple = cellBytes + memory.bytesOf(handle);
      bytes += ofTuple;
      if (handle < before) continue;
      newHandles += 1;
      newBytes += ofTuple;
    }
    this.#bytes += bytes;
    this.#newHandles += newHandles;
    this.#newBytes += newBytes;
  }

  #reserveHandles(count: number): void {
    if (count <= this.#handles.length) return;
    const handles = new Int32Array(Math.max(count, this.#handles.length * 2));
    handles.set(this.#handles);
    this.#handles = handles;
  }
}
