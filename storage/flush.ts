/**
 * Turning memtables into runs: sort, drop what is overwritten for good, cut into partitions and blocks, encode, write.
 *
 * Runs in a worker thread, or in paces on the main thread where there is none. Blocks go out in synced batches; the manifest
 * that names them is the main thread's, and comes last.
 *
 * Columns are brought into order and encoded one at a time (scattered-columns.ts), so what a flush needs beside the memtable is one column, the keys of
 * all rows, and the encoded blocks. A table whose time bases differ from chunk to chunk is rare and goes block by block.
 */

import type { ArrayLease } from './array-pool.js';
import type { FlushJob, FlushTable, JobResult, WrittenRun } from './background-job.js';
import { BlockEncoder } from './block.js';
import { type BlockInfo, hullOfBlocks } from './block-directory.js';
import { partitionRows, placeRows, type RowPlaces, sortByPlace } from './flush-order.js';
import { boundPartitions, withoutExpired } from './flush-partitions.js';
import { gatherPaced } from './gather.js';
import { gatherColumn } from './gather-column.js';
import type { JobDeps } from './job-deps.js';
import type { Pacer } from './pacer.js';
import { HANDLE_SHIFT, Page, sliceVector } from './page.js';
import { joinSpans } from './interval-set.js';
import { clipSpans, encodeRun, type RunParts } from './run.js';
import { ColumnScatter, type ColumnShape, shapeOf } from './scattered-columns.js';
import { SeveralTimes } from './several-times.js';
import { SyncedBatches } from './synced-batches.js';
import { ColumnRole } from './table-schema.js';
import type { Vector } from './vector.js';

/** A value scattered or encoded costs about this much, in the pacer's units. */
const VALUE_UNITS = 2;

/** Rows `from..to-1` of a partition, to become one block. */
interface BlockSpan {
  readonly from: number;
  readonly to: number;
}

interface Partition {
  readonly partition: number;
  /** Rows that stay. */
  readonly rows: number;
  readonly several: SeveralTimes;
}

/** Writes all runs of the job; the manifest does not name them yet. */
export async function flushTables(job: FlushJob, deps: JobDeps): Promise<JobResult> {
  const batches = new SyncedBatches(deps.kv);
  const runs: WrittenRun[] = [];
  let rowsIn = 0;
  let rowsOut = 0;
  for (const table of job.tables) {
    const memory = deps.arrays.lease();
    try {
      for (const run of await flushTable(table, job.horizon, batches, memory, deps)) {
        runs.push({ id: run.header.id, entry: encodeRun(run) });
        for (const block of run.blocks) rowsOut += block.rows;
      }
    } finally {
      memory.release();
    }
    for (const page of table.pages) rowsIn += page.length;
  }
  await batches.flush();
  return { runs, rowsIn, rowsOut, bytesOut: batches.totalBytes };
}

async function flushTable(
  table: FlushTable,
  horizon: number,
  batches: SyncedBatches,
  memory: ArrayLease,
  deps: JobDeps,
): Promise<RunParts[]> {
  const { pacer } = deps;
  const pages = table.pages.map((parts) => new Page(parts));
  // Offsets from one base are compared as they are.
  const isSameBase = pages.every((page) => page.base === pages[0]!.base);
  if (!isSameBase) {
    for (const page of pages) {
      page.normalizeTimes(table.precision);
      if (pacer.spend(page.length)) await pacer.turn();
    }
  }
  const { appendMode, mergeFields, partitionMs, precision } = table;
  const rules = { appendMode, mergeFields, horizon, settledHorizon: 0 };
  const leftOut = pages.reduce((sum, page) => sum + page.length, 0);
  const place = memory.uint32(pages.length << HANDLE_SHIFT);
  const places = { place, series: memory.uint32(leftOut), leftOut };
  const found = await partitionRows(pages, partitionMs, precision, pacer);
  const left = withoutExpired(found, pages, table.expiredThrough);
  if (left !== found) place.fill(leftOut);
  const partitions: Partition[] = [];
  let rows = 0;
  for (const part of boundPartitions(left)) {
    deps.checkStopped();
    const several = new SeveralTimes();
    const kept = await placeRows(pages, part.rows, places, rows, rules, several, memory, pacer);
    partitions.push({ partition: part.partition, rows: kept, several });
    rows += kept;
  }
  const shapes = table.columns.map((_, column) => shapeOf(pages, column));
  const isOneBase = isSameBase && shapes.every((shape) => shape.kind !== 'mixed-bases');
  const order =
    !isOneBase || shapes.some(({ kind }) => kind === 'strings')
      ? await handlesInOrder(pages, places, rows, memory, pacer)
      : null;
  const sorted = { places, rows, order };
  const blocks = isOneBase
    ? await encodeByColumn(table, pages, partitions, shapes, sorted, batches, memory, deps)
    : await encodeByBlock(table, pages, partitions, order!, batches, deps);
  return partitions.flatMap((part, index) =>
    part.rows === 0 ? [] : [runOf(table, part, index, blocks[index]!)],
  );
}

