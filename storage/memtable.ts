/**
 * Memtables: the rows of one table that are not in a run yet, and generations, which hold the memtables of all tables.
 *
 * Rows are appended in the order in which records are applied and never change, so "everything before this moment" is a row count. A
 * reader takes an epoch; a memtable that changes afterwards first notes how many rows it had (a mark), and so a view costs nothing
 * until something is written, however many tables there are.
 *
 * `suspects` are the times at which a row may share its identity with an older row anywhere in the table: a row that is
 * newer than everything of its series is none, and so ordered ingest never has to be merged. Tombstones always are. Of two rows of an
 * identity in different generations, the one in the later generation is among them.
 */

import { Chunk, type ChunkForms, type ChunkLayout } from './chunk.js';
import type { ColumnValues } from './column-codec.js';
import { IntervalSet } from './interval-set.js';
import type { MemtableMemory } from './memtable-memory.js';
import type { Pacer } from './pacer.js';
import type { RowsSectionReader, SectionShape } from './rows-section.js';
import { resolveSeries, type SeriesIds } from './series-resolver.js';
import type { TableId } from './table-schema.js';
import type { TableState } from './table-state.js';
import { baseFor, baseForUnits, unitsPerSecond } from './time-base.js';
import { type BytesVector, type DictionaryVector, VECTOR_ROWS_MAX } from './vector.js';
import { ScratchMemory, type VectorMemory } from './vector-memory.js';

const CHUNK_ROWS_MIN = 64;
const MARKS_KEPT_MAX = 64;
/** Of strings, so many are copied in the time that a value takes. */
const BYTES_PER_VALUE = 16;
/** A chunk is given back in two microseconds, in the pacer's units. */
const RELEASE_UNITS = 200;

// Applying is synchronous, so its working memory can be shared by all stores of the process.
const keyMemory = new ScratchMemory();
const valueMemory = new ScratchMemory();

/** Part of a section that goes to one chunk. */
interface Segment {
  readonly chunk: Chunk;
  readonly at: number;
  readonly from: number;
  readonly count: number;
}

/** Places of a section's columns in a layout of chunks: the same for section after section. */
interface SectionPlaces {
  readonly shape: SectionShape;
  readonly layout: ChunkLayout;
  /** By column of the shape. */
  readonly byColumn: readonly number[];
  /** In the order in which the columns come; times come first. */
  readonly inOrder: readonly number[];
  /** Columns that the section lacks. */
  readonly missing: readonly number[];
}

/** A section whose rows are being distributed to chunks. */
interface OpenSection {
  readonly reader: RowsSectionReader;
  readonly places: SectionPlaces;
  readonly times: readonly ColumnValues[];
  /** The next one to be distributed. */
  row: number;
  /** Where it goes if it fits; null = to a new one. */
  chunk: Chunk | null;
}

export class MemTable {
  readonly table: TableState;
  readonly chunks: Chunk[] = [];
  rows = 0;
  /** Offsets from the table's reference base. */
  readonly suspects = new IntervalSet();
  /** Of these, the times of tombstones: all that matters in append mode. */
  readonly tombstoneTimes = new IntervalSet();
  /** Times too far from the reference base to be compared as numbers: everything is suspect. */
  isAllSuspect = false;
  sizeBytes = 0;
  readonly #isOverlay: boolean;
  readonly #memory: MemtableMemory;
  #appendEpoch = 0;
  #places: SectionPlaces | null = null;
  /** All chunks but the newest, which alone can still grow. */
  readonly #older = { chunks: 0, sizeBytes: 0 };
  #marks: { readonly epoch: number; readonly rows: number }[] = [];

  /** `isOverlay`: a transaction's own rows on top of everything: each may replace an older one. */
  constructor(table: TableState, isOverlay: boolean, memory: MemtableMemory) {
    this.table = table;
    this.#isOverlay = isOverlay;
    this.#memory = memory;
  }

