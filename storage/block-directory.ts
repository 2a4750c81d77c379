/**
 * What a run's entry in the manifest says of its blocks, and the part of it that stays in memory.
 *
 *   block      := varint rows, u8 packed, varint least series, varint greatest - least, i64 least time, i64 greatest time,
 *                 u64 least version, u64 greatest version, varint tombstones, statistics*       one a column
 *   statistics := varint NULLs, u8 has numbers, [f64 min, f64 max, f64 sum]
 *
 * Who writes a block describes it by an object (BlockInfo). A node keeps what decides whether a block must be read, for all blocks of all
 * runs for as long as they live: so it is packed into arrays, about 40 bytes a block. Statistics stay on disk, but for whether a
 * column has values at all, a bit each: objects of them would be a fifth of a byte for every row ever written.
 */

import { type ByteReader, DamagedBytesError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import type { TimeSpan } from './interval-set.js';
import { VECTOR_ROWS_MAX } from './vector.js';

const FLAG_PACKED = 1;
const FLAG_TOMBSTONES = 2;
/** Of a block without columns. */
const BLOCK_BYTES_MIN = 37;
/** min, max and sum. */
const NUMBERS_BYTES = 24;

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

/** From the first time in the blocks to the last. There is at least one block. */
export function hullOfBlocks(blocks: readonly BlockInfo[]): TimeSpan {
  let { timeMin, timeMax } = blocks[0]!;
  for (const block of blocks) {
    if (block.timeMin < timeMin) timeMin = block.timeMin;
    if (block.timeMax > timeMax) timeMax = block.timeMax;
  }
  return { min: timeMin, max: timeMax };
}

export function encodeBlockInfo(writer: ByteWriter, block: BlockInfo): void {
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

/** The blocks of one run, by number. At least one. */
export class BlockDirectory {
  readonly count: number;
  readonly rows: number;
  readonly timeMin: bigint;
  readonly timeMax: bigint;
  readonly seriesMin: number;
  readonly seriesMax: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly hasTombstones: boolean;
  readonly #columns: number;
  readonly #rows: Uint16Array;
  readonly #flags: Uint8Array;
  readonly #seriesMin: Uint32Array;
  readonly #seriesMax: Uint32Array;
  readonly #timeMin: BigInt64Array;
  readonly #timeMax: BigInt64Array;
  readonly #versionMin: Float64Array;
  /** A bit for each column of each block, blocks one after another: 1 = not NULL in every row. */
  readonly #hasValues: Uint8Array;

  /** Reads `count` blocks of `columns` columns. Throws DamagedBytesError. */
  constructor(reader: ByteReader, count: number, columns: number) {
    if (count === 0) throw new DamagedBytesError('a run has no blocks');
    if (count * BLOCK_BYTES_MIN > reader.remaining) {
      throw new DamagedBytesError(`${count} blocks do not fit into ${reader.remaining} bytes`);
    }
    this.count = count;
    this.#columns = columns;
    this.#rows = new Uint16Array(count);
    this.#flags = new Uint8Array(count);
    this.#seriesMin = new Uint32Array(count);
    this.#seriesMax = new Uint32Array(count);
    this.#timeMin = new BigInt64Array(count);
    this.#timeMax = new BigInt64Array(count);
    this.#versionMin = new Float64Array(count);
    this.#hasValues = new Uint8Array(Math.ceil((count * columns) / 8));
    let rows = 0;
    let versionMin = Infinity;
    let versionMax = -Infinity;
    let seriesMax = 0;
    let hasTombstones = false;
    for (let block = 0; block < count; block++) {
      const blockVersionMax = this.#read(reader, block);
      rows += this.#rows[block]!;
      versionMin = Math.min(versionMin, this.#versionMin[block]!);
      versionMax = Math.max(versionMax, blockVersionMax);
      seriesMax = Math.max(seriesMax, this.#seriesMax[block]!);
      hasTombstones ||= this.blockHasTombstones(block);
    }
    this.rows = rows;
    this.timeMin = this.#timeMin.reduce((a, b) => (b < a ? b : a));
    this.timeMax = this.#timeMax.reduce((a, b) => (b > a ? b : a));
    this.seriesMin = this.#seriesMin[0]!;
    this.seriesMax = seriesMax;
    this.versionMin = versionMin;
    this.versionMax = versionMax;
    this.hasTombstones = hasTombstones;
  }

  rowsOf(block: number): number {
    return this.#rows[block]!;
  }

  /** All columns in one value. */
  isPacked(block: number): boolean {
    return (this.#flags[block]! & FLAG_PACKED) !== 0;
  }

  blockHasTombstones(block: number): boolean {
    return (this.#flags[block]! & FLAG_TOMBSTONES) !== 0;
  }

  seriesMinOf(block: number): number {
    return this.#seriesMin[block]!;
  }

  seriesMaxOf(block: number): number {
    return this.#seriesMax[block]!;
  }

  timeMinOf(block: number): bigint {
    return this.#timeMin[block]!;
  }

  timeMaxOf(block: number): bigint {
    return this.#timeMax[block]!;
  }

  versionMinOf(block: number): number {
    return this.#versionMin[block]!;
  }

  /** False: the column, by its place in the run, is NULL in every row of the block. */
  hasValues(block: number, column: number): boolean {
    const bit = block * this.#columns + column;
    return ((this.#hasValues[bit >>> 3]! >>> (bit & 7)) & 1) === 1;
  }

  /** Returns the greatest version. */
  #read(reader: ByteReader, block: number): number {
    const rows = reader.varint();
    if (rows > VECTOR_ROWS_MAX) throw new DamagedBytesError(`a block has ${rows} rows`);
    this.#rows[block] = rows;
    const isPacked = reader.uint8() === 1;
    const seriesMin = reader.varint();
    this.#seriesMin[block] = seriesMin;
    this.#seriesMax[block] = seriesMin + reader.varint();
    this.#timeMin[block] = reader.bigInt64();
    this.#timeMax[block] = reader.bigInt64();
    this.#versionMin[block] = reader.uint64();
    const versionMax = reader.uint64();
    const hasTombstones = reader.varint() > 0;
    this.#flags[block] = (isPacked ? FLAG_PACKED : 0) | (hasTombstones ? FLAG_TOMBSTONES : 0);
    for (let column = 0; column < this.#columns; column++) {
      const nulls = reader.varint();
      if (reader.uint8() === 1) reader.skip(NUMBERS_BYTES);
      if (nulls >= rows) continue;
      const bit = block * this.#columns + column;
      this.#hasValues[bit >>> 3]! |= 1 << (bit & 7);
    }
    return versionMax;
  }
}
