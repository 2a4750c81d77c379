/**
 * Reading a run block by block, through a cache or into memory that is used again: blocks that the bounds rule out are not read; of the others first
 * the keys, and the wanted columns only where a row passes.
 */

import type { BlockCache } from './block-cache.js';
import type { BlockMemories } from './block-memories.js';
import { decodeBlockColumn, decodePackedBlock } from './block.js';
import { HiddenColumn } from './column-kind.js';
import { gatherPaced } from './gather.js';
import type { TimeSpan } from './interval-set.js';
import { blockKey } from './keys.js';
import type { Pacer } from './pacer.js';
import { Page, slicePage } from './page.js';
import type { KeyValueStore } from './ports.js';
import { ALL_ROWS } from './row-filter.js';
import type { Run } from './run.js';
import { mapSeries, type PageStream, type ScanSource, type SourceView } from './scan-source.js';
import { corruptKey } from './sealed-value.js';
import type { ColumnId, StoredColumn } from './table-schema.js';
import { VECTOR_ROWS_MAX, type Vector } from './vector.js';
import { freshMemory, type ScratchMemory, type VectorMemory } from './vector-memory.js';

/** Decoding costs about this much a value, in the pacer's units. */
const VALUE_UNITS = 1;

export interface RunReaderDeps {
  readonly kv: KeyValueStore;
  /** Null for a reader that comes but once. */
  readonly cache: BlockCache | null;
  readonly pacer: Pacer;
  /**
   * Where whole blocks are decoded to, read in order; null = each to arrays of its own. What is lent is the page that is handed out: where series
   * are renumbered, the one with the new numbers. Blocks read series by series have arrays of their own. Requires: no cache, which would
   * keep what is overwritten.
   */
  readonly memories: BlockMemories | null;
}

export class RunSource implements ScanSource {
  readonly rows: number;
  readonly span: TimeSpan;
  readonly seriesMin: number;
  readonly seriesMax: number;
  readonly suspects: readonly TimeSpan[];
  readonly tombstoneSpans: readonly TimeSpan[];
  readonly #run: Run;
  readonly #timeColumn: StoredColumn;
  readonly #deps: RunReaderDeps;

  constructor(run: Run, timeColumn: StoredColumn, deps: RunReaderDeps) {
    const { blocks } = run;
    this.rows = blocks.rows;
    this.span = { min: blocks.timeMin, max: blocks.timeMax };
    this.seriesMin = blocks.seriesMin;
    this.seriesMax = blocks.seriesMax;
    this.suspects = run.suspects;
    this.tombstoneSpans = run.tombstoneSpans;
    this.#run = run;
    this.#timeColumn = timeColumn;
    this.#deps = deps;
  }

