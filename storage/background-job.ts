/**
 * Work that is done beside the main thread, as plain data: a job and its result can be posted to another thread. Rows of memtables
 * lie in shared memory, so a job only names them.
 *
 * A job writes blocks, in synced batches, under run ids that were set aside for it. What it wrote counts for nothing until the
 * manifest names it, and that is the main thread's last batch.
 */

import type { TimeSpan } from './interval-set.js';
import type { PageParts } from './page.js';
import type { StoredColumn, TableId } from './table-schema.js';

/** The first of `count` run ids that only this job uses. */
export interface RunIds {
  readonly first: number;
  readonly count: number;
}

/** One table's memtable. */
export interface FlushTable {
  readonly tableId: TableId;
  readonly appendMode: boolean;
  readonly mergeFields: boolean;
  readonly partitionMs: number;
  /** Rows at or before this time have expired and are not written; null = none has. */
  readonly expiredThrough: bigint | null;
  /** Fraction digits of the time column. */
  readonly precision: number;
  /** Row columns of the runs to write; the pages' columns are these. */
  readonly columns: readonly StoredColumn[];
  /** Chunks in order of arrival, over shared memory. Nothing writes to them any more. */
  readonly pages: readonly PageParts[];
  readonly blockRows: number;
  /** Times at which a row may share its identity with an older one that a run has. What the rows here share, the flush sees. */
  readonly suspects: readonly TimeSpan[];
  /** One id for each partition that the rows may be in. */
  readonly runIds: RunIds;
}

export interface FlushJob {
  readonly kind: 'flush';
  /** Stable horizon. */
  readonly horizon: number;
  readonly tables: readonly FlushTable[];
}

/** A range tombstone as a worker can apply it: it has no dictionary to ask which series match. */
export interface JobTombstone {
  readonly version: number;
  /** Inclusive; null = open. */
  readonly timeMin: bigint | null;
  readonly timeMax: bigint | null;
  /** By series id, 1 = its tags match; null = all series. */
  readonly mask: Uint8Array | null;
}

/** Joins runs of one table and partition. */
export interface CompactionJob {
  readonly kind: 'compaction';
  readonly tableId: TableId;
  readonly partition: number;
  readonly appendMode: boolean;
  readonly mergeFields: boolean;
  readonly timeColumn: StoredColumn;
  /** Row columns of the runs to write: all that any input has, and perhaps more. */
  readonly columns: readonly StoredColumn[];
  /** Named by the manifest on disk for as long as the job runs. */
  readonly inputs: readonly number[];
  /** True: they are all runs of the partition, so an identity's older rows are here or nowhere. */
  readonly isWhole: boolean;
  /** Stable horizon, or lower where not every tombstone below it is listed. */
  readonly horizon: number;
  /** See ReductionRules. */
  readonly settledHorizon: number;
  /** All range tombstones at or below the horizon that may kill rows of the inputs. */
  readonly tombstones: readonly JobTombstone[];
  /** Rows at or before this time have expired; null = none has. */
  readonly expiredThrough: bigint | null;
  /** A run that has reached this size is followed by another one. */
  readonly runBytes: number;
  readonly runIds: RunIds;
}

export type BackgroundJob = FlushJob | CompactionJob;

/** A run that was written: its entry in the manifest, encoded. */
export interface WrittenRun {
  readonly id: number;
  readonly entry: Uint8Array;
}

export interface JobResult {
  readonly runs: readonly WrittenRun[];
  /** Rows read and rows that stayed. */
  readonly rowsIn: number;
  readonly rowsOut: number;
  /** Keys and values written. */
  readonly bytesOut: number;
}