/** All rows that stay, of all partitions. */
interface SortedRows {
  readonly places: RowPlaces;
  readonly rows: number;
  /** Their handles; null where nothing needs them. */
  readonly order: Uint32Array | null;
}

/** Blocks of a run as they were written, and their bytes. */
interface WrittenBlocks {
  readonly infos: BlockInfo[];
  sizeBytes: number;
}

function runOf(
  table: FlushTable,
  { partition, several }: Partition,
  index: number,
  blocks: WrittenBlocks,
): RunParts {
  const { tableId, appendMode, columns } = table;
  const header = { id: table.runIds.first + index, tableId, partition, appendMode, columns };
  const span = hullOfBlocks(blocks.infos);
  const suspects = joinSpans([
    ...clipSpans(table.suspects, span),
    ...clipSpans(several.spans(), span),
  ]);
  const tombstoneSpans = clipSpans(several.tombstoneSpans(), span);
  const { infos, sizeBytes } = blocks;
  return { header, blocks: infos, suspects, tombstoneSpans, sizeBytes };
}

/** What is to become a block: its keys are in order, its columns come one by one. */
interface OpenBlock {
  /** Number of its run in the table's job. */
  readonly run: number;
  readonly span: BlockSpan;
  /** Filled column by column, each just before it is encoded. */
  readonly columns: (Vector | null)[];
  readonly encoder: BlockEncoder;
}

/** In steps that are functions of their own: as one it was so large that compiling it took longer than a flush does. */
async function encodeByColumn(
  table: FlushTable,
  pages: readonly Page[],
  partitions: readonly Partition[],
  shapes: readonly ColumnShape[],
  sorted: SortedRows,
  batches: SyncedBatches,
  memory: ArrayLease,
  deps: JobDeps,
): Promise<WrittenBlocks[]> {
  const { pacer } = deps;
  const { places, rows, order } = sorted;
  const scatter = new ColumnScatter(pages, places, rows, memory);
  const times = scatter.numbers((page) => page.times);
  const open = await openBlocks(table, pages, partitions, sorted, times, scatter, pacer);
  for (const [column, shape] of shapes.entries()) {
    deps.checkStopped();
    const whole = wholeColumn(table, column, shape, scatter, pages, times, rows);
    if (pacer.spend(rows * VALUE_UNITS)) await pacer.turn();
    const valuesOf = ({ from, to }: BlockSpan): Vector | null => {
      if (whole !== null) return sliceVector(whole, from, to);
      return shape.kind === 'strings' ? gatherColumn(pages, order!, from, to, column, 0n) : null;
    };
    await encodeColumnOf(open, column, valuesOf, pacer);
  }
  return writeBlocks(table, partitions, open, batches, deps);
}

async function openBlocks(
  table: FlushTable,
  pages: readonly Page[],
  partitions: readonly Partition[],
  { places, rows: allRows }: SortedRows,
  times: Float64Array,
  scatter: ColumnScatter,
  pacer: Pacer,
): Promise<OpenBlock[]> {
  const { appendMode, blockRows } = table;
  const { series } = places;
  const versions = scatter.numbers((page) => page.versions);
  const tombstones = scatter.tombstones();
  const ordinals = appendMode ? scatter.integers((page) => page.ordinals!) : null;
  if (pacer.spend(allRows * 3 * VALUE_UNITS)) await pacer.turn();
  const columnIds = table.columns.map((column) => column.id);
  const open: OpenBlock[] = [];
  let runStart = 0;
  for (const [run, { rows }] of partitions.entries()) {
    for (const span of blockSpans(runStart, runStart + rows, blockRows)) {
      const { from, to } = span;
      const columns: (Vector | null)[] = table.columns.map(() => null);
      const flags = tombstones?.subarray(from, to) ?? null;
      const page = new Page({
        length: to - from,
        series: series.subarray(from, to),
        base: pages[0]!.base,
        times: times.subarray(from, to),
        versions: versions.subarray(from, to),
        tombstones: flags?.includes(1) === true ? flags : null,
        ordinals: ordinals?.subarray(from, to) ?? null,
        columns,
      });
      open.push({ run, span, columns, encoder: new BlockEncoder(page, columnIds, appendMode) });
      if (pacer.spend((to - from) * VALUE_UNITS * 2)) await pacer.turn();
    }
    runStart += rows;
  }
  return open;
}

