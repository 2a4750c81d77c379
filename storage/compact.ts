/**
 * Joining runs of one partition: a merge of streams that keeps two blocks of each input in memory, drops what can never be read again,
 * and writes full blocks.
 *
 * Dropped are: rows that a newer version at or below the stable horizon overwrites; rows that a range tombstone at or below it killed, or
 * that have expired; tombstones that have nothing left to delete (row-reduction.ts). Where fields merge, an identity's rows
 * at or below the horizon become one. Everything above the horizon stays as it is.
 *
 * The times at which a reader must merge are counted anew when all runs of the partition are joined: only identities that still
 * have several rows, and tombstones, need it. Otherwise a partner may be in a run that was not looked at, and all of the inputs' stay.
 */

import type { CompactionJob, JobResult, JobTombstone } from './background-job.js';
import { BlockMemories } from './block-memories.js';
import { joinSpans, type TimeSpan } from './interval-set.js';
import type { JobDeps } from './job-deps.js';
import { runKey } from './keys.js';
import { DamagedBytesError } from './byte-reader.js';
import { MergeHeap } from './merge-heap.js';
import { IdentityGroups } from './identity-groups.js';
import type { Page } from './page.js';
import type { StampedTombstone } from './range-tombstone.js';
import { RowFilter } from './row-filter.js';
import { Run } from './run.js';
import { RunSource } from './run-source.js';
import { RunWriter } from './run-writer.js';
import { corruptKey, openValue } from './sealed-value.js';
import { SyncedBatches } from './synced-batches.js';
import { VECTOR_ROWS_MAX } from './vector.js';
import { ScratchMemory } from './vector-memory.js';

/** Blocks of long strings have fewer rows: about so many bytes in memory. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCK_ROWS_MIN = 64;
const ROW_UNITS = 4;
/** Rows merged before the pacer is asked. */
const STEP_ROWS = 4096;
/** Pages of a run in memory, on average, from which on it is looked whether all of them are needed. */
const LENT_PAGES_MAX = 4;

export async function compactRuns(job: CompactionJob, deps: JobDeps): Promise<JobResult> {
  const { kv, pacer } = deps;
  const runs: Run[] = [];
  for (const id of job.inputs) runs.push(await loadRun(id, deps));
  const memories = new BlockMemories();
  const view = {
    filter: filterOf(job),
    columns: job.columns.map((column) => column.id),
    seriesMap: null,
  };
  const streams = runs.map((run) =>
    new RunSource(run, job.timeColumn, { kv, cache: null, pacer, memories }).sorted(view),
  );
  const batches = new SyncedBatches(kv);
  const { tableId, partition, appendMode, columns } = job;
  const header = { tableId, partition, appendMode, columns };
  const writer = new RunWriter(header, job, { batches, pacer });
  const groups = new IdentityGroups(job);
  const blockRows = blockRowsFor(runs, job.columns.length);
  const heap = await MergeHeap.open(streams);
  const blockMemory = new ScratchMemory();

  const writeBlock = async (rows: number): Promise<void> => {
    deps.checkStopped();
    await writer.write(await groups.take(rows, pacer, blockMemory));
    blockMemory.reset();
    takeBackMemory(memories, heap, groups);
  };
  while (heap.next()) {
    const merged = mergeSome(heap, groups, blockRows);
    if (pacer.spend(merged.rows * ROW_UNITS)) await pacer.turn();
    // Before anything else: a page that is on its way is held by nobody yet.
    if (merged.turning !== undefined) await merged.turning;
    while (groups.settledCount >= blockRows) await writeBlock(blockRows);
    // Rows that are overwritten fill no block.
    if (memories.lentCount > runs.length * LENT_PAGES_MAX) {
      groups.rows.forgetUnused();
      takeBackMemory(memories, heap, groups);
    }
  }
  groups.endGroup();
  while (groups.settledCount > 0) await writeBlock(Math.min(blockRows, groups.settledCount));
  await batches.flush();
  return {
    runs: writer.finish(
      job.isWhole ? groups.several.spans() : spansOf(runs, (run) => run.suspects),
      job.isWhole ? groups.several.tombstoneSpans() : spansOf(runs, (run) => run.tombstoneSpans),
    ),
    rowsIn: runs.reduce((sum, run) => sum + run.blocks.rows, 0),
    rowsOut: writer.rows,
    bytesOut: batches.totalBytes,
  };
}

interface Merged {
  readonly rows: number;
  /** The page of one stream ends, and its next one is on its way. */
  readonly turning: Promise<void> | undefined;
}

/** Takes stretch after stretch, the heap's current one first, until there is something to wait for or to write. */
function mergeSome(heap: MergeHeap, groups: IdentityGroups, blockRows: number): Merged {
  let rows = 0;
  for (;;) {
    const { page, from, to } = heap;
    groups.addStretch(page, from, to);
    rows += to - from;
    const turning = heap.advance();
    const isFull = groups.settledCount >= blockRows || rows >= STEP_ROWS;
    if (turning !== undefined || isFull || !heap.next()) return { rows, turning };
  }
}

/** Memory of pages that nobody will look at again. */
function takeBackMemory(memories: BlockMemories, heap: MergeHeap, groups: IdentityGroups): void {
  const held = new Set<Page>();
  heap.holdPages(held);
  groups.holdPages(held);
  memories.takeBackAllBut(held);
}

async function loadRun(id: number, { kv }: JobDeps): Promise<Run> {
  const key = runKey(id);
  const payload = openValue(key, await kv.get(key));
  try {
    return Run.decode(id, payload);
  } catch (error) {
    if (error instanceof DamagedBytesError) throw corruptKey(key, error.message, error);
    throw error;
  }
}

function filterOf(job: CompactionJob): RowFilter {
  const masks = new Map<StampedTombstone, Uint8Array>();
  const stamped = job.tombstones.map((tombstone): StampedTombstone => {
    const one = stampedOf(job, tombstone);
    if (tombstone.mask !== null) masks.set(one, tombstone.mask);
    return one;
  });
  return new RowFilter({
    timeMin: job.expiredThrough === null ? null : job.expiredThrough + 1n,
    timeMax: null,
    excluded: [],
    only: null,
    mask: null,
    tombstones: stamped,
    series: { maskOf: (tombstone) => masks.get(tombstone)! },
  });
}

/** Its tags are already a mask; the filter only wants to know whether it has any. */
function stampedOf(
  job: CompactionJob,
  { version, timeMin, timeMax, mask }: JobTombstone,
): StampedTombstone {
  const tags = mask === null ? [] : [{ columnId: 0, values: [] }];
  return { tableId: job.tableId, version, timeMin, timeMax, tags };
}

function blockRowsFor(runs: readonly Run[], columns: number): number {
  let rows = 0;
  let sizeBytes = 0;
  for (const run of runs) {
    rows += run.blocks.rows;
    sizeBytes += run.sizeBytes;
  }
  // Numbers are small on disk and eight bytes in memory, strings about the same in both.
  const rowBytes = Math.max(sizeBytes / rows, columns * 8);
  const fitting = Math.floor(BLOCK_BYTES / rowBytes);
  return Math.min(VECTOR_ROWS_MAX, Math.max(BLOCK_ROWS_MIN, fitting));
}

function spansOf(runs: readonly Run[], of: (run: Run) => readonly TimeSpan[]): TimeSpan[] {
  return joinSpans(runs.flatMap((run) => [...of(run)]));
}