  /** Rows visible to a reader of this epoch. */
  rowsAt(epoch: number): number {
    for (const mark of this.#marks) if (mark.epoch >= epoch) return mark.rows;
    return this.rows;
  }

  /** Notes the row count for readers that must not see what comes now. `oldest` = oldest live epoch, null = no reader. */
  beforeAppend(epoch: number, oldest: number | null): void {
    if (this.#appendEpoch === epoch) return;
    if (oldest === null) {
      this.#marks = [];
    } else {
      if (this.#marks.length >= MARKS_KEPT_MAX) {
        this.#marks = this.#marks.filter((mark) => mark.epoch >= oldest);
      }
      this.#marks.push({ epoch: epoch - 1, rows: this.rows });
    }
    this.#appendEpoch = epoch;
  }

  /** Appends a section's rows (or tombstones of their keys). Row i has the ordinal `ordinal + i` in its record. */
  append(reader: RowsSectionReader, seriesOf: Uint32Array, version: number, ordinal: number): void {
    const { shape, rowCount } = reader;
    const section = this.#begin(reader, keyMemory);
    const segments: Segment[] = [];
    while (section.row < rowCount) segments.push(this.#cutNext(section));
    for (let index = 0; index < shape.timeCount; index++) {
      copyTo(segments, section.places.inOrder[index]!, section.times[index]!);
    }
    for (let index = shape.timeCount; index < shape.order.length; index++) {
      valueMemory.reset();
      copyTo(segments, section.places.inOrder[index]!, reader.nextColumn(valueMemory));
    }
    fillMissing(segments, section.places);
    for (const segment of segments) this.#finish(segment, reader, seriesOf, version, ordinal);
    this.#count(rowCount);
  }

  /**
   * The same in slices, for a memtable that nobody reads yet: yields after each the values that it has copied, at most those of a
   * column or of a full chunk. Until the end, `seriesOf` and what `memory` hands out stay as they are.
   */
  *appendInSlices(
    reader: RowsSectionReader,
    seriesOf: Uint32Array,
    version: number,
    ordinal: number,
    memory: VectorMemory,
  ): Generator<number, undefined> {
    const { shape, rowCount } = reader;
    const section = this.#begin(reader, memory);
    const { places } = section;
    const columns: ColumnValues[] = [...section.times];
    yield rowCount * shape.timeCount;
    while (columns.length < shape.order.length) {
      columns.push(reader.nextColumn(memory));
      yield rowCount;
    }
    while (section.row < rowCount) {
      const segment = this.#cutNext(section);
      for (let index = 0; index < columns.length; index++) {
        const values = columns[index]!;
        const place = places.inOrder[index]!;
        if (!isOfStrings(values)) {
          copyTo([segment], place, values);
          continue;
        }
        const { chunk, at, from, count } = segment;
        for (const bytes of chunk.copyStrings(place, at, values, from, count)) {
          yield bytes / BYTES_PER_VALUE;
        }
      }
      fillMissing([segment], places);
      this.#finish(segment, reader, seriesOf, version, ordinal);
      yield segment.count * places.layout.columns.length;
    }
    this.#count(rowCount);
  }

  /** Takes over all rows of another memtable of the table, which nobody reads and which is not used any more. */
  adopt(other: MemTable): void {
    this.chunks.push(...other.chunks);
    this.rows += other.rows;
    this.sizeBytes += other.sizeBytes;
    this.suspects.addAll(other.suspects);
    this.tombstoneTimes.addAll(other.tombstoneTimes);
    this.isAllSuspect ||= other.isAllSuspect;
  }

  /** Leaves its memory to others. Requires: nobody reads it any more, or will. */
  release(): void {
    for (const chunk of this.chunks) chunk.release();
  }

  #begin(reader: RowsSectionReader, memory: VectorMemory): OpenSection {
    const places = this.#placesOf(reader.shape);
    const times: ColumnValues[] = [];
    while (times.length < reader.shape.timeCount) times.push(reader.nextColumn(memory));
    const newest = this.chunks.at(-1) ?? null;
    const takes =
      newest !== null && newest.layout === places.layout && holds(newest, reader, places);
    return { reader, places, times, row: 0, chunk: takes ? newest : null };
  }

  #placesOf(shape: SectionShape): SectionPlaces {
    const { layout } = this.table;
    const known = this.#places;
    if (known !== null && known.shape === shape && known.layout === layout) return known;
    const byColumn = shape.columns.map((column) => layout.indexOf(column.id));
    const present = new Set(byColumn);
    const made = {
      shape,
      layout,
      byColumn,
      inOrder: shape.order.map((index) => byColumn[index]!),
      missing: layout.columns.map((_, place) => place).filter((place) => !present.has(place)),
    };
    this.#places = made;
    return made;
  }

  /** The next rows that go to one chunk: it ends where it is full, and at a time out of its base's reach. */
  #cutNext(section: OpenSection): Segment {
    const { reader, places, times, row } = section;
    const { rowCount } = reader;
    for (;;) {
      const { chunk } = section;
      let count = chunk === null ? 0 : Math.min(rowCount - row, chunk.room);
      for (let index = 0; index < times.length && count > 0; index++) {
        const place = places.inOrder[index]!;
        const { precision } = places.layout.columns[place]!;
        count = fittingRows(times[index]!, row, count, chunk!.baseOf(place), precision);
      }
      if (chunk !== null && count > 0) {
        chunk.reserve(chunk.rows + count);
        section.row = row + count;
        if (section.row < rowCount) section.chunk = null;
        return { chunk, at: chunk.rows, from: row, count };
      }
      section.chunk = this.#newChunk(section);
    }
  }

