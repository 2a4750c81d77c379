/**
 * What the block store of a stopped node holds, told without changing it: tables, partitions, runs, blocks, codecs, series.
 *
 * Loading a manifest stops at the first damaged value; this goes on and lists every one, because whoever looks wants to know how much
 * is lost. With `everyBlock` each value of each run is read, its checksum compared and its column decoded; otherwise only the first
 * block of a run is read, for its codecs.
 */

import { decompress, isCompressed } from './block-compression.js';
import { decodeBlockColumn, decodePackedBlock, plainPayload } from './block.js';
import { ByteReader, DamagedBytesError } from './byte-reader.js';
import { CorruptionError } from './corruption-error.js';
import {
  allDictionaries,
  allRuns,
  allSchemas,
  blocksFrom,
  blocksOf,
  headKey,
  parseBlockKey,
  printKey,
  RUN_ID_MAX,
  tableOfDictionaryKey,
} from './keys.js';
import { runIdOf } from './manifest.js';
import { decodeHead, type FlushedState, type ManifestHead } from './manifest-head.js';
import { HiddenColumn } from './column-kind.js';
import { Pacer } from './pacer.js';
import type { KeyValueStore, Timers } from './ports.js';
import { Run } from './run.js';
import { decodeSchemaBody } from './schema-body.js';
import { corruptKey, openValue } from './sealed-value.js';
import type { ColumnId, TableId, TableSchema } from './table-schema.js';
import { valueCodec } from './value-codec.js';

export interface CodecUse {
  /** Block columns. */
  values: number;
  bytes: number;
}

export interface PartitionInspection {
  /** floor(time in ms / partition ms). */
  readonly partition: number;
  runs: number;
  blocks: number;
  /** Overwritten rows and tombstones that are still stored count. */
  rows: number;
  sizeBytes: number;
}

export interface TableInspection {
  readonly tableId: TableId;
  /** The last one stored; null when every schema of the table is damaged. */
  schema: TableSchema | null;
  isDropped: boolean;
  series: number;
  seriesBytes: number;
  /** Ascending. */
  readonly partitions: PartitionInspection[];
  readonly codecs: Map<string, CodecUse>;
}

export interface StoreInspection {
  /** Null: nothing was ever flushed, or the head is damaged. */
  readonly flushed: FlushedState | null;
  /** By table id. */
  readonly tables: readonly TableInspection[];
  readonly runs: number;
  /** Runs with values that no manifest names: a crash left them, the next start deletes them. No damage. */
  readonly leftovers: number;
  /** Values read and found good. */
  readonly valuesRead: number;
  /** One line each, with the place. */
  readonly faults: readonly string[];
}

export interface StoreInspectionOptions {
  readonly everyBlock: boolean;
  readonly onProgress?: (runsDone: number, runsAll: number) => void;
}

export async function inspectStore(
  deps: { readonly kv: KeyValueStore; readonly timers: Timers },
  options: StoreInspectionOptions,
): Promise<StoreInspection> {
  return new Inspection(deps.kv, new Pacer(deps.timers), options).run();
}

class Inspection {
  readonly #kv: KeyValueStore;
  readonly #pacer: Pacer;
  readonly #options: StoreInspectionOptions;
  readonly #tables = new Map<TableId, TableInspection>();
  readonly #runs = new Map<number, Run>();
  /** Runs whose entry in the manifest is damaged: their blocks are no leftovers. */
  readonly #damagedRuns = new Set<number>();
  readonly #faults: string[] = [];
  #valuesRead = 0;

  constructor(kv: KeyValueStore, pacer: Pacer, options: StoreInspectionOptions) {
    this.#kv = kv;
    this.#pacer = pacer;
    this.#options = options;
  }

  async run(): Promise<StoreInspection> {
    const head = await this.#readHead();
    await this.#readSchemas();
    for (const [tableId] of head?.droppedTables ?? []) this.#table(tableId).isDropped = true;
    await this.#readDictionaries();
    await this.#readRuns();
    let done = 0;
    for (const run of this.#runs.values()) {
      this.#options.onProgress?.(done++, this.#runs.size);
      await this.#readBlocks(run);
    }
    this.#options.onProgress?.(done, this.#runs.size);
    const leftovers = await this.#countLeftovers();
    return {
      flushed: head?.state ?? null,
      tables: [...this.#tables.values()].sort((a, b) => a.tableId - b.tableId),
      runs: this.#runs.size,
      leftovers,
      valuesRead: this.#valuesRead,
      faults: this.#faults,
    };
  }

  async #readHead(): Promise<ManifestHead | null> {
    const value = await this.#kv.get(headKey);
    if (value === undefined) return null;
    return this.#checked(headKey, value, decodeHead);
  }

