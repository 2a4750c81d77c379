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
  /** Null = all times. */
  readonly suspects: readonly TimeSpan[] | null;
  readonly tombstoneSpans: readonly TimeSpan[];
  /** One id for each partition that the rows may be in. */
  readonly runIds: RunIds;
}

export interface FlushJob {
  readonly kind: 'flush';
  /** Stable horizon. */
  readonly horizon: number;
  readonly tables: readonly FlushTable[];
}

export type BackgroundJob = FlushJob;

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