  unsorted(view: SourceView): PageStream {
    return new RunBlocks(this.#run, this.#timeColumn, view, this.#deps);
  }

  sorted(view: SourceView): PageStream {
    if (view.seriesMap === null || isRising(view.seriesMap)) return this.unsorted(view);
    return new RunBySeries(this.#run, this.#timeColumn, view, view.seriesMap, this.#deps);
  }
}

/** Blocks in order, those that pass, one read ahead. */
class RunBlocks implements PageStream {
  readonly #run: Run;
  readonly #timeColumn: StoredColumn;
  readonly #view: SourceView;
  readonly #deps: RunReaderDeps;
  #next = 0;
  #ahead: Promise<LoadedPage | null> | null = null;

  constructor(run: Run, timeColumn: StoredColumn, view: SourceView, deps: RunReaderDeps) {
    this.#run = run;
    this.#timeColumn = timeColumn;
    this.#view = view;
    this.#deps = deps;
  }

  async next(): Promise<Page | null> {
    for (;;) {
      const loading = this.#ahead ?? this.#start();
      if (loading === null) return null;
      this.#ahead = null;
      const loaded = await loading;
      this.#ahead = this.#start();
      // A reader may stop before it asks for this one: its failure is then nobody's.
      this.#ahead?.catch(() => undefined);
      if (loaded === null) continue;
      const { page, memory } = loaded;
      const mapped = mapSeries(page, this.#view.seriesMap);
      mapped.normalizeTimes(this.#timeColumn.precision);
      // The page that is handed out is the one that is held.
      if (memory !== null) this.#deps.memories?.lend(mapped, memory);
      return mapped;
    }
  }

  /** Begins to load the next block that may pass; null = no more. */
  #start(): Promise<LoadedPage | null> | null {
    const { blocks } = this.#run;
    const { filter } = this.#view;
    while (this.#next < blocks.count) {
      const block = this.#next++;
      const seriesMin = blocks.seriesMinOf(block);
      const seriesMax = blocks.seriesMaxOf(block);
      const [timeMin, timeMax] = [blocks.timeMinOf(block), blocks.timeMaxOf(block)];
      if (!filter.mayPass(timeMin, timeMax, seriesMin, seriesMax)) continue;
      return this.#load(block);
    }
    return null;
  }

  async #load(block: number): Promise<LoadedPage | null> {
    const { blocks } = this.#run;
    const { memories } = this.#deps;
    const [timeMin, timeMax] = [blocks.timeMinOf(block), blocks.timeMaxOf(block)];
    // Of a block that does not pass as a whole, few rows would keep the memory of all.
    const isWhole = this.#view.filter.takesWhole(timeMin, timeMax, blocks.versionMinOf(block));
    const memory = isWhole && memories !== null ? memories.take() : null;
    const page = await loadFiltered(
      this.#run,
      block,
      this.#timeColumn,
      this.#view,
      this.#deps,
      memory ?? freshMemory,
    );
    return page === null ? null : { page, memory };
  }
}

/** A page, and the memory in which it lies; null = arrays of its own. */
interface LoadedPage {
  readonly page: Page;
  readonly memory: ScratchMemory | null;
}

/**
 * For a part whose series ids are numbered in another order than the output's: series by series in the output's order.
 * A block is decoded once and found in the cache for its other series.
 */
class RunBySeries implements PageStream {
  readonly #run: Run;
  readonly #timeColumn: StoredColumn;
  readonly #view: SourceView;
  readonly #seriesMap: Uint32Array;
  readonly #deps: RunReaderDeps;
  /** Local ids by rising output id. */
  readonly #order: readonly number[];
  #next = 0;
  readonly #queue: Page[] = [];

  constructor(
    run: Run,
    timeColumn: StoredColumn,
    view: SourceView,
    seriesMap: Uint32Array,
    deps: RunReaderDeps,
  ) {
    this.#run = run;
    this.#timeColumn = timeColumn;
    this.#view = view;
    this.#seriesMap = seriesMap;
    this.#deps = deps;
    const order: number[] = [];
    const { seriesMin, seriesMax } = run.blocks;
    for (let series = seriesMin; series <= seriesMax; series++) order.push(series);
    this.#order = order.sort((a, b) => seriesMap[a]! - seriesMap[b]!);
  }

  async next(): Promise<Page | null> {
    for (;;) {
      const queued = this.#queue.shift();
      if (queued !== undefined) {
        const mapped = mapSeries(queued, this.#seriesMap);
        mapped.normalizeTimes(this.#timeColumn.precision);
        return mapped;
      }
      const series = this.#order[this.#next++];
      if (series === undefined) return null;
      await this.#queueSeries(series);
    }
  }

  async #queueSeries(series: number): Promise<void> {
    const { blocks } = this.#run;
    const { filter } = this.#view;
    for (let block = 0; block < blocks.count; block++) {
      if (blocks.seriesMinOf(block) > series || blocks.seriesMaxOf(block) < series) continue;
      const [timeMin, timeMax] = [blocks.timeMinOf(block), blocks.timeMaxOf(block)];
      if (!filter.mayPass(timeMin, timeMax, series, series)) continue;
      const page = await loadFiltered(
        this.#run,
        block,
        this.#timeColumn,
        this.#view,
        this.#deps,
        freshMemory,
      );
      if (page === null) continue;
      const from = lowerBound(page.series, page.length, series);
      const to = lowerBound(page.series, page.length, series + 1);
      if (from < to) this.#queue.push(slicePage(page, from, to));
    }
  }
}

/** The block's rows that pass, with the wanted columns, in `memory`; null when none does. */
async function loadFiltered(
  run: Run,
  block: number,
  timeColumn: StoredColumn,
  view: SourceView,
  deps: RunReaderDeps,
  memory: VectorMemory,
): Promise<Page | null> {
  const { blocks } = run;
  const wanted = view.columns.map((id) => (id !== null && run.hasRowValues(id, block) ? id : null));
  const keyIds: ColumnId[] = [HiddenColumn.series, timeColumn.id, HiddenColumn.version];
  if (blocks.blockHasTombstones(block)) keyIds.push(HiddenColumn.tombstone);
  if (run.appendMode) keyIds.push(HiddenColumn.ordinal);
  const valueIds = wanted.filter((id) => id !== null);
  const takesAll = view.filter.allPass(blocks.timeMinOf(block), blocks.timeMaxOf(block));
  const columnIds = [...new Set([...keyIds, ...valueIds])];
  const loaded = new Map<ColumnId, Vector>();
  await loadColumns(run, block, takesAll ? columnIds : keyIds, deps, memory, loaded);
  const keyPage = keyPageOf(run, block, timeColumn, loaded, memory);
  const bounds = boundsOf(keyPage, run, block);
  const selection = memory.uint32(VECTOR_ROWS_MAX);
  const count = view.filter.select(keyPage, bounds, selection);
  if (count === 0) return null;
  await loadColumns(run, block, columnIds, deps, memory, loaded);
  const columns = wanted.map((id) => (id === null ? null : (loaded.get(id) ?? null)));
  const page = withColumns(keyPage, columns);
  if (count === ALL_ROWS) return page;
  return (await gatherPaced([page], selection, 0, count, deps.pacer)).page;
}

/** Adds the columns that are not among the loaded ones. */
async function loadColumns(
  run: Run,
  block: number,
  columnIds: readonly ColumnId[],
  { kv, cache, pacer }: RunReaderDeps,
  memory: VectorMemory,
  loaded: Map<ColumnId, Vector>,
): Promise<void> {
  const rows = run.blocks.rowsOf(block);
  const missing: ColumnId[] = [];
  for (const id of columnIds) {
    if (loaded.has(id)) continue;
    const cached = cache === null ? null : cache.get(run.id, id, block);
    if (cached === null) missing.push(id);
    else loaded.set(id, cached);
  }
  if (missing.length === 0) return;
  if (run.blocks.isPacked(block)) {
    const key = blockKey(run.id, HiddenColumn.packed, block);
    const decoded = decodePackedBlock(key, await kv.get(key), rows, missing, memory);
    for (const [id, vector] of decoded) {
      cache?.put(run.id, id, block, vector);
      loaded.set(id, vector);
    }
    return;
  }
  const keys = missing.map((id) => blockKey(run.id, id, block));
  const values = await kv.getMany(keys);
  for (let index = 0; index < missing.length; index++) {
    const vector = decodeBlockColumn(keys[index]!, values[index], rows, memory);
    cache?.put(run.id, missing[index]!, block, vector);
    loaded.set(missing[index]!, vector);
    if (pacer.spend(rows * VALUE_UNITS)) await pacer.turn();
  }
}

/** The keys of a block's rows. */
function keyPageOf(
  run: Run,
  block: number,
  timeColumn: StoredColumn,
  columns: ReadonlyMap<ColumnId, Vector>,
  memory: VectorMemory,
): Page {
  const time = columns.get(timeColumn.id)!;
  if (time.kind !== 'time') {
    throw corruptKey(blockKey(run.id, timeColumn.id, block), 'the time column holds no times');
  }
  const length = run.blocks.rowsOf(block);
  const integers = (id: ColumnId): Uint32Array => {
    const target = memory.uint32(length);
    target.set(numbers(run, block, columns, id).subarray(0, length));
    return target;
  };
  const tombstones = columns.has(HiddenColumn.tombstone) ? memory.uint8(length) : null;
  tombstones?.set(numbers(run, block, columns, HiddenColumn.tombstone).subarray(0, length));
  return new Page({
    length,
    series: integers(HiddenColumn.series),
    base: time.base,
    times: time.offsets,
    versions: numbers(run, block, columns, HiddenColumn.version),
    tombstones,
    ordinals: columns.has(HiddenColumn.ordinal) ? integers(HiddenColumn.ordinal) : null,
    columns: [],
  });
}

/** The same rows and keys with these columns. */
function withColumns(page: Page, columns: readonly (Vector | null)[]): Page {
  const { length, series, base, times, versions, tombstones, ordinals } = page;
  return new Page({ length, series, base, times, versions, tombstones, ordinals, columns });
}

function numbers(
  run: Run,
  block: number,
  columns: ReadonlyMap<ColumnId, Vector>,
  id: ColumnId,
): Float64Array {
  const vector = columns.get(id)!;
  if (vector.kind !== 'number')
    throw corruptKey(blockKey(run.id, id, block), 'it holds no numbers');
  return vector.values;
}

function boundsOf(
  page: Page,
  { blocks }: Run,
  block: number,
): { timeMin: number; timeMax: number; versionMin: number } {
  return {
    timeMin: Number(blocks.timeMinOf(block) - page.base),
    timeMax: Number(blocks.timeMaxOf(block) - page.base),
    versionMin: blocks.versionMinOf(block),
  };
}

function isRising(seriesMap: Uint32Array): boolean {
  for (let series = 1; series < seriesMap.length; series++) {
    if (seriesMap[series]! < seriesMap[series - 1]!) return false;
  }
  return true;
}

function lowerBound(series: Uint32Array, length: number, wanted: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (series[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