  async #readSchemas(): Promise<void> {
    for await (const [key, value] of this.#kv.entries(allSchemas)) {
      const schema = this.#checked(key, value, decodeSchemaBody);
      if (schema !== null) this.#table(schema.tableId).schema = schema;
    }
  }

  async #readDictionaries(): Promise<void> {
    const ends = new Map<TableInspection, number>();
    for await (const [key, value] of this.#kv.entries(allDictionaries)) {
      const table = this.#table(tableOfDictionaryKey(key));
      table.seriesBytes += value.length;
      this.#checked(key, value, (payload) => {
        const reader = new ByteReader(payload);
        const first = reader.varint();
        const count = reader.varint();
        // A table that was dropped loses its dictionary bit by bit.
        const end = ends.get(table) ?? 0;
        if (first !== end && !table.isDropped) {
          throw new DamagedBytesError(`series ${end} to ${first - 1} are missing`);
        }
        ends.set(table, first + count);
        // A count without entries: ids whose series are gone.
        if (reader.remaining > 0) table.series += count;
      });
      if (this.#pacer.spend(value.length)) await this.#pacer.turn();
    }
  }

  async #readRuns(): Promise<void> {
    for await (const [key, value] of this.#kv.entries(allRuns)) {
      const id = runIdOf(key);
      const run = this.#checked(key, value, (payload) => Run.decode(id, payload));
      if (run === null) {
        this.#damagedRuns.add(id);
        continue;
      }
      this.#runs.set(id, run);
      const partition = partitionOf(this.#table(run.tableId), run.partition);
      partition.runs += 1;
      partition.blocks += run.blocks.count;
      partition.rows += run.blocks.rows;
      partition.sizeBytes += run.sizeBytes;
      if (this.#pacer.spend(value.length)) await this.#pacer.turn();
    }
    for (const table of this.#tables.values()) {
      table.partitions.sort((a, b) => a.partition - b.partition);
    }
  }

  async #readBlocks(run: Run): Promise<void> {
    if (!this.#options.everyBlock) {
      const keys: Uint8Array[] = [];
      for await (const key of this.#kv.keys(blocksOf(run.id))) {
        if (parseBlockKey(key)?.block === 0) keys.push(key);
      }
      const values = await this.#kv.getMany(keys);
      for (const [index, key] of keys.entries()) await this.#readValue(run, key, values[index]!);
      return;
    }
    let found = 0;
    for await (const [key, value] of this.#kv.entries(blocksOf(run.id))) {
      found += await this.#readValue(run, key, value);
    }
    if (found !== run.keyCount) {
      const where = { path: `the block store, run ${run.id}` };
      const reason = `the manifest counts ${run.keyCount} values, there are ${found}`;
      this.#faults.push(new CorruptionError(where, reason).message);
    }
  }

  /** 1 when the value is one that the manifest wants. */
  async #readValue(run: Run, key: Uint8Array, value: Uint8Array): Promise<number> {
    const place = parseBlockKey(key);
    if (place === null || !run.hasValue(place.columnId, place.block)) {
      this.#faults.push(corruptKey(key, 'the manifest does not know this value').message);
      return 0;
    }
    const rows = run.blocks.rowsOf(place.block);
    const { codecs } = this.#table(run.tableId);
    this.#checked(key, value, (payload) => {
      if (place.columnId !== HiddenColumn.packed) {
        countCodec(codecs, payload, rows);
        if (this.#options.everyBlock) decodeBlockColumn(key, value, rows);
        return;
      }
      const ids: ColumnId[] = [];
      for (const { id, bytes } of packedColumns(plainPayload(payload))) {
        ids.push(id);
        countCodec(codecs, bytes, rows);
      }
      if (this.#options.everyBlock) decodePackedBlock(key, value, rows, ids);
    });
    if (this.#pacer.spend(value.length)) await this.#pacer.turn();
    return 1;
  }

  async #countLeftovers(): Promise<number> {
    let count = 0;
    for (let runId = 0; runId <= RUN_ID_MAX;) {
      let found: number | null = null;
      for await (const key of this.#kv.keys({ ...blocksFrom(runId), limit: 1 })) {
        found = parseBlockKey(key)?.runId ?? null;
        if (found === null) this.#faults.push(`${printKey(key)}: it is no block key`);
      }
      if (found === null) break;
      if (!this.#runs.has(found) && !this.#damagedRuns.has(found)) count += 1;
      runId = found + 1;
    }
    return count;
  }

  /** What `decode` makes of a value; null, and a fault noted, where it is damaged. */
  #checked<T>(key: Uint8Array, value: Uint8Array, decode: (payload: Uint8Array) => T): T | null {
    try {
      const result = decode(openValue(key, value));
      this.#valuesRead += 1;
      return result;
    } catch (error) {
      if (error instanceof DamagedBytesError) {
        this.#faults.push(corruptKey(key, error.message).message);
      } else if (error instanceof CorruptionError) {
        this.#faults.push(error.message);
      } else {
        throw error;
      }
      return null;
    }
  }

  #table(tableId: TableId): TableInspection {
    let table = this.#tables.get(tableId);
    if (table === undefined) {
      table = {
        tableId,
        schema: null,
        isDropped: false,
        series: 0,
        seriesBytes: 0,
        partitions: [],
        codecs: new Map(),
      };
      this.#tables.set(tableId, table);
    }
    return table;
  }
}

function partitionOf(table: TableInspection, partition: number): PartitionInspection {
  const known = table.partitions.find((each) => each.partition === partition);
  if (known !== undefined) return known;
  const fresh = { partition, runs: 0, blocks: 0, rows: 0, sizeBytes: 0 };
  table.partitions.push(fresh);
  return fresh;
}

function countCodec(codecs: Map<string, CodecUse>, payload: Uint8Array, rows: number): void {
  const name = valueCodec(payload, rows);
  const use = codecs.get(name) ?? { values: 0, bytes: 0 };
  use.values += 1;
  use.bytes += payload.length;
  codecs.set(name, use);
}

function* packedColumns(payload: Uint8Array): Generator<{ id: ColumnId; bytes: Uint8Array }> {
  const reader = new ByteReader(isCompressed(payload) ? decompress(payload) : payload);
  while (reader.remaining > 0) {
    const low = reader.uint32();
    const id = reader.uint16() * 2 ** 32 + low;
    yield { id, bytes: reader.view(reader.varint()) };
  }
}
