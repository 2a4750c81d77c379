/** What background work has done since the start: for metrics. */

import type { JobResult } from './background-job.js';

export interface BackgroundCounts {
  /** Generations, rows and bytes that were flushed. */
  readonly flushes: number;
  readonly flushedRows: number;
  readonly flushedBytes: number;
  /** Jobs, rows read, rows that were not written again, and bytes written. */
  readonly compactions: number;
  readonly compactedRows: number;
  readonly compactionDroppedRows: number;
  readonly compactedBytes: number;
  /** Damaged runs that compaction met and left alone. */
  readonly damagedRuns: number;
}

export class BackgroundCounters {
  flushes = 0;
  flushedRows = 0;
  flushedBytes = 0;
  compactions = 0;
  compactedRows = 0;
  compactionDroppedRows = 0;
  compactedBytes = 0;

  addFlushJob({ rowsOut, bytesOut }: JobResult): void {
    this.flushedRows += rowsOut;
    this.flushedBytes += bytesOut;
  }

  addCompaction({ rowsIn, rowsOut, bytesOut }: JobResult): void {
    this.compactions += 1;
    this.compactedRows += rowsIn;
    this.compactionDroppedRows += rowsIn - rowsOut;
    this.compactedBytes += bytesOut;
  }

  withDamage(damagedRuns: number): BackgroundCounts {
    const { flushes, flushedRows, flushedBytes } = this;
    const { compactions, compactedRows, compactionDroppedRows, compactedBytes } = this;
    return {
      flushes,
      flushedRows,
      flushedBytes,
      compactions,
      compactedRows,
      compactionDroppedRows,
      compactedBytes,
      damagedRuns,
    };
  }
}