  #newChunk({ reader, places, times, row }: OpenSection): Chunk {
    const { layout, byColumn, inOrder } = places;
    const forms: ChunkForms = {
      isWide: (place) => {
        const index = byColumn.indexOf(place);
        return index !== -1 && reader.isWide(index);
      },
      baseOf: (place) => {
        const index = times.findIndex((_, time) => inOrder[time] === place);
        if (index === -1) return 0n;
        return baseAt(times[index]!, row, layout.columns[place]!.precision);
      },
    };
    const capacity = this.#capacityFor(reader.rowCount - row);
    const chunk = new Chunk(layout, forms, capacity, this.#memory);
    this.chunks.push(chunk);
    return chunk;
  }

  /** All columns of these rows are in their chunk. */
  #finish(
    segment: Segment,
    reader: RowsSectionReader,
    seriesOf: Uint32Array,
    version: number,
    ordinal: number,
  ): void {
    const { chunk, at, from, count } = segment;
    const isTombstone = reader.shape.kind === 'key-deletes';
    if (isTombstone) chunk.markTombstones(at, count);
    this.#appendKeys(segment, reader.tupleOf, seriesOf, isTombstone);
    chunk.versions.fill(version, at, at + count);
    fillOrdinals(chunk.ordinals, at, at + count, ordinal + from);
    if (version < chunk.versionMin) chunk.versionMin = version;
    if (version > chunk.versionMax) chunk.versionMax = version;
    chunk.rows += count;
  }

  #count(rows: number): void {
    this.rows += rows;
    const { chunks } = this;
    const older = this.#older;
    while (older.chunks < chunks.length - 1) {
      older.sizeBytes += chunks[older.chunks]!.sizeBytes;
      older.chunks += 1;
    }
    this.sizeBytes = older.sizeBytes + chunks[chunks.length - 1]!.sizeBytes;
  }

  /** A table's first chunks are small; one that has proved busy gets full ones, or what was enough where strings fill a chunk before. */
  #capacityFor(rows: number): number {
    let capacity = CHUNK_ROWS_MIN;
    const newest = this.chunks.at(-1);
    const isLong = newest !== undefined && newest.rows < VECTOR_ROWS_MAX && newest.room === 0;
    const wanted = isLong ? newest.rows : Math.min(Math.max(rows, this.rows), VECTOR_ROWS_MAX);
    while (capacity < wanted) capacity *= 2;
    return capacity;
  }

  #appendKeys(
    segment: Segment,
    tupleOf: Float64Array | null,
    seriesOf: Uint32Array,
    isTombstone: boolean,
  ): void {
    const { chunk, at, from, count } = segment;
    const { series, times } = chunk;
    const end = at + count;
    if (tupleOf === null) series.fill(seriesOf[0]!, at, end);
    else fillSeries(series, at, seriesOf, tupleOf, from, count);
    chunk.noteTimes(at, end);
    const delta = this.table.baseDelta(chunk.base);
    const areSafe =
      Number.isSafeInteger(chunk.timeMin + delta) && Number.isSafeInteger(chunk.timeMax + delta);
    if (delta !== 0 && !areSafe) this.isAllSuspect = true;
    if (isTombstone || this.#isOverlay) {
      for (let row = at; row < end; row++) {
        const time = times[row]! + delta;
        this.suspects.add(time, time);
        if (isTombstone) this.tombstoneTimes.add(time, time);
      }
    } else if (!this.table.appendMode) {
      this.#advanceTimes(series, times, at, end, delta);
    }
  }

  /** Most rows are newer than all of their series; those that are not come many at a time. */
  #advanceTimes(
    series: Uint32Array,
    times: Float64Array,
    at: number,
    end: number,
    delta: number,
  ): void {
    const dictionary = this.table.series;
    let suspected = NaN;
    let row = dictionary.advanceTimes(series, times, at, end, delta, suspected);
    while (row < end) {
      suspected = times[row]! + delta;
      this.#suspect(suspected);
      row = dictionary.advanceTimes(series, times, row + 1, end, delta, suspected);
    }
  }

  /** The older row may be one that is staged, and then it is published later: so it is a suspect, too. */
  #suspect(time: number): void {
    this.suspects.add(time, time);
    for (const staged of this.table.stagedSuspects) {
      if (staged !== this.suspects) staged.add(time, time);
    }
  }
}

