/**
 * Blocks: a page of sorted rows <-> values in the block store, one a column.
 *
 *   column value := u8 form, column                           under blockKey(run, column, block), sealed
 *   packed value := (u48 column id, varint length, u8 form, column)*    under HiddenColumn.packed, when all columns are tiny together
 *   either may be compressed (block-compression.ts), in a run that was compacted
 *
 * Hidden columns go first: series, version, tombstone flags (only where a block has any), ordinals (only in append mode).
 * A column that is NULL in every row has no value.
 */

import { compress, decompress, isCompressed } from './block-compression.js';
import type { BlockInfo, ColumnStatistics } from './block-directory.js';
import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { columnForm, decodeColumn, encodeColumn } from './column-codec.js';
import { HiddenColumn } from './column-kind.js';
import { blockKey } from './keys.js';
import { countNulls } from './null-bitmap.js';
import { extremes } from './number-kernels.js';
import type { Effort } from './number-encoder.js';
import type { NumberSummary } from './number-scan.js';
import type { Page } from './page.js';
import type { KeyValueOperation } from './ports.js';
import { corruptKey, openValue, sealValue } from './sealed-value.js';
import type { ColumnId } from './table-schema.js';
import type { NumberVector, Vector } from './vector.js';
import { freshMemory, type VectorMemory } from './vector-memory.js';

/** Blocks of fewer bytes are stored as one value. */
const PACKED_BYTES_MAX = 4096;

// Encoding is synchronous, so its buffers can be shared.
const writer = new ByteWriter(1 << 16);
const packedWriter = new ByteWriter(PACKED_BYTES_MAX * 2);

/** A column of small integers as the numbers that are encoded. */
let numbers = new Float64Array(0);

const summary: NumberSummary = { isKnown: false, min: 0, max: 0, sum: 0 };

interface EncodedColumn {
  readonly id: ColumnId;
  readonly payload: Uint8Array;
  /** How far apart like bytes are. */
  readonly stride: number;
}

/** Encodes a block column by column, so that the caller can yield between columns. */
export class BlockEncoder {
  readonly #page: Page;
  readonly #columnIds: readonly ColumnId[];
  readonly #effort: Effort;
  readonly #encoded: EncodedColumn[] = [];
  readonly #statistics: ColumnStatistics[] = [];
  #sizeBytes = 0;

