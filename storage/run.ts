/**
 * A run: rows of one table and one time partition, flushed together, sorted by (series, time, version), in blocks of up to 8,192 rows.
 * This is its entry in the manifest: everything that decides whether a block must be read, kept in memory.
 *
 *   run     := u8 format 1, u64 table, zigzag partition, u8 flags (1 = append mode), varint columns, column*,
 *              varint blocks, block*, spans of suspects, spans of tombstones, varint bytes stored
 *   column  := u48 id, u8 type, u8 role, u8 precision
 *   block   := varint rows, u8 packed, varint least series, varint greatest - least, i64 least time, i64 greatest time,
 *              u64 least version, u64 greatest version, varint tombstones, statistics*       one a column
 *   statistics := varint NULLs, u8 has numbers, [f64 min, f64 max, f64 sum]
 *   spans   := varint count, (i64 min, i64 max)*
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { HiddenColumn } from './column-kind.js';
import type { TimeSpan } from './interval-set.js';
import type { ColumnId, StoredColumn, TableId } from './table-schema.js';

const FORMAT = 1;
const FLAG_APPEND_MODE = 1;

/** Of one column in one block. min, max and sum are of the values that are not NULL; absent for strings and 64-bit halves. */
export interface ColumnStatistics {
  readonly nulls: number;
  readonly numbers: { readonly min: number; readonly max: number; readonly sum: number } | null;
}

export interface BlockInfo {
  readonly rows: number;
  /** All columns in one value. */
  readonly isPacked: boolean;
  readonly seriesMin: number;
  readonly seriesMax: number;
  readonly timeMin: bigint;
  readonly timeMax: bigint;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly tombstones: number;
  /** By the run's columns. */
  readonly statistics: readonly ColumnStatistics[];
}

export interface RunHeader {
  readonly id: number;
  readonly tableId: TableId;
  /** floor(time in ms / partition ms). */
  readonly partition: number;
  readonly appendMode: boolean;
  /** Row columns, without tags and hidden ones. */
  readonly columns: readonly StoredColumn[];
}

export class Run {
  readonly id: number;
  readonly tableId: TableId;
  readonly partition: number;
  readonly appendMode: boolean;
  readonly columns: readonly StoredColumn[];
  readonly blocks: readonly BlockInfo[];
  /** Times at which a row may share its identity with another, here or in an older source. */
  readonly suspects: readonly TimeSpan[];
  readonly tombstoneSpans: readonly TimeSpan[];
  readonly sizeBytes: number;
  readonly rows: number;
  readonly timeMin: bigint;
  readonly timeMax: bigint;
  readonly seriesMin: number;
  readonly seriesMax: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly hasTombstones: boolean;
  /**
   * No row here was killed by a range tombstone at or below this version: they were all dropped when the run was written. Known of runs that
   * this start compacted; 0 = unknown.
   */
  clearedThrough = 0;
  readonly #indexOf: ReadonlyMap<ColumnId, number>;

  constructor(
    header: RunHeader,
    blocks: readonly BlockInfo[],
    suspects: readonly TimeSpan[],
    tombstoneSpans: readonly TimeSpan[],
    sizeBytes: number,
  ) {
    this.id = header.id;
    this.tableId = header.tableId;
    this.partition = header.partition;
    this.appendMode = header.appendMode;
    this.columns = header.columns;
    this.blocks = blocks;
    this.suspects = suspects;
    this.tombstoneSpans = tombstoneSpans;
    this.sizeBytes = sizeBytes;
    this.#indexOf = new Map(header.columns.map((column, index) => [column.id, index]));
    let rows = 0;
    let timeMin = blocks[0]!.timeMin;
    let timeMax = blocks[0]!.timeMax;
    let versionMin = Infinity;
    let versionMax = -Infinity;
    let seriesMax = 0;
    let tombstones = 0;
    for (const block of blocks) {
      rows += block.rows;
      tombstones += block.tombstones;
      if (block.timeMin < timeMin) timeMin = block.timeMin;
      if (block.timeMax > timeMax) timeMax = block.timeMax;
      versionMin = Math.min(versionMin, block.versionMin);
      versionMax = Math.max(versionMax, block.versionMax);
      seriesMax = Math.max(seriesMax, block.seriesMax);
    }
    this.rows = rows;
    this.timeMin = timeMin;
    this.timeMax = timeMax;
    this.versionMin = versionMin;
    this.versionMax = versionMax;
    this.seriesMin = blocks[0]!.seriesMin;
    this.seriesMax = seriesMax;
    this.hasTombstones = tombstones > 0;
  }

  /** -1 = the run lacks the column. */
  indexOf(columnId: ColumnId): number {
    return this.#indexOf.get(columnId) ?? -1;
  }

  /** Keys that the run has in the block store. */
  get keyCount(): number {
    // Hidden columns: series and version always, tombstones where a block has them, ordinals in append mode.
    const hidden = this.appendMode ? 3 : 2;
    let count = 0;
    for (const block of this.blocks) {
      if (block.isPacked) {
        count++;
        continue;
      }
      count += hidden + (block.tombstones > 0 ? 1 : 0);
      for (const { nulls } of block.statistics) if (nulls < block.rows) count++;
    }
    return count;
  }

  /** True for exactly those `keyCount` values. */
  hasValue(columnId: ColumnId, block: number): boolean {
    const info = this.blocks[block];
    if (info === undefined) return false;
    if (info.isPacked) return columnId === HiddenColumn.packed;
    if (columnId === HiddenColumn.series || columnId === HiddenColumn.version) return true;
    if (columnId === HiddenColumn.tombstone) return info.tombstones > 0;
    if (columnId === HiddenColumn.ordinal) return this.appendMode;
    const statistics = info.statistics[this.indexOf(columnId)];
    return statistics !== undefined && statistics.nulls < info.rows;
  }