/** The memtables of all tables between two freezes. */
export class Generation {
  readonly tables = new Map<TableId, MemTable>();
  readonly #memory: MemtableMemory;
  /** Number of readers that came so far; each has its own number. */
  #epoch = 1;
  readonly #liveEpochs = new Set<number>();
  #otherBytes = 0;
  #tableBytes = 0;

  /** Number of the first state that has it (store-state.ts). */
  readonly firstState: number;

  /** In memory that is `release`d. */
  constructor(memory: MemtableMemory, firstState: number) {
    this.firstState = firstState;
    this.#memory = memory;
  }

  /** Leaves its memory to later generations, bit by bit. Requires: no reader has it any more, or will, and its flush is complete. */
  async release(pacer: Pacer): Promise<void> {
    for (const memTable of this.tables.values()) {
      memTable.release();
      if (pacer.spend(memTable.chunks.length * RELEASE_UNITS)) await pacer.turn();
    }
  }

  /** Arrays at their capacity, and the series that came with these rows. */
  get sizeBytes(): number {
    return this.#tableBytes + this.#otherBytes;
  }

  /** Counts memory that came with this generation and lies elsewhere. */
  charge(sizeBytes: number): void {
    this.#otherBytes += sizeBytes;
  }

  /** A reader's epoch: it sees what was applied before. Must be given back. */
  enter(): number {
    const epoch = this.#epoch++;
    this.#liveEpochs.add(epoch);
    return epoch;
  }

  leave(epoch: number): void {
    this.#liveEpochs.delete(epoch);
  }

  /**
   * Appends a section; `ordinal` is the number of its first row in the record. `seriesId` maps a
   * canonical tuple to its id (and creates it).
   */
  append(
    table: TableState,
    reader: RowsSectionReader,
    version: number,
    ordinal: number,
    seriesId: SeriesIds,
  ): void {
    const memTable = this.#tableOf(table);
    const seriesBefore = table.series.count;
    const seriesOf =
      reader.resolved ?? resolveSeries(table.series, reader.tags, reader.tupleCount, seriesId);
    if (reader.resolved === null) reader.offerResolved(table.tagBlocks, seriesOf);
    this.charge(table.series.shareOf(table.series.count - seriesBefore));
    this.#beforeAppend(memTable);
    const sizeBefore = memTable.sizeBytes;
    memTable.append(reader, seriesOf, version, ordinal);
    this.#tableBytes += memTable.sizeBytes - sizeBefore;
  }

