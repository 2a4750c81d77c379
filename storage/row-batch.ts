/**
 * Rows under construction, column by column: what the INSERT scanner and prepared statements write into, and what becomes a
 * section of a record.
 *
 * The hot path allocates nothing: numbers go straight into typed arrays, text fields into one arena a column, tag cells into the
 * row's tag tuple, which is looked up by its bytes when the row ends, in a memory that outlives the batch (tuple-memory.ts) or among the
 * series of the table. A caller that knows the tuple already names it by its handle (tuple-handle.ts). So a batch of 100 hosts and 10,000 rows carries every tag once and
 * a byte a row.
 */

import assert from 'node:assert';
import { CellLanes } from './cell-lanes.js';
import { ColumnBuilder } from './column-builder.js';
import { columnKind, rowColumnsOf } from './column-kind.js';
import { Renumbering } from './renumbering.js';
import {
  SECTION_ROWS_MAX,
  type RowsKind,
  type SectionRows,
  type SectionShape,
  sectionShape,
} from './rows-section.js';
import {
  ColumnRole,
  ColumnType,
  type SchemaId,
  type StoredColumn,
  type TableSchema,
} from './table-schema.js';
import { PREPARED_TUPLES_MIN } from './series-preparation.js';
import { TAG_BLOCK_TUPLES_MIN } from './tag-block-cache.js';
import { TagTupleWriter } from './tag-tuple.js';
import { handleOfSeries, isSeriesHandle, NO_TUPLE, seriesOfHandle } from './tuple-handle.js';
import { type TableSeries, TupleMemory } from './tuple-memory.js';
import type { UnjoinedBytes } from './unjoined-bytes.js';
import { encodeRowsSection, unjoinedRowsSection } from './write-body.js';
import { schemaIdOf } from './schema-body.js';
import { WrittenTuples } from './written-tuples.js';

const INITIAL_ROWS = 64;
const TWO_32 = 2 ** 32;
const TUPLE_CELL_BYTES = 9;
/** Section header, counts, and what each column adds once: form, codec and base. */
const FIXED_BYTES = 64;
const COLUMN_FIXED_BYTES = 32;
/** Tuples that may be longer than this together are counted one by one. */
const LIKELY_BYTES_EXACT = 64 * 1024;

/** Sorting the handles of a batch looks at all of its memory, so it must have a good part of them. */
const HANDLES_PER_TUPLE_MAX = 4;

// Filled and encoded in one synchronous step, so all batches can share it.
let sortedHandles = new Int32Array(1024);
let placeOfNumber = new Uint32Array(1024);
let sortedTupleOf = new Float64Array(8192);

/** Fewer cells are copied one by one: a call of the typed array's own costs more. */
const COPIED_MIN = 96;

/** Instead of an offset. */
const GuessAt = { start: -1, none: -2 } as const;

/** What a section of one kind is made of. */
interface SectionPlan {
  readonly shape: SectionShape;
  /** Of the shape's columns. */
  readonly builders: readonly ColumnBuilder[];
}

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

/** Of all batches: no two states of lanes with a gap have the same version. */
let splitsSoFar = 0;

export class RowBatch {
  readonly schema: TableSchema;
  readonly schemaId: SchemaId;
  /** Rows ended. */
  rowCount = 0;

