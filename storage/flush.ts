/**
 * Turning a frozen generation into runs: sort, drop what is overwritten for good, cut into partitions and blocks, encode, write.
 *
 * Everything that the manifest will name is on disk before it is named: dictionary entries first, then blocks, in synced batches of at
 * least BATCH_BYTES (LevelDB may lose an unsynced batch after a later one survived). The manifest itself is the caller's last batch.
 *
 * An overwritten row is dropped only when the version that overwrites it is at or below the stable horizon. Above it
 * something older may still arrive that decides differently field by field, and digests up to a cut need both.
 */

import { BlockEncoder } from './block.js';
import { ByteWriter } from './byte-writer.js';
import { gatherPaced } from './gather.js';
import type { TimeSpan } from './interval-set.js';
import { dictionaryKey } from './keys.js';
import type { Generation, MemTable } from './memtable.js';
import { spansOf } from './memtable-source.js';
import type { Pacer } from './pacer.js';
import { compareIdentity, HANDLE_ROW_MASK, HANDLE_SHIFT, type Page } from './page.js';
import type { KeyValueOperation, KeyValueStore } from './ports.js';
import { sortHandles } from './row-order.js';
import { type BlockInfo, Run } from './run.js';
import { sealValue } from './sealed-value.js';
import type { TableState } from './table-state.js';
import { PartitionRule } from './time-base.js';
import { VECTOR_ROWS_MAX } from './vector.js';

const BATCH_BYTES = 4 * 1024 * 1024;
/** Series in one dictionary value. */
const DICTIONARY_SERIES = 4096;
const STEP_ROWS = 8192;
/** Blocks of long strings have fewer rows: about so many bytes in memory. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCK_ROWS_MIN = 64;

export interface FlushDeps {
  readonly kv: KeyValueStore;
  readonly pacer: Pacer;
  /** A run id that was never used. */
  readonly nextRunId: () => number;
}

/** Writes all runs of the generation; the manifest does not name them yet. */
export async function writeRuns(
  generation: Generation,
  horizon: number,
  deps: FlushDeps,
): Promise<Run[]> {
  const batches = new SyncedBatches(deps.kv);
  for (const { table } of generation.tables.values()) await writeDictionary(table, batches, deps);
  const runs: Run[] = [];
  for (const memTable of generation.tables.values()) {
    if (memTable.table.isDropped) continue;
    runs.push(...(await writeTable(memTable, horizon, batches, deps)));
  }
  await batches.flush();
  return runs;
}

/** Collects operations and writes them in synced batches. */
class SyncedBatches {
  readonly #kv: KeyValueStore;
  #operations: KeyValueOperation[] = [];
  #sizeBytes = 0;

  constructor(kv: KeyValueStore) {
    this.#kv = kv;
  }