  /** `columnIds` are those of the page's columns. `withOrdinals`: append mode. `effort`: 'small' for a flush, 'compact' for a compaction. */
  constructor(
    page: Page,
    columnIds: readonly ColumnId[],
    withOrdinals: boolean,
    effort: Effort = 'small',
  ) {
    this.#page = page;
    this.#columnIds = columnIds;
    this.#effort = effort;
    const { length } = page;
    this.#add(HiddenColumn.series, numbersOf(page.series, length));
    this.#add(HiddenColumn.version, {
      kind: 'number',
      length,
      values: page.versions,
      nulls: null,
    });
    if (page.tombstones !== null) {
      this.#add(HiddenColumn.tombstone, numbersOf(page.tombstones, length));
    }
    if (withOrdinals) this.#add(HiddenColumn.ordinal, numbersOf(page.ordinals!, length));
  }

  /** Encodes the next column; false = there was none left. */
  step(): boolean {
    const index = this.#statistics.length;
    const columnId = this.#columnIds[index];
    if (columnId === undefined) return false;
    const vector = this.#page.columns[index] ?? null;
    const { length } = this.#page;
    if (vector === null) {
      this.#statistics.push({ nulls: length, numbers: null });
      return true;
    }
    const nulls = vector.nulls === null ? 0 : countNulls(vector.nulls, length);
    if (nulls < length) this.#add(columnId, vector);
    const hasNumbers = vector.kind === 'number' && nulls < length && summary.isKnown;
    const { min, max, sum } = summary;
    this.#statistics.push({ nulls, numbers: hasNumbers ? { min, max, sum } : null });
    return true;
  }

  /** The block's values and its entry in the manifest. */
  finish(runId: number, block: number): { operations: KeyValueOperation[]; info: BlockInfo } {
    const page = this.#page;
    const isPacked = this.#sizeBytes <= PACKED_BYTES_MAX;
    const operations: KeyValueOperation[] = [];
    if (isPacked) {
      packedWriter.clear();
      for (const { id, payload } of this.#encoded) {
        packedWriter.uint32(id >>> 0);
        packedWriter.uint16(Math.floor(id / 2 ** 32));
        packedWriter.varint(payload.length);
        packedWriter.copy(payload, 0, payload.length);
      }
      operations.push(
        this.#put(blockKey(runId, HiddenColumn.packed, block), packedWriter.take(), 1),
      );
    } else {
      for (const { id, payload, stride } of this.#encoded)
        operations.push(this.#put(blockKey(runId, id, block), payload, stride));
    }
    const info = { ...boundsOf(page), rows: page.length, isPacked, statistics: this.#statistics };
    return { operations, info };
  }

  #put(key: Uint8Array, payload: Uint8Array, stride: number): KeyValueOperation {
    const compressed = this.#effort === 'compact' ? compress(payload, stride) : null;
    return { type: 'put', key, value: sealValue(key, compressed ?? payload) };
  }

  #add(id: ColumnId, vector: Vector): void {
    writer.clear();
    const form = columnForm(vector);
    writer.uint8(form);
    const stride = encodeColumn(writer, vector, form, this.#effort, summary);
    const payload = writer.take();
    this.#sizeBytes += payload.length;
    this.#encoded.push({ id, payload, stride });
  }
}

/** Decodes one column's value. Throws CorruptionError. */
export function decodeBlockColumn(
  key: Uint8Array,
  value: Uint8Array | undefined,
  rows: number,
  memory = freshMemory,
): Vector {
  return decodePayload(key, openValue(key, value), rows, memory);
}

/** Decodes the wanted columns of a packed block. Throws CorruptionError. */
export function decodePackedBlock(
  key: Uint8Array,
  value: Uint8Array | undefined,
  rows: number,
  wanted: readonly ColumnId[],
  memory = freshMemory,
): Map<ColumnId, Vector> {
  const payload = openValue(key, value);
  const columns = new Map<ColumnId, Vector>();
  try {
    const reader = new ByteReader(plainPayload(payload));
    while (reader.remaining > 0) {
      const low = reader.uint32();
      const id = reader.uint16() * 2 ** 32 + low;
      const bytes = reader.view(reader.varint());
      if (wanted.includes(id)) columns.set(id, decodePayload(key, bytes, rows, memory));
    }
  } catch (error) {
    if (error instanceof DamagedBytesError) throw corruptKey(key, error.message, error);
    throw error;
  }
  for (const id of wanted) {
    if (!columns.has(id)) throw corruptKey(key, `column ${id} is missing in the block`);
  }
  return columns;
}

function decodePayload(
  key: Uint8Array,
  payload: Uint8Array,
  rows: number,
  memory: VectorMemory,
): Vector {
  try {
    const reader = new ByteReader(plainPayload(payload));
    const column = decodeColumn(reader, reader.uint8(), rows, memory);
    reader.expectEnd();
    if (column.kind === 'split-time') throw new DamagedBytesError('a block column has no base');
    return column;
  } catch (error) {
    if (error instanceof DamagedBytesError) throw corruptKey(key, error.message, error);
    throw error;
  }
}

/** What a value holds, compressed or not. Throws DamagedBytesError. */
export function plainPayload(payload: Uint8Array): Uint8Array {
  return isCompressed(payload) ? decompress(payload) : payload;
}

/** Valid until the next call. */
function numbersOf(source: Uint32Array | Uint8Array, length: number): NumberVector {
  if (numbers.length < length) numbers = new Float64Array(length);
  copyNumbers(numbers, source, length);
  return { kind: 'number', length, values: numbers.subarray(0, length), nulls: null };
}

function copyNumbers(target: Float64Array, source: Uint32Array | Uint8Array, length: number): void {
  for (let row = 0; row < length; row++) target[row] = source[row]!;
}

type PageBounds = Omit<BlockInfo, 'rows' | 'isPacked' | 'statistics'>;

/** Requires: a row at least. */
function boundsOf(page: Page): PageBounds {
  const times = extremes(page.times, page.length);
  const versions = extremes(page.versions, page.length);
  let tombstones = 0;
  if (page.tombstones !== null) {
    for (let row = 0; row < page.length; row++) tombstones += page.tombstones[row]!;
  }
  return {
    seriesMin: page.series[0]!,
    seriesMax: page.series[page.length - 1]!,
    timeMin: page.base + BigInt(times.min),
    timeMax: page.base + BigInt(times.max),
    versionMin: versions.min,
    versionMax: versions.max,
    tombstones,
  };
}