  /** The memtables' rows appear here in one step; nobody uses them any more. Those of dropped tables are discarded. */
  adopt(memTables: Iterable<MemTable>): void {
    for (const staged of memTables) {
      if (staged.table.isDropped) {
        staged.release();
        continue;
      }
      const memTable = this.#tableOf(staged.table);
      this.#beforeAppend(memTable);
      memTable.adopt(staged);
      this.#tableBytes += staged.sizeBytes;
    }
  }

  #tableOf(table: TableState): MemTable {
    let memTable = this.tables.get(table.tableId);
    if (memTable === undefined) {
      memTable = new MemTable(table, false, this.#memory);
      this.tables.set(table.tableId, memTable);
    }
    return memTable;
  }

  #beforeAppend(memTable: MemTable): void {
    const oldest = this.#liveEpochs.values().next();
    memTable.beforeAppend(this.#epoch, oldest.done === true ? null : oldest.value);
  }
}

/** Memory for the keys of one section; what it handed out before is forgotten. */
export function sectionKeyMemory(): ScratchMemory {
  keyMemory.reset();
  return keyMemory;
}

/** Loops of their own, over nothing but arrays: the compiler's assumptions about them stay true for the life of the process. */
function fillSeries(
  series: Uint32Array,
  at: number,
  seriesOf: Uint32Array,
  tupleOf: Float64Array,
  from: number,
  count: number,
): void {
  for (let row = 0; row < count; row++) series[at + row] = seriesOf[tupleOf[from + row]! >>> 0]!;
}

function fillOrdinals(ordinals: Uint32Array, at: number, end: number, first: number): void {
  for (let row = at, ordinal = first; row < end; row++, ordinal++) ordinals[row] = ordinal;
}

function fillMissing(segments: readonly Segment[], { missing }: SectionPlaces): void {
  for (const place of missing) {
    for (const { chunk, at, count } of segments) chunk.fillNulls(place, at, count);
  }
}

/** The chunk has 64-bit halves for every column that comes as such. */
function holds(chunk: Chunk, reader: RowsSectionReader, { byColumn }: SectionPlaces): boolean {
  for (let index = 0; index < byColumn.length; index++) {
    if (reader.isWide(index) && !chunk.isWide(byColumn[index]!)) return false;
  }
  return true;
}

function copyTo(segments: readonly Segment[], place: number, values: ColumnValues): void {
  for (const { chunk, at, from, count } of segments)
    chunk.copyColumn(place, at, values, from, count);
}

function isOfStrings(values: ColumnValues): values is BytesVector | DictionaryVector {
  return values.kind === 'bytes' || values.kind === 'dictionary';
}

/** How many values from `row` on, at most `count`, have an offset from `base` that is a safe integer. */
function fittingRows(
  values: ColumnValues,
  row: number,
  count: number,
  base: bigint,
  precision: number,
): number {
  if (values.kind === 'time') {
    if (values.base === base) return count;
    const delta = Number(values.base - base);
    for (let index = row; index < row + count; index++) {
      if (values.nulls !== null && values.nulls[index] === 1) continue;
      if (!Number.isSafeInteger(values.offsets[index]! + delta)) return index - row;
    }
  } else if (values.kind === 'split-time') {
    const unit = unitsPerSecond(precision);
    const baseSeconds = Number(base / BigInt(unit));
    for (let index = row; index < row + count; index++) {
      if (values.nulls !== null && values.nulls[index] === 1) continue;
      const offset = (values.seconds[index]! - baseSeconds) * unit + values.fractions[index]!;
      if (!Number.isSafeInteger(offset)) return index - row;
    }
  }
  return count;
}

/** The base for a chunk that begins with row `row`: of the first value there that is not NULL. */
function baseAt(values: ColumnValues, row: number, precision: number): bigint {
  let at = row;
  while (at < values.length && values.nulls !== null && values.nulls[at] === 1) at++;
  if (at === values.length) return 0n;
  if (values.kind === 'split-time') return baseFor(values.seconds[at]!, precision);
  if (values.kind !== 'time') return 0n;
  return baseForUnits(values.base + BigInt(values.offsets[at]!), precision);
}
