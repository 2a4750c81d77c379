/**
 * A run: rows of one table and one time partition, flushed together, sorted by (series, time, version), in blocks of up to 8,192 rows.
 * This is its entry in the manifest, and what stays of it in memory: all that decides whether a block must be read.
 *
 *   run     := u8 format 1, u64 table, zigzag partition, u8 flags (1 = append mode), varint columns, column*,
 *              varint blocks, block*, spans of suspects, spans of tombstones, varint bytes stored
 *   column  := u48 id, u8 type, u8 role, u8 precision
 *   block   := see block-directory.ts
 *   spans   := varint count, (i64 min, i64 max)*
 */

import { BlockDirectory, type BlockInfo, encodeBlockInfo } from './block-directory.js';
import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { HiddenColumn } from './column-kind.js';
import type { TimeSpan } from './interval-set.js';
import type { ColumnId, StoredColumn, TableId } from './table-schema.js';

const FORMAT = 1;
const FLAG_APPEND_MODE = 1;

export interface RunHeader {
  readonly id: number;
  readonly tableId: TableId;
  /** floor(time in ms / partition ms). */
  readonly partition: number;
  readonly appendMode: boolean;
  /** Row columns, without tags and hidden ones. */
  readonly columns: readonly StoredColumn[];
}

/** What is known of a run when its last block has been written. */
export interface RunParts {
  readonly header: RunHeader;
  /** In order; at least one. */
  readonly blocks: readonly BlockInfo[];
  readonly suspects: readonly TimeSpan[];
  readonly tombstoneSpans: readonly TimeSpan[];
  /** Keys and values in the block store. */
  readonly sizeBytes: number;
}

/** The run's entry in the manifest. */
export function encodeRun({
  header,
  blocks,
  suspects,
  tombstoneSpans,
  sizeBytes,
}: RunParts): Uint8Array {
  const writer = new ByteWriter(4096);
  writer.uint8(FORMAT);
  writer.uint64(header.tableId);
  writer.zigzag(header.partition);
  writer.uint8(header.appendMode ? FLAG_APPEND_MODE : 0);
  writer.varint(header.columns.length);
  for (const column of header.columns) {
    writer.uint32(column.id >>> 0);
    writer.uint16(Math.floor(column.id / 2 ** 32));
    writer.uint8(column.type);
    writer.uint8(column.role);
    writer.uint8(column.precision);
  }
  writer.varint(blocks.length);
  for (const block of blocks) encodeBlockInfo(writer, block);
  encodeSpans(writer, suspects);
  encodeSpans(writer, tombstoneSpans);
  writer.varint(sizeBytes);
  return writer.take();
}

export class Run {
  readonly id: number;
  readonly tableId: TableId;
  readonly partition: number;
  readonly appendMode: boolean;
  readonly columns: readonly StoredColumn[];
  /** With the bounds of all of them. */
  readonly blocks: BlockDirectory;
  /** Times at which a row may share its identity with another, here or in an older source. */
  readonly suspects: readonly TimeSpan[];
  readonly tombstoneSpans: readonly TimeSpan[];
  readonly sizeBytes: number;
  /**
   * No row here was killed by a range tombstone at or below this version: they were all dropped when the run was written. Known of runs that
   * this start compacted; 0 = unknown.
   */
  clearedThrough = 0;
  readonly #indexOf: ReadonlyMap<ColumnId, number>;

  private constructor(
    header: RunHeader,
    blocks: BlockDirectory,
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
  }

  /** Keys that the run has in the block store. */
  get keyCount(): number {
    const { blocks } = this;
    // Hidden columns: series and version always, tombstones where a block has them, ordinals in append mode.
    const hidden = this.appendMode ? 3 : 2;
    let count = 0;
    for (let block = 0; block < blocks.count; block++) {
      if (blocks.isPacked(block)) {
        count++;
        continue;
      }
      count += hidden + (blocks.blockHasTombstones(block) ? 1 : 0);
      for (let column = 0; column < this.columns.length; column++) {
        if (blocks.hasValues(block, column)) count++;
      }
    }
    return count;
  }

  /** True for exactly those `keyCount` values. */
  hasValue(columnId: ColumnId, block: number): boolean {
    const { blocks } = this;
    if (block >= blocks.count) return false;
    if (blocks.isPacked(block)) return columnId === HiddenColumn.packed;
    if (columnId === HiddenColumn.series || columnId === HiddenColumn.version) return true;
    if (columnId === HiddenColumn.tombstone) return blocks.blockHasTombstones(block);
    if (columnId === HiddenColumn.ordinal) return this.appendMode;
    return this.hasRowValues(columnId, block);
  }

  /** False: the run lacks the column, or it is NULL in every row of the block. */
  hasRowValues(columnId: ColumnId, block: number): boolean {
    const index = this.#indexOf.get(columnId);
    return index !== undefined && this.blocks.hasValues(block, index);
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
    const blocks = new BlockDirectory(reader, reader.varint(), columnCount);
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
