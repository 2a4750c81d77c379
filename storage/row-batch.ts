/**
 * Rows under construction, column by column: what the INSERT scanner and prepared statements write into, and what becomes a
 * section of a record.
 *
 * The hot path allocates nothing: numbers go straight into typed arrays, text fields into one arena a column. Tags are no columns here: those of
 * the row under construction become its tuple (row-tuple.ts), and of a row that has ended its tuple is noted (batch-tuples.ts).
 */

import assert from 'node:assert';
import { BatchTuples, type SpelledTuples } from './batch-tuples.js';
import { CellLanes } from './cell-lanes.js';
import { ColumnBuilder } from './column-builder.js';
import { columnKind, rowColumnsOf } from './column-kind.js';
import { RowTuple } from './row-tuple.js';
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
import type { TupleMemory } from './tuple-memory.js';
import type { UnjoinedBytes } from './unjoined-bytes.js';
import { encodeRowsSection, unjoinedRowsSection } from './write-body.js';
import { schemaIdOf } from './schema-body.js';

const INITIAL_ROWS = 64;
const TWO_32 = 2 ** 32;
/** Section header, counts, and what each column adds once: form, codec and base. */
const FIXED_BYTES = 64;
const COLUMN_FIXED_BYTES = 32;
/** Fewer cells are copied one by one: a call of the typed array's own costs more. */
const COPIED_MIN = 96;

/** What a section of one kind is made of. */
interface SectionPlan {
  readonly shape: SectionShape;
  /** Of the shape's columns. */
  readonly builders: readonly ColumnBuilder[];
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
  /** Of the rows that ended. */
  readonly #tuples: BatchTuples;
  /** Of the row under construction. */
  readonly #tuple: RowTuple;
  #capacity = INITIAL_ROWS;
  #lanesVersion: number = INITIAL_ROWS;
  #dataBytes = 0;
  /** What `likelyTuples` found last. */
  #likelyBytes = 0;

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
    this.#tuples = new BatchTuples(this.tagCount, tuples, INITIAL_ROWS);
    this.#tuple = new RowTuple(this.tagCount, this.#tuples);
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
    else this.#tuple.cell(column).numberCell(value);
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
    if (Number.isSafeInteger(value)) this.#tuple.cell(column).numberCell(value);
    else this.#tuple.cell(column).textCell(String(BigInt(upper) * 2n ** 32n + BigInt(low >>> 0)));
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
    if (Number.isSafeInteger(value)) this.#tuple.cell(column).numberCell(value);
    else
      this.#tuple.cell(column).textCell(String(BigInt(seconds) * BigInt(unit) + BigInt(fraction)));
  }

  /** Text and blob: copies `source[start..end)`. */
  setBytes(column: number, source: Uint8Array, start: number, end: number): void {
    const builder = this.#builders[column]!;
    if (builder !== null) {
      builder.setBytes(this.rowCount, source, start, end);
      this.#dataBytes += end - start;
    } else this.#tuple.bytesCell(column, source, start, end);
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
    else this.#tuple.cell(column).nullCell();
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
    return this.#tuples.memory;
  }

  /** Handle of the tuple that the next row is likely to have, NO_TUPLE when nothing is known. */
  get likelyTuple(): number {
    return this.#tuples.likely;
  }

  /** Handle of the last ended row's tuple; NO_TUPLE when it is not known any more. */
  get lastTuple(): number {
    return this.#tuples.last;
  }

  /** The last ended row's tuple is of the memory and may be asked for by its handle again. */
  get mayRepeat(): boolean {
    return this.#tuples.mayRepeat;
  }

  /** What the tuple of a likely series lies in, from `seriesStart` on, when all its cells stand in a text as they are; else null. */
  plainSeries(handle: number): DataView | null {
    return this.#tuples.plainSeries(handle);
  }

  seriesStart(handle: number): number {
    return this.#tuples.startOf(handle);
  }

  /** All tags of the row under construction at once, instead of a call for each: a handle in `tuples`, or the one that was likely. */
  setTuple(handle: number): void {
    this.#tuple.name(handle);
  }

  /**
   * Into `handles` goes which tuples the next rows are likely to have, one after another; returns how many: at most `count`, as many as there
   * is room for where the lanes are, and none from the first on that is of a series.
   */
  likelyTuples(handles: Int32Array, count: number): number {
    const tuples = this.#tuples;
    const found = tuples.likelyNext(handles, Math.min(count, this.#capacity - this.rowCount));
    this.#likelyBytes = found * this.#rowBytes + tuples.mostBytesOf(handles, found);
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
    this.#tuples.addLikely(this.rowCount, handles, count);
    this.#rowsEnded(count);
  }

  /** The tuples of the next rows are better spelled than named by likely handles: then `endSpelledRows` is the way. */
  get takesSpelled(): boolean {
    return this.#tuples.areBetterSpelled;
  }

  /** How many of the next `count` rows there is room for where the lanes are; `likelyBytes` is then for them, if their tuples have so many bytes together. */
  roomForSpelled(count: number, tupleBytes: number): number {
    const rows = Math.min(count, this.#capacity - this.rowCount);
    this.#likelyBytes = rows * this.#rowBytes + this.#tuples.mostBytes(rows, tupleBytes);
    return rows;
  }

  /** Ends `count` rows with these tuples. Requires: `takesSpelled`, and there is room. */
  endSpelledRows(tuples: SpelledTuples, count: number): void {
    this.#tuples.addSpelled(this.rowCount, tuples, count);
    this.#rowsEnded(count);
  }

  endRow(): void {
    this.#tuples.add(this.rowCount, this.#tuple.end());
    this.#rowsEnded(1);
  }

  #rowsEnded(count: number): void {
    this.rowCount += count;
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
    this.#tuples.absorb(this.rowCount, source.#tuples, from, to);
    this.rowCount += to - from;
  }

  /** Forgets the cells set since the last `endRow`. */
  abandonRow(): void {
    for (const builder of this.#fieldBuilders) builder.abandon(this.rowCount);
    this.#tuple.clear();
  }

  /** Distinct series of its rows. */
  get seriesCount(): number {
    return this.#tuples.count;
  }

  /** An upper bound of what `encodeSection` returns, in bytes. */
  get approximateBytes(): number {
    return this.#rowsBytes + this.#tuples.bytes;
  }

  /**
   * As `approximateBytes`, but without the tuples that its memory had before: a measure of the work of encoding. All hosts of a writer
   * in one section give tag columns that are remembered whole (tag-block-cache.ts); cut in two, they are new ones each time.
   */
  get newBytes(): number {
    return this.#rowsBytes + this.#tuples.newBytes;
  }

  get #rowsBytes(): number {
    return this.#fixedBytes + this.rowCount * this.#rowBytes + this.#dataBytes;
  }

  /** Memory held, in bytes, the tuple memory apart. */
  get sizeBytes(): number {
    let size = this.#capacity * this.#rowBytes + this.#tuples.sizeBytes;
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
    this.#tuples.announce(section.written);
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
    this.#tuple.clear();
    this.#tuples.clear();
    this.rowCount = 0;
    this.#dataBytes = 0;
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
    this.#tuples.announce(section);
    return section;
  }

  #sectionRows(builders: readonly ColumnBuilder[]): SectionRows {
    return {
      rowCount: this.rowCount,
      tupleCount: this.#tuples.count,
      tupleOf: this.#tuples.arrange(this.rowCount),
      writeTags: (writer) => {
        this.#tuples.write(writer);
      },
      column: (index) => builders[index]!.column(this.rowCount),
    };
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
    this.#tuples.grow(this.#capacity);
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