  async add(operations: readonly KeyValueOperation[]): Promise<void> {
    for (const operation of operations) {
      this.#operations.push(operation);
      this.#sizeBytes += operation.type === 'put' ? operation.value.length : 0;
    }
    if (this.#sizeBytes >= BATCH_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#operations.length === 0) return;
    const operations = this.#operations;
    this.#operations = [];
    this.#sizeBytes = 0;
    await this.#kv.batch(operations, { sync: true });
  }
}

async function writeDictionary(
  table: TableState,
  batches: SyncedBatches,
  deps: FlushDeps,
): Promise<void> {
  const writer = new ByteWriter(4096);
  const count = table.series.count;
  while (table.persistedSeries < count) {
    const from = table.persistedSeries;
    const to = Math.min(from + DICTIONARY_SERIES, count);
    writer.clear();
    table.series.encode(writer, from, to);
    const key = dictionaryKey(table.tableId, from);
    await batches.add([{ type: 'put', key, value: sealValue(key, writer.take()) }]);
    // If the batch fails the store fails, and a restart begins from what is on disk.
    table.persistedSeries = to;
    if (deps.pacer.spend((to - from) * 20)) await deps.pacer.turn();
  }
}

async function writeTable(
  memTable: MemTable,
  horizon: number,
  batches: SyncedBatches,
  deps: FlushDeps,
): Promise<Run[]> {
  const { table } = memTable;
  const { pacer } = deps;
  const newest = memTable.chunks.at(-1)!.layout;
  const pages: Page[] = [];
  for (const chunk of memTable.chunks) {
    const places = newest.columns.map((column) => chunk.layout.indexOf(column.id));
    const page = chunk.page(chunk.rows, places);
    page.normalizeTimes(table.timeColumn.precision);
    pages.push(page);
    if (pacer.spend(chunk.rows)) await pacer.turn();
  }
  const runs: Run[] = [];
  for (const [partition, handles] of await partitionHandles(pages, table, pacer)) {
    await sortHandles(pages, handles, handles.length, pacer);
    const kept = table.mergeFields
      ? handles.length
      : await dropOverwritten(pages, handles, table.appendMode, horizon, pacer);
    const header = {
      id: deps.nextRunId(),
      tableId: table.tableId,
      partition,
      appendMode: table.appendMode,
      columns: newest.columns,
    };
    const columnIds = newest.columns.map((column) => column.id);
    const blockRows = blockRowsFor(memTable);
    const blocks: BlockInfo[] = [];
    let sizeBytes = 0;
    for (let at = 0; at < kept;) {
      const end = Math.min(at + blockRows, kept);
      const { page, taken } = await gatherPaced(pages, handles, at, end, pacer);
      at += taken;
      const encoder = new BlockEncoder(page, columnIds, table.appendMode);
      while (encoder.step()) if (pacer.spend(taken * 4)) await pacer.turn();
      const { operations, info } = encoder.finish(header.id, blocks.length);
      blocks.push(info);
      for (const operation of operations) {
        if (operation.type === 'put') sizeBytes += operation.key.length + operation.value.length;
      }
      await batches.add(operations);
    }
    const span = { min: minOf(blocks), max: maxOf(blocks) };
    const reference = table.referenceBase ?? 0n;
    const suspects = memTable.isAllSuspect
      ? [span]
      : clip(spansOf(memTable.suspects, reference), span);
    const tombstoneSpans = clip(spansOf(memTable.tombstoneTimes, reference), span);
    runs.push(new Run(header, blocks, suspects, tombstoneSpans, sizeBytes));
  }
  return runs;
}

function blockRowsFor(memTable: MemTable): number {
  const rows = Math.floor((BLOCK_BYTES * memTable.rows) / memTable.sizeBytes);
  return Math.min(VECTOR_ROWS_MAX, Math.max(BLOCK_ROWS_MIN, rows));
}

/** Handles of all rows by time partition, in order of arrival. */
async function partitionHandles(
  pages: readonly Page[],
  table: TableState,
  pacer: Pacer,
): Promise<Map<number, Uint32Array>> {
  const counts = new Map<number, number>();
  const partitionsOf: Float64Array[] = [];
  for (const page of pages) {
    const rule = new PartitionRule(page.base, table.partitionMs, table.timeColumn.precision);
    const partitions = new Float64Array(page.length);
    let last = NaN;
    let count = 0;
    for (let row = 0; row < page.length; row++) {
      const partition = rule.partitionOf(page.times[row]!);
      partitions[row] = partition;
      if (partition !== last) {
        if (count > 0) counts.set(last, (counts.get(last) ?? 0) + count);
        last = partition;
        count = 0;
      }
      count++;
    }
    counts.set(last, (counts.get(last) ?? 0) + count);
    partitionsOf.push(partitions);
    if (pacer.spend(page.length * 2)) await pacer.turn();
  }
  const handles = new Map<number, Uint32Array>();
  const used = new Map<number, number>();
  for (const partition of [...counts.keys()].sort((a, b) => a - b)) {
    handles.set(partition, new Uint32Array(counts.get(partition)!));
    used.set(partition, 0);
  }
  for (let number = 0; number < pages.length; number++) {
    const partitions = partitionsOf[number]!;
    const first = number << HANDLE_SHIFT;
    for (let row = 0; row < partitions.length;) {
      const partition = partitions[row]!;
      const target = handles.get(partition)!;
      let at = used.get(partition)!;
      for (; row < partitions.length && partitions[row] === partition; row++) {
        target[at++] = first + row;
      }
      used.set(partition, at);
    }
    if (pacer.spend(partitions.length)) await pacer.turn();
  }
  return handles;
}

/** Moves the handles that stay to the front and returns how many they are. */
async function dropOverwritten(
  pages: readonly Page[],
  handles: Uint32Array,
  appendMode: boolean,
  horizon: number,
  pacer: Pacer,
): Promise<number> {
  let kept = 0;
  let groupStart = 0;
  for (let index = 0; index < handles.length; index++) {
    const handle = handles[index]!;
    const isTombstone = isTombstoneAt(pages, handle);
    if (index > 0 && sameIdentity(pages, handles[index - 1]!, handle)) {
      const version = versionAt(pages, handle);
      const previous = handles[kept - 1]!;
      if (!appendMode) {
        // In one record the later row wins, whatever the horizon: the record is atomic.
        const repeats =
          kept > groupStart &&
          versionAt(pages, previous) === version &&
          isTombstoneAt(pages, previous) === isTombstone;
        if (version <= horizon) kept = groupStart;
        else if (repeats) kept--;
      } else if (isTombstone && version <= horizon) {
        kept = groupStart;
      }
    } else {
      groupStart = kept;
    }
    handles[kept++] = handle;
    if (index % STEP_ROWS === 0 && pacer.spend(STEP_ROWS * 3)) await pacer.turn();
  }
  return kept;
}

function sameIdentity(pages: readonly Page[], a: number, b: number): boolean {
  const order = compareIdentity(
    pages[a >>> HANDLE_SHIFT]!,
    a & HANDLE_ROW_MASK,
    pages[b >>> HANDLE_SHIFT]!,
    b & HANDLE_ROW_MASK,
  );
  return order === 0;
}

function versionAt(pages: readonly Page[], handle: number): number {
  return pages[handle >>> HANDLE_SHIFT]!.versions[handle & HANDLE_ROW_MASK]!;
}

function isTombstoneAt(pages: readonly Page[], handle: number): boolean {
  const { tombstones } = pages[handle >>> HANDLE_SHIFT]!;
  return tombstones !== null && tombstones[handle & HANDLE_ROW_MASK] === 1;
}

function minOf(blocks: readonly BlockInfo[]): bigint {
  return blocks.reduce(
    (min, block) => (block.timeMin < min ? block.timeMin : min),
    blocks[0]!.timeMin,
  );
}

function maxOf(blocks: readonly BlockInfo[]): bigint {
  return blocks.reduce(
    (max, block) => (block.timeMax > max ? block.timeMax : max),
    blocks[0]!.timeMax,
  );
}

function clip(spans: readonly TimeSpan[], to: TimeSpan): TimeSpan[] {
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