  encode(writer: ByteWriter): void {
    writer.uint8(FORMAT);
    writer.uint64(this.tableId);
    writer.zigzag(this.partition);
    writer.uint8(this.appendMode ? FLAG_APPEND_MODE : 0);
    writer.varint(this.columns.length);
    for (const column of this.columns) {
      writer.uint32(column.id >>> 0);
      writer.uint16(Math.floor(column.id / 2 ** 32));
      writer.uint8(column.type);
      writer.uint8(column.role);
      writer.uint8(column.precision);
    }
    writer.varint(this.blocks.length);
    for (const block of this.blocks) encodeBlock(writer, block);
    encodeSpans(writer, this.suspects);
    encodeSpans(writer, this.tombstoneSpans);
    writer.varint(this.sizeBytes);
  }

  /** Throws DamagedBytesError. */
  static decode(id: number, bytes: Uint8Array): Run {
    const reader = new ByteReader(bytes);
    const format = reader.uint8();
    if (format !== FORMAT) throw new DamagedBytesError(`run format ${format} is unknown`);
    const tableId = reader.uint64();
    const partition = reader.zigzag();
    const appendMode = (reader.uint8() & FLAG_APPEND_MODE) !== 0;
    const columnCount = reader.varint();
    const columns: StoredColumn[] = [];
    for (let index = 0; index < columnCount; index++) {
      const low = reader.uint32();
      const columnId = reader.uint16() * 2 ** 32 + low;
      // Written by this code from a checked schema, and under a checksum.
      const type = reader.uint8() as StoredColumn['type'];
      const role = reader.uint8() as StoredColumn['role'];
      columns.push({ id: columnId, type, role, precision: reader.uint8() });
    }
    const blockCount = reader.varint();
    if (blockCount === 0) throw new DamagedBytesError('a run has no blocks');
    const blocks: BlockInfo[] = [];
    for (let index = 0; index < blockCount; index++) blocks.push(decodeBlock(reader, columnCount));
    const suspects = decodeSpans(reader);
    const tombstoneSpans = decodeSpans(reader);
    const sizeBytes = reader.varint();
    reader.expectEnd();
    const header = { id, tableId, partition, appendMode, columns };
    return new Run(header, blocks, suspects, tombstoneSpans, sizeBytes);
  }
}

/** The parts of the spans that lie in `to`. */
export function clipSpans(spans: readonly TimeSpan[], to: TimeSpan): TimeSpan[] {
  const clipped: TimeSpan[] = [];
  for (const span of spans) {
    if (span.max < to.min || span.min > to.max) continue;
    clipped.push({
      min: span.min > to.min ? span.min : to.min,
      max: span.max < to.max ? span.max : to.max,
    });
  }
  return clipped;
}

/** From the first time in the blocks to the last. There is at least one block. */
export function hullOfBlocks(blocks: readonly BlockInfo[]): TimeSpan {
  let { timeMin, timeMax } = blocks[0]!;
  for (const block of blocks) {
    if (block.timeMin < timeMin) timeMin = block.timeMin;
    if (block.timeMax > timeMax) timeMax = block.timeMax;
  }
  return { min: timeMin, max: timeMax };
}

function encodeBlock(writer: ByteWriter, block: BlockInfo): void {
  writer.varint(block.rows);
  writer.uint8(block.isPacked ? 1 : 0);
  writer.varint(block.seriesMin);
  writer.varint(block.seriesMax - block.seriesMin);
  writer.bigInt64(block.timeMin);
  writer.bigInt64(block.timeMax);
  writer.uint64(block.versionMin);
  writer.uint64(block.versionMax);
  writer.varint(block.tombstones);
  for (const { nulls, numbers } of block.statistics) {
    writer.varint(nulls);
    writer.uint8(numbers === null ? 0 : 1);
    if (numbers === null) continue;
    writer.float64(numbers.min);
    writer.float64(numbers.max);
    writer.float64(numbers.sum);
  }
}

function decodeBlock(reader: ByteReader, columnCount: number): BlockInfo {
  const rows = reader.varint();
  const isPacked = reader.uint8() === 1;
  const seriesMin = reader.varint();
  const seriesMax = seriesMin + reader.varint();
  const timeMin = reader.bigInt64();
  const timeMax = reader.bigInt64();
  const versionMin = reader.uint64();
  const versionMax = reader.uint64();
  const tombstones = reader.varint();
  const statistics: ColumnStatistics[] = [];
  for (let index = 0; index < columnCount; index++) {
    const nulls = reader.varint();
    const hasNumbers = reader.uint8() === 1;
    const numbers = hasNumbers
      ? { min: reader.float64(), max: reader.float64(), sum: reader.float64() }
      : null;
    statistics.push({ nulls, numbers });
  }
  return {
    rows,
    isPacked,
    seriesMin,
    seriesMax,
    timeMin,
    timeMax,
    versionMin,
    versionMax,
    tombstones,
    statistics,
  };
}

function encodeSpans(writer: ByteWriter, spans: readonly TimeSpan[]): void {
  writer.varint(spans.length);
  for (const { min, max } of spans) {
    writer.bigInt64(min);
    writer.bigInt64(max);
  }
}

function decodeSpans(reader: ByteReader): TimeSpan[] {
  const count = reader.varint();
  const spans: TimeSpan[] = [];
  for (let index = 0; index < count; index++) {
    spans.push({ min: reader.bigInt64(), max: reader.bigInt64() });
  }
  return spans;
}