async function encodeColumnOf(
  open: readonly OpenBlock[],
  column: number,
  valuesOf: (span: BlockSpan) => Vector | null,
  pacer: Pacer,
): Promise<void> {
  for (const { span, columns, encoder } of open) {
    columns[column] = valuesOf(span);
    encoder.step();
    columns[column] = null;
    if (pacer.spend((span.to - span.from) * VALUE_UNITS)) await pacer.turn();
  }
}

async function writeBlocks(
  table: FlushTable,
  partitions: readonly Partition[],
  open: readonly OpenBlock[],
  batches: SyncedBatches,
  deps: JobDeps,
): Promise<WrittenBlocks[]> {
  const { pacer } = deps;
  const written = partitions.map((): WrittenBlocks => ({ infos: [], sizeBytes: 0 }));
  for (const { run, encoder } of open) {
    deps.checkStopped();
    await writeBlock(encoder, table.runIds.first + run, written[run]!, batches);
    if (pacer.spend(table.blockRows)) await pacer.turn();
  }
  return written;
}

/** Null where there is nothing to be brought into order at once. */
function wholeColumn(
  table: FlushTable,
  column: number,
  shape: ColumnShape,
  scatter: ColumnScatter,
  pages: readonly Page[],
  times: Float64Array,
  rows: number,
): Vector | null {
  if (table.columns[column]!.role === ColumnRole.time) {
    return { kind: 'time', length: rows, base: pages[0]!.base, offsets: times, nulls: null };
  }
  if (shape.kind === 'absent' || shape.kind === 'strings') return null;
  return scatter.column(column, shape);
}

async function encodeByBlock(
  table: FlushTable,
  pages: readonly Page[],
  partitions: readonly Partition[],
  order: Uint32Array,
  batches: SyncedBatches,
  deps: JobDeps,
): Promise<WrittenBlocks[]> {
  const { pacer } = deps;
  const columnIds = table.columns.map((column) => column.id);
  const written: WrittenBlocks[] = [];
  let at = 0;
  for (const [run, { rows }] of partitions.entries()) {
    const blocks: WrittenBlocks = { infos: [], sizeBytes: 0 };
    for (const runEnd = at + rows; at < runEnd;) {
      deps.checkStopped();
      const end = Math.min(at + table.blockRows, runEnd);
      const { page, taken } = await gatherPaced(pages, order, at, end, pacer);
      at += taken;
      const encoder = new BlockEncoder(page, columnIds, table.appendMode);
      while (encoder.step()) if (pacer.spend(taken * VALUE_UNITS)) await pacer.turn();
      await writeBlock(encoder, table.runIds.first + run, blocks, batches);
    }
    written.push(blocks);
  }
  return written;
}

async function writeBlock(
  encoder: BlockEncoder,
  runId: number,
  blocks: WrittenBlocks,
  batches: SyncedBatches,
): Promise<void> {
  const { operations, info } = encoder.finish(runId, blocks.infos.length);
  blocks.infos.push(info);
  for (const operation of operations) {
    if (operation.type === 'put') blocks.sizeBytes += operation.key.length + operation.value.length;
  }
  await batches.add(operations);
}

function* blockSpans(from: number, to: number, blockRows: number): Generator<BlockSpan> {
  for (let at = from; at < to; at += blockRows)
    yield { from: at, to: Math.min(at + blockRows, to) };
}

/** All rows that stay, in order. */
async function handlesInOrder(
  pages: readonly Page[],
  { place, leftOut }: RowPlaces,
  rows: number,
  memory: ArrayLease,
  pacer: Pacer,
): Promise<Uint32Array> {
  const order = memory.uint32(leftOut + 1);
  for (const [number, { length }] of pages.entries()) {
    const first = number << HANDLE_SHIFT;
    sortByPlace(order, place, 0, first, first + length);
    if (pacer.spend(length * VALUE_UNITS)) await pacer.turn();
  }
  return order.subarray(0, rows);
}
