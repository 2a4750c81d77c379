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
import { BlockCache } from './block-cache.js';
import { joinSpans, type TimeSpan } from './interval-set.js';
import type { JobDeps } from './job-deps.js';
import { runKey } from './keys.js';
import { DamagedBytesError } from './byte-reader.js';
import { MergeHeap } from './merge-heap.js';
import { IdentityGroups } from './identity-groups.js';
import type { StampedTombstone } from './range-tombstone.js';
import { RowFilter } from './row-filter.js';
import { Run } from './run.js';
import { RunSource } from './run-source.js';
import { RunWriter } from './run-writer.js';
import { corruptKey, openValue } from './sealed-value.js';
import { SyncedBatches } from './synced-batches.js';
import { VECTOR_ROWS_MAX } from './vector.js';

/** Blocks of long strings have fewer rows: about so many bytes in memory. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCK_ROWS_MIN = 64;
/** Keys of a block are decoded first where a filter applies, and found here when its other columns follow. */
const CACHE_BYTES = 4 * 1024 * 1024;
const ROW_UNITS = 4;

export async function compactRuns(job: CompactionJob, deps: JobDeps): Promise<JobResult> {
  const { kv, pacer } = deps;
  const runs: Run[] = [];
  for (const id of job.inputs) runs.push(await loadRun(id, deps));
  const cache = new BlockCache(CACHE_BYTES);
  const view = {
    filter: filterOf(job),
    columns: job.columns.map((column) => column.id),
    seriesMap: null,
  };
  const streams = runs.map((run) =>
    new RunSource(run, job.timeColumn, { kv, cache, pacer }).sorted(view),
  );
  const batches = new SyncedBatches(kv);
  const { tableId, partition, appendMode, columns } = job;
  const header = { tableId, partition, appendMode, columns };
  const writer = new RunWriter(header, job, { batches, pacer });
  const groups = new IdentityGroups(job);
  const blockRows = blockRowsFor(runs, job.columns.length);

  const heap = await MergeHeap.open(streams);
  while (heap.next()) {
    const { page, from, to } = heap;
    for (let row = from; row < to; row++) {
      if (groups.isNewIdentity(page, row)) {
        groups.endGroup();
        row = groups.pickSingles(page, row, to);
        while (groups.rows.count >= blockRows) {
          deps.checkStopped();
          await writer.write(await groups.rows.take(blockRows, pacer));
        }
      }
      groups.add(page, row);
    }
    if (pacer.spend((to - from) * ROW_UNITS)) await pacer.turn();
    const turning = heap.advance();
    if (turning !== undefined) await turning;
  }
  groups.endGroup();
  while (groups.rows.count > 0) {
    deps.checkStopped();
    await writer.write(await groups.rows.take(Math.min(blockRows, groups.rows.count), pacer));
  }
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
