/**
 * Blocks: a page of sorted rows <-> values in the block store, one a column.
 *
 *   column value := u8 form, column                           under blockKey(run, column, block), sealed
 *   packed value := (u48 column id, varint length, u8 form, column)*    under HiddenColumn.packed, when all columns are tiny together
 *
 * Hidden columns go first: series, version, tombstone flags (only where a block has any), ordinals (only in append mode).
 * A column that is NULL in every row has no value.
 */

import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { columnForm, decodeColumn, encodeColumn } from './column-codec.js';
import { HiddenColumn } from './column-kind.js';
import { blockKey } from './keys.js';
import type { Page } from './page.js';
import type { KeyValueOperation } from './ports.js';
import type { BlockInfo, ColumnStatistics } from './run.js';
import { corruptKey, openValue, sealValue } from './sealed-value.js';
import type { ColumnId } from './table-schema.js';
import type { NumberVector, Vector } from './vector.js';
import { freshMemory } from './vector-memory.js';

/** Blocks of fewer bytes are stored as one value. */
const PACKED_BYTES_MAX = 4096;

// Encoding is synchronous, so its buffers can be shared.
const writer = new ByteWriter(1 << 16);
const packedWriter = new ByteWriter(PACKED_BYTES_MAX * 2);

interface EncodedColumn {
  readonly id: ColumnId;
  readonly payload: Uint8Array;
}

/** Encodes a block column by column, so that the caller can yield between columns. */
export class BlockEncoder {
  readonly #page: Page;
  readonly #columnIds: readonly ColumnId[];
  readonly #encoded: EncodedColumn[] = [];
  readonly #statistics: ColumnStatistics[] = [];
  #sizeBytes = 0;

  /** `columnIds` are those of the page's columns. `withOrdinals`: append mode. */
  constructor(page: Page, columnIds: readonly ColumnId[], withOrdinals: boolean) {
    this.#page = page;
    this.#columnIds = columnIds;
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
    const statistics = statisticsOf(vector);
    this.#statistics.push(statistics);
    if (statistics.nulls < length) this.#add(columnId, vector);
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
      operations.push(put(blockKey(runId, HiddenColumn.packed, block), packedWriter.take()));
    } else {
      for (const { id, payload } of this.#encoded)
        operations.push(put(blockKey(runId, id, block), payload));
    }
    const info = { ...boundsOf(page), rows: page.length, isPacked, statistics: this.#statistics };
    return { operations, info };
  }

  #add(id: ColumnId, vector: Vector): void {
    writer.clear();
    const form = columnForm(vector);
    writer.uint8(form);
    encodeColumn(writer, vector, form, 'small');
    const payload = writer.take();
    this.#sizeBytes += payload.length;
    this.#encoded.push({ id, payload });
  }
}

/** Decodes one column's value. Throws CorruptionError. */
export function decodeBlockColumn(
  key: Uint8Array,
  value: Uint8Array | undefined,
  rows: number,
): Vector {
  return decodePayload(key, openValue(key, value), rows);
}

/** Decodes the wanted columns of a packed block. Throws CorruptionError. */
export function decodePackedBlock(
  key: Uint8Array,
  value: Uint8Array | undefined,
  rows: number,
  wanted: readonly ColumnId[],
): Map<ColumnId, Vector> {
  const payload = openValue(key, value);
  const columns = new Map<ColumnId, Vector>();
  try {
    const reader = new ByteReader(payload);
    while (reader.remaining > 0) {
      const low = reader.uint32();
      const id = reader.uint16() * 2 ** 32 + low;
      const bytes = reader.view(reader.varint());
      if (wanted.includes(id)) columns.set(id, decodePayload(key, bytes, rows));
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

function decodePayload(key: Uint8Array, payload: Uint8Array, rows: number): Vector {
  try {
    const reader = new ByteReader(payload);
    const column = decodeColumn(reader, reader.uint8(), rows, freshMemory);
    reader.expectEnd();
    if (column.kind === 'split-time') throw new DamagedBytesError('a block column has no base');
    return column;
  } catch (error) {
    if (error instanceof DamagedBytesError) throw corruptKey(key, error.message, error);
    throw error;
  }
}

function put(key: Uint8Array, payload: Uint8Array): KeyValueOperation {
  return { type: 'put', key, value: sealValue(key, payload) };
}

function numbersOf(source: Uint32Array | Uint8Array, length: number): NumberVector {
  const values = new Float64Array(length);
  for (let row = 0; row < length; row++) values[row] = source[row]!;
  return { kind: 'number', length, values, nulls: null };
}

type PageBounds = Omit<BlockInfo, 'rows' | 'isPacked' | 'statistics'>;

function boundsOf(page: Page): PageBounds {
  let timeMin = Infinity;
  let timeMax = -Infinity;
  let versionMin = Infinity;
  let versionMax = -Infinity;
  let tombstones = 0;
  for (let row = 0; row < page.length; row++) {
    const time = page.times[row]!;
    const version = page.versions[row]!;
    if (time < timeMin) timeMin = time;
    if (time > timeMax) timeMax = time;
    if (version < versionMin) versionMin = version;
    if (version > versionMax) versionMax = version;
    if (page.tombstones !== null) tombstones += page.tombstones[row]!;
  }
  return {
    seriesMin: page.series[0]!,
    seriesMax: page.series[page.length - 1]!,
    timeMin: page.base + BigInt(timeMin),
    timeMax: page.base + BigInt(timeMax),
    versionMin,
    versionMax,
    tombstones,
  };
}

/** NaN makes min and max useless, so a block with one has no numbers. Times are bounded elsewhere. */
function statisticsOf(vector: Vector): ColumnStatistics {
  const { length, nulls } = vector;
  let nullCount = 0;
  if (nulls !== null) for (let row = 0; row < length; row++) nullCount += nulls[row]!;
  if (vector.kind !== 'number' || nullCount === length) return { nulls: nullCount, numbers: null };
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  for (let row = 0; row < length; row++) {
    if (nulls !== null && nulls[row] === 1) continue;
    const value = vector.values[row]!;
    if (value !== value) return { nulls: nullCount, numbers: null };
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  return { nulls: nullCount, numbers: { min, max, sum } };
}