  readonly #columns: readonly StoredColumn[];
  /** By schema column; null for tags. */
  readonly #builders: readonly (ColumnBuilder | null)[];
  readonly #fieldBuilders: readonly ColumnBuilder[];
  /** Of these, those of text and blobs. */
  readonly #bytesBuilders: readonly ColumnBuilder[];
  readonly #lanes: CellLanes;
  /** First lane of each of `#fieldBuilders`. */
  readonly #firstLanes: readonly number[];
  readonly #plans: { [kind in RowsKind]?: SectionPlan } = {};
  /** So many columns are tags: the first. */
  readonly tagCount: number;
  readonly #rowBytes: number;
  readonly #fixedBytes: number;
  #tuples: TupleMemory;
  /** Handles of the batch's distinct tuples, numbered in order of appearance. */
  readonly #numbers = new Renumbering();
  #handles = new Int32Array(16);
  /** So many of them are of series. */
  #seriesHandles = 0;
  /** So many of them are of tuples that the memory did not have when the batch began. */
  #newHandles = 0;
  /** Of the table, asked for once a batch: `#isTableAsked`. Not kept between batches. */
  #table: TableSeries | null = null;
  #isTableAsked = false;
  #tupleBytes = 0;
  /** Of these, bytes of tuples that the memory did not have when the batch began: those of series are not in it. */
  #newTupleBytes = 0;
  #tuplesBefore = 0;
  /** Each row's tuple, by its number. */
  #tupleOf = new Float64Array(INITIAL_ROWS);
  #capacity = INITIAL_ROWS;
  #lanesVersion: number = INITIAL_ROWS;
  #dataBytes = 0;
  /** What `likelyTuples` found last. */
  #likelyBytes = 0;
  /** Where in the section that was encoded last its tags are. */
  #tagsStart = 0;
  #tagsEnd = 0;
  /** Its tuples. */
  #sectionHandles: Int32Array = this.#handles;

  /** Handle of the last ended row's tuple. */
  #lastTuple = NO_TUPLE;
  /** The tuple of the row under construction when it was named by its handle, else NO_TUPLE. */
  #named = NO_TUPLE;
  /**
   * Writers repeat themselves: the tuple that last came after the last row's tuple is tried first. While each cell is
   * equal to the guess's nothing is copied or hashed, and this is where the guess's next cell starts.
   */
  #guessAt: number = GuessAt.start;
  #guess = NO_TUPLE;
  /** What the guess's bytes lie in, and where they begin. */
  #guessBytes: Uint8Array = new Uint8Array(0);
  #guessStart = 0;
  /** The tuple of the row under construction, complete up to tag `#nextTag` when no guess is followed. */
  readonly #tuple = new TagTupleWriter();
  #nextTag = 0;
  /** Cells that came before their turn, each as a tuple of one. Null until that happens. */
  #early: (TagTupleWriter | null)[] | null = null;

  /** `tuples` may be shared with other batches of this schema. */
  constructor(schema: TableSchema, tuples: TupleMemory | null = null) {
    this.schema = schema;
    this.schemaId = schemaIdOf(schema);
    this.#columns = schema.columns;
    this.#builders = schema.columns.map((column) =>
      column.role === ColumnRole.tag ? null : new ColumnBuilder(column, INITIAL_ROWS),
    );
    this.#fieldBuilders = this.#builders.filter((builder) => builder !== null);
    this.#bytesBuilders = this.#fieldBuilders.filter(({ kind }) => kind === 'bytes');
    let laneCount = 0;
    this.#firstLanes = this.#fieldBuilders.map((builder) => {
      const first = laneCount;
      laneCount += builder.laneCount;
      return first;
    });
    this.#lanes = new CellLanes(laneCount, INITIAL_ROWS);
    this.#useLanes();
    this.tagCount = schema.columns.length - this.#fieldBuilders.length;
    this.#tuples = tuples?.current() ?? new TupleMemory(this.tagCount);
    this.#tuplesBefore = this.#tuples.count;
    this.#fixedBytes = FIXED_BYTES + schema.columns.length * COLUMN_FIXED_BYTES;
    const firstTags = schema.columns.slice(0, this.tagCount);
    assert(
      firstTags.every((column) => column.role === ColumnRole.tag),
      'tags come first in a schema',
    );
    this.#rowBytes = rowColumnsOf(schema).reduce((sum, column) => sum + cellBytes(column), 4);
  }

  /** BOOLEAN, integers up to 53 bits, floats, days of a DATE. */
  setNumber(column: number, value: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) builder.setNumber(this.rowCount, value);
    else this.#tagCell(column).numberCell(value);
  }

  /** A 64-bit integer as two halves: high * 2^32 + (low >>> 0). */
  setInteger64(column: number, high: number, low: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) {
      const wasSplit = builder.isSplit;
      builder.setHalves(this.rowCount, high, low);
      if (builder.isSplit !== wasSplit) this.#noteLanes();
      return;
    }
    const isUnsigned = this.#columns[column]!.type === ColumnType.uint64;
    const upper = isUnsigned ? high >>> 0 : high | 0;
    const value = upper * TWO_32 + (low >>> 0);
    if (Number.isSafeInteger(value)) this.#tagCell(column).numberCell(value);
    else this.#tagCell(column).textCell(String(BigInt(upper) * 2n ** 32n + BigInt(low >>> 0)));
  }

  /** Seconds since the epoch, rounded down, and the rest in the column's units: 0 <= fraction < 10^precision. */
  setTime(column: number, seconds: number, fraction: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) {
      builder.values[this.rowCount] = seconds;
      builder.fractions[this.rowCount] = fraction;
      return;
    }
    const unit = 10 ** this.#columns[column]!.precision;
    const value = seconds * unit + fraction;
    if (Number.isSafeInteger(value)) this.#tagCell(column).numberCell(value);
    else this.#tagCell(column).textCell(String(BigInt(seconds) * BigInt(unit) + BigInt(fraction)));
  }

  /** Text and blob: copies `source[start..end)`. */
  setBytes(column: number, source: Uint8Array, start: number, end: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) {
      builder.setBytes(this.rowCount, source, start, end);
      this.#dataBytes += end - start;
    } else if (column !== this.#nextTag || !this.#isGuessed(source, start, end)) {
      this.#tagCell(column).bytesCell(source, start, end);
    }
  }

  /** Whether `addBytes` may be called for a column: tags are compared as a whole. */
  takesPieces(column: number): boolean {
    return this.#builders[column] !== null;
  }

  /** More bytes of the cell that `setBytes` began in the row under construction. */
  addBytes(column: number, source: Uint8Array, start: number, end: number): void {
    this.#builders[column]!.addBytes(this.rowCount, source, start, end);
    this.#dataBytes += end - start;
  }

  setNull(column: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) builder.setNull(this.rowCount);
    else this.#tagCell(column).nullCell();
  }

  /** All number cells: that of the row under construction is cells[laneStart(column) + rowCount]. */
  get cells(): Float64Array {
    return this.#lanes.cells;
  }

  /**
   * Where a column's lane begins in `cells`, -1 for a column that has none, or none now: writing a double there is `setNumber`. Good
   * while `lanesVersion` stays as it is.
   */
  laneStart(column: number): number {
    const builder = this.#builders[column] ?? null;
    if (
      builder === null ||
      builder.isSplit ||
      builder.kind === 'bytes' ||
      builder.kind === 'time'
    ) {
      return -1;
    }
    return this.#lanes.start(this.#firstLanes[this.#fieldBuilders.indexOf(builder)]!);
  }

  /**
   * Another number when lanes have moved, or a column has got or lost its lane: as long as all have theirs, the capacity, which is the same
   * in another batch whose lanes lie in the same places.
   */
  get lanesVersion(): number {
    return this.#lanesVersion;
  }

  /** Where the batch's tuples have their handles, those of series apart. Another one after `clear` once it is full. */
  get tuples(): TupleMemory {
    return this.#tuples;
  }

  /** Handle of the tuple that the next row is likely to have, NO_TUPLE when nothing is known. */
  get likelyTuple(): number {
    const last = this.#lastTuple;
    if (last === NO_TUPLE) return NO_TUPLE;
    if (isSeriesHandle(last)) return this.#seriesAfter(last);
    const likely = this.#tuples.follower(last);
    return isSeriesHandle(likely) && !this.#isSeries(likely) ? NO_TUPLE : likely;
  }

  /** Handle of the last ended row's tuple; NO_TUPLE when it is not known any more. */
  get lastTuple(): number {
    return this.#lastTuple;
  }

  /**
   * The last ended row's tuple is of the memory and may be asked for by its handle again: not when it came up just now in a table of very many
   * series, where the others come first.
   */
  get mayRepeat(): boolean {
    const last = this.#lastTuple;
    return last >= 0 && (last < this.#tuplesBefore || this.#table === null);
  }

  /** What the tuple of a likely series lies in, from `seriesStart` on, when all its cells stand in a text as they are; else null. */
  plainSeries(handle: number): DataView | null {
    const { series } = this.#table!;
    const id = seriesOfHandle(handle);
    return series.isPlain(id) ? series.tupleView(id) : null;
  }

  seriesStart(handle: number): number {
    return this.#table!.series.tupleStart(seriesOfHandle(handle));
  }

  /** All tags of the row under construction at once, instead of a call for each: a handle in `tuples`, or the one that was likely. */
  setTuple(handle: number): void {
    this.#named = handle;
  }

  /**
   * Into `handles` goes which tuples the next rows are likely to have, one after another; returns how many: at most `count`, as many as there
   * is room for where the lanes are, and none from the first on that is of a series.
   */
  likelyTuples(handles: Int32Array, count: number): number {
    const most = Math.min(count, this.#capacity - this.rowCount);
    const found = this.#tuples.followersOf(this.#lastTuple, handles, most);
    const tuples = this.#tuples;
    let tupleBytes = found * tuples.longestBytes;
    // One long tag of the table would stand for all of them.
    if (tupleBytes > LIKELY_BYTES_EXACT) {
      tupleBytes = 0;
      for (let row = 0; row < found; row++) tupleBytes += tuples.bytesOf(handles[row]!);
    }
    this.#likelyBytes = found * (this.#rowBytes + this.tagCount * TUPLE_CELL_BYTES) + tupleBytes;
    return found;
  }

  /** By at most so much does `approximateBytes` grow with the rows that `likelyTuples`, or `roomForSpelled`, found last. */
  get likelyBytes(): number {
    return this.#likelyBytes;
  }

  /** The column's cells of the next `count` rows, from values[from] on. Requires: it has a lane, and there is room in it. */
  setNumbers(column: number, values: Float64Array, from: number, count: number): void {
    copyCells(values, from, count, this.#builders[column]!.values, this.rowCount);
  }

  /** Times of the next `count` rows: seconds[from] on, all with the same fraction. Requires: the column is no tag, and there is room. */
  setTimes(
    column: number,
    seconds: Float64Array,
    from: number,
    count: number,
    fraction: number,
  ): void {
    const { values, fractions } = this.#builders[column]!;
    copyCells(seconds, from, count, values, this.rowCount);
    fractions.fill(fraction, this.rowCount, this.rowCount + count);
  }

  /** Ends `count` rows, whose tuples are those that `likelyTuples` found: so each already is known as the follower of the one before. */
  endRows(handles: Int32Array, count: number): void {
    const known = this.#numbers.count;
    this.#reserveHandles(known + count);
    this.#numbers.numbersOf(handles, count, this.#tupleOf, this.rowCount, this.#handles);
    if (this.#numbers.count > known) this.#addTuples(known);
    this.#lastTuple = handles[count - 1]!;
    this.rowCount += count;
    if (this.rowCount === this.#capacity) this.#grow();
  }

  /**
   * The table has more series than are remembered by their texts, and the next row's is likely to be one of them or to be as new, or nothing is known
   * of it: then `endSpelledRows` is the way.
   */
  get takesSpelled(): boolean {
    if (this.#tableSeries() === null) return false;
    const likely = this.likelyTuple;
    return likely <= NO_TUPLE || likely >= this.#tuplesBefore;
  }

  /** How many of the next `count` rows there is room for where the lanes are; `likelyBytes` is then for them, if their tuples have so many bytes together. */
  roomForSpelled(count: number, tupleBytes: number): number {
    const rows = Math.min(count, this.#capacity - this.rowCount);
    this.#likelyBytes = rows * (this.#rowBytes + this.tagCount * TUPLE_CELL_BYTES) + tupleBytes;
    return rows;
  }

  /** Ends `count` rows with these tuples. Requires: `takesSpelled`. */
  endSpelledRows(tuples: SpelledTuples, count: number): void {
    const { bytes, view, ends } = tuples;
    const { series } = this.#table!;
    let hashes: Int32Array | null = null;
    for (let row = 0, start = 0; row < count; row++) {
      const end = ends[row]!;
      let handle = this.likelyTuple;
      const isLikely =
        isSeriesHandle(handle) && series.isTuple(seriesOfHandle(handle), view, start, end);
      if (!isLikely) {
        hashes ??= tuples.hashes(count);
        handle = this.#tuples.handleOfHashed(hashes[row]!, bytes, view, start, end, series);
      }
      this.#endRowOf(handle);
      start = end;
    }
  }

  endRow(): void {
    let handle = this.#named;
    if (handle === NO_TUPLE) handle = this.#findTuple();
    else this.#named = NO_TUPLE;
    this.#endRowOf(handle);
  }

  #endRowOf(handle: number): void {
    const known = this.#numbers.count;
    const number = this.#numbers.numberOf(handle);
    if (number === known) this.#addTuple(number, handle);
    this.#tupleOf[this.rowCount] = number;
    this.#follow(this.#lastTuple, handle, this.rowCount === 0);
    this.#lastTuple = handle;
    this.rowCount++;
    if (this.rowCount === this.#capacity) this.#grow();
  }

  /** Adds rows[from..to) of a batch of the same schema, whose tuples may have their handles elsewhere. Requires: no row is under construction. */
  absorb(source: RowBatch, from: number, to: number): void {
    while (this.#capacity <= this.rowCount + to - from) this.#grow();
    for (let index = 0; index < this.#fieldBuilders.length; index++) {
      const builder = this.#fieldBuilders[index]!;
      const { dataLength } = builder;
      builder.copyRows(this.rowCount, source.#fieldBuilders[index]!, from, to);
      this.#dataBytes += builder.dataLength - dataLength;
    }
    this.#noteLanes();
    for (let row = from; row < to; row++) {
      const handle = this.#ownHandle(source, source.#handles[source.#tupleOf[row]!]!);
      const known = this.#numbers.count;
      const number = this.#numbers.numberOf(handle);
      if (number === known) this.#addTuple(number, handle);
      this.#tupleOf[this.rowCount] = number;
      this.#lastTuple = handle;
      this.rowCount++;
    }
  }

  /** What this batch calls a tuple of another one. */
  #ownHandle(source: RowBatch, handle: number): number {
    const table = this.#tableSeries();
    const isSame = isSeriesHandle(handle)
      ? table !== null && table === source.#table
      : source.#tuples === this.#tuples;
    if (isSame) return handle;
    const tuple = this.#tuple;
    if (isSeriesHandle(handle)) {
      const { series } = source.#table!;
      const id = seriesOfHandle(handle);
      const start = series.tupleStart(id);
      tuple.rawCell(series.tupleBytes(id), start, start + series.tupleLength(id));
    } else {
      const start = source.#tuples.start(handle);
      tuple.rawCell(source.#tuples.data, start, start + source.#tuples.bytesOf(handle));
    }
    const own = this.#tuples.handleOf(tuple, table?.series ?? null);
    tuple.length = 0;
    return own;
  }

  /** Forgets the cells set since the last `endRow`. */
  abandonRow(): void {
    for (const builder of this.#fieldBuilders) builder.abandon(this.rowCount);
    this.#forgetTuple();
  }

  /** Distinct series of its rows. */
  get seriesCount(): number {
    return this.#numbers.count;
  }

  /** An upper bound of what `encodeSection` returns, in bytes. */
  get approximateBytes(): number {
    return this.#fixedBytes + this.rowCount * this.#rowBytes + this.#dataBytes + this.#tupleBytes;
  }

  /**
   * As `approximateBytes`, but without the tuples that its memory had before: a measure of the work of encoding. All hosts of a writer
   * in one section give tag columns that are remembered whole (tag-block-cache.ts); cut in two, they are new ones each time.
   */
  get newBytes(): number {
    return this.approximateBytes - this.#tupleBytes + this.#newTupleBytes;
  }

  /** Memory held, in bytes, the tuple memory apart. */
  get sizeBytes(): number {
    let size = this.#capacity * (this.#rowBytes + 8);
    size += this.#numbers.sizeBytes + this.#handles.length * Int32Array.BYTES_PER_ELEMENT;
    for (const { data } of this.#bytesBuilders) size += data.length;
    return size;
  }

  /** All rows as a 'rows' section. */
  encodeSection(): Uint8Array {
    return this.#encode('rows');
  }

  /** The same, with long values left where they are: the batch must not change until the section is put together. */
  encodeUnjoined(): UnjoinedBytes {
    this.#checkRowCount();
    const { shape, builders } = this.#planOf('rows');
    const section = unjoinedRowsSection(this.schemaId, shape, this.#sectionRows(builders));
    this.#announceTags(section.written);
    return section;
  }

  /** The keys (tags and time) of all rows as a 'key deletes' section. */
  encodeKeySection(): Uint8Array {
    return this.#encode('key-deletes');
  }

  /** Forgets all rows, and the cells set since the last `endRow`; buffers are kept. */
  clear(): void {
    for (const builder of this.#fieldBuilders) builder.clear();
    // No column is in halves any more.
    this.#lanesVersion = this.#capacity;
    this.#forgetTuple();
    this.#numbers.clear();
    this.#seriesHandles = 0;
    this.#newHandles = 0;
    this.#table = null;
    this.#isTableAsked = false;
    this.#tupleBytes = 0;
    this.#newTupleBytes = 0;
    this.rowCount = 0;
    this.#dataBytes = 0;
    if (this.#tuples.isFull) {
      this.#tuples = this.#tuples.current();
      this.#lastTuple = NO_TUPLE;
    }
    this.#tuplesBefore = this.#tuples.count;
  }

  #checkRowCount(): void {
    assert(
      this.rowCount > 0 && this.rowCount <= SECTION_ROWS_MAX,
      'a section has rows, not too many',
    );
  }

  #encode(kind: RowsKind): Uint8Array {
    this.#checkRowCount();
    const { shape, builders } = this.#planOf(kind);
    const section = encodeRowsSection(this.schemaId, shape, this.#sectionRows(builders));
    this.#announceTags(section);
    return section;
  }

  #sectionRows(builders: readonly ColumnBuilder[]): SectionRows {
    const tupleCount = this.#numbers.count;
    const { handles, tupleOf } = this.#canonicalTuples();
    this.#sectionHandles = handles;
    return {
      rowCount: this.rowCount,
      tupleCount,
      writeTags: (writer) => {
        this.#tagsStart = writer.length;
        if (this.#seriesHandles === 0) this.#tuples.writeTags(writer, handles, tupleCount);
        else {
          const { series } = this.#table!;
          this.#tuples.writeTagsOfSeries(writer, handles, tupleCount, series);
        }
        this.#tagsEnd = writer.length;
      },
      tupleOf,
      column: (index) => builders[index]!.column(this.rowCount),
    };
  }

  /** Tells the table what is known of the tags of the section that was encoded last, if whoever applies it is spared much by that. */
  #announceTags(section: Uint8Array): void {
    const count = this.#numbers.count;
    const handles = this.#sectionHandles;
    if (this.#seriesHandles === count && count >= TAG_BLOCK_TUPLES_MIN) {
      const ids = new Uint32Array(count);
      for (let place = 0; place < count; place++) ids[place] = seriesOfHandle(handles[place]!);
      this.#table!.tagBlocks.announce(section, this.#tagsStart, this.#tagsEnd, ids);
    } else if (this.#newHandles >= PREPARED_TUPLES_MIN) {
      const table = this.#table ?? this.#tuples.tableOfRows();
      const tuples = new WrittenTuples(this.#tuples, handles.slice(0, count));
      table?.tagBlocks.announceWritten(section, this.#tagsStart, this.#tagsEnd, tuples);
    }
  }

  #planOf(kind: RowsKind): SectionPlan {
    const known = this.#plans[kind];
    if (known !== undefined) return known;
    const shape = sectionShape(this.schema, kind);
    const builders = shape.columns.map((column) => this.#builders[this.#columns.indexOf(column)]!);
    const plan = { shape, builders };
    this.#plans[kind] = plan;
    return plan;
  }

  /**
   * The batch's tuples and each row's number among them. A batch that has most of the tuples of its memory has them in the order of their
   * handles, wherever in the round of its series it began: so its tag columns are those of the batch before, byte by byte.
   */
  #canonicalTuples(): { handles: Int32Array; tupleOf: Float64Array } {
    const count = this.#numbers.count;
    const unchanged = { handles: this.#handles, tupleOf: this.#tupleOf };
    if (this.#seriesHandles > 0 || count * HANDLES_PER_TUPLE_MAX < this.#tuples.count)
      return unchanged;
    let ascending = 1;
    while (ascending < count && this.#handles[ascending]! > this.#handles[ascending - 1]!) {
      ascending++;
    }
    if (ascending >= count) return unchanged;
    if (sortedHandles.length < count) {
      sortedHandles = new Int32Array(count * 2);
      placeOfNumber = new Uint32Array(count * 2);
    }
    if (sortedTupleOf.length < this.rowCount) sortedTupleOf = new Float64Array(this.rowCount * 2);
    this.#numbers.rank(this.#tuples.count, sortedHandles, placeOfNumber);
    for (let row = 0; row < this.rowCount; row++) {
      sortedTupleOf[row] = placeOfNumber[this.#tupleOf[row]!]!;
    }
    return { handles: sortedHandles, tupleOf: sortedTupleOf };
  }

  /** Where the cell of this tag goes: the tuple itself when it is this tag's turn, else a place to wait. */
  #tagCell(column: number): TagTupleWriter {
    this.#giveUpGuess();
    if (column === this.#nextTag) {
      this.#nextTag++;
      return this.#tuple;
    }
    this.#early ??= Array.from({ length: this.tagCount }, () => null);
    const early = (this.#early[column] ??= new TagTupleWriter());
    early.clear();
    return early;
  }

  /** Compares the next cell with the guess's, and takes it when it is equal. */
  #isGuessed(source: Uint8Array, start: number, end: number): boolean {
    if (this.#guessAt === GuessAt.start) this.#beginGuess();
    const at = this.#guessAt;
    const length = end - start;
    // A longer cell has a longer length field: not worth guessing.
    if (at < 0 || length >= 0x7f) return false;
    const bytes = this.#guessBytes;
    if (bytes[at] !== length + 1) return false;
    for (let from = start, to = at + 1; from < end; from++, to++) {
      if (source[from] !== bytes[to]) return false;
    }
    this.#guessAt = at + length + 1;
    this.#nextTag++;
    return true;
  }

  #beginGuess(): void {
    const guess = this.likelyTuple;
    this.#guess = guess;
    if (guess === NO_TUPLE) {
      this.#guessAt = GuessAt.none;
      return;
    }
    if (isSeriesHandle(guess)) {
      const { series } = this.#table!;
      const id = seriesOfHandle(guess);
      this.#guessBytes = series.tupleBytes(id);
      this.#guessStart = series.tupleStart(id);
    } else {
      this.#guessBytes = this.#tuples.data;
      this.#guessStart = this.#tuples.start(guess);
    }
    this.#guessAt = this.#guessStart;
  }

  /** The cells that were equal become the tuple's own. */
  #giveUpGuess(): void {
    if (this.#guessAt >= 0) {
      this.#tuple.rawCell(this.#guessBytes, this.#guessStart, this.#guessAt);
    }
    this.#guessAt = GuessAt.none;
  }

  #findTuple(): number {
    let handle = this.#guess;
    if (this.#guessAt < 0 || this.#nextTag < this.tagCount) {
      const tuple = this.#tuple;
      this.#giveUpGuess();
      this.#appendEarly();
      handle = this.#tuples.handleOf(tuple, this.#tableSeries()?.series ?? null);
      tuple.length = 0;
    }
    this.#nextTag = 0;
    this.#guessAt = GuessAt.start;
    return handle;
  }

  #tableSeries(): TableSeries | null {
    if (!this.#isTableAsked) {
      this.#isTableAsked = true;
      this.#table = this.#tuples.seriesOfTable();
    }
    return this.#table;
  }

  /** There is such a series now. */
  #isSeries(handle: number): boolean {
    const table = this.#tableSeries();
    return table !== null && seriesOfHandle(handle) < table.series.count;
  }

  #seriesAfter(handle: number): number {
    if (!this.#isSeries(handle)) return NO_TUPLE;
    const id = this.#table!.series.follower(seriesOfHandle(handle));
    return id === -1 ? NO_TUPLE : handleOfSeries(id);
  }

  #follow(last: number, handle: number, isWeak: boolean): void {
    if (last === NO_TUPLE) return;
    if (!isSeriesHandle(last)) this.#tuples.follow(last, handle, isWeak);
    else if (isSeriesHandle(handle) && this.#isSeries(last)) {
      this.#table!.series.follow(seriesOfHandle(last), seriesOfHandle(handle), isWeak);
    }
  }

  #appendEarly(): void {
    for (; this.#nextTag < this.tagCount; this.#nextTag++) {
      const early = this.#early?.[this.#nextTag] ?? null;
      assert(early !== null && early.length > 0, 'every tag of a row is set');
      this.#tuple.rawCell(early.bytes, 0, early.length);
      early.clear();
    }
  }

  /** The tuples from number `first` on are new in the batch; they are in `#handles`, and all of them in the memory. */
  #addTuples(first: number): void {
    const cellBytes = this.tagCount * TUPLE_CELL_BYTES;
    const tuples = this.#tuples;
    const before = this.#tuplesBefore;
    const handles = this.#handles;
    const { count } = this.#numbers;
    let newHandles = 0;
    let bytes = 0;
    let newBytes = 0;
    for (let number = first; number < count; number++) {
      const handle = handles[number]!;
      const ofTuple = cellBytes + tuples.bytesOf(handle);
      bytes += ofTuple;
      if (handle < before) continue;
      newHandles += 1;
      newBytes += ofTuple;
    }
    this.#tupleBytes += bytes;
    this.#newHandles += newHandles;
    this.#newTupleBytes += newBytes;
  }

  #reserveHandles(count: number): void {
    if (count <= this.#handles.length) return;
    const handles = new Int32Array(Math.max(count, this.#handles.length * 2));
    handles.set(this.#handles);
    this.#handles = handles;
  }

  #addTuple(number: number, handle: number): void {
    this.#reserveHandles(number + 1);
    this.#handles[number] = handle;
    const isSeries = isSeriesHandle(handle);
    let bytes = this.tagCount * TUPLE_CELL_BYTES;
    if (isSeries) {
      this.#seriesHandles += 1;
      bytes += this.#table!.series.tupleLength(seriesOfHandle(handle));
    } else bytes += this.#tuples.bytesOf(handle);
    this.#tupleBytes += bytes;
    if (isSeries) this.#newTupleBytes += bytes;
    else if (handle >= this.#tuplesBefore) {
      this.#newHandles += 1;
      this.#newTupleBytes += bytes;
    }
  }

  #forgetTuple(): void {
    this.#named = NO_TUPLE;
    this.#guessAt = GuessAt.start;
    this.#tuple.clear();
    this.#nextTag = 0;
    for (const early of this.#early ?? []) early?.clear();
  }

  #useLanes(): void {
    this.#fieldBuilders.forEach((builder, index) => {
      builder.useLanes(this.#lanes, this.#firstLanes[index]!);
    });
    this.#noteLanes();
  }

  #noteLanes(): void {
    let isAnySplit = false;
    for (const { isSplit } of this.#fieldBuilders) isAnySplit ||= isSplit;
    if (isAnySplit) splitsSoFar += 1;
    this.#lanesVersion = isAnySplit ? -splitsSoFar : this.#capacity;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#lanes.grow(this.#capacity, this.rowCount);
    this.#useLanes();
    for (const builder of this.#fieldBuilders) builder.grow(this.#capacity);
    const tupleOf = new Float64Array(this.#capacity);
    tupleOf.set(this.#tupleOf);
    this.#tupleOf = tupleOf;
  }
}

function copyCells(
  source: Float64Array,
  from: number,
  count: number,
  cells: Float64Array,
  at: number,
): void {
  if (count >= COPIED_MIN) cells.set(source.subarray(from, from + count), at);
  else for (let index = 0; index < count; index++) cells[at + index] = source[from + index]!;
}

/** Most bytes that a cell of this column takes in a section, the bytes of strings apart; the NULL bit is rounded up into it. */
function cellBytes(column: StoredColumn): number {
  const kind = columnKind(column.type);
  return kind === 'time' ? 17 : 9;
}
